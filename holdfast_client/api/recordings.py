"""Recordings. Made from the recorder's table of routes; not to be changed by hand."""

from __future__ import annotations

from typing import NotRequired, TypedDict, cast

from holdfast_client.connection import Connection, segment


class Day(TypedDict):
    """One day of the recorder's zone."""

    day: str
    from_us: int
    to_us: int
    recorded: float


class DaysShown(TypedDict):
    """Days with video."""

    zone: str
    days: list[Day]


#: A span that was missing, and came later from the camera's card.
FilledShown = TypedDict(
    "FilledShown", {"from": "str", "to": "str", "cause": "str", "at": "str", "source": "str"}
)

#: A span without video.
GapShown = TypedDict(
    "GapShown",
    {"from": "str", "to": "str | None", "cause": "str", "due": "bool", "lost": "int", "detail": "str"},
)


class GapsShown(TypedDict):
    """In the order of time."""

    gaps: list[GapShown]
    filled: list[FilledShown]
    more: bool


class Lane(TypedDict):
    """One recording on a timeline."""

    recording: str
    camera: str
    name: str
    spans: list[list[int | str]]


class LockMade(TypedDict):
    """It is in force."""

    id: int


#: An evidence lock.
LockShown = TypedDict(
    "LockShown",
    {
        "id": "int",
        "recording": "str",
        "from": "str",
        "to": "str",
        "until": "str | None",
        "by": "str",
        "why": "str",
        "created": "str",
    },
)


class LocksShown(TypedDict):
    """Those that are in force."""

    locks: list[LockShown]


#: A span that is to be kept whatever retention says.
NewLock = TypedDict(
    "NewLock",
    {"recording": "str", "from": "str", "to": "str", "until": "NotRequired[str | None]", "why": "str"},
)


class RecordingShown(TypedDict):
    """One recording. Durations in seconds, of the span that was asked for."""

    id: str
    camera: str
    name: str
    stream: str
    first: str | None
    last: str | None
    bytes: int
    complete: float
    recorded: float
    missing: float
    idle: float


class RecordingsShown(TypedDict):
    """Those that the caller may see."""

    recordings: list[RecordingShown]


class Removed(TypedDict):
    """What went."""

    segments: int
    octets: int


class TickShown(TypedDict):
    """One mark of a timeline."""

    us: int
    label: str
    day: bool


class Timeline(TypedDict):
    """Times in microseconds since 1970."""

    from_us: int
    to_us: int
    zone: str
    ticks: list[TickShown]
    lanes: list[Lane]


class RecordingsPart:
    """Recordings."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def recordings(self, *, from_: str | None = None, to: str | None = None) -> RecordingsShown:
        """What is recorded, and how complete it is in a span; without one, in the last day."""
        return cast(
            "RecordingsShown",
            await self._connection.ask("GET", "/api/recordings", query={"from": from_, "to": to}),
        )

    async def delete(self, recording: str, *, from_: str, to: str) -> Removed:
        """Remove what was recorded in a span. Whole segments go; none where some of it is locked."""
        return cast(
            "Removed",
            await self._connection.ask(
                "DELETE", f"/api/recordings/{segment(recording)}", query={"from": from_, "to": to}
            ),
        )

    async def gaps(
        self, recording: str, *, from_: str | None = None, to: str | None = None, limit: int | None = None
    ) -> GapsShown:
        """What is missing, and why."""
        return cast(
            "GapsShown",
            await self._connection.ask(
                "GET",
                f"/api/recordings/{segment(recording)}/gaps",
                query={"from": from_, "to": to, "limit": limit},
            ),
        )

    async def timeline(
        self,
        *,
        from_: str | None = None,
        to: str | None = None,
        recordings: str | None = None,
        width: int | None = None,
    ) -> Timeline:
        """Recordings on a timeline, as fine as it can be drawn on `width` pixels: at most twice as many spans a
        lane."""
        return cast(
            "Timeline",
            await self._connection.ask(
                "GET",
                "/api/timeline",
                query={"from": from_, "to": to, "recordings": recordings, "width": width},
            ),
        )

    async def calendar(self, *, from_: str, to: str, recordings: str | None = None) -> DaysShown:
        """The days of a span, in the recorder's zone, and how much of each is recorded."""
        return cast(
            "DaysShown",
            await self._connection.ask(
                "GET", "/api/days", query={"from": from_, "to": to, "recordings": recordings}
            ),
        )

    async def locks(self) -> LocksShown:
        """The evidence locks that are in force."""
        return cast("LocksShown", await self._connection.ask("GET", "/api/locks"))

    async def lock(self, body: NewLock) -> LockMade:
        """Keep a span whatever retention says."""
        return cast("LockMade", await self._connection.ask("POST", "/api/locks", body=body))

    async def unlock(self, id_: int) -> None:
        """End an evidence lock."""
        await self._connection.ask("DELETE", f"/api/locks/{segment(id_)}")
