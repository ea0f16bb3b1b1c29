"""The session with a real broker: every way in, every way down, and letters that all arrive."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from device.clock import SystemClock
from device.events.event import Event
from device.outbox.delivery import deliver
from device.outbox.outbox import Limits, Outbox
from protocols.mqtt import connection as room
from protocols.mqtt.connection import Connection, Login, Message, Will
from protocols.mqtt.errors import BrokerAway
from protocols.mqtt.sender import MqttSender, draft
from tests.protocols.mqtt.broker import WITHIN, Broker, Listener, free_port, publish

STATUS = "t/status"
LIMITS = Limits(octets=50_000_000, seconds=86_400.0)


class Authority:
    """A certificate authority for a test."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        self.pem = self._sign(self._name, self._key, ca=True).decode()

    def issue(self, name: str) -> tuple[str, str]:
        """Certificate and key in PEM; good for 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self._sign(subject, key, ca=False).decode(), private.decode()

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, ca: bool) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(names, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM)


class Session:
    """A connection under way, and what it told."""

    def __init__(self, login: Login, subscriptions: tuple[str, ...]) -> None:
        self.ups = 0
        self.downs: list[str] = []
        self.messages: list[Message] = []
        self.ready = asyncio.Event()
        self.connection = Connection(
            login,
            Will(STATUS, b"offline"),
            subscriptions,
            self._up,
            self._down,
            self._heard,
            lambda: 0.0,
        )

    def _up(self) -> None:
        self.ups += 1
        self.ready.set()

    def _down(self, why: str) -> None:
        self.downs.append(why)
        self.ready.clear()

    def _heard(self, message: Message) -> None:
        self.messages.append(message)
        if message.payload == b"defect":
            raise ValueError("a listener's defect")


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition of another process or thread."""
    async with asyncio.timeout(WITHIN):
        while not holds():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def session(login: Login, *subscriptions: str) -> AsyncIterator[Session]:
    made = Session(login, subscriptions)
    work = asyncio.create_task(made.connection.run())
    try:
        yield made
        assert not work.done()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


def login_to(port: int, **changes: object) -> Login:
    plain = Login("127.0.0.1", port, "recorder", "", "", five=True, websocket="", tls=None, keepalive=30)
    return replace(plain, **changes)  # type: ignore[arg-type]  # names and types as above


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as running:
        yield running


@pytest.mark.parametrize("five", [True, False], ids=["5", "3.1.1"])
async def test_what_is_published_is_acknowledged_and_others_see_it(broker: Broker, five: bool) -> None:
    with Listener(broker) as listener:
        async with session(login_to(broker.port, five=five)) as made:
            await until(lambda: made.ups == 1 and "Sending SUBACK" in broker.said())
            await made.connection.publish("t/kept", b"1", retain=True)
            await made.connection.publish("t/said", b"2", retain=False)
            await until(lambda: listener.last("t/said") == "2")
        await until(
            lambda: listener.last(STATUS) == "offline"
        )  # said by ourselves: a will is not, after good-bye
    with Listener(broker, "t/#") as later:
        await until(lambda: later.last("t/kept") == "1")
        assert (True, "t/kept", "1") in later.lines()
        assert later.last("t/said") is None


@pytest.mark.parametrize("qos", [0, 2])
async def test_every_quality_of_service_ends_and_who_has_no_will_says_nothing_when_it_goes(
    broker: Broker, qos: int
) -> None:
    up = asyncio.Event()
    downs: list[str] = []
    login = login_to(broker.port, five=False)
    connection = Connection(login, None, (), up.set, downs.append, lambda _: None, lambda: 0.0)
    with pytest.raises(BrokerAway):
        await connection.publish("t/early", b"0", retain=False, qos=qos)
    work = asyncio.create_task(connection.run())
    with Listener(broker) as listener:
        await asyncio.wait_for(up.wait(), WITHIN)
        await until(lambda: "Sending SUBACK" in broker.said())
        for number in range(50):
            await connection.publish("t/said", str(number).encode(), retain=False, qos=qos)
        await until(lambda: listener.last("t/said") == "49")
        broker.kill()
        await until(lambda: bool(downs))
        if qos == 0:  # nothing is kept of it
            with pytest.raises(BrokerAway):
                await connection.publish("t/late", b"0", retain=False, qos=qos)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def test_over_websocket(tmp_path: Path) -> None:
    # mosquitto 2.0.11 does not start with listeners for WebSocket alone.
    with Broker(tmp_path, "protocol websockets", f"listener {free_port()} 127.0.0.1") as broker:
        async with session(login_to(broker.port, websocket="/mqtt")) as made:
            await until(lambda: made.ups == 1)
            await made.connection.publish("t/a", b"1", retain=False)


