"""A proxy before a recorder that tells one lie: of what is asked or answered over HTTP, or of what RTSP plays.

XAddrs follow what a client writes into `Host`, which goes through as it is: so the proxy is in the way of every call.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

_KEPT = ("Content-Type", "Authorization", "Host")


@dataclass(frozen=True, slots=True)
class Fault:
    """One lie, and the case that must find it."""

    case: str
    reply: tuple[bytes, bytes] | None = None  #: a pattern in replies, and what stands there instead
    request: tuple[bytes, bytes] | None = None  #: the same in requests
    status: Mapping[int, int] | None = None  #: of HTTP
    flags: Callable[[int], int] | None = None  #: of the octet with C, E, D and T in RTP's header extension
    cseq: int = 0  #: added to the CSeq in it
    only: bytes = b""  #: where this stands in the request alone


@dataclass(slots=True)
class Proxy:
    """Where it listens, and what lie it tells now."""

    port: int
    rtsp_port: int
    fault: Fault | None = None


@asynccontextmanager
async def proxied(onvif: str, rtsp: str) -> AsyncIterator[Proxy]:
    """Before the recorder at these URLs."""
    http, stream = urlsplit(onvif), urlsplit(rtsp)
    proxy = Proxy(0, 0)
    tasks: set[asyncio.Task[Any]] = set()

    async def forward(request: web.Request) -> web.Response:
        fault = proxy.fault
        body = await request.read()
        concerned = fault is not None and fault.only in body
        if fault is not None and concerned and fault.request is not None:
            body = re.sub(*fault.request, body)
        headers = {name: request.headers[name] for name in _KEPT if name in request.headers}
        url = f"http://{http.hostname}:{http.port}{request.path_qs}"
        async with session.post(url, data=body, headers=headers) as answer:
            octets = await answer.read()
            status, challenges = answer.status, answer.headers.getall("WWW-Authenticate", [])
            kind = answer.headers.get("Content-Type", "")
        octets = octets.replace(
            f"rtsp://127.0.0.1:{stream.port}".encode(), f"rtsp://127.0.0.1:{proxy.rtsp_port}".encode()
        )
        if fault is not None and concerned:
            octets = re.sub(*fault.reply, octets) if fault.reply is not None else octets
            status = (fault.status or {}).get(status, status)
        response = web.Response(status=status, body=octets, headers={"Content-Type": kind})
        for challenge in challenges:
            response.headers.add("WWW-Authenticate", challenge)
        return response

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        there, here = await asyncio.open_connection(stream.hostname, stream.port)
        up = asyncio.create_task(_pump(reader, here, lambda data: data))
        tasks.add(up)
        try:
            await _pump(there, writer, lambda data: _bent(data, proxy.fault))
        finally:
            up.cancel()
            tasks.difference_update((up, task))
            here.close()
            writer.close()

    async with aiohttp.ClientSession() as session:
        application = web.Application(client_max_size=1 << 20)
        application.router.add_post("/{path:.*}", forward)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server = await asyncio.start_server(tunnel, "127.0.0.1", 0)
        proxy.port = runner.addresses[0][1]
        proxy.rtsp_port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            server.close()
            for task in tuple(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await runner.cleanup()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bent: Callable[[bytes], bytes]
) -> None:
    held = b""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            held += data
            whole = _whole(held)
            writer.write(bent(held[:whole]))
            held = held[whole:]
            await writer.drain()


def _whole(data: bytes) -> int:
    """Octets of the messages and interleaved packets that are there as a whole (RFC 2326 s10.12)."""
    at = 0
    while at < len(data):
        if data.startswith(b"$", at):
            end = at + 4 + int.from_bytes(data[at + 2 : at + 4], "big")
        else:
            head = data.find(b"\r\n\r\n", at) + 4
            if head < 4:
                break
            body = re.search(rb"(?i)\r\nContent-Length: *(\d+)", data[at:head])
            end = head + (int(body[1]) if body else 0)
        if end > len(data) or len(data) < at + 4:
            break
        at = end
    return at


def _bent(data: bytes, fault: Fault | None) -> bytes:
    """The extension's last word, wherever one stands in whole packets of the stream."""
    if fault is None or (fault.flags is None and not fault.cseq):
        return data
    flags = fault.flags or (lambda octet: octet)

    def change(found: re.Match[bytes]) -> bytes:
        return found[1] + bytes((flags(found[2][0]), (found[3][0] + fault.cseq) & 0xFF)) + b"\0\0"

    return re.sub(rb"(\xab\xac\x00\x03.{8})(.)(.)\x00\x00", change, data, flags=re.DOTALL)


