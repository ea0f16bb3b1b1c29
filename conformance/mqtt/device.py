"""The device, as its messages show it: what it retains, and what it says while the suite listens."""

from __future__ import annotations

import asyncio
import ssl
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from conformance.case import provided
from conformance.mqtt.client import Broker, Line, Message, line
from conformance.suite import Unreachable
from conformance.transcript import Transcript

STATUS = "/status"
_SHOWN = 5  # messages that a report shows of each case


@dataclass(frozen=True, slots=True)
class Options:
    """What the tester allows and knows."""

    act: bool = False
    client: str = ""
    switch: str = ""
    refused: str = ""
    unplug: float = 0.0
    patience: float = 30.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What was heard."""

    base: str  #: what all topics of the device begin with
    prefix: str  #: of Home Assistant's discovery
    stored: Mapping[str, Message]  #: what the broker keeps, of everybody
    live: Sequence[Message]  #: what was sent while the suite listened, in order


@dataclass(frozen=True, slots=True)
class Session:
    """What one case works with."""

    facts: Facts
    options: Options
    broker: Broker | None  #: None: there is only what was heard
    transcript: Transcript

    def below(self, kind: str) -> list[Message]:
        """What the device sent below `BASE/KIND/` while the suite listened. Raises NotApplicable where nothing."""
        head = f"{self.facts.base}/{kind}/"
        return self.some(
            [each for each in self.facts.live if each.topic.startswith(head)], f"nothing came below {kind}/"
        )

    def kept(self, kind: str) -> list[Message]:
        """What the broker keeps below `BASE/KIND/`."""
        head = f"{self.facts.base}/{kind}/"
        return [each for topic, each in self.facts.stored.items() if topic.startswith(head)]

    def some(self, messages: Sequence[Message], why_not: str) -> list[Message]:
        """These, shown in the report. Raises NotApplicable where there are none."""
        provided(bool(messages), why_not)
        for each in messages[:_SHOWN]:
            self.transcript.received("broker", f"{each.topic} {each.text}".encode())
        return list(messages)

    def line(self, *, name: str = "") -> AbstractAsyncContextManager[Line]:
        """A connection of the case's own."""
        assert self.broker is not None
        return line(self.broker, self.transcript, name=name)


def arguments(parser: ArgumentParser) -> None:
    """The broker, the device, and what may be done to it."""
    parser.add_argument(
        "--host", required=True, metavar="HOST", help="the broker that the device publishes to"
    )
    parser.add_argument("--port", type=int, metavar="PORT", help="its port; 1883, with TLS 8883")
    parser.add_argument("--tls", action="store_true", help="reach the broker by TLS")
    parser.add_argument("--ca", metavar="FILE", help="PEM of who signed the broker's certificate")
    parser.add_argument(
        "--device",
        default="",
        metavar="TOPIC",
        help="what its topics begin with; found where it is the only one",
    )
    parser.add_argument(
        "--discovery", default="homeassistant", metavar="PREFIX", help="of Home Assistant (%(default)s)"
    )
    parser.add_argument(
        "--wait", type=float, default=20.0, metavar="S", help="seconds to listen (%(default)g)"
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=30.0,
        metavar="S",
        help="seconds that an answer may take (%(default)g)",
    )
    parser.add_argument(
        "--act", action="store_true", help="commands may be sent: nonsense, and Home Assistant's birth"
    )
    parser.add_argument(
        "--switch", default="", metavar="THING/ENTITY", help="may be switched over and back (with --act)"
    )
    parser.add_argument(
        "--refused", default="", metavar="THING/ENTITY", help="a switch that must not obey (with --act)"
    )
    parser.add_argument(
        "--client", default="", metavar="ID", help="of the device: its session is taken over once"
    )
    parser.add_argument(
        "--unplug",
        type=float,
        default=0.0,
        metavar="S",
        help="its power or network is cut within so many seconds",
    )


async def contact(given: Namespace) -> Device:
    """Listen to the device. Raises Unreachable."""
    port = given.port or (8883 if given.tls else 1883)
    tls = ssl.create_default_context(cafile=given.ca) if given.tls else None
    broker = Broker(given.host, port, given.user, given.password or "", tls)
    async with line(broker, Transcript()) as live:
        live.subscribe("#", stored=False)
        base = given.device.strip("/") or await _find(broker)
        if given.act:  # so that there is an event to be looked at
            live.publish(f"{base}/set/nothing/at-all", b"ON")
        await asyncio.sleep(given.wait)
        facts = Facts(base, given.discovery, await _stored(broker), tuple(live.messages))
    if not any(
        topic.startswith(f"{base}/") for topic in [*facts.stored, *(each.topic for each in facts.live)]
    ):
        raise Unreachable(f"nothing came below {base}/")
    options = Options(given.act, given.client, given.switch, given.refused, given.unplug, given.patience)
    return Device(facts, options, broker)


async def _find(broker: Broker) -> str:
    """The only device that says its status. Raises Unreachable."""
    found = sorted(
        topic.removesuffix(STATUS)
        for topic, message in (await _stored(broker)).items()
        if topic.endswith(STATUS) and topic.count("/") > 1 and message.payload in (b"online", b"offline")
    )
    # What a device says of a thing of its own may be called status, too.
    found = [each for each in found if not any(each.startswith(f"{other}/") for other in found)]
    if len(found) != 1:
        raise Unreachable(f"say which device by --device: {', '.join(found) or 'none has a retained status'}")
    return found[0]


async def _stored(broker: Broker) -> dict[str, Message]:
    async with line(broker, Transcript()) as once:
        return await once.stored()


class Device:
    """The target of the suite."""

    def __init__(self, facts: Facts, options: Options, broker: Broker | None) -> None:
        self._facts = facts
        self._options = options
        self._broker = broker

    @property
    def title(self) -> str:
        """What its topics begin with, and how much it said."""
        return (
            f"{self._facts.base}: {len(self._facts.stored)} retained messages, {len(self._facts.live)} sent"
        )

    @asynccontextmanager
    async def session(self, transcript: Transcript) -> AsyncIterator[Session]:
        """Everything that was heard, with a transcript of the case's own."""
        yield Session(self._facts, self._options, self._broker, transcript)
