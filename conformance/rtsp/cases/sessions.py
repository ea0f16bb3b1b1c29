"""Sessions: how long they live, what keeps them alive, and several of them (RFC 2326 s12.37)."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from conformance.case import Requirement, expect, provided
from conformance.rtsp import needs, rtp
from conformance.rtsp.client import Closed
from conformance.rtsp.device import Device
from conformance.rtsp.presentation import Session, good
from conformance.rtsp.suite import case
from conformance.rtsp.wire import count, each

_SLACK = 0.25  #: of the timeout: what a server may take longer to notice


@case(
    "session.timeout",
    "The timeout that is told leaves time to keep a session alive",
    "RFC 2326 s12.37",
    Requirement.OPTIONAL,
)
async def timeout(device: Device) -> str:
    session = await device.session()
    expect(5 <= session.timeout <= 3600, f"timeout={session.timeout:g}")
    return f"{session.timeout:g} s"


@case(
    "session.parameters",
    "A session is found when its parameters are sent back, too",
    "RFC 2326 s12.37",
    Requirement.OPTIONAL,
)
async def parameters(device: Device) -> str:
    session = await device.session()
    session.id = f"{session.id};timeout={session.timeout:g}"
    return (await session.play()).said


@case(
    "session.several",
    "A connection carries several sessions; to end one does not touch the others",
    "RFC 2326 s1.1",
    Requirement.OPTIONAL,
)
async def several(device: Device) -> str:
    connection = await device.connect()
    presentation = await device.describe(connection)
    first = await device.setup(connection, presentation, channel=0)
    second = await device.setup(connection, presentation, channel=10)
    expect(first.id != second.id, "both have one name")
    for session in (first, second):
        await session.play()
    packets = await connection.media(8, each((0, 10)))
    missing = {0, 10} - {packet.channel for packet in packets}
    expect(not missing, f"no packet came on the channels {sorted(missing)}")
    good(await first.ask("TEARDOWN"), "TEARDOWN of the first")
    connection.packets.clear()
    await second.pictures(20)
    return f"{first.id} and {second.id}"


@case(
    "session.moves",
    "A session by UDP outlives the connection that made it",
    "RFC 2326 s1.1, s3",
    Requirement.CONDITIONAL,
    needs.plain,
)
async def moves(device: Device) -> str:
    session = await device.playing(10, udp=True)
    await session.connection.close()
    session.connection = await device.connect()
    session.ports[0].packets.clear()
    await session.pictures(10)
    good(await session.connection.ask("DESCRIBE"), "DESCRIBE on the new connection")
    return good(await session.ask("TEARDOWN"), "TEARDOWN on another connection").said


@case(
    "session.interleaved-ends",
    "An interleaved session ends with its connection",
    "RFC 2326 s10.12",
    Requirement.OPTIONAL,
)
async def interleaved_ends(device: Device) -> str:
    session = await device.playing(5)
    await session.connection.close()
    await asyncio.sleep(0.5)
    session.connection = await device.connect()
    answer = await session.ask("PLAY")
    expect(400 <= answer.status < 500, f"PLAY on another connection was answered {answer.said}")
    return answer.said


@case(
    "session.two-readers",
    "Two clients watch one stream, each at its own pace",
    "RFC 2326 s1.1",
    Requirement.MANDATORY,
)
async def two_readers(device: Device) -> str:
    first, second = await device.session(), await device.session()
    await first.play()
    await first.pictures(10)
    await second.play()
    await second.pictures(10)
    good(await second.ask("PAUSE" if "PAUSE" in device.known.public else "TEARDOWN"), "PAUSE")
    first.connection.packets.clear()
    await first.pictures(30)
    return "one paused, the other went on"


@case(
    "session.stalled",
    "A client that takes nothing does not stop another",
    "RFC 2326 s16",
    Requirement.MANDATORY,
)
async def stalled(device: Device) -> str:
    lazy, keen = await device.session(), await device.session()
    await lazy.play()  # and never read again
    await keen.play()
    packets = [packet for packet in await keen.media(6) if packet.channel == 0]
    expect(len(packets) >= 20, f"{len(packets)} packets came beside it within 6 s")
    waits = [later.at - earlier.at for earlier, later in pairwise(packets)]
    expect(max(waits) < 2.5, f"nothing came for {max(waits):.1f} s")
    return f"{len(packets)} packets in 6 s beside it, at most {max(waits):.2f} s apart"


def _patient(device: Device, session: Session) -> None:
    provided(
        session.timeout <= device.address.patience,
        f"the session's {session.timeout:g} s are longer than --patience {device.address.patience:g}",
    )


@case(
    "session.expires",
    "A session of which nothing is heard for its timeout is gone: 454",
    "RFC 2326 s12.37, A.2",
    Requirement.CONDITIONAL,
    needs.plain,
    slow=True,
)
async def expires(device: Device) -> str:
    session = await device.session(udp=True)
    _patient(device, session)
    await asyncio.sleep(session.timeout * (1 + _SLACK))
    try:
        answer = await session.ask("PLAY")
    except Closed:
        session.connection = await device.connect()
        answer = await session.ask("PLAY")
    expect(
        answer.status == 454, f"PLAY {session.timeout * (1 + _SLACK):g} s later was answered {answer.said}"
    )
    return f"454 after {session.timeout * (1 + _SLACK):g} s, timeout={session.timeout:g}"


@case(
    "session.expires-playing",
    "Media by UDP stops when nothing is heard of the client for the timeout",
    "RFC 2326 s12.37, A.2",
    Requirement.CONDITIONAL,
    needs.plain,
    slow=True,
)
async def expires_playing(device: Device) -> str:
    session = await device.session(udp=True)
    _patient(device, session)
    await session.play()
    await session.pictures(5)
    await asyncio.sleep(session.timeout * (1 + _SLACK))
    session.ports[0].packets.clear()
    late = [packet for packet in await session.media(2) if packet.channel == 0]
    expect(
        not late, f"{len(late)} datagrams came {session.timeout * (1 + _SLACK):g} s after the last request"
    )
    return f"silent after {session.timeout * (1 + _SLACK):g} s"


async def _kept(device: Device, session: Session, method: str | None) -> str:
    """Play by UDP beyond the timeout, kept alive by a request or, without one, by receiver reports."""
    _patient(device, session)
    await session.play()
    last = (await session.pictures(5))[-1]
    remote = session.transports[0].get("server_port", "").partition("-")[2]
    elapsed = 0.0
    while elapsed <= session.timeout * (1 + _SLACK):
        await asyncio.sleep(session.timeout / 3)
        elapsed += session.timeout / 3
        session.ports[0].packets.clear()
        if method is not None:
            good(await session.ask(method), f"{method} after {elapsed:g} s")
        else:
            source = session.transports[0].get("source", session.connection.remote)
            session.ports[0].send(1, rtp.receiver_report(0x4D5E6F70, last), (source, int(remote)))
    await session.pictures(5)
    return f"media after {elapsed:g} s, timeout={session.timeout:g}"


@case(
    "session.kept",
    "GET_PARAMETER, or OPTIONS, keeps a session alive",
    "RFC 2326 s10.8, s12.37",
    Requirement.CONDITIONAL,
    needs.plain,
    slow=True,
)
async def kept(device: Device) -> str:
    session = await device.session(udp=True)
    method = "GET_PARAMETER" if "GET_PARAMETER" in device.known.public else "OPTIONS"
    return f"{method}: {await _kept(device, session, method)}"


@case(
    "session.kept-rtcp",
    "Receiver reports keep a session by UDP alive",
    "RFC 2326 A.2, ONVIF Streaming s5.2.2.2",
    Requirement.OPTIONAL,
    needs.plain,
    slow=True,
)
async def kept_rtcp(device: Device) -> str:
    session = await device.session(udp=True)
    provided("server_port" in session.transports[0], "no server_port to send reports to")
    return await _kept(device, session, None)


@case(
    "session.kept-interleaved",
    "A client that takes interleaved media needs no other sign of life",
    "RFC 2326 A.2",
    Requirement.OPTIONAL,
    slow=True,
)
async def kept_interleaved(device: Device) -> str:
    session = await device.session()
    _patient(device, session)
    await session.play()
    seconds = session.timeout * (1 + _SLACK)
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        expect(bool(await session.media(5, count(200, None))), "the media ended")
    await session.pictures(5)
    return f"media after {seconds:g} s, timeout={session.timeout:g}"
