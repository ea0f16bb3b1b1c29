"""Conversations between real sockets, in one loop."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.errors import BadValue, NotFound
from device.media import Codec, Sample, Track, Utc
from device.planes.errors import PlaneDown, PlaneFault
from device.planes.link import Client, Outlet, Server
from device.planes.messages import (
    AskStreaming,
    Done,
    EventItem,
    Lock,
    Locked,
    Ping,
    Pong,
    SubscribeEvents,
    Tap,
    TapTracks,
    Unlock,
)
from device.records import BadRecord

TRACK = Track(Codec.H264, 90_000, (b"\x67sps", b"\x68pps"), 640, 480)


def there(path: Path) -> bool:
    return path.exists()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def pong(request: Ping) -> Pong:
    return Pong("recording", os.getpid(), Utc(1))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.sock"


@pytest.fixture
async def server(path: Path) -> AsyncIterator[Server]:
    async with Server(path) as server:
        server.on(Ping, pong)
        yield server


@pytest.fixture
def client(path: Path) -> Client:
    return Client(path, within=5.0)


async def test_a_call_is_answered_by_the_message_that_its_class_names(server: Server, client: Client) -> None:
    answer: Pong = await client.call(Ping())
    assert answer == Pong("recording", os.getpid(), Utc(1))


async def test_calls_on_one_connection_may_overtake_each_other(server: Server, client: Client) -> None:
    release = asyncio.Event()

    async def lock(request: Lock) -> Locked:
        if request.token == "slow":
            await release.wait()
        return Locked(1 if request.token == "slow" else 2)

    server.on(Lock, lock)
    slow = asyncio.create_task(client.call(Lock("slow", Utc(0), Utc(1), None, "me", "")))
    assert await client.call(Lock("fast", Utc(0), Utc(1), None, "me", "")) == Locked(2)
    release.set()
    assert await slow == Locked(1)


async def test_an_error_is_raised_at_the_caller_with_its_type_and_fields(
    server: Server, client: Client
) -> None:
    async def unlock(request: Unlock) -> Done:
        raise NotFound("lock", str(request.lock))

    server.on(Unlock, unlock)
    with pytest.raises(NotFound) as caught:
        await client.call(Unlock(7, "me"))
    assert (caught.value.kind, caught.value.name) == ("lock", "7")
    assert str(caught.value) == str(NotFound("lock", "7"))
    assert caught.value.wire.http == 404


class _Narrow(BadValue):
    """Known to the server alone, as the error of another version would be."""


async def test_an_error_that_the_caller_does_not_know_is_raised_as_its_nearest_ancestor(
    server: Server, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Narrow, "__module__", "elsewhere")

    async def unlock(request: Unlock) -> Done:
        error = _Narrow("lock", "not that one")
        monkeypatch.setattr(_Narrow, "__module__", "here")  # what the caller knows has another name
        return await _raise(error)

    async def _raise(error: Exception) -> Done:
        raise error

    server.on(Unlock, unlock)
    with pytest.raises(BadValue) as caught:
        await client.call(Unlock(7, "me"))
    assert caught.value.field == "lock"


async def test_a_defect_in_a_handler_reaches_the_loop_and_the_caller_and_nothing_else(
    server: Server, client: Client
) -> None:
    seen: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: seen.append(what["exception"]))

    async def unlock(request: Unlock) -> Done:
        raise ZeroDivisionError("oh")

    server.on(Unlock, unlock)
    with pytest.raises(PlaneFault, match="ZeroDivisionError: oh"):
        await client.call(Unlock(7, "me"))
    assert [type(error) for error in seen] == [ZeroDivisionError]
    assert (await client.call(Ping())).plane == "recording"


async def test_a_request_that_nobody_answers_is_refused(server: Server, client: Client) -> None:
    with pytest.raises(BadRecord, match="AskStreaming"):
        await client.call(AskStreaming())


async def test_a_call_waits_for_a_plane_that_is_starting(path: Path, client: Client) -> None:
    asked = asyncio.create_task(client.call(Ping()))
    await asyncio.sleep(0.15)
    async with Server(path) as server:
        server.on(Ping, pong)
        assert (await asked).plane == "recording"


async def test_a_plane_that_does_not_come_up_is_said_to_be_down(path: Path) -> None:
    with pytest.raises(PlaneDown):
        await Client(path, within=0.2).call(Ping())


async def test_a_client_finds_the_restarted_plane(path: Path, client: Client) -> None:
    for _ in range(3):
        async with Server(path) as server:
            server.on(Ping, pong)
            assert (await client.call(Ping())).plane == "recording"


async def test_a_call_in_progress_fails_when_the_plane_goes_away(path: Path, client: Client) -> None:
    asked = asyncio.Event()

    async def lock(request: Lock) -> Locked:
        asked.set()
        await asyncio.sleep(60)
        return Locked(1)

    async with Server(path) as server:
        server.on(Lock, lock)
        call = asyncio.create_task(client.call(Lock("a", Utc(0), Utc(1), None, "me", "")))
        await asked.wait()
    with pytest.raises(PlaneDown):
        await call


async def test_a_server_takes_the_place_of_another_and_is_not_removed_by_it(
    path: Path, client: Client
) -> None:
    old, new = Server(path), Server(path)
    await old.__aenter__()
    async with new:
        new.on(Ping, pong)
        await old.__aexit__(None, None, None)
        assert (await client.call(Ping())).plane == "recording"
    assert not there(path)


async def test_only_our_own_user_may_connect(server: Server, path: Path) -> None:
    assert mode(path) == 0o600


async def test_a_path_longer_than_a_socket_address_works(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100) / ("y" * 100)
    deep.mkdir(parents=True)
    async with (
        Server(deep / "recording.sock") as server,
        Client(deep / "recording.sock", within=5.0) as client,
    ):
        server.on(Ping, pong)
        assert (await client.call(Ping())).plane == "recording"
        assert [path.name for path in deep.iterdir()] == ["recording.sock"]


async def test_a_tap_gives_tracks_and_then_samples_as_they_were(server: Server, client: Client) -> None:
    sent = [
        Sample(0, 3600 * n, Utc(1_000_000 + n), n % 5 == 0, os.urandom(n * 977), n % 3 == 0)
        for n in range(60)
    ]

    async def tap(request: Tap, outlet: Outlet) -> None:
        await outlet.send(TapTracks(4, (TRACK,)))
        for sample in sent:
            assert outlet.offer(sample, 1 << 30)

    server.on_stream(Tap, tap)
    async with client.stream(Tap("c-1")) as items:
        got = [item async for item in items]
    assert got[0] == TapTracks(4, (TRACK,))
    samples = [item for item in got[1:] if isinstance(item, Sample)]
    assert [(s.track, s.time, s.utc, s.key, bytes(s.data), s.damaged) for s in samples] == [
        (s.track, s.time, s.utc, s.key, s.data, s.damaged) for s in sent
    ]


async def test_what_has_come_is_taken_in_one_go_and_the_end_is_nothing(
    server: Server, client: Client
) -> None:
    sent = [Sample(0, n, Utc(n), n == 0, bytes(100)) for n in range(5)]

    async def tap(request: Tap, outlet: Outlet) -> None:
        outlet.put(TapTracks(4, (TRACK,)))
        for sample in sent:
            outlet.offer(sample, 1 << 30)

    server.on_stream(Tap, tap)
    async with client.stream(Tap("c-1")) as items:
        got: list[object] = []
        while several := await items.several():
            got += several
        assert await items.several() == []
    assert got[0] == TapTracks(4, (TRACK,))
    assert [item.time for item in got[1:] if isinstance(item, Sample)] == [0, 1, 2, 3, 4]


async def test_a_sample_may_be_overwritten_as_soon_as_it_was_offered(server: Server, client: Client) -> None:
    async def tap(request: Tap, outlet: Outlet) -> None:
        memory = bytearray(3_000_000)  # more than the socket takes at once
        memory[:] = b"a" * len(memory)
        outlet.offer(Sample(0, 0, Utc(0), True, memoryview(memory)), 1 << 30)
        memory[:] = b"b" * len(memory)

    server.on_stream(Tap, tap)
    async with client.stream(Tap("c-1")) as items:
        got = [bytes(item.data) async for item in items if isinstance(item, Sample)]
    assert got == [b"a" * 3_000_000]


async def test_a_slow_listener_is_refused_samples_and_holds_up_nobody(server: Server, client: Client) -> None:
    full = asyncio.Event()

    async def tap(request: Tap, outlet: Outlet) -> None:
        sample = Sample(0, 0, Utc(0), True, bytes(100_000))
        for _ in range(1000):
            if not outlet.offer(sample, 1_000_000):
                break
        else:
            pytest.fail("100 MB were taken without anybody reading them")
        full.set()
        await outlet.gone()

    server.on_stream(Tap, tap)
    async with client.stream(Tap("c-1"), limit=100_000):
        await full.wait()
        assert (await client.call(Ping())).plane == "recording"


async def test_a_stream_waits_for_a_slow_listener_and_loses_nothing(server: Server, client: Client) -> None:
    async def events(request: SubscribeEvents, outlet: Outlet) -> None:
        for n in range(2000):
            await outlet.send(EventItem(n, Utc(n), "o", n, 0, "x" * 1000))

    server.on_stream(SubscribeEvents, events)
    got = []
    async with client.stream(SubscribeEvents("", 0), limit=10_000) as items:
        async for item in items:
            if item.seq % 100 == 0:
                await asyncio.sleep(0.001)
            got.append(item.seq)
    assert got == list(range(2000))


async def test_a_handler_is_cancelled_when_its_listener_goes_away(server: Server, client: Client) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def tap(request: Tap, outlet: Outlet) -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    server.on_stream(Tap, tap)
    async with client.stream(Tap("c-1")):
        await started.wait()
    await ended.wait()


async def test_an_error_ends_a_stream_at_the_listener(server: Server, client: Client) -> None:
    async def tap(request: Tap, outlet: Outlet) -> None:
        raise NotFound("recording", request.token)

    server.on_stream(Tap, tap)
    async with client.stream(Tap("c-1")) as items:
        with pytest.raises(NotFound, match="c-1"):
            await anext(items)


async def test_a_stream_ends_with_the_plane(path: Path, client: Client) -> None:
    async def tap(request: Tap, outlet: Outlet) -> None:
        await outlet.send(TapTracks(1, ()))
        await outlet.gone()

    async with Server(path) as server:
        server.on_stream(Tap, tap)
        stream = client.stream(Tap("c-1"))
        items = await stream.__aenter__()
        assert await anext(items) == TapTracks(1, ())
    with pytest.raises(PlaneDown):
        await anext(items)
    await stream.__aexit__(None, None, None)


async def test_bytes_that_are_no_frames_end_the_connection_and_nothing_else(
    server: Server, client: Client, path: Path
) -> None:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await reader.read() == b""
    writer.close()
    assert (await client.call(Ping())).plane == "recording"
