"""The certificates that services use, those of authorities that they trust, and the keys.

    certificates/ID.json     what it is called, and the sealed passphrase of its key
    certificates/ID.pem      the certificate, and those that lead from it to an authority
    certificates/ID.key      its private key, PKCS#8 under that passphrase; not of an authority

`own` is the recorder's own, self-signed on first start. It cannot be deleted: every wire has TLS at any time.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import re
import secrets
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from device.certificates import own_certificate
from device.certificates.formats import (
    KeyType,
    Parsed,
    PrivateKey,
    is_self_signed,
    name_of_key,
    new_key,
    parse,
    same_key,
    sealed_key,
)
from device.certificates.purpose import Purpose
from device.clock import Clock
from device.durable import write_durably
from device.errors import BadValue, Fault, NotFound, Refused
from device.media import MICROSECONDS, Utc
from device.vault import Vault

OWN = "own"
MOST = 100  #: certificates
MOST_NAMES = 50  #: in one certificate
MOST_DAYS = 3650
_ID = re.compile(r"own|crt-[0-9a-f]{10}")
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")
_TEXT = re.compile(r"[^\x00-\x1f\x7f]{1,64}")


class InUse(Refused):
    """A service uses it."""

    hint = "Choose another certificate for the service first."


class CertificateLost(Fault):
    """A certificate or its key cannot be read any more."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate, as it is told."""

    id: str
    name: str
    purpose: Purpose
    subject: str  #: RFC 4514
    issuer: str
    names: tuple[str, ...]  #: hosts and addresses that it is for
    begin: Utc
    end: Utc
    fingerprint: str  #: SHA-256, hexadecimal
    serial: str
    key: str  #: such as EC secp256r1
    self_signed: bool
    chain: int  #: certificates in it


