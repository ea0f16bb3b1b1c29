"""Accounts. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from typing import NotRequired, TypedDict, cast

from holdfast_client.api.access import Media, Role
from holdfast_client.connection import Connection, segment


class AccountChange(TypedDict):
    """What is to be another. What is not named stays."""

    password: NotRequired[str | None]
    repeat: NotRequired[str | None]
    role: NotRequired[Role | None]
    ptz: NotRequired[bool | None]
    cameras: NotRequired[list[str] | None]
    media: NotRequired[list[Media] | None]


class AccountShown(TypedDict):
    """One account."""

    role: Role
    ptz: bool
    cameras: list[str] | None
    media: list[Media]
    name: str
    created: str


class AccountsShown(TypedDict):
    """All accounts, by name."""

    accounts: list[AccountShown]


class NewAccount(TypedDict):
    """An account that is to be made."""

    name: str
    password: str
    repeat: str
    role: Role
    ptz: NotRequired[bool]
    cameras: NotRequired[list[str] | None]
    media: NotRequired[list[Media]]


class AccountsPart:
    """Accounts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def accounts(self) -> AccountsShown:
        """All accounts, by name."""
        return cast("AccountsShown", await self._connection.ask("GET", "/api/accounts"))

    async def create(self, body: NewAccount) -> AccountShown:
        """Make an account; there can be 100. Name and password: see the errors for their limits."""
        return cast("AccountShown", await self._connection.ask("POST", "/api/accounts", body=body))

    async def account(self, name: str) -> AccountShown:
        """One account."""
        return cast("AccountShown", await self._connection.ask("GET", f"/api/accounts/{segment(name)}"))

    async def change(self, name: str, body: AccountChange) -> AccountShown:
        """Change an account. With another password its sessions end; with other rights they have these at
        once."""
        return cast(
            "AccountShown", await self._connection.ask("PATCH", f"/api/accounts/{segment(name)}", body=body)
        )

    async def remove(self, name: str) -> None:
        """Remove an account, its sessions and its tokens. The last administrator stays."""
        await self._connection.ask("DELETE", f"/api/accounts/{segment(name)}")
