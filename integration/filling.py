"""Filling gaps, in the recording plane: places for segments that the control plane writes, and taking them in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from device.edge.messages import Adopted, AdoptSegment, ReleaseSegment, Reserved, ReserveSegment
from device.errors import NotFound
from device.planes.link import Server
from device.planes.messages import Done
from device.recording.filling import Joint, NotFilled, Place, path_of, read, truncate
from device.recording.modes import Policy
from device.recording.recorder import Recorder

MOST = 4  #: places at a time: one camera is fetched from after the other
HELD = 3600.0  #: seconds that a place is kept: a minute of video, as slowly as it may come


class FillingDesk:
    """Whose place is where."""

    def __init__(self, recorder: Recorder, policy: Callable[[str], Policy | None]) -> None:
        """`policy`: of a recording that there is an intake for."""
        self._recorder = recorder
        self._policy = policy
        self._places: dict[int, tuple[str, Place, asyncio.TimerHandle]] = {}

    def answer(self, server: Server) -> None:
        """Register the answers."""
        server.on(ReserveSegment, self._reserve)
        server.on(AdoptSegment, self._adopt)
        server.on(ReleaseSegment, self._release)

    async def _reserve(self, request: ReserveSegment) -> Reserved:
        policy = self._policy(request.token)
        if policy is None:
            raise NotFound("camera stream", request.token)
        if request.epoch != self._recorder.epoch:
            raise NotFilled("The clock was set back meanwhile.")
        if len(self._places) >= MOST:
            raise NotFilled(f"{MOST} segments are being written already.")
        filling = self._recorder.filling
        place = await asyncio.wrap_future(
            filling.reserve(request.token, policy, request.utc, request.run, request.epoch)
        )
        timer = asyncio.get_running_loop().call_later(HELD, self._let_go, place.segment)
        self._places[place.segment] = request.token, place, timer
        volume = place.volume
        return Reserved(place.segment, place.run, place.hour, volume.uuid, str(volume.path))

    async def _adopt(self, request: AdoptSegment) -> Adopted:
        if request.segment not in self._places:
            raise NotFilled(f"No place is kept for segment {request.segment}.")
        token, place, _ = self._places[request.segment]
        joint = Joint(request.joint, request.offset) if request.joint else None
        try:
            brought = await asyncio.to_thread(read, path_of(place, token))
            filled = await asyncio.wrap_future(self._recorder.filling.adopt(brought, joint, request.source))
        finally:
            self._let_go(request.segment)
        with contextlib.suppress(OSError):  # what stands behind its end is in nobody's way
            await asyncio.to_thread(truncate, filled)
        return Adopted(filled.start, filled.end, filled.octets)

    async def _release(self, request: ReleaseSegment) -> Done:
        self._let_go(request.segment)
        return Done()

    def _let_go(self, segment: int) -> None:
        kept = self._places.pop(segment, None)
        if kept is not None:
            kept[2].cancel()
            self._recorder.filling.settle(segment)
