"""Audio whose packets each hold one unit: G.711 and G.726 (RFC 3551 s4.5), Opus (RFC 7587 s4). Pure."""

from __future__ import annotations

from collections.abc import Callable

from device.cameras.source import Reception

UNIT_LIMIT = 16 * 1024  #: octets; two seconds of G.711


class WholePackets:
    """Each payload is a unit."""

    __slots__ = ("_deliver", "_reception")

    def __init__(self, reception: Reception, deliver: Callable[[int, bytes], None]) -> None:
        """`deliver(timestamp, data)`."""
        self._reception = reception
        self._deliver = deliver

    def packet(self, view: memoryview, start: int, end: int, timestamp: int, _marker: bool) -> None:
        """One payload; the marker tells of the end of a silence, which nobody needs."""
        if end - start > UNIT_LIMIT:
            self._reception.malformed += 1
            return
        self._deliver(timestamp, bytes(view[start:end]))

    def lost(self) -> None:
        """A unit more or less: nothing that comes later depends on it."""
