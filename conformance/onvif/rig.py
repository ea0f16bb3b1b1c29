"""What cases of recording control make for themselves: recordings, receivers, jobs. All of it goes with the case."""

from __future__ import annotations

import asyncio
import time
from xml.sax.saxutils import escape

from conformance.case import Failed, NotApplicable, expect, provided
from conformance.onvif.client import Element
from conformance.onvif.device import Device
from conformance.onvif.names import RECEIVER_TYPE, name
from conformance.onvif.values import Tape, every, only, text

STATE_SECONDS = 20.0  #: that a job or a receiver may take to get where it shall be


def source(prefix: str = "tt", **given: str) -> str:
    """tt:RecordingSourceInformation; what is not given is a standard text."""
    fields = {
        "SourceId": "urn:conformance:source",
        "Name": "Conformance",
        "Location": "nowhere",
        "Description": "made by a test",
        "Address": "http://192.0.2.1/",
    } | given
    inside = "".join(f"<tt:{key}>{escape(value)}</tt:{key}>" for key, value in fields.items())
    return f"<{prefix}:Source>{inside}</{prefix}:Source>"


def plan(content: str = "conformance", **given: str) -> str:
    """trc:RecordingConfiguration."""
    return (
        f"<trc:RecordingConfiguration>{source(**given)}<tt:Content>{escape(content)}</tt:Content>"
        "<tt:MaximumRetentionTime>PT0S</tt:MaximumRetentionTime></trc:RecordingConfiguration>"
    )


async def make_recording(device: Device) -> str:
    """CreateRecording; its token."""
    token = text(await device.call("trc:CreateRecording", plan()), "trc:RecordingToken")
    device.later("trc:DeleteRecording", recording(token))
    return token


def recording(token: str) -> str:
    """The argument."""
    return f"<trc:RecordingToken>{escape(token)}</trc:RecordingToken>"


def job(token: str) -> str:
    """The argument."""
    return f"<trc:JobToken>{escape(token)}</trc:JobToken>"


def receiver(token: str) -> str:
    """The argument."""
    return f"<trv:ReceiverToken>{escape(token)}</trv:ReceiverToken>"


def configuration(uri: str, mode: str = "AutoConnect", protocol: str = "UDP") -> str:
    """trv:Configuration."""
    return (
        f"<trv:Configuration><tt:Mode>{mode}</tt:Mode><tt:MediaUri>{escape(uri)}</tt:MediaUri><tt:StreamSetup>"
        f"<tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>{protocol}</tt:Protocol></tt:Transport>"
        "</tt:StreamSetup></trv:Configuration>"
    )


async def make_receiver(device: Device, uri: str, mode: str = "AutoConnect", protocol: str = "UDP") -> str:
    """CreateReceiver; its token."""
    told = await device.call("trv:CreateReceiver", configuration(uri, mode, protocol))
    token = text(told, "trv:Receiver/tt:Token")
    device.later("trv:DeleteReceiver", receiver(token))
    return token


def job_plan(recorded: str, kind: str, token: str, mode: str = "Active", priority: int = 1) -> str:
    """trc:JobConfiguration with one source."""
    return (
        f"<trc:JobConfiguration><tt:RecordingToken>{escape(recorded)}</tt:RecordingToken><tt:Mode>{mode}</tt:Mode>"
        f'<tt:Priority>{priority}</tt:Priority><tt:Source><tt:SourceToken Type="{kind}"><tt:Token>{escape(token)}'
        "</tt:Token></tt:SourceToken></tt:Source></trc:JobConfiguration>"
    )


async def make_job(
    device: Device, recorded: str, kind: str, token: str, mode: str = "Active", priority: int = 1
) -> str:
    """CreateRecordingJob; its token."""
    told = await device.call("trc:CreateRecordingJob", job_plan(recorded, kind, token, mode, priority))
    made = text(told, "trc:JobToken")
    device.later("trc:DeleteRecordingJob", job(made))
    return made


async def receiver_job(device: Device, mode: str = "Active") -> tuple[str, str, str]:
    """A recording, a receiver of a stream that runs, and a job that joins them; their tokens."""
    uri = await live(device)
    recorded = await own_recording(device)
    received = await make_receiver(device, uri, protocol="RTSP")
    return recorded, received, await make_job(device, recorded, RECEIVER_TYPE, received, mode)


