"""A client of the broker, with paho in a thread of its own and everything else in the loop."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from conformance.suite import Unreachable
from conformance.transcript import Transcript

CONNECT_SECONDS = 15.0
MARK_SECONDS = 30.0
KEEP = 3600  #: seconds that the broker is to keep a session which is looked at: as long as a recorder would


@dataclass(frozen=True, slots=True)
class Message:
    """What the broker sent."""

    topic: str
    payload: bytes
    retain: bool  #: what is stored: always; what is sent now: as its sender said (MQTT 5.0 s3.8.3.1)
    qos: int

    @property
    def text(self) -> str:
        """For a person."""
        return self.payload.decode(errors="backslashreplace")


@dataclass(frozen=True, slots=True)
class Broker:
    """Where, and as whom."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: ssl.SSLContext | None


class Line:
    """One connection. Made by `line`."""

    def __init__(self, transcript: Transcript, client: Client) -> None:
        self.messages: list[Message] = []
        self.session_present = False
        self._transcript = transcript
        self._client = client
        self._came = asyncio.Event()

    def subscribe(self, *filters: str, stored: bool) -> None:
        """`stored`: what is retained, then what is sent; without, what is sent alone, with its flags as they were."""
        # MQTT 5.0 s3.8.3.1: Retain Handling 0: send what is stored, 2: do not.
        handling = (
            SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE if stored else SubscribeOptions.RETAIN_DO_NOT_SEND
        )
        options = SubscribeOptions(qos=1, retainAsPublished=not stored, retainHandling=handling)
        self._client.subscribe([(each, options) for each in filters])

    def publish(self, topic: str, payload: bytes) -> None:
        """Say something, once the broker can be reached."""
        self._transcript.sent("broker", f"{topic} {payload.decode(errors='replace')}".encode())
        self._client.publish(topic, payload, qos=1)

    async def wait(
        self, wanted: Callable[[Message], bool], seconds: float, *, after: int = 0
    ) -> Message | None:
        """The first that is wanted among those from number `after` on; None: none came in time."""
        at = after
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    self._came.clear()
                    for message in self.messages[at:]:
                        if wanted(message):
                            self._transcript.received("broker", f"{message.topic} {message.text}".encode())
                            return message
                    at = len(self.messages)
                    await self._came.wait()
        return None

    async def stored(self) -> dict[str, Message]:
        """All that the broker keeps. What is published behind a subscription comes behind what was stored."""
        mark = f"conformance/{uuid.uuid4()}"
        self.subscribe("#", stored=True)
        self._client.publish(mark, b"", qos=1)
        if await self.wait(lambda each: each.topic == mark, MARK_SECONDS) is None:
            raise Unreachable("the broker does not let us publish, or not read what we publish")
        return {each.topic: each for each in self.messages if each.retain}

    def take(self, message: Message) -> None:
        """In the loop: something came."""
        self.messages.append(message)
        self._came.set()


@contextlib.asynccontextmanager
async def line(broker: Broker, transcript: Transcript, *, name: str = "") -> AsyncIterator[Line]:
    """A connection to the broker. `name`: go on with the session of that client, in its place. Raises Unreachable."""
    loop = asyncio.get_running_loop()
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
    if broker.user:
        client.username_pw_set(broker.user, broker.password)
    if broker.tls is not None:
        client.tls_set_context(broker.tls)
    connected: asyncio.Future[tuple[ReasonCode, bool]] = loop.create_future()
    made = Line(transcript, client)

    def answered(code: ReasonCode, present: bool) -> None:
        if not connected.done():
            connected.set_result((code, present))

    def on_connect(
        _client: Client, _data: Any, flags: Any, code: ReasonCode, _more: Any
    ) -> None:  # Any: paho's
        loop.call_soon_threadsafe(answered, code, bool(flags.session_present))

    def on_message(_client: Client, _data: Any, message: MQTTMessage) -> None:  # Any: paho's
        came = Message(message.topic, bytes(message.payload), bool(message.retain), message.qos)
        loop.call_soon_threadsafe(made.take, came)

    client.on_connect, client.on_message = on_connect, on_message
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
    if name:
        properties.SessionExpiryInterval = KEEP
    where = f"{broker.host}:{broker.port}"
    try:
        await asyncio.to_thread(
            client.connect, broker.host, broker.port, 60, clean_start=not name, properties=properties
        )
    except OSError as error:
        raise Unreachable(f"there is no broker at {where}: {error}") from None
    client.loop_start()
    try:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                code, made.session_present = await connected
        except TimeoutError:
            raise Unreachable(f"{where} does not answer as a broker of MQTT 5.0") from None
        if code.is_failure:
            raise Unreachable(f"{where} refuses us: {code}")
        yield made
    finally:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)
