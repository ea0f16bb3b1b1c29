"""chrony: a file of sources in its folder (chrony.conf(5), `sourcedir`), and what `chronyc` says."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from device.clock.driver import ClockReading, ClockUnavailable
from device.clock.simulated import servers
from device.errors import Fault
from device.linux.kept_file import KeptFile
from device.linux.run import run
from device.media import MICROSECONDS, Utc
from device.settings.clock import DateAndTime, TimeSource

FOLDER = Path("/etc/chrony/sources.d")
FILE = "holdfast.sources"
_SECONDS = 10.0
#: A clock that is further from the servers just chosen than so many seconds is set by their first answers: slewed it
#: would be wrong for hours.
STEP_SECONDS, STEP_UPDATES = "1", "3"
_UNSYNCHRONIZED = "Not synchronised"  #: the leap status of `chronyc tracking`

Run = Callable[[Sequence[str]], Awaitable[str]]


async def _program(argv: Sequence[str]) -> str:
    return await run(argv, within=_SECONDS)


def render(wanted: DateAndTime, leased: tuple[str, ...]) -> str:
    """The file that lets chrony follow these servers. `leased`: those that DHCP names."""
    return "".join(f"{line}\n" for line in _lines(wanted, leased))


def _lines(wanted: DateAndTime, leased: tuple[str, ...]) -> Iterator[str]:
    nts = " nts" if wanted.source is TimeSource.NTS else ""
    polls = f"minpoll {wanted.shortest_poll.exponent} maxpoll {wanted.longest_poll.exponent}"
    for server in servers(wanted, leased):
        yield f"server {server} iburst {polls}{nts}"


def followed(tracking: str) -> str:
    """The server of `chronyc -c tracking`: reference, its name, stratum, ..., leap status; empty: none."""
    told = tracking.strip().split(",")
    return "" if len(told) < 14 or told[13] == _UNSYNCHRONIZED else told[1]


class ChronyClock:
    """The machine's clock, and chrony's sources."""

    def __init__(
        self,
        leased: Callable[[], tuple[str, ...]],
        folder: Path = FOLDER,
        program: Run = _program,
        step: Callable[[int], object] = lambda ns: time.clock_settime_ns(time.CLOCK_REALTIME, ns),
    ) -> None:
        """`leased`: the servers that DHCP names now. `step`: sets the machine's clock, nanoseconds since 1970 UTC."""
        self._leased = leased
        self._folder = folder
        self._run = program
        self._step = step
        self._sources = KeptFile(folder / FILE, self._reload)

    async def read(self) -> ClockReading:
        """ClockDriver."""
        try:
            return ClockReading(followed(await self._run(["chronyc", "-c", "tracking"])))
        except Fault as error:
            raise ClockUnavailable(str(error)) from error

    async def apply(self, wanted: DateAndTime) -> None:
        """ClockDriver. The zone is the recorder's own: the machine's is not touched."""
        try:
            await self._sources.hold(render(wanted, self._leased()).encode())
        except OSError as error:
            raise ClockUnavailable(f"{self._folder}: {error.strerror}") from error
        except Fault as error:
            raise ClockUnavailable(str(error)) from error

    async def _reload(self) -> None:
        await self._run(["chronyc", "reload", "sources"])
        await self._run(["chronyc", "makestep", STEP_SECONDS, STEP_UPDATES])

    async def set(self, utc: Utc) -> None:
        """ClockDriver. Raises ClockUnavailable too where the kernel does not let us (CAP_SYS_TIME)."""
        try:
            self._step(utc * 1_000_000_000 // MICROSECONDS)
        except OSError as error:
            raise ClockUnavailable(f"The clock cannot be set: {error.strerror}.") from error
