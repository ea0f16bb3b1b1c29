"""Where those come in whose account a provider keeps."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from device.accounts.claims import Claims, Roles
from device.accounts.rights import NotAllowed, Rights
from device.certificates.store import CertificateLost
from device.clock import Clock
from device.errors import Refused
from device.settings.openid import ClientCredentials, OpenId
from device.settings.store import Store
from device.settings.tls import Authorities
from protocols.http.openid import flow
from protocols.http.openid.provider import Provider, ProviderFault
from protocols.http.openid.tokens import BadToken

REMOTE = "openid:"  #: stands before the names of remote accounts; no name of an own account has a colon
LONGEST = 64  #: characters of a name
_NAMES = ("client_id", "azp", "sub")  #: what names a program, best first (RFC 9068 s2.2)


class NotConfigured(Refused):
    """Nobody said which provider."""

    hint = "Name the provider in the settings."


class ProviderSaysNo(NotAllowed):
    """The provider let nobody in, or the token does not say who it is."""


class NoRole(NotAllowed):
    """Somebody whom the provider knows has no role here. `name`: his."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The provider's token gives {name} no role on this recorder.")
        self.name = name


@dataclass(frozen=True, slots=True)
class Remote:
    """Somebody from a provider."""

    name: str
    rights: Rights


class Desk:
    """Logins at the provider, and programs with its tokens, as the settings are now. For the loop's thread."""

    def __init__(
        self, settings: Store, clock: Clock, tls: Callable[[OpenId | ClientCredentials], ssl.SSLContext]
    ) -> None:
        """`tls`: how a provider's certificate is checked. Raises CertificateLost."""
        self._settings = settings
        self._clock = clock
        self._tls = tls
        self._waiting = flow.Waiting()
        self._providers: dict[tuple[str, Authorities], Provider] = {}

    @property
    def open(self) -> bool:
        """Whether there is a login at a provider."""
        return self._settings.get(OpenId).enabled

    @property
    def takes_tokens(self) -> bool:
        """Whether programs may come with tokens of a provider."""
        return self._settings.get(ClientCredentials).enabled

    def forget(self) -> None:
        """Certificates are others: providers are asked anew."""
        self._providers.clear()

    async def begin(self, browser: str, redirect: str) -> str:
        """Where a browser goes to log in. `browser`: its secret. Raises NotConfigured, ProviderFault."""
        how = self._how()
        described = await self._provider(how, how.provider).described()
        state, begun = self._waiting.begin(browser, redirect, self._clock.monotonic())
        return flow.address(described.authorization, begun, state, client=how.client_id, scopes=how.scopes)

    async def finish(self, browser: str, given: Mapping[str, str]) -> Remote:
        """Who comes back, by what the provider gave the browser (RFC 6749 s4.1.2, RFC 9207).

        Raises NotConfigured, LoginNotOurs, ProviderSaysNo, NoRole, BadToken, ProviderRefuses, ProviderFault.
        """
        how = self._how()
        begun = self._waiting.take(given.get("state", ""), browser, self._clock.monotonic())
        provider = self._provider(how, how.provider)
        described = await provider.described()
        named = given.get("iss", described.issuer if not described.names_itself else "")
        if named != described.issuer:
            raise BadToken("Another provider answered than was asked.")
        if "error" in given or "code" not in given:
            raise ProviderSaysNo(f"The provider said: {given.get('error', 'nothing')[:100]}.")
        headers, fields = flow.redemption(
            given["code"],
            begun,
            client=how.client_id,
            secret=how.client_secret.get_secret_value(),
            methods=described.methods,
        )
        token = await provider.redeem(headers, fields)
        claims = await provider.verify(token, audience=how.client_id, nonce=begun.nonce)
        return _remote(claims, how.roles, how.user)

    async def program(self, token: str) -> Remote:
        """Whose access token this is. Raises BadToken, ProviderSaysNo, NoRole, ProviderFault."""
        how = self._settings.get(ClientCredentials)
        claims = await self._provider(how, how.verification).verify(token, audience=how.audience)
        return _remote(claims, how.roles, *_NAMES)

    def _how(self) -> OpenId:
        how = self._settings.get(OpenId)
        if not how.enabled:
            raise NotConfigured("There is no login at an OpenID provider.")
        return how

    def _provider(self, how: OpenId | ClientCredentials, url: str) -> Provider:
        """It, with what is known of it. Those of former settings are forgotten."""
        wanted = url, how.authorities
        if wanted not in self._providers:
            if len(self._providers) >= 2:  # one for people, one for programs
                self._providers.clear()
            try:
                self._providers[wanted] = Provider(url, self._tls(how), self._clock)
            except CertificateLost as error:
                raise ProviderFault(f"{url} cannot be asked: {error}") from None
        return self._providers[wanted]


def _remote(claims: Claims, roles: Roles, *names: str) -> Remote:
    """Who it is: named by the first of some claims that is a name. Raises ProviderSaysNo, NoRole."""
    said = (claims.get(name) for name in names)
    found = next((each for each in said if isinstance(each, str) and each and each.isprintable()), None)
    if found is None:
        raise ProviderSaysNo(f"The provider's token does not say who it is: it has no {names[0]}.")
    name = REMOTE + found[: LONGEST - len(REMOTE)]
    role = roles.role(claims)
    if role is None:
        raise NoRole(name)
    return Remote(name, Rights(role))
