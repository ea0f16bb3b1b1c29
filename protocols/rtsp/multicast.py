"""A live stream sent once for all who listen: one group for each stream, while anybody plays it (RFC 2326 s12.39,
RFC 3550 s6). The sessions of a group share one listener of the broadcast."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from device.errors import Fault
from protocols.rtsp.delivery import LiveDelivery
from protocols.rtsp.effects import Play, Started
from protocols.rtsp.outlet import Datagrams
from protocols.rtsp.registry import Groups

SEND_BUFFER = 4 << 20  #: octets


class CannotSend(Fault):
    """The group cannot be opened: no route, or the ports are taken."""


class Group:
    """One address, one stream."""

    def __init__(
        self,
        address: str,
        interface: str,
        groups: Groups,
        tracks: int,
        heard: Callable[[str], None],
    ) -> None:
        """`interface`: our address on it. `heard` is called with the address of every member that reports.
        Raises CannotSend."""
        self.address = address
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._finished: dict[object, Callable[[], None]] = {}
        self._sockets: list[socket.socket] = []
        try:
            for _ in range(2):
                self._sockets.append(_sender(interface, groups.ttl))
            for track in range(tracks):
                sock = _member(address, interface, groups.port + 2 * track + 1)
                self._sockets.append(sock)
                self._loop.add_reader(sock.fileno(), self._read, sock)
        except OSError as error:
            self.close()
            raise CannotSend(f"The group {address} cannot be opened: {error.strerror}.") from error
        ports = (groups.port + 2 * track for track in range(tracks))
        targets = {n: ((address, port), (address, port + 1)) for n, port in enumerate(ports)}
        media, control = self._sockets[:2]
        self.outlet = Datagrams((media, control), targets, self._end)
        self.live: LiveDelivery | None = None  #: set by who makes the group
        self._players: set[object] = set()

    @property
    def used(self) -> bool:
        """A session refers to it."""
        return bool(self._finished)

    def join(self, member: object, finished: Callable[[], None]) -> None:
        """A session was set up; `finished` is called when the stream ends."""
        self._finished[member] = finished

    def leave(self, member: object) -> None:
        """It is gone."""
        self.hold(member)
        self._finished.pop(member, None)

    def play(self, member: object) -> None:
        """Send, as long as anybody plays."""
        assert self.live is not None
        self._players.add(member)
        self.live.flow()

    def hold(self, member: object) -> None:
        """Somebody does not play any more."""
        self._players.discard(member)
        if not self._players and self.live is not None:
            self.live.pause(None)

    def close(self) -> None:
        """Free the sockets."""
        for sock in self._sockets:
            self._loop.remove_reader(sock.fileno())
            sock.close()

    def _end(self) -> None:
        self._players.clear()
        for finished in tuple(self._finished.values()):
            finished()

    def _read(self, sock: socket.socket) -> None:
        for _ in range(64):
            try:
                _, source = sock.recvfrom(2048)
            except OSError:
                return
            self._heard(source[0])


class GroupDelivery:
    """A session's part in a group."""

    def __init__(self, group: Group, finished: Callable[[], None]) -> None:
        self.group = group
        self.outlet = group.outlet
        group.join(self, finished)

    async def begin(self, play: Play) -> Started:
        """There is only now."""
        assert self.group.live is not None
        return await self.group.live.begin(play)

    def flow(self) -> None:
        """Send from the next key frame on, or as it is being sent."""
        self.group.play(self)

    def pause(self, _at: int | None) -> None:
        """Others may go on."""
        self.group.hold(self)

    def close(self) -> None:
        """Leave for good."""
        self.group.leave(self)

    def stalled(self, _now: float) -> bool:
        """A group never is."""
        return False


def _sender(interface: str, ttl: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    sock.bind((interface, 0))
    return sock


def _member(address: str, interface: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    membership = socket.inet_aton(address) + socket.inet_aton(interface)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    return sock
