"""A session while it plays: routes, timers, reports, health. The sockets' side of the client."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable, Sequence
from functools import partial

from device.cameras.source import ROUND, Cause, Intake, Reception, SessionEnded
from device.clock import Clock
from device.media import Kind
from protocols.rtsp import rtcp
from protocols.rtsp.health import Health, Patience
from protocols.rtsp.ingest import Ingest
from protocols.rtsp.interleaved import BUFFER_SIZE, FRAME_LIMIT, Interleaved, Route, ShortWay
from protocols.rtsp.message import Request, Response
from protocols.rtsp.reorder import Reorder
from protocols.rtsp.rtp import MalformedPacket
from protocols.rtsp.session import CameraSession, Connection, Refusal
from protocols.rtsp.timeline import Instant
from protocols.rtsp.tracks import Chain, Choice, chain
from protocols.rtsp.transport import Transport
from protocols.rtsp.udp import PortPair

BETWEEN_ROUNDS = 1024 * 1024  #: octets (SO_RCVLOWAT) at which a socket wakes us before its round
SETTLING = 1.0  #: seconds after PLAY in which every packet wakes us: first arrivals begin the line of times
REPORT_SECONDS = 5.0  #: between receiver reports, RFC 3550 s6.2
TEARDOWN_SECONDS = 1.0
UNSUPPORTED_TRANSPORT = 461


class Playing:
    """From SETUP to TEARDOWN of one session."""

    def __init__(
        self,
        connection: Connection,
        session: CameraSession,
        choices: Sequence[Choice],
        reception: Reception,
        clock: Clock,
        patience: Patience,
    ) -> None:
        self._every = ROUND  #: seconds from round to round; 0: every packet wakes us besides
        self._connection = connection
        self._session = session
        self._choices = list(choices)
        self._reception = reception
        self._clock = clock
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[SessionEnded] = self._loop.create_future()
        self._chains: list[Chain] = []
        self._reporters: list[Callable[[bytes], None]] = []  # send RTCP, one for each chain
        self._pairs: list[PortPair] = []
        self._datagrams = Interleaved(self._arrived, _no_message, self._junk)
        self._ssrc = secrets.randbits(32)
        now = clock.monotonic()
        self._low_water = 1  #: octets, as the socket was told
        self._settled = now + SETTLING
        self._next_health = now + 1.0
        self._next_report = now + REPORT_SECONDS
        self._next_keep_alive = now
        self._keeping: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def attend(self, patience: float) -> None:
        """How late what comes may be taken (`Source.attention`): from now on, not from the next round."""
        self._every = patience
        if not patience:
            self._set_low_water(1)
        elif self._timer is not None:
            self._timer.cancel()
            self._next_round()

    async def run(self, intake: Intake, udp: bool) -> None:
        """Set up, play, and stay until the session ends. Raises SessionEnded."""
        connection = self._connection
        connection.on_end = self._end
        connection.on_junk = self._junk
        now = self._clock.monotonic()
        ended: SessionEnded | None = None
        ingest = Ingest(intake, [choice.track for choice in self._choices], self._reception, self._instant())
        self._ingest = ingest
        try:
            connection.on_octets = self._arrived
            await self._set_up(udp)
            ingest.open_if_known(self._chains[ingest.main].sets)
            await self._session.play()
            self._health = Health(self._patience, self._choices[ingest.main].track.kind is Kind.VIDEO, now)
            self._next_keep_alive = now + self._session.timeout / 2
            self._settled = self._clock.monotonic() + SETTLING
            self._next_round()
            ended = await self._ended
        except SessionEnded as error:
            ended = error
        finally:
            await self._leave(ended)
        raise ended

    async def _leave(self, ended: SessionEnded | None) -> None:
        """Give up what the session holds. Without `ended` it was cancelled, and who did that closes the intake."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._keeping is not None:
            self._keeping.cancel()
        for part in self._chains:
            part.flush()
        if ended is not None:
            self._ingest.close(ended.cause, ended.detail)
        self._set_low_water(1)
        try:
            with contextlib.suppress(SessionEnded, TimeoutError):
                async with asyncio.timeout(TEARDOWN_SECONDS):
                    await self._session.teardown()
        finally:
            for pair in self._pairs:
                pair.close()

    async def _set_up(self, udp: bool) -> None:
        """SETUP of every track. Where the camera does not take the transport (461), by the other one."""
        for index, choice in enumerate(self._choices):
            try:
                await self._set_up_track(index, choice, udp)
            except Refusal as error:
                if error.status != UNSUPPORTED_TRANSPORT or index:
                    raise SessionEnded(Cause.PROTOCOL, str(error)) from error
                udp = not udp
                try:
                    await self._set_up_track(index, choice, udp)
                except Refusal as again:
                    raise SessionEnded(Cause.PROTOCOL, str(again)) from again

    async def _set_up_track(self, index: int, choice: Choice, udp: bool) -> None:
        connection = self._connection
        channels = (2 * index, 2 * index + 1)
        if udp:
            pair = PortPair(*connection.addresses())
            self._pairs.append(pair)
            chosen = await self._session.setup(choice.media, Transport(False, client_port=pair.ports))
            self._route(index, choice, self._datagrams, channels, Reorder())
            pair.play(chosen.server_port, self._datagrams, channels, self._unreadable)
            self._reporters.append(pair.send)
            pair.send(rtcp.build((rtcp.ReceiverReport(self._ssrc),)))  # opens a firewall on the way
            return
        chosen = await self._session.setup(choice.media, Transport(True, interleaved=channels))
        channels = chosen.interleaved or channels
        self._route(index, choice, connection.stream, channels, None)
        self._reporters.append(partial(connection.interleave, channels[1]))

    def _route(
        self,
        index: int,
        choice: Choice,
        stream: Interleaved,
        channels: tuple[int, int],
        reorder: Reorder | None,
    ) -> None:
        part = chain(index, choice.form, choice.track, self._ingest, self._reception, reorder)
        self._chains.append(part)
        stream.route(channels[0], part.receiver.packet)
        stream.route(channels[1], self._control(index, part))
        if index == self._ingest.main and part.units is not None:
            stream.expedite(ShortWay(channels[0], part.units, part.receiver))

    def _control(self, index: int, part: Chain) -> Route:
        """What takes the RTCP packets of a track."""

        def route(view: memoryview, start: int, end: int) -> None:
            try:
                reports = rtcp.parse(view[start:end])
            except MalformedPacket:
                self._reception.malformed += 1
                return
            for report in reports:
                if isinstance(report, rtcp.SenderReport):
                    part.receiver.sender_report(report, self._clock.monotonic())
                    self._ingest.report(index, report)
                elif (
                    isinstance(report, rtcp.Goodbye)
                    and index == self._ingest.main
                    and part.receiver.ssrc in report.ssrcs
                ):
                    reason = f"the camera said goodbye {report.reason}".rstrip()
                    self._end(SessionEnded(Cause.LINK_LOST, reason))

        return route

    def _instant(self) -> Instant:
        return Instant(self._clock.monotonic(), self._clock.utc())

    def _arrived(self, octets: int) -> None:
        now = self._instant()
        # Before the first round and after the last one nothing else would wake us for an answer.
        if self._timer is not None and octets < BUFFER_SIZE - FRAME_LIMIT and not self._awake(now.monotonic):
            self._set_low_water(BETWEEN_ROUNDS)
        self._ingest.arrived(now)
        for part in self._chains:
            part.receiver.arrival = now.monotonic

    def _awake(self, now: float) -> bool:
        """Whether every packet is to wake us: somebody watches, or only its arrival tells a picture's time."""
        return not self._every or now < self._settled or self._ingest.guesses(now)

    def _junk(self) -> None:
        self._reception.malformed += 1

    def _unreadable(self, detail: str) -> None:
        self._end(SessionEnded(Cause.PROTOCOL, detail))

    def _end(self, ended: SessionEnded) -> None:
        if not self._ended.done():
            self._ended.set_result(ended)

    def _next_round(self) -> None:
        every = self._every or ROUND
        rounds = self._loop.time() // every + 1
        self._timer = self._loop.call_at(rounds * every, self._round)

    def _round(self) -> None:
        self._next_round()
        now = self._clock.monotonic()
        if self._awake(now) or not self._connection.read():
            self._set_low_water(1)  # wakes the loop at once where anything waits
        if now >= self._next_health:
            self._next_health = now + 1.0
            sets = self._chains[self._ingest.main].sets
            readable = sets is None or (sets.complete and sets.readable)
            verdict = self._health.verdict(self._reception, now, readable)
            if verdict is not None:
                self._end(verdict)
        if now >= self._next_report:
            self._next_report = now + REPORT_SECONDS
            self._send_reports(now)
        if now >= self._next_keep_alive and (self._keeping is None or self._keeping.done()):
            self._next_keep_alive = now + self._session.timeout / 2
            self._keeping = self._loop.create_task(self._keep_alive())

    async def _keep_alive(self) -> None:
        try:
            await self._session.keep_alive()
        except SessionEnded as ended:
            # An answer that does not come is no end while pictures do.
            if ended.cause is not Cause.UNREACHABLE:
                self._end(ended)

    def _send_reports(self, now: float) -> None:
        for part, send in zip(self._chains, self._reporters, strict=True):
            block = part.receiver.report_block(now)
            if block is not None:
                report = rtcp.ReceiverReport(self._ssrc, (block,))
                described = rtcp.Description(((self._ssrc, ((rtcp.CNAME, "holdfast"),)),))
                send(rtcp.build((report, described)))

    def _set_low_water(self, octets: int) -> None:
        if octets == self._low_water or self._pairs:
            return  # over UDP the connection carries answers alone: each is to wake us
        sock = self._connection.endpoint
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, octets)
                self._low_water = octets


def _no_message(message: Request | Response, octets: bytes) -> None:
    """Datagrams hold none."""
