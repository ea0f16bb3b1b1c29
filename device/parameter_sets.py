"""H.264 and H.265 parameter sets: what a container or a session description must know of a picture, and whether
a decoder can begin with them at all.

Pure. Takes NAL units without start code or length (the form of `Track.parameters`). All fields are read, to
the stop bit. What a decoder cannot do without must be there and within its limits. Besides, encoders have
habits that every decoder bears with: a level that does not exist, a VUI that ends too early, something behind
the end. One of these is borne with here, too; with two of them the set is not believed.
"""

from __future__ import annotations

from dataclasses import dataclass

from device.errors import PeerFault

_LARGEST_SIDE = 16384  #: pixels; level 6.2 of either standard allows no more
_LEVELS_H264 = frozenset((9, 10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52, 60, 61, 62))
_LEVELS_H265 = frozenset((30, 60, 63, 90, 93, 120, 123, 150, 153, 156, 180, 183, 186, 189, 192, 195, 255))
_PROFILES_H265 = 12  #: general_profile_idc is below
_DOUBTS = 2  #: with so many a set is not believed
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
    reorders: bool  #: pictures may be shown in another order than they are sent

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
    reorders: bool  #: pictures may be shown in another order than they are sent

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

    def limited(self, name: str, most: int) -> int:
        """ue(v) that is at most `most`."""
        value = self.exp_golomb()
        if value > most:
            raise BadParameterSet(f"{name} is {value}; at most {most} can be.")
        return value

    def skip(self, count: int) -> None:
        """Several ue(v)."""
        for _ in range(count):
            self.exp_golomb()

    @property
    def stops(self) -> bool:
        """Whether what follows is the stop bit, and then zeros only (rbsp_trailing_bits, s7.3.2.11)."""
        rest = self._end - self._at
        left = self._value & ((1 << rest) - 1)
        return rest > 0 and left == 1 << (rest - 1)


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


def _believe(doubts: list[str]) -> None:
    if len(doubts) >= _DOUBTS:
        raise BadParameterSet(f"The parameter set is not believable: {'; '.join(doubts)}.")


def _skip_scaling_lists(bits: _Bits, count: int) -> None:
    for number in range(count):
        if bits.take(1):
            _skip_scaling_list(bits, 16 if number < 6 else 64)


def read_h264(sps: bytes) -> H264Sps:
    """Read an H.264 sequence parameter set (s7.3.2.1.1). Raises BadParameterSet."""
    if len(sps) < 5 or sps[0] & 31 != 7:
        raise BadParameterSet("This is no H.264 sequence parameter set.")
    bits = _Bits(_payload(sps, 1))
    profile, constraints, level = bits.take(8), bits.take(8), bits.take(8)
    doubts = [f"level {level}"] if level not in _LEVELS_H264 else []
    if constraints & 3:
        doubts.append("reserved bits that are not zero")
    bits.limited("seq_parameter_set_id", 31)
    chroma, luma_bits, chroma_bits, separate = 1, 8, 8, 0
    if profile in _CHROMA_EXTENSION:
        chroma = bits.limited("chroma_format_idc", 3)
        if chroma == 3:
            separate = bits.take(1)
        luma_bits = 8 + bits.limited("bit_depth_luma_minus8", 6)
        chroma_bits = 8 + bits.limited("bit_depth_chroma_minus8", 6)
        bits.take(1)
        if bits.take(1):
            _skip_scaling_lists(bits, 12 if chroma == 3 else 8)
    order = _skip_picture_order(bits)
    bits.limited("max_num_ref_frames", 16)
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
    size = _size("width", width), _size("height", height)
    deepest: int | None = None
    try:
        if bits.take(1):
            deepest = _h264_vui(bits)
        if not bits.stops:
            doubts.append("something behind its end")
    except BadParameterSet as error:
        doubts.append(f"VUI: {error}")
    _believe(doubts)
    # Baseline and a picture order of type 2 know no B pictures.
    reorders = order != 2 and profile != 66 and deepest != 0
    return H264Sps(profile, constraints, level, chroma, luma_bits, chroma_bits, *size, reorders)


def _skip_picture_order(bits: _Bits) -> int:
    """log2_max_frame_num_minus4 to offset_for_ref_frame; returns pic_order_cnt_type."""
    bits.limited("log2_max_frame_num_minus4", 12)
    order = bits.limited("pic_order_cnt_type", 2)
    if order == 0:
        bits.limited("log2_max_pic_order_cnt_lsb_minus4", 12)
    elif order == 1:
        bits.take(1)
        bits.skip(2)
        bits.skip(bits.limited("num_ref_frames_in_pic_order_cnt_cycle", 255))
    return order


def _skip_colours(bits: _Bits) -> None:
    """What both standards begin their VUI with: aspect ratio to chroma location."""
    if bits.take(1) and bits.take(8) == 255:
        bits.take(32)
    if bits.take(1):
        bits.take(1)
    if bits.take(1):
        bits.take(4)
        if bits.take(1):
            bits.take(24)
    if bits.take(1):
        bits.limited("chroma_sample_loc_type_top_field", 5)
        bits.limited("chroma_sample_loc_type_bottom_field", 5)


