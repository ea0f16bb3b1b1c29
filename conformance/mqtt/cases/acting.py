"""Commands: what is obeyed, and what is not. Only where the tester allows it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from conformance.case import Requirement, expect, provided
from conformance.mqtt.cases.topics import GUIDE
from conformance.mqtt.client import Line, Message
from conformance.mqtt.device import Session
from conformance.mqtt.reading import json_object
from conformance.mqtt.suite import case

ON, OFF = b"ON", b"OFF"
RECEIVED = "event/command/received/"
SETTLE = 3.0  #: seconds in which a state that must not change is watched


def _other(payload: bytes) -> bytes:
    return OFF if payload == ON else ON


async def _answer(session: Session, line: Line, entity: str, payload: bytes) -> dict[str, Any]:
    """Send a command; what the device says came of it. Raises Failed where it says nothing."""
    head = f"{session.facts.base}/{RECEIVED}"
    name = entity.rpartition("/")[2]

    def about_it(message: Message) -> bool:
        return message.topic.startswith(head) and (json_object(message) or {}).get("entity") == name

    before = len(line.messages)
    line.publish(f"{session.facts.base}/set/{entity}", payload)
    told = await line.wait(about_it, session.options.patience, after=before)
    expect(told is not None, f"the device does not say what came of {entity} {payload.decode()}")
    assert told is not None
    return json_object(told) or {}


async def _state(session: Session, line: Line, entity: str) -> bytes:
    """The retained state of an entity. Raises NotApplicable."""
    topic = f"{session.facts.base}/state/{entity}"
    line.subscribe(topic, stored=True)
    line.subscribe(f"{session.facts.base}/event/#", stored=False)
    kept = await line.wait(lambda each: each.topic == topic, session.options.patience)
    provided(kept is not None, f"{topic} has no retained state")
    assert kept is not None
    provided(kept.payload in (ON, OFF), f"{topic} is {kept.text!r}: it is no switch")
    return kept.payload


def _is(topic: str, payload: bytes, message: Message) -> bool:
    return (message.topic, message.payload) == (topic, payload)


@case("command.unknown", "A command to what there is not is refused, and told", GUIDE, Requirement.MANDATORY)
async def unknown(session: Session) -> str:
    provided(session.options.act, "no command may be sent (--act)")
    async with session.line() as line:
        line.subscribe(f"{session.facts.base}/event/#", stored=False)
        said = await _answer(session, line, "nothing/at-all", ON)
    expect(said.get("result") not in ("done", "", None), f"the result is {said.get('result')!r}")
    return str(said["result"])


@case(
    "command.switch",
    "A switch is switched over and back, and its state follows",
    GUIDE,
    Requirement.CONDITIONAL,
)
async def switch(session: Session) -> str:
    entity = session.options.switch
    provided(session.options.act and bool(entity), "nothing may be switched (--act --switch)")
    topic = f"{session.facts.base}/state/{entity}"
    async with session.line() as line:
        first = await _state(session, line, entity)
        for wanted in (_other(first), first):
            before = len(line.messages)
            said = await _answer(session, line, entity, wanted)
            expect(said.get("result") == "done", f"{wanted.decode()}: {said.get('result')}")
            follows = partial(_is, topic, wanted)
            told = await line.wait(follows, session.options.patience, after=before)
            expect(told is not None, f"the state does not become {wanted.decode()}")
    return f"{_other(first).decode()}, {first.decode()}"


async def _unmoved(session: Session, entity: str, payload: bytes | None) -> str:
    """Send a command that must change nothing. `payload` None: the opposite of what it is."""
    topic = f"{session.facts.base}/state/{entity}"
    async with session.line() as line:
        first = await _state(session, line, entity)
        before = len(line.messages)
        said = await _answer(session, line, entity, _other(first) if payload is None else payload)
        await asyncio.sleep(SETTLE)
        moved = [each for each in line.messages[before:] if each.topic == topic and each.payload != first]
    expect(said.get("result") != "done", "the device says that it did it")
    expect(not moved, f"the state became {moved[0].text if moved else ''}")
    return str(said.get("result"))


@case(
    "command.nonsense",
    "A payload that means nothing changes nothing, and is told",
    GUIDE,
    Requirement.CONDITIONAL,
)
async def nonsense(session: Session) -> str:
    entity = session.options.switch
    provided(session.options.act and bool(entity), "nothing may be switched (--act --switch)")
    return await _unmoved(session, entity, b"perhaps")


@case(
    "command.refused", "What may not be commanded does not obey, and says so", GUIDE, Requirement.CONDITIONAL
)
async def refused(session: Session) -> str:
    entity = session.options.refused
    provided(session.options.act and bool(entity), "no switch is named that must not obey (--act --refused)")
    return await _unmoved(session, entity, None)


@case("command.not-retained", "Nobody has left a command at the broker", GUIDE, Requirement.OPTIONAL)
async def not_retained(session: Session) -> str:
    kept = session.kept("set")
    expect(not kept, f"{kept[0].topic if kept else ''} is retained: it is said again at each connection")
    return "none is retained"
