"""The control plane's answers, over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from device.accounts.store import Accounts, LastAdministrator
from device.errors import BadValue, NotFound
from device.events.bus import Bus
from device.events.catalogue import SettingsChanged
from device.events.event import Event
from device.events.journal import Journal
from device.jobs import Jobs, Progress
from device.planes.control import serve_accounts, serve_jobs, serve_settings
from device.planes.link import Client, Server
from device.planes.messages import (
    AccountCreate,
    AccountDelete,
    AccountPassword,
    AccountsList,
    JobCancel,
    JobsList,
    SettingsGet,
    SettingsRemove,
    SettingsSet,
    SettingsStored,
)
from device.settings.section import InvalidSettings
from device.settings.sections import SECTIONS
from device.settings.store import Conflict, Store
from device.vault import Vault
from tests.device.clock.simulated import SimulatedClock

KEY = "c-7f3k2m"


@dataclass
class Control:
    """A control plane, as far as these tests go."""

    client: Client
    jobs: Jobs
    said: list[Event]


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[Control]:
    clock, vault = SimulatedClock(), Vault(b"k" * 32)
    journal = Journal(tmp_path / "e.db", "control", clock, keep=100)
    bus = Bus(journal, lambda _, error: pytest.fail(str(error)))
    said: list[Event] = []
    bus.subscribe(lambda entry: said.append(entry.event))
    store = Store(tmp_path / "s.db", vault, SECTIONS, clock, readonly=False)
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    accounts = Accounts(tmp_path / "a.db", vault, "HF0", clock, bus.publish, hasher)
    jobs = Jobs(tmp_path / "j.db", clock, bus.publish)
    async with Server(tmp_path / "c.sock") as server:
        serve_settings(server, store, bus)
        serve_accounts(server, accounts)
        serve_jobs(server, jobs)
        yield Control(Client(tmp_path / "c.sock", within=10.0), jobs, said)
    await jobs.close()
    accounts.close()
    store.close()
    journal.close()


async def test_settings_are_changed_and_shown_without_their_secrets(control: Control) -> None:
    text = json.dumps({"main": "rtsp://x/", "password": "hunter2"})
    stored = await control.client.call(SettingsSet("cameras", KEY, text, "anna"))
    assert stored.version == 1
    found = await control.client.call(SettingsGet("cameras"))
    [entry] = found.entries
    assert (entry.key, entry.version) == (KEY, 1)
    assert json.loads(entry.values)["password"] == {"set": True}
    assert "hunter2" not in entry.values
    everything = await control.client.call(SettingsGet())
    assert {entry.section for entry in everything.entries} == {"cameras"} | {
        kind.about.section for kind in SECTIONS if not kind.about.key
    }


async def test_a_change_is_told_on_the_bus(control: Control) -> None:
    await control.client.call(SettingsSet("recording", "", '{"durability": 2}', "anna"))
    assert control.said == [SettingsChanged("recording", "", ("durability",), "anna")]
    again = await control.client.call(SettingsSet("recording", "", '{"durability": 2}', "anna"))
    assert again == SettingsStored(1, ())
    assert len(control.said) == 1


async def test_what_is_wrong_with_a_change_is_said_with_its_type(control: Control) -> None:
    with pytest.raises(InvalidSettings) as invalid:
        await control.client.call(SettingsSet("recording", "", '{"durability": 99, "segment": 1}', "anna"))
    assert invalid.value.problems["recording.durability"] == "must be 0.5 to 10 s"
    assert invalid.value.field == "recording.durability"
    with pytest.raises(Conflict) as conflict:
        await control.client.call(SettingsSet("recording", "", '{"durability": 2}', "anna", expect=5))
    assert conflict.value.version == 0
    for changes in ("", "[]", "{", '"x"'):
        with pytest.raises(BadValue, match="changes"):
            await control.client.call(SettingsSet("recording", "", changes, "anna"))
    with pytest.raises(NotFound):
        await control.client.call(SettingsGet("nothing"))
    with pytest.raises(NotFound):
        await control.client.call(SettingsRemove("cameras", KEY, "anna"))


async def test_accounts_are_made_changed_and_removed(control: Control) -> None:
    with pytest.raises(BadValue, match="first account"):
        await control.client.call(AccountCreate("anna", "x", "viewer", ""))
    with pytest.raises(BadValue, match="administrator, operator, viewer"):
        await control.client.call(AccountCreate("anna", "x", "king", ""))
    await control.client.call(AccountCreate("anna", "x", "administrator", ""))
    await control.client.call(AccountCreate("ben", "y", "viewer", "anna"))
    await control.client.call(AccountPassword("ben", "z", "anna"))
    with pytest.raises(LastAdministrator):
        await control.client.call(AccountDelete("anna", "anna"))
    await control.client.call(AccountDelete("ben", "anna"))
    shown = await control.client.call(AccountsList())
    assert [(one.name, one.role) for one in shown.accounts] == [("anna", "administrator")]


async def test_jobs_are_listed_and_stopped(control: Control) -> None:
    async def work(progress: Progress) -> str:
        progress.phase("copy", total=10, unit="B")
        await asyncio.Event().wait()
        return ""

    job = control.jobs.run("export", work, by="anna", resource="x")
    await asyncio.sleep(0)
    [listed] = (await control.client.call(JobsList())).jobs
    assert (listed.id, listed.state, listed.phase) == (job.id, "running", "copy")
    await control.client.call(JobCancel(job.id, "anna"))
    [listed] = (await control.client.call(JobsList())).jobs
    assert listed.state == "cancelled"
