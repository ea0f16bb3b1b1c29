"""Replay (ONVIF Replay, Streaming s6): GetReplayUri, RTSP with `Require: onvif-replay`, and the header extension."""

from __future__ import annotations

import struct
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from conformance.case import Failed, expect, provided
from conformance.onvif.device import Device
from conformance.onvif.rig import information
from conformance.onvif.suite import official
from conformance.onvif.values import Tape, Track, only, seconds, text
from conformance.rtsp import rtp, sdp
from conformance.rtsp.cases.tunnel import tunnelled_session
from conformance.rtsp.client import Fields
from conformance.rtsp.device import Device as Player
from conformance.rtsp.presentation import Presentation, Session, good, rtp_info
from conformance.rtsp.wire import Packet

REPLAY = ("Require", "onvif-replay")
FAST = ("Rate-Control", "no")
_KINDS = {"Video": "video", "Audio": "audio", "Metadata": "application"}
_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
_TOLERANCE = timedelta(seconds=2)  #: between what was asked for and the first key frame
_SILENCE = 3.0  #: seconds after PAUSE, within which the last packets may come
_ENOUGH = 60  #: packets that show that it plays
_WAIT = 12.0


@dataclass(frozen=True, slots=True)
class Stamp:
    """The header extension of a packet (Streaming s6.3)."""

    when: datetime
    clean: bool
    end: bool
    discontinuity: bool
    last: bool
    cseq: int
    packet: rtp.Rtp


def stamp(octets: bytes) -> Stamp:
    """Raises Failed for a packet without the extension."""
    packet = rtp.read(octets)
    at = 12 + 4 * (octets[0] & 15)
    if not octets[0] & 0x10 or octets[at : at + 2] != b"\xab\xac":
        raise Failed(f"a packet without the extension 0xABAC: {octets[:16].hex(' ')}")
    words, whole, fraction, flags, cseq = struct.unpack_from("!HIIBB", octets, at + 2)
    expect(words >= 3, f"the extension has {words} words, not 3")
    expect(not flags & 0x0F, f"bits that must be zero are not: {flags:#04x}")
    when = _EPOCH + timedelta(seconds=whole, microseconds=round(fraction * 1e6 / 2**32))
    return Stamp(
        when, bool(flags & 0x80), bool(flags & 0x40), bool(flags & 0x20), bool(flags & 0x10), cseq, packet
    )


def clock(start: datetime, end: datetime | None = None) -> tuple[str, str]:
    """A Range header."""
    return "Range", f"clock={_utc(start)}-{_utc(end) if end is not None else ''}"


def _utc(when: datetime) -> str:
    return when.strftime("%Y%m%dT%H%M%S.%fZ")


# --------------------------------------------------------------------------------------------- a replay


@dataclass(slots=True)
class Replay:
    """A recording that is played."""

    tape: Tape
    session: Session
    kinds: tuple[str, ...]
    cseq: int = -1  #: low octet, of the PLAY that runs

    async def play(self, *fields: tuple[str, str]) -> None:
        """PLAY. Raises Failed."""
        answer = good(await self.session.ask("PLAY", [REPLAY, *fields]), "PLAY")
        expect(answer.get("Session") is not None, "the answer to PLAY has no Session")
        streams = rtp_info(answer)
        expect(bool(streams), "the answer to PLAY has no RTP-Info")
        lacking = [key for key in ("url", "seq", "rtptime") if key not in streams[0]]
        expect(not lacking, f"RTP-Info has no {', '.join(lacking)}")
        self.cseq = int(answer.get("CSeq") or 0) & 0xFF

    async def packets(
        self, number: int, wait: float = _WAIT, until: Callable[[Stamp], bool] = lambda _: False
    ) -> list[Stamp]:
        """Packets of the first track that belong to the last PLAY, until there are so many, or one that ends it."""
        found: list[Stamp] = []

        def enough(packet: Packet) -> bool:
            if packet.channel != 0:
                return False
            told = stamp(packet.data)
            if told.cseq != self.cseq:
                return False
            found.append(told)
            return len(found) >= number or until(found[-1])

        await self.session.media(wait, enough)
        return found

    async def some(self, number: int = _ENOUGH) -> list[Stamp]:
        """Packets, of which at least one must come. Raises Failed."""
        found = await self.packets(number)
        expect(bool(found), f"no packet with the CSeq of PLAY came within {_WAIT:g} s")
        return found


