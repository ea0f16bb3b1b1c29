"""Messages: CSeq, versions, features, several requests at once."""

from __future__ import annotations

import asyncio
import re

from conformance.case import NotApplicable, Requirement, expect
from conformance.rtsp.device import Device
from conformance.rtsp.presentation import good
from conformance.rtsp.suite import case

_UNKNOWN = "org.example.unheard-of"  #: a feature tag


@case("message.cseq", "CSeq is answered as it was sent", "RFC 2326 s12.17", Requirement.MANDATORY)
async def cseq(device: Device) -> str:
    connection = await device.connect()
    for number in ("1", "7", "2147483647"):
        answer = await connection.ask("OPTIONS", None, [("CSeq", number)])
        expect(answer.get("CSeq") == number, f"CSeq {number} was answered with {answer.get('CSeq')}")
    return "1, 7 and 2147483647 came back"


@case(
    "message.cseq-missing",
    "A request without CSeq is refused with 400",
    "RFC 2326 s12.17",
    Requirement.OPTIONAL,
)
async def cseq_missing(device: Device) -> str:
    connection = await device.connect()
    await connection.send(f"OPTIONS {connection.url} RTSP/1.0\r\n\r\n".encode())
    answer = await connection.answer()
    expect(answer.status == 400, f"answered {answer.said}")
    return answer.said


@case(
    "message.status-line",
    "An answer begins with RTSP/1.0, a status of three digits and a reason",
    "RFC 2326 s7.1",
    Requirement.MANDATORY,
)
async def status_line(device: Device) -> str:
    connection = await device.connect()
    for method in ("OPTIONS", "DESCRIBE"):
        answer = await connection.ask(method)
        first = answer.head.split(b"\r\n", 1)[0]
        expect(
            re.fullmatch(rb"RTSP/1\.0 [1-5]\d\d [\x20-\x7e]+", first) is not None,
            f"{method} was answered with {first!r}",
        )
    return "of OPTIONS and DESCRIBE"


@case("message.case", "Names of header fields are read without case", "RFC 2326 s4.2", Requirement.MANDATORY)
async def case_of_names(device: Device) -> str:
    connection = await device.connect()
    await connection.send(f"OPTIONS {connection.url} RTSP/1.0\r\ncSEQ: 3\r\n\r\n".encode())
    answer = await connection.answer()
    expect(answer.status in (200, 401) and answer.get("CSeq") == "3", f"cSEQ was answered {answer.said}")
    return "cSEQ: 3 is CSeq: 3"


@case("message.folded", "A header field may go on in the next line", "RFC 2326 s4.2", Requirement.OPTIONAL)
async def folded(device: Device) -> str:
    connection = await device.connect()
    await connection.send(
        f"OPTIONS {connection.url} RTSP/1.0\r\nUser-Agent: conformance\r\n (folded)\r\nCSeq:\r\n 4\r\n\r\n".encode()
    )
    answer = await connection.answer()
    expect(answer.status in (200, 401), f"answered {answer.said}")
    expect(answer.get("CSeq") == "4", f"CSeq: {answer.get('CSeq')}, not 4")
    return answer.said


@case(
    "message.blank-lines",
    "Blank lines before a request are passed over",
    "RFC 2326 s4.1",
    Requirement.OPTIONAL,
)
async def blank_lines(device: Device) -> str:
    connection = await device.connect()
    await connection.send(b"\r\n\r\n" + connection.compose("OPTIONS", connection.url))
    answer = await connection.answer()
    expect(answer.status in (200, 401), f"answered {answer.said}")
    return answer.said


@case("message.split", "A request may come octet by octet", "RFC 2326 s9", Requirement.MANDATORY)
async def split(device: Device) -> str:
    connection = await device.connect()
    request = connection.compose("OPTIONS", connection.url)
    connection.transcript.sent(connection.name, request)
    for octet in request:
        await connection.push(bytes([octet]))
        await asyncio.sleep(0.002)
    answer = await connection.answer()
    expect(answer.status in (200, 401), f"answered {answer.said}")
    return f"{len(request)} octets, one at a time"


