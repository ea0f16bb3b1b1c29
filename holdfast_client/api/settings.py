"""Settings. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, cast

from holdfast_client.api.access import Role
from holdfast_client.connection import Connection, segment


class Back(TypedDict):
    """To which version."""

    version: int


Changes = dict[str, Any]


class Entries(TypedDict):
    """All entries of a collection."""

    entries: list[Entry]


class Entry(TypedDict):
    """A section, or an entry of a collection. A secret is {"set": bool}."""

    section: str
    key: str
    version: int
    values: dict[str, Any]


class History(TypedDict):
    """Newest first."""

    versions: list[VersionShown]


NewEntry = dict[str, Any]

Phase = Literal["none", "tried", "kept", "taken-back"]


class SectionShown(TypedDict):
    """One section."""

    section: str
    heading: str
    role: Role
    collection: bool
    version: int | None


class SectionsShown(TypedDict):
    """Those that the caller may change, in the order in which they are shown."""

    sections: list[SectionShown]


class Stored(TypedDict):
    """It is on the disk."""

    key: str
    version: int
    fields: list[str]
    trial: TrialShown | None


class TrialShown(TypedDict):
    """A change of the network that is tried, or how the last one ended."""

    state: Phase
    left: float | None
    addresses: list[str]
    by: str
    why: Why | None


class VersionShown(TypedDict):
    """How it was from one change to the next."""

    version: int
    at: str
    by: str
    fields: list[str]
    values: dict[str, Any] | None


Why = Literal["expired", "asked", "refused", "restarted"]


class SettingsPart:
    """Settings."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def sections(self) -> SectionsShown:
        """The sections that the caller may change."""
        return cast("SectionsShown", await self._connection.ask("GET", "/api/settings"))

    async def schema(self, section: str) -> dict[str, Any]:
        """JSON Schema of a section; `x-ui` of each property says what a form needs besides."""
        return cast(
            "dict[str, Any]", await self._connection.ask("GET", f"/api/settings/{segment(section)}/schema")
        )

    async def read(self, section: str) -> Entry:
        """A section, with its version as ETag."""
        return cast("Entry", await self._connection.ask("GET", f"/api/settings/{segment(section)}"))

    async def change(self, section: str, body: Changes, *, match: int | None = None) -> Stored:
        """Change some fields. With If-Match only where nobody changed it meanwhile: else 412."""
        return cast(
            "Stored",
            await self._connection.ask("PATCH", f"/api/settings/{segment(section)}", body=body, match=match),
        )

    async def default(self, section: str, *, match: int | None = None) -> Stored:
        """Take a section to its defaults."""
        return cast(
            "Stored", await self._connection.ask("DELETE", f"/api/settings/{segment(section)}", match=match)
        )

    async def history(self, section: str) -> History:
        """What a section was."""
        return cast("History", await self._connection.ask("GET", f"/api/settings/{segment(section)}/history"))

    async def restore(self, section: str, body: Back) -> Stored:
        """Make a section again what it was."""
        return cast(
            "Stored",
            await self._connection.ask("POST", f"/api/settings/{segment(section)}/restore", body=body),
        )

    async def entries(self, section: str) -> Entries:
        """All entries of a collection."""
        return cast("Entries", await self._connection.ask("GET", f"/api/settings/{segment(section)}/entries"))

    async def make(self, section: str, body: NewEntry) -> Stored:
        """Make an entry. A camera's key is made up; others are given as `key`."""
        return cast(
            "Stored",
            await self._connection.ask("POST", f"/api/settings/{segment(section)}/entries", body=body),
        )

    async def read_entry(self, section: str, key: str) -> Entry:
        """One entry, with its version as ETag."""
        return cast(
            "Entry",
            await self._connection.ask("GET", f"/api/settings/{segment(section)}/entries/{segment(key)}"),
        )

    async def change_entry(
        self, section: str, key: str, body: Changes, *, match: int | None = None
    ) -> Stored:
        """Change some fields of an entry."""
        return cast(
            "Stored",
            await self._connection.ask(
                "PATCH", f"/api/settings/{segment(section)}/entries/{segment(key)}", body=body, match=match
            ),
        )

    async def remove(self, section: str, key: str, *, match: int | None = None) -> None:
        """Remove an entry. A camera's recordings stay until retention takes them."""
        await self._connection.ask(
            "DELETE", f"/api/settings/{segment(section)}/entries/{segment(key)}", match=match
        )

    async def entry_history(self, section: str, key: str) -> History:
        """What an entry was."""
        return cast(
            "History",
            await self._connection.ask(
                "GET", f"/api/settings/{segment(section)}/entries/{segment(key)}/history"
            ),
        )

    async def restore_entry(self, section: str, key: str, body: Back) -> Stored:
        """Make an entry again what it was, also one that was removed."""
        return cast(
            "Stored",
            await self._connection.ask(
                "POST", f"/api/settings/{segment(section)}/entries/{segment(key)}/restore", body=body
            ),
        )
