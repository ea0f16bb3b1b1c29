"""The kernel's own ports: what ethtool says is understood, and the drivers' contract is kept against a stand-in.

No machine of ours has a PSE controller. What runs here: the parser on the forms that ethtool's and the kernel's
documentation print; the contract against a program that takes ethtool's arguments and prints its JSON; and the real
ethtool and kernel, which have to say that this machine has no such port.
"""

from __future__ import annotations

import contextlib
import json
import stat
import sys
from pathlib import Path

import pytest

from device.poe.driver import PoeUnavailable
from device.poe.ethtool import EthtoolPse, parse, reading
from device.poe.port import Detection, PortReading, Trouble
from device.poe.power import watts
from device.poe.simulated import Device
from tests.device.poe.contract import Contract

# --- what ethtool prints ---

SEARCHING = """[ {
        "ifname": "eth1",
        "c33-pse-admin-state": "enabled",
        "c33-pse-power-detection-status": "searching",
        "c33-pse-extended-state": "Group of mr_mps_valid states",
        "c33-pse-extended-substate": "Port is not connected",
        "c33-pse-available-power-limit": 18000,
        "c33-pse-power-limit-ranges": [ { "min": 15000, "max": 18100 }, { "min": 30000, "max": 38000 } ]
    } ]"""
DELIVERING = """[ {
        "ifname": "eth1",
        "c33-pse-admin-state": "enabled",
        "c33-pse-power-detection-status": "delivering power",
        "c33-pse-power-class": 4,
        "c33-pse-actual-power": 6200
    } ]"""


def test_a_port_that_searches() -> None:
    told = reading(1, parse(SEARCHING), 0, True)
    assert (told.on, told.detection, told.power_class, told.drawn) == (True, Detection.SEARCHING, None, None)


def test_a_port_that_delivers() -> None:
    told = reading(2, parse(DELIVERING), 1000, True)
    assert (told.port, told.detection, told.power_class, told.drawn) == (
        2,
        Detection.DELIVERING,
        4,
        watts(6.2),
    )


def test_a_port_that_is_off_is_disabled_whatever_it_finds() -> None:
    said = parse(SEARCHING) | {"c33-pse-admin-state": "disabled"}
    told = reading(1, said, None, None)
    assert (told.on, told.detection) == (False, Detection.DISABLED)


@pytest.mark.parametrize(
    ("substate", "trouble"),
    [
        ("Short condition", Trouble.SHORT),
        ("Overload condition", Trouble.OVERLOAD),
        ("Power limit exceeded", Trouble.OVERLOAD),
        ("Undefined", Trouble.OTHER),
    ],
)
def test_the_extended_state_names_the_trouble(substate: str, trouble: Trouble) -> None:
    said = parse(DELIVERING) | {
        "c33-pse-power-detection-status": "fault",
        "c33-pse-extended-substate": substate,
    }
    assert reading(1, said, 0, True).trouble is trouble


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[1]",
        "null",
        "[{}]",
        '[{"c33-pse-admin-state": 3}]',
        '[{"podl-pse-admin-state": "enabled"}]',
        "[" * 100_000,
        "PSE attributes for eth1:",
    ],
)
def test_anything_else_is_said_to_be_something_else(text: str) -> None:
    with pytest.raises(PoeUnavailable, match="something else"):
        parse(text)


@pytest.mark.parametrize("value", [-1, 9, "4", None, True, 4.5, [4]])
def test_a_figure_that_makes_no_sense_is_as_if_it_were_not_there(value: object) -> None:
    said = parse(DELIVERING) | {"c33-pse-power-class": value, "c33-pse-actual-power": None}
    told = reading(1, said, 0, True)
    assert (told.power_class, told.drawn) == (None, None)


# --- the contract, against a stand-in ---

