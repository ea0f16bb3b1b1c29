"""What replies say, read strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from conformance.case import Failed, expect
from conformance.onvif.client import Element
from conformance.onvif.names import name

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")
_SPAN = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")


def path(short: str) -> str:
    """`tds:A/tt:B` as lxml writes it."""
    return "/".join(map(name, short.split("/")))


def only(parent: Element, short: str) -> Element:
    """The element below, which must be there. Raises Failed."""
    found = parent.find(path(short))
    expect(found is not None, f"{parent.tag.rpartition('}')[2]} has no {short}")
    return found


def text(parent: Element, short: str) -> str:
    """The text of an element that must be there. Raises Failed."""
    return (only(parent, short).text or "").strip()


def maybe(parent: Element, short: str) -> str | None:
    """The text of an element; None: it is not there."""
    found = parent.find(path(short))
    return None if found is None else (found.text or "").strip()


def every(parent: Element, short: str) -> list[Element]:
    """All such elements below."""
    return list(parent.findall(path(short)))


def moment(told: str) -> datetime:
    """xs:dateTime, in UTC. Raises Failed for one without a zone."""
    match = _TIME.fullmatch(told)
    if match is None:
        raise Failed(f"{told!r} is no time with a zone")
    whole = datetime.fromisoformat(match[1] + ("+00:00" if match[3] == "Z" else match[3]))
    return whole.astimezone(UTC) + timedelta(microseconds=int(((match[2] or "0") + "000000")[:6]))


def write(when: datetime) -> str:
    """xs:dateTime in UTC, to the microsecond."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(told: str) -> float:
    """A xs:duration of hours, minutes and seconds. Raises Failed."""
    match = _SPAN.fullmatch(told)
    if match is None or told == "PT":
        raise Failed(f"{told!r} is no duration of hours, minutes and seconds")
    return int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + float(match[3] or 0)


@dataclass(frozen=True, slots=True)
class Track:
    """tt:TrackInformation."""

    token: str
    kind: str  #: Video, Audio, Metadata
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Tape:
    """tt:RecordingInformation."""

    token: str
    start: datetime | None
    end: datetime | None
    tracks: tuple[Track, ...]
    status: str

    @classmethod
    def read(cls, told: Element) -> Self:
        """Raises Failed."""
        first, last = maybe(told, "tt:EarliestRecording"), maybe(told, "tt:LatestRecording")
        tracks = tuple(
            Track(
                text(each, "tt:TrackToken"),
                text(each, "tt:TrackType"),
                moment(text(each, "tt:DataFrom")),
                moment(text(each, "tt:DataTo")),
            )
            for each in every(told, "tt:Track")
        )
        return cls(
            text(told, "tt:RecordingToken"),
            moment(first) if first else None,
            moment(last) if last else None,
            tracks,
            text(told, "tt:RecordingStatus"),
        )

    def data(self, kind: str) -> Track | None:
        """The track of a kind that has something in it."""
        return next((track for track in self.tracks if track.kind == kind and track.end > track.start), None)

    @property
    def seconds(self) -> float:
        """Of video."""
        video = self.data("Video")
        return (video.end - video.start).total_seconds() if video else 0.0
