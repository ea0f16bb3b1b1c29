"""Certificates. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict, cast

from holdfast_client.connection import Connection, segment


class CertificateShown(TypedDict):
    """One certificate."""

    id: str
    name: str
    purpose: Purpose
    subject: str
    issuer: str
    names: list[str]
    begin: str
    end: str
    fingerprint: str
    serial: str
    key: str
    self_signed: bool
    chain: int
    used_by: list[str]


class CertificateWhole(TypedDict):
    """The same, with the certificate itself."""

    id: str
    name: str
    purpose: Purpose
    subject: str
    issuer: str
    names: list[str]
    begin: str
    end: str
    fingerprint: str
    serial: str
    key: str
    self_signed: bool
    chain: int
    used_by: list[str]
    pem: str


class CertificatesShown(TypedDict):
    """The recorder's own first."""

    certificates: list[CertificateShown]


KeyType = Literal["ec-p256", "ec-p384", "rsa-2048", "rsa-4096"]


class NewCertificate(TypedDict):
    """A self-signed certificate that is to be made."""

    name: str
    subject: str
    names: NotRequired[list[str]]
    key: NotRequired[KeyType]
    days: NotRequired[int]


Purpose = Literal["identity", "ca"]


class Request(TypedDict):
    """PKCS#10 in PEM."""

    pem: str


class Signed(TypedDict):
    """What an authority has made of a request."""

    certificate: str


class SystemAuthorities(TypedDict):
    """Those that came with the system."""

    authorities: list[CertificateShown]


class Upload(TypedDict):
    """A certificate that somebody has. Files in base64."""

    name: str
    certificate: str
    key: NotRequired[str | None]
    password: NotRequired[str | None]


class CertificatesPart:
    """Certificates."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def certificates(self) -> CertificatesShown:
        """The certificates that were made or taken in."""
        return cast("CertificatesShown", await self._connection.ask("GET", "/api/certificates"))

    async def authorities(self) -> SystemAuthorities:
        """The authorities that came with the system, and are trusted where no other one is chosen."""
        return cast("SystemAuthorities", await self._connection.ask("GET", "/api/certificates/authorities"))

    async def make(self, body: NewCertificate) -> CertificateShown:
        """Make a self-signed certificate with a key of its own."""
        return cast("CertificateShown", await self._connection.ask("POST", "/api/certificates", body=body))

    async def upload(self, body: Upload) -> CertificateShown:
        """Take in a certificate with its key, or that of an authority."""
        return cast(
            "CertificateShown", await self._connection.ask("POST", "/api/certificates/upload", body=body)
        )

    async def certificate(self, id_: str) -> CertificateWhole:
        """One certificate, with its text."""
        return cast(
            "CertificateWhole", await self._connection.ask("GET", f"/api/certificates/{segment(id_)}")
        )

    async def install(self, id_: str, body: Signed) -> CertificateShown:
        """Put what an authority has made of the signing request in the place of the certificate."""
        return cast(
            "CertificateShown",
            await self._connection.ask("PUT", f"/api/certificates/{segment(id_)}", body=body),
        )

    async def delete(self, id_: str) -> None:
        """Delete a certificate and its key, unless a setting names it."""
        await self._connection.ask("DELETE", f"/api/certificates/{segment(id_)}")

    async def request_(self, id_: str) -> Request:
        """A signing request for an authority, with the certificate's key, subject and names."""
        return cast(
            "Request", await self._connection.ask("POST", f"/api/certificates/{segment(id_)}/request")
        )
