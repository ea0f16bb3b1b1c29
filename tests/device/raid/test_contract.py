"""The contract on the simulated drives; on those of a Linux guest: `test_guest`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from device.raid.simulated import Disk, SimulatedRaid
from tests.device.clock.simulated import SimulatedClock
from tests.device.raid import contract
from tests.device.raid.rig import REBUILD, TB


@dataclass
class SimulatedHands:
    """Implements `Hands`."""

    drives: SimulatedRaid
    clock: SimulatedClock
    new: int = 0

    async def pull(self, bay: int) -> None:
        self.drives.pull(bay)

    async def insert(self, bay: int) -> None:
        self.new += 1
        self.drives.insert(bay, Disk(f"NEW{self.new}", 4 * TB))

    async def work(self) -> None:
        self.clock.run(REBUILD / 3)

    async def write(self, path: str, text: str) -> None:
        Path(path).write_text(text)  # noqa: ASYNC240 - a test

    async def text(self, path: str) -> str | None:
        file = Path(path)
        return file.read_text() if file.exists() else None  # noqa: ASYNC240 - a test


async def test_simulated_drives_keep_the_contract(tmp_path: Path) -> None:
    clock = SimulatedClock()
    drives = SimulatedRaid(tmp_path / "drives", 4, clock, rebuild=REBUILD)
    for bay in range(1, 5):
        drives.insert(bay, Disk(f"S{bay}", 4 * TB))
    await contract.whole(drives, SimulatedHands(drives, clock))
