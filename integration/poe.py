"""PoE in the control plane: the hardware that the settings name, governed as they say."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

from device.planes.link import Server
from device.planes.messages import Done
from device.poe.driver import PoeDriver
from device.poe.errors import NoHardware
from device.poe.ethtool import EthtoolPse
from device.poe.messages import AskPoe, CyclePort, PoeShown
from device.poe.port import Rules, Status
from device.poe.power import Milliwatts, watts
from device.poe.service import PoeService, shown
from device.poe.simulated import SimulatedPse
from device.settings.ports import Poe, PoeHardware, Port, SwitchVersion
from device.settings.store import Changed, Store
from integration.governed import governed
from integration.plane import Plane
from integration.virtual_box.drivers import BOX, BoxPse


def rules_of(store: Store) -> Rules:
    """What the settings want of the ports."""
    poe = store.get(Poe)
    return Rules(
        watts(poe.budget),
        poe.preempt,
        poe.lldp,
        poe.cycle_off,
        poe.cycle_interval,
        poe.usage_threshold,
        {int(key): port.rules() for key, port in store.entries(Port).items()},
    )


class PoePlane:
    """PoE as far as the control plane goes: one service after the other, as the settings name hardware."""

    def __init__(self, own: Plane, limit: Callable[[], Milliwatts | None]) -> None:
        """`limit`: what the box's supplies can give now; None: all."""
        self._own = own
        self._limit = limit
        self.service: PoeService | None = None  #: of the hardware in use; None where there is none

    async def run(self) -> None:
        """For ever. Other hardware takes the place of what was there as soon as the settings say so."""
        await governed(self._own.settings, self._changed, self._govern)

    def answer(self, server: Server) -> None:
        """Let `server` answer for the ports."""

        async def ask(request: AskPoe) -> PoeShown:
            del request
            return self.shown()

        async def cycle(request: CyclePort) -> Done:
            self.cycle(request.port, request.by)
            return Done()

        server.on(AskPoe, ask)
        server.on(CyclePort, cycle)

    def shown(self) -> PoeShown:
        """The ports, as whoever asks sees them."""
        return shown(self._own.settings.get(Poe).hardware.value, self.service)

    def cycle(self, port: int, by: str) -> None:
        """Switch a port off and on again for somebody. Returns when it is decided. Raises Refused."""
        if self.service is None:
            raise NoHardware("This recorder governs no PoE ports.")
        self.service.cycle(port, by)

    def status(self) -> Status | None:
        """How the ports are; None where there are none."""
        return None if self.service is None else self.service.status()

    @contextlib.asynccontextmanager
    async def _govern(self) -> AsyncIterator[Coroutine[Any, Any, None] | None]:
        own = self._own
        poe = own.settings.get(Poe)
        driver = self._driver(poe)
        if driver is None:
            yield None
            return
        rules = rules_of(own.settings)
        self.service = PoeService(poe.hardware.value, driver, rules, own.clock, own.bus.publish, self._limit)
        try:
            yield self.service.run()
        finally:
            self.service = None
            await driver.close()

    def _driver(self, poe: Poe) -> PoeDriver | None:
        match poe.hardware:
            case PoeHardware.SIMULATED:
                box = self._own.folder.socket(BOX)
                if box.exists():
                    return BoxPse(box)
                return SimulatedPse(poe.ports, autonomous=False, changed=_nobody)
            case PoeHardware.ETHTOOL:
                return EthtoolPse(poe.interfaces, ethtool="ethtool", ip="ip", classes=Path("/sys/class/net"))
            case PoeHardware.SWITCH:
                return _switch(poe)
            case PoeHardware.NONE:
                return None

    def _changed(self, changed: Changed) -> bool:
        """Whether other hardware is named; what is only governed otherwise is told to whoever governs."""
        poe = Poe.about.section
        if changed.section == poe and any(_names_hardware(name) for name in changed.fields):
            return True
        if changed.section in (poe, Port.about.section) and self.service is not None:
            self.service.follow(rules_of(self._own.settings))
        return False


def _switch(poe: Poe) -> PoeDriver:
    # Only where there is a switch: pysnmp takes longer to import than the rest of the plane to start.
    from protocols.snmp_switch.driver import Community, SwitchPse, User

    login: Community | User
    if poe.switch_version is SwitchVersion.V2C:
        login = Community(poe.switch_community.get_secret_value())
    else:
        auth = poe.switch_auth.get_secret_value()
        login = User(poe.switch_user, auth, poe.switch_privacy.get_secret_value() or auth)
    return SwitchPse(poe.switch, poe.switch_port, login, poe.switch_group, poe.switch_interfaces)


def _names_hardware(field: str) -> bool:
    return field in ("hardware", "ports", "interfaces") or field.startswith("switch")


def _nobody(port: int, powered: bool, linked: bool) -> None:
    """Nothing hangs on a simulated port without a demo."""
