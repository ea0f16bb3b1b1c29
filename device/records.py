"""Frozen dataclasses as JSON and back: the form of events, of messages between the planes, and of jobs.

Reading is lenient towards time, so that two versions of the recorder understand each other during an
upgrade: a key that is not known is passed over, and a field that is missing takes its default. It is strict
towards values: what has the wrong type or is no member of an enumeration is refused. Bytes travel as
base64url (RFC 4648 s5).
"""

from __future__ import annotations

import dataclasses
from typing import TypeVar, cast

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from device.errors import PeerFault

R = TypeVar("R")

_CONFIG = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64", ser_json_inf_nan="strings")


class BadRecord(PeerFault):
    """Bytes that are not the record they claim to be."""

    transient = False


def record(kind: type[R]) -> type[R]:
    """Prepare a dataclass for `to_json` and `from_json`. Its fields may be dataclasses without this mark."""
    kind.__pydantic_config__ = _CONFIG  # type: ignore[attr-defined]  # how pydantic is told about a plain dataclass
    return kind


_adapters: dict[type[object], TypeAdapter[object]] = {}


def _adapter(kind: type[object]) -> TypeAdapter[object]:
    """Made when first needed: building all of them would be the larger part of a plane's start."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def to_json(value: object) -> bytes:
    """The JSON of one record, UTF-8, on one line. Text that cannot be UTF-8 (a lone surrogate, as left by
    decoding a peer's bytes) is written with U+FFFD in its place: a record is never lost on account of its
    text."""
    adapter = _adapter(type(value))
    try:
        return adapter.dump_json(value)
    except PydanticSerializationError:
        return adapter.dump_json(_encodable(value))


def from_json(kind: type[R], data: bytes | bytearray | str) -> R:
    """The record in `data`. Raises BadRecord naming the field."""
    try:
        return cast(R, _adapter(kind).validate_json(data))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadRecord(f"{kind.__name__}{'.' if where else ''}{where}: {first['msg']}") from None


def _encodable(value: object) -> object:
    if isinstance(value, str):
        # Two surrogates in a row are one character of UTF-16; what is left of them alone is none at all.
        text = str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text if type(value) is str else value
    if isinstance(value, tuple | list):
        return type(value)(_encodable(part) for part in value)
    if isinstance(value, dict):
        return {_encodable(key): _encodable(part) for key, part in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: _encodable(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
        return dataclasses.replace(value, **changed)
    return value
