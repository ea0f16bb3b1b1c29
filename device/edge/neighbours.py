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

    before: Landmark | None
    joint: Joint | None  #: where `before` is
    after: Landmark | None


def neighbours(catalogue: CatalogueReader, token: str, outage: Outage) -> Neighbours:
    """Reads two key frames. Raises NotFound."""
    start, end = outage.start, outage.end
    around = catalogue.segments(token, Utc(start - MICROSECONDS), Utc(end + MICROSECONDS))
    same = [each for each in around if each.epoch == outage.epoch and not each.archive]
    before = next((each for each in same if each.end == start and not each.open), None)
    after = next((each for each in same if each.utc == end), None)
    mark = joint = None
    if before is not None:
        # All of a segment cannot give way: the first group of pictures stays.
        row = next((row for row in reversed(before.fragments[1:]) if row.key), None)
        mark = None if row is None else _landmark(before, row)
        joint = None if row is None or mark is None else Joint(before.id, row.offset)
    return Neighbours(mark, joint, None if after is None else _landmark(after, after.fragments[0]))


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
