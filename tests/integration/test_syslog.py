"""Syslog in the control plane: who is told what, through outages and restarts; the logs as commands show them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from device.audit.keeper import Keeper
from device.audit.trail import Trail, latest
from device.certificates.messages import CertificateAdd, CertificateDelete, serve_certificates
from device.certificates.store import Certificates, InUse
from device.errors import BadValue
from device.events.catalogue import ClockStepped, LoginFailed, RecorderStopped, SettingsChanged
from device.events.event import Event
from device.events.journal import peek
from device.folder import DataFolder
from device.identity import identity
from device.outbox.outbox import Outbox
from device.planes.leash import Leash
from device.planes.link import Client
from device.planes.outward import TrySyslog
from device.settings.section import InvalidSettings
from device.settings.sections import SECTIONS
from device.settings.syslog import Syslog
from device.vault import Vault
from integration.certificates import ClientTls
from integration.exports import signer
from integration.plane import Plane, plane
from integration.syslog import SyslogPlane
from protocols.snmp.message import V2C, community_message
from tests.integration.rig import Recorder, run, wait_until
from tests.integration.test_snmp import GET
from tests.protocols.syslog.authority import Authority
from tests.protocols.syslog.rsyslog import Rsyslog


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Rsyslog]:
    with Rsyslog(tmp_path_factory.mktemp("rsyslog"), authority) as running:
        yield running


@pytest.fixture
def server(shared: Rsyslog) -> Rsyslog:
    shared.forget()
    return shared


@contextlib.asynccontextmanager
async def serving(data: Path) -> AsyncIterator[Plane]:
    """A control plane that tells syslog servers, and nothing else."""
    folder = DataFolder(data)
    folder.make()
    identity(folder.identity)
    async with plane("control", data, Leash(None, None), SECTIONS) as own:
        outbox = Outbox(own.folder.outbox, own.clock, own.bus.publish)
        trail = Trail(own.folder.audit, signer(own.folder))
        keeper = Keeper(own.bus, trail)
        certificates = Certificates(folder.certificates, Vault.at(folder.key), own.identity.serial, own.clock)
        syslog = SyslogPlane(own, outbox, keeper, ClientTls(own.settings, certificates))
        syslog.answer(own.server)
        serve_certificates(own.server, certificates, own.settings)
        tasks: list[asyncio.Task[None]] = [
            asyncio.create_task(keeper.run()),
            asyncio.create_task(syslog.run()),
        ]
        try:
            yield own
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            outbox.close()
            trail.close()


async def until(server: Rsyslog, holds: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    return await asyncio.to_thread(server.until, holds)


async def told(own: Plane, *servers: str) -> None:
    """The boxes of these servers are there: what is said from now on is for them."""
    names = {f"syslog/{key}" for key in servers}
    await asyncio.to_thread(
        wait_until, "they are told", lambda: names <= set(_boxes(own.folder.outbox)), every=0.02
    )


def _boxes(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return [name for (name,) in database.execute("SELECT name FROM box")]


async def taken_in(own: Plane, name: str, certificate: Path, key: Path | None = None) -> str:
    """A certificate, by its id."""
    text, secret = (
        base64.b64encode(file.read_bytes()).decode() if file else "" for file in (certificate, key)
    )
    async with Client(own.folder.socket("control"), within=30.0) as client:
        return (await client.call(CertificateAdd(name, text, secret, password=""))).id


def steps(messages: list[dict[str, Any]]) -> list[int]:
    """The steps of the clock among messages, in the order in which they came."""
    found = [
        re.search(r'step="([0-9]+)', each["data"]) for each in messages if each["name"] == "CLOCK-STEPPED"
    ]
    return [int(each[1]) for each in found if each is not None]


@pytest.mark.proves("M-384", "M-385")
async def test_a_server_gets_the_severities_and_logs_that_it_wants(server: Rsyslog, tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as own:
        wants = {"host": "127.0.0.1", "port": server.tcp, "transport": "tcp"}
        wants |= {"severity": "warning", "logs": ["system", "access"]}
        own.settings.patch(Syslog, wants, key="siem", by="anna")
        await told(own, "siem")
        own.bus.publish(SettingsChanged("cameras", "c-aaaa", ("name",), "anna"))  # another log
        own.bus.publish(RecorderStopped("notice"))  # not severe enough
        own.bus.publish(LoginFailed("otto", "192.0.2.7", "rtsp"))
        own.bus.publish(ClockStepped(3.0))
        found = await until(server, lambda messages: bool(steps(messages)))
        assert [each["name"] for each in found] == ["LOGIN-FAILED", "CLOCK-STEPPED"]
        assert 'account="otto" peer="192.0.2.7" protocol="rtsp"' in found[0]["data"]
        assert found[0]["facility"] == "authpriv"


@pytest.mark.proves("M-375", "M-376", "M-383")
async def test_several_servers_are_told_each_in_its_manner(
    server: Rsyslog, authority: Authority, tmp_path: Path
) -> None:
    async with serving(tmp_path / "data") as own:
        trusted = [await taken_in(own, "An authority", authority.certificate)]
        for key, more in {
            "siem": {"transport": "tls", "port": server.tls, "authorities": trusted, "name": "by-tls"},
            "old": {"transport": "udp", "port": server.udp, "form": "rfc3164", "name": "by-udp"},
        }.items():
            own.settings.patch(Syslog, {"host": "localhost", **more}, key=key, by="anna")
        await told(own, "siem", "old")
        own.bus.publish(ClockStepped(4.0))
        found = await until(
            server, lambda messages: {"by-tls", "by-udp"} <= {each["host"] for each in messages}
        )
        assert {each["input"] for each in found if "clock" in each["text"].lower()} == {"tls", "udp"}


@pytest.mark.proves("M-217")
async def test_a_server_that_asks_who_comes_is_shown_the_certificate_that_was_chosen(
    authority: Authority, tmp_path: Path
) -> None:
    pair = authority.pair("recorder")
    with Rsyslog(tmp_path, authority, ask_client=True) as server:
        async with (
            serving(tmp_path / "data") as own,
            Client(own.folder.socket("control"), within=30.0) as client,
        ):
            trusted = await taken_in(own, "An authority", authority.certificate)
            mine = await taken_in(own, "Mine", pair.certificate, pair.key)
            wants = {"host": "localhost", "port": server.tls, "transport": "tls"}
            wants |= {"authorities": [trusted], "certificate": mine}
            own.settings.patch(Syslog, wants, key="siem", by="anna")
            await told(own, "siem")
            own.bus.publish(ClockStepped(5.0))
            await until(server, lambda messages: steps(messages) == [5])
            for id_, field in ((trusted, "authorities"), (mine, "certificate")):
                with pytest.raises(InUse, match=rf"syslog\[siem\]\.{field}"):
                    await client.call(CertificateDelete(id_))
            for wrong, problem in (
                ({"certificate": "crt-0000000000"}, "there is no certificate crt-0000000000"),
                ({"certificate": trusted}, "An authority is no certificate of that kind"),
                ({"authorities": [mine]}, "Mine is no certificate of that kind"),
            ):
                with pytest.raises(InvalidSettings, match=problem):
                    own.settings.patch(Syslog, wrong, key="siem", by="anna")
            own.settings.remove(Syslog, key="siem", by="anna")
            await client.call(CertificateDelete(mine))


async def test_nothing_is_lost_while_a_server_is_away_and_the_recorder_restarts(
    server: Rsyslog, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    async with serving(data) as own:
        wants = {"host": "127.0.0.1", "port": server.tcp, "transport": "tcp"}
        own.settings.patch(Syslog, wants, key="siem", by="anna")
        await told(own, "siem")
        own.bus.publish(ClockStepped(1.0))
        await until(server, lambda messages: steps(messages) == [1])
        server.stop(signal.SIGKILL)
        for number in range(2, 300):
            own.bus.publish(ClockStepped(float(number)))
    async with serving(data) as own:
        for number in range(300, 400):
            own.bus.publish(ClockStepped(float(number)))
        server.start()
        found = await until(server, lambda messages: 399 in steps(messages))
        assert sorted(set(steps(found))) == list(range(1, 400))
        once = list(dict.fromkeys(steps(found)))
        assert once == sorted(once)


async def test_an_audit_message_carries_a_hash_that_the_trail_has(server: Rsyslog, tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as own:
        wants = {"host": "127.0.0.1", "port": server.tcp, "transport": "tcp"}
        own.settings.patch(Syslog, wants, key="siem", by="anna")
        await told(own, "siem")
        own.bus.publish(SettingsChanged("cameras", "c-aaaa", ("name",), "anna"))
        found = await until(server, lambda messages: any("c-aaaa" in each["data"] for each in messages))
        place = re.search(r'audit@32473 number="(\d+)" hash="([0-9a-f]{64})"', found[-1]["data"])
        assert place is not None
        with contextlib.closing(sqlite3.connect(own.folder.audit)) as database:
            row = database.execute("SELECT hash FROM entry WHERE number = ?", (int(place[1]),)).fetchone()
        assert row == (place[2],)


@pytest.mark.proves("M-386")
async def test_servers_can_be_tried_before_they_are_saved(server: Rsyslog, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, and nobody listens
        port = unused.getsockname()[1]
        async with (
            serving(tmp_path / "data") as own,
            Client(own.folder.socket("control"), within=30.0) as client,
        ):
            candidates = {
                "good": {"host": "127.0.0.1", "port": server.tcp, "transport": "tcp"},
                "bad": {"host": "127.0.0.1", "port": port, "transport": "tcp"},
            }
            tried = {each.key: each for each in (await client.call(TrySyslog(json.dumps(candidates)))).tried}
            assert tried["good"].good
            assert not tried["bad"].good
            assert f"port {port}/tcp" in tried["bad"].detail
            assert own.settings.entries(Syslog) == {}
            with pytest.raises(BadValue, match=r"syslog\[good\].port: must be 1 to 65535"):
                await client.call(TrySyslog(json.dumps({"good": {"host": "h", "port": 0}})))
    await until(server, lambda messages: [each["name"] for each in messages] == ["TEST"])


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """A recorder without cameras, to whose door somebody comes with wrong words."""
    data = tmp_path_factory.mktemp("logs") / "data"
    with run(data, login=("viewer", "watch-me-7")) as running:
        yield running


def _said(recorder: Recorder) -> list[Event]:
    """What stands in the journal."""
    return [entry.event for entry in peek(DataFolder(recorder.data).journal("control"), 1000)[1]]


@pytest.mark.proves("M-373", "M-374")
def test_the_logs_have_the_start_and_whoever_was_refused_and_from_where(recorder: Recorder) -> None:
    port = int(recorder.told["endpoints"]["snmp"].rpartition(":")[2])
    recorder.command("settings", "set", "snmp.version=all", "snmp.read_community=public")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as manager:
        datagram = community_message(V2C, b"guess", GET)

        def refused() -> bool:
            manager.sendto(datagram, ("127.0.0.1", port))
            return any(isinstance(event, LoginFailed) for event in _said(recorder))

        wait_until("the wrong community is in the journal", refused, every=0.2)
    access = recorder.command("log", "access", "--json").json
    assert "peer=127.0.0.1 protocol=snmp" in access[-1]["text"]
    system = recorder.command("log", "--json").json
    assert "recorder.started" in {each["event"] for each in system}
    assert not {"login.failed", "settings.changed"} & {each["event"] for each in system}


def test_the_audit_trail_is_shown_and_verified(recorder: Recorder) -> None:
    path = DataFolder(recorder.data).audit
    recorder.command("settings", "set", "recorder.name==1+1")
    wait_until(
        "the change is in the trail", lambda: any(each["what"] == "recorder" for each in latest(path, 10))
    )
    row = latest(path, 1)[0]
    good = recorder.command("audit", "--verify", "--known", f"{row['number']}:{row['hash']}", "--json")
    assert (good.code, good.json["good"]) == (0, True)
    lost = recorder.command("audit", "--verify", "--known", f"999:{row['hash']}")
    assert lost.code == 1
    assert "entry 999: is missing" in lost.out
    assert "number,utc,who" in recorder.command("audit", "--csv").out
