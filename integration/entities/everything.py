"""All things of a recorder."""

from __future__ import annotations

from device.entities import Thing
from integration.entities.box import array_things, chassis_things, drive_things, storage_things
from integration.entities.cameras import camera_things
from integration.entities.ports import port_things
from integration.entities.reading import Reading
from integration.entities.recorder import recorder_thing


def things(reading: Reading) -> list[Thing]:
    """All of them, the recorder first: whoever is told of a part knows the whole already."""
    return [
        recorder_thing(reading),
        *chassis_things(reading),
        *array_things(reading),
        *storage_things(reading),
        *drive_things(reading),
        *port_things(reading),
        *camera_things(reading),
    ]
