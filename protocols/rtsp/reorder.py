"""Packets that came before their turn (UDP): held until the missing ones come, or are given up. Pure."""

from __future__ import annotations

DEPTH = 256  #: packets held; at 16 Mbit/s about 180 ms
PATIENCE = 0.2  #: seconds


class Reorder:
    """Holds packets of one source by sequence number (16 bits)."""

    __slots__ = ("_since", "held")

    def __init__(self) -> None:
        self.held: dict[int, tuple[int, int, bytes]] = {}
        self._since = 0.0

    def hold(self, sequence: int, second: int, timestamp: int, payload: bytes, now: float) -> None:
        """Keep a packet: the second octet of its header, its timestamp, its payload."""
        if not self.held:
            self._since = now
        self.held[sequence] = (second, timestamp, payload)

    def take(self, sequence: int) -> tuple[int, int, bytes] | None:
        """The packet whose turn has come, if it is here."""
        return self.held.pop(sequence, None)

    def overdue(self, now: float) -> bool:
        """Whether it is time to give the missing packet up."""
        return len(self.held) > DEPTH or now - self._since > PATIENCE

    def missing(self, expected: int) -> int:
        """How many packets are missing before the first that is held."""
        return min((sequence - expected) & 0xFFFF for sequence in self.held)
