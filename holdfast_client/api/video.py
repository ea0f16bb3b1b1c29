"""Video. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Literal

from aiohttp import ClientWebSocketResponse

from holdfast_client.connection import Connection, segment


class VideoPart:
    """Video."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def video(
        self, camera: str, stream: Literal["main", "sub"]
    ) -> AbstractAsyncContextManager[ClientWebSocketResponse]:
        """Live and recorded video for Media Source Extensions: docs/design/web.md says what goes to and fro."""
        return self._connection.socket(f"/api/video/{segment(camera)}/{segment(stream)}")
