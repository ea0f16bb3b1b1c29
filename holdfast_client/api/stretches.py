"""Recordings. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from typing import TypedDict, cast

from holdfast_client.connection import Connection

#: A span that was recorded without a break, at most a day of the recorder's zone.
StretchShown = TypedDict(
    "StretchShown",
    {
        "recording": "str",
        "camera": "str",
        "name": "str",
        "stream": "str",
        "from": "str",
        "to": "str",
        "ongoing": "bool",
        "damaged": "bool",
        "bytes": "int",
        "storages": "list[str]",
        "events": "list[str]",
    },
)


class StretchesShown(TypedDict):
    """The newest first."""

    stretches: list[StretchShown]
    more: bool


class StretchesPart:
    """Recordings."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def found(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        camera: str | None = None,
        event: str | None = None,
        storage: str | None = None,
        ongoing: bool | None = None,
        limit: int | None = None,
    ) -> StretchesShown:
        """What was recorded, one row for each stretch."""
        return cast(
            "StretchesShown",
            await self._connection.ask(
                "GET",
                "/api/stretches",
                query={
                    "from": from_,
                    "to": to,
                    "camera": camera,
                    "event": event,
                    "storage": storage,
                    "ongoing": ongoing,
                    "limit": limit,
                },
            ),
        )
