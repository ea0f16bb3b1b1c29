"""Accounts: who may come in, and as what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from device.accounts.rights import Media, rights
from device.accounts.role import Role
from device.accounts.sessions import Scope
from device.accounts.store import Account
from protocols.http.api.access import Text, check_repeat
from protocols.http.api.answers import Answer, Rights_, rights_shown
from protocols.http.caller import Caller
from protocols.http.house import House
from protocols.http.moments import Instant
from protocols.http.table import Body, Table

TABLE = Table("Accounts")

Keys = Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=1000)]


class AccountShown(Rights_):
    """One account."""

    name: str
    created: Instant


class AccountsShown(Answer):
    """All accounts, by name."""

    accounts: list[AccountShown]


class NewAccount(Body):
    """An account that is to be made."""

    name: Text
    password: Text
    repeat: Text
    role: Role
    ptz: bool = False
    cameras: Keys | None = None  #: keys of the cameras that it is limited to; null: all
    media: Annotated[list[Media], Field(max_length=2)] = Field([Media.LIVE, Media.RECORDED])


class AccountChange(Body):
    """What is to be another. What is not named stays."""

    password: Text | None = None
    repeat: Text | None = None
    role: Role | None = None
    ptz: bool | None = None
    cameras: Keys | None = None
    media: Annotated[list[Media], Field(max_length=2)] | None = None


@TABLE.get("/api/accounts", role=Role.ADMINISTRATOR)
async def accounts(house: House) -> AccountsShown:
    """All accounts, by name."""
    return AccountsShown(accounts=[_shown(each) for each in house.accounts.list()])


@TABLE.post("/api/accounts", role=Role.ADMINISTRATOR, scope=Scope.ALL, status=201)
async def create(house: House, caller: Caller, body: NewAccount) -> AccountShown:
    """Make an account; there can be 100. Name and password: see the errors for their limits."""
    check_repeat(body.password, body.repeat)
    wanted = rights(body.role, ptz=body.ptz, cameras=body.cameras, media=body.media)
    return _shown(await house.accounts.create(body.name, body.password, wanted, by=caller.by))


@TABLE.get("/api/accounts/{name}", role=Role.ADMINISTRATOR)
async def account(house: House, name: str) -> AccountShown:
    """One account."""
    return _shown(house.accounts.get(name))


@TABLE.patch("/api/accounts/{name}", role=Role.ADMINISTRATOR, scope=Scope.ALL)
async def change(house: House, caller: Caller, name: str, body: AccountChange) -> AccountShown:
    """Change an account. With another password its sessions end; with other rights they have these at once."""
    known = house.accounts.get(name)
    given = body.model_fields_set
    role = body.role or known.role
    fresh = role is Role.ADMINISTRATOR and known.role is not role  # who becomes one loses what limits
    wanted = rights(
        role,
        ptz=known.rights.ptz if body.ptz is None else body.ptz,
        cameras=body.cameras if "cameras" in given else None if fresh else known.rights.cameras,
        media=body.media if body.media is not None else list(Media) if fresh else known.rights.media,
    )
    if body.password is not None:
        check_repeat(body.password, body.repeat or "")
    if wanted != known.rights:
        house.accounts.change_rights(known.name, wanted, by=caller.by)
    if body.password is not None:
        await house.accounts.change_password(known.name, body.password, by=caller.by)
        keep = caller.session.id if caller.session and caller.account == known.name else ""
        house.sessions.forget(known.name, keep=keep)
    return _shown(house.accounts.get(name))


@TABLE.delete("/api/accounts/{name}", role=Role.ADMINISTRATOR, scope=Scope.ALL)
async def remove(house: House, caller: Caller, name: str) -> None:
    """Remove an account, its sessions and its tokens. The last administrator stays."""
    known = house.accounts.get(name)
    house.accounts.delete(known.name, by=caller.by)
    house.sessions.forget(known.name, tokens=True)


def _shown(account: Account) -> AccountShown:
    return AccountShown(name=account.name, created=account.created, **rights_shown(account.rights))
