"""Real redis-servers in cluster mode, and the few bytes of protocol that measuring needs."""

import pathlib
import shutil
import socket

from .process import SERVERS, Process, free_port, wait_until
from .secure import RedisTls


class RedisServer:
    """One server with a folder of its own. `settings` go on the command line, `secrets` into its configuration file."""

    def __init__(self, folder: pathlib.Path, address: str = "127.0.0.1", settings: dict | None = None,
                 secrets: dict | None = None, keep_data: bool = False, port: int = 0, bus_port: int = 0,
                 inside: list[str] | None = None, tls: RedisTls | None = None):  # fmt: skip
        """`inside`: what the command line begins with when it runs on a host of its own (net.Link). With `tls` it speaks
        that and nothing else, on its bus, too."""
        if not keep_data:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.address = address
        self.port = port or free_port(address)
        self.bus_port = bus_port or free_port(address)
        self._tls = tls
        self.password = (secrets or {}).get("requirepass", "")
        file = folder / "redis.conf"
        file.write_text("".join(f"{name} {value}\n" for name, value in (secrets or {}).items()))
        given = {
            "port": self.port, "bind": address, "cluster-enabled": "yes", "cluster-port": self.bus_port, "dir": folder,
            "save": "", "appendonly": "no", "repl-diskless-sync-delay": "0", "protected-mode": "no",
            **(tls.settings(self.port) if tls else {}), **(settings or {}),
        }  # fmt: skip
        command = [*(inside or []), str(SERVERS / "redis-server"), str(file)]
        for name, value in given.items():
            command += [f"--{name}", str(value)]
        self.process = Process(f"redis-server {self.port}", command, folder / "redis.log")

    @property
    def endpoint(self) -> tuple[str, int]:
        return self.address, self.port

    def alive(self) -> bool:
        return self.process.alive()

    def ask(self, *words: str, timeout: float = 2) -> str:
        """One command, one raw reply (RESP text)."""
        with self._connect(timeout) as connection:
            connection.sendall(encode(*words))
            return read_reply(connection)

    def _connect(self, timeout: float) -> socket.socket:
        plain = socket.create_connection(self.endpoint, timeout)
        return self._tls.context().wrap_socket(plain) if self._tls else plain

    def listens(self) -> bool:
        self.process.check()
        try:
            self.ask("PING")
            return True
        except OSError:
            return False

    def wait(self, seconds: float = 10) -> "RedisServer":
        wait_until(f"redis-server {self.port} (log: {self.process.log})", self.listens, seconds)
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
