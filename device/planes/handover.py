"""A network connection goes from the plane that accepted it to the plane that will serve it: the socket itself
(SCM_RIGHTS, unix(7)), so that nothing of what it carries passes through the first.

One datagram each. Only processes of our own user, and root, may send to the socket that takes them.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from device.planes.errors import PlaneDown
from device.planes.link import RETRY, listen, reachable
from device.records import BadRecord, from_json, record, to_json

WITHIN = 2.0  #: seconds in which the other plane must take it, its restart included
LARGEST = 64 << 10  #: octets of what is told about a connection
AT_ONCE = 32  #: connections that are taken before others of the plane have their turn


@record
@dataclass(frozen=True, slots=True)
class Handed:
    """What the plane that accepted a connection knows of it."""

    host: str  #: address of the other end
    local: str  #: our address, as the other end sees it
    secure: bool  #: it came with TLS, which has been taken off
    received: bytes  #: octets that were read of it already


async def give(path: Path, handed: Handed, sock: socket.socket) -> None:
    """Give a copy of a socket to the plane that takes at `path`; the caller closes its own. Raises PlaneDown."""
    data = to_json(handed)
    if len(data) > LARGEST:
        raise BadRecord(f"{len(data)} octets about a connection, at most {LARGEST}")
    try:
        async with asyncio.timeout(WITHIN):
            while not _sent(path, data, sock):  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(RETRY)
    except TimeoutError:
        raise PlaneDown(f"{path.stem} does not take connections.") from None


def _sent(path: Path, data: bytes, sock: socket.socket) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as out:
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [sock.fileno()]))
        try:
            with reachable(path) as name:
                out.sendmsg([data], [rights], 0, name)
        except OSError:  # nobody is there yet, or many wait there
            return False
    return True


class Taking:
    """Takes connections at `path` while it is open: `with Taking(path, take): ...`. `take` owns the socket."""

    def __init__(self, path: Path, take: Callable[[Handed, socket.socket], None]) -> None:
        self._path = path
        self._take = take
        self._sock: socket.socket | None = None
        self._inode = 0

    def __enter__(self) -> Taking:
        self._sock = listen(self._path, socket.SOCK_DGRAM)
        self._inode = self._path.stat().st_ino
        asyncio.get_running_loop().add_reader(self._sock, self._read, self._sock)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._sock is not None
        asyncio.get_running_loop().remove_reader(self._sock)
        self._sock.close()
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:  # a successor may have taken the place already
                self._path.unlink()

    def _read(self, sock: socket.socket) -> None:
        for _ in range(AT_ONCE):
            try:
                data, files, flags, _ = socket.recv_fds(sock, LARGEST, 1)
            except OSError:
                return
            whole = len(files) == 1 and not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC)
            try:
                handed = from_json(Handed, data) if whole else None
            except BadRecord:
                handed = None
            if handed is None:
                for file in files:
                    os.close(file)
                continue
            self._take(handed, socket.socket(fileno=files[0]))
