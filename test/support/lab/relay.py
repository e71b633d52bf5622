"""A port that leads to another one as long as it is open: a server that can be down and come back."""

import contextlib
import socket
import threading

from .process import free_port


class Relay:
    def __init__(self, to: tuple[str, int]):
        self._to = to
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        self.port = free_port()

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Refuses connections from now on, and cuts those that there are."""
        if self._listener:
            self._shut(self._listener)
            self._listener = None
        for one in self._open:
            self._shut(one)
        self._open.clear()

    @staticmethod
    def _shut(one: socket.socket) -> None:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._to)
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    def _copy(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        self._shut(other)