async def _tape(device: Device, kinds: Sequence[str]) -> Tape:
    """The recording with the most in it that has these tracks, as it is now. Raises NotApplicable."""
    found = next((tape for tape in device.facts.tapes if all(tape.data(kind) for kind in kinds)), None)
    provided(found is not None, f"no recording has {' and '.join(kinds)} in it")
    assert found is not None
    return await information(device, found.token)


def _track(tape: Tape, kind: str) -> Track:
    found = tape.data(kind)
    assert found is not None, "the tape was chosen for it"
    return found


async def replay(device: Device, *kinds: str, udp: bool = False) -> Replay:
    """A session of a recording with these tracks. Raises Failed, NotApplicable."""
    tape = await _tape(device, kinds)
    player = await device.player(tape)
    presentation = await _described(player)
    wanted = _narrowed(presentation, kinds)
    session = await player.setup(await player.connect(), wanted, udp=udp, fields=[REPLAY])
    return Replay(tape, session, kinds)


async def _described(player: Player) -> Presentation:
    connection = await player.connect()
    answer = await connection.ask("DESCRIBE", None, [("Accept", "application/sdp"), REPLAY])
    return Presentation(connection.url, good(answer, "DESCRIBE"), sdp.read(answer.body))


def _narrowed(presentation: Presentation, kinds: Sequence[str]) -> Presentation:
    """The description with these media alone: the first of each kind. Raises Failed."""
    media = []
    for kind in kinds:
        found = [each for each in presentation.sdp.media if each.kind == _KINDS[kind]]
        expect(bool(found), f"the description has no medium of the kind {_KINDS[kind]}")
        expect(found[0].get("x-onvif-track") is not None, f"{kind} has no a=x-onvif-track")
        media.append(found[0])
    return Presentation(presentation.url, presentation.answer, presentation.sdp.only(media))


def _order(found: Sequence[Stamp]) -> None:
    """Sequence numbers grow by one each. Raises Failed."""
    for one, other in pairwise(found):
        step = rtp.ahead(other.packet.sequence, one.packet.sequence, rtp.SEQUENCES)
        expect(step == 1, f"the sequence number goes from {one.packet.sequence} to {other.packet.sequence}")


def _forward(found: Sequence[Stamp]) -> None:
    """Times grow. Raises Failed."""
    for one, other in pairwise(found):
        back = (one.when - other.when).total_seconds()
        expect(back <= 0, f"the times of a forward replay go back by {back:.3f} s")


# --------------------------------------------------------------------------------------------- the service


@official("REPLAY-1-2-1")
async def no_recording(device: Device) -> str:
    setup = "<tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>"
    inner = f"<trp:StreamSetup>{setup}</trp:StreamSetup><trp:RecordingToken>no-such-one</trp:RecordingToken>"
    return (await device.refused("trp:GetReplayUri", inner, "InvalidArgVal")).said


@official("REPLAY-4-1-1")
async def configuration(device: Device) -> str:
    async def told() -> float:
        reply = await device.call("trp:GetReplayConfiguration")
        return seconds(text(only(reply, "trp:Configuration"), "tt:SessionTimeout"))

    before = await told()
    inner = "<trp:Configuration><tt:SessionTimeout>PT{:g}S</tt:SessionTimeout></trp:Configuration>"
    device.later("trp:SetReplayConfiguration", inner.format(before))
    ends = [float(each) for each in (device.capability("trp", "SessionTimeoutRange") or "60 60").split()]
    for wanted in ends:
        await device.call("trp:SetReplayConfiguration", inner.format(wanted))
        expect(abs(await told() - wanted) < 0.01, f"{wanted:g} s were set, {await told():g} s are told")
    return f"{', '.join(f'{each:g} s' for each in ends)}"


