"""Virtual hosts: the pages and the API under another name and port, with another way to come in."""

from __future__ import annotations

from enum import Enum

from device.accounts.role import Role
from device.settings.hosts import Port
from device.settings.section import N_, Field, Interrupts, Keep, Section


class HostAuthentication(Enum):
    """How one comes in at a virtual host."""

    BASIC = "basic"  #: name and password with each request (RFC 7617), over TLS alone
    DIGEST = "digest"  #: a proof of the password with each request (RFC 7616)
    OPENID = "openid"  #: a session after a login at the provider, or a provider's access token


class VirtualHost(
    Section,
    section="virtual_hosts",
    heading=N_("Virtual hosts"),
    restore=Keep.NO,
    role=Role.ADMINISTRATOR,
    key=r"[0-9A-Za-z-]{1,63}",
    most=16,
):
    """One of them. Its key is its server name."""

    enabled: bool = Field(True, title=N_("Enabled"), interrupts=Interrupts.SESSIONS)
    port: Port = Field(
        8444,
        title=N_("Port"),
        help=N_("Of HTTPS. Several hosts may share one; none of the recorder's other services may have it."),
        interrupts=Interrupts.SESSIONS,
    )
    authentication: HostAuthentication = Field(
        HostAuthentication.DIGEST, title=N_("Authentication"), interrupts=Interrupts.SESSIONS
    )
