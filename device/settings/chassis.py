"""The box itself."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from pydantic import AfterValidator

from device.accounts.role import Role
from device.settings.section import N_, Field, Keep, Section

NETWORK = N_("The name of its network interface, such as enp2s0. Empty: there is none.")


def _interface(name: str) -> str:
    if any(char in "/:" or not 32 < ord(char) < 127 for char in name) or name in (".", ".."):
        raise ValueError("must be the name of a network interface")
    return name


Interface = Annotated[str, AfterValidator(_interface)]


class ChassisHardware(Enum):
    """What the box is."""

    NONE = "none"
    SIMULATED = "simulated"
    LINUX = "linux"  #: as the kernel shows it


class Chassis(Section, section="chassis", heading=N_("Chassis"), restore=Keep.NO, role=Role.ADMINISTRATOR):
    """Sensors, lights, buzzer and buttons."""

    hardware: ChassisHardware = Field(ChassisHardware.NONE, title=N_("Hardware"), box=True)
    buzzer: bool = Field(True, title=N_("Buzzer"), help=N_("Sounds when something fails."))
    spare_supplies: int = Field(
        0,
        title=N_("Spare power supplies"),
        help=N_("So many may fail before there is less power for the ports."),
        unit="supplies",
        ge=0,
        le=8,
    )
    lan: Interface = Field(
        "", title=N_("LAN connector"), help=NETWORK, when="hardware == 'linux'", box=True, max_length=15
    )
    aux: Interface = Field(
        "", title=N_("AUX connector"), help=NETWORK, when="hardware == 'linux'", box=True, max_length=15
    )
    sfp: Interface = Field(
        "", title=N_("SFP connector"), help=NETWORK, when="hardware == 'linux'", box=True, max_length=15
    )
    buttons_device: str = Field(
        "",
        title=N_("Input device of the buttons"),
        help=N_("Such as /dev/input/event0. Empty: there are none."),
        pattern=r"^(/dev/input/[0-9A-Za-z/_.:-]+)?$",
        max_length=255,
        when="hardware == 'linux'",
        box=True,
    )
    buzzer_device: str = Field(
        "",
        title=N_("Input device of the buzzer"),
        pattern=r"^(/dev/input/[0-9A-Za-z/_.:-]+)?$",
        max_length=255,
        when="hardware == 'linux'",
        box=True,
    )
