"""The kernel alone, by iproute2: for machines where nothing else keeps the network. There is no DHCP."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from device.durable import write_durably
from device.errors import Fault
from device.linux.run import run
from device.network.driver import NetworkUnavailable
from device.network.networkd import first_interface
from device.network.state import Interface, NetworkState, link_local4, read_state
from device.settings.network import Ipv4, Ipv6, Network

RESOLVER = Path("/etc/resolv.conf")
_SYSCTL = Path("/proc/sys/net/ipv6/conf")
_SECONDS = 10.0
_KEPT = {"linklayer", "ra", "random"}  #: of IPv6: the kernel's own addresses, which follow its switches


def commands(wanted: Network, now: Interface, routers: Sequence[str]) -> Iterator[str]:
    """What `ip -batch` is told (ip(8)) to make an interface so. What is there and shall stay is not touched. `routers`:
    those of now that were set by hand."""
    device = now.name
    shall = {f"{ip}/{prefix}": scope for ip, prefix, scope in _addresses(wanted, now.mac)}
    there = {
        f"{each.ip}/{each.prefix}"
        for each in now.addresses
        if each.ip.version == 4 or each.origin not in _KEPT
    }
    shall_route = {wanted.ipv4_router, wanted.ipv6_router if wanted.ipv6 is not Ipv6.OFF else ""} - {""}
    yield f"link set dev {device} up"
    for router in sorted(set(routers) - shall_route):
        yield f"route delete default via {router} dev {device}"
    for address in sorted(there - shall.keys()):
        yield f"address delete {address} dev {device}"
    for address in sorted(shall.keys() - there):
        nodad = " nodad" if ":" in address else ""
        yield f"address add {address} dev {device} scope {shall[address]}{nodad}"
    for router in sorted(shall_route):
        yield f"route replace default via {router} dev {device} onlink"


def _addresses(wanted: Network, mac: str) -> Iterator[tuple[str, int, str]]:
    if wanted.ipv4 is Ipv4.MANUAL:
        yield wanted.ipv4_address, wanted.ipv4_prefix, "global"
    if wanted.link_local and mac:
        yield str(link_local4(mac)), 16, "link"
    if wanted.ipv6 is not Ipv6.OFF and wanted.ipv6_address:
        yield wanted.ipv6_address, wanted.ipv6_prefix, "global"


def switches(wanted: Network) -> dict[str, str]:
    """Of /proc/sys/net/ipv6/conf (Documentation/networking/ip-sysctl)."""
    advertised = "1" if wanted.ipv6.made else "0"
    return {
        "disable_ipv6": "1" if wanted.ipv6 is Ipv6.OFF else "0",
        "accept_ra": advertised,
        "autoconf": advertised,
        "accept_ra_defrtr": "0" if wanted.ipv6_router else "1",
    }


class KernelNetwork:
    """Addresses and routes by iproute2, names by the resolver's file."""

    def __init__(self, resolver: Path = RESOLVER) -> None:
        self._resolver = resolver

    async def read(self) -> NetworkState:
        """NetworkDriver."""
        return await asyncio.to_thread(read_state, self._resolver)

    async def apply(self, wanted: Network) -> None:
        """NetworkDriver."""
        if wanted.ipv4 is Ipv4.AUTOMATIC or wanted.ipv6 is Ipv6.STATEFUL:
            raise NetworkUnavailable(
                "The kernel has no DHCP: addresses are set by hand, or systemd-networkd is used."
            )
        try:
            name = wanted.interface or await asyncio.to_thread(first_interface)
            for switch, value in switches(wanted).items():
                (_SYSCTL / name / switch).write_text(value)
            state = await self.read()
            now = next((each for each in state.interfaces if each.name == name), None)
            if now is None:
                now = Interface(name, _mac(name), 0, False, None, True, ())
            batch = "\n".join(commands(wanted, now, await self._old_routes(name, state))) + "\n"
            await run(["ip", "-batch", "-"], within=_SECONDS, stdin=batch.encode())
            if not wanted.dns_automatic:
                await asyncio.to_thread(write_durably, self._resolver, _resolver(wanted), mode=0o644)
            if wanted.hostname and not wanted.hostname_automatic:
                socket.sethostname(wanted.hostname)
        except OSError as error:
            raise NetworkUnavailable(f"The network cannot be set up: {error.strerror}") from error
        except Fault as error:
            raise NetworkUnavailable(str(error)) from error

    async def _old_routes(self, name: str, state: NetworkState) -> list[str]:
        """The routers that were set by hand before."""
        found = []
        for version in {each.version for each in state.gateways}:
            shown = await run(
                ["ip", "-json", f"-{version}", "route", "show", "default", "dev", name], within=_SECONDS
            )
            by_hand = [
                each
                for each in json.loads(shown or "[]")
                if each.get("protocol", "boot") in ("boot", "static")
            ]
            found += [each["gateway"] for each in by_hand if "gateway" in each]
        return found


def _mac(name: str) -> str:
    """Of an interface that has no address yet. Raises OSError: there is no such interface."""
    return Path("/sys/class/net", name, "address").read_text().strip()


def _resolver(wanted: Network) -> bytes:
    """resolv.conf(5)."""
    lines = [f"nameserver {each}" for each in wanted.dns_servers]
    if wanted.search_domains:
        lines.append("search " + " ".join(wanted.search_domains))
    return "".join(f"{line}\n" for line in lines).encode()
