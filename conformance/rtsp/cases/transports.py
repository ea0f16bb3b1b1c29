"""The Transport header: what is agreed to, and what is refused with 461 (RFC 2326 s12.39)."""

from __future__ import annotations

import ipaddress
import re

from conformance.case import NotApplicable, Requirement, expect, provided
from conformance.rtsp import needs, rtp
from conformance.rtsp.client import Connection
from conformance.rtsp.device import Device
from conformance.rtsp.presentation import Presentation, Session, channels_of, good, session_of, transport_of
from conformance.rtsp.suite import case
from conformance.rtsp.udp import join
from conformance.rtsp.wire import Answer, count, pair


async def _offer(device: Device, value: str) -> tuple[Connection, Presentation, Answer]:
    """SETUP of the first track with a Transport of one's own."""
    connection = await device.connect()
    presentation = await device.describe(connection)
    return (
        connection,
        presentation,
        await connection.ask("SETUP", presentation.tracks[0], [("Transport", value)]),
    )


@case(
    "transport.interleaved",
    "Interleaved media comes on the channels that were asked for",
    "RFC 2326 s10.12, s12.39",
    Requirement.MANDATORY,
)
async def interleaved(device: Device) -> str:
    connection = await device.connect()
    session = await device.setup(connection, await device.describe(connection), tracks=1, channel=6)
    asked = transport_of_session(session)
    expect(asked == (6, 7), f"interleaved={asked[0]}-{asked[1]} was agreed to, 6-7 was asked for")
    await session.play()
    packets = await connection.media(8, count(20, None))
    expect(len(packets) >= 20, f"{len(packets)} packets came within 8 s")
    others = {packet.channel for packet in packets} - {6, 7}
    expect(not others, f"packets came on the channels {sorted(others)}")
    return f"{len(packets)} packets on 6-7, no others"


def transport_of_session(session: Session) -> tuple[int, int]:
    """The interleaved channels of the first track."""
    return channels_of(session.transports[0])


@case(
    "transport.interleaved-unnamed",
    "Interleaved transport without channels is given some",
    "RFC 2326 s12.39",
    Requirement.OPTIONAL,
)
async def interleaved_unnamed(device: Device) -> str:
    _, _, answer = await _offer(device, "RTP/AVP/TCP;unicast")
    channels = channels_of(transport_of(good(answer, "SETUP")))
    expect(channels[0] != channels[1], f"interleaved={channels[0]}-{channels[1]}")
    return f"interleaved={channels[0]}-{channels[1]}"


@case(
    "transport.channels-taken",
    "Two sessions on a connection never share a channel",
    "RFC 2326 s10.12",
    Requirement.MANDATORY,
)
async def channels_taken(device: Device) -> str:
    connection, presentation, answer = await _offer(device, "RTP/AVP/TCP;unicast;interleaved=0-1")
    first = channels_of(transport_of(good(answer, "SETUP")))
    again = await connection.ask(
        "SETUP", presentation.tracks[0], [("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")]
    )
    if again.status != 200:
        expect(400 <= again.status < 500, f"answered {again.said}")
        return f"the second is refused: {again.said}"
    if session_of(again)[0] == session_of(answer)[0]:
        raise NotApplicable("a connection has one session, whatever SETUP names")
    second = channels_of(transport_of(again))
    expect(not set(first) & set(second), f"both sessions have interleaved={first[0]}-{first[1]}")
    return f"{first[0]}-{first[1]}, then {second[0]}-{second[1]}"