def _h264_vui(bits: _Bits) -> int | None:
    """sE.1.1. max_num_reorder_frames, None where it is not there."""
    _skip_colours(bits)
    if bits.take(1):
        bits.take(65)
    buffered = 0
    for _ in ("nal_hrd_parameters", "vcl_hrd_parameters"):
        if bits.take(1):
            buffered = 1
            count = bits.limited("cpb_cnt_minus1", 31) + 1
            bits.take(8)
            for _ in range(count):
                bits.skip(2)
                bits.take(1)
            bits.take(20)
    bits.take(buffered + 1)
    if not bits.take(1):
        return None
    bits.take(1)
    bits.skip(4)
    deepest = bits.limited("max_num_reorder_frames", 16)
    bits.limited("max_dec_frame_buffering", 16)
    return deepest


def check_h264_picture(pps: bytes) -> None:
    """Read an H.264 picture parameter set (s7.3.2.2) as far as it can be without its sequence's. Raises
    BadParameterSet.
    """
    if len(pps) < 2 or pps[0] & 31 != 8:
        raise BadParameterSet("This is no H.264 picture parameter set.")
    bits = _Bits(_payload(pps, 1))
    bits.limited("pic_parameter_set_id", 255)
    bits.limited("seq_parameter_set_id", 31)
    bits.take(2)
    groups = bits.limited("num_slice_groups_minus1", 7)
    if groups:
        _skip_slice_groups(bits, groups)
    bits.limited("num_ref_idx_l0_default_active_minus1", 31)
    bits.limited("num_ref_idx_l1_default_active_minus1", 31)
    bits.take(1)
    if bits.take(2) == 3:
        raise BadParameterSet("weighted_bipred_idc is 3; at most 2 can be.")
    bits.skip(3)
    bits.take(3)


def _skip_slice_groups(bits: _Bits, groups: int) -> None:
    kind = bits.limited("slice_group_map_type", 6)
    if kind == 0:
        bits.skip(groups + 1)
    elif kind == 2:
        bits.skip(2 * groups)
    elif kind in (3, 4, 5):
        bits.take(1)
        bits.skip(1)
    elif kind == 6:
        each = groups.bit_length()
        for _ in range(bits.exp_golomb() + 1):
            bits.take(each)


def read_h265(sps: bytes) -> H265Sps:
    """Read an H.265 sequence parameter set (s7.3.2.2). Raises BadParameterSet."""
    if len(sps) < 16 or (sps[0] >> 1) & 63 != 33:
        raise BadParameterSet("This is no H.265 sequence parameter set.")
    payload = _payload(sps, 2)
    bits = _Bits(payload)
    bits.take(4)
    layers = bits.take(3) + 1
    nesting = bool(bits.take(1))
    if layers > 7:
        raise BadParameterSet("The parameter set has more than 7 temporal layers.")
    _skip_profiles(bits, layers)
    profile = payload[1:13]
    doubts = [f"level {profile[11]}"] if profile[11] not in _LEVELS_H265 else []
    if profile[0] & 31 >= _PROFILES_H265:
        doubts.append(f"profile {profile[0] & 31}")
    bits.limited("sps_seq_parameter_set_id", 15)
    chroma = bits.limited("chroma_format_idc", 3)
    separate = bits.take(1) if chroma == 3 else 0
    width, height = bits.exp_golomb(), bits.exp_golomb()
    if bits.take(1):
        across = 2 if chroma in (1, 2) else 1
        down = 2 if chroma == 1 and not separate else 1
        width -= across * (bits.exp_golomb() + bits.exp_golomb())
        height -= down * (bits.exp_golomb() + bits.exp_golomb())
    size = _size("width", width), _size("height", height)
    luma_bits = 8 + bits.limited("bit_depth_luma_minus8", 8)
    chroma_bits = 8 + bits.limited("bit_depth_chroma_minus8", 8)
    lsb = 4 + bits.limited("log2_max_pic_order_cnt_lsb_minus4", 12)
    deepest = 0
    for _ in range(layers if bits.take(1) else 1):
        bits.limited("sps_max_dec_pic_buffering_minus1", 15)
        deepest = bits.limited("sps_max_num_reorder_pics", 15)
        bits.exp_golomb()
    _skip_coding(bits)
    _skip_references(bits, lsb)
    bits.take(2)
    try:
        if bits.take(1):
            _skip_h265_vui(bits, layers)
        if not bits.take(1) and not bits.stops:
            doubts.append("something behind its end")
    except BadParameterSet as error:
        doubts.append(f"VUI: {error}")
    _believe(doubts)
    return H265Sps(profile, layers, nesting, chroma, luma_bits, chroma_bits, *size, deepest > 0)