async def test_tls_with_a_client_certificate_and_without_it_no_way_in(tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = authority.issue("127.0.0.1")
    for name, text in (("ca", authority.pem), ("crt", certificate), ("key", key)):
        (tmp_path / name).write_text(text)
    lines = [f"cafile {tmp_path}/ca", f"certfile {tmp_path}/crt", f"keyfile {tmp_path}/key"]
    with Broker(tmp_path, *lines, "require_certificate true", "use_identity_as_username true") as broker:
        for name, text in zip(("mine.crt", "mine.key"), authority.issue("recorder"), strict=True):
            (tmp_path / name).write_text(text)
        tls = ssl.create_default_context(cadata=authority.pem)
        tls.load_cert_chain(tmp_path / "mine.crt", tmp_path / "mine.key")
        async with session(login_to(broker.port, tls=tls)) as made:
            await until(lambda: made.ups == 1)
            await made.connection.publish("t/a", b"1", retain=False)
        unknown = ssl.create_default_context(cadata=Authority().pem)  # the broker's is of another authority
        unknown.load_cert_chain(tmp_path / "mine.crt", tmp_path / "mine.key")
        bare = ssl.create_default_context(cadata=authority.pem)  # no certificate of ours
        for context in (bare, unknown):
            async with session(login_to(broker.port, tls=context)) as made:
                await until(lambda made=made: bool(made.downs))  # type: ignore[misc]
                assert made.ups == 0


async def test_a_wrong_password_is_told_and_tried_again(tmp_path: Path) -> None:
    with Broker(tmp_path, "allow_anonymous false") as broker:
        async with session(login_to(broker.port, user="anna", password="wrong")) as made:
            await until(lambda: broker.said().count("disconnected, not authorised") >= 2)
            assert made.ups == 0
            assert "does not let us in" in made.downs[0]


async def test_a_listener_that_fails_does_not_end_the_session(
    broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    async with session(login_to(broker.port), "t/set") as made:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)  # it is told of the defect
        await until(lambda: "Sending SUBACK" in broker.said())
        publish(broker, "t/set", "defect")
        publish(broker, "t/set", "well")
        await until(lambda: [each.payload for each in made.messages] == [b"defect", b"well"])
        await made.connection.publish("t/a", b"1", retain=False)
        assert made.ups == 1


async def test_retained_messages_are_told_apart(broker: Broker) -> None:
    publish(broker, "t/set", "old", retain=True)
    async with session(login_to(broker.port), "t/set") as made:
        await until(lambda: len(made.messages) == 1)
        assert made.messages == [Message("t/set", b"old", True)]


async def test_a_server_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with session(login_to(silent.getsockname()[1])) as made:
            await until(lambda: bool(made.downs))
            assert made.downs == ["The broker did not answer for 0.3 s."]


async def test_a_broker_that_acknowledges_nothing_is_left_and_the_letter_sent_again(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SILENCE", 0.5)
    async with session(login_to(broker.port)) as made:
        await until(lambda: made.ups == 1)
        client = made.connection._client
        assert client is not None
        client.on_publish = lambda *_: None  # as if no acknowledgement came
        lost = made.connection.publish("t/a", b"1", retain=False)
        with pytest.raises(Exception, match="begun anew"):
            await asyncio.wait_for(lost, WITHIN)
        await until(lambda: made.ups == 2)
        await made.connection.publish("t/a", b"1", retain=False)
        assert "acknowledged nothing" in made.downs[0]


async def test_nobody_there_is_told_once_and_tried_until_there_is(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    async with session(login_to(broker.port)) as made:
        await until(lambda: bool(made.downs))
        assert "refused" in made.downs[0]
        with broker:
            await until(lambda: made.ups == 1)
            assert len(made.downs) == 1


async def test_every_letter_arrives_in_order_though_the_broker_is_killed_and_wiped(tmp_path: Path) -> None:
    """The broker's own log says what it took: each letter, in order but for those that were sent again."""
    total = 3000
    said: list[Event] = []
    outbox = Outbox(tmp_path / "outbox.db", SystemClock(), said.append)
    box = outbox.box("mqtt", LIMITS)
    with Broker(tmp_path) as broker:
        async with session(login_to(broker.port)) as made:
            sender = MqttSender(made.connection, made.ready.wait, SystemClock().utc)
            work = asyncio.create_task(deliver(box, sender, SystemClock(), said.append, lambda: 0.0))
            for number in range(total):
                box.put([draft(f"t/{number:04}", b"x" * 200)])
                if number % 100 == 0:
                    await asyncio.sleep(0.01)
                if number in (800, 1800):
                    await until(lambda: box.sent > 100)
                    broker.kill()
                    await until(lambda made=made: bool(made.downs))  # type: ignore[misc]
                if number in (1200, 2400):
                    broker.start()
            async with asyncio.timeout(2 * WITHIN):
                while box.waiting:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(0.05)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        taken = [int(topic[2:]) for topic in broker.taken("recorder") if topic != STATUS]
    outbox.close()
    assert sorted(set(taken)) == list(range(total))
    firsts = sorted(range(total), key=taken.index)
    assert firsts == list(range(total))
    assert len(taken) - total <= 4 * room.INFLIGHT + 2 * MqttSender.window


async def test_what_is_of_no_use_any_more_is_left_out(broker: Broker, tmp_path: Path) -> None:
    clock = SystemClock()
    outbox = Outbox(tmp_path / "outbox.db", clock, lambda _: None)
    box = outbox.box("mqtt", LIMITS)
    box.put([draft("t/stale", b"1", fresh=-1.0), draft("t/late", b"2"), draft("t/new", b"3", fresh=3600.0)])
    async with session(login_to(broker.port)) as made:
        sender = MqttSender(made.connection, made.ready.wait, clock.utc)
        work = asyncio.create_task(deliver(box, sender, clock, lambda _: None, lambda: 0.0))
        await until(lambda: box.waiting == 0)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    assert broker.taken("recorder") == ["t/late", "t/new", STATUS]
    outbox.close()
