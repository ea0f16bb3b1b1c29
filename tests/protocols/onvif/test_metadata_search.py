"""Recording Search over what cameras told of their pictures: FindMetadata and its results."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest

from device.media import Codec, Track, Utc
from device.recordings.contents import contents
from protocols.onvif.names import TSE, TT
from protocols.onvif.xml import read_instant, write_instant
from tests.device.recording.camera import VIDEO
from tests.device.recordings.rig import GATE, SECOND, Rig, record
from tests.protocols.onvif.recorder import Recorder, words
from tests.protocols.onvif.test_search import KEEP, begin, results, scope

METADATA = Track(Codec.ONVIF_METADATA, 90_000)
HALL, LANE = "c-hall01", "c-lane01"
PERSON = 'boolean(//Object[@ObjectId = "7"])'


def told(*numbers: int) -> bytes:
    """A frame with these objects in it."""
    objects = "".join(f'<tt:Object ObjectId="{each}"/>' for each in numbers)
    frame = f'<tt:VideoAnalytics><tt:Frame UtcTime="2023-11-14T22:13:20Z">{objects}</tt:Frame></tt:VideoAnalytics>'
    return f'<tt:MetadataStream xmlns:tt="{TT}">{frame}</tt:MetadataStream>'.encode()


def appears(recorder: Rig, token: str, *seconds: int, length: int = 12) -> Utc:
    """Record a camera that tells twice a second what it sees, and of a person in these seconds; when it began."""
    begun = recorder.store.clock.utc()

    def document(picture: int) -> bytes:
        return (told(3, 7) if picture // 10 in seconds else told(3)) if picture % 5 == 2 else b""

    record(recorder.store, token, (0, length), tracks=(VIDEO, METADATA), told=document)
    return begun


async def search(
    nvr: Recorder, start: Utc, end: Utc | None, expression: str = PERSON, more: str = "", where: str = ""
) -> str:
    """The token of a search."""
    until = "" if end is None else f"<tse:EndPoint>{write_instant(end)}</tse:EndPoint>"
    wanted = f"<tt:MetadataStreamFilter>{escape(expression)}</tt:MetadataStreamFilter>"
    return await begin(
        nvr,
        f"<tse:FindMetadata><tse:StartPoint>{write_instant(start)}</tse:StartPoint>{until}{where or scope()}"
        f"<tse:MetadataFilter>{wanted}</tse:MetadataFilter>{more}{KEEP}</tse:FindMetadata>",
    )


async def found(
    nvr: Recorder, start: Utc, end: Utc | None, *args: str, **kwargs: str
) -> list[tuple[str, str, Utc]]:
    """All of a search: recording, track and time."""
    listed = await results(nvr, "Metadata", await search(nvr, start, end, *args, **kwargs))
    return [
        (
            words(each, "RecordingToken")[0],
            words(each, "TrackToken")[0],
            read_instant("Time", words(each, "Time")[0]),
        )
        for each in listed
    ]


def at(begun: Utc, second: float) -> Utc:
    return Utc(begun + round(second * SECOND))


async def test_forward_and_backward_find_the_same_wherever_the_ends_lie(nvr: Recorder) -> None:
    """SEARCH-5-1-1, 5-1-2 and 5-1-3."""
    begun = appears(nvr.rig, HALL, 2, 5, 6)
    whole = contents(nvr.rig.catalogue, nvr.rig.catalogue.holding(HALL))
    assert whole.first is not None
    assert whole.last is not None
    hits = [(HALL, "META001", at(begun, second + 0.2)) for second in (2, 5, 6)]
    hour = 3600 * SECOND
    for start, end in (
        (whole.first, whole.last),
        (Utc(whole.first - hour), Utc(whole.last + hour)),
        (at(begun, 2.2), at(begun, 6.2)),
    ):
        assert await found(nvr, start, end) == hits
        assert await found(nvr, end, start) == hits[::-1]
    # Of the second that the start lies in, what comes after it.
    assert await found(nvr, at(begun, 2.3), at(begun, 6.1)) == [
        (HALL, "META001", at(begun, 2.7)),
        (HALL, "META001", at(begun, 5.2)),
    ]
    assert await found(nvr, at(begun, 5), None) == hits[1:]


async def test_recordings_are_searched_together_by_time_and_only_those_that_are_meant(nvr: Recorder) -> None:
    one = appears(nvr.rig, HALL, 2, 4)
    other = appears(nvr.rig, LANE, 1, 3)
    assert one < other
    both = await found(nvr, Utc(0), None)
    assert [token for token, _, _ in both] == [HALL, HALL, LANE, LANE]
    assert await found(nvr, Utc(0), None, where=scope("", LANE, GATE)) == both[2:]
    assert await found(nvr, Utc(0), None, where=scope("", GATE)) == []
    assert await found(nvr, both[3][2], both[0][2]) == both[::-1]


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("boolean(//Frame)", range(12)),
        ('boolean(//Object[@ObjectId = "7"]) and boolean(//Object[@ObjectId = "3"])', (5,)),
        ('boolean(//Object[@ObjectId > "7"])', ()),
        ('not(boolean(//Object[@ObjectId = "7"]))', (0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11)),
        ("boolean(/MetadataStream/VideoAnalytics/Frame/Object)", range(12)),
    ],
)
async def test_the_filter_judges_a_document_as_a_whole(
    nvr: Recorder, expression: str, seconds: range | tuple[int, ...]
) -> None:
    begun = appears(nvr.rig, HALL, 5)
    hits = await found(nvr, begun, None, expression)
    assert [time for _, _, time in hits] == [at(begun, second + 0.2) for second in seconds]


async def test_no_more_are_found_than_are_wanted_and_the_search_ends_at_the_last(nvr: Recorder) -> None:
    """SEARCH-5-1-4, 5-1-5 and 5-1-6."""
    begun = appears(nvr.rig, HALL, 2, 5)
    assert len(await found(nvr, begun, None, PERSON, "<tse:MaxMatches>1</tse:MaxMatches>")) == 1
    assert await found(nvr, begun, at(begun, 1)) == []
    token = await search(nvr, begun, None)
    asked = f"<tse:SearchToken>{token}</tse:SearchToken>"
    results = "<tse:GetMetadataSearchResults>{}</tse:GetMetadataSearchResults>"
    most = "<tse:MaxResults>1</tse:MaxResults>"
    assert words(await nvr.get(results.format(asked + most)), "SearchState") == ["Searching"]
    other = f"<tse:GetEventSearchResults>{asked}</tse:GetEventSearchResults>"
    assert (await nvr.say(other)).fault[-1] == "InvalidToken"
    body = await nvr.get(f"<tse:EndSearch>{asked}</tse:EndSearch>")
    assert body.findtext(TSE.Endpoint) == write_instant(at(begun, 2.2))
    assert (await nvr.say(results.format(asked))).fault == ("Sender", "InvalidArgVal", "InvalidToken")


async def test_who_does_not_wait_is_told_that_nothing_was_found_so_far(nvr: Recorder) -> None:
    begun = appears(nvr.rig, HALL, 70, length=72)
    token = await search(nvr, begun, None)
    asked = f"<tse:SearchToken>{token}</tse:SearchToken><tse:WaitTime>PT0S</tse:WaitTime>"
    states: list[str] = []
    times: list[str] = []
    while not states or states[-1] == "Searching":
        body = await nvr.get(f"<tse:GetMetadataSearchResults>{asked}</tse:GetMetadataSearchResults>")
        states += words(body, "SearchState")
        times += words(body, "Time")
        assert len(states) < 20
    assert states[0] == "Searching"
    assert times == [write_instant(at(begun, 70.2))]


async def test_documents_that_cannot_be_read_are_not_found_and_no_filter_is_refused(nvr: Recorder) -> None:
    begun = nvr.rig.store.clock.utc()
    record(
        nvr.rig.store,
        HALL,
        (0, 3),
        tracks=(VIDEO, METADATA),
        told=lambda n: (
            (b'<tt:MetadataStream><Object ObjectId="7">', b"\xff", told(7))[n // 10] if n % 10 == 4 else b""
        ),
    )
    assert [time for _, _, time in await found(nvr, begun, None)] == [at(begun, 2.4)]
    wanted = "<tt:MetadataStreamFilter>boolean(</tt:MetadataStreamFilter>"
    said = await nvr.say(
        f"<tse:FindMetadata><tse:StartPoint>{write_instant(begun)}</tse:StartPoint>{scope()}"
        f"<tse:MetadataFilter>{wanted}</tse:MetadataFilter>{KEEP}</tse:FindMetadata>"
    )
    assert said.fault == ("Sender", "InvalidArgVal", "InvalidFilterFault")