@case(
    "transport.udp",
    "UDP media comes from the server's ports to ours",
    "RFC 2326 s12.39, RFC 3550 s11",
    Requirement.CONDITIONAL,
    needs.plain,
)
async def udp(device: Device) -> str:
    session = await device.session(udp=True)
    agreed = session.transports[0]
    ours, theirs = pair(agreed.get("client_port", "")), pair(agreed.get("server_port", ""))
    expect(
        ours == session.ports[0].numbers,
        f"client_port={agreed.get('client_port')}, {session.ports[0].numbers} was asked for",
    )
    expect(theirs is not None, f"server_port={agreed.get('server_port')}")
    await session.play()
    packets = await session.media(8, count(20, 0))
    expect(len(packets) >= 20, f"{len(packets)} datagrams came within 8 s")
    source = agreed.get("source", session.connection.remote)
    for packet in packets:
        wanted = (source, theirs[packet.channel] if theirs else 0)
        expect(packet.source == wanted, f"a datagram came from {packet.source}, not from {wanted}")
    return f"{len(packets)} datagrams from {source}:{agreed.get('server_port')}"


@case(
    "transport.udp-teardown",
    "UDP media ends with TEARDOWN",
    "RFC 2326 s10.7",
    Requirement.CONDITIONAL,
    needs.plain,
)
async def udp_teardown(device: Device) -> str:
    session = await device.playing(20, udp=True)
    good(await session.ask("TEARDOWN"), "TEARDOWN")
    await session.media(0.5)
    late = [packet for packet in await session.media(1.5) if packet.channel == 0]
    expect(not late, f"{len(late)} datagrams came long after TEARDOWN")
    return "silent after TEARDOWN"


@case(
    "transport.order",
    "Of several offers the first that can be had is taken",
    "RFC 2326 s12.39",
    Requirement.MANDATORY,
)
async def order(device: Device) -> str:
    offers = "RTP/AVP/TCP;unicast;interleaved=2-3,RTP/AVP;unicast;client_port=40000-40001"
    _, _, answer = await _offer(device, offers)
    agreed = transport_of(good(answer, "SETUP"))
    expect("rtp/avp/tcp" in agreed, f"the second was taken: {answer.get('Transport')}")
    return answer.get("Transport") or ""


@case(
    "transport.later-offer",
    "Offers that cannot be had are passed over",
    "RFC 2326 s12.39",
    Requirement.MANDATORY,
)
async def later_offer(device: Device) -> str:
    offers = "RTP/SAVP;unicast;client_port=40000-40001,RTP/AVP/TCP;unicast;interleaved=2-3"
    _, _, answer = await _offer(device, offers)
    agreed = transport_of(good(answer, "SETUP"))
    expect("rtp/avp/tcp" in agreed, f"Transport: {answer.get('Transport')}")
    return answer.get("Transport") or ""


async def _refused(device: Device, *offers: str) -> str:
    said = []
    for value in offers:
        _, _, answer = await _offer(device, value)
        expect(answer.status in (400, 461), f"Transport: {value} was answered {answer.said}")
        said.append(str(answer.status))
    return ", ".join(said)


@case(
    "transport.unsupported",
    "A transport that cannot be had is refused with 461",
    "RFC 2326 s11.3.12",
    Requirement.MANDATORY,
)
async def unsupported(device: Device) -> str:
    _, _, answer = await _offer(device, "RAW/RAW/UDP;unicast;client_port=40000-40001")
    expect(answer.status == 461, f"answered {answer.said}")
    return answer.said


@case(
    "transport.unknown-offer",
    "Offers that are not known at all are passed over",
    "RFC 2326 s12.39",
    Requirement.OPTIONAL,
)
async def unknown_offer(device: Device) -> str:
    offers = "RAW/RAW/UDP;unicast;client_port=40000-40001,RTP/AVP/TCP;unicast;interleaved=2-3"
    _, _, answer = await _offer(device, offers)
    agreed = transport_of(good(answer, "SETUP"))
    expect("rtp/avp/tcp" in agreed, f"Transport: {answer.get('Transport')}")
    return answer.get("Transport") or ""


@case(
    "transport.bounds",
    "Channels above 255 and ports above 65535 are refused with 461 or 400",
    "RFC 2326 s12.39",
    Requirement.MANDATORY,
)
async def bounds(device: Device) -> str:
    return await _refused(
        device, "RTP/AVP;unicast;client_port=70000-70001", "RTP/AVP/TCP;unicast;interleaved=400-401"
    )


