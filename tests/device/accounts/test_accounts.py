"""Accounts: made, verified, changed, removed; and the digest secrets that another process reads."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import multiprocessing
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from device.accounts.rights import Rights
from device.accounts.role import Role
from device.accounts.store import MOST, Account, Accounts, DigestSecrets, LastAdministrator, WrongPassword
from device.errors import BadValue, NotFound, Refused
from device.events.catalogue import AccountChanged, AccountCreated, AccountDeleted, LoginFailed
from device.events.event import Event
from device.vault import Vault
from tests.device.clock.simulated import SimulatedClock

REALM = "HF0123456789"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
VAULT = Vault(b"k" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts.db"


@pytest.fixture
def said() -> list[Event]:
    return []


def opened(path: Path, said: list[Event], hasher: PasswordHasher = CHEAP) -> Accounts:
    return Accounts(path, VAULT, REALM, SimulatedClock(), said.append, hasher)


@pytest.fixture
async def accounts(path: Path, said: list[Event]) -> AsyncIterator[Accounts]:
    accounts = opened(path, said)
    yield accounts
    accounts.close()


async def verify(accounts: Accounts, name: str, password: str) -> Account:
    return await accounts.verify(name, password, peer="192.0.2.1", protocol="https")


@pytest.mark.proves("M-012")
@pytest.mark.parametrize("name", ["root", "admin", "administrator", "user", ""])
@pytest.mark.parametrize("password", ["", "pass", "root", "admin", "password", "12345"])
async def test_nobody_can_come_in_before_the_first_account_is_made(
    accounts: Accounts, name: str, password: str
) -> None:
    assert accounts.is_empty()
    with pytest.raises(WrongPassword):
        await verify(accounts, name, password)


async def test_the_first_account_is_an_administrators_and_is_made_once(accounts: Accounts) -> None:
    with pytest.raises(Refused):
        await accounts.create("ben", "x", Rights(Role.VIEWER), by="")
    assert (await accounts.create_first("anna", "x")).role is Role.ADMINISTRATOR
    with pytest.raises(Refused):
        await accounts.create_first("eve", "x")
    assert [account.name for account in accounts.list()] == ["anna"]


async def test_of_two_who_make_the_first_account_at_once_one_succeeds(accounts: Accounts) -> None:
    made = await asyncio.gather(
        accounts.create_first("anna", "x"), accounts.create_first("eve", "y"), return_exceptions=True
    )
    assert [type(result) for result in made if isinstance(result, Exception)] == [Refused]
    assert len(accounts.list()) == 1


@pytest.mark.proves("M-015", "M-272", "M-273")
@pytest.mark.parametrize(
    "password", ["x", " ", "~" * 64, "".join(map(chr, range(32, 91))), "".join(map(chr, range(91, 127)))]
)
async def test_any_printable_password_is_taken(accounts: Accounts, password: str) -> None:
    await accounts.create_first("anna", password)
    assert (await verify(accounts, "anna", password)).name == "anna"


@pytest.mark.proves("M-272", "M-273")
@pytest.mark.parametrize("password", ["", "x" * 65, "a\tb", "a\x7f", "ä", "a\n", "a\0"])
async def test_no_other_password_is(accounts: Accounts, password: str) -> None:
    with pytest.raises(BadValue, match="password: must be 1 to 64 printable ASCII characters"):
        await accounts.create_first("anna", password)
    assert accounts.is_empty()


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ä", "x" * 65, "-a", "a\n", 'a"'])
async def test_a_name_that_digest_cannot_carry_is_refused(accounts: Accounts, name: str) -> None:
    with pytest.raises(BadValue, match="name"):
        await accounts.create_first(name, "x")


@pytest.mark.proves("M-271")
async def test_a_name_is_taken_once_however_it_is_written(accounts: Accounts) -> None:
    await accounts.create_first("anna", "x")
    for name in ("anna", "Anna"):
        with pytest.raises(Refused, match="already"):
            await accounts.create(name, "y", Rights(Role.VIEWER), by="anna")


@pytest.mark.proves("M-270")
async def test_there_are_at_most_a_hundred_accounts(accounts: Accounts) -> None:
    await accounts.create_first("anna", "x")
    for n in range(MOST - 1):
        await accounts.create(f"u{n}", "x", Rights(Role.VIEWER), by="anna")
    with pytest.raises(Refused, match="at most 100"):
        await accounts.create("one-more", "x", Rights(Role.VIEWER), by="anna")


async def test_a_wrong_password_and_an_unknown_name_are_refused_alike_and_reported(
    accounts: Accounts, said: list[Event]
) -> None:
    await accounts.create_first("anna", "right")
    answers = []
    for name, password in (("anna", "wrong"), ("nobody", "right"), ("anna", "\udc80"), ("anna", "x" * 5000)):
        with pytest.raises(WrongPassword) as caught:
            await verify(accounts, name, password)
        answers.append(str(caught.value))
    assert len(set(answers)) == 1
    failed = [event for event in said if isinstance(event, LoginFailed)]
    assert failed[0] == LoginFailed("anna", "192.0.2.1", "https")
    assert len(failed) == 4


async def test_an_unknown_name_costs_as_many_hashes_as_a_wrong_password(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accounts.create_first("anna", "right")
    with pytest.raises(WrongPassword):
        await verify(accounts, "nobody", "x")  # makes the hash of nobody, once
    costs: list[list[str]] = []
    matches = accounts._matches

    def spy(hashed: str, password: str) -> bool:
        costs.append(hashed.split("$")[:4])
        return matches(hashed, password)

    monkeypatch.setattr(accounts, "_matches", spy)
    for name in ("anna", "nobody"):
        with pytest.raises(WrongPassword):
            await verify(accounts, name, "x")
    assert len(costs) == 2
    assert costs[0] == costs[1]


def ha1(algorithm: str, name: str, password: str) -> str:
    function = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[algorithm]
    return function(f"{name}:{REALM}:{password}".encode()).hexdigest()


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_another_process_has_the_digest_secrets_as_the_accounts_are_now(
    accounts: Accounts, path: Path, algorithm: str
) -> None:
    await accounts.create_first("anna", "one")
    reader = DigestSecrets(path, VAULT, REALM)
    assert reader.ha1("anna", algorithm) == ha1(algorithm, "anna", "one")
    assert reader.ha1("Anna", algorithm) is None  # the digest is made of the name to the letter
    assert reader.ha1("ben", algorithm) is None
    assert reader.ha1("\udc80", algorithm) is None
    await accounts.change_password("anna", "two", by="anna")
    await accounts.create("ben", "three", Rights(Role.VIEWER), by="anna")
    assert reader.ha1("anna", algorithm) == ha1(algorithm, "anna", "two")
    assert reader.ha1("ben", algorithm) == ha1(algorithm, "ben", "three")
    assert reader.role("ben") is Role.VIEWER
    accounts.delete("ben", by="anna")
    assert reader.ha1("ben", algorithm) is None
    assert reader.role("ben") is None
    reader.close()


async def test_a_digest_secret_given_to_another_account_does_not_open(accounts: Accounts, path: Path) -> None:
    await accounts.create_first("anna", "one")
    await accounts.create("ben", "two", Rights(Role.VIEWER), by="anna")
    with contextlib.closing(sqlite3.connect(path)) as thief:
        thief.execute(
            "UPDATE ha1 SET sealed ="
            " (SELECT sealed FROM ha1 h WHERE h.account = 'ben' AND h.algorithm = ha1.algorithm)"
        )
        thief.commit()
    reader = DigestSecrets(path, VAULT, REALM)
    assert reader.ha1("anna", "MD5") is None
    assert reader.ha1("ben", "MD5") == ha1("MD5", "ben", "two")
    reader.close()


async def test_no_password_and_no_digest_secret_lies_in_the_files(accounts: Accounts, path: Path) -> None:
    await accounts.create_first("anna", "correct horse")
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"correct horse" not in files
    for algorithm in ("MD5", "SHA-256"):
        secret = ha1(algorithm, "anna", "correct horse")
        assert secret.encode() not in files
        assert bytes.fromhex(secret) not in files


@pytest.mark.proves("M-280")
async def test_a_changed_password_is_the_only_one_that_is_right(
    accounts: Accounts, said: list[Event]
) -> None:
    await accounts.create_first("anna", "one")
    await accounts.change_password("ANNA", "two", by="anna")
    with pytest.raises(WrongPassword):
        await verify(accounts, "anna", "one")
    assert (await verify(accounts, "anna", "two")).name == "anna"
    assert AccountChanged("anna", "password", "anna") in said


async def test_the_last_administrator_stays(accounts: Accounts, said: list[Event]) -> None:
    await accounts.create_first("anna", "x")
    await accounts.create("ben", "x", Rights(Role.OPERATOR), by="anna")
    with pytest.raises(LastAdministrator):
        accounts.delete("anna", by="ben")
    with pytest.raises(LastAdministrator):
        accounts.change_rights("anna", Rights(Role.VIEWER), by="ben")
    assert [(account.name, account.role) for account in accounts.list()] == [
        ("anna", Role.ADMINISTRATOR),
        ("ben", Role.OPERATOR),
    ]
    accounts.change_rights("ben", Rights(Role.ADMINISTRATOR), by="anna")
    accounts.delete("anna", by="ben")
    assert said == [
        AccountCreated("anna", "administrator", ""),
        AccountCreated("ben", "operator", "anna"),
        AccountChanged("ben", "role", "anna"),
        AccountDeleted("anna", "ben"),
    ]


async def test_an_account_that_is_not_there_is_said_so(accounts: Accounts) -> None:
    with pytest.raises(NotFound):
        accounts.delete("nobody", by="anna")
    with pytest.raises(NotFound):
        await accounts.change_password("nobody", "x", by="anna")


async def test_a_reset_leaves_nobody(accounts: Accounts, path: Path) -> None:
    await accounts.create_first("anna", "x")
    accounts.reset()
    assert accounts.is_empty()
    reader = DigestSecrets(path, VAULT, REALM)
    assert reader.ha1("anna", "MD5") is None
    reader.close()
    await accounts.create_first("ben", "y")


async def test_a_hash_becomes_stronger_at_the_next_login(path: Path, said: list[Event]) -> None:
    weak = opened(path, said)
    await weak.create_first("anna", "x")
    weak.close()
    strong = opened(path, said, PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    await verify(strong, "anna", "x")
    (text,) = sqlite3.connect(path).execute("SELECT hash FROM account").fetchone()
    assert text.startswith("$argon2id$v=19$m=16,t=2,p=1$")
    await verify(strong, "anna", "x")
    strong.close()


def test_roles_contain_each_other() -> None:
    assert Role.ADMINISTRATOR.may(Role.OPERATOR)
    assert Role.OPERATOR.may(Role.VIEWER)
    assert not Role.VIEWER.may(Role.OPERATOR)
    assert not Role.OPERATOR.may(Role.ADMINISTRATOR)


def test_the_streaming_plane_may_start_before_there_is_an_account(path: Path) -> None:
    reader = DigestSecrets(path, VAULT, REALM)
    assert reader.ha1("anna", "MD5") is None
    reader.close()


def _look(path: str, queue: multiprocessing.Queue[str | None]) -> None:
    queue.put(DigestSecrets(Path(path), VAULT, REALM).ha1("anna", "SHA-256"))


async def test_a_process_that_is_not_ours_to_write_reads_while_we_write(
    accounts: Accounts, path: Path
) -> None:
    await accounts.create_first("anna", "one")
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[str | None] = context.Queue()
    process = context.Process(target=_look, args=(str(path), queue))
    process.start()
    assert await asyncio.to_thread(queue.get, timeout=20) == ha1("SHA-256", "anna", "one")
    process.join()
