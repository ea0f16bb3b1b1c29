"""MQTT: the broker, what it is told, and what it may tell us."""

from __future__ import annotations

import re
from enum import Enum
from typing import Annotated, Self

from pydantic import AfterValidator, SecretStr, model_validator

from device.accounts.role import Role
from device.settings.hosts import Port
from device.settings.section import N_, Field, Keep, Section
from device.settings.tls import Authorities, Identity, authorities, identity

_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}", re.ASCII)
_BASE = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", re.ASCII)


class MqttVersion(Enum):
    """Of the protocol."""

    V5 = "5"
    V311 = "3.1.1"


class MqttTransport(Enum):
    """How it is carried."""

    TCP = "tcp"
    WEBSOCKET = "websocket"


def _host(host: str) -> str:
    if host and not _HOST.fullmatch(host):
        raise ValueError("must be an IP address or a host name")
    return host


def _base(base: str) -> str:
    if not _BASE.fullmatch(base) or len(base) > 100:
        raise ValueError("must be up to 100 letters, digits, _ . - and / between them")
    return base


def _path(path: str) -> str:
    if not path.startswith("/") or any(not 33 <= ord(char) < 127 for char in path):
        raise ValueError("must begin with / and be without spaces")
    return path


Host = Annotated[str, AfterValidator(_host)]
Base = Annotated[str, AfterValidator(_base)]
Path = Annotated[str, AfterValidator(_path)]


class Mqtt(Section, section="mqtt", heading=N_("MQTT"), restore=Keep.NO, role=Role.ADMINISTRATOR):
    """The client of one broker. Off in a new installation."""

    enabled: bool = Field(False, title=N_("Enabled"))
    host: Host = Field("", title=N_("Broker"), help=N_("IP address or host name."), when="enabled")
    port: Port = Field(1883, title=N_("Port"), help=N_("Usually 1883, and 8883 with TLS."), when="enabled")
    version: MqttVersion = Field(MqttVersion.V5, title=N_("MQTT version"), when="enabled")
    transport: MqttTransport = Field(MqttTransport.TCP, title=N_("Transport"), when="enabled")
    path: Path = Field("/mqtt", title=N_("Path"), max_length=255, when="enabled and transport == 'websocket'")
    tls: bool = Field(
        False,
        title=N_("TLS"),
        help=N_("Without it everything is sent in the clear, the password too."),
        when="enabled",
    )
    verify: bool = Field(True, title=N_("Check the broker's certificate"), when="enabled and tls")
    authorities: Authorities = authorities("enabled and tls and verify")
    certificate: Identity = identity("enabled and tls")
    user: str = Field("", title=N_("User"), max_length=255, when="enabled")
    password: SecretStr = Field(SecretStr(""), title=N_("Password"), max_length=255, when="enabled")
    client: str = Field(
        "",
        title=N_("Client identifier"),
        help=N_("Empty: holdfast- and the serial number. Must differ from all others at the broker."),
        max_length=64,
        pattern=r"^[A-Za-z0-9_.-]*$",
        when="enabled",
    )
    topic: Base = Field(
        "holdfast",
        title=N_("Topic prefix"),
        help=N_("All topics begin with it and the serial number."),
        when="enabled",
    )
    keepalive: int = Field(30, title=N_("Keep alive"), unit="s", ge=5, le=3600, when="enabled")
    events: bool = Field(
        True, title=N_("Events"), help=N_("Every event on a topic of its own."), when="enabled"
    )
    onvif: bool = Field(
        False,
        title=N_("ONVIF events"),
        help=N_("The same as ONVIF's event broker would send them (onvif-ej)."),
        when="enabled",
    )
    home_assistant: bool = Field(
        True,
        title=N_("Home Assistant"),
        help=N_("States on topics of their own, and Home Assistant finds every device by itself."),
        when="enabled",
    )
    discovery: Base = Field("homeassistant", title=N_("Discovery prefix"), when="enabled and home_assistant")
    allow_poe: bool = Field(
        False,
        title=N_("Commands: PoE"),
        help=N_("Whoever may publish at the broker may switch and cycle ports that are not protected."),
        when="enabled",
    )
    allow_chassis: bool = Field(
        False, title=N_("Commands: box"), help=N_("Silence the buzzer."), when="enabled"
    )
    allow_recording: bool = Field(
        False,
        title=N_("Commands: recording"),
        help=N_("Switch cameras on and off, choose how they are recorded, trigger events."),
        when="enabled",
    )
    queue_mb: int = Field(
        64,
        title=N_("Events kept while the broker is away"),
        help=N_("The oldest are dropped first, and counted."),
        unit="MB",
        ge=1,
        le=10_000,
        when="enabled",
    )
    queue_days: float = Field(7.0, title=N_("For so long"), unit="d", ge=0.01, le=365, when="enabled")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.enabled and not self.host:
            raise ValueError("host is needed where MQTT is enabled")
        return self
