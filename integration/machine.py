"""The machine's network and clock in the control plane: they are made what the settings say, by whom these name."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from typing import Generic, TypeVar

from device.clock.chrony import ChronyClock
from device.clock.driver import ClockDriver, ClockKept, ClockReading, SystemClockKeeper
from device.clock.messages import AskClock, ClockShown, SetClock
from device.clock.simulated import SimulatedClock
from device.errors import Fault, Refused
from device.events.machine import ClockSet, ClockSynchronized, MachineObeyed, MachineRefused
from device.media import Utc
from device.network.driver import NetworkDriver, SystemNetwork
from device.network.kernel import KernelNetwork
from device.network.messages import AskNetwork, NetworkShown, shown
from device.network.networkd import NetworkdNetwork
from device.network.simulated import SimulatedNetwork
from device.network.state import Lease, NetworkState
from device.network.trial import Trial
from device.planes.link import Server
from device.planes.messages import Done
from device.settings.clock import ClockKeeper, DateAndTime
from device.settings.network import Network, NetworkKeeper
from device.settings.section import Section
from device.settings.store import Changed
from device.waiting import woken
from integration.plane import Plane
from integration.zone import local_zone

LOOK_SECONDS = (
    30.0  #: between two looks at the clock and at what DHCP says; a machine that refused is asked again
)

S = TypeVar("S", bound=Section)
D = TypeVar("D")


class ClockFollows(Refused):
    """The clock is not set by hand while it follows the network."""

    hint = "Switch clock.synchronized off first."

    def __init__(self) -> None:
        super().__init__("The clock is set by the network, not by hand.")


class Governed(Generic[S, D]):
    """One part of the machine: its settings, and who makes it so."""

    def __init__(
        self,
        own: Plane,
        part: str,
        kind: type[S],
        keeper: Callable[[S], Enum],
        make: Callable[[S], D],
        apply: Callable[[D, S], Awaitable[None]],
    ) -> None:
        """`keeper`: whom the settings name; `make`: the driver for it."""
        self._own = own
        self._part = part
        self._kind = kind
        self._keeper = keeper
        self._make = make
        self._apply = apply
        self._turn = asyncio.Lock()
        self._done: S | None = None  #: what was applied
        self.driver = make(self.wanted)
        self._made = keeper(self.wanted)
        self.fault = ""

    @property
    def wanted(self) -> S:
        """What the settings say."""
        return self._own.settings.get(self._kind)

    async def bring(self, *, again: bool = False) -> None:
        """Make the machine so; `again`: even if it was made so before. Raises Fault."""
        async with self._turn:
            wanted = self.wanted
            if self._keeper(wanted) is not self._made:
                self.driver, self._made = self._make(wanted), self._keeper(wanted)
            elif wanted == self._done and not again:
                return
            self._done = None
            try:
                await self._apply(self.driver, wanted)
            except Fault as error:
                if self.fault != str(error):
                    self.fault = str(error)
                    self._own.bus.publish(MachineRefused(self._part, self.fault))
                raise
            self._done = wanted
            self.fault = ""
            # The journal drops it where nothing was refused, in this life or a former one.
            self._own.bus.publish(MachineObeyed(self._part))

    async def change(self, values: Mapping[str, object], *, by: str) -> None:
        """Change settings, and make the machine so. Raises BadValue, Fault: then they are kept, and tried again."""
        self._own.settings.patch(self._kind, values, by=by)
        await self.bring()


class MachinePlane:
    """Network and clock as far as the control plane goes."""

    def __init__(self, own: Plane, connections: Callable[[], Sequence[object]]) -> None:
        """`connections`: those by which a change of the network could be confirmed, that are open now."""
        self._own = own
        self._lease = Lease()
        self._server = ""  #: that the clock follows, as was told
        self._again = asyncio.Event()
        self.network = Governed[Network, NetworkDriver](
            own,
            "network",
            Network,
            lambda wanted: wanted.keeper,
            self._network_driver,
            lambda driver, wanted: driver.apply(wanted),
        )
        self.trial = Trial(
            own.folder.network_trial, own.settings, own.bus.publish, self.network.bring, connections
        )
        self.clock = Governed[DateAndTime, ClockDriver](
            own,
            "clock",
            DateAndTime,
            lambda wanted: wanted.keeper,
            self._clock_driver,
            lambda driver, wanted: driver.apply(wanted),
        )

    def _network_driver(self, wanted: Network) -> NetworkDriver:
        match wanted.keeper:
            case NetworkKeeper.NETWORKD:
                return NetworkdNetwork()
            case NetworkKeeper.KERNEL:
                return KernelNetwork()
            case NetworkKeeper.SIMULATED:
                return SimulatedNetwork(_mac(self._own.identity.id))
            case NetworkKeeper.SYSTEM:
                return SystemNetwork()

    def _clock_driver(self, wanted: DateAndTime) -> ClockDriver:
        match wanted.keeper:
            case ClockKeeper.CHRONY:
                return ChronyClock(self._leased)
            case ClockKeeper.SIMULATED:
                return SimulatedClock(self._own.clock, self._leased)
            case ClockKeeper.SYSTEM:
                return SystemClockKeeper()

    def _leased(self) -> tuple[str, ...]:
        return self._lease.ntp

    def answer(self, server: Server) -> None:
        """Let `server` answer for both."""

        async def network(request: AskNetwork) -> NetworkShown:
            del request
            return shown(await self.state(), self.network.wanted.keeper.value, self.network.fault)

        async def clock(request: AskClock) -> ClockShown:
            del request
            reading, zone = await self.reading(), local_zone()
            now = Utc(self._own.clock.utc() + reading.offset)
            keeper = self.clock.wanted.keeper.value
            return ClockShown(keeper, self.clock.fault, now, str(zone), zone.posix, reading.server)

        async def set_clock(request: SetClock) -> Done:
            await self.set_time(request.utc, by=request.by)
            return Done()

        server.on(AskNetwork, network)
        server.on(AskClock, clock)
        server.on(SetClock, set_clock)

    @property
    def settable(self) -> bool:
        """Network and clock are Holdfast's to set, both of them."""
        system = (NetworkKeeper.SYSTEM, ClockKeeper.SYSTEM)
        return self.network.wanted.keeper not in system and self.clock.wanted.keeper not in system

    async def state(self) -> NetworkState:
        """How the network is now. Raises OSError."""
        return await self.network.driver.read()

    async def reading(self) -> ClockReading:
        """How the clock is now; where it does not answer, as if it followed nobody."""
        with contextlib.suppress(Fault):
            return await self.clock.driver.read()
        return ClockReading("")

    async def change_network(self, values: Mapping[str, object], *, by: str) -> None:
        """Change settings of the network, and let them be so. Raises BadValue, Fault."""
        await self.network.change(values, by=by)
        await self._look()

    async def change_clock(self, values: Mapping[str, object], *, by: str) -> None:
        """Change settings of the clock, and let them be so. Raises BadValue, Fault."""
        await self.clock.change(values, by=by)
        await self._look()

    async def set_time(self, utc: Utc, *, by: str) -> None:
        """Set the clock by hand. Raises ClockKept, ClockFollows, ClockUnavailable."""
        wanted = self.clock.wanted
        if wanted.keeper is ClockKeeper.SYSTEM:
            raise ClockKept
        if wanted.synchronized:
            raise ClockFollows
        await self.clock.driver.set(utc)
        self._own.bus.publish(ClockSet(utc, by))

    async def run(self) -> None:
        """For ever."""
        end = self._own.settings.subscribe(self._changed)
        try:
            while True:
                self._again.clear()
                for part in (self.network, self.clock):
                    with contextlib.suppress(Fault):
                        await part.bring()
                await self._look()
                await woken(self._again, LOOK_SECONDS)
        finally:
            end()

    def _changed(self, changed: Changed) -> None:
        local_zone().heed(changed, self._own.settings)
        if changed.section in (Network.about.section, DateAndTime.about.section):
            self._again.set()

    async def _look(self) -> None:
        """What DHCP names may have changed, and whom the clock follows."""
        with contextlib.suppress(OSError):
            before, self._lease = self._lease, (await self.state()).lease
            with contextlib.suppress(Fault):
                if self._lease.hostname != before.hostname:
                    await self.network.bring(again=True)
            with contextlib.suppress(Fault):
                if self._lease.ntp != before.ntp:
                    await self.clock.bring(again=True)
        server = (await self.reading()).server
        if server and server != self._server:
            self._own.bus.publish(ClockSynchronized(server))
        self._server = server


def _mac(identity: str) -> str:
    """A locally administered address (IEEE 802 s8.2) that is the same each time."""
    digits = identity.replace("-", "")[-10:]
    return ":".join(("02", *(digits[at : at + 2] for at in range(0, 10, 2))))
