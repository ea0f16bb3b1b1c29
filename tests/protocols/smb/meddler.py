"""A man in the middle of an SMB connection: it breaks the line, turns bits over, and lets the session expire where
nothing is signed."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

EXPIRED = 0xC000035C  #: STATUS_NETWORK_SESSION_EXPIRED
LONG = 1 << 16  #: octets
WRITE, READ = 9, 8  #: commands (MS-SMB2 s2.2.1.2)


class Meddler:
    """Listens on `port`, and hands everything on to a server."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.expire: dict[
            int, int
        ] = {}  #: command -> after how many more of its answers the session expires, once
        self.cut = 0  #: after how many more answers to writes the line is cut, once; 0: it is not
        self.flip = False  #: a bit of each long answer turns over
        self.expired = 0  #: how often it did
        self._lines: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self._end(*self._lines)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
                self._lines += [client, server]
                threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answers, args=(server, client), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                server.sendall(data)
        self._end(client, server)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                head = _exactly(server, 4)
                message = bytearray(_exactly(server, struct.unpack(">I", head)[0]))
                if message[:4] == b"\xfeSMB":
                    self._meddle(message)
                if self.flip and len(message) > LONG:
                    message[LONG] ^= 1
                client.sendall(head + message)
                if self.cut and _answers_write(message):
                    self.cut -= 1
                    if not self.cut:
                        break
        self._end(client, server)

    def _meddle(self, message: bytearray) -> None:
        (command,) = struct.unpack_from("<H", message, 12)
        if command in self.expire:
            self.expire[command] -= 1
            if self.expire[command] < 0:
                del self.expire[command]
                self.expired += 1
                struct.pack_into("<I", message, 8, EXPIRED)

    @staticmethod
    def _end(*lines: socket.socket) -> None:
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


def _answers_write(message: bytearray) -> bool:
    """Whether the server says that it has written something."""
    status, command = struct.unpack_from("<I", message, 8)[0], struct.unpack_from("<H", message, 12)[0]
    return message[:4] == b"\xfeSMB" and command == WRITE and status == 0


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data
