"""Recording Search and Replay Control over recordings with a gap."""

from __future__ import annotations

from itertools import pairwise

import pytest

from device.media import Utc
from device.recordings.contents import contents
from protocols.onvif import searchfilter
from protocols.onvif.faults import Refusal
from protocols.onvif.names import TRP, TSE, TT
from protocols.onvif.xml import Element, read_instant, write_instant
from tests.device.recordings.rig import DOOR, GATE, YARD, Rig
from tests.protocols.onvif.recorder import Recorder, words

KEEP = "<tse:KeepAliveTime>PT10S</tse:KeepAliveTime>"


def scope(expression: str = "", *recordings: str) -> str:
    given = "".join(f"<tt:IncludedRecordings>{token}</tt:IncludedRecordings>" for token in recordings)
    quoted = expression.replace("&", "&amp;").replace("<", "&lt;")
    given += f"<tt:RecordingInformationFilter>{quoted}</tt:RecordingInformationFilter>" if expression else ""
    return f"<tse:Scope>{given}</tse:Scope>"


async def begin(nvr: Recorder, asked: str) -> str:
    body = await nvr.get(asked, "vera")
    return body.findtext(TSE.SearchToken) or ""


async def results(nvr: Recorder, kind: str, token: str, page: int = 3) -> list[Element]:
    """All of a search, a page at a time."""
    found: list[Element] = []
    while True:
        asked = f"<tse:SearchToken>{token}</tse:SearchToken><tse:MaxResults>{page}</tse:MaxResults>"
        asked += "<tse:WaitTime>PT5S</tse:WaitTime>"
        body = await nvr.get(f"<tse:Get{kind}SearchResults>{asked}</tse:Get{kind}SearchResults>", "vera")
        given = body[0].findall(TT.RecordingInformation if kind == "Recording" else TT.Result)
        assert len(given) <= page
        found += given
        if words(body, "SearchState") == ["Completed"]:
            return found


async def recordings(nvr: Recorder, where: str) -> list[str]:
    token = await begin(nvr, f"<tse:FindRecordings>{where}{KEEP}</tse:FindRecordings>")
    return [each.findtext(TT.RecordingToken) or "" for each in await results(nvr, "Recording", token)]


async def events(
    nvr: Recorder, start: Utc, end: Utc, topics: str = "", states: str = "false"
) -> list[Element]:
    dialect = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
    filtered = f'<wsnt:TopicExpression Dialect="{dialect}">{topics}</wsnt:TopicExpression>' if topics else ""
    asked = (
        f"<tse:FindEvents><tse:StartPoint>{write_instant(start)}</tse:StartPoint><tse:EndPoint>{write_instant(end)}"
        f"</tse:EndPoint>{scope('', GATE)}<tse:SearchFilter>{filtered}</tse:SearchFilter>"
        f"<tse:IncludeStartState>{states}</tse:IncludeStartState>{KEEP}</tse:FindEvents>"
    )
    return await results(nvr, "Event", await begin(nvr, asked))


def extent(rig: Rig, token: str) -> tuple[Utc, Utc]:
    found = contents(rig.catalogue, rig.catalogue.holding(token))
    assert found.first is not None
    assert found.last is not None
    return found.first, found.last


async def test_a_summary_and_each_recording(nvr: Recorder) -> None:
    body = await nvr.get("<tse:GetRecordingSummary/>")
    assert words(body, "NumberRecordings") == ["3"]
    first, last = extent(nvr.rig, GATE)
    named = f"<tse:RecordingToken>{GATE}</tse:RecordingToken>"
    body = await nvr.get(f"<tse:GetRecordingInformation>{named}</tse:GetRecordingInformation>")
    assert words(body, "EarliestRecording") == [write_instant(first)] == list(set(words(body, "DataFrom")))
    assert words(body, "LatestRecording") == [write_instant(last)] == list(set(words(body, "DataTo")))
    assert words(body, "TrackToken") == ["VIDEO001", "AUDIO001"]
    unknown = named.replace(GATE, "x")
    refused = await nvr.say(f"<tse:GetRecordingInformation>{unknown}</tse:GetRecordingInformation>")
    assert refused.fault == ("Sender", "InvalidArgVal", "NoRecording")


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("", [DOOR, GATE, YARD]),
        ('boolean(//Track[TrackType = "Video"])', [GATE, YARD]),
        ('boolean(//Track[TrackType = "Video"]) and boolean(//Track[TrackType = "Audio"])', [GATE]),
        ('not(boolean(//Track[TrackType = "Audio"]))', [DOOR, YARD]),
        ("boolean(//tt:Source[Name = 'Yard']) or boolean(//Source[Name = 'Door'])", [DOOR, YARD]),
        ('contains(//Source/Name, "at")', [GATE]),
        ('boolean(/RecordingInformation/Source[Name != "Gate"])', [DOOR, YARD]),
        ('boolean(//RecordingInformation[EarliestRecording >= "2023-11-14T22:13:40Z"])', [YARD]),
    ],
)
async def test_recordings_are_found_by_what_is_said_of_them(
    nvr: Recorder, expression: str, found: list[str]
) -> None:
    assert await recordings(nvr, scope(expression)) == found


@pytest.mark.parametrize(
    "expression",
    [
        "x",
        "boolean(//Track",
        "boolean(//Track[TrackType])",
        'boolean(//Track[a ~ "b"])',
        "(" * 40,
        "not(1)",
        "a" * 5000,
    ],
)
async def test_what_is_no_filter_is_refused(nvr: Recorder, expression: str) -> None:
    with pytest.raises(Refusal):
        searchfilter.parse(expression)
    said = await nvr.say(f"<tse:FindRecordings>{scope(expression)}{KEEP}</tse:FindRecordings>")
    assert said.fault == ("Sender", "InvalidArgVal", "InvalidFilterFault")


