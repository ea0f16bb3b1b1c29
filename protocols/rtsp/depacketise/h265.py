"""NAL units of H.265 in RTP: RFC 7798 s4.4, without decoding order numbers. PACI packets (type 50) are
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

_ROLES = (
    dict.fromkeys(range(16), SLICE)
    | dict.fromkeys(range(16, 24), SLICE | KEY)  # IRAP, ISO/IEC 23008-2 s7.4.2.2
    | dict.fromkeys(range(24, 32), SLICE)
    | dict.fromkeys((32, 33, 34), PARAMETER | FIRST)
    | {35: FIRST, 39: SEI | FIRST, 48: AGGREGATE, 49: FRAGMENT}
    | dict.fromkeys(range(50, 64), REFUSED)
)


def _role(octet: int) -> int:
    forbidden = octet & 0x80
    return REFUSED if forbidden else _ROLES.get(octet >> 1, 0)


SYNTAX = Syntax(
    roles=bytes(map(_role, range(256))),
    header=2,
    first_of_type=tuple(kind << 1 for kind in range(64)),
    keep=0x81,
)
