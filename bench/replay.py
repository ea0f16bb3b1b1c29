"""From a seek to the first packet: PLAY with a random Range, again and again, in a store of many segments.

The store is made by recording virtual cameras, and it is recorded on while it is played. The peer is GStreamer's RTSP
server, which plays the segments that ffmpeg recorded of the same cameras in the same time (`splitmuxsrc`): the
nearest thing to a recorder's replay that a distribution has.

Then the same at any point of 90 days of 64 cameras (`bench.anywhere`), which no peer can record in the time of a bench.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bench.anywhere import percentile, seek_anywhere
from bench.holdfast import install, key_of
from bench.load import load
from bench.peers import FFMPEG
from bench.player import Player, open_tcp
from bench.programs import BenchError, running, until
from bench.report import Json, Options, Report
from bench.servers import gstreamer
from bench.table import Table, ratio, say, say_ratio

_MBIT = 4.0
_SEGMENT = 10  #: seconds, the shortest that there is, and what ffmpeg's recipes have
_PATIENCE = 60.0  #: seconds
_NEAR = 12.0  #: seconds: play may begin at the key frame before the place that was asked for
_OPENINGS = 5  #: one seek of so many is made by a new client, from its connection on
_SEED = 1  #: so that all servers and all runs are asked for the same places


@dataclass(slots=True)
class Seeks:
    """All seeks of one server, in seconds."""

    name: str
    title: str
    segments: int = 0
    seeks: list[float] = field(
        default_factory=list
    )  #: from the PLAY of a client that is set up to its first packet
    openings: list[float] = field(
        default_factory=list
    )  #: from the connection of a new client to its first packet


def bench(options: Options) -> Report:
    """Record, then seek; first ours, then the peer."""
    cameras, seconds, count = (4, 75, 200) if options.quick else (16, 600, 2000)
    ours = Seeks("holdfast", "Holdfast, while it records")
    theirs = Seeks("gstreamer", "GStreamer's RTSP server, splitmuxsrc over ffmpeg's segments")
    folder = options.folder
    (folder / "ffmpeg").mkdir()
    with load(cameras, _MBIT, folder) as source:
        named = {key_of(number): url for number, url in enumerate(source.urls)}
        settings = ("rtsp.anonymous=true", f"recording.segment={_SEGMENT}")
        installation = install(folder / "data", folder / "holdfast.toml", named, None, settings)
        commands = [
            FFMPEG.command(url, folder / "ffmpeg", f"cam{number}") for number, url in enumerate(source.urls)
        ]
        with installation.running(folder / "holdfast.log") as program:
            program.ready()
            until(
                lambda: len(installation.acknowledged()) >= cameras, _PATIENCE, "every camera to be recorded"
            )
            options.progress(f"{cameras} cameras are recorded for {seconds} s")
            with running(commands, folder / "ffmpeg.log"):
                time.sleep(seconds)
            options.progress(f"{count} seeks: {ours.title}")
            _seek(ours, [program.url(key, "replay") for key in named], seconds - 2 * _SEGMENT, count)
            ours.segments = len(list((folder / "data").rglob("*.mp4")))
    files = [FFMPEG.files(folder / "ffmpeg", f"cam{number}") for number in range(cameras)]
    theirs.segments = sum(map(len, files))
    options.progress(f"{count} seeks: {theirs.title}")
    mounts = {
        f"/camera{number}": f"( splitmuxsrc location={folder / 'ffmpeg'}/cam{number}@*.mp4 ! h264parse"
        " ! rtph264pay name=pay0 pt=96 )"
        for number in range(cameras)
    }
    with gstreamer(mounts, folder / "gstreamer.log", shared=False) as (_, root):
        _seek(theirs, [root + path for path in mounts], seconds - 2 * _SEGMENT, count)
    (folder / "anywhere").mkdir()
    afar = seek_anywhere(replace(options, folder=folder / "anywhere"))
    return Report(
        holdfast={**_figures(ours), **afar.json()},
        peers={theirs.name: _figures(theirs)},
        ratios={theirs.name: ratio(percentile(ours.seeks, 99), percentile(theirs.seeks, 99))},
        load={"cameras": cameras, "mbit_s": _MBIT, "recorded_s": seconds, "segment_s": _SEGMENT},
        tables=[_table(ours, theirs, cameras, seconds), afar.table()],
    )


def _seek(found: Seeks, urls: Sequence[str], length: float, count: int) -> None:
    """Seek in all recordings in turn; every client stays, paused between its seeks."""
    draw = random.Random(_SEED)  # noqa: S311 - no secret
    players = [open_tcp(url) for url in urls]
    try:
        for player in players:
            _first(player, 0.0)  # files are opened, and pipelines built, at the first PLAY
        for number in range(count):
            place = draw.uniform(1.0, length)
            if number % _OPENINGS == 0:
                began = time.monotonic()
                fresh = open_tcp(draw.choice(urls))
                found.openings.append(_first(fresh, place) - began)
                fresh.ask("TEARDOWN", fresh.aggregate)
                fresh.close()
            else:
                began = time.monotonic()
                found.seeks.append(_first(draw.choice(players), place) - began)
    finally:
        for player in players:
            player.close()


def _first(player: Player, place: float) -> float:
    """PLAY from a place; when its first packet was there. Media is paused afterwards.

    Raises:
        BenchError: something else is played than was asked for.
    """
    head, when = player.start(f"Range: npt={place:.3f}-")
    told = re.match(r"npt=([\d.]+)-", head.get("range", ""))
    if told is None or not -_NEAR < float(told[1]) - place < 1.5:
        raise BenchError(f"{player.url}: npt={place:.3f}- was asked for, {head.get('range')} is played")
    player.ask("PAUSE", player.aggregate)
    return when


def _figures(found: Seeks) -> dict[str, Json]:
    def of(values: Sequence[float]) -> dict[str, Json]:
        return {
            "count": len(values),
            "p50_ms": round(1000 * percentile(values, 50), 2),
            "p99_ms": round(1000 * percentile(values, 99), 2),
            "most_ms": round(1000 * max(values), 2),
        }

    return {"segments": found.segments, **of(found.seeks), "from_connect": of(found.openings)}


def _table(ours: Seeks, theirs: Seeks, cameras: int, seconds: int) -> Table:
    def figures(values: Sequence[float]) -> tuple[str, ...]:
        shown = (percentile(values, 50), percentile(values, 99), max(values))
        return tuple(say(1000 * value, 1) for value in shown)

    rows = [
        (
            f"{one.title}: {what}",
            str(one.segments),
            str(len(values)),
            *figures(values),
            "" if one is ours else say_ratio(ratio(percentile(own, 99), percentile(values, 99))),
        )
        for one in (ours, theirs)
        for what, values, own in (
            ("from PLAY", one.seeks, ours.seeks),
            ("from connecting", one.openings, ours.openings),
        )
    ]
    return Table(
        f"Seeks in {cameras} recordings of {seconds} s, milliseconds to the first packet",
        ("", "segments", "seeks", "p50", "p99", "most", "p99, ours / theirs"),
        rows,
        (
            "RTSP over TCP, PLAY with a random npt range, the same places for both; what was played was checked.",
            "From connecting: DESCRIBE, SETUP and PLAY of a new client.",
        ),
    )
