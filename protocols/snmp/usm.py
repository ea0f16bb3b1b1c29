"""The user-based security model (RFC 3414, AES: RFC 3826, SHA-2: RFC 7860): who sent a message, whether it
was changed, whether it is of now, and what it says.

Keys are made from passwords once (`User.of`); nothing here keeps a password.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from device.errors import BadValue
from protocols.snmp import ber
from protocols.snmp.ber import OCTETS, SEQUENCE, Malformed, integer, length, tlv
from protocols.snmp.message import AUTH, PRIV, USM_MODEL, Secured
from protocols.snmp.vacm import Level

WINDOW = 150  #: seconds (RFC 3414 s2.2.3)
MOST_BOOTS = (1 << 31) - 1  #: snmpEngineBoots stays there, and then nothing is authentic any more
SALT = 8  #: octets of the salt of each protocol
LEAST_PASSWORD = 8  #: octets (RFC 3414 s11.2)
_STRETCHED = 1 << 20  #: octets of repeated password that are hashed (RFC 3414 s2.6)


class _Hash(NamedTuple):
    new: Callable[[bytes], hashlib._Hash]
    block: int  #: octets of a block of the hash
    kept: int  #: octets of the digest that a message carries
    oid: ber.Oid


def _md5(data: bytes) -> hashlib._Hash:
    return hashlib.md5(data, usedforsecurity=False)


def _sha1(data: bytes) -> hashlib._Hash:
    return hashlib.sha1(data, usedforsecurity=False)


class Authentication(Enum):
    """Authentication protocols."""

    MD5 = "MD5"
    SHA = "SHA"
    SHA224 = "SHA-224"
    SHA256 = "SHA-256"
    SHA384 = "SHA-384"
    SHA512 = "SHA-512"


class Privacy(Enum):
    """Privacy protocols. AES-192 and AES-256 as draft-blumenthal-aes-usm-04 has them, which net-snmp knows by
    these names: where the hash is too short, the key is lengthened by hashing on."""

    DES = "DES"
    AES = "AES"
    AES192 = "AES-192"
    AES256 = "AES-256"


_PROTOCOLS = (1, 3, 6, 1, 6, 3, 10, 1)
HASHES = {
    Authentication.MD5: _Hash(_md5, 64, 12, (*_PROTOCOLS, 1, 2)),
    Authentication.SHA: _Hash(_sha1, 64, 12, (*_PROTOCOLS, 1, 3)),
    Authentication.SHA224: _Hash(hashlib.sha224, 64, 16, (*_PROTOCOLS, 1, 4)),
    Authentication.SHA256: _Hash(hashlib.sha256, 64, 24, (*_PROTOCOLS, 1, 5)),
    Authentication.SHA384: _Hash(hashlib.sha384, 128, 32, (*_PROTOCOLS, 1, 6)),
    Authentication.SHA512: _Hash(hashlib.sha512, 128, 48, (*_PROTOCOLS, 1, 7)),
}
KEY_OCTETS = {Privacy.DES: 16, Privacy.AES: 16, Privacy.AES192: 24, Privacy.AES256: 32}
PRIVACY_OIDS = {
    Privacy.DES: (*_PROTOCOLS, 2, 2),
    Privacy.AES: (*_PROTOCOLS, 2, 4),
    Privacy.AES192: (1, 3, 6, 1, 4, 1, 9, 12, 6, 1, 1),
    Privacy.AES256: (1, 3, 6, 1, 4, 1, 9, 12, 6, 1, 2),
}


def master_key(protocol: Authentication, password: bytes) -> bytes:
    """Ku of RFC 3414 s2.6, A.2. Raises BadValue where the password is too short."""
    if len(password) < LEAST_PASSWORD:
        raise BadValue("password", f"must be at least {LEAST_PASSWORD} octets")
    repeated = password * (_STRETCHED // len(password) + 1)
    return HASHES[protocol].new(repeated[:_STRETCHED]).digest()


def localised(protocol: Authentication, master: bytes, engine: bytes) -> bytes:
    """Kul of RFC 3414 s2.6: the key for one engine."""
    return HASHES[protocol].new(master + engine + master).digest()


def privacy_key(protocol: Authentication, master: bytes, engine: bytes, octets: int) -> bytes:
    """The localised key for privacy, of so many octets."""
    key = localised(protocol, master, engine)
    while len(key) < octets:
        key += HASHES[protocol].new(key).digest()
    return key[:octets]


class _Mac:
    """HMAC (RFC 2104) with both of its blocks hashed beforehand."""

    __slots__ = ("_inner", "_outer", "kept")

    def __init__(self, protocol: Authentication, key: bytes) -> None:
        how = HASHES[protocol]
        padded = key.ljust(how.block, b"\0")
        self._inner = how.new(bytes(octet ^ 0x36 for octet in padded))
        self._outer = how.new(bytes(octet ^ 0x5C for octet in padded))
        self.kept = how.kept

    def digest(self, *parts: bytes) -> bytes:
        """What a message carries that consists of these parts."""
        inner, outer = self._inner.copy(), self._outer.copy()
        for part in parts:
            inner.update(part)
        outer.update(inner.digest())
        return outer.digest()[: self.kept]


class _Aes:
    """AES-CFB-128 (RFC 3826 s3.1).

    To make a cipher for each initialisation vector costs ten times what the cipher does with a message. So one
    goes on for ever: the state of CFB is the block of ciphertext before, and each message is preceded by a block
    whose ciphertext is its vector.
    """

    __slots__ = ("_block", "_decryptor", "_encryptor", "_last")

    def __init__(self, key: bytes) -> None:
        cipher = algorithms.AES(key)
        self._last = bytes(16)  # of the encryptor's ciphertext
        self._encryptor: CipherContext = Cipher(cipher, CFB(self._last)).encryptor()
        self._decryptor: CipherContext = Cipher(cipher, CFB(bytes(16))).decryptor()
        self._block: CipherContext = Cipher(cipher, modes.ECB()).encryptor()  # noqa: S305 - for one block, of CFB

    def encrypt(self, plain: bytes, boots: int, time: int, number: int) -> tuple[bytes, bytes]:
        """Ciphertext and salt; `number` is another one each time."""
        salt = number.to_bytes(SALT, "big")
        vector = boots << 96 | time << 64 | number
        stream = int.from_bytes(self._block.update(self._last), "big")
        first = (vector ^ stream).to_bytes(16, "big")
        size = len(plain)
        sealed = self._encryptor.update(first + plain + bytes(-size % 16))
        self._last = sealed[-16:]
        return sealed[16 : 16 + size], salt

    def decrypt(self, data: bytes, boots: int, time: int, salt: bytes) -> bytes | None:
        """The plaintext."""
        if len(salt) != SALT:
            return None
        size = len(data)
        vector = (boots << 32 | time).to_bytes(8, "big") + salt
        return self._decryptor.update(vector + data + bytes(-size % 16))[16 : 16 + size]


class _Des:
    """DES-CBC (RFC 3414 s8). Broken, and still all that some managers know."""

    __slots__ = ("_before", "_key")

    def __init__(self, key: bytes) -> None:
        self._key = TripleDES(key[:8] * 3)
        self._before = key[8:16]

    def _cipher(self, salt: bytes) -> Cipher[modes.CBC]:
        return Cipher(self._key, modes.CBC(bytes(a ^ b for a, b in zip(self._before, salt, strict=True))))

    def encrypt(self, plain: bytes, boots: int, time: int, number: int) -> tuple[bytes, bytes]:  # noqa: ARG002 - as AES
        """Ciphertext and salt."""
        salt = boots.to_bytes(4, "big") + (number & 0xFFFFFFFF).to_bytes(4, "big")
        return self._cipher(salt).encryptor().update(plain + bytes(-len(plain) % 8)), salt

    def decrypt(self, data: bytes, boots: int, time: int, salt: bytes) -> bytes | None:  # noqa: ARG002 - as AES
        """The plaintext, with its padding."""
        if len(salt) != SALT or len(data) % 8:
            return None
        return self._cipher(salt).decryptor().update(data)


@dataclass(frozen=True, slots=True)
class Secret:
    """What makes a user's keys: passwords that were hashed, good for every engine."""

    name: bytes
    authentication: Authentication | None
    privacy: Privacy | None
    auth_master: bytes = field(repr=False)
    priv_master: bytes = field(repr=False)

    @classmethod
    def of(
        cls,
        name: str,
        authentication: Authentication | None,
        auth_password: str,
        privacy: Privacy | None,
        priv_password: str,
    ) -> Secret:
        """Takes about 2 ms for each password. Raises BadValue: a password that is too short, a name of more
        than 32 octets, privacy without authentication."""
        encoded = name.encode()
        if not 1 <= len(encoded) <= 32:
            raise BadValue("user", "must be of 1 to 32 octets")
        if authentication is None and privacy is not None:
            raise BadValue("privacy", "is not possible without authentication")
        auth = master_key(authentication, auth_password.encode()) if authentication else b""
        priv = master_key(authentication, priv_password.encode()) if authentication and privacy else b""
        return cls(encoded, authentication, privacy, auth, priv)


