"""Hardware. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict, cast

from holdfast_client.connection import Connection, segment


class ArrayShown(TypedDict):
    """The array. Sizes in bytes."""

    uuid: str
    level: int
    status: str
    drives: int
    in_sync: int
    size: int
    mismatches: int
    activity: str
    done: int
    total: int
    eta: float | None


class BayShown(TypedDict):
    """One bay, and the drive in it."""

    bay: int
    condition: str
    serial: str
    model: str
    size: int
    health: str
    temperature: float | None
    hours: int | None
    errors: int


class Behind(TypedDict):
    """The share behind a storage. Sizes in bytes; None: not known."""

    place: str
    phase: str
    detail: str
    segments: int
    octets: int
    waiting: int
    size: int | None
    free: int | None


class ChassisShown(TypedDict):
    """The box."""

    hardware: str
    answers: bool
    detail: str
    temperatures: list[Temperature]
    fans: list[Fan]
    supplies: list[Supply]
    lights: list[LightShown]
    buzzer: bool
    networks: list[Network]


class Fan(TypedDict):
    """One fan."""

    name: str
    rpm: int | None
    ok: bool


class FilesShown(TypedDict):
    """The file system."""

    kind: str
    mounted: bool
    path: str
    read_only: bool
    size: int | None
    free: int | None


class LightShown(TypedDict):
    """One light."""

    place: str
    number: int
    color: str
    blinks: bool


class Network(TypedDict):
    """One of the recorder's own network connectors, at the rear."""

    name: str
    link: int


class NewShare(TypedDict):
    """A share to record to."""

    host: str
    port: NotRequired[int | None]
    share: str
    folder: NotRequired[str]
    user: NotRequired[str]
    password: NotRequired[str]
    encrypt: NotRequired[bool]
    path: str
    name: NotRequired[str]


class NewStorage(TypedDict):
    """An empty folder, or one that this recorder has used before."""

    path: str
    name: NotRequired[str]


class PoeShown(TypedDict):
    """All ports. Power in milliwatts."""

    hardware: str
    answers: bool
    detail: str
    budget: int
    full: int
    reserved: int
    drawn: int
    ports: list[PortShown]


class PortShown(TypedDict):
    """One port. Power in milliwatts."""

    port: int
    name: str
    mode: str
    priority: str
    protected: bool
    state: str
    reason: str
    power_class: int | None
    reserved: int
    drawn: int | None
    link: int | None
    device: str
    since: float
    powered: int
    cycles: int
    denied: int
    signatures: int
    shorts: int
    overloads: int
    failures: int
    energy: float
    most: int


class RaidShown(TypedDict):
    """All of it."""

    hardware: str
    answers: bool
    encrypted: bool
    locked: bool
    bays: list[BayShown]
    array: ArrayShown | None
    files: FilesShown | None


class ShareFound(TypedDict):
    """It was written to and read from. Sizes in bytes."""

    detail: str
    size: int
    free: int


class ShareGiven(TypedDict):
    """A folder of a share, and who may write there. What is left out is as the settings of `shares` say."""

    host: str
    port: NotRequired[int | None]
    share: str
    folder: NotRequired[str]
    user: NotRequired[str]
    password: NotRequired[str]
    encrypt: NotRequired[bool]


class StorageMade(TypedDict):
    """It is in use."""

    id: str


class StorageShown(TypedDict):
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
    share: Behind | None


class StoragesShown(TypedDict):
    """All of them."""

    storages: list[StorageShown]


class Supply(TypedDict):
    """One power supply."""

    name: str
    ok: bool


class Temperature(TypedDict):
    """One sensor. Degrees Celsius."""

    name: str
    celsius: float | None
    high: float | None
    critical: float | None


Tool = Literal[
    "raid.create",
    "raid.format",
    "raid.encrypt",
    "raid.decrypt",
    "raid.password",
    "raid.check",
    "raid.repair",
    "raid.mount",
    "raid.unmount",
    "raid.replace",
    "raid.scrub",
    "raid.protect",
    "raid.unprotect",
]


class ToolOrder(TypedDict):
    """A tool of the array, and what it needs."""

    tool: Tool
    level: NotRequired[int | None]
    bays: NotRequired[list[int]]
    spares: NotRequired[list[int]]
    files: NotRequired[str]
    encrypt: NotRequired[bool]
    bay: NotRequired[int]
    password: NotRequired[str | None]
    new_password: NotRequired[str | None]
    confirmed: NotRequired[bool]


class Work(TypedDict):
    """A long work that has begun."""

    job: str


class HardwarePart:
    """Hardware."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def storages(self) -> StoragesShown:
        """Where video is kept, and how much room there is."""
        return cast("StoragesShown", await self._connection.ask("GET", "/api/storages"))

    async def add_storage(self, body: NewStorage) -> StorageMade:
        """Keep video in one more folder. It is marked as ours: an empty mount point is never taken for it."""
        return cast("StorageMade", await self._connection.ask("POST", "/api/storages", body=body))

    async def add_share(self, body: NewShare) -> StorageMade:
        """Record to a share of a file server from now on. What is recorded comes into the spool first, and
        follows."""
        return cast("StorageMade", await self._connection.ask("POST", "/api/storages/shares", body=body))

    async def try_share(self, body: ShareGiven) -> ShareFound:
        """Write a file to a share, read it back and remove it."""
        return cast("ShareFound", await self._connection.ask("POST", "/api/storages/shares/test", body=body))

    async def remove_storage(self, id_: str) -> None:
        """Keep no more video there. What lies there stays; of a share it can be read again once that is added
        again."""
        await self._connection.ask("DELETE", f"/api/storages/{segment(id_)}")

    async def poe(self) -> PoeShown:
        """The ports and their power."""
        return cast("PoeShown", await self._connection.ask("GET", "/api/poe"))

    async def cycle(self, port: int) -> None:
        """Take the power from a port for a moment."""
        await self._connection.ask("POST", f"/api/poe/ports/{segment(port)}/cycle")

    async def raid(self) -> RaidShown:
        """Drives, array and file system."""
        return cast("RaidShown", await self._connection.ask("GET", "/api/raid"))

    async def tool(self, body: ToolOrder) -> Work:
        """Begin a tool of the array, as a job. What erases must be confirmed."""
        return cast("Work", await self._connection.ask("POST", "/api/raid/tools", body=body))

    async def chassis(self) -> ChassisShown:
        """The box: temperatures, fans, supplies, lights."""
        return cast("ChassisShown", await self._connection.ask("GET", "/api/chassis"))

    async def silence(self) -> None:
        """Silence the buzzer. A new fault wakes it again."""
        await self._connection.ask("POST", "/api/chassis/silence")
