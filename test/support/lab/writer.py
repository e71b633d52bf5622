"""A client that writes all the time, knows what was acknowledged, and reads it back."""

import contextlib
import threading
import time
from collections.abc import Iterable

import redis

from .witness import Endpoint

KEYS = 48


class Writer:
    """Writes a growing number to each of some keys, spread over all slots, in turn: one write at a time, each to who
    owned the key when it was last told. What was acknowledged is known to the client, so what is lost is known too."""

    def __init__(self, endpoints: Iterable[Endpoint], name: str = "w", pause: float = 0.01, timeout: float = 0.5):
        self._endpoints = list(endpoints)
        self._name, self._pause, self._timeout = name, pause, timeout
        self._connections: dict[Endpoint, redis.Redis] = {}
        self._owner: dict[str, Endpoint] = {}
        self.acknowledged: dict[str, int] = {}
        self._sent: dict[str, int] = {}
        self.written = 0
        self.refused: list[tuple[float, str]] = []
        self.longest_gap = 0.0  # Between two acknowledged writes.
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _run(self) -> None:
        number, last = 0, time.monotonic()
        while not self._stop.is_set():
            key = f"{self._name}:{number % KEYS}"
            number += 1
            self._sent[key] = number
            try:
                self._ask(key, "SET", number)
            except (redis.RedisError, OSError) as error:
                self.refused.append((time.monotonic(), f"{key}: {error}"))
            else:
                self.acknowledged[key] = number
                self.written += 1
                now = time.monotonic()
                self.longest_gap = max(self.longest_gap, now - last)
                last = now
            self._stop.wait(self._pause)

    def _ask(self, key: str, command: str, *words):
        at = self._owner.get(key, self._endpoints[0])
        for _ in range(4):
            try:
                answer = self._connection(at).execute_command(command, key, *words)
                self._owner[key] = at
                return answer
            except redis.exceptions.MovedError as moved:
                at = (moved.host, moved.port)
            except (redis.ConnectionError, OSError):
                self._owner[key] = self._endpoints[(self._endpoints.index(at) + 1) % len(self._endpoints)
                                                   if at in self._endpoints else 0]  # fmt: skip
                raise
        raise redis.RedisError("moved in circles")

    def _connection(self, at: Endpoint) -> redis.Redis:
        if at not in self._connections:
            self._connections[at] = redis.Redis(
                *at, decode_responses=True, socket_timeout=self._timeout, socket_connect_timeout=self._timeout,
                retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
            )  # fmt: skip
        return self._connections[at]

    def now_at(self, endpoints: Iterable[Endpoint]) -> None:
        """The instances are elsewhere now."""
        self._endpoints = list(endpoints)
        self._owner.clear()

    def wait_written(self, more: int = KEYS, seconds: float = 20) -> None:
        """So many more writes are acknowledged."""
        wanted, deadline = self.written + more, time.monotonic() + seconds
        while self.written < wanted:
            assert time.monotonic() < deadline, f"writes stand still; the last refusal: {self.refused[-1:]}"
            time.sleep(0.02)

    def lost(self) -> list[str]:
        """Keys whose acknowledged write is not there: to be asked after stop()."""
        gone = []
        for key, number in self.acknowledged.items():
            found = None
            for _ in range(20):  # An owner may have to be found first.
                with contextlib.suppress(redis.RedisError, OSError):
                    found = int(self._ask(key, "GET") or 0)
                    break
            if found is None or not number <= found <= self._sent[key]:
                gone.append(f"{key}: acknowledged {number}, found {found}")
        return gone

    def assert_nothing_lost(self) -> None:
        self.stop()
        assert self.acknowledged, "nothing was written"
        lost = self.lost()
        assert not lost, f"{len(lost)} acknowledged writes are lost: {lost[:5]}"

    def assert_never_refused(self) -> None:
        assert not self.refused, f"{len(self.refused)} writes failed; the first: {self.refused[0]}"
