"""SNMP in the control plane: the agent on the network, as the settings say; what it shows, and whom it tells."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence

from device.chassis.messages import ChassisShown
from device.durable import write_durably
from device.errors import Fault, HoldfastError
from device.events.catalogue import EndpointBack, EndpointFailed, LoginFailed
from device.events.journal import Entry
from device.linux.host import read_host
from device.planes.link import Client
from device.planes.messages import AskRecording
from device.poe.port import Status
from device.raid.shown import shown
from device.raid.state import Reading
from device.records import BadRecord
from device.settings.cameras import Camera
from device.settings.ports import Poe
from device.settings.recorder import Recorder
from device.settings.snmp import Snmp, SnmpPersonality
from device.settings.storages import Storage
from device.settings.store import Changed
from device.waiting import woken
from integration.plane import Plane
from integration.snmp_changes import BY, CannotKeep, Changes
from integration.snmp_readings import Readings, raid_rows, read_catalogue
from integration.version import VERSION
from protocols.snmp.access import (
    COMMON,
    access,
    engine_identity,
    receiver,
    secret_of,
)
from protocols.snmp.agent import Access, Agent, Limits
from protocols.snmp.ber import Oid
from protocols.snmp.endpoint import Endpoint, address_towards
from protocols.snmp.kept import Kept, decode
from protocols.snmp.message import V1
from protocols.snmp.notify import Notification, Outbox, Target
from protocols.snmp.projection import axis, interfaces, targets
from protocols.snmp.projection.notifications import (
    AUTHENTICATION_FAILURE,
    COLD_START,
    LINK_DOWN,
    LINK_UP,
    WARM_START,
    notification,
)
from protocols.snmp.projection.oids import HF_RECORDER
from protocols.snmp.projection.recorder import TABLES, Chassis, Projection
from protocols.snmp.rows import Register
from protocols.snmp.tree import Tree
from protocols.snmp.usm import Engine
from protocols.snmp.vacm import Level

EVERY = 1.0  #: seconds between two readings of the machine and the recording plane while somebody asks
IDLE = 10.0  #: while nobody does
ASKED = 30.0  #: seconds after the last request that somebody still asks
CATALOGUE_EVERY = 10.0  #: seconds between two readings of the catalogue
FAILURES_EVERY = 10.0  #: seconds between two authenticationFailure: a scanner must not make us a cannon
AGAIN = 10.0  #: seconds until a port that was not to be had is tried again
BURST = 2.0  #: seconds' worth of requests that an address may send at once
ADDRESSES = 1024  #: whose requests are counted
MOST_BOOTS = (1 << 31) - 1
_NAMES = frozenset(("contact", "location"))  #: settings that are shown, and change nothing else


class SnmpPlane:
    """The agent, its rows and its notifications."""

    def __init__(
        self,
        own: Plane,
        address: str,
        port: int,
        recording: Client,
        poe: Callable[[], Status | None],
        box: Callable[[], ChassisShown | None],
        drives: Callable[[], Reading | None],
        cycle: Callable[[int, str], None],
    ) -> None:
        """`port` 0 takes a free one. How ports, box and drives are; None: there are none. `cycle` power-cycles a port
        for somebody. Raises OSError: the number of starts could not be kept."""
        self._own = own
        self._listen = (address, port)
        self._recording = recording
        self._poe = poe
        self._box = box
        self._drives = drives
        self._file = own.folder.snmp
        self._kept = self._load()
        self._clock = own.clock.monotonic
        engine = Engine(engine_identity(own.identity.id), self._kept.boots, secrets.randbits(64))
        self.tree = Tree(TABLES)
        started = self._clock()
        rate = float(own.settings.get(Snmp).rate)
        self.agent = Agent(self.tree, engine, started, Limits(rate, rate * BURST, ADDRESSES))
        self.outbox = Outbox(engine, started, HF_RECORDER, secrets.randbelow(1 << 30))
        chassis = Chassis(own.identity.serial, VERSION, "Holdfast", "Network video recorder")
        self.projection = Projection(self.tree, self.agent, self._kept, chassis, own.clock.utc)
        self.readings = Readings(self._kept, [])
        self._endpoint: Endpoint | None = None
        self._changed = asyncio.Event()
        self._wanted = asyncio.Event()
        self._asked = started - ASKED  # nobody has, so far
        self._last_failure = -FAILURES_EVERY
        self._refused_at: dict[str, float] = {}  #: address, and when it was last said
        self._last_alarm = 0
        self._trap_targets: tuple[Target, ...] = ()
        self._start = COLD_START if own.leash.restart is None else WARM_START  #: what is told of ours
        self._told_start = False
        self._registers = self._make_registers()
        for table, register in zip(targets.TABLES, self._registers.values(), strict=True):
            self.tree.write_with(table, register)
        Changes(own.settings, self.tree, self._kept, self._keep, self._show_changes, cycle)

    # ------------------------------------------------------------------------------------ what is kept

    def _load(self) -> Kept:
        """What was kept, with one start more, durably: no datagram is answered before."""
        try:
            kept = decode(self._file.read_bytes())
        except FileNotFoundError:
            kept = Kept()
        except BadRecord:
            # Boots must not go back: managers would refuse us. A clock that ran on since is more than any count.
            kept = Kept(boots=int(self._own.clock.utc() // 1_000_000_000) & MOST_BOOTS)
        kept.boots = min(kept.boots + 1, MOST_BOOTS)
        write_durably(self._file, kept.encode(), mode=0o600)
        return kept

    def _keep(self) -> None:
        """Raises CannotKeep."""
        self._kept.tables = {
            name: targets.to_kept(register.rows, targets.LAYOUT[name][1])
            for name, register in self._registers.items()
        }
        try:
            write_durably(self._file, self._kept.encode(), mode=0o600)
        except OSError as error:
            raise CannotKeep(f"{self._file}: {os.strerror(error.errno or 0)}") from error

    def _make_registers(self) -> dict[str, Register]:
        made = {}
        for name, (fields, storage, status) in targets.LAYOUT.items():
            register = Register(fields, storage, status, targets.fits, self._targets_changed)
            register.load(targets.from_kept(self._kept.tables.get(name, [])))
            made[name] = register
        return made

    def forget(self) -> None:
        """A factory default: what managers have set goes. How often we started and the numbers of things stay."""
        self._kept.authentication_traps, self._kept.quiet_links = True, []
        for register in self._registers.values():
            register.load({})
        self._targets_changed()

    def _targets_changed(self) -> None:
        """A manager has set whom to tell."""
        self._keep()
        self._show_targets()

    def _show_targets(self) -> None:
        for table, register in zip(targets.TABLES, self._registers.values(), strict=True):
            self.tree.replace(table, register.table_rows())
        self._aim()

    def _aim(self) -> None:
        """Whom the settings and the managers together want to be told."""
        given = self.agent.access
        known = {user.name: user.secret for user in given.users}
        names = {name: community for community, name in given.communities.items()}
        addresses, params, notify = self._registers.values()
        by_managers = targets.targets(addresses, params, notify, known, names, given.vacm)
        self.outbox.targets = (*self._trap_targets, *by_managers)

    # ------------------------------------------------------------------------------------ serving

    async def run(self, ready: Callable[[Mapping[str, str]], None]) -> None:
        """Until cancelled. `ready` is called once, with the port where there is one."""
        own = self._own
        ends = [own.settings.subscribe(self._setting_changed), own.bus.subscribe(self._said)]
        sampling: list[asyncio.Task[object]] = [
            asyncio.create_task(self._sample(), name="snmp sample"),
            asyncio.create_task(self._read_catalogue(), name="snmp catalogue"),
        ]
        try:
            self.projection.raid((), ())
            self._alarms()
            self._show_recorder()
            self.projection.switches()
            told = False
            while True:
                self._changed.clear()
                async with contextlib.AsyncExitStack() as stack:
                    await self._configure()
                    self._endpoint = await self._open(stack)
                    if not told:
                        told = True
                        ready(self._details())
                    if not self._told_start:
                        self._told_start = True
                        self._tell(Notification(self._start, ()))
                    await self._turn(sampling)
                    while self._endpoint is not None:  # nobody goes unanswered because a setting changes
                        await self._configure()
                        if not self.agent.access.versions:
                            break
                        await self._turn(sampling)
                self._endpoint = None
        finally:
            for end in ends:
                end()
            for task in sampling:
                task.cancel()
            await asyncio.gather(*sampling, return_exceptions=True)

    async def _turn(self, sampling: Sequence[asyncio.Task[object]]) -> None:
        """Until settings change, or it is time to try a port again that was not to be had."""
        retry = self._endpoint is None and self._own.settings.get(Snmp).version.value != "off"
        changed = asyncio.create_task(self._changed.wait())
        done, _ = await asyncio.wait(
            [changed, *sampling], timeout=AGAIN if retry else None, return_when=asyncio.FIRST_COMPLETED
        )
        changed.cancel()
        for task in done:
            task.result()  # one that reads for ever and ended is a defect
        self._changed.clear()

    def _details(self) -> dict[str, str]:
        if self._endpoint is None:
            return {}
        host, port = self._endpoint.addresses[0]
        return {"snmp": str(port), "snmp_address": host}

    async def _configure(self) -> None:
        """Take the settings as they are now."""
        settings = self._own.settings.get(Snmp)
        secret = await asyncio.to_thread(secret_of, settings)
        receivers = await self._trap_receivers(settings)
        given: Access = access(settings, secret, self.agent.engine.identity)
        self.agent.limits = Limits(float(settings.rate), settings.rate * BURST, ADDRESSES)
        self.agent.configure(given)
        self.projection.access(given)
        self.projection.axis.turn(settings.personality is SnmpPersonality.AXIS)
        self._show_names()
        self._wanted.set()
        self._trap_targets = receivers
        self._show_targets()

    async def _trap_receivers(self, settings: Snmp) -> tuple[Target, ...]:
        """The receivers of v1/v2c traps that the settings name."""
        if not settings.version.communities or not settings.traps or not settings.trap_address:
            return ()
        host, port = receiver(settings.trap_address)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except OSError:
            return ()  # it is looked up again when a setting changes, and at every start
        address = (str(found[0][4][0]), port)
        community = settings.trap_community.get_secret_value().encode()
        source = address_towards(address[0])
        version = V1 if settings.trap_version.value == "v1" else 1
        return (
            Target(
                "settings", address, version, community, None, Level.NO_AUTH, False, 0.0, 0, COMMON, source
            ),
        )

    async def _open(self, stack: contextlib.AsyncExitStack) -> Endpoint | None:
        """The endpoint; None where SNMP is off, or its port is not to be had: that is said, and tried again."""
        if not self.agent.access.versions:
            self._own.bus.publish(EndpointBack(BY))  # what is not wanted is not missing
            return None
        address, port = self._listen
        wanted = [(address, port)]
        if address == "0.0.0.0" and port and socket.has_ipv6:  # noqa: S104 - a comparison
            wanted.append(("::", port))
        for listen in (wanted, wanted[:1]):  # a machine may have no IPv6
            endpoint = Endpoint(self.agent, self.outbox, listen, self._clock, self._heard)
            try:
                await stack.enter_async_context(endpoint)
            except OSError as error:
                problem = os.strerror(error.errno or 0)
            else:
                self._listen = (address, endpoint.addresses[0][1])  # a free port stays the same
                self._own.bus.publish(EndpointBack(BY))
                return endpoint
        self._own.bus.publish(EndpointFailed(BY, f"{address}, port {port}/udp: {problem}"))
        return None

    def _setting_changed(self, changed: Changed) -> None:
        if changed.section == Snmp.about.section:
            if not changed.removed and _NAMES.issuperset(changed.fields):
                self._show_names()
            else:
                self._changed.set()
        elif changed.section == Recorder.about.section:
            self._show_names()
        elif changed.section in (Camera.about.section, Storage.about.section):
            self._show_recorder()

    # ------------------------------------------------------------------------------------ what is shown

    def _show_changes(self) -> None:
        """What a manager has just SET, at once."""
        self._show_names()
        self.projection.switches()
        self._show_ports()
        self._wanted.set()

    def _show_ports(self) -> None:
        self.projection.poe(self._poe(), round(self._own.settings.get(Poe).usage_threshold))

    def _show_names(self) -> None:
        settings = self._own.settings.get(Snmp)
        self.projection.names(self._own.settings.get(Recorder).name, settings.contact, settings.location)

    def _heard(self) -> None:
        """Datagrams were answered."""
        if self.agent.refused:
            self._refused()
        now = self._clock()
        if now - self._asked > EVERY:
            self._asked = now
            self._wanted.set()

    async def _sample(self) -> None:
        """Read the machine and the recording plane, for ever: each second while somebody asks. In a thread and over a
        socket, so that whatever hangs, requests do not."""
        while True:
            numbers = sum(map(len, self._kept.numbers.values()))
            with contextlib.suppress(OSError):  # the kernel does not say: what it said before stays
                host = await asyncio.to_thread(read_host)
                self.agent.now = max(self.agent.now, self._clock())
                self.projection.chassis(self._box())
                for row in self.projection.host(host):
                    self._link(row)
            answered = True
            try:
                status = await self._recording.call(AskRecording())
            except HoldfastError:
                answered = False
            else:
                self.readings.told(status, self._clock())
            self._show_recorder(known=answered)
            self._show_ports()
            self.projection.log()
            self.projection.raid(*raid_rows(shown("", self._drives())))
            if sum(map(len, self._kept.numbers.values())) != numbers:
                with contextlib.suppress(
                    Fault
                ):  # said by what else cannot be written; tried with the next one
                    await asyncio.to_thread(self._keep)
            self._wanted.clear()
            busy = self._clock() - self._asked < ASKED or self.outbox.targets or not answered
            await woken(self._wanted, EVERY if busy else IDLE)
            await asyncio.sleep(EVERY / 4)  # however often it is wanted

    async def _read_catalogue(self) -> None:
        """How complete the recordings are, for ever."""
        while True:
            path, now = self._own.folder.catalogue, self._own.clock.utc()
            with contextlib.suppress(HoldfastError):  # not there yet
                self.readings.catalogue = await asyncio.to_thread(read_catalogue, path, now)
                self._show_recorder()
            await asyncio.sleep(CATALOGUE_EVERY if self.readings.catalogue else EVERY)

    def _show_recorder(self, *, known: bool = True) -> None:
        store = self._own.settings
        cameras, storages = store.entries(Camera), store.entries(Storage)
        self.projection.recorder(self.readings.rows(cameras, storages, known=known))

    def _alarms(self) -> None:
        self.projection.alarms(self._own.bus.journal.active(), self._last_alarm)

    # ------------------------------------------------------------------------------------ who is told

    def _said(self, entry: Entry) -> None:
        """Something happened."""
        event = entry.event
        if type(event).raises or type(event).clears:
            self._last_alarm = entry.seq
            self._alarms()
        if event.name == "recorder.started":
            return  # coldStart is told when the endpoint is there
        told = notification(entry, self.projection.find)
        if self.projection.axis.on:
            told = axis.notification(entry, told)
        if told is not None:
            self._tell(told)

    def _tell(self, what: Notification) -> None:
        self.agent.now = max(self.agent.now, self._clock())
        self.projection.told(what)
        if self._endpoint is not None and self.outbox.targets:
            settings = self._own.settings.get(Snmp)
            silent: dict[Oid, bool] = {
                COLD_START: not settings.trap_cold_start,
                LINK_UP: not settings.trap_link_up,
                LINK_DOWN: not settings.trap_link_down,
                AUTHENTICATION_FAILURE: not settings.trap_authentication,
            }
            everybody = self.outbox.targets
            if silent.get(what.name, False):  # the switches are those of the settings' receiver
                self.outbox.targets = tuple(each for each in everybody if each not in self._trap_targets)
            self._endpoint.notify(what)
            self.outbox.targets = everybody
            self.agent.counters.sent_traps = self.outbox.tally.sent

    def _link(self, row: interfaces.Row) -> None:
        if row.traps:
            name = LINK_UP if interfaces.operational(row) == 1 else LINK_DOWN
            self._tell(Notification(name, tuple(self.projection.link(row))))

    def _refused(self) -> None:
        """Somebody came with wrong credentials."""
        now = self._clock()
        for address in dict.fromkeys(self.agent.refused):
            if now - self._refused_at.get(address, -FAILURES_EVERY) >= FAILURES_EVERY:
                self._refused_at.pop(address, None)
                self._refused_at[address] = now
                self._own.bus.publish(LoginFailed("", address, BY))
        while len(self._refused_at) > ADDRESSES:
            del self._refused_at[next(iter(self._refused_at))]
        self.agent.refused.clear()
        if self._kept.authentication_traps and now - self._last_failure >= FAILURES_EVERY:
            self._last_failure = now
            self._tell(Notification(AUTHENTICATION_FAILURE, ()))
