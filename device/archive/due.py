"""Which segments are to be copied next."""

from __future__ import annotations

from collections.abc import Iterator

from device.archive.ledger import Ledger
from device.media import MICROSECONDS, Utc
from device.recording.catalogue import CatalogueReader, SegmentRow

LOOK_BACK = 86_400 * MICROSECONDS  #: before the newest copy: the wall clock may have been put back
STEP = 86_400 * MICROSECONDS  #: of recording that is looked at at once


def due(catalogue: CatalogueReader, ledger: Ledger, before: Utc) -> Iterator[tuple[str, SegmentRow]]:
    """Tokens and finished segments that ended before an instant and are not in the archive, each recording's oldest
    first. Raises CatalogueBroken."""
    for recording in catalogue.recordings():
        if recording.first is None:
            continue
        newest = ledger.newest(recording.token)
        at = recording.first if newest is None else Utc(max(recording.first, newest - LOOK_BACK))
        while at < before:
            end = Utc(min(at + STEP, before))
            for segment in catalogue.segments(recording.token, at, end):
                finished = not segment.open and segment.utc + segment.duration <= before
                if finished and not ledger.has(recording.token, segment.path.name):
                    yield recording.token, segment
            at = end