@case(
    "message.pipeline",
    "Requests that come at once are answered in their order",
    "RFC 2326 s9.1",
    Requirement.MANDATORY,
)
async def pipeline(device: Device) -> str:
    connection = await device.connect()
    good(await connection.ask("DESCRIBE"), "DESCRIBE")
    methods = ["OPTIONS", "DESCRIBE", "OPTIONS", "DESCRIBE", "OPTIONS"]
    requests = [connection.compose(method, connection.url) for method in methods]
    await connection.send(b"".join(requests))
    wanted = [re.search(rb"CSeq: (\d+)", request) for request in requests]
    for method, number in zip(methods, wanted, strict=True):
        answer = await connection.answer()
        sent = number[1].decode() if number else ""
        expect(answer.get("CSeq") == sent, f"{method} {sent}: CSeq {answer.get('CSeq')} came instead")
        expect(answer.status == 200, f"{method} was answered {answer.said}")
    return f"{len(methods)} requests in one write, {len(methods)} answers"


@case(
    "message.body",
    "Content-Length says where a body ends, whatever it holds",
    "RFC 2326 s12.14",
    Requirement.MANDATORY,
)
async def body(device: Device) -> str:
    connection = await device.connect()
    good(await connection.ask("DESCRIBE"), "DESCRIBE")
    trap = b"OPTIONS * RTSP/1.0\r\nCSeq: 9999\r\n\r\n"
    first = connection.compose("OPTIONS", connection.url, [("Content-Type", "text/parameters")], trap)
    await connection.send(first + connection.compose("OPTIONS", connection.url))
    for _ in range(2):
        answer = await connection.answer()
        expect(answer.get("CSeq") != "9999", "the body of a request was taken for a request")
    return "a body that looks like a request was not taken for one"


@case(
    "message.version",
    "A version that the server does not speak is refused with 505",
    "RFC 2326 s7.1.1",
    Requirement.MANDATORY,
)
async def version(device: Device) -> str:
    connection = await device.connect()
    request = connection.compose("OPTIONS", connection.url)
    await connection.send(request.replace(b"RTSP/1.0", b"RTSP/2.0"))
    answer = await connection.answer()
    if answer.status == 200 and answer.version == "2.0":
        raise NotApplicable("the server speaks RTSP 2.0")
    expect(answer.status == 505, f"RTSP/2.0 was answered {answer.said}")
    return answer.said


@case(
    "message.method-unknown",
    "A method that nobody knows is refused with 501, or 405",
    "RFC 2326 s7.1.1, RFC 2068 s5.1.1",
    Requirement.OPTIONAL,
)
async def method_unknown(device: Device) -> str:
    connection = await device.connect()
    answer = await connection.ask("JUMP")
    expect(answer.status in (405, 501), f"JUMP was answered {answer.said}")
    return answer.said


@case(
    "message.require",
    "A required feature that is not known is refused with 551, and named in Unsupported",
    "RFC 2326 s12.32",
    Requirement.MANDATORY,
)
async def require(device: Device) -> str:
    connection = await device.connect()
    good(await connection.ask("DESCRIBE"), "DESCRIBE")
    answer = await connection.ask("DESCRIBE", None, [("Require", _UNKNOWN)])
    expect(answer.status == 551, f"Require: {_UNKNOWN} was answered {answer.said}")
    named = answer.words("Unsupported")
    expect(_UNKNOWN in named, f"Unsupported names {', '.join(sorted(named)) or 'nothing'}")
    return f"551, Unsupported: {_UNKNOWN}"


@case(
    "message.proxy-require",
    "Proxy-Require is treated as Require",
    "RFC 2326 s12.27",
    Requirement.OPTIONAL,
)
async def proxy_require(device: Device) -> str:
    connection = await device.connect()
    good(await connection.ask("DESCRIBE"), "DESCRIBE")
    answer = await connection.ask("DESCRIBE", None, [("Proxy-Require", _UNKNOWN)])
    expect(answer.status == 551, f"answered {answer.said}")
    return answer.said


@case("message.timestamp", "A Timestamp comes back", "RFC 2326 s12.38", Requirement.OPTIONAL)
async def timestamp(device: Device) -> str:
    connection = await device.connect()
    answer = await connection.ask("OPTIONS", None, [("Timestamp", "28.25")])
    value = answer.get("Timestamp") or ""
    expect(value.split(" ")[0] == "28.25", f"Timestamp: {value or 'missing'}")
    return f"Timestamp: {value}"


@case(
    "message.field-unknown",
    "Header fields that nobody knows are ignored",
    "RFC 2326 s12",
    Requirement.MANDATORY,
)
async def field_unknown(device: Device) -> str:
    connection = await device.connect()
    good(await connection.ask("DESCRIBE"), "DESCRIBE")
    answer = await connection.ask("DESCRIBE", None, [("X-Unheard-Of", "yes"), ("Bandwidth", "1000000")])
    return good(answer, "DESCRIBE with X-Unheard-Of").said
