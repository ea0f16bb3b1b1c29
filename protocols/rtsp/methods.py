"""The methods of RFC 2326 s10, and in which state each may be called (appendix A.2). Pure.

A method is a function from what was asked to a `Reply`, or to a `Wait` for what only the library or the disk
knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from device.errors import BadValue
from device.media import Utc
from protocols.rtsp import manner as manners
from protocols.rtsp import range as ranges
from protocols.rtsp import transport as transports
from protocols.rtsp.describe import Location, Opened, describe
from protocols.rtsp.effects import Effect, Pause, Play, Release, Resolve, Started
from protocols.rtsp.library import Live, Stored
from protocols.rtsp.manner import Manner
from protocols.rtsp.message import Request
from protocols.rtsp.registry import End, Leg, Peer, Phase, Registry, Session
from protocols.rtsp.stamps import FEATURE
from protocols.rtsp.transport import Transport


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that may be done: read, authenticated, its session found."""

    request: Request
    location: Location
    account: str
    session: Session | None
    peer: Peer
    registry: Registry
    token: Callable[[], str]  #: makes the names of sessions, which nobody can guess
    now: float


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request; `effects` happen before it is written."""

    status: int
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    session: Session | None = None  #: named in the answer
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """The answer depends on what is found; an error is answered with its own code."""

    effect: Resolve | Play
    then: Callable[[Opened | Started, float], Reply]
    session: Session | None = None


Method = Callable[[Ask], Reply | Wait]


def options(ask: Ask) -> Reply:
    """RFC 2326 s10.1."""
    return Reply(200, (("Public", PUBLIC),), session=ask.session)


def describe_(ask: Ask) -> Reply | Wait:
    """RFC 2326 s10.2."""
    accepted = ",".join(ask.request.headers.all("Accept")).lower()
    if accepted and not any(kind in accepted for kind in ("application/sdp", "application/*", "*/*")):
        return Reply(406)

    def found(opened: Opened | Started, now: float) -> Reply:
        assert isinstance(opened, Opened)
        body = describe(opened, ask.location, ask.peer.local, int(now))
        base = ask.location.url if ask.location.query else ask.location.url.rstrip("/") + "/"
        return Reply(200, (("Content-Type", "application/sdp"), ("Content-Base", base)), body, ask.session)

    return Wait(Resolve(ask.location.path, ask.location.query, ask.account), found)


def setup(ask: Ask) -> Reply | Wait:
    """RFC 2326 s10.4. The first makes the session, the others add tracks to it."""
    if ask.session is not None:
        if ask.session.path != ask.location.path:
            return Reply(459, session=ask.session)
        return _add(ask, ask.session, ask.session.opened)
    if not ask.registry.room(ask.peer):
        return Reply(453)

    def found(opened: Opened | Started, now: float) -> Reply:
        assert isinstance(opened, Opened)
        deadline = now + ask.registry.limits.session_seconds
        where = ask.location
        session = Session(ask.token(), ask.account, ask.peer, where.path, where.query, opened, deadline, now)
        reply = _add(ask, session, opened)
        if reply.status == 200:
            ask.registry.add(session)
        return reply

    return Wait(Resolve(ask.location.path, ask.location.query, ask.account), found)


def play(ask: Ask) -> Reply | Wait:
    """RFC 2326 s10.5. A new Range while playing takes effect at once, as ONVIF's `Immediate: yes` asks."""
    session = _session(ask)
    fields = ask.request.headers
    value = fields.get("Range")
    try:
        asked = ranges.parse(value) if value is not None else None
        manner = manners.parse(fields) if asked is not None or manners.named(fields) else None
        order = _order(session, asked, manner, int(fields.get("CSeq") or 0))
    except ranges.UnknownUnit:
        return Reply(501, session=session)
    except ranges.UnusedUnit:
        return Reply(457, session=session)
    except BadValue:
        return Reply(400, session=session)
    if order is None:
        return Reply(457, session=session)
    _note(ask, session)

    def found(started: Opened | Started, _now: float) -> Reply:
        assert isinstance(started, Started)
        session.phase = Phase.PLAYING
        return Reply(200, _played(ask, session, asked, started), session=session)

    return Wait(order, found, session)


