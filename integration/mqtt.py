"""MQTT in the control plane: one session with the broker of the settings, and three views of the recorder."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.certificates.store import CertificateLost
from device.durable import write_durably
from device.entities import Permission, Thing
from device.errors import Refused
from device.events.catalogue import EndpointBack, EndpointFailed
from device.events.journal import Entry
from device.media import Utc
from device.outbox.delivery import deliver
from device.outbox.feed import feed
from device.outbox.outbox import Draft, Limits, Outbox
from device.planes.link import Server
from device.planes.outward import AskMqtt, MqttShown
from device.records import BadRecord, from_json, record, to_json
from device.settings.mqtt import Mqtt, MqttTransport, MqttVersion
from device.settings.recorder import Recorder
from device.settings.rules import Publish
from device.settings.store import Changed
from device.waiting import woken
from integration.certificates import ClientTls
from integration.entities.collect import Collector
from integration.entities.commands import Hands, obey
from integration.entities.everything import things
from integration.entities.subjects import subject
from integration.governed import governed
from integration.onvif_events import OnvifEvents, notification_draft
from integration.plane import Plane
from integration.version import VERSION
from protocols.mqtt import discovery
from protocols.mqtt.connection import Connection, Login, Message, Will
from protocols.mqtt.errors import BrokerAway, BrokerRefuses
from protocols.mqtt.sender import MqttSender, draft
from protocols.mqtt.topics import (
    OFFLINE,
    ONLINE,
    Topics,
    event_payload,
    happened_payload,
    state_payload,
)

BOX = "mqtt"
WIRE = "mqtt"
MEGABYTE = 1_000_000
DAY = 86_400.0
FRESH = (
    60.0  #: seconds after which what happened is of no use to Home Assistant, which knows only the present
)
EVERY = 1.0  #: seconds between two readings
SOON = 0.1  #: seconds from an event to a reading of what it changed
BIRTH = "status"  #: Home Assistant's topic under its prefix, where it says that it is there

View = Callable[[Entry], Sequence[Draft]]


class MqttOff(Refused):
    """There is no broker in the settings."""

    hint = "holdfast settings set mqtt.enabled=true mqtt.host=..."


class MqttPlane:
    """The recorder as client of a broker."""

    def __init__(
        self,
        own: Plane,
        outbox: Outbox,
        collector: Collector,
        hands: Hands,
        tls: ClientTls,
        events: OnvifEvents,
    ) -> None:
        self._own = own
        self._outbox = outbox
        self._collector = collector
        self._hands = hands
        self._tls = tls
        self._events = events
        self._session: _Session | None = None
        self._unusable = ""  #: what is wrong with the certificates of the settings

    def answer(self, server: Server) -> None:
        """Let `server` answer for the session."""

        async def ask(request: AskMqtt) -> MqttShown:
            del request
            return self._shown()

        server.on(AskMqtt, ask)

    def _shown(self) -> MqttShown:
        settings, session = self._own.settings.get(Mqtt), self._session
        box = self._outbox.box(BOX, _limits(settings)) if settings.enabled else None
        return MqttShown(
            settings.enabled,
            f"{settings.host}:{settings.port}" if settings.host else "",
            session is not None and session.up,
            None if session is None else session.since,
            self._unusable if session is None else session.fault,
            0 if box is None else box.waiting,
            0 if box is None else box.sent,
            0 if box is None else box.dropped,
            f"{settings.topic}/{self._own.identity.serial}",
        )

    def say(self, what: Publish) -> None:
        """Publish what a rule wants to. Raises MqttOff."""
        settings = self._own.settings.get(Mqtt)
        if not settings.enabled:
            raise MqttOff("MQTT is off: nothing can be published.")
        box = self._outbox.box(BOX, _limits(settings))
        box.put([draft(what.topic, what.payload.encode(), retain=what.retain)])

    async def run(self) -> None:
        """For ever: a session as the settings want it."""
        await governed(self._own.settings, _renews, self._govern)

    @contextlib.asynccontextmanager
    async def _govern(self) -> AsyncIterator[Coroutine[Any, Any, None] | None]:
        settings = self._own.settings.get(Mqtt)
        if not settings.enabled:
            if BOX in self._outbox.known():
                self._outbox.forget(BOX)
            yield None
            return
        try:
            login = self._login(settings)
        except CertificateLost as error:
            self._unusable = str(error)
            self._own.bus.publish(EndpointFailed(WIRE, self._unusable))
            yield None
            return
        self._unusable = ""
        self._session = _Session(
            self._own, self._outbox, self._collector, self._hands, self._events, settings, login
        )
        used = {settings.certificate, *settings.authorities} if settings.tls else set()
        try:
            yield self._tls.lasting(used, self._session.run())
        finally:
            self._session = None

    def _login(self, settings: Mqtt) -> Login:
        """Raises CertificateLost."""
        tls = None
        if settings.tls:
            tls = self._tls.context(settings.authorities, settings.certificate)
            if not settings.verify:
                tls.check_hostname = False
                tls.verify_mode = ssl.CERT_NONE
        return Login(
            settings.host,
            settings.port,
            settings.client or f"holdfast-{self._own.identity.serial}",
            settings.user,
            settings.password.get_secret_value(),
            settings.version is MqttVersion.V5,
            settings.path if settings.transport is MqttTransport.WEBSOCKET else "",
            tls,
            settings.keepalive,
        )


def _renews(changed: Changed) -> bool:
    return changed.section in (Mqtt.about.section, Recorder.about.section)


def _limits(settings: Mqtt) -> Limits:
    return Limits(settings.queue_mb * MEGABYTE, settings.queue_days * DAY)


class _Session:
    """What goes on while the settings stay as they are."""

    def __init__(
        self,
        own: Plane,
        outbox: Outbox,
        collector: Collector,
        hands: Hands,
        events: OnvifEvents,
        settings: Mqtt,
        login: Login,
    ) -> None:
        self._own = own
        self._collector = collector
        self._hands = hands
        self._events = events
        self._settings = settings
        serial = own.identity.serial
        self._topics = Topics(settings.topic, serial)
        switches = (
            (Permission.POE, settings.allow_poe),
            (Permission.CHASSIS, settings.allow_chassis),
            (Permission.RECORDING, settings.allow_recording),
        )
        self._allowed = frozenset(permission for permission, on in switches if on)
        self._views: list[View] = []
        if settings.events:
            self._views.append(self._own_view)
        if settings.onvif:
            self._views.append(self._onvif_view)
        if settings.home_assistant:
            self._views.append(self._happened_view)
        self._box = outbox.box(BOX, _limits(settings))
        self._birth = f"{settings.discovery}/{BIRTH}"
        subscriptions = (self._topics.commands, *([self._birth] if settings.home_assistant else []))
        self._connection = Connection(
            login,
            Will(self._topics.status, OFFLINE),
            subscriptions,
            self._came_up,
            self._went_down,
            self._heard,
            random.random,
        )
        self._published: dict[str, bytes] = {}  #: what the broker has, by topic
        self._announced = asyncio.Event()
        self._wake = asyncio.Event()
        self._known = _load(own.folder.mqtt)
        self.since: Utc | None = None  #: when it came up or went down
        self.fault = ""  #: why it is down

    @property
    def up(self) -> bool:
        """Whether the broker is there."""
        return self._connection.up

    async def run(self) -> None:
        """For ever."""
        own = self._own
        end = await feed(own.bus, self._box, self._write)
        end_waking = own.bus.subscribe(lambda _: self._wake.set())
        sender = MqttSender(self._connection, self._announced.wait, own.clock.utc)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._connection.run(), name="mqtt connection")
                group.create_task(self._show(), name="mqtt states")
                group.create_task(
                    deliver(self._box, sender, own.clock, own.bus.publish, random.random), name="mqtt letters"
                )
        finally:
            end()
            end_waking()

    # ------------------------------------------------------------------------------------------ events

    def _write(self, entry: Entry) -> list[Draft]:
        return [letter for view in self._views for letter in view(entry)]

    def _own_view(self, entry: Entry) -> list[Draft]:
        return [draft(self._topics.event(entry.event), event_payload(entry))]

    def _onvif_view(self, entry: Entry) -> list[Draft]:
        return [notification_draft(self._topics.base, told) for told in self._events.notifications(entry)]

    def _happened_view(self, entry: Entry) -> list[Draft]:
        topic = self._topics.happened(subject(entry.event))
        return [draft(topic, happened_payload(entry), fresh=FRESH)]

    # ------------------------------------------------------------------------------------------ the session

    def _came_up(self) -> None:
        self.since, self.fault = self._own.clock.utc(), ""
        self._own.bus.publish(EndpointBack(WIRE))
        self._anew()

    def _anew(self) -> None:
        """The broker may have been wiped, and Home Assistant may have forgotten: everything is said again."""
        self._published.clear()
        self._publish(self._topics.status, ONLINE)
        self._wake.set()

    def _went_down(self, why: str) -> None:
        self._announced.clear()
        self.since, self.fault = self._own.clock.utc(), why
        self._own.bus.publish(EndpointFailed(WIRE, why))

    def _heard(self, message: Message) -> None:
        if message.topic == self._birth:
            if message.payload == ONLINE and not message.retained:
                self._anew()
            return
        command = self._topics.parse(message.topic, message.payload)
        if command is None or message.retained:
            return  # what is retained was meant for somebody else, or long ago
        with contextlib.suppress(Refused):  # it is told as an event, and the state stays what it is
            obey(command, self._hands, self._allowed, WIRE)
        self._published.pop(self._topics.state(command.thing, command.entity), None)  # said again, as it is
        self._wake.set()

    # ------------------------------------------------------------------------------------------ states

    async def _show(self) -> None:
        """Publish what changed, for ever."""
        while True:
            if self._connection.up:
                self._wake.clear()
                await self._publish_states()
            await woken(self._wake, EVERY)
            await asyncio.sleep(SOON)

    async def _publish_states(self) -> None:
        if self._settings.home_assistant:
            reading = await self._collector.read()
            shown = things(reading)
            if not self._connection.up:
                return
            self._describe(shown, reading.name)
            for thing in shown:
                self._publish_thing(thing)
        else:
            self._describe([], "")
        if self._connection.up:
            self._announced.set()

    def _publish_thing(self, thing: Thing) -> None:
        self._publish(self._topics.available(thing.key), ONLINE if thing.available else OFFLINE)
        for entity in thing.entities:
            if entity.platform not in discovery.STATELESS:
                value = state_payload(thing.values.get(entity.key))
                self._publish(self._topics.state(thing.key, entity.key), value)

    def _describe(self, shown: Sequence[Thing], recorder: str) -> None:
        """Tell of every thing, and take back what is not there any more."""
        if self._own.settings.get(Mqtt) != self._settings:
            return  # this session ends in a moment; a factory default has forgotten what it knew
        serial, prefix = self._own.identity.serial, self._settings.discovery
        messages = {}
        for thing in shown:
            topic = discovery.config_topic(prefix, serial, thing.key)
            messages[topic] = discovery.config(thing, self._topics, serial, VERSION, recorder, self._allowed)
        known = Known(
            {topic: discovery.components(message) for topic, message in messages.items()},
            sorted(topic for thing in shown for topic in self._topics_of(thing)),
        )
        if known != self._known:
            for topic in self._known.configs.keys() - messages.keys():
                self._publish(topic, b"")
            for topic in set(self._known.topics) - set(known.topics):
                self._publish(topic, b"")
            for topic, message in messages.items():
                before = self._known.configs.get(topic, {})
                marked = discovery.removed(before, message)
                if marked is not None:
                    self._publish(topic, marked)
            self._known = known
            write_durably(self._own.folder.mqtt, to_json(known), mode=0o600)
        for topic, message in messages.items():
            self._publish(topic, message)

    def _topics_of(self, thing: Thing) -> list[str]:
        stated = [each for each in thing.entities if each.platform not in discovery.STATELESS]
        return [
            self._topics.available(thing.key),
            *(self._topics.state(thing.key, entity.key) for entity in stated),
        ]

    def _publish(self, topic: str, payload: bytes) -> None:
        """Retained, where the broker does not have it already."""
        if self._published.get(topic) == payload:
            return
        self._published[topic] = payload
        self._connection.publish(topic, payload, retain=True).add_done_callback(_ended)


def _ended(done: asyncio.Future[None]) -> None:
    """What the broker did not take is said again when it is back; what it refuses is refused."""
    if not done.cancelled() and not isinstance(done.exception(), BrokerAway | BrokerRefuses | None):
        done.result()


@record
@dataclass(frozen=True, slots=True)
class Known:
    """What the broker was told to keep, so that it can be taken back after any restart."""

    configs: dict[str, dict[str, str]]  #: components of each discovery message, by topic
    topics: list[str]  #: of states


def _load(path: Path) -> Known:
    """What a file says; nothing, where there is none or it is no such file: then something may stay behind."""
    try:
        return from_json(Known, path.read_bytes())
    except (OSError, BadRecord):
        return Known({}, [])
