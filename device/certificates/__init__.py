"""The recorder's own certificate: self-signed on first start, so that every wire has TLS before anyone
configures it."""

from __future__ import annotations

import datetime
import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from device.clock import Clock
from device.durable import write_durably
from device.media import MICROSECONDS

_YEARS = 10
_BACKDATED = datetime.timedelta(
    days=1
)  #: a client whose clock is behind must not refuse a brand-new recorder


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Paths of a PEM certificate chain and its private key."""

    certificate: Path
    key: Path


def own_certificate(folder: Path, serial: str, clock: Clock) -> KeyPair:
    """The recorder's certificate in `folder`, made on the first call (EC P-256, RFC 5280 end entity,
    10 years).

    Names in it: the host's name, its `.local` name, `localhost`, and the loopback addresses; a browser
    warns all the same, so that the fingerprint is what a careful person compares.
    """
    pair = KeyPair(folder / "holdfast.crt", folder / "holdfast.key")
    if pair.certificate.exists() and pair.key.exists():
        return pair
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Holdfast {serial}")])
    now = datetime.datetime.fromtimestamp(clock.utc() / MICROSECONDS, datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_names()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_durably(pair.key, private, mode=0o600)
    write_durably(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
    return pair


def _names() -> list[x509.GeneralName]:
    host = socket.gethostname()
    names = dict.fromkeys([host, f"{host.split('.')[0]}.local", "localhost"])
    return [
        *(x509.DNSName(name) for name in names),
        x509.IPAddress(ipaddress.IPv4Address("127.0.0.1")),
        x509.IPAddress(ipaddress.IPv6Address("::1")),
    ]
