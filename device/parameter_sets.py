"""H.264 and H.265 sequence parameter sets: what a container or a session description must know of a picture.

Pure. Takes NAL units without start code or length (the form of `Track.parameters`).
"""

from __future__ import annotations

from dataclasses import dataclass

from device.errors import PeerFault

_LARGEST_SIDE = 16384  #: pixels; level 6.2 of either standard allows no more
_CHROMA_EXTENSION = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))


class BadParameterSet(PeerFault):
    """A parameter set that cannot be read; says what is wrong with it."""

    hint = "The camera sends a broken parameter set. Change its resolution or profile and back, or update it."
    transient = False


@dataclass(frozen=True, slots=True)
class H264Sps:
    """What ISO/IEC 14496-10 s7.3.2.1.1 says first."""

    profile: int
    constraints: int  #: the byte of constraint flags
    level: int
    chroma_format: int  #: 1 = 4:2:0
    luma_bits: int
    chroma_bits: int
    width: int  #: pixels, after cropping
    height: int

    @property
    def extended(self) -> bool:
        """Whether the profile carries chroma format and bit depths (and so does its `avcC`)."""
        return self.profile in _CHROMA_EXTENSION

    @property
    def name(self) -> str:
        """The `codecs` parameter, RFC 6381 s3.3."""
        return f"avc1.{self.profile:02X}{self.constraints:02X}{self.level:02X}"


@dataclass(frozen=True, slots=True)
class H265Sps:
    """What ISO/IEC 23008-2 s7.3.2.2 says first."""

    profile_tier_level: bytes  #: general_profile_space ... general_level_idc, 12 bytes
    temporal_layers: int
    temporal_nesting: bool
    chroma_format: int
    luma_bits: int
    chroma_bits: int
    width: int  #: pixels, after the conformance window
    height: int

    @property
    def name(self) -> str:
        """The `codecs` parameter, ISO/IEC 14496-15 sE.3."""
        head = self.profile_tier_level
        space = ("", "A", "B", "C")[head[0] >> 6]
        tier = "H" if head[0] & 0x20 else "L"
        compatibility = int(f"{int.from_bytes(head[1:5], 'big'):032b}"[::-1], 2)
        constraints = [f"{byte:X}" for byte in head[5:11].rstrip(b"\0")]
        return ".".join(
            ["hvc1", f"{space}{head[0] & 31}", f"{compatibility:X}", f"{tier}{head[11]}", *constraints]
        )


