"""Tokens that are not what they say, and logins that are not what was begun."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from device.settings.openid import ClientCredentials, OpenId
from device.settings.section import InvalidSettings, validate
from protocols.http.openid.flow import LIFE, LoginNotOurs, Waiting, address, redemption
from protocols.http.openid.tokens import BadToken, UnknownKey, keys, verify

NOW = 1_800_000_000
RSA = RSAKey.generate_key(2048, {"kid": "one"})
EC = ECKey.generate_key("P-256", {"kid": "two"})
KNOWN = keys({"keys": [RSA.as_dict(private=False), EC.as_dict(private=False), {"kty": "new"}, 7]})
CLAIMS = {
    "iss": "https://p.example",
    "aud": ["us"],
    "sub": "anna",
    "exp": NOW + 300,
    "iat": NOW,
    "nonce": "n",
}
WANTED: dict[str, Any] = {"issuer": "https://p.example", "audience": "us", "now": NOW}


def token(key: RSAKey | ECKey = RSA, algorithm: str = "RS256", **more: object) -> str:
    claims = {name: value for name, value in {**CLAIMS, **more}.items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": str(key.kid)}, claims, key, algorithms=[algorithm])


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_what_is_right_is_taken() -> None:
    assert verify(token(), KNOWN, nonce="n", **WANTED)["sub"] == "anna"
    assert verify(token(EC, "ES256"), KNOWN, **WANTED)["sub"] == "anna"
    assert verify(token(exp=NOW - 30), KNOWN, **WANTED)  # clocks differ


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"iss": "https://q.example"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "them"}, "aud"),
        ({"aud": None}, "aud"),
        ({"exp": NOW - 61}, "expired"),
        ({"exp": None}, "exp"),
        ({"nbf": NOW + 61}, "valid"),
        ({"sub": None}, "sub"),
        ({"nonce": "m"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"azp": "them"}, "azp"),
    ],
)
def test_a_claim_that_does_not_hold_is_named(more: dict[str, Any], said: str) -> None:
    with pytest.raises(BadToken, match=said):
        verify(token(**more), KNOWN, nonce="n", **WANTED)


def test_a_token_that_everybody_could_have_signed_is_none() -> None:
    payload = json.dumps(CLAIMS).encode()
    # RFC 8725 s2.1: the public key, which everybody has, taken for a shared secret.
    head = ".".join(map(_text, (b'{"alg":"HS256","kid":"one"}', payload)))
    confused = f"{head}.{_text(hmac.digest(RSA.as_pem(private=False), head.encode(), 'sha256'))}"
    bare = ".".join(map(_text, (b'{"alg":"none"}', payload, b"")))
    stranger = token(RSAKey.generate_key(2048, {"kid": "one"}))
    for each in (confused, bare, stranger, "", "a.b.c", "x" * 20_000, f"{token()}x", "é.é.é"):
        with pytest.raises(BadToken):
            verify(each, KNOWN, **WANTED)


def test_an_unknown_key_is_told_apart() -> None:
    with pytest.raises(UnknownKey):
        verify(token(RSAKey.generate_key(2048, {"kid": "other"})), KNOWN, **WANTED)
    with pytest.raises(ValueError, match="Key Set"):
        keys([])


def test_a_login_comes_back_once_in_time_to_its_browser() -> None:
    waiting = Waiting()
    state, begun = waiting.begin("browser", "https://us/back", 0.0)
    for wrong in (("x", "browser"), (state, "another"), (state, ""), ("", "browser"), (state, "é")):
        with pytest.raises(LoginNotOurs):
            waiting.take(*wrong, 1.0)
    assert waiting.take(state, "browser", LIFE) == begun
    with pytest.raises(LoginNotOurs):
        waiting.take(state, "browser", 2.0)
    late, _ = waiting.begin("browser", "https://us/back", 0.0)
    with pytest.raises(LoginNotOurs):
        waiting.take(late, "browser", LIFE + 1)
    first, _ = waiting.begin("browser", "", 0.0)
    for _ in range(1000):
        waiting.begin("b", "", 0.0)
    with pytest.raises(LoginNotOurs):
        waiting.take(first, "browser", 0.0)


def test_what_the_browser_takes_there_and_we_send() -> None:
    state, begun = Waiting().begin("browser", "https://us/back", 0.0)
    asked = parse_qs(urlsplit(address("https://p/a?x=1", begun, state, client="us", scopes="openid a")).query)
    assert (asked["x"], asked["state"], asked["scope"]) == (["1"], [state], ["openid a"])
    assert begun.verifier not in str(asked)
    headers, fields = redemption("c", begun, client="u:s", secret="a b&é", methods=None)
    assert base64.b64decode(headers["Authorization"].split()[1]) == b"u%3As:a+b%26%C3%A9"
    assert "client_secret" not in fields
    _, fields = redemption("c", begun, client="us", secret="s", methods=["client_secret_post"])
    assert fields["client_secret"] == "s"
    headers, fields = redemption("c", begun, client="us", secret="", methods=["client_secret_basic"])
    assert (headers, fields["client_id"]) == ({}, "us")


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"provider": "http://p.example"}, "openid.provider", "https://"),
        ({"provider": "https://p.example?x"}, "openid.provider", "without"),
        ({"provider": "https://p.example:x"}, "openid.provider", "is not a URL"),
        ({"viewer": "group"}, "openid.viewer", "NAME=VALUE"),
        ({"scopes": "profile"}, "openid.scopes", "openid"),
        ({"enabled": True}, "openid", "provider is needed"),
        ({"enabled": True, "provider": "https://p", "client_id": "us"}, "openid", "nobody could come in"),
    ],
)
def test_settings_that_cannot_be_are_said_at_their_field(
    values: dict[str, object], field: str, said: str
) -> None:
    with pytest.raises(InvalidSettings, match=said) as caught:
        validate(OpenId, "", values)
    assert list(caught.value.problems) == [field]


def test_programs_need_an_audience() -> None:
    with pytest.raises(InvalidSettings, match="audience is needed"):
        validate(ClientCredentials, "", {"enabled": True, "verification": "https://p", "viewer": "a=b"})
