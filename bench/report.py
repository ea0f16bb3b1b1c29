"""What every bench takes, and what every bench gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bench.measure import machine
from bench.table import Table

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Options:
    """What a person can say on the command line."""

    quick: bool  #: end within four minutes
    folder: Path  #: empty; everything that a bench writes goes here, and is removed afterwards
    progress: Callable[[str], None]  #: one line about what is being done


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one bench."""

    holdfast: Mapping[str, Json]
    peers: Mapping[str, Mapping[str, Json]]
    ratios: Mapping[str, float | None]  #: ours / theirs of the headline figure, lower is better
    load: Mapping[str, Json]
    tables: Sequence[Table]

    def json(self) -> dict[str, Json]:
        """The shape that scripts outside the repository read (docs/design/contracts.md, *Reports*)."""
        return {
            "holdfast": self.holdfast,
            "peers": self.peers,
            "ratios": self.ratios,
            "load": self.load,
            "machine": machine(),
        }
