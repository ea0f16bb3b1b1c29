"""The beginning of a segment file: what players need (`ftyp moov`), who it is (`uuid`), padded to 4096.

The `moov` is for the rest of the world. The recorder itself reads the identity box alone, which repeats
the tracks exactly, so that the catalogue can be rebuilt from the files.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from zlib_ng.zlib_ng import crc32

from device.errors import BadValue, StorageFault
from device.media import Codec, Track, Utc
from device.recording.mp4 import BadBox, box, boxes, growing_movie
from device.recording.trailer import ALIGN

MOST_TRACKS = 8  #: of one session
LARGEST_HEAD = 64 * 1024  #: bytes; what a reader asks for to be sure to have all of it
LARGEST_PARAMETERS = (
    16 * 1024
)  #: bytes of all parameter sets together; they stand in a head two and a half times
IDENTITY = UUID("8f1d6f5a-5d0b-4c1e-9a57-48464431feed").bytes  #: the type of our `uuid` box

_TYPE = box(b"ftyp", b"iso6", struct.pack(">I", 1), b"iso6", b"isom", b"mp41")


class BadSegment(StorageFault):
    """The file does not begin as a segment of ours."""

    transient = False
    hint = "The file is damaged, or was not written by this recorder."


@dataclass(frozen=True, slots=True)
class Identity:
    """What a segment says of itself."""

    recorder: str  #: id of the recorder
    recording: str  #: token of the recording
    camera: str
    stream: str
    run: int
    segment: int  #: the catalogue's id
    utc: Utc  #: of the first sample
    filled: bool = False  #: it came later than it was taken, into a gap


def require_storable(tracks: Sequence[Track]) -> None:
    """Raises BadValue where a segment cannot describe the tracks: too many, or a number too large."""
    if not 1 <= len(tracks) <= MOST_TRACKS:
        raise BadValue("tracks", f"{len(tracks)} given; a session has 1 to {MOST_TRACKS}")
    for track in tracks:
        _within("clock_rate", track.clock_rate, 1, 0xFFFFFFFF)
        _within("width", track.width, 0, 0xFFFF)
        _within("height", track.height, 0, 0xFFFF)
        _within("channels", track.channels, 0, 255)
        _within("bits", track.bits, 0, 255)
        _within("parameters", len(track.parameters), 0, 31)
    size = sum(len(nal) for track in tracks for nal in track.parameters)
    _within("size of all parameters", size, 0, LARGEST_PARAMETERS)


def _within(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise BadValue(field, f"{value} is not within {least} and {most}")


def head(tracks: Sequence[Track], identity: Identity) -> bytes:
    """The bytes before the first fragment; a multiple of 4096. Raises BadValue as `require_storable`."""
    require_storable(tracks)
    out = _TYPE + growing_movie(tracks, identity.utc) + _identity_box(tracks, identity)
    room = -(len(out) + 8) % ALIGN
    out += box(b"free", bytes(room))
    return out


def _identity_box(tracks: Sequence[Track], identity: Identity) -> bytes:
    described = []
    for track in tracks:
        fields = asdict(track)
        fields["codec"] = track.codec.value
        fields["parameters"] = [base64.b64encode(nal).decode() for nal in track.parameters]
        described.append(fields)
    said = asdict(identity)
    if not identity.filled:
        del said["filled"]  # as it always was: older versions know no such field
    text = json.dumps({**said, "tracks": described}, separators=(",", ":")).encode()
    return box(b"uuid", IDENTITY, struct.pack(">I", crc32(text)), text)


def read_head(data: bytes) -> tuple[tuple[Track, ...], Identity, int]:
    """The tracks, the identity, and the offset of the first fragment.

    `data` is the beginning of a file, LARGEST_HEAD bytes or all there is. Raises BadSegment.
    """
    found: bytes | None = None
    at = 0
    try:
        for each in boxes(data, 0, len(data)):
            if each.kind == b"uuid" and data[each.payload : each.payload + 16] == IDENTITY:
                found = data[each.payload + 16 : each.end]
            at = each.end
            if found is not None and at % ALIGN == 0:
                break
    except BadBox as error:
        if found is None or at % ALIGN:
            raise BadSegment(str(error)) from error
    if found is None or at % ALIGN:
        raise BadSegment("The identity box is missing.")
    return (*_read_identity(found), at)


def _read_identity(payload: bytes) -> tuple[tuple[Track, ...], Identity]:
    if len(payload) < 4 or crc32(payload[4:]) != int.from_bytes(payload[:4], "big"):
        raise BadSegment("The identity box does not match its checksum.")
    try:
        fields = json.loads(payload[4:])
        tracks = []
        for each in fields.pop("tracks"):
            parameters = tuple(base64.b64decode(nal) for nal in each["parameters"])
            tracks.append(Track(**{**each, "codec": Codec(each["codec"]), "parameters": parameters}))
        return tuple(tracks), Identity(**fields)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadSegment(f"The identity box cannot be read: {error}.") from error
