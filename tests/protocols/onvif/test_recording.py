"""Recording Control and Receiver: what a video management system sees, makes and changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device.recording.modes import Mode
from device.recordings.recordings import RECEIVERS
from device.settings.cameras import Camera
from protocols.onvif.names import ENV, TRC, TRV, TT, WSA
from protocols.onvif.xml import write_instant
from tests.device.recordings.rig import DOOR, GATE, YARD
from tests.protocols.onvif.recorder import Recorder, words
from tests.protocols.onvif.rig import envelope
from tests.protocols.onvif.rig import token as security

CONFIGURATION = (
    "<trc:RecordingConfiguration><tt:Source><tt:SourceId>urn:gate</tt:SourceId><tt:Name>Loading dock</tt:Name>"
    "<tt:Location>North</tt:Location><tt:Description>d</tt:Description><tt:Address>http://192.0.2.9</tt:Address>"
    "</tt:Source><tt:Content>Dock</tt:Content><tt:MaximumRetentionTime>{}</tt:MaximumRetentionTime>"
    "</trc:RecordingConfiguration>"
)
RECEIVER = (
    "<trv:Configuration><tt:Mode>{}</tt:Mode><tt:MediaUri>{}</tt:MediaUri><tt:StreamSetup>"
    "<tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>UDP</tt:Protocol></tt:Transport></tt:StreamSetup>"
    "</trv:Configuration>"
)
URI = "rtsp://ann:s3cret@192.0.2.20:554/main"


def job(recording: str, priority: int, mode: str, source: str = "") -> str:
    return (
        f"<trc:JobConfiguration><tt:RecordingToken>{recording}</tt:RecordingToken><tt:Mode>{mode}</tt:Mode>"
        f"<tt:Priority>{priority}</tt:Priority><tt:Source>{source}</tt:Source></trc:JobConfiguration>"
    )


def from_receiver(token: str) -> str:
    kind = "http://www.onvif.org/ver10/schema/Receiver"
    return f'<tt:SourceToken Type="{kind}"><tt:Token>{token}</tt:Token></tt:SourceToken>'


async def created(nvr: Recorder, retention: str = "PT0S") -> str:
    body = await nvr.get(f"<trc:CreateRecording>{CONFIGURATION.format(retention)}</trc:CreateRecording>")
    return body.findtext(TRC.RecordingToken) or ""


async def received(nvr: Recorder, mode: str = "AutoConnect", uri: str = URI) -> str:
    body = await nvr.get(f"<trv:CreateReceiver>{RECEIVER.format(mode, uri)}</trv:CreateReceiver>")
    return body.findtext(f"{TRV.Receiver}/{TT.Token}") or ""


async def hired(nvr: Recorder, *shape: object) -> str:
    body = await nvr.get(f"<trc:CreateRecordingJob>{job(*shape)}</trc:CreateRecordingJob>")  # type: ignore[arg-type]  # as job takes it
    return body.findtext(TRC.JobToken) or ""


async def state(nvr: Recorder, token: str) -> str:
    asked = f"<trc:GetRecordingJobState><trc:JobToken>{token}</trc:JobToken></trc:GetRecordingJobState>"
    return words(await nvr.get(asked), "State")[0]


def said(nvr: Recorder) -> list[str]:
    return [event.name for event in nvr.rig.events]


async def test_cameras_are_recordings_with_a_job_each(nvr: Recorder) -> None:
    body = await nvr.get("<trc:GetRecordings/>", "vera")
    assert words(body, "RecordingToken") == [DOOR, GATE, YARD]
    assert words(body, "Name") == ["Door", "Gate", "Yard"]
    assert words(body, "TrackToken") == ["VIDEO001", "AUDIO001", "META001"] * 3
    jobs = await nvr.get("<trc:GetRecordingJobs/>")
    assert words(jobs, "Mode") == ["Active"] * 3
    assert words(jobs, "SourceToken/Token") == [DOOR, GATE, YARD]
    nvr.rig.comes(GATE)
    nvr.rig.comes(YARD, well=False, cause="rejected", detail="wrong password")
    assert [await state(nvr, "job-" + each) for each in (DOOR, GATE, YARD)] == ["Idle", "Active", "Error"]


async def test_a_cameras_job_is_its_mode(nvr: Recorder) -> None:
    nvr.rig.settings.patch(Camera, {"mode": "event"}, key=GATE, by="anna")
    for mode, kept in (("Idle", Mode.OFF), ("Active", Mode.EVENT)):
        asked = f"<trc:JobToken>job-{GATE}</trc:JobToken><trc:Mode>{mode}</trc:Mode>"
        await nvr.get(f"<trc:SetRecordingJobMode>{asked}</trc:SetRecordingJobMode>")
        assert nvr.rig.settings.get(Camera, GATE).mode is kept
    bad = f"<trc:JobToken>job-{GATE}</trc:JobToken><trc:Mode>Sometimes</trc:Mode>"
    refused = await nvr.say(f"<trc:SetRecordingJobMode>{bad}</trc:SetRecordingJobMode>")
    assert refused.fault == ("Sender", "InvalidArgVal", "BadMode")


async def test_a_recording_that_is_created_is_recorded_once_it_has_a_job_and_a_receiver(
    nvr: Recorder,
) -> None:
    token = await created(nvr, "P2D")
    assert token not in nvr.rig.settings.entries(Camera)
    receiver = await received(nvr)
    made = await hired(nvr, token, 2, "Active", from_receiver(receiver))
    camera = nvr.rig.settings.get(Camera, token)
    assert (camera.main, camera.user, camera.password.get_secret_value()) == (
        "rtsp://192.0.2.20:554/main",
        "ann",
        "s3cret",
    )
    assert (camera.enabled, camera.mode, camera.retention_days, camera.name) == (
        True,
        Mode.CONTINUOUS,
        2.0,
        "Loading dock",
    )
    nvr.rig.comes(token)
    assert await state(nvr, made) == "Active"
    connected = await nvr.get(
        f"<trv:GetReceiverState><trv:ReceiverToken>{receiver}</trv:ReceiverToken></trv:GetReceiverState>"
    )
    assert (words(connected, "State"), words(connected, "AutoCreated")) == (["Connected"], ["false"])
    seen = await nvr.get("<trv:GetReceivers/>", "vera")
    assert words(seen, "MediaUri") == ["rtsp://192.0.2.20:554/main"]
    assert b"s3cret" not in (nvr.rig.folder / "recordings.db").read_bytes()
    never = f"<trv:ReceiverToken>{receiver}</trv:ReceiverToken><trv:Mode>NeverConnect</trv:Mode>"
    await nvr.get(f"<trv:SetReceiverMode>{never}</trv:SetReceiverMode>")
    assert not nvr.rig.settings.get(Camera, token).enabled
    assert {"recording.created", "recording.track-created", "recording.job-configured"} <= set(said(nvr))


async def test_priorities_as_the_tests_of_profile_g_ask(nvr: Recorder) -> None:
    """RECORDING-3-1-12: three jobs with one receiver."""
    token, receiver = await created(nvr), await received(nvr)
    nvr.rig.comes(token)
    first = await hired(nvr, token, 2, "Active", from_receiver(receiver))
    second = await hired(nvr, token, 4, "Idle", from_receiver(receiver))
    third = await hired(nvr, token, 3, "Active", from_receiver(receiver))
    assert [await state(nvr, each) for each in (first, second, third)] == ["Idle", "Idle", "Active"]
    await nvr.get(f"<trc:DeleteRecordingJob><trc:JobToken>{third}</trc:JobToken></trc:DeleteRecordingJob>")
    assert [await state(nvr, each) for each in (first, second)] == ["Active", "Idle"]


async def test_a_receiver_that_was_made_for_a_job_goes_with_it(nvr: Recorder) -> None:
    token = await created(nvr)
    auto = "<tt:AutoCreateReceiver>true</tt:AutoCreateReceiver>"
    made = await hired(nvr, token, 1, "Active", auto)
    jobs = await nvr.get("<trc:GetRecordingJobs/>")
    assert not list(jobs.iter(TT.AutoCreateReceiver))
    receivers = await nvr.get("<trv:GetReceivers/>")
    assert words(receivers, "Mode") == ["AutoConnect"]
    (receiver,) = words(receivers, "Token")
    assert receiver in words(jobs, "SourceToken/Token")
    used = await nvr.say(
        f"<trv:DeleteReceiver><trv:ReceiverToken>{receiver}</trv:ReceiverToken></trv:DeleteReceiver>"
    )
    assert used.fault == ("Receiver", "Action", "CannotDeleteReceiver")
    await nvr.get(f"<trc:DeleteRecordingJob><trc:JobToken>{made}</trc:JobToken></trc:DeleteRecordingJob>")
    assert words(await nvr.get("<trv:GetReceivers/>"), "Token") == []


async def test_all_of_it_is_there_after_a_restart_and_gone_when_deleted(nvr: Recorder) -> None:
    token, receiver = await created(nvr), await received(nvr)
    made = await hired(nvr, token, 2, "Active", from_receiver(receiver))
    nvr.rig.open()
    assert nvr.rig.recordings.job(made).recording == token
    assert nvr.rig.recordings.receiver(receiver).uri == URI
    assert [plan.token for plan in nvr.rig.recordings.plans() if plan.created] == [token]
    await nvr.get(
        f"<trc:DeleteRecording><trc:RecordingToken>{token}</trc:RecordingToken></trc:DeleteRecording>"
    )
    assert token not in words(await nvr.get("<trc:GetRecordings/>"), "RecordingToken")
    assert nvr.rig.erased == [token]
    assert token not in nvr.rig.settings.entries(Camera)
    assert made not in words(await nvr.get("<trc:GetRecordingJobs/>"), "JobToken")


async def test_tracks_come_and_go(nvr: Recorder) -> None:
    token = await created(nvr)
    named = f"<trc:RecordingToken>{token}</trc:RecordingToken>"
    options = await nvr.get(f"<trc:GetRecordingOptions>{named}</trc:GetRecordingOptions>")
    spare = options.find(f".//{TRC.Track}")
    assert spare is not None
    assert spare.get("SpareAudio") == "3"
    what = (
        "<trc:TrackConfiguration><tt:TrackType>{}</tt:TrackType><tt:Description>t</tt:Description>"
        "</trc:TrackConfiguration>"
    )
    body = await nvr.get(f"<trc:CreateTrack>{named}{what.format('Audio')}</trc:CreateTrack>")
    assert body.findtext(TRC.TrackToken) == "AUDIO002"
    track = named + "<trc:TrackToken>AUDIO002</trc:TrackToken>"
    shown = await nvr.get(f"<trc:GetTrackConfiguration>{track}</trc:GetTrackConfiguration>")
    assert words(shown, "TrackType") == ["Audio"]
    changed = f"<trc:SetTrackConfiguration>{track}{what.format('Video')}</trc:SetTrackConfiguration>"
    assert (await nvr.say(changed)).fault == ("Sender", "InvalidArgVal", "BadConfiguration")
    await nvr.get(f"<trc:DeleteTrack>{track}</trc:DeleteTrack>")
    gone = await nvr.say(f"<trc:GetTrackConfiguration>{track}</trc:GetTrackConfiguration>")
    assert gone.fault == ("Sender", "InvalidArgVal", "NoTrack")


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        (
            "<trc:GetRecordingOptions><trc:RecordingToken>x</trc:RecordingToken></trc:GetRecordingOptions>",
            "NoRecording",
        ),
        (
            "<trc:GetRecordingJobState><trc:JobToken>x</trc:JobToken></trc:GetRecordingJobState>",
            "NoRecordingJob",
        ),
        (f"<trc:CreateRecordingJob>{job('x', 1, 'Active')}</trc:CreateRecordingJob>", "NoRecording"),
        (
            f"<trc:DeleteRecording><trc:RecordingToken>{GATE}</trc:RecordingToken></trc:DeleteRecording>",
            "CannotDelete",
        ),
        (f"<trc:CreateRecordingJob>{job(GATE, 1, 'Active')}</trc:CreateRecordingJob>", "MaxRecordingJobs"),
        (
            f"<trc:DeleteRecordingJob><trc:JobToken>job-{GATE}</trc:JobToken></trc:DeleteRecordingJob>",
            "CannotDelete",
        ),
        ("<trv:GetReceiver><trv:ReceiverToken>x</trv:ReceiverToken></trv:GetReceiver>", "UnknownToken"),
        (
            f"<trv:CreateReceiver>{RECEIVER.format('AutoConnect', 'http://x/y')}</trv:CreateReceiver>",
            "BadStreamSetup",
        ),
    ],
)
async def test_what_cannot_be_is_refused_in_the_words_of_the_specification(
    nvr: Recorder, asked: str, fault: str
) -> None:
    assert (await nvr.say(asked)).fault[-1] == fault


async def test_there_are_as_many_receivers_as_is_said_and_no_more(nvr: Recorder) -> None:
    for _ in range(RECEIVERS):
        await received(nvr)
    asked = f"<trv:CreateReceiver>{RECEIVER.format('AutoConnect', URI)}</trv:CreateReceiver>"
    assert (await nvr.say(asked)).fault == ("Receiver", "Action", "MaxReceivers")


async def test_a_cameras_name_and_retention_are_its_settings(nvr: Recorder) -> None:
    named = f"<trc:RecordingToken>{GATE}</trc:RecordingToken>"
    await nvr.get(
        f"<trc:SetRecordingConfiguration>{named}{CONFIGURATION.format('P30D')}</trc:SetRecordingConfiguration>"
    )
    camera = nvr.rig.settings.get(Camera, GATE)
    assert (camera.name, camera.retention_days) == ("Loading dock", 30.0)
    body = await nvr.get(f"<trc:GetRecordingConfiguration>{named}</trc:GetRecordingConfiguration>")
    assert [words(body, each) for each in ("SourceId", "Content")] == [["urn:gate"], ["Dock"]]
    viewer = await nvr.say(f"<trc:DeleteRecording>{named}</trc:DeleteRecording>", "vera")
    assert viewer.status == 401


async def test_what_is_shown_follows_every_change(nvr: Recorder) -> None:
    """The answer is kept while nothing changes; a setting, a plan and a track each change it."""
    recordings = nvr.rig.recordings
    before = recordings.plans()
    assert recordings.plans() is before
    first = await nvr.get("<trc:GetRecordings/>")
    assert words(await nvr.get("<trc:GetRecordings/>"), "Name") == words(first, "Name")
    device = nvr.device
    proof = security("otto", device.people.known["otto"][0], write_instant(device.utc))
    addressed = await device.post(envelope(TRC.GetRecordings, proof, message="urn:x:<env:Body>"))
    assert addressed.root.findtext(f"{ENV.Header}/{WSA.RelatesTo}") == "urn:x:<env:Body>"
    assert words(addressed.body, "Name") == words(first, "Name")
    nvr.rig.settings.patch(Camera, {"name": "Portal"}, key=GATE, by="test")
    assert words(await nvr.get("<trc:GetRecordings/>"), "Name") == ["Door", "Portal", "Yard"]
    token = await created(nvr)
    assert token in words(await nvr.get("<trc:GetRecordings/>"), "RecordingToken")
    recordings.configure(YARD, replace(recordings.plan(YARD), content="the yard"), "test")
    assert "the yard" in words(await nvr.get("<trc:GetRecordings/>"), "Content")
    await recordings.delete(token, "test")
    assert token not in words(await nvr.get("<trc:GetRecordings/>"), "RecordingToken")
