"""Hard reset: by the control button held from power-on, and on somebody's word."""

from __future__ import annotations

import asyncio
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from device.certificates.formats import KeyType
from device.certificates.store import Certificates
from device.chassis.messages import AskChassis
from device.clock import SystemClock
from device.folder import DataFolder
from device.outbox.messages import AskOutbox
from device.planes.messages import AccountsList, AskRecording, SettingsSet
from device.raid.messages import AskRaid
from device.settings.cameras import Camera
from device.settings.ports import Poe, Port
from device.settings.recorder import Recorder as Names
from device.settings.storages import Storage
from device.settings.store import Store
from device.vault import Vault
from integration.commands.reach import call, read
from integration.factory_default import TABLE
from tests.integration.rig import Recorder, demo, free_offset, run, wait_until
from tests.integration.web.rig import Browser

SECRET = "correct horse"
COLLECTIONS = (Camera, Storage, Port)


def status_light(recorder: Recorder) -> str:
    """Its colour, and whether it blinks."""
    lights = call(DataFolder(recorder.data), "control", AskChassis()).lights
    return next(
        (f"{'blinks ' if each.blinks else ''}{each.color}" for each in lights if each.place == "product"),
        "none yet",
    )


def recordings(recorder: Recorder) -> list[dict[str, Any]]:
    """What is kept, by camera, without what grows."""
    return [
        {name: each[name] for name in ("camera", "stream", "first")}
        for each in recorder.command("recordings", "--json").json["recordings"]
    ]


def name_of(recorder: Recorder) -> str:
    """As the settings say."""
    return read(DataFolder(recorder.data), lambda store: store.get(Names).name)


def accounts(recorder: Recorder) -> list[str]:
    return [each.name for each in call(DataFolder(recorder.data), "control", AccountsList()).accounts]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.proves("M-061", "M-062", "M-064", "M-065", "M-068", "M-069", "M-368", "M-451")
def test_the_control_button_held_from_power_on_resets_all_but_what_is_recorded(tmp_path: Path) -> None:
    data, offset = tmp_path / "data", free_offset()
    secret, wrong = tmp_path / "secret", tmp_path / "wrong"
    secret.write_text(SECRET)
    wrong.write_text("battery staple")
    with demo(data, offset, "--cameras", "1", "--set", "raid.rebuild=1") as recorder:
        made = recorder.command("raid", "create", "5", "1", "2", "3", "4", "--yes", "--password-file", secret)
        assert made.code == 0, made.err
        wait_until("it is recorded there", lambda: bool(recordings(recorder)))
        recorder.command("settings", "set", "recorder.name=Mine", "poe.budget=200", "ports[3].name=Gate")
        kept = recordings(recorder)
        assert recorder.end() == 0

    with demo(data, offset, "--cameras", "1", "--hold-control") as recorder:
        array = call(DataFolder(data), "control", AskRaid())
        assert (array.encrypted, array.locked) == (True, False), "its password is known until the reset"
        assert name_of(recorder) == "Mine"
        wait_until("the light blinks amber", lambda: status_light(recorder) == "blinks amber", every=0.2)
        recorder.command("simulate", "release", "control")
        wait_until("the array is closed", lambda: call(DataFolder(data), "control", AskRaid()).locked)
        wait_until("all settings are gone", lambda: name_of(recorder) == "Holdfast")
        wait_until("the light is green", lambda: status_light(recorder) == "green")
        assert accounts(recorder) == []

        def others(store: Store) -> tuple[object, ...]:
            poe = store.get(Poe)
            return poe.budget, poe.hardware.value, [store.keys(kind) for kind in COLLECTIONS]

        assert read(DataFolder(data), others) == (305.0, "simulated", [[], [], []])
        assert recordings(recorder) == kept

        refused = recorder.command("raid", "mount", "--password-file", wrong)
        assert refused.code == 2
        assert call(DataFolder(data), "control", AskRaid()).locked
        opened = recorder.command("raid", "mount", "--password-file", secret)
        assert opened.code == 0, opened.err
        wait_until(
            "it is a storage again",
            lambda: [v.state for v in call(DataFolder(data), "recording", AskRecording()).volumes] == ["ok"],
        )
        assert recordings(recorder) == kept
        checked = recorder.command("check", "--json")
        assert checked.code == 0, checked.out


