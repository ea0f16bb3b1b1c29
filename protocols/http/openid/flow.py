"""A login at a provider from our side: what the browser takes there, and what must come back. Pure.

Authorization code (RFC 6749 s4.1) with PKCE (RFC 7636), `state` and `nonce` (OpenID Connect Core s3.1.2).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote_plus, urlencode

from device.errors import NotAuthorized

LIFE = 600.0  #: seconds that a login may take
MOST = 1000  #: logins that are under way; the oldest go first


class LoginNotOurs(NotAuthorized):
    """What came back does not belong to a login that this browser began here."""

    hint = "Log in again."


@dataclass(frozen=True, slots=True)
class Begun:
    """A login that is under way."""

    browser: str  #: secret of the browser that began it
    redirect: str  #: where the provider sends it back to
    nonce: str
    verifier: str
    until: float  #: monotonic


class Waiting:
    """The logins that are under way."""

    def __init__(self) -> None:
        self._begun: OrderedDict[str, Begun] = OrderedDict()

    def begin(self, browser: str, redirect: str, now: float) -> tuple[str, Begun]:
        """A new one, and its `state`."""
        state = secrets.token_urlsafe(32)
        begun = Begun(browser, redirect, secrets.token_urlsafe(32), secrets.token_urlsafe(48), now + LIFE)
        self._begun[state] = begun
        while len(self._begun) > MOST:
            self._begun.popitem(last=False)
        return state, begun

    def take(self, state: str, browser: str, now: float) -> Begun:
        """The one that comes back; it cannot come back again. Raises LoginNotOurs."""
        begun = self._begun.get(state)
        if begun is None or not hmac.compare_digest(begun.browser.encode(), browser.encode()):
            raise LoginNotOurs("This browser did not begin a login with that state.")
        del self._begun[state]
        if now > begun.until:
            raise LoginNotOurs("The login took too long.")
        return begun


def address(endpoint: str, begun: Begun, state: str, *, client: str, scopes: str) -> str:
    """Where the browser goes (RFC 6749 s4.1.1)."""
    challenge = hashlib.sha256(begun.verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": begun.redirect,
        "scope": scopes,
        "state": state,
        "nonce": begun.nonce,
        "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


def redemption(
    code: str, begun: Begun, *, client: str, secret: str, methods: object
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Headers and fields of the request that turns the code into tokens (RFC 6749 s4.1.3).

    `methods`: `token_endpoint_auth_methods_supported` of the provider; without it `client_secret_basic` (OpenID Connect
    Discovery s3).
    """
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": begun.redirect,
        "code_verifier": begun.verifier,
    }
    if not secret:
        return {}, {**fields, "client_id": client}
    known = methods if isinstance(methods, list) else ["client_secret_basic"]
    if "client_secret_basic" not in known and "client_secret_post" in known:
        return {}, {**fields, "client_id": client, "client_secret": secret}
    words = f"{quote_plus(client)}:{quote_plus(secret)}"  # RFC 6749 s2.3.1
    return {"Authorization": f"Basic {base64.b64encode(words.encode()).decode()}"}, fields
