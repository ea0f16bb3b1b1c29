"""Simulated hardware: devices that are plugged in, draw power, draw too much, are shorted, legacy, or do not start.

Deterministic and without a clock: it changes when it is told something, and then at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from device.errors import BadValue, NotFound
from device.poe.driver import PoeUnavailable
from device.poe.port import Detection, PortReading, Reading, Trouble
from device.poe.power import CLASSES, Milliwatts


class Ailment(Enum):
    """What is wrong with a device or its cable."""

    NONE = "none"
    LEGACY = "legacy"  #: powered by other means than IEEE 802.3: it has no signature
    SHORT = "short"
    DEAD = "dead"  #: draws nothing when it is powered


@dataclass(frozen=True, slots=True)
class Device:
    """Something with a cable."""

    name: str
    power_class: int  #: 0 to 8
    draw: Milliwatts  #: at the port, while it is powered
    speed: int = 100  #: Mbit/s of its network
    requested: Milliwatts | None = None  #: what it asks for by LLDP, at its own end, once its network is up
    ailment: Ailment = Ailment.NONE


@dataclass(slots=True)
class _Port:
    on: bool
    ethernet: bool = True
    device: Device | None = None
    trouble: Trouble | None = None

    @property
    def delivers(self) -> bool:
        return self.on and self.trouble is None and self.device is not None

    @property
    def given(self) -> tuple[bool, bool]:
        """Power and network that the device has."""
        return self.delivers, self.delivers and self.ethernet


class SimulatedPse:
    """Implements `PoeDriver`, and has what only a simulation has: hands that plug and unplug.

    `autonomous`: it powers what it finds by itself. Otherwise it waits for `set_power`.
    """

    interval = 0.2

    def __init__(self, count: int, *, autonomous: bool, changed: Callable[[int, bool, bool], None]) -> None:
        """`changed` is told of every device that gets power or network, or loses it: port, power, network."""
        self.autonomous = autonomous
        self.capacity: Milliwatts | None = None
        self.broken = False  #: does not answer
        self._changed = changed
        self._ports = {number: _Port(on=autonomous) for number in range(1, count + 1)}

    # --- the driver ---

    async def read(self) -> Reading:
        """PoeDriver."""
        self._answer()
        return Reading(
            tuple(self._reading(number, port) for number, port in self._ports.items()), self.capacity
        )

    async def set_power(self, port: int, on: bool) -> None:
        """PoeDriver."""
        self._answer()
        known = self._port(port)
        before = known.given
        known.on = on
        known.trouble = None
        self._settle(port, before)

    async def set_ethernet(self, port: int, on: bool) -> None:
        """PoeDriver."""
        self._answer()
        known = self._port(port)
        before = known.given
        known.ethernet = on
        self._settle(port, before)

    async def close(self) -> None:
        """PoeDriver."""

    # --- hands ---

    def plug(self, port: int, device: Device) -> None:
        """Connect a device. Raises BadValue where there is one already, or where its class does not exist."""
        known = self._port(port)
        if known.device is not None:
            raise BadValue("port", f"{known.device.name!r} is plugged into port {port}: unplug it first")
        if not 0 <= device.power_class < len(CLASSES):
            raise BadValue("class", f"must be 0 to {len(CLASSES) - 1}")
        known.device = device
        self._settle(port, (False, False))

    def unplug(self, port: int) -> Device:
        """Take a device away; which one it was. Raises NotFound where there is none."""
        known = self._port(port)
        device, before = self._device(port), known.given
        known.device = None
        self._settle(port, before)
        return device

    def draw(self, port: int, draw: Milliwatts) -> None:
        """Let a device draw so much. More than its class allows is cut off. Raises NotFound."""
        self._alter(port, replace(self._device(port), draw=draw))

    def ail(self, port: int, ailment: Ailment) -> None:
        """Let something be wrong with a device, or nothing any more. Raises NotFound."""
        self._alter(port, replace(self._device(port), ailment=ailment))

    def request(self, port: int, requested: Milliwatts | None) -> None:
        """Let a device ask for so much by LLDP. Raises NotFound."""
        self._alter(port, replace(self._device(port), requested=requested))

    # --- within ---

    def _answer(self) -> None:
        if self.broken:
            raise PoeUnavailable("The simulated PoE hardware is told to be broken.")

    def _port(self, port: int) -> _Port:
        if port not in self._ports:
            raise NotFound("port", str(port))
        return self._ports[port]

    def _device(self, port: int) -> Device:
        device = self._port(port).device
        if device is None:
            raise NotFound("device", f"on port {port}")
        return device

    def _alter(self, port: int, device: Device) -> None:
        known = self._port(port)
        before, known.device = known.given, device
        self._settle(port, before)

    def _settle(self, port: int, before: tuple[bool, bool]) -> None:
        """Let physics happen: what cannot be powered is cut off."""
        known = self._port(port)
        if known.device is not None and known.trouble is None:
            known.trouble = _trouble(known.device, known.on)
            if known.trouble is not None and not self.autonomous:
                known.on = False
        if known.device is None:
            known.trouble = None
            known.on = known.on and self.autonomous
        if known.given != before:
            self._changed(port, *known.given)

    def _reading(self, number: int, port: _Port) -> PortReading:
        device, delivers = port.device, port.delivers
        link = device.speed if device is not None and delivers and port.ethernet else 0
        if self.autonomous and not port.on:
            detection = Detection.DISABLED
        elif device is None:
            detection = Detection.SEARCHING
        elif port.trouble is not None:
            detection = Detection.FAULT
        else:
            detection = Detection.DELIVERING if delivers else Detection.DETECTED
        seen = device is not None and detection in (Detection.DETECTED, Detection.DELIVERING)
        return PortReading(
            number,
            port.on,
            detection,
            device.power_class if device is not None and seen else None,
            device.draw if device is not None and delivers else Milliwatts(0),
            device.requested if device is not None and link else None,
            port.trouble if detection is Detection.FAULT else None,
            port.ethernet,
            link,
            device.name if device is not None and link else "",
        )


def _trouble(device: Device, on: bool) -> Trouble | None:
    """What is wrong when a port looks at the device, or powers it."""
    match device.ailment:
        case Ailment.LEGACY:
            return Trouble.SIGNATURE
        case Ailment.SHORT:
            return Trouble.SHORT
        case Ailment.DEAD if on:
            return Trouble.START
        case _ if on and device.draw > CLASSES[device.power_class].reserved:
            return Trouble.OVERLOAD
        case _:
            return None
