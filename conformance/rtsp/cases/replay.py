"""Replay: where it begins, where it ends, at what pace (RFC 2326 s10.5, s12.29, s12.34, appendix B)."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

from conformance.case import Requirement, expect, provided
from conformance.rtsp import needs, rtp
from conformance.rtsp.cases.media import consecutive, first_as_told
from conformance.rtsp.device import Device
from conformance.rtsp.presentation import Session, good
from conformance.rtsp.suite import case
from conformance.rtsp.wire import Packet

_LONG = 12.0  #: seconds that a recording needs for the cases
_GROUP = 12.0  #: seconds: a replay may begin at the key frame before, at most so far away


async def _session(device: Device) -> Session:
    return await device.session(device.replay_url)


async def _long(device: Device) -> tuple[Session, float]:
    """A session, and the seconds of the recording."""
    session = await _session(device)
    length = session.presentation.length
    provided(length is not None, f"no finite npt range in the description: {session.presentation.ranges}")
    provided(
        (length or 0) >= _LONG, f"the recording of {length or 0:.1f} s is too short, {_LONG:g} s are needed"
    )
    return session, length or 0.0


def _npt(value: str | None) -> tuple[float, float | None]:
    """Start and end of `npt=S-E`. Raises Failed."""
    match = re.fullmatch(r"npt\s*=\s*(\d+(?:\.\d*)?)\s*-\s*(\d+(?:\.\d*)?)?", value or "")
    expect(match is not None, f"Range: {value}, not npt=S-E")
    assert match is not None
    return float(match[1]), float(match[2]) if match[2] else None


def _clock(text: str) -> datetime | None:
    """`20260101T120000.5Z`."""
    match = re.fullmatch(r"(\d{8}T\d{6})(?:\.(\d{1,6})\d*)?Z", text)
    if match is None:
        return None
    whole = datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return whole + timedelta(microseconds=int((match[2] or "0").ljust(6, "0")))


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"


@case(
    "replay.range",
    "The description tells how long the recording is",
    "RFC 2326 C.1.5, D.2.1",
    Requirement.MANDATORY,
    needs.replay,
)
async def range_told(device: Device) -> str:
    presentation = await device.describe(await device.connect(device.replay_url))
    start, end = presentation.ranges.get("npt", ("", ""))
    expect(presentation.length is not None and start != "now", f"a=range:npt={start}-{end}")
    return f"{presentation.length:.3f} s; " + ", ".join(presentation.ranges)


@case(
    "replay.start",
    "PLAY without Range plays from the beginning",
    "RFC 2326 s10.5",
    Requirement.MANDATORY,
    needs.replay,
)
async def start(device: Device) -> str:
    session = await _session(device)
    answer = await session.play()
    await session.pictures(20)
    told = answer.get("Range") or ""
    if told.startswith("npt"):
        expect(_npt(told)[0] < 1.0, f"Range: {told}")
    return f"Range: {told or 'not told'}"


@case(
    "replay.info",
    "The first packet has the sequence number and the timestamp that RTP-Info tells",
    "RFC 2326 s12.33",
    Requirement.MANDATORY,
    needs.replay,
)
async def info(device: Device) -> str:
    return await first_as_told(await _session(device), 0.25, 0.25)


@case(
    "replay.npt",
    "npt=S- begins at S, or at the key frame before",
    "RFC 2326 s3.6, s12.29",
    Requirement.MANDATORY,
    needs.replay,
)
async def npt(device: Device) -> str:
    session, length = await _long(device)
    wanted = round(length / 2, 3)
    answer = await session.play(("Range", f"npt={wanted}-"))
    began, _ = _npt(answer.get("Range"))
    expect(-_GROUP < began - wanted < 1.5, f"npt={wanted}- was asked for, {answer.get('Range')} is played")
    await session.pictures(20)
    return f"npt={wanted}- was asked for, {answer.get('Range')} is played"


@case(
    "replay.npt-clock-form",
    "npt may be written as hours, minutes and seconds",
    "RFC 2326 s3.6",
    Requirement.CONDITIONAL,
    needs.replay,
)
async def npt_clock_form(device: Device) -> str:
    session, _ = await _long(device)
    answer = await session.play(("Range", "npt=0:00:04.5-"))
    began, _ = _npt(answer.get("Range"))
    expect(-_GROUP < began - 4.5 < 1.5, f"Range: {answer.get('Range')}")
    return f"Range: {answer.get('Range')}"


@case(
    "replay.info-seek",
    "After a seek, too, RTP-Info tells the first packet",
    "RFC 2326 s12.33",
    Requirement.MANDATORY,
    needs.replay,
)
async def info_seek(device: Device) -> str:
    session, length = await _long(device)
    return await first_as_told(session, _GROUP, 0.25, ("Range", f"npt={length / 2:.3f}-"))


@case("replay.end", "npt=S-E ends at E", "RFC 2326 s10.5, s12.29", Requirement.MANDATORY, needs.replay)
async def end(device: Device) -> str:
    session, _ = await _long(device)
    await session.play(("Range", "npt=2-5"))
    packets = await _to_the_end(session, 9 + _GROUP)
    media = [rtp.read(packet.data) for packet in packets if packet.channel == 0]
    expect(bool(media), "no media came")
    span = rtp.ahead(media[-1].time, media[0].time, rtp.TIMES) / session.clock
    expect(2.0 < span < 4.5 + _GROUP, f"{span:.2f} s of media came for npt=2-5")
    after = [p for p in await session.media(1.5) if p.channel == 0]
    expect(not after, f"{len(after)} packets came after the end")
    return f"{span:.2f} s of media for npt=2-5"


async def _to_the_end(session: Session, seconds: float) -> list[Packet]:
    """Packets until a BYE, until nothing more comes for three seconds, or until the time is over."""
    found: list[Packet] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        more = await session.media(3.0, _goodbye)
        found += more
        if not more or _goodbye(more[-1]):
            break
    return found


def _goodbye(packet: Packet) -> bool:
    return packet.channel == 1 and bool(rtp.read_control(packet.data).goodbyes)


@case(
    "replay.bye",
    "The end of the range is told by an RTCP BYE",
    "RFC 3550 s6.6, RFC 2326 B",
    Requirement.OPTIONAL,
    needs.replay,
)
async def bye(device: Device) -> str:
    session, _ = await _long(device)
    await session.play(("Range", "npt=2-4"))
    packets = await _to_the_end(session, 8 + _GROUP)
    expect(bool(packets) and _goodbye(packets[-1]), "no BYE came after the end")
    return "a BYE came"


@case(
    "replay.clock",
    "clock=T- begins at T, or at the key frame before",
    "RFC 2326 s3.7, ONVIF Streaming s6.2",
    Requirement.CONDITIONAL,
    needs.replay,
)
async def clock(device: Device) -> str:
    session = await _session(device)
    first, last = (_clock(text) for text in session.presentation.ranges.get("clock", ("", "")))
    provided(first is not None and last is not None, "the description tells no clock range")
    assert first is not None
    assert last is not None
    wanted = first + (last - first) / 2
    answer = await session.play(("Range", f"clock={_utc(wanted)}-"))
    told = (answer.get("Range") or "").partition("=")[2].partition("-")[0]
    began = _clock(told)
    expect(began is not None, f"Range: {answer.get('Range')}")
    assert began is not None
    away = (began - wanted).total_seconds()
    expect(-_GROUP < away < 1.5, f"clock={_utc(wanted)}- was asked for, {answer.get('Range')} is played")
    await session.pictures(20)
    return f"{away:+.3f} s from what was asked for"


@case(
    "replay.clock-outside",
    "Absolute time after the end of the recording is refused with 457",
    "RFC 2326 s11.3.8",
    Requirement.CONDITIONAL,
    needs.replay,
)
async def clock_outside(device: Device) -> str:
    session = await _session(device)
    provided("clock" in session.presentation.ranges, "the description tells no clock range")
    answer = await session.ask("PLAY", [("Range", "clock=20990101T000000Z-")])
    expect(answer.status == 457, f"answered {answer.said}")
    return answer.said


@case(
    "replay.beyond",
    "A start behind the end of the recording is refused with 457",
    "RFC 2326 s11.3.8",
    Requirement.CONDITIONAL,
    needs.replay,
)
async def beyond(device: Device) -> str:
    session, length = await _long(device)
    answer = await session.ask("PLAY", [("Range", f"npt={length + 86_400:.1f}-")])
    expect(answer.status == 457, f"answered {answer.said}")
    return answer.said


@case(
    "replay.backwards",
    "An end before the start is refused, unless it is played in reverse",
    "RFC 2326 s11.3.8",
    Requirement.OPTIONAL,
    needs.replay,
)
async def backwards(device: Device) -> str:
    session, _ = await _long(device)
    answer = await session.ask("PLAY", [("Range", "npt=8-3")])
    expect(answer.status in (400, 457), f"answered {answer.said}")
    return answer.said


@case(
    "replay.resume",
    "PLAY after PAUSE goes on where it stood, without a hole",
    "RFC 2326 s10.5, s10.6, B",
    Requirement.MANDATORY,
    needs.replay,
)
async def resume(device: Device) -> str:
    session, _ = await _long(device)
    await session.play()
    before = await session.pictures(30)
    good(await session.ask("PAUSE"), "PAUSE")
    before += [rtp.read(packet.data) for packet in await session.media(1.0) if packet.channel == 0]
    answer = await session.play()
    after = await session.pictures(30)
    wrong = consecutive([*before, *after])
    expect(wrong is None, f"after the pause {wrong}")
    return f"sequence number {after[0].sequence} follows {before[-1].sequence}; Range: {answer.get('Range')}"


@case(
    "replay.seek",
    "A seek after PAUSE plays from the new place, numbered on",
    "RFC 2326 s10.5, B",
    Requirement.MANDATORY,
    needs.replay,
)
async def seek(device: Device) -> str:
    session, length = await _long(device)
    await session.play()
    before = await session.pictures(20)
    good(await session.ask("PAUSE"), "PAUSE")
    await session.media(0.5)
    answer = await session.play(("Range", f"npt={length / 2:.3f}-"))
    began, _ = _npt(answer.get("Range"))
    expect(-_GROUP < began - length / 2 < 1.5, f"Range: {answer.get('Range')}")
    after = await session.pictures(20)
    expect(after[0].ssrc == before[0].ssrc, "the SSRC changes")
    expect(consecutive(after) is None, f"{consecutive(after)}")
    return f"Range: {answer.get('Range')}"


@case(
    "replay.seek-playing",
    "PLAY with a Range while playing is answered, and media goes on",
    "RFC 2326 s10.5",
    Requirement.OPTIONAL,
    needs.replay,
)
async def seek_playing(device: Device) -> str:
    session, length = await _long(device)
    await session.play()
    await session.pictures(20)
    answer = await session.ask("PLAY", [("Range", f"npt={length / 2:.3f}-")])
    expect(answer.status in (200, 455), f"answered {answer.said}")
    await session.pictures(20)
    return f"{answer.said}, Range: {answer.get('Range')}"


@case(
    "replay.seeks",
    "Twenty seeks in a row are answered, each with its media",
    "RFC 2326 s10.5",
    Requirement.OPTIONAL,
    needs.replay,
)
async def seeks(device: Device) -> str:
    session, length = await _long(device)
    took = []
    for number in range(20):
        place = length * ((7 * number) % 20) / 21
        began = time.monotonic()
        await session.play(("Range", f"npt={place:.3f}-"))
        session.connection.packets.clear()
        await session.pictures(1)
        took.append(time.monotonic() - began)
        good(await session.ask("PAUSE"), "PAUSE")
        await session.media(0.05)
    return f"first packet after {1000 * sorted(took)[10]:.0f} ms (median), {1000 * max(took):.0f} ms at most"


@case(
    "replay.pace",
    "A recording is sent as fast as it was recorded",
    "RFC 2326 s12.34",
    Requirement.MANDATORY,
    needs.replay,
)
async def pace(device: Device) -> str:
    session, _ = await _long(device)
    await session.play()
    await session.media(2)  # what a server sends ahead
    span, took = await _span(session, 4)
    expect(0.6 < span / took < 1.5, f"{span:.2f} s of media came in {took:.2f} s")
    return f"{span:.2f} s of media in {took:.2f} s"


async def _span(session: Session, seconds: float) -> tuple[float, float]:
    """Seconds of media that come within a time, by their timestamps, and that time."""
    packets = [packet for packet in await session.media(seconds) if packet.channel == 0]
    expect(len(packets) > 1, f"{len(packets)} packets within {seconds:g} s")
    first, last = rtp.read(packets[0].data), rtp.read(packets[-1].data)
    return rtp.ahead(last.time, first.time, rtp.TIMES) / session.clock, packets[-1].at - packets[0].at


@case(
    "replay.scale-told",
    "PLAY with Scale tells the scale that is played",
    "RFC 2326 s12.34",
    Requirement.MANDATORY,
    needs.replay,
)
async def scale_told(device: Device) -> str:
    session, _ = await _long(device)
    answer = await session.play(("Range", "npt=0-"), ("Scale", "2.0"))
    value = answer.get("Scale") or ""
    expect(re.fullmatch(r"-?\d+(\.\d*)?", value) is not None, f"Scale: {value or 'missing'}")
    await session.pictures(20)
    return f"Scale: {value}"


@case(
    "replay.scale-two",
    "Scale: 2 takes half the time",
    "RFC 2326 s12.34",
    Requirement.CONDITIONAL,
    needs.replay,
)
async def scale_two(device: Device) -> str:
    session, _ = await _long(device)
    answer = await session.play(("Range", "npt=0-8"), ("Scale", "2.0"))
    provided(float(answer.get("Scale") or 1) == 2.0, f"the server plays with Scale: {answer.get('Scale')}")
    began = time.monotonic()
    packets = await _to_the_end(session, 14)
    media = [packet for packet in packets if packet.channel == 0]
    expect(bool(media), "no media came")
    took = media[-1].at - began
    expect(2.0 < took < 6.0, f"8 s of the recording took {took:.1f} s")
    return f"8 s of the recording in {took:.1f} s"


@case(
    "replay.reverse",
    "Scale: -1 plays backwards, or another scale is told, or it is refused",
    "RFC 2326 s12.34",
    Requirement.MANDATORY,
    needs.replay,
)
async def reverse(device: Device) -> str:
    session, _ = await _long(device)
    answer = await session.ask("PLAY", [("Range", "npt=10-2"), ("Scale", "-1.0")])
    if answer.status != 200:
        expect(400 <= answer.status < 600, f"answered {answer.said}")
        return f"refused: {answer.said}"
    value = answer.get("Scale")
    expect(value is not None, "answered 200 without Scale")
    packets = await session.media(4)
    expect(any(packet.channel == 0 for packet in packets), "no media came")
    if float(value or 1) < 0:
        began, _ = _npt(answer.get("Range"))
        expect(8.0 < began <= 11.5, f"Range: {answer.get('Range')} for npt=10-2 backwards")
    return f"Scale: {value}, Range: {answer.get('Range')}"


@case(
    "replay.scale-malformed",
    "A scale that is none is refused, or another is told",
    "RFC 2326 s12.34",
    Requirement.OPTIONAL,
    needs.replay,
)
async def scale_malformed(device: Device) -> str:
    said = []
    for value in ("0", "fast", "1e999", "nan"):
        session = await _session(device)
        answer = await session.ask("PLAY", [("Scale", value)])
        if answer.status == 200:
            told = answer.get("Scale") or ""
            expect(
                re.fullmatch(r"-?\d+(\.\d*)?", told) is not None and float(told) != 0,
                f"Scale: {value} is answered 200, Scale: {told}",
            )
        else:
            expect(400 <= answer.status < 500, f"Scale: {value} is answered {answer.said}")
        said.append(f"{value}: {answer.status}")
    return ", ".join(said)
