"""The recorder under test: where it is, what it told at the first contact, and what a case may do with it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from conformance.case import Failed, expect, provided
from conformance.onvif.client import Answer, Element, Fault, Login, Wire, read_fault
from conformance.onvif.names import PREFIXES, name
from conformance.onvif.schema import Missing, complaint, schema
from conformance.onvif.values import Tape, only, text
from conformance.rtsp.device import Address as RtspAddress
from conformance.rtsp.device import Device as RtspDevice
from conformance.suite import Unreachable
from conformance.transcript import Transcript

PATH = "/onvif/device_service"


@dataclass(frozen=True, slots=True)
class Address:
    """What a person says on the command line."""

    url: str  #: of the Device service
    login: Login
    schemas: bool  #: judge every reply by the official schemas
    disruptive: bool  #: restart it
    reset: str  #: how its settings are put back at the end: Soft, Hard, or not
    discovery: tuple[str, int]  #: where unicast probes go


@dataclass(frozen=True, slots=True)
class Service:
    """A row of GetServices."""

    url: str
    version: tuple[int, int]
    capabilities: Element | None


@dataclass(slots=True)
class Facts:
    """What the device told at the first contact."""

    services: dict[str, Service] = field(default_factory=dict)  #: by prefix; by namespace where it has none
    information: dict[str, str] = field(default_factory=dict)
    topics: frozenset[str] = frozenset()  #: paths without the prefix of the root: RecordingConfig/JobState
    tapes: tuple[Tape, ...] = ()  #: recordings, those with the most video first
    scopes: tuple[str, ...] = ()


@dataclass(slots=True)
class Device:
    """What one case works with."""

    address: Address
    facts: Facts
    transcript: Transcript
    wire: Wire
    _wires: list[Wire] = field(default_factory=list)
    _later: list[tuple[str, str, str | None]] = field(default_factory=list)
    _rtsp: list[RtspDevice] = field(default_factory=list)

    # ------------------------------------------------------------------------------------ asking

    async def call(
        self, operation: str, inner: str = "", *, url: str | None = None, header: str = ""
    ) -> Element:
        """`tds:GetHostname` and its arguments as XML: the reply's element, of the right name, valid by the schemas.
        Raises Failed."""
        answer = await self.wire.ask(self._url(operation, url), f"<{operation}>{inner}</{operation}>", header)
        return self.good(operation, answer)

    def good(self, operation: str, answer: Answer) -> Element:
        """The reply's element. Raises Failed unless the operation was done, and told as the schemas demand."""
        fault = self.fault(answer) if answer.status != 200 or b"Fault" in answer.octets else None
        expect(fault is None, f"{operation} was refused: {fault.said if fault else ''}")
        body = answer.body()
        wanted = name(operation) + "Response"
        expect(body.tag == wanted, f"{operation} was answered with {body.tag}")
        self._valid(operation, answer)
        return body

    async def refused(self, operation: str, inner: str, *codes: str, url: str | None = None) -> Fault:
        """It must be refused, with a fault that has these codes, if any are named. Raises Failed."""
        answer = await self.wire.ask(self._url(operation, url), f"<{operation}>{inner}</{operation}>")
        fault = self.fault(answer)
        expect(fault is not None, f"{operation} was not refused")
        assert fault is not None
        missing = [code for code in codes if code not in fault.codes]
        expect(not missing, f"{operation} was refused with {fault.said}; {', '.join(missing)} is demanded")
        return fault

    def fault(self, answer: Answer) -> Fault | None:
        """The fault in an answer, valid by the schemas. Raises Failed."""
        if answer.status == 401 and not answer.octets.lstrip().startswith(b"<"):
            return Fault(401, ("NotAuthorized",), "", ())
        found = read_fault(answer)
        if found is not None:
            expect(answer.status >= 400, f"a fault with HTTP {answer.status}")
            self._valid("the fault", answer)
        return found

    async def raw(self, operation: str, request: bytes) -> Answer:
        """Octets as they are, to the service of an operation, without an account."""
        return await self.wire.post(self._url(operation, None), request)

    def other(self, login: Login | None) -> Wire:
        """The same device seen by another account, or by nobody."""
        wire = Wire(self.transcript, login)
        self._wires.append(wire)
        return wire

    async def as_other(self, login: Login | None, operation: str, inner: str = "") -> Answer:
        """One operation by another account."""
        return await self.other(login).ask(self._url(operation, None), f"<{operation}>{inner}</{operation}>")

    def later(self, operation: str, inner: str, url: str | None = None) -> None:
        """Do this when the case has ended, however it ends."""
        self._later.append((operation, inner, url))

    def _valid(self, what: str, answer: Answer) -> None:
        if self.address.schemas:
            against = complaint(answer.root())
            expect(against is None, f"the reply to {what} is not valid by the official schemas: {against}")

    def _url(self, operation: str, url: str | None) -> str:
        if url is not None:
            return url
        prefix = operation.partition(":")[0]
        found = self.facts.services.get(prefix)
        if found is not None:
            return found.url
        expect(prefix == "tds", f"GetServices names no service for {operation}")
        return self.address.url

    # ------------------------------------------------------------------------------------ what it told

    def has(self, prefix: str) -> bool:
        """Whether it has a service."""
        return prefix in self.facts.services

    def capability(self, prefix: str, attribute: str, group: str | None = None) -> str | None:
        """An attribute of a service's capabilities, or of a group in them; None: it is not declared."""
        service = self.facts.services.get(prefix)
        told = service.capabilities if service is not None else None
        if told is not None and group is not None:
            told = told.find(f"{{{PREFIXES[prefix]}}}{group}")
        value: str | None = told.get(attribute) if told is not None else None
        return value

    def offers(self, prefix: str, attribute: str, group: str | None = None) -> bool:
        """Whether a capability is declared as true."""
        return self.capability(prefix, attribute, group) in ("true", "1")

    @property
    def tape(self) -> Tape:
        """The recording with the most video. Raises NotApplicable."""
        found = next((tape for tape in self.facts.tapes if tape.data("Video")), None)
        provided(found is not None, "there is no recording with video in it")
        assert found is not None
        return found

    # ------------------------------------------------------------------------------------ replay

    async def player(self, tape: Tape) -> RtspDevice:
        """A player for a recording, at the address that GetReplayUri tells. Raises Failed."""
        setup = (
            "<tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport>"
        )
        told = await self.call(
            "trp:GetReplayUri",
            f"<trp:StreamSetup>{setup}</trp:StreamSetup><trp:RecordingToken>{tape.token}</trp:RecordingToken>",
        )
        uri = text(told, "trp:Uri")
        parts = urlsplit(uri)
        expect(parts.scheme in ("rtsp", "rtsps") and bool(parts.hostname), f"GetReplayUri told {uri!r}")
        login = self.address.login
        where = RtspAddress(uri, uri, login.user, login.password, None, 90)
        device = RtspDevice(where, None, self.transcript)
        self._rtsp.append(device)
        return device

    async def close(self) -> None:
        """Undo what the case did, and hang up."""
        self.wire.transcript = Transcript()  # not the case's any more
        for operation, inner, url in reversed(self._later):
            with suppress(Failed):
                await self.wire.ask(self._url(operation, url), f"<{operation}>{inner}</{operation}>")
        for device in self._rtsp:
            await device.close()
        for wire in (self.wire, *self._wires):
            await wire.close()


