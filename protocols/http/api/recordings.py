"""What is recorded: how complete, where on a timeline, and what is missing why. Evidence locks."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from device.accounts.rights import Media
from device.accounts.role import Role
from device.accounts.sessions import Scope
from device.errors import BadValue
from device.media import MICROSECONDS, Utc
from device.planes.messages import DeleteSpan, Lock, Unlock
from device.recording.catalogue import CatalogueReader, RecordingRow
from device.recording.zoom import DAMAGED, RECORDED, coarse
from device.settings.cameras import Camera
from protocols.http.api.answers import Answer
from protocols.http.caller import Caller
from protocols.http.house import House
from protocols.http.moments import Instant
from protocols.http.table import Body, Table
from protocols.http.ticks import days, ticks

TABLE = Table("Recordings")
READ = {"role": Role.VIEWER, "media": Media.RECORDED, "scope": Scope.VIDEO}

DAY = 86_400 * MICROSECONDS
MOST_DAYS = 400  #: that a calendar is asked for at once
MOST_LANES = 256


def _split(value: object) -> object:
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


Tokens = Annotated[
    list[Annotated[str, Field(max_length=64)]], BeforeValidator(_split), Field(max_length=MOST_LANES)
]


class Span(Body):
    """A span of time; without one the last day."""

    from_: Annotated[Instant | None, Field(alias="from")] = None
    to: Instant | None = None

    def within(self, house: House) -> tuple[Utc, Utc]:
        """From and to. Raises BadValue."""
        end = self.to if self.to is not None else house.clock.utc()
        start = self.from_ if self.from_ is not None else Utc(max(end - DAY, 0))
        if start >= end:
            raise BadValue("to", "must be later than from")
        return start, end


class WholeSpan(Body):
    """A span of time, both ends given."""

    from_: Annotated[Instant, Field(alias="from")]
    to: Instant


class GapSpan(Span):
    """The same, and how many at most."""

    limit: Annotated[int, Field(ge=1, le=10_000)] = 1000


class LaneSpan(Span):
    """A timeline as it is drawn."""

    recordings: Tokens = Field([])  #: ids, separated by commas; empty: all main streams
    width: Annotated[int, Field(ge=50, le=10_000)] = 1000  #: pixels


class DaySpan(WholeSpan):
    """The days of a calendar."""

    recordings: Tokens = Field([])


class RecordingShown(Answer):
    """One recording. Durations in seconds, of the span that was asked for."""

    id: str
    camera: str
    name: str  #: of the camera
    stream: str
    first: Instant | None
    last: Instant | None
    bytes: int
    complete: float  #: share of what was due, 0 to 1
    recorded: float
    missing: float
    idle: float  #: was not due


class RecordingsShown(Answer):
    """Those that the caller may see."""

    recordings: list[RecordingShown]


class GapShown(Answer):
    """A span without video."""

    from_: Annotated[Instant, Field(alias="from", validation_alias="from_", serialization_alias="from")]
    to: Instant | None  #: None: it lasts
    cause: str
    due: bool  #: it should have been recorded
    lost: int  #: packets
    detail: str


class FilledShown(Answer):
    """A span that was missing, and came later from the camera's card."""

    from_: Annotated[Instant, Field(alias="from", validation_alias="from_", serialization_alias="from")]
    to: Instant
    cause: str  #: why it was missing
    at: Instant  #: when it was filled
    source: str  #: where it came from


class GapsShown(Answer):
    """In the order of time."""

    gaps: list[GapShown]
    filled: list[FilledShown]  #: gaps that are none any more, at most `limit`
    more: bool  #: there are more than `limit`


class TickShown(Answer):
    """One mark of a timeline."""

    us: int
    label: str
    day: bool


class Lane(Answer):
    """One recording on a timeline."""

    recording: str
    camera: str
    name: str
    spans: list[tuple[int, int, str]]  #: from, to, and recorded | damaged | idle | cause of what is missing


class Timeline(Answer):
    """Times in microseconds since 1970."""

    from_us: int
    to_us: int
    zone: str
    ticks: list[TickShown]
    lanes: list[Lane]


