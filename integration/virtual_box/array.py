"""The demo's drives: four of them, an array over them, and its file system, as a box comes out of its carton."""

from __future__ import annotations

from device.clock import SystemClock
from device.folder import DataFolder
from device.identity import identity
from device.raid.level import BAYS, Level
from device.raid.simulated import SimulatedRaid
from device.raid.state import Kind
from device.recording.volume import adopt
from device.settings.raid import Raid, RaidHardware
from device.settings.storages import Storage
from device.settings.store import Store
from integration.raid import new_disk


async def enter_array(folder: DataFolder, store: Store, by: str) -> None:
    """At the first start: make the array, and record on it. Raises OSError, StorageFault."""
    if store.read(Raid)[1] or store.keys(Storage):
        return
    drives = SimulatedRaid(folder.drives, BAYS, SystemClock(), rebuild=store.get(Raid).rebuild)
    bays = range(1, BAYS + 1)
    for bay in bays:
        drives.insert(bay, new_disk(folder.path))
    await drives.create(Level.RAID5, tuple(bays), ())
    await drives.make(Kind.XFS)
    await drives.mount(read_only=False)
    store.patch(Raid, {"hardware": RaidHardware.SIMULATED.value}, by=by)
    mark = adopt(drives.volume, identity(folder.identity).id)
    store.set(Storage(path=str(drives.volume.absolute()), name="Array"), key=mark.volume, by=by)
