"""The sample tables of one track of a progressive file (ISO/IEC 14496-12 s8.5 to s8.7).

Pure. Twelve to sixteen bytes a sample are held while it is built, about as many in the end.
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
        self._entries: list[bytes] = []
        self._decode = array("q")
        self._shifts = array("i")
        self._sizes = array("I")
        self._keys = array("I")
        self._damaged: set[int] = set()
        self._chunks = array("Q")
        self._runs: list[tuple[int, int, int]] = []  # first chunk, samples in each, sample description
        self._last_duration = 0

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def begin(self) -> int:
        """Decode time of the first sample."""
        return self._decode[0]

    @property
    def end(self) -> int:
        """End of the last sample in decoding order; 0 without one."""
        return 0 if not self._decode else self._decode[-1] + self._last_duration

    @property
    def last(self) -> int:
        """Decode time of the last sample; -1 without one."""
        return self._decode[-1] if self._decode else -1

    def describe(self, track: Track) -> int:
        """The number, from 1, of the sample description of `track`."""
        entry = sample_entry(track)
        if entry not in self._entries:
            self._entries.append(entry)
        return self._entries.index(entry) + 1

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
        self._damaged.update(first + n for n, bad in enumerate(damaged) if bad)
        self._decode.extend(decode)
        self._shifts.extend(shifts)
        self._sizes.extend(sizes)
        self._chunks.append(offset)
        if not self._runs or self._runs[-1][1:] != (len(sizes), description):
            self._runs.append((len(self._chunks), len(sizes), description))
        self._last_duration = last_duration

    def box(self, number: int, utc: Utc, timescale: int, start: int, end: int, base: int) -> bytes:
        """The whole `trak`. `start` and `end`: the span that is shown, in ticks of this track.

        `timescale` is the movie's; `base` is where the media data begin in the file."""
        rate = self.track.clock_rate
        late = max(0, -min(self._shifts))  # composition offsets are written unsigned, all later by this
        edits, shown = self._edits(rate, timescale, start, end, late)
        parts = [descriptions(self._entries), self._times()]
        if late or any(self._shifts):
            parts.append(self._composition(late))
        if len(self._keys) < len(self._sizes):
            parts.append(full(b"stss", 0, 0, struct.pack(">I", len(self._keys)), _big(self._keys)))
        runs = b"".join(struct.pack(">III", *run) for run in self._runs)
        parts.append(full(b"stsc", 0, 0, struct.pack(">I", len(self._runs)), runs))
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
        out = array("I")
        decode = self._decode
        count = last = 0
        for place in range(1, len(decode)):
            step = min(decode[place] - decode[place - 1], _U32_LIMIT)
            if step == last:
                count += 1
                continue
            if count:
                out.extend((count, last))
            count, last = 1, step
        if self._last_duration == last:
            count += 1
        else:
            if count:
                out.extend((count, last))
            count, last = 1, self._last_duration
        out.extend((count, last))
        return full(b"stts", 0, 0, struct.pack(">I", len(out) // 2), _big(out))

    def _composition(self, late: int) -> bytes:
        """`ctts`, version 0."""
        out = array("I")
        count, last = 0, 0
        for shift in self._shifts:
            if count and shift + late == last:
                count += 1
                continue
            if count:
                out.extend((count, last))
            count, last = 1, shift + late
        out.extend((count, last))
        return full(b"ctts", 0, 0, struct.pack(">I", len(out) // 2), _big(out))


def _big(values: array[int]) -> bytes:
    """The numbers as the file has them, big-endian."""
    if sys.byteorder == "little":
        values = values[:]
        values.byteswap()
    return values.tobytes()
