"""Real redis-servers in cluster mode, and a way to ask many of them at once."""

import pathlib
import shutil
import socket

from .process import SERVERS, Process, free_port, wait_until


class RedisServer:
    def __init__(self, folder: pathlib.Path, address: str = "127.0.0.1", extra: tuple[str, ...] = ()):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.address = address
        self.port = free_port(address)
        self.bus_port = free_port(address)
        command = [
            str(SERVERS / "redis-server"), "--port", str(self.port), "--bind", address, "--cluster-enabled", "yes",
            "--cluster-port", str(self.bus_port), "--dir", str(folder), "--save", "", "--appendonly", "no",
            "--repl-diskless-sync-delay", "0", "--protected-mode", "no", *extra,
        ]  # fmt: skip
        self.process = Process(f"redis-server {self.port}", command, folder / "redis.log")

    def ask(self, *words: str, timeout: float = 2) -> str:
        """One command, one raw reply (RESP text)."""
        with socket.create_connection((self.address, self.port), timeout) as connection:
            connection.sendall(encode(*words))
            return read_reply(connection)

    def ready(self) -> bool:
        self.process.check()
        try:
            return "cluster_state" in self.ask("CLUSTER", "INFO")
        except OSError:
            return False

    def wait(self, seconds: float = 10) -> "RedisServer":
        wait_until(f"redis-server {self.port}", self.ready, seconds)
        return self


def encode(*words: str) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words)


def read_reply(connection: socket.socket) -> str:
    """Enough of RESP for bulk strings and one-line replies."""
    data = b""
    while b"\r\n" not in data:
        data += _more(connection)
    if data[:1] == b"$":
        head, _, rest = data.partition(b"\r\n")
        size = int(head[1:])
        while len(rest) < size + 2:
            rest += _more(connection)
        return rest[:size].decode()
    return data[1:].decode().strip()


def _more(connection: socket.socket) -> bytes:
    chunk = connection.recv(65536)
    if not chunk:
        raise ConnectionError("closed")
    return chunk
