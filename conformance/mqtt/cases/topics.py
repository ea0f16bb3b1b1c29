"""Topics, presence, states."""

from __future__ import annotations

from conformance.case import Requirement, expect, provided
from conformance.mqtt.device import Session
from conformance.mqtt.reading import none
from conformance.mqtt.suite import case

KINDS = ("event", "state", "available", "happened", "set", "onvif-ej")
GUIDE = "topics of the recorder (guide/mqtt.md)"
WORDS = (b"online", b"offline")
LARGEST = 255  #: characters of a state that Home Assistant takes


@case(
    "topic.documented",
    "Every topic of the device is of a kind that is documented",
    GUIDE,
    Requirement.MANDATORY,
)
async def documented(session: Session) -> str:
    base = session.facts.base
    topics = {*session.facts.stored, *(each.topic for each in session.facts.live)}
    ours = sorted(topic.removeprefix(f"{base}/") for topic in topics if topic.startswith(f"{base}/"))
    wrong = [each for each in ours if each != "status" and each.partition("/")[0] not in KINDS]
    return none(wrong, len(ours), "topics")


@case(
    "topic.levels", "No level of a topic is empty", "MQTT 5.0 s4.7.1.1 (non normative)", Requirement.OPTIONAL
)
async def levels(session: Session) -> str:
    base = session.facts.base
    topics = {*session.facts.stored, *(each.topic for each in session.facts.live)}
    ours = sorted(topic for topic in topics if topic.startswith(f"{base}/"))
    return none((each for each in ours if "" in each.split("/")), len(ours), "topics")


@case("status.retained", "Whether the device is there is retained: online", GUIDE, Requirement.MANDATORY)
async def status(session: Session) -> str:
    kept = session.facts.stored.get(f"{session.facts.base}/status")
    expect(kept is not None, "there is no retained status")
    assert kept is not None
    expect(kept.payload == b"online", f"it is {kept.text!r} while the device sends")
    return "online"


@case(
    "status.available",
    "Whether a thing answers is retained, in one of two words",
    GUIDE,
    Requirement.CONDITIONAL,
)
async def available(session: Session) -> str:
    found = session.some(session.kept("available"), "nothing is told below available/")
    return none((each.topic for each in found if each.payload not in WORDS), len(found), "things")


@case(
    "status.will",
    "Where the device is cut off, the broker says offline",
    "MQTT 5.0 s3.1.2.5",
    Requirement.CONDITIONAL,
    slow=True,
)
async def will(session: Session) -> str:
    seconds, topic = session.options.unplug, f"{session.facts.base}/status"
    provided(seconds > 0, "nobody cuts it off (--unplug)")
    async with session.line() as line:
        line.subscribe(topic, stored=False)
        session.transcript.note("cut the device off now")
        told = await line.wait(lambda each: each.payload == b"offline", seconds + session.options.patience)
    expect(told is not None, "its status stays online")
    assert told is not None
    expect(told.retain, "offline is not retained")
    return "offline, retained"


@case(
    "status.session",
    "The broker keeps the device's session when the connection breaks",
    "MQTT 5.0 s3.1.2.4, s3.1.2.11.2",
    Requirement.OPTIONAL,
)
async def kept(session: Session) -> str:
    provided(bool(session.options.client), "its client identifier is not known (--client)")
    async with session.line(name=session.options.client) as line:
        present = line.session_present
    expect(present, "there was no session: what is sent to the device while it is away is lost")
    return "the session was there"


@case("state.retained", "A state is retained, and is sent so", GUIDE, Requirement.MANDATORY)
async def retained(session: Session) -> str:
    told = session.below("state")
    return none(
        (each.topic for each in told if not each.retain or each.topic not in session.facts.stored),
        len(told),
        "states",
    )


@case("state.value", "A state is short text in UTF-8, and not empty", GUIDE, Requirement.MANDATORY)
async def value(session: Session) -> str:
    found = session.some(session.kept("state"), "no state is retained")

    def good(payload: bytes) -> bool:
        try:
            return 0 < len(payload.decode()) <= LARGEST
        except UnicodeDecodeError:
            return False

    return none(
        (f"{each.topic} {each.text}" for each in found if not good(each.payload)), len(found), "states"
    )
