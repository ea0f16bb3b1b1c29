"""Sound that no browser plays, as FLAC beside the pictures: not a sample more or less than was heard. Pure.

The camera's media time says what is missing between two packets, to the sample: silence stands there. Where a track's
clock runs on differently from the pictures' one, a sample of a packet is left out or repeated until both agree again,
which nobody hears. A browser shows no picture that it has no sound for, so silence is put where none comes either.
"""

from __future__ import annotations

from dataclasses import dataclass

from device.media import Codec, Track
from protocols.mse import flac, g726
from protocols.mse.pcm import DECODERS

SLACK = 0.005  #: seconds by which timestamps and places may be off before anything is done
LEEWAY = 0.04  #: seconds that are made good sample by sample; what is further away is put right at once
RATES = range(4000, 48001)  #: samples a second that a browser plays
LONGEST = 10.0  #: seconds of silence between two packets; a longer hole stays one


@dataclass(frozen=True, slots=True)
class Piece:
    """A frame of sound. Times in ticks of the track, which are samples."""

    at: int  #: of the line
    count: int
    data: bytes


def restored(track: Track) -> bool:
    """Whether it is what a `Sound` makes audible."""
    if track.codec not in DECODERS or track.clock_rate not in RATES or track.channels > flac.MOST_CHANNELS:
        return False
    return track.codec is not Codec.G726 or track.bits in g726.RATES


def rest(track: Track) -> Piece | None:
    """Silence in a codec that browsers play; `at` is 0. None where it is not known.

    AAC-LC of one or two channels: no bands (ISO/IEC 14496-3 s4.4.2). Opus: 20 ms that were not sent (RFC 6716 s3.1)."""
    if track.codec is Codec.OPUS:
        return Piece(0, track.clock_rate // 50, b"\xf8")
    specific = track.parameters[0][:2] if track.codec is Codec.AAC and track.parameters else b""
    if len(specific) < 2 or specific[0] >> 3 != 2 or specific[1] & 4:
        return None
    data = {1: b"\0\0\0\x07", 2: b"\x21\0\0\0\0\x1c"}.get(specific[1] >> 3 & 15)
    return None if data is None else Piece(0, 1024, data)


class Sound:
    """One track of sound, from one break to the next."""

    def __init__(self, track: Track, at: int) -> None:
        """`at`: where its line begins. Raises KeyError for what is not `restored`."""
        # G.726 has one channel (RFC 3551 s4.5.4).
        self._channels = 1 if track.codec is Codec.G726 else track.channels or 1
        self._rate = track.clock_rate
        self._decode = DECODERS[track.codec](track)
        self._due: int | None = None  # media time of the next packet
        self._held = (b"",) * self._channels  # too few for a frame
        self._number = 0
        self.end = at  #: where the next sample stands
        self.entry = flac.sample_entry(self._rate, self._channels)

    def hear(self, data: bytes, time: int, place: int) -> list[Piece]:
        """A packet. `time`: its media time; `place`: where it stands by the wall clock, when the pictures do."""
        channels = self._decode(data)
        count = len(channels[0]) // 2
        if not count:
            return []
        slack, leeway = int(SLACK * self._rate), int(LEEWAY * self._rate)
        missing = 0 if self._due is None else time - self._due
        first, self._due = self._due is None, time + count
        out: list[Piece] = []
        if missing > slack and abs(place - self.end - missing) <= leeway:
            out += self._silence(missing)
        off = place - self.end
        if off > leeway or (first and off > 0):
            out += self.fill(place)
        elif off < -leeway or (first and off < 0):
            channels = tuple(samples[-2 * off :] for samples in channels)
        elif off > slack:
            channels = tuple(samples + samples[-2:] for samples in channels)
        elif off < -slack:
            channels = tuple(samples[:-2] for samples in channels)
        return out + self._put(channels)

    def fill(self, upto: int) -> list[Piece]:
        """Silence as far as there; nothing where there is sound already."""
        missing = upto - self.end
        if missing > LONGEST * self._rate:
            self._held = (b"",) * self._channels
            self.end = upto
            return []
        return self._silence(missing)

    def _silence(self, count: int) -> list[Piece]:
        return self._put((bytes(2 * max(0, count)),) * self._channels)

    def _put(self, channels: tuple[bytes, ...]) -> list[Piece]:
        held = tuple(before + after for before, after in zip(self._held, channels, strict=True))
        left = len(held[0]) // 2
        self.end += len(channels[0]) // 2
        out: list[Piece] = []
        while left >= flac.LEAST:
            count = min(left, flac.MOST)
            data = flac.frame([samples[: 2 * count] for samples in held], self._number)
            out.append(Piece(self.end - left, count, data))
            held = tuple(samples[2 * count :] for samples in held)
            self._number += count
            left -= count
        self._held = held
        return out
