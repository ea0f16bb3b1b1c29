"""RTP and RTCP as they come after PLAY (RFC 3550, RFC 2326 s10.12, s12.33, appendix B)."""

from __future__ import annotations

import time
from itertools import pairwise

from conformance.case import NotApplicable, Requirement, expect, provided
from conformance.rtsp import needs, rtp
from conformance.rtsp.device import Device
from conformance.rtsp.presentation import Session, good, rtp_info
from conformance.rtsp.suite import case
from conformance.rtsp.wire import Packet, count

_REPORT_SECONDS = (
    12.0  #: within which a sender report must come: twice the longest usual interval (RFC 3550 s6.2)
)
_NTP_TOLERANCE = 5.0  #: seconds


def consecutive(packets: list[rtp.Rtp]) -> str | None:
    """What is wrong with the order of the packets."""
    for earlier, later in pairwise(packets):
        if (later.sequence - earlier.sequence) % rtp.SEQUENCES != 1:
            return f"sequence number {later.sequence} follows {earlier.sequence}"
        if later.ssrc != earlier.ssrc:
            return f"the SSRC changes from {earlier.ssrc:08X} to {later.ssrc:08X}"
    return None


async def _flows(session: Session, seconds: float) -> str:
    """Play for some seconds and look at all packets of the first track."""
    await session.play()
    began = time.monotonic()
    packets = [rtp.read(packet.data) for packet in await session.media(seconds) if packet.channel == 0]
    took = time.monotonic() - began
    expect(len(packets) >= 20, f"{len(packets)} RTP packets within {seconds:g} s")
    wrong = consecutive(packets)
    expect(wrong is None, f"{wrong}")
    kinds = {str(packet.kind) for packet in packets}
    formats = set(session.presentation.sdp.media[session.tracks[0]].formats)
    expect(kinds <= formats, f"payload types {kinds}, the description has {formats}")
    span = rtp.ahead(packets[-1].time, packets[0].time, rtp.TIMES) / session.clock
    expect(took / 4 < span < took + 6, f"the timestamps run over {span:.1f} s within {took:.1f} s")
    return f"{len(packets)} packets without a hole, {span:.1f} s of media in {took:.1f} s"


@case(
    "media.rtp",
    "Interleaved RTP: consecutive, of one source, of the described type, in time",
    "RFC 3550 s5.1",
    Requirement.MANDATORY,
)
async def rtp_interleaved(device: Device) -> str:
    return await _flows(await device.session(), 4)


@case(
    "media.rtp-udp",
    "RTP by UDP: consecutive, of one source, of the described type, in time",
    "RFC 3550 s5.1",
    Requirement.CONDITIONAL,
    needs.plain,
)
async def rtp_udp(device: Device) -> str:
    return await _flows(await device.session(udp=True), 4)


@case(
    "media.marker",
    "The marker ends a picture: after it the timestamp changes, before it not",
    "RFC 6184 s5.1, RFC 7798 s4.1",
    Requirement.CONDITIONAL,
)
async def marker(device: Device) -> str:
    session = await device.session()
    media = session.presentation.sdp.media[session.tracks[0]]
    provided(
        bool(media.rtpmap and media.rtpmap[0] in ("H264", "H265")), "no H.264 or H.265 in the presentation"
    )
    await session.play()
    packets = [rtp.read(p.data) for p in await session.media(4) if p.channel == 0]
    marked = sum(packet.marker for packet in packets)
    expect(marked > 0, f"no marker in {len(packets)} packets")
    for earlier, later in pairwise(packets):
        same = earlier.time == later.time
        expect(
            not (earlier.marker and same), f"packet {later.sequence} goes on with a picture that was ended"
        )
        expect(
            earlier.marker or same,
            f"packet {later.sequence} begins a picture before {earlier.sequence} ended the last",
        )
    return f"{marked} pictures in {len(packets)} packets"


@case(
    "media.key-frame",
    "The first picture can be decoded: parameter sets or a key frame come first",
    "RFC 6184 s8.4",
    Requirement.OPTIONAL,
)
async def key_frame(device: Device) -> str:
    session = await device.session()
    mapped = session.presentation.sdp.media[session.tracks[0]].rtpmap
    name = mapped[0] if mapped else ""
    provided(name in ("H264", "H265"), "no H.264 or H.265 in the presentation")
    await session.play()
    first = (await session.pictures(1))[0].payload
    if name == "H264":
        kind = first[0] & 31
        inner = first[1] & 31 if kind == 28 else first[3] & 31 if kind == 24 else kind
        keys = range(5, 10)
    else:
        kind = (first[0] >> 1) & 63
        inner = first[2] & 63 if kind == 49 else (first[4] >> 1) & 63 if kind == 48 else kind
        keys = range(16, 36)
    expect(inner in keys, f"the first NAL unit is of the type {inner}")
    return f"{name}, the first NAL unit is of the type {inner}"


