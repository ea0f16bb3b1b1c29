"""Access. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict, cast

from holdfast_client.connection import Connection, segment


class FirstAccount(TypedDict):
    """The first administrator, in the order of the form."""

    name: str
    password: str
    repeat: str
    licence: Literal[True]


class Login(TypedDict):
    """Name and password."""

    name: str
    password: str


Media = Literal["live", "recorded"]


class Named(TypedDict):
    """Which recorder this is."""

    name: str
    serial: str


class NewPassword(TypedDict):
    """One's own password, changed."""

    current: str
    password: str
    repeat: str


class NewToken(TypedDict):
    """A token for a program."""

    name: str
    scopes: list[Scope]
    days: NotRequired[int | None]


Role = Literal["administrator", "operator", "viewer"]

Scope = Literal["all", "read", "video", "metrics"]


class SessionNow(TypedDict):
    """What a page must know before all else."""

    setup: bool
    recorder: Named
    account: Who | None
    oidc: bool


class SessionShown(TypedDict):
    """One session."""

    id: str
    account: str
    peer: str
    agent: str
    created: str
    used: str
    own: bool


class SessionsShown(TypedDict):
    """Those that have not ended."""

    sessions: list[SessionShown]


class TokenMade(TypedDict):
    """A new token. It is shown this once."""

    id: str
    name: str
    account: str
    scopes: list[Scope]
    created: str
    used: str | None
    expires: str | None
    token: str


class TokenShown(TypedDict):
    """One token, without what opens it."""

    id: str
    name: str
    account: str
    scopes: list[Scope]
    created: str
    used: str | None
    expires: str | None


class TokensShown(TypedDict):
    """Those that there are."""

    tokens: list[TokenShown]


class Who(TypedDict):
    """Who is logged in."""

    role: Role
    ptz: bool
    cameras: list[str] | None
    media: list[Media]
    name: str
    expires: str | None


class AccessPart:
    """Access."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def session(self) -> SessionNow:
        """Who is logged in, and whether the first administrator is still to be made."""
        return cast("SessionNow", await self._connection.ask("GET", "/api/session"))

    async def setup(self, body: FirstAccount) -> SessionNow:
        """Make the first administrator, and log in. Refused as soon as there is an account."""
        return cast("SessionNow", await self._connection.ask("POST", "/api/setup", body=body))

    async def login(self, body: Login) -> SessionNow:
        """Log in."""
        return cast("SessionNow", await self._connection.ask("POST", "/api/session", body=body))

    async def logout(self) -> None:
        """Log out."""
        await self._connection.ask("DELETE", "/api/session")

    async def password(self, body: NewPassword) -> None:
        """Change one's own password. One's other sessions end."""
        await self._connection.ask("PUT", "/api/session/password", body=body)

    async def sessions(self) -> SessionsShown:
        """Who is logged in: an administrator sees all, others their own sessions."""
        return cast("SessionsShown", await self._connection.ask("GET", "/api/sessions"))

    async def end_session(self, id_: str) -> None:
        """End a session: one's own, or as an administrator anybody's."""
        await self._connection.ask("DELETE", f"/api/sessions/{segment(id_)}")

    async def tokens(self) -> TokensShown:
        """The tokens of programs: an administrator sees all, others their own."""
        return cast("TokensShown", await self._connection.ask("GET", "/api/tokens"))

    async def make_token(self, body: NewToken) -> TokenMade:
        """A token with the rights of the account that makes it, for certain uses."""
        return cast("TokenMade", await self._connection.ask("POST", "/api/tokens", body=body))

    async def withdraw(self, id_: str) -> None:
        """Withdraw a token."""
        await self._connection.ask("DELETE", f"/api/tokens/{segment(id_)}")
