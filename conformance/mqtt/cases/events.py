"""Events, in the recorder's own form and in ONVIF's."""

from __future__ import annotations

from itertools import pairwise

from conformance.case import Requirement, expect, provided
from conformance.mqtt.cases.topics import GUIDE
from conformance.mqtt.client import Message
from conformance.mqtt.device import Session
from conformance.mqtt.reading import good_time, json_object, none
from conformance.mqtt.suite import case

SEVERITIES = {"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"}
ONVIF = "ONVIF Core, Event Broker: JSON"


def _told(session: Session) -> list[Message]:
    return session.below("event")


@case("event.not-retained", "What happened is never retained", GUIDE, Requirement.MANDATORY)
async def not_retained(session: Session) -> str:
    kept = [*session.kept("event"), *session.kept("happened")]
    expect(not kept, f"the broker keeps {len(kept)}, such as {kept[0].topic if kept else ''}")
    told = _told(session)
    return none((each.topic for each in told if each.retain), len(told), "events")


@case("event.quality", "An event is sent at least once: QoS 1", "MQTT 5.0 s4.3.2", Requirement.MANDATORY)
async def quality(session: Session) -> str:
    told = _told(session)
    return none((f"QoS {each.qos} of {each.topic}" for each in told if each.qos < 1), len(told), "events")


@case("event.json", "An event is a JSON object with id, utc and severity", GUIDE, Requirement.MANDATORY)
async def form(session: Session) -> str:
    told = _told(session)
    wrong = [each.topic for each in told if not {"id", "utc", "severity"} <= (json_object(each) or {}).keys()]
    return none(wrong, len(told), "events")


@case("event.time", "Its time is of RFC 3339", "RFC 3339 s5.6", Requirement.MANDATORY)
async def time(session: Session) -> str:
    read = [said for each in _told(session) if (said := json_object(each)) and "utc" in said]
    provided(bool(read), "no event has a time")
    return none((said["utc"] for said in read if not good_time(said["utc"])), len(read), "events")


@case("event.severity", "Its severity is one of eight words", "RFC 5424 s6.2.1", Requirement.MANDATORY)
async def severity(session: Session) -> str:
    read = [said for each in _told(session) if (said := json_object(each)) and "severity" in said]
    provided(bool(read), "no event has a severity")
    return none(
        (said["severity"] for said in read if said["severity"] not in SEVERITIES), len(read), "events"
    )


@case("event.order", "Events of one origin come in the order of their ids", GUIDE, Requirement.CONDITIONAL)
async def order(session: Session) -> str:
    origins: dict[str, list[int]] = {}
    for each in _told(session):
        origin, _, number = str((json_object(each) or {}).get("id", "")).rpartition(":")
        if number.isdigit():
            origins.setdefault(origin, []).append(int(number))
    provided(bool(origins), "no event has an id such as origin:7")
    wrong = [
        f"{origin}:{later} behind {origin}:{number}"
        for origin, numbers in origins.items()
        for number, later in pairwise(numbers)
        if later < number
    ]
    return none(wrong, sum(map(len, origins.values())), "events")


@case("onvif.json", "A message has UtcTime, Source and Data", ONVIF, Requirement.CONDITIONAL)
async def onvif(session: Session) -> str:
    told = session.below("onvif-ej")
    return none(
        (each.topic for each in told if (json_object(each) or {}).keys() != {"UtcTime", "Source", "Data"}),
        len(told),
        "messages",
    )


@case("onvif.time", "UtcTime is UTC", f"{ONVIF}, RFC 3339 s5.6", Requirement.CONDITIONAL)
async def onvif_time(session: Session) -> str:
    read = [
        said["UtcTime"]
        for each in session.below("onvif-ej")
        if "UtcTime" in (said := json_object(each) or {})
    ]
    provided(bool(read), "no message has one")
    wrong = [each for each in read if not good_time(each) or not each.endswith(("Z", "+00:00"))]
    return none(wrong, len(read), "messages")


@case("onvif.topic", "Topics of ONVIF's own stand without tns1:", ONVIF, Requirement.CONDITIONAL)
async def onvif_topic(session: Session) -> str:
    told = session.below("onvif-ej")
    return none((each.topic for each in told if "/tns1:" in each.topic), len(told), "messages")


@case(
    "onvif.source", "What a message is about is the last level of its topic", ONVIF, Requirement.CONDITIONAL
)
async def onvif_source(session: Session) -> str:
    told = [each for each in session.below("onvif-ej") if (json_object(each) or {}).get("Source")]
    provided(bool(told), "no message is about something")
    return none((each.topic for each in told if "/&" not in each.topic), len(told), "messages")