@case(
    "media.rtp-info",
    "PLAY is answered with RTP-Info for each track that was set up",
    "RFC 2326 s12.33",
    Requirement.MANDATORY,
)
async def info(device: Device) -> str:
    session = await device.session(tracks=None)
    answer = await session.play()
    streams = rtp_info(answer)
    expect(
        len(streams) == len(session.tracks),
        f"RTP-Info: {answer.get('RTP-Info')} for {len(session.tracks)} tracks",
    )
    for stream in streams:
        expect("seq" in stream or "rtptime" in stream, f"neither seq nor rtptime: {stream}")
        expect(stream.get("seq", "0").isdecimal(), f"seq is no number: {stream}")
        expect(stream.get("rtptime", "0").isdecimal(), f"rtptime is no number: {stream}")
    urls = {stream["url"].rstrip("/") for stream in streams}
    known = {session.presentation.tracks[number].rstrip("/") for number in session.tracks}
    expect(
        all(any(own == url or own.endswith("/" + url.lstrip("/")) for own in known) for url in urls),
        f"the URLs {urls} are not those of the tracks {known}",
    )
    return answer.get("RTP-Info") or ""


async def first_as_told(session: Session, early: float, late: float, *fields: tuple[str, str]) -> str:
    """PLAY, and compare the first packet with RTP-Info: its sequence number is told exactly, its timestamp is at
    most `early` seconds before and `late` seconds after the one that is told."""
    answer = await session.play(*fields)
    streams = rtp_info(answer)
    expect(bool(streams), f"RTP-Info: {answer.get('RTP-Info')}")
    first = (await session.pictures(1))[0]
    sequence, told = streams[0].get("seq"), streams[0].get("rtptime")
    provided(sequence is not None or told is not None, "RTP-Info tells neither seq nor rtptime")
    said = []
    if sequence is not None:
        off = rtp.ahead(first.sequence, int(sequence), rtp.SEQUENCES)
        expect(off == 0, f"the first packet is {off} behind the seq that is told")
        said.append("seq is exact")
    if told is not None:
        behind = rtp.ahead(first.time, int(told), rtp.TIMES) / session.clock
        expect(
            -early < behind < late, f"the first timestamp is {behind:+.3f} s from the rtptime that is told"
        )
        said.append(f"the first timestamp is {behind:+.4f} s from rtptime")
    return ", ".join(said)


@case(
    "media.rtp-info-first",
    "The first packet is the one that RTP-Info tells",
    "RFC 2326 s12.33",
    Requirement.MANDATORY,
)
async def info_first(device: Device) -> str:
    return await first_as_told(await device.session(), 0.5, 15)


async def _reports(session: Session) -> tuple[list[rtp.Rtp], rtp.Compound]:
    """Play until a sender report and media came; all RTP, and the report."""
    packets = await session.media(_REPORT_SECONDS, _reports_in)
    report = next((packet for packet in packets if _reports_in(packet)), None)
    if report is None:
        raise NotApplicable(f"no sender report within {_REPORT_SECONDS:g} s (see media.rtcp)")
    packets += await session.media(6, count(1, 0))
    return [rtp.read(p.data) for p in packets if p.channel == 0], rtp.read_control(report.data)


def _reports_in(packet: Packet) -> bool:
    return packet.channel == 1 and packet.data[1:2] == b"\xc8"


