"""Event brokers (ONVIF Core, Event Broker): how they are configured, and what a broker is sent."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from conformance.case import Need, expect, provided
from conformance.onvif.broker import Broker, Publication, Visit, broker
from conformance.onvif.client import Element
from conformance.onvif.device import Device
from conformance.onvif.names import name
from conformance.onvif.points import topic_filter
from conformance.onvif.suite import official
from conformance.onvif.values import every, maybe, moment, only, text

CONNECT_SECONDS = 30.0  #: from AddEventBroker to the device's CONNECT
EVENT_SECONDS = 60.0  #: until it says something: how properties stand is said at once
SETTLE_SECONDS = 0.5  #: in which what follows the first event is there, too
QUIET_SECONDS = 2.0  #: that a filter is watched
END_SECONDS = 30.0  #: from DeleteEventBroker to its DISCONNECT
STATUS_SECONDS = 30.0  #: from its CONNECT until it says that it is connected
_ALIAS = re.compile(r"(?<![^/])[^/:]+:")  # of a namespace, before a name of a topic


@dataclass(frozen=True, slots=True)
class Config:
    """tev:EventBrokerConfig. What is None is not told."""

    address: str
    prefix: str
    user: str | None = None
    password: str | None = None
    topics: str | None = None  #: in the dialect ConcreteSet, of tns1
    qos: int | None = None

    def xml(self) -> str:
        """As an argument of AddEventBroker."""
        wanted = None if self.topics is None else topic_filter(self.topics)
        told = (
            ("Address", escape(self.address)),
            ("TopicPrefix", escape(self.prefix)),
            ("UserName", self.user),
            ("Password", self.password),
            ("PublishFilter", wanted),
            ("QoS", self.qos),
        )
        inside = "".join(f"<tev:{key}>{value}</tev:{key}>" for key, value in told if value is not None)
        return f"<tev:EventBroker>{inside}</tev:EventBroker>"


def _address(address: str) -> str:
    return f"<tev:Address>{escape(address)}</tev:Address>"


def _nowhere(number: int) -> str:
    """An address where nobody listens: one of the ports behind `discard`, which nothing has."""
    return f"mqtt://127.0.0.1:{9 + number}"


def _protocols(device: Device) -> list[str]:
    return (device.capability("tev", "EventBrokerProtocols") or "").split()


def _speaks(protocol: str) -> Need[Device]:
    def need(device: Device) -> str | None:
        if protocol in _protocols(device):
            return None
        return f"tev:Capabilities@EventBrokerProtocols does not name {protocol}"

    return need


def _fresh() -> str:
    return f"conformance-{secrets.token_hex(4)}"


async def _configured(device: Device, address: str | None = None) -> list[Element]:
    inner = "" if address is None else _address(address)
    return every(await device.call("tev:GetEventBrokers", inner), "tev:EventBroker")


async def _add(device: Device, config: Config) -> None:
    """AddEventBroker; it goes with the case. Raises NotApplicable where there is no room for one."""
    most = int(device.capability("tev", "MaxEventBrokers") or "0")
    known = {text(each, "tev:Address") for each in await _configured(device)}
    provided(
        config.address in known or len(known) < most, f"it has {most} event brokers, and room for no more"
    )
    device.later("tev:DeleteEventBroker", _address(config.address))
    await device.call("tev:AddEventBroker", config.xml())


async def _reads_back(device: Device, config: Config) -> Element:
    """What it says of a broker that was configured. Raises Failed."""
    found = await _configured(device, config.address)
    expect(len(found) == 1, f"GetEventBrokers tells {len(found)} with the address {config.address}")
    told = found[0]
    for key, wanted in (
        ("Address", config.address),
        ("TopicPrefix", config.prefix),
        ("UserName", config.user),
        ("Password", None),
        ("QoS", None if config.qos is None else str(config.qos)),
    ):
        seen = maybe(told, f"tev:{key}")
        expect(seen == wanted, f"{key} is {seen!r}, and {wanted!r} was set")
    filters = [(each.text or "").strip() for each in told.iter(name("wsnt:TopicExpression"))]
    wanted_filters = [] if config.topics is None else [f"tns1:{config.topics}"]
    expect(filters == wanted_filters, f"PublishFilter is {filters}, and {wanted_filters} was set")
    return told


@official("EVENT-7-1-1")
async def get(device: Device) -> str:
    await _add(device, Config(_nowhere(1), _fresh()))
    found = await _configured(device)
    addresses = [text(each, "tev:Address") for each in found]
    expect(len(set(addresses)) == len(addresses), "an address is there twice")
    most = int(device.capability("tev", "MaxEventBrokers") or "0")
    expect(len(found) <= most, f"{len(found)} are told, and MaxEventBrokers is {most}")
    for address, each in zip(addresses, found, strict=True):
        scheme = address.partition("://")[0]
        expect(scheme in _protocols(device), f"{address}: {scheme} is no protocol of EventBrokerProtocols")
        expect(bool(text(each, "tev:TopicPrefix")), f"{address} has no TopicPrefix")
        expect(maybe(each, "tev:Password") is None, f"{address} is told with its password")
    alone = await _configured(device, _nowhere(1))
    told = [text(each, "tev:Address") for each in alone]
    expect(told == [_nowhere(1)], f"asked for {_nowhere(1)}, it tells {told}")
    unknown = await device.refused("tev:GetEventBrokers", _address(_nowhere(9)), "InvalidAddress")
    return f"{len(found)} of {most}; an unknown address: {unknown.said}"


@official("EVENT-7-1-2")
async def add(device: Device) -> str:
    topic = await _a_topic(device)
    for config in (
        Config(_nowhere(2), _fresh(), "somebody", "something", topic, 1),
        Config(_nowhere(3), _fresh()),
    ):
        await _add(device, config)
        await _reads_back(device, config)
    faults = [
        await device.refused("tev:AddEventBroker", wrong.xml(), *codes)
        for wrong, codes in (
            (Config("gopher://127.0.0.1:9", _fresh()), ("InvalidProtocol",)),
            (Config("mqtt://:9", _fresh()), ("InvalidAddress",)),
            (Config(_nowhere(8), _fresh(), topics="NoSuch/Topic"), ("InvalidFilter",)),
            (Config(_nowhere(8), ""), ()),
        )
    ]
    return "; ".join(each.said for each in faults)


@official("EVENT-7-1-3")
async def modify(device: Device) -> str:
    address = _nowhere(4)
    for config in (
        Config(address, _fresh(), "somebody", "something", await _a_topic(device), 1),
        Config(address, _fresh(), "another", "another thing", None, 0),
        Config(address, _fresh()),
    ):
        await _add(device, config)
        await _reads_back(device, config)
        found = [each for each in await _configured(device) if text(each, "tev:Address") == address]
        expect(len(found) == 1, f"{address} is there {len(found)} times")
    return "prefix, user, filter and QoS were changed, and taken away"


@official("EVENT-7-1-4")
async def delete(device: Device) -> str:
    address = _nowhere(5)
    await _add(device, Config(address, _fresh()))
    await device.call("tev:DeleteEventBroker", _address(address))
    left = [text(each, "tev:Address") for each in await _configured(device)]
    expect(address not in left, f"{address} was deleted, and is told")
    await device.refused("tev:GetEventBrokers", _address(address), "InvalidAddress")
    fault = await device.refused("tev:DeleteEventBroker", _address(address), "InvalidAddress")
    return f"once more: {fault.said}"


async def _a_topic(device: Device) -> str:
    told = only(await device.call("tev:GetEventProperties"), "wstop:TopicSet")
    root = next((each for each in told if each.tag.startswith(name("tns1:"))), None)
    provided(root is not None, "there are no topics of ONVIF's")
    assert root is not None
    return f"{root.tag.rpartition('}')[2]}//."


# ------------------------------------------------------------------------------------ publishing


def _properties(parent: Element, path: str = "") -> Iterator[str]:
    """Paths of the topics of properties, without prefixes."""
    for each in parent:
        if not isinstance(each.tag, str):
            continue
        if each.tag == name("tt:MessageDescription"):
            if each.get("IsProperty") in ("true", "1"):
                yield path
            continue
        yield from _properties(each, f"{path}/{each.tag.rpartition('}')[2]}".lstrip("/"))


def _local(told: Publication, prefix: str) -> str:
    """The topic of ONVIF in a topic of MQTT. Raises Failed."""
    head = f"{prefix}/onvif-ej/"
    expect(told.topic.startswith(head), f"the topic {told.topic} does not begin with {head}")
    return told.topic.removeprefix(head).partition("/&")[0]


def judge(told: Publication, config: Config, properties: frozenset[str], known: frozenset[str]) -> None:
    """One publication. Raises Failed."""
    local = _local(told, config.prefix)
    path = _ALIAS.sub("", local)
    expect(path in known, f"there is no topic {path}: {told.topic}")
    expect(told.qos == config.qos, f"{told.topic} came with QoS {told.qos}, and {config.qos} was set")
    expect(told.retain == (path in properties), f"{told.topic}: the retained flag is {told.retain}")
    if not told.payload and told.retain:
        return  # the property is no more
    try:
        said = json.loads(told.payload)
    except ValueError:
        said = None
    shape = isinstance(said, dict) and {"UtcTime", "Source"} <= said.keys() <= {"UtcTime", "Source", "Data"}
    expect(shape, f"{told.topic}: {told.payload[:200]!r} is not UtcTime, Source and Data")
    moment(str(said["UtcTime"]))
    values = list(said["Source"].values())
    named = told.topic.partition("/&")[2]
    count = len(named.split("/")) if named else 0
    expect(count == len(values), f"{told.topic} names {count} values of its source {said['Source']}")


async def _connected(device: Device, made: Broker, config: Config) -> Visit:
    """AddEventBroker, and the device is there. Raises Failed."""
    visits = len(made.visits)
    await _add(device, config)
    await made.until(
        lambda: any(each.connected and not each.over for each in made.visits[visits:]),
        CONNECT_SECONDS,
        "it did not connect with the user and the password that it was given",
    )
    until = time.monotonic() + STATUS_SECONDS
    while (status := text(await _reads_back(device, config), "tev:Status")) != "Connected":
        expect(time.monotonic() < until, f"it is connected, and the status is {status}")
        await asyncio.sleep(0.3)
    return next(each for each in reversed(made.visits) if each.connected and not each.over)


async def _published(made: Broker, visit: Visit) -> Sequence[Publication]:
    """What comes at first. Raises Failed where nothing does."""
    await made.until(lambda: bool(visit.published), EVENT_SECONDS, "no event came")
    await asyncio.sleep(SETTLE_SECONDS)
    return visit.published


async def _publishing(device: Device, scheme: str, qos: int) -> str:
    topics = only(await device.call("tev:GetEventProperties"), "wstop:TopicSet")
    properties = frozenset(_properties(topics))
    host = urlsplit(device.address.url).hostname or ""
    async with broker(scheme, host, device.transcript, "tester", "knock-knock") as made:
        config = Config(made.address, _fresh(), "tester", "knock-knock", None, qos)
        visit = await _connected(device, made, config)
        told = list(await _published(made, visit))
        for each in told:
            judge(each, config, properties, device.facts.topics)
        begun = time.monotonic()
        await device.call("tev:DeleteEventBroker", _address(made.address))
        await made.until(
            lambda: visit.said_goodbye, END_SECONDS, "no DISCONNECT came after DeleteEventBroker"
        )
        took = time.monotonic() - begun
    return f"{len(told)} events, first {told[0].topic}; it said good-bye {took:.1f} s after it was deleted"


@official("EVENT-7-2-1", _speaks("mqtt"))
async def plain(device: Device) -> str:
    return await _publishing(device, "mqtt", 0)


@official("EVENT-7-2-2", _speaks("mqtts"))
async def encrypted(device: Device) -> str:
    return await _publishing(device, "mqtts", 0)


@official("EVENT-7-2-3", _speaks("ws"))
async def websocket(device: Device) -> str:
    return await _publishing(device, "ws", 0)


@official("EVENT-7-2-4", _speaks("wss"))
async def encrypted_websocket(device: Device) -> str:
    return await _publishing(device, "wss", 0)


@official("EVENT-7-2-5", _speaks("mqtt"))
async def at_least_once(device: Device) -> str:
    return await _publishing(device, "mqtt", 1)


@official("EVENT-7-2-6", _speaks("mqtt"))
async def exactly_once(device: Device) -> str:
    return await _publishing(device, "mqtt", 2)


@official("EVENT-7-2-7", _speaks("mqtt"))
async def publish_filter(device: Device) -> str:
    host = urlsplit(device.address.url).hostname or ""
    async with broker("mqtt", host, device.transcript, "tester", "knock-knock") as made:
        everything = Config(made.address, _fresh(), "tester", "knock-knock", None, 0)
        visit = await _connected(device, made, everything)
        await _published(made, visit)
        standard = [
            local for each in visit.published if ":" not in (local := _local(each, everything.prefix))
        ]
        provided(bool(standard), "it published nothing under a topic of ONVIF's")
        await device.call("tev:DeleteEventBroker", _address(made.address))
        await made.until(
            lambda: visit.over, END_SECONDS, "the connection did not end after DeleteEventBroker"
        )
        some = Config(made.address, _fresh(), "tester", "knock-knock", standard[0], 0)
        visit = await _connected(device, made, some)
        await _published(made, visit)
        await asyncio.sleep(QUIET_SECONDS)
        others = {_local(each, some.prefix) for each in visit.published} - {standard[0]}
        expect(not others, f"the filter is {standard[0]}, and {', '.join(sorted(others))} came too")
    return f"{len(visit.published)} of {standard[0]}, nothing else"
