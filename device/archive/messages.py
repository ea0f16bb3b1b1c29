"""What the control plane, which archives, asks of the recording plane, whose the catalogue is."""

from __future__ import annotations

from device.planes.messages import Done
from device.planes.wire import Request, message


@message
class Moved:
    """These lie in the archive now; the others stayed where they are."""

    segments: tuple[int, ...]


@message
class MoveSegments(Request[Moved]):
    """Segments that were just read back from an archive may lie there alone."""

    target: str  #: identity of the archive
    place: str  #: where that is, for a person
    segments: tuple[int, ...]
    octets: tuple[int, ...]  #: of each copy
    evidence: bool = False  #: also what is under lock: it lies in a spool, and not where it is to be kept


@message
class SegmentsErased(Request[Done]):
    """The files of deleted segments in an archive are gone."""

    segments: tuple[int, ...]


@message
class ShareHas(Request[Done]):
    """How much room there is behind a spool."""

    target: str  #: identity of the share's folder
    size: int  #: octets
    free: int
