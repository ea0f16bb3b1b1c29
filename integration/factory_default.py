"""Restore and factory default (M-061 to M-068, M-390 to M-398): the recorder as it was delivered, by the control button
or on somebody's word.

What people have set goes: settings with their history, accounts, what managers have written, the password of the
encrypted array. What is recorded stays, and so does who this recorder is, and what its box is made of; `TABLE` says it
of everything in the data folder. It is done while the recorder runs, and done again at the next start where the power
went in between.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from device import durable
from device.chassis.lights import Phase
from device.errors import HoldfastError
from device.planes.link import Server
from device.planes.messages import Done, FactoryReset
from device.raid.errors import Busy
from device.raid.raid import Raid
from device.settings.section import Scope
from integration.chassis import ChassisPlane
from integration.plane import Plane
from integration.raid import RaidPlane
from integration.setup import first_storage


@dataclass(frozen=True, slots=True)
class Row:
    """What becomes of something in the data folder."""

    name: str  #: a pattern, where there are several of a kind
    restored: bool  #: a restore forgets what is in it
    defaulted: bool  #: a factory default does
    what: str

    def forgotten(self, scope: Scope) -> bool:
        """Whether such a reset forgets what is in it."""
        return self.restored if scope is Scope.RESTORE else self.defaulted


STAYS, GOES = False, True

TABLE = (
    #    name              restore  factory default
    Row("identity.json", STAYS, STAYS, "who this recorder is, for ever"),
    Row("master.key", STAYS, STAYS, "what secrets are sealed with; the seals themselves go"),
    Row("signature.key", STAYS, STAYS, "signs exports: those that were made can still be verified"),
    Row("settings.db", GOES, GOES, "all but what a restore keeps, and what the box is made of"),
    Row("accounts.db", GOES, GOES, "everybody"),
    Row("sessions.db", GOES, GOES, "who is logged in, and the tokens of programs"),
    Row("certificates", STAYS, GOES, "a restored recorder still has to come into its network, by 802.1X"),
    Row("snmp.json", GOES, GOES, "what managers have set; how often the engine started stays"),
    Row("mqtt.json", GOES, GOES, "what a broker was told to keep"),
    Row("outbox.db", GOES, GOES, "what waits for destinations that are gone from the settings"),
    Row("spool", GOES, GOES, "pictures and clips that wait for them"),
    Row("recordings.db", GOES, GOES, "receivers with passwords, jobs, recordings made from outside"),
    Row("jobs.db", STAYS, STAYS, "a rebuild goes on; when the array was last compared"),
    Row("archive.db", STAYS, STAYS, "what lies on which share: it lies there still"),
    Row("audit.db", STAYS, STAYS, "who did what, the reset too"),
    Row("events-*.db", STAYS, STAYS, "what happened, beside the video of it"),
    Row("catalogue.db", STAYS, STAYS, "what is recorded (M-062)"),
    Row("video", STAYS, STAYS, "recordings"),
    Row("drives", STAYS, STAYS, "simulated ones: hardware"),
    Row("exports", STAYS, STAYS, "recordings, for whoever becomes administrator"),
    Row("network-trial.json", STAYS, STAYS, "there only while a change of the network is tried"),
    Row("factory-default", STAYS, STAYS, "there only while a reset is under way"),
    Row("run", STAYS, STAYS, "sockets"),
    Row("lock", STAYS, STAYS, "held while a recorder runs"),
)

#: By name of a row of `TABLE`. Each can be called again.
Forget = Mapping[str, Callable[[], None]]

PLAYING_SECONDS = 30.0  #: that those who watch have to let go of an encrypted array
RETRY_SECONDS = 0.5


class FactoryDefault:
    """Resets the recorder, once at a time."""

    def __init__(self, own: Plane, raid: RaidPlane, chassis: ChassisPlane, forget: Forget) -> None:
        """`forget`: of all that `TABLE` has forgotten, except the settings."""
        wanted = {row.name for row in TABLE if row.restored or row.defaulted} - {own.folder.settings.name}
        assert forget.keys() == wanted, forget.keys() ^ wanted
        self._own = own
        self._raid = raid
        self._chassis = chassis
        self._forget = forget
        self._task: asyncio.Task[None] | None = None

    def answer(self, server: Server) -> None:
        """Let `server` begin it."""

        async def reset(request: FactoryReset) -> Done:
            self.begin(request.by, Scope.RESTORE if request.restore else Scope.FACTORY)
            return Done()

        server.on(FactoryReset, reset)

    def begin(self, by: str, scope: Scope) -> None:
        """Begin, unless one is under way."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._reset(by, scope), name="factory default")

    async def done(self) -> None:
        """Wait for the end of what is under way."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def finish(self) -> None:
        """Do to its end what the last run of the recorder has begun. Raises OSError, StorageFault."""
        mark = self._own.folder.resetting
        if mark.exists():
            scope, _, by = (await asyncio.to_thread(mark.read_text)).partition(" ")
            await self._reset(by, Scope(scope))

    async def _reset(self, by: str, scope: Scope) -> None:
        """The status light is amber meanwhile, and green when it is done (M-065)."""
        own = self._own
        before, self._chassis.phase = self._chassis.phase, Phase.STARTING
        await asyncio.to_thread(durable.create, own.folder.resetting, f"{scope.value} {by}".encode())
        raid = self._raid.raid
        if raid is not None:
            await _lock_up(raid)
        own.settings.reset(
            scope, by=by
        )  # first: what forgets must not be told anew by what still goes by them
        for row in TABLE:
            if row.forgotten(scope) and row.name in self._forget:
                self._forget[row.name]()
        if raid is None:
            first_storage(own.folder, own.settings, own.identity)
        else:
            with contextlib.suppress(HoldfastError):  # what is wrong with it, its state tells
                await raid.use_anew()
        await asyncio.to_thread(durable.remove, own.folder.resetting)
        self._chassis.phase = before


async def _lock_up(raid: Raid) -> None:
    """A recorder whose array cannot be closed is reset all the same: its password is forgotten."""
    limit = asyncio.get_running_loop().time() + PLAYING_SECONDS
    with contextlib.suppress(HoldfastError):
        while True:
            try:
                await raid.lock_up()
            except Busy:
                if asyncio.get_running_loop().time() > limit:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return
