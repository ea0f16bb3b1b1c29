"""What a case works with: a presentation that was described, and the sessions that were set up of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from conformance.case import expect, provided
from conformance.rtsp import rtp, sdp
from conformance.rtsp.client import Connection, Fields
from conformance.rtsp.udp import Ports
from conformance.rtsp.wire import Answer, Enough, Packet, count, never, pair, parameters

SESSION_ID = re.compile(r"[A-Za-z0-9$_.+-]+")  #: RFC 2326 s15.1, with live555's habit of more


@dataclass(frozen=True, slots=True)
class Presentation:
    """One URL and its description."""

    url: str
    answer: Answer  #: to DESCRIBE
    sdp: sdp.Description

    @property
    def base(self) -> str:
        """What relative control URLs are relative to (RFC 2326 appendix C.1.1)."""
        return self.answer.get("Content-Base") or self.answer.get("Content-Location") or self.url

    @property
    def aggregate(self) -> str:
        """The URL for PLAY, PAUSE and TEARDOWN of all tracks."""
        control = next(iter(self.sdp.all("control")), "*")
        return self.base if control in ("*", "") else self._join(control)

    @property
    def tracks(self) -> list[str]:
        """The URL for SETUP of each medium."""
        found = []
        for media in self.sdp.media:
            control = media.get("control")
            found.append(self.aggregate if control in (None, "", "*") else self._join(control))
        return found

    @property
    def ranges(self) -> dict[str, tuple[str, str]]:
        """Unit -> start and end of the presentation (RFC 2326 appendix C.1.5)."""
        values = self.sdp.all("range") + [r for media in self.sdp.media for r in [media.get("range")] if r]
        found: dict[str, tuple[str, str]] = {}
        for value in values:
            unit, _, span = value.partition("=")
            start, _, end = span.partition("-")
            found.setdefault(unit.strip().lower(), (start.strip(), end.strip()))
        return found

    @property
    def length(self) -> float | None:
        """Seconds of normal play time; None where it has no end, or is not told."""
        start, end = self.ranges.get("npt", ("", ""))
        start = "0" if start == "now" else start  # GStreamer's way, before it has looked
        if not re.fullmatch(r"\d+(\.\d*)?", start) or not re.fullmatch(r"\d+(\.\d*)?", end):
            return None
        return float(end) - float(start)

    def _join(self, control: str) -> str:
        """As clients in the field do it: what is not absolute is appended."""
        if re.match(r"(?i)rtsps?://", control):
            return control
        return self.base.rstrip("/") + "/" + control.lstrip("/")


@dataclass(slots=True)
class Session:
    """A session and the tracks that were set up."""

    connection: Connection
    presentation: Presentation
    id: str
    timeout: float  #: seconds; 60 where the server does not say (RFC 2326 s12.37)
    ports: list[Ports]  #: over UDP: of each track
    channels: dict[int, int] = field(default_factory=dict)  #: interleaved: channel of RTP -> track
    transports: list[dict[str, str]] = field(default_factory=list)  #: as agreed, of each track
    tracks: list[int] = field(default_factory=list)  #: numbers, in the order of SETUP

    async def ask(self, method: str, fields: Fields = (), url: str | None = None) -> Answer:
        """A request about the session."""
        target = url if url is not None else self.presentation.aggregate
        return await self.connection.ask(method, target, [("Session", self.id), *fields])

    async def play(self, *fields: tuple[str, str]) -> Answer:
        """PLAY; raises Failed unless it is answered with 200."""
        return good(await self.ask("PLAY", fields), "PLAY")

    async def media(self, seconds: float, enough: Enough = never) -> list[Packet]:
        """Packets of the session's first track, channel 0 RTP and 1 RTCP, as they come within a time."""
        if self.ports:
            return await self.ports[0].media(seconds, enough)
        first = next(iter(self.channels))

        def mine(packet: Packet) -> Packet | None:
            shifted = packet.channel - first
            return Packet(shifted, packet.data, packet.at) if shifted in (0, 1) else None

        def filled(packet: Packet) -> bool:
            own = mine(packet)
            return own is not None and enough(own)

        packets = map(mine, await self.connection.media(seconds, filled))
        return [packet for packet in packets if packet is not None]

    async def pictures(self, number: int, seconds: float = 12.0) -> list[rtp.Rtp]:
        """RTP of the first track until so many packets came. Raises Failed where they do not."""
        packets = await self.media(seconds, count(number, 0))
        found = [rtp.read(packet.data) for packet in packets if packet.channel == 0]
        expect(len(found) >= number, f"{len(found)} RTP packets within {seconds:g} s, not {number}")
        return found

    @property
    def clock(self) -> int:
        """The clock rate of the first track."""
        mapped = self.presentation.sdp.media[self.tracks[0]].rtpmap
        provided(mapped is not None, "the clock rate is not known: no rtpmap")
        return mapped[1] if mapped else 0


def good(answer: Answer, what: str) -> Answer:
    """The answer, if it is a 200. Raises Failed."""
    expect(answer.status == 200, f"{what} was answered {answer.said}")
    return answer


def session_of(answer: Answer) -> tuple[str, float]:
    """Id and timeout of a Session header (RFC 2326 s12.37). Raises Failed."""
    value = answer.get("Session")
    expect(value is not None, "the answer to SETUP has no Session")
    name, _, rest = (value or "").partition(";")
    timeout = parameters(rest).get("timeout", "60")
    expect(timeout.isdecimal(), f"the timeout of the session is no number: {value}")
    return name.strip(), float(timeout)


def transport_of(answer: Answer) -> dict[str, str]:
    """The parameters of the agreed transport. Raises Failed unless there is exactly one."""
    value = answer.get("Transport")
    expect(value is not None, "the answer to SETUP has no Transport")
    expect("," not in (value or ""), f"the server agrees to several transports: {value}")
    return parameters(value or "")


def channels_of(transport: dict[str, str]) -> tuple[int, int]:
    """The interleaved channels. Raises Failed."""
    found = pair(transport.get("interleaved", ""))
    expect(found is not None, f"the answer names no channels: {transport}")
    return found or (0, 0)


def rtp_info(answer: Answer) -> list[dict[str, str]]:
    """The streams of RTP-Info (RFC 2326 s12.33), each with its `url`, `seq` and `rtptime`."""
    streams: list[dict[str, str]] = []
    # A URL may hold commas and semicolons: a stream begins where `url=` does.
    for text in re.split(r",\s*(?=url\s*=)", answer.get("RTP-Info") or ""):
        url = re.match(r"\s*url\s*=\s*(?:\"([^\"]*)\"|(.*?))(?=;\s*(?:seq|rtptime|ssrc)\s*=|$)", text)
        if url is not None:
            streams.append(
                {"url": url[1] or url[2], **{k: v for k, v in parameters(text[url.end() :]).items() if k}}
            )
    return streams
