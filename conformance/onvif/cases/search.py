"""Recording search: recordings by filter, events forward and backward, and the life of a search."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from conformance.case import Failed, expect, provided
from conformance.onvif.client import Element
from conformance.onvif.device import Device
from conformance.onvif.points import Message, read
from conformance.onvif.rig import information, recordings, same
from conformance.onvif.suite import official
from conformance.onvif.values import Tape, Track, every, moment, only, text, write

_NOWHERE = "no-such-search"
_LIVES = 60
_RECORDING_STATE, _TRACK_STATE = "RecordingHistory/Recording/State", "RecordingHistory/Track/State"


def _scope(filter_: str = "", tokens: Sequence[str] = ()) -> str:
    """tse:Scope."""
    inside = "".join(f"<tt:IncludedRecordings>{escape(each)}</tt:IncludedRecordings>" for each in tokens)
    if filter_:
        inside += f"<tt:RecordingInformationFilter>{escape(filter_)}</tt:RecordingInformationFilter>"
    return f"<tse:Scope>{inside}</tse:Scope>"


async def _find(device: Device, inner: str, lives: int = _LIVES) -> str:
    """FindRecordings; the token."""
    told = await device.call(
        "tse:FindRecordings", f"{inner}<tse:KeepAliveTime>PT{lives}S</tse:KeepAliveTime>"
    )
    return _ending(device, text(told, "tse:SearchToken"))


def _ending(device: Device, token: str) -> str:
    device.later("tse:EndSearch", _token(token))
    return token


def _token(token: str) -> str:
    return f"<tse:SearchToken>{escape(token)}</tse:SearchToken>"


async def _page(
    device: Device,
    operation: str,
    token: str,
    least: int | None = None,
    most: int | None = None,
    wait: float = 5,
) -> tuple[bool, list[Element]]:
    """One reply: whether the search is over, and the results."""
    limits = f"<tse:MinResults>{least}</tse:MinResults>" if least is not None else ""
    limits += f"<tse:MaxResults>{most}</tse:MaxResults>" if most is not None else ""
    told = await device.call(operation, f"{_token(token)}{limits}<tse:WaitTime>PT{wait:g}S</tse:WaitTime>")
    listed = only(told, "tse:ResultList")
    state = text(listed, "tt:SearchState")
    expect(state in ("Searching", "Completed"), f"the state is {state}")
    short = "tt:RecordingInformation" if operation.startswith("tse:GetRecording") else "tt:Result"
    found = every(listed, short)
    if most is not None:
        expect(len(found) <= most, f"{len(found)} results, and {most} are allowed")
    return state == "Completed", found


async def _all(device: Device, operation: str, token: str, most: int | None = 100) -> list[Element]:
    """Every result, to the end."""
    found: list[Element] = []
    for _ in range(500):
        over, more = await _page(device, operation, token, most=most)
        found += more
        if over:
            return found
    raise Failed("the search has no end")


_RECORDINGS = "tse:GetRecordingSearchResults"
_EVENTS = "tse:GetEventSearchResults"


async def _found(device: Device, inner: str) -> dict[str, Tape]:
    results = await _all(device, _RECORDINGS, await _find(device, inner))
    found = [Tape.read(each) for each in results]
    tokens = [each.token for each in found]
    expect(len(set(tokens)) == len(tokens), f"a recording was found twice: {tokens}")
    return {each.token: each for each in found}


# --------------------------------------------------------------------------------------------- recordings


@official("SEARCH-4-1-1")
async def summary(device: Device) -> str:
    told = only(await device.call("tse:GetRecordingSummary"), "tse:Summary")
    number = int(text(told, "tt:NumberRecordings"))
    known = await recordings(device)
    expect(number == len(known), f"NumberRecordings is {number}, GetRecordings tells {len(known)}")
    return f"{number} recordings from {text(told, 'tt:DataFrom')} to {text(told, 'tt:DataUntil')}"


@official("SEARCH-2-1-3")
async def least(device: Device) -> str:
    provided(len(device.facts.tapes) > 1, "there is one recording alone")
    token = await _find(device, _scope())
    _, found = await _page(device, _RECORDINGS, token, least=2)
    expect(len(found) >= 2, f"{len(found)} results, and 2 are the least")
    return f"{len(found)} results"


@official("SEARCH-2-1-4")
async def most(device: Device) -> str:
    token = await _find(device, _scope())
    seen: list[str] = []
    for _ in range(len(device.facts.tapes) + 5):
        over, found = await _page(device, _RECORDINGS, token, most=1)
        seen += [text(each, "tt:RecordingToken") for each in found]
        if over:
            break
    expect(len(set(seen)) == len(seen), "a result came twice")
    expect(
        len(seen) == len(device.facts.tapes), f"{len(seen)} of {len(device.facts.tapes)} came, one at a time"
    )
    return f"{len(seen)} results, one at a time"


@official("SEARCH-2-1-5")
async def wait(device: Device) -> str:
    token = await _find(device, _scope())
    began = time.monotonic()
    await _page(device, _RECORDINGS, token, least=10_000, wait=5)
    took = time.monotonic() - began
    expect(took < 6.5, f"the answer came after {took:.1f} s, and 5 s were to be waited")
    return f"{took:.2f} s"


@official("SEARCH-2-1-7")
async def max_matches(device: Device) -> str:
    found = await _found(device, _scope() + "<tse:MaxMatches>1</tse:MaxMatches>")
    expect(len(found) == 1, f"{len(found)} recordings, and one was asked for")
    return next(iter(found))


def _has(*kinds: str) -> str:
    return " and ".join(f'boolean(//Track[TrackType = "{kind}"])' for kind in kinds)


def _filtered(name: str, *kinds: str) -> None:
    @official(name)
    async def check(device: Device) -> str:
        found = await _found(device, _scope(_has(*kinds)))
        wanted = {
            tape.token for tape in device.facts.tapes if set(kinds) <= {track.kind for track in tape.tracks}
        }
        wrong = {
            token for token, tape in found.items() if not set(kinds) <= {each.kind for each in tape.tracks}
        }
        expect(not wrong, f"found without {' and '.join(kinds)}: {', '.join(sorted(wrong))}")
        expect(wanted <= set(found), f"not found: {', '.join(sorted(wanted - set(found)))}")
        return f"{len(found)} recordings with {' and '.join(kinds)}"


_filtered("SEARCH-2-1-8", "Video")
_filtered("SEARCH-2-1-13", "Audio")
_filtered("SEARCH-2-1-14", "Metadata")
_filtered("SEARCH-2-1-15", "Video", "Audio")
_filtered("SEARCH-2-1-16", "Video", "Metadata")


@official("SEARCH-2-1-17")
async def as_recordings(device: Device) -> str:
    known = await recordings(device)
    results = await _all(device, _RECORDINGS, await _find(device, _scope()))
    found = {text(each, "tt:RecordingToken"): each for each in results}
    expect(set(found) == set(known), f"found and known differ: {sorted(set(found) ^ set(known))}")
    for token, item in known.items():
        there = only(found[token], "tt:Source")
        for each in only(item, "tt:Configuration/tt:Source"):
            same(each, only(there, f"tt:{each.tag.rpartition('}')[2]}"), f"sources of {token}")
        one, other = text(item, "tt:Configuration/tt:Content"), text(found[token], "tt:Content")
        expect(one == other, f"the content of {token} is {one!r} and {other!r}")
    return f"{len(found)} recordings"


@official("SEARCH-2-1-18")
async def as_information(device: Device) -> str:
    found = await _found(device, _scope())
    for token, tape in found.items():
        other = await information(device, token)
        expect(tape.start == other.start, f"EarliestRecording of {token}: {tape.start} and {other.start}")
        expect(
            {(each.token, each.kind) for each in tape.tracks}
            == {(each.token, each.kind) for each in other.tracks},
            f"the tracks of {token} differ",
        )
        if tape.tracks:
            expect(tape.start == min(each.start for each in tape.tracks), f"EarliestRecording of {token}")
            expect(tape.end == max(each.end for each in tape.tracks), f"LatestRecording of {token}")
    return f"{len(found)} recordings"


@official("SEARCH-2-1-10")
async def results_of_nothing(device: Device) -> str:
    return (await device.refused(_RECORDINGS, _token(_NOWHERE), "InvalidToken")).said


@official("SEARCH-2-1-11")
async def end_of_nothing(device: Device) -> str:
    return (await device.refused("tse:EndSearch", _token(_NOWHERE), "InvalidToken")).said


@official("SEARCH-3-1-10")
async def events_of_nothing(device: Device) -> str:
    return (await device.refused(_EVENTS, _token(_NOWHERE), "InvalidToken")).said


@official("SEARCH-2-1-12")
async def ended(device: Device) -> str:
    token = await _find(device, _scope())
    await device.call("tse:EndSearch", _token(token))
    return (await device.refused(_RECORDINGS, _token(token), "InvalidToken")).said


# --------------------------------------------------------------------------------------------- life


async def _lives(device: Device, operation: str, token: str) -> str:
    """A search of 10 s is there after 9 s, twice; results of one that has ended are not asked for."""
    for _ in range(2):
        await asyncio.sleep(9)
        over, _ = await _page(device, operation, token, most=1, wait=0.1)
        if over:
            return "it was over before its time"
    return "asked for every 9 s, it went on"


async def _dies(device: Device, operation: str, token: str) -> str:
    await asyncio.sleep(14)
    return (await device.refused(operation, _token(token), "InvalidToken")).said


@official("SEARCH-2-1-19", slow=True)
async def keep_alive(device: Device) -> str:
    return await _lives(device, _RECORDINGS, await _find(device, _scope(), 10))


@official("SEARCH-2-1-20", slow=True)
async def expiry(device: Device) -> str:
    return await _dies(device, _RECORDINGS, await _find(device, _scope(), 10))


@official("SEARCH-3-1-15", slow=True)
async def events_keep_alive(device: Device) -> str:
    return await _lives(device, _EVENTS, await _find_events(device, device.tape, lives=10))


@official("SEARCH-3-1-16", slow=True)
async def events_expiry(device: Device) -> str:
    return await _dies(device, _EVENTS, await _find_events(device, device.tape, lives=10))


# --------------------------------------------------------------------------------------------- events


@dataclass(frozen=True, slots=True)
class Found:
    """tt:FindEventResult."""

    token: str
    track: str
    when: datetime
    virtual: bool
    message: Message

    @property
    def key(self) -> tuple[object, ...]:
        """What is the same forward and backward."""
        data = tuple(sorted(self.message.data.items()))
        return self.token, self.track, self.when, self.message.topic, data


def _read(told: Element) -> Found:
    return Found(
        text(told, "tt:RecordingToken"),
        text(told, "tt:TrackToken"),
        moment(text(told, "tt:Time")),
        text(told, "tt:StartStateEvent") in ("true", "1"),
        read(only(told, "tt:Event")),
    )


async def _find_events(
    device: Device,
    tape: Tape,
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    state: bool = False,
    lives: int = _LIVES,
    matches: int | None = None,
) -> str:
    """FindEvents; the token. Without a start: from the tape's first moment."""
    begin = start or tape.start
    assert begin is not None
    until = f"<tse:EndPoint>{write(end)}</tse:EndPoint>" if end else ""
    told = await device.call(
        "tse:FindEvents",
        f"<tse:StartPoint>{write(begin)}</tse:StartPoint>{until}{_scope(tokens=[tape.token])}<tse:SearchFilter/>"
        f"<tse:IncludeStartState>{str(state).lower()}</tse:IncludeStartState>"
        f"{f'<tse:MaxMatches>{matches}</tse:MaxMatches>' if matches else ''}"
        f"<tse:KeepAliveTime>PT{lives}S</tse:KeepAliveTime>",
    )
    return _ending(device, text(told, "tse:SearchToken"))


