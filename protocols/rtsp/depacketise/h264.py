"""NAL units of H.264 in RTP: RFC 6184 s5, packetisation modes 0 and 1. Types 25 to 27 and 29 (mode 2) are
refused.
"""

from __future__ import annotations

from protocols.rtsp.depacketise.nal import (
    AGGREGATE,
    FIRST,
    FRAGMENT,
    KEY,
    PARAMETER,
    REFUSED,
    SEI,
    SLICE,
    Syntax,
)

_ROLES = {
    1: SLICE,
    2: SLICE,
    5: SLICE | KEY,
    6: SEI | FIRST,
    7: PARAMETER | FIRST,
    8: PARAMETER | FIRST,
    9: FIRST,
    24: AGGREGATE,
    28: FRAGMENT,
} | dict.fromkeys((0, 25, 26, 27, 29, 30, 31), REFUSED)


def _role(octet: int) -> int:
    forbidden = octet & 0x80
    return REFUSED if forbidden else _ROLES.get(octet & 0x1F, 0)


SYNTAX = Syntax(
    roles=bytes(map(_role, range(256))),
    header=1,
    first_of_type=tuple(kind & 0x1F for kind in range(64)),
    keep=0xE0,
)
