"""Certificates and keys as people have them: PEM, DER (.cer, .crt), PKCS#12 (.pfx, .p12); keys in PKCS#1, PKCS#8,
SEC 1 and PKCS#12, under a password or not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    pkcs12,
)

from device.errors import BadValue

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

LARGEST = 64 << 10  #: octets of one file
MOST = 10  #: certificates of one chain
LEAST_RSA = 2048  #: bits
_CURVES = ("secp256r1", "secp384r1", "secp521r1")


class KeyType(Enum):
    """Kinds of key that are made here. The first is the default."""

    EC_P256 = "ec-p256"
    EC_P384 = "ec-p384"
    RSA_2048 = "rsa-2048"
    RSA_4096 = "rsa-4096"


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was in the files. `chain`: the certificate itself first."""

    chain: tuple[x509.Certificate, ...]
    key: PrivateKey | None


def new_key(kind: KeyType) -> PrivateKey:
    """A fresh key."""
    match kind:
        case KeyType.EC_P256:
            return ec.generate_private_key(ec.SECP256R1())
        case KeyType.EC_P384:
            return ec.generate_private_key(ec.SECP384R1())
        case KeyType.RSA_2048:
            return rsa.generate_private_key(65_537, 2048)
        case KeyType.RSA_4096:
            return rsa.generate_private_key(65_537, 4096)


def parse(certificate: bytes, key: bytes | None, password: str | None) -> Parsed:
    """Read an upload. Raises BadValue that names `certificate`, `key` or `password`."""
    for name, data in (("certificate", certificate), ("key", key or b"")):
        if len(data) > LARGEST:
            raise BadValue(name, f"must be at most {LARGEST >> 10} KiB")
    secret = password.encode() if password else None
    chain, own = _certificates(certificate, secret)
    if key:
        own = _key(key, secret)
    elif own is None and b"PRIVATE KEY-----" in certificate:
        own = _key(certificate, secret)
    if not chain:
        raise BadValue("certificate", "holds no certificate")
    if len(chain) > MOST:
        raise BadValue("certificate", f"must hold at most {MOST} certificates")
    return Parsed(_ordered(chain, own), own)


def name_of_key(key: object) -> str:
    """What kind of key it is, for a person."""
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    if isinstance(key, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        return "Ed25519"
    return type(key).__name__


def sealed_key(key: PrivateKey, passphrase: bytes) -> bytes:
    """PKCS#8 in PEM, under a passphrase."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether it vouches for itself alone."""
    if certificate.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def same_key(certificate: x509.Certificate, key: PrivateKey) -> bool:
    """Whether a certificate is of a key."""
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    return certificate.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)


def _certificates(data: bytes, secret: bytes | None) -> tuple[list[x509.Certificate], PrivateKey | None]:
    if b"-----BEGIN" in data:
        try:
            return x509.load_pem_x509_certificates(data), None
        except ValueError:
            raise BadValue("certificate", "is not PEM with a certificate in it") from None
    try:
        return [x509.load_der_x509_certificate(data)], None
    except ValueError:
        pass
    try:
        key, own, others = pkcs12.load_key_and_certificates(data, secret)
    except ValueError:
        if _is_pkcs12(data):
            raise BadValue("password", "does not open the file") from None
        raise BadValue("certificate", "is neither PEM, nor CER (DER), nor PFX (PKCS#12)") from None
    return [*([own] if own else []), *others], _accepted(key) if key else None


def _is_pkcs12(data: bytes) -> bool:
    """A sequence that begins with version 3 (RFC 7292 s4)."""
    return data[:1] == b"\x30" and b"\x02\x01\x03" in data[:12]


def _key(data: bytes, secret: bytes | None) -> PrivateKey:
    load = load_pem_private_key if b"-----BEGIN" in data else load_der_private_key
    try:
        return _accepted(load(data, secret))
    except TypeError:
        if secret is None:
            raise BadValue("password", "is needed: the key is encrypted") from None
        try:
            return _accepted(load(data, None))  # a password was given that this key does not need
        except (ValueError, TypeError):
            raise BadValue("key", "is no private key") from None
    except (ValueError, UnsupportedAlgorithm):
        pass
    try:
        key, _, _ = pkcs12.load_key_and_certificates(data, secret)
    except ValueError:
        if secret is not None or _is_pkcs12(data):
            raise BadValue("password", "does not open the key, or this is no private key") from None
        raise BadValue("key", "is no private key in PKCS#1, PKCS#8 or PKCS#12") from None
    if key is None:
        raise BadValue("key", "holds no private key")
    return _accepted(key)


def _accepted(key: object) -> PrivateKey:
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < LEAST_RSA:
            raise BadValue("key", f"must have at least {LEAST_RSA} bits")
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey):
        if key.curve.name not in _CURVES:
            raise BadValue("key", "must be on the curve P-256, P-384 or P-521")
        return key
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    raise BadValue("key", "must be RSA, EC or Ed25519")


def _ordered(chain: list[x509.Certificate], key: PrivateKey | None) -> tuple[x509.Certificate, ...]:
    """The certificate first, then each one's issuer; what does not belong to it is left out."""
    first = chain[0]
    if key is not None:
        first = next((each for each in chain if same_key(each, key)), None)  # type: ignore[assignment]  # looked at below
        if first is None:
            raise BadValue("key", "is not the key of the certificate")
    found = [first]
    while len(found) < len(chain):
        issuer = next(
            (each for each in chain if each.subject == found[-1].issuer and each not in found), None
        )
        if issuer is None:
            break
        found.append(issuer)
    return tuple(found)
