"""G.726: adaptive differential PCM of 32, 24 and 16 kbit/s (ITU-T G.726). Pure, and the decoder alone.

Names and word lengths are those of the Recommendation's block diagrams (s4.2); bits leave an octet from the least
significant one on (RFC 3551 s4.5.4).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple


class _Rate(NamedTuple):
    """What the tables say of a code word's magnitude, from the smallest on."""

    dqln: tuple[int, ...]  #: logarithm of the difference, 7 fractional bits (RECONST, tables 7 to 9)
    w: tuple[int, ...]  #: by which the scale follows (FUNCTW), 4 fractional bits
    f: tuple[int, ...]  #: how fast it does (FUNCTF)


_NOTHING = -2048  # the logarithm of 0
RATES = {  #: by the bits of a code word
    2: _Rate((116, 365), (-22, 439), (0, 7)),
    3: _Rate((_NOTHING, 135, 273, 373), (-4, 30, 137, 582), (0, 1, 2, 7)),
    4: _Rate(
        (_NOTHING, 4, 135, 213, 273, 323, 373, 425),
        (-12, 18, 41, 64, 112, 198, 355, 1122),
        (0, 0, 0, 1, 1, 1, 3, 7),
    ),
}
_LEAST_SCALE, _MOST_SCALE = 544, 5120  # LIMB
_MOST_A2 = 12288  # LIMC
_MOST_A1 = 15360  # LIMD: less a2


@dataclass(slots=True)
class _Float:
    """A signal as the predictor keeps it (FLOATA, FLOATB): 4 bits of exponent, 6 of mantissa."""

    negative: bool = False
    exponent: int = 0
    mantissa: int = 32


def _float(negative: bool, size: int) -> _Float:
    exponent = size.bit_length()
    return _Float(negative, exponent, (size << 6) >> exponent if size else 32)


def _product(coefficient: int, signal: _Float) -> int:
    """FMULT."""
    negative = coefficient < 0
    size = -coefficient & 0x1FFF if negative else coefficient
    exponent = size.bit_length()
    mantissa = (size << 6) >> exponent if size else 32
    shift = exponent + signal.exponent - 19
    product = (mantissa * signal.mantissa + 48) >> 4
    product = product << shift & 0x7FFF if shift >= 0 else product >> -shift
    return -product if negative != signal.negative else product


class G726:
    """A decoder. It goes on from packet to packet; after a loss it finds back by itself (s1)."""

    def __init__(self, bits: int) -> None:
        """`bits` of a code word, 2 to 4. Raises KeyError for others."""
        self._bits = bits
        self._rate = RATES[bits]
        self._a1 = self._a2 = 0
        self._b = [0] * 6
        self._dq = [_Float() for _ in range(6)]
        self._sr1, self._sr2 = _Float(), _Float()
        self._p1 = self._p2 = False
        self._yu, self._yl = _LEAST_SCALE, _LEAST_SCALE << 6
        self._ap = self._dms = self._dml = 0
        self._tone = False

    def __call__(self, data: bytes) -> tuple[bytes, ...]:
        """Samples in 16 bits, big-endian, of the one channel; bits that make no code word are left out."""
        bits = self._bits
        mask = (1 << bits) - 1
        out: list[int] = []
        for at in range(0, len(data), bits):  # as many octets hold eight words
            part = data[at : at + bits]
            word = int.from_bytes(part, "little")
            for _ in range(len(part) * 8 // bits):
                out.append(self._sample(word & mask))
                word >>= bits
        return (struct.pack(f">{len(out)}h", *out),)

    def _sample(self, code: int) -> int:
        """One code word."""
        top = 1 << (self._bits - 1)
        negative = bool(code & top)
        size = (top | top - 1) - code if negative else code
        zeros = sum(map(_product, [b >> 2 for b in self._b], self._dq))
        poles = _product(self._a2 >> 2, self._sr2) + _product(self._a1 >> 2, self._sr1)
        sez, se = zeros >> 1, (zeros + poles) >> 1
        y = self._scale()
        log = self._rate.dqln[size] + (y >> 2)  # ADDA, ANTILOG
        dq = 0 if log < 0 else ((128 + (log & 127)) << 7) >> (14 - (log >> 7 & 15))
        difference = -dq if negative else dq
        sr = se + difference
        self._adapt(y, size, negative, dq, difference + sez)
        self._dq = [_float(negative, dq), *self._dq[:5]]
        self._sr2, self._sr1 = self._sr1, _float(sr < 0, min(abs(sr), 0x7FFF))
        return max(-0x8000, min(0x7FFF, sr << 2))

    def _scale(self) -> int:
        """MIX."""
        if self._ap >= 256:
            return self._yu
        slow = self._yl >> 6
        fast = (self._yu - slow) * (self._ap >> 2)
        return slow + (fast + 63 >> 6 if fast < 0 else fast >> 6)

    def _adapt(self, y: int, size: int, negative: bool, dq: int, p: int) -> None:
        moved = self._moved(dq)
        self._yu = max(_LEAST_SCALE, min(_MOST_SCALE, y + ((self._rate.w[size] << 5) - y >> 5)))
        self._yl += self._yu + (-self._yl >> 6)
        if moved:
            self._a1 = self._a2 = 0
            self._b = [0] * 6
        else:
            self._follow(p)
            step = 128 if dq else 0
            self._b = [
                b - (b >> 8) + (step if negative == past.negative else -step)
                for b, past in zip(self._b, self._dq, strict=True)
            ]
        self._p2, self._p1 = self._p1, p < 0
        self._tone = not moved and self._a2 < -11776
        self._pace(y, self._rate.f[size], moved=moved)

    def _moved(self, dq: int) -> bool:
        """TRANS: whether a tone gave way to another."""
        whole, part = self._yl >> 15, self._yl >> 10 & 31
        threshold = 31 << 10 if whole > 9 else (32 + part) << whole
        return self._tone and dq > (threshold + (threshold >> 1) >> 1)

    def _follow(self, p: int) -> None:
        """The coefficients of the poles (UPA1, UPA2, LIMC, LIMD)."""
        a1, a2 = self._a1, self._a2
        sign, before = p < 0, self._p1
        second = a2 - (a2 >> 7)
        first = a1 - (a1 >> 8)
        if p:
            f = a1 if sign != before else -a1
            second += -256 if f < -8191 else 255 if f > 8191 else f >> 5
            second += -128 if sign != self._p2 else 128
            second = max(-_MOST_A2, min(_MOST_A2, second))
            first += -192 if sign != before else 192
        most = _MOST_A1 - second
        self._a1, self._a2 = max(-most, min(most, first)), second

    def _pace(self, y: int, f: int, *, moved: bool) -> None:
        """How fast the scale follows (FILTA, FILTB, FILTC)."""
        self._dms += (f << 9) - self._dms >> 5
        self._dml += (f << 11) - self._dml >> 7
        if moved:
            self._ap = 256
            return
        fast = y < 1536 or self._tone or abs((self._dms << 2) - self._dml) >= self._dml >> 3
        self._ap += (512 if fast else 0) - self._ap >> 4