@case(
    "media.rtcp",
    "Sender reports come, with a CNAME, of the source of the media",
    "RFC 3550 s6.1, s6.5.1",
    Requirement.MANDATORY,
)
async def rtcp(device: Device) -> str:
    session = await device.session()
    await session.play()
    packets = await session.media(_REPORT_SECONDS, _reports_in)
    packets += await session.media(6, count(1, 0))
    controls = [rtp.read_control(packet.data) for packet in packets if packet.channel == 1]
    found = next((control for control in controls if control.report is not None), None)
    expect(found is not None, f"{len(controls)} RTCP packets within {_REPORT_SECONDS:g} s, no sender report")
    assert found is not None
    assert found.report is not None
    expect(found.kinds[0] == 200, f"the compound packet begins with {found.kinds}")
    sources = {rtp.read(packet.data).ssrc for packet in packets if packet.channel == 0}
    expect(found.report.ssrc in sources, f"the report is of {found.report.ssrc:08X}, the media is not")
    expect(bool(found.names.get(found.report.ssrc)), f"no CNAME: the compound packet has {found.kinds}")
    return f"{found.kinds}, CNAME {found.names[found.report.ssrc]}"


@case(
    "media.rtcp-udp",
    "Sender reports come by UDP to the second port",
    "RFC 3550 s11",
    Requirement.CONDITIONAL,
    needs.plain,
)
async def rtcp_udp(device: Device) -> str:
    session = await device.session(udp=True)
    await session.play()
    packets = await session.media(_REPORT_SECONDS, _reports_in)
    expect(any(_reports_in(packet) for packet in packets), f"no sender report within {_REPORT_SECONDS:g} s")
    return "a sender report came"


@case(
    "media.rtcp-time",
    "A sender report ties the timestamps to the time of day",
    "RFC 3550 s6.4.1",
    Requirement.OPTIONAL,
)
async def rtcp_time(device: Device) -> str:
    session = await device.session()
    await session.play()
    media, control = await _reports(session)
    assert control.report is not None
    expect(bool(media), "no media came")
    off = rtp.ahead(media[-1].time, control.report.time, rtp.TIMES) / session.clock
    expect(abs(off) < _NTP_TOLERANCE, f"the report's timestamp is {off:.1f} s away from the media's")
    wall = control.report.ntp - time.time()
    expect(abs(wall) < _NTP_TOLERANCE, f"the report's time of day is {wall:+.1f} s away from this machine's")
    return f"timestamp {off:+.2f} s, time of day {wall:+.2f} s"


@case(
    "media.rtcp-count",
    "A sender report counts at least what was received",
    "RFC 3550 s6.4.1",
    Requirement.OPTIONAL,
)
async def rtcp_count(device: Device) -> str:
    session = await device.session()
    await session.play()
    await session.media(1)
    media, control = await _reports(session)
    assert control.report is not None
    expect(
        control.report.packets + 2 >= len(media),
        f"{control.report.packets} packets told, {len(media)} received",
    )
    return f"{control.report.packets} packets told, {len(media)} received meanwhile"


@case(
    "media.requests",
    "Requests are answered while media flows, and no packet is torn",
    "RFC 2326 s10.12",
    Requirement.MANDATORY,
)
async def requests(device: Device) -> str:
    session = await device.session()
    await session.play()
    packets: list[Packet] = []
    for _ in range(20):
        good(await session.ask("OPTIONS"), "OPTIONS")
        packets += await session.media(0.1)
    await session.media(0.5)
    wrong = consecutive([rtp.read(packet.data) for packet in packets if packet.channel == 0])
    expect(wrong is None, f"{wrong}")
    return f"20 requests between {len(packets)} packets"


@case(
    "media.upstream",
    "Interleaved RTCP between the requests of a client is taken",
    "RFC 2326 s10.12",
    Requirement.MANDATORY,
)
async def upstream(device: Device) -> str:
    session = await device.session()
    await session.play()
    last = (await session.pictures(5))[-1]
    report = rtp.receiver_report(0x4D5E6F70, last)
    frame = bytes((0x24, next(iter(session.channels)) + 1)) + len(report).to_bytes(2, "big") + report
    connection = session.connection
    for _ in range(3):
        await connection.send(
            frame + connection.compose("OPTIONS", connection.url, [("Session", session.id)]) + frame
        )
        good(await connection.answer(), "OPTIONS between two receiver reports")
    await session.pictures(10)
    return "3 requests, each between two receiver reports"


@case(
    "media.upstream-unknown",
    "An interleaved packet on a channel of nobody is ignored",
    "RFC 2326 s10.12",
    Requirement.OPTIONAL,
)
async def upstream_unknown(device: Device) -> str:
    session = await device.playing(5)
    await session.connection.send(b"$\xf0\x00\x08" + bytes(8))
    good(await session.ask("OPTIONS"), "OPTIONS after it")
    await session.pictures(10)
    return "ignored"
