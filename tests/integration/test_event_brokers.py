"""ONVIF's event brokers: asked over ONVIF, kept in the settings, and real brokers that are sent the events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from device.certificates.store import Certificates
from device.events.automation import RuleId, RuleTold
from device.events.drives import DriveBroken
from device.events.journal import Entry
from device.folder import DataFolder
from device.identity import identity
from device.outbox.outbox import Outbox
from device.planes.leash import Leash
from device.planes.messages import StreamStatus
from device.recordings.recordings import Recordings
from device.recordings.store import Store as Kept
from device.settings.event_brokers import MOST, EventBroker
from device.settings.section import InvalidSettings
from device.settings.sections import SECTIONS
from device.vault import Vault
from integration.certificates import ClientTls
from integration.event_brokers import EventBrokersPlane
from integration.onvif_events import OnvifEvents
from integration.plane import Plane, plane
from protocols.onvif.endpoint import Bell
from protocols.onvif.filters import CONCRETE
from protocols.onvif.names import TEV, WSNT
from protocols.onvif.pullpoints import PullPoints
from protocols.onvif.services.brokers import EventBrokers
from protocols.onvif.services.event import Events
from protocols.onvif.topics import CONCRETE_SET
from protocols.onvif.xml import Element, sub
from tests.protocols.mqtt.broker import Broker, Listener
from tests.protocols.onvif.rig import Device, Said, element

WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Rig:
    """A control plane with event brokers, and its Event service."""

    own: Plane
    outbox: Outbox
    device: Device

    async def add(self, address: str, prefix: str, *filters: tuple[str, str], **more: str) -> Said:
        """AddEventBroker. `filters`: expressions with their dialects."""
        asked = element(TEV.AddEventBroker)
        given = sub(asked, TEV.EventBroker)
        sub(given, TEV.Address, address)
        sub(given, TEV.TopicPrefix, prefix)
        for name in ("UserName", "Password", "CertificateID"):
            if name in more:
                sub(given, TEV.name(name), more[name])
        if filters:
            wanted = sub(given, TEV.PublishFilter)
            for expression, dialect in filters:
                sub(wanted, WSNT.TopicExpression, expression, Dialect=dialect)
        for name in ("QoS", "CertPathValidationPolicyID"):
            if name in more:
                sub(given, TEV.name(name), more[name])
        if "MetadataFilter" in more:
            sub(given, TEV.MetadataFilter)
        return await self.device.ask(asked)

    async def known(self) -> dict[str, Element]:
        """GetEventBrokers, by address."""
        said = await self.device.ask(TEV.GetEventBrokers)
        assert said.status == 200, said.reason
        return {each.findtext(TEV.Address, ""): each for each in said.body.iter(TEV.EventBroker)}

    async def about(self, operation: str, address: str) -> Said:
        """An operation on one of them."""
        return await self.device.ask(element(operation, [(TEV.Address, address)]))

    def key_of(self, address: str) -> str:
        """Of its entry in the settings."""
        entries = self.own.settings.entries(EventBroker)
        return next(key for key, each in entries.items() if each.address == address)

    def kept(self, address: str) -> EventBroker:
        """Its entry in the settings."""
        return self.own.settings.get(EventBroker, self.key_of(address))

    async def status(self, address: str) -> str:
        """Of the connection, as GetEventBrokers tells it."""
        return (await self.known())[address].findtext(TEV.Status, "")

    async def until_status(self, address: str, wanted: str) -> None:
        async with asyncio.timeout(WITHIN):
            while await self.status(address) != wanted:  # noqa: ASYNC110 - another process comes and goes
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def serving(data: Path, *, serve: bool = True) -> AsyncIterator[Rig]:
    """`serve`: brokers are sent the events; else they are only configured."""
    folder = DataFolder(data)
    folder.make()
    identity(folder.identity)
    async with (
        plane("control", data, Leash(None, None), SECTIONS) as own,
        contextlib.AsyncExitStack() as stack,
    ):
        vault = Vault.at(folder.key)
        outbox = Outbox(folder.outbox, own.clock, own.bus.publish)
        stack.callback(outbox.close)
        kept = Kept(folder.recordings, vault)
        stack.callback(kept.close)
        certificates = Certificates(folder.certificates, vault, own.identity.serial, own.clock)
        events = OnvifEvents(Recordings(kept, own.settings, _nothing, _erase, own.bus.publish))
        points = PullPoints(events.topics, own.bus.journal, Bell)

        def tell(entry: Entry) -> None:
            for each in events.notifications(entry):
                points.tell(each)

        own.bus.subscribe(tell)
        brokers = EventBrokersPlane(
            own, outbox, ClientTls(own.settings, certificates), events, points.standing
        )
        service = Events(points, own.clock, EventBrokers(brokers, events.topics.known)).service()
        task = asyncio.create_task(brokers.run() if serve else asyncio.sleep(0))
        try:
            yield Rig(own, outbox, Device([service]))
            assert not serve or not task.done(), "it has ended"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _nothing() -> list[StreamStatus]:
    return []


async def _erase(token: str, by: str) -> None:
    raise AssertionError(f"{by} erases {token}")


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition of another process."""
    async with asyncio.timeout(WITHIN):
        while not holds():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.05)


