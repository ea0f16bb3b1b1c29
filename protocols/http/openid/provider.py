"""A provider, asked: its description, its keys, and tokens for a code."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from joserfc.jwk import KeySet

from device.accounts.claims import Claims
from device.clock import Clock
from device.errors import PeerFault
from device.media import MICROSECONDS
from device.settings.openid import WELL_KNOWN
from protocols.http.openid import tokens
from protocols.http.openid.tokens import UnknownKey

SECONDS = 15.0
LARGEST = 1 << 20  #: octets of an answer
FRESH = 3600.0  #: seconds that its description and keys are taken for what they are
AGAIN = (
    30.0  #: seconds at least between two questions for its keys: anybody can show a token with an unknown key
)

Json = dict[str, Any]  # Any: JSON


class ProviderFault(PeerFault):
    """The provider does not answer, or not as the standard says."""

    hint = "Look at the provider, at its URL and at its certificate in the settings."


class ProviderRefuses(PeerFault):
    """The provider does not give tokens for this code."""

    transient = False
    hint = "Log in again. Where that does not help, look at client ID and secret in the settings."


@dataclass(frozen=True, slots=True)
class Described:
    """What it says of itself (OpenID Connect Discovery s3)."""

    issuer: str
    authorization: str
    token: str
    jwks: str
    methods: object  #: token_endpoint_auth_methods_supported
    names_itself: bool  #: authorization_response_iss_parameter_supported (RFC 9207 s3)


class Provider:
    """One provider. For the loop's thread."""

    def __init__(self, url: str, tls: ssl.SSLContext, clock: Clock) -> None:
        """`url`: its issuer."""
        self._url = url
        self._clock = clock
        self._tls = tls
        self._described: tuple[float, Described] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def described(self) -> Described:
        """What it says of itself. Raises ProviderFault."""
        now = self._clock.monotonic()
        if self._described is None or now - self._described[0] > FRESH:
            address = self._url.rstrip("/") + WELL_KNOWN
            self._described = now, _described(self._url, await self._ask("GET", address))
        return self._described[1]

    async def redeem(self, headers: Mapping[str, str], fields: Mapping[str, str]) -> str:
        """The ID token for a code. Raises ProviderRefuses, ProviderFault."""
        answer = await self._ask("POST", (await self.described()).token, headers, fields)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderFault(f"{self._url} gave no ID token.")
        return token

    async def verify(self, token: str, *, audience: str, nonce: str | None = None) -> Claims:
        """The claims of a token. Raises BadToken, ProviderFault."""
        issuer = (await self.described()).issuer
        now = self._clock.utc() // MICROSECONDS
        try:
            known = await self._known(FRESH)
            return tokens.verify(token, known, issuer=issuer, audience=audience, now=now, nonce=nonce)
        except UnknownKey:  # it may have changed its keys
            known = await self._known(AGAIN)
            return tokens.verify(token, known, issuer=issuer, audience=audience, now=now, nonce=nonce)

    async def _known(self, age: float) -> KeySet:
        """Its keys, not older than `age`. Raises ProviderFault."""
        now = self._clock.monotonic()
        if self._keys is None or now - self._keys[0] > age:
            address = (await self.described()).jwks
            try:
                self._keys = now, tokens.keys(await self._ask("GET", address))
            except ValueError as error:
                raise ProviderFault(f"{address} {error}.") from None
        return self._keys[1]

    async def _ask(
        self, method: str, address: str, headers: Mapping[str, str] | None = None, fields: object = None
    ) -> Json:
        """Its answer. Redirects are not followed: they would take a secret elsewhere."""
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        more = {"Accept": "application/json", "User-Agent": "Holdfast", **(headers or {})}
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
                session.request(
                    method, address, headers=more, data=fields, ssl=self._tls, allow_redirects=False
                ) as answer,
            ):
                status = answer.status
                data = await _read(answer)
        except aiohttp.ClientConnectorCertificateError as error:
            raise ProviderFault(f"{address}: its certificate is not trusted: {error}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ProviderFault(f"{address}: {str(error) or 'no answer'}") from error
        try:
            told = json.loads(data)
        except ValueError:
            told = None
        if method == "POST" and status in (400, 401, 403):
            why = told.get("error") if isinstance(told, dict) else None
            raise ProviderRefuses(f"{address} answered {status}: {str(why or 'without a reason')[:100]}.")
        if status != 200 or not isinstance(told, dict):
            raise ProviderFault(f"{address} answered {status}, which is no JSON object.")
        return told


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    data = b""
    async for part in answer.content.iter_any():
        data += part
        if len(data) > LARGEST:
            raise ProviderFault(f"{answer.url} answered with more than {LARGEST} octets.")
    return data


def _described(url: str, told: Json) -> Described:
    issuer = told.get("issuer")
    if not isinstance(issuer, str) or issuer.rstrip("/") != url.rstrip("/"):
        raise ProviderFault(f"{url} says that it is {str(issuer)[:200]!r}.")

    def endpoint(name: str) -> str:
        address = told.get(name)
        if not isinstance(address, str) or urlsplit(address).scheme != "https":
            raise ProviderFault(f"{url} has no {name} with https.")
        return address

    return Described(
        issuer,
        endpoint("authorization_endpoint"),
        endpoint("token_endpoint"),
        endpoint("jwks_uri"),
        told.get("token_endpoint_auth_methods_supported"),
        told.get("authorization_response_iss_parameter_supported") is True,
    )
