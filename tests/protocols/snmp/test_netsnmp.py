"""net-snmp's own tools as judge: they walk, set and receive."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from protocols.snmp.agent import Access, Agent
from protocols.snmp.ber import OCTETS, tlv
from protocols.snmp.endpoint import Endpoint
from protocols.snmp.message import V1, V2C, V3
from protocols.snmp.notify import Address, Notification, Outbox, Target
from protocols.snmp.usm import Authentication, Privacy, Secret, User
from protocols.snmp.vacm import NOTHING, Level, Member, Model, Right, Vacm
from tests.protocols.snmp.rig import ALL, BASE, ENGINE, GATES, PASSWORD, agent, gates

ROOT = ".1.3.6.1.4.1.32473.99"
ENVIRONMENT = {"MIBS": "", "PATH": os.environ["PATH"] + ":/usr/sbin", "LC_ALL": "C"}
PAIRS = [(auth, priv) for auth in Authentication for priv in Privacy]
PATIENCE = 30.0


def account(auth: Authentication, priv: Privacy) -> str:
    return f"{auth.value}{priv.value}".replace("-", "")


async def tool(name: str, *arguments: str, folder: Path) -> str:
    """What a tool of net-snmp says, on both of its outputs."""
    process = await asyncio.create_subprocess_exec(
        name,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**ENVIRONMENT, "SNMP_PERSISTENT_DIR": str(folder), "SNMPCONFPATH": str(folder)},
    )
    said, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    return said.decode()


@pytest.fixture(scope="module")
def secrets() -> list[Secret]:
    """Keys of a user for every pair: two milliseconds for each password."""
    return [Secret.of(account(a, p), a, PASSWORD, p, PASSWORD) for a, p in PAIRS]


@pytest.fixture
def served(secrets: list[Secret]) -> Agent:
    """An agent with a user for every pair of protocols."""
    made = agent()
    before = made.access
    users = [User(each, ENGINE) for each in secrets]
    members = (*before.vacm.members, *(Member(Model.USM, user.name.decode(), "every") for user in users))
    right = Right("every", Model.USM, Level.NO_AUTH, ALL, NOTHING, ALL)
    vacm = Vacm(members, (*before.vacm.rights, right))
    made.configure(Access(before.communities, frozenset({V1, V2C, V3}), (*before.users, *users), vacm))
    made.started = time.monotonic()
    return made


@pytest.fixture
async def endpoint(served: Agent) -> AsyncIterator[Endpoint]:
    outbox = Outbox(served.engine, served.started, BASE, 1)
    async with Endpoint(served, outbox, [("127.0.0.1", 0), ("::1", 0)], time.monotonic, lambda: None) as made:
        yield made


def at(endpoint: Endpoint, number: int = 0) -> str:
    host, port = endpoint.addresses[number]
    return f"udp6:[{host}]:{port}" if ":" in host else f"udp:{host}:{port}"


@pytest.mark.parametrize(("version", "hidden"), [("1", True), ("2c", False)])
async def test_a_walk_of_v1_and_v2c_reads_everything(
    endpoint: Endpoint, tmp_path: Path, version: str, hidden: bool
) -> None:
    said = await tool("snmpwalk", f"-v{version}", "-cpublic", "-On", at(endpoint), ROOT, folder=tmp_path)
    assert f'{ROOT}.1.1.0 = STRING: "villa"' in said
    assert (f"{ROOT}.1.3.0 = Counter64: 1099511627776" not in said) == hidden
    assert f"{ROOT}.2.1.3.5 = INTEGER: 2" in said
    assert f"{ROOT}.4.1.0" not in said
    assert "not increasing" not in said


async def test_it_answers_over_ipv6(endpoint: Endpoint, tmp_path: Path) -> None:
    said = await tool("snmpget", "-v2c", "-cpublic", "-On", at(endpoint, 1), f"{ROOT}.1.1.0", folder=tmp_path)
    assert f'{ROOT}.1.1.0 = STRING: "villa"' in said


@pytest.mark.parametrize(("auth", "priv"), PAIRS, ids=[account(*pair) for pair in PAIRS])
async def test_every_pair_of_protocols_is_understood(
    endpoint: Endpoint, tmp_path: Path, auth: Authentication, priv: Privacy
) -> None:
    user = ("-v3", "-lauthPriv", f"-u{account(auth, priv)}", f"-a{auth.value}", f"-A{PASSWORD}")
    cipher = (f"-x{priv.value}", f"-X{PASSWORD}")
    said = await tool("snmpbulkwalk", *user, *cipher, "-On", at(endpoint), ROOT, folder=tmp_path)
    assert f'{ROOT}.4.1.0 = STRING: "treasure"' in said
    said = await tool(
        "snmpget", *user[:1], "-lauthNoPriv", *user[2:], at(endpoint), f"{ROOT}.1.1.0", folder=tmp_path
    )
    assert "villa" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("-uSHAAES", "-aSHA", "-Awrong password", "-xAES", f"-X{PASSWORD}"), "Authentication failure"),
        (("-uSHAAES", "-aSHA", f"-A{PASSWORD}", "-xAES", "-Xwrong password"), "Decryption error"),
        (("-unobody", "-aSHA", f"-A{PASSWORD}", "-xAES", f"-X{PASSWORD}"), "Unknown user name"),
    ],
    ids=["password", "privacy password", "user"],
)
async def test_a_manager_is_told_what_is_wrong(
    endpoint: Endpoint, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    said = await tool(
        "snmpget", "-v3", "-lauthPriv", *arguments, at(endpoint), f"{ROOT}.1.1.0", folder=tmp_path
    )
    assert says in said


async def test_a_read_community_cannot_set(endpoint: Endpoint, tmp_path: Path) -> None:
    said = await tool(
        "snmpset", "-v2c", "-cpublic", at(endpoint), f"{ROOT}.1.1.0", "s", "hut", folder=tmp_path
    )
    assert "noAccess" in said


async def test_the_answer_leaves_from_the_address_that_was_asked(served: Agent, tmp_path: Path) -> None:
    outbox = Outbox(served.engine, served.started, BASE, 1)
    async with Endpoint(served, outbox, [("0.0.0.0", 0)], time.monotonic, lambda: None) as endpoint:
        port = endpoint.addresses[0][1]
        for host in ("127.0.0.1", "127.0.0.77"):
            said = await tool(
                "snmpget", "-v2c", "-cpublic", "-On", f"{host}:{port}", f"{ROOT}.1.1.0", folder=tmp_path
            )
            assert "villa" in said  # the tool's socket is connected: it takes nothing from another address


async def test_a_socket_of_all_addresses_answers_over_ipv6(served: Agent, tmp_path: Path) -> None:
    outbox = Outbox(served.engine, served.started, BASE, 1)
    async with Endpoint(served, outbox, [("::", 0)], time.monotonic, lambda: None) as endpoint:
        port = endpoint.addresses[0][1]
        said = await tool(
            "snmpget", "-v2c", "-cpublic", f"udp6:[::1]:{port}", f"{ROOT}.1.1.0", folder=tmp_path
        )
        assert "villa" in said


# ------------------------------------------------------------------------------------------------ notifications


@pytest.fixture
def receiver() -> Address:
    """Where snmptrapd is to listen."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        address = sock.getsockname()
    return (address[0], address[1])


