"""The box in the control plane: the hardware that the settings name, and what the recorder shows in its lights."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

from device.chassis.box import poe_limit
from device.chassis.buttons import Action
from device.chassis.driver import ChassisDriver, ChassisUnavailable
from device.chassis.lights import Flash, Phase, PortView, Scene
from device.chassis.messages import AskChassis, ChassisShown, SilenceBuzzer
from device.chassis.service import ChassisService
from device.chassis.simulated import SimulatedChassis
from device.chassis.sysfs import SysfsChassis
from device.events.hardware import ChassisLost
from device.planes.link import Server
from device.planes.messages import Done
from device.poe.port import Status
from device.poe.power import Milliwatts, watts
from device.raid.state import Condition, Reading, condition
from device.raid.state import Status as ArrayStatus
from device.raid.state import status as array_status
from device.settings.chassis import Chassis, ChassisHardware
from device.settings.ports import Poe
from device.settings.store import Changed
from integration.governed import governed
from integration.plane import Plane
from integration.virtual_box.drivers import BOX, BoxChassis

RETRY_SECONDS = 30.0  #: until a device that could not be opened is tried again


class ChassisPlane:
    """The box as far as the control plane goes."""

    def __init__(
        self,
        own: Plane,
        ports: Callable[[], Status | None],
        drives: Callable[[], Reading | None],
        reset: Callable[[], object],
        faults: Callable[[], frozenset[str]],
    ) -> None:
        """How the PoE ports and the drives are; None: there are none. `reset` begins a factory default; `faults`: what
        else shall be heard."""
        self._own = own
        self._ports = ports
        self._drives = drives
        self._reset = reset
        self._faults = faults
        #: The recorder was switched on, and not only this plane started again.
        self._power_on = own.leash.restart is None
        self.phase = Phase.STARTING
        self.service: ChassisService | None = None  #: of the box in use; None where there is none

    async def run(self) -> None:
        """For ever. Another box takes the place of what was there as soon as the settings say so."""
        await governed(self._own.settings, _names_hardware, self._govern)

    def answer(self, server: Server) -> None:
        """Let `server` answer for the box."""

        async def ask(request: AskChassis) -> ChassisShown:
            del request
            return self.shown()

        async def silence(request: SilenceBuzzer) -> Done:
            self.silence(request.by)
            return Done()

        server.on(AskChassis, ask)
        server.on(SilenceBuzzer, silence)

    def shown(self) -> ChassisShown:
        """The box, as whoever asks sees it."""
        hardware = self._own.settings.get(Chassis).hardware.value
        if self.service is None:
            return ChassisShown(hardware, True, "", (), (), (), (), False)
        return self.service.shown(hardware)

    def box(self) -> ChassisShown | None:
        """The box in use; None: there is none."""
        return None if self.service is None else self.shown()

    def silence(self, by: str) -> None:
        """Silence the buzzer, where there is one."""
        if self.service is not None:
            self.service.silence(by)

    def limit(self) -> Milliwatts | None:
        """What the supplies can give to the PoE ports; None: all that the settings say."""
        if self.service is None:
            return None
        settings = self._own.settings
        full = watts(settings.get(Poe).budget)
        return poe_limit(full, self.service.supplies, settings.get(Chassis).spare_supplies)

    @contextlib.asynccontextmanager
    async def _govern(self) -> AsyncIterator[Coroutine[Any, Any, None] | None]:
        own = self._own
        try:
            driver = self._driver(own.settings.get(Chassis))
        except ChassisUnavailable as error:
            own.bus.publish(ChassisLost(str(error)))
            yield asyncio.sleep(RETRY_SECONDS)
            return
        if driver is None:
            yield None
            return
        self.service = ChassisService(
            driver,
            own.clock,
            own.bus.publish,
            self._scene,
            self._act,
            audible=lambda: own.settings.get(Chassis).buzzer,
            power_on=self._power_on,
        )
        self._power_on = False
        try:
            yield self.service.run()
        finally:
            self.service = None
            await driver.close()

    def _driver(self, chassis: Chassis) -> ChassisDriver | None:
        match chassis.hardware:
            case ChassisHardware.SIMULATED:
                box = self._own.folder.socket(BOX)
                return BoxChassis(box) if box.exists() else SimulatedChassis(self._own.clock)
            case ChassisHardware.LINUX:
                buttons, buzzer = (
                    Path(each) if each else None for each in (chassis.buttons_device, chassis.buzzer_device)
                )
                named = {"LAN": chassis.lan, "AUX": chassis.aux, "SFP": chassis.sfp}
                networks = {name: interface for name, interface in named.items() if interface}
                return SysfsChassis(Path("/sys"), buttons, buzzer, self._own.clock, networks)
            case ChassisHardware.NONE:
                return None

    def _scene(self) -> tuple[Scene, frozenset[str]]:
        """What the rest of the recorder shows, and what shall be heard."""
        status = self._ports()
        ports = (
            {each.port: PortView(each.state, each.reading.link) for each in status.ports} if status else {}
        )
        exceeded = status.exceeded if status else False
        drives = self._drives()
        bays = [condition(drives, bay) for bay in range(1, drives.bays + 1)] if drives else []
        failed = (
            drives is not None
            and drives.array is not None
            and array_status(drives.array) is ArrayStatus.FAILED
        )
        faults = {f"drive {bay}" for bay, each in enumerate(bays, 1) if each is Condition.BROKEN}
        faults |= {"PoE budget"} if exceeded else set()
        faults |= self._faults()
        return Scene(self.phase, exceeded, False, bays, failed, ports, (), Flash.NONE), frozenset(faults)

    def _act(self, action: Action) -> None:
        """Shutting down is for the supervisor, our parent. Every wish is an event, too, that others may hear."""
        match action:
            case Action.SHUT_DOWN:
                os.kill(os.getppid(), signal.SIGTERM)
            case Action.RESET:
                self._reset()
            case Action.SILENCE | Action.CONNECT:
                pass


def _names_hardware(changed: Changed) -> bool:
    named = {"hardware", "buttons_device", "buzzer_device", "lan", "aux", "sfp"}
    return changed.section == Chassis.about.section and bool(named & set(changed.fields))
