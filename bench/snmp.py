"""CPU that SNMP requests cost, beside Debian's snmpd serving the same rows of the same machine.

Both answer for this machine's interfaces (ifTable, ifXTable). The client keeps 16 requests in flight over 16
sockets; requests of v3 are encrypted beforehand, so that the agents alone are measured: their own CPU per
1000 requests, in alternating rounds. Then ours, which has the rows of a recorder of 16 cameras besides, is walked
from end to end, while another manager asks it something every millisecond.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.measure import between, sample
from bench.programs import BenchError, end, until
from bench.report import Options, Report
from bench.snmp_walk import late, walk_table, walks
from bench.table import Table, ratio, say, say_ratio, spread
from protocols.snmp import ber
from protocols.snmp.ber import NULL_VALUE, SEQUENCE, integer, tlv
from protocols.snmp.message import (
    AUTH,
    GET,
    GETBULK,
    GETNEXT,
    PRIV,
    REPORTABLE,
    V2C,
    V3,
    community_message,
    pdu,
    read_pdu,
    read_v3,
    scoped_pdu,
)
from protocols.snmp.usm import NOBODY, Authentication, Engine, Privacy, Secret, User

PASSWORD = "bench-password"  # noqa: S105 - of an agent that lives for a minute on the loopback address
CLIENTS = 16
PREPARED = 256  #: requests of each kind, sent over and over
_PATIENCE = 30.0  # seconds for an agent to answer
_INTERFACES = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_COLUMNS = (2, 3, 4, 5, 7, 8, 10, 14, 16, 20)  # names, types, speeds, states, counters
_BULK = 50

KINDS = {
    "get": ("v2c GET", V2C, GET),
    "next": ("v2c GETNEXT", V2C, GETNEXT),
    "bulk": (f"v2c GETBULK {_BULK}", V2C, GETBULK),
    "v3_get": ("v3 authPriv GET", V3, GET),
    "v3_bulk": (f"v3 authPriv GETBULK {_BULK}", V3, GETBULK),
}  #: name in the report -> title, version, PDU


@dataclass(frozen=True, slots=True)
class Contender:
    """An agent under test."""

    name: str
    pid: int
    port: int


def bench(options: Options) -> Report:
    """Both agents at once, asked in turn."""
    rounds, requests, walked = (3, 4000, 200) if options.quick else (7, 10000, 500)
    with _agents(options.folder) as contenders:
        for contender in contenders:
            until(partial(_answers, contender.port), _PATIENCE, f"{contender.name} to answer")
        time.sleep(1.5)  # until ours has read the machine
        rows = [_rows(contender.port) for contender in contenders]
        _compare(*rows)
        figures: dict[str, dict[str, list[float]]] = {
            contender.name: {kind: [] for kind in KINDS} for contender in contenders
        }
        sizes: dict[str, dict[str, int]] = {contender.name: {} for contender in contenders}
        for number in range(rounds):
            for kind, (title, version, operation) in KINDS.items():
                options.progress(f"round {number + 1} of {rounds}: {title}")
                for contender in contenders if number % 2 else reversed(contenders):
                    prepared = _prepare(contender.port, version, operation, sorted(rows[0]))
                    cost, size = _load(contender, prepared, requests)
                    figures[contender.name][kind].append(cost)
                    sizes[contender.name][kind] = size
        found = walks(contenders[0].port, walked, options.progress)
    medians = {
        name: {kind: statistics.median(costs) for kind, costs in kinds.items()}
        for name, kinds in figures.items()
    }
    return Report(
        holdfast={
            **{f"{kind}_ms_per_1000": round(cost, 3) for kind, cost in medians["holdfast"].items()},
            "walk_seconds": round(statistics.median(each.seconds for each in found), 4),
            "walk_rows": found[0].rows,
            "get_during_walk_p99_ms": round(1000 * late(found), 3),
        },
        peers={"snmpd": {f"{kind}_ms_per_1000": round(cost, 3) for kind, cost in medians["snmpd"].items()}},
        ratios={kind: ratio(medians["holdfast"][kind], medians["snmpd"][kind]) for kind in KINDS},
        load={
            "clients": CLIENTS,
            "requests_per_round": requests,
            "rounds": rounds,
            "cells": len(rows[0]),
            "answer_octets": {name: dict(kinds) for name, kinds in sizes.items()},
        },
        tables=[_table(figures, medians), walk_table(found)],
    )


def _table(figures: dict[str, dict[str, list[float]]], medians: dict[str, dict[str, float]]) -> Table:
    return Table(
        "CPU of an agent, ms per 1000 requests",
        ("request", "holdfast", "snmpd", "ratio"),
        [
            (
                title,
                f"{say(medians['holdfast'][kind], 1)} ({spread(figures['holdfast'][kind], 1)})",
                f"{say(medians['snmpd'][kind], 1)} ({spread(figures['snmpd'][kind], 1)})",
                say_ratio(ratio(medians["holdfast"][kind], medians["snmpd"][kind])),
            )
            for kind, (title, _, _) in KINDS.items()
        ],
        notes=(
            "Lowest and highest round in brackets. Views, limits and users are in force.",
            "Ours reads the machine every second. Counters and gauges are computed at every read.",
        ),
    )


@contextlib.contextmanager
def _agents(folder: Path) -> Iterator[list[Contender]]:
    """Both agents on free ports of the loopback address."""
    snmpd = shutil.which("snmpd") or shutil.which("snmpd", path="/usr/sbin:/sbin")
    if snmpd is None:
        raise BenchError("snmpd is not installed: apt-get install snmpd")
    ours, theirs = _free_port(), _free_port()
    config = folder / "snmpd.conf"
    config.write_text(
        f"agentaddress udp:127.0.0.1:{theirs}\nrocommunity public\n"
        f"createUser initial SHA {PASSWORD} AES {PASSWORD}\nrouser initial priv\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(folder / "persistent"), "MIBS": ""}
    started: list[subprocess.Popen[bytes]] = []
    try:
        with (folder / "agents.log").open("wb") as log:
            commands: tuple[list[str], ...] = (
                [sys.executable, "-P", "-m", "bench.snmp_agent", str(ours), PASSWORD],
                [snmpd, "-f", "-C", "-c", str(config), "-Lf", str(folder / "snmpd.log"), "-I", "-smux"],
            )
            for command in commands:
                started.append(  # noqa: PERF401 - one by one, so that the first is ended where the second fails
                    subprocess.Popen(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        env=environment,
                        process_group=0,
                    )
                )
        yield [
            Contender("holdfast", started[0].pid, ours),
            Contender("snmpd", started[1].pid, theirs),
        ]
    finally:
        end(started)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


# ------------------------------------------------------------------------------------------------ requests


def _ask(port: int, datagram: bytes, seconds: float) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(seconds)
        sock.connect(("127.0.0.1", port))
        sock.send(datagram)
        return sock.recv(65535)


def _varbind(oid: ber.Oid) -> bytes:
    return tlv(SEQUENCE, ber.name(oid) + NULL_VALUE)


def _answers(port: int) -> bool:
    question = community_message(V2C, b"public", pdu(GETNEXT, 1, [_varbind((*_INTERFACES, 1))]))
    try:
        return bool(_ask(port, question, 0.3))
    except OSError:
        return False


def _rows(port: int) -> dict[ber.Oid, bytes]:
    """All of ifTable's instances that are asked for, and their values."""
    found: dict[ber.Oid, bytes] = {}
    for column in _COLUMNS:
        name: ber.Oid = (*_INTERFACES, column)
        while True:
            answer = _ask(port, community_message(V2C, b"public", pdu(GETNEXT, 1, [_varbind(name)])), 2.0)
            at, stop = _pdu_in(answer)
            _, got = read_pdu(answer, at, stop)
            name = ber.read_name(got.names[0])
            if name[: len(_INTERFACES) + 1] != (*_INTERFACES, column):
                break
            found[name] = got.values[0]
    return found


