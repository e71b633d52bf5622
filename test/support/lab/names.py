"""A name server that answers rightly, wrongly, or not at all. In the mount namespace that net.enter() made."""

import contextlib
import pathlib
import socket
import struct
import threading

from .net import SUBNET, run

PORT, TYPE_A = 53, 1


class Names:
    """Whom every process of the lab asks that is started from now on; it knows one address, for any name."""

    def __init__(self, folder: pathlib.Path):
        self.address = ""  # What it answers; empty: nothing, for ever.
        self.asked = self.answered = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((f"{SUBNET}.254", PORT))
        own = folder / "resolv.conf"
        own.write_text(f"nameserver {SUBNET}.254\noptions timeout:1 attempts:2\n")
        run("mount", "--bind", str(own), "/etc/resolv.conf")
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        run("umount", "/etc/resolv.conf")
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # Wakes the thread.
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                question, asker = self._socket.recvfrom(512)
                if not question:
                    return
                self.asked += 1
                if self.address:
                    self._socket.sendto(self._answer(question), asker)
                    self.answered += 1

    def _answer(self, question: bytes) -> bytes:
        end = question.index(b"\0", 12) + 5  # The name, its type and class.
        (kind,) = struct.unpack("!H", question[end - 4 : end - 2])
        found = kind == TYPE_A
        head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, int(found), 0, 0)
        record = struct.pack("!HHHIH", 0xC00C, TYPE_A, 1, 0, 4) + socket.inet_aton(self.address)
        return head + question[12:end] + (record if found else b"")
