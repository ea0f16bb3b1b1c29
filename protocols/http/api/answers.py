"""Shapes that several routes answer with."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from device.accounts.rights import Media, Rights
from device.accounts.role import Role


class Answer(BaseModel):
    """What a route answers."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="null", defer_build=True)


class Rights_(Answer):  # noqa: N801 - `Rights` is the device's
    """What an account may see and do."""

    role: Role
    ptz: bool
    cameras: list[str] | None
    media: list[Media]


def rights_shown(rights: Rights) -> dict[str, Any]:
    """The fields of `Rights_`."""
    return {
        "role": rights.role,
        "ptz": rights.may_move,
        "cameras": None if rights.cameras is None else sorted(rights.cameras),
        "media": sorted(rights.media, key=lambda each: each.value),
    }


class Work(Answer):
    """A long work that has begun."""

    job: str