def say(own: Plane, *texts: str) -> None:
    """Something happens, and again."""
    for text in texts:
        own.bus.publish(RuleTold(RuleId("r-1"), "A rule", text))


def heard(listener: Listener, prefix: str) -> list[str]:
    """What was said, in the order in which it came; what came twice, because a restart did not wait for its
    acknowledgement, as it came first."""
    topic = f"{prefix}/onvif-ej/hf:Rule/Told/&r-1"
    found = [json.loads(payload)["Data"]["Text"] for _, name, payload in listener.lines() if name == topic]
    return list(dict.fromkeys(found))


def address_of(broker: Broker) -> str:
    return f"mqtt://127.0.0.1:{broker.port}"


FAILURE = "onvif-ej/Device/HardwareFailure/StorageFailure/&bay-3"


async def test_two_brokers_one_of_which_is_away_and_back_through_a_restart(tmp_path: Path) -> None:
    data, folders = tmp_path / "data", [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    # It keeps the listener's session through its death, so that nothing is missed between its start and his return.
    kept = ("persistence true", f"persistence_location {folders[0]}/", "autosave_on_changes true")
    with (
        Broker(folders[0], *kept, "autosave_interval 1") as one,
        Broker(folders[1]) as two,
        Listener(one, session="watcher") as first,
        Listener(two) as second,
    ):
        everything = [str(number) for number in range(60)]
        async with serving(data) as rig:
            rig.own.bus.publish(DriveBroken(3, "S3", "smart"))
            assert (await rig.add(address_of(one), "site/a", QoS="2")).status == 200
            wanted = ("hf:Rule//.|tns1:Device/HardwareFailure/StorageFailure", CONCRETE_SET)
            assert (await rig.add(address_of(two), "b", wanted, QoS="1")).status == 200
            # How a property stands is said to a broker that is new, and kept there.
            await until(lambda: None not in (first.last(f"site/a/{FAILURE}"), second.last(f"b/{FAILURE}")))
            assert json.loads(first.last(f"site/a/{FAILURE}") or "")["Data"] == {"Failed": True}
            say(rig.own, *everything[:2])
            await until(lambda: heard(first, "site/a") == heard(second, "b") == everything[:2])
            one.kill()
            say(rig.own, *everything[2:30])
            await until(lambda: heard(second, "b") == everything[:30])
            await rig.until_status(address_of(one), "Offline")
            await rig.until_status(address_of(two), "Connected")
        async with serving(data) as rig:
            say(rig.own, *everything[30:])
            await until(lambda: heard(second, "b") == everything)
            one.start()
            await until(lambda: len(heard(first, "site/a")) >= len(everything))
            assert heard(first, "site/a") == everything

            client = f"holdfast-{rig.own.identity.serial}-{rig.key_of(address_of(one))}"
            assert (await rig.about(TEV.DeleteEventBroker, address_of(one))).status == 200
            await until(lambda: f"Received DISCONNECT from {client}" in one.said())
            say(rig.own, "behind it")
            await until(lambda: heard(second, "b")[-1:] == ["behind it"])
            assert heard(first, "site/a") == everything
            left = f"event-broker/{rig.key_of(address_of(two))}"
            await until(lambda: [box.name for box in rig.outbox.boxes()] == [left])
        assert {topic.split("/")[2] for _, topic, _ in second.lines()} == {"hf:Rule", "Device"}


async def test_a_filter_that_is_changed_is_for_what_comes(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker, Listener(broker) as listener:
        async with serving(tmp_path / "data") as rig:
            where = address_of(broker)
            rig.own.bus.publish(DriveBroken(3, "S3", "smart"))
            assert (await rig.add(where, "p", ("tns1:Device//.", CONCRETE_SET))).status == 200
            await until(lambda: listener.last(f"p/{FAILURE}") is not None)
            say(rig.own, "before")
            assert (await rig.add(where, "p", QoS="0")).status == 200
            say(rig.own, "after")
            await until(lambda: bool(heard(listener, "p")))
            assert heard(listener, "p") == ["after"]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with serving(tmp_path / "data", serve=False) as made:
        yield made


async def test_what_was_configured_is_told_as_it_was_given_but_for_the_password(rig: Rig) -> None:
    where = "wss://broker.example:8443/events"
    expression = " tns1:Device//. | tns1:RecordingConfig/JobState"
    given = {"UserName": "ann", "Password": " secret ", "QoS": "2"}
    filters = ((expression, CONCRETE_SET), ("tns1:Monitoring/OperatingTime/LastReboot", CONCRETE))
    said = await rig.add(where, "site/a", *filters, **given)
    assert said.status == 200, said.reason
    told = (await rig.known())[where]
    assert [each.tag for each in told] == [
        TEV.Address, TEV.TopicPrefix, TEV.UserName, TEV.PublishFilter, TEV.QoS, TEV.Status,
    ]  # fmt: skip
    assert [each.text for each in told.iter(WSNT.TopicExpression)] == [
        "tns1:Device//.|tns1:RecordingConfig/JobState",
        "tns1:Monitoring/OperatingTime/LastReboot",
    ]
    assert (told.findtext(TEV.UserName), told.findtext(TEV.QoS)) == ("ann", "2")
    assert told.findtext(TEV.Status) == "Offline"
    kept = rig.kept(where)
    assert kept.password.get_secret_value() == " secret "

    # Whoever writes back what he read takes no password away; another user has none.
    assert (await rig.add(where, "site/b", UserName="ann")).status == 200
    assert rig.kept(where).password.get_secret_value() == " secret "
    assert (await rig.add(where, "site/b", UserName="eve")).status == 200
    assert rig.kept(where).password.get_secret_value() == ""
    assert [each.tag for each in (await rig.known())[where]] == [
        TEV.Address, TEV.TopicPrefix, TEV.UserName, TEV.Status,
    ]  # fmt: skip
    assert len(await rig.known()) == 1


async def test_what_onvif_cannot_say_stays_when_its_clients_change_the_rest(rig: Rig) -> None:
    where = "mqtts://192.0.2.7:8883"
    values = {"address": where, "prefix": "a", "verify": True}
    rig.own.settings.patch(EventBroker, values, key="broker-1", by="ada")
    assert (await rig.add(where, "b")).status == 200
    assert rig.own.settings.get(EventBroker, "broker-1").prefix == "b"
    assert rig.own.settings.get(EventBroker, "broker-1").verify


TOPIC = ("tns1:Device//.", CONCRETE_SET)


@pytest.mark.parametrize(
    ("where", "prefix", "filters", "more", "fault"),
    [
        ("amqp://192.0.2.7:5672", "a", (), {}, "InvalidProtocol"),
        ("http://192.0.2.7:80", "a", (), {}, "InvalidProtocol"),
        ("192.0.2.7:1883", "a", (), {}, "InvalidAddress"),
        ("mqtt://", "a", (), {}, "InvalidAddress"),
        ("mqtt://192.0.2.7:0", "a", (), {}, "InvalidAddress"),
        ("mqtt://192.0.2.7:70000", "a", (), {}, "InvalidAddress"),
        ("mqtt://192.0.2.7:1883/events", "a", (), {}, "InvalidAddress"),
        ("mqtt://ann:secret@192.0.2.7:1883", "a", (), {}, "InvalidAddress"),
        ("mqtt://a host:1883", "a", (), {}, "InvalidAddress"),
        ("mqtt://192.0.2.7:1883", "a", (("tns1:NoSuch/Topic", CONCRETE_SET),), {}, "InvalidFilter"),
        ("mqtt://192.0.2.7:1883", "a", (("tns1:Device//.", "urn:other"),), {}, "InvalidFilter"),
        ("mqtt://192.0.2.7:1883", "a", (("other:Device//.", CONCRETE_SET),), {}, "InvalidFilter"),
        ("mqtt://192.0.2.7:1883", "a", (), {"MetadataFilter": ""}, "InvalidFilter"),
        ("mqtt://192.0.2.7:1883", "", (), {}, "InvalidArgVal"),
        ("mqtt://192.0.2.7:1883", "a/#", (), {}, "InvalidArgVal"),
        ("mqtt://192.0.2.7:1883", "a", (TOPIC,), {"QoS": "3"}, "InvalidArgVal"),
        ("mqtt://192.0.2.7:1883", "a", (TOPIC,), {"CertificateID": "crt-0000000000"}, "InvalidArgVal"),
        ("mqtts://192.0.2.7:1883", "a", (), {"CertPathValidationPolicyID": "p1"}, "InvalidArgVal"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(
    rig: Rig,
    where: str,
    prefix: str,
    filters: tuple[tuple[str, str], ...],
    more: dict[str, str],
    fault: str,
) -> None:
    said = await rig.add(where, prefix, *filters, **more)
    assert said.fault[:2] == ("Sender", "InvalidArgVal")
    assert said.fault[-1] == fault, said.reason
    assert await rig.known() == {}


async def test_there_are_so_many_and_who_is_not_there_is_said_not_to_be(rig: Rig) -> None:
    for number in range(MOST):
        assert (await rig.add(f"mqtt://192.0.2.{number + 1}:1883", "a")).status == 200
    assert (await rig.add("mqtt://192.0.2.200:1883", "a")).fault == (
        "Receiver",
        "Action",
        "TooManyEventBrokers",
    )
    assert (await rig.add("mqtt://192.0.2.1:1883", "b")).status == 200
    for operation in (TEV.GetEventBrokers, TEV.DeleteEventBroker):
        gone = await rig.about(operation, "mqtt://192.0.2.200:1883")
        assert gone.fault == ("Sender", "InvalidArgVal", "InvalidAddress")
    one = await rig.about(TEV.GetEventBrokers, "mqtt://192.0.2.1:1883")
    assert [each.text for each in one.body.iter(TEV.TopicPrefix)] == ["b"]


async def test_only_administrators_change_them(rig: Rig) -> None:
    asked = element(TEV.DeleteEventBroker, [(TEV.Address, "mqtt://192.0.2.1:1883")])
    assert (await rig.device.ask(asked, "otto")).fault[-1] == "NotAuthorized"
    assert (await rig.device.ask(TEV.GetEventBrokers, "vera")).status == 200


async def test_the_capabilities_say_how_many_and_by_which_protocols(rig: Rig) -> None:
    said = await rig.device.ask(TEV.GetServiceCapabilities, None)
    (told,) = said.body.iter(TEV.Capabilities)
    assert (told.get("MaxEventBrokers"), told.get("MetadataOverMQTT")) == (str(MOST), "false")
    assert (told.get("EventBrokerProtocols") or "").split() == ["mqtt", "mqtts", "ws", "wss"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"address": "mqtt://192.0.2.1:1883", "prefix": "b"}, "address"),
        ({"address": "mqtt://192.0.2.2:1883", "prefix": "b", "topics": ["tns1:NoSuch/Topic"]}, "topics"),
        ({"address": "gopher://192.0.2.2", "prefix": "b"}, "address"),
    ],
)
async def test_a_page_cannot_set_what_onvif_could_not(
    rig: Rig, values: dict[str, object], field: str
) -> None:
    rig.own.settings.patch(
        EventBroker, {"address": "mqtt://192.0.2.1:1883", "prefix": "a"}, key="a", by="ada"
    )
    with pytest.raises(InvalidSettings) as refused:
        rig.own.settings.patch(EventBroker, values, key="b", by="ada")
    assert list(refused.value.problems) == [f"event_brokers[b].{field}"]
