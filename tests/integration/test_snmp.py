"""SNMP in the control plane: what the settings say is what managers find, and what is kept is kept."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from device.cameras.source import Cause
from device.errors import Refused
from device.events.catalogue import CameraId, CameraOffline, RecorderStarted
from device.folder import DataFolder
from device.identity import identity
from device.planes.leash import Leash
from device.planes.link import Client
from device.poe.errors import NoHardware
from device.poe.port import Mode
from device.raid.messages import ArrayShown, BayShown, RaidShown
from device.raid.state import Condition
from device.settings.ports import Poe, Port, PriorityName
from device.settings.section import Scope, about_fields
from device.settings.sections import SECTIONS
from device.settings.snmp import Snmp, SnmpVersion
from integration.plane import Plane, plane
from integration.poe import PoePlane
from integration.snmp import SnmpPlane
from integration.snmp_readings import raid_rows
from protocols.snmp import ber
from protocols.snmp.access import engine_identity, receiver
from protocols.snmp.ber import OCTETS, Oid, integer, tlv
from protocols.snmp.kept import decode
from protocols.snmp.message import V1, V2C, community_message, pdu
from protocols.snmp.projection.entity import Kind
from protocols.snmp.projection.holdfast import DRIVE_STATES
from protocols.snmp.projection.log import CONTENT
from protocols.snmp.projection.oids import HF_NOTIFICATIONS, HF_OBJECTS, SNMP_MODULES, SNMP_TRAPS
from protocols.snmp.usm import Authentication, Privacy, Secret, User
from tests.integration.rig import Recorder, wait_until
from tests.protocols.snmp.rig import Answer, Manager, read_answer, varbind

PASSWORD = "a long password"
WITHIN = 30.0  #: seconds, for what comes
SILENCE = 0.3  #: seconds, for what does not
NAME: Oid = (1, 3, 6, 1, 2, 1, 1, 5, 0)
TRAP_OID: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
GET = pdu(0xA0, 1, [varbind(NAME)])


def _nothing() -> None:
    """This recorder has no such hardware."""


def _no_port(port: int, by: str) -> None:
    raise NoHardware(f"there is no port {port} for {by}")


class Served:
    """A control plane that serves SNMP, and managers that ask it."""

    def __init__(self, own: Plane, snmp: SnmpPlane, port: int, poe: PoePlane) -> None:
        self.own = own
        self.snmp = snmp
        self.port = port
        self.poe = poe

    async def set(self, **changes: object) -> None:
        """Change settings, and wait until they are in force."""
        seen = self.snmp.agent.access
        self.own.settings.patch(Snmp, changes, by="anna")
        async with asyncio.timeout(WITHIN):
            while self.snmp.agent.access is seen or self.snmp._endpoint is None:
                if (
                    self.own.settings.get(Snmp).version is SnmpVersion.OFF
                    and self.snmp.agent.access is not seen
                ):
                    break
                await asyncio.sleep(0.01)

    async def ask(self, datagram: bytes, seconds: float = WITHIN) -> bytes | None:
        """Send it, and wait for the answer."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect(("127.0.0.1", self.port))
            with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                await loop.sock_sendall(sock, datagram)
                return await asyncio.wait_for(loop.sock_recv(sock, 65535), seconds)
        return None

    async def community(
        self, word: bytes, version: int = V2C, body: bytes = GET, seconds: float = WITHIN
    ) -> Answer | None:
        """What somebody with that community is answered; None: nothing within so long."""
        reply = await self.ask(community_message(version, word, body), seconds)
        return None if reply is None else read_answer(reply)

    async def initial(self, password: str, body: bytes = GET, seconds: float = WITHIN) -> Answer | None:
        """What the account `initial` is answered with that password."""
        engine = engine_identity(self.own.identity.id)
        secret = Secret.of("initial", Authentication.SHA256, password, Privacy.AES, password)
        asker = Manager(User(secret, engine), boots=self.snmp.agent.engine.boots, engine=engine)
        asker.time = self.snmp.agent.engine_time(self.own.clock.monotonic())
        reply = await self.ask(asker.write(body), seconds)
        if reply is None:
            return None
        return asker.read(reply)[1]


