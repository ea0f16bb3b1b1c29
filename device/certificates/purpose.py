"""What certificates are for."""

from __future__ import annotations

from enum import Enum


class Purpose(Enum):
    """What a certificate is for."""

    IDENTITY = "identity"  #: of a server or client, with its key
    AUTHORITY = "ca"  #: vouches for others
