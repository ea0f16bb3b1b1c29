"""A large system with sixteen channels, and the minute in which the first camera has no network.

The minute begins with the first test that needs it and is waited for by the last: what is between them asks the same
recorder meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from device.clock import SystemClock
from device.media import MICROSECONDS, Utc
from protocols.onvif.xml import Element, read_instant, write_instant
from tests.integration.rig import Cameras, Recorder, key_of, run, wait_until
from tests.integration.test_replay_onvif import FAST, REQUIRE, Unit, Watcher, span
from tests.integration.vms import NAME, PASSWORD, Viewer, ask, subscribe, told
from tests.protocols.onvif.clients import node

CHANNELS = 16
AWAY = key_of(1)  #: the camera that will be cut off
SHOWN = key_of(2)  #: the one that takes pictures
OUTAGE = 60.0  #: seconds
RECORDED = 3 * MICROSECONDS  #: of video before it, and after it
PATIENCE = 90.0
KEEP = "<tse:KeepAliveTime>PT30S</tse:KeepAliveTime>"
EVERYTHING = "<tse:SearchFilter/><tse:IncludeStartState>false</tse:IncludeStartState>"
PROFILE = "http://www.onvif.org/ver10/schema/Profile"
WITH = 'boolean(//Track[TrackType = "{}"])'

#: Topic, the item that says whose it is, the one that says how it stands: what must be told of the minute.
BAD = (("Camera/Offline", "Camera", "State"), ("Recording/Gap", "Recording", "State"))
GOOD = ("RecordingHistory/Recording/State", "RecordingToken", "IsRecording")

Told = tuple[str, dict[str, str]]


@dataclass
class System:
    """The recorder and what the system has of it."""

    cameras: Cameras
    recorder: Recorder
    point: str  #: URL of a pull point
    heard: list[Told] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Of the device service."""
        return str(self.recorder.told["endpoints"]["onvif"])

    def span(self, camera: str) -> tuple[Utc, Utc]:
        """First and last moment of a recording; the same where there is none."""
        asked = f"<tse:RecordingToken>{camera}</tse:RecordingToken>"
        about = ask(self.url, f"<tse:GetRecordingInformation>{asked}</tse:GetRecordingInformation>")
        if about.find(".//{*}EarliestRecording") is None:
            return Utc(0), Utc(0)
        return instant(about, "EarliestRecording"), instant(about, "LatestRecording")

    def hears_it_back(self) -> bool:
        """Whether all was told that must be told of the minute; pulls once."""
        self.heard.extend(told(self.point))
        return self._said(*GOOD)[-1:] == ["true"] and all(
            self._said(*each)[-2:] == ["true", "false"] for each in BAD
        )

    def _said(self, topic: str, whose: str, how: str) -> list[str]:
        return [items[how] for name, items in self.heard if name == topic and items[whose] == AWAY]

    def find(self, what: str, request: str) -> list[Element]:
        """All results of a search: `what` is Recording or Event."""
        search = "tse:GetRecordingSearchResults" if what == "Recording" else "tse:GetEventSearchResults"
        item = "{*}RecordingInformation" if what == "Recording" else "{*}Result"
        token = text(ask(self.url, f"<tse:Find{what}s>{request}</tse:Find{what}s>"), "SearchToken")
        found: list[Element] = []
        while True:
            asked = f"<tse:SearchToken>{token}</tse:SearchToken><tse:WaitTime>PT10S</tse:WaitTime>"
            reply = ask(self.url, f"<{search}>{asked}</{search}>")
            found += reply.iter(item)
            if text(reply, "SearchState") == "Completed":
                return found

    async def play(self, token: str, start: Utc, end: Utc) -> list[Unit]:
        """The access units of the first track from the address that the recorder tells, as fast as they come."""
        setup = (
            "<tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>"
        )
        asked = f"<trp:StreamSetup>{setup}</trp:StreamSetup><trp:RecordingToken>{token}</trp:RecordingToken>"
        url = urlsplit(text(ask(self.url, f"<trp:GetReplayUri>{asked}</trp:GetReplayUri>"), "Uri"))
        assert url.port is not None
        viewer = await Viewer.connect(url.port)
        answer = await viewer.play(url.path, REQUIRE, FAST, span(start, end))
        assert answer.status == 200
        units = await Watcher(viewer).until("T")
        await viewer.close()
        return units