def _skip_profiles(bits: _Bits, layers: int) -> None:
    """profile_tier_level(1, layers - 1), s7.3.3."""
    bits.take(8 * 12)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers - 1)]
    if layers > 1:
        bits.take(2 * (9 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)


def _skip_coding(bits: _Bits) -> None:
    """log2_min_luma_coding_block_size_minus3 to pcm_loop_filter_disabled_flag."""
    smallest = 3 + bits.limited("log2_min_luma_coding_block_size_minus3", 3)
    bits.limited("log2_diff_max_min_luma_coding_block_size", 6 - smallest)
    bits.limited("log2_min_luma_transform_block_size_minus2", 3)
    bits.limited("log2_diff_max_min_luma_transform_block_size", 3)
    bits.limited("max_transform_hierarchy_depth_inter", 4)
    bits.limited("max_transform_hierarchy_depth_intra", 4)
    if bits.take(1) and bits.take(1):
        _skip_h265_scaling_lists(bits)
    bits.take(2)
    if bits.take(1):
        bits.take(8)
        bits.skip(2)
        bits.take(1)


def _skip_h265_scaling_lists(bits: _Bits) -> None:
    """s7.3.4."""
    for size in range(4):
        for _ in range(0, 6, 3 if size == 3 else 1):
            if not bits.take(1):
                bits.exp_golomb()
            else:
                bits.skip(min(64, 1 << (4 + 2 * size)) + (size > 1))


def _skip_references(bits: _Bits, lsb: int) -> None:
    """Reference picture sets: short-term (s7.3.7), then long-term, whose order counts have `lsb` bits."""
    before = 0
    for number in range(bits.limited("num_short_term_ref_pic_sets", 64)):
        if number and bits.take(1):
            bits.take(1)
            bits.skip(1)
            # Each is used, or at least kept, or neither.
            before = sum(bool(bits.take(1) or bits.take(1)) for _ in range(before + 1))
            continue
        before = bits.limited("num_negative_pics", 16) + bits.limited("num_positive_pics", 16)
        for _ in range(before):
            bits.skip(1)
            bits.take(1)
    if bits.take(1):
        bits.take((lsb + 1) * bits.limited("num_long_term_ref_pics_sps", 32))


def _skip_h265_vui(bits: _Bits, layers: int) -> None:
    """sE.2.1."""
    _skip_colours(bits)
    bits.take(3)
    if bits.take(1):
        bits.skip(4)
    if bits.take(1):
        bits.take(64)
        if bits.take(1):
            bits.skip(1)
        if bits.take(1):
            _skip_buffering(bits, layers)
    if bits.take(1):
        bits.take(3)
        bits.skip(5)


def _skip_buffering(bits: _Bits, layers: int) -> None:
    """hrd_parameters(1, layers - 1), sE.2.2."""
    kinds = bits.take(1) + bits.take(1)
    parts = 0
    if kinds:
        parts = bits.take(1)
        bits.take(19 * parts + 8 + 4 * parts + 15)
    for _ in range(layers):
        fixed = bits.take(1) or bits.take(1)
        low_delay = 0
        if fixed:
            bits.skip(1)
        else:
            low_delay = bits.take(1)
        count = 1 if low_delay else 1 + bits.limited("cpb_cnt_minus1", 31)
        for _ in range(kinds * count):
            bits.skip(4 if parts else 2)
            bits.take(1)


def check_h265_picture(pps: bytes) -> None:
    """Read an H.265 picture parameter set (s7.3.2.3) to where its extensions begin. Raises BadParameterSet."""
    if len(pps) < 3 or (pps[0] >> 1) & 63 != 34:
        raise BadParameterSet("This is no H.265 picture parameter set.")
    bits = _Bits(_payload(pps, 2))
    bits.limited("pps_pic_parameter_set_id", 63)
    bits.limited("pps_seq_parameter_set_id", 15)
    bits.take(7)
    bits.limited("num_ref_idx_l0_default_active_minus1", 14)
    bits.limited("num_ref_idx_l1_default_active_minus1", 14)
    bits.skip(1)
    bits.take(2)
    if bits.take(1):
        bits.skip(1)
    bits.skip(2)
    bits.take(4)
    tiles = bits.take(1)
    bits.take(1)
    if tiles:
        columns = bits.limited("num_tile_columns_minus1", 19)
        rows = bits.limited("num_tile_rows_minus1", 21)
        if not bits.take(1):
            bits.skip(columns + rows)
        bits.take(1)
    bits.take(1)
    if bits.take(1):
        bits.take(1)
        if not bits.take(1):
            bits.skip(2)
    if bits.take(1):
        _skip_h265_scaling_lists(bits)
    bits.take(1)
    bits.skip(1)
    bits.take(2)


def check_h265_video(vps: bytes) -> None:
    """Read an H.265 video parameter set (s7.3.2.1) to the end of its profiles. Raises BadParameterSet."""
    if len(vps) < 3 or (vps[0] >> 1) & 63 != 32:
        raise BadParameterSet("This is no H.265 video parameter set.")
    bits = _Bits(_payload(vps, 2))
    bits.take(12)
    layers = bits.take(3) + 1
    if layers > 7:
        raise BadParameterSet("The parameter set has more than 7 temporal layers.")
    bits.take(17)
    _skip_profiles(bits, layers)
