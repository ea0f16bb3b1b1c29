"""What the catalogue holds of a recording, as a search sees it: from when to when each track has data, and when there
was something at all (ONVIF Recording Search s5.3, s5.21). Blocking: meant for a thread; nothing is held in memory but
a page of the gaps, however long the recording is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import chain

from device.media import MICROSECONDS, Kind, Track, Utc
from device.recording.catalogue import CatalogueReader, Holding, TimelineRow
from device.recording.playback import Playback
from device.recordings.names import track_tokens


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


def contents(catalogue: CatalogueReader, of: Holding) -> Contents:
    """What there is of a recording, of which the catalogue told both ends."""
    token, first, last = of.row.token, of.row.first, of.row.last
    if first is None or last is None:
        return Contents(token, ())
    oldest, newest = _named(of.oldest), _named(of.newest)
    extents: list[TrackExtent] = []
    for name in sorted({*oldest, *newest}, key=lambda name: (_ORDER[(oldest | newest)[name].kind], name)):
        begin, end = first, last
        if name not in oldest or name not in newest:
            begin, end = _found(catalogue, token, name, first, last)
        extents.append(TrackExtent(name, (newest if name in newest else oldest)[name], begin, end))
    return Contents(token, tuple(extents))


def measured(catalogue: CatalogueReader, token: str, at: Utc) -> list[Measured]:
    """The tracks of a recording as they are at an instant, from one fragment of it; empty in a gap. Raises NotFound."""
    whole = contents(catalogue, catalogue.holding(token))
    if whole.last is not None and at == whole.last:  # both ends are included (s5.2.1)
        at = Utc(at - 1)
    elif not _there(catalogue, token, at):
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
        there = _there(catalogue, each.token, at)
        yield Change(at, each.token, "", there, virtual=True)
        for track in each.tracks:
            yield Change(at, each.token, track.token, there and track.first <= at < track.last, virtual=True)


def _changes(
    catalogue: CatalogueReader, of: Contents, growing: bool, low: Utc, high: Utc, back: bool
) -> Iterator[Change]:
    if of.first is None or of.last is None:
        return
    low, high = max(low, of.first), min(high, of.last)
    if low > high:
        return
    for begin, end in catalogue.present(of.token, Utc(low - 1), Utc(high + 1), back=back):
        edges = [(begin, True), (end, False)]
        for utc, present in reversed(edges) if back else edges:
            if not low <= utc <= high or (growing and utc == of.last and not present):
                continue
            yield Change(utc, of.token, "", present)
            for track in of.tracks:
                if track.first <= utc <= track.last:
                    yield Change(utc, of.token, track.token, present)


def _there(catalogue: CatalogueReader, token: str, at: Utc) -> bool:
    """Whether there is something at an instant."""
    return any(catalogue.present(token, at, Utc(at + 1)))


def _named(tracks: Iterable[Track]) -> dict[str, Track]:
    """Tracks by token."""
    listed = tuple(tracks)
    return dict(zip(track_tokens(listed), listed, strict=True))


def _found(catalogue: CatalogueReader, token: str, name: str, first: Utc, last: Utc) -> tuple[Utc, Utc]:
    """From when to when there is something of a track that the first or the last session has not: tracks change only
    where a run begins."""
    rows = [row for row in catalogue.timeline(token, first, last) if row.cause is None]

    def having(row: TimelineRow) -> bool:
        return name in _named(catalogue.tracks(token, row.start))

    begin = next(filter(having, rows), None)
    end = next(filter(having, reversed(rows)), None)
    return (begin.start, end.end) if begin is not None and end is not None else (first, last)


_ORDER = {Kind.VIDEO: 0, Kind.AUDIO: 1, Kind.METADATA: 2}
