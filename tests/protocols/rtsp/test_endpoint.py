"""The server on real sockets: transports, limits, slow and silent peers, playing, pausing and seeking."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from device.clock import SystemClock
from device.media import MICROSECONDS, Codec, Sample, Track, Utc
from protocols.rtsp import broadcast, rtcp
from protocols.rtsp.endpoint import Endpoint, Listen
from protocols.rtsp.library import Break
from protocols.rtsp.message import Response
from protocols.rtsp.registry import Limits
from protocols.rtsp.sender import Packets
from tests.protocols.rtsp.media import T0, ClipFeed, ListStore, Shelf, video
from tests.protocols.rtsp.wire import Player

HERE = "127.0.0.1"


def clip_run(seconds: float = 0, frames: int = 50) -> tuple[tuple[Track, ...], tuple[Sample, ...]]:
    clip = video(Codec.H264, frames)
    return clip.tracks, clip.shifted(seconds)


@pytest.fixture
def shelf() -> Shelf:
    other = video(Codec.H265)
    return Shelf(
        {"cam": ClipFeed(video(Codec.H264)), "big": ClipFeed(video(Codec.H264, 50, 25, 25, 1280, 720))},
        {
            "one": ListStore((clip_run(),)),
            "gap": ListStore((clip_run(0, 20), clip_run(3600, 20))),
            "change": ListStore((clip_run(), (other.tracks, other.shifted(60)))),
        },
    )


@pytest.fixture
async def endpoint(shelf: Shelf) -> AsyncIterator[Endpoint]:
    async with Endpoint(shelf, None, (Listen(HERE, 0),), SystemClock()) as serving:
        yield serving


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true; the test's own time limit ends it otherwise."""
    while not condition():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.01)


async def test_a_live_stream_flows_from_a_key_frame(endpoint: Endpoint) -> None:
    player = await Player.connect(endpoint.port)
    answer = await player.play("/live/cam")
    assert answer.headers.get("Range") == "npt=now-"
    first = await player.packet()
    assert first.payload[0] & 0x1F == 7
    times = await player.pictures(5)
    assert {(b - a) & 0xFFFFFFFF for a, b in pairwise(times)} == {3600}
    assert f"rtptime={times[0]}" in (answer.headers.get("RTP-Info") or "")
    assert (await player.ask("TEARDOWN", "/live/cam")).status == 200
    await player.close()
    await until(lambda: endpoint.status().feeds == 0)


async def test_listeners_share_one_subscription_and_the_same_packets(
    endpoint: Endpoint, shelf: Shelf
) -> None:
    players = [await Player.connect(endpoint.port) for _ in range(3)]
    for player in players:
        await player.play("/live/cam")
    seen = [
        {(p.ssrc, p.sequence): bytes(p.payload) for p in [await pl.packet() for _ in range(200)]}
        for pl in players
    ]
    assert shelf.live["cam"].subscriptions == 1
    assert seen[0].items() & seen[1].items() & seen[2].items()
    assert len({ssrc for each in seen for ssrc, _ in each}) == 1
    for player in players:
        await player.close()


async def test_a_reader_that_stops_reading_is_cut_and_hurts_nobody(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "STALL_SECONDS", 1.0)
    monkeypatch.setattr(broadcast, "QUEUE_OCTETS", 300_000)
    async with Endpoint(shelf, None, (Listen(HERE, 0),), SystemClock()) as endpoint:
        stalled = await Player.connect(endpoint.port)
        await stalled.play("/live/big")
        stalled.writer.transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's own is one that can
        watching = await Player.connect(endpoint.port)
        await watching.play("/live/big")
        numbers = []
        while not endpoint.counters.cut:
            numbers.append((await watching.packet()).sequence)
        assert endpoint.counters.dropped_to_key >= 1
        assert {(b - a) & 0xFFFF for a, b in pairwise(numbers)} == {1}
        await until(lambda: endpoint.status().sessions == 1)
        await stalled.close()
        await watching.close()


async def test_a_recording_plays_to_its_end_and_says_goodbye(endpoint: Endpoint) -> None:
    player = await Player.connect(endpoint.port)
    answer = await player.play("/replay/one", ("Range", "npt=0-"))
    assert answer.headers.get("Range") == "npt=0-2"
    times = await player.goodbye()
    assert len(times) == 50
    assert f"rtptime={times[0]}" in (answer.headers.get("RTP-Info") or "")
    assert (await player.ask("PLAY", "/replay/one", ("Range", "npt=1.6-"))).status == 200  # and once more
    assert len(await player.goodbye()) == 10
    await player.close()


async def test_a_gap_of_an_hour_is_passed_over(endpoint: Endpoint) -> None:
    player = await Player.connect(endpoint.port)
    await player.play("/replay/gap")
    times = await player.goodbye()
    assert len(times) == 40
    assert {(b - a) & 0xFFFFFFFF for a, b in pairwise(times)} == {3600}
    await player.close()


