"""The cases, a module for each part of the specification; importing them registers them. What a case demands is said by
its official title and its code: there is no other docstring. Then each official test gets its row."""

from conformance.onvif import needs
from conformance.onvif.cases import (
    capabilities,
    discovery,
    events,
    management,
    network,
    receivers,
    recordings,
    replay,
    search,
    users,
)
from conformance.onvif.needs import service, topic
from conformance.onvif.suite import every_row

_ABSENT = {
    "DEVICE-1-1-6": ("tptz", "PTZ"),
    "DEVICE-1-1-10": ("timg", "Imaging"),
    "DEVICE-1-1-11": ("tan", "Analytics"),
}
_ADVERTISED = {
    "DEVICE-9-1-1": "Monitoring/ProcessorUsage",
    "DEVICE-9-1-6": "Monitoring/OperatingTime/LastClockSynchronization",
    "DEVICE-9-1-7": "Monitoring/OperatingTime/LastClockSynchronization",
}
every_row(
    {name: (service(*which),) for name, which in _ABSENT.items()}
    | {name: (topic(path),) for name, path in _ADVERTISED.items()}
    | dict.fromkeys(("IPCONFIG-1-1-3", "DEVICE-2-1-8", "DEVICE-2-1-18", "DEVICE-2-1-34"), (needs.network,))
)

__all__ = [
    "capabilities",
    "discovery",
    "events",
    "management",
    "network",
    "receivers",
    "recordings",
    "replay",
    "search",
    "users",
]
