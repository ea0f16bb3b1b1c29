"""Which segments are to be copied next."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from device.archive.ledger import Copy, Ledger
from device.media import MICROSECONDS, Utc
from device.recording.catalogue import CatalogueReader, SegmentRow

AT_ONCE = 100  #: segments of a recording that are looked at before others have their turn
LOOK_BACK = 86_400 * MICROSECONDS  #: before the newest copy: the wall clock may have been put back
STEP = 86_400 * MICROSECONDS  #: of recording that is looked at at once


def due(
    catalogue: CatalogueReader, ledger: Ledger, before: Utc, spools: Collection[str]
) -> Iterator[tuple[str, SegmentRow]]:
    """Tokens and finished segments that ended before an instant and are not in the archive, each recording's oldest
    first. `spools`: volumes whose segments go elsewhere. Raises CatalogueBroken."""
    for recording in catalogue.recordings():
        if recording.first is None:
            continue
        newest = ledger.newest(recording.token)
        at = recording.first if newest is None else Utc(max(recording.first, newest - LOOK_BACK))
        while at < before:
            end = Utc(min(at + STEP, before))
            for segment in catalogue.segments(recording.token, at, end):
                finished = not segment.open and segment.utc + segment.duration <= before
                if segment.archive or segment.volume in spools or not finished:
                    continue
                if not ledger.has(recording.token, segment.path.name, segment.utc):
                    yield recording.token, segment
            at = end


def movable(
    catalogue: CatalogueReader, ledger: Ledger, before: Utc, spools: Collection[str]
) -> Iterator[tuple[str, SegmentRow, Copy]]:
    """What is in the archive, lies here as well, and ended before an instant: it may lie there alone. Nothing that is
    under an evidence lock, or on one of `spools`. Raises CatalogueBroken."""
    for recording in catalogue.recordings():
        for segment in catalogue.here(recording.token, before, AT_ONCE):
            copy = ledger.get(recording.token, segment.path.name)
            if (
                segment.volume not in spools
                and copy is not None
                and (copy.utc, copy.size) == (segment.utc, segment.bytes)
            ):
                yield recording.token, segment, copy
