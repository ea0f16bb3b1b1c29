"""ONVIF metadata in RTP: one XML document over one or more packets, the marker ends it (ONVIF Streaming
s5.1.2.1.1). Pure.
"""

from __future__ import annotations

from collections.abc import Callable

from device.cameras.source import Reception

DOCUMENT_LIMIT = 1024 * 1024  #: octets


class Documents:
    """Puts documents together. The XML in them is for others to read."""

    __slots__ = ("_begun", "_broken", "_deliver", "_gap", "_reception", "_timestamp")

    def __init__(self, reception: Reception, deliver: Callable[[int, bytes], None]) -> None:
        """`deliver(timestamp, document)`."""
        self._reception = reception
        self._deliver = deliver
        self._begun = bytearray()
        self._broken = False
        self._gap = False
        self._timestamp = 0

    def packet(self, view: memoryview, start: int, end: int, timestamp: int, marker: bool) -> None:
        """One payload."""
        if self._begun and timestamp != self._timestamp:
            self._finish()  # the marker was forgotten
        if not self._begun:
            self._timestamp = timestamp
            # After a loss only what begins like a document is the beginning of one.
            self._broken = self._gap and not begins(view[start : min(end, start + 256)])
        self._gap = False
        if len(self._begun) + end - start > DOCUMENT_LIMIT:
            self._broken = True
        else:
            self._begun += view[start:end]
        if marker:
            self._finish()

    def lost(self) -> None:
        """Packets are missing: of the document that was begun, or of the next."""
        self._broken = True
        self._gap = True

    def _finish(self) -> None:
        document = bytes(self._begun)
        self._begun.clear()
        if self._broken or not document.rstrip().endswith(b">"):
            self._reception.dropped += 1
        else:
            self._deliver(self._timestamp, document)


def begins(octets: bytes | memoryview) -> bool:
    """Whether this looks like the first octets of a metadata document."""
    head = bytes(octets).lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith(b"<?xml") or (head.startswith(b"<") and b"MetadataStream" in head)
