"""A camera's stream over RTSP: from an address to a playing session."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass, replace

from device.cameras.source import ROUND, Address, Cause, Intake, Reception, SessionEnded
from device.clock import Clock
from device.media import Kind
from protocols.rtsp import sdp
from protocols.rtsp.formats import Unsupported, track_of
from protocols.rtsp.health import Patience
from protocols.rtsp.playing import Playing
from protocols.rtsp.session import CameraSession, Redirected, Target, connect, target_of
from protocols.rtsp.tracks import Choice

REDIRECT_LIMIT = 3
ALL: Set[Kind] = frozenset(Kind)

#: By the media type of SDP; metadata are an application (ONVIF Streaming s5.1.2.1.1).
_KINDS = {"audio": Kind.AUDIO, "application": Kind.METADATA}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A track that the camera announces and that cannot be used."""

    kind: str
    reason: str


class RtspSource:
    """One session with one camera stream (`device.cameras.source.Source`). Use a new one for each session."""

    def __init__(
        self,
        address: Address,
        clock: Clock,
        patience: Patience,
        left_out: Callable[[LeftOut], None],
        *,
        kinds: Set[Kind] = ALL,
    ) -> None:
        """`left_out` hears of tracks that are not recorded; video never fails because of them. Only tracks of these
        `kinds` are asked for.
        """
        self.reception = Reception()
        self.certificate = b""  #: the camera's, DER, once connected over TLS
        self._address = address
        self._clock = clock
        self._patience = patience
        self._left_out = left_out
        self._kinds = kinds
        self._lateness = ROUND
        self._playing: Playing | None = None

    def attention(self, patience: float) -> None:
        """`device.cameras.source.Source`."""
        self._lateness = patience
        if self._playing is not None:
            self._playing.attend(patience)

    async def run(self, intake: Intake) -> None:
        """One session, from connecting to its end. Raises SessionEnded."""
        target = target_of(self._address)
        for _ in range(REDIRECT_LIMIT + 1):
            try:
                await self._session(target, intake)
            except Redirected as redirected:
                target = target_of(_redirected(target, redirected.location))
        raise SessionEnded(Cause.PROTOCOL, f"redirected more than {REDIRECT_LIMIT} times")

    async def _session(self, target: Target, intake: Intake) -> None:
        udp = self._address.transport == "udp"
        try:
            await self._play(target, intake, udp)
        except SessionEnded as ended:
            if not udp or ended.cause is not Cause.SILENT or self.reception.packets:
                raise
        await self._play(target, intake, False)  # a firewall between us lets no datagram through

    async def _play(self, target: Target, intake: Intake, udp: bool) -> None:
        connection = await connect(target, self._address, self._patience)
        self.certificate = connection.certificate()
        try:
            session = CameraSession(connection, target)
            choices = choose(await session.describe(), self._kinds, self._left_out)
            playing = Playing(connection, session, choices, self.reception, self._clock, self._patience)
            self._playing = playing
            playing.attend(self._lateness)
            await playing.run(intake, udp)
        finally:
            self._playing = None
            connection.close()


def choose(
    description: sdp.SessionDescription, kinds: Set[Kind], left_out: Callable[[LeftOut], None]
) -> list[Choice]:
    """The tracks to set up: of each media of these kinds the first format that we take. Raises SessionEnded."""
    chosen: list[Choice] = []
    for media in description.media:
        if _KINDS.get(media.kind, Kind.VIDEO) not in kinds:
            continue
        reason = "no payload format"
        for form in media.formats:
            try:
                chosen.append(Choice(media, form, track_of(media, form)))
                break
            except Unsupported as error:
                reason = str(error)
        else:
            left_out(LeftOut(media.kind, reason))
    if not chosen:
        raise SessionEnded(Cause.PROTOCOL, "the camera announces no track that can be recorded")
    return chosen


def _redirected(target: Target, location: str) -> Address:
    """Where a redirection leads. Credentials go along only to the same host, and never from TLS to none."""
    address = Address(sdp.joined(target.url, location))
    there = target_of(address)
    if target.tls and not there.tls:
        raise SessionEnded(Cause.PROTOCOL, "redirected from TLS to none")
    if there.host == target.host and not there.user:
        return replace(address, user=target.user, password=target.password)
    return address
