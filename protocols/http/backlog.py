"""What waits for one browser. Pure: a browser that does not keep up is taken to the next key frame, and costs nobody
else anything."""

from __future__ import annotations

from collections import deque

from device.media import Sample

LIMIT = 1 << 20  #: octets that may wait for a browser that watches live: about two seconds of a large picture


class Backlog:
    """Fragments on their way to a browser that watches live; each is a `Sample` whose data are a media segment."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.dropped = 0  #: fragments
        self._limit = limit
        self._queue: deque[Sample] = deque()
        self._octets = 0
        self._key_needed = False

    def __len__(self) -> int:
        return len(self._queue)

    def offer(self, sample: Sample) -> None:
        """One more. Where there is no room, all that waits is dropped, and what comes up to the next key frame."""
        if self._key_needed and not sample.key:
            self.dropped += 1
            return
        self._key_needed = False
        if self._octets + len(sample.data) > self._limit and self._queue:
            self.dropped += len(self._queue)
            self._queue.clear()
            self._octets = 0
            if not sample.key:
                self.dropped += 1
                self._key_needed = True
                return
        self._queue.append(sample)
        self._octets += len(sample.data)

    def take(self) -> Sample:
        """The oldest. Raises IndexError where nothing waits."""
        sample = self._queue.popleft()
        self._octets -= len(sample.data)
        return sample

    def clear(self) -> None:
        """Nothing waits any more, and what comes begins with a key frame."""
        self._queue.clear()
        self._octets = 0
        self._key_needed = True
