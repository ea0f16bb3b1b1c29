"""The figures of the fan-out bench: what sending costs is what is spent beyond the idle server."""

from __future__ import annotations

import pytest

from bench import fanout, readers
from bench.fanout import SHAPES, Window
from bench.measure import Memory, Usage
from bench.player import Player, Transport
from bench.servers import GStreamerServer, HoldfastServer


def window(server: str, transport: Transport, stalled: int, cpu: float) -> Window:
    """Ten seconds in which 2 Gbit were sent."""
    usage = Usage(seconds=10.0, cpu=cpu, memory=Memory(1, 1), processes=1)
    return Window(
        server=server,
        transport=transport,
        stalled=stalled,
        usage=usage,
        planes={"streaming": usage},
        idle=0.05,
        gigabits=2.0,
        delivered=1.0,
        lost=None,
        silence=0.1,
        others=0.0,
    )


def test_the_idle_server_s_cpu_is_taken_off() -> None:
    one = window("holdfast", "tcp", 0, 1.5)
    assert one.sending == pytest.approx(1.0)
    assert one.cost == pytest.approx(0.5)
    assert one.rate == pytest.approx(200.0)


def test_the_table_compares_like_with_like() -> None:
    windows = [
        window(server, transport, stalled, cpu)
        for server, cpu in (("holdfast", 1.5), ("gstreamer", 2.5))
        for transport, stalled in SHAPES
    ]
    text = fanout._table(windows, (HoldfastServer(), GStreamerServer())).text()
    theirs = [line for line in text.splitlines() if line.startswith("| GStreamer")]
    assert len(theirs) == len(SHAPES)
    assert all("1/2.0" in line for line in theirs)


def test_readers_count_missing_datagrams_around_the_circle() -> None:
    reader = readers._Reader(Player("rtsp://127.0.0.1/x", _Queue([])), [_Queue([65_534, 65_535, 1, 2])])  # type: ignore[arg-type,list-item]  # sockets that only read
    reader.read(memoryview(bytearray(64)), datagrams=True)
    assert (reader.lost, reader.octets) == (1, 4 * 13)


class _Queue:
    """A socket that holds RTP datagrams."""

    def __init__(self, sequences: list[int]) -> None:
        self.waiting = [b"\x80\x60" + sequence.to_bytes(2, "big") + bytes(9) for sequence in sequences]

    def recv_into(self, piece: memoryview) -> int:
        """The next, if there is one."""
        if not self.waiting:
            raise BlockingIOError
        data = self.waiting.pop(0)
        piece[: len(data)] = data
        return len(data)
