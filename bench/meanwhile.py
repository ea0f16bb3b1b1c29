"""A recorder that records while something else goes on: was everything recorded?"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.holdfast import Program, install, key_of
from bench.load import load
from bench.measure import Groups, Usage, between, sample
from bench.pages import LOGIN
from bench.programs import until
from bench.report import Json
from device.folder import DataFolder
from device.media import Utc
from device.recording.catalogue import CatalogueReader
from integration.setup import prepare

CAMERAS, MBIT = 4, 4.0
_PATIENCE = 60.0  #: seconds


@dataclass(slots=True)
class Meanwhile:
    """The recorder; what came of it once the block has ended."""

    program: Program
    groups: Groups
    used: Mapping[str, Usage] = field(default_factory=dict)  #: by plane
    sent: int = 0  #: packets, by the cameras
    lost: int = 0  #: of them
    missing: float = 0.0  #: seconds, by the ledger

    def figures(self) -> dict[str, Json]:
        """For the report."""
        return {"packets_sent": self.sent, "packets_lost": self.lost, "missing_s": self.missing}

    def rows(self) -> list[tuple[str, str, str]]:
        """For its table: what, figure, wanted."""
        return [
            ("packets that cameras sent", str(self.sent), ""),
            ("packets not recorded", str(self.lost), "0"),
            ("seconds missing in the ledger", f"{self.missing:.1f}", "0"),
        ]


@contextmanager
def recorded_meanwhile(place: Path) -> Iterator[Meanwhile]:
    """`CAMERAS` cameras are recorded in `place` while the block runs."""
    with load(CAMERAS, MBIT, place) as source:
        folder = DataFolder(place / "data")
        folder.make()
        prepare(folder, [f"cameras[{key_of(n)}].main={url}" for n, url in enumerate(source.urls)], LOGIN)
        made = install(folder.path, place / "holdfast.toml", {}, None, ())
        with made.running(place / "holdfast.log") as program:
            groups = program.ready()
            until(lambda: len(made.acknowledged()) == CAMERAS, _PATIENCE, "the first recordings")
            beside = Meanwhile(program, groups)
            begins = time.time_ns() // 1000
            before, played = sample(groups), source.sent_now()
            yield beside
            beside.used = between(before, sample(groups))
            beside.sent = source.sent_now().packets - played.packets
            ends = time.time_ns() // 1000
            beside.lost = program.lost()
            until(
                lambda: all(end > ends for _, end in made.acknowledged()),
                _PATIENCE,
                "what came last to be kept",
            )
        with CatalogueReader(folder.catalogue) as reader:
            beside.missing = (
                sum(
                    reader.completeness(row.token, Utc(begins), Utc(ends)).missing
                    for row in reader.recordings()
                )
                / 1e6
            )
