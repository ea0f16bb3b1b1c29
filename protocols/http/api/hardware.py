"""Storages, drives, ports and the box."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from device.accounts.role import Role
from device.accounts.sessions import Scope
from device.archive.outward import AddShare, AskShares, RemoveStorage, ShareShown, TryShare
from device.chassis.messages import AskChassis, ChassisShown, SilenceBuzzer
from device.errors import BadValue
from device.planes.errors import PlaneDown
from device.planes.messages import AskRecording
from device.poe.messages import AskPoe, CyclePort, PoeShown
from device.raid.messages import AskRaid, RaidShown, RaidTool
from device.raid.order import Tool
from device.recording.volume import adopt
from device.settings.storages import Storage
from protocols.http.api.answers import Answer, Work
from protocols.http.caller import Caller
from protocols.http.house import House
from protocols.http.table import Body, Table

TABLE = Table("Hardware")

Bay = Annotated[int, Field(ge=1, le=64)]
Password = Annotated[SecretStr, Field(max_length=512)]


class Behind(Answer):
    """The share behind a storage. Sizes in bytes; None: not known."""

    place: str  #: UNC path
    phase: str  #: off, following, failing or waiting
    detail: str
    segments: int  #: that are proven to be there
    octets: int  #: of those
    waiting: int  #: bytes that only the spool has
    size: int | None
    free: int | None


class StorageShown(Answer):
    """Where video is kept. Sizes in bytes; None: not known."""

    id: str
    name: str
    path: str
    enabled: bool
    state: str | None
    total: int | None
    free: int | None
    used: int | None
    detail: str
    share: Behind | None  #: whose spool it is


class StoragesShown(Answer):
    """All of them."""

    storages: list[StorageShown]


class NewStorage(Body):
    """An empty folder, or one that this recorder has used before."""

    path: Annotated[str, Field(min_length=1, max_length=4096)]
    name: Annotated[str, Field(max_length=64)] = ""


class ShareGiven(Body):
    """A folder of a share, and who may write there. What is left out is as the settings of `shares` say."""

    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    share: Annotated[str, Field(min_length=1, max_length=80)]
    folder: Annotated[str, Field(max_length=1024)] = ""  #: it must be there, and empty or this recorder's
    user: Annotated[str, Field(max_length=255)] = ""
    password: Annotated[SecretStr, Field(max_length=255)] = Field(SecretStr(""))
    encrypt: bool = True

    def values(self) -> str:
        """As the control plane takes it."""
        own = set(ShareGiven.model_fields)
        given = self.model_dump(include=own - {"password"}, exclude_none=True)
        return json.dumps({**given, "password": self.password.get_secret_value()})


class NewShare(ShareGiven):
    """A share to record to."""

    path: Annotated[
        str, Field(min_length=1, max_length=4096)
    ]  #: of the spool: an empty folder on the recorder
    name: Annotated[str, Field(max_length=64)] = ""


class ShareFound(Answer):
    """It was written to and read from. Sizes in bytes."""

    detail: str  #: whose folder it is
    size: int
    free: int


class StorageMade(Answer):
    """It is in use."""

    id: str


class ToolOrder(Body):
    """A tool of the array, and what it needs."""

    tool: Tool
    level: Annotated[int, Field(ge=0, le=100)] | None = None
    bays: Annotated[list[Bay], Field(max_length=64)] = Field([])
    spares: Annotated[list[Bay], Field(max_length=64)] = Field([])
    files: Annotated[str, Field(max_length=16)] = ""  #: xfs or ext4; empty: xfs
    encrypt: bool = False
    bay: Annotated[int, Field(ge=0, le=64)] = 0
    password: Password | None = None
    new_password: Password | None = None
    confirmed: bool = False  #: what is on the drives may be erased


@TABLE.get("/api/storages", role=Role.VIEWER)
async def storages(house: House) -> StoragesShown:
    """Where video is kept, and how much room there is."""
    try:
        live = {each.uuid: each for each in (await house.recording.call(AskRecording())).volumes}
    except PlaneDown:
        live = {}
    try:
        shares = {each.key: each for each in (await house.control.call(AskShares())).shares}
    except PlaneDown:
        shares = {}
    return StoragesShown(
        storages=[
            StorageShown(
                id=key,
                name=storage.name,
                path=storage.path,
                enabled=storage.enabled,
                state=live[key].state if key in live else None,
                total=live[key].total if key in live else None,
                free=live[key].free if key in live else None,
                used=live[key].used if key in live else None,
                detail=live[key].detail if key in live else "",
                share=_behind(shares[key]) if key in shares else None,
            )
            for key, storage in house.settings.entries(Storage).items()
        ]
    )


def _behind(share: ShareShown) -> Behind:
    return Behind(
        place=share.place,
        phase=share.phase,
        detail=share.detail,
        segments=share.segments,
        octets=share.octets,
        waiting=share.waiting,
        size=share.size,
        free=share.free,
    )


@TABLE.post("/api/storages", role=Role.ADMINISTRATOR, scope=Scope.ALL, status=201)
async def add_storage(house: House, caller: Caller, body: NewStorage) -> StorageMade:
    """Keep video in one more folder. It is marked as ours: an empty mount point is never taken for it."""
    path = Path(body.path)
    if not path.is_absolute() or not body.path.isprintable():
        raise BadValue("path", "must be the absolute path of a folder")
    try:
        mark = await asyncio.to_thread(adopt, path, house.identity.id)
    except OSError as error:
        raise BadValue("path", f"cannot be used: {error.strerror}") from None
    changes = {"path": body.path, "name": body.name}
    house.settings.patch(Storage, changes, key=mark.volume, by=caller.by)
    return StorageMade(id=mark.volume)


@TABLE.post("/api/storages/shares", role=Role.ADMINISTRATOR, scope=Scope.ALL, status=201)
async def add_share(house: House, caller: Caller, body: NewShare) -> StorageMade:
    """Record to a share of a file server from now on. What is recorded comes into the spool first, and follows."""
    order = AddShare(body.path, body.name, caller.by, body.values())
    return StorageMade(id=(await house.control.call(order)).key)


@TABLE.post("/api/storages/shares/test", role=Role.ADMINISTRATOR, scope=Scope.ALL)
async def try_share(house: House, body: ShareGiven) -> ShareFound:
    """Write a file to a share, read it back and remove it."""
    found = await house.control.call(TryShare("", body.values()))
    return ShareFound(detail=found.detail, size=found.size, free=found.free)


@TABLE.delete("/api/storages/{id}", role=Role.ADMINISTRATOR, scope=Scope.ALL)
async def remove_storage(house: House, caller: Caller, id: str) -> None:  # noqa: A002 - as the path says
    """Keep no more video there. What lies there stays; of a share it can be read again once that is added again."""
    await house.control.call(RemoveStorage(id, caller.by))


@TABLE.get("/api/poe", role=Role.VIEWER)
async def poe(house: House) -> PoeShown:
    """The ports and their power."""
    return await house.control.call(AskPoe())


@TABLE.post("/api/poe/ports/{port}/cycle", role=Role.OPERATOR, scope=Scope.ALL)
async def cycle(house: House, caller: Caller, port: Annotated[int, Field(ge=1, le=99)]) -> None:
    """Take the power from a port for a moment."""
    await house.control.call(CyclePort(port, caller.by))


@TABLE.get("/api/raid", role=Role.VIEWER)
async def raid(house: House) -> RaidShown:
    """Drives, array and file system."""
    return await house.control.call(AskRaid())


@TABLE.post("/api/raid/tools", role=Role.ADMINISTRATOR, scope=Scope.ALL, status=202)
async def tool(house: House, caller: Caller, body: ToolOrder) -> Work:
    """Begin a tool of the array, as a job. What erases must be confirmed."""
    order = RaidTool(
        body.tool.value,
        caller.by,
        body.level,
        tuple(body.bays),
        tuple(body.spares),
        body.files,
        body.encrypt,
        body.bay,
        body.password.get_secret_value() if body.password else None,
        body.new_password.get_secret_value() if body.new_password else None,
        body.confirmed,
    )
    return Work(job=(await house.control.call(order)).id)


@TABLE.get("/api/chassis", role=Role.VIEWER)
async def chassis(house: House) -> ChassisShown:
    """The box: temperatures, fans, supplies, lights."""
    return await house.control.call(AskChassis())


@TABLE.post("/api/chassis/silence", role=Role.OPERATOR, scope=Scope.ALL)
async def silence(house: House, caller: Caller) -> None:
    """Silence the buzzer. A new fault wakes it again."""
    await house.control.call(SilenceBuzzer(caller.by))
