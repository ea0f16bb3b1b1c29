"""Recording control: recordings, tracks, jobs, and what subscribers are told of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from conformance.case import Failed, expect, provided
from conformance.onvif.device import Device
from conformance.onvif.names import RECEIVER_TYPE, name
from conformance.onvif.needs import declared, service, topic
from conformance.onvif.points import Message, Point, subscribe, topic_filter
from conformance.onvif.rig import (
    a_profile,
    configuration,
    information,
    job,
    job_plan,
    job_state,
    jobs,
    live,
    make_job,
    make_receiver,
    make_recording,
    own_recording,
    plan,
    profiles,
    receiver,
    receiver_job,
    recording,
    recordings,
    same,
    source,
    until_job,
)
from conformance.onvif.suite import official
from conformance.onvif.values import every, maybe, moment, only, text, write

_PROFILE_TYPE = "http://www.onvif.org/ver10/schema/Profile"
_NOWHERE = "no-such-token"
_TOLD_SECONDS = 20.0
_DYNAMIC = declared("trc", "DynamicRecordings")
_RECEIVERS = service("trv", "Receiver")


async def _first(device: Device) -> str:
    """The token of a recording that is there. Raises NotApplicable."""
    found = sorted(await recordings(device))
    provided(bool(found), "there is no recording")
    return found[0]


async def _first_job(device: Device) -> str:
    found = sorted(await jobs(device))
    provided(bool(found), "there is no recording job")
    return found[0]


# --------------------------------------------------------------------------------------------- reading


@official("RECORDING-4-1-1")
async def get_recordings(device: Device) -> str:
    found = await recordings(device)
    for token, item in found.items():
        tracks = [text(each, "tt:TrackToken") for each in every(item, "tt:Tracks/tt:Track")]
        expect(len(set(tracks)) == len(tracks), f"tracks of {token} are there twice: {tracks}")
        expect(0 < len(token) <= 64, f"a token of {len(token)} characters")
    return f"{len(found)} recordings"


@official("RECORDING-4-1-2")
async def get_configuration(device: Device) -> str:
    for token, item in (await recordings(device)).items():
        told = await device.call("trc:GetRecordingConfiguration", recording(token))
        for each in ("Source", "Content", "MaximumRetentionTime"):
            same(
                only(item, f"tt:Configuration/tt:{each}"),
                only(told, f"trc:RecordingConfiguration/tt:{each}"),
                f"GetRecordings and GetRecordingConfiguration of {token}",
            )
    return "as GetRecordings tells them"


@official("RECORDING-4-1-4")
async def get_jobs(device: Device) -> str:
    known = await recordings(device)
    found = await jobs(device)
    for token, item in found.items():
        of = text(item, "tt:JobConfiguration/tt:RecordingToken")
        expect(of in known, f"{token} is of {of}, which is no recording")
    return f"{len(found)} jobs"


@official("RECORDING-4-1-5")
async def get_job_configuration(device: Device) -> str:
    for token, item in (await jobs(device)).items():
        told = only(await device.call("trc:GetRecordingJobConfiguration", job(token)), "trc:JobConfiguration")
        there = only(item, "tt:JobConfiguration")
        for each in ("RecordingToken", "Mode", "Priority"):
            same(only(there, f"tt:{each}"), only(told, f"tt:{each}"), f"configurations of {token}")
        flags = every(told, "tt:Source/tt:AutoCreateReceiver")
        expect(not flags, "AutoCreateReceiver is told, which only a request has")
    return "as GetRecordingJobs tells them"


@official("RECORDING-4-1-7")
async def get_job_state(device: Device) -> str:
    states = []
    for token, item in (await jobs(device)).items():
        told = await job_state(device, token)
        of = text(item, "tt:JobConfiguration/tt:RecordingToken")
        expect(text(told, "tt:RecordingToken") == of, f"the state of {token} is of another recording")
        tracks = {text(each, "tt:State") for each in every(told, "tt:Sources/tt:Tracks/tt:Track")}
        state = text(told, "tt:State")
        if tracks:
            expect(state == _whole(tracks), f"{token} is {state}, its tracks are {', '.join(sorted(tracks))}")
        states.append(state)
    return ", ".join(states)


def _whole(tracks: set[str]) -> str:
    """The state of a job by those of its tracks (Recording Control s5.19)."""
    if "Error" in tracks:
        return "Error"
    return next(iter(tracks)) if len(tracks) == 1 else "PartiallyActive"


@official("RECORDING-4-1-9")
async def get_tracks(device: Device) -> str:
    number = 0
    for token, item in (await recordings(device)).items():
        for each in every(item, "tt:Tracks/tt:Track"):
            track = text(each, "tt:TrackToken")
            told = await device.call("trc:GetTrackConfiguration", recording(token) + _track(track))
            there = only(told, "trc:TrackConfiguration")
            for field in ("TrackType", "Description"):
                same(
                    only(each, f"tt:Configuration/tt:{field}"), only(there, f"tt:{field}"), f"{token}/{track}"
                )
            number += 1
    return f"{number} tracks"


def _track(token: str) -> str:
    return f"<trc:TrackToken>{token}</trc:TrackToken>"


#: test -> what is asked with a token that is none, and the fault's subcode
_UNKNOWN: Mapping[str, tuple[str, str, str]] = {
    "RECORDING-4-1-3": ("trc:GetRecordingConfiguration", recording(_NOWHERE), "NoRecording"),
    "RECORDING-4-1-10": (
        "trc:GetTrackConfiguration",
        recording(_NOWHERE) + _track(_NOWHERE),
        "InvalidArgVal",
    ),
    "RECORDING-4-1-13": ("trc:GetRecordingJobConfiguration", job(_NOWHERE), "NoRecordingJob"),
    "RECORDING-4-1-14": ("trc:GetRecordingJobState", job(_NOWHERE), "NoRecordingJob"),
}


def _unknown(name: str, operation: str, inner: str, code: str) -> None:
    @official(name)
    async def check(device: Device) -> str:
        return (await device.refused(operation, inner, code)).said


for _name, _row in _UNKNOWN.items():
    _unknown(_name, *_row)


# --------------------------------------------------------------------------------------------- writing

_LONGEST = {"SourceId": "s" * 128, "Name": "n" * 20, "Address": "http://192.0.2.1/" + "a" * 111}


def _longest(told: object) -> None:
    for field, value in _LONGEST.items():
        there = text(told, f"tt:Source/tt:{field}")
        expect(there == value, f"{field} of {len(value)} characters came back as one of {len(there)}")


@official("RECORDING-4-1-11")
async def longest(device: Device) -> str:
    token = await _first(device)
    before = only(
        await device.call("trc:GetRecordingConfiguration", recording(token)), "trc:RecordingConfiguration"
    )
    fields = {each.tag.rpartition("}")[2]: each.text or "" for each in only(before, "tt:Source")}
    back = (
        f"<trc:RecordingConfiguration>{source(**fields)}<tt:Content>{text(before, 'tt:Content')}</tt:Content>"
        f"<tt:MaximumRetentionTime>{text(before, 'tt:MaximumRetentionTime')}</tt:MaximumRetentionTime>"
        "</trc:RecordingConfiguration>"
    )
    device.later("trc:SetRecordingConfiguration", recording(token) + back)
    retention = back.partition("<tt:MaximumRetentionTime>")[2]
    asked = (
        f"<trc:RecordingConfiguration>{source(**_LONGEST)}<tt:Content>longest</tt:Content>"
        f"<tt:MaximumRetentionTime>{retention}"
    )
    await device.call("trc:SetRecordingConfiguration", recording(token) + asked)
    told = await device.call("trc:GetRecordingConfiguration", recording(token))
    _longest(only(told, "trc:RecordingConfiguration"))
    return "SourceId of 128, Name of 20, Address of 128 characters"


@official("RECORDING-4-1-12")
async def longest_new(device: Device) -> str:
    token = text(await device.call("trc:CreateRecording", plan(**_LONGEST)), "trc:RecordingToken")
    device.later("trc:DeleteRecording", recording(token))
    told = await device.call("trc:GetRecordingConfiguration", recording(token))
    _longest(only(told, "trc:RecordingConfiguration"))
    return "SourceId of 128, Name of 20, Address of 128 characters"


@official("RECORDING-3-1-10")
async def dynamic_recordings(device: Device) -> str:
    token = await make_recording(device)
    item = (await recordings(device)).get(token)
    expect(item is not None, "the new recording is not in GetRecordings")
    kinds = [text(each, "tt:Configuration/tt:TrackType") for each in every(item, "tt:Tracks/tt:Track")]
    wanted = ["Video"]
    encodings = (device.capability("trc", "Encoding") or "").split()
    if any(each in encodings for each in ("G711", "G726", "AAC")):
        wanted.append("Audio")
    if device.offers("trc", "MetadataRecording"):
        wanted.append("Metadata")
    expect(set(wanted) <= set(kinds), f"a new recording has tracks of {kinds}, {wanted} are demanded")
    await device.call("trc:DeleteRecording", recording(token))
    expect(token not in await recordings(device), "the deleted recording is still told")
    fault = await device.refused("trc:GetRecordingConfiguration", recording(token), "NoRecording")
    return f"tracks of {', '.join(kinds)}; afterwards {fault.said}"


@official("RECORDING-3-1-7")
async def dynamic_tracks(device: Device) -> str:
    token = await own_recording(device)
    track = await _make_track(device, token)
    told = await device.call("trc:GetTrackConfiguration", recording(token) + _track(track))
    expect(
        text(told, "trc:TrackConfiguration/tt:TrackType") == "Video", "the new track is not of the type Video"
    )
    await device.call("trc:DeleteTrack", recording(token) + _track(track))
    fault = await device.refused("trc:GetTrackConfiguration", recording(token) + _track(track), "NoTrack")
    return f"{track}; afterwards {fault.said}"


async def _make_track(device: Device, token: str) -> str:
    inner = (
        "<trc:TrackConfiguration><tt:TrackType>Video</tt:TrackType>"
        "<tt:Description>second</tt:Description></trc:TrackConfiguration>"
    )
    return text(await device.call("trc:CreateTrack", recording(token) + inner), "trc:TrackToken")


# --------------------------------------------------------------------------------------------- recording


@official("RECORDING-2-1-20")
async def start_on_receiver(device: Device) -> str:
    recorded, _, made = await receiver_job(device)
    await until_job(device, made, "Active", "PartiallyActive")
    return f"{recorded} is being recorded"


@official("RECORDING-2-1-22")
async def stop_by_mode(device: Device) -> str:
    _, _, made = await receiver_job(device)
    await until_job(device, made, "Active", "PartiallyActive")
    await device.call("trc:SetRecordingJobMode", job(made) + "<trc:Mode>Idle</trc:Mode>")
    return await until_job(device, made, "Idle")


@official("RECORDING-2-1-23")
async def stop_by_receiver(device: Device) -> str:
    _, received, made = await receiver_job(device)
    await until_job(device, made, "Active", "PartiallyActive")
    await device.call("trv:SetReceiverMode", receiver(received) + "<trv:Mode>NeverConnect</trv:Mode>")
    await until_job(device, made, "Idle")
    told = await device.call("trc:GetRecordingJobConfiguration", job(made))
    mode = text(told, "trc:JobConfiguration/tt:Mode")
    expect(mode == "Active", f"the job's mode became {mode}")
    return "Idle, with the mode Active"


@official("RECORDING-2-1-25")
async def stop_by_deleting(device: Device) -> str:
    _, _, made = await receiver_job(device)
    await until_job(device, made, "Active", "PartiallyActive")
    return await _deleted(device, made)


@official("RECORDING-2-1-27")
async def another_stream_while_recording(device: Device) -> str:
    """The receiver is given another stream, of another size if there is one: the job goes on, and what is recorded
    is told as what it is."""
    sizes = await profiles(device)
    provided(len(sizes) > 1, "there is only one media profile: nothing to change to")
    (first, size), *others = sizes.items()
    second = max(others, key=lambda other: other[1] != size)[0]
    recorded, received, made = await receiver_job(device)
    await until_job(device, made, "Active", "PartiallyActive")
    uri = await live(device, second)
    await device.call("trv:ConfigureReceiver", receiver(received) + configuration(uri, "AutoConnect", "RTSP"))
    await until_job(device, made, "Active", "PartiallyActive")
    found = await _recorded_as(device, recorded, sizes[second])
    return f"{first}, then {second}: {found[0]}x{found[1]}"


async def _recorded_as(device: Device, token: str, size: tuple[int, int]) -> tuple[int, int]:
    """Wait until the newest pictures are of that size. Raises Failed."""
    deadline = time.monotonic() + _TOLD_SECONDS
    found = (0, 0)
    while time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        newest = (await information(device, token)).end
        if newest is None:
            continue
        inner = f"<tse:RecordingTokens>{token}</tse:RecordingTokens><tse:Time>{write(newest)}</tse:Time>"
        told = await device.call("tse:GetMediaAttributes", inner)
        for each in told.iter(name("tt:VideoAttributes")):
            found = int(text(each, "tt:Width")), int(text(each, "tt:Height"))
        if found == size:
            return found
    raise Failed(f"{size[0]}x{size[1]} is received, {found[0]}x{found[1]} is told of what is recorded")


async def _deleted(device: Device, token: str) -> str:
    await device.call("trc:DeleteRecordingJob", job(token))
    expect(token not in await jobs(device), "the deleted job is still told")
    return (await device.refused("trc:GetRecordingJobState", job(token), "NoRecordingJob")).said


async def _profile_job(device: Device, mode: str = "Active", priority: int = 1) -> str:
    recorded = await own_recording(device)
    return await make_job(device, recorded, _PROFILE_TYPE, await a_profile(device), mode, priority)


@official("RECORDING-2-1-28")
async def start_on_profile(device: Device) -> str:
    return await until_job(device, await _profile_job(device), "Active", "PartiallyActive")


@official("RECORDING-2-1-29")
async def stop_profile_by_mode(device: Device) -> str:
    made = await _profile_job(device)
    await until_job(device, made, "Active", "PartiallyActive")
    await device.call("trc:SetRecordingJobMode", job(made) + "<trc:Mode>Idle</trc:Mode>")
    return await until_job(device, made, "Idle")


@official("RECORDING-2-1-30")
async def stop_profile_by_deleting(device: Device) -> str:
    made = await _profile_job(device)
    await until_job(device, made, "Active", "PartiallyActive")
    return await _deleted(device, made)


async def _priorities(device: Device, kind: str, token: str) -> str:
    """Recording Control, annex: of those that are active the highest priority records."""
    recorded = await own_recording(device)
    running = ("Active", "PartiallyActive")
    first = await make_job(device, recorded, kind, token, "Active", 2)
    await until_job(device, first, *running)
    idle = await make_job(device, recorded, kind, token, "Idle", 4)
    await until_job(device, idle, "Idle")
    await until_job(device, first, *running)
    second = await make_job(device, recorded, kind, token, "Active", 3)
    await until_job(device, second, *running)
    await until_job(device, first, "Idle")
    await device.call("trc:DeleteRecordingJob", job(second))
    await until_job(device, first, *running)
    return "priority 3 took over from 2, an idle 4 did not, and 2 came back"


@official("RECORDING-3-1-11")
async def priorities_of_profiles(device: Device) -> str:
    return await _priorities(device, _PROFILE_TYPE, await a_profile(device))


@official("RECORDING-3-1-12")
async def priorities_of_receivers(device: Device) -> str:
    token = await make_receiver(device, await live(device), protocol="RTSP")
    return await _priorities(device, RECEIVER_TYPE, token)


# --------------------------------------------------------------------------------------------- events


async def _listening(device: Device, path: str) -> Point:
    point = await subscribe(device, topic_filter(path), lives="PT120S")
    await point.everything()
    point.path = path
    return point


def _about(**wanted: str) -> Callable[[Message], bool]:
    return lambda message: all(message.source.get(key) == value for key, value in wanted.items())


async def _told(point: Point, what: str, **wanted: str) -> str:
    message = await point.until(_about(**wanted), _TOLD_SECONDS, what)
    return f"{message.topic} of {', '.join(message.source.values())}"


@official("RECORDING-5-1-3", topic("RecordingConfig/RecordingConfiguration"), _DYNAMIC)
async def configuration_event(device: Device) -> str:
    token = await own_recording(device)
    point = await _listening(device, "RecordingConfig/RecordingConfiguration")
    await device.call("trc:SetRecordingConfiguration", recording(token) + plan("changed"))
    return await _told(point, "of the new configuration", RecordingToken=token)


@official("RECORDING-5-1-4", topic("RecordingConfig/TrackConfiguration"), _DYNAMIC)
async def track_event(device: Device) -> str:
    token = await own_recording(device)
    item = (await recordings(device))[token]
    each = every(item, "tt:Tracks/tt:Track")[0]
    track, kind = text(each, "tt:TrackToken"), text(each, "tt:Configuration/tt:TrackType")
    point = await _listening(device, "RecordingConfig/TrackConfiguration")
    inner = (
        f"<trc:TrackConfiguration><tt:TrackType>{kind}</tt:TrackType><tt:Description>changed</tt:Description>"
        "</trc:TrackConfiguration>"
    )
    await device.call("trc:SetTrackConfiguration", recording(token) + _track(track) + inner)
    return await _told(point, "of the new configuration", RecordingToken=token, TrackToken=track)


@official("RECORDING-5-1-6", topic("RecordingConfig/CreateRecording"))
async def create_event(device: Device) -> str:
    point = await _listening(device, "RecordingConfig/CreateRecording")
    return await _told(point, "of the new recording", RecordingToken=await make_recording(device))


@official("RECORDING-5-1-17", topic("RecordingConfig/DeleteRecording"))
async def delete_event(device: Device) -> str:
    token = await make_recording(device)
    point = await _listening(device, "RecordingConfig/DeleteRecording")
    await device.call("trc:DeleteRecording", recording(token))
    return await _told(point, "of the deleted recording", RecordingToken=token)


@official("RECORDING-5-1-10", topic("RecordingConfig/CreateTrack"))
async def implicit_tracks(device: Device) -> str:
    point = await _listening(device, "RecordingConfig/CreateTrack")
    token = await make_recording(device)
    return await _told(point, "of a track of the new recording", RecordingToken=token)


@official("RECORDING-5-1-11", topic("RecordingConfig/DeleteTrack"))
async def implicit_tracks_gone(device: Device) -> str:
    token = await make_recording(device)
    point = await _listening(device, "RecordingConfig/DeleteTrack")
    await device.call("trc:DeleteRecording", recording(token))
    return await _told(point, "of a track of the deleted recording", RecordingToken=token)


async def _track_made(device: Device) -> str:
    token = await own_recording(device)
    point = await _listening(device, "RecordingConfig/CreateTrack")
    track = await _make_track(device, token)
    return await _told(point, "of the new track", RecordingToken=token, TrackToken=track)


async def _track_deleted(device: Device) -> str:
    token = await own_recording(device)
    track = await _make_track(device, token)
    point = await _listening(device, "RecordingConfig/DeleteTrack")
    await device.call("trc:DeleteTrack", recording(token) + _track(track))
    return await _told(point, "of the deleted track", RecordingToken=token, TrackToken=track)


_TRACKS = declared("trc", "DynamicTracks")
for _case in ("RECORDING-5-1-8", "RECORDING-5-1-15"):
    official(_case, topic("RecordingConfig/CreateTrack"), _TRACKS)(_track_made)
for _case in ("RECORDING-5-1-9", "RECORDING-5-1-16"):
    official(_case, topic("RecordingConfig/DeleteTrack"), _TRACKS)(_track_deleted)


@official("RECORDING-5-1-14", _RECEIVERS, _DYNAMIC)
async def data_deleted_event(device: Device) -> str:
    recorded, _, made = await receiver_job(device)
    await until_job(device, made, "Active", "PartiallyActive")
    deadline = time.monotonic() + _TOLD_SECONDS
    while (await information(device, recorded)).seconds < 1:
        expect(time.monotonic() < deadline, "nothing was recorded")
        await asyncio.sleep(0.5)
    await device.call("trc:SetRecordingJobMode", job(made) + "<trc:Mode>Idle</trc:Mode>")
    await until_job(device, made, "Idle")
    tape = await information(device, recorded)
    point = await _listening(device, "RecordingConfig/DeleteTrackData")
    await device.call("trc:DeleteRecording", recording(recorded))
    message = await point.until(_about(RecordingToken=recorded), _TOLD_SECONDS, "of the deleted data")
    expect(bool(message.source.get("TrackToken")), "it does not say of which track")
    start, end = (moment(message.data.get(each, "")) for each in ("StartTime", "EndTime"))
    assert tape.start is not None
    assert tape.end is not None
    expect(tape.start <= start <= end, f"it says {start} to {end}; recorded was from {tape.start}")
    return f"{(end - start).total_seconds():.1f} s of {message.source['TrackToken']}"


@official("RECORDING-5-1-18", topic("RecordingConfig/JobState"), _RECEIVERS, _DYNAMIC)
async def state_event(device: Device) -> str:
    point = await _listening(device, "RecordingConfig/JobState")
    _, _, made = await receiver_job(device)
    message = await point.until(_about(RecordingJobToken=made), _TOLD_SECONDS, "of the new job")
    expect(message.operation == "Initialized", f"PropertyOperation is {message.operation} for a new job")
    return f"{made}: {message.data.get('State')}"


@official("RECORDING-5-1-19", topic("RecordingConfig/JobState"), _RECEIVERS, _DYNAMIC)
async def state_change_event(device: Device) -> str:
    _, _, made = await receiver_job(device)
    await until_job(device, made, "Active", "PartiallyActive")
    point = await _listening(device, "RecordingConfig/JobState")
    await device.call("trc:SetRecordingJobMode", job(made) + "<trc:Mode>Idle</trc:Mode>")
    message = await point.until(
        lambda each: _about(RecordingJobToken=made)(each) and each.data.get("State") == "Idle",
        _TOLD_SECONDS,
        "of the idle job",
    )
    expect(message.operation == "Changed", f"PropertyOperation is {message.operation} for a change")
    state = text(await job_state(device, made), "tt:State")
    expect(state == "Idle", f"Idle was told, GetRecordingJobState says {state}")
    return "Changed to Idle, as GetRecordingJobState says"


@official("RECORDING-5-1-20", topic("RecordingConfig/RecordingJobConfiguration"), _RECEIVERS, _DYNAMIC)
async def job_configuration_event(device: Device) -> str:
    recorded, received, made = await receiver_job(device, "Idle")
    point = await _listening(device, "RecordingConfig/RecordingJobConfiguration")
    changed = job_plan(recorded, RECEIVER_TYPE, received, "Idle", 5)
    await device.call("trc:SetRecordingJobConfiguration", job(made) + changed)
    told = await device.call("trc:GetRecordingJobConfiguration", job(made))
    priority = maybe(told, "trc:JobConfiguration/tt:Priority")
    expect(priority == "5", f"priority 5 was set, {priority} is told")
    return await _told(point, "of the new configuration", RecordingJobToken=made)