class Day(Answer):
    """One day of the recorder's zone."""

    day: str
    from_us: int
    to_us: int
    recorded: float  #: seconds, of all recordings together


class DaysShown(Answer):
    """Days with video."""

    zone: str
    days: list[Day]


class Removed(Answer):
    """What went."""

    segments: int
    octets: int


class NewLock(Body):
    """A span that is to be kept whatever retention says."""

    recording: Annotated[str, Field(max_length=64)]
    from_: Annotated[Instant, Field(alias="from")]
    to: Instant
    until: Instant | None = None  #: None: until it is unlocked
    why: Annotated[str, Field(min_length=1, max_length=500)]


class LockShown(Answer):
    """An evidence lock."""

    id: int
    recording: str
    from_: Annotated[Instant, Field(alias="from", validation_alias="from_", serialization_alias="from")]
    to: Instant
    until: Instant | None
    by: str
    why: str
    created: Instant


class LocksShown(Answer):
    """Those that are in force."""

    locks: list[LockShown]


class LockMade(Answer):
    """It is in force."""

    id: int


@TABLE.get("/api/recordings", **READ)
async def recordings(house: House, caller: Caller, query: Span) -> RecordingsShown:
    """What is recorded, and how complete it is in a span; without one, in the last day."""
    start, end = query.within(house)

    def read(catalogue: CatalogueReader) -> list[RecordingShown]:
        found = []
        for row in catalogue.recordings():
            if caller.rights.may_see(row.camera):
                whole = catalogue.completeness(row.token, start, end)
                found.append(
                    RecordingShown(
                        id=row.token,
                        camera=row.camera,
                        name=names.get(row.camera, row.camera),
                        stream=row.stream,
                        first=row.first,
                        last=row.last,
                        bytes=row.bytes,
                        complete=whole.share,
                        recorded=whole.recorded / MICROSECONDS,
                        missing=whole.missing / MICROSECONDS,
                        idle=whole.idle / MICROSECONDS,
                    )
                )
        return found

    names = _names(house)
    return RecordingsShown(recordings=await house.catalogue.read(read))


@TABLE.delete("/api/recordings/{recording}", role=Role.OPERATOR, media=Media.RECORDED, scope=Scope.ALL)
async def delete(house: House, caller: Caller, recording: str, query: WholeSpan) -> Removed:
    """Remove what was recorded in a span. Whole segments go; none where some of it is locked."""
    _ordered(query.from_, query.to)
    gone = await house.recording.call(DeleteSpan(recording, query.from_, query.to, caller.by))
    return Removed(segments=gone.segments, octets=gone.octets)


@TABLE.get("/api/recordings/{recording}/gaps", **READ)
async def gaps(house: House, recording: str, query: GapSpan) -> GapsShown:
    """What is missing, and why."""
    start, end = query.within(house)
    found, filled = await house.catalogue.read(
        lambda catalogue: (catalogue.gaps(recording, start, end), catalogue.filled(recording, start, end))
    )
    return GapsShown(
        gaps=[
            GapShown(
                from_=each.start,
                to=each.end,
                cause=each.cause.value,
                due=each.cause.due,
                lost=each.lost,
                detail=each.detail,
            )
            for each in found[: query.limit]
        ],
        filled=[
            FilledShown(from_=each.start, to=each.end, cause=each.cause.value, at=each.at, source=each.source)
            for each in filled[: query.limit]
        ],
        more=len(found) > query.limit,
    )


@TABLE.get("/api/timeline", **READ)
async def timeline(house: House, caller: Caller, query: LaneSpan) -> Timeline:
    """Recordings on a timeline, as fine as it can be drawn on `width` pixels: at most twice as many spans a lane."""
    start, end = query.within(house)
    least = (end - start) // query.width

    def read(catalogue: CatalogueReader) -> list[Lane]:
        return [
            Lane(
                recording=row.token,
                camera=row.camera,
                name=names.get(row.camera, row.camera),
                spans=[
                    (each.start, each.end, each.state)
                    for each in coarse(catalogue.timeline(row.token, start, end), least)
                ],
            )
            for row in _chosen(catalogue, caller, query.recordings)
        ]

    names = _names(house)
    lanes = await house.catalogue.read(read)
    marks = [
        TickShown(us=each.utc, label=each.label, day=each.day)
        for each in ticks(start, end, house.zone, query.width)
    ]
    return Timeline(from_us=start, to_us=end, zone=str(house.zone), ticks=marks, lanes=lanes)