def test_everything_in_the_data_folder_is_in_the_table(tmp_path: Path) -> None:
    """Who adds a file to the folder says what a reset does to it."""
    folder = DataFolder(tmp_path)
    named = {name for name, kind in vars(DataFolder).items() if isinstance(kind, property)}
    there = {getattr(folder, name).relative_to(tmp_path).parts[0] for name in named - {"path"}}
    there |= {folder.journal("control").name, "lock"}
    rows = {row.name: row for row in TABLE}
    assert len(rows) == len(TABLE)
    matches = {name: [row for row in rows if fnmatch(name, row)] for name in there}
    assert {name: found for name, found in matches.items() if len(found) != 1} == {}
    assert rows.keys() == {row for found in matches.values() for row in found}
    assert all(row.defaulted for row in TABLE if row.restored), "a factory default takes at least as much"


def made_certificate(folder: DataFolder) -> None:
    """One more than the recorder's own."""
    kept = Certificates(folder.certificates, Vault.at(folder.key), "SERIAL", SystemClock())
    kept.make("Mine", "CN=mine", ["mine.example"], KeyType.EC_P256, 30)


def certificates(folder: DataFolder) -> int:
    return len(list(folder.certificates.glob("crt-*.json")))


def waiting(recorder: Recorder) -> list[str]:
    """For whom something waits."""
    return [each.destination for each in call(DataFolder(recorder.data), "control", AskOutbox()).boxes]


def storages(recorder: Recorder) -> list[tuple[str, str]]:
    """Which there are, and how they are."""
    return [
        (each.uuid, each.state)
        for each in call(DataFolder(recorder.data), "recording", AskRecording()).volumes
    ]


@pytest.mark.timeout(300)
@pytest.mark.proves("M-013", "M-017", "M-390", "M-398")
def test_somebody_may_ask_for_it_and_the_power_may_go_in_between(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folder = DataFolder(data)
    nobody = (
        "syslog[far].name=Far",
        "syslog[far].host=127.0.0.1",
        "syslog[far].port=9",
        "syslog[far].transport=tcp",
    )
    with run(data, "recorder.name=Mine", *nobody, login=("anna", "watch-me-7")) as recorder:
        wait_until("it has its storage", lambda: [how for _, how in storages(recorder)] == ["ok"])
        before = storages(recorder)
        for command in ("factory-default", "restore"):
            refused = recorder.command(command)
            assert (refused.code, "--yes" in refused.err) == (2, True)
        assert accounts(recorder) == ["anna"]
        wait_until("something waits to be sent", lambda: waiting(recorder) == ["syslog/far"])
        made_certificate(folder)
        folder.mqtt.write_text("{}")

        assert recorder.command("restore", "--yes").code == 0
        wait_until("it is done", lambda: name_of(recorder) == "Holdfast" and not folder.resetting.exists())
        assert (accounts(recorder), waiting(recorder)) == ([], [])
        assert (folder.mqtt.exists(), certificates(folder)) == (False, 1)
        wait_until("its storage is the same", lambda: storages(recorder) == before)

        call(folder, "control", SettingsSet("recorder", "", '{"name": "Mine"}', by="anna"))
        assert recorder.command("factory-default", "--yes").code == 0
        wait_until("it is done", lambda: name_of(recorder) == "Holdfast" and not folder.resetting.exists())
        assert certificates(folder) == 0
    folder.resetting.write_text("factory anna")
    with run(data, "recorder.name=Theirs", login=("bert", "watch-me-8")) as recorder:
        assert not folder.resetting.exists()
        assert (name_of(recorder), accounts(recorder)) == ("Holdfast", [])
        asyncio.run(_lost_password(recorder.told["endpoints"]["https"]))
        assert accounts(recorder) == ["carl"]


async def _lost_password(url: str) -> None:
    """Who had one has nothing to come back by; whoever comes first is the new owner."""
    async with Browser(url) as browser:
        assert (await browser.login("bert", "watch-me-8")).status in (401, 403)
        assert (await browser.get("/api/session"))["setup"] is True
        body = {"name": "carl", "password": "new", "repeat": "new", "licence": True}
        assert (await browser.ask("POST", "/api/setup", body)).status in (200, 201)
        assert (await browser.get("/api/session"))["account"]["name"] == "carl"
