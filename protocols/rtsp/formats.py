"""What SDP announces, as tracks, and back. The payload formats that the recorder takes are this table's.
Pure.

H.264: RFC 6184 s8; H.265: RFC 7798 s7; JPEG: RFC 2435; AAC: RFC 3640 s4; G.711 and G.726: RFC 3551 s4.5;
Opus: RFC 7587 s7; metadata: ONVIF Streaming s5.1.2.1.1.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from device.errors import PeerFault
from device.media import Codec, Track
from protocols.rtsp.sdp import Format, Media

PARAMETERS_LIMIT = 64  #: parameter sets of one description
PARAMETER_SIZE_LIMIT = 16 * 1024  #: octets of each

_G726 = {"G726-16": 2, "G726-24": 3, "G726-32": 4, "G726-40": 5}
_SIMPLE = {"PCMU": Codec.PCMU, "PCMA": Codec.PCMA, "OPUS": Codec.OPUS, "JPEG": Codec.MJPEG}
_SIZE = re.compile(r"([0-9]{1,5})[-,]([0-9]{1,5})\s*$")
_SAMPLING = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


class Unsupported(PeerFault):
    """A payload format that the recorder does not take. The track is left out; the session goes on."""

    transient = False


def track_of(media: Media, form: Format) -> Track:
    """The track that a format of a media announces, parameter sets as far as the description has them.

    Raises Unsupported.
    """
    name = form.encoding.upper()
    rate = form.clock_rate
    given = form.parameters
    if name == "H264":
        if given.get("packetization-mode", "0") not in ("0", "1"):
            raise Unsupported("H.264 with interleaved packetisation (mode 2)")
        return Track(Codec.H264, rate, _sets(given.get("sprop-parameter-sets", "")))
    if name in ("H265", "HEVC"):
        if given.get("sprop-max-don-diff", "0") != "0" or given.get("tx-mode", "SRST").upper() != "SRST":
            raise Unsupported("H.265 with decoding order numbers")
        sets = (given.get(f"sprop-{kind}", "") for kind in ("vps", "sps", "pps"))
        return Track(Codec.H265, rate, tuple(unit for text in sets for unit in _sets(text)))
    if name == "MPEG4-GENERIC":
        return _aac(form)
    if name in _G726:
        return Track(Codec.G726, rate, channels=form.channels or 1, bits=_G726[name])
    if name == "VND.ONVIF.METADATA":
        return Track(Codec.ONVIF_METADATA, rate)
    codec = _SIMPLE.get(name)
    if codec is None:
        raise Unsupported(f"payload format {form.encoding}")
    if codec is Codec.MJPEG:
        width, height = _frame_size(media)
        return Track(codec, rate, width=width, height=height)
    return Track(codec, rate, channels=form.channels or (2 if codec is Codec.OPUS else 1))


def media_of(track: Track, payload_type: int, control: str) -> Media:
    """The `m=` section that announces a track, as a server writes it."""
    name, channels = track.codec.value, track.channels
    given: dict[str, str] = {}
    if track.codec is Codec.H264:
        given["packetization-mode"] = "1"
        if track.parameters:
            given["profile-level-id"] = track.parameters[0][1:4].hex().upper()
            given["sprop-parameter-sets"] = ",".join(map(_base64, track.parameters))
        channels = 0
    elif track.codec is Codec.H265:
        for unit in track.parameters:
            key = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}.get(unit[0] >> 1 & 0x3F)
            if key is not None:
                given[key] = ",".join(filter(None, (given.get(key), _base64(unit))))
        channels = 0
    elif track.codec is Codec.AAC:
        given = {
            "streamtype": "5",
            "profile-level-id": "1",
            "mode": "AAC-hbr",
            "sizelength": "13",
            "indexlength": "3",
            "indexdeltalength": "3",
        }
        if track.parameters:
            given["config"] = track.parameters[0].hex().upper()
        name = "mpeg4-generic"
    elif track.codec is Codec.G726:
        name = f"G726-{track.bits * 8}"
    elif track.codec is Codec.OPUS:
        name, channels = "opus", 2  # RFC 7587 s7: always 48000/2
        given = {"sprop-stereo": "1"} if track.channels == 2 else {}
    elif track.codec is Codec.ONVIF_METADATA:
        name, channels = "vnd.onvif.metadata", 0
    elif track.codec is Codec.MJPEG:
        channels = 0
    kind = "application" if track.codec is Codec.ONVIF_METADATA else track.kind.value
    form = Format(payload_type, name, track.clock_rate, channels, given)
    return Media(kind, (form,), control)


def aac_layout(given: Mapping[str, str]) -> tuple[int, int, int]:
    """Bits of AU-size, AU-Index and AU-Index-delta in an AU header (RFC 3640 s3.2.1). Raises Unsupported."""
    mode = given.get("mode", "AAC-hbr").lower()
    defaults = {"aac-hbr": (13, 3, 3), "aac-lbr": (6, 2, 2)}.get(mode)
    if defaults is None:
        raise Unsupported(f"MPEG-4 audio in mode {mode[:40]!r}")
    names = ("sizelength", "indexlength", "indexdeltalength")
    texts = [given.get(name, str(default)) for name, default in zip(names, defaults, strict=True)]
    if any(not (text.isascii() and text.isdigit() and len(text) <= 2) for text in texts):
        raise Unsupported("MPEG-4 audio with unreadable header lengths")
    size, index, delta = map(int, texts)
    others = ("ctsdeltalength", "dtsdeltalength", "randomaccessindication", "streamstateindication")
    if not 0 < size <= 16 or index > 16 or delta > 16 or any(given.get(o, "0") != "0" for o in others):
        raise Unsupported("MPEG-4 audio with these AU headers")
    return size, index, delta


def aac_duration(track: Track) -> int:
    """Ticks of one AAC access unit: 1024 samples of the core coder, or 960 (ISO/IEC 14496-3 s4.4.1)."""
    config = int.from_bytes(track.parameters[0][:2], "big")
    index = config >> 7 & 0x0F
    core = _SAMPLING[index] if index < len(_SAMPLING) else track.clock_rate
    samples = 960 if config & 4 and index < len(_SAMPLING) else 1024
    return max(1, samples * track.clock_rate // core)


def _aac(form: Format) -> Track:
    aac_layout(form.parameters)
    try:
        config = bytes.fromhex(form.parameters.get("config", ""))
    except ValueError:
        config = b""
    if not 2 <= len(config) <= 64:
        raise Unsupported("AAC without a usable AudioSpecificConfig")
    # ISO/IEC 14496-3 s1.6.2.1: object type 5 bits, frequency index 4 bits, channels 4 bits.
    kind, index, channels = config[0] >> 3, (config[0] & 7) << 1 | config[1] >> 7, config[1] >> 3 & 0x0F
    if kind == 31 or index >= len(_SAMPLING):
        index, channels = -1, form.channels
    rate = form.clock_rate
    if kind in (1, 2, 3, 4) and index >= 0 and rate != _SAMPLING[index] and rate in (1000, 90000):
        raise Unsupported(f"AAC with a clock rate of {rate}")
    return Track(Codec.AAC, rate, (config,), channels=channels or form.channels or 1)


def _frame_size(media: Media) -> tuple[int, int]:
    """What the description says of the size of pictures; the header of RFC 2435 ends at 2040 pixels."""
    for name, value in media.attributes:
        if name in ("framesize", "x-dimensions"):
            found = _SIZE.search(value)
            if found is not None:
                return int(found[1]), int(found[2])
    return 0, 0


def _sets(text: str) -> tuple[bytes, ...]:
    """Comma-separated base64 (RFC 6184 s8.1). What cannot be read is left out; the stream repeats it, or
    not.
    """
    units: list[bytes] = []
    for part in text.split(",")[:PARAMETERS_LIMIT]:
        padded = part.strip() + "=" * (-len(part.strip()) % 4)
        try:
            unit = base64.b64decode(padded, validate=True)
        except (binascii.Error, ValueError):
            continue
        unit = unit.removeprefix(b"\0\0\0\1").removeprefix(b"\0\0\1")  # some cameras put a start code here
        if 1 < len(unit) <= PARAMETER_SIZE_LIMIT:
            units.append(unit)
    return tuple(units)


def _base64(unit: bytes) -> str:
    return base64.b64encode(unit).decode()
