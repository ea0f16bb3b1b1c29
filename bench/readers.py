"""Many readers of live streams in one process, which takes what comes and counts it:
`python -m bench.readers --readers N --transport tcp URL...`.

All sockets are read in rounds, so that 50 readers cost little beside the server that they load.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.load import first_line
from bench.player import Player, Transport, connect
from bench.programs import BenchError, end, until

ROUND = 0.02  #: seconds
_READY = 120.0  #: seconds until every reader has its first media
_ALIVE = 15.0  #: seconds between signs of life of one reader
_REPORT = 5.0  #: seconds within which counters are written anew
_PIECE = 1 << 20  #: octets that are read at once


@dataclass(frozen=True, slots=True)
class Received:
    """What all readers together received since each of them began."""

    at: float  #: monotonic seconds
    octets: int  #: of TCP streams, or of datagrams
    lost: int | None  #: datagrams that are missing by sequence number; None over TCP
    silence: float  #: seconds that the most unlucky reader had to wait for something at most

    @property
    def gigabits(self) -> float:
        """Gbit."""
        return self.octets * 8 / 1e9


@dataclass(frozen=True, slots=True)
class Readers:
    """A running process of readers."""

    report: Path

    def received_now(self) -> Received:
        """Its counters, written this very moment: waits for the next report, about half a second."""
        last = self.report.stat().st_mtime_ns
        until(lambda: self.report.stat().st_mtime_ns != last, _REPORT, "the counters of the readers")
        told = json.loads(self.report.read_text())
        return Received(told["at"], told["octets"], told["lost"], told["silence"])


@contextlib.contextmanager
def readers(
    urls: Sequence[str], count: int, transport: Transport, stalled: int, folder: Path
) -> Iterator[Readers]:
    """Run `count` readers of the URLs in turn, of which every one has its media, and beside them `stalled` more
    that take nothing once they play.

    Raises:
        BenchError: they did not get their media.
    """
    report, log = folder / "readers.json", folder / "readers.log"
    report.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "bench.readers", "--readers", str(count), "--transport", transport),
        *("--stalled", str(stalled), "--report", str(report), *urls),
    ]
    with log.open("ab") as said:
        program = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, process_group=0
        )
        try:
            first_line(program, _READY, "the readers", log)
            yield Readers(report)
        finally:
            end([program])
            if program.stdout:
                program.stdout.close()


@dataclass(slots=True)
class _Reader:
    player: Player
    sockets: list[socket.socket]  #: that carry RTP
    octets: int = 0
    lost: int = 0
    sequence: int | None = None
    heard: float = 0.0
    silence: float = 0.0

    def read(self, piece: memoryview, datagrams: bool) -> None:
        """Take all that is there."""
        before = self.octets
        for number, sock in enumerate(self.sockets):
            while True:
                try:
                    size = sock.recv_into(piece)
                except BlockingIOError:
                    break
                if not size:
                    raise BenchError(f"{self.player.url}: the server closed the connection")
                self.octets += size
                if datagrams and number == 0:
                    sequence = piece[2] << 8 | piece[3]
                    if self.sequence is not None:
                        self.lost += (sequence - self.sequence - 1) & 0xFFFF
                    self.sequence = sequence
                if not datagrams and size < len(piece):
                    break
        now = time.monotonic()
        if self.octets != before:
            if self.heard:
                self.silence = max(self.silence, now - self.heard)
            self.heard = now


def main(arguments: list[str]) -> int:
    """Read until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m bench.readers")
    parser.add_argument("--readers", type=int, required=True)
    parser.add_argument("--transport", choices=("tcp", "udp"), required=True)
    parser.add_argument("--stalled", type=int, required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("urls", nargs="+")
    given = parser.parse_args(arguments)
    datagrams = given.transport == "udp"
    crowd: list[_Reader] = []
    for number in range(given.readers):
        player = _playing(given.urls[number % len(given.urls)], given.transport)
        player.control.setblocking(False)
        sockets = [pair[0] for pair in player.ports] if datagrams else [player.control]
        crowd.append(_Reader(player, sockets))
    lazy = [
        _playing(given.urls[number % len(given.urls)], given.transport) for number in range(given.stalled)
    ]
    _rounds(crowd, given.report, datagrams)
    return len(lazy)


def _playing(url: str, transport: Transport) -> Player:
    player = connect(url)
    player.setup(transport)
    player.play()
    return player


def _rounds(crowd: list[_Reader], report: Path, datagrams: bool) -> None:
    piece = memoryview(bytearray(_PIECE))
    ready, written, alive = False, 0.0, time.monotonic()
    begun = time.monotonic()
    number = 0
    while True:
        number += 1
        late = begun + number * ROUND - time.monotonic()
        time.sleep(max(0.0, late))
        for reader in crowd:
            reader.read(piece, datagrams)
        now = time.monotonic()
        if now - alive > _ALIVE:
            alive = now
            for reader in crowd:
                reader.player.send("GET_PARAMETER", reader.player.aggregate)
        if now - written > 0.5:
            written = now
            _write(crowd, report, datagrams)
            if not ready and all(reader.octets for reader in crowd):
                ready = True
                print("playing", flush=True)


def _write(crowd: list[_Reader], report: Path, datagrams: bool) -> None:
    told = {
        "at": time.monotonic(),
        "octets": sum(reader.octets for reader in crowd),
        "lost": sum(reader.lost for reader in crowd) if datagrams else None,
        "silence": max(reader.silence for reader in crowd),
    }
    fresh = report.with_suffix(".new")
    fresh.write_text(json.dumps(told))
    fresh.replace(report)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
