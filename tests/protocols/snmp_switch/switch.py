"""A PoE switch made of net-snmp's snmpd and simulated ports: a real agent, asked over UDP, with a PSE behind it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from device.poe.port import Detection, PortReading
from device.poe.power import watts
from device.poe.simulated import Ailment, Device, SimulatedPse
from protocols.snmp_switch.driver import Community, SwitchPse, User
from tests.device.poe.material import nobody

FORWARD = Path(__file__).with_name("forward.py")
FIRST_IFINDEX = 100  #: of port 1 is 101: an ifIndex is not a port's number
POE, IF_TABLE, IF_X_TABLE, CISCO = (
    "1.3.6.1.2.1.105.1",
    "1.3.6.1.2.1.2.2.1",
    "1.3.6.1.2.1.31.1.1.1",
    "1.3.6.1.4.1.9.9.402.1.2.1",
)
STATUS = {
    Detection.DISABLED: 1,
    Detection.SEARCHING: 2,
    Detection.DELIVERING: 3,
    Detection.FAULT: 4,
}
Oid = tuple[int, ...]


def _key(text: str) -> Oid:
    return tuple(int(part) for part in text.strip(".").split("."))


class Switch:
    """The switch, its driver, and hands. Implements the contract's `Rig`."""

    driver: SwitchPse

    def __init__(self, *, measures: bool) -> None:
        self.pse = SimulatedPse(16, autonomous=True, changed=nobody)
        self.measures = measures
        self.stopped: Callable[[bool], object] = bool  #: set when the agent runs
        self._kept: dict[Oid, tuple[str, int | str]] | None = None  #: cells, until something changes
        self._shorts = dict.fromkeys(range(1, 17), 0)
        self._overloads = dict.fromkeys(range(1, 17), 0)
        self._power = 305

    # --- hands ---

    def plug(self, port: int, device: Device) -> None:
        self._kept = None
        self.pse.plug(port, device)

    def unplug(self, port: int) -> Device:
        self._kept = None
        return self.pse.unplug(port)

    def short(self, port: int) -> None:
        self._kept = None
        self.pse.ail(port, Ailment.SHORT)
        self._shorts[port] += 1

    def overload(self, port: int) -> None:
        self._kept = None
        self.pse.draw(port, watts(100))
        self._overloads[port] += 1

    def hide(self, hidden: bool) -> None:
        self.stopped(hidden)

    def supply(self, watts: int) -> None:
        """Let pethMainPsePower tell so much."""
        self._kept, self._power = None, watts

    # --- what snmpd asks ---

    async def cells(self) -> dict[Oid, tuple[str, int | str]]:
        """Every cell of every table: type as snmpd.conf(5) names it, and value."""
        if self._kept is not None:
            return self._kept
        cells: dict[Oid, tuple[str, int | str]] = {
            _key(f"{POE}.3.1.1.2.1"): ("gauge", self._power),
            _key(f"{POE}.3.1.1.3.1"): ("integer", 1),
        }
        for each in (await self.pse.read()).ports:
            cells |= self._port(each)
        self._kept = cells
        return cells

    def _port(self, each: PortReading) -> dict[Oid, tuple[str, int | str]]:
        port, index = each.port, FIRST_IFINDEX + each.port
        # A switch does not forget the class that it measured last.
        row: dict[str, tuple[str, int | str]] = {
            f"{POE}.1.1.3.1.{port}": ("integer", 1 if each.on else 2),
            f"{POE}.1.1.6.1.{port}": ("integer", STATUS[each.detection]),
            f"{POE}.1.1.9.1.{port}": ("string", each.device or "none"),
            f"{POE}.1.1.10.1.{port}": ("integer", 1 + (each.power_class or 0)),
            f"{POE}.1.1.11.1.{port}": ("counter", 0),
            f"{POE}.1.1.13.1.{port}": ("counter", self._overloads[port]),
            f"{POE}.1.1.14.1.{port}": ("counter", self._shorts[port]),
            f"{IF_TABLE}.7.{index}": ("integer", 1 if each.ethernet else 2),
            f"{IF_TABLE}.8.{index}": ("integer", 1 if each.link else 2),
            f"{IF_X_TABLE}.15.{index}": ("gauge", each.link or 0),
        }
        if self.measures:
            row[f"{CISCO}.9.1.{port}"] = ("gauge", each.drawn or 0)
        return {_key(name): value for name, value in row.items()}

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one `forward.py`, until snmpd ends it."""
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):  # the test is over
            while line := (await reader.readline()).decode().rstrip("\n"):
                command, name, *value = line.split("\t")
                told = await self._set(_key(name), value[0]) if command == "set" else None
                writer.write((told or await self._get(command, _key(name))).encode() + b"\n")
                await writer.drain()
        writer.close()

    async def _get(self, command: str, key: Oid) -> str:
        cells = await self.cells()
        if command == "getnext":
            key = min((other for other in cells if other > key), default=())
        if key not in cells:
            return "NONE"
        kind, value = cells[key]
        return "\t".join(("." + ".".join(map(str, key)), kind, str(value)))

    async def _set(self, key: Oid, value: str) -> str:
        number = int(value.split()[1])
        if key not in await self.cells():
            return "not-writable"
        if key[:-2] == _key(f"{POE}.1.1.3"):
            await self.pse.set_power(key[-1], number == 1)
        elif key[:-1] == _key(f"{IF_TABLE}.7"):
            await self.pse.set_ethernet(key[-1] - FIRST_IFINDEX, number == 1)
        else:
            return "not-writable"
        self._kept = None
        return "DONE"


SYS_UPTIME = bytes.fromhex("302602010104067075626c6963a019020101020100020100300e300c06082b060102010103000500")


def _await_answer(port: int) -> None:
    """Ask for sysUpTime until the agent answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.05)
        for _ in range(400):
            with contextlib.suppress(OSError):  # refused, or no answer yet
                asking.sendto(SYS_UPTIME, ("127.0.0.1", port))
                asking.recv(1500)
                return
    raise AssertionError("snmpd does not answer")


