"""The machine's own ports through the kernel (Linux 6.12 and later), by the `ethtool` program (6.11 and later).

A port is a network interface whose PHY has a PSE controller. The kernel names what IEEE 802.3 s30.9.1 names: admin
state, power detection status, class, actual power in milliwatts, and an extended state that tells of faults.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from device.errors import NotFound
from device.linux.run import ProgramFailed, ProgramHung, ProgramMissing, run
from device.poe.driver import PoeUnavailable
from device.poe.port import Detection, PortReading, Reading, Trouble
from device.poe.power import Milliwatts

ANSWER_SECONDS = 5.0
IFF_UP = 0x1

DETECTIONS = {
    "disabled": Detection.DISABLED,
    "searching": Detection.SEARCHING,
    "delivering power": Detection.DELIVERING,
    "test": Detection.SEARCHING,
    "fault": Detection.FAULT,
    "otherfault": Detection.FAULT,
}

#: What the extended state and substate of a faulty port begin with or contain (include/uapi/linux/ethtool.h).
TROUBLES = (
    ("short", Trouble.SHORT),
    ("overload", Trouble.OVERLOAD),
    ("ovld", Trouble.OVERLOAD),
    ("power limit", Trouble.OVERLOAD),
    ("option_vport_lim", Trouble.OTHER),
    ("signature", Trouble.SIGNATURE),
    ("detect", Trouble.SIGNATURE),
    ("non-existing", Trouble.SIGNATURE),
    ("inrush", Trouble.START),
    ("tinrush", Trouble.START),
)


def parse(text: str) -> dict[str, object]:
    """What `ethtool --json --show-pse` says of one interface. Raises PoeUnavailable where it is nothing of the kind."""
    try:
        said = json.loads(text)
        (first,) = said
        state = first["c33-pse-admin-state"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise PoeUnavailable(
            f"ethtool said something else than the state of a PoE port: {text[:200]!r}"
        ) from None
    if not isinstance(state, str):
        raise PoeUnavailable(f"ethtool said something else than the state of a PoE port: {text[:200]!r}")
    return dict(first)


def reading(port: int, said: dict[str, object], link: int | None, up: bool | None) -> PortReading:
    """One port, from what ethtool says of it. What it does not say, or says in a way that is not known, is None."""
    detection = DETECTIONS.get(str(said.get("c33-pse-power-detection-status")), Detection.SEARCHING)
    on = said["c33-pse-admin-state"] == "enabled"
    if not on:
        detection = Detection.DISABLED
    power_class, drawn = said.get("c33-pse-power-class"), said.get("c33-pse-actual-power")
    trouble = None
    if detection is Detection.FAULT:
        words = (
            f"{said.get('c33-pse-extended-state', '')} {said.get('c33-pse-extended-substate', '')}".lower()
        )
        trouble = next((kind for word, kind in TROUBLES if word in words), Trouble.OTHER)
    return PortReading(
        port,
        on,
        detection,
        power_class if type(power_class) is int and 0 <= power_class <= 8 else None,
        Milliwatts(drawn) if type(drawn) is int and drawn >= 0 else None,
        None,
        trouble,
        up,
        link,
        "",
    )


class EthtoolPse:
    """Implements `PoeDriver`. Reading is for everybody; orders need CAP_NET_ADMIN."""

    autonomous = True
    interval = 1.0

    def __init__(self, interfaces: Sequence[str], *, ethtool: str, ip: str, classes: Path) -> None:
        """`interfaces` are the ports 1, 2, 3 ...; `ethtool`, `ip`: the programs; `classes`: /sys/class/net."""
        self._interfaces = tuple(interfaces)
        self._ethtool = ethtool
        self._ip = ip
        self._classes = classes

    async def read(self) -> Reading:
        """PoeDriver."""
        ports = []
        for number, name in enumerate(self._interfaces, 1):
            said = parse(await self._run([self._ethtool, "--json", "--show-pse", name]))
            link, up = await asyncio.to_thread(self._network, name)
            ports.append(reading(number, said, link, up))
        return Reading(tuple(ports), None)

    async def set_power(self, port: int, on: bool) -> None:
        """PoeDriver."""
        verb = "enable" if on else "disable"
        await self._run([self._ethtool, "--set-pse", self._name(port), "c33-pse-admin-control", verb])

    async def set_ethernet(self, port: int, on: bool) -> None:
        """PoeDriver."""
        await self._run([self._ip, "link", "set", "dev", self._name(port), "up" if on else "down"])

    async def close(self) -> None:
        """PoeDriver."""

    def _name(self, port: int) -> str:
        if not 1 <= port <= len(self._interfaces):
            raise NotFound("port", str(port))
        return self._interfaces[port - 1]

    def _network(self, name: str) -> tuple[int | None, bool | None]:
        """Speed of the link in Mbit/s, 0 without one; and whether the interface is up."""
        folder = self._classes / name
        try:
            flags = int((folder / "flags").read_text(), 16)
            if (folder / "operstate").read_text().strip() != "up":
                return 0, bool(flags & IFF_UP)
            speed = int((folder / "speed").read_text())
        except (OSError, ValueError):
            return None, None
        return (speed if speed > 0 else None), bool(flags & IFF_UP)

    async def _run(self, argv: list[str]) -> str:
        try:
            return await run(argv, within=ANSWER_SECONDS)
        except ProgramFailed as error:
            raise PoeUnavailable(_explained(error)) from None
        except (ProgramMissing, ProgramHung) as error:
            raise PoeUnavailable(str(error)) from None


def _explained(error: ProgramFailed) -> str:
    if "bad command line" in error.said:
        return "This ethtool knows no PoE ports: 6.11 or later is needed."
    if "not supported" in error.said.lower() or "No PSE" in error.said or "No PHY" in error.said:
        return f"The interface has no PoE port that this kernel governs: {error.said.strip()}"
    return str(error)
