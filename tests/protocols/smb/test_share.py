"""Real shares: what is written is there, and what goes wrong is said in words."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocols.smb.errors import NoShare, NotThere, ShareFault, ShareRefused, ShareUnreachable
from protocols.smb.share import Share
from tests.protocols.smb.meddler import Meddler
from tests.protocols.smb.samba import PASSWORD, Samba

DATA = os.urandom(5_000_001)


def unheard(_written: int) -> None:
    """Nobody listens."""


def pieces(data: bytes, size: int = 1 << 20) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.fixture(scope="module")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samba]:
    with Samba(tmp_path_factory.mktemp("samba")) as running:
        yield running


@pytest.fixture
def share(samba: Samba) -> Iterator[Share]:
    with Share(samba.place()) as opened:
        yield opened


def test_what_was_written_is_on_the_servers_disk_and_read_back(samba: Samba, share: Share) -> None:
    told: list[int] = []
    share.write("plain", 0, pieces(DATA), on_written=told.append)
    assert (samba.folder / "plain").read_bytes() == DATA
    assert told == sorted(told)
    assert told[-1] == len(DATA)
    assert b"".join(share.read("plain", 0, 1 << 40)) == DATA
    assert b"".join(share.read("plain", 1_000_000, 3_000_000)) == DATA[1_000_000:3_000_000]
    assert b"".join(share.read("plain", 5, 105)) == DATA[5:105]
    assert share.size("plain") == len(DATA)


def test_smbclient_reads_what_we_wrote(samba: Samba, share: Share, tmp_path: Path) -> None:
    share.write("for smbclient", 0, pieces(DATA), on_written=unheard)
    got = tmp_path / "got"
    argv = ["smbclient", "//127.0.0.1/video", "-p", str(samba.port), "-U", f"{samba.user}%{PASSWORD}"]
    argv += ["-s", "/dev/null", "-c", f'get "for smbclient" "{got}"']
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert got.read_bytes() == DATA


def test_names_folders_rename_and_remove(share: Share) -> None:
    share.make_folders(r"a\b\größe")
    share.put(r"a\b\größe\one", b"1")
    share.put(r"a\b\größe\two", b"2")
    share.rename(r"a\b\größe\one", r"a\b\größe\two")
    assert share.names(r"a\b\größe") == ["two"]
    assert share.get(r"a\b\größe\two", 10) == b"1"
    share.remove(r"a\b\größe\two")
    share.remove(r"a\b\größe\two")
    assert share.names(r"a\b\größe") == []


def test_many_names_are_all_told(share: Share) -> None:
    share.make_folders("many")
    for number in range(300):
        share.put(rf"many\a file with a long name, number {number:04}", b"")
    assert len(share.names("many")) == 300


def test_what_is_not_there_is_said(share: Share) -> None:
    assert share.size("nothing") is None
    assert share.get(r"no\folder", 10) is None
    with pytest.raises(NoShare):
        share.names("no folder")
    with pytest.raises(NotThere):
        list(share.read("nothing", 0, 1))


def test_a_file_that_is_there_is_not_overwritten_by_put(share: Share) -> None:
    share.put("once", b"1")
    with pytest.raises(ShareFault):
        share.put("once", b"2")
    assert share.get("once", 10) == b"1"


@pytest.mark.parametrize("encrypt", [False, True])
def test_a_wrong_password_is_refused(samba: Samba, encrypt: bool) -> None:
    with pytest.raises(ShareRefused), Share(samba.place(password="wrong", encrypt=encrypt)):
        pass


def test_a_share_that_is_not_there_is_said(samba: Samba) -> None:
    with pytest.raises(NoShare), Share(samba.place("nothing")):
        pass


def test_nobody_there_is_said(tmp_path: Path) -> None:
    away = Samba(tmp_path)
    away.port = 1
    with pytest.raises(ShareUnreachable), Share(away.place()):
        pass


@pytest.mark.parametrize("encrypt", [True, False], ids=["encrypted", "signed"])
def test_what_was_changed_on_the_way_is_not_taken_for_what_the_server_said(
    samba: Samba, share: Share, encrypt: bool
) -> None:
    share.write("changed", 0, pieces(DATA), on_written=unheard)
    with Meddler(samba.port) as meddler:
        place = dataclasses.replace(samba.place(encrypt=encrypt), port=meddler.port)
        with Share(place) as between:
            assert b"".join(between.read("changed", 0, len(DATA))) == DATA
            meddler.flip = True
            with pytest.raises(ShareUnreachable):
                b"".join(between.read("changed", 0, len(DATA)))
            meddler.flip = False
            assert b"".join(between.read("changed", 0, len(DATA))) == DATA


@pytest.mark.parametrize("dialect", ["SMB2_10", "SMB3_00", "SMB3_02", "SMB3_11"])
def test_every_dialect_with_signatures(tmp_path: Path, dialect: str) -> None:
    with Samba(tmp_path, f"server max protocol = {dialect}", "server signing = mandatory") as own:
        with Share(own.place()) as share:
            share.write("signed", 0, pieces(DATA), on_written=unheard)
            assert b"".join(share.read("signed", 0, len(DATA))) == DATA
        assert (own.folder / "signed").read_bytes() == DATA


def test_a_server_that_wants_encryption_gets_it_and_one_that_cannot_is_refused(tmp_path: Path) -> None:
    for name in ("wants", "cannot"):
        (tmp_path / name).mkdir()
    with (
        Samba(tmp_path / "wants", "server smb encrypt = required") as own,
        Share(own.place(encrypt=True)) as share,
    ):
        share.write("secret", 0, pieces(DATA), on_written=unheard)
        assert b"".join(share.read("secret", 0, len(DATA))) == DATA
    with (
        Samba(tmp_path / "cannot", "server max protocol = SMB2_10") as own,
        pytest.raises(ShareFault, match="cannot encrypt"),
        Share(own.place(encrypt=True)),
    ):
        pass
