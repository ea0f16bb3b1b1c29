"""Instants as this wire writes them: ISO 8601 in UTC; with any zone where they come in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from device.media import MICROSECONDS, Utc

LATEST = 7_258_118_400 * MICROSECONDS  #: 2200-01-01


def iso(utc: int) -> str:
    """Microseconds since 1970 as text."""
    moment = datetime.fromtimestamp(utc // MICROSECONDS, UTC).replace(microsecond=utc % MICROSECONDS)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse(value: object) -> Utc:
    """An instant with its zone. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Utc(value)  # from within
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError("must be an instant such as 2026-11-22T18:00:00Z")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("must be an instant such as 2026-11-22T18:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("must say its zone, such as Z or +01:00")
    whole = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // _TICK
    if not 0 <= whole <= LATEST:
        raise ValueError("must be from 1970 to 2200")
    return Utc(whole)


_TICK = datetime.resolution

Instant = Annotated[
    Utc,
    BeforeValidator(parse),
    PlainSerializer(iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
