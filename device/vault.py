"""Secrets at rest: AES-256-GCM (NIST SP 800-38D) under one master key that lies in a file of its own.

Each sealed text says which key sealed it, and opens only under the words it was sealed with (the associated
data): a password moved to another camera in the database does not open.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from device import durable
from device.errors import Fault

_NONCE = 12  # octets, SP 800-38D s8.2


class SealBroken(Fault):
    """A secret cannot be opened: another key sealed it, or it was changed."""

    hint = "Was the master key replaced? Set the secret again."


class Vault:
    """Seals and opens."""

    def __init__(self, key: bytes) -> None:
        """`key`: 32 octets."""
        if len(key) != 32:
            raise SealBroken(f"The master key has {len(key)} octets, not 32.")
        self._cipher = AESGCM(key)
        self._id = hashlib.sha256(b"holdfast key id" + key).hexdigest()[:8]

    @classmethod
    def at(cls, path: Path) -> Vault:
        """The vault of the key in a file, which is made at first, readable by our user alone.

        Raises OSError, SealBroken.
        """
        return cls(durable.create(path, secrets.token_bytes(32)))

    def seal(self, text: str, about: str) -> str:
        """The sealed form of a text, in ASCII."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, text.encode(), about.encode())
        return f"1:{self._id}:{base64.b64encode(sealed).decode()}"

    def open(self, sealed: str, about: str) -> str:
        """The text. Raises SealBroken."""
        try:
            form, key, body = sealed.split(":")
            raw = base64.b64decode(body, validate=True)
            if form != "1" or key != self._id:
                raise SealBroken(f"{about}: sealed by another key")
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], about.encode()).decode()
        except (ValueError, InvalidTag):
            raise SealBroken(f"{about}: not what was sealed") from None
