"""Seeks to any point of 90 days of 64 cameras: PLAY until the first packet, and key frames as one sees them who drags a
timeline. Video lies in minutes chosen by chance; neither it nor the catalogue is in the cache when the seeks begin."""

from __future__ import annotations

import os
import random
import re
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.archive import archive
from bench.catalogue import BEGIN, CAMERAS, lay, token
from bench.measure import turns
from bench.player import Player, open_tcp
from bench.programs import BenchError
from bench.report import Json, Options
from bench.store import clip, record
from bench.table import Table, say
from device.folder import DataFolder
from device.media import MICROSECONDS, Utc
from device.recording.catalogue import CatalogueReader

_MINUTE = 60 * MICROSECONDS
_EVERY = 360  #: minutes between two gaps
_LASTS = 58.0  #: seconds of each piece: one segment
_MBIT = 0.5
_SCRUBS = 20  #: seeks a second of one who scrubs
_SHOWN = 2 * MICROSECONDS  #: of the time line, of which each of his seeks wants the key frames
_SLOWEST = 50  #: one of so many is looked at more closely
_GROUP = 2.5  #: seconds: play may begin at the key frame before
_RANGE = "%Y%m%dT%H%M%S.%fZ"
_ONVIF = ("Require: onvif-replay", "Rate-Control: no", "Frames: intra", "Immediate: yes")


@dataclass(frozen=True, slots=True, order=True)
class Seek:
    """Seconds."""

    took: float  #: from PLAY to the first packet
    ran: float  #: that the threads of the streaming plane ran meanwhile, and until the answer to PAUSE
    waited: float  #: and that they waited for a core, each for itself


