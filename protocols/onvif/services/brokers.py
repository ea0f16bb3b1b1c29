"""Event brokers of the Event service (ONVIF Core, Event Broker): MQTT brokers that are sent what pull points tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Protocol

from device.settings.event_brokers import MOST, SCHEMES, EventBroker, place
from protocols.onvif.faults import BAD_ARGUMENT, Refusal, impossible, invalid
from protocols.onvif.filters import expressions, write_topics
from protocols.onvif.names import TEV
from protocols.onvif.operations import Access, Call, Operation
from protocols.onvif.topics import Path, Topic
from protocols.onvif.xml import Element, find, need, sub, text, whole

#: Attributes of the capabilities.
BROKERS = (
    ("EventBrokerProtocols", " ".join(SCHEMES)),
    ("MaxEventBrokers", str(MOST)),
    ("MetadataOverMQTT", "false"),
)
NO_BROKERS = (("MaxEventBrokers", "0"), ("MetadataOverMQTT", "false"))

TOO_MANY = impossible("TooManyEventBrokers", "There is no room for another event broker")
BAD_ADDRESS = invalid("InvalidAddress", "The address of the event broker is not supported")
NO_ADDRESS = invalid("InvalidAddress", "There is no event broker with that address")
BAD_PROTOCOL = invalid("InvalidProtocol", "The protocol of the event broker is not supported")
NOT_UNDERSTOOD = invalid("InvalidFilter", "The topic filter was not understood")


class Status(Enum):
    """tev:ConnectionStatus."""

    OFFLINE = "Offline"
    CONNECTING = "Connecting"
    CONNECTED = "Connected"


class Brokers(Protocol):
    """Where event brokers are kept, and served."""

    def entries(self) -> Iterable[tuple[EventBroker, Status]]:
        """All of them."""

    def put(self, address: str, changes: Mapping[str, object], *, by: str) -> None:
        """Make the one with that address, or change it. Raises BadValue."""

    def remove(self, address: str, *, by: str) -> None:
        """One of `entries` is no more."""


class EventBrokers:
    """The operations."""

    def __init__(self, brokers: Brokers, known: Mapping[Path, Topic]) -> None:
        """`known`: the topics that filters may name."""
        self._brokers = brokers
        self._known = known

    def operations(self) -> Sequence[Operation]:
        """Rows of the Event service."""
        return (
            Operation("GetEventBrokers", Access.READ_MEDIA, self.get),
            Operation("AddEventBroker", Access.WRITE_SYSTEM, self.add),
            Operation("DeleteEventBroker", Access.WRITE_SYSTEM, self.delete),
        )

    async def get(self, call: Call, reply: Element) -> None:
        """GetEventBrokers. A password is never told."""
        address = text(call.body, TEV.Address)
        found = [each for each in self._brokers.entries() if address in (None, each[0].address)]
        if address is not None and not found:
            raise Refusal(NO_ADDRESS)
        for broker, status in found:
            _write(sub(reply, TEV.EventBroker), broker, status)

    async def add(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """AddEventBroker: one with the same address is changed, to what is said here and nothing else. Only its
        password stays where none is given for the same user: nobody is told it and could say it again."""
        given = find(call.body, TEV.EventBroker)
        address = need(given, TEV.Address)
        _check_address(address)
        if text(given, TEV.CertPathValidationPolicyID):
            raise Refusal(BAD_ARGUMENT, "CertPathValidationPolicyID: there are no such policies here.")
        if given.find(TEV.MetadataFilter) is not None:
            raise Refusal(
                NOT_UNDERSTOOD, "MetadataFilter: metadata is not sent to brokers (MetadataOverMQTT)."
            )
        changes: dict[str, object] = {
            "address": address,
            "prefix": need(given, TEV.TopicPrefix),
            "user": text(given, TEV.UserName),
            "certificate": text(given, TEV.CertificateID),
            "qos": whole(given, TEV.QoS),
            "topics": self._topics(given),
        }
        entries = {each.address: each for each, _ in self._brokers.entries()}
        before = entries.get(address)
        if before is None and len(entries) >= MOST:
            raise Refusal(TOO_MANY, f"There can be {MOST} event brokers.")
        password = given.find(TEV.Password)
        if password is not None or before is None or before.user != (changes["user"] or ""):
            changes["password"] = None if password is None else password.text  # with the spaces in it
        self._brokers.put(address, changes, by=call.account)

    async def delete(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """DeleteEventBroker."""
        address = need(call.body, TEV.Address)
        if all(each.address != address for each, _ in self._brokers.entries()):
            raise Refusal(NO_ADDRESS)
        self._brokers.remove(address, by=call.account)

    def _topics(self, given: Element) -> list[str] | None:
        wanted = given.find(TEV.PublishFilter)
        if wanted is None:
            return None
        try:
            return list(expressions(wanted, self._known)) or None
        except Refusal as error:
            raise Refusal(NOT_UNDERSTOOD, f"PublishFilter: {error}") from None


def _check_address(address: str) -> None:
    """Raises Refusal."""
    scheme, found, _ = address.partition("://")
    if found and scheme.lower() not in SCHEMES:
        raise Refusal(BAD_PROTOCOL, f"Address: the protocols are {', '.join(SCHEMES)}.")
    try:
        place(address)
    except ValueError as error:
        raise Refusal(BAD_ADDRESS, f"Address {error}.") from None


def _write(parent: Element, broker: EventBroker, status: Status) -> None:
    """tev:EventBrokerConfig. What was not given is not told."""
    sub(parent, TEV.Address, broker.address)
    sub(parent, TEV.TopicPrefix, broker.prefix)
    if broker.user:
        sub(parent, TEV.UserName, broker.user)
    if broker.certificate:
        sub(parent, TEV.CertificateID, broker.certificate)
    if broker.topics:
        write_topics(sub(parent, TEV.PublishFilter), broker.topics)
    if broker.qos is not None:
        sub(parent, TEV.QoS, broker.qos)
    sub(parent, TEV.Status, status)
