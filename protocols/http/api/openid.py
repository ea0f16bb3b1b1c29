"""Login at an OpenID provider: there, and back."""

from __future__ import annotations

import secrets

from aiohttp import web

from device.errors import HoldfastError, PeerFault
from device.events.catalogue import LoginFailed
from protocols.http.caller import set_cookie
from protocols.http.house import House, peer_of
from protocols.http.openid.desk import NoRole
from protocols.http.openid.flow import LIFE, LoginNotOurs
from protocols.http.table import Table

TABLE = Table("OpenID Connect")

BROWSER = "__Host-holdfast-login"  #: cookie that ties a login to the browser that began it
CALLBACK = "/api/session/oidc/callback"
AFTER = "/"  #: page that somebody comes to who is in
#: What the login page is told of who is not, the first that fits.
FAILED: tuple[tuple[type[HoldfastError], str], ...] = (
    (NoRole, "role"),
    (LoginNotOurs, "again"),
    (PeerFault, "provider"),
    (HoldfastError, "refused"),
)
BY = "openid"


@TABLE.get("/api/session/oidc", role=None, status=302)
async def begin(house: House, request: web.Request) -> web.Response:
    """Go to the provider to log in. For browsers; a program takes a token."""
    browser = request.cookies.get(BROWSER, "") or secrets.token_urlsafe(32)
    try:
        target = await house.desk.begin(browser, f"https://{request.host}{CALLBACK}")
    except HoldfastError as error:
        return _failed(house, request, error)
    response = _to(target)
    # Lax: it is the provider's page that sends the browser back here (RFC 6265bis s5.6.7.1).
    response.set_cookie(
        BROWSER, browser, path="/", secure=True, httponly=True, samesite="Lax", max_age=round(LIFE)
    )
    return response


@TABLE.get(CALLBACK, role=None, status=302)
async def callback(house: House, request: web.Request) -> web.Response:
    """Come back from the provider, logged in or not."""
    try:
        who = await house.desk.finish(request.cookies.get(BROWSER, ""), request.query)
    except HoldfastError as error:
        return _failed(house, request, error)
    secret = house.sessions.open(
        who.name, peer_of(request), request.headers.get("User-Agent", ""), role=who.rights.role
    )
    response = _to(AFTER)
    set_cookie(response, secret)
    response.del_cookie(BROWSER, path="/", secure=True, httponly=True, samesite="Lax")
    return response


def _failed(house: House, request: web.Request, error: HoldfastError) -> web.Response:
    """The login page says which kind of failure it was."""
    if isinstance(error, NoRole):
        house.bus.publish(LoginFailed(error.name, peer_of(request), BY))
    word = next(word for kind, word in FAILED if isinstance(error, kind))
    return _to(f"{AFTER}?login={word}")


def _to(target: str) -> web.Response:
    return web.Response(status=302, headers={"Location": target})
