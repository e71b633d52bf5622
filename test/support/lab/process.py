"""One process with a log of its own."""

import ctypes
import os
import pathlib
import signal
import subprocess
import time

from claimed_port import claimed_port

ROOT = pathlib.Path(__file__).resolve().parents[3]
# Where redis-server, redis-cli and consul are.
SERVERS = pathlib.Path(os.environ.get("ROP_SERVERS", ROOT / ".cache/servers/bin"))

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class StartFailed(RuntimeError):
    """A program did not come up; the message names it and its log."""


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port(address: str = "127.0.0.1") -> int:
    """A port nobody uses now, nor is about to. Taken from below the kernel's own range for outgoing connections, so that
    none of those takes it between now and its use."""
    port = claimed_port(address, 10_000, 19_999)
    if port is None:
        raise StartFailed(f"no free port on {address}")
    return port


def wait_until(what: str, check, seconds: float, every: float = 0.02):
    """The first true answer of `check`; StartFailed after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise StartFailed(f"{what}: not within {seconds:g} s")
        time.sleep(every)


def stop_all(processes: "list[Process]") -> None:
    """All at once, and none is left when this returns."""
    for process in processes:
        process.signal(signal.SIGTERM)
    for process in processes:
        process.stop()


class Process:
    """A program with its output in a file, ended by its pid."""

    def __init__(self, name: str, command: list[str], log: pathlib.Path, env: dict[str, str] | None = None):
        self.name = name
        self.log = log
        self._told_to_end = False
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                preexec_fn=_die_with_parent,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def check(self) -> None:
        if not self.alive():
            raise StartFailed(f"{self.name} ended with {self._process.returncode}; its log is {self.log}\n{self.tail()}")

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def signal(self, number: int) -> None:
        self._told_to_end |= number == signal.SIGTERM
        if self.alive():
            self._process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._process.wait(10)

    def stop(self, seconds: float = 10) -> int:
        """SIGTERM, unless it got that already (a second one ends an operator at once), and SIGKILL for those who do not
        hear it. Returns the exit code."""
        if not self._told_to_end:
            self.signal(signal.SIGTERM)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            return self._process.wait(10)