def pause(ask: Ask) -> Reply:
    """RFC 2326 s10.6, now or at a point of a recording that play comes to."""
    session = _session(ask)
    value = ask.request.headers.get("Range")
    at: Utc | None = None
    if value is not None and session.opened.span is not None and session.phase is Phase.PLAYING:
        try:
            point = ranges.point(value)
            at = _wall(session.opened, point, point.start if isinstance(point.start, int) else None)
        except ranges.UnknownUnit:
            return Reply(501, session=session)
        except ranges.UnusedUnit:
            return Reply(457, session=session)
        except BadValue:
            return Reply(400, session=session)
    if at is None:
        session.phase = Phase.READY
    return Reply(200, session=session, effects=(Pause(session, at),))


def teardown(ask: Ask) -> Reply:
    """RFC 2326 s10.7. Of one track, where others are set up: only while nothing plays."""
    session = _session(ask)
    track = ask.location.track
    if track is not None and len(session.legs) > 1 and track in session.legs:
        if session.phase is Phase.PLAYING:
            return Reply(460, session=session)
        del session.legs[track]
        return Reply(200, session=session, effects=(Release(session),))
    ask.registry.remove(session, End.TEARDOWN, ask.now)
    return Reply(200, effects=(Release(session),))


def parameters(ask: Ask) -> Reply:
    """RFC 2326 s10.8, s10.9. There are none to read or set: what clients send is a sign of life, without a
    body."""
    if ask.request.body.strip():
        kind = (("Content-Type", "text/parameters"),)
        names = [line.partition(b":")[0].strip() for line in ask.request.body.splitlines()]
        return Reply(451, kind, b"".join(name + b"\r\n" for name in names if name), ask.session)
    return Reply(200, session=ask.session)


#: A status: the answer in that state. A method: done in that state.
Row = tuple[Method | int, Method | int, Method | int]
TABLE: dict[str, Row] = {
    #                 no session   ready       playing
    "OPTIONS":       (options,     options,    options),
    "DESCRIBE":      (describe_,   describe_,  describe_),
    "SETUP":         (setup,       setup,      455),
    "PLAY":          (454,         play,       play),
    "PAUSE":         (454,         pause,      pause),
    "TEARDOWN":      (454,         teardown,   teardown),
    "GET_PARAMETER": (parameters,  parameters, parameters),
    "SET_PARAMETER": (parameters,  parameters, parameters),
}  # fmt: skip
PUBLIC = ", ".join(TABLE)
AGGREGATE = frozenset({"PLAY", "PAUSE"})  #: not of one track, where several are set up: 460


def required(request: Request) -> set[str]:
    """The features that a request requires (RFC 2326 s12.32, s12.27)."""
    values = (*request.headers.all("Require"), *request.headers.all("Proxy-Require"))
    return {tag.strip() for value in values for tag in value.split(",")} - {""}


def row_of(session: Session | None) -> int:
    """The column of the table."""
    if session is None:
        return 0
    return 2 if session.phase is Phase.PLAYING else 1


def allowed(session: Session | None) -> str:
    """The Allow header of a 455."""
    return ", ".join(name for name, row in TABLE.items() if not isinstance(row[row_of(session)], int))


def _session(ask: Ask) -> Session:
    assert ask.session is not None, "the table has a status where there is no session"
    return ask.session


def _note(ask: Ask, session: Session) -> None:
    """Whether the client speaks ONVIF's replay: by the feature's name, or, as GStreamer does, by a header that nobody
    else has."""
    session.required |= FEATURE in required(ask.request)
    session.stamped |= session.required or ask.request.headers.get("Rate-Control") is not None


def _add(ask: Ask, session: Session, opened: Opened) -> Reply:
    named = session if session.legs else None
    track = ask.location.track
    if track is None:
        if len(opened.tracks) != 1:
            return Reply(459, session=named)
        track = 0
    if track >= len(opened.tracks):
        return Reply(404, session=named)
    agreed = _agree(ask, session, track)
    if agreed is None:
        return Reply(461, session=named)
    session.legs[track] = Leg(agreed, ask.location.track_url(track))
    _note(ask, session)
    return Reply(200, (("Transport", agreed.encode()),), session=session)


