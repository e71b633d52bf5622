"""Stands between one operator and all that it reaches, counts what that does to the world, and kills it at a chosen point.

The operator runs on a host of its own (net.Link) and knows nothing of it: what it sends to any server is led here by nft, and
leaves the same host from here. Nobody else's packets pass.
"""

import contextlib
import ctypes
import os
import selectors
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from .effects import redis_effect, request_effect, request_end, resp_end, resp_words
from .net import SUBNET, Link, run
from .operator import Operator
from .process import Process, StartFailed, wait_until

_libc = ctypes.CDLL(None, use_errno=True)
_NEWNET = 0x40000000
_SO_MARK, _SO_ORIGINAL_DST = 36, 80
_OURS = 1  # The mark of what leaves from here.


@dataclass(frozen=True)
class Point:
    """Before: the effect never happens, nor does anything that was to follow. After: it happened, and no answer came."""

    side: str
    effect: str
    which: int = 1  # Of those of this name.

    def __str__(self) -> str:
        return f"{self.side} {self.effect}" + (f" (number {self.which})" if self.which > 1 else "")


class Struck(Exception):
    pass


class Checkpoint:
    def __init__(self, link: Link, web_ports: set[int]):
        """`web_ports`: of Consul and Nomad; every other one is a Redis."""
        self._link, self._web_ports = link, web_ports
        self.effects: list[str] = []  # In the order in which they were forwarded, or would have been.
        self._point: Point | None = None
        self._process: Process | None = None
        self._lock = threading.Lock()  # Of these three.
        self._selector = selectors.DefaultSelector()
        self._listener: socket.socket | None = None
        self._wakes, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._failure: BaseException | None = None
        self._thread.start()
        wait_until(f"the checkpoint of {link.name} listens", lambda: self._listener or self._failure, 10)
        self.check()
        run(*link.inside(), "nft", "-f", "-", text=f"""
            table ip checkpoint {{
              chain output {{
                type nat hook output priority -100;
                meta mark != {_OURS} ip daddr {SUBNET}.0/24 tcp dport 1-65535 redirect to :{self._listener.getsockname()[1]}
              }}
            }}
        """)  # fmt: skip

    def close(self) -> None:
        self._wake.close()
        self._thread.join(10)
        run(*self._link.inside(), "nft", "delete", "table", "ip", "checkpoint")

    # --- What a story says

    def let_in(self, start: Callable[[], Operator], point: Point | None = None) -> Operator:
        """The operator that `start` starts on this host: its effects are counted, and it dies at the point. Without one it
        lives."""
        with self._lock:
            operator = start()
            self._process = operator.process
            self.effects = []
            self._point = point
        return operator

    def watch(self, point: Point | None) -> None:
        """Of the same operator from now on."""
        with self._lock:
            self.effects = []
            self._point = point

    def until_struck(self, seconds: float = 20) -> None:
        """The operator was killed at the point."""
        deadline = time.monotonic() + seconds
        while self._process is not None:
            self.check()
            if time.monotonic() > deadline:
                raise StartFailed(f"not {self._point} within {seconds:g} s; what was done: {self.effects}")
            time.sleep(0.005)

    def check(self) -> None:
        """Raises when it has failed itself."""
        if self._failure:
            raise StartFailed(f"the checkpoint of {self._link.name} ended") from self._failure

    # --- What passes: one thread, so that nothing passes beside a kill

    def _run(self) -> None:
        try:
            with open(f"/run/netns/{self._link.name}") as namespace:
                if _libc.setns(namespace.fileno(), _NEWNET) != 0:  # Of this thread only.
                    raise OSError(ctypes.get_errno(), "setns")
            listener = socket.create_server(("127.0.0.1", 0), backlog=128)  # where nft redirects to
            self._selector.register(listener, selectors.EVENT_READ, self._accept)
            self._selector.register(self._wakes, selectors.EVENT_READ, None)
            self._listener = listener
            while True:
                for key, _ in self._selector.select():
                    if key.data is None:
                        return
                    if key.fileobj.fileno() >= 0:  # Else it was closed by what came before.
                        key.data()
        except BaseException as failure:  # noqa: BLE001: the story shall hear of it.
            self._failure = failure
        finally:
            self._close_all()
            if self._listener:
                self._listener.close()

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        with self._lock:
            if self._process is None:
                near.close()  # Of one who is dead.
                return
        to = near.getsockopt(socket.SOL_IP, _SO_ORIGINAL_DST, 16)
        endpoint = (socket.inet_ntoa(to[4:8]), struct.unpack("!H", to[2:4])[0])
        far = socket.socket()
        try:
            far.settimeout(5)
            far.setsockopt(socket.SOL_SOCKET, _SO_MARK, _OURS)
            far.connect(endpoint)
        except OSError:
            # The nearest to a refusal that is left to us.
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            near.close()
            far.close()
            return
        kind = _Web if endpoint[1] in self._web_ports else _Redis
        kind(self, self._selector, near, far)

    def begins(self, effect: str) -> Point:
        """It is about to be forwarded, where nobody dies of it. Returns the point behind it."""
        with self._lock:
            self.effects.append(effect)
            which = self.effects.count(effect)
        self.strike(Point("before", effect, which))
        return Point("after", effect, which)

    def strike(self, point: Point) -> None:
        """Raises Struck where the operator has died at this point: nothing passes any more, either way."""
        with self._lock:
            if self._point != point:
                return
            os.kill(self._process.pid, signal.SIGKILL)
            self._process = None
        self._close_all()
        raise Struck

    def _close_all(self) -> None:
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, _Side):
                key.data.of.close()


