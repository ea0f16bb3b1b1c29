"""Samples as the byte stream that a browser's SourceBuffer takes (W3C, ISO BMFF Byte Stream Format). Pure.

An *initialization segment* says what comes, *media segments* follow, each a fragment that begins with a `prft`: from it
the page knows which wall time (UTC) stands at which place of its own time line.

There are two lines. At the speed of life, and up to where a decoder follows, recorded time goes on as it was and the
browser plays faster. Backwards and beyond, only key frames come, each placed where it is to be shown: browsers cannot
play backwards.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from device.media import MICROSECONDS, Codec, Kind, Sample, Track, Utc
from device.parameter_sets import BadParameterSet, H264Sps, H265Sps, read_h264, read_h265
from device.planes.video import Unplayable
from device.recording import moof
from device.recording.decoding import Decoding
from device.recording.mp4 import (
    DAMAGED,
    DELTA,
    SYNC,
    box,
    growing_movie,
    microseconds,
    picture_size,
    sample_entry,
    ticks,
)
from protocols.mse.sound import LONGEST, Piece, Sound, rest, restored

ORIGIN = MICROSECONDS  #: where a line begins: what is decoded before its first picture has room
GUESS = 25  #: pictures a second, until two of them have come
REORDERED = (
    2  #: pictures that stand before one that is shown earlier, where a stream says that there may be some
)

LATE = MICROSECONDS  #: by which sound may come after the pictures; what comes later is not heard

_TYPE = box(b"ftyp", b"iso6", struct.pack(">I", 1), b"iso6", b"mp41")
_VIDEO = (Codec.H264, Codec.H265)
_SOUND = (Codec.AAC, Codec.OPUS)


@dataclass(frozen=True, slots=True)
class Start:
    """What comes from here on."""

    mime: str  #: for `MediaSource.isTypeSupported`
    codec: str  #: of the pictures, for people
    sound: str  #: codec of the camera's sound that goes with them; empty: none does
    width: int
    height: int
    rates: tuple[int, ...]  #: ticks a second of each track, for `prft`
    data: bytes  #: the initialization segment


@dataclass(slots=True)
class _Lane:
    """One track on its way."""

    track: Track
    decoding: Decoding
    sound: Sound | None  #: of what is restored for the browser
    rest: Piece | None  #: silence, of sound that goes as it came
    end: int  #: where that sound ends, ticks
    rested: int = 0  #: where silence that was put there ends
    shift: int | None = None  #: what is added to media time; None until the first sample


class Muxer:
    """One stream to one SourceBuffer.

    start = muxer.begin(tracks, utc)        before the first sample, and after every break
    data = muxer.fragment(samples)          None where nothing of them is sent
    """

    def __init__(self, *, sound: bool, speed: float = 1.0, keys: bool = False) -> None:
        """`keys`: key frames only come, in the order in which they are shown, `speed` times as fast as they were."""
        self._sound = sound and not keys
        self._speed = abs(speed)
        self._keys = keys
        self._lanes: dict[int, _Lane] = {}
        self._order: list[int] = []
        self._base = self._end = ORIGIN
        self._zero = self._shown = Utc(0)
        self._at = ORIGIN  # where `_shown`, the newest picture's wall time, stands
        self._number = 0

    def begin(self, tracks: Sequence[Track], utc: Utc) -> Start:
        """What follows begins at `utc`, and stands behind all that was sent. Raises Unplayable."""
        video = next((n for n, track in enumerate(tracks) if track.kind is Kind.VIDEO), None)
        if video is None:
            raise Unplayable("The camera sends no pictures.")
        if tracks[video].codec not in _VIDEO:
            raise Unplayable(f"Browsers do not play {tracks[video].codec.value}.")
        audible = (n for n, track in enumerate(tracks) if track.codec in _SOUND or restored(track))
        self._order = [video, *islice(audible, 1 if self._sound else 0)]
        self._base, self._zero = self._end, utc
        self._at, self._shown = self._base, utc
        self._lanes = {n: self._lane(tracks[n]) for n in self._order}
        sent = [tracks[n] for n in self._order]
        sounds = [lane.sound for lane in self._lanes.values()]
        width, height = picture_size(sent[0])
        names = ",".join(
            codec_name(track) if sound is None else "flac" for track, sound in zip(sent, sounds, strict=True)
        )
        entries = [
            sample_entry(track) if sound is None else sound.entry
            for track, sound in zip(sent, sounds, strict=True)
        ]
        return Start(
            f'video/mp4; codecs="{names}"',
            sent[0].codec.value,
            sent[1].codec.name if len(sent) > 1 else "",
            width,
            height,
            tuple(track.clock_rate for track in sent),
            _TYPE + growing_movie(sent, utc, entries),
        )

    def _lane(self, track: Track) -> _Lane:
        begin = ticks(self._base, track.clock_rate)
        sound = Sound(track, begin) if restored(track) else None
        return _Lane(track, _decoding(track), sound, rest(track), begin)

    def takes(self, sample: Sample) -> bool:
        """Whether it is of a track that is sent."""
        return sample.track in self._lanes

    def leads(self, sample: Sample) -> bool:
        """Whether it is a picture."""
        return bool(self._order) and sample.track == self._order[0]

    def position(self, sample: Sample) -> int:
        """Where it is shown on the line, in microseconds."""
        lane = self._lanes[sample.track]
        if lane.sound is not None:
            return self._beside(sample.utc)
        return microseconds(self._place(lane, sample), lane.track.clock_rate)

    def _beside(self, utc: Utc) -> int:
        """Where an instant stands by the newest picture's place and wall time, in microseconds."""
        return self._at + utc - self._shown

    def fragment(self, samples: Sequence[Sample], until: int | None = None) -> bytes | None:
        """A media segment of samples in decoding order. `until`: where the next picture will be shown."""
        runs: list[moof.Run] = []
        media: list[bytes | memoryview] = []
        utc: Utc | None = None
        for number, index in enumerate(self._order):
            lane = self._lanes[index]
            own = [sample for sample in samples if sample.track == index]
            rate = lane.track.clock_rate
            if lane.rested:
                own = [sample for sample in own if self._place(lane, sample) >= lane.rested]
            pieces = self._hear(lane, own)
            if pieces:
                utc = Utc(self._shown + microseconds(pieces[0].at, rate) - self._at) if utc is None else utc
                media += [piece.data for piece in pieces]
                runs.append(_run_of(number, pieces))
                self._end = max(self._end, microseconds(pieces[-1].at + pieces[-1].count, rate))
            elif own and lane.sound is None:
                utc = own[0].utc if utc is None else utc
                media += [sample.data for sample in own]
                runs.append(self._run(number, lane, own, until))
        if utc is None:
            return None
        self._number += 1
        head = moof.Head(self._number & 0xFFFFFFFF, utc, runs[0].times()[0], tuple(runs))
        return b"".join([moof.write(head), *media])

    def _hear(self, lane: _Lane, own: list[Sample]) -> list[Piece]:
        """Sound that is restored from packets, and silence where none has come for `LATE`."""
        rate = lane.track.clock_rate
        upto = ticks(self._at - LATE, rate)
        if lane.sound is not None:
            pieces: list[Piece] = []
            for sample in own:
                place = ticks(self._beside(sample.utc), rate)
                pieces += lane.sound.hear(bytes(sample.data), sample.time, place)
            return pieces + lane.sound.fill(upto)
        if lane.rest is None or own:
            return []
        if upto - lane.end > LONGEST * rate:
            lane.end = upto
        count = lane.rest.count
        places = range(lane.end, upto - count, count)
        if places:
            lane.rested = lane.end = places[-1] + count
        return [Piece(place, count, lane.rest.data) for place in places]

    def _run(self, number: int, lane: _Lane, own: list[Sample], until: int | None) -> moof.Run:
        times = [self._place(lane, sample) for sample in own]
        decode = lane.decoding.assign(times)
        last = lane.decoding.step
        if until is not None:
            last = max(1, ticks(until, lane.track.clock_rate) - decode[-1])
        durations = [after - before for before, after in pairwise(decode)] + [last]
        end = microseconds(max(times) + last, lane.track.clock_rate)
        self._end = max(self._end, end)
        if lane.rest is not None:
            lane.end = times[-1] + lane.rest.count
        if number == 0:
            self._at, self._shown = microseconds(times[-1], lane.track.clock_rate), own[-1].utc
        flags = [(SYNC if sample.key else DELTA) | (DAMAGED if sample.damaged else 0) for sample in own]
        shifts: list[int] = []
        if decode != times:
            shifts = [time - at for time, at in zip(times, decode, strict=True)]
        sizes = [len(sample.data) for sample in own]
        return moof.Run(number, decode[0], [min(d, 0xFFFFFFFF) for d in durations], sizes, flags, shifts)

    def _place(self, lane: _Lane, sample: Sample) -> int:
        """Presentation time in the track's ticks, never negative."""
        rate = lane.track.clock_rate
        if self._keys:
            return ticks(self._base + round(abs(sample.utc - self._zero) / self._speed), rate)
        if lane.shift is None:
            lane.shift = ticks(self._base + sample.utc - self._zero, rate) - sample.time
        return max(0, sample.time + lane.shift)


