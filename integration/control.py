"""The control plane: settings, accounts, jobs and the recorder's journal. Everything that is not video."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from device.accounts.lockout import Lockout
from device.accounts.store import Accounts
from device.audit.keeper import Keeper
from device.audit.trail import Trail
from device.certificates.messages import serve_certificates
from device.certificates.store import Certificates
from device.chassis.lights import Phase
from device.events.catalogue import RecorderStarted, RecorderStopped
from device.jobs import Jobs
from device.outbox.outbox import Outbox
from device.planes.control import serve_accounts, serve_jobs, serve_settings
from device.planes.exports import serve_export_jobs
from device.planes.leash import Leash, attach
from device.planes.link import Client
from device.planes.relay import adopt_events
from device.settings.section import Scope
from device.settings.sections import SECTIONS
from device.vault import Vault
from integration.archive import ArchivePlane
from integration.cameras import CamerasPlane
from integration.certificates import ClientTls
from integration.chassis import ChassisPlane
from integration.clips import Clips
from integration.config import Listen
from integration.edge import EdgePlane
from integration.entities.collect import Collector
from integration.entities.commands import Hands
from integration.event_brokers import EventBrokersPlane
from integration.exports import signer
from integration.factory_default import FactoryDefault, Forget
from integration.http import HttpPlane
from integration.machine import MachinePlane
from integration.mqtt import MqttPlane
from integration.onvif import OnvifPlane
from integration.onvif_events import OnvifEvents
from integration.outbox import serve_outbox
from integration.plane import Plane, plane, until
from integration.poe import PoePlane
from integration.raid import RaidPlane
from integration.recipients import RecipientsPlane
from integration.recordings import RecordingsPlane
from integration.rules import Reach, RulesPlane
from integration.shares import SharesPlane
from integration.snmp import SnmpPlane
from integration.syslog import SyslogPlane
from integration.version import VERSION

OTHERS = ("recording", "streaming")
ANSWER_SECONDS = 10.0


class Parts:
    """What the plane is made of. Making it opens what is kept and starts nothing.

    Parts are made in the order in which they find one another; where two need each other, the earlier asks for the
    later through `self` when the time has come.
    """

    def __init__(
        self, own: Plane, listen: Listen, recording: Client, streaming: Client, stack: AsyncExitStack
    ) -> None:
        """`stack` closes what was opened. Raises DatabaseFault."""
        self._own = own
        publish = own.bus.publish
        vault = Vault.at(own.folder.key)
        self.accounts = Accounts(
            own.folder.accounts, vault, own.identity.serial, own.clock, publish, PasswordHasher()
        )
        stack.callback(self.accounts.close)
        lockout = Lockout()
        self.jobs = Jobs(own.folder.jobs, own.clock, publish)
        stack.push_async_callback(self.jobs.close)
        self.outbox = Outbox(own.folder.outbox, own.clock, publish)
        stack.callback(self.outbox.close)
        trail = Trail(own.folder.audit, signer(own.folder))
        stack.callback(trail.close)

        self.certificates = Certificates(own.folder.certificates, vault, own.identity.serial, own.clock)
        tls = ClientTls(own.settings, self.certificates)
        self.keeper = Keeper(own.bus, trail)
        self.syslog = SyslogPlane(own, self.outbox, self.keeper, tls)
        self.recipients = RecipientsPlane(own, self.outbox)
        self.archive = ArchivePlane(own, recording)
        self.shares = SharesPlane(own, recording)
        self.raid = RaidPlane(own, self.jobs, recording)
        self.poe = PoePlane(own, limit=lambda: self.chassis.limit())
        self.chassis = ChassisPlane(
            own,
            self.poe.status,
            self.raid.drives,
            reset=lambda: self.factory.begin("control button", Scope.FACTORY),
            faults=lambda: self.rules.faults(),
        )
        self.snmp = SnmpPlane(
            own,
            listen.address,
            listen.snmp,
            recording,
            self.poe.status,
            self.chassis.box,
            self.raid.drives,
            self.poe.cycle,
        )
        self.machine = MachinePlane(own, lambda: self.http.connections())
        self.http = HttpPlane(
            own,
            listen.address,
            (listen.https, listen.http),
            self.accounts,
            lockout,
            self.certificates,
            tls,
            self.jobs,
            recording,
            streaming,
            self.machine.trial,
        )
        self.recordings = RecordingsPlane(own, recording, lambda: self.onvif.rtsp)
        stack.callback(self.recordings.close)
        self.factory = FactoryDefault(own, self.raid, self.chassis, self._forget())
        self.cameras = CamerasPlane(own, recording)
        self.edge = EdgePlane(own, recording, self.jobs, self.cameras.card)
        self.clips = Clips(own, self.outbox, self.recipients, streaming, self.cameras.picture)
        reach = Reach(
            recording,
            lambda: self.poe.service,
            lambda what: self.mqtt.say(what),
            self.recipients.say,
            self.clips.pictures,
            self.clips.clip,
            self.cameras.steering.recall,
        )
        self.rules = RulesPlane(own, reach)
        collector = Collector(
            own, recording, self.poe.shown, self.chassis.shown, self.raid.shown, self.rules.triggers
        )
        hands = Hands(own.settings, lambda: self.poe.service, self.chassis.silence, self.rules.fire, publish)
        events = OnvifEvents(self.recordings.recordings)
        self.mqtt = MqttPlane(own, self.outbox, collector, hands, tls, events)
        self.event_brokers = EventBrokersPlane(
            own, self.outbox, tls, events, lambda: self.onvif.points.standing()
        )
        self.onvif = OnvifPlane(
            own,
            self.accounts,
            lockout,
            self.http.mounts,
            listen,
            recording,
            streaming,
            self.recordings,
            self.factory,
            self.cameras.picture,
            self.machine,
            events,
            self.event_brokers,
        )
        stack.callback(self.onvif.close)
        serve_export_jobs(own.server, self.jobs, streaming)

    def _forget(self) -> Forget:
        return {
            "accounts.db": self.accounts.reset,
            "sessions.db": self.http.sessions.reset,
            "certificates": self.certificates.reset,
            "snmp.json": self.snmp.forget,
            "mqtt.json": lambda: self._own.folder.mqtt.unlink(missing_ok=True),
            "outbox.db": self.outbox.forget_all,
            "spool": lambda: self.clips.forget(),
            "recordings.db": self.recordings.recordings.forget,
        }

    def answer(self) -> None:
        """From now on the other processes are answered."""
        server = self._own.server
        serve_settings(server, self._own.settings, self._own.bus)
        serve_accounts(server, self.accounts)
        serve_certificates(server, self.certificates, self._own.settings)
        serve_jobs(server, self.jobs)
        serve_outbox(server, self.outbox)
        for part in (
            self.syslog,
            self.recipients,
            self.archive,
            self.shares,
            self.raid,
            self.poe,
            self.chassis,
            self.factory,
            self.cameras,
            self.machine,
            self.rules,
            self.mqtt,
        ):
            part.answer(server)

    def first(self) -> Iterator[Coroutine[None, None, None]]:
        """What is done for ever, and must see a reset that goes on."""
        yield self.keeper.run()
        yield self.syslog.run()
        yield self.recipients.run()
        yield self.clips.run()
        yield self.archive.run()
        yield self.shares.run()

    def then(self) -> Iterator[Coroutine[None, None, None]]:
        """What is done for ever once nothing of the past is to be finished."""
        yield self.machine.trial.run()  # first: what nobody confirmed is not made so once more
        yield self.machine.run()
        yield self.raid.run()
        yield self.poe.run()
        yield self.chassis.run()
        yield self.rules.run()
        yield self.mqtt.run()
        yield self.event_brokers.run()
        yield self.recordings.run()
        yield self.onvif.run(lambda: self.http.ports)
        yield self.cameras.run()
        yield self.edge.run()


async def run(data: Path, listen: Listen, leash: Leash) -> None:
    """The plane, until it is told to stop. The only writer of settings, accounts and jobs."""
    async with plane("control", data, leash, SECTIONS) as own, AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(Client(own.folder.socket(name), within=ANSWER_SECONDS))
            for name in OTHERS
        }
        parts = Parts(own, listen, clients["recording"], clients["streaming"], stack)
        parts.answer()
        working = [asyncio.create_task(each) for each in parts.first()]
        working += [
            asyncio.create_task(adopt_events(name, client, own.bus)) for name, client in clients.items()
        ]
        await parts.factory.finish()
        parts.jobs.resume(parts.raid.resumers)
        working += [asyncio.create_task(each) for each in parts.then()]

        details: dict[str, str] = {"onvif": parts.onvif.path}
        serving = []
        for serve in (parts.snmp.run, parts.http.run):
            told: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()
            working.append(asyncio.create_task(serve(told.set_result)))
            told.add_done_callback(lambda done: details.update(done.result()))
            serving.append(told)
        waiting: list[asyncio.Future[Any]] = [asyncio.gather(*serving), *working]  # Any: of what each returns
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)

        leash.ready(details)
        parts.chassis.phase = Phase.RUNNING
        if leash.restart is None:
            own.bus.publish(RecorderStarted(VERSION, own.identity.serial))
        await until(own.stop, *working)
        own.bus.publish(RecorderStopped("asked to"))


def main(data: str, listen: str) -> None:
    """The process. `listen`: JSON of `integration.config.Listen`."""
    leash = attach()
    asyncio.run(run(Path(data), Listen.model_validate_json(listen), leash))
