"""What a disk may hold after a power cut: each rule, on the smallest history that shows it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.crash.disk import BLOCK, SECTOR, Disk
from tests.crash.trace import Make, Name, Resize, Step, Sync, Write

TOP = Path("/top")
FILE, OTHER = TOP / "file", TOP / "other"


def begun() -> list[Step]:
    """An empty folder and an empty file in it, durable."""
    return [Make(TOP, 1, folder=True), Make(FILE, 2, folder=False), Sync(None, TOP, whole=True, upto=2)]


def states(tmp_path: Path, *steps: Step) -> set[tuple[tuple[str, bytes], ...]]:
    """All states after these steps, as names and bytes."""
    disk = Disk([TOP])
    for step in (*begun(), *steps):
        disk.apply(step)
    images = list(disk.every())
    assert len(images) == disk.count()
    found = set()
    for number, image in enumerate(images):
        place = tmp_path / str(number)
        disk.lay(image, place, TOP)
        found.add(tuple((path.name, path.read_bytes()) for path in sorted(place.iterdir()) if path.is_file()))
    return found


def contents(tmp_path: Path, *steps: Step) -> set[bytes]:
    """All that the file may hold."""
    return {data for state in states(tmp_path, *steps) for name, data in state if name == "file"}


A, B = b"a" * BLOCK, b"b" * BLOCK


def test_what_was_synced_is_there(tmp_path: Path) -> None:
    write = Write(2, 0, A)
    for sync in (Sync(2, FILE, whole=False, upto=4), Sync(None, TOP, whole=True, upto=4)):
        assert contents(tmp_path / str(sync.inode), write, sync) == {A}


def test_what_was_not_synced_may_be_there_in_any_part_and_order(tmp_path: Path) -> None:
    found = contents(tmp_path, Write(2, 0, A), Write(2, BLOCK, B))
    zeros = bytes(BLOCK)
    assert found == {b"", zeros, A, zeros + zeros, A + zeros, zeros + B, A + B}


def test_a_block_is_as_any_of_the_writes_left_it(tmp_path: Path) -> None:
    synced: list[Step] = [Write(2, 0, A), Sync(2, FILE, whole=False, upto=4)]
    found = contents(tmp_path, *synced, Write(2, 0, b"x"), Write(2, 1, b"y"))
    assert found == {A, b"x" + A[1:], b"xy" + A[2:]}


def test_a_write_that_was_not_answered_when_the_sync_was_asked_for_may_be_missing(tmp_path: Path) -> None:
    assert contents(tmp_path, Write(2, 0, A), Sync(2, FILE, whole=False, upto=3)) == {b"", bytes(BLOCK), A}


def test_a_length_that_was_cut_may_be_as_before(tmp_path: Path) -> None:
    synced: list[Step] = [Write(2, 0, A), Sync(2, FILE, whole=False, upto=4)]
    assert {len(data) for data in contents(tmp_path, *synced, Resize(2, 100))} == {BLOCK, 100}


def test_a_name_is_durable_with_its_folder_and_not_with_its_file(tmp_path: Path) -> None:
    make = Make(OTHER, 3, folder=False)
    assert len(states(tmp_path / "file", make, Sync(3, OTHER, whole=False, upto=4))) == 2
    assert len(states(tmp_path / "folder", make, Sync(None, TOP, whole=False, upto=4))) == 1


def test_a_rename_is_there_wholly_or_not_at_all(tmp_path: Path) -> None:
    found = states(tmp_path, Name(((FILE, None), (OTHER, 2))))
    assert {tuple(name for name, _ in state) for state in found} == {("file",), ("other",)}


def test_what_lies_in_a_folder_that_did_not_come_is_not_there(tmp_path: Path) -> None:
    found = states(tmp_path, Make(TOP / "sub", 3, folder=True), Make(TOP / "sub/deep", 4, folder=False))
    assert all(name == "file" for state in found for name, _ in state)


def test_file_systems_are_synced_apart(tmp_path: Path) -> None:
    disk = Disk([TOP, TOP / "volume"])
    made: list[Step] = [Make(TOP / "volume", 3, folder=True), Make(TOP / "volume/a", 4, folder=False)]
    for step in (*begun(), *made, Sync(None, TOP, whole=True, upto=5)):
        disk.apply(step)
    assert disk.count() == 4
    disk.apply(Sync(None, TOP / "volume", whole=True, upto=5))
    assert disk.count() == 1


@pytest.mark.parametrize("seed", range(20))
def test_a_drawn_state_is_one_of_all_but_for_tears(tmp_path: Path, seed: int) -> None:
    steps: list[Step] = [Write(2, 0, A), Make(OTHER, 3, folder=False), Write(2, 100, B), Write(3, 0, B)]
    disk = Disk([TOP])
    for step in (*begun(), *steps):
        disk.apply(step)
    draw = random.Random(seed)
    image = disk.some(draw)
    disk.lay(image, tmp_path / "drawn", TOP)
    drawn = {path.name: path.read_bytes() for path in (tmp_path / "drawn").iterdir()}
    every = states(tmp_path / "every", *steps)
    torn = any(sectors for _, content in image.files for _, _, sectors in content.blocks)
    assert torn or tuple(sorted(drawn.items())) in every
    for data in drawn.values():
        for at in range(0, len(data), SECTOR):
            # A sector is whole: it is as some write left it.
            assert data[at : at + SECTOR] in {
                state_data[at : at + SECTOR] for state in every for _, state_data in state
            }


def test_equal_states_have_equal_keys_whenever_they_come_to_be() -> None:
    one = Disk([TOP])
    for step in (*begun(), Write(2, 0, A)):
        one.apply(step)
    whole = max(one.every(), key=lambda image: (image.files[0][1].size, len(image.files[0][1].blocks)))
    before = one.key(whole)
    one.apply(Sync(2, FILE, whole=False, upto=4))
    (after,) = one.every()
    assert one.key(after) == before