@dataclass
class _Side:
    """What the selector calls when bytes come from this side."""

    of: "_Crossing"
    read: Callable[[], None]

    def __call__(self) -> None:
        try:
            self.read()
        except OSError:
            self.of.close()
        except Struck:
            pass  # With all others it was closed.


class _Crossing:
    """One connection of the operator, and ours to the server that it wants."""

    def __init__(self, checkpoint: Checkpoint, selector: selectors.BaseSelector, near: socket.socket, far: socket.socket):
        self._checkpoint, self._selector, self._near, self._far = checkpoint, selector, near, far
        self.asked, self.answered = b"", b""
        self.waits = False  # For an answer.
        self._after: Point | None = None  # Where that arrives, of an effect.
        selector.register(near, selectors.EVENT_READ, _Side(self, self._from_near))
        selector.register(far, selectors.EVENT_READ, _Side(self, self._from_far))

    def close(self) -> None:
        for one in (self._near, self._far):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(one)
            one.close()

    def _from_near(self) -> None:
        self.asked += self._some(self._near)
        self.forward()

    def _from_far(self) -> None:
        self.answered += self._some(self._far)
        self.pass_on()

    @staticmethod
    def _some(side: socket.socket) -> bytes:
        if data := side.recv(65_536):
            return data
        raise ConnectionError("closed")

    def send(self, size: int, effect: str) -> None:
        """So much of what was asked, which is one request."""
        self._after = self._checkpoint.begins(effect) if effect else None
        self._far.sendall(self.asked[:size])
        self.asked = self.asked[size:]
        self.waits = True

    def give_back(self, size: int) -> None:
        """So much of what was answered."""
        if self._after:
            self._checkpoint.strike(self._after)
        self._near.sendall(self.answered[:size])
        self.answered = self.answered[size:]
        self._after, self.waits = None, False


class _Redis(_Crossing):
    """Commands come many at once: they are forwarded one by one, each when the answer to the one before it is here."""

    def forward(self) -> None:
        if not self.waits and (size := resp_end(self.asked)):
            self.send(size, redis_effect(resp_words(self.asked[:size])))

    def pass_on(self) -> None:
        if size := resp_end(self.answered):
            self.give_back(size)
            self.forward()


class _Web(_Crossing):
    """One request at a time. Where its answer has begun, it was carried out."""

    def forward(self) -> None:
        if size := request_end(self.asked):
            self.send(size, request_effect(self.asked[:size]))

    def pass_on(self) -> None:
        self.give_back(len(self.answered))
