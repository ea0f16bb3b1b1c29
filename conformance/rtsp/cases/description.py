"""OPTIONS and DESCRIBE, and what a description must hold."""

from __future__ import annotations

import base64
import binascii
import re

from conformance.case import NotApplicable, Requirement, expect, provided
from conformance.rtsp.device import Device
from conformance.rtsp.presentation import good
from conformance.rtsp.suite import case


@case(
    "describe.options",
    "OPTIONS lists the methods that every server has",
    "RFC 2326 s10.1, D.2",
    Requirement.MANDATORY,
)
async def options(device: Device) -> str:
    answer = good(await (await device.connect()).ask("OPTIONS"), "OPTIONS")
    public = answer.words("Public")
    missing = {"OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN"} - public
    expect(not missing, f"Public lacks {', '.join(sorted(missing))}: {', '.join(sorted(public))}")
    return f"Public: {', '.join(sorted(public))}"


@case(
    "describe.options-star",
    "OPTIONS * asks about the server itself",
    "RFC 2326 s10.1, RFC 2068 s9.2",
    Requirement.OPTIONAL,
)
async def options_star(device: Device) -> str:
    answer = good(await (await device.connect()).ask("OPTIONS", "*"), "OPTIONS *")
    expect("PLAY" in answer.words("Public"), f"Public: {answer.get('Public')}")
    return answer.said


@case(
    "describe.sdp",
    "DESCRIBE is answered with application/sdp and its length",
    "RFC 2326 s10.2, s12.14",
    Requirement.MANDATORY,
)
async def describe(device: Device) -> str:
    connection = await device.connect()
    presentation = await device.describe(connection)
    kind = (presentation.answer.get("Content-Type") or "").partition(";")[0].strip().lower()
    expect(kind == "application/sdp", f"Content-Type: {kind or 'missing'}")
    expect(presentation.answer.get("Content-Length") is not None, "no Content-Length")
    good(await connection.ask("OPTIONS"), "OPTIONS right behind the body")
    return f"{len(presentation.answer.body)} octets, {len(presentation.sdp.media)} media"


@case("describe.no-accept", "DESCRIBE without Accept is answered", "RFC 2326 s12.1", Requirement.MANDATORY)
async def no_accept(device: Device) -> str:
    return good(await (await device.connect()).ask("DESCRIBE"), "DESCRIBE").said


@case(
    "describe.accept-foreign",
    "A description in a format that is not offered is refused with 406",
    "RFC 2326 s12.1, RFC 2068 s10.4.7",
    Requirement.OPTIONAL,
)
async def accept_foreign(device: Device) -> str:
    answer = await (await device.connect()).ask("DESCRIBE", None, [("Accept", "application/x-rtsp-mheg")])
    expect(answer.status == 406, f"answered {answer.said}")
    return answer.said


@case(
    "describe.unknown",
    "A presentation that is not there is answered with 404",
    "RFC 2326 s7.1.1",
    Requirement.MANDATORY,
)
async def unknown(device: Device) -> str:
    connection = await device.connect()
    url = re.sub(r"(rtsps?://[^/]+).*", r"\1/no/such/presentation-41", connection.url)
    answer = await connection.ask("DESCRIBE", url, [("Accept", "application/sdp")])
    expect(answer.status == 404, f"{url} was answered {answer.said}")
    return answer.said


@case(
    "describe.valid",
    "The description obeys SDP: lines, order, versions",
    "RFC 8866 s5",
    Requirement.MANDATORY,
)
async def valid(device: Device) -> str:
    seen = []
    for url in (device.address.live, device.address.replay):
        if url is not None:
            description = (await device.describe(await device.connect(url))).sdp
            expect(not description.faults, f"{url}: {'; '.join(description.faults)}")
            seen.append(", ".join(media.kind for media in description.media))
    return " | ".join(seen)


@case("describe.control", "Each medium has a URL of its own", "RFC 2326 C.1.1", Requirement.CONDITIONAL)
async def control(device: Device) -> str:
    presentation = await device.describe(await device.connect())
    media = presentation.sdp.media
    provided(len(media) > 1 or media[0].get("control") is not None, "one medium may do without")
    expect(all(one.get("control") for one in media), "a medium has no a=control")
    expect(len(set(presentation.tracks)) == len(media), f"not one each: {presentation.tracks}")
    return ", ".join(presentation.tracks)


@case(
    "describe.rtpmap",
    "Payload types from 96 on have an rtpmap",
    "RFC 8866 s6.6, RFC 3551 s6",
    Requirement.MANDATORY,
)
async def rtpmap(device: Device) -> str:
    seen = []
    for media in (await device.describe(await device.connect())).sdp.media:
        expect(media.profile.startswith("RTP/"), f"m={media.kind} is of the profile {media.profile}")
        mapped = media.rtpmap
        expect(mapped is not None or int(media.formats[0]) < 96, f"format {media.formats[0]} has no rtpmap")
        seen.append(f"{media.kind} {media.formats[0]} {mapped[0] if mapped else ''}".strip())
    return ", ".join(seen)


@case(
    "describe.h264",
    "H.264 parameter sets stand in fmtp, and agree with profile-level-id",
    "RFC 6184 s8.1",
    Requirement.CONDITIONAL,
)
async def h264(device: Device) -> str:
    media = (await device.describe(await device.connect())).sdp.media
    video = next((one for one in media if one.rtpmap and one.rtpmap[0] == "H264"), None)
    if video is None:
        raise NotApplicable("no H.264 in the presentation")
    sets = video.fmtp.get("sprop-parameter-sets")
    provided(sets is not None, "parameter sets come in the stream alone")
    try:
        units = [base64.b64decode(text, validate=True) for text in (sets or "").split(",")]
    except binascii.Error:
        expect(False, f"sprop-parameter-sets is no base64: {sets}")
        raise
    kinds = [unit[0] & 31 for unit in units if unit]
    expect({7, 8} <= set(kinds), f"NAL unit types {kinds}, not SPS (7) and PPS (8)")
    level = video.fmtp.get("profile-level-id", "")
    sps = next(unit for unit in units if unit[0] & 31 == 7)
    expect(
        level.lower() == sps[1:4].hex(),
        f"profile-level-id={level or 'missing'}, the SPS says {sps[1:4].hex()}",
    )
    return f"profile-level-id={level}, packetization-mode={video.fmtp.get('packetization-mode', '0')}"


@case(
    "describe.range-live",
    "A live presentation says that it has no end, or nothing",
    "RFC 2326 C.1.5",
    Requirement.OPTIONAL,
)
async def range_live(device: Device) -> str:
    presentation = await device.describe(await device.connect())
    start, end = presentation.ranges.get("npt", ("now", ""))
    expect(end == "", f"a=range:npt={start}-{end}")
    return f"npt={start}-{end}"
