"""RTSP over WebSocket on the ports of HTTP, where ONVIF has it (Streaming s5.1.1.5): the control plane accepts the
connection, and the streaming plane serves it."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from aiohttp import web

from device.errors import HoldfastError
from device.planes.handover import Handed, give
from device.records import BadRecord
from protocols.http.detach import Detached, detach

PATH = "/rtsp-over-websocket"
URI = f"ws:{PATH}"  #: as capabilities tell it: on whichever host and port the client reached us


class RtspWebSocket:
    """Gives away what comes to `PATH`. Who may watch what, RTSP asks (ONVIF Core s5.9.1)."""

    def __init__(self, taking: Path) -> None:
        """`taking`: where the streaming plane takes connections."""
        self._taking = taking
        self._open: set[asyncio.Task[object]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request. What is wrong with its handshake, the other side tells."""
        if request.method != "GET" or "Upgrade" not in request.headers or request.body_exists:
            headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
            return web.Response(status=426, headers=headers, text="This is a WebSocket.\n")
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            return await detach(request, self._give)
        except BadRecord:
            return web.Response(status=431)
        except HoldfastError:
            return web.Response(status=503, text="RTSP is switched off, or starts.\n")
        finally:
            self._open.discard(task)

    async def _give(self, detached: Detached, sock: socket.socket) -> None:
        handed = Handed(detached.host, detached.local, detached.secure, detached.head)
        await give(self._taking, handed, sock)

    async def close(self) -> None:
        """End what is still carried here."""
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