async def _events(
    device: Device, tape: Tape, start: datetime, end: datetime, *, state: bool = False
) -> list[Found]:
    """All events, in the order of time."""
    token = await _find_events(device, tape, start, end, state=state)
    found = [_read(each) for each in await _all(device, _EVENTS, token)]
    times = [each.when for each in found if not each.virtual]
    expect(times == sorted(times, reverse=end < start), "events are not in the order of time")
    others = {each.token for each in found} - {tape.token}
    expect(not others, f"events of {', '.join(others)} came too")
    return found


async def _still(device: Device) -> Tape:
    """A recording whose end does not move while it is looked at, or the best there is."""
    stopped = next(
        (each for each in device.facts.tapes if each.data("Video") and each.status == "Stopped"), None
    )
    return stopped or await information(device, device.tape.token)


async def _both_ways(
    device: Device, start: datetime, end: datetime, tape: Tape, *, state: bool
) -> tuple[list[Found], list[Found]]:
    forward = await _events(device, tape, start, end, state=state)
    backward = await _events(device, tape, end, start, state=state)
    one = {each.key for each in forward if not each.virtual}
    other = {each.key for each in backward if not each.virtual}
    # What is being recorded has no last moment: an end that moved between the two is no difference.
    if tape.status == "Recording":
        latest = tape.end
        one = {key for key in one if latest is None or key[2] < latest}  # type: ignore[operator]  # a datetime
        other = {key for key in other if latest is None or key[2] < latest}  # type: ignore[operator]  # the same
    expect(one == other, f"forward and backward differ in {len(one ^ other)} events")
    return forward, backward


