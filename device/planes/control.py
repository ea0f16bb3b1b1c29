"""What the control plane answers about settings, accounts and jobs. Who gets as far as its socket is our
own user or root, and may do everything; the wires that let other people in ask for their roles first."""

from __future__ import annotations

import json

from device.accounts.rights import Rights
from device.accounts.role import Role
from device.accounts.store import Accounts
from device.errors import BadValue, member
from device.events.bus import Bus
from device.events.catalogue import SettingsChanged
from device.jobs import Jobs
from device.planes.link import Server
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
)
from device.settings.sealed import shown
from device.settings.store import Changed, Store


def serve_settings(server: Server, store: Store, bus: Bus) -> None:
    """Let `server` read and change settings, and tell of every change on the bus."""

    async def get(request: SettingsGet) -> SettingsShown:
        kinds = [store.section(request.section)] if request.section else store.sections
        found = []
        for kind in kinds:
            keys = [request.key] if request.key else store.keys(kind)
            for key in keys:
                value, version = store.read(kind, key)
                text = json.dumps(shown(value), ensure_ascii=False)
                found.append(SettingsEntry(kind.about.section, key, version, text))
        return SettingsShown(tuple(found))

    async def set_(request: SettingsSet) -> SettingsStored:
        try:
            changes = json.loads(request.changes)
        except ValueError:
            changes = None
        if not isinstance(changes, dict):
            raise BadValue("changes", "must be a JSON object")
        kind = store.section(request.section)
        changed = store.patch(kind, changes, key=request.key, by=request.by, expect=request.expect)
        return SettingsStored(changed.version, changed.fields)

    async def remove(request: SettingsRemove) -> Done:
        store.remove(store.section(request.section), key=request.key, by=request.by)
        return Done()

    def tell(changed: Changed) -> None:
        bus.publish(SettingsChanged(changed.section, changed.key, changed.fields, changed.by))

    server.on(SettingsGet, get)
    server.on(SettingsSet, set_)
    server.on(SettingsRemove, remove)
    store.subscribe(tell)


def serve_accounts(server: Server, accounts: Accounts) -> None:
    """Let `server` list, make, change and remove accounts."""

    async def list_(request: AccountsList) -> AccountsShown:
        del request
        return AccountsShown(
            tuple(AccountShown(one.name, one.role.value, one.created) for one in accounts.list())
        )

    async def create(request: AccountCreate) -> Done:
        role = member(Role, "role", request.role)
        if not accounts.is_empty():
            await accounts.create(request.name, request.password, Rights(role), by=request.by)
        elif role is Role.ADMINISTRATOR:
            await accounts.create_first(request.name, request.password)
        else:
            raise BadValue("role", "must be administrator: it is the first account")
        return Done()

    async def password(request: AccountPassword) -> Done:
        await accounts.change_password(request.name, request.password, by=request.by)
        return Done()

    async def delete(request: AccountDelete) -> Done:
        accounts.delete(request.name, by=request.by)
        return Done()

    server.on(AccountsList, list_)
    server.on(AccountCreate, create)
    server.on(AccountPassword, password)
    server.on(AccountDelete, delete)


def serve_jobs(server: Server, jobs: Jobs) -> None:
    """Let `server` list and stop jobs."""

    async def list_(request: JobsList) -> JobsShown:
        del request
        return JobsShown(
            tuple(
                JobShown(
                    job.id,
                    job.kind,
                    job.phase,
                    job.state.value,
                    job.done,
                    job.total,
                    job.unit,
                    job.eta,
                    job.error,
                    job.result,
                )
                for job in jobs.list()
            )
        )

    async def cancel(request: JobCancel) -> Done:
        await jobs.cancel(request.id)
        return Done()

    server.on(JobsList, list_)
    server.on(JobCancel, cancel)
