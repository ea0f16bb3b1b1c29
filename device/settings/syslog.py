"""Remote syslog: servers that are told what happens."""

from __future__ import annotations

from enum import Enum

from pydantic import field_validator

from device.accounts.role import Role
from device.audit.logs import Log
from device.errors import Severity
from device.settings.hosts import HostName, Port
from device.settings.section import N_, Field, Interrupts, Keep, Required, Section
from device.settings.tls import Authorities, Identity, authorities, identity


class Form(Enum):
    """How messages are written."""

    RFC5424 = "rfc5424"
    RFC3164 = "rfc3164"
    AXIS = "axis"  #: as Axis' devices write them


class Transport(Enum):
    """How messages travel."""

    UDP = "udp"  #: RFC 5426
    TCP = "tcp"  #: RFC 6587, each message behind its length
    TLS = "tls"  #: RFC 5425

    @property
    def port(self) -> int:
        """The port of its servers unless another is set."""
        return _PORTS[self]


_PORTS = {Transport.UDP: 514, Transport.TCP: 601, Transport.TLS: 6514}


class Level(Enum):
    """Severities of RFC 5424 s6.2.1."""

    EMERGENCY = "emergency"
    ALERT = "alert"
    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"
    INFO = "info"
    DEBUG = "debug"

    @property
    def severity(self) -> Severity:
        """The same as a number."""
        return Severity[self.name]


class Syslog(
    Section,
    section="syslog",
    heading=N_("Remote syslog"),
    key=r"[a-z0-9][a-z0-9-]{0,31}",
    restore=Keep.NO,
    role=Role.ADMINISTRATOR,
):
    """One server."""

    enabled: bool = Field(True, title=N_("Enabled"))
    host: HostName = Required(
        title=N_("Host name or IP address"), max_length=255, interrupts=Interrupts.NOTHING
    )
    transport: Transport = Field(Transport.UDP, title=N_("Protocol"))
    port: Port | None = Field(
        None, title=N_("Port"), help=N_("None: 514 for UDP, 601 for TCP, 6514 for TLS.")
    )
    form: Form = Field(Form.RFC5424, title=N_("Format"))
    severity: Level = Field(
        Level.INFO, title=N_("Least severity"), help=N_("What is less severe is not sent.")
    )
    logs: tuple[Log, ...] = Field(
        (Log.SYSTEM, Log.ACCESS, Log.AUDIT), title=N_("Logs"), help=N_("Which are sent."), max_length=3
    )
    name: str = Field(
        "",
        title=N_("Own host name"),
        help=N_("How messages call this recorder. Empty: by the name of its machine."),
        max_length=255,
        pattern=r"^[!-~]*$",
    )
    utc: bool = Field(
        False,
        title=N_("Times in UTC"),
        help=N_("Otherwise in the recorder's zone; RFC 3164 does not say which."),
    )
    authorities: Authorities = authorities("transport == 'tls'")
    certificate: Identity = identity("transport == 'tls'")

    @field_validator("host")
    @classmethod
    def _named(cls, host: str) -> str:
        if not host:
            raise ValueError("must name a host")
        return host

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port if self.port is not None else self.transport.port
