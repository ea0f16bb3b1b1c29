"""`RaidDriver` of Linux: mdadm, cryptsetup, mkfs, fsck and smartctl, and sysfs for everything that is asked often.

An array is ours where its name begins with this recorder's own. Every look reads sysfs alone; what is on a device is
probed again only after something was done to it, and a drive is asked about its health every few minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from device.clock import Clock
from device.linux.machine import Machine
from device.linux.run import ProgramFailed, ProgramHung, ProgramMissing
from device.raid.driver import Verdict
from device.raid.errors import Busy, DriverFault, NoArray, NotThere, NotWhole, Unsuitable, WrongPassword
from device.raid.level import Level
from device.raid.linux import md
from device.raid.linux.drives import UNTOLD, Block, Content, Place, Smart, blocks, content, smart
from device.raid.state import Activity, Drive, Files, Kind, Lock, Reading, Role

ORDER_SECONDS = 120.0  #: for what should be quick
MAKE_SECONDS = 3600.0  #: for a file system, or a check of one
HEALTH_SECONDS = 300.0  #: between two questions to a drive about itself
MAPPED = "holdfast"  #: what the open lock is called: /dev/mapper/holdfast
DIRTY = "/sys/module/md_mod/parameters/start_dirty_degraded"
_OPTIONS = "noatime,nosuid,nodev,noexec"
_WRONG_PASSWORD = 2  #: exit code of cryptsetup
_HIGHEST = 127  #: md127 and down, as mdadm counts


@dataclass(frozen=True, slots=True)
class Setup:
    """What the settings say."""

    places: tuple[Place, ...]  #: of the bays, the first one's first
    owner: str  #: who makes the array; no colon, 32 characters at most
    path: str  #: where the file system is mounted
    key_options: tuple[str, ...] = ()  #: more for `cryptsetup luksFormat`


class LinuxRaid:
    """Implements `RaidDriver`."""

    name = "linux"

    def __init__(self, machine: Machine, setup: Setup, clock: Clock) -> None:
        self._machine = machine
        self._setup = setup
        self._clock = clock
        self._contents: dict[tuple[str, str], Content] = {}  #: by device, and what tells that it is another
        self._health: dict[str, tuple[float, Smart]] = {}  #: by serial, and when it was asked
        self._telling: dict[str, asyncio.Task[None]] = {}  #: md of drives that were pulled, by device
        self._asking: dict[str, asyncio.Task[None]] = {}  #: by serial

    # --- looking ---

    async def read(self) -> Reading:
        """RaidDriver."""
        there = await blocks(self._machine, self._setup.places)
        found = await self._md()
        if found is not None:
            self._notice_pulled(found)
        members = {member.device: member for member in found.members} if found is not None else {}
        drives = [await self._drive(bay, block, members, found) for bay, block in sorted(there.items())]
        lock, files = (None, None) if found is None else await self._above(found)
        array = found.array if found is not None else None
        return Reading(len(self._setup.places), tuple(drives), array, lock, files)

    async def wait(self, seconds: float) -> None:
        """RaidDriver. Looking costs a few dozen small reads; the kernel's own notices do not tell everything."""
        await asyncio.sleep(seconds)

    async def _md(self) -> md.Md | None:
        """Our array, where it is put together."""
        for device in await md.devices(self._machine):
            mark = await self._mark(device)
            if mark is not None:
                return await md.read(self._machine, device, mark)
        return None

    async def _mark(self, device: str) -> str | None:
        """The UUID of an array that is ours. The kernel may not know it: a member is asked."""
        for path in await self._machine.find(f"/sys/block/{device}/md/dev-*"):
            member = path.rpartition("/dev-")[2]
            mark = await self._content(member, device)
            if mark.label == self._label:
                return mark.uuid
        return None

    @property
    def _label(self) -> str:
        return f"{self._setup.owner}:{md.NAME}"

    async def _content(self, device: str, state: str) -> Content:
        """What is on a device, probed once for each `state` that it is in."""
        key = (device, state)
        if key not in self._contents:
            self._contents[key] = await content(self._machine, device)
        return self._contents[key]

    def _notice_pulled(self, found: md.Md) -> None:
        """Md itself notices only when it writes (mdadm(8), --incremental --fail). It may take seconds to tell it: what
        was read says already that the drive is not there."""
        for member in found.members:
            if not member.there and member.device not in self._telling:
                self._telling[member.device] = asyncio.create_task(self._tell_of(member.device))

    async def _tell_of(self, pulled: str) -> None:
        try:
            with contextlib.suppress(DriverFault):  # udev was quicker
                await self._order("mdadm", "-If", pulled)
        finally:
            del self._telling[pulled]

    async def _told(self) -> None:
        """Once md knows which drives were pulled."""
        await asyncio.gather(*self._telling.values())

    async def _drive(
        self, bay: int, block: Block, members: dict[str, md.Member], found: md.Md | None
    ) -> Drive:
        member = members.get(block.device)
        told = self._smart(block)
        if member is not None:
            role, free = member.role, False
        else:
            mark = await self._content(block.device, block.serial)
            ours = found is not None and (mark.label, mark.uuid) == (self._label, found.array.uuid)
            foreign = mark.kind == "linux_raid_member" and mark.label != self._label
            role, free = Role.FOREIGN if foreign else Role.UNUSED, mark.blank or ours
        return Drive(
            bay,
            block.serial,
            block.model,
            block.size,
            role,
            told.health,
            told.temperature,
            told.hours,
            member.errors if member is not None else 0,
            free,
        )

    def _smart(self, block: Block) -> Smart:
        """What it said when it was last asked. It is asked beside: one that dies lets everybody wait for its answer."""
        asked, told = self._health.get(block.serial, (-HEALTH_SECONDS, UNTOLD))
        if self._clock.monotonic() - asked >= HEALTH_SECONDS and block.serial not in self._asking:
            self._asking[block.serial] = asyncio.create_task(self._ask(block), name=f"smart {block.device}")
        return told

    async def _ask(self, block: Block) -> None:
        try:
            told = await smart(self._machine, block.device)
            self._health[block.serial] = (self._clock.monotonic(), told)
        finally:
            del self._asking[block.serial]

    async def _above(self, found: md.Md) -> tuple[Lock | None, Files | None]:
        """Lock and file system over an array."""
        mounts = await self._mounts()
        mark = await self._content(found.device, found.array.uuid)
        if mark.kind != "crypto_LUKS":
            return None, await self._files(mark, found.device, mounts)
        mapper = await self._mapper()
        if mapper is None:
            return Lock(open=False), None
        inner = await self._content(mapper, found.array.uuid)
        return Lock(open=True), await self._files(inner, f"mapper/{MAPPED}", mounts)

    async def _files(self, mark: Content, device: str, mounts: dict[str, tuple[str, str]]) -> Files | None:
        if mark.kind not in (Kind.XFS.value, Kind.EXT4.value):
            return None
        path, options = mounts.get(f"/dev/{device}", ("", ""))
        files = Files(
            Kind(mark.kind), bool(path), path or self._setup.path, "ro" in options.split(",") and bool(path)
        )
        if not path:
            return files
        try:
            size, free = await self._machine.room(path)
        except OSError:
            return files
        return Files(files.kind, True, path, files.read_only, size, free)

    async def _mounts(self) -> dict[str, tuple[str, str]]:
        """Device -> where it is mounted, and how."""
        raw = (await self._machine.read("/proc/self/mounts") or b"").decode("utf-8", "replace")
        found: dict[str, tuple[str, str]] = {}
        for line in raw.splitlines():
            device, path, _, options, *_ = line.split(" ")
            found.setdefault(device, (path, options))
        return found

    async def _mapper(self) -> str | None:
        """The device of the open lock: dm-0."""
        for path in await self._machine.find("/sys/block/dm-*/dm/name"):
            name = await self._machine.read(path)
            if name is not None and name.decode("ascii", "replace").strip() == MAPPED:
                return path.split("/")[3]
        return None

    # --- the array ---

    async def create(self, level: Level, bays: Sequence[int], spares: Sequence[int]) -> str:
        """RaidDriver."""
        if await self._md() is not None:
            raise Busy("There is an array already.")
        there = await blocks(self._machine, self._setup.places)
        devices = [f"/dev/{self._in(there, bay).device}" for bay in (*bays, *spares)]
        await self._order("mdadm", "--version")  # where it is not installed, nothing is wiped
        for device in devices:
            await self._order("wipefs", "-q", "-a", device)
        number = await self._free_number()
        argv = ["mdadm", "--create", f"/dev/md{number}", "--run", "--quiet", "--metadata=1.2"]
        argv += [f"--name={md.NAME}", f"--homehost={self._setup.owner}", f"--level={level.value}"]
        argv += [f"--raid-devices={len(bays)}"]
        if spares:
            argv += [f"--spare-devices={len(spares)}"]
        if level is Level.RAID5:
            # A power cut while a drive is missing would otherwise cost it what lay in the stripes that were being
            # written, however long ago that was synced: the write hole (Documentation/driver-api/md/raid5-ppl.rst).
            argv += ["--consistency-policy=ppl"]
        elif level.spares(len(bays)):
            argv += ["--bitmap=internal"]
        elif len(bays) == 1:
            argv += ["--force"]
        await self._order(*argv, *devices)
        found = await self._md()
        if found is None:
            raise DriverFault("mdadm made an array, but the kernel has none.")
        await self._order(
            "wipefs", "-q", "-a", f"/dev/{found.device}"
        )  # what an older array left in the same place
        self._contents.clear()
        return found.array.uuid

    async def assemble(self) -> None:
        """RaidDriver. A drive that was away while others were written to is never taken in: its event count tells."""
        await self._let_go_of_idle()
        if await self._md() is not None:
            return
        there = await blocks(self._machine, self._setup.places)
        self._contents.clear()
        marks = {bay: await self._content(block.device, block.serial) for bay, block in there.items()}
        ours = {bay: mark.uuid for bay, mark in marks.items() if mark.label == self._label}
        if not ours:
            raise NoArray("No drive carries an array of this recorder.")
        uuid = max(set(ours.values()), key=list(ours.values()).count)
        devices = [f"/dev/{there[bay].device}" for bay, mark in ours.items() if mark == uuid]
        try:
            await self._put_together(devices)
        except ProgramFailed:
            # The power may have gone while a drive was missing. md does not start an array that is dirty and degraded
            # by itself (md(4)), unless it has a log of partial parity.
            try:
                async with self._dirty_allowed():
                    await self._put_together(devices)
            except ProgramFailed as error:
                raise NotWhole(f"Too few drives of the array are there: {error}") from error
        self._contents.clear()

    async def _put_together(self, devices: Sequence[str]) -> None:
        """Raises ProgramFailed, and leaves no half of an array behind; DriverFault.

        md would wait for the first write before it rebuilds what was being rebuilt; that of an encrypted array comes
        when somebody knows the password.
        """
        name = f"md{await self._free_number()}"
        device = f"/dev/{name}"
        argv = ("mdadm", "--assemble", "--run", "--quiet", device, *devices)
        try:
            await self._machine.run(argv, within=ORDER_SECONDS)
        except ProgramFailed:
            with contextlib.suppress(DriverFault):  # mdadm may have stopped it itself
                await self._order("mdadm", "--stop", "--quiet", device)
            raise
        except (ProgramMissing, ProgramHung) as error:
            raise DriverFault(str(error)) from error
        if await md.hesitates(self._machine, name):
            await self._order("mdadm", "--readwrite", device)

    @contextlib.asynccontextmanager
    async def _dirty_allowed(self) -> AsyncIterator[None]:
        """Meanwhile md starts what is dirty and degraded, as `mdadm --assemble --force` would; but that would also take
        in a drive that is out of date. Other arrays of this machine are not to be started so: it is taken back."""
        try:
            await self._machine.write(DIRTY, "1")
        except OSError:
            yield  # md is not there; mdadm says so
            return
        try:
            yield
        finally:
            await self._machine.write(DIRTY, "0")

    async def _let_go_of_idle(self) -> None:
        """Stop an array of ours that is put together, but does not run: udev does that where md would not start it."""
        for device in await md.devices(self._machine):
            if await md.idle(self._machine, device) and await self._mark(device) is not None:
                await self._order("mdadm", "--stop", "--quiet", f"/dev/{device}")

    async def dissolve(self) -> None:
        """RaidDriver."""
        found = await self._md()
        if found is None:
            raise NoArray("There is no array.")
        await self._close_where_open()
        await self._order("mdadm", "--stop", "--quiet", f"/dev/{found.device}")
        for block in (await blocks(self._machine, self._setup.places)).values():
            mark = await content(self._machine, block.device)
            if mark.uuid == found.array.uuid:
                await self._order("mdadm", "--zero-superblock", "--force", f"/dev/{block.device}")
                await self._order("wipefs", "-q", "-a", f"/dev/{block.device}")
        self._contents.clear()

    async def add(self, bay: int) -> None:
        """RaidDriver."""
        await self._told()
        found = await self._running()
        block = self._in(await blocks(self._machine, self._setup.places), bay)
        if any(member.device == block.device and member.role is not Role.FAULTY for member in found.members):
            raise Busy(f"The drive in bay {bay} is of the array already.")
        mark = await content(self._machine, block.device)
        if (mark.label, mark.uuid) != (self._label, found.array.uuid):
            await self._order("wipefs", "-q", "-a", f"/dev/{block.device}")
        await self._order("mdadm", f"/dev/{found.device}", "--quiet", "--add", f"/dev/{block.device}")
        self._contents.clear()

    async def remove(self, bay: int) -> None:
        """RaidDriver."""
        await self._told()
        found = await self._running()
        block = (await blocks(self._machine, self._setup.places)).get(bay)
        member = next(
            (one for one in found.members if block is not None and one.device == block.device), None
        )
        if member is not None and member.role in (Role.MEMBER, Role.REBUILDING):
            raise Busy(f"The drive in bay {bay} is in use.")
        for word in ("failed", "detached"):
            await self._order("mdadm", f"/dev/{found.device}", "--quiet", "--remove", word)
        if member is not None and member.role is Role.SPARE:
            await self._order("mdadm", f"/dev/{found.device}", "--quiet", "--remove", f"/dev/{member.device}")
        self._contents.clear()

    async def scrub(self, on: bool) -> None:
        """RaidDriver."""
        found = await self._running()
        if not found.array.level.spares(found.array.drives):
            raise Unsuitable(f"A RAID {found.array.level.value} has nothing to compare.")
        work = found.array.work
        scrubs = work is not None and work.activity is Activity.SCRUB
        if on and work is not None and not scrubs:
            raise Busy(f"The array is at work: {work.activity.value}.")
        if on != scrubs:
            try:
                await self._machine.write(
                    f"/sys/block/{found.device}/md/sync_action", "check" if on else "idle"
                )
            except OSError as error:
                raise DriverFault(f"The array cannot be compared: {error.strerror}") from error

    # --- the lock ---

    async def lock(self, password: str) -> None:
        """RaidDriver."""
        found = await self._idle()
        await self._order("cryptsetup", "--version")  # as above
        await self._close_where_open()
        device = f"/dev/{found.device}"
        await self._order("wipefs", "-q", "-a", device)
        argv = ("cryptsetup", "luksFormat", "-q", "--type", "luks2", *self._setup.key_options)
        await self._order(*argv, "--key-file", "-", device, stdin=password.encode())
        self._contents.clear()
        await self.open(password)

    async def open(self, password: str) -> None:
        """RaidDriver."""
        found = await self._locked()
        if await self._mapper() is None:
            await self._unlock(
                "open", "--key-file", "-", f"/dev/{found.device}", MAPPED, stdin=password.encode()
            )
            self._contents.clear()

    async def close(self) -> None:
        """RaidDriver."""
        await self._idle()
        await self._close_where_open()

    async def change_password(self, old: str, new: str) -> None:
        """RaidDriver."""
        found = await self._locked()
        words = ("luksChangeKey", "-q", *self._setup.key_options, f"/dev/{found.device}")
        await self._unlock(*words, stdin=f"{old}\n{new}\n".encode())

    async def _unlock(self, *words: str, stdin: bytes) -> None:
        try:
            await self._machine.run(("cryptsetup", *words), within=ORDER_SECONDS, stdin=stdin)
        except ProgramFailed as error:
            if error.code == _WRONG_PASSWORD:
                raise WrongPassword from None
            raise DriverFault(str(error)) from error
        except (ProgramMissing, ProgramHung) as error:
            raise DriverFault(str(error)) from error

    async def _locked(self) -> md.Md:
        found = await self._running()
        mark = await self._content(found.device, found.array.uuid)
        if mark.kind != "crypto_LUKS":
            raise NotThere("The array is not encrypted.")
        return found

    async def _close_where_open(self) -> None:
        if await self._mapper() is not None:
            await self._order("cryptsetup", "close", MAPPED)
            self._contents.clear()

    # --- the file system ---

    async def make(self, kind: Kind) -> None:
        """RaidDriver."""
        device = await self._inner()
        words = ("mkfs.xfs", "-q", "-f") if kind is Kind.XFS else ("mkfs.ext4", "-q", "-F")
        await self._order(*words, device, within=MAKE_SECONDS)
        self._contents.clear()

    async def clear(self) -> None:
        """RaidDriver."""
        found = await self._idle()
        await self._close_where_open()
        await self._order("wipefs", "-q", "-a", f"/dev/{found.device}")
        self._contents.clear()

    async def check(self, repair: bool) -> Verdict:
        """RaidDriver. A journal that was not replayed is replayed first, as mounting would."""
        device = await self._inner()
        files = (await self.read()).files
        if files is None:
            raise NotThere("There is no file system.")
        if files.kind is Kind.EXT4:
            way = "-y" if repair else "-p"
            code, said = await self._examined("e2fsck", "-f", way, device)
            return Verdict(code < 4, said)
        code, said = await self._examined("xfs_repair", *(() if repair else ("-n",)), device)
        if code == 2 and not repair:
            return Verdict(False, "its journal was not replayed: " + said)
        if code == 2:
            code, said = await self._examined("xfs_repair", "-L", device)
        return Verdict(code == 0, said)

    async def _examined(self, *argv: str) -> tuple[int, str]:
        """Exit code and last words of a checker, for whom errors found are no failure."""
        try:
            said = await self._machine.run(argv, within=MAKE_SECONDS)
            return 0, _last(said)
        except ProgramFailed as error:
            return error.code, _last(error.printed or error.said)
        except (ProgramMissing, ProgramHung) as error:
            raise DriverFault(str(error)) from error

    async def mount(self, read_only: bool) -> None:
        """RaidDriver."""
        files = (await self.read()).files
        if files is None:
            raise NotThere("There is no file system, or it is behind an encrypted array that is not open.")
        options = f"{_OPTIONS},{'ro' if read_only else 'rw'}"
        if files.mounted:
            await self._order("mount", "-o", f"remount,{options}", files.path)
            return
        device = await self._inner()
        await self._order("mkdir", "-p", self._setup.path)
        await self._order("mount", "-t", files.kind.value, "-o", options, device, self._setup.path)

    async def unmount(self) -> None:
        """RaidDriver."""
        files = (await self.read()).files
        if files is None or not files.mounted:
            return
        try:
            await self._order("umount", files.path)
        except DriverFault as error:
            raise Busy(f"Something holds the file system: {error}") from error

    # --- within ---

    async def _running(self) -> md.Md:
        found = await self._md()
        if found is None:
            raise NoArray("There is no array.")
        return found

    async def _idle(self) -> md.Md:
        """The array, whose file system is not mounted. Raises Busy."""
        found = await self._running()
        _, files = await self._above(found)
        if files is not None and files.mounted:
            raise Busy("The file system is mounted.")
        return found

    async def _inner(self) -> str:
        """The device of the file system, which is not mounted. Raises Busy, NotThere."""
        found = await self._idle()
        mark = await self._content(found.device, found.array.uuid)
        if mark.kind != "crypto_LUKS":
            return f"/dev/{found.device}"
        if await self._mapper() is None:
            raise NotThere("The array is encrypted, and not open.")
        return f"/dev/mapper/{MAPPED}"

    async def _free_number(self) -> int:
        taken = set(await md.devices(self._machine))
        return next(number for number in range(_HIGHEST, -1, -1) if f"md{number}" not in taken)

    def _in(self, there: dict[int, Block], bay: int) -> Block:
        if bay not in there:
            raise NotThere(f"There is no drive in bay {bay}.")
        return there[bay]

    async def _order(self, *argv: str, stdin: bytes = b"", within: float = ORDER_SECONDS) -> str:
        try:
            return await self._machine.run(argv, within=within, stdin=stdin)
        except (ProgramFailed, ProgramMissing, ProgramHung) as error:
            raise DriverFault(str(error)) from error


def _last(said: str) -> str:
    """The last lines of what a checker said."""
    return " ".join(line.strip() for line in said.strip().splitlines()[-3:])[-400:]
