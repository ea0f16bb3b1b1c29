"""Sessions with cameras that have their own ideas of RTSP: each habit here was seen in the field."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import replace

import pytest

from device.cameras.source import ROUND, Address, Cause, SessionEnded
from device.certificates import own_certificate
from device.clock import SystemClock
from protocols.rtsp.health import Patience
from protocols.rtsp.session import connect, target_of
from protocols.rtsp.source import LeftOut, RtspSource
from tests.protocols.rtsp.kept import KeptIntake
from tests.protocols.rtsp.odd_camera import Habits, OddCamera

PATIENCE = Patience(connect=2.0, answer=2.0, silent=1.5, first_key=3.0)


class Session:
    """A source that runs until enough pictures came, or it ends by itself."""

    def __init__(self, address: Address) -> None:
        self.intake = KeptIntake()
        self.left_out: list[LeftOut] = []
        self.source = RtspSource(address, SystemClock(), PATIENCE, self.left_out.append)

    async def run(self, units: int = 15) -> SessionEnded | None:
        return await self.until(lambda: len(self.intake.units) >= units)

    async def until(self, enough: Callable[[], bool]) -> SessionEnded | None:
        task = asyncio.create_task(self.source.run(self.intake))
        while not task.done() and not enough():  # noqa: ASYNC110 - it is data that we wait for
            await asyncio.sleep(0.01)
        if task.done():
            ended = task.exception()
            assert isinstance(ended, SessionEnded), ended
            return ended
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return None


async def plays(
    habits: Habits, transport: str = "tcp", user: str = "admin", password: str = "secret"
) -> OddCamera:
    """Pictures come, whole and in order."""
    async with OddCamera(habits) as camera:
        session = Session(Address(camera.url, user, password, transport))
        ended = await session.run()
        assert ended is None, ended
        numbers = [int.from_bytes(unit.nals[-1][2:6], "big") for unit in session.intake.units]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert session.intake.calls == ["opened"]
        return camera


@pytest.mark.parametrize(
    "schemes",
    [("MD5",), ("SHA-256",), ("basic", "MD5"), ("MD5", "SHA-256", "basic"), ("basic",)],
    ids=lambda schemes: "+".join(schemes),
)
@pytest.mark.parametrize("qop", ["auth", "", "auth,auth-int"])
async def test_the_strongest_scheme_is_answered(schemes: tuple[str, ...], qop: str) -> None:
    camera = await plays(Habits(schemes=schemes, qop=qop))
    used = {
        fields["authorization"].split(" ")[0] for _, _, fields in camera.requests if "authorization" in fields
    }
    assert used == {"Basic" if schemes == ("basic",) else "Digest"}


@pytest.mark.parametrize("tells", [True, False])
async def test_a_nonce_that_expires_is_renewed(tells: bool) -> None:
    camera = await plays(Habits(schemes=("MD5",), stale_after=2, tells_stale=tells))
    assert camera._nonce >= 1


async def test_an_empty_password_is_tried() -> None:
    await plays(Habits(schemes=("MD5",), password=""), password="")


async def test_credentials_in_the_url_are_unescaped() -> None:
    async with OddCamera(Habits(schemes=("MD5",), password="p@ss:/wörd")) as camera:
        url = camera.url.replace("rtsp://", "rtsp://admin:p%40ss%3A%2Fw%C3%B6rd@")
        session = Session(Address(url))
        assert await session.run() is None
        assert all("admin" not in url for _, url, _ in camera.requests)


async def test_wrong_credentials_are_refused_after_one_try_of_each_kind() -> None:
    async with OddCamera(Habits(schemes=("MD5", "SHA-256", "basic"))) as camera:
        session = Session(Address(camera.url, "admin", "wrong"))
        ended = await session.run()
        assert ended is not None
        assert ended.cause is Cause.REJECTED
        assert camera.methods() == ["OPTIONS", "DESCRIBE", "DESCRIBE", "DESCRIBE"]
        assert not any(
            fields.get("authorization", "").startswith("Basic") for _, _, fields in camera.requests
        )
        assert session.intake.calls == []


@pytest.mark.parametrize(
    "habits",
    [
        Habits(public=None),
        Habits(public=""),
        Habits(channels=(10, 11)),
        Habits(channels=(4, 7)),
        Habits(content_base=False),
        Habits(control="URL/trackID=1"),
        Habits(control="/elsewhere/trackID=1"),
        Habits(redirects=2),
        Habits(before_play_answer=True),
        Habits(extra_sdp="m=audio 0 RTP/AVP 99\r\na=rtpmap:99 MP4A-LATM/48000\r\na=control:trackID=2\r\n"),
    ],
    ids=[
        "no-public",
        "empty-public",
        "channels-10",
        "channels-4-7",
        "no-base",
        "absolute",
        "rooted",
        "redirect",
        "early",
        "latm",
    ],
)
async def test_habits_that_cost_nothing(habits: Habits) -> None:
    await plays(habits)


async def test_a_camera_that_redirects_for_ever_is_left() -> None:
    async with OddCamera(Habits(redirects=99)) as camera:
        ended = await Session(Address(camera.url)).run()
        assert ended is not None
        assert ended.cause is Cause.PROTOCOL


async def test_sound_that_cannot_be_used_is_left_out_and_told() -> None:
    extra = "m=audio 0 RTP/AVP 99\r\na=rtpmap:99 MP4A-LATM/48000\r\n"
    async with OddCamera(Habits(extra_sdp=extra)) as camera:
        session = Session(Address(camera.url))
        assert await session.run() is None
        assert [left.kind for left in session.left_out] == ["audio"]
        assert camera.methods().count("SETUP") == 1


@pytest.mark.parametrize(("asked", "refused"), [("udp", "udp"), ("tcp", "tcp")])
async def test_a_transport_that_is_refused_is_replaced_by_the_other(asked: str, refused: str) -> None:
    camera = await plays(Habits(refuses=(refused,)), transport=asked)
    transports = [
        fields["transport"].split(";")[0] for method, _, fields in camera.requests if method == "SETUP"
    ]
    assert len(transports) == 2
    assert transports[0] != transports[1]


async def test_udp_works_without_the_cameras_ports() -> None:
    await plays(Habits(), transport="udp")


async def test_where_no_datagram_arrives_tcp_is_taken() -> None:
    habits = Habits(media_after=False)
    async with OddCamera(habits) as camera:
        session = Session(Address(camera.url, transport="udp"))
        running = asyncio.create_task(session.run())
        while "PLAY" not in camera.methods():  # noqa: ASYNC110 - it is the camera that we wait for
            await asyncio.sleep(0.01)
        habits.media_after = True
        del camera._client_port
        assert await running is None
        assert camera.methods().count("TEARDOWN") >= 1


@pytest.mark.parametrize(
    ("habits", "method"),
    [
        (Habits(timeout=2), "GET_PARAMETER"),
        (Habits(timeout=2, public=None), "GET_PARAMETER"),
        (Habits(timeout=2, public="OPTIONS, DESCRIBE, SETUP, PLAY"), "OPTIONS"),
    ],
)
async def test_the_session_is_kept_alive(habits: Habits, method: str) -> None:
    async with OddCamera(habits) as camera:
        assert await Session(Address(camera.url)).until(lambda: len(camera.methods()) > 4) is None
        assert camera.methods()[4] == method


async def test_where_get_parameter_is_not_known_options_keep_alive() -> None:
    async with OddCamera(Habits(timeout=2, get_parameter=501)) as camera:
        assert await Session(Address(camera.url)).until(lambda: len(camera.methods()) > 5) is None
        assert camera.methods()[4:6] == ["GET_PARAMETER", "OPTIONS"]


async def test_a_camera_that_says_nothing_is_given_up() -> None:
    async with OddCamera(Habits(media_after=False)) as camera:
        ended = await Session(Address(camera.url)).run()
        assert ended is not None
        assert ended.cause is Cause.SILENT


async def test_nobody_there() -> None:
    async with OddCamera(Habits()) as camera:
        url = camera.url
    ended = await Session(Address(url)).run()
    assert ended is not None
    assert (ended.cause, ended.detail) == (Cause.UNREACHABLE, "Connection refused")


async def test_ipv6() -> None:
    async with OddCamera(Habits(schemes=("MD5",)), host="::1") as camera:
        session = Session(Address(camera.url, "admin", "secret"))
        assert await session.run() is None
        assert all(url.startswith(f"rtsp://[::1]:{camera.port}/") for _, url, _ in camera.requests)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """A camera's self-signed certificate, and its fingerprint."""
    pair = own_certificate(tmp_path_factory.mktemp("tls"), "camera", SystemClock())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    der = ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())
    return context, hashlib.sha256(der).hexdigest()


