"""Stands between an operator and its Consul agent: passes everything on, but late, or swallows the answer to a request."""

import contextlib
import random
import socket
import threading
import time


class Meddler:
    def __init__(self, to: tuple[str, int], address: str):
        self._to = to
        self._listener = socket.create_server((address, 0))
        self.url = f"http://{address}:{self._listener.getsockname()[1]}"
        self.late = (0.0, 0.0)  # Every piece, each way: seconds between these two.
        self.swallowed = threading.Event()
        self._words: tuple[bytes, ...] = ()
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow_answer_to(self, *words: bytes) -> None:
        """The next request with all of these is carried out; its answer is lost, and its connection ends."""
        with self._lock:
            self._words = words

    def close(self) -> None:
        for one in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError):
            far = socket.create_connection(self._to, 5)
            far.settimeout(None)
            self._open += [near, far]
            swallows = threading.Event()
            threading.Thread(target=self._answers, args=(far, near, swallows), daemon=True).start()
            request = b""
            while data := near.recv(65_536):
                # A request comes in few pieces: its words may be in the last two.
                request = request[-65_536:] + data
                if self._is_meant(request):
                    swallows.set()
                time.sleep(random.uniform(*self.late))
                far.sendall(data)
            far.shutdown(socket.SHUT_RDWR)

    def _is_meant(self, request: bytes) -> bool:
        with self._lock:
            meant = bool(self._words) and all(word in request for word in self._words)
            if meant:
                self._words = ()
        return meant

    def _answers(self, far: socket.socket, near: socket.socket, swallows: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(65_536):
                if swallows.is_set():
                    self.swallowed.set()
                    break
                time.sleep(random.uniform(*self.late))
                near.sendall(data)
        for one in (near, far):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
