"""Shares of file servers: what the archive and a network storage have in common, and the network storages."""

from __future__ import annotations

from pydantic import BaseModel, SecretStr

from device.accounts.role import Role
from device.settings.hosts import HostName, Port
from device.settings.section import N_, Field, Keep, Section

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class OnShare(BaseModel):
    """A folder of a share that is ours. The first half of a section."""

    enabled: bool = Field(False, title=N_("Enabled"))
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
    bandwidth: float | None = Field(
        None, title=N_("Bandwidth"), help=N_("None: as fast as it goes."), unit="Mbit/s", ge=0.1, le=100_000
    )
    target: str = Field(
        "",
        title=N_("Identity of the share's folder"),
        help=N_("Set when the folder is made ours. A folder that does not carry it gets nothing."),
        pattern=rf"^({UUID})?$",
    )


class NetworkStorage(
    OnShare,
    Section,
    section="shares",
    heading=N_("Network storages"),
    key=UUID,
    restore=Keep.NO,
    role=Role.ADMINISTRATOR,
):
    """The share behind a storage, under that storage's key: what is recorded there goes to the share at once, and lies
    there alone from then on. The storage's folder is its spool."""

    spool_gb: float = Field(
        20.0,
        title=N_("Spool"),
        help=N_(
            "Room here for what the share does not have yet. When it is away for longer, the oldest is lost."
        ),
        unit="GB",
        ge=0.1,
        le=1_000_000,
    )
    quota_gb: float | None = Field(
        None,
        title=N_("Quota"),
        help=N_("What recordings may take on the share; then the oldest is deleted. None: all there is."),
        unit="GB",
        ge=0.1,
        le=1_000_000,
    )
    retention_days: float | None = Field(
        None,
        title=N_("Retention"),
        help=N_("Deleted on the share when it is older. None: as each camera says."),
        unit="d",
        ge=0.01,
        le=3650,
    )
    reserve_percent: float = Field(
        1.0, title=N_("Reserve"), help=N_("Of the share, always kept free."), unit="%", ge=0, le=50
    )
