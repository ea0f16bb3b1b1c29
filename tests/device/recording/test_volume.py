"""A volume is what carries our identity file, and nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path, PurePosixPath

import pytest

from device.errors import BadValue
from device.recording.keeper import inspect
from device.recording.notices import VolumeState
from device.recording.volume import IDENTITY, ForeignVolume, NotAVolume, Volume, adopt, read_mark


def test_adopting_twice_changes_nothing(tmp_path: Path) -> None:
    mark = adopt(tmp_path, "REC")
    assert adopt(tmp_path, "REC") == mark == read_mark(tmp_path)


def test_another_recorders_volume_is_not_taken(tmp_path: Path) -> None:
    mark = adopt(tmp_path, "OTHER")
    with pytest.raises(ForeignVolume, match="OTHER"):
        adopt(tmp_path, "REC")
    with pytest.raises(NotAVolume, match="OTHER"):
        Volume(tmp_path, mark.volume, "REC").open()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"volume": 1}', "\0" * 5000])
def test_a_broken_identity_is_none_and_stays_as_it_is(tmp_path: Path, text: str) -> None:
    (tmp_path / IDENTITY).write_text(text)
    with pytest.raises(NotAVolume):
        read_mark(tmp_path)
    with pytest.raises(NotAVolume):
        adopt(tmp_path, "REC")
    assert (tmp_path / IDENTITY).read_text() == text


def test_only_a_folder_can_be_adopted(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="not a folder"):
        adopt(tmp_path / "none", "REC")


def test_a_volume_with_another_uuid_is_missing(tmp_path: Path) -> None:
    mark = adopt(tmp_path, "REC")
    volume = Volume(tmp_path, mark.volume, "REC")
    assert inspect(volume, 1, probe=True).state is VolumeState.OK
    (tmp_path / IDENTITY).write_text(json.dumps({"volume": "another", "recorder": "REC"}))
    found = inspect(volume, 1, probe=False)
    assert (found.state, found.room) == (VolumeState.MISSING, None)
    assert "another" in found.detail


def test_statvfs_that_fails_is_a_fault_and_not_endless_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = Volume(tmp_path, adopt(tmp_path, "REC").volume, "REC")

    def failing(fd: int) -> os.statvfs_result:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fstatvfs", failing)
    found = inspect(volume, 1, probe=False)
    assert (found.state, found.room) == (VolumeState.FAILED, None)


def test_files_are_made_below_the_descriptor_not_the_path(tmp_path: Path) -> None:
    path = tmp_path / "volume"
    path.mkdir()
    volume = Volume(path, adopt(path, "REC").volume, "REC")
    volume.open()
    path.rename(tmp_path / "moved")
    path.mkdir()
    os.close(volume.create(PurePosixPath("video/a/1.mp4")))
    assert (tmp_path / "moved/video/a/1.mp4").exists()
    assert list(path.iterdir()) == []
    with pytest.raises(NotAVolume):
        volume.check()


def test_a_folder_that_was_removed_is_made_again(tmp_path: Path) -> None:
    volume = Volume(tmp_path, adopt(tmp_path, "REC").volume, "REC")
    volume.open()
    os.close(volume.create(PurePosixPath("video/a/1.mp4")))
    other = Volume(tmp_path, volume.uuid, "REC")
    other.open()
    other.erase([PurePosixPath("video/a/1.mp4")])
    assert not (tmp_path / "video/a").exists()
    os.close(volume.create(PurePosixPath("video/a/2.mp4")))
    assert (tmp_path / "video/a/2.mp4").exists()


def test_a_file_that_exists_is_never_written_over(tmp_path: Path) -> None:
    volume = Volume(tmp_path, adopt(tmp_path, "REC").volume, "REC")
    volume.open()
    os.close(volume.create(PurePosixPath("video/1.mp4")))
    with pytest.raises(FileExistsError):
        volume.create(PurePosixPath("video/1.mp4"))
