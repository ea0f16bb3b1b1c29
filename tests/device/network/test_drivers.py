"""Each driver of a network keeps the contract, where it can run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from pydantic import ValidationError

from device.linux.host import interfaces
from device.linux.run import ProgramFailed
from device.network.driver import NetworkUnavailable
from device.network.networkd import FILE, NetworkdNetwork, read_lease, render
from device.network.rivals import other_keeper
from device.network.simulated import LEASE, LEASED, LEASED6, ROUTER4, Lan, SimulatedNetwork
from device.network.state import link_local4
from device.settings.network import Ipv4, Ipv6, Network
from tests.device.network.contract import Contract, Names, Rig

ROOT = Path(__file__).parents[3]


@pytest.fixture
def rig() -> Rig:
    return Rig(SimulatedNetwork(), "lan0")


class TestSimulated(Contract, Names):
    """All of the contract, and a network with DHCP."""

    async def test_dhcp_gives_address_router_names_and_time_servers(self, rig: Rig) -> None:
        await rig.driver.apply(Network(interface="lan0"))
        state = await rig.driver.read()
        assert LEASED in rig.own(state).addresses
        assert ROUTER4 in state.gateways
        assert (state.hostname, state.dns, state.search) == (LEASE.hostname, LEASE.dns, LEASE.search)
        assert state.lease == LEASE
        await rig.driver.apply(Network(interface="lan0", ipv6=Ipv6.STATEFUL))
        assert LEASED6 in rig.own(await rig.driver.read()).addresses

    async def test_without_dhcp_there_is_a_link_local_address(self) -> None:
        driver = SimulatedNetwork()
        driver.lan = Lan(dhcp=False, router=False)
        await driver.apply(Network())
        state = await driver.read()
        assert {each.origin for each in state.interfaces[0].addresses} == {"linklayer"}
        assert not state.gateways
        assert not state.lease.ntp


@pytest.mark.proves("M-136", "M-139", "M-150", "M-151", "M-152", "M-163", "M-164")
@pytest.mark.timeout(450)
def test_the_kernel_and_chrony_in_a_network_of_their_own(tmp_path: Path) -> None:
    """In namespaces that are made for it: neither network nor clock of this machine is touched."""
    apart = ["unshare", "--user", "--map-root-user", "--net", "--uts", "--mount", "--fork"]
    env = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    if subprocess.run([*apart, "true"], env=env, capture_output=True, check=False).returncode != 0:
        pytest.skip(
            "this machine lets nobody make namespaces: the kernel's driver and chrony are NOT tested here"
        )
    inside = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--reruns=0"]
    inside += [f"--basetemp={tmp_path / 'in'}", "tests/device/network/inside.py"]
    mounted = 'mount -t sysfs none /sys && mount -t tmpfs none /run && exec "$@"'
    done = subprocess.run(
        [*apart, "sh", "-c", mounted, "sh", *inside],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


# ------------------------------------------------------------------------------------------- systemd-networkd


@pytest.mark.proves("M-149", "M-155", "M-162")
def test_networkd_is_told_to_ask_dhcp_for_everything() -> None:
    assert _lines(render(Network(), "enp2s0")) == {
        "Match": ["Name=enp2s0"],
        "Network": ["DHCP=ipv4", "LinkLocalAddressing=yes", "IPv6AcceptRA=yes"],
        "DHCPv4": ["UseDNS=yes", "UseDomains=yes", "UseHostname=no", "UseGateway=yes"],
        "DHCPv6": ["UseDNS=yes", "UseDomains=yes", "UseAddress=yes"],
        "IPv6AcceptRA": ["UseDNS=yes", "UseDomains=yes", "UseGateway=yes", "DHCPv6Client=yes"],
    }


@pytest.mark.proves("M-150", "M-151", "M-152", "M-163", "M-164")
def test_networkd_is_told_what_was_set_by_hand() -> None:
    wanted = Network(
        ipv4=Ipv4.MANUAL,
        ipv4_address="192.0.2.9",
        ipv4_prefix=26,
        ipv4_router="192.0.2.1",
        link_local=False,
        ipv6=Ipv6.MANUAL,
        ipv6_address="2001:DB8::9",
        dns_automatic=False,
        dns_servers=("192.0.2.53", "2001:db8::53"),
        search_domains=("example.com", "example.net"),
    )
    told = _lines(render(wanted, "enp2s0"))
    assert told["Network"] == [
        "DHCP=no",
        "LinkLocalAddressing=ipv6",
        "IPv6AcceptRA=no",
        "Address=192.0.2.9/26",
        "Address=2001:db8::9/64",
        "Gateway=192.0.2.1",
        "DNS=192.0.2.53",
        "DNS=2001:db8::53",
        "Domains=example.com example.net",
    ]
    assert "UseDNS=no" in told["DHCPv4"]
    assert "UseGateway=no" in told["DHCPv4"]


def _lines(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            found[line.strip("[]")] = []
        elif line and not line.startswith("#"):
            list(found.values())[-1].append(line)
    return found


async def test_networkd_is_bothered_only_where_something_changed(tmp_path: Path) -> None:
    said: list[Sequence[str]] = []

    async def program(argv: Sequence[str]) -> str:
        said.append(argv)
        return ""

    driver = NetworkdNetwork(tmp_path, tmp_path, tmp_path / "resolv.conf", program)
    wanted = Network(interface="lan0", hostname_automatic=False, hostname="recorder-1")
    await driver.apply(wanted)
    assert said == [["networkctl", "reload"], ["hostnamectl", "--static", "hostname", "--", "recorder-1"]]
    assert "Name=lan0" in (tmp_path / FILE).read_text()
    await driver.apply(wanted.model_copy(update={"hostname": ""}))
    assert said[2:] == []


@pytest.mark.proves("M-156")
async def test_the_name_of_dhcp_is_the_machines_and_else_the_one_that_was_set(tmp_path: Path) -> None:
    named: list[str] = []

    async def program(argv: Sequence[str]) -> str:
        named.extend(argv[-1:] if argv[0] == "hostnamectl" else ())
        return ""

    number = next(one.number for one in interfaces() if one.name == "lo")
    driver = NetworkdNetwork(tmp_path, tmp_path, tmp_path / "resolv.conf", program)
    await driver.apply(Network(interface="lo"))
    assert named == [], "a machine that nobody names keeps its name"
    await driver.apply(Network(interface="lo", hostname="below"))
    (tmp_path / str(number)).write_text("HOSTNAME=leased\n")
    await driver.apply(Network(interface="lo", hostname="below"))
    assert named == ["below", "leased"]


async def test_networkd_that_refused_is_asked_again(tmp_path: Path) -> None:
    asked: list[Sequence[str]] = []

    async def program(argv: Sequence[str]) -> str:
        asked.append(argv)
        if len(asked) == 1:
            raise ProgramFailed("networkctl", 1, "Interactive authentication required.", "")
        return ""

    driver = NetworkdNetwork(tmp_path, tmp_path, tmp_path / "resolv.conf", program)
    with pytest.raises(NetworkUnavailable, match="authentication required"):
        await driver.apply(Network(interface="lan0"))
    await driver.apply(Network(interface="lan0"))
    assert asked == [["networkctl", "reload"]] * 2


async def test_networkd_that_does_not_run_is_named(tmp_path: Path) -> None:
    async def program(argv: Sequence[str]) -> str:
        said = "Failed to reload network settings: Unit dbus-org.freedesktop.network1.service not found."
        raise ProgramFailed(argv[0], 1, said, "")

    driver = NetworkdNetwork(tmp_path, tmp_path, tmp_path / "resolv.conf", program)
    with pytest.raises(NetworkUnavailable, match="systemd-networkd does not run"):
        await driver.apply(Network(interface="lan0"))


def test_who_else_sets_an_interface_up_is_found(tmp_path: Path) -> None:
    """Files as NetworkManager 1.42 and ifupdown 0.8.41 leave them."""
    assert other_keeper("lo", tmp_path) == ""
    (tmp_path / "network").mkdir()
    (tmp_path / "network" / "ifstate").write_text("lo=lo\nenp0s3=home\n")
    assert other_keeper("enp0s3", tmp_path).startswith("ifupdown")
    assert other_keeper("enp0s", tmp_path) == ""
    number = next(one.number for one in interfaces() if one.name == "lo")
    (tmp_path / "NetworkManager" / "devices").mkdir(parents=True)
    (tmp_path / "NetworkManager" / "devices" / str(number)).write_text("[device]\nmanaged=true\n")
    assert other_keeper("lo", tmp_path) == "NetworkManager"


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NetworkUnavailable, match="nowhere"):
        await NetworkdNetwork(tmp_path / "nowhere").apply(Network(interface="lan0"))


def test_what_dhcp_told_is_read_from_networkds_lease() -> None:
    told = (
        "# This is private data. Do not parse.",
        "ADDRESS=10.77.0.55",
        "DNS=10.77.0.1 junk",
        "NTP=10.77.0.1 time.example",
        "DOMAINNAME=lab.example",
        "DOMAIN_SEARCH_LIST=lab.example more.example",
        "HOSTNAME=nvr",
    )
    lease = read_lease("\n".join(told))
    assert lease.dns == (IPv4Address("10.77.0.1"),)
    assert lease.ntp == ("10.77.0.1", "time.example")
    assert lease.search == ("lab.example", "more.example")
    assert lease.hostname == "nvr"


# ------------------------------------------------------------------------------------------------- settings


@pytest.mark.proves("M-157")
@pytest.mark.parametrize("name", ["Recorder_1", "a b", "-a", "a-", "räv", "a.b", "x" * 64])
def test_a_host_name_has_letters_digits_and_hyphens(name: str) -> None:
    with pytest.raises(ValidationError, match=r"A-Z|at most 63"):
        Network(hostname=name)
    assert Network(hostname="Recorder-1").hostname == "Recorder-1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ipv4_address", "10.1.1"),
        ("ipv4_address", "224.0.0.1"),
        ("ipv4_router", "::1"),
        ("ipv6_address", "FF02:1"),
        ("dns_servers", ("10.1.1",)),
        ("dns_servers", ("192.0.2.1",) * 4),
        ("search_domains", ("exa mple",)),
        ("ipv4_prefix", 33),
        ("ipv4", "manual"),
    ],
)
def test_what_is_no_address_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Network.model_validate({field: value})


def test_a_link_local_address_leaves_out_what_is_reserved() -> None:
    """RFC 3927 s2.1: neither the first nor the last 256."""
    for mac in ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "02:11:22:33:44:55"):
        assert IPv4Address("169.254.1.0") <= link_local4(mac) <= IPv4Address("169.254.254.255")
