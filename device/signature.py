"""The recorder's own signature (Ed25519, RFC 8032): what it signed can be shown to come from it, by anybody.

A key is known by its fingerprint, the SHA-256 of its SubjectPublicKeyInfo (RFC 5280 s4.1.2.7) in hexadecimal,
which `openssl pkey -pubin -outform DER | sha256sum` prints, too.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from device import durable
from device.errors import Refused
from device.vault import Vault

ALGORITHM = "Ed25519"
_ABOUT = "signature key"  # what the vault seals it under


class BadKey(Refused):
    """The text is no public key of the kind that recorders sign with."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Tells whether a signature is right."""

    pem: str  #: SubjectPublicKeyInfo, RFC 7468
    fingerprint: str  #: 64 hexadecimal figures

    @classmethod
    def read(cls, pem: str) -> PublicKey:
        """From its PEM form. Raises BadKey."""
        try:
            key = load_pem_public_key(pem.encode())
        except (ValueError, TypeError) as error:
            raise BadKey("The public key cannot be read.") from error
        if not isinstance(key, Ed25519PublicKey):
            raise BadKey(f"The public key is not one of {ALGORITHM}.")
        return _public(key)

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether the owner of the key signed these bytes."""
        key = load_pem_public_key(self.pem.encode())
        assert isinstance(key, Ed25519PublicKey)
        try:
            key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


class Signer:
    """Signs."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = _public(key.public_key())

    @classmethod
    def at(cls, path: Path, vault: Vault) -> Signer:
        """The signer of the key in a file, which is made at first and sealed in the vault.

        Raises OSError, SealBroken."""
        fresh = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        sealed = vault.seal(base64.b64encode(fresh).decode(), _ABOUT)
        kept = vault.open(durable.create(path, sealed.encode()).decode(), _ABOUT)
        return cls(Ed25519PrivateKey.from_private_bytes(base64.b64decode(kept)))

    def sign(self, data: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(data)


def _public(key: Ed25519PublicKey) -> PublicKey:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(pem.decode(), hashlib.sha256(der).hexdigest())
