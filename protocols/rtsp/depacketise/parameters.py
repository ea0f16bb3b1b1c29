"""The parameter sets of one H.264 or H.265 track: what the description gave, and what comes in band. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from device.media import Codec, Track
from device.parameter_sets import (
    BadParameterSet,
    H264Sps,
    H265Sps,
    check_h264_picture,
    check_h265_picture,
    check_h265_video,
    read_h264,
    read_h265,
)

SETS_LIMIT = 64  #: parameter sets kept
SIZE_LIMIT = 16 * 1024  #: octets of one


@dataclass(frozen=True, slots=True)
class _Standard:
    video: int | None  #: NAL type of the VPS
    sequence: int
    read: Callable[[bytes], H264Sps | H265Sps]  #: a sequence parameter set
    checks: Mapping[int, Callable[[bytes], None]]  #: others, by NAL type


_STANDARDS = {
    Codec.H264: _Standard(None, 7, read_h264, {8: check_h264_picture}),
    Codec.H265: _Standard(32, 33, read_h265, {32: check_h265_video, 34: check_h265_picture}),
}


class ParameterSets:
    """The newest good parameter sets. A broken one is counted and ignored: the last good one of its id
    stays. But a key frame that brought broken ones alone is nothing that a decoder could start at.
    """

    def __init__(self, track: Track) -> None:
        self._track = track
        self._standard = _STANDARDS[track.codec]
        self._known: dict[tuple[int, int], bytes] = {}
        self._size = (track.width, track.height)
        self._refused: set[int] = set()  # NAL types of what came since the last key frame, and was broken
        self._brought: set[int] = set()  # the same, and was good
        self.broken = 0
        self.readable = True  #: the newest key frame brought no set that is broken, or a good one as well
        self.reorders = True  #: pictures may be shown in another order than they are sent
        for nal in track.parameters:
            self.note(nal)
        self._announced = self.current()

    def note(self, nal: bytes) -> None:
        """A parameter set came. NAL unit with its header, without start code."""
        kind = self._kind(nal)
        key = (kind, self._id(kind, nal))
        if self._known.get(key) == nal:
            self._brought.add(kind)
            return
        if len(nal) > SIZE_LIMIT or (key not in self._known and len(self._known) >= SETS_LIMIT):
            self.broken += 1
            return
        try:
            if kind == self._standard.sequence:
                found = self._standard.read(nal)
                self._size, self.reorders = (found.width, found.height), found.reorders
            elif kind in self._standard.checks:
                self._standard.checks[kind](nal)
            else:
                return
        except BadParameterSet:
            self.broken += 1
            self._refused.add(kind)
            return
        self._brought.add(kind)
        self._known[key] = nal

    def at_key(self) -> bool:
        """A key frame came, behind the sets noted so far. Whether a decoder can start at it."""
        self.readable = self._refused <= self._brought
        self._refused.clear()
        self._brought.clear()
        return self.complete and self.readable

    @property
    def complete(self) -> bool:
        """Whether a decoder could start: a sequence and a picture parameter set (and a VPS for H.265)."""
        kinds = {kind for kind, _ in self._known}
        return {self._standard.sequence, *self._standard.checks} <= kinds

    @property
    def changed(self) -> bool:
        """Whether `current` differs from what was last announced."""
        return self.current() != self._announced

    def current(self) -> Track:
        """The track with the newest good sets, ordered by kind and id, and the size they tell."""
        if not self.complete:
            return replace(self._track, parameters=(), width=0, height=0)
        ordered = tuple(self._known[key] for key in sorted(self._known))
        return replace(self._track, parameters=ordered, width=self._size[0], height=self._size[1])

    def announce(self) -> Track:
        """The current track, which counts as announced from now on."""
        self._announced = self.current()
        return self._announced

    def _kind(self, nal: bytes) -> int:
        if not nal:
            return -1
        return nal[0] & 0x1F if self._standard.video is None else nal[0] >> 1 & 0x3F

    def _id(self, kind: int, nal: bytes) -> int:
        """The set's own id as far as it can be read cheaply; sets with equal ids replace each other."""
        if self._standard.video is not None:
            if kind == 32:
                return nal[2] >> 4 if len(nal) > 2 else 0
            return _first_ue(nal[2:6]) if kind == 34 else 0
        if kind == 8:
            return _first_ue(nal[1:5])
        return _first_ue(nal[4:8]) if kind == 7 else 0


def _first_ue(data: bytes) -> int:
    width = 8 * len(data)
    bits = int.from_bytes(data, "big")
    zeros = width - bits.bit_length()
    return (bits >> (width - 2 * zeros - 1)) - 1 if 2 * zeros < width else -1
