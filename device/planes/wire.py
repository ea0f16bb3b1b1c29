"""How the planes talk: frames over a Unix stream socket. Pure: no sockets, no clock.

    magic u8 | kind u8 | flags u16 | id u32 | first u32 | second u32           all big-endian; 16 bytes
    record frames:  first = octets of the record, second = octets of the blob; then record, blob sample
    frames:  first = track, second = octets that follow; then media time i64, UTC i64, the sample's data

A record is one octet with the length of a message's name, the name, and the message as JSON
(`device.records`). A message may have one field of type `Blob`: it travels behind the JSON as it is,
however large, and is never copied into text. A sample frame has no JSON at all: a live tap carries
thousands of them each second.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Generic, NewType, TypeVar, dataclass_transform, get_type_hints

from device.media import Sample, Utc
from device.records import BadRecord, from_json, record, to_json

MAGIC = (
    0xFA  #: first octet of every frame: neither text nor the start of anything else that listens on a socket
)
MAX_RECORD = 4 << 20  #: octets; the largest are lists of a few thousand segments
MAX_BLOB = 16 << 20  #: octets; the largest are key frames of 8K cameras
MAX_TRACKS = 64  #: in one session

_HEADER = Struct("!BBHIII")
_SAMPLE = Struct("!qq")
_SAMPLE_FRAME = Struct("!BBHIIIqq")
_SCRATCH = 16 << 10  #: larger frames are received into memory of their own, and so are copied only here

KEY = 1  #: flag of a sample frame
DAMAGED = 2

Blob = NewType(
    "Blob", bytes
)  #: the field of a message that travels outside its JSON; its default must be Blob(b"")

R_co = TypeVar("R_co", covariant=True)
M = TypeVar("M")


class Request(Generic[R_co]):
    """A message that is answered once, by an R."""

    __slots__ = ()


class Subscription(Generic[R_co]):
    """A message that is answered by a stream of R, until either side ends it."""

    __slots__ = ()


class FrameKind(IntEnum):
    """What a frame is in a conversation. `id` says in which."""

    CALL = 1  #: a request, to be answered by REPLY or ERROR
    REPLY = 2
    ERROR = 3  #: a WireError; ends a call or a stream
    OPEN = 4  #: a subscription, to be answered by ITEM and SAMPLE frames, and END or ERROR
    ITEM = 5
    SAMPLE = 6
    END = 7


class BadFrame(BadRecord):
    """Bytes that are not frames. There is no way to find the next frame: the connection must be closed."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One record frame as it came."""

    kind: FrameKind
    id: int
    record: bytes
    blob: bytes


# ---------------------------------------------------------------------------------------------- messages

_MESSAGES: dict[str, type[object]] = {}
_BLOBS: dict[type[object], str] = {}


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def message(kind: type[M]) -> type[M]:
    """Make a class a frozen dataclass that can cross between the planes. Its name is its name on the wire."""
    made = record(dataclass(frozen=True, slots=True)(kind))
    if made.__name__ in _MESSAGES:
        raise TypeError(f"There are two messages named {made.__name__}.")
    _MESSAGES[made.__name__] = made
    return made


def messages() -> dict[str, type[object]]:
    """All declared messages by name."""
    return dict(_MESSAGES)


def _blob_field(kind: type[object]) -> str:
    """The name of the field of type Blob, empty where there is none. Found late: hints may name later
    classes."""
    if kind not in _BLOBS:
        names = [name for name, hint in get_type_hints(kind).items() if hint is Blob]
        if len(names) > 1:
            raise TypeError(f"{kind.__name__} has more than one Blob.")
        _BLOBS[kind] = names[0] if names else ""
    return _BLOBS[kind]


def encode(kind: FrameKind, id: int, value: object) -> tuple[bytes, bytes]:  # noqa: A002 - as the header calls it
    """One frame in two parts: header and record, and the blob. Raises BadRecord where it is too large to
    send."""
    name = type(value).__name__
    if _MESSAGES.get(name) is not type(value):
        raise TypeError(f"{name} is not declared as a message.")
    blob = b""
    if field := _blob_field(type(value)):
        blob = getattr(value, field)
        value = dataclasses.replace(value, **{field: b""})  # type: ignore[type-var]  # every message is a dataclass
    body = bytes((len(name),)) + name.encode() + to_json(value)
    if len(body) > MAX_RECORD or len(blob) > MAX_BLOB:
        raise BadRecord(f"{name}: {len(body)} + {len(blob)} octets, at most {MAX_RECORD} + {MAX_BLOB}")
    return _HEADER.pack(MAGIC, kind, 0, id, len(body), len(blob)) + body, blob