@contextlib.asynccontextmanager
async def serving(data: Path) -> AsyncIterator[Served]:
    """From start to stop."""
    folder = DataFolder(data)
    folder.make()
    identity(folder.identity)
    async with (
        plane("control", data, Leash(None, None), SECTIONS) as own,
        Client(folder.socket("recording"), within=0.2) as recording,
    ):
        poe = PoePlane(own, limit=lambda: None)
        snmp = SnmpPlane(own, "127.0.0.1", 0, recording, poe.status, _nothing, _nothing, poe.cycle)
        ready: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(snmp.run(ready.set_result))
        try:
            told = await asyncio.wait_for(ready, WITHIN)
            yield Served(own, snmp, int(told.get("snmp", 0)), poe)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path / "data") as made:
        yield made


@pytest.mark.proves("M-197")
async def test_the_version_decides_who_is_answered(served: Served) -> None:
    await served.set(version="all", read_community="public", initial_password=PASSWORD)
    assert await served.community(b"public") is not None
    assert await served.initial(PASSWORD) is not None
    await served.set(version="v1v2c")
    assert await served.community(b"public", V1) is not None
    assert await served.initial(PASSWORD, seconds=SILENCE) is None
    await served.set(version="v3")
    assert await served.community(b"public", seconds=SILENCE) is None
    assert await served.initial(PASSWORD) is not None
    await served.set(version="off")
    assert await served.initial(PASSWORD, seconds=SILENCE) is None


async def test_a_new_recorder_answers_nobody_but_v3(served: Served) -> None:
    assert served.own.settings.get(Snmp).version is SnmpVersion.V3
    for word in (b"public", b"write", b"private", b""):
        assert await served.community(word, seconds=SILENCE) is None
    found = await served.initial(PASSWORD)
    assert found is None or found.kind == 0xA8


@pytest.mark.proves("M-198", "M-199")
async def test_one_community_reads_and_the_other_writes(served: Served) -> None:
    await served.set(version="v1v2c", read_community="public", write_community="write")
    change = pdu(0xA3, 1, [varbind(NAME, tlv(OCTETS, b"villa"))])
    refused = await served.community(b"public", body=change)
    assert refused is not None
    assert (refused.status, refused.index) == (6, 1)
    done = await served.community(b"write", body=change)
    assert done is not None
    assert done.status == 0
    read = await served.community(b"public")
    assert read is not None
    assert read.varbinds[0][1] == tlv(OCTETS, b"villa")
    fixed = pdu(0xA3, 1, [varbind((1, 3, 6, 1, 2, 1, 1, 1, 0), tlv(OCTETS, b"x"))])
    still = await served.community(b"write", body=fixed)
    assert still is not None
    assert still.status == 17


USERS: Oid = (*SNMP_MODULES, 15, 1, 2)
SEEN, HIDDEN, WRITTEN = "seen", "hidden", "written"
#: Who sees what (docs/guide/permissions.md): the name of the system; the users; the targets; what happened, in words.
VIEWS = {
    "nobody": (HIDDEN, HIDDEN, HIDDEN, HIDDEN),
    "reader": (SEEN, HIDDEN, HIDDEN, HIDDEN),
    "writer": (WRITTEN, HIDDEN, HIDDEN, HIDDEN),
    "initial": (WRITTEN, WRITTEN, WRITTEN, WRITTEN),
}


@pytest.mark.parametrize("who", VIEWS)
async def test_each_view_shows_and_takes_what_it_is_for(served: Served, who: str) -> None:
    """GETNEXT finds what is there and in the view; a SET of what is not in it is noAccess(6), whatever is there."""
    await served.set(
        version="all", read_community="public", write_community="write", initial_password=PASSWORD
    )
    communities = {"nobody": b"guess", "reader": b"public", "writer": b"write"}

    async def ask(body: bytes) -> Answer | None:
        if who == "initial":
            return await served.initial(PASSWORD, body)
        return await served.community(
            communities[who], body=body, seconds=SILENCE if who == "nobody" else WITHIN
        )

    found = []
    for subtree in (NAME[:-1], USERS, (*SNMP_MODULES, 12, 1, 2), CONTENT):
        answer = await ask(pdu(0xA3, 1, [varbind((*subtree, 1, 9), tlv(OCTETS, b"x"))]))
        if answer is None:
            found.append(HIDDEN)
            continue
        writes = answer.status != 6
        if subtree in (NAME[:-1], USERS):  # the others have no rows yet
            after = await ask(pdu(0xA1, 1, [varbind(subtree)]))
            assert after is not None
            name = after.varbinds[0][0]
            reads = name != subtree and name[: len(subtree)] == subtree  # the same name: the end of the view
        else:
            reads = writes
        found.append(WRITTEN if writes else SEEN if reads else HIDDEN)
    assert tuple(found) == VIEWS[who]