# --------------------------------------------------------------------------------------------- procedures

Procedure = Callable[[Device, tuple[str, ...]], Awaitable[str]]


async def _control(device: Device, kinds: tuple[str, ...]) -> str:
    played = await replay(device, *kinds)
    public = (await played.session.ask("OPTIONS")).words("Public")
    missing = {"DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN"} - public
    expect(not missing, f"Public does not list {', '.join(sorted(missing))}")
    await played.play()
    await played.some()
    good(await played.session.ask("TEARDOWN"), "TEARDOWN")
    return f"{len(played.session.tracks)} tracks"


async def _plain(played: Replay) -> str:
    await played.play(FAST)
    found = await played.some()
    _order(found)
    _forward(found)
    if played.kinds[0] == "Video":
        expect(found[0].clean, "the first packet is no clean point")
    track = _track(played.tape, played.kinds[0])
    early = track.start - found[0].when
    expect(early < _TOLERANCE, f"it begins {early} before the track")
    return f"{len(found)} packets from {found[0].when:%H:%M:%S.%f}"


async def _udp(device: Device, kinds: tuple[str, ...]) -> str:
    return await _plain(await replay(device, *kinds, udp=True))


async def _tcp(device: Device, kinds: tuple[str, ...]) -> str:
    return await _plain(await replay(device, *kinds))


async def _http(device: Device, kinds: tuple[str, ...]) -> str:
    tape = await _tape(device, kinds)
    player = await device.player(tape)
    wanted = _narrowed(await _described(player), kinds)
    answer, octets = await tunnelled_session(player, wanted, [REPLAY, FAST], _ENOUGH)
    good(answer, "PLAY through HTTP")
    found = [stamp(each) for each in octets]
    _order(found)
    _forward(found)
    return f"{len(found)} packets through the tunnel"


def _middle(tape: Tape, kind: str, part: float = 0.5) -> datetime:
    track = _track(tape, kind)
    return track.start + (track.end - track.start) * part


async def _range(device: Device, kinds: tuple[str, ...]) -> str:
    played = await replay(device, *kinds)
    track = _track(played.tape, kinds[0])
    length = track.end - track.start
    provided(length > timedelta(seconds=6), f"{length} of {kinds[0]} is too short")
    start = track.start + length * 0.3
    end = min(start + timedelta(seconds=4), track.end)
    await played.play(FAST, clock(start, end))
    found = await played.packets(100_000, 6)
    expect(bool(found), "no packet came")
    _forward(found)
    expect(
        abs(found[0].when - start) <= _TOLERANCE,
        f"it begins {(found[0].when - start).total_seconds():+.2f} s off",
    )
    expect(found[-1].when <= end + timedelta(milliseconds=50), f"it ends {found[-1].when - end} late")
    return f"from {(found[0].when - start).total_seconds():+.2f} s to {(found[-1].when - end).total_seconds():+.2f} s"


async def _rate(device: Device, kinds: tuple[str, ...]) -> str:
    played = await replay(device, *kinds)
    start = _middle(played.tape, kinds[0], 0.3)
    end = start + timedelta(seconds=4)
    provided(end < _track(played.tape, kinds[0]).end, "what is recorded is too short")
    took = []
    for pace in ("no", "yes"):
        began = time.monotonic()
        await played.play(("Rate-Control", pace), ("Immediate", "yes"), clock(start, end))
        found = await played.packets(
            100_000, 15, lambda each: each.last or each.when >= end - timedelta(seconds=0.2)
        )
        expect(bool(found), f"no packet came with Rate-Control: {pace}")
        took.append(time.monotonic() - began)
    expect(took[1] > 2.5, f"with Rate-Control: yes, 4 s were played in {took[1]:.1f} s")
    expect(took[0] < took[1], f"as fast as can be took {took[0]:.1f} s, at its pace {took[1]:.1f} s")
    return f"4 s in {took[0]:.1f} s, and in {took[1]:.1f} s at its pace"


