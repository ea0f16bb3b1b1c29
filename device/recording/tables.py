"""The sample tables of one track of a progressive file (ISO/IEC 14496-12 s8.5 to s8.7).

Pure. Four bytes a sample are held while it is built, and eight for each that lasts otherwise than the one before.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Sequence

from device.media import Track, Utc
from device.recording.mp4 import box, descriptions, full, sample_entry, track_box

_U32_LIMIT = 0xFFFFFFFF


class Table:
    """One track. Times are ticks of its clock on the file's own time line."""

    def __init__(self, track: Track) -> None:
        self.track = track
        self.begin = 0  #: decode time of the first sample
        self.earliest = 1 << 62  #: presentation time of the one shown first
        self._entries: list[bytes] = []
        self._described: dict[Track, int] = {}
        self._last = -1
        self._steps = array("I")  # pairs: samples, and how long each of them lasts
        self._shifts = array("i")  # pairs: samples, and their composition offset
        self._lowest_shift = 0
        self._sizes = array("I")
        self._keys = array("I")
        self._damaged = array("I")
        self._chunks = array("Q")
        self._runs = array("I")  # triples: first chunk, samples in each, sample description
        self._last_duration = 0

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def end(self) -> int:
        """End of the last sample in decoding order; 0 without one."""
        return self._last + self._last_duration if len(self) else 0

    def describe(self, track: Track) -> int:
        """The number, from 1, of the sample description of `track`."""
        if track not in self._described:
            entry = sample_entry(track)
            if entry not in self._entries:
                self._entries.append(entry)
            self._described[track] = self._entries.index(entry) + 1
        return self._described[track]

    def chunk(
        self,
        offset: int,
        description: int,
        decode: Sequence[int],
        shifts: Sequence[int],
        sizes: Sequence[int],
        keys: Iterable[bool],
        damaged: Iterable[bool],
        last_duration: int,
    ) -> None:
        """Samples that lie one behind another in the file, from `offset` in its media data on."""
        first = len(self._sizes) + 1
        self._keys.extend(first + n for n, key in enumerate(keys) if key)
        self._damaged.extend(first + n for n, bad in enumerate(damaged) if bad)
        for time, shift in zip(decode, shifts, strict=True):
            if self._last >= 0:
                _extend(self._steps, min(time - self._last, _U32_LIMIT))
            else:
                self.begin = time
            self._last = time
            _extend(self._shifts, shift)
            self.earliest = min(self.earliest, time + shift)
        self._lowest_shift = min(self._lowest_shift, min(shifts))
        self._sizes.extend(sizes)
        self._chunks.append(offset)
        if self._runs[-2:].tolist() != [len(sizes), description]:
            self._runs.extend((len(self._chunks), len(sizes), description))
        self._last_duration = last_duration

    def box(self, number: int, utc: Utc, timescale: int, start: int, end: int, base: int) -> bytes:
        """The whole `trak`. `start` and `end`: the span that is shown, in ticks of this track.

        `timescale` is the movie's; `base` is where the media data begin in the file."""
        rate = self.track.clock_rate
        late = -self._lowest_shift  # composition offsets are written unsigned, all later by this
        edits, shown = self._edits(rate, timescale, start, end, late)
        parts = [descriptions(self._entries), self._times()]
        if any(self._shifts[1::2]):
            parts.append(self._composition(late))
        if len(self._keys) < len(self._sizes):
            parts.append(full(b"stss", 0, 0, struct.pack(">I", len(self._keys)), _big(self._keys)))
        parts.append(full(b"stsc", 0, 0, struct.pack(">I", len(self._runs) // 3), _big(self._runs)))
        parts.append(full(b"stsz", 0, 0, struct.pack(">II", 0, len(self._sizes)), _big(self._sizes)))
        chunks = array("Q", (base + offset for offset in self._chunks))
        parts.append(full(b"co64", 0, 0, struct.pack(">I", len(chunks)), _big(chunks)))
        if self._damaged:
            marks = array("H", bytes(2 * len(self._sizes)))
            for place in self._damaged:
                marks[place - 1] = 1
            parts.append(full(b"stdp", 0, 0, _big(marks)))
        duration = (shown, self.end - self.begin)
        return track_box(number, self.track, utc, duration, edits, box(b"stbl", *parts))

    def _edits(self, rate: int, timescale: int, start: int, end: int, late: int) -> tuple[bytes, int]:
        """`edts`, and how long the track lasts, in the movie's time scale (s8.6.6)."""
        begin = self.begin
        rows = []
        wait = max(0, begin - start) * timescale // rate
        if wait:
            rows.append(struct.pack(">QqI", wait, -1, 0x10000))
        shown = max(0, end - max(start, begin)) * timescale // rate
        rows.append(struct.pack(">QqI", shown, max(0, start - begin) + late, 0x10000))
        return box(b"edts", full(b"elst", 1, 0, struct.pack(">I", len(rows)), *rows)), wait + shown

    def _times(self) -> bytes:
        """`stts`: decode times as runs of equal durations."""
        steps = self._steps[:]
        _extend(steps, self._last_duration)
        return full(b"stts", 0, 0, struct.pack(">I", len(steps) // 2), _big(steps))

    def _composition(self, late: int) -> bytes:
        """`ctts`, version 0."""
        shifts = array("I", (v + late if n & 1 else v for n, v in enumerate(self._shifts)))
        return full(b"ctts", 0, 0, struct.pack(">I", len(shifts) // 2), _big(shifts))


def _extend(pairs: array[int], value: int) -> None:
    """One more of a value, in runs of equal ones."""
    if pairs and pairs[-1] == value:
        pairs[-2] += 1
    else:
        pairs.extend((1, value))


def _big(values: array[int]) -> bytes:
    """The numbers as the file has them, big-endian."""
    if sys.byteorder == "little":
        values = values[:]
        values.byteswap()
    return values.tobytes()
