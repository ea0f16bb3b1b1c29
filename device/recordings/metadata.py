"""Metadata that was recorded, searched (ONVIF Recording Search s5.11). Blocking: meant for a thread.

A result is what one fragment holds of a track, about a second of it; its time is that of the first document there that
is wanted. So forward and backward find the same, and a camera that tells of one thing ten times a second is one result.
Of a fragment its head and its metadata are read, never its video; of time in which there was no metadata, nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from device.media import MICROSECONDS, Kind, Track, Utc
from device.recording.catalogue import CatalogueReader
from device.recording.playback import Place, Shelved, places
from device.recording.reader import BadFragment
from device.recording.rewind import places_back
from device.recordings.contents import Contents
from device.recordings.names import track_tokens

Wanted = Callable[[bytes], bool]  #: whether a document is
BEHIND = MICROSECONDS  #: a document may come after its picture, and lie in the fragment behind
SILENT = 32  #: fragments that are read without a word, while nothing is found
_EVER = Utc(1 << 62)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Wanted metadata of a track, from here on."""

    utc: Utc
    recording: str
    track: str


def occurrences(
    catalogue: CatalogueReader,
    recordings: Iterable[Contents],
    start: Utc,
    end: Utc | None,
    wanted: Wanted,
    most: int | None,
) -> Iterator[Occurrence | None]:
    """By time, both ends included: backwards where `end` lies before `start`, without `end` all from `start` on; at
    most `most`. None now and then, while much is read and nothing found: whoever waits can be told so."""
    back = end is not None and end < start
    low, high = (start, _EVER) if end is None else (min(start, end), max(start, end))
    streams = [_of(catalogue, each, low, high, wanted, back) for each in recordings]
    count = 0
    for _, found in heapq.merge(*streams, key=_when, reverse=back):
        yield found
        count += found is not None
        if count == most:
            return


def _of(
    catalogue: CatalogueReader, of: Contents, low: Utc, high: Utc, wanted: Wanted, back: bool
) -> Iterator[tuple[Utc, Occurrence | None]]:
    """Those of one recording, and how far it has been read."""
    extents = [each for each in of.tracks if each.track.kind is Kind.METADATA]
    low = max(low, min((each.first for each in extents), default=_EVER))
    high = min(high, max((each.last for each in extents), default=Utc(0)))
    if low > high:
        return
    until = Utc(high + BEHIND)
    source = places_back(catalogue, of.token, until, low) if back else places(catalogue, of.token, low, until)
    silent = 0
    with Shelved() as files:
        for place in source:
            found = sorted(
                _in(files, place, of.token, low, high, wanted), key=lambda each: each.utc, reverse=back
            )
            yield from ((each.utc, each) for each in found)
            silent = 0 if found else silent + 1
            if silent == SILENT:
                silent = 0
                yield place.row.utc, None


def _in(
    files: Shelved, place: Place, recording: str, low: Utc, high: Utc, wanted: Wanted
) -> Iterator[Occurrence]:
    """Those of one fragment. What cannot be read holds none."""
    for number, token in _tracks(place.segment.tracks):
        try:
            documents = files.of(place.segment).keys(place.row, number)
        except BadFragment:
            continue
        for each in documents:
            if low <= each.utc <= high and wanted(bytes(each.data)):
                yield Occurrence(each.utc, recording, token)
                break


@lru_cache(64)
def _tracks(tracks: tuple[Track, ...]) -> tuple[tuple[int, str], ...]:
    """Those with metadata: index and token. Segments of a recording have the same over and over."""
    named = zip(track_tokens(tracks), tracks, strict=True)
    return tuple(
        (number, token) for number, (token, track) in enumerate(named) if track.kind is Kind.METADATA
    )


def _when(step: tuple[Utc, Occurrence | None]) -> Utc:
    return step[0]