def text(element: Element, path: str) -> str:
    """Of a descendant: names without namespaces."""
    found = element.find(".//" + "/".join(f"{{*}}{step}" for step in path.split("/")))
    assert found is not None, path
    return found.text or ""


def instant(element: Element, path: str) -> Utc:
    """The same, of a time."""
    return read_instant(path, text(element, path))


def enough(span: tuple[Utc, Utc]) -> bool:
    """Whether a recording is as long as it must be."""
    return span[1] - span[0] > RECORDED


def between(start: Utc, end: Utc) -> str:
    """The span of a search."""
    first, last = write_instant(start), write_instant(end)
    return f"<tse:StartPoint>{first}</tse:StartPoint><tse:EndPoint>{last}</tse:EndPoint>"


def moment(told: str) -> Utc:
    """Of a command's JSON."""
    return Utc(round(datetime.fromisoformat(told).timestamp() * MICROSECONDS))


def length(gap: dict[str, str | None]) -> float:
    """Seconds of a gap of the ledger; 0 while it lasts."""
    start, end = gap["from"], gap["to"]
    return (moment(end) - moment(start)) / MICROSECONDS if start and end else 0.0


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("sixteen")
    with Cameras(folder, 2, "--onvif") as cameras:
        first, second = cameras.told["cameras"]
        login = {"user": cameras.USER, "password": cameras.PASSWORD}
        channels = {key_of(number): {"main": second["sub"]} for number in range(1, CHANNELS + 1)}
        channels[AWAY] = {"main": first["url"]}
        channels[SHOWN] |= {"onvif": second["onvif"], "follow": "false"}
        settings = [
            f"cameras[{key}].{field}={value}"
            for key, given in channels.items()
            for field, value in {**given, **login}.items()
        ]
        with run(folder / "data", *settings, login=(NAME, PASSWORD)) as recorder:
            made = System(cameras, recorder, subscribe(recorder.told["endpoints"]["onvif"]))
            wait_until("all record", lambda: all(map(enough, map(made.span, channels))), PATIENCE, 0.5)
            yield made


@pytest.fixture(scope="module")
def outage(system: System) -> Utc:
    """The first camera's network is pulled, and comes back by itself; when that was."""
    told(system.point)  # how things stand
    system.cameras.fault(1, "refuse", OUTAGE)
    return SystemClock().utc()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("outage")
def test_a_camera_s_picture_is_fetched_where_the_recorder_says(system: System) -> None:
    place = urlsplit(system.url)
    found = node().ask("with_node_onvif.js", str(place.hostname), str(place.port), NAME, PASSWORD)
    assert len(found["profiles"]) == CHANNELS
    assert found["picture"] == ["image/jpeg", "ffd8"]


