"""An account that is limited to cameras: what is of the others is not there, in every service."""

from __future__ import annotations

import re

import pytest

from device.accounts.rights import Media as Watched
from device.accounts.rights import Rights
from device.accounts.role import Role
from device.cameras.source import Cause
from device.events.catalogue import CameraId, CameraOffline
from device.events.journal import Entry
from device.events.recordings import JobStateChanged, JobToken
from device.media import Utc
from protocols.onvif.names import PREFIXES, TRT
from protocols.onvif.recordingtopics import told
from protocols.onvif.services.deviceio import DeviceIo
from protocols.onvif.services.media import Audio, Media, Stream, Video
from protocols.onvif.topics import Topics
from tests.device.recordings.rig import DOOR, GATE, YARD
from tests.protocols.onvif.recorder import Recorder, words
from tests.protocols.onvif.rig import Device, element

OTTO = Rights(Role.OPERATOR, cameras=frozenset({GATE}))
VIDEO = Video("H264", 640, 360, 25, 800, 50, "Main")
STREAMS = tuple(
    Stream(token, camera, token, f"/live/{camera}", VIDEO, Audio("G711", 64, 8, 1))
    for camera, token in ((GATE, GATE), (GATE, f"{GATE}.sub"), (YARD, YARD))
)


@pytest.fixture
def limited(nvr: Recorder) -> Recorder:
    """Otto may see the gate alone; ada, an administrator, sees all."""
    nvr.device.people.limited["otto"] = OTTO
    return nvr


async def test_recordings_and_jobs_of_other_cameras_are_not_there(limited: Recorder) -> None:
    everything = await limited.get("<trc:GetRecordings/>", "ada")
    assert {GATE, YARD} <= set(words(everything, "RecordingToken"))
    seen = set(words(await limited.get("<trc:GetRecordings/>"), "RecordingToken"))
    assert {token.partition(".")[0] for token in seen} == {GATE}
    jobs = await limited.get("<trc:GetRecordingJobs/>")
    assert {token.partition(".")[0] for token in words(jobs, "RecordingToken")} == {GATE}
    hidden = (await limited.get("<trc:GetRecordingJobs/>", "ada")).iter("{*}JobItem")
    job = next(words(each, "JobToken")[0] for each in hidden if words(each, "RecordingToken")[0] == YARD)
    for asked in ("GetRecordingJobConfiguration", "GetRecordingJobState", "DeleteRecordingJob"):
        got = await limited.say(f"<trc:{asked}><trc:JobToken>{job}</trc:JobToken></trc:{asked}>")
        assert got.fault[-1] == "NoRecordingJob", asked


@pytest.mark.parametrize(
    "asked",
    [
        "<trc:GetRecordingConfiguration>{}</trc:GetRecordingConfiguration>",
        "<trc:GetRecordingOptions>{}</trc:GetRecordingOptions>",
        "<trc:DeleteRecording>{}</trc:DeleteRecording>",
        "<trc:GetTrackConfiguration>{}<trc:TrackToken>VIDEO001</trc:TrackToken></trc:GetTrackConfiguration>",
        "<tse:GetRecordingInformation>{}</tse:GetRecordingInformation>",
        (
            "<trp:GetReplayUri><trp:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport>"
            "<tt:Protocol>RTSP</tt:Protocol></tt:Transport></trp:StreamSetup>{}</trp:GetReplayUri>"
        ),
    ],
)
async def test_what_is_asked_of_another_camera_is_as_if_it_were_not(limited: Recorder, asked: str) -> None:
    found = re.match(r"<(\w+):", asked)
    assert found is not None
    prefix = found[1]

    def of(token: str) -> str:
        return asked.format(f"<{prefix}:RecordingToken>{token}</{prefix}:RecordingToken>")

    hidden, none = await limited.say(of(YARD)), await limited.say(of("c-nowhere"))
    assert hidden.fault == none.fault
    assert hidden.fault[-1] == "NoRecording"
    assert hidden.reason.replace(YARD, "") == none.reason.replace("c-nowhere", "")