@TABLE.get("/api/days", **READ)
async def calendar(house: House, caller: Caller, query: DaySpan) -> DaysShown:
    """The days of a span, in the recorder's zone, and how much of each is recorded."""
    _ordered(query.from_, query.to)
    if query.to - query.from_ > MOST_DAYS * DAY:
        raise BadValue("to", f"must be at most {MOST_DAYS} days after from")

    def read(catalogue: CatalogueReader) -> list[Day]:
        bounds = list(days(query.from_, query.to, house.zone))
        sums = [0] * len(bounds)
        for row in _chosen(catalogue, caller, query.recordings):
            for span in coarse(catalogue.timeline(row.token, bounds[0][0], bounds[-1][1]), 0):
                if span.state in (RECORDED, DAMAGED):
                    for number, (begin, upto, _) in enumerate(bounds):
                        sums[number] += max(0, min(span.end, upto) - max(span.start, begin))
        return [
            Day(day=name, from_us=begin, to_us=upto, recorded=total / MICROSECONDS)
            for (begin, upto, name), total in zip(bounds, sums, strict=True)
        ]

    return DaysShown(zone=str(house.zone), days=await house.catalogue.read(read))


@TABLE.get("/api/locks", **READ)
async def locks(house: House, caller: Caller) -> LocksShown:
    """The evidence locks that are in force."""
    now = house.clock.utc()
    found = await house.catalogue.read(lambda catalogue: catalogue.locks())
    return LocksShown(
        locks=[
            LockShown(
                id=each.id,
                recording=each.token,
                from_=each.start,
                to=each.end,
                until=each.until,
                by=each.who,
                why=each.why,
                created=each.created,
            )
            for each in found
            if caller.rights.may_see(_camera(each.token)) and (each.until is None or each.until > now)
        ]
    )


@TABLE.post("/api/locks", role=Role.OPERATOR, media=Media.RECORDED, scope=Scope.ALL, status=201)
async def lock(house: House, caller: Caller, body: NewLock) -> LockMade:
    """Keep a span whatever retention says."""
    _ordered(body.from_, body.to)
    check_sees(caller, [body.recording])
    made = await house.recording.call(
        Lock(body.recording, body.from_, body.to, body.until, caller.by, body.why)
    )
    return LockMade(id=made.lock)


@TABLE.delete("/api/locks/{id}", role=Role.OPERATOR, media=Media.RECORDED, scope=Scope.ALL)
async def unlock(house: House, caller: Caller, id: Annotated[int, Field(ge=0, le=2**53)]) -> None:  # noqa: A002 - as in the path
    """End an evidence lock."""
    known = await house.catalogue.read(lambda catalogue: catalogue.locks())
    check_sees(caller, [each.token for each in known if each.id == id])
    await house.recording.call(Unlock(id, caller.by))


def check_sees(caller: Caller, tokens: list[str]) -> None:
    """Raises BadValue where an account may not see a recording."""
    for token in tokens:
        if not caller.rights.may_see(_camera(token), Media.RECORDED):
            raise BadValue("recording", f"{token!r} is not there, or this account may not see it")


def _chosen(catalogue: CatalogueReader, caller: Caller, tokens: list[str]) -> list[RecordingRow]:
    """Those that were asked for, in that order; without any, the main streams."""
    known = {row.token: row for row in catalogue.recordings() if caller.rights.may_see(row.camera)}
    if tokens:
        return [known[token] for token in tokens if token in known]
    return [row for row in known.values() if row.stream == "main"][:MOST_LANES]


def _names(house: House) -> dict[str, str]:
    return {key: camera.name or key for key, camera in house.settings.entries(Camera).items()}


def _camera(token: str) -> str:
    return token.partition(".")[0]


def _ordered(start: Utc, end: Utc) -> None:
    if start >= end:
        raise BadValue("to", "must be later than from")
