"""What a recipient gets, and how files are called there. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from device.media import Utc
from device.records import record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNSAFE = re.compile(r"[^\w.\- ]|^[. ]+|[. ]+$")  # what a file server somewhere does not take
_STEM = 80  # characters


@record
@dataclass(frozen=True, slots=True)
class Parcel:
    """One thing that is sent."""

    name: str  #: of the file, where there is one
    media: str  #: media type of the data (RFC 6838), such as image/jpeg; empty: there is only the text
    subject: str  #: one line
    text: str
    data: bytes


def file_name(what: str, utc: Utc, number: int, suffix: str) -> str:
    """`gate-20261128T141500Z-000017.jpg`: the number makes it unique where several come in one second. `suffix`: with
    its dot."""
    stem = _UNSAFE.sub("_", what)[:_STEM] or "holdfast"
    when = _EPOCH + timedelta(microseconds=utc)
    return f"{stem}-{when:%Y%m%dT%H%M%SZ}-{number % 1_000_000:06}{suffix}"


def temporary(name: str) -> str:
    """What a file is called until it is whole."""
    return f".{name}.part"