@pytest.mark.parametrize("pinned", [True, False])
async def test_tls_with_and_without_a_pinned_fingerprint(
    tls: tuple[ssl.SSLContext, str], pinned: bool
) -> None:
    context, fingerprint = tls
    async with OddCamera(Habits(schemes=("basic",)), tls=context) as camera:
        address = Address(camera.url, "admin", "secret", fingerprint=fingerprint if pinned else "")
        session = Session(address)
        assert await session.run() is None
        assert hashlib.sha256(session.source.certificate).hexdigest() == fingerprint


@pytest.mark.parametrize("how", [{"fingerprint": "00" * 32}, {"verify_tls": True}], ids=str)
async def test_a_certificate_that_is_not_trusted_hears_no_request(
    tls: tuple[ssl.SSLContext, str], how: dict[str, object]
) -> None:
    context, _ = tls
    async with OddCamera(Habits(), tls=context) as camera:
        ended = await Session(replace(Address(camera.url), **how)).run()  # type: ignore[arg-type]
        assert ended is not None
        assert ended.cause is Cause.PROTOCOL
        assert camera.requests == []


async def test_over_tls_a_round_is_the_loops(tls: tuple[ssl.SSLContext, str]) -> None:
    """What lies between cannot be read past: the loop is woken for it, in every round."""
    async with OddCamera(Habits(), tls=tls[0]) as camera:
        address = Address(camera.url)
        connection = await connect(target_of(address), address, PATIENCE)
        assert not connection.read()
        connection.close()
        assert await Session(address).run(units=250) is None  # more than three rounds