def _run_of(number: int, pieces: Sequence[Piece]) -> moof.Run:
    times = [piece.at for piece in pieces]
    durations = [after - before for before, after in pairwise(times)] + [pieces[-1].count]
    return moof.Run(number, times[0], durations, [len(piece.data) for piece in pieces], (), ())


def codec_name(track: Track) -> str:
    """The `codecs` parameter (RFC 6381 s3.3, ISO/IEC 14496-15 sE.3). Where the parameter sets cannot be read, a guess:
    the browser finds out."""
    if track.codec is Codec.AAC:
        return f"mp4a.40.{track.parameters[0][0] >> 3 if track.parameters and track.parameters[0] else 2}"
    if track.codec is Codec.OPUS:
        return "opus"
    told = _told(track)
    if told is None:
        return "avc1.640028" if track.codec is Codec.H264 else "hvc1.1.6.L120.90"
    return told.name


def _told(track: Track) -> H264Sps | H265Sps | None:
    """What the stream says of itself."""
    try:
        if track.codec is Codec.H264:
            return read_h264(next(nal for nal in track.parameters if nal and nal[0] & 31 == 7))
        return read_h265(next(nal for nal in track.parameters if nal and (nal[0] >> 1) & 63 == 33))
    except (BadParameterSet, StopIteration):
        return None


def _decoding(track: Track) -> Decoding:
    """Where pictures may be reordered, room for it from the first one on: it is learned too late for a page."""
    decoding = Decoding(max(1, track.clock_rate // GUESS))
    told = _told(track) if track.kind is Kind.VIDEO else None
    if told is not None and told.reorders:
        decoding.depth = REORDERED
    return decoding
