"""ONVIF metadata in RTP: one XML document over one or more packets, the marker ends it (ONVIF Streaming
s5.1.2.1.1). Pure.
"""

from __future__ import annotations

from collections.abc import Callable

from device.cameras.source import Reception

DOCUMENT_LIMIT = 1024 * 1024  #: octets


class Documents:
    """Puts documents together. The XML in them is for others to read."""

    __slots__ = ("_begun", "_broken", "_deliver", "_reception", "_timestamp")

    def __init__(self, reception: Reception, deliver: Callable[[int, bytes], None]) -> None:
        """`deliver(timestamp, document)`."""
        self._reception = reception
        self._deliver = deliver
        self._begun = bytearray()
        self._broken = False
        self._timestamp = 0

    def packet(self, view: memoryview, start: int, end: int, timestamp: int, marker: bool) -> None:
        """One payload."""
        if self._begun and timestamp != self._timestamp:
            self._finish()  # the marker was forgotten
        if not self._begun:
            self._timestamp = timestamp
        if len(self._begun) + end - start > DOCUMENT_LIMIT:
            self._broken = True
        else:
            self._begun += view[start:end]
        if marker:
            self._finish()

    def lost(self) -> None:
        """Packets are missing: of the document that was begun, or of the next."""
        self._broken = True

    def _finish(self) -> None:
        document = bytes(self._begun)
        self._begun.clear()
        # After a loss only a beginning tells that the document is whole.
        if self._broken and not document.lstrip().startswith(b"<?xml"):
            self._reception.dropped += 1
        elif document.rstrip().endswith(b">"):
            self._deliver(self._timestamp, document)
        else:
            self._reception.dropped += 1
        self._broken = False