async def test_a_reset_in_a_round_costs_nothing_that_came_before_it() -> None:
    """The loop has not heard of it yet when the round reads."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = Address(f"rtsp://127.0.0.1:{server.getsockname()[1]}/")
        connection = await connect(target_of(address), address, PATIENCE)
        camera, _ = server.accept()
    ended: list[SessionEnded] = []
    came: list[int] = []
    connection.on_end, connection.on_octets = ended.append, came.append
    packet = b"$\x00\x00\x10\x80" + bytes(15)
    camera.sendall(packet)
    camera.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    camera.close()
    assert connection.read()
    assert (came, ended) == ([len(packet)], [])
    assert connection.read()
    assert [end.cause for end in ended] == [Cause.LINK_LOST]
    assert not connection.read()


async def wakes(session: Session, units: int) -> int:
    """In how many pieces the next units come."""
    arrivals = set()
    until = session.source.reception.samples + units
    while session.source.reception.samples < until:
        arrivals.add(session.source.reception.last_sample)
        await asyncio.sleep(0)
    return len(arrivals)


async def test_whoever_begins_to_watch_is_not_kept_waiting_and_leaves_all_as_it_was() -> None:
    async with OddCamera(Habits()) as camera:
        session = Session(Address(camera.url))
        running = asyncio.create_task(session.run(units=10_000))
        while session.source.reception.samples < 130:  # noqa: ASYNC110 - it is data that we wait for
            await asyncio.sleep(0.01)
        assert await wakes(session, 80) < 20
        session.source.attention(0)
        assert await wakes(session, 80) > 40
        session.source.attention(ROUND)
        await wakes(session, 10)
        assert await wakes(session, 80) < 20
        session.source.attention(ROUND / 4)
        await wakes(session, 10)
        assert await wakes(session, 80) < 40
        running.cancel()


async def test_where_timestamps_are_of_no_use_every_packet_tells_the_time() -> None:
    async with OddCamera(Habits(ticks=0)) as camera:
        session = Session(Address(camera.url))
        running = asyncio.create_task(session.run(units=10_000))
        while session.source.reception.samples < 60:  # noqa: ASYNC110 - it is data that we wait for
            await asyncio.sleep(0.01)
        assert await wakes(session, 80) > 40
        running.cancel()


@pytest.mark.parametrize("url", ["http://h/", "rtsp://", "rtsp:///x", "nonsense", "rtsp://h:99999/"])
def test_what_is_no_rtsp_url_is_refused(url: str) -> None:
    with pytest.raises(SessionEnded) as caught:
        target_of(Address(url))
    assert caught.value.cause is Cause.PROTOCOL
