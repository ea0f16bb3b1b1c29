"""The control plane: settings, accounts, jobs and the recorder's journal. Everything that is not video."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from device.accounts.store import Accounts
from device.audit.keeper import Keeper
from device.audit.trail import Trail
from device.chassis.lights import Phase
from device.events.catalogue import RecorderStarted, RecorderStopped
from device.jobs import Jobs
from device.outbox.outbox import Outbox
from device.planes.control import serve_accounts, serve_jobs, serve_settings
from device.planes.exports import serve_export_jobs
from device.planes.leash import Leash, attach
from device.planes.link import Client
from device.planes.relay import adopt_events
from device.vault import Vault
from integration.archive import ArchivePlane
from integration.chassis import ChassisPlane
from integration.config import Listen
from integration.entities.collect import Collector
from integration.entities.commands import Hands
from integration.exports import signer
from integration.factory_default import FactoryDefault
from integration.http import HttpPlane
from integration.mqtt import MqttPlane
from integration.onvif import OnvifPlane
from integration.outbox import serve_outbox
from integration.plane import plane, until
from integration.poe import PoePlane
from integration.raid import RaidPlane
from integration.recipients import RecipientsPlane
from integration.recordings import RecordingsPlane
from integration.rules import Reach, RulesPlane
from integration.snmp import SnmpPlane
from integration.syslog import SyslogPlane
from integration.version import VERSION

OTHERS = ("recording", "streaming")
ANSWER_SECONDS = 10.0


async def run(data: Path, listen: Listen, leash: Leash) -> None:
    """The plane, until it is told to stop. The only writer of settings, accounts and jobs."""
    async with plane("control", data, leash) as own, AsyncExitStack() as stack:
        publish = own.bus.publish
        vault = Vault.at(own.folder.key)
        accounts = Accounts(
            own.folder.accounts, vault, own.identity.serial, own.clock, publish, PasswordHasher()
        )
        stack.callback(accounts.close)
        jobs = Jobs(own.folder.jobs, own.clock, publish)
        stack.push_async_callback(jobs.close)
        outbox = Outbox(own.folder.outbox, own.clock, publish)
        stack.callback(outbox.close)
        serve_outbox(own.server, outbox)
        trail = Trail(own.folder.audit, signer(own.folder))
        stack.callback(trail.close)
        keeper = Keeper(own.bus, trail)
        syslog = SyslogPlane(own, outbox, keeper)
        syslog.answer(own.server)
        recipients = RecipientsPlane(own, outbox)
        recipients.answer(own.server)
        archive = ArchivePlane(own)
        archive.answer(own.server)
        serve_settings(own.server, own.settings, own.bus)
        serve_accounts(own.server, accounts)
        serve_jobs(own.server, jobs)
        working = [
            asyncio.create_task(keeper.run(), name="audit"),
            asyncio.create_task(syslog.run(), name="syslog"),
            asyncio.create_task(recipients.run(), name="recipients"),
            asyncio.create_task(archive.run(), name="archive"),
        ]
        clients = {}
        for name in OTHERS:
            client = await stack.enter_async_context(Client(own.folder.socket(name), within=ANSWER_SECONDS))
            clients[name] = client
            working.append(asyncio.create_task(adopt_events(name, client, own.bus)))
        serve_export_jobs(own.server, jobs, clients["streaming"])
        raid = RaidPlane(own, jobs, clients["recording"])
        raid.answer(own.server)
        poe = PoePlane(own, limit=lambda: chassis.limit())
        chassis = ChassisPlane(
            own, poe.status, raid.drives, lambda: factory.begin("control button"), lambda: rules.faults()
        )
        poe.answer(own.server)
        chassis.answer(own.server)
        snmp = SnmpPlane(
            own,
            listen.address,
            listen.snmp,
            clients["recording"],
            poe.status,
            lambda: None if chassis.service is None else chassis.service.shown(""),
            raid.drives,
            poe.cycle,
        )
        http = HttpPlane(
            own,
            listen.address,
            (listen.https, listen.http),
            accounts,
            jobs,
            clients["recording"],
            clients["streaming"],
        )
        factory = FactoryDefault(own, raid, chassis, (accounts.reset, snmp.forget, http.forget))
        factory.answer(own.server)
        await factory.finish()
        jobs.resume(raid.resumers)
        working += [asyncio.create_task(each.run()) for each in (raid, poe, chassis)]
        reach = Reach(clients["recording"], lambda: poe.service, lambda what: mqtt.say(what), recipients.say)
        rules = RulesPlane(own, reach)
        rules.answer(own.server)
        working.append(asyncio.create_task(rules.run(), name="rules"))
        collector = Collector(own, clients["recording"], poe.shown, chassis.shown, raid.shown, rules.triggers)
        hands = Hands(own.settings, lambda: poe.service, chassis.silence, rules.fire, publish)
        mqtt = MqttPlane(own, outbox, collector, hands)
        working.append(asyncio.create_task(mqtt.run(), name="mqtt"))
        recordings = RecordingsPlane(own, clients["recording"], lambda: (listen.rtsp, listen.rtsps))
        stack.callback(recordings.close)
        working.append(asyncio.create_task(recordings.run(), name="recordings"))
        onvif = OnvifPlane(
            own, accounts, http.mounts, listen, clients["recording"], clients["streaming"], recordings
        )
        stack.callback(onvif.close)
        working.append(asyncio.create_task(onvif.run(lambda: http.ports), name="onvif"))
        details: dict[str, str] = {"onvif": onvif.path}
        serving = []
        for name, run_endpoint in (("snmp", snmp.run), ("http", http.run)):
            told: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()
            working.append(asyncio.create_task(run_endpoint(told.set_result), name=name))
            told.add_done_callback(lambda done: details.update(done.result()))
            serving.append(told)
        waiting: list[asyncio.Future[Any]] = [
            asyncio.gather(*serving),
            *working,
        ]  # Any: of whatever each returns
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        leash.ready(details)
        chassis.phase = Phase.RUNNING
        if leash.restart is None:
            publish(RecorderStarted(VERSION, own.identity.serial))
        await until(own.stop, *working)
        publish(RecorderStopped("asked to"))


def main(data: str, listen: str) -> None:
    """The process. `listen`: JSON of `integration.config.Listen`."""
    leash = attach()
    asyncio.run(run(Path(data), Listen.model_validate_json(listen), leash))


if __name__ == "__main__":
    main(*sys.argv[1:])