@official("SEARCH-3-1-5")
async def one_event(device: Device) -> str:
    tape = await _still(device)
    found = await _all(device, _EVENTS, await _find_events(device, tape, tape.start, tape.end, matches=1))
    expect(len(found) == 1, f"{len(found)} events, and one was asked for")
    return _read(found[0]).message.topic


@official("SEARCH-3-1-13")
async def whole(device: Device) -> str:
    tape = await _still(device)
    assert tape.start is not None
    assert tape.end is not None
    forward, _ = await _both_ways(device, tape.start, tape.end, tape, state=False)
    states = [each for each in forward if each.message.topic == _RECORDING_STATE]
    _alternate(states, "IsRecording", tape.status == "Recording")
    for track in tape.tracks:
        own = [each for each in forward if each.message.topic == _TRACK_STATE and each.track == track.token]
        _alternate(own, "IsDataPresent", tape.status == "Recording")
    return f"{len(forward)} events"


def _alternate(found: Sequence[Found], item: str, running: bool) -> None:
    said = [each.message.data.get(item) for each in found]
    expect(len(said) >= (1 if running else 2), f"{len(said)} events tell {item}")
    expected = ["true" if number % 2 == 0 else "false" for number in range(len(said))]
    expect(said == expected, f"{item} is {', '.join(map(str, said[:8]))}")