@dataclass(frozen=True, slots=True)
class Agent:
    """A running switch."""

    switch: Switch
    port: int  #: UDP


CONFIG = """\
agentaddress udp:127.0.0.1:{port}
rocommunity public
rwcommunity write
createUser manager SHA-256 "authenticate" AES "keep-secret"
rwuser manager priv
pass_persist .1.3.6.1.2.1.105 {forward}
pass_persist .1.3.6.1.2.1.2.2 {forward}
pass_persist .1.3.6.1.2.1.31.1.1 {forward}
pass_persist .1.3.6.1.4.1.9.9.402 {forward}
"""


@contextlib.asynccontextmanager
async def running(folder: Path, *, measures: bool) -> AsyncIterator[Agent]:
    """Run the switch on a free port of the loopback address."""
    switch = Switch(measures=measures)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = folder / "pse.sock"
    forward = f"{sys.executable} -S {FORWARD} {path}"
    (folder / "snmpd.conf").write_text(CONFIG.format(port=port, forward=forward))
    server = await asyncio.start_unix_server(switch.answer, path)
    files = ["-C", "-c", str(folder / "snmpd.conf"), "-Lf", str(folder / "log")]
    process = await asyncio.create_subprocess_exec(
        *("/usr/sbin/snmpd", "-f", *files, "-I", "-ifTable,-ifXTable"),
        env={**os.environ, "SNMP_PERSISTENT_DIR": str(folder / "state"), "MIBS": ""},
        start_new_session=True,
    )
    switch.stopped = lambda stopped: process.send_signal(signal.SIGSTOP if stopped else signal.SIGCONT)
    try:
        await asyncio.to_thread(_await_answer, port)
        yield Agent(switch, port)
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        await process.wait()
        server.close()


COMMUNITY = Community("write")
USER = User("manager", "authenticate", "keep-secret")
INTERFACES = tuple(range(FIRST_IFINDEX + 1, FIRST_IFINDEX + 17))