class User:
    """A user at one engine."""

    __slots__ = ("cipher", "level", "mac", "name", "secret")

    def __init__(self, secret: Secret, engine: bytes) -> None:
        self.secret = secret
        self.name = secret.name
        self.mac: _Mac | None = None
        self.cipher: _Aes | _Des | None = None
        self.level = Level.NO_AUTH
        if secret.authentication is not None:
            self.level = Level.AUTH
            key = localised(secret.authentication, secret.auth_master, engine)
            self.mac = _Mac(secret.authentication, key)
            if secret.privacy is not None:
                self.level = Level.PRIVACY
                octets = KEY_OCTETS[secret.privacy]
                key = privacy_key(secret.authentication, secret.priv_master, engine, octets)
                self.cipher = _Des(key) if secret.privacy is Privacy.DES else _Aes(key)


NOBODY = User(Secret(b"", None, None, b"", b""), b"")


class Trouble(Enum):
    """Why a message is not taken: the last sub-identifiers of the counter that the asker is told
    (RFC 3414 s3.2)."""

    UNSUPPORTED_LEVEL = 1
    NOT_IN_WINDOW = 2
    UNKNOWN_USER = 3
    UNKNOWN_ENGINE = 4
    WRONG_DIGEST = 5
    DECRYPTION = 6


