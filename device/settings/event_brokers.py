"""Event brokers: at most eight, each of which is sent the events as ONVIF tells them (ONVIF Core, Event Broker)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, StringConstraints

from device.accounts.role import Role
from device.settings.section import N_, Field, Interrupts, Keep, Required, Section
from device.settings.tls import Authorities, Identity, authorities, identity

MOST = 8
MOST_TOPICS = 32
LONGEST_TOPIC = 1024  #: characters of an expression
USUAL_PATH = "/mqtt"  #: under which brokers listen for WebSocket, where the address names no other
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}", re.ASCII)
_PREFIX = re.compile(r"[^/+#\0]+(/[^/+#\0]+)*")


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a broker is reached."""

    port: int  #: unless the address names another
    tls: bool
    websocket: bool


SCHEMES = {
    "mqtt": Scheme(1883, tls=False, websocket=False),
    "mqtts": Scheme(8883, tls=True, websocket=False),
    "ws": Scheme(80, tls=False, websocket=True),
    "wss": Scheme(443, tls=True, websocket=True),
}


@dataclass(frozen=True, slots=True)
class Place:
    """What an address says."""

    scheme: Scheme
    host: str
    port: int
    path: str  #: of the WebSocket; empty: there is none


def place(address: str) -> Place:
    """`scheme://host:port[/path]`, with a path for WebSocket alone. Raises ValueError."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"is no address: {error}") from None
    scheme = SCHEMES.get(parts.scheme)
    if scheme is None:
        raise ValueError(f"must begin with one of {', '.join(f'{name}://' for name in SCHEMES)}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must be without user and password: they have settings of their own")
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or port == 0:
        raise ValueError("must name a host and a port, such as mqtt://192.0.2.7:1883")
    if any(not 33 <= ord(char) < 127 for char in address) or parts.query or parts.fragment:
        raise ValueError("must be scheme://host:port, behind which only a path may stand")
    if parts.path and not scheme.websocket:
        raise ValueError("may have a path with ws:// and wss:// only")
    path = (parts.path or USUAL_PATH) if scheme.websocket else ""
    return Place(scheme, host, port or scheme.port, path)


def _address(address: str) -> str:
    place(address)
    return address


def _prefix(prefix: str) -> str:
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("must be of one or several names with / between them, without + and #")
    return prefix


def _qos(qos: int) -> int:
    if not 0 <= qos <= 2:
        raise ValueError("must be 0, 1 or 2")
    return qos


Address = Annotated[str, AfterValidator(_address)]
Prefix = Annotated[str, AfterValidator(_prefix)]
Qos = Annotated[int, AfterValidator(_qos)]
Expression = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TOPIC)]


class EventBroker(
    Section,
    section="event_brokers",
    heading=N_("ONVIF event brokers"),
    key=r"[a-z0-9][a-z0-9-]{0,31}",
    most=MOST,
    restore=Keep.NO,
    role=Role.ADMINISTRATOR,
):
    """One broker. It is served as long as it stands here."""

    address: Address = Required(
        title=N_("Address"),
        help=N_("Such as mqtt://192.0.2.7:1883; with TLS mqtts://, over WebSocket ws:// and wss://."),
        max_length=512,
        interrupts=Interrupts.NOTHING,
    )
    prefix: Prefix = Required(
        title=N_("Topic prefix"),
        help=N_("All topics begin with it; it tells this recorder from others."),
        max_length=200,
        interrupts=Interrupts.NOTHING,
    )
    user: str = Field("", title=N_("User"), max_length=255)
    password: SecretStr = Field(SecretStr(""), title=N_("Password"), max_length=255)
    verify: bool = Field(
        False,
        title=N_("Check the broker's certificate"),
        help=N_("ONVIF's clients cannot ask for it; what is set here stays when they change the rest."),
    )
    authorities: Authorities = authorities("verify")
    certificate: Identity = identity("")
    qos: Qos | None = Field(
        None,
        title=N_("Quality of service"),
        help=N_("0: at most once, 1: at least once, 2: exactly once while the connection lasts. None: 1."),
    )
    topics: tuple[Expression, ...] = Field(
        (),
        title=N_("Topics"),
        help=N_("Expressions of ONVIF, such as tns1:Device//. for all below. None: every event."),
        max_length=MOST_TOPICS,
    )

    @property
    def place(self) -> Place:
        """What its address says."""
        return place(self.address)
