"""Drives and array in the control plane: the hardware that the settings name, and the storage that it becomes."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from device.errors import BadValue, Refused, member
from device.jobs import Jobs, Resumer
from device.linux.machine import ThisMachine
from device.planes.link import Client, Server
from device.planes.messages import AskRecording, Done, ForgetVolumes
from device.raid.driver import RaidDriver
from device.raid.errors import Busy, NoArray
from device.raid.level import BAYS, level
from device.raid.linux.driver import LinuxRaid, Setup
from device.raid.linux.drives import Place
from device.raid.messages import AskRaid, Hands, JobBegun, RaidShown, RaidTool
from device.raid.order import Order, Passwords, Tool
from device.raid.raid import BY, Raid, Rules
from device.raid.shown import shown
from device.raid.simulated import Disk, SimulatedRaid
from device.raid.state import Health, Kind, Reading
from device.recording.volume import adopt, marked
from device.settings import raid as settings
from device.settings.storages import Storage
from device.settings.store import Changed
from integration.governed import governed
from integration.plane import Plane

RELEASE_SECONDS = 30.0  #: that the recorder has to let go of a storage
MOUNT_POINT = Path("/var/lib/holdfast/array")


class RecorderStorages:
    """Implements `Storages` by the settings, which the recording plane follows."""

    def __init__(self, own: Plane, recording: Client) -> None:
        self._own = own
        self._recording = recording

    async def release(self, path: str) -> None:
        """Storages."""
        store = self._own.settings
        for uuid, storage in store.entries(Storage).items():
            if storage.path == path and storage.enabled:
                store.patch(Storage, {"enabled": False}, key=uuid, by=BY)
                await self._until_released(uuid)

    async def admit(self, path: str, read_only: bool) -> None:
        """Storages."""
        if read_only:
            return  # what is on it is played; nothing is recorded there
        store = self._own.settings
        if not await asyncio.to_thread(marked, Path(path)):  # what was there before is erased
            for uuid, storage in store.entries(Storage).items():
                if storage.path == path:
                    store.remove(Storage, key=uuid, by=BY)
                    await self._until_released(uuid)
            while (await self._recording.call(ForgetVolumes(path))).left:
                pass
        mark = await asyncio.to_thread(adopt, Path(path), self._own.identity.id)
        known = mark.volume in store.keys(Storage)
        changes = {"enabled": True} if known else {"path": path, "name": "Array", "enabled": True}
        store.patch(Storage, changes, key=mark.volume, by=BY)

    async def _until_released(self, uuid: str) -> None:
        limit = asyncio.get_running_loop().time() + RELEASE_SECONDS
        while any(each.uuid == uuid for each in (await self._recording.call(AskRecording())).volumes):
            if asyncio.get_running_loop().time() > limit:
                raise Busy("The recorder does not let go of its storage.")
            await asyncio.sleep(0.1)


class SealedPassword:
    """Implements `Memory` by a setting."""

    def __init__(self, own: Plane) -> None:
        self._own = own

    def password(self) -> str | None:
        """Memory."""
        return self._own.settings.get(settings.Raid).password.get_secret_value() or None

    def remember(self, password: str | None) -> None:
        """Memory."""
        self._own.settings.patch(settings.Raid, {"password": SecretStr(password or "")}, by=BY)


class RaidPlane:
    """Drives and array as far as the control plane goes."""

    def __init__(self, own: Plane, jobs: Jobs, recording: Client) -> None:
        self._own = own
        self._jobs = jobs
        self._storages = RecorderStorages(own, recording)
        self._driver = self._make()
        self.raid = self._over(self._driver)

    @property
    def resumers(self) -> dict[str, Resumer]:
        """For `Jobs.resume`."""
        return self.raid.tools.resumers if self.raid is not None else {}

    def drives(self) -> Reading | None:
        """How drives and array are; None where there are none."""
        return self.raid.reading if self.raid is not None else None

    def shown(self) -> RaidShown:
        """Drives and array, as whoever asks sees them."""
        return shown(self._own.settings.get(settings.Raid).hardware.value, self.drives())

    async def run(self) -> None:
        """For ever. Other hardware takes the place of what was there as soon as the settings say so."""
        await governed(self._own.settings, _names_hardware, self._govern)

    @contextlib.asynccontextmanager
    async def _govern(self) -> AsyncIterator[Coroutine[Any, Any, None] | None]:
        yield self.raid.run() if self.raid is not None else None
        self._driver = self._make()
        self.raid = self._over(self._driver)

    def answer(self, server: Server) -> None:
        """Let `server` answer for drives and array."""

        async def ask(request: AskRaid) -> RaidShown:
            del request
            return self.shown()

        async def begin(request: RaidTool) -> JobBegun:
            if self.raid is None:
                raise NoArray("This recorder governs no drives: see the setting raid.hardware.")
            order = Order(
                member(Tool, "tool", request.tool),
                None if request.level is None else level(request.level),
                request.bays,
                request.spares,
                member(Kind, "files", request.files) if request.files else None,
                request.encrypt,
                request.bay,
            )
            passwords = Passwords(request.password, request.new_password)
            job = await self.raid.tools.begin(order, passwords, confirmed=request.confirmed, by=request.by)
            self._keep_protection(order.tool)
            return JobBegun(job.id)

        async def hands(request: Hands) -> Done:
            driver = self._driver
            if not isinstance(driver, SimulatedRaid):
                raise Refused("Only simulated drives can be failed, pulled and inserted by a command.")
            _do(driver, request, self._own.folder.path)
            return Done()

        server.on(AskRaid, ask)
        server.on(RaidTool, begin)
        server.on(Hands, hands)

    def _keep_protection(self, tool: Tool) -> None:
        """What is protected stays so after a restart."""
        if tool in (Tool.PROTECT, Tool.UNPROTECT):
            self._own.settings.patch(settings.Raid, {"protected": tool is Tool.PROTECT}, by=BY)

    def _make(self) -> RaidDriver | None:
        own, wanted = self._own, self._own.settings.get(settings.Raid)
        match wanted.hardware:
            case settings.RaidHardware.SIMULATED:
                return SimulatedRaid(own.folder.drives, BAYS, own.clock, rebuild=wanted.rebuild)
            case settings.RaidHardware.LINUX:
                places = tuple(Place(bay) for bay in wanted.bays)
                setup = Setup(places, own.identity.id[:8], str(MOUNT_POINT))
                return LinuxRaid(ThisMachine(), setup, own.clock)
            case _:
                return None

    def _over(self, driver: RaidDriver | None) -> Raid | None:
        if driver is None:
            return None
        own = self._own
        return Raid(
            driver,
            self._jobs,
            self._storages,
            SealedPassword(own),
            self._rules,
            own.clock,
            own.bus.publish,
        )

    def _rules(self) -> Rules:
        wanted = self._own.settings.get(settings.Raid)
        return Rules(wanted.hot, wanted.replace, wanted.scrub_days, wanted.protected)


def _names_hardware(changed: Changed) -> bool:
    named = {"hardware", "bays", "rebuild"}
    return changed.section == settings.Raid.about.section and bool(named & set(changed.fields))


def _do(drives: SimulatedRaid, request: Hands, folder: Path) -> None:
    match request.what:
        case "fail":
            drives.fail(request.bay)
        case "pull":
            drives.pull(request.bay)
        case "insert":
            drives.insert(request.bay, new_disk(folder))
        case "wear":
            drives.wear(request.bay, Health.FAILING, 38.0)
        case "heat":
            drives.wear(request.bay, Health.PASSED, 61.0)
        case _:
            raise BadValue("what", "must be one of fail, pull, insert, wear, heat")


def new_disk(folder: Path) -> Disk:
    """A simulated drive, so large that a RAID 5 of four holds what the file system of `folder` holds."""
    return Disk(f"SIM{secrets.token_hex(4).upper()}", shutil.disk_usage(folder).total // (BAYS - 1))
