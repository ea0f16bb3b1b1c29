"""Coming in: the first administrator, log in and out, sessions, tokens."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from device.accounts.rights import ALL, NotAllowed
from device.accounts.role import Role
from device.accounts.sessions import Scope, Session, Token
from device.accounts.store import Account, WrongPassword
from device.errors import BadValue
from device.settings.recorder import Recorder
from protocols.http.api.answers import Answer, Rights_, rights_shown
from protocols.http.caller import Caller
from protocols.http.house import House, peer_of
from protocols.http.moments import Instant
from protocols.http.table import Body, Reply, Table

TABLE = Table("Access")

Text = Annotated[str, Field(max_length=1024)]


class Named(Answer):
    """Which recorder this is."""

    name: str
    serial: str


class Who(Rights_):
    """Who is logged in."""

    name: str
    expires: Instant | None


class SessionNow(Answer):
    """What a page must know before all else."""

    setup: bool  #: the first administrator is still to be made
    recorder: Named
    account: Who | None  #: None: nobody is logged in
    oidc: bool  #: there is a login at an OpenID provider


class FirstAccount(Body):
    """The first administrator, in the order of the form."""

    name: Text
    password: Text
    repeat: Text
    licence: Literal[True]


class Login(Body):
    """Name and password."""

    name: Text
    password: Text


class NewPassword(Body):
    """One's own password, changed."""

    current: Text
    password: Text
    repeat: Text


class SessionShown(Answer):
    """One session."""

    id: str
    account: str
    peer: str
    agent: str  #: as the browser calls itself
    created: Instant
    used: Instant
    own: bool  #: the one that asks


class SessionsShown(Answer):
    """Those that have not ended."""

    sessions: list[SessionShown]


class NewToken(Body):
    """A token for a program."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    days: Annotated[int, Field(ge=1, le=3650)] | None = None  #: None: for ever


class TokenShown(Answer):
    """One token, without what opens it."""

    id: str
    name: str
    account: str
    scopes: list[Scope]
    created: Instant
    used: Instant | None
    expires: Instant | None


class TokensShown(Answer):
    """Those that there are."""

    tokens: list[TokenShown]


class TokenMade(TokenShown):
    """A new token. It is shown this once."""

    token: str


@TABLE.get("/api/session", role=None, before_setup=True)
async def session(house: House, caller: Caller | None) -> SessionNow:
    """Who is logged in, and whether the first administrator is still to be made."""
    return _now(house, caller)


@TABLE.post("/api/setup", role=None, before_setup=True, status=201)
async def setup(house: House, request: web.Request, body: FirstAccount) -> Reply[SessionNow]:
    """Make the first administrator, and log in. Refused as soon as there is an account."""
    check_repeat(body.password, body.repeat)
    account = await house.accounts.create_first(body.name, body.password)
    return _logged_in(house, account, request)


@TABLE.post("/api/session", role=None)
async def login(house: House, request: web.Request, body: Login) -> Reply[SessionNow]:
    """Log in."""
    account = await house.check(body.name, body.password, peer_of(request))
    return _logged_in(house, account, request)


@TABLE.delete("/api/session", role=Role.VIEWER)
async def logout(house: House, caller: Caller) -> Reply[None]:
    """Log out."""
    if caller.session is not None:
        house.sessions.end(caller.session.id)
    return Reply(None, session="")


@TABLE.put("/api/session/password", role=Role.VIEWER, scope=Scope.ALL)
async def password(house: House, caller: Caller, body: NewPassword) -> None:
    """Change one's own password. One's other sessions end."""
    check_repeat(body.password, body.repeat)
    _check_kept_here(caller)
    try:
        await house.check(caller.account, body.current, caller.peer)
    except WrongPassword:
        raise BadValue("current", "is not the password") from None
    await house.accounts.change_password(caller.account, body.password, by=caller.by)
    house.sessions.forget(caller.account, keep=caller.session.id if caller.session else "")


@TABLE.get("/api/sessions", role=Role.VIEWER)
async def sessions(house: House, caller: Caller) -> SessionsShown:
    """Who is logged in: an administrator sees all, others their own sessions."""
    own = caller.session.id if caller.session else ""
    return SessionsShown(
        sessions=[
            SessionShown(
                id=each.id,
                account=each.account,
                peer=each.peer,
                agent=each.agent,
                created=each.created,
                used=each.used,
                own=each.id == own,
            )
            for each in house.sessions.sessions()
            if _may(caller, each)
        ]
    )


@TABLE.delete("/api/sessions/{id}", role=Role.VIEWER, scope=Scope.ALL)
async def end_session(house: House, caller: Caller, id: str) -> None:  # noqa: A002 - as it is called in the path
    """End a session: one's own, or as an administrator anybody's."""
    _check_own(caller, house.sessions.sessions(), id)
    house.sessions.end(id)


@TABLE.get("/api/tokens", role=Role.VIEWER)
async def tokens(house: House, caller: Caller) -> TokensShown:
    """The tokens of programs: an administrator sees all, others their own."""
    return TokensShown(tokens=[_token(each) for each in house.sessions.tokens() if _may(caller, each)])


@TABLE.post("/api/tokens", role=Role.VIEWER, scope=Scope.ALL, status=201)
async def make_token(house: House, caller: Caller, body: NewToken) -> TokenMade:
    """A token with the rights of the account that makes it, for certain uses."""
    _check_kept_here(caller)
    made, secret = house.sessions.make_token(caller.account, body.name, body.scopes, body.days)
    return TokenMade(**_token(made).model_dump(), token=secret)


@TABLE.delete("/api/tokens/{id}", role=Role.VIEWER, scope=Scope.ALL)
async def withdraw(house: House, caller: Caller, id: str) -> None:  # noqa: A002 - as it is called in the path
    """Withdraw a token."""
    _check_own(caller, house.sessions.tokens(), id)
    house.sessions.withdraw(id)


def check_repeat(password: str, repeat: str) -> None:
    """Raises BadValue where a password was not repeated."""
    if password != repeat:
        raise BadValue("repeat", "is not the same as the password")


def _now(house: House, caller: Caller | None) -> SessionNow:
    who = None
    if caller is not None:
        expires = house.sessions.expires(caller.session) if caller.session else None
        if caller.token is not None:
            expires = caller.token.expires
        who = Who(name=caller.account, expires=expires, **rights_shown(caller.rights))
    named = Named(name=house.settings.get(Recorder).name, serial=house.identity.serial)
    return SessionNow(setup=house.needs_setup(), recorder=named, account=who, oidc=house.desk.open)


def _logged_in(house: House, account: Account, request: web.Request) -> Reply[SessionNow]:
    peer = peer_of(request)
    secret = house.sessions.open(account.name, peer, request.headers.get("User-Agent", ""))
    caller = Caller(account.name, account.rights, peer, session=house.sessions.find(secret))
    return Reply(_now(house, caller), session=secret)


def _may(caller: Caller, each: Session | Token) -> bool:
    return caller.rights == ALL or each.account.casefold() == caller.account.casefold()


def _check_kept_here(caller: Caller) -> None:
    if caller.remote:
        raise NotAllowed("A provider keeps this account: passwords and tokens are to be had there.")


def _check_own(caller: Caller, known: list[Session] | list[Token], id_: str) -> None:
    for each in known:
        if each.id == id_ and not _may(caller, each):
            raise NotAllowed("This is somebody else's.")


def _token(token: Token) -> TokenShown:
    return TokenShown(
        id=token.id,
        name=token.name,
        account=token.account,
        scopes=list(token.scopes),
        created=token.created,
        used=token.used,
        expires=token.expires,
    )
