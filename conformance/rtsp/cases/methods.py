"""Methods and the states in which they may be called (RFC 2326 s10, appendix A.2)."""

from __future__ import annotations

from itertools import pairwise

from conformance.case import NotApplicable, Requirement, expect, provided
from conformance.rtsp import needs
from conformance.rtsp.client import Closed
from conformance.rtsp.device import Device
from conformance.rtsp.presentation import SESSION_ID, good, session_of, transport_of
from conformance.rtsp.suite import case
from conformance.rtsp.wire import each, never

_TCP = ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")
_NOBODY = ("Session", "1234567890abcdef")  #: a session that was never made


@case(
    "method.setup",
    "SETUP makes a session and agrees to one transport",
    "RFC 2326 s10.4, s12.37, s12.39",
    Requirement.MANDATORY,
)
async def setup(device: Device) -> str:
    connection = await device.connect()
    presentation = await device.describe(connection)
    answer = good(await connection.ask("SETUP", presentation.tracks[0], [_TCP]), "SETUP")
    agreed = transport_of(answer)
    profile = next(iter(agreed))
    expect(profile == "rtp/avp/tcp", f"RTP/AVP/TCP was asked for, {profile} agreed to")
    return f"Session: {answer.get('Session')}, Transport: {answer.get('Transport')}"


@case(
    "method.session-id",
    "The session's name has at least eight characters and cannot be guessed",
    "RFC 2326 s3.4",
    Requirement.MANDATORY,
)
async def session_id(device: Device) -> str:
    names = []
    for _ in range(3):
        session = await device.session()
        names.append(session.id)
        good(await session.ask("TEARDOWN"), "TEARDOWN")
    for name in names:
        expect(len(name) >= 8, f"{name} has {len(name)} characters")
        expect(SESSION_ID.fullmatch(name) is not None, f"{name!r} has characters that a name may not have")
    expect(len(set(names)) == len(names), f"the same name again: {names}")
    numbers = [int(name) for name in names if name.isdecimal()]
    steps = {later - earlier for earlier, later in pairwise(numbers)}
    expect(len(numbers) < 3 or len(steps) > 1, f"names are counted up: {names}")
    return ", ".join(names)


@case(
    "method.setup-no-transport",
    "SETUP without Transport is refused",
    "RFC 2326 s12.39",
    Requirement.MANDATORY,
)
async def setup_no_transport(device: Device) -> str:
    connection = await device.connect()
    presentation = await device.describe(connection)
    answer = await connection.ask("SETUP", presentation.tracks[0])
    expect(400 <= answer.status < 500, f"answered {answer.said}")
    return answer.said


@case(
    "method.setup-unknown-track",
    "SETUP of a track that is not there is refused with 404",
    "RFC 2326 s7.1.1",
    Requirement.MANDATORY,
)
async def setup_unknown_track(device: Device) -> str:
    connection = await device.connect()
    presentation = await device.describe(connection)
    track = presentation.tracks[0].rstrip("0123456789")
    provided(track != presentation.tracks[0], f"no other track can be made up from {presentation.tracks[0]}")
    answer = await connection.ask("SETUP", f"{track}97", [_TCP])
    expect(answer.status in (404, 454, 459), f"{track}97 was answered {answer.said}")
    return answer.said


@case(
    "method.setup-aggregate",
    "SETUP of several tracks at once is refused with 459",
    "RFC 2326 s11.3.10",
    Requirement.CONDITIONAL,
    needs.several_tracks,
)
async def setup_aggregate(device: Device) -> str:
    connection = await device.connect()
    presentation = await device.describe(connection)
    provided(presentation.aggregate not in presentation.tracks, "the tracks have no URL of their own")
    answer = await connection.ask("SETUP", presentation.aggregate.rstrip("/"), [_TCP])
    expect(answer.status == 459, f"answered {answer.said}")
    return answer.said


@case(
    "method.setup-adds",
    "A second SETUP adds its track to the session",
    "RFC 2326 s10.4",
    Requirement.CONDITIONAL,
    needs.several_tracks,
)
async def setup_adds(device: Device) -> str:
    session = await device.session(tracks=2)
    await session.play()
    packets = await session.connection.media(8, each(session.channels))
    missing = set(session.channels) - {packet.channel for packet in packets}
    expect(not missing, f"no packet came on the channels {sorted(missing)}")
    return f"media on the channels {', '.join(map(str, session.channels))}"


