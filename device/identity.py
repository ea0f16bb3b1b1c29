"""Who this recorder is: made once, kept for ever, through restore, factory default and upgrade."""

from __future__ import annotations

import json
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path

from device import durable
from device.errors import Fault

#: Crockford's base 32: no letter that is read as a figure or another letter.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class IdentityLost(Fault):
    """The identity file cannot be read. A new one is not made in its place: every wire would see another
    recorder."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The recorder's names for machines and for people."""

    id: str  #: UUID, RFC 9562; what other systems know it by
    serial: str  #: 12 capital letters and figures, as on a type plate; the realm of digest authentication


def identity(path: Path) -> Identity:
    """Read the identity, or make it where there is none. Raises IdentityLost, OSError."""
    serial = "HF" + "".join(secrets.choice(_ALPHABET) for _ in range(10))
    fresh = json.dumps({"id": str(uuid.uuid4()), "serial": serial}).encode() + b"\n"
    kept = durable.create(path, fresh)
    try:
        read = json.loads(kept)
        return Identity(str(uuid.UUID(read["id"])), str(read["serial"]))
    except (ValueError, KeyError, TypeError) as error:
        raise IdentityLost(f"{path} is not an identity: {error}") from None
