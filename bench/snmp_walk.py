"""A whole walk of an agent by GETBULK, and how long somebody else's GET takes meanwhile."""

from __future__ import annotations

import selectors
import socket
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.programs import BenchError
from bench.table import Table, say
from protocols.snmp import ber
from protocols.snmp.ber import NULL_VALUE, OCTETS, SEQUENCE, integer, tlv
from protocols.snmp.message import END_OF_VIEW, GET, GETBULK, V2C, Pdu, community_message, pdu, read_pdu

_EVERY = 0.001  # seconds from one GET to the next
_REPETITIONS = 50
_PATIENCE = 30.0  # seconds for an answer
_UPTIME = (1, 3, 6, 1, 2, 1, 1, 3, 0)


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk."""

    seconds: float
    rows: int
    requests: int
    gets: tuple[float, ...]  #: seconds that the GETs of another manager took meanwhile


def walk(port: int) -> Walk:
    """From the first object to the end, with the community `public`. Raises BenchError: an answer is missing."""
    with (
        selectors.DefaultSelector() as selector,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as walking,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking,
    ):
        for sock in (walking, asking):
            sock.connect(("127.0.0.1", port))
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ)
        get = community_message(V2C, b"public", pdu(GET, 1, [_varbind(ber.name_body(_UPTIME))]))
        rows = requests = 0
        gets: list[float] = []
        start = heard = time.perf_counter()
        asked: float | None = None  #: when the GET left that has no answer yet
        due = start
        walking.send(_bulk(ber.name_body((1, 0))))
        while True:
            now = time.perf_counter()
            if asked is None and now >= due:
                asked, due = now, now + _EVERY
                asking.send(get)
            for key, _ in selector.select(_EVERY if asked is None else _PATIENCE):
                now = heard = time.perf_counter()
                if key.fileobj is asking:
                    asking.recv(65535)
                    assert asked is not None
                    gets.append(now - asked)
                    asked = None
                    continue
                requests += 1
                found = _answer(walking.recv(65535))
                at_end = found.values[-1] == END_OF_VIEW
                rows += len(found.names) - found.values.count(END_OF_VIEW)
                if at_end:
                    return Walk(now - start, rows, requests, tuple(gets))
                walking.send(_bulk(found.names[-1]))
            if time.perf_counter() - heard > _PATIENCE:
                raise BenchError("the agent does not answer any more")


def walks(port: int, count: int, progress: Callable[[str], None]) -> list[Walk]:
    """So many, one after the other."""
    progress(f"{count} walks with a GET every millisecond")
    return [walk(port) for _ in range(count)]


def late(found: Sequence[Walk]) -> float:
    """The 99th percentile of what a GET took during these walks, in seconds."""
    return _late([each for walked in found for each in walked.gets])


def walk_table(found: Sequence[Walk]) -> Table:
    """For people."""
    seconds = [1000 * each.seconds for each in found]
    taken = [1000 * each for walked in found for each in walked.gets]
    return Table(
        "A whole walk of a recorder of 16 cameras by GETBULK, and a GET every millisecond meanwhile",
        ("ms", "median", "p99", "worst"),
        [
            (f"walk, {found[0].rows} rows", *_said(seconds)),
            ("GET", *_said(taken)),
        ],
        notes=(f"{len(found)} walks of {found[0].requests} requests, {len(taken)} GETs.",),
    )


def _said(values: Sequence[float]) -> tuple[str, str, str]:
    return say(statistics.median(values), 2), say(_late(values), 2), say(max(values), 2)


def _late(values: Sequence[float]) -> float:
    """The 99th percentile."""
    return sorted(values)[min(len(values) - 1, len(values) * 99 // 100)]


def _varbind(body: bytes) -> bytes:
    return tlv(SEQUENCE, tlv(ber.NAME, body) + NULL_VALUE)


def _bulk(after: bytes) -> bytes:
    listed = tlv(SEQUENCE, _varbind(after))
    return community_message(
        V2C, b"public", tlv(GETBULK, integer(2) + integer(0) + integer(_REPETITIONS) + listed)
    )


def _answer(data: bytes) -> Pdu:
    start, end = ber.element(data, 0, len(data), SEQUENCE)
    _, at = ber.read_integer(data, start, end)
    _, at = ber.element(data, at, end, OCTETS)
    return read_pdu(data, at, end)[1]
