"""ONVIF on HTTP: a handler for everything below /onvif/, for whichever server it is mounted in."""

from __future__ import annotations

import asyncio
import re

from aiohttp import web

from device.clock import Clock
from device.waiting import woken
from protocols.onvif.responder import Asked, Responder
from protocols.onvif.soap import MEDIA_TYPE
from protocols.onvif.xml import OCTETS

PREFIX = "/onvif/"
AT_ONCE = 256  #: requests that are answered at the same time; most of them are long polls
_HOST = re.compile(r"([A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")


class Endpoint:
    """Answers HTTP requests with what the responder says."""

    def __init__(self, responder: Responder, clock: Clock) -> None:
        self.responder = responder
        self._clock = clock
        self._room = asyncio.Semaphore(AT_ONCE)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        if (request.content_length or 0) > OCTETS or self._room.locked():
            return web.Response(status=413 if (request.content_length or 0) > OCTETS else 503)
        body = await _body(request)
        base, host = _reached(request)
        asked = Asked(
            request.method,
            request.path_qs,
            request.path,
            base,
            host,
            request.headers.get("Authorization"),
            request.remote or "",
            body,
        )
        async with self._room:
            answer = await self.responder.answer(asked, self._clock.monotonic(), self._clock.utc())
        response = web.Response(
            status=answer.status, body=answer.body, content_type=MEDIA_TYPE, charset="utf-8"
        )
        for challenge in answer.challenges:
            response.headers.add("WWW-Authenticate", challenge)
        return response


async def _body(request: web.Request) -> bytes:
    """The body; one octet more than may be where it is too long."""
    got = bytearray()
    while len(got) <= OCTETS and (chunk := await request.content.readany()):
        got += chunk
    return bytes(got[: OCTETS + 1])


def _reached(request: web.Request) -> tuple[str, str]:
    """Scheme, host and port as the client wrote them, and the host: what it can reach us by (ONVIF Core s8.1.2.2)."""
    found = _HOST.fullmatch(request.headers.get("Host", ""))
    if found is not None:
        return f"{request.scheme}://{found[0]}", found[1]
    socket = request.transport.get_extra_info("sockname") if request.transport is not None else None
    address, port = (str(socket[0]), socket[1]) if socket else ("localhost", 80)
    host = f"[{address}]" if ":" in address else address
    return f"{request.scheme}://{host}:{port}", host


class Bell:
    """`protocols.onvif.pullpoints.Bell`, of asyncio."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake whoever waits."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Until it rings, or so long."""
        self._rung.clear()
        await woken(self._rung, seconds)
