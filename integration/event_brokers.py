"""ONVIF's event brokers in the control plane: every MQTT broker of the settings is sent the events that it wants, each
at its own pace."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import ssl
from collections.abc import Callable, Collection, Iterable, Mapping

from device.outbox.delivery import deliver
from device.outbox.feed import feed, judged
from device.outbox.outbox import Box, Draft, Limits, Outbox
from device.settings.event_brokers import EventBroker
from device.settings.section import InvalidSettings, Section, where
from device.settings.store import Changed
from integration.certificates import ClientTls
from integration.destinations import serve_each
from integration.onvif_events import OnvifEvents, notification_draft
from integration.plane import Plane
from protocols.mqtt.connection import Connection, Login
from protocols.mqtt.sender import MqttSender
from protocols.onvif.faults import Refusal
from protocols.onvif.filters import of_topics
from protocols.onvif.services.brokers import Status
from protocols.onvif.topics import Notification

LIMITS = Limits(octets=64_000_000, seconds=7 * 86_400)  #: of what waits for one broker
KEEPALIVE = 30  #: seconds
USUAL_QOS = 1
_PREFIX = "event-broker/"  # of the names of the boxes


class EventBrokersPlane:
    """The brokers. `protocols.onvif.services.brokers.Brokers`."""

    def __init__(
        self,
        own: Plane,
        outbox: Outbox,
        tls: ClientTls,
        events: OnvifEvents,
        standing: Callable[[], Iterable[Notification]],
    ) -> None:
        """`standing`: how every property stands."""
        self._own = own
        self._outbox = outbox
        self._tls = tls
        self._events = events
        self._standing = standing
        self._sessions: dict[str, _Session] = {}
        own.settings.check(self._check)

    async def run(self) -> None:
        """For ever."""
        await serve_each(self._own.settings, self._outbox, EventBroker, _PREFIX, lambda _: True, self._serve)

    async def _serve(self, key: str, settings: EventBroker) -> None:
        own = self._own
        box = self._outbox.box(f"{_PREFIX}{key}", LIMITS)
        try:
            wanted = of_topics(settings.topics, self._events.topics.known)
        except Refusal as error:  # of another version of the recorder, which had such a topic
            box.fails(str(error))
            await asyncio.Event().wait()
            return

        def drafts(told: Iterable[Notification]) -> list[Draft]:
            return [notification_draft(settings.prefix, each) for each in told if wanted.takes(each)]

        async def session(tls: ssl.SSLContext) -> None:
            made = self._sessions[key] = _Session(
                own,
                self._outbox,
                box,
                self._login(key, settings, tls),
                USUAL_QOS if settings.qos is None else settings.qos,
                lambda: drafts(self._standing()),
            )
            await made.run()

        with contextlib.ExitStack() as listening:

            def cut(changed: Changed) -> None:
                if (changed.section, changed.key) == (EventBroker.about.section, key):
                    listening.close()  # the new filter is for what comes; this session may need a while to end

            end = await feed(own.bus, box, lambda entry: drafts(self._events.notifications(entry)))
            listening.callback(judged, own.bus, box)
            listening.callback(end)
            listening.callback(own.settings.subscribe(cut))
            try:
                await self._tls.renewed(settings.authorities, settings.certificate, box.fails, session)
            finally:
                self._sessions.pop(key, None)

    def _login(self, key: str, settings: EventBroker, tls: ssl.SSLContext) -> Login:
        place = settings.place
        if not settings.verify:
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        return Login(
            place.host,
            place.port,
            f"holdfast-{self._own.identity.serial}-{key}",
            settings.user,
            settings.password.get_secret_value(),
            False,  # every broker knows MQTT 3.1.1, and nothing is sent that needs more
            place.path,
            tls if place.scheme.tls else None,
            KEEPALIVE,
        )

    def _check(self, value: Section, key: str, fields: Collection[str]) -> None:
        """Raises InvalidSettings where an address is another's, or a topic is not known."""
        if not isinstance(value, EventBroker):
            return
        others = [other for other in self._keys(value.address) if other != key]
        if "address" in fields and others:
            raise InvalidSettings({where(EventBroker, key, "address"): f"is that of {others[0]}"})
        if "topics" in fields:
            try:
                of_topics(value.topics, self._events.topics.known)
            except Refusal as error:
                raise InvalidSettings({where(EventBroker, key, "topics"): str(error)}) from None

    # ------------------------------------------------------------------------------------ over ONVIF

    def entries(self) -> list[tuple[EventBroker, Status]]:
        """Brokers."""
        found = self._own.settings.entries(EventBroker)
        return [
            (each, self._sessions[key].status if key in self._sessions else Status.OFFLINE)
            for key, each in found.items()
        ]

    def put(self, address: str, changes: Mapping[str, object], *, by: str) -> None:
        """Brokers."""
        known = self._keys(address)
        key = known[0] if known else f"onvif-{secrets.token_hex(4)}"
        self._own.settings.patch(EventBroker, changes, key=key, by=by)

    def remove(self, address: str, *, by: str) -> None:
        """Brokers."""
        for key in self._keys(address):
            self._own.settings.remove(EventBroker, key=key, by=by)

    def _keys(self, address: str) -> list[str]:
        found = self._own.settings.entries(EventBroker)
        return [key for key, each in found.items() if each.address == address]


class _Session:
    """What goes on with one broker while its settings and certificates stay as they are."""

    def __init__(
        self,
        own: Plane,
        outbox: Outbox,
        box: Box,
        login: Login,
        qos: int,
        standing: Callable[[], list[Draft]],
    ) -> None:
        self.status = Status.CONNECTING
        self._own = own
        self._outbox = outbox
        self._box = box
        self._standing = standing
        self._stated = 0  #: number of the last letter that said how properties stand
        self._up = asyncio.Event()
        self._connection = Connection(
            login, None, (), self._came_up, self._went_down, lambda _: None, random.random
        )
        self._sender = MqttSender(self._connection, self._up.wait, own.clock.utc, qos=qos)

    async def run(self) -> None:
        """For ever."""
        own = self._own
        async with asyncio.TaskGroup() as group:
            group.create_task(self._connection.run(), name=f"{self._box.name} connection")
            group.create_task(
                deliver(self._box, self._sender, own.clock, own.bus.publish, random.random),
                name=f"{self._box.name} letters",
            )

    def _came_up(self) -> None:
        """A broker that is new, or was wiped, is told how properties stand, behind what happened meanwhile. One that
        keeps going away is not told again before it has taken it."""
        self.status = Status.CONNECTED
        self._box.fails("")
        self._up.set()
        waiting = self._box.take(1)
        if not waiting or waiting[0].id > self._stated:
            self._box.put(self._standing())
            self._stated = self._outbox.last

    def _went_down(self, why: str) -> None:
        self.status = Status.OFFLINE
        self._up.clear()
        self._box.fails(why)
