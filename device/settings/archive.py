"""The archive: a share to which recordings are copied or moved."""

from __future__ import annotations

from pydantic import SecretStr

from device.accounts.role import Role
from device.settings.hosts import HostName, Port
from device.settings.schedule import Span
from device.settings.section import N_, Field, Keep, Section


class Archive(Section, section="archive", heading=N_("Archive"), restore=Keep.NO, role=Role.ADMINISTRATOR):
    """Where, and when. `holdfast archive claim` makes an empty folder of the share ours."""

    enabled: bool = Field(False, title=N_("Copy recordings to a share"))
    host: HostName = Field("", title=N_("Host name or IP address"), max_length=255)
    port: Port = Field(445, title=N_("Port"))
    share: str = Field("", title=N_("Share"), max_length=80, pattern=r"^[^\\/]*$")
    folder: str = Field("", title=N_("Folder"), help=N_("It must be there, and empty."), max_length=1024)
    user: str = Field("", title=N_("User"), max_length=255)
    password: SecretStr = Field(SecretStr(""), title=N_("Password"), max_length=255)
    encrypt: bool = Field(
        True,
        title=N_("Encrypt"),
        help=N_("SMB 3. Otherwise what travels is signed, and everybody on the way can see it."),
    )
    after: float = Field(
        0.0,
        title=N_("Copy what is older than"),
        help=N_("0: as soon as it is finished."),
        unit="h",
        ge=0,
        le=87_600,
    )
    move_after: float | None = Field(
        None,
        title=N_("Keep here what is not older than"),
        help=N_(
            "What is older lies in the archive alone, and is read there. None: it is copied, and stays here."
        ),
        unit="h",
        ge=0,
        le=87_600,
    )
    schedule: tuple[Span, ...] = Field(
        (), title=N_("Schedule"), help=N_("When it may be copied; empty: always."), max_length=100
    )
    bandwidth: float | None = Field(
        200.0, title=N_("Bandwidth"), help=N_("None: as fast as it goes."), unit="Mbit/s", ge=0.1, le=100_000
    )
    target: str = Field(
        "",
        title=N_("Identity of the share's folder"),
        help=N_("Set by `holdfast archive claim`. A folder that does not carry it gets nothing."),
        pattern=r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$",
    )
