"""Guessing is made hopeless, and nobody is locked out."""

from __future__ import annotations

import pytest

from device.accounts.lockout import ATTACKED, FORGOTTEN, FREE, LONGEST, REMEMBERED, STRANGERS, Lockout

HERE, ELSEWHERE = "192.0.2.7", "192.0.2.8"


@pytest.fixture
def lockout() -> Lockout:
    return Lockout()


def guess(lockout: Lockout, account: str, address: str, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        lockout.failed(account, address, now)


def test_who_guesses_waits_ever_longer_up_to_a_limit(lockout: Lockout) -> None:
    guess(lockout, "anna", HERE, FREE - 1)
    assert lockout.ask("anna", HERE, 0).wait == 0
    waits = []
    for _ in range(10):
        guess(lockout, "anna", HERE, 1)
        waits.append(lockout.ask("anna", HERE, 0).wait)
    assert waits[:3] == [2, 4, 8]
    assert waits[-1] == LONGEST
    assert lockout.ask("Anna", HERE, LONGEST - 1).wait == 1, "the name's case is no way round"
    assert lockout.ask("anna", HERE, LONGEST).wait == 0


def test_the_owner_gets_in_from_elsewhere_and_others_from_the_same_address(lockout: Lockout) -> None:
    guess(lockout, "anna", HERE, 50)
    assert lockout.ask("anna", ELSEWHERE, 0).wait == 0
    assert lockout.ask("ben", HERE, 0).wait == 0


def test_an_account_of_ones_own_does_not_pay_for_guesses_at_another(lockout: Lockout) -> None:
    guess(lockout, "anna", HERE, FREE)
    lockout.succeeded("mallory", HERE)
    assert lockout.ask("anna", HERE, 0).wait > 0
    lockout.succeeded("anna", HERE)
    assert lockout.ask("anna", HERE, 0).wait == 0


def test_who_tries_many_names_waits_and_those_who_are_known_there_do_not(lockout: Lockout) -> None:
    lockout.succeeded("anna", HERE)
    for number in range(STRANGERS):
        guess(lockout, f"name{number}", HERE, 1)
    assert lockout.ask("somebody", HERE, 0).wait > 0
    assert lockout.ask("anna", HERE, 0).wait == 0
    assert lockout.ask("somebody", ELSEWHERE, 0).wait == 0


def test_an_office_of_people_who_mistype_and_then_get_in_is_no_attack(lockout: Lockout) -> None:
    for number in range(3 * STRANGERS):
        guess(lockout, f"name{number}", HERE, 2)
        lockout.succeeded(f"name{number}", HERE)
    assert lockout.ask("somebody", HERE, 0).wait == 0


def test_an_account_that_is_attacked_from_everywhere_is_answered_late_and_not_refused(
    lockout: Lockout,
) -> None:
    for number in range(ATTACKED):
        guess(lockout, "anna", f"198.51.100.{number}", 1)
    verdict = lockout.ask("anna", HERE, 0)
    assert (verdict.wait, verdict.pause > 0) == (0, True)


def test_one_host_of_ipv6_is_its_network(lockout: Lockout) -> None:
    guess(lockout, "anna", "2001:db8::1", FREE)
    assert lockout.ask("anna", "2001:db8::ffff:2", 0).wait > 0
    assert lockout.ask("anna", "2001:db8:0:1::1", 0).wait == 0
    guess(lockout, "anna", "::ffff:192.0.2.7", FREE)
    assert lockout.ask("anna", HERE, 0).wait > 0


def test_all_is_forgotten_after_a_while_and_memory_has_a_limit(lockout: Lockout) -> None:
    guess(lockout, "anna", HERE, 100)
    assert lockout.ask("anna", HERE, FORGOTTEN + 1).wait == 0
    for number in range(REMEMBERED + 10):
        guess(lockout, "anna", f"2001:db8:{number:x}::", 1)
    assert lockout.ask("anna", HERE, 0).wait == 0, "the oldest made room"
