#!/usr/bin/env python3
"""From "all instances up and empty" to "every instance says cluster_state:ok": redis-operator against redis-cli.

Both in one run, in turn, on servers started the same way. Prints every run and the medians with their ratio.
"""

import argparse
import json
import pathlib
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from lab.consul import Consul  # noqa: E402
from lab.operator import Operator  # noqa: E402
from lab.process import SERVERS  # noqa: E402
from lab.redis_server import RedisServer, encode  # noqa: E402

PREFIX = "redis-operator/clusters/bench/"
# For 2 s after its start a primary does not look at the state of its cluster at all
# (CLUSTER_WRITABLE_DELAY in Redis' cluster.c): a floor that is neither's merit.
SETTLED_S = 3.0


class Witness:
    """Asks every instance for its state over kept connections, every 2 ms."""

    def __init__(self, servers: list[RedisServer]):
        self._connections = [socket.create_connection((s.address, s.port), 5) for s in servers]
        for connection in self._connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def until_all_ok(self, began: float, limit_s: float) -> float:
        question = encode("CLUSTER", "INFO")
        waiting = set(self._connections)
        while time.monotonic() - began < limit_s:
            for connection in waiting:
                connection.sendall(question)
            with selectors.DefaultSelector() as selector:
                for connection in waiting:
                    selector.register(connection, selectors.EVENT_READ)
                unanswered = set(waiting)
                while unanswered:
                    for key, _ in selector.select(5):
                        if b"cluster_state:ok" in key.fileobj.recv(65536):
                            waiting.discard(key.fileobj)
                        unanswered.discard(key.fileobj)
            if not waiting:
                return time.monotonic() - began
            time.sleep(0.002)
        raise SystemExit(f"{len(waiting)} instances are not ok after {limit_s} s")

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


def start_servers(folder: pathlib.Path, count: int) -> list[RedisServer]:
    servers = [RedisServer(folder / str(i)) for i in range(count)]
    for server in servers:
        server.wait()
    time.sleep(SETTLED_S)
    return servers


def by_redis_cli(servers: list[RedisServer], limit_s: float) -> float:
    witness = Witness(servers)
    addresses = [f"{s.address}:{s.port}" for s in servers]
    began = time.monotonic()
    with subprocess.Popen(
        [SERVERS / "redis-cli", "--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes"],
        stdout=subprocess.DEVNULL,
    ) as command:
        took = witness.until_all_ok(began, limit_s)
        command.wait(limit_s)
    witness.close()
    return took


def by_operator(servers: list[RedisServer], consul: Consul, operator: Operator, limit_s: float) -> float:
    service = f"bench-{servers[0].port}"
    for server in servers:
        consul.register(service, f"{service}-{server.port}", server.address, server.port)
    spec = {
        "version": 1, "mode": "cluster", "primaries": len(servers) // 2, "replicasPerPrimary": 1, "service": service,
    }  # fmt: skip
    witness = Witness(servers)
    began = time.monotonic()
    consul.put(PREFIX + "spec", json.dumps(spec).encode())
    took = witness.until_all_ok(began, limit_s)
    witness.close()
    deadline = time.monotonic() + limit_s
    while operator.cluster("bench").get("phase") != "Ready" and time.monotonic() < deadline:
        time.sleep(0.01)
    ready = time.monotonic() - began
    print(f"    spec written to Ready shown: {ready:.2f} s", flush=True)
    consul.call("DELETE", f"/v1/kv/{PREFIX}?recurse")
    for server in servers:
        consul.deregister(f"{service}-{server.port}")
    while operator.cluster("bench") and time.monotonic() < deadline:
        time.sleep(0.01)
    return took


def measure(count: int, runs: int, folder: pathlib.Path, consul: Consul, operator: Operator) -> None:
    times: dict[str, list[float]] = {"redis-operator": [], "redis-cli": []}
    for run in range(runs):
        for who, form in (
            ("redis-operator", lambda s: by_operator(s, consul, operator, 60)),
            ("redis-cli", lambda s: by_redis_cli(s, 120)),
        ):
            servers = start_servers(folder / f"{count}-{run}-{who}", count)
            try:
                times[who].append(form(servers))
            finally:
                for server in servers:
                    server.process.kill()
            print(f"  {count} instances, run {run + 1}, {who}: {times[who][-1]:.3f} s", flush=True)
    ours, theirs = (statistics.median(times[who]) for who in ("redis-operator", "redis-cli"))
    print(
        f"{count} instances: redis-operator {ours:.3f} s, redis-cli {theirs:.3f} s (medians of {runs}), "
        f"{theirs / ours:.1f} times as fast",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, nargs="+", default=[6, 30])
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rop-bench-") as name:
        folder = pathlib.Path(name)
        consul = Consul(folder / "consul").wait()
        operator = Operator(folder, consul.url).wait()
        try:
            for count in options.instances:
                measure(count, options.runs, folder, consul, operator)
        finally:
            operator.process.stop()
            consul.process.stop()


if __name__ == "__main__":
    main()
