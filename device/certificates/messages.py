"""What the control plane is asked about certificates."""

from __future__ import annotations

import base64
import binascii
from dataclasses import field

from device.certificates.store import Certificates
from device.certificates.uses import uses
from device.errors import BadValue
from device.media import Utc
from device.planes.link import Server
from device.planes.messages import Done
from device.planes.wire import Request, message
from device.settings.store import Store


@message
class CertificateItem:
    """One certificate."""

    id: str
    name: str
    purpose: str
    subject: str  #: RFC 4514
    end: Utc
    used_by: tuple[str, ...]  #: settings that name it


@message
class CertificatesShown:
    """All of them, the recorder's own first."""

    certificates: tuple[CertificateItem, ...]


@message
class CertificatesList(Request[CertificatesShown]):
    """Which certificates are there?"""


@message
class CertificateAdded:
    """It is there."""

    id: str


@message
class CertificateAdd(Request[CertificateAdded]):
    """Take in a certificate with its key, or that of an authority without one. Files in base64."""

    name: str
    certificate: str
    key: str = field(repr=False)  #: empty: it is in `certificate`, or it is an authority's
    password: str = field(repr=False)  #: of the key; empty: it has none


@message
class CertificateDelete(Request[Done]):
    """Delete one that no setting names."""

    id: str


def serve_certificates(server: Server, certificates: Certificates, settings: Store) -> None:
    """Let `server` list, take in and delete certificates."""

    async def list_(request: CertificatesList) -> CertificatesShown:
        del request
        used = uses(settings)
        return CertificatesShown(
            tuple(
                CertificateItem(
                    each.id,
                    each.name,
                    each.purpose.value,
                    each.subject,
                    each.end,
                    tuple(used.get(each.id, ())),
                )
                for each in certificates.known()
            )
        )

    async def add(request: CertificateAdd) -> CertificateAdded:
        key = _octets("key", request.key) or None
        certificate = _octets("certificate", request.certificate)
        return CertificateAdded(
            certificates.upload(request.name, certificate, key, request.password or None).id
        )

    async def delete(request: CertificateDelete) -> Done:
        certificates.delete(request.id, uses(settings).get(request.id, []))
        return Done()

    server.on(CertificatesList, list_)
    server.on(CertificateAdd, add)
    server.on(CertificateDelete, delete)


def _octets(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise BadValue(name, "must be base64") from None
