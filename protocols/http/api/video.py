"""Video in the browser: one WebSocket for each picture on the page, over which it asks for what it wants to see.

The page sends JSON, each with a number `n` of its own:
    {"do": "live", "n": 1, "sound": false}                                what the camera sends now
    {"do": "play", "n": 2, "start": 1795543200000000, "speed": -4, "sound": false}    what was recorded, from there on
    {"do": "still", "n": 3, "at": 1795543200000000}                       one picture of it
    {"do": "stop", "n": 4}
A new one ends the one before. The answer, with the same number:
    {"is": "start", "n", "mime", "codec", "sound", "width", "height", "rates"}    then, binary, the initialization
                                                segment, and media segments, each with a prft before it; "sound" is the
                                                codec that the camera sent of what is heard, empty where nothing is
    {"is": "end", "n"}                                                    there is no more
    {"is": "error", "n", "code", "detail", "hint"}
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket as sockets
from typing import Annotated, Literal

from aiohttp import WSMsgType, web
from pydantic import Field, TypeAdapter, ValidationError

from device.accounts.rights import Media
from device.accounts.role import Role
from device.accounts.sessions import Scope
from device.errors import HoldfastError
from device.media import Utc
from device.planes.video import VideoStart, WatchLive, WatchStored
from protocols.http.caller import Caller
from protocols.http.house import House
from protocols.http.table import Body, Table

TABLE = Table("Video")

FASTEST = 16.0
UNSENT = (
    128 << 10
)  #: octets that may wait in the kernel: what waits there cannot be dropped for what is newer
WAITING = 256 << 10  #: octets that may wait between the planes
_TCP_NOTSENT_LOWAT = 25  # tcp(7); not in Python's socket module

Number = Annotated[int, Field(ge=0, le=1 << 53)]
Instant = Annotated[int, Field(ge=0, le=1 << 53)]  #: microseconds UTC


class Live(Body):
    """Watch now."""

    do: Literal["live"]
    n: Number
    sound: bool = False


class Play(Body):
    """Watch what was recorded."""

    do: Literal["play"]
    n: Number
    start: Instant
    speed: Annotated[float, Field(ge=-FASTEST, le=FASTEST)] = 1.0
    sound: bool = False


class Still(Body):
    """One picture."""

    do: Literal["still"]
    n: Number
    at: Instant


class Stop(Body):
    """Nothing more."""

    do: Literal["stop"]
    n: Number


Wish = Annotated[Live | Play | Still | Stop, Field(discriminator="do")]
_WISH: TypeAdapter[Live | Play | Still | Stop] = TypeAdapter(Wish)


@TABLE.websocket("/api/video/{camera}/{stream}", role=Role.VIEWER, scope=Scope.VIDEO)
async def video(
    house: House,
    caller: Caller,
    request: web.Request,
    socket: web.WebSocketResponse,
    camera: str,
    stream: Literal["main", "sub"],
) -> None:
    """Live and recorded video for Media Source Extensions: docs/design/web.md says what goes to and fro."""
    transport = request.transport
    line = None if transport is None else transport.get_extra_info("socket")
    if line is not None:
        with contextlib.suppress(OSError):
            line.setsockopt(sockets.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, UNSENT)
    await _Showing(socket, transport, house, caller, camera, stream).run()


class _Showing:
    """One picture on a page."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        house: House,
        caller: Caller,
        camera: str,
        stream: str,
    ) -> None:
        self._socket = socket
        self._transport = transport
        self._house = house
        self._caller = caller
        self._camera = camera
        self._stream = stream

    async def run(self) -> None:
        """Until the page goes away."""
        showing: asyncio.Task[None] | None = None
        try:
            async for message in self._socket:
                if message.type is not WSMsgType.TEXT:
                    return
                try:
                    wish = _WISH.validate_json(message.data)
                except ValidationError as error:
                    first = error.errors(include_url=False, include_input=False)[0]
                    field = ".".join(str(part) for part in first["loc"])
                    await self._tell("error", 0, code="BadValue", detail=f"{field}: {first['msg']}")
                    continue
                if showing is not None:
                    await _end(showing)
                showing = asyncio.create_task(self._show(wish))
        finally:
            if showing is not None:
                await _end(showing)

    async def _show(self, wish: Live | Play | Still | Stop) -> None:
        media = Media.LIVE if isinstance(wish, Live) else Media.RECORDED
        if not self._caller.rights.may_see(self._camera, media):
            detail = f"This account may not watch {media.value} video of this camera."
            await self._tell("error", wish.n, code="NotAllowed", detail=detail)
            return
        try:
            match wish:
                case Live():
                    await self._live(wish)
                case Play():
                    await self._stored(wish.n, Utc(wish.start), wish.speed, wish.sound)
                case Still():
                    await self._stored(wish.n, Utc(wish.at), 0.0, False)
                case Stop():
                    return
            await self._tell("end", wish.n)
        except HoldfastError as error:
            more = {"hint": error.hint} if error.hint else {}
            await self._tell("error", wish.n, code=type(error).__name__, detail=str(error), **more)
        except ConnectionResetError:
            pass  # the page is gone

    async def _stored(self, n: int, start: Utc, speed: float, sound: bool) -> None:
        """As fast as the page takes it, and the other side gives it."""
        wanted = WatchStored(self._camera, self._stream, start, None, speed, sound)
        async with self._house.streaming.stream(wanted, limit=WAITING) as items:
            async for item in items:
                if isinstance(item, VideoStart):
                    await self._begin(n, item)
                else:
                    await self._socket.send_bytes(bytes(item.data))

    async def _live(self, wish: Live) -> None:
        """What is newest; a page that is too slow gets the next key frame."""
        wanted = WatchLive(self._camera, self._stream, wish.sound)
        with self._house.live.watch(wanted, self._send) as spectator:
            while (item := await spectator.next()) is not None:
                if isinstance(item, VideoStart):
                    await self._begin(wish.n, item)
                else:
                    await self._socket.send_bytes(bytes(item))

    def _send(self, data: bytes | memoryview) -> bool:
        """Send a fragment where nothing waits. Waking a task for each picture of each page costs as much as sending."""
        line = self._transport
        if line is None or line.is_closing() or line.get_write_buffer_size():
            return False
        sending = self._socket.send_bytes(bytes(data))
        try:
            sending.send(None)
        except StopIteration:
            return True
        except ConnectionResetError:
            return False
        sending.close()  # it is sent, and would wait for room for the next
        return True

    async def _begin(self, n: int, start: VideoStart) -> None:
        await self._tell(
            "start",
            n,
            mime=start.mime,
            codec=start.codec,
            sound=start.sound,
            width=start.width,
            height=start.height,
            rates=start.rates,
        )
        await self._socket.send_bytes(start.init)

    async def _tell(self, what: str, n: int, **more: object) -> None:
        if not self._socket.closed:
            await self._socket.send_str(json.dumps({"is": what, "n": n, **more}))


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, ConnectionResetError, HoldfastError):
        await task