async def test_only_those_that_are_named_are_searched(nvr: Recorder) -> None:
    assert await recordings(nvr, scope("", GATE, DOOR)) == [DOOR, GATE]
    source = "<tt:IncludedSources><tt:Token>c-yard01</tt:Token></tt:IncludedSources>"
    assert await recordings(nvr, f"<tse:Scope>{source}</tse:Scope>") == [YARD]


async def test_events_of_a_stopped_recording_begin_with_true_and_alternate(nvr: Recorder) -> None:
    """SEARCH-3-1-13 and 3-1-14."""
    first, last = extent(nvr.rig, GATE)
    found = await events(nvr, first, last)
    for topic, track in (
        ("Recording/State", "VIDEO001"),
        ("Track/State", "VIDEO001"),
        ("Track/State", "AUDIO001"),
    ):
        own = [
            each
            for each in found
            if (each.findtext(".//{*}Topic") or "").endswith(topic) and words(each, "TrackToken") == [track]
        ]
        values = [item.get("Value") for each in own for item in each.findall(f".//{TT.Data}/{TT.SimpleItem}")]
        assert values == ["true", "false", "true", "false"]
    times = [read_instant("Time", words(each, "Time")[0]) for each in found]
    assert all(a <= b for a, b in pairwise(times))
    assert (times[0], times[-1]) == (first, last)
    assert {words(each, "StartStateEvent")[0] for each in found} == {"false"}


async def test_backwards_and_by_topic_and_with_states(nvr: Recorder) -> None:
    first, last = extent(nvr.rig, GATE)
    tracks = await events(nvr, last, first, "tns1:RecordingHistory/Track/State")
    assert len(tracks) == 8
    everything = await events(nvr, last, first, "tns1:RecordingHistory//.|tns1:Device//.", "true")
    assert [words(each, "StartStateEvent")[0] for each in everything] == ["true"] * 3 + ["false"] * 12 + [
        "true"
    ] * 3
    assert await events(nvr, first, last, "tns1:VideoSource//.") == []


async def test_a_search_lives_as_long_as_somebody_asks(nvr: Recorder) -> None:
    token = await begin(nvr, f"<tse:FindRecordings>{scope()}{KEEP}</tse:FindRecordings>")
    asked = (
        f"<tse:GetRecordingSearchResults><tse:SearchToken>{token}</tse:SearchToken><tse:MaxResults>1</tse:MaxResults>"
        "</tse:GetRecordingSearchResults>"
    )
    nvr.rig.store.clock.advance(9)
    assert (await nvr.say(asked)).fault == ()
    nvr.rig.store.clock.advance(9)
    other = asked.replace("GetRecordingSearch", "GetEventSearch")
    assert (await nvr.say(other)).fault[-1] == "InvalidToken"
    assert (await nvr.say(asked)).fault == ()
    nvr.rig.store.clock.advance(11)
    assert (await nvr.say(asked)).fault == ("Sender", "InvalidArgVal", "InvalidToken")


async def test_a_search_that_was_ended_or_has_given_all_is_over(nvr: Recorder) -> None:
    end = "<tse:EndSearch><tse:SearchToken>{}</tse:SearchToken></tse:EndSearch>"
    token = await begin(nvr, f"<tse:FindRecordings>{scope()}{KEEP}</tse:FindRecordings>")
    await nvr.get(end.format(token))
    assert (await nvr.say(end.format(token))).fault[-1] == "InvalidToken"
    token = await begin(nvr, f"<tse:FindRecordings>{scope()}{KEEP}</tse:FindRecordings>")
    await results(nvr, "Recording", token)
    assert (await nvr.say(end.format(token))).fault[-1] == "InvalidToken"


async def test_media_attributes(nvr: Recorder) -> None:
    first, _ = extent(nvr.rig, GATE)
    named = f"<tse:RecordingTokens>{GATE}</tse:RecordingTokens><tse:Time>{write_instant(first)}</tse:Time>"
    body = await nvr.get(f"<tse:GetMediaAttributes>{named}</tse:GetMediaAttributes>")
    assert (words(body, "Encoding"), words(body, "Width")) == (["H264", "G711"], ["640"])


async def test_where_a_recording_is_played_from(nvr: Recorder) -> None:
    setup = (
        "<trp:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol>"
        "</tt:Transport></trp:StreamSetup>"
    )
    asked = f"<trp:GetReplayUri>{setup}<trp:RecordingToken>{{}}</trp:RecordingToken></trp:GetReplayUri>"
    body = await nvr.get(asked.format(GATE), "vera")
    assert body.findtext(TRP.Uri) == f"rtsp://192.0.2.7:8554/replay/{GATE}"
    assert (await nvr.say(asked.format("x"))).fault == ("Sender", "InvalidArgVal", "NoRecording")


async def test_the_timeout_of_sessions(nvr: Recorder) -> None:
    asked = (
        "<trp:SetReplayConfiguration><trp:Configuration><tt:SessionTimeout>{}</tt:SessionTimeout>"
        "</trp:Configuration></trp:SetReplayConfiguration>"
    )
    await nvr.get(asked.format("PT3600S"))
    assert words(await nvr.get("<trp:GetReplayConfiguration/>"), "SessionTimeout") == ["PT3600S"]
    assert (await nvr.say(asked.format("PT1S"))).fault[:2] == ("Sender", "InvalidArgVal")


@pytest.mark.parametrize("service", ["trc", "tse", "trp", "trv"])
async def test_every_service_says_what_it_can(nvr: Recorder, service: str) -> None:
    await nvr.get(f"<{service}:GetServiceCapabilities/>")
