"""Time zones, by their name in IANA's database or as POSIX writes them (IEEE 1003.1 s8.3)."""

from __future__ import annotations

import io
import re
import struct
from datetime import tzinfo
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, available_timezones

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]*", re.ASCII)
#: IEEE 1003.1 s8.3: std offset[dst[offset][,start[/time],end[/time]]]
_POSIX = re.compile(
    r"(<[A-Za-z0-9+-]{3,}>|[A-Za-z]{3,})[+-]?\d{1,2}(:\d\d){0,2}"
    r"((<[A-Za-z0-9+-]{3,}>|[A-Za-z]{3,})([+-]?\d{1,2}(:\d\d){0,2})?(,[JM0-9./:+-]+){0,2})?",
    re.ASCII,
)
_LINK = Path("/etc/localtime")
_HEAD = struct.Struct(">4s1s15x6I")  # RFC 8536 s3.1
UTC = "UTC0"


def read_zone(text: str) -> tzinfo:
    """The zone that a text names. Raises ValueError."""
    if _footer(text) is not None:
        return ZoneInfo(text)
    if not _POSIX.fullmatch(text):
        raise ValueError("is no time zone of IANA's database, and none as POSIX writes it")
    try:
        return ZoneInfo.from_file(io.BytesIO(_compiled(text)), key=text)
    except ValueError as error:
        raise ValueError(f"is no time zone as POSIX writes it: {error}") from None


def _compiled(rule: str) -> bytes:
    """A file (RFC 8536 s3) that says nothing but the rule in its footer."""
    name = b"UTC\0"
    first = _HEAD.pack(b"TZif", b"2", 0, 0, 0, 0, 1, len(name)) + struct.pack(">iBB", 0, 0, 0) + name
    return first + first + b"\n" + rule.encode("ascii") + b"\n"


def machine_zone() -> str:
    """The name of the zone of the machine; UTC where it has none, or no database of zones."""
    try:
        name = str(_LINK.resolve(strict=True)).partition("zoneinfo/")[2]
    except OSError:
        return UTC
    return name if _footer(name) is not None else UTC


def posix(text: str) -> str:
    """A zone as POSIX writes it; UTC where there is no such zone."""
    found = _footer(text)
    if found is None:
        return text if _POSIX.fullmatch(text) else UTC
    return found or UTC


def iana(text: str) -> str:
    """A zone by a name of IANA's database, as browsers want it. For a rule of POSIX one that keeps it today; UTC where
    there is none."""
    if _footer(text) is not None:
        return text
    several = sorted(available_timezones(), key=lambda name: (name != "Etc/UTC", "/" not in name, name))
    return next((name for name in several if _footer(name) == text), "UTC")


def _footer(name: str) -> str | None:
    """What stands at the end of the file of a zone in IANA's database (RFC 8536 s3.3): the rule of its present. None:
    there is no such zone."""
    if not _NAME.fullmatch(name):
        return None
    for folder in TZPATH:
        try:
            found = (Path(folder) / name).read_bytes()
        except OSError:
            continue
        if found.startswith(b"TZif"):
            return found.rstrip(b"\n").rpartition(b"\n")[2].decode("ascii", "replace")
    return None
