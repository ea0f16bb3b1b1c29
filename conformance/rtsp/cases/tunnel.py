"""RTSP through HTTP: a GET for what comes, a POST in base64 for what goes (Apple's way, ONVIF Streaming s5.1.1)."""

from __future__ import annotations

import base64
import secrets
from urllib.parse import urlsplit

from conformance.case import NotApplicable, Requirement, expect
from conformance.rtsp import digest
from conformance.rtsp.client import Closed, Connection, Fields, Silence
from conformance.rtsp.device import PORTS, Device
from conformance.rtsp.presentation import Presentation, good, session_of
from conformance.rtsp.suite import case
from conformance.rtsp.wire import Answer, count

_KIND = "application/x-rtsp-tunnelled"
_CLAUSE = "Tunneling RTSP and RTP over HTTP; ONVIF Streaming s5.1.1"


class Tunnel:
    """Both halves. Requests are composed by the downward connection, and go up encoded."""

    def __init__(self, down: Connection, up: Connection) -> None:
        self.down = down
        self.up = up

    async def send(self, request: bytes, piece: int) -> None:
        """One request, its base64 cut into pieces."""
        self.down.transcript.sent("tunnel", request)
        encoded = base64.b64encode(request)
        for at in range(0, len(encoded), piece):
            await self.up.push(encoded[at : at + piece])

    async def ask(self, method: str, url: str, fields: list[tuple[str, str]], piece: int = 4096) -> Answer:
        """A request and its answer; a challenge is answered once."""
        await self.send(self.down.compose(method, url, fields), piece)
        answer = await self.down.answer()
        if answer.status == 401 and self.down.login is not None:
            challenge = digest.best(digest.challenges(answer.all("WWW-Authenticate")))
            if challenge is not None:
                self.down.login.take(challenge)
                await self.send(self.down.compose(method, url, fields), piece)
                answer = await self.down.answer()
        return answer


async def _connection(device: Device, name: str) -> Connection:
    parts = urlsplit(device.address.live)
    port = device.address.tunnel_port or parts.port or PORTS[parts.scheme]
    return await device.connect(f"{parts.scheme}://{parts.hostname}:{port}{parts.path}", name=name)


def _head(device: Device, method: str, cookie: str | None, *more: str) -> bytes:
    parts = urlsplit(device.address.live)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {path} HTTP/1.0", f"Host: {parts.hostname}", "User-Agent: conformance", *more]
    if cookie is not None:
        lines.append(f"x-sessioncookie: {cookie}")
    return "\r\n".join([*lines, "Pragma: no-cache", "Cache-Control: no-cache", "", ""]).encode()


async def _open(device: Device) -> Tunnel:
    """Raises NotApplicable where the GET is not answered as that of a tunnel."""
    cookie = secrets.token_hex(11)
    down = await _connection(device, "get")
    await down.send(_head(device, "GET", cookie, f"Accept: {_KIND}"))
    try:
        answer = await down.answer_or_close()
    except Silence:
        answer = None
    tunnelled = answer is not None and answer.protocol == "HTTP" and answer.status == 200
    if answer is None or not tunnelled:
        raise NotApplicable(
            f"no tunnel is offered: GET is answered {answer.said if answer else 'by closing'}"
        )
    up = await _connection(device, "post")
    await up.send(_head(device, "POST", cookie, f"Content-Type: {_KIND}", "Content-Length: 32767"))
    return Tunnel(down, up)


@case(
    "tunnel.open",
    "A GET is answered as a tunnel's, and requests go through",
    _CLAUSE,
    Requirement.CONDITIONAL,
)
async def opened(device: Device) -> str:
    tunnel = await _open(device)
    answer = await tunnel.ask("OPTIONS", device.address.live, [])
    return good(answer, "OPTIONS through the tunnel").said


@case("tunnel.play", "Media comes through the tunnel, interleaved", _CLAUSE, Requirement.CONDITIONAL)
async def play(device: Device) -> str:
    tunnel = await _open(device)
    url = device.address.live
    presentation = await device.describe(await device.connect())
    good(await tunnel.ask("DESCRIBE", url, []), "DESCRIBE")
    transport = [("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")]
    answer = good(await tunnel.ask("SETUP", presentation.tracks[0], transport), "SETUP")
    name, _ = session_of(answer)
    good(await tunnel.ask("PLAY", presentation.aggregate, [("Session", name)]), "PLAY")
    packets = await tunnel.down.media(8, count(20, None))
    expect(len(packets) >= 20, f"{len(packets)} packets within 8 s")
    good(await tunnel.ask("TEARDOWN", presentation.aggregate, [("Session", name)]), "TEARDOWN")
    return f"{len(packets)} packets"


async def tunnelled_session(
    device: Device, presentation: Presentation, fields: Fields, number: int
) -> tuple[Answer, list[bytes]]:
    """Set up a presentation's media through a tunnel and play them: the answer to PLAY, and so many RTP packets of the
    first. Raises Failed, and NotApplicable where no tunnel is offered."""
    tunnel = await _open(device)
    session: list[tuple[str, str]] = []
    for at, track in enumerate(presentation.tracks):
        offer = ("Transport", f"RTP/AVP/TCP;unicast;interleaved={2 * at}-{2 * at + 1}")
        answer = good(await tunnel.ask("SETUP", track, [offer, *session]), "SETUP through the tunnel")
        session = session or [("Session", session_of(answer)[0])]
    answer = await tunnel.ask("PLAY", presentation.aggregate, [*session, *fields])
    packets = await tunnel.down.media(12, count(number, 0))
    found = [packet.data for packet in packets if packet.channel == 0]
    expect(len(found) >= number, f"{len(found)} packets within 12 s, not {number}")
    good(await tunnel.ask("TEARDOWN", presentation.aggregate, session), "TEARDOWN")
    return answer, found


@case("tunnel.pieces", "Base64 may be cut anywhere", _CLAUSE, Requirement.CONDITIONAL)
async def pieces(device: Device) -> str:
    tunnel = await _open(device)
    for piece in (1, 3, 7):
        good(await tunnel.ask("OPTIONS", device.address.live, [], piece), f"OPTIONS in pieces of {piece}")
    return "pieces of 1, 3 and 7 characters"


@case("tunnel.garbage", "A POST that is no base64 is refused or cut", _CLAUSE, Requirement.CONDITIONAL)
async def garbage(device: Device) -> str:
    tunnel = await _open(device)
    await tunnel.up.send(b"!!! this is no base64 !!!\x00\xff" * 4)
    try:
        answer = await tunnel.down.answer_or_close()
    except Silence:
        answer = None
    expect(answer is None or answer.status >= 400, f"answered {answer.said if answer else ''}")
    good(await (await device.connect()).ask("DESCRIBE"), "the next client's DESCRIBE")
    return answer.said if answer else "cut, or passed over"


@case("tunnel.cookie", "A POST with the cookie of nobody is not served", _CLAUSE, Requirement.CONDITIONAL)
async def cookie(device: Device) -> str:
    await _open(device)
    stranger = await _connection(device, "post")
    await stranger.send(
        _head(device, "POST", secrets.token_hex(11), f"Content-Type: {_KIND}", "Content-Length: 32767")
    )
    try:
        await stranger.push(base64.b64encode(stranger.compose("OPTIONS", device.address.live)))
        answer = await stranger.answer_or_close()
    except (Silence, Closed):
        answer = None
    expect(answer is None or answer.status >= 400, f"answered {answer.said if answer else ''}")
    return answer.said if answer else "nothing, or cut"
