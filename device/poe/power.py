"""How much power a class of device is given. Power is in whole milliwatts everywhere in this room."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NewType

Milliwatts = NewType("Milliwatts", int)


def watts(value: float) -> Milliwatts:
    """Watts as milliwatts."""
    return Milliwatts(round(value * 1000))


@dataclass(frozen=True, slots=True)
class PowerClass:
    """What IEEE 802.3 says of one class."""

    number: int
    reserved: Milliwatts  #: what the port reserves
    device: Milliwatts  #: what the device may draw at its end of the longest cable
    volts: float  #: lowest voltage of the sourcing port that the class is computed with
    ohms: float  #: resistance of the longest cable's loop
    source: str  #: where `reserved` comes from


_AF = "IEEE 802.3-2018 Table 33-7 (802.3af)"
_AT = "IEEE 802.3-2018 Table 33-7 (802.3at)"
_BT = "IEEE 802.3bt-2018 Table 145-11"
_MANUAL = "the product's manual, *Allocate power*: class 3 requests 15.5 W (the table of 802.3 says 15.4 W)"

#: Device figures: Tables 33-1 and 145-1. Voltages and resistances are those from which `sourced` arrives at the tables'
#: own figures: type 1 (two pairs, 44 V, 20 ohm), type 2 (50 V, 12.5 ohm), types 3 and 4 (four pairs, 6.25 ohm).
CLASSES: tuple[PowerClass, ...] = (
    PowerClass(0, watts(15.4), watts(12.95), 44, 20, _AF),
    PowerClass(1, watts(4.0), watts(3.84), 44, 20, _AF),
    PowerClass(2, watts(7.0), watts(6.49), 44, 20, _AF),
    PowerClass(3, watts(15.5), watts(12.95), 44, 20, _MANUAL),
    PowerClass(4, watts(30.0), watts(25.5), 50, 12.5, _AT),
    PowerClass(5, watts(45.0), watts(40.0), 50, 6.25, _BT),
    PowerClass(6, watts(60.0), watts(51.0), 50, 6.25, _BT),
    PowerClass(7, watts(75.0), watts(62.0), 52, 6.25, _BT),
    PowerClass(8, watts(90.0), watts(71.3), 52, 6.25, _BT),
)


def sourced(device: Milliwatts, volts: float, ohms: float) -> Milliwatts:
    """What a port has to give so that so much arrives behind the longest cable (IEEE 802.3 equation 33-3, 145-2)."""
    lost = 4 * ohms * device / 1000
    amperes = (volts - math.sqrt(max(volts * volts - lost, 0.0))) / (2 * ohms)
    return Milliwatts(math.ceil(volts * amperes * 1000 - 1e-6))


def reservation(power_class: int | None, requested: Milliwatts | None) -> Milliwatts:
    """What a port reserves for a device.

    `power_class`: as measured on the wire, None where the port could not tell: as class 0. `requested`: what the
    device asks for by LLDP (IEEE 802.3 s79.3.2, *PD requested power*), at its own end; None where it does not. A
    request makes the reservation smaller, never larger than the class: the class is what the device promised
    electrically.
    """
    known = CLASSES[power_class if power_class is not None and 0 <= power_class < len(CLASSES) else 0]
    if requested is None or requested <= 0 or requested >= known.device:
        return known.reserved
    return min(known.reserved, sourced(requested, known.volts, known.ohms))
