"""The cases, a module for each part of the specification; importing them registers them. What a case demands is said by
its official title and its code: there is no other docstring. Then each official test gets its row."""

from conformance.onvif.cases import (
    addresses,
    brokers,
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
}
every_row(
    {name: (service(*which),) for name, which in _ABSENT.items()}
    | {name: (topic(path),) for name, path in _ADVERTISED.items()}
)

__all__ = [
    "addresses",
    "brokers",
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