def _agree(ask: Ask, session: Session, track: int) -> Transport | None:
    """The first alternative that can be had."""
    others = [leg.transport for n, leg in session.legs.items() if n != track]
    for offer in transports.parse(ask.request.headers.get("Transport") or ""):
        if offer.mode != "PLAY" or any((o.tcp, o.unicast) != (offer.tcp, offer.unicast) for o in others):
            continue
        if not offer.unicast:
            agreed = None if offer.tcp else _group(ask, session, track)
        elif offer.destination is not None and offer.destination != ask.peer.host:
            agreed = None  # media goes to the one who asks, never to a third
        elif offer.tcp:
            agreed = _channels(ask, session, track, offer.interleaved)
        else:
            agreed = _ports(ask, offer.client_port)
        if agreed is not None:
            return agreed
    return None


def _channels(ask: Ask, session: Session, track: int, pair: tuple[int, int] | None) -> Transport | None:
    mine = session.legs[track].transport.interleaved if track in session.legs else None
    taken = ask.registry.channels(ask.peer) - set(mine or ())
    if pair is None or taken & set(pair):
        first = next((n for n in range(0, 255, 2) if not taken & {n, n + 1}), None)
        if first is None:
            return None
        pair = (first, first + 1)
    return Transport(tcp=True, interleaved=pair)


def _ports(ask: Ask, ports: tuple[int, int] | None) -> Transport | None:
    ours = ask.registry.udp_ports
    if ask.peer.secure or ours is None or ports is None or min(ports) < 1024:
        return None
    return Transport(tcp=False, client_port=ports, server_port=ours, source=ask.peer.local)


def _group(ask: Ask, session: Session, track: int) -> Transport | None:
    """Multicast, of live streams, over IPv4, to the group that we choose (RFC 2326 s12.39)."""
    groups, media = ask.registry.groups, session.opened.media
    if groups is None or not isinstance(media, Live) or ask.peer.secure or ":" in ask.peer.local:
        return None
    address = ask.registry.group(media)
    if address is None:
        return None
    port = groups.port + 2 * track
    return Transport(
        tcp=False,
        unicast=False,
        port=(port, port + 1),
        ttl=groups.ttl,
        destination=address,
        source=ask.peer.local,
    )


def _order(
    session: Session, asked: ranges.Npt | ranges.Clock | None, manner: Manner | None, cseq: int
) -> Play | None:
    """What to play; None where the range is out of bounds."""
    opened = session.opened
    if opened.span is None:
        # Live: there is only now. Players ask for npt=0.000- all the same.
        return None if isinstance(asked, ranges.Clock) else Play(session)
    if asked is None:
        return Play(session, manner=manner, cseq=cseq)
    reverse = manner is not None and manner.reverse
    start = asked.start if isinstance(asked.start, ranges.Now) else _wall(opened, asked, asked.start)
    end = _wall(opened, asked, asked.end)
    bound = (opened.media.start if reverse else opened.limit) if isinstance(opened.media, Stored) else None
    if bound is not None:
        end = bound if end is None else Utc(max(end, bound) if reverse else min(end, bound))
    # Descending where it is played backwards (ONVIF Streaming s6.5.2).
    span = None if start is None or end is None or isinstance(start, ranges.Now) else end - start
    if span is not None and ((span >= 0) if reverse else (span <= 0)):
        return None
    return Play(session, start, end, manner, cseq)


def _wall(opened: Opened, asked: ranges.Npt | ranges.Clock, point: int | None) -> Utc | None:
    """A point of a range as wall time."""
    if point is None or isinstance(asked, ranges.Clock):
        return None if point is None else Utc(point)
    return Utc(opened.origin + point)


def _played(
    ask: Ask, session: Session, asked: ranges.Npt | ranges.Clock | None, started: Started
) -> tuple[tuple[str, str], ...]:
    """The headers of an answer to PLAY."""
    opened = session.opened
    fields = [*manners.answer(ask.request.headers, started.manner)]
    if opened.span is None or started.start is None:
        fields.append(("Range", ranges.Npt(ranges.Now.NOW).encode()))
    else:
        end = started.end
        if end is None:
            end = opened.origin if started.manner.reverse else max(opened.last, started.start)
        if isinstance(asked, ranges.Npt) and not asked.as_clock:
            zero = opened.origin
            span = ranges.Npt(max(0, started.start - zero), max(0, end - zero)).encode()
        else:
            span = ranges.Clock(started.start, end).encode()
        fields.append(("Range", span))
    info = [
        f"url={session.legs[track].url}" + ("" if number is None else f";seq={number}") + f";rtptime={time}"
        for track, (number, time) in started.info.items()
        if track in session.legs
    ]
    if info:
        fields.append(("RTP-Info", ",".join(info)))
    return tuple(fields)
