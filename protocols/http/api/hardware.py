"""Storages, drives, ports and the box."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from device.accounts.role import Role
from device.accounts.sessions import Scope
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


class StoragesShown(Answer):
    """All of them."""

    storages: list[StorageShown]


class NewStorage(Body):
    """An empty folder, or one that this recorder has used before."""

    path: Annotated[str, Field(min_length=1, max_length=4096)]
    name: Annotated[str, Field(max_length=64)] = ""


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
            )
            for key, storage in house.settings.entries(Storage).items()
        ]
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
