"""Commands to entities, carried out: one row for each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from device.entities import Command, Permission
from device.errors import BadValue, NotAuthorized, NotFound, Refused, member
from device.events.automation import CommandReceived
from device.events.event import Event
from device.poe.errors import NoHardware
from device.poe.port import Mode as PortMode
from device.poe.service import PoeService
from device.recording.modes import Mode
from device.settings.cameras import Camera
from device.settings.ports import Port
from device.settings.store import Store
from integration.entities.reading import RECORDER
from integration.entities.recorder import TRIGGER

ON, OFF, PRESS = "ON", "OFF", "PRESS"
TOLD = 64  #: characters of what somebody sent that are told


class NotAllowed(NotAuthorized):
    """The settings do not let this wire give such commands."""


class Protected(Refused):
    """The port carries the uplink: it is not switched from afar."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What commands reach."""

    settings: Store
    poe: Callable[[], PoeService | None]
    silence: Callable[[str], None]  #: the buzzer; by whom
    trigger: Callable[[str, str], None]  #: a rule's manual trigger, and by whom; raises NotFound
    publish: Callable[[Event], object]


@dataclass(frozen=True, slots=True)
class Verb:
    """One kind of command."""

    permission: Permission
    do: Callable[[Hands, str, str, str], None]  #: hands, what the thing's key says, the value, by whom


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise NotFound("port", text)
    return int(text)


def _switched(value: str) -> bool:
    if value not in (ON, OFF):
        raise BadValue("value", f"must be {ON} or {OFF}")
    return value == ON


def _pressed(value: str) -> None:
    if value != PRESS:
        raise BadValue("value", f"must be {PRESS}")


def _power(hands: Hands, thing: str, value: str, by: str) -> None:
    number, on = _number(thing), _switched(value)
    service = hands.poe()
    if service is None:
        raise NoHardware("This recorder governs no PoE ports.")
    if not any(port.port == number for port in service.status().ports):
        raise NotFound("port", thing)
    port = hands.settings.entries(Port).get(str(number), Port())
    if port.protected:
        raise Protected(f"Port {number} is protected.")
    mode = PortMode.BOTH if on else PortMode.OFF
    if on != (port.mode is not PortMode.OFF):
        hands.settings.patch(Port, {"mode": mode.value}, key=str(number), by=by)


def _cycle(hands: Hands, thing: str, value: str, by: str) -> None:
    _pressed(value)
    service = hands.poe()
    if service is None:
        raise NoHardware("This recorder governs no PoE ports.")
    service.cycle(_number(thing), by)


def _camera(hands: Hands, key: str) -> str:
    if key not in hands.settings.keys(Camera):
        raise NotFound("camera", key)
    return key


def _enable(hands: Hands, thing: str, value: str, by: str) -> None:
    hands.settings.patch(Camera, {"enabled": _switched(value)}, key=_camera(hands, thing), by=by)


def _mode(hands: Hands, thing: str, value: str, by: str) -> None:
    mode = member(Mode, "value", value)
    hands.settings.patch(Camera, {"mode": mode.value}, key=_camera(hands, thing), by=by)


def _silence(hands: Hands, thing: str, value: str, by: str) -> None:
    del thing
    _pressed(value)
    hands.silence(by)


def _trigger(hands: Hands, trigger: str, value: str, by: str) -> None:
    _pressed(value)
    hands.trigger(trigger, by)


#: What a thing's key begins with, and the entity.
VERBS: Mapping[tuple[str, str], Verb] = {
    ("port-", "power"): Verb(Permission.POE, _power),
    ("port-", "cycle"): Verb(Permission.POE, _cycle),
    ("c-", "enabled"): Verb(Permission.RECORDING, _enable),
    ("c-", "mode"): Verb(Permission.RECORDING, _mode),
    ("chassis", "silence"): Verb(Permission.CHASSIS, _silence),
    (RECORDER, TRIGGER): Verb(Permission.RECORDING, _trigger),
}


def obey(command: Command, hands: Hands, allowed: Collection[Permission], wire: str) -> None:
    """Carry out a command, and say that it was given, and what came of it. Raises NotAllowed, NotFound, BadValue, and
    what the thing itself has against it."""
    try:
        _obey(command, hands, allowed, wire)
    except Refused as error:
        hands.publish(_received(command, wire, str(error)))
        raise
    hands.publish(_received(command, wire, "done"))


def _obey(command: Command, hands: Hands, allowed: Collection[Permission], wire: str) -> None:
    for (thing, entity), verb in VERBS.items():
        if not command.thing.startswith(thing):
            continue
        what = command.thing if thing == "c-" else command.thing.removeprefix(thing)
        if entity == TRIGGER and command.entity.startswith(TRIGGER):
            what = command.entity.removeprefix(TRIGGER)
        elif entity != command.entity:
            continue
        if verb.permission not in allowed:
            raise NotAllowed(f"Commands of the group {verb.permission.value!r} are not allowed over {wire}.")
        verb.do(hands, what, command.value, wire)
        return
    raise NotFound("command", f"{command.thing}/{command.entity}")


def _received(command: Command, wire: str, result: str) -> CommandReceived:
    thing, entity, value = (text[:TOLD] for text in (command.thing, command.entity, command.value))
    return CommandReceived(thing, entity, value, wire, result)
