"""RTSP through a WebSocket (ONVIF Streaming s7, RFC 6455)."""

from __future__ import annotations

from itertools import pairwise
from urllib.parse import urlsplit

from conformance.case import NotApplicable, Requirement, expect
from conformance.rtsp import needs
from conformance.rtsp.client import Connection, Silence
from conformance.rtsp.device import Device
from conformance.rtsp.presentation import good
from conformance.rtsp.suite import case
from conformance.rtsp.websocket import PROTOCOL, Opcode, WebSocket, frame, key, proof
from conformance.rtsp.wire import Answer, count

_CLAUSE = "ONVIF Streaming s7"
_PACKETS = 20


async def _asked(device: Device, key: str, version: str) -> tuple[Connection, Answer | None]:
    """An opening handshake, and what it is answered with; None: by closing, or not at all."""
    url = device.address.websocket or device.address.live
    parts = urlsplit(url)
    connection = await device.connect(url, name="websocket")
    lines = (
        f"GET {parts.path or '/'}{f'?{parts.query}' if parts.query else ''} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        f"Sec-WebSocket-Version: {version}",
        f"Sec-WebSocket-Protocol: {PROTOCOL}",
    )
    await connection.send("\r\n".join((*lines, "", "")).encode())
    try:
        return connection, await connection.answer_or_close()
    except Silence:
        return connection, None


async def _open(device: Device, url: str | None = None) -> tuple[Connection, WebSocket, Answer]:
    """A WebSocket for a presentation, the live one by default, and the answer to the handshake. Raises NotApplicable
    where there is none."""
    sent = key()
    connection, answer = await _asked(device, sent, "13")
    if answer is None or answer.protocol != "HTTP" or answer.status != 101:
        raise NotApplicable(
            f"no WebSocket is offered: the handshake is answered {answer.said if answer else 'by closing'}"
        )
    told = answer.get("Sec-WebSocket-Accept")
    expect(told == proof(sent), f"Sec-WebSocket-Accept is {told!r}, not {proof(sent)!r}")
    return connection, connection.upgraded(url or device.address.live), answer


async def _over(connection: Connection) -> None:
    """Wait until the server has closed. Raises Silence."""
    while await connection.receive(6) is not None:
        pass


@case(
    "websocket.open",
    "A WebSocket of the subprotocol is opened, and requests go through",
    f"{_CLAUSE}, RFC 6455 s4.2",
    Requirement.CONDITIONAL,
)
async def opened(device: Device) -> str:
    connection, _, answer = await _open(device)
    chosen = answer.get("Sec-WebSocket-Protocol")
    expect(chosen == PROTOCOL, f"the subprotocol is {chosen!r}")
    expect(answer.get("Sec-WebSocket-Extensions") is None, "an extension that was not asked for")
    return good(await connection.ask("OPTIONS"), "OPTIONS").said


@case("websocket.play", "Live media comes in binary messages, interleaved", _CLAUSE, Requirement.CONDITIONAL)
async def play(device: Device) -> str:
    return await _played(device, device.address.live)


@case(
    "websocket.replay",
    "A recording comes in binary messages, interleaved",
    _CLAUSE,
    Requirement.CONDITIONAL,
    needs.replay,
)
async def replay(device: Device) -> str:
    return await _played(device, device.replay_url)


async def _played(device: Device, url: str) -> str:
    connection, websocket, _ = await _open(device, url)
    session = await device.setup(connection, await device.describe(connection))
    await session.play()
    packets = await connection.media(8, count(_PACKETS, None))
    expect(len(packets) >= _PACKETS, f"{len(packets)} packets within 8 s")
    numbers = [int.from_bytes(packet.data[2:4], "big") for packet in packets if packet.channel == 0]
    torn = [b for a, b in pairwise(numbers) if (b - a) % 65536 != 1]
    expect(not torn, f"packets are missing before {torn}")
    expect(
        websocket.kinds == {Opcode.BINARY}, f"messages are {sorted(each.name for each in websocket.kinds)}"
    )
    good(await session.ask("TEARDOWN"), "TEARDOWN")
    return f"{len(packets)} packets"


@case(
    "websocket.fragments",
    "A request may come in fragments, with a ping between them, which is answered",
    "RFC 6455 s5.4, s5.5.2",
    Requirement.CONDITIONAL,
)
async def fragments(device: Device) -> str:
    connection, websocket, _ = await _open(device)
    request = connection.compose("OPTIONS", connection.url)
    for at in range(len(request)):
        opcode = Opcode.MORE if at else Opcode.BINARY
        websocket.writer.write(frame(opcode, request[at : at + 1], final=at == len(request) - 1))
        if at == 4:
            websocket.writer.write(frame(Opcode.PING, b"well?"))
    good(await connection.answer(), "OPTIONS")
    expect(websocket.pongs == [b"well?"], f"the ping is answered with {websocket.pongs}")
    return f"{len(request)} fragments"


@case("websocket.close", "Closing is answered by closing", "RFC 6455 s5.5.1", Requirement.CONDITIONAL)
async def close(device: Device) -> str:
    connection, websocket, _ = await _open(device)
    websocket.writer.write(frame(Opcode.CLOSE, (1000).to_bytes(2, "big")))
    await _over(connection)
    expect(websocket.closed is not None, "the connection is closed without a frame that says so")
    return f"code {int.from_bytes(websocket.closed or b'', 'big')}"


@case(
    "websocket.version",
    "Another version is refused with 426, and the right one is named",
    "RFC 6455 s4.4",
    Requirement.CONDITIONAL,
)
async def version(device: Device) -> str:
    await _open(device)
    _, answer = await _asked(device, key(), "8")
    expect(
        answer is not None and answer.status in (400, 426),
        f"answered {answer.said if answer else 'by closing'}",
    )
    assert answer is not None
    named = answer.get("Sec-WebSocket-Version") or ""
    expect("13" in named.replace(" ", "").split(","), f"Sec-WebSocket-Version is {named!r}")
    return answer.said


@case(
    "websocket.unmasked",
    "A frame that is not masked closes the WebSocket",
    "RFC 6455 s5.1",
    Requirement.CONDITIONAL,
)
async def unmasked(device: Device) -> str:
    connection, websocket, _ = await _open(device)
    request = connection.compose("OPTIONS", connection.url)
    websocket.writer.write(frame(Opcode.BINARY, request, masked=False))
    await _over(connection)
    good(await (await device.connect()).ask("DESCRIBE"), "the next client's DESCRIBE")
    return f"code {int.from_bytes(websocket.closed[:2], 'big')}" if websocket.closed else "cut"


@case(
    "websocket.garbage",
    "What is no RTSP in a message is refused with 400 or cut",
    _CLAUSE,
    Requirement.CONDITIONAL,
)
async def garbage(device: Device) -> str:
    connection, websocket, _ = await _open(device)
    websocket.write(b"\x00\xff no RTSP \x00\xff" * 4)
    answer = await connection.answer_or_close()
    expect(answer is None or answer.status == 400, f"answered {answer.said if answer else ''}")
    good(await (await device.connect()).ask("DESCRIBE"), "the next client's DESCRIBE")
    return answer.said if answer else "cut"
