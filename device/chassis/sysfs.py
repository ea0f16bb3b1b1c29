"""The box as the Linux kernel shows it: hwmon, power supplies and LEDs in sysfs, buttons and buzzer as input devices.

    class/hwmon/hwmonN     temp*_input _label _max _crit _fault, fan*_input _label _min _fault _alarm
    class/power_supply/X   type (Mains counts), online
    class/net/X            operstate, speed (ABI/testing/sysfs-class-net)
    class/leds/DEV:COLOR:FUNCTION[-N]   brightness max_brightness trigger delay_on delay_off

(Documentation/hwmon/sysfs-interface.rst, ABI/testing/sysfs-class-power, leds/leds-class.rst.) Of the LEDs' functions in
include/dt-bindings/leds/common.h, `status` is the product's light, `disk-N` a drive's, `lan-N` a PoE port's on the
front. The kernel has no names for the lights at the rear: those belong to the switch's own hardware.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from device.chassis.buttons import Button, Edge
from device.chassis.driver import ChassisReading, ChassisUnavailable, Fan, Network, Supply, Temperature
from device.chassis.lights import Color, Led, Light, Place
from device.clock import Clock

BLINK_MILLISECONDS = "500"
EVENT = struct.Struct("@llHHi")  #: struct input_event: time, type, code, value
EV_KEY, EV_SND, SND_BELL = 0x01, 0x12, 0x01
KEYS = {116: Button.POWER, 0x198: Button.CONTROL}  #: KEY_POWER, KEY_RESTART (input-event-codes.h)
_NAME = re.compile(r"[^:]*:(green|amber|red):(status|disk|lan)(?:-(\d+))?")
_PLACES = {"status": Place.PRODUCT, "disk": Place.DRIVE, "lan": Place.PORT}


class SysfsChassis:
    """Implements `ChassisDriver`. Writing lights needs root, or a udev rule that gives them to our user."""

    interval = 0.5

    def __init__(
        self,
        root: Path,
        buttons: Path | None,
        buzzer: Path | None,
        clock: Clock,
        networks: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`root`: /sys; `buttons`, `buzzer`: input devices such as /dev/input/event0. None: there are none. `networks`:
        what is printed at a network connector, and the kernel's name of it."""
        self._root = root
        self._networks = networks
        self._clock = clock
        self._leds = _leds(root / "class" / "leds")
        self._triggers = {
            folder: frozenset(re.findall(r"[^\s\[\]]+", _text(folder / "trigger")))
            for colors in self._leds.values()
            for folder in colors.values()
        }
        self._shown: dict[Led, Light] = {}
        self._buttons = _opened(buttons, os.O_RDONLY)
        self._buzzer = _opened(buzzer, os.O_WRONLY)
        self._held: set[Button] = set()

    @property
    def leds(self) -> frozenset[Led]:
        """The lights that this box has."""
        return frozenset(self._leds)

    async def read(self) -> ChassisReading:
        """ChassisDriver."""
        temperatures, fans, supplies = await asyncio.to_thread(self._sensors)
        edges = self._presses()
        networks = tuple(Network(name, self._link(interface)) for name, interface in self._networks.items())
        return ChassisReading(temperatures, fans, supplies, frozenset(self._held), edges, networks)

    def _link(self, interface: str) -> int:
        """Mbit/s; 0 without a link, and where the kernel does not tell."""
        folder = self._root / "class" / "net" / interface
        speed = _number(folder / "speed") if _text(folder / "operstate") == "up" else None
        return max(speed or 0, 0)

    async def show(self, lights: Mapping[Led, Light]) -> None:
        """ChassisDriver. Writes what is another light than before."""
        changed = {
            led: light for led, light in lights.items() if led in self._leds and self._shown.get(led) != light
        }
        if changed:
            await asyncio.to_thread(self._write, changed)

    async def sound(self, on: bool) -> None:
        """ChassisDriver."""
        if self._buzzer is None:
            return
        try:
            os.write(self._buzzer, EVENT.pack(0, 0, EV_SND, SND_BELL, int(on)))
        except OSError as error:
            raise ChassisUnavailable(f"The buzzer cannot be switched: {error.strerror}") from None

    async def close(self) -> None:
        """ChassisDriver."""
        for opened in (self._buttons, self._buzzer):
            if opened is not None:
                os.close(opened)
        self._buttons = self._buzzer = None

    # --- sensors ---

    def _sensors(self) -> tuple[tuple[Temperature, ...], tuple[Fan, ...], tuple[Supply, ...]]:
        temperatures: list[Temperature] = []
        fans: list[Fan] = []
        for chip in _sorted(self._root / "class" / "hwmon"):
            title = _text(chip / "name") or chip.name
            temperatures += [_temperature(chip, stem, title) for stem in _stems(chip, "temp")]
            fans += [_fan(chip, stem, title) for stem in _stems(chip, "fan")]
        supplies = [
            Supply(supply.name, _number(supply / "online") == 1)
            for supply in _sorted(self._root / "class" / "power_supply")
            if _text(supply / "type") == "Mains"
        ]
        return tuple(temperatures), tuple(fans), tuple(supplies)

    # --- buttons ---

    def _presses(self) -> tuple[Edge, ...]:
        edges: list[Edge] = []
        with contextlib.suppress(BlockingIOError):
            while self._buttons is not None and (data := os.read(self._buttons, EVENT.size * 64)):
                for place in range(0, len(data) - EVENT.size + 1, EVENT.size):
                    _, _, kind, code, value = EVENT.unpack_from(data, place)
                    button = KEYS.get(code)
                    if (
                        kind != EV_KEY or button is None or value not in (0, 1)
                    ):  # 2: it repeats while it is held
                        continue
                    edges.append(Edge(button, value == 1, self._clock.monotonic()))
                    (self._held.add if value else self._held.discard)(button)
        return tuple(edges)

    # --- lights ---

    def _write(self, lights: Mapping[Led, Light]) -> None:
        try:
            for led, light in lights.items():
                for color, folder in self._leds[led].items():
                    _set(folder, self._triggers[folder], on=color is light.color, blinks=light.blinks)
                self._shown[led] = light
        except OSError as error:
            raise ChassisUnavailable(f"{error.filename}: {error.strerror}") from None


