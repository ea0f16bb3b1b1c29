"""The control plane: settings, accounts, jobs and the recorder's journal. Everything that is not video."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path

from argon2 import PasswordHasher

from device.accounts.role import Role
from device.accounts.store import Accounts
from device.errors import BadValue
from device.events.catalogue import RecorderStarted, RecorderStopped, SettingsChanged
from device.events.event import load
from device.jobs import Job, Jobs
from device.planes.errors import PlaneDown
from device.planes.leash import Leash, attach
from device.planes.link import Client
from device.planes.messages import (
    AccountCreate,
    AccountDelete,
    AccountPassword,
    AccountShown,
    AccountsList,
    AccountsShown,
    Done,
    JobCancel,
    JobShown,
    JobsList,
    JobsShown,
    SettingsEntry,
    SettingsGet,
    SettingsRemove,
    SettingsSet,
    SettingsShown,
    SettingsStored,
    SubscribeEvents,
)
from device.records import BadRecord
from device.settings.sealed import shown
from device.settings.store import Changed
from device.vault import Vault
from integration.plane import Plane, plane, until
from integration.version import VERSION

OTHERS = ("recording", "streaming")
RETRY_SECONDS = 0.5
ANSWER_SECONDS = 10.0


class ControlPlane:
    """The only writer of settings, accounts and jobs; where the events of all planes come together."""

    def __init__(self, own: Plane, accounts: Accounts, jobs: Jobs) -> None:
        self._own = own
        self._accounts = accounts
        self._jobs = jobs
        own.settings.subscribe(self._told)

    def _told(self, changed: Changed) -> None:
        self._own.bus.publish(SettingsChanged(changed.section, changed.key, changed.fields, changed.by))

    async def adopt(self, name: str) -> None:
        """Take another plane's events into the recorder's journal, for ever, each exactly once."""
        async with Client(self._own.folder.socket(name), within=ANSWER_SECONDS) as client:
            while True:
                origin, after = self._own.bus.journal.adopted(name)
                with contextlib.suppress(PlaneDown):
                    async with client.stream(SubscribeEvents(origin, after)) as items:
                        async for item in items:
                            with contextlib.suppress(
                                BadRecord
                            ):  # said by a newer version: it stays in its journal
                                self._own.bus.adopt(item.utc, item.origin, item.origin_seq, load(item.event))
                await asyncio.sleep(RETRY_SECONDS)

    def answer(self) -> None:
        """Register the answers of this plane."""
        server = self._own.server
        server.on(SettingsGet, self._settings_get)
        server.on(SettingsSet, self._settings_set)
        server.on(SettingsRemove, self._settings_remove)
        server.on(AccountsList, self._accounts_list)
        server.on(AccountCreate, self._account_create)
        server.on(AccountPassword, self._account_password)
        server.on(AccountDelete, self._account_delete)
        server.on(JobsList, self._jobs_list)
        server.on(JobCancel, self._job_cancel)

    # --- settings ---

    async def _settings_get(self, request: SettingsGet) -> SettingsShown:
        store = self._own.settings
        kinds = [store.section(request.section)] if request.section else list(store.sections)
        entries = []
        for kind in kinds:
            for key in [request.key] if request.key else store.keys(kind):
                value, version = store.read(kind, key)
                entries.append(SettingsEntry(kind.about.section, key, version, json.dumps(shown(value))))
        return SettingsShown(tuple(entries))

    async def _settings_set(self, request: SettingsSet) -> SettingsStored:
        kind = self._own.settings.section(request.section)
        changes = json.loads(request.changes)
        if not isinstance(changes, dict):
            raise BadValue("changes", "must be a JSON object")
        made = self._own.settings.patch(kind, changes, key=request.key, by=request.by, expect=request.expect)
        return SettingsStored(made.version, made.fields)

    async def _settings_remove(self, request: SettingsRemove) -> Done:
        kind = self._own.settings.section(request.section)
        self._own.settings.remove(kind, key=request.key, by=request.by)
        return Done()

    # --- accounts ---

    async def _accounts_list(self, request: AccountsList) -> AccountsShown:  # noqa: ARG002 - carries nothing
        return AccountsShown(
            tuple(AccountShown(each.name, each.role.value, each.created) for each in self._accounts.list())
        )

    async def _account_create(self, request: AccountCreate) -> Done:
        try:
            role = Role(request.role)
        except ValueError:
            raise BadValue("role", f"must be one of {', '.join(each.value for each in Role)}") from None
        if self._accounts.is_empty() and role is Role.ADMINISTRATOR:
            await self._accounts.create_first(request.name, request.password)
        else:
            await self._accounts.create(request.name, request.password, role, by=request.by)
        return Done()

    async def _account_password(self, request: AccountPassword) -> Done:
        await self._accounts.change_password(request.name, request.password, by=request.by)
        return Done()

    async def _account_delete(self, request: AccountDelete) -> Done:
        self._accounts.delete(request.name, by=request.by)
        return Done()

    # --- jobs ---

    async def _jobs_list(self, request: JobsList) -> JobsShown:  # noqa: ARG002 - carries nothing
        return JobsShown(tuple(_shown(job) for job in self._jobs.list()))

    async def _job_cancel(self, request: JobCancel) -> Done:
        await self._jobs.cancel(request.id)
        return Done()


def _shown(job: Job) -> JobShown:
    return JobShown(
        job.id, job.kind, job.phase, job.state.value, job.done, job.total, job.unit, job.eta, job.error
    )


async def run(data: Path, leash: Leash) -> None:
    """The plane, until it is told to stop."""
    async with plane("control", data, leash) as own:
        vault = Vault.at(own.folder.key)
        publish = own.bus.publish
        accounts = Accounts(
            own.folder.accounts, vault, own.identity.serial, own.clock, publish, PasswordHasher()
        )
        jobs = Jobs(own.folder.jobs, own.clock, publish)
        try:
            control = ControlPlane(own, accounts, jobs)
            control.answer()
            leash.ready({})
            if leash.restart is None:
                publish(RecorderStarted(VERSION, own.identity.serial))
            await until(own.stop, *(asyncio.create_task(control.adopt(name)) for name in OTHERS))
            publish(RecorderStopped("asked to"))
        finally:
            await jobs.close()
            accounts.close()


def main(data: str) -> None:
    """The process."""
    leash = attach()
    asyncio.run(run(Path(data), leash))


if __name__ == "__main__":
    main(*sys.argv[1:])