def _pdu_in(message: bytes) -> tuple[int, int]:
    start, end = ber.element(message, 0, len(message), SEQUENCE)
    _, at = ber.read_integer(message, start, end)
    return ber.element(message, at, end, ber.OCTETS)[1], end


def _compare(ours: dict[ber.Oid, bytes], theirs: dict[ber.Oid, bytes]) -> None:
    """The same instances, and the same values where they stand still."""
    if ours.keys() != theirs.keys():
        raise BenchError(f"the agents show different instances: {sorted(ours.keys() ^ theirs.keys())[:5]}")
    still = [name for name in ours if name[len(_INTERFACES)] in (3, 4, 7, 8)]
    if differing := [name for name in still if ours[name] != theirs[name]]:
        raise BenchError(f"the agents show different values: {differing[:5]}")


def _body(operation: int, number: int, name: ber.Oid) -> bytes:
    if operation != GETBULK:
        return pdu(operation, number, [_varbind(name)])
    listed = tlv(SEQUENCE, _varbind(name))
    return tlv(GETBULK, integer(number) + integer(0) + integer(_BULK) + listed)


def _prepare(port: int, version: int, operation: int, names: Sequence[ber.Oid]) -> list[bytes]:
    """Requests, ready to be sent."""
    seal = _sealer(port) if version == V3 else None
    prepared = []
    for number in range(1, PREPARED + 1):
        name: ber.Oid = names[number * 7 % len(names)]
        if operation == GETBULK:
            name = (*_INTERFACES, _COLUMNS[number % 3])
        body = _body(operation, 0x10000000 + number, name)
        prepared.append(seal(number, body) if seal is not None else community_message(V2C, b"public", body))
    return prepared


