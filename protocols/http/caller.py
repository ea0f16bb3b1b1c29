"""Who asks: found by a session's cookie or a token, before any route is entered."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from device.accounts.rights import Rights
from device.accounts.sessions import Scope, Session, Token

COOKIE = "__Host-holdfast"
#: What the gate of a virtual host notes in a request: the account whose password came with it; that only those come in
#: whose account a provider keeps.
GUEST = web.RequestKey("guest", str)
PROVIDER_ONLY = web.RequestKey("provider_only", bool)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Caller:
    """An account, and how it came in."""

    account: str
    rights: Rights
    peer: str
    session: Session | None = None
    token: Token | None = None
    remote: bool = False  #: somebody else keeps the account: it has no password and no tokens here

    @property
    def by(self) -> str:
        """For histories and the audit."""
        return self.account

    def scoped(self, scope: Scope, *, changes: bool) -> bool:
        """Whether its token, if it came with one, is for this."""
        if self.token is None or Scope.ALL in self.token.scopes:
            return True
        return scope in self.token.scopes or (Scope.READ in self.token.scopes and not changes)


def is_ours(request: web.Request) -> bool:
    """Whether a browser was told to send this by one of our own pages, or it is no browser at all.

    Fetch Metadata where there is, else the Origin header (RFC 6454), which every browser sends with what changes
    something and with each WebSocket.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    parts = urlsplit(origin)
    return (parts.scheme, parts.netloc) == ("https", request.host)


def bearer(request: web.Request) -> str | None:
    """The token of RFC 6750 s2.1."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" and value.strip() else None


def set_cookie(response: web.StreamResponse, secret: str) -> None:
    """RFC 6265bis: only over TLS, to this host alone, out of every script's and every other site's reach."""
    response.set_cookie(COOKIE, secret, path="/", secure=True, httponly=True, samesite="Strict")


def clear_cookie(response: web.StreamResponse) -> None:
    """Forget the session at the browser."""
    response.del_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Strict")
