"""What waits for one browser. Pure: a browser that does not keep up is taken to the next key frame, and costs nobody
else anything."""

from __future__ import annotations

from collections import deque

from device.media import Sample

LIMIT = 1 << 20  #: octets that may wait for a browser that watches live: about two seconds of a large picture
GROUP_LIMIT = 4 << 20  #: octets of the group of pictures that is kept for who comes next


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

    def passes(self, sample: Sample) -> bool:
        """Whether it may be sent without waiting here: nothing waits, and a browser can go on with it."""
        if self._queue or (self._key_needed and not sample.key):
            return False
        self._key_needed = False
        return True

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


class Group:
    """The fragments since the newest key frame, for who comes next."""

    def __init__(self, limit: int = GROUP_LIMIT) -> None:
        self._limit = limit
        self._fragments: list[Sample] = []
        self._octets = 0

    def add(self, fragment: Sample) -> None:
        """One more. A group that grows too large is not kept: who comes waits for the next."""
        if fragment.key:
            self._fragments, self._octets = [fragment], len(fragment.data)
        elif self._fragments:
            self._fragments.append(fragment)
            self._octets += len(fragment.data)
        if self._octets > self._limit:
            self._fragments.clear()

    def whole(self) -> Sample | None:
        """All of it as one fragment, whose last picture is the newest that there is; None where there is no group."""
        if not self._fragments:
            return None
        first = self._fragments[0]
        data = b"".join(each.data for each in self._fragments)
        return Sample(first.track, first.time, first.utc, True, data, first.damaged)
