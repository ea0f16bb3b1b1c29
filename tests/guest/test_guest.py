"""A guest does what tests of real RAID, encryption and power cuts need of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.guest.kernel import GuestUnavailable, archive
from tests.guest.machine import Disk, Guest, GuestFailed

SIZE = 64 << 20


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """One with two drives that can be pulled."""
    try:
        made = Guest(tmp_path_factory.mktemp("guest"), [Disk("one", SIZE), Disk("two", SIZE)])
    except GuestUnavailable as missing:
        pytest.skip(f"no guests here: {missing}")
    with made:
        yield made


@pytest.mark.timeout(300)
def test_it_runs_the_programs_of_this_machine_on_a_kernel_of_its_own(guest: Guest) -> None:
    assert "Debian" in guest.must("uname", "-v")
    assert guest.must("cat", stdin=b"said") == "said"
    assert guest.run("false").code == 1
    with pytest.raises(GuestFailed, match="nothing-such"):
        guest.must("ls", "/nothing-such")
    (guest.folder / "exchange/note").write_text("in")
    assert guest.must("cat", "/exchange/note") == "in"


@pytest.mark.parametrize("module", ["raid456", "dm_crypt", "dm_flakey", "ext4", "xfs"])
def test_it_has_what_a_recorder_stands_on(guest: Guest, module: str) -> None:
    guest.must("modprobe", module)


@pytest.mark.timeout(300)
def test_drives_can_be_pulled_and_put_in(guest: Guest) -> None:
    def drives() -> int:
        return len(guest.must("lsblk", "-dno", "NAME").split())

    before = drives()
    guest.pull("two")
    _until(lambda: drives() == before - 1)
    guest.plug(Disk("three", SIZE), 2)
    _until(lambda: drives() == before)


def test_an_archive_is_one_that_cpio_can_read() -> None:
    data = archive({"a/b": (0o100644, b"hello")})
    assert data.startswith(b"070701")
    names = [data.index(name) for name in (b"a\0", b"a/b\0", b"TRAILER!!!\0")]
    assert names == sorted(names)
    assert len(data) % 4 == 0


def _until(holds: Callable[[], bool]) -> None:
    limit = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.1)
