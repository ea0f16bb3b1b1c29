"""Recipients in the control plane: tried, sent to through outages, and as the command shows them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from device.errors import BadValue, NotFound
from device.folder import DataFolder
from device.identity import identity
from device.outbox.outbox import Outbox
from device.planes.leash import Leash
from device.planes.link import Client
from device.planes.outward import Tried, TryRecipient
from device.recipients.parcel import Parcel
from device.settings.recipients import MOST, Recipient
from device.settings.sections import SECTIONS
from integration.plane import Plane, plane
from integration.recipients import RecipientsPlane
from tests.integration.rig import Recorder, run
from tests.protocols.smb.samba import PASSWORD, Samba


@contextlib.asynccontextmanager
async def serving(data: Path) -> AsyncIterator[tuple[Plane, RecipientsPlane]]:
    """A control plane that has recipients, and nothing else."""
    folder = DataFolder(data)
    folder.make()
    identity(folder.identity)
    async with plane("control", data, Leash(None, None), SECTIONS) as own:
        outbox = Outbox(own.folder.outbox, own.clock, own.bus.publish)
        recipients = RecipientsPlane(own, outbox)
        recipients.answer(own.server)
        running = asyncio.create_task(recipients.run())
        try:
            yield own, recipients
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            outbox.close()


async def tried(own: Plane, values: dict[str, object]) -> Tried:
    async with Client(own.folder.socket("control"), within=60.0) as client:
        (found,) = (await client.call(TryRecipient("x", json.dumps(values)))).tried
        return found


@pytest.fixture(scope="module")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    with Samba(tmp_path_factory.mktemp("samba")) as running:
        yield running


@pytest.mark.proves("M-306", "M-307")
async def test_there_are_at_most_twenty(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as (own, _):
        values = {"name": "One", "kind": "tcp", "host": "127.0.0.1", "port": 9}
        for number in range(MOST):
            own.settings.patch(Recipient, values, key=f"r{number}", by="anna")
        with pytest.raises(BadValue, match="at most 20"):
            own.settings.patch(Recipient, values, key="r20", by="anna")


@pytest.mark.proves("M-321", "M-341")
async def test_network_storage_is_tried_before_it_is_saved(samba: Samba, tmp_path: Path) -> None:
    (samba.folder / "alarms").mkdir()
    values: dict[str, object] = {
        "name": "NAS",
        "kind": "storage",
        "host": "127.0.0.1",
        "port": samba.port,
        "share": "video",
        "folder": "alarms",
        "user": samba.user,
        "password": PASSWORD,
    }
    async with serving(tmp_path / "data") as (own, _):
        good = await tried(own, values)
        assert good.good, good.detail
        (file,) = (samba.folder / "alarms").iterdir()
        assert file.name in good.detail
        assert b"test of the recorder Holdfast" in file.read_bytes()
        missing = await tried(own, values | {"folder": "nowhere"})
        assert not missing.good
        assert "nowhere: There is no such share or folder" in missing.detail
        assert not (samba.folder / "nowhere").exists()
        refused = await tried(own, values | {"password": "wrong"})
        assert not refused.good
        assert "Check user, password" in refused.detail
        assert own.settings.entries(Recipient) == {}


async def test_what_is_sent_while_a_recipient_is_away_arrives_in_order_when_it_is_back(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.put_nowait(await reader.read())
        writer.close()

    async with serving(tmp_path / "data") as (own, recipients):
        values = {"name": "One", "kind": "tcp", "host": "127.0.0.1", "port": port}
        own.settings.patch(Recipient, values, key="one", by="anna")
        for number in range(5):
            recipients.send("one", Parcel(f"{number}.bin", "", "", f"number {number}", bytes([number])))
        with pytest.raises(NotFound):
            recipients.send("two", Parcel("", "", "", "", b""))
    async with serving(tmp_path / "data"), await asyncio.start_server(serve, "127.0.0.1", port):
        async with asyncio.timeout(60):
            found = [await got.get() for _ in range(5)]
    assert found == [b"number %d\n%c" % (number, number) for number in range(5)]


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    data = tmp_path_factory.mktemp("recipients") / "data"
    with run(data, login=("viewer", "watch-me-7")) as running:
        yield running


@pytest.mark.proves("M-341", "M-342", "M-343", "M-344")
def test_the_command_lists_tests_copies_and_removes(recorder: Recorder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        one = ["name=One", "kind=tcp", "host=127.0.0.1", f"port={port}"]
        made = recorder.command("settings", "set", *(f"recipients[one].{each}" for each in one))
        assert made.code == 0, made.err
        good = recorder.command("recipients", "test", "one", "--json")
        assert (good.code, good.json["good"]) == (0, True)
    assert recorder.command("recipients", "test", "one").code == 1
    assert recorder.command("recipients", "copy", "one", "two").code == 0
    listed = {each["key"]: each for each in recorder.command("recipients", "list", "--json").json}
    assert listed["two"]["name"] == "One (copy)"
    assert listed["two"]["port"] == port
    assert listed["two"]["password"] == {"set": False}
    assert recorder.command("recipients", "remove", "one").code == 0
    assert [each["key"] for each in recorder.command("recipients", "list", "--json").json] == ["two"]