MODE: Oid = (1, 3, 6, 1, 2, 1, 105, 1, 1, 1, 3, 1)
OWN_MODE: Oid = (*HF_OBJECTS, 2, 4, 1, 3)
CYCLE: Oid = (*HF_OBJECTS, 2, 4, 1, 10)


@pytest.fixture
async def ports(served: Served) -> AsyncIterator[Served]:
    """With simulated PoE ports, of which the second is protected."""
    store = served.own.settings
    store.patch(Poe, {"hardware": "simulated"}, by="anna")
    store.patch(Port, {"protected": True}, key="2", by="anna")
    running = asyncio.create_task(served.poe.run())
    async with asyncio.timeout(30):
        while served.poe.service is None or not served.poe.service.status().ports:  # noqa: ASYNC110 - its own task
            await asyncio.sleep(0.01)
    served.snmp._show_ports()
    await served.set(version="v1v2c", read_community="public", write_community="write")
    yield served
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def change(to: Served, *changes: tuple[Oid, bytes]) -> tuple[int, int]:
    """error-status and error-index of a SET."""
    done = await to.community(b"write", body=pdu(0xA3, 1, [varbind(*each) for each in changes]))
    assert done is not None
    return done.status, done.index


async def test_a_port_is_turned_off_and_on_by_set(ports: Served) -> None:
    store = ports.own.settings
    assert await change(ports, ((*MODE, 3), integer(2))) == (0, 0)
    assert store.get(Port, "3").mode is Mode.OFF
    read = await ports.community(b"public", body=pdu(0xA0, 1, [varbind((*MODE, 3)), varbind((*OWN_MODE, 3))]))
    assert read is not None
    assert [value for _, value in read.varbinds] == [integer(2), integer(3)]
    assert await change(ports, ((*MODE, 3), integer(1))) == (0, 0)
    assert store.get(Port, "3").mode is Mode.BOTH
    assert await change(ports, ((*OWN_MODE, 3), integer(2))) == (0, 0)
    assert store.get(Port, "3").mode is Mode.POWER
    assert await change(ports, ((*MODE, 3), integer(1))) == (0, 0)
    assert store.get(Port, "3").mode is Mode.POWER  # it is on, as it was meant


async def test_a_protected_port_is_refused_and_nothing_is_done_by_half(ports: Served) -> None:
    store = ports.own.settings
    for name, value in ((MODE, 2), (OWN_MODE, 2), (OWN_MODE, 3), (CYCLE, 2)):
        assert (await change(ports, ((*name, 2), integer(value))))[0] == 12
    assert await change(ports, ((*MODE, 3), integer(2)), ((*MODE, 2), integer(2))) == (12, 2)
    assert store.entries(Port).get("3", Port()).mode is Mode.BOTH
    assert store.get(Port, "2").mode is Mode.BOTH
    assert await change(ports, ((*MODE, 200), integer(2))) == (11, 1)
    assert await change(ports, ((*CYCLE, 3), integer(1))) == (10, 1)  # only cycle(2) can be set
    assert (await change(ports, ((*CYCLE, 3), integer(2))))[0] == 12  # nothing hangs on it that has power


async def test_priority_and_threshold_are_set(ports: Served) -> None:
    threshold: Oid = (1, 3, 6, 1, 2, 1, 105, 1, 3, 1, 1, 5, 1)
    assert await change(ports, ((*MODE[:-2], 7, 1, 3), integer(1)), (threshold, integer(70))) == (0, 0)
    assert ports.own.settings.get(Port, "3").priority is PriorityName.CRITICAL
    assert ports.own.settings.get(Poe).usage_threshold == 70