@dataclass(frozen=True, slots=True)
class Contacted:
    """The device after the first contact."""

    address: Address
    facts: Facts

    @property
    def title(self) -> str:
        """The device and what it says of itself."""
        told = self.facts.information
        about = " ".join(told.get(key, "") for key in ("Manufacturer", "Model", "FirmwareVersion")).strip()
        judged = "" if self.address.schemas else "; replies not judged by the schemas"
        return f"{self.address.url} ({about}{judged})"

    @asynccontextmanager
    async def session(self, transcript: Transcript) -> AsyncIterator[Device]:
        """What one case works with."""
        device = Device(self.address, self.facts, transcript, Wire(transcript, self.address.login))
        try:
            yield device
        finally:
            await device.close()


def arguments(parser: ArgumentParser) -> None:
    """What the ONVIF suite asks for."""
    parser.add_argument(
        "--host", required=True, metavar="HOST", help="name or address, with :PORT if it is not 80"
    )
    parser.add_argument("--tls", action="store_true", help="speak HTTPS")
    parser.add_argument(
        "--disruptive",
        action="store_true",
        help="also restart the device, eight times; without it those cases stay open",
    )
    parser.add_argument(
        "--factory-default",
        choices=("Soft", "Hard"),
        default="",
        help="put its settings back at the very end: its accounts and perhaps its address are gone then",
    )
    parser.add_argument(
        "--no-schemas",
        action="store_true",
        help="do without the official schemas: replies are read, not validated",
    )
    parser.add_argument(
        "--discovery-port", type=int, default=3702, metavar="N", help="where unicast probes go (%(default)s)"
    )


