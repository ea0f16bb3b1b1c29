"""A video management system makes a recording of its own in a running recorder, is told of it, finds it, plays it and
deletes it: over HTTP, with an ONVIF client that is not ours and with the octets of our own tests."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from onvif import ONVIFClient  # type: ignore[import-untyped]  # it says nothing of its types

from device.folder import DataFolder
from device.media import Utc
from device.recording.catalogue import CatalogueReader, SegmentRow
from protocols.onvif.names import PREFIXES
from tests.integration.rig import Recorder, demo, free_offset, wait_until
from tests.integration.vms import NAME, PASSWORD, ask, subscribe, told

SETUP = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    folder = tmp_path_factory.mktemp("vms")
    secret = folder / "secret"
    secret.write_text(PASSWORD + "\n")
    login = ["--admin", NAME, "--password-file", str(secret)]
    with demo(folder / "data", free_offset(), "--cameras", "2", *login) as running:
        yield running


def manager(recorder: Recorder) -> ONVIFClient:
    """A client of that recorder."""
    address = recorder.told["endpoints"]["onvif"].removeprefix("http://").partition("/")[0]
    host, _, port = address.partition(":")
    return ONVIFClient(host, int(port), NAME, PASSWORD)


def source_of(recorder: Recorder) -> str:
    """What receivers connect to: a camera that the recorder shows live."""
    live: str = recorder.told["cameras"][1]["live"]
    return live.replace("rtsp://", f"rtsp://{NAME}:{PASSWORD}@")


def begin(client: ONVIFClient, uri: str) -> tuple[str, str, str]:
    """Let a recording of one's own be recorded: its token, those of its receiver and its job."""
    origin = {
        "SourceId": "urn:vms:1",
        "Name": "Dock",
        "Location": "",
        "Description": "",
        "Address": "http://x",
    }
    plan = {"Source": origin, "Content": "dock", "MaximumRetentionTime": "PT0S"}
    recording = client.recording()
    token = recording.CreateRecording(RecordingConfiguration=plan)
    made = (
        client.receiver()
        .CreateReceiver(Configuration={"Mode": "AutoConnect", "MediaUri": uri, "StreamSetup": SETUP})
        .Token
    )
    source = {"SourceToken": {"Type": "http://www.onvif.org/ver10/schema/Receiver", "Token": made}}
    shape = {"RecordingToken": token, "Mode": "Active", "Priority": 2, "Source": [source]}
    job = recording.CreateRecordingJob(JobConfiguration=shape).JobToken
    wait_until("the job records", lambda: recording.GetRecordingJobState(JobToken=job).State == "Active", 90)
    return token, made, job


def test_what_the_recorder_says_it_can_is_said_alike_in_all_ways(recorder: Recorder) -> None:
    url = recorder.told["endpoints"]["onvif"]
    ask(url, "<tds:GetCapabilities><tds:Category>All</tds:Category></tds:GetCapabilities>")
    services = ask(
        url, "<tds:GetServices><tds:IncludeCapability>true</tds:IncludeCapability></tds:GetServices>"
    )
    said = {
        each.findtext("{*}Namespace") or "": each.find("{*}Capabilities/{*}Capabilities")
        for each in services.iter("{*}Service")
    }
    for prefix in ("trc", "tse", "trp", "trv"):
        own = ask(url, f"<{prefix}:GetServiceCapabilities/>").find(".//{*}Capabilities")
        there = said[PREFIXES[prefix]]
        assert own is not None
        assert there is not None
        assert sorted(own.attrib.items()) == sorted(there.attrib.items())


def test_a_recording_from_its_making_to_its_end(recorder: Recorder) -> None:
    live, client = source_of(recorder), manager(recorder)
    point = subscribe(recorder.told["endpoints"]["onvif"])

    recording, receiver = client.recording(), client.receiver()
    token, made, job = begin(client, live)
    assert receiver.GetReceiverState(ReceiverToken=made).State == "Connected"

    search = client.search()

    def information() -> Any:
        return search.GetRecordingInformation(RecordingToken=token)

    def seconds() -> float:
        found = information()
        return (
            (found.LatestRecording - found.EarliestRecording).total_seconds()
            if found.EarliestRecording
            else 0.0
        )

    wait_until("three seconds are recorded", lambda: seconds() >= 3, 90)
    assert information().RecordingStatus == "Recording"
    uri = client.replay().GetReplayUri(StreamSetup=SETUP, RecordingToken=token)
    probe = (
        "ffprobe",
        "-v",
        "error",
        "-rtsp_transport",
        "tcp",
        "-show_entries",
        "stream=codec_type",
        "-of",
        "json",
    )
    shown = subprocess.run(
        [*probe, uri.replace("rtsp://", f"rtsp://{NAME}:{PASSWORD}@")],
        capture_output=True,
        timeout=90,
        check=True,
    )
    assert [stream["codec_type"] for stream in json.loads(shown.stdout)["streams"]] == ["video", "audio"]

    heard: list[tuple[str, dict[str, str]]] = []
    wanted = [
        ("RecordingConfig/CreateRecording", {"RecordingToken": token}),
        ("RecordingConfig/JobState", {"RecordingJobToken": job, "State": "Active"}),
        ("RecordingHistory/Recording/State", {"RecordingToken": token, "IsRecording": "true"}),
    ]

    def all_heard() -> bool:
        heard.extend(told(point))
        return all(each in heard for each in wanted)

    wait_until("the subscriber is told", all_heard, 90)
    assert {"RecordingConfig/CreateTrack", "RecordingConfig/RecordingJobConfiguration"} <= {
        name for name, _ in heard
    }

    recording.SetRecordingJobMode(JobToken=job, Mode="Idle")
    wait_until("the job is idle", lambda: recording.GetRecordingJobState(JobToken=job).State == "Idle", 90)
    recording.DeleteRecording(RecordingToken=token)
    receiver.DeleteReceiver(ReceiverToken=made)
    assert token not in [each.RecordingToken for each in recording.GetRecordings()]
    wanted = [("RecordingConfig/DeleteRecording", {"RecordingToken": token})]
    wait_until("the subscriber is told of the end", all_heard, 90)


def test_what_is_deleted_while_it_is_recorded_leaves_nothing(recorder: Recorder) -> None:
    client = manager(recorder)
    token, made, _ = begin(client, source_of(recorder))

    def segments() -> list[SegmentRow]:
        with CatalogueReader(DataFolder(recorder.data).catalogue) as catalogue:
            known = {row.token for row in catalogue.recordings()}
            return catalogue.segments(token, Utc(0), Utc(1 << 62)) if token in known else []

    wait_until("something is recorded", lambda: bool(segments()), 90)
    client.recording().DeleteRecording(RecordingToken=token)
    assert segments() == []
    client.receiver().DeleteReceiver(ReceiverToken=made)
