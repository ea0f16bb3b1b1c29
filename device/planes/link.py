"""The planes' conversations over Unix sockets: `Server` answers, `Client` asks and listens.

Calls share one connection and may overtake each other. A stream has a connection of its own, so that the
socket's buffer is its back-pressure and a slow listener delays nobody else. Only processes of our own user,
and root, get in.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

from device.errors import HoldfastError
from device.media import Sample
from device.planes.errors import PlaneDown, WireError, pack, unpack
from device.planes.wire import (
    BadFrame,
    Decoder,
    Frame,
    FrameKind,
    Request,
    Subscription,
    decode,
    encode,
    message,
    sample_header,
)
from device.records import BadRecord

R = TypeVar("R")
Q = TypeVar("Q", bound=Request[object])
S = TypeVar("S", bound=Subscription[object])

MAX_CALLS = 64  #: calls of one connection in progress; further ones wait in the socket
SOCKET_BUFFER = 1 << 20  #: octets asked of the kernel for each direction; it may give less
UNIX_PATH_MAX = 107  #: octets of a path in sockaddr_un, unix(7), without the closing NUL
RETRY = 0.05  #: seconds between attempts to reach a plane that is starting

Buffer = bytes | bytearray | memoryview


@contextlib.contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A name for `path` that fits into a socket address, however deep the data folder lies."""
    if len(os.fsencode(path)) <= UNIX_PATH_MAX:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def listen(path: Path, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """A listening socket at `path`, for this user only, put in the place of what was there in one step:
    whoever connects finds the old server, or the new one ready, never something between. `kind`: SOCK_DGRAM makes
    one that datagrams come to."""
    made = path.with_name(f".{path.name}.{os.getpid()}")
    made.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, kind | socket.SOCK_NONBLOCK)
    try:
        with reachable(made) as name:
            sock.bind(name)
        made.chmod(0o600)
        if kind == socket.SOCK_STREAM:
            sock.listen(64)
        made.rename(path)
    except BaseException:
        sock.close()
        made.unlink(missing_ok=True)
        raise
    return sock


def _is_ours(sock: socket.socket) -> bool:
    """Whether the process at the other end belongs to our user or to root (SO_PEERCRED, unix(7))."""
    _, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return uid in (0, os.geteuid())


@message
class Ended:
    """Nothing more comes in this stream."""


