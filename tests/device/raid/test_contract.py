"""The contract on the simulated drives, and on md, dm-crypt and file systems of a Linux guest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from device.clock import SystemClock
from device.raid.linux.driver import LinuxRaid, Setup
from device.raid.linux.drives import Place
from device.raid.simulated import Disk, SimulatedRaid
from tests.device.clock.simulated import SimulatedClock
from tests.device.raid import contract
from tests.device.raid.guest import GuestMachine
from tests.device.raid.rig import REBUILD, TB
from tests.guest import machine
from tests.guest.kernel import GuestUnavailable
from tests.guest.machine import Guest

MODULES = ("raid0", "raid1", "raid456", "raid10", "dm_crypt", "xfs", "ext4")
QUICK = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")  #: argon2 takes ten seconds in a guest
SIZE = 320 << 20  #: bytes of a drive: the least that xfs takes on two of them


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


@dataclass
class GuestHands:
    """Implements `Hands`; drives are named after the bay they were put into, and when."""

    guest: Guest
    machine: GuestMachine
    names: dict[int, str]

    async def pull(self, bay: int) -> None:
        self.guest.pull(self.names[bay])

    async def insert(self, bay: int) -> None:
        self.names[bay] += "-new"
        self.guest.plug(machine.Disk(self.names[bay], SIZE), bay - 1)

    async def work(self) -> None:
        """It works by itself."""

    async def write(self, path: str, text: str) -> None:
        await self.machine.run(("dd", f"of={path}", "conv=fsync"), within=60, stdin=text.encode())

    async def text(self, path: str) -> str | None:
        raw = await self.machine.read(path)
        return raw.decode() if raw is not None else None


async def test_simulated_drives_keep_the_contract(tmp_path: Path) -> None:
    clock = SimulatedClock()
    drives = SimulatedRaid(tmp_path / "drives", 4, clock, rebuild=REBUILD)
    for bay in range(1, 5):
        drives.insert(bay, Disk(f"S{bay}", 4 * TB))
    await contract.whole(drives, SimulatedHands(drives, clock))


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_linux_keeps_the_contract(tmp_path: Path) -> None:
    names = {bay: f"bay{bay}" for bay in range(1, 5)}
    try:
        guest = Guest(
            tmp_path, [machine.Disk(name, SIZE) for name in names.values()], bus="scsi", memory=1024
        )
    except GuestUnavailable as error:
        pytest.skip(f"no guest can run here: {error}")
    with guest:
        for module in MODULES:
            guest.must("modprobe", module)
        linux = GuestMachine(guest)
        places = tuple(Place(f"0:0:{number}:0") for number in range(4))
        setup = Setup(places, "abc12345", "/video", QUICK)
        await contract.whole(LinuxRaid(linux, setup, SystemClock()), GuestHands(guest, linux, names))
