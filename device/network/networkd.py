"""systemd-networkd: a file for the interface, written anew with each change (systemd.network(5))."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

from device.errors import Fault
from device.linux.host import interfaces
from device.linux.kept_file import KeptFile
from device.linux.run import ProgramFailed, run
from device.network.driver import NetworkUnavailable
from device.network.rivals import other_keeper
from device.network.state import Lease, NetworkState, read_state
from device.settings.network import Ipv4, Ipv6, Network

FOLDER = Path("/etc/systemd/network")
LEASES = Path("/run/systemd/netif/leases")
RESOLVER = Path("/run/systemd/resolve/resolv.conf")
FILE = "05-holdfast.network"  #: before those that distributions bring along
_SECONDS = 20.0

Run = Callable[[Sequence[str]], Awaitable[str]]
Lines = Iterator[tuple[str, str]]


async def _program(argv: Sequence[str]) -> str:
    return await run(argv, within=_SECONDS)


def render(wanted: Network, interface: str) -> str:
    """The file that makes an interface so."""
    sections: tuple[tuple[str, Lines], ...] = (
        ("Match", iter([("Name", interface)])),
        ("Network", _network(wanted)),
        ("DHCPv4", _dhcp4(wanted)),
        ("DHCPv6", _dhcp6(wanted)),
        ("IPv6AcceptRA", _advertised(wanted)),
    )
    shown = ["# Holdfast writes this file anew with each change of its settings.\n"]
    for name, lines in sections:
        shown.append(f"\n[{name}]\n" + "".join(f"{key}={value}\n" for key, value in lines))
    return "".join(shown)


def _network(wanted: Network) -> Lines:
    four, six = wanted.ipv4 is Ipv4.AUTOMATIC, wanted.ipv6 is Ipv6.STATEFUL
    yield "DHCP", {(True, True): "yes", (True, False): "ipv4", (False, True): "ipv6"}.get((four, six), "no")
    local = (wanted.link_local, wanted.ipv6 is not Ipv6.OFF)
    yield (
        "LinkLocalAddressing",
        {(True, True): "yes", (True, False): "ipv4", (False, True): "ipv6"}.get(local, "no"),
    )
    yield "IPv6AcceptRA", _yes(wanted.ipv6.made or six)
    if wanted.ipv4 is Ipv4.MANUAL:
        yield "Address", f"{wanted.ipv4_address}/{wanted.ipv4_prefix}"
    if wanted.ipv6 is not Ipv6.OFF and wanted.ipv6_address:
        yield "Address", f"{wanted.ipv6_address}/{wanted.ipv6_prefix}"
    if wanted.ipv4_router:
        yield "Gateway", wanted.ipv4_router
    if wanted.ipv6 is not Ipv6.OFF and wanted.ipv6_router:
        yield "Gateway", wanted.ipv6_router
    if not wanted.dns_automatic:
        for server in wanted.dns_servers:
            yield "DNS", server
        if wanted.search_domains:
            yield "Domains", " ".join(wanted.search_domains)


def _dhcp4(wanted: Network) -> Lines:
    yield "UseDNS", _yes(wanted.dns_automatic)
    yield "UseDomains", _yes(wanted.dns_automatic)
    yield "UseHostname", "no"  # see `NetworkdNetwork._name`
    yield "UseGateway", _yes(not wanted.ipv4_router)


def _dhcp6(wanted: Network) -> Lines:
    yield "UseDNS", _yes(wanted.dns_automatic)
    yield "UseDomains", _yes(wanted.dns_automatic)
    yield "UseAddress", _yes(wanted.ipv6 is not Ipv6.STATELESS)
    if wanted.ipv6 is Ipv6.STATEFUL:
        yield "WithoutRA", "solicit"


def _advertised(wanted: Network) -> Lines:
    yield "UseDNS", _yes(wanted.dns_automatic)
    yield "UseDomains", _yes(wanted.dns_automatic)
    yield "UseGateway", _yes(not wanted.ipv6_router)
    yield "DHCPv6Client", _yes(wanted.ipv6 is not Ipv6.ADVERTISED)


def _yes(on: bool) -> str:
    return "yes" if on else "no"


def read_lease(text: str) -> Lease:
    """What a file of networkd's folder of leases says: the file is private to systemd, so what is not understood is
    passed over."""
    told = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    servers = []
    for word in told.get("DNS", "").split():
        try:
            servers.append(ip_address(word))
        except ValueError:
            continue
    domains = (*told.get("DOMAINNAME", "").split(), *told.get("DOMAIN_SEARCH_LIST", "").split())
    return Lease(
        told.get("HOSTNAME", ""),
        tuple(servers),
        tuple(dict.fromkeys(domains)),
        tuple(told.get("NTP", "").split()),
    )


class NetworkdNetwork:
    """Holdfast's file in networkd's folder."""

    def __init__(
        self, folder: Path = FOLDER, leases: Path = LEASES, resolver: Path = RESOLVER, program: Run = _program
    ) -> None:
        self._folder = folder
        self._leases = leases
        self._resolver = resolver
        self._run = program
        self._file = KeptFile(folder / FILE, self._reload)

    async def read(self) -> NetworkState:
        """NetworkDriver."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> NetworkState:
        told = read_state(self._resolver if self._resolver.exists() else Path("/etc/resolv.conf"))
        for each in interfaces():
            lease = self._leases / str(each.number)
            if lease.exists():
                return replace(told, lease=read_lease(lease.read_text(errors="replace")))
        return told

    async def apply(self, wanted: Network) -> None:
        """NetworkDriver."""
        try:
            interface = wanted.interface or await asyncio.to_thread(first_interface)
            if rival := await asyncio.to_thread(other_keeper, interface):
                raise NetworkUnavailable(
                    f"{interface} is set up by {rival}, and not by systemd-networkd: one of them must leave it alone."
                )
            await self._file.hold(render(wanted, interface).encode())
            await self._name(wanted)
        except OSError as error:
            raise NetworkUnavailable(f"{self._folder}: {error.strerror}") from error
        except Fault as error:
            raise NetworkUnavailable(str(error)) from error

    async def _reload(self) -> None:
        """Raises Fault."""
        try:
            await self._run(["networkctl", "reload"])
        except ProgramFailed as error:
            if "network1.service not found" not in error.said:
                raise
            raise NetworkUnavailable("systemd-networkd does not run on this machine.") from error

    async def _name(self, wanted: Network) -> None:
        """The name of DHCP is given by hand, too: networkd's own way needs a machine without a static name
        (hostnamectl(1)), which is called localhost wherever DHCP names none."""
        leased = (await self.read()).lease.hostname if wanted.hostname_automatic else ""
        name = leased or wanted.hostname
        if name and name != os.uname().nodename:
            await self._run(["hostnamectl", "--static", "hostname", "--", name])


def first_interface() -> str:
    """The first interface that has hardware behind it. Raises OSError, NetworkUnavailable."""
    found = next((one.name for one in interfaces() if one.physical), "")
    if not found:
        raise NetworkUnavailable("There is no network card. Name the interface in the settings.")
    return found