class _Bits:
    """Reads the bits of a raw byte sequence payload; raises BadParameterSet at its end."""

    __slots__ = ("_at", "_end", "_value")

    def __init__(self, payload: bytes) -> None:
        self._value = int.from_bytes(payload, "big")
        self._end = 8 * len(payload)
        self._at = 0

    def take(self, count: int) -> int:
        """The next `count` bits as an unsigned number, u(n)."""
        self._at += count
        if self._at > self._end:
            raise BadParameterSet("The parameter set ends too early.")
        return (self._value >> (self._end - self._at)) & ((1 << count) - 1)

    def exp_golomb(self) -> int:
        """ue(v), ISO/IEC 14496-10 s9.1."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise BadParameterSet("The parameter set holds a number of more than 32 bits.")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        """se(v)."""
        value = self.exp_golomb()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def _payload(nal: bytes, header: int) -> bytes:
    """The RBSP behind a NAL header: emulation prevention bytes taken out (s7.4.1)."""
    if len(nal) > 4096:
        raise BadParameterSet("The parameter set is larger than 4096 bytes.")
    parts = nal[header:].split(b"\0\0\3")
    return b"\0\0".join(parts)


def _size(name: str, value: int) -> int:
    if not 0 < value <= _LARGEST_SIDE:
        raise BadParameterSet(f"The picture's {name} is {value}; 1 to {_LARGEST_SIDE} pixels can be.")
    return value


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) & 255
        last = following or last


def read_h264(sps: bytes) -> H264Sps:
    """Read an H.264 sequence parameter set. Raises BadParameterSet."""
    if len(sps) < 5 or sps[0] & 31 != 7:
        raise BadParameterSet("This is no H.264 sequence parameter set.")
    bits = _Bits(_payload(sps, 1))
    profile, constraints, level = bits.take(8), bits.take(8), bits.take(8)
    bits.exp_golomb()
    chroma, luma_bits, chroma_bits, separate = 1, 8, 8, 0
    if profile in _CHROMA_EXTENSION:
        chroma = bits.exp_golomb()
        if chroma > 3:
            raise BadParameterSet(f"Chroma format {chroma} does not exist; 0 to 3 do.")
        if chroma == 3:
            separate = bits.take(1)
        luma_bits, chroma_bits = 8 + bits.exp_golomb(), 8 + bits.exp_golomb()
        if max(luma_bits, chroma_bits) > 14:
            raise BadParameterSet("More than 14 bits a sample.")
        bits.take(1)
        if bits.take(1):
            for number in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    _skip_scaling_list(bits, 16 if number < 6 else 64)
    bits.exp_golomb()
    order = bits.exp_golomb()
    if order == 0:
        bits.exp_golomb()
    elif order == 1:
        bits.take(1)
        bits.signed()
        bits.signed()
        cycle = bits.exp_golomb()
        if cycle > 255:
            raise BadParameterSet(f"A picture order cycle of {cycle}; at most 255 can be.")
        for _ in range(cycle):
            bits.signed()
    bits.exp_golomb()
    bits.take(1)
    width, height = 16 * (bits.exp_golomb() + 1), bits.exp_golomb() + 1
    frames_only = bits.take(1)
    if not frames_only:
        bits.take(1)
    height *= 16 * (2 - frames_only)
    bits.take(1)
    if bits.take(1):
        across = 1 if chroma in (0, 3) or separate else 2
        down = (2 if chroma == 1 and not separate else 1) * (2 - frames_only)
        width -= across * (bits.exp_golomb() + bits.exp_golomb())
        height -= down * (bits.exp_golomb() + bits.exp_golomb())
    return H264Sps(
        profile,
        constraints,
        level,
        chroma,
        luma_bits,
        chroma_bits,
        _size("width", width),
        _size("height", height),
    )


def read_h265(sps: bytes) -> H265Sps:
    """Read an H.265 sequence parameter set. Raises BadParameterSet."""
    if len(sps) < 16 or (sps[0] >> 1) & 63 != 33:
        raise BadParameterSet("This is no H.265 sequence parameter set.")
    payload = _payload(sps, 2)
    bits = _Bits(payload)
    bits.take(4)
    layers = bits.take(3) + 1
    nesting = bool(bits.take(1))
    if len(payload) < 13 or layers > 7:
        raise BadParameterSet("The parameter set ends too early, or has more than 7 temporal layers.")
    bits.take(8 * 12)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers - 1)]
    if layers > 1:
        bits.take(2 * (9 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.exp_golomb()
    chroma = bits.exp_golomb()
    if chroma > 3:
        raise BadParameterSet(f"Chroma format {chroma} does not exist; 0 to 3 do.")
    separate = bits.take(1) if chroma == 3 else 0
    width, height = bits.exp_golomb(), bits.exp_golomb()
    if bits.take(1):
        across = 2 if chroma in (1, 2) else 1
        down = 2 if chroma == 1 and not separate else 1
        width -= across * (bits.exp_golomb() + bits.exp_golomb())
        height -= down * (bits.exp_golomb() + bits.exp_golomb())
    luma_bits, chroma_bits = 8 + bits.exp_golomb(), 8 + bits.exp_golomb()
    if max(luma_bits, chroma_bits) > 16:
        raise BadParameterSet("More than 16 bits a sample.")
    return H265Sps(
        payload[1:13],
        layers,
        nesting,
        chroma,
        luma_bits,
        chroma_bits,
        _size("width", width),
        _size("height", height),
    )
