"""The client of the RTSP benches: which packet counts as the first, and what the readers count."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from bench.player import Player
from bench.programs import BenchError


def packet(channel: int, sequence: int) -> bytes:
    """An interleaved RTP packet."""
    rtp = b"\x80\x60" + sequence.to_bytes(2, "big") + bytes(9)
    return bytes((0x24, channel)) + len(rtp).to_bytes(2, "big") + rtp


@pytest.fixture
def line() -> Iterator[tuple[Player, socket.socket]]:
    """A player, and the server's end of its connection."""
    ours, theirs = socket.socketpair()
    ours.settimeout(30)
    with ours, theirs:
        yield Player("rtsp://127.0.0.1/x", ours), theirs


def test_an_answer_is_found_between_packets(line: tuple[Player, socket.socket]) -> None:
    player, server = line
    server.sendall(
        packet(0, 1) + b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 4\r\n\r\nbody" + packet(0, 2)
    )
    head, body = player.ask("DESCRIBE", player.url)
    assert (head["cseq"], body) == ("1", "body")
    assert isinstance(player.take(), memoryview)


def test_packets_from_before_a_seek_do_not_count(line: tuple[Player, socket.socket]) -> None:
    player, server = line
    server.sendall(packet(0, 65_534) + packet(2, 1) + packet(1, 1) + packet(0, 1) + packet(0, 2))
    player.packet(1)
    rest = player.take()
    assert isinstance(rest, memoryview)
    assert rest.tobytes() == packet(0, 2)


def test_a_refusal_and_a_hang_up_end_the_bench(line: tuple[Player, socket.socket]) -> None:
    player, server = line
    server.sendall(b"RTSP/1.0 457 Invalid Range\r\nCSeq: 1\r\n\r\n")
    with pytest.raises(BenchError, match="457"):
        player.play("Range: npt=9-")
    server.shutdown(socket.SHUT_WR)
    with pytest.raises(BenchError, match="closed"):
        player.take()


def test_every_track_is_set_up_at_its_own_url(line: tuple[Player, socket.socket]) -> None:
    player, server = line
    sdp = b"v=0\r\ns=-\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=control:one\r\nm=audio 0 RTP/AVP 0\r\na=control:rtsp://h/two\r\n"
    head = b"RTSP/1.0 200 OK\r\nContent-Base: rtsp://h/x/\r\nContent-Length: %d\r\n\r\n" % len(sdp)
    server.sendall(head + sdp)
    assert player.describe() == ["rtsp://h/x/one", "rtsp://h/two"]
    assert player.aggregate == "rtsp://h/x/"