async def test_a_recording_whose_codec_changes_ends_there(endpoint: Endpoint) -> None:
    player = await Player.connect(endpoint.port)
    await player.play("/replay/change")
    assert len(await player.goodbye()) == 50
    await player.close()


async def test_play_begins_at_the_key_frame_at_or_before_the_time_asked_for(endpoint: Endpoint) -> None:
    player = await Player.connect(endpoint.port)
    answer = await player.play("/replay/one", ("Range", "clock=20231114T221321.1Z-20231114T221321.5Z"))
    # A key frame every 400 ms: the one at or before 1.1 s is at 0.8 s, and 1.5 s ends before the picture at
    # 1.52 s.
    assert answer.headers.get("Range") == "clock=20231114T221320.800000Z-20231114T221321.500000Z"
    assert len(await player.goodbye()) == 18
    await player.close()


async def test_a_url_with_a_start_begins_there(endpoint: Endpoint) -> None:
    player = await Player.connect(endpoint.port)
    answer = await player.ask(
        "SETUP",
        f"/replay/one/trackID=0?start={T0 + MICROSECONDS}",
        ("Transport", "RTP/AVP/TCP;interleaved=0-1"),
    )
    assert answer.status == 200
    await player.ask("PLAY", "/replay/one", ("Range", "npt=0.000-"))
    assert len(await player.goodbye()) == 30
    await player.close()


async def test_a_pause_loses_no_picture_and_repeats_none(endpoint: Endpoint) -> None:
    player = await Player.connect(endpoint.port)
    await player.play("/replay/one")
    times = await player.pictures(30)
    assert (await player.ask("PAUSE", "/replay/one")).status == 200
    times += [t for t in [await frame_time(player) for _ in range(len(player.frames))] if t is not None]
    await asyncio.sleep(0.3)
    answer = await player.ask("PLAY", "/replay/one")
    assert not player.frames  # nothing came while it was paused
    rest = await player.goodbye()
    assert f"rtptime={rest[0]}" in (answer.headers.get("RTP-Info") or "")
    whole = times + rest
    assert len(whole) == 50
    assert {(b - a) & 0xFFFFFFFF for a, b in pairwise(whole)} == {3600}
    await player.close()


async def frame_time(player: Player) -> int | None:
    """RTP time of the next frame that was kept, if it ends a picture."""
    frame = player.frames.pop(0)
    return (
        int.from_bytes(frame.payload[4:8], "big") if not frame.channel and frame.payload[1] & 0x80 else None
    )


async def test_a_seek_while_playing_goes_on_in_rtp_time(endpoint: Endpoint, shelf: Shelf) -> None:
    player = await Player.connect(endpoint.port)
    await player.play("/replay/one")
    await player.pictures(3)
    known = shelf.stored["one"].spans
    answer = await player.ask("PLAY", "/replay/one", ("Range", "npt=1.6-"))
    info = answer.headers.get("RTP-Info") or ""
    player.frames.clear()
    packet = await player.packet()
    assert f"seq={packet.sequence};rtptime={packet.timestamp}" in info
    assert len(await player.goodbye()) == 10
    assert shelf.stored["one"].reads == 2
    assert shelf.stored["one"].spans == known  # it is described as going so far
    await player.close()


@pytest.mark.parametrize("value", ["clock=20300101T000000Z-", "npt=900-"])
async def test_a_range_beyond_the_end_is_457(endpoint: Endpoint, value: str) -> None:
    player = await Player.connect(endpoint.port)
    assert (await player.play("/replay/one", ("Range", value))).status == 457
    await player.close()


async def test_media_by_udp_comes_from_the_ports_that_were_told(endpoint: Endpoint) -> None:
    loop = asyncio.get_running_loop()
    got: list[tuple[int, bytes, tuple[str, int]]] = []

    class Port(asyncio.DatagramProtocol):
        def __init__(self, number: int) -> None:
            self.number = number

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            got.append((self.number, data, addr))

    ports = [await loop.create_datagram_endpoint(partial(Port, n), (HERE, 0)) for n in range(2)]
    numbers = [transport.get_extra_info("sockname")[1] for transport, _ in ports]
    player = await Player.connect(endpoint.port)
    transport = f"RTP/AVP;unicast;client_port={numbers[0]}-{numbers[1]}"
    answer = await player.ask("SETUP", "/replay/one/trackID=0", ("Transport", transport))
    first, second = endpoint.registry.udp_ports or (0, 0)
    assert f"server_port={first}-{second}" in (answer.headers.get("Transport") or "")
    await player.ask("PLAY", "/replay/one", ("Range", "npt=1-"))

    def over() -> bool:
        return any(n == 1 and isinstance(rtcp.parse(data)[-1], rtcp.Goodbye) for n, data, _ in got)

    def pictures() -> int:
        return sum(n == 0 and bool(data[1] & 0x80) for n, data, _ in got)

    await until(
        lambda: over() and pictures() >= 30
    )  # the goodbye comes by the other socket, and may be read first
    assert {(n, addr[1]) for n, _, addr in got} == {(0, first), (1, second)}
    assert pictures() == 30
    await player.close()
    for transport_, _ in ports:
        transport_.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "recorder")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


