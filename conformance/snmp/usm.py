"""The user-based security model from a manager's side (RFC 3414, 3826, 7860): keys, digests, ciphers."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from functools import cache

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from conformance.case import Failed

HASHES = {
    "MD5": ("md5", 12),
    "SHA": ("sha1", 12),
    "SHA-224": ("sha224", 16),
    "SHA-256": ("sha256", 24),
    "SHA-384": ("sha384", 32),
    "SHA-512": ("sha512", 48),
}  #: as net-snmp calls them -> hash, octets of a digest
CIPHERS = {"DES": 16, "AES": 16, "AES-192": 24, "AES-256": 32}  #: as net-snmp calls them -> octets of key
LEAST_PASSWORD = 8
_STRETCHED = 1 << 20


@cache
def _master(algorithm: str, password: bytes) -> bytes:
    """Ku (RFC 3414 A.2)."""
    repeated = password * (_STRETCHED // len(password) + 1)
    return hashlib.new(algorithm, repeated[:_STRETCHED], usedforsecurity=False).digest()


def _localised(algorithm: str, password: bytes, engine: bytes) -> bytes:
    """Kul (RFC 3414 s2.6)."""
    master = _master(algorithm, password)
    return hashlib.new(algorithm, master + engine + master, usedforsecurity=False).digest()


@dataclass(frozen=True, slots=True)
class Keys:
    """A user's keys at one engine."""

    authentication: str
    privacy: str
    auth_key: bytes = field(repr=False)
    priv_key: bytes = field(repr=False)

    @classmethod
    def of(
        cls, authentication: str, password: str, privacy: str, privacy_password: str, engine: bytes
    ) -> Keys:
        """Takes milliseconds. Raises Failed: a password that is too short for USM."""
        if min(len(password), len(privacy_password)) < LEAST_PASSWORD:
            raise Failed(f"a password of fewer than {LEAST_PASSWORD} characters")
        algorithm, _ = HASHES[authentication]
        key = _localised(algorithm, privacy_password.encode(), engine)
        while len(key) < CIPHERS[privacy]:
            key += hashlib.new(algorithm, key, usedforsecurity=False).digest()
        auth = _localised(algorithm, password.encode(), engine)
        return cls(authentication, privacy, auth, key[: CIPHERS[privacy]])

    @property
    def digest_size(self) -> int:
        """Octets of a digest in a message."""
        return HASHES[self.authentication][1]

    def digest(self, whole: bytes) -> bytes:
        """Of a message whose digest is zero."""
        return hmac.new(self.auth_key, whole, HASHES[self.authentication][0]).digest()[: self.digest_size]

    def encrypt(self, plain: bytes, boots: int, time: int) -> tuple[bytes, bytes]:
        """Ciphertext and salt."""
        salt = secrets.token_bytes(8)
        if self.privacy == "DES":
            return self._des(salt).encryptor().update(plain + bytes(-len(plain) % 8)), salt
        return self._aes(boots, time, salt).encryptor().update(plain), salt

    def decrypt(self, data: bytes, boots: int, time: int, salt: bytes) -> bytes:
        """Plaintext, perhaps padded. Raises Failed."""
        if len(salt) != 8 or (self.privacy == "DES" and len(data) % 8):
            raise Failed(f"a salt of {len(salt)} octets, or ciphertext of {len(data)}")
        if self.privacy == "DES":
            return self._des(salt).decryptor().update(data)
        return self._aes(boots, time, salt).decryptor().update(data)

    def _aes(self, boots: int, time: int, salt: bytes) -> Cipher[CFB]:
        iv = b"".join((number & 0xFFFFFFFF).to_bytes(4, "big") for number in (boots, time)) + salt
        return Cipher(algorithms.AES(self.priv_key), CFB(iv))

    def _des(self, salt: bytes) -> Cipher[modes.CBC]:
        iv = bytes(a ^ b for a, b in zip(self.priv_key[8:16], salt, strict=True))
        return Cipher(TripleDES(self.priv_key[:8] * 3), modes.CBC(iv))
