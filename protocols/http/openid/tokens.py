"""JSON Web Tokens of a provider: whether they are its own, for us, and still good. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from joserfc import jwk, jwt
from joserfc.errors import InvalidKeyIdError, JoseError

from device.accounts.claims import Claims
from device.errors import NotAuthorized

#: Signatures by a private key alone (RFC 7518 s3.1, RFC 8037): a shared secret would let every client sign, and `none`
#: everybody.
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "Ed448",
)  # fmt: skip
LEEWAY = 60  #: seconds that clocks may differ
LONGEST = 16_384  #: characters of a token


class BadToken(NotAuthorized):
    """It is not the provider's, not for us, or no longer good."""


class UnknownKey(BadToken):
    """It is signed with a key that was not known when the provider's keys were read last."""


def keys(given: object) -> jwk.KeySet:
    """A provider's keys (RFC 7517 s5). What we cannot use of them is left out. Raises ValueError where it is no set."""
    listed = given.get("keys") if isinstance(given, Mapping) else None
    if not isinstance(listed, list):
        raise ValueError("is no JSON Web Key Set")
    return jwk.KeySet(list(_usable(listed[:100])))


def _usable(listed: Iterable[object]) -> Iterable[Any]:
    for each in listed:
        if not isinstance(each, Mapping) or each.get("use", "sig") != "sig" or each.get("kty") == "oct":
            continue
        try:
            yield jwk.import_key(dict(each))
        except (JoseError, ValueError, TypeError, KeyError):
            continue


def verify(
    token: str, known: jwk.KeySet, *, issuer: str, audience: str, now: int, nonce: str | None = None
) -> Claims:
    """The claims of a token. `now`: seconds since 1970. `nonce`: that an ID token must hold.

    RFC 7519 s4.1, RFC 9068 s4, OpenID Connect Core s3.1.3.7. Raises BadToken; UnknownKey where other keys may help.
    """
    if len(token) > LONGEST:
        raise BadToken(f"The token has more than {LONGEST} characters.")
    try:
        claims = jwt.decode(token, known, algorithms=ALGORITHMS).claims
    except InvalidKeyIdError:
        raise UnknownKey("The token is signed with a key that the provider does not show.") from None
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise BadToken(f"The token is none, or its signature is wrong: {_said(error)}.") from None
    wanted = jwt.JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
        exp={"essential": True},
    )
    try:
        wanted.validate(claims)
    except (JoseError, TypeError, ValueError) as error:
        raise BadToken(f"The token does not hold: {_said(error)}.") from None
    if nonce is not None and claims.get("nonce") != nonce:
        raise BadToken("The token does not hold: nonce.")
    if nonce is not None and claims.get("azp", audience) != audience:
        raise BadToken("The token does not hold: azp.")
    return dict(claims)


def _said(error: Exception) -> str:
    """The library's words, which hold nothing of the token's secrets: the name of a claim, or of an algorithm."""
    return str(error).rstrip(".")[:200] or type(error).__name__