async def contact(given: Namespace) -> Contacted:
    """The first contact: GetServices, GetDeviceInformation, topics and recordings. Raises Unreachable."""
    if not given.no_schemas:
        try:
            schema()
        except Missing as error:
            raise Unreachable(str(error)) from None
    url = f"{'https' if given.tls else 'http'}://{given.host}{PATH}"
    parts = urlsplit(url)
    if not parts.hostname or parts.username is not None:
        raise Unreachable(f"{given.host} is not of the form HOST[:PORT]; --user and --password are apart")
    address = Address(
        url,
        Login(given.user, given.password),
        not given.no_schemas,
        given.disruptive,
        given.factory_default,
        (parts.hostname, given.discovery_port),
    )
    # What is wrong with a reply is for the cases to say: the first contact only reads.
    device = Device(
        Address(url, address.login, schemas=False, disruptive=False, reset="", discovery=address.discovery),
        Facts(),
        Transcript(),
        Wire(Transcript(), address.login),
    )
    try:
        await _learn(device)
    except Failed as error:
        raise Unreachable(f"{url} does not answer as a device of ONVIF: {error}") from None
    finally:
        await device.close()
    return Contacted(address, device.facts)


async def _learn(device: Device) -> None:
    facts = device.facts
    told = await device.call("tds:GetServices", "<tds:IncludeCapability>true</tds:IncludeCapability>")
    facts.services = services(told)
    for each in await device.call("tds:GetDeviceInformation"):
        facts.information[each.tag.rpartition("}")[2]] = (each.text or "").strip()
    with suppress(Failed):
        found = await device.call("tds:GetScopes")
        facts.scopes = tuple(text(each, "tt:ScopeItem") for each in found)
    with suppress(Failed):
        properties = await device.call("tev:GetEventProperties")
        facts.topics = frozenset(topics(only(properties, "wstop:TopicSet")))
    with suppress(Failed):
        facts.tapes = await tapes(device)


def services(told: Element) -> dict[str, Service]:
    """GetServicesResponse, by prefix."""
    prefixes = {space: prefix for prefix, space in PREFIXES.items()}
    found = {}
    for each in told.findall(name("tds:Service")):
        space = text(each, "tds:Namespace")
        version = tuple(int(text(each, f"tds:Version/tt:{part}")) for part in ("Major", "Minor"))
        holder = each.find(name("tds:Capabilities"))
        inside = holder[0] if holder is not None and len(holder) else None
        prefix = prefixes.get(space, space)
        found[prefix] = Service(text(each, "tds:XAddr"), (version[0], version[1]), inside)
    return found


def topics(parent: Element, path: str = "") -> Iterable[str]:
    """Paths of the leaves of a topic set, without the prefix of the root."""
    for each in parent:
        if not isinstance(each.tag, str) or each.tag == name("tt:MessageDescription"):
            continue
        here = f"{path}/{each.tag.rpartition('}')[2]}".lstrip("/")
        if each.get(name("wstop:topic")) in ("true", "1"):
            yield here
        yield from topics(each, here)


async def tapes(device: Device) -> tuple[Tape, ...]:
    """All recordings as GetRecordings and GetRecordingInformation tell them, those with the most video first."""
    found = []
    for item in (await device.call("trc:GetRecordings")).findall(name("trc:RecordingItem")):
        token = text(item, "tt:RecordingToken")
        told = await device.call(
            "tse:GetRecordingInformation", f"<tse:RecordingToken>{token}</tse:RecordingToken>"
        )
        found.append(Tape.read(only(told, "tse:RecordingInformation")))
    return tuple(sorted(found, key=lambda tape: tape.seconds, reverse=True))