@pytest.mark.slow
@pytest.mark.usefixtures("outage")
async def test_the_call_sequence_of_a_large_system_s_driver(system: System) -> None:
    """In the order that its maker publishes, each with what it takes from the answer before."""
    ask(system.url, "<tds:GetServices><tds:IncludeCapability>false</tds:IncludeCapability></tds:GetServices>")
    known = ask(system.url, "<tds:GetCapabilities><tds:Category>All</tds:Category></tds:GetCapabilities>")
    for service in ("Recording", "Search", "Replay", "Receiver"):
        assert text(known, f"Extension/{service}/XAddr").startswith("http://127.0.0.1:")
    channels = {key_of(number) for number in range(1, CHANNELS + 1)}

    sources = {
        each.get("token") for each in ask(system.url, "<trt:GetVideoSources/>").iter("{*}VideoSources")
    }
    assert sources == channels
    sounds = [each.get("token") for each in ask(system.url, "<trt:GetAudioSources/>").iter("{*}AudioSources")]
    assert sounds == [AWAY]
    profiles = {
        each.get("token"): text(each, "VideoSourceConfiguration/SourceToken")
        for each in ask(system.url, "<trt:GetProfiles/>").iter("{*}Profiles")
    }
    assert set(profiles.values()) == sources

    summary = ask(system.url, "<tse:GetRecordingSummary/>")
    assert text(summary, "NumberRecordings") == str(CHANNELS)
    start, end = instant(summary, "DataFrom"), instant(summary, "DataUntil")
    all_record = Utc(max(system.span(channel)[0] for channel in channels) + MICROSECONDS)
    time = f"<tse:Time>{write_instant(all_record)}</tse:Time>"
    attributes = ask(system.url, f"<tse:GetMediaAttributes>{time}</tse:GetMediaAttributes>")
    assert {text(each, "RecordingToken") for each in attributes.iter("{*}MediaAttributes")} == channels

    for kind, expected in (("Video", channels), ("Audio", {AWAY})):
        scope = f"<tt:RecordingInformationFilter>{WITH.format(kind)}</tt:RecordingInformationFilter>"
        recordings = system.find("Recording", f"<tse:Scope>{scope}</tse:Scope>{KEEP}")
        assert {text(each, "RecordingToken") for each in recordings} == expected
    events = system.find("Event", f"{between(start, end)}<tse:Scope/>{EVERYTHING}{KEEP}")
    assert {text(each, "RecordingToken") for each in events} == channels

    jobs = list(ask(system.url, "<trc:GetRecordingJobs/>").iter("{*}JobItem"))
    for job in jobs:
        token = text(job, "JobConfiguration/RecordingToken")
        asked = f"<tse:RecordingToken>{token}</tse:RecordingToken>"
        about = ask(system.url, f"<tse:GetRecordingInformation>{asked}</tse:GetRecordingInformation>")
        begin = instant(about, "EarliestRecording")
        source = job.find(".//{*}SourceToken")
        assert source is not None
        assert source.get("Type") == PROFILE
        assert profiles[text(job, "SourceToken/Token")] == text(about, "Source/SourceId") == token
        units = await system.play(token, begin, Utc(begin + MICROSECONDS))
        assert "D" in units[0].flags
    assert len(jobs) == CHANNELS


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_minute_without_a_network_is_found_stepped_over_explained_and_told(
    system: System, outage: Utc
) -> None:
    wait_until("the system is told that it is recorded again", system.hears_it_back, OUTAGE + PATIENCE)
    again = system.span(AWAY)[1]
    wait_until("some of it", lambda: system.span(AWAY)[1] > again + RECORDED, PATIENCE, 0.5)

    ledger = system.recorder.command("recordings", "--json").json["recordings"]
    gap = max(next(each["gaps"] for each in ledger if each["id"] == AWAY), key=length)
    assert (gap["cause"], gap["due"]) == ("unreachable", True)
    assert length(gap) > OUTAGE - 2
    begin, end = moment(gap["from"]), moment(gap["to"])
    assert abs(begin - outage) < 10 * MICROSECONDS

    first, last = system.span(AWAY)
    units = await system.play(AWAY, first, last)
    [step] = [n for n, (a, b) in enumerate(pairwise(units)) if a.utc < begin <= end <= b.utc]
    assert "E" in units[step].flags
    assert {"C", "D"} <= set(units[step + 1].flags)
    ends = [n + 1 for n, unit in enumerate(units[:-1]) if "E" in unit.flags]
    assert [n for n, unit in enumerate(units) if "D" in unit.flags] == [0, *ends]

    scope = f"<tse:Scope><tt:IncludedRecordings>{AWAY}</tt:IncludedRecordings></tse:Scope>"
    events = system.find("Event", f"{between(first, last)}{scope}{EVERYTHING}{KEEP}")
    states = [
        (instant(each, "Time"), item.get("Value"))
        for each in events
        if text(each, "Topic").endswith("RecordingHistory/Recording/State")
        for item in each.iter("{*}SimpleItem")
        if item.get("Name") == "IsRecording"
    ]
    away = [n for n, (time, _) in enumerate(states) if units[step].utc <= time <= begin]
    assert [states[n][1] for n in away] == ["false"]
    assert states[away[0] + 1][1] == "true"
    assert end <= states[away[0] + 1][0] <= units[step + 1].utc
    [information] = system.find("Recording", scope + KEEP)
    assert instant(information, "EarliestRecording") == first