@dataclass(frozen=True, slots=True)
class Afar:
    """All seeks."""

    days: int
    pieces: int
    plays: Sequence[Seek]
    scrubs: Sequence[Seek]  #: PLAY asks for key frames
    late: int  #: scrubs that came after the next one was due

    def json(self) -> dict[str, Json]:
        """For scripts."""
        return {
            "anywhere_p50_ms": round(1000 * percentile(_took(self.plays), 50), 2),
            "anywhere_p99_ms": round(1000 * percentile(_took(self.plays), 99), 2),
            "scrub_p99_ms": round(1000 * percentile(_took(self.scrubs), 99), 2),
            "scrub_late": self.late,
        }

    def table(self) -> Table:
        """For people."""
        slowest = sorted((*self.plays, *self.scrubs))[-max(1, len(self.plays) // _SLOWEST) :]
        took, ran, waited = (
            1000 * statistics.mean(each)
            for each in zip(*((one.took, one.ran, one.waited) for one in slowest), strict=True)
        )
        rows = [
            (title, str(len(values)), *(say(1000 * value, 1) for value in shown), target)
            for title, values, target in (
                ("PLAY at any point", _took(self.plays), "50"),
                (
                    f"scrubbing, {_SCRUBS} seeks a second, key frames alone",
                    _took(self.scrubs),
                    say(1000 / _SCRUBS, 0),
                ),
            )
            for shown in ((percentile(values, 50), percentile(values, 99), max(values)),)
        ]
        return Table(
            f"Seeks in {self.days} days x {CAMERAS} cameras, milliseconds to the first packet",
            ("", "seeks", "p50", "p99", "most", "target, p99"),
            rows,
            (
                f"Video lies in {self.pieces} minutes chosen by chance; what came was checked.",
                f"{self.late} of {len(self.scrubs)} scrubs were late for the next one.",
                (
                    f"The slowest of all ({len(slowest)}) took {took:.1f} ms: the threads of the streaming plane ran"
                    f" {ran:.1f} ms, and waited {waited:.1f} ms for a core."
                ),
            ),
        )


def seek_anywhere(options: Options) -> Afar:
    """`--quick` has nine days instead of ninety."""
    days, pieces = (9, 64) if options.quick else (90, 256)
    draw = random.Random(11)  # noqa: S311 - the same places each time
    minutes = draw.sample([minute for minute in range(days * 1440) if minute % _EVERY < _EVERY - 1], pieces)
    places = [(Utc(BEGIN + minute * _MINUTE), draw.randrange(CAMERAS)) for minute in sorted(minutes)]
    sent = clip(_MBIT)
    options.progress(f"recording {pieces} minutes")
    made = record(options.folder / "pieces", [(at, token(camera)) for at, camera in places], _LASTS, sent)

    def fill(folder: DataFolder) -> None:
        with CatalogueReader(made.catalogue) as reader:
            for at, camera in places:
                (segment,) = reader.segments(token(camera), at, Utc(at + _MINUTE))
                lay(folder, at, camera, segment)
        _forget((folder.catalogue, *folder.video.rglob("*.mp4")))

    with archive(options, days, sent, _EVERY, fill) as (program, groups):
        (plane,) = groups["streaming"]
        players = {camera: open_tcp(f"{program.rtsp}/replay/{token(camera)}") for _, camera in places}
        try:
            options.progress(f"{2 * pieces} seeks")
            plays = [
                _measured(plane, _play, players[camera], _within(at, draw))
                for at, camera in _shuffled(places, draw)
            ]
            scrubs, late = [], 0
            began = time.monotonic()
            for number, (at, camera) in enumerate(_shuffled(places, draw)):
                due = began + number / _SCRUBS
                time.sleep(max(0.0, due - time.monotonic()))
                scrubs.append(_measured(plane, _scrub, players[camera], _within(at, draw)))
                late += time.monotonic() > due + 1 / _SCRUBS
        finally:
            for player in players.values():
                player.close()
    return Afar(days, pieces, plays, scrubs, late)


def _shuffled(places: Sequence[tuple[Utc, int]], draw: random.Random) -> list[tuple[Utc, int]]:
    """Each once."""
    return draw.sample(places, len(places))


def _within(minute: Utc, draw: random.Random) -> Utc:
    return Utc(minute + draw.randrange(round((_LASTS - 3) * MICROSECONDS)))


def _forget(files: Iterable[Path]) -> None:
    """Let the system's cache forget them."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def _measured(plane: int, seek: Callable[[Player, Utc], float], player: Player, at: Utc) -> Seek:
    """One, and what it cost the streaming plane, whose process `plane` is."""
    before = turns(plane)
    took = seek(player, at)
    ran, waited = (now - then for now, then in zip(turns(plane), before, strict=True))
    return Seek(took, ran, waited)


def _took(seeks: Iterable[Seek]) -> list[float]:
    return [one.took for one in seeks]


def _play(player: Player, at: Utc) -> float:
    """Seconds until the first packet; media is paused afterwards."""
    return _first(player, at, f"Range: clock={_clock(at)}-")


def _scrub(player: Player, at: Utc) -> float:
    """The same of the key frames around a place."""
    return _first(player, at, *_ONVIF, f"Range: clock={_clock(at)}-{_clock(Utc(at + _SHOWN))}")


def _first(player: Player, at: Utc, *fields: str) -> float:
    """Raises BenchError: something else is played than was asked for."""
    began = time.monotonic()
    head, when = player.start(*fields)
    told = re.match(r"clock=([\dTZ.]+)-", head.get("range", ""))
    if told is None or abs(_read(told[1]) - at) > _GROUP * MICROSECONDS:
        raise BenchError(f"{player.url}: {fields[-1]} was asked for, {head.get('range')} is played")
    player.ask("PAUSE", player.aggregate)
    return when - began


def _clock(at: Utc) -> str:
    return datetime.fromtimestamp(at / MICROSECONDS, UTC).strftime(_RANGE)


def _read(told: str) -> int:
    form = _RANGE if "." in told else _RANGE.replace(".%f", "")
    moment = datetime.strptime(told, form).replace(tzinfo=UTC)
    return round(moment.timestamp() * MICROSECONDS)


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many per cent are not above."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
