"""What the catalogue holds of a recording, as a search sees it: from when to when each track has data, and when there
was something at all (ONVIF Recording Search s5.3, s5.21). Blocking: meant for a thread; nothing is held in memory but
a window of the timeline, however long the recording is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import chain

from device.media import MICROSECONDS, Kind, Track, Utc
from device.recording.catalogue import CatalogueReader, TimelineRow
from device.recording.playback import Playback
from device.recordings.names import track_tokens

WINDOW = (
    86_400 * MICROSECONDS
)  #: of the timeline that is asked for at once; doubles while there is little in it
WIDEST = 64 * WINDOW
FEW = 64  #: rows


@dataclass(frozen=True, slots=True)
class TrackExtent:
    """A track, and from when to when there is something of it."""

    token: str
    track: Track
    first: Utc
    last: Utc


@dataclass(frozen=True, slots=True)
class Contents:
    """What there is of one recording. Without tracks: nothing."""

    token: str
    tracks: tuple[TrackExtent, ...]

    @property
    def first(self) -> Utc | None:
        """The earliest data of any track."""
        return min((track.first for track in self.tracks), default=None)

    @property
    def last(self) -> Utc | None:
        """The end of the latest data of any track."""
        return max((track.last for track in self.tracks), default=None)


@dataclass(frozen=True, slots=True)
class Measured:
    """A track as it was at an instant."""

    extent: TrackExtent
    bitrate: int  #: bits per second
    rate: float  #: samples per second


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """There is something of a recording or track from here on, or no more."""

    utc: Utc
    recording: str
    track: str  #: empty: of the recording as a whole
    present: bool
    virtual: bool = False  #: the state at an end of the search, and no change (s5.9)


def contents(catalogue: CatalogueReader, token: str) -> Contents:
    """Raises NotFound."""
    row = catalogue.recording(token)
    if row.first is None or row.last is None:
        return Contents(token, ())
    first, last = Utc(row.first), Utc(row.last)
    oldest, newest = _tracks(catalogue, token, first), _tracks(catalogue, token, Utc(last - 1))
    extents: list[TrackExtent] = []
    for name in sorted({*oldest, *newest}, key=lambda name: (_ORDER[(oldest | newest)[name].kind], name)):
        begin, end = first, last
        if name not in oldest or name not in newest:
            begin, end = _found(catalogue, token, name, first, last)
        extents.append(TrackExtent(name, (newest if name in newest else oldest)[name], begin, end))
    return Contents(token, tuple(extents))


def measured(catalogue: CatalogueReader, token: str, at: Utc) -> list[Measured]:
    """The tracks of a recording as they are at an instant, from one fragment of it; empty in a gap. Raises NotFound."""
    row = next((row for row in catalogue.timeline(token, at, Utc(at + 1)) if row.cause is None), None)
    whole = contents(catalogue, token)
    if whole.last is not None and at == whole.last:  # both ends are included (s5.2.1)
        at = Utc(at - 1)
    elif row is None:
        return []
    piece = next(Playback(catalogue, token).fragments(at, Utc(at + 1)), None)
    if piece is None:
        return []
    seconds = max(piece.utc_end - piece.utc, 1) / MICROSECONDS
    found: list[Measured] = []
    extents = {extent.token: extent for extent in whole.tracks}
    for number, (name, track) in enumerate(zip(track_tokens(piece.tracks), piece.tracks, strict=True)):
        sizes = [len(sample.data) for sample in piece.samples if sample.track == number]
        base = extents.get(name)
        begin, end = (base.first, base.last) if base is not None else (piece.utc, piece.utc_end)
        extent = TrackExtent(name, track, begin, end)
        found.append(Measured(extent, round(sum(sizes) * 8 / seconds), len(sizes) / seconds))
    return found


def changes(
    catalogue: CatalogueReader,
    recordings: list[Contents],
    growing: frozenset[str],
    start: Utc,
    end: Utc | None,
    states: bool,
) -> Iterator[Change]:
    """Where recordings and their tracks begin and end to have data, both ends included, by time: backwards where
    `end` lies before `start`. `growing`: tokens of those that are being recorded, whose end is none. With `states`
    also how it stands at the start, and backwards at both ends (s5.9)."""
    back = end is not None and end < start
    upto = (
        end
        if end is not None
        else max((each.last for each in recordings if each.last is not None), default=start)
    )
    low, high = (upto, start) if back else (start, max(start, upto))
    streams = [_changes(catalogue, each, each.token in growing, low, high, back) for each in recordings]
    between = merge(*streams, key=lambda change: change.utc, reverse=back)
    before = _states(catalogue, recordings, start) if states else ()
    after = _states(catalogue, recordings, low) if states and back else ()
    return chain(before, between, after)


def _states(catalogue: CatalogueReader, recordings: list[Contents], at: Utc) -> Iterator[Change]:
    for each in recordings:
        there = any(row.cause is None for row in catalogue.timeline(each.token, at, Utc(at + 1)))
        yield Change(at, each.token, "", there, virtual=True)
        for track in each.tracks:
            yield Change(at, each.token, track.token, there and track.first <= at < track.last, virtual=True)


def _changes(
    catalogue: CatalogueReader, of: Contents, growing: bool, low: Utc, high: Utc, back: bool
) -> Iterator[Change]:
    if of.first is None or of.last is None:
        return
    spans = _spans(catalogue, of.token, Utc(max(low, of.first) - 1), Utc(min(high, of.last) + 1), back)
    for begin, end in spans:
        edges = [(begin, True), (end, False)]
        for utc, present in reversed(edges) if back else edges:
            if not max(low, of.first) <= utc <= min(high, of.last) or (
                growing and utc == of.last and not present
            ):
                continue
            yield Change(utc, of.token, "", present)
            for track in of.tracks:
                if track.first <= utc <= track.last:
                    yield Change(utc, of.token, track.token, present)


def _spans(
    catalogue: CatalogueReader, token: str, low: Utc, high: Utc, back: bool
) -> Iterator[tuple[Utc, Utc]]:
    """The spans of [low, high) in which there is something, cut to it, in the order of reading."""
    held: tuple[Utc, Utc] | None = None  # may go on in the next window
    at: int = high if back else low
    window = WINDOW
    while (at > low) if back else (at < high):
        begin, end = (max(at - window, low), at) if back else (at, min(at + window, high))
        rows = catalogue.timeline(token, Utc(begin), Utc(end))
        for span in _union(rows, back):
            if held is not None and (held[0] <= span[1] if back else span[0] <= held[1]):
                held = min(held[0], span[0]), max(held[1], span[1])
                continue
            if held is not None:
                yield held
            held = span
        at, window = (begin if back else end), WINDOW if len(rows) > FEW else min(2 * window, WIDEST)
    if held is not None:
        yield held


def _union(rows: list[TimelineRow], back: bool) -> list[tuple[Utc, Utc]]:
    """What is recorded in them, in whichever epoch, without overlaps."""
    joined: list[tuple[Utc, Utc]] = []
    for row in sorted((row for row in rows if row.cause is None), key=lambda row: row.start):
        if joined and row.start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], row.end)
        else:
            joined.append((row.start, row.end))
    return joined[::-1] if back else joined


def _tracks(catalogue: CatalogueReader, token: str, at: Utc) -> dict[str, Track]:
    """The tracks of what is recorded at an instant, by token."""
    tracks = catalogue.tracks(token, at)
    return dict(zip(track_tokens(tracks), tracks, strict=True))


def _found(catalogue: CatalogueReader, token: str, name: str, first: Utc, last: Utc) -> tuple[Utc, Utc]:
    """From when to when there is something of a track that the first or the last session has not: tracks change only
    where a run begins."""
    having = [
        row
        for row in catalogue.timeline(token, first, last)
        if row.cause is None and name in _tracks(catalogue, token, row.start)
    ]
    return (having[0].start, having[-1].end) if having else (first, last)


_ORDER = {Kind.VIDEO: 0, Kind.AUDIO: 1, Kind.METADATA: 2}