def _sealer(port: int) -> Callable[[int, bytes], bytes]:
    """What encrypts requests for the agent at that port, whose engine is asked first."""
    question = Engine(b"", 0, 0).seal(
        integer(1), REPORTABLE, NOBODY, 0, 65507, scoped_pdu(b"", b"", pdu(GET, 1, ()))
    )
    answer = _ask(port, question, 2.0)
    start, end = ber.element(answer, 0, len(answer), SEQUENCE)
    _, at = ber.read_integer(answer, start, end)
    told = read_v3(answer, at, end).header
    engine = Engine(told.engine, told.boots, 1)
    secret = Secret.of("initial", Authentication.SHA, PASSWORD, Privacy.AES, PASSWORD)
    user = User(secret, told.engine)

    def seal(number: int, body: bytes) -> bytes:
        flags = AUTH | PRIV | REPORTABLE
        scoped = scoped_pdu(told.engine, b"", body)
        return engine.seal(integer(0x10000000 + number), flags, user, told.time, 65507, scoped)

    return seal


def _load(contender: Contender, prepared: Sequence[bytes], requests: int) -> tuple[float, int]:
    """Send so many requests; milliseconds of the agent's CPU per 1000 answers, and octets of an answer.
    Raises BenchError where answers are missing."""
    groups = {contender.name: (contender.pid,)}
    sockets = []
    selector = selectors.DefaultSelector()
    try:
        for _ in range(CLIENTS):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.connect(("127.0.0.1", contender.port))
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ)
            sockets.append(sock)
        before = sample(groups)
        sent = done = octets = 0
        for sock in sockets:
            sock.send(prepared[sent % PREPARED])
            sent += 1
        while done < requests:
            ready = selector.select(_PATIENCE)
            if not ready:
                raise BenchError(f"{contender.name} answered {done} of {requests} requests")
            for key, _ in ready:
                asked = key.fileobj
                assert isinstance(asked, socket.socket)
                octets += len(asked.recv(65535))
                done += 1
                if sent < requests:
                    asked.send(prepared[sent % PREPARED])
                    sent += 1
        used = between(before, sample(groups))[contender.name]
        return used.cpu * 1_000_000 / done, octets // done
    finally:
        selector.close()
        for sock in sockets:
            sock.close()
