"""The zone that the recorder's people live in. Local time exists only at the edge."""

from __future__ import annotations

from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

_LINK = Path("/etc/localtime")
_ZONES = "zoneinfo/"


def local_zone() -> tzinfo:
    """The machine's zone by its name, so that its rules hold for every date; UTC where it has none."""
    try:
        target = str(_LINK.resolve(strict=True))
        return ZoneInfo(target.partition(_ZONES)[2])
    except (OSError, ValueError, KeyError):
        return UTC
