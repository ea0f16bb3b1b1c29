"""TCP connections of this machine's processes, from /proc: who is at the other end, and in which state it is."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

_PROC = Path("/proc")
_SOCKET = re.compile(r"socket:\[(\d+)\]")


class TcpState(Enum):
    """The states of RFC 9293 s3.3.2, in the order of the kernel (include/net/tcp_states.h)."""

    ESTABLISHED = "established"
    SYN_SENT = "syn-sent"
    SYN_RECEIVED = "syn-received"
    FIN_WAIT_1 = "fin-wait-1"
    FIN_WAIT_2 = "fin-wait-2"
    TIME_WAIT = "time-wait"
    CLOSED = "closed"
    CLOSE_WAIT = "close-wait"
    LAST_ACK = "last-ack"
    LISTEN = "listen"
    CLOSING = "closing"
    NEW_SYN_RECEIVED = "new-syn-received"


_STATES = dict(enumerate(TcpState, start=1))


@dataclass(frozen=True, slots=True)
class TcpSocket:
    """One line of /proc/net/tcp or tcp6."""

    local: str  #: address; an IPv4 one that came over an IPv6 socket is shown as what it is
    local_port: int
    remote: str
    remote_port: int  #: 0 where it listens
    state: TcpState
    inode: int  #: 0: no process has it any more


@dataclass(frozen=True, slots=True)
class Owned:
    """A socket, and the process whose it is."""

    pid: int
    socket: TcpSocket


def parse(table: str, byte_order: str = sys.byteorder) -> Iterator[TcpSocket]:
    """The lines of a table, its heading left out. `byte_order`: of the machine, whose words the addresses are."""
    for line in table.splitlines()[1:]:
        words = line.split()
        if len(words) < 10:
            continue
        (local, local_port), (remote, remote_port) = (_end(words[n], byte_order) for n in (1, 2))
        state = _STATES.get(int(words[3], 16))
        if state is not None:
            yield TcpSocket(local, local_port, remote, remote_port, state, int(words[9]))


def owned(pids: Iterable[int]) -> list[Owned]:
    """The sockets of some processes, as they are now. A process that is gone or not ours to see has none.
    Reads /proc: call it in a thread."""
    whose = {inode: pid for pid in pids for inode in _inodes(pid)}
    found = []
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            table = (_PROC / "net" / name).read_text()
            found += [Owned(whose[each.inode], each) for each in parse(table) if each.inode in whose]
    return found


def _inodes(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for link in (_PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                if match := _SOCKET.fullmatch(str(link.readlink())):
                    yield int(match[1])


def _end(text: str, byte_order: str) -> tuple[str, int]:
    """`0100007F:1F90` of a little-endian machine is 127.0.0.1, port 8080."""
    words, _, port = text.partition(":")
    raw = bytes.fromhex(words)
    if byte_order == "little":
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    address = ipaddress.ip_address(raw)
    plain = getattr(address, "ipv4_mapped", None) or address
    return str(plain), int(port, 16)
