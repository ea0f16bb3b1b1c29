"""TLS contexts of the recorder's services."""

from __future__ import annotations

import ssl

from device.certificates.store import OWN, CertificateLost, Certificates
from device.errors import NotFound
from device.settings.tls import Policy
from device.vault import SealBroken

_FIPS = "ECDHE+AESGCM:!aNULL:!PSK"  #: SP 800-52 r2 s3.3.1.1


def server_context(certificates: Certificates, id_: str, policy: Policy) -> ssl.SSLContext:
    """A server's context, from TLS 1.2 on (RFC 8996). Where the certificate is not to be had, with the recorder's own:
    a service that cannot be reached cannot be put right."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if policy is Policy.FIPS:
        # Python cannot choose among the suites of TLS 1.3, one of which is ChaCha20.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_FIPS)
    show(certificates, id_, context)
    return context


def show(certificates: Certificates, id_: str, context: ssl.SSLContext) -> None:
    """Let a context show a certificate from its next handshake on, or else the recorder's own."""
    try:
        certificates.load(id_, context)
    except (NotFound, CertificateLost, SealBroken):
        certificates.load(OWN, context)
