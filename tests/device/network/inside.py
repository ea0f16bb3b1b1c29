"""The kernel's driver, and chrony, in a network of their own: run by `test_drivers` inside new namespaces."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from device.clock.chrony import ChronyClock
from device.linux.run import run
from device.network.driver import NetworkUnavailable
from device.network.kernel import KernelNetwork
from device.settings.clock import DateAndTime, TimeSource
from device.settings.network import Ipv6, Network
from tests.device.network.contract import Contract, Names, Rig

OTHER_END = "far0"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async def ip(*argv: str) -> None:
        await run(["ip", *argv], within=30)

    await ip("link", "add", "lan0", "type", "veth", "peer", "name", OTHER_END)
    await ip("link", "set", OTHER_END, "up")
    yield Rig(KernelNetwork(tmp_path / "resolv.conf"), "lan0")
    await ip("link", "delete", "lan0")


class TestKernel(Contract, Names):
    """All of the contract."""

    async def test_it_says_that_it_has_no_dhcp(self, rig: Rig) -> None:
        for asked in (Network(interface="lan0"), rig.by_hand(ipv6=Ipv6.STATEFUL)):
            with pytest.raises(NetworkUnavailable, match="has no DHCP"):
                await rig.driver.apply(asked)

    async def test_an_interface_that_is_not_there_is_named(self, rig: Rig) -> None:
        with pytest.raises(NetworkUnavailable, match="No such file"):
            await rig.driver.apply(rig.by_hand().model_copy(update={"interface": "lan9"}))

    async def test_others_reach_the_address(self, rig: Rig) -> None:
        """The address is one, and not only told."""
        await rig.driver.apply(rig.by_hand())
        await run(["ip", "address", "add", "198.51.100.9/24", "dev", OTHER_END], within=30)
        told = await run(["ip", "-json", "route", "get", "198.51.100.9", "from", "198.51.100.7"], within=30)
        assert "198.51.100.9" in told
        assert ip_address("198.51.100.7") in [each.ip for each in rig.own(await rig.driver.read()).addresses]


# ------------------------------------------------------------------------------------------- chrony

RUN = Path("/run/chrony")  #: of these namespaces alone: the path of a socket is short
SERVER = "192.0.2.1"


@contextlib.asynccontextmanager
async def chronyd(name: str, lines: Sequence[str]) -> AsyncIterator[Path]:
    """A chronyd that sets no clock (-x); the socket that it is asked by."""
    RUN.mkdir(mode=0o750, exist_ok=True)  # noqa: ASYNC240 - at once, in memory
    socket, file = RUN / f"{name}.sock", RUN / f"{name}.conf"
    own = (f"bindcmdaddress {socket}", f"pidfile {RUN / name}.pid", "cmdport 0")
    file.write_text("".join(f"{line}\n" for line in (*own, *lines)))
    process = await asyncio.create_subprocess_exec("chronyd", "-x", "-d", "-u", "root", "-f", str(file))
    try:
        deadline = time.monotonic() + 60
        while not socket.exists():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        yield socket
    finally:
        process.terminate()
        await process.wait()


async def test_a_real_chrony_follows_the_servers_of_the_settings_and_lets_them_go(tmp_path: Path) -> None:
    await run(["ip", "link", "set", "lo", "up"], within=30)
    await run(["ip", "address", "add", f"{SERVER}/32", "dev", "lo"], within=30)
    server = chronyd("server", ("local stratum 5", f"bindaddress {SERVER}", "allow all"))
    client = chronyd("client", (f"sourcedir {tmp_path}", "port 0"))
    async with server, client as socket:

        async def asked(argv: Sequence[str]) -> str:
            return await run([argv[0], "-h", str(socket), *argv[1:]], within=30)

        clock = ChronyClock(lambda: (SERVER,), tmp_path, asked)

        async def until(followed: str) -> None:
            deadline = time.monotonic() + 90
            while (await clock.read()).server != followed:
                assert time.monotonic() < deadline, await asked(["chronyc", "sources"])
                await asyncio.sleep(0.2)

        await until("")
        await clock.apply(DateAndTime())
        await until(SERVER)
        await clock.apply(DateAndTime(synchronized=False))
        sources = await asked(["chronyc", "-c", "sources"])
        assert sources.strip() == "", "nobody is asked any more"
        await clock.apply(DateAndTime(source=TimeSource.NTP, servers=(SERVER,)))
        assert SERVER in await asked(["chronyc", "-c", "sources"])
