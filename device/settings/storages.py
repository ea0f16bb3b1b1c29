"""Where video is kept: one entry for each volume, under the UUID that its identity file carries."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from device.accounts.role import Role
from device.settings.section import N_, Field, Interrupts, Keep, Required, Section


def _absolute(path: str) -> str:
    if not path.startswith("/") or "\0" in path or ".." in path.split("/"):
        raise ValueError("must be an absolute path, without '..'")
    return path


Folder = Annotated[str, AfterValidator(_absolute)]


class Storage(
    Section,
    section="storages",
    heading=N_("Storages"),
    key=r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    restore=Keep.NO,
    role=Role.ADMINISTRATOR,
):
    """One volume."""

    name: str = Field("", title=N_("Name"), max_length=64)
    path: Folder = Required(title=N_("Folder"), max_length=4096, interrupts=Interrupts.RECORDING)
    enabled: bool = Field(True, title=N_("Enabled"), interrupts=Interrupts.RECORDING)
    reserve_percent: float = Field(
        5.0,
        title=N_("Reserve"),
        help=N_("Room that is never used for video, so that the file system stays quick."),
        unit="%",
        ge=0,
        le=50,
    )