class _Connection(asyncio.BufferedProtocol):
    """One connection at either end: frames in by callback, frames out, and word of when there is room
    again."""

    def __init__(
        self,
        on_made: Callable[[_Connection], None],
        on_item: Callable[[_Connection, int, Frame | Sample], None],
        on_lost: Callable[[_Connection], None],
    ) -> None:
        self._on_made = on_made
        self._on_item = on_item
        self._on_lost = on_lost
        self._decoder = Decoder()
        self._room = asyncio.Event()
        self._room.set()
        self.lost = asyncio.Event()
        self.transport: asyncio.Transport
        self._fd = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._fd = transport.get_extra_info("socket").fileno()
        self._on_made(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        return self._decoder.buffer()

    def buffer_updated(self, nbytes: int) -> None:
        try:
            for id_, item in self._decoder.received(nbytes):
                self._on_item(self, id_, item)
        except BadFrame:
            self.transport.abort()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.lost.set()
        self._room.set()
        self._on_lost(self)

    @property
    def ended(self) -> bool:
        """Whether the peer has closed, even if the loop has not come to hear of it."""
        if self.lost.is_set() or self.transport.is_closing():
            return True
        poll = select.poll()
        poll.register(self._fd, select.POLLRDHUP)
        return bool(poll.poll(0))

    @property
    def waiting(self) -> int:
        """Octets that the socket has not taken yet."""
        return self.transport.get_write_buffer_size()

    def write(self, *parts: Buffer) -> None:
        """Send now, without waiting; what the socket does not take is copied, so that the memory may be
        used again."""
        if self.lost.is_set() or self.transport.is_closing():
            return
        done = 0
        if not self.waiting:
            try:
                done = os.writev(self._fd, parts)
            except BlockingIOError:
                pass
            except OSError:
                self.transport.abort()
                return
        for part in parts:
            if done < len(part):
                self.transport.write(bytes(memoryview(part)[done:]))
                done = 0
            else:
                done -= len(part)

    async def room(self) -> None:
        """Wait until the peer has read enough. Raises PlaneDown when it is gone."""
        await self._room.wait()
        if self.lost.is_set():
            raise PlaneDown("The other plane closed the connection.")


# ---------------------------------------------------------------------------------------------- answering


class Outlet:
    """The server's end of one stream. Its handler is cancelled when the listener goes away."""

    def __init__(self, connection: _Connection, id_: int) -> None:
        self._connection = connection
        self._id = id_

    async def send(self, item: object) -> None:
        """Send one message, waiting while the listener has more to read than it should."""
        await self._connection.room()
        self.put(item)

    def put(self, item: object) -> None:
        """Send one message at once, whatever still waits to be read: for the few that may not be left out."""
        self._connection.write(*encode(FrameKind.ITEM, self._id, item))

    def offer(self, sample: Sample, limit: int) -> bool:
        """Send one sample if fewer than `limit` octets wait to be read. Never blocks, keeps no reference to
        the data.

        False: it was not sent, and the listener needs a key frame before the next one that may be.
        """
        if self._connection.waiting > limit:
            return False
        self._connection.write(sample_header(sample, self._id), sample.data)
        return True

    async def deliver(self, sample: Sample) -> None:
        """Send one sample, waiting while the listener has more to read than it should."""
        await self._connection.room()
        self._connection.write(sample_header(sample, self._id), sample.data)

    async def gone(self) -> None:
        """Wait until the listener goes away."""
        await self._connection.lost.wait()


class Server:
    """Answers requests of other planes at one Unix socket.

        async with Server(folder / "recording.sock") as server:
            server.on(Ping, ping)               # async def ping(request: Ping) -> Pong
            server.on_stream(Tap, tap)          # async def tap(request: Tap, outlet: Outlet) -> None

    An exception of our tree that leaves a handler is raised again at the caller. Any other one is a defect:
    it goes to the loop's exception handler, and to the caller as PlaneFault.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._calls: dict[type[object], Callable[[object], Awaitable[object]]] = {}
        self._streams: dict[type[object], Callable[[object, Outlet], Awaitable[None]]] = {}
        self._tasks: dict[_Connection, set[asyncio.Task[None]]] = {}
        self._orphans: set[asyncio.Task[None]] = set()  #: whose connection was lost, and which still end
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._closed = False

    def on(self, kind: type[Q], handler: Callable[[Q], Awaitable[object]]) -> None:
        """Let `handler` answer requests of one kind."""
        self._calls[kind] = handler  # type: ignore[assignment]  # only ever called with a `kind`

    def on_stream(self, kind: type[S], handler: Callable[[S, Outlet], Awaitable[None]]) -> None:
        """Let `handler` serve subscriptions of one kind. The stream ends when it returns."""
        self._streams[kind] = handler  # type: ignore[assignment]  # only ever called with a `kind`

    async def call(self, request: Request[R]) -> R:
        """What this plane answers, asked from within. Raises what the handler raises."""
        call = self._calls.get(type(request))
        if call is None:
            raise BadRecord(f"{self._path.stem} does not answer {type(request).__name__}")
        return await call(request)  # type: ignore[return-value]  # the handler answers what the request says

    async def __aenter__(self) -> Server:
        sock = listen(self._path)
        self._inode = self._path.stat().st_ino
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._accept, sock=sock)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self._closed = True  # for a connection that was accepted already and is still to be made
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:  # a successor may have taken the place already
                self._path.unlink()
        tasks = [*(task for tasks in self._tasks.values() for task in tasks), *self._orphans]
        for connection in list(self._tasks):
            connection.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self) -> _Connection:
        return _Connection(self._made, self._take, self._lost)

    def _made(self, connection: _Connection) -> None:
        sock = connection.transport.get_extra_info("socket")
        if self._closed or not _is_ours(sock):
            connection.transport.abort()
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
        self._tasks[connection] = set()

    def _lost(self, connection: _Connection) -> None:
        for task in self._tasks.pop(connection, set()):
            self._orphans.add(task)
            task.cancel()

    def _take(self, connection: _Connection, id_: int, item: Frame | Sample) -> None:
        if isinstance(item, Sample) or item.kind not in (FrameKind.CALL, FrameKind.OPEN):
            connection.transport.abort()
            return
        tasks = self._tasks.get(connection)
        if tasks is None:
            return
        task = asyncio.get_running_loop().create_task(self._answer(connection, id_, item))
        tasks.add(task)
        task.add_done_callback(lambda done: self._done(connection, done))
        if len(tasks) >= MAX_CALLS:
            connection.transport.pause_reading()

    def _done(self, connection: _Connection, task: asyncio.Task[None]) -> None:
        self._orphans.discard(task)
        tasks = self._tasks.get(connection)
        if tasks is not None:
            tasks.discard(task)
            if not connection.transport.is_reading():
                connection.transport.resume_reading()

    async def _answer(self, connection: _Connection, id_: int, frame: Frame) -> None:
        try:
            request = decode(frame)
            if frame.kind is FrameKind.CALL:
                call = self._calls.get(type(request))
                if call is None:
                    raise BadRecord(f"{self._path.stem} does not answer {type(request).__name__}")
                parts = encode(FrameKind.REPLY, id_, await call(request))
            else:
                stream = self._streams.get(type(request))
                if stream is None:
                    raise BadRecord(f"{self._path.stem} has no stream {type(request).__name__}")
                await stream(request, Outlet(connection, id_))
                parts = encode(FrameKind.END, id_, Ended())
        except HoldfastError as error:
            if connection.lost.is_set():
                return
            parts = encode(FrameKind.ERROR, id_, pack(error))
        except Exception as error:  # noqa: BLE001 - a defect in one handler must not end the plane
            loop = asyncio.get_running_loop()
            loop.call_exception_handler(
                {"message": f"{self._path.stem}: a handler failed", "exception": error}
            )
            parts = encode(FrameKind.ERROR, id_, pack(error))
        connection.write(*parts)


# ---------------------------------------------------------------------------------------------- asking


def _nothing(connection: _Connection) -> None:
    """Who asks has nothing to do when the connection is made."""


class Stream(Generic[R]):
    """The listener's end of one stream: an asynchronous iterator, to be used in `async with`.

    Gives messages of the subscription, and `Sample`s where it is a tap. While more than `limit` octets have
    come and were not taken, the socket is not read. Raises the server's error, or PlaneDown when the plane
    went away.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._queue: deque[Frame | Sample] = deque()
        self._octets = 0
        self._some = asyncio.Event()
        self._connection: _Connection | None = None

    async def __aenter__(self) -> Stream[R]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.transport.abort()

    def __aiter__(self) -> AsyncIterator[R]:
        return self

    async def __anext__(self) -> R:
        await self.ready()
        if not self._queue:
            raise PlaneDown("The other plane closed the stream.")
        item = self._queue.popleft()
        if isinstance(item, Sample):
            self._took(len(item.data))
            return item  # type: ignore[return-value]  # a tap's R says so
        self._took(len(item.record) + len(item.blob))
        if item.kind is FrameKind.END:
            self._queue.appendleft(item)  # and so for whoever asks again
            raise StopAsyncIteration
        value = decode(item)
        if isinstance(value, WireError):
            raise unpack(value)
        return value  # type: ignore[return-value]  # the server sends what the subscription says

    async def ready(self) -> None:
        """Wait until something has come, or nothing more will."""
        assert self._connection is not None
        while not self._queue and not self._connection.lost.is_set():
            self._some.clear()
            await self._some.wait()

    async def several(self) -> list[R]:
        """The next one, and all that have come behind it; none where the stream has ended. Raises as iteration does."""
        found: list[R] = []
        with contextlib.suppress(StopAsyncIteration):
            found.append(await self.__anext__())
        while self._queue and (isinstance(next_ := self._queue[0], Sample) or next_.kind is FrameKind.ITEM):
            found.append(await self.__anext__())
        return found

    def _took(self, octets: int) -> None:
        self._octets -= octets
        connection = self._connection
        if connection and self._octets <= self._limit and not connection.transport.is_reading():
            connection.transport.resume_reading()

    def _take(self, connection: _Connection, id_: int, item: Frame | Sample) -> None:  # noqa: ARG002 - one stream, one id
        self._queue.append(item)
        self._octets += len(item.data) if isinstance(item, Sample) else len(item.record) + len(item.blob)
        if self._octets > self._limit:
            connection.transport.pause_reading()
        self._some.set()

    def _lost(self, connection: _Connection) -> None:  # noqa: ARG002 - there is one
        self._some.set()


class Client:
    """Asks one plane. Connects when it is first needed, and again when the plane was restarted.

    client = Client(folder / "recording.sock", within=5.0)
    pong = await client.call(Ping())
    async with client.stream(Tap("c-7f3k2m")) as items:
        async for item in items: ...
    """

    def __init__(self, path: Path, *, within: float) -> None:
        """`within`: seconds in which a call must be answered, waiting for the plane to come up included."""
        self._path = path
        self._within = within
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()
        self._waiting: dict[int, asyncio.Future[Frame]] = {}
        self._last = 0

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; calls in progress raise PlaneDown. The client may be used again."""
        if self._connection is not None:
            self._connection.transport.abort()

    async def call(self, request: Request[R]) -> R:
        """Ask, and wait for the answer. Raises what the handler raised, or PlaneDown: no answer in time, or
        the plane went away. A request that was sent is never sent again by itself."""
        try:
            async with asyncio.timeout(self._within):
                connection = await self._connected()
                self._last += 1
                id_ = self._last & 0xFFFFFFFF
                answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
                self._waiting[id_] = answer
                try:
                    connection.write(*encode(FrameKind.CALL, id_, request))
                    await connection.room()
                    value = decode(await answer)
                finally:
                    del self._waiting[id_]
        except TimeoutError:
            raise PlaneDown(f"{self._path.stem} did not answer within {self._within:g} s.") from None
        if isinstance(value, WireError):
            raise unpack(value)
        return value  # type: ignore[return-value]  # the server answers what the request says

    @contextlib.asynccontextmanager
    async def stream(self, request: Subscription[R], *, limit: int = 8 << 20) -> AsyncIterator[Stream[R]]:
        """Open a stream of its own connection. `limit`: octets that may wait here before the server is
        slowed down.

        Raises PlaneDown where the plane cannot be reached in time.
        """
        stream: Stream[R] = Stream(limit)
        try:
            async with asyncio.timeout(self._within):
                connection = await self._connect(stream._take, stream._lost)
        except TimeoutError:
            raise PlaneDown(f"{self._path.stem} cannot be reached.") from None
        stream._connection = connection
        async with stream:
            connection.write(*encode(FrameKind.OPEN, 1, request))
            yield stream

    async def _connected(self) -> _Connection:
        async with self._connecting:
            if self._connection is None or self._connection.ended:
                self._connection = await self._connect(self._take, self._lost)
            return self._connection

    async def _connect(
        self,
        on_item: Callable[[_Connection, int, Frame | Sample], None],
        on_lost: Callable[[_Connection], None],
    ) -> _Connection:
        loop = asyncio.get_running_loop()
        while True:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
                with reachable(self._path) as name:
                    sock.connect(name)  # a Unix socket connects at once or not at all
                _, made = await loop.create_unix_connection(
                    lambda: _Connection(_nothing, on_item, on_lost), sock=sock
                )
            except OSError:
                sock.close()
                await asyncio.sleep(RETRY)
            except BaseException:
                sock.close()
                raise
            else:
                return made

    def _take(self, connection: _Connection, id_: int, item: Frame | Sample) -> None:
        if isinstance(item, Sample) or item.kind not in (FrameKind.REPLY, FrameKind.ERROR):
            connection.transport.abort()
        elif (waiting := self._waiting.get(id_)) is not None and not waiting.done():
            waiting.set_result(item)  # an answer that nobody waits for came after its time limit

    def _lost(self, connection: _Connection) -> None:
        if connection is self._connection:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(PlaneDown(f"{self._path.stem} went away before it answered."))
