"""The one configuration file: what must be known before the settings exist. Everything else is a setting.

data = "/var/lib/holdfast"

[listen]
address = "0.0.0.0"
rtsp = 554
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from device.errors import BadValue

Port = Annotated[int, Field(ge=0, le=65535)]  #: 0: any free port


class Listen(BaseModel):
    """Where the recorder answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = Field(default="0.0.0.0", title="Address to listen on")  # noqa: S104 - a recorder serves its network
    rtsp: Port = Field(default=554, title="RTSP port")
    rtsps: Port = Field(default=322, title="RTSP over TLS port")
    snmp: Port = Field(default=161, title="SNMP port (UDP)")
    https: Port = Field(default=443, title="HTTPS port")
    http: Port = Field(default=80, title="HTTP port: leads to HTTPS")

    def shifted(self, offset: int) -> Listen:
        """The same with every port moved by `offset`; 0 stays "any free port"."""
        moved = {
            name: value + offset if isinstance(value, int) and value else value
            for name, value in self.model_dump().items()
        }
        return Listen.model_validate(moved)


class Config(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path = Field(title="Folder of settings, catalogue and keys")
    listen: Listen = Listen()


DEMO_PORTS = Listen(address="127.0.0.1", rtsp=8554, rtsps=8322, snmp=1161, https=8443, http=8080)


def load(path: Path) -> Config:
    """Read the configuration file.

    Raises:
        BadValue: the file cannot be read, is not TOML, or a field is outside its limits; names the field.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadValue(str(path), f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadValue(str(path), "is not text in UTF-8") from error
    try:
        return Config.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadValue(str(path), f"is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise BadValue(".".join(str(part) for part in first["loc"]), first["msg"]) from error
