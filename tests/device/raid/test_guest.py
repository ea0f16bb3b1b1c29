"""md, dm-crypt and file systems for real, in a guest whose drives fail and are pulled.

One guest for all of it: starting one takes a while. Each test leaves it without an array.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from device.clock import SystemClock
from device.raid.linux.driver import LinuxRaid, Setup
from device.raid.linux.drives import Place
from tests.device.raid import contract
from tests.device.raid.guest import GuestMachine
from tests.guest import machine
from tests.guest.kernel import GuestUnavailable
from tests.guest.machine import Guest

ROOT = Path(__file__).parents[3]
MODULES = ("raid0", "raid1", "raid456", "raid10", "dm_crypt", "xfs", "ext4")
QUICK = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")  #: argon2 takes ten seconds in a guest
SIZE = 320 << 20  #: bytes of a drive: the least that xfs takes on two of them
VIDEO = Path("/video")


@dataclass
class Box:
    """A guest with four bays. Implements `contract.Hands`; drives are named after their bay, and when they came."""

    guest: Guest
    names: dict[int, str]
    tapes: int = 0

    def __post_init__(self) -> None:
        self.machine = GuestMachine(self.guest)

    def start(self) -> None:
        """Power on."""
        self.guest.__enter__()
        for module in MODULES:
            self.guest.must("modprobe", module)

    def driver(self) -> LinuxRaid:
        """As after a start of the recorder."""
        places = tuple(Place(f"0:0:{number}:0") for number in range(4))
        return LinuxRaid(self.machine, Setup(places, "abc12345", str(VIDEO), QUICK), SystemClock())

    async def pull(self, bay: int) -> None:
        self.guest.pull(self.names[bay])

    async def insert(self, bay: int) -> None:
        stem, _, before = self.names[bay].partition("-")
        self.names[bay] = f"{stem}-{int(before or 1) + 1}"
        self.guest.plug(machine.Disk(self.names[bay], SIZE), bay - 1)

    async def work(self) -> None:
        """It works by itself."""

    async def write(self, path: str, text: str) -> None:
        await self.machine.run(("dd", f"of={path}", "conv=fsync"), within=60, stdin=text.encode())

    async def text(self, path: str) -> str | None:
        raw = await self.machine.read(path)
        return raw.decode() if raw is not None else None

    async def throw_out(self, bay: int) -> None:
        """Let md find the drive in a bay faulty."""
        (md,) = await self.machine.find("/sys/block/md*/md")
        (device,) = await self.machine.find(f"/sys/bus/scsi/devices/0:0:{bay - 1}:0/block/*")
        await self.machine.run(
            ("mdadm", f"/dev/{md.split('/')[3]}", "--fail", f"/dev/{device.split('/')[-1]}"), within=60
        )


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """Switched on, with four empty drives."""
    names = {bay: f"bay{bay}" for bay in range(1, 5)}
    disks = [machine.Disk(name, SIZE) for name in names.values()]
    try:
        guest = Guest(tmp_path_factory.mktemp("box"), disks, bus="scsi", memory=1024)
    except GuestUnavailable as error:
        pytest.skip(f"no guest can run here: {error}")
    made = Box(guest, names)
    made.start()
    yield made
    guest.cut()


pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


async def test_linux_keeps_the_contract(box: Box) -> None:
    await contract.whole(box.driver(), box)
