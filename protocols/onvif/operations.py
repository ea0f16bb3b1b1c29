"""The table of operations: what can be asked, who may ask it, who answers, and with what it may be refused.

A service is a module of `protocols.onvif.services` with its rows. To add one:

    _NO_RECORDING = ((NotFound, invalid("NoRecording", "There is no such recording")),)

    class Recording:
        '''Recording Control (ONVIF Recording Control s5).'''

        def __init__(self, recordings: Recordings) -> None:   # a Protocol, beside it or in device/
            self._recordings = recordings

        async def get_recordings(self, call: Call, reply: Element) -> None:
            for recording in self._recordings.list():
                item = sub(reply, TRC.RecordingItem)
                sub(item, TT.RecordingToken, recording.token)
                ...

        async def delete_recording(self, call: Call, reply: Element) -> None:
            self._recordings.delete(need(call.body, TRC.RecordingToken), by=call.account)   # raises NotFound

        def capabilities(self, element: Element) -> None:     # the attributes of trc:Capabilities
            element.set("DynamicRecordings", "true")

        def service(self) -> Service:
            return Service(
                TRC, "/onvif/recording_service", (26, 6), "RecordingPort", self.capabilities,
                (
                    #         operation          access class       answered by           refused with
                    Operation("GetRecordings",   Access.READ_MEDIA, self.get_recordings),
                    Operation("DeleteRecording", Access.ACTUATE,    self.delete_recording, _NO_RECORDING),
                ),
                Legacy("Recording", extension=True, fill=self.legacy),   # for GetCapabilities, in the XSD's order
            )

and hand `Recording(...).service()` to the `Responder` (in `integration/onvif.py`). The rest comes from the table:
dispatch by the body's qualified name, access control, faults, GetServices, GetCapabilities, and GetServiceCapabilities,
which every service has without a row. The reply element, named after the operation with `Response`, is handed in and
is filled with `sub`; requests are read with what `protocols.onvif.xml` offers. A handler may await as long as it likes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from device.accounts.rights import Media, Rights
from device.accounts.role import Role
from device.errors import HoldfastError
from device.media import Utc
from device.recordings.names import camera_of
from protocols.onvif.faults import Kind
from protocols.onvif.names import Namespace
from protocols.onvif.xml import Element, sub


class Access(Enum):
    """Access classes (ONVIF Core s5.9.4)."""

    PRE_AUTH = "PRE_AUTH"
    READ_SYSTEM = "READ_SYSTEM"
    READ_SYSTEM_SENSITIVE = "READ_SYSTEM_SENSITIVE"
    READ_SYSTEM_SECRET = "READ_SYSTEM_SECRET"  # noqa: S105 - no password
    WRITE_SYSTEM = "WRITE_SYSTEM"
    UNRECOVERABLE = "UNRECOVERABLE"
    READ_MEDIA = "READ_MEDIA"
    ACTUATE = "ACTUATE"


#: The lowest role that has each class: the default access policy. None: nobody need say who he is.
LEAST: Mapping[Access, Role | None] = {
    Access.PRE_AUTH: None,
    Access.READ_SYSTEM: Role.VIEWER,
    Access.READ_SYSTEM_SENSITIVE: Role.OPERATOR,
    Access.READ_SYSTEM_SECRET: Role.ADMINISTRATOR,
    Access.WRITE_SYSTEM: Role.ADMINISTRATOR,
    Access.UNRECOVERABLE: Role.ADMINISTRATOR,
    Access.READ_MEDIA: Role.VIEWER,
    Access.ACTUATE: Role.OPERATOR,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as an operation sees it."""

    body: Element  #: the operation's element; its children are the arguments
    to: str  #: wsa:To; empty where it is not sent
    path: str  #: of the URL that was asked
    base: (
        str  #: scheme, host and port as the client reached us: http://192.0.2.1:8080; addresses begin with it
    )
    host: str  #: the host of it; IPv6 in brackets
    account: str  #: who asks; empty where nobody need say it
    rights: Rights  #: what he may see
    peer: str  #: the address that the request came from
    now: Utc

    def watches(self, profile: str) -> bool:
        """Whether who asks may watch a camera's streams live; else they are not there for him. `profile`: the token of
        one of them, or the camera's key."""
        return self.rights.may_see(camera_of(profile)[0], Media.LIVE)

    def plays(self, recording: str) -> bool:
        """The same of what was recorded."""
        return self.rights.may_see(camera_of(recording)[0], Media.RECORDED)


Handler = Callable[[Call, Element], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One row."""

    name: str  #: of the request's element
    access: Access
    handler: Handler  #: fills in the reply, or returns it as octets, or raises a HoldfastError
    faults: tuple[tuple[type[HoldfastError], Kind], ...] = ()  #: what the device's errors are told as
    space: Namespace | None = None  #: of the element, where it is not the service's
    port: str = ""  #: namespace and port type of the WSDL, where they are not the service's: for wsa:Action


@dataclass(frozen=True, slots=True)
class Legacy:
    """How GetCapabilities shows a service (ONVIF Core s8.1.2.1)."""

    category: str  #: the element's name
    extension: bool  #: it stands in Extension
    fill: Callable[[Element], None]  #: appends what comes behind XAddr


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its rows, and what is said of it."""

    space: Namespace
    path: str  #: of its URL; begins with /onvif/
    version: tuple[int, int]  #: of the specification
    port: str  #: port type of the WSDL
    capabilities: Callable[[Element], None]  #: sets the attributes of its Capabilities element
    operations: tuple[Operation, ...]
    legacy: Legacy | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An operation in the table."""

    service: Service
    operation: Operation

    @property
    def request(self) -> str:
        """Qualified name of the request's element."""
        return (self.operation.space or self.service.space).name(self.operation.name)

    @property
    def action(self) -> str:
        """wsa:Action of the reply (WS-Addressing 1.0 Metadata s4.4.4)."""
        port = self.operation.port or f"{self.service.space}/{self.service.port}"
        return f"{port}/{self.operation.name}Response"


class Table:
    """All services of a device."""

    def __init__(self, services: Iterable[Service]) -> None:
        """Raises ValueError: an operation stands in it twice."""
        self.services = tuple(services)
        self._rows: dict[str, Row] = {}
        for service in self.services:
            for operation in (*service.operations, _describe(service)):
                row = Row(service, operation)
                if row.request in self._rows:
                    raise ValueError(f"{row.request} stands in the table twice.")
                self._rows[row.request] = row

    def find(self, request: str) -> Row | None:
        """The row of a request's element; None: it is not supported."""
        return self._rows.get(request)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())


def _describe(service: Service) -> Operation:
    """GetServiceCapabilities, which every service has."""

    async def answer(call: Call, reply: Element) -> None:  # noqa: ARG001 - the same for all
        describe(service, reply)

    return Operation("GetServiceCapabilities", Access.PRE_AUTH, answer)


def describe(service: Service, parent: Element) -> None:
    """Append a service's Capabilities element."""
    service.capabilities(sub(parent, service.space.Capabilities))