class Certificates:
    """The certificates in one data folder. Any process may read, the control plane alone changes."""

    def __init__(self, folder: Path, vault: Vault, serial: str, clock: Clock) -> None:
        """Makes the recorder's own certificate where there is none. Raises OSError."""
        self._folder = folder
        self._vault = vault
        self._clock = clock
        self._own = own_certificate(folder, serial, clock)
        self._listeners: list[Callable[[str], None]] = []

    def subscribe(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener` with the id of what was changed or deleted; returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # ---------------------------------------------------------------------------------------- reading

    def known(self) -> list[Certificate]:
        """All of them, the recorder's own first; one that cannot be read is left out."""
        found = [self.get(OWN)]
        for path in sorted(self._folder.glob("crt-*.json")):
            try:
                found.append(self.get(path.stem))
            except (CertificateLost, NotFound):
                continue
        return found

    def get(self, id_: str) -> Certificate:
        """One of them. Raises NotFound, CertificateLost."""
        if id_ == OWN:
            return _told(OWN, "Holdfast", Purpose.IDENTITY, self._chain(OWN))
        about = self._about(id_)
        return _told(id_, about["name"], Purpose(about["purpose"]), self._chain(id_))

    def pem(self, id_: str) -> str:
        """The certificate and its chain. Raises NotFound, CertificateLost."""
        return "".join(each.public_bytes(Encoding.PEM).decode() for each in self._chain(id_))

    def load(self, id_: str, context: ssl.SSLContext) -> None:
        """Let a TLS context show this certificate. Raises NotFound, CertificateLost, SealBroken."""
        certificate, key, passphrase = self._files(id_)
        try:
            context.load_cert_chain(certificate, key, passphrase)
        except (OSError, ssl.SSLError) as error:
            raise CertificateLost(f"The certificate {id_} cannot be used: {error}") from None

    def trust(self, ids: Sequence[str], context: ssl.SSLContext) -> None:
        """Let a TLS context trust these authorities; none: those that come with the system. Raises NotFound."""
        if not ids:
            context.load_default_certs()
        for id_ in ids:
            context.load_verify_locations(cadata=self.pem(id_))

    def system_authorities(self) -> list[Certificate]:
        """Those that are installed with the system: they come back with a factory default, as they never went."""
        context = ssl.create_default_context()
        found = []
        for der in context.get_ca_certs(binary_form=True):
            made = x509.load_der_x509_certificate(der)
            found.append(_told("system", _common_name(made.subject), Purpose.AUTHORITY, (made,)))
        return sorted(found, key=lambda each: each.subject)

    # --------------------------------------------------------------------------------------- changing

    def make(self, name: str, subject: str, names: Sequence[str], kind: KeyType, days: int) -> Certificate:
        """A self-signed certificate with a fresh key. Raises BadValue, Refused."""
        _check_name("subject", subject)
        if not 1 <= days <= MOST_DAYS:
            raise BadValue("days", f"must be 1 to {MOST_DAYS}")
        key = new_key(kind)
        who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        now = datetime.datetime.fromtimestamp(self._clock.utc() / MICROSECONDS, datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(who)
            .issuer_name(who)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(list(_USES)), critical=False)
            .add_extension(x509.SubjectAlternativeName(_general(names or [subject])), critical=False)
            .sign(key, _hash(key))
        )
        return self._add(name, Parsed((made,), key), Purpose.IDENTITY)

    def upload(self, name: str, certificate: bytes, key: bytes | None, password: str | None) -> Certificate:
        """Take in a certificate with its key, or that of an authority without one. Raises BadValue, Refused."""
        found = parse(certificate, key, password)
        if found.key is None and not _is_authority(found.chain[0]):
            raise BadValue("key", "is needed: this is not the certificate of an authority")
        return self._add(name, found, Purpose.AUTHORITY if found.key is None else Purpose.IDENTITY)

    def install(self, id_: str, certificate: bytes) -> Certificate:
        """Put what an authority has made of a signing request in the place of the certificate; the key stays.
        Raises NotFound, BadValue."""
        key = self._key(id_)
        found = parse(certificate, None, None)
        if not same_key(found.chain[0], key):
            raise BadValue("certificate", "is not of this certificate's key")
        self._write_chain(id_, found.chain)
        self._tell(id_)
        return self.get(id_)

    def request(self, id_: str) -> str:
        """A signing request (PKCS#10, RFC 2986) for a certificate's key, subject and names, in PEM. Raises NotFound."""
        key, certificate = self._key(id_), self._chain(id_)[0]
        made = x509.CertificateSigningRequestBuilder().subject_name(certificate.subject)
        names = _alternative(certificate)
        if names is not None:
            made = made.add_extension(names, critical=False)
        return made.sign(key, _hash(key)).public_bytes(Encoding.PEM).decode()

    def delete(self, id_: str, used_by: Sequence[str]) -> None:
        """Remove one. `used_by`: the services that use it. Raises NotFound, InUse, Refused."""
        if id_ == OWN:
            raise Refused("The recorder's own certificate cannot be deleted.")
        self._about(id_)
        if used_by:
            raise InUse(f"It is used by {', '.join(used_by)}.")
        for suffix in (".json", ".key", ".pem"):
            (self._folder / f"{id_}{suffix}").unlink(missing_ok=True)
        self._tell(id_)

    def reset(self) -> None:
        """Factory default: all that were made or taken in go; the system's authorities are as they were."""
        for path in sorted(self._folder.glob("crt-*")):
            path.unlink(missing_ok=True)
        self._tell(OWN)

    # ------------------------------------------------------------------------------------------ within

    def _add(self, name: str, found: Parsed, purpose: Purpose) -> Certificate:
        _check_name("name", name)
        if len(list(self._folder.glob("crt-*.json"))) >= MOST:
            raise Refused(f"There can be at most {MOST} certificates.")
        id_ = f"crt-{secrets.token_hex(5)}"
        about = {"name": name, "purpose": purpose.value}
        if found.key is not None:
            passphrase = secrets.token_urlsafe(24)
            about["passphrase"] = self._vault.seal(passphrase, _about(id_))
            write_durably(self._folder / f"{id_}.key", sealed_key(found.key, passphrase.encode()), mode=0o600)
        self._write_chain(id_, found.chain)
        write_durably(self._folder / f"{id_}.json", json.dumps(about).encode(), mode=0o600)
        return self.get(id_)

    def _write_chain(self, id_: str, chain: Sequence[x509.Certificate]) -> None:
        data = b"".join(each.public_bytes(Encoding.PEM) for each in chain)
        path = self._own.certificate if id_ == OWN else self._folder / f"{id_}.pem"
        write_durably(path, data, mode=0o644)

    def _about(self, id_: str) -> dict[str, str]:
        if not _ID.fullmatch(id_):
            raise NotFound("certificate", id_[:64])
        try:
            read: dict[str, str] = json.loads((self._folder / f"{id_}.json").read_bytes())
        except FileNotFoundError:
            raise NotFound("certificate", id_) from None
        except (OSError, ValueError) as error:
            raise CertificateLost(f"The certificate {id_} cannot be read: {error}") from None
        return read

    def _files(self, id_: str) -> tuple[Path, Path, str | None]:
        if id_ == OWN:
            return self._own.certificate, self._own.key, None
        about = self._about(id_)
        if "passphrase" not in about:
            raise NotFound("certificate with a key", id_)
        passphrase = self._vault.open(about["passphrase"], _about(id_))
        return self._folder / f"{id_}.pem", self._folder / f"{id_}.key", passphrase

    def _key(self, id_: str) -> PrivateKey:
        _, path, passphrase = self._files(id_)
        key = load_pem_private_key(path.read_bytes(), passphrase.encode() if passphrase else None)
        assert isinstance(key, PrivateKey)
        return key

    def _chain(self, id_: str) -> tuple[x509.Certificate, ...]:
        path = self._own.certificate if id_ == OWN else self._folder / f"{id_}.pem"
        try:
            return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
        except FileNotFoundError:
            raise NotFound("certificate", id_) from None
        except (OSError, ValueError) as error:
            raise CertificateLost(f"The certificate {id_} cannot be read: {error}") from None

    def _tell(self, id_: str) -> None:
        for listener in list(self._listeners):
            listener(id_)


_USES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


def _about(id_: str) -> str:
    return f"certificate:{id_}"


def _check_name(field: str, text: str) -> None:
    if not _TEXT.fullmatch(text):
        raise BadValue(field, "must be 1 to 64 characters, and none of them a control character")


def _hash(key: PrivateKey) -> hashes.SHA256 | None:
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _general(names: Sequence[str]) -> list[x509.GeneralName]:
    if len(names) > MOST_NAMES:
        raise BadValue("names", f"must be at most {MOST_NAMES}")
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
            continue
        except ValueError:
            pass
        if len(name) > 253 or not _HOST.fullmatch(name):
            raise BadValue("names", f"{name[:40]!r} is neither a host name nor an address")
        found.append(x509.DNSName(name))
    return found


def _alternative(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return certificate.version is x509.Version.v1 or is_self_signed(certificate)
    except ValueError:
        return False


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()


def _told(id_: str, name: str, purpose: Purpose, chain: tuple[x509.Certificate, ...]) -> Certificate:
    made = chain[0]
    alternative = _alternative(made)
    names: tuple[str, ...] = ()
    if alternative is not None:
        names = tuple(
            str(each.value) for each in alternative if isinstance(each, x509.DNSName | x509.IPAddress)
        )
    return Certificate(
        id_,
        name,
        purpose,
        made.subject.rfc4514_string(),
        made.issuer.rfc4514_string(),
        names,
        _utc(made.not_valid_before_utc),
        _utc(made.not_valid_after_utc),
        made.fingerprint(hashes.SHA256()).hex(),
        f"{made.serial_number:x}",
        name_of_key(made.public_key()),
        is_self_signed(made),
        len(chain),
    )


def _utc(moment: datetime.datetime) -> Utc:
    return Utc(round(moment.timestamp()) * MICROSECONDS)