@case(
    "transport.malformed",
    "A transport that cannot be read is refused with 461 or 400",
    "RFC 2326 s12.39",
    Requirement.OPTIONAL,
)
async def malformed(device: Device) -> str:
    return await _refused(device, "RTP/AVP;unicast;client_port=", ";;;", "RTP")


@case(
    "transport.third", "Media is not sent to a third party", "RFC 2326 s16", Requirement.OPTIONAL, needs.plain
)
async def third(device: Device) -> str:
    _, _, answer = await _offer(device, "RTP/AVP;unicast;destination=198.51.100.7;client_port=40000-40001")
    if answer.status != 200:
        expect(400 <= answer.status < 500, f"answered {answer.said}")
        return answer.said
    agreed = transport_of(answer)
    expect("198.51.100.7" not in agreed.get("destination", ""), f"Transport: {answer.get('Transport')}")
    return f"the destination is passed over: {answer.get('Transport')}"


@case(
    "transport.multicast",
    "Multicast is agreed to with a group and flows, or is refused with 461",
    "RFC 2326 s12.39",
    Requirement.CONDITIONAL,
    needs.plain,
)
async def multicast(device: Device) -> str:
    connection, presentation, answer = await _offer(device, "RTP/AVP;multicast")
    if answer.status != 200:
        expect(answer.status == 461, f"answered {answer.said}")
        return answer.said
    agreed = transport_of(answer)
    group, ports = agreed.get("destination", ""), pair(agreed.get("port", ""))
    expect("multicast" in agreed and ports is not None, f"Transport: {answer.get('Transport')}")
    expect(_is_group(group), f"destination={group} is no group")
    name, _ = session_of(answer)
    provided(":" not in group, "groups of IPv6 are not joined here")
    try:
        listening = join(group, ports[0] if ports else 0, connection.local, device.transcript)
    except OSError as error:
        raise NotApplicable(f"the group {group} cannot be joined here: {error}") from None
    device.keep(listening)
    good(await connection.ask("PLAY", presentation.aggregate, [("Session", name)]), "PLAY")
    packets = await listening.media(8, count(20, 0))
    expect(len(packets) >= 20, f"{len(packets)} datagrams came to {group} within 8 s")
    for packet in packets:
        if packet.channel == 0:
            rtp.read(packet.data)
    good(await connection.ask("TEARDOWN", presentation.aggregate, [("Session", name)]), "TEARDOWN")
    return f"{len(packets)} datagrams to {group}, ttl={agreed.get('ttl', 'not told')}"


def _is_group(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_multicast
    except ValueError:
        return False


@case(
    "transport.ssrc",
    "A promised SSRC has eight hexadecimal digits and is kept",
    "RFC 2326 s12.39",
    Requirement.CONDITIONAL,
)
async def ssrc(device: Device) -> str:
    session = await device.session()
    promised = session.transports[0].get("ssrc")
    if promised is None:
        raise NotApplicable("no ssrc in Transport")
    expect(re.fullmatch(r"[0-9A-Fa-f]{8}", promised) is not None, f"ssrc={promised}")
    await session.play()
    seen = {packet.ssrc for packet in await session.pictures(10)}
    expect(seen == {int(promised, 16)}, f"ssrc={promised} was promised, {[f'{n:08X}' for n in seen]} came")
    return f"ssrc={promised}"


@case(
    "transport.record",
    "Transport for recording to a stream that is played is refused",
    "RFC 2326 s12.39",
    Requirement.OPTIONAL,
)
async def record(device: Device) -> str:
    _, _, answer = await _offer(device, 'RTP/AVP/TCP;unicast;interleaved=0-1;mode="RECORD"')
    expect(400 <= answer.status < 600, f"answered {answer.said}")
    return answer.said
