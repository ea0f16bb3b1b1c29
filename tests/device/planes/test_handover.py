"""A connection goes from one plane to another."""

from __future__ import annotations

import array
import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.planes import handover
from device.planes.errors import PlaneDown
from device.planes.handover import Handed, Taking, give
from device.planes.link import reachable
from device.records import BadRecord, to_json

SAID = Handed("192.0.2.7", "192.0.2.1", True, b"GET / HTTP/1.1\r\n\xff\r\n\r\n")
Taken = asyncio.Queue[tuple[Handed, socket.socket]]


@contextlib.contextmanager
def taking(path: Path) -> Iterator[Taken]:
    taken: Taken = asyncio.Queue()
    with Taking(path, lambda handed, sock: taken.put_nowait((handed, sock))):
        yield taken


async def given(path: Path) -> socket.socket:
    """Give away one end of a pair; the other end."""
    ours, theirs = socket.socketpair()
    with theirs:
        await give(path, SAID, theirs)
    return ours


async def test_who_takes_a_connection_has_the_socket_itself(tmp_path: Path) -> None:
    path = tmp_path / "connections.sock"
    with taking(path) as taken, await given(path) as ours:
        async with asyncio.timeout(30):
            handed, sock = await taken.get()
        with sock:
            assert handed == SAID
            sock.sendall(b"there")
            assert ours.recv(5) == b"there"
    assert not path.exists()


async def test_who_gives_waits_for_a_plane_that_starts_but_not_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "connections.sock"
    monkeypatch.setattr(handover, "WITHIN", 0.1)
    with pytest.raises(PlaneDown):
        await given(path)
    monkeypatch.setattr(handover, "WITHIN", 30.0)
    giving = asyncio.create_task(given(path))
    await asyncio.sleep(0.01)
    with taking(path) as taken, await giving:
        async with asyncio.timeout(30):
            (await taken.get())[1].close()


async def test_what_is_no_connection_is_left_and_its_files_are_closed(tmp_path: Path) -> None:
    path = tmp_path / "connections.sock"
    ours, theirs = socket.socketpair()
    with (
        taking(path) as taken,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out,
        reachable(path) as name,
        ours,
        theirs,
    ):
        for data, files in (
            (b"no record", [theirs.fileno()]),
            (to_json(SAID), []),
            (to_json(SAID), [theirs.fileno()] * 2),
            (b" " * (handover.LARGEST + 1), [theirs.fileno()]),
        ):
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))
            out.sendmsg([data], [rights] if files else [], 0, name)
        theirs.close()
        ours.settimeout(30)
        assert await asyncio.to_thread(ours.recv, 1) == b""  # nobody holds the other end
        assert taken.empty()
        with pytest.raises(BadRecord):
            await give(path, Handed("", "", False, bytes(handover.LARGEST)), ours)
