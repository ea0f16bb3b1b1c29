"""A span of what a device has recorded, fetched: the client's side of ONVIF's replay (Streaming s6).

One session over one connection: forward, as fast as the device sends and as we let it (`Rate-Control: no`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass

from device.cameras.source import Address, Cause, Intake, Reception, SessionEnded
from device.clock import Clock
from device.media import Kind, Utc
from protocols.rtsp import range as ranges
from protocols.rtsp import rtcp
from protocols.rtsp.health import Patience
from protocols.rtsp.ingest import Ingest
from protocols.rtsp.interleaved import Route
from protocols.rtsp.rtp import MalformedPacket
from protocols.rtsp.session import CameraSession, Connection, Redirected, Refusal, connect, target_of
from protocols.rtsp.source import choose
from protocols.rtsp.stamped import Stamped
from protocols.rtsp.stamps import FEATURE, told
from protocols.rtsp.timeline import Instant
from protocols.rtsp.tracks import Chain, Choice, chain
from protocols.rtsp.transport import Transport

BURST = 256 * 1024  #: octets that may come faster than the limit
TICK = 0.1  #: seconds between two looks
SETTLE = 0.3  #: seconds after the last unit of the picture was announced: other tracks may follow it
GOODBYE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Clip:
    """What is fetched."""

    start: Utc  #: by the device's clock
    end: Utc
    most: int  #: octets; a device that sends more is not believed any further
    rate: float  #: octets a second


class Replaying:
    """Fetches one clip from one recording of a device."""

    def __init__(
        self, address: Address, clip: Clip, clock: Clock, patience: Patience, *, kinds: Set[Kind]
    ) -> None:
        self.reception = Reception()
        self._address = address
        self._clip = clip
        self._clock = clock
        self._patience = patience
        self._kinds = kinds
        self._octets = 0
        self._held = False  #: nothing is read
        self._began = self._last = clock.monotonic()  #: ... of the last octets
        self._ends: float | None = None  #: monotonic seconds at which it is over
        self._why: SessionEnded | None = None
        self._chains: list[Chain] = []

    async def run(self, intake: Intake, enough: Callable[[], bool], crowded: Callable[[], bool]) -> None:
        """Write into `intake` what comes, until the clip is over or `enough` of it has come; while it is `crowded`
        nothing more is read. Units bear the device's times. Raises SessionEnded where the device did not send all."""
        target = target_of(self._address)
        connection = await connect(target, self._address, self._patience)
        try:
            session = CameraSession(connection, target)
            with _as_ended():
                choices = choose(await session.describe(), self._kinds, lambda _: None)
                await self._fetch(connection, session, choices, intake, enough, crowded)
        finally:
            connection.close()

    async def _fetch(
        self,
        connection: Connection,
        session: CameraSession,
        choices: list[Choice],
        intake: Intake,
        enough: Callable[[], bool],
        crowded: Callable[[], bool],
    ) -> None:
        stamped = Stamped(len(choices))
        now = Instant(self._clock.monotonic(), self._clock.utc())
        ingest = Ingest(intake, [choice.track for choice in choices], self.reception, now, stamped)
        connection.on_end = self._failed
        connection.on_octets = lambda octets: self._arrived(
            octets, lambda: self._regulate(connection, crowded)
        )
        for index, choice in enumerate(choices):
            wanted = Transport(True, interleaved=(2 * index, 2 * index + 1))
            chosen = await session.setup(choice.media, wanted, {"Require": FEATURE})
            part = chain(index, choice.form, choice.track, ingest, self.reception, None)
            self._chains.append(part)
            channels = chosen.interleaved or (2 * index, 2 * index + 1)
            connection.stream.route(channels[0], self._packets(index, index == ingest.main, part, stamped))
            if index == ingest.main:
                connection.stream.route(channels[1], self._reports(part))
        ingest.open_if_known(self._chains[ingest.main].sets)
        span = ranges.Clock(self._clip.start, self._clip.end).encode()
        try:
            await session.play({"Require": FEATURE, "Range": span, "Rate-Control": "no"})
            keeping = asyncio.create_task(_keep_alive(session))
            try:
                await self._until_over(enough, lambda: self._regulate(connection, crowded))
            finally:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
            for part in self._chains:
                part.flush()
        finally:
            ingest.close(Cause.LINK_LOST, "")
        connection.on_end = lambda _: None
        with contextlib.suppress(SessionEnded, TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await session.teardown()

    async def _until_over(self, enough: Callable[[], bool], regulate: Callable[[], None]) -> None:
        self._began = self._last = self._clock.monotonic()
        while not enough():
            now = self._clock.monotonic()
            if self._ends is not None and now >= self._ends:
                return
            if self._why is not None:
                raise self._why
            if self._octets > self._clip.most:
                raise SessionEnded(Cause.PROTOCOL, f"the device sends more than {self._clip.most} octets")
            if now - self._last > self._patience.silent and not self._held:
                raise SessionEnded(Cause.SILENT, f"nothing arrived for {self._patience.silent:g} s")
            regulate()
            await asyncio.sleep(TICK)

    def _regulate(self, connection: Connection, crowded: Callable[[], bool]) -> None:
        """Let the device wait while it is too fast."""
        now = self._clock.monotonic()
        fast = self._octets > BURST + self._clip.rate * (now - self._began)
        if self._held is not (fast or crowded()):
            self._held = not self._held
            connection.hold(self._held)
            self._last = now

    def _packets(self, index: int, main: bool, part: Chain, stamped: Stamped) -> Route:
        def route(view: memoryview, start: int, end: int) -> None:
            said = told(view[start:end])
            if said is not None:
                stamped.tell(index, said)
            part.receiver.packet(view, start, end)
            if said is not None and said.terminal and main:
                self._ends = self._clock.monotonic() + SETTLE

        return route

    def _reports(self, part: Chain) -> Route:
        def route(view: memoryview, start: int, end: int) -> None:
            try:
                reports = rtcp.parse(view[start:end])
            except MalformedPacket:
                self.reception.malformed += 1
                return
            if any(isinstance(each, rtcp.Goodbye) and part.receiver.ssrc in each.ssrcs for each in reports):
                self._ends = self._clock.monotonic() + SETTLE

        return route

    def _arrived(self, octets: int, regulate: Callable[[], None]) -> None:
        self._octets += octets
        self._last = self._clock.monotonic()
        regulate()

    def _failed(self, ended: SessionEnded) -> None:
        self._why = ended


async def _keep_alive(session: CameraSession) -> None:
    """For ever. An answer may stand behind much that is not read yet: whether the session lives, the media tell."""
    while True:
        await asyncio.sleep(session.timeout / 2)
        with contextlib.suppress(SessionEnded):
            await session.keep_alive()


@contextlib.contextmanager
def _as_ended() -> Iterator[None]:
    """What a device refuses is an end."""
    try:
        yield
    except Refusal as error:
        raise SessionEnded(Cause.PROTOCOL, str(error)) from error
    except Redirected as error:
        raise SessionEnded(Cause.PROTOCOL, "the device sends us elsewhere") from error