@case(
    "method.setup-playing",
    "SETUP while playing is done, or refused with 455",
    "RFC 2326 s10.4",
    Requirement.MANDATORY,
)
async def setup_playing(device: Device) -> str:
    session = await device.session()
    await session.play()
    track = session.presentation.tracks[session.tracks[0]]
    answer = await session.ask("SETUP", [("Transport", "RTP/AVP/TCP;unicast;interleaved=8-9")], track)
    expect(answer.status in (200, 455), f"answered {answer.said}")
    return answer.said


@case(
    "method.allow",
    "A 455 and a 405 say what is allowed",
    "RFC 2326 s12.4, s11.3.1, s11.3.6",
    Requirement.OPTIONAL,
)
async def allow(device: Device) -> str:
    session = await device.session()
    await session.play()
    track = session.presentation.tracks[session.tracks[0]]
    answers = [
        await session.ask("SETUP", [("Transport", "RTP/AVP/TCP;unicast;interleaved=8-9")], track),
        await session.ask("RECORD"),
    ]
    refused = [answer for answer in answers if answer.status in (405, 455)]
    provided(bool(refused), f"answered {', '.join(answer.said for answer in answers)}")
    for answer in refused:
        expect(bool(answer.words("Allow")), f"{answer.said} without Allow")
    return f"{refused[0].status}, Allow: {refused[0].get('Allow')}"


async def _without_session(device: Device, method: str, *fields: tuple[str, str]) -> str:
    connection = await device.connect()
    presentation = await device.describe(connection)
    answer = await connection.ask(method, presentation.aggregate, fields)
    expect(answer.status in (454, 455), f"{method} was answered {answer.said}")
    return f"{method}: {answer.status}"


@case(
    "method.play-init",
    "PLAY before SETUP is refused with 454 or 455",
    "RFC 2326 A.2, s11.3.5",
    Requirement.MANDATORY,
)
async def play_init(device: Device) -> str:
    return await _without_session(device, "PLAY")


@case(
    "method.session-unknown",
    "A session that is not there is answered with 454",
    "RFC 2326 s11.3.5",
    Requirement.MANDATORY,
)
async def session_unknown(device: Device) -> str:
    said = []
    for method in ("PLAY", "PAUSE", "TEARDOWN"):
        connection = await device.connect()
        presentation = await device.describe(connection)
        if method != "PAUSE" or method in device.known.public:
            answer = await connection.ask(method, presentation.aggregate, [_NOBODY])
            expect(answer.status == 454, f"{method} was answered {answer.said}")
            said.append(f"{method} {answer.status}")
    return ", ".join(said)


@case(
    "method.setup-session-unknown",
    "SETUP into a session that is not there is refused with 454",
    "RFC 2326 s11.3.5",
    Requirement.MANDATORY,
)
async def setup_session_unknown(device: Device) -> str:
    connection = await device.connect()
    presentation = await device.describe(connection)
    answer = await connection.ask("SETUP", presentation.tracks[0], [_TCP, _NOBODY])
    expect(answer.status == 454, f"answered {answer.said}")
    return answer.said


@case(
    "method.play-one-track",
    "PLAY of one track of several that were set up is refused with 460",
    "RFC 2326 s11.3.11",
    Requirement.CONDITIONAL,
    needs.several_tracks,
)
async def play_one_track(device: Device) -> str:
    session = await device.session(tracks=2)
    answer = await session.ask("PLAY", (), session.presentation.tracks[session.tracks[0]])
    provided(answer.status != 200, "the server plays tracks one by one")
    expect(answer.status == 460, f"answered {answer.said}")
    return answer.said


@case(
    "method.pause",
    "PAUSE stops the media, and PLAY lets it go on",
    "RFC 2326 s10.6",
    Requirement.CONDITIONAL,
    needs.pause,
)
async def pause(device: Device) -> str:
    session = await device.playing(20)
    good(await session.ask("PAUSE"), "PAUSE")
    await session.media(0.5)  # what was on its way
    late = [packet for packet in await session.media(1.5) if packet.channel == 0]
    expect(not late, f"{len(late)} RTP packets came long after PAUSE")
    await session.play()
    await session.pictures(20)
    return "silent while paused, media after the next PLAY"


@case(
    "method.options-playing",
    "OPTIONS changes nothing while media flows",
    "RFC 2326 s10.1",
    Requirement.MANDATORY,
)
async def options_playing(device: Device) -> str:
    session = await device.playing(20)
    good(await session.ask("OPTIONS"), "OPTIONS")
    await session.pictures(20)
    return "media before and after"