#: by name
FAULTS: dict[str, Fault] = {
    "schema": Fault("DEVICE-2-1-1", reply=(rb"tt:FromDHCP", b"tt:FromDhcp"), only=b"GetHostname"),
    "name": Fault("DEVICE-3-1-9", reply=(rb"GetDeviceInformationResponse", b"GetInformationResponse")),
    "address": Fault(
        "DEVICE-1-1-31",
        reply=(rb"(XAddr>http://)[^/]*(/onvif/search)", rb"\g<1>192.0.2.1\2"),
        only=b"false</tds:IncludeC",
    ),
    "legacy": Fault(
        "DEVICE-1-1-30", reply=(rb"/onvif/event_service", b"/onvif/events"), only=b"GetCapabilities"
    ),
    "consistent": Fault(
        "EVENT-5-1-2", reply=(rb'MaxPullPoints="\d+"', b'MaxPullPoints="3"'), only=b"GetServiceCapabilities"
    ),
    "no-rate": Fault("RECORDING-1-1-1", reply=(rb'MaxRate="\d+"', b'MaxRate="0"')),
    "no-service": Fault(
        "DEVICE-1-1-20", reply=(rb"ver10/replay/wsdl</", b"ver10/again/wsdl</"), only=b"GetServices"
    ),
    "clock": Fault("DEVICE-3-1-11", reply=(rb">Manual<", b">NTP<"), only=b"GetSystemDateAndTime"),
    "hostname": Fault("DEVICE-2-1-32", reply=(rb"onvif-test1", b"onvif-test2"), only=b"GetHostname"),
    "rtsp-off": Fault(
        "DEVICE-2-1-34", reply=(rb"Enabled>false<", b"Enabled>true<"), only=b"GetNetworkProtocols"
    ),
    "silent-clock": Fault("DEVICE-9-1-6", reply=(rb'Name="Status" Value="2', b'Name="Status" Value="1')),
    "zone": Fault("DEVICE-3-1-4", reply=(rb"ter:InvalidTimeZone", b"ter:InvalidDateTime")),
    "fault": Fault("DEVICE-1-1-9", reply=(rb"env:Fault", b"env:Failure")),
    "challenge": Fault("SECURITY-1-1-2", status={401: 403}),
    "token": Fault("SECURITY-1-1-1", status={401: 200, 400: 200}),
    "password-told": Fault(
        "DEVICE-4-1-1",
        reply=(rb"</tt:Username>", b"</tt:Username><tt:Password>x</tt:Password>"),
        only=b"GetUsers",
    ),
    "clash": Fault("DEVICE-4-1-3", reply=(rb"ter:UsernameClash", b"ter:UsernameTooLong")),
    "dialect": Fault(
        "EVENT-1-1-2", reply=(rb"messageContentFilter/ItemFilter", b"messageContentFilter/Other")
    ),
    "filter": Fault("EVENT-3-1-16", request=(rb"<tev:Filter>.*</tev:Filter>", b"")),
    "items": Fault("EVENT-3-1-38", request=(rb"<wsnt:MessageContent.*</wsnt:MessageContent>", b"")),
    "short-lived": Fault("EVENT-3-1-12", request=(rb"PT120S", b"PT12S")),
    "unknown": Fault("EVENT-3-1-36", reply=(rb"ResourceUnknownFault", b"AnotherFault"), only=b"Unsubscribe"),
    "last-first": Fault(
        "EVENT-6-1-4", reply=(rb'(?s)UtcTime="20(?=.*UtcTime=")', b'UtcTime="21'), only=b"PullMessages"
    ),
    "broker's password": Fault(
        "EVENT-7-1-2",
        reply=(rb"(<tev:UserName>somebody</tev:UserName>)", rb"\1<tev:Password>something</tev:Password>"),
    ),
    "broker's end": Fault("EVENT-7-1-4", reply=(rb"ter:InvalidAddress", b"ter:InvalidArgs")),
    "begin": Fault("EVENT-6-1-3", reply=(rb"EventBuffer/Begin", b"EventBuffer/Other")),
    "prefix": Fault("EVENT-3-1-15", reply=(rb">tns1:", b">tnsx:"), only=b"PullMessages"),
    "content": Fault(
        "RECORDING-4-1-2",
        reply=(rb"tt:Content>[^<]*<", b"tt:Content>other<"),
        only=b"GetRecordingConfiguration",
    ),
    "no-recording": Fault("RECORDING-4-1-3", reply=(rb"ter:NoRecording<", b"ter:NoTrack<")),
    "job-state": Fault(
        "RECORDING-4-1-7", reply=(rb"(?s)(GetRecordingJobStateResponse.*?tt:State>)Active", rb"\1Idle")
    ),
    "cut": Fault("RECORDING-4-1-12", reply=(rb"s{128}", b"s" * 64), only=b"GetRecordingConfiguration"),
    "told-else": Fault(
        "RECORDING-5-1-6", reply=(rb"RecordingConfig/CreateRecording", b"RecordingConfig/Other")
    ),
    "summary": Fault("SEARCH-4-1-1", reply=(rb"NumberRecordings>\d+<", b"NumberRecordings>77<")),
    "too-many": Fault("SEARCH-2-1-4", request=(rb"MaxResults>1<", b"MaxResults>9<")),
    "matches": Fault("SEARCH-2-1-7", request=(rb"<tse:MaxMatches>1</tse:MaxMatches>", b"")),
    "unfiltered": Fault(
        "SEARCH-2-1-14", request=(rb"<tt:RecordingInformationFilter>.*</tt:RecordingInformationFilter>", b"")
    ),
    "search-ended": Fault("SEARCH-2-1-12", reply=(rb"ter:InvalidToken", b"ter:NoRecording")),
    "no-start-state": Fault(
        "SEARCH-3-1-11", request=(rb"IncludeStartState>true<", b"IncludeStartState>false<")
    ),
    "upside-down": Fault(
        "SEARCH-3-1-13", reply=(rb'Name="IsRecording" Value="true"', b'Name="IsRecording" Value="false"')
    ),
    "replay-uri": Fault("REPLAY-1-2-1", reply=(rb"ter:InvalidArgVal", b"ter:Action"), only=b"GetReplayUri"),
    "timeout": Fault(
        "REPLAY-4-1-1",
        reply=(rb"SessionTimeout>PT\d+", b"SessionTimeout>PT7"),
        only=b"GetReplayConfiguration",
    ),
    "no-clean-point": Fault("REPLAY-3-1-4", flags=lambda octet: octet & 0x7F),
    "must-be-zero": Fault("REPLAY-3-1-4", flags=lambda octet: octet | 0x01),
    "no-discontinuity": Fault("REPLAY-3-1-13", flags=lambda octet: octet & ~0x20),
    "other-cseq": Fault("REPLAY-3-1-17", cseq=5),
    "all-frames": Fault("REPLAY-3-1-11", flags=lambda octet: octet & 0x7F),
    "since-ever": Fault("RECORDING-5-1-14", reply=(rb'(StartTime" Value=")20', rb"\g<1>19")),
    "receiver": Fault("RECEIVER-2-1-2", reply=(rb"(GetReceiverResponse.*tt:Token>)[^<]*", rb"\g<1>another")),
    "mode": Fault(
        "RECEIVER-2-1-11", reply=(rb"tt:Mode>AutoConnect", b"tt:Mode>AlwaysConnect"), only=b"GetReceiver"
    ),
    "unknown-token": Fault("RECEIVER-2-1-3", reply=(rb"ter:UnknownToken", b"ter:InvalidToken")),
}
