"""CPU of sending live streams to 50 readers, beside GStreamer's RTSP server, and what one stalled reader does to the
others.

Both take in the same cameras, one server after the other, alternated. Ours records them meanwhile, readers or not:
what sending costs is what all its processes take with readers, less what they take without. GStreamer's takes
nothing without readers, so the same holds for it. What was delivered is counted by the readers and compared with what
the cameras sent.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.load import Load, Sent, load
from bench.measure import Sample, Usage, between, others_percent, sample, total
from bench.player import Transport
from bench.readers import Readers, Received, readers
from bench.report import Json, Options, Report
from bench.servers import GStreamerServer, HoldfastServer, Server, Serving
from bench.table import Table, ratio, say, say_ratio, spread

CAMERAS = 4
MBIT = 4.0
READERS = 50
_WARM = 3.0  #: seconds before a measurement
_IDLE = 8.0  #: seconds of the measurement without readers
SHAPES: tuple[tuple[Transport, int], ...] = (
    ("tcp", 0),
    ("udp", 0),
    ("tcp", 1),
)  #: and how many more are stalled


@dataclass(frozen=True, slots=True)
class Window:
    """One measurement of one server."""

    server: str
    transport: Transport
    stalled: int  #: readers that take nothing, beside the 50
    usage: Usage  #: of all its processes
    planes: Mapping[str, Usage]
    idle: float  #: CPU seconds that all its processes take in one second without readers
    gigabits: float  #: that the readers received
    delivered: float  #: of what the cameras sent to every reader, as a share; RTP over TCP counts its framing
    lost: int | None  #: datagrams
    silence: float  #: seconds that a reader waited at most
    others: float  #: per cent of one core

    @property
    def cost(self) -> float:
        """CPU seconds per Gbit sent, beyond what is spent without readers."""
        return self.sending / self.gigabits

    @property
    def sending(self) -> float:
        """CPU seconds, beyond what is spent without readers."""
        return self.usage.cpu - self.idle * self.usage.seconds

    @property
    def rate(self) -> float:
        """Mbit/s that all readers together received."""
        return self.gigabits * 1000 / self.usage.seconds


def bench(options: Options) -> Report:
    """Alternated rounds; each server is measured over TCP, over UDP, and over TCP beside a stalled reader."""
    ours, theirs = HoldfastServer(), GStreamerServer()
    order: list[Server] = [ours, theirs] if options.quick else [ours, theirs, theirs, ours, ours, theirs]
    seconds = 10.0 if options.quick else 30.0
    windows: list[Window] = []
    for number, server in enumerate(order):
        options.progress(f"round {number + 1} of {len(order)}: {server.title}")
        windows += _round(server, seconds, options.folder, options.progress)
    return Report(
        holdfast=_figures(windows, ours.name),
        peers={theirs.name: _figures(windows, theirs.name)},
        ratios={
            theirs.name: ratio(_cost(windows, ours.name, "tcp", 0), _cost(windows, theirs.name, "tcp", 0)),
            f"{theirs.name}_udp": ratio(
                _cost(windows, ours.name, "udp", 0), _cost(windows, theirs.name, "udp", 0)
            ),
        },
        load={"cameras": CAMERAS, "mbit_s": MBIT, "readers": READERS, "stalled_readers": 1},
        tables=[_table(windows, (ours, theirs))],
    )


def _round(server: Server, seconds: float, folder: Path, progress: Callable[[str], None]) -> Iterator[Window]:
    """One run of one server, which is loaded in three ways."""
    own = folder / server.name
    own.mkdir()
    try:
        with load(CAMERAS, MBIT, folder) as source, server.serving(source.urls, own) as serving:
            idle = _idle(serving)
            for transport, stalled in SHAPES:
                with readers(serving.urls, READERS, transport, stalled, folder) as crowd:
                    time.sleep(_WARM)
                    window = _window(
                        server, transport, stalled, idle, _looks(source, serving, crowd, seconds)
                    )
                progress(
                    f"  {transport}{', one stalled' if stalled else ''}: {window.cost:.3f} CPU-s/Gbit at "
                    f"{window.rate:.0f} Mbit/s, {100 * window.delivered:.1f} % delivered, "
                    f"{1000 * window.silence:.0f} ms of silence at most"
                )
                yield window
    finally:
        shutil.rmtree(own)


@dataclass(frozen=True, slots=True)
class _Look:
    at: float  #: monotonic seconds, when `sent` was counted
    sent: Sent
    received: Received
    sample: Sample


def _looks(source: Load, serving: Serving, crowd: Readers, seconds: float) -> tuple[_Look, _Look]:
    """All counters, twice. They are not of one instant: rates are compared, not sums."""

    def look() -> _Look:
        sent = source.sent_now()
        return _Look(time.monotonic(), sent, crowd.received_now(), sample(serving.groups))

    first = look()
    time.sleep(seconds)
    return first, look()


def _idle(serving: Serving) -> float:
    """CPU seconds per second without readers."""
    time.sleep(_WARM)
    first = sample(serving.groups)
    time.sleep(_IDLE)
    used = total(between(first, sample(serving.groups)).values())
    return used.cpu / used.seconds


def _window(
    server: Server, transport: Transport, stalled: int, idle: float, looks: tuple[_Look, _Look]
) -> Window:
    first, second = looks
    used = between(first.sample, second.sample)
    came, before = second.received, first.received
    rate = (came.gigabits - before.gigabits) / (came.at - before.at)  # Gbit/s
    sent = (second.sent.gigabits - first.sent.gigabits) / (second.at - first.at)
    whole = total(used.values())
    return Window(
        server=server.name,
        transport=transport,
        stalled=stalled,
        usage=whole,
        planes=used,
        idle=idle,
        gigabits=rate * whole.seconds,
        delivered=rate / READERS / (sent / CAMERAS),
        lost=None if came.lost is None else came.lost - (before.lost or 0),
        silence=came.silence,
        others=others_percent(first.sample, second.sample),
    )


def _of(windows: Sequence[Window], server: str, transport: Transport, stalled: int) -> list[Window]:
    return [w for w in windows if (w.server, w.transport, w.stalled) == (server, transport, stalled)]


def _cost(windows: Sequence[Window], server: str, transport: Transport, stalled: int) -> float:
    """CPU seconds per Gbit over all rounds."""
    mine = _of(windows, server, transport, stalled)
    return sum(w.sending for w in mine) / sum(w.gigabits for w in mine)


def _figures(windows: Sequence[Window], server: str) -> dict[str, Json]:
    """Of one server, for reports: the headline, and each of the three loads."""
    found: dict[str, Json] = {"cpu_seconds_per_gbit": round(_cost(windows, server, "tcp", 0), 4)}
    for transport, stalled in SHAPES:
        mine = _of(windows, server, transport, stalled)
        lost = [w.lost for w in mine if w.lost is not None]
        found[f"{transport}_stalled" if stalled else transport] = {
            "cpu_seconds_per_gbit": round(_cost(windows, server, transport, stalled), 4),
            "cpu_seconds_per_gbit_with_recording": round(
                sum(w.usage.cpu for w in mine) / sum(w.gigabits for w in mine), 4
            ),
            "core_percent": round(max(w.usage.core_percent for w in mine), 1),
            "mbit_s": round(min(w.rate for w in mine), 1),
            "delivered": round(min(w.delivered for w in mine), 4),
            "datagrams_lost": sum(lost) if lost else None,
            "longest_silence_ms": round(1000 * max(w.silence for w in mine)),
            "pss_mb": round(max(w.usage.memory.pss for w in mine) / 1e6, 1),
            "others_percent": round(max(w.others for w in mine), 1),
        }
    return found


def _table(windows: Sequence[Window], servers: Sequence[Server]) -> Table:
    rows: list[tuple[str, ...]] = []
    ours = servers[0].name
    for server in servers:
        for transport, stalled in SHAPES:
            mine = _of(windows, server.name, transport, stalled)
            theirs = _cost(windows, server.name, transport, stalled)
            lost = [w.lost for w in mine if w.lost is not None]
            rows.append(
                (
                    f"{server.title}, {transport.upper()}{', and a stalled one' if stalled else ''}",
                    spread([w.cost for w in mine], 3),
                    say_ratio(ratio(_cost(windows, ours, transport, stalled), theirs))
                    if server.name != ours
                    else "",
                    spread([w.usage.core_percent for w in mine], 1),
                    spread([100 * w.delivered for w in mine], 1),
                    str(sum(lost)) if lost else "-",
                    say(1000 * max(w.silence for w in mine), 0),
                    spread([w.usage.memory.pss / 1e6 for w in mine], 0),
                )
            )
            if server.name == ours:
                rows.append(_plane_row(mine, "streaming"))
    others = max(w.others for w in windows)
    return Table(
        f"{READERS} readers of {CAMERAS} live streams of {MBIT:g} Mbit/s",
        (
            "",
            "CPU-s/Gbit sent",
            "ours / theirs",
            "% of a core",
            "% delivered",
            "datagrams lost",
            "longest silence ms",
            "PSS MB",
        ),
        rows,
        (
            "CPU of all processes of a server, beyond what they take without readers (ours records all the time).",
            "Per cent of a core: everything, recording included.",
            "Delivered: octets that readers received, of what the cameras sent; interleaving adds a little to RTP.",
            f"All else on the machine, cameras and readers included, took up to {others:.0f} % of a core.",
        ),
    )


def _plane_row(windows: Sequence[Window], plane: str) -> tuple[str, ...]:
    costs = [w.planes[plane].cpu / w.gigabits for w in windows]
    percents = [w.planes[plane].core_percent for w in windows]
    memory = [w.planes[plane].memory.pss / 1e6 for w in windows]
    return (f"– {plane} alone", spread(costs, 3), "", spread(percents, 1), "", "", "", spread(memory, 0))
