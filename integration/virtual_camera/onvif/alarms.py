"""What a virtual camera tells: motion as its scene's timetable says, a covered lens and a digital input as its
condition says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from device.events.journal import Entry
from device.media import Utc
from integration.virtual_camera.analytics import SOURCE
from integration.virtual_camera.camera import Camera
from protocols.onvif.names import TNS1
from protocols.onvif.pullpoints import PullPoints
from protocols.onvif.topics import Item, Notification, Topic

INPUT = "input-1"
_SOURCE = (Item("Source", "tt:ReferenceToken"),)
_STATE = (Item("State", "xs:boolean"),)

MOTION = Topic((TNS1.VideoSource, "MotionAlarm"), True, _SOURCE, _STATE)
TAMPERING = Topic((TNS1.VideoSource, "GlobalSceneChange", "ImagingService"), True, _SOURCE, _STATE)
DIGITAL_INPUT = Topic(
    (TNS1.Device, "Trigger", "DigitalInput"),
    True,
    (Item("InputToken", "tt:ReferenceToken"),),
    (Item("LogicalState", "xs:boolean"),),
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A row: what is told, about what, and whether it is so."""

    topic: Topic
    source: str
    now: Callable[[Camera, Utc], bool]


ALARMS: Sequence[Alarm] = (
    Alarm(MOTION, SOURCE, lambda camera, at: camera.moving(at) and not camera.condition.frozen),
    Alarm(TAMPERING, SOURCE, lambda camera, _: camera.condition.covered),
    Alarm(DIGITAL_INPUT, INPUT, lambda camera, _: camera.condition.input),
)
TOPICS = tuple(alarm.topic for alarm in ALARMS)


class Watch:
    """Looks at the camera now and then, and tells what has changed. A pull point drops what is as it was."""

    def __init__(self, camera: Camera, points: PullPoints) -> None:
        self._camera = camera
        self._points = points

    def look(self, now: Utc) -> None:
        """At this instant of the camera's clock."""
        for alarm in ALARMS:
            on = alarm.now(self._camera, now)
            source, data = {alarm.topic.source[0].name: alarm.source}, {alarm.topic.data[0].name: on}
            self._points.tell(Notification(alarm.topic, now, source, data, "Changed"))


class NoHistory:
    """A camera without a journal. `protocols.onvif.pullpoints.History`."""

    def later(self, utc: Utc, seq: int, limit: int) -> list[Entry]:
        """History."""
        del utc, seq, limit
        return []

    def earlier(self, utc: Utc, seq: int, limit: int) -> list[Entry]:
        """History."""
        del utc, seq, limit
        return []

    def active(self) -> list[Entry]:
        """History."""
        return []
