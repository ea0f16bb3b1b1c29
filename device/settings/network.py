"""The network of the recorder's machine: its name, its addresses, and whom it asks for names."""

from __future__ import annotations

import re
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated

from pydantic import AfterValidator, model_validator

from device.accounts.role import Role
from device.settings.chassis import Interface
from device.settings.section import N_, Field, Interrupts, Keep, Section

LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)", re.ASCII)
DOMAIN = re.compile(rf"{LABEL.pattern}(\.{LABEL.pattern})*", re.ASCII)
MOST_SERVERS = 3  #: resolv.conf(5): more are not asked
MOST_DOMAINS = 6
GIVEN = "keeper != 'system'"
HELD = Interrupts.SESSIONS  #: who is connected must connect again, at another address perhaps


def _hostname(text: str) -> str:
    if text and not LABEL.fullmatch(text):
        raise ValueError(
            "must be A-Z, a-z, 0-9 and '-', not at an end, and at most 63 of them (RFC 1123 s2.1)"
        )
    return text


def _domain(text: str) -> str:
    if len(text) > 253 or not DOMAIN.fullmatch(text):
        raise ValueError(
            "must be a domain name such as example.com, of at most 253 characters (RFC 1123 s2.1)"
        )
    return text


def _address4(text: str) -> str:
    return text and str(_usable(IPv4Address(text)))


def _address6(text: str) -> str:
    return text and str(_usable(IPv6Address(text)))


def _server(text: str) -> str:
    return str(_usable(ip_address(text)))


def _usable(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if ip.is_multicast or ip.is_unspecified:
        raise ValueError(f"{ip} is no address of one machine")
    return ip


HostLabel = Annotated[str, AfterValidator(_hostname)]
Domain = Annotated[str, AfterValidator(_domain)]
OptionalIpv4 = Annotated[str, AfterValidator(_address4)]
OptionalIpv6 = Annotated[str, AfterValidator(_address6)]
Server = Annotated[str, AfterValidator(_server)]


class NetworkKeeper(Enum):
    """Who sets the machine's network up."""

    SYSTEM = "system"  #: whoever manages the machine; these settings do nothing
    NETWORKD = "networkd"  #: Holdfast, by systemd-networkd
    KERNEL = "kernel"  #: Holdfast, by the kernel alone: there is no DHCP
    SIMULATED = "simulated"


class Ipv4(Enum):
    """Where the IPv4 address comes from."""

    AUTOMATIC = "automatic"  #: DHCP
    MANUAL = "manual"
    NONE = "none"  #: the link-local one at most


class Ipv6(Enum):
    """Where IPv6 addresses come from."""

    AUTOMATIC = "automatic"  #: as the routers say
    ADVERTISED = "advertised"  #: made of what the routers advertise (RFC 4862), and nothing else
    STATELESS = "stateless"  #: the same, with name servers of DHCPv6
    STATEFUL = "stateful"  #: DHCPv6 (RFC 8415)
    MANUAL = "manual"  #: the link-local one, and the address below
    OFF = "off"

    @property
    def made(self) -> bool:
        """Addresses are made of what routers advertise."""
        return self in (Ipv6.AUTOMATIC, Ipv6.ADVERTISED, Ipv6.STATELESS)


class Network(Section, section="network", heading=N_("Network"), restore=Keep.YES, role=Role.ADMINISTRATOR):
    """The machine's network."""

    keeper: NetworkKeeper = Field(
        NetworkKeeper.SYSTEM,
        title=N_("Who sets it up"),
        help=N_("While the system does, the settings below do nothing."),
        interrupts=HELD,
        box=True,
    )
    interface: Interface = Field(
        "",
        title=N_("Network interface"),
        help=N_("Such as enp2s0. Empty: the first that has hardware behind it."),
        max_length=15,
        when=GIVEN,
        interrupts=HELD,
        box=True,
    )
    hostname_automatic: bool = Field(
        True, title=N_("Host name from DHCP"), help=N_("Where DHCP names none, the one below."), when=GIVEN
    )
    hostname: HostLabel = Field(
        "", title=N_("Host name"), help=N_("Empty: the machine keeps its own."), max_length=63, when=GIVEN
    )
    ipv4: Ipv4 = Field(Ipv4.AUTOMATIC, title=N_("IPv4"), when=GIVEN, interrupts=HELD)
    ipv4_address: OptionalIpv4 = Field(
        "", title=N_("IPv4 address"), max_length=15, when="ipv4 == 'manual'", interrupts=HELD
    )
    ipv4_prefix: int = Field(
        24,
        title=N_("Length of the prefix"),
        help=N_("24 is the subnet mask 255.255.255.0."),
        unit="bit",
        ge=1,
        le=32,
        when="ipv4 == 'manual'",
        interrupts=HELD,
    )
    ipv4_router: OptionalIpv4 = Field(
        "",
        title=N_("IPv4 router"),
        help=N_("Empty: the one that DHCP names."),
        max_length=15,
        when=GIVEN,
        interrupts=HELD,
    )
    link_local: bool = Field(
        True,
        title=N_("Link-local IPv4 address"),
        help=N_("Of 169.254.0.0/16, where DHCP gives none (RFC 3927)."),
        when=GIVEN,
        interrupts=HELD,
    )
    ipv6: Ipv6 = Field(Ipv6.AUTOMATIC, title=N_("IPv6"), when=GIVEN, interrupts=HELD)
    ipv6_address: OptionalIpv6 = Field(
        "",
        title=N_("IPv6 address"),
        help=N_("Besides those that come by themselves. Empty: none."),
        max_length=45,
        when="ipv6 != 'off'",
        interrupts=HELD,
    )
    ipv6_prefix: int = Field(
        64,
        title=N_("Length of the IPv6 prefix"),
        unit="bit",
        ge=1,
        le=128,
        when="ipv6 != 'off'",
        interrupts=HELD,
    )
    ipv6_router: OptionalIpv6 = Field(
        "",
        title=N_("IPv6 router"),
        help=N_("Empty: the one that advertises itself."),
        max_length=45,
        when="ipv6 != 'off'",
        interrupts=HELD,
    )
    dns_automatic: bool = Field(
        True,
        title=N_("Name servers from DHCP"),
        help=N_("And its search domains. Those below are then not used."),
        when=GIVEN,
    )
    dns_servers: tuple[Server, ...] = Field(
        (), title=N_("Name servers"), help=N_("IP addresses."), max_length=MOST_SERVERS, when=GIVEN
    )
    search_domains: tuple[Domain, ...] = Field(
        (),
        title=N_("Search domains"),
        help=N_("Names without a dot are looked for in these."),
        max_length=MOST_DOMAINS,
        when=GIVEN,
    )
    confirm: int = Field(
        60,
        title=N_("Time to confirm"),
        help=N_(
            "A change by the web that could cut you off is taken back unless somebody confirms it by then, by a new "
            "connection. 0: it holds at once."
        ),
        unit="s",
        ge=0,
        le=600,
        when=GIVEN,
    )

    @model_validator(mode="after")
    def _whole(self) -> Network:
        if self.ipv4 is Ipv4.MANUAL and not self.ipv4_address:
            raise ValueError("IPv4 by hand needs an address")
        return self
