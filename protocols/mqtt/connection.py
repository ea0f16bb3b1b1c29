"""One session with a broker. paho-mqtt runs it in a thread of its own; nothing of that thread gets out but by
`call_soon_threadsafe`.

A callback of paho's that raises ends its thread in silence: `is_connected()` stays true, and nothing is sent any more.
So each is guarded, and a watchdog looks after the thread and the age of what is not acknowledged.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from device.planes.backoff import Backoff, Patience
from device.waiting import woken
from protocols.mqtt.errors import BrokerAway, BrokerRefuses

PATIENCE = Patience(stable=10.0, longest=60.0)
CONNECT_SECONDS = 10.0  #: for TCP and TLS, and as long again for the broker's answer
SILENCE = (
    30.0  #: seconds without any acknowledgement while some are owed, after which a session is begun anew
)
SESSION_SECONDS = 300  #: that the broker keeps a session (MQTT 5 s3.1.2.11.2); commands wait no longer
WILL_DELAY = 5  #: seconds that a short break may take before others are told (MQTT 5 s3.1.3.2.2)
INFLIGHT = 20  #: publications on the way at once; more is slower
STOP_SECONDS = 5.0
FAILURE = 0x80  #: reason codes from here on are errors (MQTT 5 s2.4)
#: Not authorized, topic name invalid, payload format invalid: asking again does not help.
FOR_GOOD = frozenset({0x87, 0x90, 0x99})


@dataclass(frozen=True, slots=True)
class Login:
    """Where the broker is, and who we are to it."""

    host: str
    port: int
    client: str
    user: str
    password: str
    five: bool  #: MQTT 5, else 3.1.1
    websocket: str  #: path; empty: plain TCP
    tls: ssl.SSLContext | None
    keepalive: int


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody published."""

    topic: str
    payload: bytes
    retained: bool


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says of us when we are gone, and we when we go."""

    topic: str
    payload: bytes


class Connection:
    """The session, kept up for ever while `run` runs."""

    def __init__(
        self,
        login: Login,
        will: Will | None,
        subscriptions: tuple[str, ...],
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
        on_message: Callable[[Message], None],
        chance: Callable[[], float],
    ) -> None:
        """All callbacks come in the loop's thread. `on_down` says why, once for each outage and each other reason."""
        self._login = login
        self._will = will
        self._subscriptions = subscriptions
        self._on_up = on_up
        self._on_down = on_down
        self._on_message = on_message
        self._backoff = Backoff(PATIENCE, chance)
        self._loop = asyncio.get_running_loop()
        self._up = asyncio.Event()
        self._lost = asyncio.Event()
        self._reason = ""
        self._told: str | None = None
        self._unacknowledged: dict[int, asyncio.Future[None]] = {}
        self._unkept: set[int] = set()  #: of these, those that a break of the connection takes away: of QoS 0
        self._progress = 0.0
        self._client: paho.Client | None = None
        self._inflight = INFLIGHT
        self._stale = False  #: the client must be made anew

    @property
    def up(self) -> bool:
        """Whether the broker has let us in."""
        return self._up.is_set()

    # ------------------------------------------------------------------------------------------ publishing

    def publish(self, topic: str, payload: bytes, *, retain: bool, qos: int = 1) -> asyncio.Future[None]:
        """Publish. Done when the broker has acknowledged it, also after a break of the connection, and with QoS 0 when
        it was sent; fails with BrokerAway where the session was begun anew, and BrokerRefuses where the broker does not
        take it."""
        done: asyncio.Future[None] = self._loop.create_future()
        client = self._client
        if client is None:
            done.set_exception(BrokerAway("There is no connection to the broker."))
            return done
        if not self._unacknowledged:
            self._progress = self._loop.time()
        properties = None
        if self._login.five:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's
            properties.UserProperty = [("schema", "1")]
        info = client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
        if info.rc == paho.MQTT_ERR_QUEUE_SIZE:
            done.set_exception(BrokerAway("Too much is under way."))
            return done
        if qos == 0 and info.rc != paho.MQTT_ERR_SUCCESS:  # paho keeps only what has an acknowledgement
            done.set_exception(BrokerAway("There is no connection to the broker."))
            return done
        self._unacknowledged[info.mid] = done
        if qos == 0:
            self._unkept.add(info.mid)
        return done

    def _acknowledged(self, mid: int, code: int, said: str) -> None:
        self._progress = self._loop.time()
        done = self._unacknowledged.pop(mid, None)
        self._unkept.discard(mid)
        if done is not None and not done.done():
            if code in FOR_GOOD:
                done.set_exception(BrokerRefuses(f"The broker does not take it: {said}."))
            elif code >= FAILURE:
                done.set_exception(BrokerAway(f"The broker does not take it now: {said}."))
            else:
                done.set_result(None)

    # ------------------------------------------------------------------------------------------ keeping it up

    async def run(self) -> None:
        """For ever; cancelled, it says good-bye."""
        try:
            while True:
                began = self._loop.time()
                client = self._client = self._client or self._make()
                self._lost.clear()
                self._reason, self._stale = "", False
                ended = await self._session(client)
                self._up.clear()
                lived = self._loop.time() - began if self._told is None else 0.0
                self._down(self._reason or "The connection ended.")
                self._fail(list(self._unkept), "The connection ended.")
                if self._stale or not ended:
                    self._abandon()
                await asyncio.sleep(self._backoff.ended(lived))
        finally:
            self._up.clear()
            await asyncio.shield(self._leave())

    async def _session(self, client: paho.Client) -> bool:
        """From connecting to the end of the connection. False: the client is stuck, and must be made anew."""
        login = self._login
        try:
            await asyncio.to_thread(self._connect, client)
        except (OSError, ValueError, paho.WebsocketConnectionError) as error:
            self._reason = f"{login.host}, port {login.port}: {error}"
            return True
        client.loop_start()
        watching = asyncio.create_task(self._watch(client))
        lost = asyncio.create_task(self._lost.wait())
        try:
            await asyncio.wait([watching, lost], return_when=asyncio.FIRST_COMPLETED)
        finally:
            watching.cancel()
            lost.cancel()
        if self._lost.is_set():
            return await self._stopped(client)
        self._reason = watching.result()
        return False

    def _connect(self, client: paho.Client) -> None:
        login = self._login
        if login.five:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
            properties.SessionExpiryInterval = SESSION_SECONDS
            client.connect(login.host, login.port, login.keepalive, clean_start=False, properties=properties)
        else:
            client.connect(login.host, login.port, login.keepalive)

    async def _watch(self, client: paho.Client) -> str:
        """Look after paho's thread; returns what is wrong with it."""
        await woken(self._up, CONNECT_SECONDS)
        if not self.up:
            return f"The broker did not answer for {CONNECT_SECONDS:g} s."
        while True:
            await asyncio.sleep(1.0)
            thread = client._thread  # paho has no public name for it
            if (thread is None or not thread.is_alive()) and not self._lost.is_set():
                return "The thread of the connection has ended."
            if self._unacknowledged and self._loop.time() - self._progress > SILENCE:
                return f"The broker acknowledged nothing for {SILENCE:g} s."

    async def _stopped(self, client: paho.Client) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.to_thread(client.loop_stop)
            return True
        return False

    def _abandon(self) -> None:
        """Leave a client that is stuck to itself, and begin a new session."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):  # it is broken already
                client.disconnect()
        self._fail(list(self._unacknowledged), "The session was begun anew.")

    def _fail(self, mids: Iterable[int], why: str) -> None:
        for mid in mids:
            self._unkept.discard(mid)
            done = self._unacknowledged.pop(mid)
            if not done.done():
                done.set_exception(BrokerAway(why))

    async def _leave(self) -> None:
        """Say that we go: a will is not sent after a DISCONNECT (MQTT 5 s3.14)."""
        client = self._client
        if client is None:
            return
        if self._will is not None and client.is_connected():
            with contextlib.suppress(Exception):  # if not, the broker sends the will
                async with asyncio.timeout(STOP_SECONDS):
                    await self._goodbye(self._will)
        self._client = client
        self._abandon()
        await self._stopped(client)

    async def _goodbye(self, will: Will) -> None:
        await self.publish(will.topic, will.payload, retain=True)

    def _down(self, reason: str) -> None:
        if self._told != reason:
            self._told = reason
            self._on_down(reason)

    # ------------------------------------------------------------------------------------------ paho's thread

    def _make(self) -> paho.Client:
        login = self._login
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=login.client,
            clean_session=None if login.five else True,
            protocol=MQTTProtocolVersion.MQTTv5 if login.five else MQTTProtocolVersion.MQTTv311,
            transport="websockets" if login.websocket else "tcp",
            reconnect_on_failure=False,
        )
        client.suppress_exceptions = True
        client.connect_timeout = CONNECT_SECONDS
        client.max_inflight_messages_set(self._inflight)
        if login.websocket:
            client.ws_set_options(path=login.websocket)
        if login.tls is not None:
            client.tls_set_context(login.tls)
        if login.user:
            client.username_pw_set(login.user, login.password or None)
        if self._will is not None:
            delay = None
            if login.five:
                delay = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]  # paho's
                delay.WillDelayInterval = WILL_DELAY
            client.will_set(self._will.topic, self._will.payload, qos=1, retain=True, properties=delay)
        client.on_connect = self._guarded(self._paho_connected)
        client.on_disconnect = self._guarded(self._paho_disconnected)
        client.on_publish = self._guarded(self._paho_published)
        client.on_message = self._guarded(self._paho_message)
        return client

    def _guarded(self, callback: Callable[..., None]) -> Callable[..., None]:
        def guarded(client: paho.Client, *given: Any) -> None:  # Any: paho's own arguments
            if client is not self._client:
                return  # it was left to itself
            try:
                callback(client, *given)
            except Exception as error:  # noqa: BLE001 - it would end paho's thread in silence
                if not self._loop.is_closed():  # else we are gone, and it is nobody's matter
                    sys.stderr.write(f"mqtt: {callback.__name__} failed: {error!r}\n")

        return guarded

    def _paho_connected(
        self,
        client: paho.Client,
        _data: object,
        _flags: object,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if code.is_failure:
            self._loop.call_soon_threadsafe(self._refused, str(code))
            return
        most = getattr(properties, "ReceiveMaximum", INFLIGHT) if properties is not None else INFLIGHT
        if most < self._inflight:  # paho takes another limit only before it connects
            self._inflight = most
            self._loop.call_soon_threadsafe(self._fewer)
            return
        if self._subscriptions:
            client.subscribe([(topic, 1) for topic in self._subscriptions])
        self._loop.call_soon_threadsafe(self._connected)

    def _paho_disconnected(
        self, _client: paho.Client, _data: object, _flags: object, code: ReasonCode, _properties: object
    ) -> None:
        self._loop.call_soon_threadsafe(self._disconnected, str(code))

    def _paho_published(
        self, _client: paho.Client, _data: object, mid: int, code: ReasonCode, _properties: object
    ) -> None:
        self._loop.call_soon_threadsafe(self._acknowledged, mid, code.value, str(code))

    def _paho_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        told = Message(message.topic, bytes(message.payload), message.retain)
        self._loop.call_soon_threadsafe(self._on_message, told)

    # ------------------------------------------------------------------------------------------ the loop's

    def _connected(self) -> None:
        self._told = None
        self._progress = self._loop.time()
        self._up.set()
        self._on_up()

    def _refused(self, code: str) -> None:
        self._reason = f"The broker does not let us in: {code}."
        self._lost.set()

    def _fewer(self) -> None:
        """The broker takes fewer publications at once than we would send (MQTT 5 s3.2.2.3.3)."""
        self._reason, self._stale = f"The broker takes {self._inflight} publications at once.", True
        self._lost.set()

    def _disconnected(self, code: str) -> None:
        self._up.clear()
        self._reason = self._reason or f"The connection ended: {code}."
        self._lost.set()
