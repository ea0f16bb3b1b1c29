"""Whether the kernel's clock is held in step with a time server (adjtimex(2), RFC 5905 s11.3).

Whichever program does it (chrony, ntpd, systemd-timesyncd) tells the kernel, and no one else needs to be asked.
"""

from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass

_UNSYNCHRONISED = 0x0040  #: STA_UNSYNC
_NANOSECONDS = 0x2000  #: STA_NANO: the offset is in ns
_SIZE = 256  #: octets: more than struct timex is anywhere
_HEAD = struct.Struct("@Illlli")  #: modes, offset, freq, maxerror, esterror, status


@dataclass(frozen=True, slots=True)
class InStep:
    """What the kernel says of its clock. Seconds."""

    synchronised: bool
    offset: float  #: that is still being taken away
    error: float  #: at most, as far as is known


def parse(timex: bytes) -> InStep:
    """Of a `struct timex`, at least its head."""
    _, offset, _, most, _, status = _HEAD.unpack_from(timex)
    unit = 1e9 if status & _NANOSECONDS else 1e6
    return InStep(not status & _UNSYNCHRONISED, offset / unit, most / 1e6)


def in_step() -> InStep | None:
    """As it is now; None where the kernel does not tell."""
    buffer = ctypes.create_string_buffer(_SIZE)  # modes 0: nothing is set
    if ctypes.CDLL(None, use_errno=True).adjtimex(buffer) < 0:
        return None
    return parse(buffer.raw)
