"""Malformed input: the peer is told or cut, and everybody else is served on."""

from __future__ import annotations

import asyncio

from conformance.case import Requirement, expect
from conformance.rtsp.client import Closed, Silence
from conformance.rtsp.device import Device
from conformance.rtsp.presentation import good
from conformance.rtsp.suite import case

_ENDLESS = 4 * 1024 * 1024  #: octets of a header that never ends


async def _refused(device: Device, data: bytes, statuses: tuple[int, ...]) -> str:
    """Send it on a connection of its own: refused with one of the statuses, or cut; and after that another
    connection is served."""
    connection = await device.connect(login=False)
    await connection.send(data)
    answer = await connection.answer_or_close()
    if answer is not None:
        expect(answer.status in statuses, f"answered {answer.said}")
    good(await (await device.connect()).ask("DESCRIBE"), "the next client's DESCRIBE")
    return answer.said if answer is not None else "the server closed the connection"


@case(
    "malformed.garbage",
    "What is no RTSP is refused with 400 or cut",
    "RFC 2326 s7.1.1",
    Requirement.MANDATORY,
)
async def garbage(device: Device) -> str:
    return await _refused(device, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", (400, 405, 501))


@case(
    "malformed.start-line",
    "A request line without a version is refused with 400 or cut",
    "RFC 2326 s6.1",
    Requirement.MANDATORY,
)
async def start_line(device: Device) -> str:
    return await _refused(device, f"OPTIONS {device.address.live}\r\nCSeq: 1\r\n\r\n".encode(), (400, 505))


@case(
    "malformed.field",
    "A line that is no header field is refused with 400 or cut",
    "RFC 2326 s4.2",
    Requirement.OPTIONAL,
)
async def field(device: Device) -> str:
    head = f"OPTIONS {device.address.live} RTSP/1.0\r\nCSeq: 1\r\nno field at all\r\n\r\n"
    return await _refused(device, head.encode(), (400,))


@case(
    "malformed.cseq",
    "A CSeq that is no number is refused with 400 or cut",
    "RFC 2326 s12.17",
    Requirement.OPTIONAL,
)
async def cseq(device: Device) -> str:
    return await _refused(
        device, f"OPTIONS {device.address.live} RTSP/1.0\r\nCSeq: abc\r\n\r\n".encode(), (400,)
    )


@case("malformed.nul", "A NUL in a header is refused with 400 or cut", "RFC 2326 s15.1", Requirement.OPTIONAL)
async def nul(device: Device) -> str:
    head = f"OPTIONS {device.address.live} RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: a".encode()
    return await _refused(device, head + b"\x00b\r\n\r\n", (400,))


@case(
    "malformed.length-negative",
    "A negative Content-Length is refused with 400 or cut",
    "RFC 2326 s12.14",
    Requirement.MANDATORY,
)
async def length_negative(device: Device) -> str:
    head = f"SET_PARAMETER {device.address.live} RTSP/1.0\r\nCSeq: 1\r\nContent-Length: -1\r\n\r\n"
    return await _refused(device, head.encode(), (400, 411, 413))


@case(
    "malformed.length-huge",
    "A Content-Length of 4 GB is refused or cut, not waited for",
    "RFC 2326 s7.1.1",
    Requirement.MANDATORY,
)
async def length_huge(device: Device) -> str:
    head = f"SET_PARAMETER {device.address.live} RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 4294967295\r\n\r\nx"
    return await _refused(device, head.encode(), (400, 401, 413))


@case(
    "malformed.url-long",
    "A URL of 60 000 characters is refused with 414 or another 4xx, or cut",
    "RFC 2326 s7.1.1",
    Requirement.MANDATORY,
)
async def url_long(device: Device) -> str:
    head = f"DESCRIBE {device.address.live}/{'a' * 60_000} RTSP/1.0\r\nCSeq: 1\r\n\r\n"
    return await _refused(device, head.encode(), tuple(range(400, 500)))


@case(
    "malformed.url",
    "A URL that cannot be read is refused with a 4xx or cut",
    "RFC 2326 s3.2",
    Requirement.MANDATORY,
)
async def url(device: Device) -> str:
    said = []
    for target in ("rtsp://[::1/x", "rtsp://", "http://127.0.0.1/x", "%%%"):
        head = f"DESCRIBE {target} RTSP/1.0\r\nCSeq: 1\r\n\r\n"
        said.append(f"{target}: {await _refused(device, head.encode(), tuple(range(400, 500)))}")
    return ", ".join(said)


@case(
    "malformed.url-climbs", "A URL that climbs out with .. is refused", "RFC 2326 s16", Requirement.MANDATORY
)
async def url_climbs(device: Device) -> str:
    connection = await device.connect()
    good(await connection.ask("DESCRIBE"), "DESCRIBE")
    said = []
    for path in ("/../../../../etc/passwd", "/..%2f..%2f..%2fetc/passwd", "/%00"):
        target = connection.url + path
        answer = await connection.ask("DESCRIBE", target)
        expect(400 <= answer.status < 600, f"{target} was answered {answer.said}")
        said.append(str(answer.status))
    return ", ".join(said)


@case("malformed.header-endless", "A header without end is cut", "RFC 2326 s16", Requirement.MANDATORY)
async def header_endless(device: Device) -> str:
    connection = await device.connect(login=False)
    await connection.send(f"OPTIONS {connection.url} RTSP/1.0\r\nCSeq: 1\r\nX-Endless: ".encode())
    sent = 0
    try:
        while sent < _ENDLESS:
            await connection.push(b"a" * 16384)
            sent += 16384
        answer = await connection.answer_or_close()
    except Closed:
        answer = None
    except Silence:
        return f"the server stopped reading after {sent} octets at most"
    expect(answer is None or answer.status >= 400, f"answered {answer.said if answer else ''}")
    good(await (await device.connect()).ask("DESCRIBE"), "the next client's DESCRIBE")
    return f"{answer.said if answer else 'cut'}, {sent} octets were sent"


@case(
    "malformed.frame",
    "An interleaved packet outside a session is ignored, or the connection cut",
    "RFC 2326 s10.12",
    Requirement.MANDATORY,
)
async def frame(device: Device) -> str:
    connection = await device.connect()
    await connection.send(b"$\x07\x00\x04abcd" + b"$\xff\x00\x00")
    await connection.send(connection.compose("OPTIONS", connection.url))
    answer = await connection.answer_or_close()
    if answer is not None:
        expect(answer.status in (200, 401), f"OPTIONS after it was answered {answer.said}")
    good(await (await device.connect()).ask("DESCRIBE"), "the next client's DESCRIBE")
    return "ignored" if answer is not None else "cut"


@case(
    "malformed.silent",
    "Clients that connect and say nothing do not keep others out",
    "RFC 2326 s16",
    Requirement.OPTIONAL,
)
async def silent(device: Device) -> str:
    for _ in range(20):
        await device.connect(login=False)
    await asyncio.sleep(0.2)
    good(await (await device.connect()).ask("DESCRIBE"), "DESCRIBE beside 20 silent connections")
    return "served beside 20 silent connections"