STAND_IN = """\
import json, pathlib, sys

folder, program, *words = pathlib.Path(sys.argv[1]), *sys.argv[2:]


def load(name):
    return json.loads((folder / f"{name}.json").read_text())


def known(name):
    if (folder / "hidden").exists() or not (folder / f"{name}.json").exists():
        sys.exit("netlink error: No PSE is attached\\nnetlink error: Operation not supported")
    return load(name)


match program, *words:
    case "ethtool", "--json", "--show-pse", name:
        port = known(name)
        said = {"ifname": name, "c33-pse-admin-state": "enabled" if port["on"] else "disabled"}
        device = port["device"]
        if not port["on"]:
            state = "disabled"
        elif device is None:
            state = "searching"
        elif port["short"]:
            state = "fault"
            said["c33-pse-extended-state"] = "Group of error_condition states"
            said["c33-pse-extended-substate"] = "Short condition"
        else:
            state = "delivering power"
            said["c33-pse-power-class"], said["c33-pse-actual-power"] = device
        said["c33-pse-power-detection-status"] = state
        print(json.dumps([said]))
    case "ethtool", "--set-pse", name, "c33-pse-admin-control", ("enable" | "disable") as verb:
        port = known(name)
        port["on"] = verb == "enable"
        (folder / f"{name}.json").write_text(json.dumps(port))
    case "ip", "link", "set", "dev", name, ("up" | "down") as state:
        up = state == "up"
        (folder / name / "flags").write_text("0x1003\\n" if up else "0x1002\\n")
        (folder / name / "operstate").write_text("up\\n" if up else "down\\n")
    case _:
        sys.exit("bad command line argument(s)")
"""


class Machine:
    """A folder with 16 ports, programs that know no others, and a /sys/class/net. Implements the contract's `Rig`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "stand_in.py").write_text(STAND_IN)
        for name in ("ethtool", "ip"):
            program = folder / name
            program.write_text(
                f'#!/bin/sh\nexec {sys.executable} -S {folder}/stand_in.py {folder} {name} "$@"\n'
            )
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        names = [f"swp{number}" for number in range(1, 17)]
        for name in names:
            (folder / name).mkdir()
            (folder / name / "flags").write_text("0x1003\n")
            (folder / name / "operstate").write_text("up\n")
            (folder / name / "speed").write_text("100\n")
            self._write(name, {"on": True, "device": None, "short": False})
        self.driver = EthtoolPse(
            names, ethtool=str(folder / "ethtool"), ip=str(folder / "ip"), classes=folder
        )
        self.driver.interval = 0.1

    def plug(self, port: int, device: Device) -> None:
        self._change(port, device=[device.power_class, device.draw])

    def unplug(self, port: int) -> None:
        self._change(port, device=None, short=False)

    def short(self, port: int) -> None:
        self._change(port, short=True)

    def hide(self, hidden: bool) -> None:
        if hidden:
            (self.folder / "hidden").touch()
        else:
            (self.folder / "hidden").unlink()

    def _change(self, port: int, **changes: object) -> None:
        name = f"swp{port}"
        self._write(name, json.loads((self.folder / f"{name}.json").read_text()) | changes)

    def _write(self, name: str, port: dict[str, object]) -> None:
        (self.folder / f"{name}.json").write_text(json.dumps(port))


class TestStandIn(Contract):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> Machine:
        return Machine(tmp_path)


# --- the real program, on this machine ---


NETWORK = Path("/sys/class/net")


def _real(ethtool: str) -> EthtoolPse:
    return EthtoolPse(["lo"], ethtool=ethtool, ip="ip", classes=NETWORK)


async def test_the_real_ethtool_says_that_this_machine_has_no_such_port() -> None:
    with pytest.raises(PoeUnavailable, match=r"knows no PoE ports|has no PoE port"):
        await _real("ethtool").read()


async def test_without_ethtool_it_is_said_that_it_is_missing() -> None:
    with pytest.raises(PoeUnavailable, match="is not installed"):
        await _real("/nowhere/ethtool").read()


async def test_a_port_of_real_hardware_is_read() -> None:
    """Read only: a test must not take power from what somebody has plugged in."""
    found: list[PortReading] = []
    for interface in NETWORK.glob("*"):  # noqa: ASYNC240 - the kernel's, in memory
        with contextlib.suppress(PoeUnavailable):
            one = EthtoolPse([interface.name], ethtool="ethtool", ip="ip", classes=NETWORK)
            found += (await one.read()).ports
    if not found:
        pytest.skip("no interface of this machine has a PSE controller that its kernel and ethtool know")
    assert all(each.on or each.detection is Detection.DISABLED for each in found)
