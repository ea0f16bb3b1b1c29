"""Certificates of the recorder's services, and of authorities."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated

from pydantic import Base64Bytes, Field, SecretStr

from device.accounts.role import Role
from device.accounts.sessions import Scope
from device.certificates.formats import LARGEST, KeyType
from device.certificates.purpose import Purpose
from device.certificates.store import MOST_DAYS, MOST_NAMES, Certificate
from device.certificates.uses import uses
from device.errors import NotFound
from protocols.http.api.answers import Answer
from protocols.http.house import House
from protocols.http.moments import Instant
from protocols.http.table import Body, Table

TABLE = Table("Certificates")

Name = Annotated[str, Field(min_length=1, max_length=64)]
File = Annotated[Base64Bytes, Field(max_length=LARGEST)]


class CertificateShown(Answer):
    """One certificate."""

    id: str
    name: str
    purpose: Purpose
    subject: str
    issuer: str
    names: list[str]
    begin: Instant
    end: Instant
    fingerprint: str  #: SHA-256
    serial: str
    key: str
    self_signed: bool
    chain: int
    used_by: list[str]  #: settings that name it, such as `tls.https` and `syslog[siem].authorities`


class CertificateWhole(CertificateShown):
    """The same, with the certificate itself."""

    pem: str


class CertificatesShown(Answer):
    """The recorder's own first."""

    certificates: list[CertificateShown]


class SystemAuthorities(Answer):
    """Those that came with the system."""

    authorities: list[CertificateShown]


class NewCertificate(Body):
    """A self-signed certificate that is to be made."""

    name: Name
    subject: Name  #: common name
    names: Annotated[list[Annotated[str, Field(max_length=253)]], Field(max_length=MOST_NAMES)] = Field([])
    key: KeyType = KeyType.EC_P256
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 365


class Upload(Body):
    """A certificate that somebody has. Files in base64."""

    name: Name
    certificate: File  #: PEM, CER or PFX
    key: File | None = (
        None  #: PKCS#1, PKCS#8 or PKCS#12; None: it is in `certificate`, or it is an authority's
    )
    password: Annotated[SecretStr, Field(max_length=256)] | None = None


class Signed(Body):
    """What an authority has made of a request."""

    certificate: File


class Request(Answer):
    """PKCS#10 in PEM."""

    pem: str


@TABLE.get("/api/certificates", role=Role.ADMINISTRATOR)
async def certificates(house: House) -> CertificatesShown:
    """The certificates that were made or taken in."""
    used = uses(house.settings)
    return CertificatesShown(certificates=[_shown(each, used) for each in house.certificates.known()])


@TABLE.get("/api/certificates/authorities", role=Role.ADMINISTRATOR)
async def authorities(house: House) -> SystemAuthorities:
    """The authorities that came with the system, and are trusted where no other one is chosen."""
    found = await asyncio.to_thread(house.certificates.system_authorities)
    return SystemAuthorities(authorities=[_shown(each, {}) for each in found])


@TABLE.post("/api/certificates", role=Role.ADMINISTRATOR, scope=Scope.ALL, status=201)
async def make(house: House, body: NewCertificate) -> CertificateShown:
    """Make a self-signed certificate with a key of its own."""
    store = house.certificates
    made = await asyncio.to_thread(store.make, body.name, body.subject, body.names, body.key, body.days)
    return _shown(made, {})


@TABLE.post("/api/certificates/upload", role=Role.ADMINISTRATOR, scope=Scope.ALL, status=201)
async def upload(house: House, body: Upload) -> CertificateShown:
    """Take in a certificate with its key, or that of an authority."""
    password = body.password.get_secret_value() if body.password else None
    made = await asyncio.to_thread(house.certificates.upload, body.name, body.certificate, body.key, password)
    return _shown(made, {})


@TABLE.get("/api/certificates/{id}", role=Role.ADMINISTRATOR)
async def certificate(house: House, id: str) -> CertificateWhole:  # noqa: A002 - as it is called in the path
    """One certificate, with its text."""
    shown = _shown(house.certificates.get(id), uses(house.settings))
    return CertificateWhole(**shown.model_dump(), pem=house.certificates.pem(id))


@TABLE.put("/api/certificates/{id}", role=Role.ADMINISTRATOR, scope=Scope.ALL)
async def install(house: House, id: str, body: Signed) -> CertificateShown:  # noqa: A002 - as it is called in the path
    """Put what an authority has made of the signing request in the place of the certificate."""
    made = await asyncio.to_thread(house.certificates.install, id, body.certificate)
    return _shown(made, uses(house.settings))


@TABLE.delete("/api/certificates/{id}", role=Role.ADMINISTRATOR, scope=Scope.ALL)
async def delete(house: House, id: str) -> None:  # noqa: A002 - as it is called in the path
    """Delete a certificate and its key, unless a setting names it."""
    house.certificates.delete(id, uses(house.settings).get(id, []))


@TABLE.post("/api/certificates/{id}/request", role=Role.ADMINISTRATOR, scope=Scope.ALL)
async def request_(house: House, id: str) -> Request:  # noqa: A002 - as it is called in the path
    """A signing request for an authority, with the certificate's key, subject and names."""
    if house.certificates.get(id).purpose is not Purpose.IDENTITY:
        raise NotFound("certificate with a key", id)
    return Request(pem=await asyncio.to_thread(house.certificates.request, id))


def _shown(each: Certificate, used: Mapping[str, list[str]]) -> CertificateShown:
    return CertificateShown(
        id=each.id,
        name=each.name,
        purpose=each.purpose,
        subject=each.subject,
        issuer=each.issuer,
        names=list(each.names),
        begin=each.begin,
        end=each.end,
        fingerprint=each.fingerprint,
        serial=each.serial,
        key=each.key,
        self_signed=each.self_signed,
        chain=each.chain,
        used_by=used.get(each.id, []),
    )
