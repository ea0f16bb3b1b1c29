"""The kernel's lists of interfaces, addresses and neighbours (rtnetlink(7)), each in one dump."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

GETLINK, GETADDR, GETNEIGH = 18, 22, 30
_FIXED = {
    GETLINK: 16,
    GETADDR: 8,
    GETNEIGH: 12,
}  #: octets of ifinfomsg, ifaddrmsg, ndmsg; the kernel logs what is more
_REQUEST, _DUMP = 0x1, 0x300
_ERROR, _DONE = 2, 3
_HEAD = struct.Struct("=IHHII")  # struct nlmsghdr
_ATTRIBUTE = struct.Struct("=HH")  # struct rtattr
_RECEIVED = 1 << 18  #: octets at once


def dump(kind: int, family: int) -> Iterator[bytes]:
    """The bodies of all messages that answer such a dump. Raises OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.settimeout(2.0)
        body = bytes([family]).ljust(_FIXED[kind], b"\0")
        sock.send(_HEAD.pack(_HEAD.size + len(body), kind, _REQUEST | _DUMP, 1, 0) + body)
        while True:
            data = sock.recv(_RECEIVED)
            at = 0
            while at + _HEAD.size <= len(data):
                size, answer, _, _, _ = _HEAD.unpack_from(data, at)
                if answer == _DONE:
                    return
                if answer == _ERROR:
                    raise OSError(
                        -int.from_bytes(data[at + 16 : at + 20], "little", signed=True), "rtnetlink"
                    )
                yield data[at + _HEAD.size : at + size]
                at += size + 3 & ~3


def attributes(body: bytes, at: int) -> dict[int, bytes]:
    """The attributes that begin at `at`, by number."""
    found = {}
    while at + _ATTRIBUTE.size <= len(body):
        size, kind = _ATTRIBUTE.unpack_from(body, at)
        if size < _ATTRIBUTE.size:
            break
        found[kind & 0x3FFF] = body[at + _ATTRIBUTE.size : at + size]
        at += size + 3 & ~3
    return found
