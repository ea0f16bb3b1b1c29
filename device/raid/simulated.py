"""Simulated drives and arrays over a folder: they fail, are pulled and rebuilt as real ones are, and keep their marks.

What the array holds is the folder `content`; mounted, it is renamed to `volume`, so that nothing is there which looks
like a volume while it is not mounted. Deterministic: a rebuild goes on by the clock alone, and only while it is read.
Everything is kept in one file, durably, so that a restart of the recorder changes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from device.clock import Clock
from device.durable import write_durably
from device.media import MICROSECONDS, Utc
from device.raid.driver import Verdict
from device.raid.errors import Busy, DriverFault, NoArray, NotThere, Unsuitable, WrongPassword
from device.raid.level import Level, require
from device.raid.state import (
    Activity,
    Array,
    Drive,
    Files,
    Health,
    Kind,
    Lock,
    Reading,
    Role,
    Status,
    Work,
    status,
)
from device.records import from_json, record, to_json

MODEL = "Simulated"


@dataclass(frozen=True, slots=True)
class Disk:
    """A drive, in a bay or on the shelf."""

    serial: str
    size: int  #: bytes
    health: Health = Health.PASSED
    temperature: float = 34.0  #: degrees Celsius
    array: str = ""  #: UUID of the array whose mark it carries
    data: bool = False  #: something else is on it
    dead: bool = False  #: answers nothing any more


@dataclass(frozen=True, slots=True)
class _Array:
    uuid: str
    level: Level
    slots: tuple[str, ...]  #: serial of the member in each; empty: missing
    since: Utc  #: when its activity began
    stale: frozenset[str] = frozenset()  #: members that are being rebuilt
    faulty: frozenset[str] = frozenset()  #: thrown out, but still listed
    spares: tuple[str, ...] = ()
    broken: bool = False
    activity: Activity | None = None


@dataclass(frozen=True, slots=True)
class _Files:
    kind: Kind
    mounted: bool = False
    read_only: bool = False
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class _Secret:
    salt: bytes
    digest: bytes
    open: bool = False

    @classmethod
    def of(cls, password: str) -> _Secret:
        salt = secrets.token_bytes(16)
        return cls(salt, _digest(password, salt))

    def verify(self, password: str) -> None:
        if not hmac.compare_digest(self.digest, _digest(password, self.salt)):
            raise WrongPassword


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=1024, r=8, p=1)


@record
@dataclass(frozen=True, slots=True)
class _Box:
    """All there is; what the file holds."""

    bays: dict[int, Disk] = field(default_factory=dict)
    array: _Array | None = None
    running: bool = False  #: the array is put together
    secret: _Secret | None = None
    files: _Files | None = None


class SimulatedRaid:
    """Implements `RaidDriver`, and has what only a simulation has: hands that pull and insert drives."""

    name = "simulated"

    def __init__(self, folder: Path, bays: int, clock: Clock, *, rebuild: float) -> None:
        """`rebuild`: seconds that a drive is rebuilt for. Raises OSError, BadRecord."""
        self._folder = folder
        self._bays = bays
        self._clock = clock
        self._rebuild = rebuild
        self._file = folder / "drives.json"
        self._content = folder / "content"
        self._changed = asyncio.Event()
        self.silent = False  #: does not answer
        self.volume = folder / "volume"
        folder.mkdir(parents=True, exist_ok=True)
        self._box = from_json(_Box, self._file.read_bytes()) if self._file.exists() else _Box()

    # --- the driver ---

    async def read(self) -> Reading:
        """RaidDriver."""
        self._answer()
        self._advance()
        box = self._box
        array = self._array() if box.running else None
        secret, files = box.secret, box.files
        usable = array is not None and status(array) is not Status.FAILED
        lock = Lock(secret.open) if usable and secret is not None else None
        open_ = secret is None or secret.open
        reached = files is not None and (files.mounted or (usable and open_))
        return Reading(
            self._bays,
            tuple(self._drive(bay, disk) for bay, disk in sorted(box.bays.items())),
            array,
            lock,
            self._files(files) if reached and files is not None else None,
        )

    async def wait(self, seconds: float) -> None:
        """RaidDriver."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    async def create(self, level: Level, bays: Sequence[int], spares: Sequence[int]) -> str:
        """RaidDriver."""
        self._answer()
        require(level, len(bays))
        if self._box.running:
            raise Busy("There is an array already.")
        members = [self._usable(bay) for bay in bays]
        waiting = [self._usable(bay) for bay in spares]
        made = _Array(
            str(uuid.uuid4()),
            level,
            tuple(disk.serial for disk in members),
            self._clock.utc(),
            spares=tuple(disk.serial for disk in waiting),
            activity=Activity.RESYNC if level.spares(len(bays)) else None,
        )
        with self._change() as box:
            marked = {
                bay: replace(disk, array=made.uuid, data=False) if bay in (*bays, *spares) else disk
                for bay, disk in box.bays.items()
            }
            self._box = replace(box, bays=marked, array=made, running=True, secret=None, files=None)
        return made.uuid

    async def assemble(self) -> None:
        """RaidDriver."""
        self._answer()
        box = self._box
        if box.running:
            return
        if box.array is None or not any(disk.array == box.array.uuid for disk in box.bays.values()):
            raise NoArray("No drive carries an array of this recorder.")
        with self._change() as box:
            self._box = replace(box, running=True)
        self._lose_what_is_gone()

    async def dissolve(self) -> None:
        """RaidDriver."""
        self._answer()
        mark = self._running().uuid
        self._idle()
        with self._change() as box:
            blank = {
                bay: replace(disk, array="") if disk.array == mark else disk for bay, disk in box.bays.items()
            }
            self._box = _Box(blank)
        await asyncio.to_thread(shutil.rmtree, self._content, ignore_errors=True)

    async def add(self, bay: int) -> None:
        """RaidDriver."""
        self._answer()
        array = self._running()
        disk = self._usable(bay)
        if disk.size < self._smallest():
            raise Unsuitable(f"The drive in bay {bay} is too small: {disk.size} bytes.")
        with self._change() as box:
            bays = {**box.bays, bay: replace(disk, array=array.uuid, data=False)}
            self._box = replace(box, bays=bays, array=replace(array, spares=(*array.spares, disk.serial)))
        self._advance()

    async def remove(self, bay: int) -> None:
        """RaidDriver."""
        self._answer()
        array = self._running()
        disk = self._box.bays.get(bay)
        if disk is not None and disk.serial in array.slots and disk.serial not in array.faulty:
            raise Busy(f"The drive in bay {bay} is in use.")
        gone = disk.serial if disk is not None else ""
        with self._change() as box:
            left = replace(
                array,
                spares=tuple(serial for serial in array.spares if serial != gone),
                slots=tuple("" if serial == gone else serial for serial in array.slots),
                faulty=array.faulty - {gone},
            )
            bays = {**box.bays, bay: replace(disk, array="")} if disk is not None else box.bays
            self._box = replace(box, array=left, bays=bays)

    async def scrub(self, on: bool) -> None:
        """RaidDriver."""
        self._answer()
        array = self._running()
        if array.level is Level.RAID0:
            raise Unsuitable("A RAID 0 has nothing to compare.")
        if on and array.activity is not None:
            raise Busy(f"The array is at work: {array.activity.value}.")
        if on or array.activity is Activity.SCRUB:
            with self._change() as box:
                activity = Activity.SCRUB if on else None
                self._box = replace(box, array=replace(array, activity=activity, since=self._clock.utc()))

    async def lock(self, password: str) -> None:
        """RaidDriver."""
        self._answer()
        self._running()
        self._idle()
        with self._change() as box:
            self._box = replace(box, secret=replace(_Secret.of(password), open=True), files=None)

    async def open(self, password: str) -> None:
        """RaidDriver."""
        secret = self._secret()
        secret.verify(password)
        with self._change() as box:
            self._box = replace(box, secret=replace(secret, open=True))

    async def close(self) -> None:
        """RaidDriver."""
        secret = self._secret()
        self._idle()
        with self._change() as box:
            self._box = replace(box, secret=replace(secret, open=False))

    async def change_password(self, old: str, new: str) -> None:
        """RaidDriver."""
        secret = self._secret()
        secret.verify(old)
        with self._change() as box:
            self._box = replace(box, secret=replace(_Secret.of(new), open=secret.open))

    async def make(self, kind: Kind) -> None:
        """RaidDriver."""
        self._answer()
        self._running()
        self._idle()
        if self._box.secret is not None and not self._box.secret.open:
            raise NotThere("The array is encrypted, and not open.")
        await asyncio.to_thread(shutil.rmtree, self._content, ignore_errors=True)
        self._content.mkdir()
        with self._change() as box:
            self._box = replace(box, files=_Files(kind))

    async def clear(self) -> None:
        """RaidDriver."""
        self._answer()
        self._running()
        self._idle()
        await asyncio.to_thread(shutil.rmtree, self._content, ignore_errors=True)
        with self._change() as box:
            self._box = replace(box, secret=None, files=None)

    async def check(self, repair: bool) -> Verdict:
        """RaidDriver."""
        files = self._there()
        self._idle()
        if files.damaged and repair:
            with self._change() as box:
                self._box = replace(box, files=replace(files, damaged=False))
            return Verdict(True, "errors were found and repaired")
        return Verdict(not files.damaged, "errors were found" if files.damaged else "no errors")

    async def mount(self, read_only: bool) -> None:
        """RaidDriver."""
        files = self._there()
        if files.damaged:
            raise DriverFault("The file system has errors: check or repair it first.")
        if not files.mounted:
            self._content.rename(self.volume)
        with self._change() as box:
            self._box = replace(box, files=replace(files, mounted=True, read_only=read_only))

    async def unmount(self) -> None:
        """RaidDriver."""
        files = self._there()
        if files.mounted:
            self._leave(files)

    # --- hands ---

    def insert(self, bay: int, disk: Disk) -> None:
        """Put a drive into an empty bay."""
        if not 1 <= bay <= self._bays or bay in self._box.bays:
            raise NotThere(f"There is no empty bay {bay}.")
        with self._change() as box:
            self._box = replace(box, bays={**box.bays, bay: disk})

    def pull(self, bay: int) -> Disk:
        """Take the drive out of a bay."""
        disk = self._in(bay)
        with self._change() as box:
            self._box = replace(box, bays={at: one for at, one in box.bays.items() if at != bay})
        self._lose_what_is_gone()
        return disk

    def fail(self, bay: int) -> None:
        """The drive in a bay dies."""
        disk = self._in(bay)
        with self._change() as box:
            self._box = replace(box, bays={**box.bays, bay: replace(disk, dead=True, health=Health.FAILING)})
        self._lose_what_is_gone()

    def wear(self, bay: int, health: Health, temperature: float) -> None:
        """What the drive in a bay says of itself."""
        disk = self._in(bay)
        worn = replace(disk, health=health, temperature=temperature)
        with self._change() as box:
            self._box = replace(box, bays={**box.bays, bay: worn})

    def damage(self) -> None:
        """The file system has errors from now on; they show when it is mounted again."""
        files = self._there()
        with self._change() as box:
            self._box = replace(box, files=replace(files, damaged=True))

    def reboot(self) -> None:
        """The box starts anew: nothing is put together, open or mounted."""
        box = self._box
        if box.files is not None and box.files.mounted:
            self._leave(box.files)
        with self._change() as box:
            shut = replace(box.secret, open=False) if box.secret is not None else None
            self._box = replace(box, running=False, secret=shut)

    # --- within ---

    @contextmanager
    def _change(self) -> Iterator[_Box]:
        """Change everything at once, and keep it."""
        yield self._box
        write_durably(self._file, to_json(self._box), mode=0o600)
        self._changed.set()

    def _answer(self) -> None:
        if self.silent:
            raise DriverFault("The simulated drives do not answer.")

    def _in(self, bay: int) -> Disk:
        disk = self._box.bays.get(bay)
        if disk is None:
            raise NotThere(f"There is no drive in bay {bay}.")
        return disk

    def _usable(self, bay: int) -> Disk:
        disk = self._in(bay)
        if disk.dead:
            raise Unsuitable(f"The drive in bay {bay} does not answer.")
        if self._box.running and self._box.array is not None and disk.array == self._box.array.uuid:
            raise Busy(f"The drive in bay {bay} is of the array already.")
        return disk

    def _running(self) -> _Array:
        if not self._box.running or self._box.array is None:
            raise NoArray("There is no array.")
        return self._box.array

    def _secret(self) -> _Secret:
        self._answer()
        self._running()
        if self._box.secret is None:
            raise NotThere("The array is not encrypted.")
        return self._box.secret

    def _there(self) -> _Files:
        self._answer()
        self._running()
        if self._box.secret is not None and not self._box.secret.open:
            raise NotThere("The array is encrypted, and not open.")
        if self._box.files is None:
            raise NotThere("There is no file system.")
        return self._box.files

    def _idle(self) -> None:
        if self._box.files is not None and self._box.files.mounted:
            raise Busy("The file system is mounted.")

    def _leave(self, files: _Files) -> None:
        self.volume.rename(self._content)
        with self._change() as box:
            self._box = replace(box, files=replace(files, mounted=False, read_only=False))

    def _smallest(self) -> int:
        serials = set(self._running().slots)
        sizes = [disk.size for disk in self._box.bays.values() if disk.serial in serials]
        return min(sizes, default=0)

    def _lose_what_is_gone(self) -> None:
        """Members that are dead or not in a bay are no members any more; too many, and the array is broken."""
        array = self._box.array
        if array is None or not self._box.running:
            return
        alive = {disk.serial for disk in self._box.bays.values() if not disk.dead}
        here = {disk.serial for disk in self._box.bays.values()}
        lost = [serial for serial in array.slots if serial and serial not in alive]
        slots = tuple(serial if serial in here else "" for serial in array.slots)
        spares = tuple(serial for serial in array.spares if serial in alive)
        faulty = frozenset(serial for serial in (*slots, *spares) if serial in lost)
        if (slots, spares, faulty) == (array.slots, array.spares, array.faulty):
            return
        whole = [bool(serial) and serial not in faulty and serial not in array.stale for serial in slots]
        stale = frozenset(serial for serial in slots if serial in array.stale and serial not in faulty)
        rebuilt = array.activity is Activity.REBUILD and not stale
        with self._change() as box:
            self._box = replace(
                box,
                array=replace(
                    array,
                    slots=slots,
                    spares=spares,
                    faulty=faulty,
                    broken=array.broken or not _survives(array.level, whole),
                    stale=stale,
                    activity=None if rebuilt else array.activity,
                ),
            )

    def _advance(self) -> None:
        """End what is done by now, and begin what is due: a spare takes the place of what is missing."""
        array = self._box.array
        if array is None or not self._box.running or array.broken:
            return
        now = self._clock.utc()
        after = array
        if after.activity is not None and now - after.since >= self._rebuild * MICROSECONDS:
            after = replace(after, activity=None, stale=frozenset())
        vacant = [n for n, serial in enumerate(after.slots) if not serial or serial in after.faulty]
        if vacant and after.spares and after.level is not Level.RAID0 and not after.stale:
            fresh, *rest = after.spares
            slots = tuple(fresh if n == vacant[0] else serial for n, serial in enumerate(after.slots))
            after = replace(
                after,
                slots=slots,
                spares=tuple(rest),
                stale=frozenset({fresh}),
                activity=Activity.REBUILD,
                since=now,
            )
        if after != array:
            with self._change() as box:
                self._box = replace(box, array=after)

    def _array(self) -> Array:
        array = self._running()
        in_sync = [
            serial
            for serial in array.slots
            if serial and serial not in array.faulty and serial not in array.stale
        ]
        smallest = self._smallest()
        work = None
        if array.activity is not None:
            passed = max(self._clock.utc() - array.since, 0) / MICROSECONDS
            speed = smallest / self._rebuild
            work = Work(array.activity, min(int(passed * speed), smallest), smallest, speed)
        size = array.level.capacity([smallest] * len(array.slots))
        return Array(array.uuid, array.level, len(array.slots), len(in_sync), array.broken, size, 0, work)

    def _drive(self, bay: int, disk: Disk) -> Drive:
        role = self._role(disk)
        free = role is Role.UNUSED and not disk.data
        return Drive(bay, disk.serial, MODEL, disk.size, role, disk.health, disk.temperature, None, 0, free)

    def _role(self, disk: Disk) -> Role:
        array = self._box.array
        if disk.dead or (array is not None and disk.serial in array.faulty):
            return Role.FAULTY
        if not disk.array:
            return Role.UNUSED
        if array is None or disk.array != array.uuid:
            return Role.FOREIGN
        if disk.serial in array.stale:
            return Role.REBUILDING
        if disk.serial in array.slots:
            return Role.MEMBER
        # It was pulled and comes back: what it carries is old. It waits to be added again.
        return Role.SPARE if disk.serial in array.spares else Role.UNUSED

    def _files(self, files: _Files) -> Files:
        shown = Files(files.kind, files.mounted, str(self.volume), files.read_only)
        if not files.mounted:
            return shown
        room = shutil.disk_usage(self.volume)
        return replace(shown, size=room.total, free=room.free)


def _survives(level: Level, whole: Sequence[bool]) -> bool:
    """Whether the data is there, with these members. RAID 10: neighbours are mirrors of each other."""
    if level is Level.RAID10:
        return all(first or second for first, second in zip(whole[::2], whole[1::2], strict=True))
    return len(whole) - sum(whole) <= level.spares(len(whole))