@pytest.mark.proves("M-202", "M-203")
@pytest.mark.parametrize("version", ["v3", "off"])
async def test_traps_go_off_with_the_communities(served: Served, version: str) -> None:
    await served.set(version="v1v2c", traps=True, trap_address="127.0.0.1:9")
    assert served.own.settings.get(Snmp).traps
    await served.set(version=version)
    assert not served.own.settings.get(Snmp).traps
    await served.set(version="v1v2c")
    assert not served.own.settings.get(Snmp).traps


class Receiver:
    """Somebody who takes traps."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"

    async def next(self, seconds: float = WITHIN) -> bytes | None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(loop.sock_recv(self.socket, 65535), seconds)
        return None

    async def named(self, name: Oid, seconds: float = WITHIN) -> bytes | None:
        """The next one of that name."""
        while (datagram := await self.next(seconds)) is not None:
            if dict(read_answer(datagram).varbinds)[TRAP_OID] == ber.name(name):
                return datagram
        return None


@pytest.fixture
def manager() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.socket.close()


@pytest.mark.proves("M-200", "M-204", "M-205", "M-210")
async def test_traps_go_to_the_address_with_the_community(served: Served, manager: Receiver) -> None:
    await served.set(version="v1v2c", traps=True, trap_address=manager.address, trap_community="hush")
    served.own.bus.publish(CameraOffline(CameraId("c-1"), "main", Cause.UNREACHABLE, "no route"))
    datagram = await manager.named((*HF_NOTIFICATIONS, 4))
    assert datagram is not None
    assert b"\x04\x04hush" in datagram
    await served.set(traps=False)
    served.own.bus.publish(RecorderStarted("1", "x"))
    served.own.bus.publish(CameraOffline(CameraId("c-2"), "main", Cause.UNREACHABLE, "no route"))
    assert await manager.named((*HF_NOTIFICATIONS, 4), SILENCE) is None


@pytest.mark.proves("M-209")
@pytest.mark.parametrize("wanted", [True, False])
async def test_a_wrong_community_is_told_where_that_is_wanted(
    served: Served, manager: Receiver, wanted: bool
) -> None:
    await served.set(version="v1v2c", traps=True, trap_address=manager.address, trap_authentication=wanted)
    for _ in range(5):
        assert await served.community(b"guess", seconds=SILENCE) is None
    datagram = await manager.named((*SNMP_TRAPS, 5), WITHIN if wanted else SILENCE)
    assert (datagram is not None) == wanted
    assert await manager.named((*SNMP_TRAPS, 5), SILENCE) is None  # not one for each


@pytest.mark.proves("M-206")
async def test_a_start_is_told(tmp_path: Path, manager: Receiver) -> None:
    async with serving(tmp_path / "data") as first:
        await first.set(version="v1v2c", traps=True, trap_address=manager.address)
    async with serving(tmp_path / "data"):
        assert await manager.named((*SNMP_TRAPS, 1)) is not None


@pytest.mark.proves("M-207", "M-208")
async def test_a_link_that_comes_or_goes_is_told(served: Served, manager: Receiver) -> None:
    await served.set(version="v1v2c", traps=True, trap_address=manager.address)
    for row in list(served.snmp.tree.branches):
        if row.table.name == "ifEntry":
            [link] = row.rows[:1]
            served.snmp._link(link)
            up = link
    wanted = (*SNMP_TRAPS, 4 if up.is_.running else 3)
    datagram = await manager.named(wanted)
    assert datagram is not None
    assert (1, 3, 6, 1, 2, 1, 2, 2, 1, 8, up.index) in read_answer(datagram).names
    await served.set(trap_link_up=False, trap_link_down=False)
    served.snmp._link(up)
    assert await manager.named(wanted, SILENCE) is None


@pytest.mark.proves("M-212", "M-213", "M-214")
async def test_the_password_of_initial_can_be_set_once(served: Served) -> None:
    await served.set(initial_password=PASSWORD)
    found = await served.initial(PASSWORD)
    assert found is not None
    assert found.kind == 0xA2
    store = served.own.settings
    for changes in ({"initial_password": "another password"}, {"initial_password": None}):
        with pytest.raises(Refused, match="only once"):
            store.patch(Snmp, changes, by="anna")
    with pytest.raises(Refused, match="only once"):
        store.undo(Snmp, 0, by="anna")
    with pytest.raises(Refused, match="only once"):
        store.remove(Snmp, by="anna")
    store.reset(Scope.RESTORE, by="anna")
    assert store.get(Snmp).initial_password.get_secret_value() == PASSWORD
    store.reset(Scope.FACTORY, by="anna")
    assert store.get(Snmp).initial_password.get_secret_value() == ""
    store.patch(Snmp, {"initial_password": "another password"}, by="anna")


@pytest.mark.parametrize("first", [32, 63], ids=["first", "last"])
async def test_a_password_of_printable_characters_opens(served: Served, first: int) -> None:
    password = "".join(chr(code) for code in range(first, first + 64))
    await served.set(initial_password=password)
    found = await served.initial(password)
    assert found is not None
    assert found.kind == 0xA2


@pytest.mark.proves("M-215")
async def test_the_password_can_be_set_without_https_and_its_help_advises_https(served: Served) -> None:
    assert "Use HTTPS" in about_fields(Snmp)["initial_password"].help
    await served.set(initial_password=PASSWORD)  # on the machine itself: no web server runs here
    found = await served.initial(PASSWORD)
    assert found is not None
    assert found.kind == 0xA2


@pytest.mark.proves("M-201")
async def test_receivers_for_v3_are_set_by_snmp(served: Served) -> None:
    await served.set(initial_password=PASSWORD)
    base: Oid = (1, 3, 6, 1, 6, 3, 13, 1, 1, 1)
    row = [varbind((*base, 5, 97), b"\x02\x01\x04"), varbind((*base, 2, 97), tlv(OCTETS, b"alarms"))]
    done = await served.initial(PASSWORD, pdu(0xA3, 1, row))
    assert done is not None
    assert done.status == 0
    kept = decode(served.own.folder.snmp.read_bytes())
    assert kept.tables["notify"][0][0] == [97]


async def test_the_number_of_starts_grows_and_indexes_stay(tmp_path: Path) -> None:
    boots, numbers = [], []
    for _ in range(3):
        async with serving(tmp_path / "data") as served:
            boots.append(served.snmp.agent.engine.boots)
            assert (
                decode(served.own.folder.snmp.read_bytes()).boots == boots[-1]
            )  # before anything is answered
            async with asyncio.timeout(WITHIN):
                while not served.snmp._kept.numbers.get("interface"):  # noqa: ASYNC110 - its own task
                    await asyncio.sleep(0.01)
            numbers.append(dict(served.snmp._kept.numbers["interface"]))
    assert boots == [1, 2, 3]
    assert numbers[0] == numbers[1] == numbers[2]


async def test_what_was_kept_and_cannot_be_read_does_not_send_boots_back(tmp_path: Path) -> None:
    async with serving(tmp_path / "data"):
        pass
    (tmp_path / "data" / "snmp.json").write_bytes(b"\0" * 100)
    async with serving(tmp_path / "data") as served:
        assert served.snmp.agent.engine.boots > 1_000_000


async def test_a_port_that_is_taken_is_said_and_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        folder = DataFolder(tmp_path / "data")
        folder.make()
        identity(folder.identity)
        async with (
            plane("control", folder.path, Leash(None, None), SECTIONS) as own,
            Client(folder.socket("recording"), within=0.2) as recording,
        ):
            snmp = SnmpPlane(
                own, "127.0.0.1", taken.getsockname()[1], recording, _nothing, _nothing, _nothing, _no_port
            )
            ready: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()
            running = asyncio.create_task(snmp.run(ready.set_result))
            assert await asyncio.wait_for(ready, WITHIN) == {}
            assert [type(entry.event).raises for entry in own.bus.journal.active()] == ["endpoint.failed"]
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("nms", ("nms", 162)),
        ("10.0.0.1:1162", ("10.0.0.1", 1162)),
        ("fd00::1", ("fd00::1", 162)),
        ("[fd00::1]:99", ("fd00::1", 99)),
        ("[fd00::1]", ("fd00::1", 162)),
    ],
)
def test_the_address_of_a_receiver_may_carry_a_port(text: str, found: tuple[str, int]) -> None:
    assert receiver(text) == found
    assert Snmp.model_validate({"trap_address": text}).trap_address == text


@pytest.mark.proves("M-198")
def test_the_demo_answers_v2c_and_v3_at_once(shown: Recorder) -> None:
    port = int(shown.told["endpoints"]["snmp"].rpartition(":")[2])
    user = shown.told["snmp_v3"]
    assert (user["user"], user["auth"], user["priv"]) == ("initial", "SHA", "AES")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(WITHIN)
        sock.connect(("127.0.0.1", port))
        sock.send(community_message(V2C, b"public", GET))
        assert read_answer(sock.recv(65535)).varbinds[0][1] == tlv(OCTETS, b"Holdfast")


@pytest.mark.proves("M-001")
def test_the_recorder_names_itself_as_recorder_switch_and_drives(shown: Recorder) -> None:
    """On the entity table (RFC 6933): the chassis, the switch in it with its ports, and bays with drives in them."""
    host, _, port = shown.told["endpoints"]["snmp"].rpartition(":")
    table: Oid = (1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(30)
        sock.connect((host.rpartition("/")[2] or "127.0.0.1", int(port)))

        def column(number: int) -> dict[int, bytes]:
            found: dict[int, bytes] = {}
            at: Oid = (*table, number)
            while True:
                sock.send(community_message(V2C, b"public", pdu(0xA1, 1, [varbind(at)])))
                at, value = read_answer(sock.recv(65535)).varbinds[0]
                if at[:-1] != (*table, number):
                    return found
                found[at[-1]] = value

        def parts() -> list[tuple[str, str]]:
            """Class, and that of what holds it."""
            within, kinds = column(4), column(5)
            names = {integer(each.value): each.name.lower() for each in Kind} | {integer(0): ""}
            by_index = {integer(index): names[kind] for index, kind in kinds.items()}
            return [
                (names[kinds[each]], by_index.get(within[each], "")) for each in kinds.keys() & within.keys()
            ]

        # Each is told as soon as it answers, in whatever order.
        last = {("drive", "container"), ("port", "module")}
        wait_until("the switch and the bays are there", lambda: last <= set(parts()), every=0.5)
        found = Counter(parts())
    assert found["chassis", ""] == 1
    assert found["module", "chassis"] == 1
    assert found["port", "module"] == 16
    assert found["drive", "container"] <= found["container", "chassis"]


def test_an_array_that_lost_a_drive_says_how_many_more_it_bears() -> None:
    bays = (
        BayShown(1, "online", "S1", "WDC", 10, "passed", 38.4, 100, 0),
        BayShown(2, "broken", "S2", "WDC", 10, "failing", None, None, 7),
        BayShown(3, "empty", "", "", 0, "", None, None, 0),
    )
    array = ArrayShown("u", 6, "Degraded", 4, 3, 20, 0, "rebuild", 1, 3, None)
    [row], drives = raid_rows(RaidShown("mdadm", True, True, False, bays, array, None))
    assert (row.level, row.state, row.missing, row.faults_left) == ("raid6", "degraded", 1, 1)
    assert (row.progress, row.encrypted, row.mounted) == (3333, True, False)
    assert [(each.state, each.health, each.temperature, each.raid) for each in drives] == [
        ("online", "passed", 38, 1),
        ("failed", "failed", -1000, 0),
        ("empty", "unknown", -1000, 0),
    ]
    assert raid_rows(RaidShown("none", False, False, False, (), None, None)) == ([], [])


def test_every_condition_of_a_drive_has_a_state() -> None:
    for condition in Condition:
        bay = BayShown(1, condition.value, "", "", 0, "", None, None, 0)
        _, [row] = raid_rows(RaidShown("mdadm", True, False, False, (bay,), None, None))
        assert row.state in DRIVE_STATES