@case("method.teardown", "TEARDOWN ends the media and the session", "RFC 2326 s10.7", Requirement.MANDATORY)
async def teardown(device: Device) -> str:
    session = await device.playing(20)
    good(await session.ask("TEARDOWN"), "TEARDOWN")
    await session.connection.media(0.3, never)
    late = [
        packet for packet in await session.connection.media(1.0, never) if packet.channel in session.channels
    ]
    expect(not late, f"{len(late)} RTP packets came after TEARDOWN")
    try:
        answer = await session.ask("PLAY")
    except Closed:
        raise NotApplicable("the server closes the connection with the session") from None
    expect(answer.status in (454, 455), f"PLAY after TEARDOWN was answered {answer.said}")
    return f"PLAY after it: {answer.said}"


@case(
    "method.teardown-again",
    "The connection serves another session after TEARDOWN",
    "RFC 2326 s1.1, s10.7",
    Requirement.OPTIONAL,
)
async def teardown_again(device: Device) -> str:
    session = await device.playing(5)
    good(await session.ask("TEARDOWN"), "TEARDOWN")
    again = await device.setup(session.connection, session.presentation)
    await again.play()
    await again.pictures(5)
    return f"{session.id}, then {again.id}"


@case(
    "method.teardown-track",
    "TEARDOWN of one track is done, or refused with 460",
    "RFC 2326 s10.7",
    Requirement.CONDITIONAL,
    needs.several_tracks,
)
async def teardown_track(device: Device) -> str:
    session = await device.session(tracks=2)
    answer = await session.ask("TEARDOWN", (), session.presentation.tracks[session.tracks[1]])
    expect(answer.status in (200, 455, 460), f"answered {answer.said}")
    if answer.status == 200 and answer.get("Session") is not None:
        await session.play()
    return answer.said


@case(
    "method.get-parameter",
    "GET_PARAMETER without a body is a sign of life",
    "RFC 2326 s10.8",
    Requirement.CONDITIONAL,
    needs.get_parameter,
)
async def get_parameter(device: Device) -> str:
    session = await device.session()
    answer = good(await session.ask("GET_PARAMETER"), "GET_PARAMETER")
    if answer.get("Session") is not None:
        expect(session_of(answer)[0] == session.id, f"Session: {answer.get('Session')}")
    return answer.said


@case(
    "method.get-parameter-unknown",
    "A parameter that is not there is answered with 451",
    "RFC 2326 s10.8, s11.3.2",
    Requirement.CONDITIONAL,
    needs.get_parameter,
)
async def get_parameter_unknown(device: Device) -> str:
    session = await device.session()
    fields = [("Session", session.id), ("Content-Type", "text/parameters")]
    answer = await session.connection.ask(
        "GET_PARAMETER", session.presentation.aggregate, fields, b"phase_of_the_moon\r\n"
    )
    expect(answer.status == 451, f"answered {answer.said}")
    return answer.said


@case(
    "method.set-parameter-unknown",
    "Setting a parameter that is not there is answered with 451",
    "RFC 2326 s10.9, s11.3.2",
    Requirement.CONDITIONAL,
    needs.set_parameter,
)
async def set_parameter_unknown(device: Device) -> str:
    session = await device.session()
    fields = [("Session", session.id), ("Content-Type", "text/parameters")]
    answer = await session.connection.ask(
        "SET_PARAMETER", session.presentation.aggregate, fields, b"phase_of_the_moon: full\r\n"
    )
    expect(answer.status in (403, 451, 458), f"answered {answer.said}")
    return answer.said


@case(
    "method.record",
    "A stream that cannot be recorded to refuses ANNOUNCE and RECORD",
    "RFC 2326 s10.3, s10.11",
    Requirement.MANDATORY,
)
async def record(device: Device) -> str:
    session = await device.session()
    connection, url = session.connection, session.presentation.url
    sdp = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\n"
    answers = {
        "ANNOUNCE": await connection.ask("ANNOUNCE", url, [("Content-Type", "application/sdp")], sdp),
        "RECORD": await session.ask("RECORD"),
    }
    for method, answer in answers.items():
        expect(400 <= answer.status < 600, f"{method} was answered {answer.said}")
    return ", ".join(f"{method} {answer.status}" for method, answer in answers.items())


@case("method.redirect", "REDIRECT from a client is refused", "RFC 2326 s10.10", Requirement.OPTIONAL)
async def redirect(device: Device) -> str:
    session = await device.session()
    answer = await session.ask("REDIRECT", [("Location", "rtsp://198.51.100.1/elsewhere")])
    expect(400 <= answer.status < 600, f"answered {answer.said}")
    return answer.said