def _leds(folder: Path) -> dict[Led, dict[Color, Path]]:
    """The lights that the kernel has, each with one LED for each of its colours."""
    found: dict[Led, dict[Color, Path]] = {}
    for led in _sorted(folder):
        match = _NAME.fullmatch(led.name)
        if match is not None:
            color, function, number = match.groups()
            place = Led(_PLACES[function].value, int(number or 1))
            found.setdefault(place, {})[Color(color)] = led
    return found


def _set(folder: Path, triggers: frozenset[str], *, on: bool, blinks: bool) -> None:
    if on and blinks and "timer" in triggers:
        (folder / "trigger").write_text("timer")
        for name in ("delay_on", "delay_off"):
            (folder / name).write_text(BLINK_MILLISECONDS)
        return
    if triggers:
        (folder / "trigger").write_text("none")
    most = _number(folder / "max_brightness") or 1
    (folder / "brightness").write_text(str(most if on else 0))


def _temperature(chip: Path, stem: str, title: str) -> Temperature:
    value = _number(chip / f"{stem}_input")
    broken = _number(chip / f"{stem}_fault") == 1
    limits = [_number(chip / f"{stem}_{name}") for name in ("max", "crit")]
    high, critical = (limit / 1000 if limit is not None and limit > 0 else None for limit in limits)
    celsius = None if value is None or broken else value / 1000
    return Temperature(f"{title} {_text(chip / f'{stem}_label') or stem}", celsius, high, critical)


def _fan(chip: Path, stem: str, title: str) -> Fan:
    rpm, least = _number(chip / f"{stem}_input"), _number(chip / f"{stem}_min")
    alarms = [_number(chip / f"{stem}_{name}") for name in ("fault", "alarm")]
    ok = 1 not in alarms and not (rpm is not None and least and rpm < least)
    return Fan(f"{title} {_text(chip / f'{stem}_label') or stem}", rpm, ok)


def _stems(chip: Path, kind: str) -> list[str]:
    """temp1, temp2, temp10 ... in the order of their numbers."""
    names = [file.name.removesuffix("_input") for file in chip.glob(f"{kind}[0-9]*_input")]
    return sorted(names, key=lambda name: (len(name), name))


def _sorted(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir(), key=lambda each: (len(each.name), each.name))
    except OSError:
        return []


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _number(file: Path) -> int | None:
    try:
        return int(_text(file))
    except ValueError:
        return None


def _opened(device: Path | None, how: int) -> int | None:
    """Raises ChassisUnavailable."""
    if device is None:
        return None
    try:
        return os.open(device, how | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ChassisUnavailable(f"{device}: {error.strerror}") from None