def decode(frame: Frame) -> object:
    """The message in a frame. Raises BadRecord where it is unknown or does not hold what it must."""
    length = frame.record[0] if frame.record else 0
    name = frame.record[1 : 1 + length].decode("ascii", "replace")
    kind = _MESSAGES.get(name)
    if kind is None:
        raise BadRecord(f"unknown message {name!r}")
    value = from_json(kind, frame.record[1 + length :])
    if field := _blob_field(kind):
        return dataclasses.replace(value, **{field: frame.blob})  # type: ignore[type-var]  # as above
    if frame.blob:
        raise BadRecord(f"{name} has no blob")
    return value


def sample_header(sample: Sample, id: int) -> bytes:  # noqa: A002
    """What goes before `sample.data` on the wire. Raises BadRecord where the sample is too large to send."""
    if len(sample.data) > MAX_BLOB:
        raise BadRecord(f"sample of {len(sample.data)} octets, at most {MAX_BLOB}")
    flags = (KEY if sample.key else 0) | (DAMAGED if sample.damaged else 0)
    length = _SAMPLE.size + len(sample.data)
    return _SAMPLE_FRAME.pack(
        MAGIC, FrameKind.SAMPLE, flags, id, sample.track, length, sample.time, sample.utc
    )


# ---------------------------------------------------------------------------------------------- receiving


class Decoder:
    """Bytes of one connection in, frames and samples out, each octet copied at most once.

    `buffer` is where the next bytes must be received into; `received` says how many came:

        count = socket.recv_into(decoder.buffer())
        for id, item in decoder.received(count): ...
    """

    def __init__(self) -> None:
        self._scratch = bytearray(_SCRATCH)
        self._fill = 0
        self._large: bytearray | None = (
            None  #: a whole frame that does not fit into the scratch, being received
        )

    def buffer(self) -> memoryview:
        """Where to receive into; never empty."""
        return memoryview(self._scratch if self._large is None else self._large)[self._fill :]

    def received(self, count: int) -> Iterator[tuple[int, Frame | Sample]]:
        """`count` octets were laid into `buffer()`. Gives (id, frame or sample) for each that is whole now.

        Must be read to its end before the next `buffer()`. Raises BadFrame, after which the decoder is of
        no use.
        """
        self._fill += count
        if self._large is not None:
            if self._fill == len(self._large):
                large, self._large, self._fill = self._large, None, 0
                yield _parse(memoryview(large))
            return
        start = 0
        view = memoryview(self._scratch)
        while self._fill - start >= _HEADER.size:
            size = _size(view[start:])
            if self._fill - start >= size:
                yield _parse(memoryview(bytes(view[start : start + size])))
                start += size
            elif size > _SCRATCH:
                self._large = bytearray(size)
                self._large[: self._fill - start] = view[start : self._fill]
                self._fill -= start
                return
            else:
                break
        self._fill -= start
        view[: self._fill] = bytes(view[start : start + self._fill])


def _size(view: memoryview) -> int:
    """Octets of the frame that begins here, header included. Raises BadFrame."""
    magic, kind, _, _, first, second = _HEADER.unpack_from(view)
    if magic != MAGIC or not 1 <= kind <= FrameKind.END:
        raise BadFrame(f"not a frame: begins with {magic:#04x} {kind:#04x}")
    if kind == FrameKind.SAMPLE:
        if first >= MAX_TRACKS or not _SAMPLE.size <= second <= _SAMPLE.size + MAX_BLOB:
            raise BadFrame(f"sample: track {first}, {second} octets")
        return _HEADER.size + int(second)
    if first > MAX_RECORD or second > MAX_BLOB:
        raise BadFrame(f"record of {first} + {second} octets, at most {MAX_RECORD} + {MAX_BLOB}")
    return _HEADER.size + int(first) + int(second)


def _parse(view: memoryview) -> tuple[int, Frame | Sample]:
    _, kind, flags, id_, first, _ = _HEADER.unpack_from(view)
    if kind == FrameKind.SAMPLE:
        time, utc = _SAMPLE.unpack_from(view, _HEADER.size)
        data = view[_SAMPLE_FRAME.size :]
        return id_, Sample(first, time, Utc(utc), bool(flags & KEY), data, bool(flags & DAMAGED))
    end = _HEADER.size + first
    return id_, Frame(FrameKind(kind), id_, bytes(view[_HEADER.size : end]), bytes(view[end:]))
