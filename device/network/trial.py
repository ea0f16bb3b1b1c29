"""A change of the network that could cut people off is tried: it is taken back by itself unless somebody confirms it,
in time and by a connection that was made after it.

What the settings were before lies on the disk meanwhile, so that a recorder that is killed takes them back when it
starts again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from device import durable
from device.errors import Fault, Refused
from device.events.event import Event
from device.events.machine import NetworkKept, NetworkTakenBack, NetworkTried, Why
from device.records import BadRecord, from_json, record, to_json
from device.settings.network import Ipv4, Ipv6, Network, NetworkKeeper
from device.settings.section import Interrupts, InvalidSettings, Section, about_fields
from device.settings.store import Changed, Store

BY = "network trial"  #: who takes back what nobody confirmed

#: The settings that could cut somebody off: those that end sessions.
RISKY = frozenset(
    name for name, field in about_fields(Network).items() if field.interrupts is Interrupts.SESSIONS
)


class NothingTried(Refused):
    """There is nothing to confirm, or to take back."""

    def __init__(self) -> None:
        super().__init__("No change of the network is being tried.")


class NotNewer(Refused):
    """A connection from before the change says nothing about whether the recorder can still be reached."""

    transient = True
    hint = "Ask again, by a new connection."


class Phase(Enum):
    """How far a trial is."""

    NONE = "none"  #: nothing was tried since the recorder started
    TRIED = "tried"
    KEPT = "kept"
    TAKEN_BACK = "taken-back"


@dataclass(frozen=True, slots=True)
class TrialShown:
    """A change of the network that is tried, or how the last one ended."""

    state: Phase
    left: float | None  #: seconds to confirm it; None: nothing is tried
    addresses: tuple[str, ...]  #: set by hand, where the recorder should be now
    by: str  #: account that made the change
    why: Why | None  #: it was taken back


@record
@dataclass(frozen=True, slots=True)
class Before:
    """What the settings of `RISKY` were; None: not set. Any: JSON."""

    values: dict[str, Any]


def before(network: Network) -> Before:
    """What is needed to make it so again."""
    values = network.model_dump(mode="json", include=set(RISKY))
    return Before(
        {name: values[name] if name in network.model_fields_set else None for name in sorted(RISKY)}
    )


def addresses(network: Network) -> tuple[str, ...]:
    """Where the recorder is with these settings, as far as they say it."""
    four = network.ipv4_address if network.ipv4 is Ipv4.MANUAL else ""
    six = network.ipv6_address if network.ipv6 is not Ipv6.OFF else ""
    return tuple(filter(None, (four, six)))


class Trial:
    """At most one at a time: what is changed while one runs becomes part of it, and has the whole time again.

    Changes that come by another way than `change` (ONVIF, the command line, a factory default) hold at once: these ways
    know no confirmation, and what was tried before holds with them.
    """

    def __init__(
        self,
        path: Path,
        settings: Store,
        publish: Callable[[Event], object],
        bring: Callable[[], Awaitable[None]],
        connections: Callable[[], Sequence[object]],
    ) -> None:
        """`path`: of the file that is there during a trial. `bring` makes the machine as the settings say, and raises
        Fault where it does not obey. `connections`: those by which a confirmation could come, that are open now."""
        self._path = path
        self._settings = settings
        self._publish = publish
        self._bring = bring
        self._connections = connections
        self._base: Network | None = (
            None  #: what it is again unless somebody confirms; None: nothing is tried
        )
        self._older: Sequence[object] | None = None  #: connections from before; None: it is not applied yet
        self._seconds = 0
        self._until = 0.0  #: by the loop's clock
        self._turned = asyncio.Event()
        self._own = False  #: the change of the settings is ours
        self._shown = TrialShown(Phase.NONE, None, (), "", None)

    def shown(self) -> TrialShown:
        """As it is now."""
        if self._base is None:
            return self._shown
        left = max(0.0, self._until - asyncio.get_running_loop().time())
        return TrialShown(Phase.TRIED, left, addresses(self._settings.get(Network)), self._shown.by, None)

    def change(self, kind: type[Section], work: Callable[[], Changed]) -> Changed:
        """Let `work` change settings, and try what it did where that could cut somebody off. Raises what it raises."""
        if kind is not Network:
            return work()
        now = self._settings.get(Network)
        base = self._base or now
        if self._base is None:
            durable.write_durably(self._path, to_json(before(now)), mode=0o600)
        try:
            with self._by_us():
                changed = work()
        except BaseException:
            if self._base is None:
                durable.remove(self._path)
            raise
        wanted = self._settings.get(Network)
        if not RISKY & set(changed.fields):
            if self._base is None:
                durable.remove(self._path)
        elif wanted.keeper is NetworkKeeper.SYSTEM or not wanted.confirm:
            self._hold(changed.by)
        elif all(getattr(base, name) == getattr(wanted, name) for name in RISKY):
            self._ended(TrialShown(Phase.TAKEN_BACK, None, (), changed.by, Why.ASKED))
        else:
            self._begin(base, wanted.confirm, changed.by)
        return changed

    def keep(self, connection: object, *, by: str) -> TrialShown:
        """Confirm it, by a connection. Raises NothingTried, NotNewer."""
        if self._base is None:
            raise NothingTried
        if self._older is None:
            raise NotNewer("The change is not applied yet.")
        if any(connection is each for each in self._older):
            raise NotNewer("This connection was there before the change.")
        self._hold(by)
        return self._shown

    def take_back(self, *, by: str) -> TrialShown:
        """Make it again what it was, now. Raises NothingTried."""
        if self._base is None:
            raise NothingTried
        self._back(Why.ASKED, by)
        return self._shown

    async def run(self) -> None:
        """For ever. What the last run of the recorder left is taken back first."""
        self._finish_last()
        end = self._settings.subscribe(self._heard)
        try:
            while True:
                self._turned.clear()
                try:
                    async with asyncio.timeout(await self._left()):
                        await self._turned.wait()
                except TimeoutError:
                    self._back(Why.EXPIRED, BY)
        finally:
            end()

    # ------------------------------------------------------------------------------------------ within

    async def _left(self) -> float | None:
        """Seconds that are left of what is tried, which is applied first; None: nothing is."""
        if self._base is None:
            return None
        if self._older is None:
            try:
                await self._bring()
            except Fault:
                if not self._turned.is_set():
                    self._back(Why.REFUSED, BY)
                return None
            if self._turned.is_set():  # it is another one meanwhile, or none
                return None
            self._older = self._connections()
            self._until = asyncio.get_running_loop().time() + self._seconds
        return max(0.0, self._until - asyncio.get_running_loop().time())

    def _begin(self, base: Network, seconds: int, by: str) -> None:
        self._base, self._older, self._seconds = base, None, seconds
        self._until = asyncio.get_running_loop().time() + seconds
        self._shown = TrialShown(Phase.TRIED, None, (), by, None)
        self._publish(NetworkTried(seconds))
        self._turned.set()

    def _hold(self, by: str) -> None:
        """What is so now holds."""
        if self._base is None:
            durable.remove(self._path)
            return
        self._ended(TrialShown(Phase.KEPT, None, (), by, None))

    def _back(self, why: Why, by: str) -> None:
        """Make it again what it was."""
        assert self._base is not None
        with self._by_us():
            self._settings.patch(Network, before(self._base).values, by=by)
        self._ended(TrialShown(Phase.TAKEN_BACK, None, (), by, why))

    def _ended(self, how: TrialShown) -> None:
        durable.remove(self._path)
        self._base = self._older = None
        self._shown = how
        self._publish(NetworkKept(how.by) if how.why is None else NetworkTakenBack(how.why))
        self._turned.set()

    def _finish_last(self) -> None:
        """What cannot be made again, as after an upgrade that knows other settings, stays as it is."""
        if not self._path.exists():
            return
        with contextlib.suppress(BadRecord, InvalidSettings):
            values = from_json(Before, self._path.read_bytes()).values
            if self._settings.patch(Network, values, by=BY).seq:
                self._shown = TrialShown(Phase.TAKEN_BACK, None, (), BY, Why.RESTARTED)
                self._publish(NetworkTakenBack(Why.RESTARTED))
        durable.remove(self._path)

    @contextlib.contextmanager
    def _by_us(self) -> Iterator[None]:
        self._own = True
        try:
            yield
        finally:
            self._own = False

    def _heard(self, changed: Changed) -> None:
        """Somebody changed it by a way that knows no confirmation."""
        risky = changed.section == Network.about.section and RISKY & set(changed.fields)
        if self._base is not None and not self._own and risky:
            self._hold(changed.by)
