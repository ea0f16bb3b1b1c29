"""Was every frame recorded, or is it in the ledger? Read from the pictures themselves.

The virtual cameras burn the number of each frame into its picture, and frame n has the time epoch + n / fps.
So the numbers in a recording tell what is missing, whatever the catalogue says; the ledger must say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import cast

import av

from device.media import MICROSECONDS, Codec, Sample, Track, Utc
from device.recording.catalogue import CatalogueReader, GapRow
from device.recording.playback import Playback
from integration.virtual_camera import stamp

_NAMES = {Codec.H264: "h264", Codec.H265: "hevc", Codec.MJPEG: "mjpeg"}
EVER = (Utc(0), Utc(1 << 62))


@dataclass(frozen=True, slots=True)
class Frame:
    """One recorded picture."""

    utc: Utc  #: as the recorder says
    run: int
    key: bool
    damaged: bool
    number: int | None  #: burnt in; None where it cannot be read
    said: Utc | None  #: burnt-in time, whole milliseconds


class _Eye:
    """Decodes the pictures of one run and reads their stamps."""

    def __init__(self, track: Track) -> None:
        self._track = track
        self._decoder = cast(av.VideoCodecContext, av.CodecContext.create(_NAMES[track.codec], "r"))
        self._decoder.thread_count = 1
        self._decoder.flags |= av.codec.context.Flags.low_delay
        self._waiting: list[Sample] = []
        self._read: dict[int, stamp.Stamp | None] = {}
        self._count = 0

    def see(self, sample: Sample) -> stamp.Stamp | None:
        """The stamp of a picture. The cameras send no B-frames, so that each is decoded at once."""
        packet = av.Packet(self._bits(sample))
        packet.pts = self._count
        self._count += 1
        try:
            pictures = self._decoder.decode(packet)
        except av.error.FFmpegError:
            return None
        return next((stamp.read(picture) for picture in pictures if picture.pts == packet.pts), None)

    def _bits(self, sample: Sample) -> bytes:
        data = bytes(sample.data)
        if self._track.codec is Codec.MJPEG:
            return data
        units = list(self._track.parameters) if sample.key else []
        at = 0
        while at < len(data):
            end = at + 4 + int.from_bytes(data[at : at + 4])
            units.append(data[at + 4 : end])
            at = end
        return b"".join(b"\0\0\0\1" + unit for unit in units)


def frames(catalogue: CatalogueReader, token: str, start: Utc = EVER[0]) -> Iterator[Frame]:
    """Every picture of a recording, decoded, in the order recorded."""
    eye: _Eye | None = None
    track: Track | None = None
    for piece in Playback(catalogue, token).fragments(start, None):
        lead = next(n for n, each in enumerate(piece.tracks) if each.codec in _NAMES)
        if eye is None or piece.broken or piece.tracks[lead] != track:
            track = piece.tracks[lead]
            eye = _Eye(track)
        for sample in piece.samples:
            if sample.track == lead:
                seen = eye.see(sample)
                number, said = (seen.frame, seen.utc) if seen else (None, None)
                yield Frame(sample.utc, piece.run, sample.key, sample.damaged, number, said)


def exported(file: Path) -> list[tuple[float, stamp.Stamp]]:
    """Presentation time in seconds and stamp of every picture that a file shows; each must be readable."""
    with av.open(str(file)) as container:
        pictures = [(picture.time, stamp.read(picture)) for picture in container.decode(video=0)]
    assert all(seen for _, seen in pictures)
    return [(time, seen) for time, seen in pictures if seen and time >= 0]


@dataclass(frozen=True, slots=True)
class Hole:
    """Frames that are not in the recording, and what the ledger says of the time."""

    first: int  #: number of the first frame that is missing
    missing: int  #: frames; 0 where the ledger has a gap and nothing is missing
    begin: Utc  #: of the last recorded frame before
    end: Utc  #: of the first one after
    told: int  #: microseconds of it that are in the ledger
    causes: tuple[str, ...]
    excess: float  #: frames by which the ledger says more (or, negative, less) than is missing
    late: (
        float  #: frames by which the frame after it was put later than it was due, and the one before was not
    )

    @property
    def fair(self) -> bool:
        """Ledger and pictures agree within a frame, that the camera's own delay before and after differs
        allowed for."""
        return abs(self.excess) <= 1.0 + abs(self.late)

    def __str__(self) -> str:
        at = f"frame {self.first}: {self.missing} missing, the ledger has {self.told / MICROSECONDS:.3f} s"
        return f"{at} ({', '.join(self.causes) or 'nothing'}), {self.excess:+.2f} frames"


@dataclass(slots=True)
class Account:
    """A recording held against what the camera sent."""

    token: str
    first: int = 0  #: numbers of the first and last frame recorded
    last: int = 0
    recorded: int = 0  #: frames
    unread: int = 0  #: recorded frames whose stamp could not be read, or that repeat an older one
    twice: int = 0  #: frames that are there more than once
    backward: int = 0  #: frames that say a time earlier than the one before, by more than half a frame
    missing: int = 0
    told: int = 0  #: microseconds in the ledger between first and last frame
    holes: list[Hole] = field(default_factory=list)
    away: list[tuple[Utc, float]] = field(
        default_factory=list
    )  #: seconds that a frame is put later than it was

    @property
    def sent(self) -> int:
        """Frames from the first recorded to the last."""
        return self.last - self.first + 1

    @property
    def wrong(self) -> list[Hole]:
        """Where what is missing and the ledger differ by more than a frame."""
        return [hole for hole in self.holes if not hole.fair]

    @property
    def untold(self) -> list[Hole]:
        """Where frames are missing and nothing in the ledger says so."""
        return [hole for hole in self.holes if hole.missing and not hole.told]

    @property
    def farthest(self) -> float:
        """Seconds by which a recorded time is most wrong."""
        return max((abs(away) for _, away in self.away), default=0.0)

    @property
    def adds_up(self) -> bool:
        """Recorded and ledger together are the wall clock, everywhere within a frame, and nothing is there
        twice."""
        return not (self.wrong or self.untold or self.twice or self.backward)


def account(
    token: str, seen: Iterable[Frame], gaps: Sequence[GapRow], epoch: int, fps: int, *, repeats: bool = False
) -> Account:
    """Hold recorded frames against the ledger. `repeats`: the camera froze at times, and repeated old frames."""
    found = Account(token)
    step = MICROSECONDS / fps
    before: Frame | None = None
    last = Utc(0)
    between = 0
    for frame in seen:
        found.recorded += 1
        found.backward += frame.utc < last - step / 2
        last = frame.utc
        old = before.number if before else None
        number = frame.number
        if number is not None and old is not None and number <= old:
            found.twice += not repeats
            number = None
        if number is None:
            found.unread += 1
            between += 1
            continue
        found.away.append((frame.utc, (frame.utc - epoch - number * step) / MICROSECONDS))
        if before is None or old is None:
            found.first = number - between
        else:
            missing = number - old - 1 - between
            hole = _hole(before, frame, missing, old + 1 + between, gaps, step)
            found.missing += max(0, missing)
            found.twice += max(0, -missing)
            if hole.missing or hole.told:
                found.holes.append(hole)
                found.told += hole.told
        before, between = frame, 0
        found.last = number
    found.last += between
    return found


def _hole(before: Frame, after: Frame, missing: int, first: int, gaps: Sequence[GapRow], step: float) -> Hole:
    assert before.number is not None
    assert after.number is not None
    begin, end = before.utc, after.utc
    inside = [gap for gap in gaps if gap.end is not None and gap.start < end and gap.end > begin]
    told = sum(min(gap.end or end, end) - max(gap.start, begin) for gap in inside)
    missing = max(0, missing)
    causes = tuple(dict.fromkeys(gap.cause.value for gap in inside))
    late = (end - begin) / step - (after.number - before.number)
    return Hole(first, missing, begin, end, told, causes, told / step - missing, late)


def accounts(
    catalogue: Path, epoch: int, rates: Mapping[str, int], *, repeats: frozenset[str] = frozenset()
) -> dict[str, Account]:
    """Every recording of a catalogue held against its ledger. `rates`: frames a second by token."""
    found = {}
    with CatalogueReader(catalogue) as reader:
        for token, fps in rates.items():
            gaps = reader.gaps(token, *EVER)
            found[token] = account(token, frames(reader, token), gaps, epoch, fps, repeats=token in repeats)
    return found


def untiled(catalogue: CatalogueReader, token: str, upto: Utc) -> list[str]:
    """Where the ledger of a recording does not tile the time from its creation on: nowhere, if all is well."""
    row = catalogue.recording(token)
    rows = catalogue.timeline(token, row.created, upto)
    said = [
        f"{b.start - a.end} us between {a.end} and {b.start}" for a, b in pairwise(rows) if a.end != b.start
    ]
    if not rows or rows[0].start != row.created:
        said.append("does not begin when the recording was created")
    return said
