"""A thousand malformed or hostile SOAP bodies a second against a recorder that records: is it still recording, does its
memory stay, and does it answer who asks what he may? No peer: what is counted is ours alone."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lxml import etree

from bench.archive import envelope
from bench.meanwhile import CAMERAS, MBIT, recorded_meanwhile
from bench.measure import Groups, sample
from bench.pages import LOGIN
from bench.programs import BenchError
from bench.report import Options, Report
from bench.table import Table, say
from protocols.onvif.names import ENV, TDS, TRC, TSE, TT
from protocols.onvif.xml import sub

_RATE = 1000  #: bodies a second
_CONNECTIONS = 16
_PATIENCE = 60.0  #: seconds
_POOL = 32  #: bodies of a kind that is sent again and again
_VALID = 0.1  #: seconds between two requests of who is no attacker
_SETTLED = 0.2  #: of the time: what memory grows by before is that of the first requests of each kind
_DEFECT = b"The operation failed."  #: what a defect of the recorder's own is told as

_OPENED = f'<e:Envelope xmlns:e="{ENV}" xmlns:t="{TSE}" xmlns:tt="{TT}"><e:Body>'
_CLOSED = "</e:Body></e:Envelope>"
_NUMBERS = itertools.count()


def _asked(inside: str) -> bytes:
    return f"{_OPENED}{inside}{_CLOSED}".encode()


def _proven(name: str, *words: tuple[str, str]) -> bytes:
    """A request whose password is right, and nothing else."""
    body = etree.Element(name)
    for child, text in words:
        sub(body, child, text)
    return envelope(body)


def _filtered(expression: str) -> bytes:
    body = etree.Element(TSE.FindRecordings)
    sub(sub(body, TSE.Scope), TT.RecordingInformationFilter, expression)
    sub(body, TSE.KeepAliveTime, "PT1S")
    return envelope(body)


def _mutated(draw: random.Random) -> bytes:
    """A good request, some octets of it changed, lost or doubled."""
    octets = bytearray(_proven(TRC.GetRecordings))
    for _ in range(draw.randrange(1, 12)):
        at = draw.randrange(len(octets))
        change = draw.randrange(3)
        if change == 0:
            octets[at] = draw.randrange(256)
        elif change == 1:
            del octets[at : at + draw.randrange(1, 40)]
        else:
            octets[at:at] = octets[at : at + draw.randrange(1, 200)]
        octets = octets or bytearray(b"<")
    return bytes(octets)


def _wrong(_: random.Random) -> bytes:
    """A stranger's password."""
    stranger = f"mallory{next(_NUMBERS)}"
    return _proven(TRC.GetRecordings).replace(f">{LOGIN.name}<".encode(), f">{stranger}<".encode())


