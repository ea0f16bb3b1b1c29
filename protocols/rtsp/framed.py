"""The transport of a WebSocket, as the RTSP server sees it: what is written leaves in frames."""

from __future__ import annotations

import asyncio

from protocols.rtsp import websocket
from protocols.rtsp.websocket import Close


class Framed(asyncio.Transport):
    """Over the transport of the connection. Its limits, and who is told of them, stay those of the connection."""

    def __init__(self, below: asyncio.Transport) -> None:
        super().__init__()
        self._below = below
        self._frames = websocket.Frames()

    def received(self, data: bytes) -> websocket.Came:
        """Octets came from below. Pings are answered; what else there is to do is the caller's."""
        came = self._frames.receive(data)
        if came.pongs:
            self._below.write(came.pongs)
        return came

    def end(self, farewell: bytes) -> None:
        """Close with this frame."""
        if not self._below.is_closing():
            self._below.write(farewell)
            self._below.close()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """An answer, or packets."""
        self._below.write(websocket.messages(bytes(data)))

    def close(self) -> None:
        """Say farewell, and close when all is written."""
        self.end(websocket.farewell(Close.NORMAL))

    def abort(self) -> None:
        """Cut."""
        self._below.abort()

    def is_closing(self) -> bool:
        """Whether it is closed, or will be."""
        return self._below.is_closing()

    def get_write_buffer_size(self) -> int:
        """Octets that wait."""
        return self._below.get_write_buffer_size()

    def pause_reading(self) -> None:
        """Hand over no more."""
        self._below.pause_reading()

    def resume_reading(self) -> None:
        """Go on."""
        self._below.resume_reading()