@official("SEARCH-3-1-14")
async def beyond(device: Device) -> str:
    tape = await _still(device)
    assert tape.start is not None
    assert tape.end is not None
    hour = timedelta(hours=1)
    forward, _ = await _both_ways(device, tape.start - hour, tape.end + hour, tape, state=False)
    latest = (await information(device, tape.token)).end
    assert latest is not None
    outside = [each for each in forward if not tape.start <= each.when <= latest]
    expect(not outside, f"{len(outside)} events lie outside the recording")
    expect(bool(forward), "no event was found")
    return f"{len(forward)} events, all within the recording"


@official("SEARCH-3-1-11")
async def within(device: Device) -> str:
    tape = await _still(device)
    assert tape.start is not None
    assert tape.end is not None
    length = tape.end - tape.start
    start, end = tape.start + length / 4, tape.end - length / 4
    forward, backward = await _both_ways(device, start, end, tape, state=True)
    for found, places in ((forward, {start}), (backward, {start, end})):
        virtual = [each for each in found if each.virtual]
        topics = {each.message.topic for each in virtual}
        expect(
            {_RECORDING_STATE, _TRACK_STATE} <= topics,
            f"states at the ends are told of {topics or 'nothing'}",
        )
        odd = {each.when for each in virtual} - places
        expect(not odd, f"a state at the end is told for {', '.join(map(str, odd))}")
    plain = await _events(device, tape, start, end)
    expect(not any(each.virtual for each in plain), "states at the ends came, and were not asked for")
    return f"{len(forward)} forward, {len(backward)} backward, of them virtual {_count(forward)} and {_count(backward)}"


def _count(found: Sequence[Found]) -> int:
    return sum(each.virtual for each in found)


# --------------------------------------------------------------------------------------------- metadata

_METADATA = "tse:GetMetadataSearchResults"
#: What every metadata stream has one of (ONVIF Streaming s5.1.2.1.1).
_ANY = " or ".join(f"boolean(//{name})" for name in ("Frame", "NotificationMessage", "PTZStatus"))


async def _told(device: Device) -> tuple[str, Track]:
    """A recording with metadata in it, and the track that has them: one that does not grow, if there is."""
    tapes = sorted(device.facts.tapes, key=lambda tape: tape.status != "Stopped")
    tape = next((each for each in tapes if each.data("Metadata")), None)
    provided(tape is not None, "no recording has metadata in it")
    assert tape is not None
    track = (await information(device, tape.token)).data("Metadata")
    assert track is not None
    return tape.token, track


