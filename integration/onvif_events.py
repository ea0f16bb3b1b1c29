"""The recorder's events as ONVIF tells them: to pull points, and to MQTT brokers."""

from __future__ import annotations

from device.events.journal import Entry
from device.outbox.outbox import Draft
from device.recordings.recordings import Recordings
from protocols.mqtt.onvif import onvif_draft
from protocols.onvif.elementjson import element_json
from protocols.onvif.recordingtopics import TOPICS, told
from protocols.onvif.topics import Notification, Topics


class OnvifEvents:
    """The topics of the recorder, and what is told under them."""

    def __init__(self, recordings: Recordings) -> None:
        self.topics = Topics(TOPICS)
        self._recordings = recordings

    def notifications(self, entry: Entry) -> list[Notification]:
        """What is told of an event. What was configured is told as it is now."""
        return [*self.topics.notifications(entry), *told(entry.event, entry.utc, self._recordings)]


def notification_draft(base: str, told: Notification) -> Draft:
    """A message as an event broker is sent it. `base`: what its topic begins with."""
    return onvif_draft(
        base,
        told.topic.text,
        told.utc,
        told.source,
        {**told.data, **{name: element_json(element) for name, element in told.elements}},
        is_property=told.topic.is_property,
        deleted=told.operation == "Deleted",
    )
