"""What happens to recordings, jobs and receivers, as the topics of ONVIF Recording Control s5.29 and Receiver s5.6.
Pure.

They stand in a table of their own because what was configured is told as it is now, in XML.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lxml import etree

from device.errors import NotFound
from device.events.event import Event
from device.media import Kind, Utc
from device.recordings.model import JobState
from device.recordings.names import FIRST, camera_of
from device.recordings.recordings import Recordings
from protocols.onvif.names import TNS1, TT
from protocols.onvif.services.recording import write_job, write_plan, write_track
from protocols.onvif.topics import Item, Notification, Topic, camera_in
from protocols.onvif.xml import Element, write_instant

GONE = ""  #: the state of a job that is no more

_RECORDING = Item("RecordingToken", "tt:RecordingReference")
_TRACK = Item("TrackToken", "tt:TrackReference")
_JOB = Item("RecordingJobToken", "tt:RecordingJobReference")
_RECEIVER = Item("ReceiverToken", "tt:ReferenceToken")
Configured = Callable[[Recordings, Event], Element]


def _topic(name: str, *source: Item, data: tuple[Item, ...] = (), element: str = "") -> Topic:
    elements = (Item("Configuration", f"tt:{element}"),) if element else ()
    return Topic((TNS1.RecordingConfig, name), name == "JobState", source, data, elements)


def _plan(recordings: Recordings, event: Event) -> Element:
    element = etree.Element(TT.RecordingConfiguration)
    write_plan(element, recordings.plan(event.recording))  # type: ignore[attr-defined]  # as the table says
    return element


def _track(recordings: Recordings, event: Event) -> Element:
    element = etree.Element(TT.TrackConfiguration)
    write_track(element, recordings.track(event.recording, event.track))  # type: ignore[attr-defined]  # as the table says
    return element


def _job(recordings: Recordings, event: Event) -> Element:
    element = etree.Element(TT.RecordingJobConfiguration)
    write_job(element, recordings.job(event.job))  # type: ignore[attr-defined]  # as the table says
    return element


@dataclass(frozen=True, slots=True)
class Row:
    """How an event is told: items and the fields that they are of."""

    topic: Topic
    source: Mapping[str, str]
    data: Mapping[str, str]
    configured: Configured | None = None


_OF_RECORDING = {"RecordingToken": "recording"}
_OF_TRACK = {"RecordingToken": "recording", "TrackToken": "track"}
_STATE = (Item("State", "xs:string"),)  # the specification's listing says xs:String, its test xs:string
_SPAN = (Item("StartTime", "xs:dateTime"), Item("EndTime", "xs:dateTime"))
_NEW_STATE = (Item("NewState", "tt:ReceiverState"), Item("MediaUri", "xs:anyURI"))

ROWS: Mapping[str, Row] = {
    "recording.created": Row(_topic("CreateRecording", _RECORDING), _OF_RECORDING, {}),
    "recording.removed": Row(_topic("DeleteRecording", _RECORDING), _OF_RECORDING, {}),
    "recording.track-created": Row(_topic("CreateTrack", _RECORDING, _TRACK), _OF_TRACK, {}),
    "recording.track-deleted": Row(_topic("DeleteTrack", _RECORDING, _TRACK), _OF_TRACK, {}),
    "recording.configured": Row(
        _topic("RecordingConfiguration", _RECORDING, element="RecordingConfiguration"),
        _OF_RECORDING,
        {},
        _plan,
    ),
    "recording.track-configured": Row(
        _topic("TrackConfiguration", _RECORDING, _TRACK, element="TrackConfiguration"), _OF_TRACK, {}, _track
    ),
    "recording.job-configured": Row(
        _topic("RecordingJobConfiguration", _JOB, element="RecordingJobConfiguration"),
        {"RecordingJobToken": "job"},
        {},
        _job,
    ),
    "recording.job-state": Row(
        _topic("JobState", _JOB, data=_STATE), {"RecordingJobToken": "job"}, {"State": "state"}
    ),
    "recording.deleted": Row(
        _topic("DeleteTrackData", _RECORDING, _TRACK, data=_SPAN),
        _OF_RECORDING,
        {"StartTime": "start", "EndTime": "end"},
    ),
    "receiver.state": Row(
        Topic((TNS1.Receiver, "ChangeState"), False, (_RECEIVER,), _NEW_STATE),
        {"ReceiverToken": "receiver"},
        {"NewState": "state", "MediaUri": "uri"},
    ),
    "receiver.failed": Row(
        Topic((TNS1.Receiver, "ConnectionFailed"), False, (_RECEIVER,), (Item("MediaUri", "xs:anyURI"),)),
        {"ReceiverToken": "receiver"},
        {"MediaUri": "uri"},
    ),
}
#: What a search finds (Recording Search s5.21), told as it happens too.
RECORDING_STATE = Topic(
    (TNS1.RecordingHistory, "Recording", "State"), True, (_RECORDING,), (Item("IsRecording", "xs:boolean"),)
)
TRACK_STATE = Topic(
    (TNS1.RecordingHistory, "Track", "State"),
    True,
    (_RECORDING, Item("Track", "tt:TrackReference")),
    (Item("IsDataPresent", "xs:boolean"),),
)
TOPICS = (*(row.topic for row in ROWS.values()), RECORDING_STATE, TRACK_STATE)


def told(event: Event, utc: Utc, recordings: Recordings) -> list[Notification]:
    """The messages of an event; none where it is none of these, or what it is about is gone."""
    row = ROWS.get(event.name)
    if row is None:
        return []
    source = {name: _text(getattr(event, field)) for name, field in row.source.items()}
    data = {name: _text(getattr(event, field)) for name, field in row.data.items()}
    if event.name == "recording.deleted":
        source["TrackToken"] = FIRST[Kind.VIDEO]
    operation = ""
    if row.topic.is_property:
        operation = "Deleted" if data["State"] == GONE else "Changed"
        data["State"] = data["State"] or "Idle"
    camera = _whose(event, recordings)
    try:
        elements = (
            (("Configuration", row.configured(recordings, event)),) if row.configured is not None else ()
        )
    except NotFound:
        return []
    found = [Notification(row.topic, utc, source, data, operation, elements=elements, camera=camera)]
    if operation == "Changed":
        found += _history(source["RecordingJobToken"], data["State"], utc, recordings, camera)
    return found


def _whose(event: Event, recordings: Recordings) -> str:
    """The camera that a message is about. A receiver and a job that is gone are no camera: who is limited to cameras is
    not told of them."""
    if camera := camera_in(event):
        return camera
    token = str(getattr(event, "job", "") or getattr(event, "receiver", ""))
    with contextlib.suppress(NotFound):
        return camera_of(recordings.job(token).recording)[0]
    return token


def _history(token: str, state: str, utc: Utc, recordings: Recordings, camera: str) -> list[Notification]:
    """That a recording and its tracks have data from now on, or no more."""
    try:
        job = recordings.job(token)
        plan = recordings.plan(job.recording)
    except NotFound:
        return []
    there = state == JobState.ACTIVE.value
    source = {"RecordingToken": plan.token}
    found = [Notification(RECORDING_STATE, utc, source, {"IsRecording": there}, "Changed", camera=camera)]
    # Of sound and metadata it is not known before they are searched.
    pictures = [track.token for track in plan.tracks if track.kind is Kind.VIDEO]
    found += [
        Notification(
            TRACK_STATE, utc, {**source, "Track": each}, {"IsDataPresent": there}, "Changed", camera=camera
        )
        for each in pictures
    ]
    return found


def _text(value: object) -> str:
    return write_instant(Utc(value)) if isinstance(value, int) else str(value)
