"""Pictures on HTTP, at the addresses that GetSnapshotUri tells (ONVIF Media s5.15.6). They are fetched as those of
cameras are: GET, with HTTP digest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from device.accounts.rights import Media
from device.clock import Clock
from device.errors import HoldfastError
from device.recordings.names import camera_of
from protocols.onvif.credentials import Door, Proof

PREFIX = "/onvif/snapshot/"

Take = Callable[[str], Awaitable[bytes]]  #: a profile's picture, as JPEG. Raises HoldfastError


def path_of(profile: str) -> str:
    """Path of a profile's picture."""
    return PREFIX + profile


class Snapshots:
    """Answers for everything below `PREFIX`."""

    def __init__(self, door: Door, take: Take, clock: Clock) -> None:
        self._door = door
        self._take = take
        self._clock = clock

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        if request.method != "GET":
            return web.Response(status=405, headers={"Allow": "GET"})
        given = request.headers.get("Authorization")
        proof = Proof(request.method, request.path_qs, given, None, request.remote or "")
        caller = self._door.judge(proof, self._clock.monotonic(), self._clock.utc())
        if caller.rights is None:
            return self.challenge(stale=caller.stale)
        profile = request.path.removeprefix(PREFIX)
        if not caller.rights.may_see(camera_of(profile)[0], Media.LIVE):
            return web.Response(status=404)
        try:
            picture = await self._take(profile)
        except HoldfastError as error:
            return web.Response(status=error.wire.http, text=f"{error}\n")
        return web.Response(body=picture, content_type="image/jpeg", headers={"Cache-Control": "no-store"})

    def challenge(self, *, stale: bool = False) -> web.Response:
        """Say who you are. `stale`: it was right, with a nonce that is too old."""
        response = web.Response(status=401)
        for challenge in self._door.challenges(self._clock.monotonic(), stale):
            response.headers.add("WWW-Authenticate", challenge)
        return response
