"""TLS contexts of the recorder's services."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence

from device.certificates.store import OWN, CertificateLost, Certificates
from device.errors import NotFound
from device.settings.tls import Policy
from device.vault import SealBroken

_FIPS = "ECDHE+AESGCM:!aNULL:!PSK"  #: SP 800-52 r2 s3.3.1.1


def server_context(certificates: Certificates, id_: str, policy: Policy) -> ssl.SSLContext:
    """A server's context, from TLS 1.2 on (RFC 8996). Where the certificate is not to be had, with the recorder's own:
    a service that cannot be reached cannot be put right."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _restrict(context, policy)
    try:
        certificates.load(id_, context)
    except (NotFound, CertificateLost, SealBroken):
        certificates.load(OWN, context)
    return context


def client_context(
    certificates: Certificates, authorities: Sequence[str], id_: str, policy: Policy
) -> ssl.SSLContext:
    """A client's context: the server's certificate and its name are checked (RFC 9525). `authorities`: ids of those
    that may have signed it, none for the system's; `id_`: what a server is shown that asks who comes, empty for
    nothing. Raises CertificateLost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _restrict(context, policy)
    try:
        certificates.trust(authorities, context)
        if id_:
            certificates.load(id_, context)
    except (NotFound, SealBroken) as error:
        raise CertificateLost(str(error)) from None
    return context


def _restrict(context: ssl.SSLContext, policy: Policy) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if policy is Policy.FIPS:
        # Python cannot choose among the suites of TLS 1.3, one of which is ChaCha20.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_FIPS)


class Renewable:
    """A server's context that becomes another one from the next handshake on.

    OpenSSL keeps a certificate for each kind of key in a context: an RSA one that is loaded beside one of elliptic
    curves is not shown. So each handshake is given the context that was made last.
    """

    def __init__(self, make: Callable[[], ssl.SSLContext]) -> None:
        self._make = make
        self._now = make()
        self.context = make()  #: to listen with
        self.context.sni_callback = self._choose

    def renew(self) -> None:
        """Make it anew."""
        self._now = self._make()

    def _choose(
        self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, context: ssl.SSLContext
    ) -> None:
        """Called at each handshake, whether the client names a server (RFC 6066 s3) or not."""
        del name, context
        connection.context = self._now