class Engine:
    """One authoritative engine: ours, or that of a peer whom we send informs."""

    def __init__(self, identity: bytes, boots: int, salt: int) -> None:
        """`identity`: snmpEngineID. `salt`: where the numbers of ciphertexts begin, at random."""
        self.identity = identity
        self.boots = boots
        self._salt = salt

    def seal(
        self, message_id: bytes, flags: int, user: User, time: int, max_size: int, scoped: bytes
    ) -> bytes:
        """A whole SNMPv3 message (RFC 3414 s3.1). `scoped` is the scoped PDU, `time` the engine's."""
        salt = b""
        if flags & PRIV:
            assert user.cipher is not None
            self._salt = self._salt + 1 & 0xFFFFFFFFFFFFFFFF
            sealed, salt = user.cipher.encrypt(scoped, self.boots, time, self._salt)
            scoped = tlv(OCTETS, sealed)
        mac = user.mac if flags & AUTH else None
        kept = 0 if mac is None else mac.kept
        terms, between = _between(max_size, flags, self.identity, self.boots, time, user.name, kept)
        head = b"".join((b"\x02\x01\x03\x30", length(len(message_id) + terms), message_id, between))
        front = b"\x30" + length(len(head) + len(salt) + len(scoped)) + head
        if mac is None:
            return front + salt + scoped
        at = len(front) - 2 - kept
        digest = mac.digest(front, salt, scoped)
        return b"".join((front[:at], digest, front[at + kept :], salt, scoped))


@lru_cache(64)
def _between(
    max_size: int, flags: int, engine: bytes, boots: int, time: int, user: bytes, kept: int
) -> tuple[int, bytes]:
    """What stands between msgID and the salt, its digest of so many octets zero: the same for a second. And
    how many octets of it are msgMaxSize, msgFlags and msgSecurityModel."""
    terms = integer(max_size) + bytes((OCTETS, 1, flags)) + integer(USM_MODEL)
    name = tlv(OCTETS, engine) + integer(boots) + integer(time) + tlv(OCTETS, user)
    salt = bytes(SALT if flags & PRIV else 0)
    parameters = tlv(SEQUENCE, name + tlv(OCTETS, bytes(kept)) + tlv(OCTETS, salt))
    return len(terms), terms + tlv(OCTETS, parameters)[: -len(salt) or None]


def level_of(flags: int) -> Level | None:
    """The security level that msgFlags ask for; None: privacy without authentication."""
    if flags & AUTH:
        return Level.PRIVACY if flags & PRIV else Level.AUTH
    return None if flags & PRIV else Level.NO_AUTH


def is_authentic(message: Secured, user: User) -> bool:
    """RFC 3414 s6.3.2, s7.3.2, RFC 7860 s4.2.2: the digest has its whole length, and is right."""
    start, stop = message.digest
    mac = user.mac
    if mac is None or stop - start != mac.kept:
        return False
    data = message.data
    right = mac.digest(data[:start], bytes(mac.kept), data[stop:])
    return hmac.compare_digest(right, data[start:stop])


def opened(message: Secured, user: User) -> bytes | None:
    """The scoped PDU, None where it cannot be decrypted. Raises Malformed."""
    start, stop = ber.element(message.data, message.scoped, message.end, OCTETS)
    if stop != message.end:
        raise Malformed("something follows the message")
    assert user.cipher is not None
    return user.cipher.decrypt(
        message.data[start:stop], message.header.boots, message.header.time, message.salt
    )
