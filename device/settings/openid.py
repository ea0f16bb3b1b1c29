"""Accounts that somebody else keeps: login at an OpenID provider, and programs that it gives access tokens."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, model_validator

from device.accounts.claims import Claim, Roles
from device.accounts.role import Role
from device.settings.section import N_, Field, Keep, Section
from device.settings.tls import Authorities, authorities

WELL_KNOWN = "/.well-known/openid-configuration"  #: OpenID Connect Discovery s4


def _provider(text: str) -> str:
    if not text:
        return text
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises where it is none
    except ValueError as error:
        raise ValueError(f"is not a URL: {error}") from None
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must be a URL such as https://login.example/realm, without ? and #")
    if any(not 33 <= ord(char) < 127 for char in text):
        raise ValueError("must be without spaces, in ASCII")
    return text.removesuffix(WELL_KNOWN)


def _claim(text: str) -> str:
    if text:
        Claim.parse(text)
    return text


def _scopes(text: str) -> str:
    words = text.split()
    if "openid" not in words:
        raise ValueError("must hold openid: without it there is no login (OpenID Connect Core s3.1.2.1)")
    if any(not 33 <= ord(char) < 127 or char in '"\\' for word in words for char in word):
        raise ValueError("must be words with spaces between them (RFC 6749 s3.3)")
    return " ".join(words)


ProviderUrl = Annotated[str, AfterValidator(_provider)]
ClaimText = Annotated[str, AfterValidator(_claim)]
Scopes = Annotated[str, AfterValidator(_scopes)]


def _claim_of(title: str) -> ClaimText:
    return Field(
        "",
        title=title,
        help=N_("NAME=VALUE, such as groups=recorder-admins. Empty: nobody becomes that."),
        max_length=500,
        when="enabled",
    )


def _required_claim() -> ClaimText:
    return Field(
        "",
        title=N_("Require claim"),
        help=N_("NAME=VALUE that every token must hold besides. Empty: nothing."),
        max_length=500,
        when="enabled",
    )


def _roles(how: OpenId | ClientCredentials) -> Roles:
    def of(text: str) -> Claim | None:
        return Claim.parse(text) if text else None

    return Roles(of(how.administrator), of(how.operator), of(how.viewer), of(how.require))


def _check_complete(how: OpenId | ClientCredentials, **needed: str) -> None:
    for name, value in needed.items():
        if not value:
            raise ValueError(f"{name} is needed where it is enabled")
    if not (how.administrator or how.operator or how.viewer):
        raise ValueError("administrator, operator or viewer is needed: else nobody could come in")


class OpenId(
    Section, section="openid", heading=N_("OpenID Connect"), restore=Keep.NO, role=Role.ADMINISTRATOR
):
    """Login at an OpenID provider, beside the recorder's own accounts. Off in a new installation."""

    enabled: bool = Field(False, title=N_("Enabled"))
    provider: ProviderUrl = Field(
        "",
        title=N_("Provider"),
        help=N_("Its URL, with https. At the provider, allow https://RECORDER/api/session/oidc/callback."),
        max_length=500,
        when="enabled",
    )
    client_id: str = Field("", title=N_("Client ID"), max_length=255, pattern=r"^[!-~]*$", when="enabled")
    client_secret: SecretStr = Field(
        SecretStr(""),
        title=N_("Client secret"),
        help=N_("Empty: the provider asks for none."),
        max_length=500,
        when="enabled",
    )
    scopes: Scopes = Field("openid profile", title=N_("Scopes"), max_length=500, when="enabled")
    user: str = Field(
        "preferred_username",
        title=N_("Remote user"),
        help=N_("The claim that says who it is, for sessions and the audit log."),
        max_length=100,
        pattern=r"^[!-~]+$",
        when="enabled",
    )
    administrator: ClaimText = _claim_of(N_("Administrator claim"))
    operator: ClaimText = _claim_of(N_("Operator claim"))
    viewer: ClaimText = _claim_of(N_("Viewer claim"))
    require: ClaimText = _required_claim()
    authorities: Authorities = authorities("enabled")

    @property
    def roles(self) -> Roles:
        """Its four claims."""
        return _roles(self)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.enabled:
            _check_complete(self, provider=self.provider, client_id=self.client_id)
        return self


class ClientCredentials(
    Section,
    section="client_credentials",
    heading=N_("Client credentials grant"),
    restore=Keep.NO,
    role=Role.ADMINISTRATOR,
):
    """Programs that show an access token of a provider (RFC 6749 s4.4, RFC 9068). Off in a new installation."""

    enabled: bool = Field(False, title=N_("Enabled"))
    verification: ProviderUrl = Field(
        "",
        title=N_("Verification URI"),
        help=N_("The provider's URL, with https: its keys are there, by which tokens are checked."),
        max_length=500,
        when="enabled",
    )
    audience: str = Field(
        "",
        title=N_("Audience"),
        help=N_("What the provider writes into tokens that are for this recorder (aud)."),
        max_length=500,
        when="enabled",
    )
    administrator: ClaimText = _claim_of(N_("Administrator claim"))
    operator: ClaimText = _claim_of(N_("Operator claim"))
    viewer: ClaimText = _claim_of(N_("Viewer claim"))
    require: ClaimText = _required_claim()
    authorities: Authorities = authorities("enabled")

    @property
    def roles(self) -> Roles:
        """Its four claims."""
        return _roles(self)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.enabled:
            _check_complete(self, verification=self.verification, audience=self.audience)
        return self