async def own_recording(device: Device) -> str:
    """A recording for jobs: made for the case. Raises NotApplicable."""
    provided(
        device.offers("trc", "DynamicRecordings"),
        "trc:Capabilities@DynamicRecordings is not declared: there is no recording that a test may use",
    )
    return await make_recording(device)


async def live(device: Device, profile: str = "") -> str:
    """A stream that a receiver can take: a live one of the device itself, with the account in it; of a profile or any.
    Raises NotApplicable."""
    provided(device.has("trt"), "GetServices names no Media service: there is no stream to receive")
    profile = profile or await a_profile(device)
    setup = "<tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>"
    told = await device.call(
        "trt:GetStreamUri",
        f"<trt:StreamSetup>{setup}</trt:StreamSetup><trt:ProfileToken>{profile}</trt:ProfileToken>",
    )
    uri = text(told, "trt:MediaUri/tt:Uri")
    login = device.address.login
    return uri.replace("://", f"://{login.user}:{login.password}@", 1)


async def profiles(device: Device) -> dict[str, tuple[int, int]]:
    """Width and height of the media profiles with video, by token."""
    found = {}
    for each in every(await device.call("trt:GetProfiles"), "trt:Profiles"):
        if each.find(name("tt:VideoEncoderConfiguration")) is not None:
            size = only(each, "tt:VideoEncoderConfiguration/tt:Resolution")
            found[str(each.get("token"))] = int(text(size, "tt:Width")), int(text(size, "tt:Height"))
    return found


async def a_profile(device: Device) -> str:
    """The token of a media profile with video. Raises NotApplicable."""
    token = next(iter(await profiles(device)), None)
    if token is None:
        raise NotApplicable("no media profile has a video encoder")
    return token


async def job_state(device: Device, token: str) -> Element:
    """GetRecordingJobState."""
    return only(await device.call("trc:GetRecordingJobState", job(token)), "trc:State")


async def until_job(device: Device, token: str, *wanted: str) -> str:
    """Wait until a job is in one of these states. Raises Failed."""
    deadline = time.monotonic() + STATE_SECONDS
    while True:
        state = text(await job_state(device, token), "tt:State")
        if state in wanted:
            return state
        if time.monotonic() > deadline:
            raise Failed(f"the job is {state} after {STATE_SECONDS:g} s, not {' or '.join(wanted)}")
        await asyncio.sleep(0.3)


async def until_receiver(device: Device, token: str, wanted: str) -> None:
    """Wait until a receiver is in a state. Raises Failed."""
    deadline = time.monotonic() + STATE_SECONDS
    while True:
        told = await device.call("trv:GetReceiverState", receiver(token))
        state = text(told, "trv:ReceiverState/tt:State")
        if state == wanted:
            return
        if time.monotonic() > deadline:
            raise Failed(f"the receiver is {state} after {STATE_SECONDS:g} s, not {wanted}")
        await asyncio.sleep(0.3)


async def recordings(device: Device) -> dict[str, Element]:
    """GetRecordings by token."""
    told = await device.call("trc:GetRecordings")
    return {text(each, "tt:RecordingToken"): each for each in every(told, "trc:RecordingItem")}


async def jobs(device: Device) -> dict[str, Element]:
    """GetRecordingJobs by token."""
    told = await device.call("trc:GetRecordingJobs")
    return {text(each, "tt:JobToken"): each for each in every(told, "trc:JobItem")}


async def information(device: Device, token: str) -> Tape:
    """GetRecordingInformation."""
    told = await device.call(
        "tse:GetRecordingInformation", f"<tse:RecordingToken>{token}</tse:RecordingToken>"
    )
    return Tape.read(only(told, "tse:RecordingInformation"))


def alike(one: Element, other: Element) -> str | None:
    """Where two elements of the same kind differ, by the local names on the way; None: nowhere."""
    if (one.text or "").strip() != (other.text or "").strip() or dict(one.attrib) != dict(other.attrib):
        return (
            f"{one.tag.rpartition('}')[2]}: {(one.text or '').strip()!r} and {(other.text or '').strip()!r}"
        )
    if [each.tag for each in one] != [each.tag for each in other]:
        return f"{one.tag.rpartition('}')[2]}: other elements"
    found = (alike(first, second) for first, second in zip(one, other, strict=True))
    return next((each for each in found if each), None)


def same(one: Element, other: Element, what: str) -> None:
    """Raises Failed with where they differ."""
    differing = alike(one, other)
    expect(differing is None, f"{what} differ in {differing}")