async def _immediate(device: Device, kinds: tuple[str, ...]) -> str:
    played = await replay(device, *kinds)
    await played.play(clock(_middle(played.tape, kinds[0], 0.2)))
    await played.some(10)
    wanted = _middle(played.tape, kinds[0], 0.7)
    await played.play(("Immediate", "yes"), clock(wanted))
    new = await played.some(1)
    expect(new[0].discontinuity, "the first packet of the new place has no bit D")
    expect(abs(new[0].when - wanted) <= _TOLERANCE, f"it goes on {new[0].when - wanted} off")
    return f"{(new[0].when - wanted).total_seconds():+.2f} s from what was asked for"


async def _pause(device: Device, kinds: tuple[str, ...]) -> str:
    played = await replay(device, *kinds)
    await played.play(clock(_middle(played.tape, kinds[0], 0.2)))
    before = await played.some(20)
    good(await played.session.ask("PAUSE", [REPLAY]), "PAUSE")
    before += await played.packets(100_000, _SILENCE)
    still = await played.packets(1, 1.5)
    expect(not still, f"packets come {_SILENCE:g} s after PAUSE")
    await played.play()
    after = await played.some(10)
    step = (after[0].when - before[-1].when).total_seconds()
    expect(-2 <= step <= 2, f"it goes on {step:+.2f} s from where it stood")
    return f"it went on {step:+.3f} s from where it stood"


async def _pause_range(device: Device, kinds: tuple[str, ...]) -> str:
    played = await replay(device, *kinds)
    start = _middle(played.tape, kinds[0], 0.2)
    await played.play(clock(start))
    found = await played.some(5)
    stop = found[-1].when + timedelta(seconds=2)
    provided(stop < _track(played.tape, kinds[0]).end, "what is recorded is too short")
    good(await played.session.ask("PAUSE", [REPLAY, ("Range", f"clock={_utc(stop)}")]), "PAUSE")
    found += await played.packets(100_000, 2 + _SILENCE)
    expect(not await played.packets(1, 1.5), "packets come after the pause point")
    off = (found[-1].when - stop).total_seconds()
    expect(-1 <= off <= 0.5, f"it paused {off:+.2f} s from the point")
    return f"{off:+.3f} s from the point"


async def _seek(device: Device, kinds: tuple[str, ...]) -> str:
    played = await replay(device, *kinds)
    away = []
    for part in (0.6, 0.2, 0.8):
        wanted = _middle(played.tape, kinds[0], part)
        await played.play(FAST, ("Immediate", "yes"), clock(wanted))
        found = await played.some(1)
        off = (found[-1].when - wanted).total_seconds()
        expect(abs(off) <= _TOLERANCE.total_seconds(), f"it begins {off:+.2f} s from what was asked for")
        away.append(off)
    return ", ".join(f"{each:+.2f} s" for each in away)


async def _intra(device: Device, kinds: tuple[str, ...]) -> str:
    played = await replay(device, *kinds)
    await played.play(FAST, ("Frames", "intra"), clock(_middle(played.tape, kinds[0], 0.2)))
    found = await played.some(40)
    odd = [each for each in found if not each.clean]
    expect(not odd, f"{len(odd)} of {len(found)} packets are of no key frame")
    await played.play(
        FAST, ("Immediate", "yes"), ("Frames", "intra/4000"), clock(_middle(played.tape, kinds[0], 0.1))
    )
    more = await played.some(40)
    moments = sorted({each.when for each in more})
    near = [b - a for a, b in pairwise(moments[1:]) if b - a < timedelta(seconds=3.9)]
    expect(not near, f"key frames come {near[:3]} apart, 4 s were asked for")
    return f"{len({each.when for each in found})} key frames, then {len(moments)} at least 4 s apart"


