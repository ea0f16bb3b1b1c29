"""What was recorded as a list: one row for each stretch, found by time, camera, event and storage together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from device.accounts.rights import Media
from device.accounts.role import Role
from device.accounts.sessions import Scope
from device.errors import BadValue
from device.events.journal import Entry
from device.media import MICROSECONDS, Utc
from device.planes.errors import PlaneDown
from device.planes.messages import AskRecording
from device.recording.catalogue import CatalogueReader
from device.recording.stretches import Stretch, stretches
from device.settings.cameras import Camera
from protocols.http.api.answers import Answer
from protocols.http.caller import Caller
from protocols.http.house import House
from protocols.http.moments import Instant
from protocols.http.table import Body, Table
from protocols.http.ticks import days

TABLE = Table("Recordings")

LOOKED_BACK = 400 * 86_400 * MICROSECONDS  #: where no beginning is given
EVENTS = 5000  #: that are looked at, newest first
OF_CAMERAS = "camera."
ENDS = (
    15 * MICROSECONDS
)  #: what ended later than this ago may go on: what is not on the disk yet is not shown


class Wanted(Body):
    """Which stretches. What is not given is not looked at; all that is given must hold."""

    from_: Annotated[Instant | None, Field(alias="from")] = None
    to: Instant | None = None
    camera: Annotated[str, Field(max_length=64)] = ""
    event: Annotated[str, Field(max_length=100)] = ""  #: that happened in it
    storage: Annotated[str, Field(max_length=64)] = ""  #: on which some of it lies
    ongoing: bool = False  #: only those that still grow
    limit: Annotated[int, Field(ge=1, le=1000)] = 200


class StretchShown(Answer):
    """A span that was recorded without a break, at most a day of the recorder's zone."""

    recording: str
    camera: str
    name: str  #: of the camera
    stream: str
    from_: Annotated[Instant, Field(alias="from", validation_alias="from_", serialization_alias="from")]
    to: Instant
    ongoing: bool
    damaged: bool  #: in some of it packets were lost
    bytes: int  #: of the segments that begin in it
    storages: list[str]
    events: list[str]  #: names of what the camera told in it


class StretchesShown(Answer):
    """The newest first."""

    stretches: list[StretchShown]
    more: bool  #: there are more than `limit`


@TABLE.get("/api/stretches", role=Role.VIEWER, media=Media.RECORDED, scope=Scope.VIDEO)
async def found(house: House, caller: Caller, query: Wanted) -> StretchesShown:
    """What was recorded, one row for each stretch."""
    now = house.clock.utc()
    end = query.to if query.to is not None else now
    start = query.from_ if query.from_ is not None else Utc(max(end - LOOKED_BACK, 0))
    if start >= end:
        raise BadValue("to", "must be later than from")
    names = {key: camera.name or key for key, camera in house.settings.entries(Camera).items()}
    told = _by_camera(house.bus.journal.told(query.event or OF_CAMERAS, start, end, EVENTS))
    try:
        running = {each.token for each in (await house.recording.call(AskRecording())).streams if each.well}
    except PlaneDown:
        running = set()

    def look(catalogue: CatalogueReader) -> list[StretchShown]:
        rows = []
        for row in catalogue.recordings():
            if not caller.rights.may_see(row.camera) or (query.camera and row.camera != query.camera):
                continue
            midnights = [begin for begin, _, _ in days(start, end, house.zone)]
            for each in stretches(catalogue.timeline(row.token, start, end), midnights):
                grows = row.token in running and each.end > now - ENDS
                if (not query.ongoing or grows) and (not query.event or _in(each, told.get(row.camera, ()))):
                    rows.append((row, each, grows))
        rows.sort(key=lambda each: (each[1].end, each[0].token), reverse=True)
        shown = []
        for row, each, grows in rows:
            kept = catalogue.kept(row.token, each.start, each.end)
            if query.storage and query.storage not in kept:
                continue
            shown.append(
                StretchShown(
                    recording=row.token,
                    camera=row.camera,
                    name=names.get(row.camera, row.camera),
                    stream=row.stream,
                    from_=each.start,
                    to=each.end,
                    ongoing=grows,
                    damaged=each.damaged,
                    bytes=sum(kept.values()),
                    storages=sorted(kept),
                    events=sorted({event.event.name for event in _of(each, told.get(row.camera, ()))}),
                )
            )
            if len(shown) > query.limit:
                break
        return shown

    shown = await house.catalogue.read(look)
    return StretchesShown(stretches=shown[: query.limit], more=len(shown) > query.limit)


def _by_camera(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    told: dict[str, list[Entry]] = {}
    for entry in entries:
        camera = getattr(entry.event, "camera", None)
        if camera and not entry.event.clears:
            told.setdefault(str(camera), []).append(entry)
    return told


def _of(stretch: Stretch, entries: Sequence[Entry]) -> Iterator[Entry]:
    return (each for each in entries if stretch.start <= each.utc < stretch.end)


def _in(stretch: Stretch, entries: Sequence[Entry]) -> bool:
    return next(_of(stretch, entries), None) is not None
