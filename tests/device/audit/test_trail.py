"""The audit trail: complete, in order, and nothing of it can be changed unnoticed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.audit.keeper import Keeper
from device.audit.trail import BEGINNING, Receipt, Trail, chained, latest, verify
from device.database import DatabaseFault
from device.events.bus import Bus
from device.events.catalogue import AccountDeleted, ClockStepped, PlaneName, SettingsChanged
from device.events.journal import Entry, Journal
from device.media import Utc
from device.signature import Signer
from tests.device.clock.simulated import SimulatedClock
from tests.device.events.test_events import killed

SIGNER = Signer(Ed25519PrivateKey.generate())
CHANGED = SettingsChanged("cameras", "c-aaaa", ("name",), "anna")


def entries(*seqs: int) -> list[Entry]:
    """Somebody's doings."""
    return [Entry(seq, Utc(seq * 1000), "control:x", seq, 0, CHANGED) for seq in seqs]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.db"


@pytest.fixture
def trail(path: Path) -> Iterator[Trail]:
    made = Trail(path, SIGNER)
    yield made
    made.close()


def unheard(entry: Entry, error: Exception) -> None:
    """Nobody listens."""


def tamper(path: Path, *statements: str) -> None:
    """As somebody who can write the file."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("DROP TRIGGER unchanged")
    database.execute("DROP TRIGGER kept")
    for statement in statements:
        database.execute(statement)
    database.close()


def test_what_somebody_did_is_in_it_and_nothing_else(trail: Trail, path: Path) -> None:
    stepped = Entry(2, Utc(2), "control:x", 2, 0, ClockStepped(1.0))
    trail.take("control:x", [*entries(1), stepped, *entries(3)])
    assert trail.position == ("control:x", 3)
    assert [row["number"] for row in latest(path, 10)] == [1, 2]
    first = latest(path, 10)[0]
    assert (first["who"], first["deed"], first["what"], first["utc"]) == (
        "anna",
        "changed",
        "cameras c-aaaa",
        1000,
    )
    assert trail.receipt("control:x", 2) is None
    assert trail.receipt("control:x", 3) == trail.head


def test_each_hash_is_of_the_one_before_and_the_line(trail: Trail, path: Path) -> None:
    trail.take("j", entries(1, 2))
    database = sqlite3.connect(path)
    rows = database.execute("SELECT line, hash FROM entry ORDER BY number").fetchall()
    database.close()
    assert rows[0][1] == chained(BEGINNING, rows[0][0])
    assert rows[1][1] == chained(rows[0][1], rows[1][0])


def test_a_whole_trail_is_said_to_be_whole(trail: Trail, path: Path) -> None:
    trail.take("j", entries(1, 2, 3))
    kept = trail.head
    trail.take("j", entries(4))
    assert kept is not None
    verdict = verify(path, SIGNER.public, [kept])
    assert (verdict.entries, verdict.first, verdict.head, verdict.problem) == (4, 1, trail.head, "")


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE entry SET line = replace(line, 'anna', 'otto') WHERE number = 2", "entry 2: was changed"),
        ("DELETE FROM entry WHERE number = 2", "entry 2: is missing"),
        ("DELETE FROM entry WHERE number = 1", "entry 1: is missing"),
        (
            "UPDATE entry SET signature = zeroblob(64) WHERE number = 3",
            "entry 3: was not signed by this recorder",
        ),
        ("DELETE FROM entry WHERE number = 3", "entry 3: is missing"),
        ("UPDATE entry SET hash = '00' WHERE number = 3", "entry 3: was changed"),
    ],
)
def test_whatever_is_done_to_it_shows(trail: Trail, path: Path, statement: str, problem: str) -> None:
    trail.take("j", entries(1, 2, 3))
    kept = trail.head
    assert kept is not None
    tamper(path, statement)
    assert verify(path, SIGNER.public, [kept]).problem == problem


def test_a_trail_that_somebody_chained_anew_lacks_the_signature(trail: Trail, path: Path) -> None:
    trail.take("j", entries(1))
    forged = '{"number":1}'
    tamper(path, f"UPDATE entry SET line = '{forged}', hash = '{chained(BEGINNING, forged)}'")
    assert verify(path, SIGNER.public).problem == "entry 1: was not signed by this recorder"


def test_a_hash_that_somebody_else_kept_tells_what_the_trail_cannot(trail: Trail, path: Path) -> None:
    trail.take("j", entries(1))
    assert verify(path, SIGNER.public, [Receipt(1, "0" * 64)]).problem == "entry 1: is another than it was"
    assert verify(path, SIGNER.public, [Receipt(9, "0" * 64)]).problem == "entry 9: is missing"


def test_it_refuses_to_be_changed_by_our_own_hand(trail: Trail) -> None:
    trail.take("j", entries(1))
    for statement in ("UPDATE entry SET seq = 7", "DELETE FROM entry"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            trail._database.execute(statement)


def test_the_same_entry_twice_is_refused(trail: Trail) -> None:
    trail.take("j", entries(1))
    with pytest.raises(DatabaseFault):
        trail.take("j", entries(1))


def test_the_oldest_go_and_the_rest_is_still_proven(path: Path) -> None:
    trail = Trail(path, SIGNER, keep=10)
    for seq in range(1, 41):
        trail.take("j", entries(seq))
    verdict = verify(path, SIGNER.public, [Receipt(1, "0" * 64)])  # of what is gone nothing can be said
    assert verdict.problem == ""
    assert 10 <= verdict.entries <= 20
    assert verdict.first == 41 - verdict.entries
    trail.close()


async def test_it_follows_its_journal_through_a_restart(path: Path, tmp_path: Path) -> None:
    clock = SimulatedClock()
    journal = Journal(tmp_path / "events.db", PlaneName.CONTROL.value, clock, keep=100)
    bus = Bus(journal, unheard)
    for round_ in range(3):
        bus.publish(AccountDeleted("otto", f"anna{round_}"))  # said while nobody keeps the trail
        trail = Trail(path, SIGNER)
        keeper = Keeper(bus, trail)
        running = asyncio.create_task(keeper.run())
        entry = bus.publish(CHANGED)
        assert entry is not None
        async with asyncio.timeout(30):
            receipt = await keeper.receipt(entry.seq)
        assert receipt == trail.head
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        trail.close()
    assert [row["who"] for row in latest(path, 10)] == ["anna0", "anna", "anna1", "anna", "anna2", "anna"]
    journal.close()


async def test_nobody_waits_for_the_place_of_what_a_kill_took(trail: Trail, tmp_path: Path) -> None:
    events, clock = tmp_path / "events.db", SimulatedClock()
    (lost,) = killed(Journal(events, PlaneName.CONTROL.value, clock, keep=100), events, CHANGED)
    journal = Journal(events, PlaneName.CONTROL.value, clock, keep=100)
    keeper = Keeper(Bus(journal, unheard), trail)
    async with asyncio.timeout(30):
        assert await keeper.receipt(lost.seq) is None
    journal.close()
