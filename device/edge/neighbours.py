"""What we have on either side of a gap, to know a card's pictures by."""

from __future__ import annotations

from dataclasses import dataclass

from device.edge.planner import Outage
from device.edge.sieve import Landmark, picture_of
from device.media import MICROSECONDS, Kind, Utc
from device.recording.catalogue import CatalogueReader, SegmentRow
from device.recording.filling import Joint
from device.recording.index import FragmentRow
from device.recording.reader import BadFragment, SegmentFile


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Each None where there is none that would serve."""

    before: Landmark | None  #: the last key frame before the gap
    joint: Joint | None  #: where that is, if from there on the video may give way
    after: Landmark | None  #: the first key frame behind the gap


def neighbours(catalogue: CatalogueReader, token: str, outage: Outage) -> Neighbours:
    """Reads two key frames. Raises NotFound."""
    start, end = outage.start, outage.end
    around = catalogue.segments(token, Utc(start - MICROSECONDS), Utc(end + MICROSECONDS))
    same = [each for each in around if each.epoch == outage.epoch and not each.archive]
    before = next((each for each in same if each.end == start and not each.open), None)
    after = next((each for each in same if each.utc == end), None)
    mark = joint = None
    if before is not None:
        row = next((row for row in reversed(before.fragments) if row.key), None)
        mark = None if row is None else _landmark(before, row)
        # All of a segment cannot give way: the first group of pictures stays.
        if (
            row is not None
            and row.offset > before.fragments[0].offset
            and not _locked(catalogue, token, before)
        ):
            joint = Joint(before.id, row.offset)
    return Neighbours(mark, joint, None if after is None else _landmark(after, after.fragments[0]))


def _locked(catalogue: CatalogueReader, token: str, segment: SegmentRow) -> bool:
    """Whether a lock was ever put on some of it: then none of it gives way."""
    spans = [(lock.start, lock.end) for lock in catalogue.locks() if lock.token == token]
    return any(start < segment.end and end > segment.utc for start, end in spans)


def _landmark(segment: SegmentRow, row: FragmentRow) -> Landmark | None:
    lead = next((n for n, track in enumerate(segment.tracks) if track.kind is Kind.VIDEO), None)
    if lead is None:
        return None
    try:
        with SegmentFile(segment) as file:
            keys = file.keys(row, lead)
    except BadFragment:
        return None
    return Landmark(picture_of(segment.tracks[lead].codec, keys[0].data), row.utc) if keys else None
