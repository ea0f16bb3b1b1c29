"""The drivers keep their contract: the simulated box, and sysfs in a tree that is laid out as the kernel's."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.chassis.box import Box
from device.chassis.buttons import Button
from device.chassis.driver import ChassisUnavailable
from device.chassis.lights import (
    BLINKS_AMBER,
    BLINKS_GREEN,
    OFF,
    Color,
    Flash,
    Led,
    Light,
    Phase,
    Place,
    Scene,
)
from device.chassis.simulated import SimulatedChassis
from device.chassis.sysfs import SysfsChassis
from device.errors import NotFound
from tests.device.chassis.contract import Contract
from tests.device.clock.simulated import SimulatedClock


class Simulated:
    """The simulated box."""

    def __init__(self) -> None:
        self.driver = self._box = SimulatedChassis(SimulatedClock())

    def heat(self, celsius: float | None) -> None:
        self._box.heat("board", celsius)

    def fan(self, ok: bool) -> None:
        self._box.fan("1", ok)

    def supply(self, ok: bool) -> None:
        self._box.supply("2", ok)

    def press(self, button: Button, down: bool) -> None:
        self._box.press(button, down)

    def seen(self, led: Led) -> Light:
        return self._box.lights[led]

    def heard(self) -> bool:
        return self._box.sounding

    def hide(self) -> None:
        self._box.broken = True


@pytest.mark.proves("M-421", "M-422", "M-423", "M-439", "M-440", "M-441")
async def test_the_links_of_lan_aux_and_sfp_show_in_their_lights(tmp_path: Path) -> None:
    for name, state, speed in (("enp1s0", "up", "2500"), ("enp2s0", "up", "1000"), ("enp3s0", "down", "-1")):
        folder = tmp_path / "class" / "net" / name
        folder.mkdir(parents=True)
        (folder / "operstate").write_text(state + "\n")
        (folder / "speed").write_text(speed + "\n")
    box = SimulatedChassis(SimulatedClock())
    box.network("AUX", 1000)
    interfaces = {"LAN": "enp1s0", "AUX": "enp2s0", "SFP": "enp3s0"}
    sysfs = SysfsChassis(tmp_path, None, None, SimulatedClock(), interfaces)
    for driver in (box, sysfs):
        reading = await driver.read()
        assert [(each.name, each.link) for each in reading.networks] == [
            ("LAN", 2500),
            ("AUX", 1000),
            ("SFP", 0),
        ]
        scene = Scene(Phase.RUNNING, False, False, [], False, {}, (), Flash.NONE)
        step = Box(power_on=True).observe(reading, scene, frozenset(), audible=True, now=1.0)
        lights = [step.lights[Led(Place.NETWORK.value, number)] for number in (1, 2, 3)]
        assert lights == [BLINKS_GREEN, BLINKS_AMBER, OFF]
    await sysfs.close()
    with pytest.raises(NotFound, match="network connector"):
        box.network("WAN", 1)


class TestSimulated(Contract):
    @pytest.fixture
    def rig(self) -> Simulated:
        return Simulated()


def test_hands_find_only_what_is_there() -> None:
    box = SimulatedChassis(SimulatedClock())
    with pytest.raises(NotFound, match="sensor"):
        box.heat("attic", 1)
    with pytest.raises(NotFound, match="fan"):
        box.fan("9", True)
    with pytest.raises(NotFound, match="supply"):
        box.supply("", True)


# --- sysfs ---

EVENT = struct.Struct("@llHHi")
CODES = {Button.POWER: 116, Button.CONTROL: 0x198}


class Kernel:
    """A tree as the kernel makes it, and pipes in the place of input devices."""

    def __init__(self, root: Path) -> None:
        self._class = root / "class"
        self._write("hwmon/hwmon0/name", "nct6779")
        self._write("hwmon/hwmon0/temp2_label", "board")
        self._write("hwmon/hwmon0/temp2_max", "60000")
        self._write("hwmon/hwmon0/temp2_crit", "70000")
        self._write("hwmon/hwmon0/temp2_fault", "0")
        self._write("hwmon/hwmon0/fan1_min", "300")
        self._write("hwmon/hwmon0/in0_input", "1096")
        self._write("hwmon/hwmon10/name", "coretemp")
        self._write("hwmon/hwmon10/temp1_input", "47000")
        for name in ("psu1", "psu2"):
            self._write(f"power_supply/{name}/type", "Mains")
            self._write(f"power_supply/{name}/online", "1")
        self._write("power_supply/BAT0/type", "Battery")
        self._write("power_supply/BAT0/online", "0")
        for color in ("green", "amber", "red"):
            self._led(f"box:{color}:status", ("none", "timer", "heartbeat"))
            self._led(f"box:{color}:disk-2", ("none", "disk-activity"))
        self._led("input3::capslock", ("none",))
        self.heat(40)
        self.fan(True)
        for name in ("buttons", "buzzer"):
            os.mkfifo(root / name)
        self._ends = [os.open(root / name, os.O_RDWR | os.O_NONBLOCK) for name in ("buttons", "buzzer")]
        self._heard = False
        self.driver = SysfsChassis(root, root / "buttons", root / "buzzer", SimulatedClock())

    def close(self) -> None:
        """Close the pipes."""
        for end in self._ends:
            os.close(end)

    def heat(self, celsius: float | None) -> None:
        self._write("hwmon/hwmon0/temp2_fault", "1" if celsius is None else "0")
        self._write("hwmon/hwmon0/temp2_input", "0" if celsius is None else f"{round(celsius * 1000)}")

    def fan(self, ok: bool) -> None:
        self._write("hwmon/hwmon0/fan1_input", "1180" if ok else "0")

    def supply(self, ok: bool) -> None:
        self._write("power_supply/psu2/online", "1" if ok else "0")

    def press(self, button: Button, down: bool) -> None:
        said = EVENT.pack(1, 2, 0x01, CODES[button], int(down)) + EVENT.pack(1, 2, 0, 0, 0)  # and EV_SYN
        os.write(self._ends[0], said)

    def seen(self, led: Led) -> Light:
        function = {Place.PRODUCT.value: "status", Place.DRIVE.value: f"disk-{led.number}"}[led.place]
        found = Light(None)
        for color in Color:
            folder = f"leds/box:{color.value}:{function}"
            blinks = self._read(f"{folder}/trigger") == "timer"
            if blinks or self._read(f"{folder}/brightness") != "0":
                assert found.color is None, "two colours at once"
                found = Light(color, blinks)
        return found

    def heard(self) -> bool:
        while True:
            try:
                data = os.read(self._ends[1], EVENT.size)
            except BlockingIOError:
                return self._heard
            *_, kind, code, value = EVENT.unpack(data)
            assert (kind, code) == (0x12, 0x01)  # EV_SND, SND_BELL
            self._heard = bool(value)

    def hide(self) -> None:
        for led in (self._class / "leds").iterdir():
            (led / "brightness").unlink()
            (led / "brightness").mkdir()

    def _led(self, name: str, triggers: tuple[str, ...]) -> None:
        self._write(f"leds/{name}/brightness", "0")
        self._write(f"leds/{name}/max_brightness", "255")
        self._write(f"leds/{name}/trigger", "[none] " + " ".join(triggers[1:]))
        if "timer" in triggers:
            self._write(f"leds/{name}/delay_on", "0")
            self._write(f"leds/{name}/delay_off", "0")

    def _write(self, name: str, text: str) -> None:
        path = self._class / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")

    def _read(self, name: str) -> str:
        return (self._class / name).read_text().strip()


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path)
    yield kernel
    kernel.close()


class TestSysfs(Contract):
    @pytest.fixture
    def rig(self, kernel: Kernel) -> Kernel:
        return kernel


def test_only_lights_with_a_known_name_are_ours(kernel: Kernel) -> None:
    assert kernel.driver.leds == {Led(Place.PRODUCT.value, 1), Led(Place.DRIVE.value, 2)}


async def test_a_battery_is_no_supply_and_a_voltage_no_temperature(kernel: Kernel) -> None:
    told = await kernel.driver.read()
    assert [each.name for each in told.supplies] == ["psu1", "psu2"]
    assert [each.name for each in told.temperatures] == ["nct6779 board", "coretemp temp1"]


async def test_a_machine_without_any_of_it_is_a_box_without_parts(tmp_path: Path) -> None:
    driver = SysfsChassis(tmp_path, None, None, SimulatedClock())
    told = await driver.read()
    assert (told.temperatures, told.fans, told.supplies, told.edges) == ((), (), (), ())
    await driver.show({Led(Place.PRODUCT.value, 1): Light(Color.RED)})
    await driver.sound(True)
    await driver.close()


async def test_this_machines_own_sysfs_is_read() -> None:
    told = await SysfsChassis(Path("/sys"), None, None, SimulatedClock()).read()
    assert all(each.celsius is None or -100 < each.celsius < 200 for each in told.temperatures)


@pytest.mark.parametrize("text", ["", "nonsense", "1e5", "99999999999999999999999", "\x00", "-40000"])
async def test_a_sensor_that_tells_nonsense_breaks_nothing(kernel: Kernel, text: str) -> None:
    kernel._write("hwmon/hwmon0/temp2_input", text)
    kernel._write("hwmon/hwmon0/fan1_input", text)
    kernel._write("power_supply/psu1/online", text)
    assert len((await kernel.driver.read()).fans) == 1


def test_a_button_device_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ChassisUnavailable, match="event7"):
        SysfsChassis(tmp_path, tmp_path / "event7", None, SimulatedClock())
