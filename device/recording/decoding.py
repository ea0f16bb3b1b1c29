"""Decode times for samples of which only the presentation times are known (RTP carries no others).

Pure. A file must give each sample a decode time that only ever grows, and should give none that is later
than the presentation (ISO/IEC 14496-12 s8.6.1). Without B-frames both are the same. With B-frames of
reordering depth `d` (at most `d` samples stand before one that is shown earlier) the decode time of
sample `i` is the presentation time of the `(i - d)`-th picture shown: known as soon as sample `i` is,
wherever a fragment is cut.
"""

from __future__ import annotations

from heapq import heappop, heappush, nsmallest
from itertools import pairwise

DEEPEST = 16  #: pictures of reordering, the most that either standard allows (max_num_reorder_frames)


class Decoding:
    """Assigns decode times, fragment after fragment of one run. The depth is learned from the stream."""

    __slots__ = ("_highest", "_last", "_missing", "_pending", "_recent", "depth", "step")

    def __init__(self, step: int) -> None:
        self.depth = 0  #: of reordering, as seen so far
        self.step = step  #: ticks from one picture to the next, as seen last; the guess before
        self._pending: list[int] = []  #: a heap: presentation times that no decode time was made of
        self._recent: list[int] = []
        self._highest = -1
        self._last = -1
        self._missing = False

    def assign(self, times: list[int]) -> list[int]:
        """Decode times for `times`: presentation times in decoding order, none negative.

        They grow strictly over all calls; none is negative."""
        if self._in_order(times):
            decode = times
        else:
            self._learn(times)
            decode = self._reorder(times)
        start = self._last
        self._learn_step(decode if start < 0 or self._missing else [start, *decode])
        self._missing = False
        self._last = decode[-1]
        self._highest = max(self._highest, max(times))
        self._recent = (self._recent + times)[-DEEPEST:]
        return decode

    def missed(self) -> None:
        """Pictures are missing behind the last one: how far away the next one is tells nothing."""
        self._missing = True

    def resume(self, time: int) -> None:
        """Media time jumps to `time`: what waits of before is not to delay what comes."""
        waiting = len(self._pending)
        self._pending = [time - self.step * ahead for ahead in range(waiting, 0, -1)]
        # Nor is what comes decoded hours before it is shown, should it turn out to be reordered.
        self._last = max(self._last, time - self.step * (DEEPEST + 1))
        self._missing = True

    def _in_order(self, times: list[int]) -> bool:
        if self.depth:
            return False
        before = max(self._highest, self._last)
        for time in times:
            if time <= before:
                return False
            before = time
        return True

    def _learn(self, times: list[int]) -> None:
        known = self._recent + times
        for index in range(len(self._recent), len(known)):
            time = known[index]
            ahead = sum(earlier > time for earlier in known[max(0, index - DEEPEST) : index])
            self.depth = max(self.depth, ahead)

    def _reorder(self, times: list[int]) -> list[int]:
        pending, depth, last = self._pending, self.depth, self._last
        lead_in = []
        if last < 0:
            shown = nsmallest(2, times)
            step = shown[1] - shown[0] if len(shown) > 1 and shown[1] > shown[0] else self.step
            lead_in = [shown[0] - step * ahead for ahead in range(depth, 0, -1)]
        decode = []
        for time in times:
            heappush(pending, time)
            if len(pending) > depth:
                last = max(heappop(pending), last + 1)
            elif lead_in:
                last = max(lead_in.pop(0), last + 1)
            else:
                last += 1
            decode.append(last)
        return decode

    def _learn_step(self, decode: list[int]) -> None:
        steps = sorted(after - before for before, after in pairwise(decode))
        if steps:
            self.step = steps[len(steps) // 2]