async def test_the_same_over_tls(shelf: Shelf, certificate: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    async with Endpoint(shelf, None, (Listen(HERE, 0, server),), SystemClock()) as endpoint:
        player = await Player.connect(endpoint.port, client)
        await player.play("/replay/one")
        assert len(await player.goodbye()) == 50
        await player.close()


async def test_the_same_over_ipv6(shelf: Shelf) -> None:
    async with Endpoint(shelf, None, (Listen(HERE, 0), Listen("::1", 0)), SystemClock()) as endpoint:
        player = await Player.connect(endpoint.addresses[1][1], host="::1")
        body = (await player.ask("DESCRIBE", "/replay/one")).body
        assert b"IN IP6 ::1\r\n" in body
        udp = ("Transport", "RTP/AVP;unicast;client_port=50000-50001")
        answer = await player.ask("SETUP", "/replay/one/trackID=0", udp)
        assert "source=::1" in (answer.headers.get("Transport") or "")
        await player.close()


async def test_connections_beyond_the_limit_are_refused(shelf: Shelf) -> None:
    limits = Limits(connections_per_address=2)
    async with Endpoint(shelf, None, (Listen(HERE, 0),), SystemClock(), None, limits) as endpoint:
        players = [await Player.connect(endpoint.port) for _ in range(3)]
        assert (await players[0].ask("OPTIONS", "/")).status == 200
        answer = await players[2].message()
        assert isinstance(answer, Response)
        assert answer.status == 503
        with pytest.raises((EOFError, ConnectionError)):
            await players[2].message()
        assert endpoint.status().refused == 1
        for player in players:
            await player.close()


async def test_a_connection_that_asks_for_nothing_is_cut(shelf: Shelf) -> None:
    limits = Limits(idle_seconds=0.2)
    async with Endpoint(shelf, None, (Listen(HERE, 0),), SystemClock(), None, limits) as endpoint:
        player = await Player.connect(endpoint.port)
        with pytest.raises((EOFError, ConnectionError)):
            await player.message()


async def test_a_session_without_a_sign_of_life_ends_but_not_while_its_media_is_taken(shelf: Shelf) -> None:
    limits = Limits(session_seconds=1.5)
    async with Endpoint(shelf, None, (Listen(HERE, 0),), SystemClock(), None, limits) as endpoint:
        playing, ready = await Player.connect(endpoint.port), await Player.connect(endpoint.port)
        await playing.play("/live/cam")
        await ready.ask("SETUP", "/live/cam/trackID=0", ("Transport", "RTP/AVP/TCP;interleaved=0-1"))
        await until(lambda: endpoint.status().sessions == 1)
        await playing.pictures(30)
        assert (await ready.ask("PLAY", "/live/cam")).status == 454
        assert endpoint.status().playing == 1
        await playing.close()
        await ready.close()


async def test_a_live_stream_that_becomes_another_says_goodbye_and_can_be_set_up_again(
    endpoint: Endpoint, shelf: Shelf
) -> None:
    player = await Player.connect(endpoint.port)
    await player.play("/live/cam")
    await player.pictures(3)
    feed, other = shelf.live["cam"], video(Codec.H265)
    feed.say(Break(Utc(T0), other.tracks))
    await player.goodbye()
    feed.clip, feed.tracks = other, other.tracks
    again = await Player.connect(endpoint.port)
    await again.play("/live/cam")
    assert (await again.packet()).payload[0] >> 1 & 0x3F == 32  # VPS
    await player.close()
    await again.close()


async def test_a_path_can_be_cut_as_by_a_broken_cable(endpoint: Endpoint) -> None:
    players = [await Player.connect(endpoint.port) for _ in range(2)]
    await players[0].play("/live/cam")
    await players[1].play("/live/big")
    assert endpoint.cut("/live/cam") == 1
    with pytest.raises((EOFError, ConnectionError)):
        await players[0].goodbye()
    await players[1].pictures(2)
    for player in players:
        await player.close()


async def test_faults_on_demand(shelf: Shelf) -> None:
    class Faulty:
        refuse = True

        def status(self, method: str, path: str) -> int | None:
            return 401 if self.refuse and method == "DESCRIBE" else None

        def packets(self, path: str, packets: Packets) -> Packets | None:
            return packets.only([n for n in range(len(packets.starts)) if n != 1])

    async with Endpoint(shelf, None, (Listen(HERE, 0),), SystemClock(), tamper=Faulty()) as endpoint:
        player = await Player.connect(endpoint.port)
        assert (await player.ask("DESCRIBE", "/live/cam")).status == 401
        await player.play("/live/cam")
        numbers = [(await player.packet()).sequence for _ in range(100)]
        assert {(b - a) & 0xFFFF for a, b in pairwise(numbers)} == {1, 2}
        await player.close()
