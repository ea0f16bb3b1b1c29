"""Exports. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Literal, NotRequired, TypedDict, cast

from aiohttp import ClientResponse

from holdfast_client.connection import Connection, segment

#: One export.
ExportShown = TypedDict(
    "ExportShown",
    {
        "id": "str",
        "job": "str",
        "by": "str",
        "created": "str",
        "format": "Form",
        "from": "str",
        "to": "str",
        "recordings": "list[str]",
        "encrypted": "bool",
        "state": "State",
        "done": "int",
        "total": "int",
        "error": "str",
        "files": "list[FileShown]",
    },
)


class ExportsShown(TypedDict):
    """Newest first."""

    exports: list[ExportShown]


class FileShown(TypedDict):
    """One file of an export."""

    name: str
    size: int


Form = Literal["mp4", "mkv", "raw"]

#: A span of recordings as files.
NewExport = TypedDict(
    "NewExport",
    {
        "recordings": "list[str]",
        "from": "str",
        "to": "str",
        "format": "NotRequired[Form]",
        "largest": "NotRequired[int | None]",
        "password": "NotRequired[str | None]",
    },
)

State = Literal["waiting", "running", "done", "failed", "cancelled", "interrupted"]


class ExportsPart:
    """Exports."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def exports(self) -> ExportsShown:
        """The exports that are there: an operator sees all, a viewer his own."""
        return cast("ExportsShown", await self._connection.ask("GET", "/api/exports"))

    async def start(self, body: NewExport) -> ExportShown:
        """Begin an export. The files are there when its job is done."""
        return cast("ExportShown", await self._connection.ask("POST", "/api/exports", body=body))

    def download(self, id_: str, name: str) -> AbstractAsyncContextManager[ClientResponse]:
        """A file of an export, whole or in part (RFC 9110 s14)."""
        return self._connection.open("GET", f"/api/exports/{segment(id_)}/files/{segment(name)}")

    async def remove(self, id_: str) -> None:
        """Remove an export and its files. One that is being made is stopped first."""
        await self._connection.ask("DELETE", f"/api/exports/{segment(id_)}")
