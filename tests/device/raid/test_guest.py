"""md, dm-crypt and file systems for real, in a guest whose drives fail and are pulled.

One guest for all of it: starting one takes a while. Each test leaves it without an array.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from device.clock import SystemClock
from device.raid.level import Level
from device.raid.linux.driver import LinuxRaid, Setup
from device.raid.linux.drives import Place
from device.raid.state import Condition, Kind, Reading, Status, condition
from tests.crash.live import CAMERAS
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
PATIENCE = 240.0  #: seconds for anything in a guest on a busy machine


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
        self.names[bay] += "-new"
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


class Tape:
    """The program of `tape`, in the guest."""

    def __init__(self, box: Box) -> None:
        box.tapes += 1
        self._guest, self._name = box.guest, f"orders-{box.tapes}"
        self._seen = len(self._guest.told)
        box.guest.leave(
            sys.executable, "-m", "tests.device.raid.tape", f"/exchange/{self._name}", folder=ROOT
        )

    def order(self, *words: object) -> None:
        with (self._guest.folder / "exchange" / self._name).open("a") as file:
            file.write(" ".join(map(str, words)) + "\n")

    @property
    def told(self) -> str:
        """Since the last `judged`, or the start."""
        return self._guest.told[self._seen :]

    def safe(self) -> int:
        """How often something was acknowledged."""
        return self.told.count("safe ")

    async def recorded(self) -> None:
        """Until some more is acknowledged that is recorded from now on."""
        before = self.safe()
        await until(lambda: self.safe() >= before + 6, "it records", lambda: self.told[-2000:])

    async def judged(self) -> Any:
        """The verdict."""
        await until(lambda: "judged " in self.told, "it is judged", lambda: self.told[-2000:])
        verdict = json.loads(self.told.partition("judged ")[2].splitlines()[0])
        self._seen = len(self._guest.told)
        return verdict


async def until(holds: Callable[[], bool], what: str, said: Callable[[], object]) -> None:
    limit = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < limit, f"still not: {what}; {said()}"
        await asyncio.sleep(0.2)


async def reads(driver: LinuxRaid, holds: Callable[[Reading], bool], what: str) -> Reading:
    """The first reading of which it holds."""
    limit = time.monotonic() + PATIENCE
    while True:
        reading = await driver.read()
        if holds(reading):
            return reading
        assert time.monotonic() < limit, f"still not: {what}; {reading}"


def without(bay: int) -> Callable[[Reading], bool]:
    """Whether a bay is empty."""
    return lambda reading: reading.drive(bay) is None


def with_drive(bay: int) -> Callable[[Reading], bool]:
    """Whether there is a drive in a bay."""
    return lambda reading: reading.drive(bay) is not None


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


@dataclass(frozen=True)
class Loss:
    """What is done to an array while it is recorded on."""

    level: Level
    bays: tuple[int, ...]
    faulty: int  #: bay whose drive is thrown out; 0: none
    pulled: int  #: bay whose drive is pulled; 0: none


LOSSES = (
    Loss(Level.RAID1, (1, 2), faulty=2, pulled=0),
    Loss(Level.RAID5, (1, 2, 3), faulty=0, pulled=1),
    Loss(Level.RAID6, (1, 2, 3, 4), faulty=3, pulled=4),
    Loss(Level.RAID10, (1, 2, 3, 4), faulty=0, pulled=2),
)


async def test_no_second_is_lost_and_no_byte_is_wrong_while_drives_fail_are_pulled_and_replaced(
    box: Box,
) -> None:
    tape = Tape(box)
    for number, loss in enumerate(LOSSES):
        driver = box.driver()
        await driver.create(loss.level, loss.bays, ())
        await driver.make(Kind.EXT4)
        await driver.mount(read_only=False)
        tape.order("record", VIDEO / "store", number * 10_000)
        await tape.recorded()
        if loss.faulty:
            await box.throw_out(loss.faulty)
        if loss.pulled:
            await box.pull(loss.pulled)
        await reads(driver, contract.is_(Status.DEGRADED), "degraded")
        await tape.recorded()
        for bay in filter(None, (loss.faulty, loss.pulled)):
            if bay == loss.faulty:
                await driver.remove(bay)
                await box.pull(bay)
            await reads(driver, without(bay), "the bay is empty")
            await box.insert(bay)
            await reads(driver, with_drive(bay), "there is a new drive")
            await driver.remove(bay)
            await driver.add(bay)
        whole = await reads(driver, contract.is_(Status.ONLINE), "whole again")
        assert [condition(whole, bay) for bay in loss.bays] == [Condition.ONLINE] * len(loss.bays)
        await tape.recorded()
        tape.order("stop")
        verdict = await tape.judged()
        assert (verdict["problems"], verdict["lost"], verdict["storage_gaps"]) == ([], 0, 0), loss
        # The last one of each camera is there, as nothing is lost; how long it lasts nobody knows.
        assert verdict["units"] >= verdict["sent"] - len(CAMERAS) > 0
        await driver.scrub(on=True)
        compared = await reads(
            driver, lambda now: now.array is not None and now.array.work is None, "compared"
        )
        assert compared.array is not None
        assert compared.array.mismatches == 0
        await driver.unmount()
        await driver.dissolve()
    tape.order("end")