async def _find_metadata(
    device: Device,
    token: str,
    start: datetime,
    end: datetime,
    expression: str = _ANY,
    *,
    lives: int = _LIVES,
    matches: int | None = None,
) -> str:
    """FindMetadata; the token of the search."""
    told = await device.call(
        "tse:FindMetadata",
        f"<tse:StartPoint>{write(start)}</tse:StartPoint><tse:EndPoint>{write(end)}</tse:EndPoint>"
        f"{_scope(tokens=[token])}<tse:MetadataFilter><tt:MetadataStreamFilter>{escape(expression)}"
        "</tt:MetadataStreamFilter></tse:MetadataFilter>"
        f"{f'<tse:MaxMatches>{matches}</tse:MaxMatches>' if matches else ''}"
        f"<tse:KeepAliveTime>PT{lives}S</tse:KeepAliveTime>",
    )
    return _ending(device, text(told, "tse:SearchToken"))


async def _metadata(
    device: Device, token: str, track: Track, start: datetime, end: datetime
) -> list[datetime]:
    """When there are metadata, in the order of time."""
    results = await _all(device, _METADATA, await _find_metadata(device, token, start, end))
    places = {(text(each, "tt:RecordingToken"), text(each, "tt:TrackToken")) for each in results}
    expect(
        places <= {(token, track.token)}, f"metadata of {places} came, and those of {token} were asked for"
    )
    times = [moment(text(each, "tt:Time")) for each in results]
    expect(times == sorted(times, reverse=end < start), "metadata are not in the order of time")
    low, high = min(start, end), max(start, end)
    expect(all(low <= each <= high for each in times), "metadata lie outside what was searched")
    return times


async def _metadata_both_ways(
    device: Device, token: str, track: Track, start: datetime, end: datetime
) -> str:
    forward = await _metadata(device, token, track, start, end)
    backward = await _metadata(device, token, track, end, start)
    expect(bool(forward), "no metadata were found")
    # What is being recorded goes on between the two searches.
    settled = track.end - timedelta(seconds=2)
    forward, backward = ([each for each in found if each < settled] for found in (forward, backward))
    expect(forward == backward[::-1], f"forward found {len(forward)}, backward {len(backward)}, or others")
    return f"{len(forward)} results both ways"


def _ends(name: str, start: timedelta, share: float) -> None:
    @official(name)
    async def check(device: Device) -> str:
        token, track = await _told(device)
        aside = start + (track.end - track.start) * share
        return await _metadata_both_ways(device, token, track, track.start + aside, track.end - aside)


_ends("SEARCH-5-1-1", timedelta(), 0.0)
_ends("SEARCH-5-1-2", -timedelta(hours=1), 0.0)
_ends("SEARCH-5-1-3", timedelta(), 0.25)


@official("SEARCH-5-1-4")
async def one_metadata(device: Device) -> str:
    token, track = await _told(device)
    search = await _find_metadata(device, token, track.start, track.end, matches=1)
    found = await _all(device, _METADATA, search)
    expect(len(found) == 1, f"{len(found)} results, and one was asked for")
    return text(found[0], "tt:Time")


@official("SEARCH-5-1-5")
async def no_metadata(device: Device) -> str:
    token, track = await _told(device)
    before = track.start - timedelta(hours=1)
    search = await _find_metadata(device, token, before - timedelta(hours=1), before)
    found = await _all(device, _METADATA, search)
    expect(not found, f"{len(found)} results, from before anything was recorded")
    return "nothing before the first"


@official("SEARCH-5-1-6")
async def metadata_of_nothing(device: Device) -> str:
    return (await device.refused(_METADATA, _token(_NOWHERE), "InvalidToken")).said


@official("SEARCH-5-1-7", slow=True)
async def metadata_keep_alive(device: Device) -> str:
    token, track = await _told(device)
    return await _lives(
        device, _METADATA, await _find_metadata(device, token, track.start, track.end, lives=10)
    )


@official("SEARCH-5-1-8", slow=True)
async def metadata_expiry(device: Device) -> str:
    token, track = await _told(device)
    return await _dies(
        device, _METADATA, await _find_metadata(device, token, track.start, track.end, lives=10)
    )
