"""What a recipient gets, and how files are called there. Pure, but for the file that a parcel may be."""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from device.media import Utc
from device.records import record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNSAFE = re.compile(r"[^\w.\- ]|^[. ]+|[. ]+$")  # what a file server somewhere does not take
_STEM = 80  # characters
SLOWEST = 50_000  #: octets a second; who takes less is not waited for


@record
@dataclass(frozen=True, slots=True)
class Parcel:
    """One thing that is sent. Its data are here, or in a file: a clip is never whole in memory."""

    name: str  #: of the file, where there is one
    media: str  #: media type of the data (RFC 6838), such as image/jpeg; empty: there is only the text
    subject: str  #: one line
    text: str
    data: bytes = b""
    file: str = ""  #: path of the data; empty: they are here

    @property
    def size(self) -> int:
        """Octets of the data. Raises OSError."""
        return Path(self.file).stat().st_size if self.file else len(self.data)

    def open(self) -> BinaryIO:
        """The data, from their beginning. Raises OSError."""
        return Path(self.file).open("rb") if self.file else io.BytesIO(self.data)

    @property
    def temporary(self) -> str:
        """What it is called at the recipient until it is whole. A file has a name there that no other file has, so that
        an upload that broke can go on where it was."""
        own = f".{zlib.crc32(self.file.encode()):08x}" if self.file else ""
        return f".{self.name}{own}.part"

    def begin(self, there: int | None) -> int:
        """From which octet on an upload goes on, where so many are there already under its temporary name. Raises
        OSError."""
        return there if self.file and there is not None and there <= self.size else 0

    def within(self, seconds: float) -> float:
        """How long sending it may take where an empty one has `seconds`. Raises OSError."""
        return seconds + self.size / SLOWEST


def safe(text: str) -> str:
    """As much of a text as can be part of a file's name everywhere."""
    return _UNSAFE.sub("_", text)[:_STEM]


def file_name(what: str, utc: Utc, number: int, suffix: str) -> str:
    """`gate-20261128T141500Z-000017.jpg`: the number makes it unique where several come in one second. `suffix`: with
    its dot."""
    when = _EPOCH + timedelta(microseconds=utc)
    return f"{safe(what) or 'holdfast'}-{when:%Y%m%dT%H%M%SZ}-{number % 1_000_000:06}{suffix}"
