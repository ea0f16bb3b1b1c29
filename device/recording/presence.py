"""When there was something of a recording at all: the time that no gap of its ledger takes, forwards or backwards, read
page after page by the indices of the gaps. What is asked first is answered first, whatever lies behind it, and nothing
but a page of each epoch is held.

Pure but for `Ask`, which is how the catalogue is read: each page in a transaction of its own.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence

from device.media import Utc

Rows = Sequence[tuple[int, int]]
Ask = Callable[[str, tuple[int, ...]], Rows]  #: what a statement answers to its parameters
Spans = Iterator[tuple[Utc, Utc]]

SMALLEST, LARGEST = 4, 512  #: rows of a page: few first, then twice as many each time
_EVER = 1 << 62

#: Where the ledger of an epoch begins, by its closed and open segments and its gaps, and where it ends. Each of both
#: wants the recording and the epoch three times.
BOUNDS = (
    "SELECT (SELECT t0 FROM segment INDEXED BY segment_cover WHERE recording = ? AND epoch = ? AND state = 1"
    " AND dur > 0 ORDER BY t0 LIMIT 1),"
    " (SELECT min(t0) FROM segment INDEXED BY segment_loose WHERE recording = ? AND epoch = ? AND state = 0"
    " AND state <> 1 AND dur > 0),"
    " (SELECT t0 FROM gap INDEXED BY gap_cover WHERE recording = ? AND epoch = ? ORDER BY t0 LIMIT 1),"
    " (SELECT t0 + dur FROM segment INDEXED BY segment_cover WHERE recording = ? AND epoch = ? AND state = 1"
    " AND dur > 0 ORDER BY t0 DESC LIMIT 1),"
    " (SELECT max(t0 + dur) FROM segment INDEXED BY segment_loose WHERE recording = ? AND epoch = ? AND state = 0"
    " AND state <> 1 AND dur > 0),"
    " (SELECT coalesce(t1, 4611686018427387904) FROM gap INDEXED BY gap_cover WHERE recording = ? AND epoch = ?"
    " ORDER BY t0 DESC LIMIT 1)"
)

#: Gaps between segments, and what event mode hides. Nothing overlaps within an epoch, so that what covers an instant is
#: the last that begins before it. Parameters: recording, epoch, from, to, rows.
_ABSENT = (
    (
        "SELECT t0, coalesce(t1, {ever}) FROM gap INDEXED BY gap_cover WHERE recording = ? AND epoch = ? AND inside = 0"
        " AND coalesce(t1, {ever}) > t0 AND t0 >= ? AND t0 < ? ORDER BY t0 {order} LIMIT ?"
    ),
    (
        "SELECT t0, t0 + dur FROM segment INDEXED BY segment_provisional WHERE recording = ? AND epoch = ?"
        " AND flags & 1 AND state < 2 AND dur > 0 AND t0 >= ? AND t0 < ? ORDER BY t0 {order} LIMIT ?"
    ),
)
_BOTH_WAYS = [(sql.format(ever=_EVER, order="ASC"), sql.format(ever=_EVER, order="DESC")) for sql in _ABSENT]


def present(ask: Ask, recording: int, epochs: Iterable[tuple[int, Utc, Utc]], *, back: bool = False) -> Spans:
    """The spans in which there is something, each as long as it can be, in the order of reading. `epochs`: each with
    the part of its ledger that is asked for."""
    streams = [_of_epoch(ask, recording, *epoch, back) for epoch in epochs]
    held: tuple[Utc, Utc] | None = None  # the next one may touch it
    for span in heapq.merge(*streams, key=_end if back else None, reverse=back):
        if held is None:
            held = span
        elif (held[0] <= span[1]) if back else (span[0] <= held[1]):
            held = min(held[0], span[0]), max(held[1], span[1])
        else:
            yield held
            held = span
    if held is not None:
        yield held


def _of_epoch(ask: Ask, recording: int, epoch: int, low: Utc, high: Utc, back: bool) -> Spans:
    """What the gaps of one epoch leave of [low, high)."""
    streams = [
        _before(ask, backward, (recording, epoch), low, high)
        if back
        else _after(ask, forward, backward, (recording, epoch), low, high)
        for forward, backward in _BOTH_WAYS
    ]
    at = high if back else low
    for begin, end in heapq.merge(*streams, reverse=back):
        if back:
            if max(end, low) < at:
                yield Utc(max(end, low)), at
            at = min(at, Utc(begin))
        else:
            if at < min(begin, high):
                yield at, Utc(min(begin, high))
            at = max(at, Utc(end))
    if back and low < at:
        yield low, at
    elif not back and at < high:
        yield at, high


def _after(
    ask: Ask, forward: str, backward: str, of: tuple[int, int], low: Utc, high: Utc
) -> Iterator[tuple[int, int]]:
    """The rows that overlap [low, high), beginning with the one that covers `low`."""
    covering = ask(backward, (*of, 0, low + 1, 1))
    begin, most = covering[0][0] if covering else low, SMALLEST
    while rows := ask(forward, (*of, begin, high, most)):
        yield from (row for row in rows if row[1] > low)
        if len(rows) < most:
            return
        begin, most = rows[-1][0] + 1, min(2 * most, LARGEST)


def _before(ask: Ask, backward: str, of: tuple[int, int], low: Utc, high: Utc) -> Iterator[tuple[int, int]]:
    """The rows that overlap [low, high), beginning with the last one."""
    end, most = int(high), SMALLEST
    while rows := ask(backward, (*of, 0, end, most)):
        for row in rows:
            if row[1] <= low:
                return
            yield row
        if len(rows) < most:
            return
        end, most = rows[-1][0], min(2 * most, LARGEST)


def _end(span: tuple[Utc, Utc]) -> Utc:
    return span[1]
