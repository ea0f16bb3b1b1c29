"""The control plane: settings, accounts, jobs and the recorder's journal. Everything that is not video."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from argon2 import PasswordHasher

from device.accounts.store import Accounts
from device.events.catalogue import RecorderStarted, RecorderStopped
from device.jobs import Jobs
from device.planes.control import serve_accounts, serve_jobs, serve_settings
from device.planes.leash import Leash, attach
from device.planes.link import Client
from device.planes.relay import adopt_events
from device.vault import Vault
from integration.plane import plane, until
from integration.version import VERSION

OTHERS = ("recording", "streaming")
ANSWER_SECONDS = 10.0


async def run(data: Path, leash: Leash) -> None:
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
        serve_settings(own.server, own.settings, own.bus)
        serve_accounts(own.server, accounts)
        serve_jobs(own.server, jobs)
        adopting = []
        for name in OTHERS:
            client = await stack.enter_async_context(Client(own.folder.socket(name), within=ANSWER_SECONDS))
            adopting.append(asyncio.create_task(adopt_events(name, client, own.bus)))
        leash.ready({})
        if leash.restart is None:
            publish(RecorderStarted(VERSION, own.identity.serial))
        await until(own.stop, *adopting)
        publish(RecorderStopped("asked to"))


def main(data: str) -> None:
    """The process."""
    leash = attach()
    asyncio.run(run(Path(data), leash))


if __name__ == "__main__":
    main(*sys.argv[1:])
