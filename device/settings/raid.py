"""The drives and the array over them."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Self

from pydantic import AfterValidator, SecretStr, model_validator

from device.accounts.role import Role
from device.settings.section import N_, Field, Interrupts, Keep, Section

MOST_BAYS = 16


class RaidHardware(Enum):
    """Whose drives they are."""

    NONE = "none"  #: the recorder keeps its hands off: storages are folders that somebody else mounts
    SIMULATED = "simulated"
    LINUX = "linux"


def _place(text: str) -> str:
    if not 1 <= len(text) <= 64 or any(char == "/" or not 32 < ord(char) < 127 for char in text):
        raise ValueError(
            "must be the last part of what /sys/block/.../device leads to, such as 0:0:2:0 or nvme1"
        )
    return text


class Raid(Section, section="raid", heading=N_("RAID"), restore=Keep.NO, role=Role.ADMINISTRATOR):
    """The array as a whole."""

    hardware: RaidHardware = Field(
        RaidHardware.NONE,
        title=N_("Drives"),
        help=N_("Whose drives the recorder makes an array of."),
        interrupts=Interrupts.RECORDING,
        box=True,
    )
    bays: tuple[Annotated[str, AfterValidator(_place)], ...] = Field(
        (),
        title=N_("Bays"),
        help=N_("Where bay 1, 2, 3 ... is connected, as the kernel calls it: 0:0:2:0 or nvme1."),
        max_length=MOST_BAYS,
        when="hardware == 'linux'",
        box=True,
    )
    rebuild: float = Field(
        60.0,
        title=N_("Time of a rebuild"),
        unit="s",
        ge=1,
        le=86_400,
        when="hardware == 'simulated'",
        box=True,
    )
    password: SecretStr = Field(
        SecretStr(""),
        title=N_("Password of the array"),
        help=N_(
            "Kept so that an encrypted array is open again after a power cut; a factory default forgets it."
        ),
        max_length=512,
    )
    protected: bool = Field(
        False,
        title=N_("Write protect"),
        help=N_("Nothing is overwritten, and nothing recorded."),
        interrupts=Interrupts.RECORDING,
    )
    replace: bool = Field(
        True,
        title=N_("Automatic replacement"),
        help=N_(
            "A new, empty drive takes the place of one that is missing. One that holds something never does."
        ),
    )
    scrub_days: int = Field(
        30,
        title=N_("Comparison"),
        help=N_("All drives are read and compared so often. 0: never."),
        unit="days",
        ge=0,
        le=365,
    )
    hot: float = Field(
        55.0,
        title=N_("Temperature limit"),
        help=N_("A warning is given when a drive is as warm as that."),
        unit="degC",
        ge=30,
        le=90,
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len(set(self.bays)) != len(self.bays):
            raise ValueError("bays must not name one place twice")
        if self.hardware is RaidHardware.LINUX and not self.bays:
            raise ValueError("hardware 'linux' needs bays, the places of the drives")
        return self
