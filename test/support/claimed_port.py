"""Ports for servers that are about to start, chosen so that two tests which run beside each other never choose the same."""

import collections
import random
import socket

# Whoever starts a server binds its port moments later, so only the newest claims matter; the oldest are let go.
_claims: collections.deque = collections.deque(maxlen=256)


def claim(address: str, port: int) -> bool:
    """Whether the port is free there, and nobody else is about to use it. The claim is a name in the kernel's abstract
    namespace of unix sockets, shared with the tests in C++ (test/support/local_servers.cpp): it ends with this process."""
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0redis-operator-test-port-{port}")
        with socket.socket() as probe:
            probe.bind((address, port))
    except OSError:
        name.close()
        return False
    _claims.append(name)
    return True


def claimed_port(address: str, low: int, high: int, tries: int = 2000) -> int | None:
    """One between `low` and `high`, both included; None: there is none."""
    return next((port for port in (random.randint(low, high) for _ in range(tries)) if claim(address, port)), None)