async def _reverse_of(played: Replay, kinds: tuple[str, ...]) -> str:
    start = _middle(played.tape, kinds[0], 0.8)
    await played.play(FAST, ("Scale", "-1.0"), clock(start, _middle(played.tape, kinds[0], 0.2)))
    found = await played.some(200)
    _order(found)
    if kinds[0] != "Video":
        return f"{len(found)} packets"
    groups: list[list[Stamp]] = []
    for each in found:
        if not groups or (each.discontinuity and each.when != groups[-1][-1].when):
            groups.append([])
        groups[-1].append(each)
    firsts = [group[0].when for group in groups]
    expect(len(groups) > 1, "it ended before a second group of pictures")
    expect(firsts == sorted(firsts, reverse=True), "groups of pictures do not go back in time")
    expect(
        all(group[0].discontinuity and group[0].clean for group in groups),
        "a group does not begin with C and D",
    )
    for group in groups[:-1]:
        _forward(group)
    return f"{len(groups)} groups of pictures, backward"


async def _reverse_udp(device: Device, kinds: tuple[str, ...]) -> str:
    return await _reverse_of(await replay(device, *kinds, udp=True), kinds)


async def _reverse_tcp(device: Device, kinds: tuple[str, ...]) -> str:
    return await _reverse_of(await replay(device, *kinds), kinds)


async def _reverse_http(device: Device, kinds: tuple[str, ...]) -> str:
    tape = await _tape(device, kinds)
    player = await device.player(tape)
    wanted = _narrowed(await _described(player), kinds)
    fields: Fields = [REPLAY, FAST, ("Scale", "-1.0"), clock(_middle(tape, kinds[0], 0.8))]
    answer, octets = await tunnelled_session(player, wanted, fields, _ENOUGH)
    good(answer, "PLAY through HTTP")
    found = [stamp(each) for each in octets]
    _order(found)
    expect(found[0].discontinuity, "the first packet has no bit D")
    return f"{len(found)} packets through the tunnel"


#: the last part of the id -> the procedure
_TABLE: dict[str, Procedure] = {
    "1": _control,
    "2": _udp,
    "3": _http,
    "4": _tcp,
    "10": _range,
    "11": _rate,
    "12": _immediate,
    "14": _pause,
    "15": _pause_range,
    "16": _seek,
}
_VIDEO: dict[str, Procedure] = {
    "1": _control,
    "2": _udp,
    "3": _http,
    "4": _tcp,
    "5": _reverse_udp,
    "6": _reverse_http,
    "7": _reverse_tcp,
    "10": _range,
    "11": _intra,
    "12": _rate,
    "13": _immediate,
    "15": _pause,
    "16": _pause_range,
    "17": _seek,
}
_METADATA = _TABLE | {"5": _reverse_udp, "6": _reverse_http, "7": _reverse_tcp}


def _done(name: str, procedure: Procedure, kinds: tuple[str, ...]) -> None:
    @official(name)
    async def check(device: Device) -> str:
        if len(kinds) == 1:
            return await procedure(device, kinds)
        # Of several tracks: all those that a recording has together.
        most = max((_together(tape, kinds) for tape in device.facts.tapes), key=len, default=())
        provided(len(most) > 1, f"no recording has {' and '.join(kinds)} in it, or two of them")
        return f"{' and '.join(most)}: {await procedure(device, most)}"


def _together(tape: Tape, kinds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(kind for kind in kinds if tape.data(kind))


for _part, _kinds, _procedures in (
    ("3-1", ("Video",), _VIDEO),
    ("3-2", ("Audio",), _TABLE),
    ("3-3", ("Metadata",), _METADATA),
    ("3-4", ("Video", "Audio", "Metadata"), _TABLE),
):
    for _number, _procedure in _procedures.items():
        _done(f"REPLAY-{_part}-{_number}", _procedure, _kinds)