#: What is sent, each kind as often as the others: what proves nothing, and is sent again and again,
STRANGE: dict[str, Callable[[random.Random], bytes]] = {
    "nothing": lambda _: b"",
    "noise": lambda draw: draw.randbytes(draw.randrange(1, 4000)),
    "entities in entities": lambda _: (
        b'<!DOCTYPE l [<!ENTITY a "ha">'
        + b"".join(b'<!ENTITY %c "&%c;&%c;">' % (98 + n, 97 + n, 97 + n) for n in range(20))
        + b"]>"
        + _asked("&u;")
    ),
    "a file of ours": lambda _: b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + _asked("&f;"),
    "deep": lambda draw: _asked("<a>" * (n := draw.randrange(60, 3000)) + "</a>" * n),
    "wide": lambda draw: _asked("<a/>" * draw.randrange(1000, 20_000)),
    "many attributes": lambda draw: _asked(
        "<a " + " ".join(f'a{n}="{n}"' for n in range(draw.randrange(100, 3000))) + "/>"
    ),
    "many namespaces": lambda draw: _asked(
        "<a " + " ".join(f'xmlns:n{n}="u:{n}"' for n in range(draw.randrange(100, 1000))) + "/>"
    ),
    "too long": lambda _: _asked("<a>" + "x" * 300_000 + "</a>"),
    "other character sets": lambda draw: (
        _asked("<a/>").decode().encode(draw.choice(("utf-16", "utf-32", "cp500")))
    ),
    "an older SOAP": lambda _: _asked("<a/>").replace(b"2003/05/soap-envelope", b"2001/12/soap-envelope"),
    "no such operation": lambda draw: _asked(f"<t:Find{'X' * draw.randrange(1, 2000)}/>"),
    "two operations": lambda _: _asked(f'<d:GetScopes xmlns:d="{TDS}"/>' * 2),
}
#: and what comes with a password, or nearly.
PROVEN: dict[str, Callable[[random.Random], bytes]] = {
    "mutated": _mutated,
    "a stranger's": _wrong,
    "cut off": lambda draw: _proven(TRC.GetRecordings)[: draw.randrange(1, 600)],
    "parentheses in a filter": lambda draw: _filtered("not(" * draw.randrange(20, 900) + "boolean(//a)"),
    "a long filter": lambda draw: _filtered(
        " or ".join(["boolean(//Track[a = 'b'])"] * draw.randrange(200, 800))
    ),
    "times that are none": lambda draw: _proven(
        TSE.GetMediaAttributes,
        (TSE.Time, draw.choice(("9999999999-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "-", "9" * 9000))),
    ),
    "numbers that are none": lambda draw: _proven(
        TSE.GetEventSearchResults,
        (TSE.SearchToken, "x" * draw.randrange(1, 3000)),
        (TSE.MaxResults, draw.choice(("9" * 400, "-1", "1e9", "NaN"))),
    ),
    "somebody else's recording": lambda draw: _proven(
        TRC.GetRecordingConfiguration, (TRC.RecordingToken, "../" * draw.randrange(1, 900))
    ),
}
KINDS = STRANGE | PROVEN


@dataclass(slots=True)
class Seen:
    """What came of it."""

    answers: Counter[str] = field(default_factory=Counter)  #: HTTP's status, or `hung up`
    defects: Counter[str] = field(default_factory=Counter)  #: kinds that were answered with a defect
    waits: list[float] = field(default_factory=list)  #: seconds of each valid request
    failed: int = 0  #: valid ones that were not answered as they should be
    memory: list[float] = field(default_factory=list)  #: megabytes of the control plane, once a second

    @property
    def sent(self) -> int:
        """Bodies."""
        return self.answers.total()

    @property
    def grown(self) -> float:
        """Megabytes, from when each kind had come often to the end."""
        settled = self.memory[round(len(self.memory) * _SETTLED) :]
        return statistics.median(settled[-3:]) - statistics.median(settled[:3])


def bench(options: Options) -> Report:
    """`--quick` lasts 10 s instead of 60."""
    seconds = 10.0 if options.quick else 60.0
    seen = Seen()
    with recorded_meanwhile(options.folder) as beside:
        options.progress(f"{_RATE} bodies a second for {seconds:g} s")
        began = time.monotonic()
        control = {"control": beside.groups["control"]}
        asyncio.run(_attack(beside.program.onvif, control, seconds, seen))
        took = time.monotonic() - began
    used = beside.used
    figures = {
        "bodies_per_s": round(seen.sent / took),
        "hung_up": seen.answers["hung up"],
        "defects": seen.defects.total(),
        "valid": len(seen.waits),
        "valid_failed": seen.failed,
        "valid_p50_ms": round(1000 * statistics.median(seen.waits), 2),
        "valid_p99_ms": round(1000 * statistics.quantiles(seen.waits, n=100)[98], 2),
        "control_grown_mb": round(seen.grown, 2),
        "control_cores": round(used["control"].core_percent / 100, 3),
        "recording_cores": round(used["recording"].core_percent / 100, 3),
    }
    told = ", ".join(f"{number} {status}" for status, number in sorted(seen.answers.items()))
    return Report(
        holdfast={**figures, **beside.figures()},
        peers={},
        ratios={},
        load={"cameras": CAMERAS, "mbit_s": MBIT, "seconds": seconds, "rate": _RATE, "kinds": len(KINDS)},
        tables=[
            Table(
                f"{_RATE} hostile SOAP bodies a second for {seconds:g} s",
                ("", "figure", "wanted"),
                [
                    ("bodies a second", str(figures["bodies_per_s"]), str(_RATE)),
                    ("answered as a defect of ours", str(figures["defects"]), "0"),
                    ("connections hung up before an answer", str(figures["hung_up"]), ""),
                    ("valid requests meanwhile", str(figures["valid"]), ""),
                    ("of them not answered as they should be", str(figures["valid_failed"]), "0"),
                    ("valid requests, ms, median", say(figures["valid_p50_ms"], 1), ""),
                    ("valid requests, ms, 99 %", say(figures["valid_p99_ms"], 1), ""),
                    ("memory of the control plane, MB more", say(figures["control_grown_mb"], 1), "0"),
                    ("control plane, cores", say(figures["control_cores"], 2), ""),
                    ("recording plane, cores", say(figures["recording_cores"], 2), ""),
                    *beside.rows(),
                ],
                (
                    f"{len(KINDS)} kinds in turn, over {_CONNECTIONS} connections; {CAMERAS} cameras recorded.",
                    f"Answered: {told}.",
                    *(f"Defect: {kind}, {number} times." for kind, number in sorted(seen.defects.items())),
                ),
            )
        ],
    )


async def _attack(url: str, control: Groups, seconds: float, seen: Seen) -> None:
    parts = urlsplit(url)
    host, port, path = parts.hostname or "", parts.port or 80, parts.path
    until_then = time.monotonic() + seconds
    draw, names = random.Random(3), itertools.cycle(KINDS)  # noqa: S311 - the same bodies each time
    pools = {kind: [make(draw) for _ in range(_POOL)] for kind, make in STRANGE.items()}

    def body(kind: str) -> bytes:
        return draw.choice(pools[kind]) if kind in pools else PROVEN[kind](draw)

    tasks = [_send(Line(host, port, path), until_then, names, body, seen) for _ in range(_CONNECTIONS)]
    await asyncio.gather(
        *tasks, _ask(Line(host, port, path), until_then, seen), _weigh(control, until_then, seen)
    )


async def _weigh(control: Groups, until_then: float, seen: Seen) -> None:
    while time.monotonic() < until_then:
        seen.memory.append(sample(control).memory["control"].rss / 1e6)
        await asyncio.sleep(1.0)


async def _ask(line: Line, until_then: float, seen: Seen) -> None:
    """Who asks what he may."""
    for number in itertools.count():
        if time.monotonic() > until_then:
            break
        wanted = (TRC.GetRecordings, TDS.GetSystemDateAndTime, TDS.GetDeviceInformation)[number % 3]
        began = time.monotonic()
        status, reply = await line.send(_proven(wanted))
        seen.waits.append(time.monotonic() - began)
        answered = etree.QName(wanted).localname + "Response"
        seen.failed += status != "200" or answered.encode() not in reply
        await asyncio.sleep(max(0.0, began + _VALID - time.monotonic()))
    await line.close()


async def _send(
    line: Line, until_then: float, names: itertools.cycle[str], body: Callable[[str], bytes], seen: Seen
) -> None:
    """One connection of those who attack."""
    began = time.monotonic()
    for number in itertools.count():
        due = began + number * _CONNECTIONS / _RATE
        if max(due, time.monotonic()) > until_then:
            break
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        kind = next(names)
        status, reply = await line.send(body(kind))
        seen.answers[status] += 1
        if _DEFECT in reply:
            seen.defects[kind] += 1
    await line.close()


class Line:
    """A connection of HTTP, made anew when it was hung up."""

    def __init__(self, host: str, port: int, path: str) -> None:
        self._host, self._port, self._path = host, port, path
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, body: bytes) -> tuple[str, bytes]:
        """Status and body of the answer; `hung up`."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, self._port)
            reader, writer = self._streams
            asked = f"POST {self._path} HTTP/1.1\r\nHost: {self._host}:{self._port}"
            writer.write(f"{asked}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            async with asyncio.timeout(_PATIENCE):
                answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = re.search(r"(?i)\r\ncontent-length: *(\d+)", answer)
                reply = await reader.readexactly(int(length[1]) if length else 0)
            if re.search(r"(?i)\r\nconnection: *close", answer):
                await self.close()
            return answer.split(" ", 2)[1], reply
        except (OSError, asyncio.IncompleteReadError):
            await self.close()
            return "hung up", b""
        except TimeoutError:
            raise BenchError(f"No answer within {_PATIENCE:g} s") from None

    async def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            writer, self._streams = self._streams[1], None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