@pytest.fixture
async def log(receiver: Address, tmp_path: Path) -> AsyncIterator[Path]:
    """snmptrapd, and what it has received."""
    host, port = receiver
    key = f"SHA {PASSWORD.replace(' ', '_')} AES {PASSWORD.replace(' ', '_')}"
    config = tmp_path / "trapd.conf"
    config.write_text(
        f"snmpTrapdAddr udp:{host}:{port}\nauthCommunity log public\n"
        f"createUser -e 0x{ENGINE.hex()} trapper {key}\ncreateUser informer {key}\n"
        "authUser log trapper priv\nauthUser log informer priv\n",
        encoding="utf-8",
    )
    written = tmp_path / "traps.log"
    program = shutil.which("snmptrapd", path=ENVIRONMENT["PATH"])
    assert program is not None
    process = await asyncio.create_subprocess_exec(
        *(program, "-f", "-C", "-c", str(config), "-Lf", str(written), "-On"),
        env={**ENVIRONMENT, "SNMP_PERSISTENT_DIR": str(tmp_path / "persistent")},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await until(lambda: "NET-SNMP version" in received(written))
    yield written
    process.terminate()
    await process.wait()


def received(log: Path) -> str:
    """What snmptrapd has written."""
    return log.read_text() if log.exists() else ""


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)


def target(address: Address, version: int, inform: bool) -> Target:
    name = "informer" if inform else "trapper"
    password = PASSWORD.replace(" ", "_")
    secret = Secret.of(name, Authentication.SHA, password, Privacy.AES, password) if version == V3 else None
    level = Level.PRIVACY if version == V3 else Level.NO_AUTH
    return Target("t", address, version, b"public", secret, level, inform, 1.0, 3, ALL, bytes((192, 0, 2, 9)))


OWN = Notification((*BASE, 0, 3), (((*BASE, 1, 1, 0), tlv(OCTETS, b"villa")),))
COLD_START = Notification((1, 3, 6, 1, 6, 3, 1, 1, 5, 1), ())


@pytest.mark.parametrize("inform", [False, True], ids=["trap", "inform"])
@pytest.mark.parametrize("version", [V2C, V3], ids=["v2c", "v3"])
async def test_notifications_are_received(
    endpoint: Endpoint, receiver: Address, log: Path, version: int, inform: bool
) -> None:
    endpoint.outbox.targets = (target(receiver, version, inform),)
    endpoint.notify(OWN)
    await until(lambda: "villa" in received(log))
    assert f".1.3.6.1.6.3.1.1.4.1.0 = OID: {ROOT}.0.3" in received(log)
    assert f".1.3.6.1.6.3.1.1.4.3.0 = OID: {ROOT}" in received(log)
    if inform:
        await until(lambda: endpoint.outbox.tally.acknowledged == 1)
        assert endpoint.outbox.due() is None


async def test_traps_of_v1_are_received(endpoint: Endpoint, receiver: Address, log: Path) -> None:
    endpoint.outbox.targets = (target(receiver, V1, False),)
    endpoint.notify(COLD_START)
    endpoint.notify(OWN)
    await until(lambda: "villa" in received(log))
    said = received(log)
    assert "Cold Start Trap (0)" in said
    assert "Enterprise Specific Trap (3)" in said
    assert "192.0.2.9" in said


async def test_rows_that_come_while_it_is_served_are_seen(
    served: Agent, endpoint: Endpoint, tmp_path: Path
) -> None:
    served.tree.replace(GATES, gates(9))
    said = await tool("snmpget", "-v2c", "-cpublic", at(endpoint), f"{ROOT}.2.1.2.9", folder=tmp_path)
    assert "gate 9" in said
