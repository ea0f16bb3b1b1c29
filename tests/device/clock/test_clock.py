"""The clock's settings, its zone, and who keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from device.clock.chrony import FILE, ChronyClock, followed, render
from device.clock.driver import ClockKept, ClockReading, ClockUnavailable, SystemClockKeeper
from device.clock.simulated import SimulatedClock
from device.clock.zone import iana, machine_zone, posix, read_zone
from device.media import Utc
from device.settings.clock import ClockKeeper, DateAndTime, Poll, TimeSource
from tests.device.clock.simulated import SimulatedClock as Machine

BY_DHCP = ("192.0.2.1",)


@pytest.mark.proves("M-145")
@pytest.mark.parametrize("text", ["Europe/Stockholm", "CET-1CEST,M3.5.0,M10.5.0/3"])
def test_a_zone_keeps_summer_time_by_either_name(text: str) -> None:
    zone = read_zone(text)
    assert [datetime(2026, month, 1, tzinfo=UTC).astimezone(zone).hour for month in (1, 7)] == [1, 2]
    assert posix(text) == "CET-1CEST,M3.5.0,M10.5.0/3"
    assert datetime(2026, 7, 1, tzinfo=UTC).astimezone(read_zone(iana(text))).hour == 2


@pytest.mark.parametrize(
    "text", ["INVALIDTIMEZONE", "Nowhere/X", "CET-1CEST,M3.5", "CET-99", "../etc/passwd", "Europe"]
)
def test_what_is_no_zone_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="time zone"):
        DateAndTime(zone=text)


def test_a_rule_that_no_zone_has_is_shown_in_utc() -> None:
    assert iana("XYZ-5:43") == "UTC"
    assert posix("XYZ-5:43") == "XYZ-5:43"
    assert posix("nothing of the kind") == "UTC0"


def test_a_machine_without_a_database_of_zones_lives_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.clock.zone.TZPATH", ())
    assert read_zone(machine_zone()).utcoffset(datetime(2026, 7, 1, tzinfo=UTC)) == timedelta(0)
    assert posix(machine_zone()) == "UTC0"
    assert iana(machine_zone()) in ("UTC", "Etc/UTC")


@pytest.mark.proves("M-132", "M-133", "M-134", "M-135")
def test_chrony_is_told_of_secure_servers() -> None:
    wanted = DateAndTime(
        source=TimeSource.NTS,
        servers=("a.example", "b.example"),
        shortest_poll=Poll.S16,
        longest_poll=Poll.S4096,
    )
    assert render(wanted, BY_DHCP) == (
        "server a.example iburst minpoll 4 maxpoll 12 nts\nserver b.example iburst minpoll 4 maxpoll 12 nts\n"
    )


@pytest.mark.proves("M-136", "M-137", "M-138")
def test_chrony_is_told_what_dhcp_names_and_of_others_where_it_names_none() -> None:
    wanted = DateAndTime(fallback=("c.example", "192.0.2.9"))
    assert render(wanted, BY_DHCP) == "server 192.0.2.1 iburst minpoll 6 maxpoll 10\n"
    assert [line.split()[1] for line in render(wanted, ()).splitlines()] == ["c.example", "192.0.2.9"]


@pytest.mark.proves("M-139", "M-140", "M-141")
def test_chrony_is_told_of_servers_by_hand_and_of_none_while_the_clock_is_set_by_hand() -> None:
    wanted = DateAndTime(source=TimeSource.NTP, servers=("192.0.2.9", "2001:db8::9"))
    assert render(wanted, BY_DHCP) == (
        "server 192.0.2.9 iburst minpoll 6 maxpoll 10\nserver 2001:db8::9 iburst minpoll 6 maxpoll 10\n"
    )
    assert render(wanted.model_copy(update={"synchronized": False}), BY_DHCP) == ""


@pytest.mark.proves("M-142")
def test_the_shortest_poll_is_not_above_the_longest() -> None:
    with pytest.raises(ValidationError, match="longer than the longest"):
        DateAndTime(shortest_poll=Poll.S2048, longest_poll=Poll.S1024)
    with pytest.raises(ValidationError, match="at least one server"):
        DateAndTime(source=TimeSource.NTP)
    with pytest.raises(ValidationError, match="at most 2"):
        DateAndTime(source=TimeSource.NTP, servers=("a", "b", "c"))


async def test_chrony_is_bothered_only_where_something_changed(tmp_path: Path) -> None:
    said: list[Sequence[str]] = []

    async def program(argv: Sequence[str]) -> str:
        said.append(argv)
        return "C0000201,192.0.2.1,2,1795900000.0,0,0,0,0,0,0,0,0,64.2,Normal\n"

    steps: list[int] = []
    clock = ChronyClock(lambda: BY_DHCP, tmp_path, program, steps.append)
    await clock.apply(DateAndTime())
    await clock.apply(DateAndTime())
    assert said == [["chronyc", "reload", "sources"], ["chronyc", "makestep", "1", "3"]]
    assert "192.0.2.1" in (tmp_path / FILE).read_text()
    assert await clock.read() == ClockReading("192.0.2.1")
    await clock.set(Utc(1_795_900_000_000_000))
    assert steps == [1_795_900_000_000_000_000]


async def test_a_kernel_that_lets_nobody_set_its_clock_is_told(tmp_path: Path) -> None:
    def step(_nanoseconds: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    with pytest.raises(ClockUnavailable, match="not permitted"):
        await ChronyClock(tuple, tmp_path, step=step).set(Utc(0))
    with pytest.raises(ClockUnavailable, match="nowhere"):
        await ChronyClock(tuple, tmp_path / "nowhere").apply(DateAndTime())


def test_a_clock_that_follows_nobody_is_known_by_its_leap_status() -> None:
    assert followed("7F7F0101,,0,0.0,0,0,0,0,0,0,0,0,0.0,Not synchronised\n") == ""
    assert followed("nonsense") == ""


async def test_a_simulated_clock_shows_another_time_and_lets_the_machine_be() -> None:
    machine = Machine()
    clock = SimulatedClock(machine, lambda: BY_DHCP)
    await clock.apply(DateAndTime(keeper=ClockKeeper.SIMULATED, synchronized=False))
    now = machine.utc()
    await clock.set(Utc(now + 5_000_000))
    assert await clock.read() == ClockReading("", 5_000_000)
    assert machine.utc() == now
    await clock.apply(DateAndTime(keeper=ClockKeeper.SIMULATED))
    assert await clock.read() == ClockReading("192.0.2.1", 0), "the server put it right"


async def test_the_systems_clock_is_not_ours_to_set() -> None:
    with pytest.raises(ClockKept, match="recordings rely on it"):
        await SystemClockKeeper().set(Utc(0))