async def test_a_search_finds_what_may_be_seen(limited: Recorder) -> None:
    async def found(user: str) -> set[str]:
        scope = "<tse:Scope/><tse:KeepAliveTime>PT60S</tse:KeepAliveTime>"
        begun = await limited.get(f"<tse:FindRecordings>{scope}</tse:FindRecordings>", user)
        token = begun.findtext("{*}SearchToken")
        asked = f"<tse:SearchToken>{token}</tse:SearchToken><tse:WaitTime>PT30S</tse:WaitTime>"
        results = await limited.get(
            f"<tse:GetRecordingSearchResults>{asked}</tse:GetRecordingSearchResults>", user
        )
        return {each.partition(".")[0] for each in words(results, "RecordingToken")}

    assert await found("otto") == {GATE}
    assert {GATE, YARD} <= await found("ada")
    summary = await limited.get("<tse:GetRecordingSummary/>")
    all_of_it = await limited.get("<tse:GetRecordingSummary/>", "ada")
    assert int(words(summary, "NumberRecordings")[0]) < int(words(all_of_it, "NumberRecordings")[0])
    scope = f"<tse:Scope><tt:IncludedRecordings>{YARD}</tt:IncludedRecordings></tse:Scope>"
    got = await limited.say(
        f"<tse:FindRecordings>{scope}<tse:KeepAliveTime>PT60S</tse:KeepAliveTime></tse:FindRecordings>"
    )
    assert got.fault != ()


async def test_who_is_limited_reaches_no_other_camera_by_what_he_makes(limited: Recorder) -> None:
    configuration = (
        "<trc:RecordingConfiguration><tt:Source><tt:SourceId>u</tt:SourceId><tt:Name>n</tt:Name><tt:Location/>"
        "<tt:Description/><tt:Address/></tt:Source><tt:Content/><tt:MaximumRetentionTime>PT0S"
        "</tt:MaximumRetentionTime></trc:RecordingConfiguration>"
    )
    asked = f"<trc:CreateRecording>{configuration}</trc:CreateRecording>"
    assert (await limited.say(asked)).fault[-1] == "NotAuthorized"
    token = (await limited.get(asked, "ada")).findtext("{*}RecordingToken") or ""
    limited.device.people.limited["otto"] = Rights(Role.OPERATOR, cameras=frozenset({GATE, token}))
    kind = "http://www.onvif.org/ver10/schema/Profile"

    def job(source: str) -> str:
        return (
            f"<trc:CreateRecordingJob><trc:JobConfiguration><tt:RecordingToken>{token}</tt:RecordingToken>"
            f'<tt:Mode>Active</tt:Mode><tt:Priority>1</tt:Priority><tt:Source><tt:SourceToken Type="{kind}">'
            f"<tt:Token>{source}</tt:Token></tt:SourceToken></tt:Source></trc:JobConfiguration></trc:CreateRecordingJob>"
        )

    assert (await limited.say(job(YARD))).fault[-1] == "BadConfiguration"
    assert (await limited.say(job(GATE))).fault == ()
    assert [each.tag for each in await limited.get("<trv:GetReceivers/>")] == []


async def test_profiles_and_sources_of_other_cameras_are_not_there() -> None:
    device = Device(
        (Media(lambda: STREAMS, lambda: 554, lambda: False).service(), DeviceIo(lambda: STREAMS).service())
    )
    device.people.limited["vera"] = Rights(Role.VIEWER, cameras=frozenset({GATE}))
    for name in (
        "GetProfiles",
        "GetVideoSources",
        "GetVideoEncoderConfigurations",
        "GetAudioSourceConfigurations",
    ):
        said = await device.ask(TRT.name(name), "vera")
        tokens = {each.get("token", "").partition(".")[0] for each in said.body}
        assert tokens == {GATE}, name
        assert YARD not in said.answer.body.decode(), name
    asked = element(TRT.GetProfile, [(TRT.ProfileToken, YARD)])
    assert (await device.ask(asked, "vera")).fault[-1] == "NoProfile"
    assert (await device.ask(asked, "ada")).fault == ()
    sources = f"{{{PREFIXES['tmd']}}}GetVideoSources"
    assert [each.text for each in (await device.ask(sources, "vera")).body] == [GATE]
    device.people.limited["vera"] = Rights(Role.VIEWER, media=frozenset({Watched.RECORDED}))
    assert list((await device.ask(TRT.GetProfiles, "vera")).body) == []


def test_a_message_says_whose_camera_it_is_of(nvr: Recorder) -> None:
    offline = CameraOffline(CameraId(YARD), "main", Cause.UNREACHABLE, "")
    assert [
        each.camera for each in Topics().notifications(Entry(1, Utc(0), "recording:1", 1, 0, offline))
    ] == [YARD]
    own = next(job for job in nvr.rig.recordings.jobs() if job.recording == DOOR)
    for token, camera in ((own.token, DOOR), ("job-gone", "job-gone")):
        messages = told(JobStateChanged(JobToken(token), "Active"), Utc(0), nvr.rig.recordings)
        assert {each.camera for each in messages} == {camera}
