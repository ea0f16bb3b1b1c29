"""The head of a fragment: `prft`, `moof` and the header of `mdat`, written and read.

Pure. Reading takes exactly the form that is written here, and nothing else: what deviates is damage.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from device.media import MICROSECONDS, Utc
from device.recording.mp4 import DAMAGED, BadBox, Box, boxes, microseconds
from device.recording.trailer import ALIGN

LARGEST_HEAD = 4 * ALIGN  #: bytes of `prft`, `moof` and the header of `mdat`
_NTP_EPOCH = 2_208_988_800  #: seconds from 1900 to 1970
_ERA = 1 << 32
_PRFT = struct.Struct(">I4sIIIIQ")
_MFHD = struct.Struct(">I4sII")
_TRAF = struct.Struct(">I4s I4sII I4sIQ I4sIIi".replace(" ", ""))
_PLAIN = 0x000301  #: trun: data offset, durations, sizes
_FLAGGED = 0x000701  #: and flags
_SHIFTED = 0x01000F01  #: and composition offsets, signed (version 1)
_WORDS = {_PLAIN: 2, _FLAGGED: 3, _SHIFTED: 4}


class BadHead(BadBox):
    """This is no head of a fragment."""


@dataclass(frozen=True, slots=True)
class Run:
    """The samples of one track in one fragment, in decoding order (`traf`, s8.8.6). Times in its ticks."""

    track: int  #: index into the session's tracks
    decode: int  #: decode time of the first, since the run began
    durations: Sequence[int]
    sizes: Sequence[int]
    flags: Sequence[int]  #: empty: every sample is SYNC
    shifts: Sequence[int]  #: presentation minus decode time; empty: all 0

    def decode_times(self) -> list[int]:
        """Of every sample."""
        return list(accumulate(self.durations[:-1], initial=self.decode))

    def times(self) -> list[int]:
        """Presentation times of every sample."""
        decode = self.decode_times()
        return [at + shift for at, shift in zip(decode, self.shifts, strict=True)] if self.shifts else decode

    def keys(self) -> list[bool]:
        """Which samples a decoder can start at."""
        return [not flag & 0x10000 for flag in self.flags] if self.flags else [True] * len(self.sizes)

    def damage(self) -> list[bool]:
        """Which samples are damaged."""
        return [bool(flag & DAMAGED) for flag in self.flags] if self.flags else [False] * len(self.sizes)


@dataclass(frozen=True, slots=True)
class Head:
    """What a fragment says of its samples. The media follow in the order of `runs`."""

    number: int
    utc: Utc  #: of the first sample of the first run
    time: int  #: its presentation time
    runs: tuple[Run, ...]

    @property
    def payload(self) -> int:
        """Bytes of media."""
        return sum(sum(run.sizes) for run in self.runs)

    def utc_end(self, rate: int) -> Utc:
        """End of the last sample shown of the first run, whose clock has `rate` ticks a second."""
        run = self.runs[0]
        return Utc(self.utc + microseconds(max(run.times()) + run.durations[-1] - self.time, rate))


def _ntp(utc: Utc) -> tuple[int, int]:
    """Seconds and fraction, RFC 5905 s6."""
    seconds, rest = divmod(utc, MICROSECONDS)
    return (seconds + _NTP_EPOCH) % _ERA, (rest * _ERA + MICROSECONDS // 2) // MICROSECONDS


def _utc(seconds: int, fraction: int) -> Utc:
    """The inverse; the era is the one from 1968 to 2104 (RFC 4330 s3)."""
    era = 0 if seconds & 0x80000000 else _ERA
    return Utc((seconds + era - _NTP_EPOCH) * MICROSECONDS + (fraction * MICROSECONDS + _ERA // 2) // _ERA)


def _write_run(run: Run, offset: int) -> bytes:
    """`traf`; `offset` from the start of `moof` to the first sample."""
    count = len(run.sizes)
    words = [0] * count * 2
    form = _PLAIN
    if run.shifts:
        form, words = _SHIFTED, [0] * count * 4
        words[2::4] = run.flags
        words[3::4] = [shift & 0xFFFFFFFF for shift in run.shifts]
    elif run.flags:
        form, words = _FLAGGED, [0] * count * 3
        words[2::3] = run.flags
    stride = _WORDS[form]
    words[0::stride] = run.durations
    words[1::stride] = run.sizes
    size = 20 + 4 * len(words)
    head = (
        8 + 16 + 20 + size,
        b"traf",
        16,
        b"tfhd",
        0x020000,
        run.track + 1,
        20,
        b"tfdt",
        1 << 24,
        run.decode,
    )
    return _TRAF.pack(*head, size, b"trun", form, count, offset) + struct.pack(f">{len(words)}I", *words)


def write(head: Head) -> bytes:
    """The bytes from `prft` to the header of `mdat`. Durations and sizes are less than 2**32."""
    size = 8 + 16 + sum(64 + 4 * len(run.sizes) * _stride(run) for run in head.runs)
    parts = [
        _PRFT.pack(32, b"prft", 1 << 24, head.runs[0].track + 1, *_ntp(head.utc), head.time),
        struct.pack(">I4s", size, b"moof"),
        _MFHD.pack(16, b"mfhd", 0, head.number),
    ]
    offset = size + 8
    for run in head.runs:
        parts.append(_write_run(run, offset))
        offset += sum(run.sizes)
    parts.append(struct.pack(">I4s", offset - size, b"mdat"))
    return b"".join(parts)


def _stride(run: Run) -> int:
    return 4 if run.shifts else 3 if run.flags else 2


def _read_run(data: bytes | memoryview, traf: Box, offset: int) -> Run:
    if traf.end - traf.start < _TRAF.size:
        raise BadHead(f"The track fragment at {traf.start} is too short.")
    _, _, a, tfhd, form, track, b, tfdt, version, decode, size, trun, kind, count, at = _TRAF.unpack_from(
        data, traf.start
    )
    stride = _WORDS.get(kind, 0)
    if (a, tfhd, form, b, tfdt, version, trun) != (16, b"tfhd", 0x020000, 20, b"tfdt", 1 << 24, b"trun"):
        raise BadHead(f"The track fragment at {traf.start} has another form.")
    if not stride or not count or size != 20 + 4 * stride * count or traf.start + 44 + size != traf.end:
        raise BadHead(f"The sample table of the track fragment at {traf.start} has another form.")
    if at != offset or not 1 <= track <= 255:
        raise BadHead(f"The track fragment at {traf.start} points elsewhere.")
    words = struct.unpack_from(f">{count * stride}I", data, traf.start + _TRAF.size)
    shifts = [word - ((word & 0x80000000) << 1) for word in words[3::4]] if stride == 4 else ()
    flags = words[2::stride] if stride > 2 else ()
    return Run(track - 1, decode, words[0::stride], words[1::stride], flags, shifts)


def read(data: bytes | memoryview, at: int) -> tuple[Head, int]:
    """The head whose `prft` begins at `at`, and the offset of the first byte of media. Raises BadHead.

    `data` holds the whole head; the media need not be there.
    """
    if len(data) - at < _PRFT.size + 8:
        raise BadHead(f"There is no room for the head of a fragment at {at}.")
    size, kind, version, reference, seconds, fraction, time = _PRFT.unpack_from(data, at)
    if (size, kind, version) != (32, b"prft", 1 << 24):
        raise BadHead(f"There is no producer reference time at {at}.")
    start = at + 32
    size, kind = struct.unpack_from(">I4s", data, start)
    end = start + size
    if kind != b"moof" or not 24 + _TRAF.size <= size <= LARGEST_HEAD or end + 8 > len(data):
        raise BadHead(f"There is no movie fragment at {start}.")
    *mfhd, number = _MFHD.unpack_from(data, start + 8)
    if mfhd != [16, b"mfhd", 0]:
        raise BadHead(f"There is no movie fragment header at {start + 8}.")
    runs = []
    offset = size + 8
    try:
        for traf in boxes(data, start + 24, end):
            runs.append(_read_run(data, traf, offset))
            offset += sum(runs[-1].sizes)
    except BadHead:
        raise
    except BadBox as error:
        raise BadHead(str(error)) from error
    mdat, kind = struct.unpack_from(">I4s", data, end)
    if kind != b"mdat" or mdat != offset - size or not runs or runs[0].track != reference - 1:
        raise BadHead(f"The media data at {end} are not what the movie fragment says.")
    return Head(number, _utc(seconds, fraction), time, tuple(runs)), end + 8


def find(data: bytes | memoryview, at: int) -> tuple[Head, int, int]:
    """The head of the fragment that begins with its padding at `at`. Raises BadHead.

    Returns the offsets of the head itself and of the first byte of media with it."""
    if len(data) - at >= 8:
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"free" and 8 <= size < ALIGN + 8:
            at += size
    head, media = read(data, at)
    return head, at, media
