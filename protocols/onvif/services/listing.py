"""Which services there are: GetServices and GetCapabilities (ONVIF Core s8.1.2), from the table itself."""

from __future__ import annotations

from collections.abc import Iterable

from device.errors import BadValue
from protocols.onvif.faults import BAD_ARGUMENT, Kind
from protocols.onvif.names import TDS, TT
from protocols.onvif.operations import Access, Call, Operation, Service, describe
from protocols.onvif.xml import Element, flag, sub, texts

NO_SUCH_SERVICE = Kind("Receiver", ("ActionNotSupported", "NoSuchService"), "There is no such service")

#: What GetCapabilities can be asked for, in the order of tt:Capabilities and tt:CapabilitiesExtension.
_CATEGORIES = ("Analytics", "Device", "Events", "Imaging", "Media", "PTZ")
_EXTENSION = ("DeviceIO", "Display", "Recording", "Search", "Replay", "Receiver", "AnalyticsDevice")


class NoSuchService(BadValue):
    """A category was asked for that no service is of."""


class Listing:
    """Rows of the Device service that tell of all services."""

    def __init__(self, services: Iterable[Service]) -> None:
        """`services`: an iterable that may be filled later, once the Device service itself is made."""
        self._services = services
        self.operations = (
            Operation("GetServices", Access.PRE_AUTH, self.get_services),
            Operation(
                "GetCapabilities",
                Access.PRE_AUTH,
                self.get_capabilities,
                ((NoSuchService, NO_SUCH_SERVICE), (BadValue, BAD_ARGUMENT)),
            ),
            Operation("GetWsdlUrl", Access.PRE_AUTH, self.get_wsdl_url),
        )

    async def get_services(self, call: Call, reply: Element) -> None:
        """GetServices (s8.1.2.2)."""
        detailed = flag(call.body, TDS.IncludeCapability) or False
        for service in self._services:
            shown = sub(reply, TDS.Service)
            sub(shown, TDS.Namespace, service.space)
            sub(shown, TDS.XAddr, call.base + service.path)
            if detailed:
                describe(service, sub(shown, TDS.Capabilities))
            version = sub(shown, TDS.Version)
            sub(version, TT.Major, service.version[0])
            sub(version, TT.Minor, service.version[1])

    async def get_capabilities(self, call: Call, reply: Element) -> None:
        """GetCapabilities (s8.1.2.1), which older clients know alone."""
        asked = set(texts(call.body, TDS.Category)) or {"All"}
        if unknown := asked - {"All", *_CATEGORIES}:
            raise BadValue("Category", f"there is none called {sorted(unknown)[0][:80]!r}")
        legacy = {
            service.legacy.category: service for service in self._services if service.legacy is not None
        }
        if missing := asked - {"All", *legacy}:
            raise NoSuchService("Category", f"the service {sorted(missing)[0]} is not there")
        shown = sub(reply, TDS.Capabilities)
        for category in _CATEGORIES:
            if category in legacy and asked & {category, "All"}:
                _show(legacy[category], call, shown)
        extension = [legacy[category] for category in _EXTENSION if category in legacy]
        if extension and "All" in asked:
            within = sub(shown, TT.Extension)
            for service in extension:
                _show(service, call, within)

    async def get_wsdl_url(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - the same for all
        """GetWsdlUrl, deprecated: where the descriptions are published."""
        sub(reply, TDS.WsdlUrl, "https://www.onvif.org/profiles/specifications/")


def _show(service: Service, call: Call, parent: Element) -> None:
    assert service.legacy is not None
    shown = sub(parent, TT.name(service.legacy.category))
    sub(shown, TT.XAddr, call.base + service.path)
    service.legacy.fill(shown)
