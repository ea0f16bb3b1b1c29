"""The pure server: what each method answers in each state, and that nothing a peer sends makes it raise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.accounts.lockout import FREE, Lockout
from device.digest import Guard, authorization, challenges, secret_of
from device.errors import BadValue, Fault, HoldfastError, NotAuthorized, NotFound
from device.media import MICROSECONDS, Codec, Sample, Track, Utc
from protocols.rtsp import sdp
from protocols.rtsp.describe import Opened
from protocols.rtsp.effects import Close, Effect, Pause, Play, Release, Resolve, Started, Write
from protocols.rtsp.library import Break, Edge, Listener, Live, Passage, Stored
from protocols.rtsp.manner import Manner
from protocols.rtsp.message import Frame, Request, Response, headers, take
from protocols.rtsp.methods import TABLE
from protocols.rtsp.range import Now
from protocols.rtsp.registry import Limits, Peer, Registry
from protocols.rtsp.serve import BACKLOG_LIMIT, Connection

VIDEO = Track(Codec.H264, 90_000, (b"\x67\x42\x00\x1e", b"\x68\xce"), 640, 480)
AUDIO = Track(Codec.PCMU, 8_000, channels=1)
T0 = Utc(1_700_000_000 * MICROSECONDS)
T1 = Utc(T0 + 60 * MICROSECONDS)


class Silent:
    """A feed that says nothing."""

    def __init__(self, *tracks: Track) -> None:
        self.tracks: tuple[Track, ...] = tracks

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        return lambda: None

    def patient(self, listener: Listener, seconds: float) -> None:
        pass


class Blank:
    """A recording of which nothing is read here."""

    tracks: tuple[Track, ...] = (VIDEO, AUDIO)

    async def span(self) -> tuple[Utc, Utc]:
        return T0, T1

    async def read(self, passage: Passage) -> AsyncIterator[Sample | Break | Edge]:
        nothing: tuple[Sample, ...] = ()
        for item in nothing:
            yield item


PLACES: dict[str, Opened] = {
    "/live/1": Opened(Live(Silent(VIDEO, AUDIO), "yard"), None),
    "/live/2": Opened(Live(Silent(VIDEO)), None),
    "/replay/1": Opened(Stored(Blank()), (T0, T1)),
    "/replay/short": Opened(Stored(Blank(), None, Utc(T0 + 20 * MICROSECONDS)), (T0, T1)),
    "/replay/late": Opened(Stored(Blank(), Utc(T0 + 10 * MICROSECONDS)), (T0, T1)),
}
ERRORS: dict[str, HoldfastError] = {
    "/forbidden": NotAuthorized("no"),
    "/query": BadValue("start", "no time"),
    "/broken": Fault("disk"),
}


@dataclass
class Table:
    """A connection, with a library that answers at once."""

    registry: Registry
    peer: Peer
    answers: bool = True
    intercept: Callable[[str, str], int | None] | None = None
    now: float = 0.0
    effects: list[Effect] = field(default_factory=list)
    cseq: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        names = count(1)
        self.registry.connect(self.peer)
        self.connection = Connection(
            self.registry, self.peer, lambda: f"{id(self):x}-{next(names)}", 0.0, self.intercept
        )

    def feed(self, data: bytes) -> list[Effect]:
        """Octets in, effects out, the library's and the store's answers included."""
        queue = self.connection.receive(data, self.now)
        done: list[Effect] = []
        while queue:
            effect = queue.pop(0)
            done.append(effect)
            if isinstance(effect, Resolve) and self.answers:
                found = PLACES.get(effect.path) or ERRORS.get(effect.path) or NotFound("stream", effect.path)
                queue += self.connection.found(found, self.now)
            elif isinstance(effect, Play) and self.answers:
                queue += self.connection.found(started(effect), self.now)
        self.effects += done
        return done

    def ask(self, method: str, url: str, *fields: tuple[str, str], body: bytes = b"") -> Response:
        """One request and its answer."""
        number = str(next(self.cseq))
        request = Request(method, url, headers([("CSeq", number), *fields]), body)
        written = b"".join(e.data for e in self.feed(request.encode()) if isinstance(e, Write))
        taken = take(written)
        assert taken is not None
        answer = taken[0]
        assert isinstance(answer, Response)
        assert taken[1] == len(written)
        assert answer.headers.get("CSeq") == number
        return answer

    def set_up(
        self, url: str, transport: str = "RTP/AVP/TCP;unicast;interleaved=0-1", session: str = ""
    ) -> str:
        """SETUP that succeeds. Returns the session's name."""
        more = (("Session", session),) if session else ()
        answer = self.ask("SETUP", url, ("Transport", transport), *more)
        assert answer.status == 200, answer
        return (answer.headers.get("Session") or "").partition(";")[0]


def started(play: Play) -> Started | HoldfastError:
    """What a store would find."""
    info = {0: (7, 700), 1: (8, 800)}
    opened, manner = play.session.opened, play.manner or Manner()
    if opened.span is None:
        return Started(None, None, manner, info)
    start = opened.origin if play.start is None else play.start
    if isinstance(start, Now):
        start = T1
    elif start > T1:
        return BadValue("Range", "nothing is recorded there")
    return Started(start, play.end, manner, info)


def table(
    guard: Guard | None = None,
    secure: bool = False,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    intercept: Callable[[str, str], int | None] | None = None,
    lockout: Lockout | None = None,
) -> Table:
    return Table(
        Registry(limits, guard, (6970, 6971), None, None, lockout),
        Peer("192.0.2.7", "192.0.2.1", secure),
        True,
        intercept,
    )


BASE = "rtsp://192.0.2.1:554"


def test_options_names_the_methods() -> None:
    for url in ("*", BASE + "/live/1"):
        answer = table().ask("OPTIONS", url)
        assert answer.status == 200
        assert set((answer.headers.get("Public") or "").split(", ")) == set(TABLE)


def test_describe_tells_of_every_track_with_a_control_that_can_be_set_up() -> None:
    peer = table()
    answer = peer.ask("DESCRIBE", BASE + "/live/1", ("Accept", "application/sdp"))
    assert answer.headers.get("Content-Base") == BASE + "/live/1/"
    assert answer.headers.get("Content-Type") == "application/sdp"
    description = sdp.parse(answer.body)
    assert [media.formats[0].encoding for media in description.media] == ["H264", "PCMU"]
    assert [media.formats[0].payload_type for media in description.media] == [96, 0]
    assert "sprop-parameter-sets" in description.media[0].formats[0].parameters
    session = peer.set_up(description.media[0].control)
    peer.set_up(description.media[1].control, "RTP/AVP/TCP;unicast;interleaved=2-3", session)


def test_a_description_of_a_recording_tells_its_span_in_both_units() -> None:
    body = table().ask("DESCRIBE", BASE + "/replay/late").body.decode()
    assert "a=range:npt=0-50\r\n" in body
    assert "a=range:clock=20231114T221330Z-20231114T221420Z\r\n" in body


def test_the_query_stays_with_the_controls() -> None:
    body = table().ask("DESCRIBE", BASE + "/live/1?x=a%20b").body
    assert sdp.parse(body).media[1].control == BASE + "/live/1/trackID=1?x=a%20b"


@pytest.mark.parametrize("url", ["/live/1/trackID=1?x=1", "/live/1?x=1/trackID=1", "/live/1/?x=1/trackID=1/"])
def test_a_track_is_found_however_a_client_joins_urls(url: str) -> None:
    peer = table()
    peer.set_up(BASE + url)
    (session,) = peer.registry
    assert (session.path, dict(session.query), list(session.legs)) == ("/live/1", {"x": "1"}, [1])


def test_an_interleaved_session_from_setup_to_teardown() -> None:
    peer = table()
    session = peer.set_up(BASE + "/live/1/trackID=0", "RTP/AVP/TCP;unicast;interleaved=4-5")
    answer = peer.ask("PLAY", BASE + "/live/1/", ("Session", session), ("Range", "npt=0.000-"))
    assert answer.status == 200
    assert answer.headers.get("Range") == "npt=now-"
    assert answer.headers.get("RTP-Info") == f"url={BASE}/live/1/trackID=0;seq=7;rtptime=700"
    assert answer.headers.get("Session") == session + ";timeout=60"
    assert peer.ask("PAUSE", BASE + "/live/1", ("Session", session)).status == 200
    assert isinstance(peer.effects[-2], Pause)
    assert peer.ask("TEARDOWN", BASE + "/live/1", ("Session", session)).status == 200
    assert isinstance(peer.effects[-2], Release)
    assert peer.ask("PLAY", BASE + "/live/1", ("Session", session)).status == 454


def test_udp_goes_to_the_asker_from_the_ports_of_the_server() -> None:
    answer = table().ask(
        "SETUP",
        BASE + "/live/2",
        ("Transport", "RTP/AVP;unicast;client_port=5000-5001;destination=192.0.2.7"),
    )
    assert answer.headers.get("Transport") == (
        "RTP/AVP;unicast;source=192.0.2.1;client_port=5000-5001;server_port=6970-6971"
    )


@pytest.mark.parametrize(
    "transport",
    [
        "RTP/AVP;unicast;client_port=5000-5001;destination=203.0.113.9",
        "RTP/AVP;multicast;client_port=5000-5001",
        "RTP/AVP;unicast;client_port=22-23",
        "RTP/AVP;unicast",
        "RTP/SAVP;unicast;client_port=5000-5001",
        "RTP/AVP/TCP;unicast;interleaved=0-1;mode=RECORD",
        "",
    ],
)
def test_a_transport_that_cannot_be_had_is_461(transport: str) -> None:
    peer = table()
    assert peer.ask("SETUP", BASE + "/live/2", ("Transport", transport)).status == 461
    assert len(peer.registry) == 0


def test_the_second_alternative_is_taken_when_the_first_cannot_be_had() -> None:
    answer = table().ask(
        "SETUP", BASE + "/live/2", ("Transport", "RTP/AVP;multicast,RTP/AVP/TCP;unicast;interleaved=8-9")
    )
    assert answer.headers.get("Transport") == "RTP/AVP/TCP;unicast;interleaved=8-9"


def test_media_of_a_tls_connection_does_not_leave_in_the_clear() -> None:
    udp = "RTP/AVP;unicast;client_port=5000-5001"
    assert table(secure=True).ask("SETUP", BASE + "/live/2", ("Transport", udp)).status == 461


def test_channels_in_use_are_not_given_twice() -> None:
    peer = table()
    peer.set_up(BASE + "/live/2", "RTP/AVP/TCP;unicast;interleaved=0-1")
    again = peer.ask("SETUP", BASE + "/live/2", ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1"))
    assert again.headers.get("Transport") == "RTP/AVP/TCP;unicast;interleaved=2-3"


def test_methods_without_a_session_are_454_and_out_of_state_455() -> None:
    peer = table()
    for method in ("PLAY", "PAUSE", "TEARDOWN"):
        assert peer.ask(method, BASE + "/live/1").status == 454
    session = peer.set_up(BASE + "/live/1/trackID=0")
    peer.ask("PLAY", BASE + "/live/1", ("Session", session))
    answer = peer.ask("SETUP", BASE + "/live/1/trackID=1", ("Session", session), ("Transport", "RTP/AVP/TCP"))
    assert answer.status == 455
    assert "SETUP" not in (answer.headers.get("Allow") or "SETUP").split(", ")


def test_aggregate_and_single_tracks() -> None:
    peer = table()
    tcp = ("Transport", "RTP/AVP/TCP;unicast")
    assert peer.ask("SETUP", BASE + "/live/1", tcp).status == 459
    assert peer.ask("SETUP", BASE + "/live/1/trackID=7", tcp).status == 404
    session = peer.set_up(BASE + "/live/1/trackID=0")
    named = ("Session", session)
    assert peer.ask("PLAY", BASE + "/live/1/trackID=0", named).status == 200
    peer.ask("PAUSE", BASE + "/live/1", named)
    peer.set_up(BASE + "/live/1/trackID=1", "RTP/AVP/TCP;interleaved=2-3", session)
    assert peer.ask("PLAY", BASE + "/live/1/trackID=0", named).status == 460
    assert peer.ask("TEARDOWN", BASE + "/live/1/trackID=0", named).status == 200
    assert peer.ask("PLAY", BASE + "/live/1/trackID=1", named).status == 200
    assert peer.ask("SETUP", BASE + "/live/2", named, tcp).status == 455


@pytest.mark.parametrize(
    ("value", "status", "range_"),
    [
        ("npt=10-20", 200, "npt=10-20"),
        ("npt=10-", 200, "npt=10-60"),
        ("npt=now-", 200, "npt=60-60"),
        ("clock=20231114T221325Z-20231114T221330Z", 200, "clock=20231114T221325Z-20231114T221330Z"),
        ("clock=20231114T221330Z-", 200, "clock=20231114T221330Z-20231114T221420Z"),
        ("npt=20-10", 457, None),
        ("npt=900-", 457, None),
        ("smpte=10:12:33:20-", 457, None),
        ("furlongs=1-", 501, None),
        ("tomorrow", 400, None),
    ],
)
def test_ranges_of_a_recording(value: str, status: int, range_: str | None) -> None:
    peer = table()
    session = peer.set_up(BASE + "/replay/1/trackID=0")
    answer = peer.ask("PLAY", BASE + "/replay/1", ("Session", session), ("Range", value), ("Scale", "4"))
    assert (answer.status, answer.headers.get("Range")) == (status, range_)
    assert (answer.headers.get("Scale") == "4.0") is (status == 200)


def test_a_live_stream_has_no_clock_to_seek_by() -> None:
    peer = table()
    session = peer.set_up(BASE + "/live/2")
    answer = peer.ask("PLAY", BASE + "/live/2", ("Session", session), ("Range", "clock=20231114T221330Z-"))
    assert answer.status == 457


def test_versions_methods_and_options_that_are_not_served() -> None:
    peer = table()
    data = Request("OPTIONS", "*", headers((("CSeq", "1"),)), b"", "RTSP/2.0").encode()
    (write,) = peer.feed(data)
    assert isinstance(write, Write)
    assert b" 505 " in write.data
    assert peer.ask("RECORD", BASE + "/live/1").status == 501
    assert peer.ask("SET-FIRE", BASE + "/live/1").status == 501
    answer = peer.ask("SETUP", BASE + "/live/1", ("Require", "implicit-play, funky-feature"))
    assert answer.status == 551
    assert answer.headers.get("Unsupported") == "funky-feature, implicit-play"


def test_parameters_are_a_sign_of_life_and_none_is_understood() -> None:
    peer = table()
    session = ("Session", peer.set_up(BASE + "/live/2"))
    assert peer.ask("GET_PARAMETER", BASE + "/live/2", session).status == 200
    assert peer.ask("SET_PARAMETER", BASE + "/live/2", session).status == 200
    answer = peer.ask("SET_PARAMETER", BASE + "/live/2", session, body=b"barparam: barstuff\r\n")
    assert (answer.status, answer.body) == (451, b"barparam\r\n")


def test_what_the_library_says_is_answered() -> None:
    peer = table()
    statuses = [peer.ask("DESCRIBE", BASE + path).status for path in ("/nothing", *ERRORS)]
    assert statuses == [404, 403, 451, 503]


@pytest.mark.parametrize(
    "url", ["*", "/live/1", "http://h/live/1", "rtsp:///live/1", "rtsp://h/%ff", "rtsp://["]
)
def test_a_url_that_cannot_be_read_is_400(url: str) -> None:
    assert table().ask("DESCRIBE", url).status == 400


def test_a_message_that_cannot_be_read_is_answered_and_the_connection_closed() -> None:
    peer = table()
    effects = peer.feed(b"GET / HTTP/1.1\r\n\r\n")
    assert isinstance(effects[0], Write)
    assert effects[0].data.startswith(b"RTSP/1.0 400")
    assert isinstance(effects[-1], Close)
    assert peer.feed(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n") == []


def test_pipelined_requests_are_answered_in_order() -> None:
    peer = table()
    requests = [
        Request("DESCRIBE", BASE + path, headers((("CSeq", str(n)),))).encode()
        for n, path in enumerate(("/live/1", "/nothing", "/live/2", "/broken"))
    ]
    written = b"".join(e.data for e in peer.feed(b"".join(requests)) if isinstance(e, Write))
    statuses, at = [], 0
    while (taken := take(written, at)) is not None:
        assert isinstance(taken[0], Response)
        statuses.append((taken[0].headers.get("CSeq"), taken[0].status))
        at = taken[1]
    assert statuses == [("0", 200), ("1", 404), ("2", 200), ("3", 503)]


def test_what_waits_behind_a_request_is_bounded() -> None:
    peer = table()
    peer.answers = False
    peer.feed(Request("DESCRIBE", BASE + "/live/1", headers((("CSeq", "1"),))).encode())
    assert peer.feed(b"O" * BACKLOG_LIMIT) == []
    assert isinstance(peer.feed(b"O")[-1], Close)


def test_a_session_belongs_to_its_address_and_by_tcp_to_its_connection() -> None:
    peer = table()
    tcp = peer.set_up(BASE + "/live/2")
    udp = peer.set_up(BASE + "/live/2", "RTP/AVP;unicast;client_port=5000-5001")
    neighbour = Table(peer.registry, Peer("192.0.2.7", "192.0.2.1", False))
    stranger = Table(peer.registry, Peer("192.0.2.8", "192.0.2.1", False))
    assert [t.ask("PLAY", BASE + "/live/2", ("Session", tcp)).status for t in (neighbour, stranger)] == [
        454,
        454,
    ]
    assert [t.ask("PLAY", BASE + "/live/2", ("Session", udp)).status for t in (neighbour, stranger)] == [
        200,
        454,
    ]


def test_a_lost_connection_takes_its_interleaved_sessions_along() -> None:
    peer = table()
    peer.set_up(BASE + "/live/2")
    udp = peer.set_up(BASE + "/live/2", "RTP/AVP;unicast;client_port=5000-5001")
    (released,) = peer.connection.lost(peer.now)
    assert isinstance(released, Release)
    assert [session.id for session in peer.registry] == [udp]


@pytest.mark.parametrize("sign", ["request", "rtcp", "udp", "none"])
def test_a_session_lives_by_any_request_and_by_rtcp(sign: str) -> None:
    peer = table()
    udp = "RTP/AVP;unicast;client_port=5000-5001"
    session = peer.set_up(BASE + "/live/2", udp if sign == "udp" else "RTP/AVP/TCP;interleaved=0-1")
    peer.now = 50
    if sign == "request":
        peer.ask("OPTIONS", BASE + "/live/2", ("Session", session))
    elif sign == "rtcp":
        peer.feed(Frame(1, b"\x80\xc9\0\1\0\0\0\0").encode())
    elif sign == "udp":
        peer.registry.heard_from("192.0.2.7", 5001, 50)
    assert bool(peer.registry.expired(100)) is (sign == "none")
    assert len(peer.registry.expired(111)) == (sign != "none")


def test_limits_of_connections_and_sessions() -> None:
    limits = Limits(connections=3, connections_per_address=2, sessions=3, sessions_per_connection=2)
    peer = table(limits=limits)
    assert peer.registry.connect(Peer("192.0.2.7", "", False))
    assert not peer.registry.connect(Peer("192.0.2.7", "", False))
    assert peer.registry.connect(Peer("192.0.2.8", "", False))
    assert not peer.registry.connect(Peer("192.0.2.9", "", False))
    peer.set_up(BASE + "/live/2")
    peer.set_up(BASE + "/live/2")
    assert peer.ask("SETUP", BASE + "/live/2", ("Transport", "RTP/AVP/TCP")).status == 453


def test_a_connection_without_a_session_is_idle_after_its_time() -> None:
    peer = table()
    assert not peer.connection.idle(29)
    assert peer.connection.idle(31)
    peer.set_up(BASE + "/live/2")
    assert not peer.connection.idle(1000)


class Accounts:
    realm = "cameras"

    def ha1(self, user: str, algorithm: str) -> str | None:
        return secret_of(user, self.realm, "secret", algorithm) if user in ("viewer", "admin") else None


def signed(peer: Table, method: str, url: str, *fields: tuple[str, str], user: str = "viewer") -> Response:
    """A request with the credentials that its challenge asks for."""
    asked = peer.ask(method, url, *fields)
    assert asked.status == 401
    challenge = challenges(asked.headers.all("WWW-Authenticate"))[0]
    value = authorization(
        challenge, user, secret_of(user, "cameras", "secret", "SHA-256"), method, url, 1, "c"
    )
    return peer.ask(method, url, *fields, ("Authorization", value))


def test_credentials_are_asked_for_and_the_library_learns_the_account() -> None:
    peer = table(Guard(Accounts(), b"0123456789abcdef"))
    assert peer.ask("OPTIONS", BASE + "/live/1").status == 200
    assert signed(peer, "DESCRIBE", BASE + "/live/1").status == 200
    assert [e.account for e in peer.effects if isinstance(e, Resolve)] == ["viewer"]


def test_sha_256_and_md5_are_offered_in_headers_of_their_own() -> None:
    asked = table(Guard(Accounts(), b"0123456789abcdef")).ask("DESCRIBE", BASE + "/live/1")
    offered = asked.headers.all("WWW-Authenticate")
    assert [("SHA-256" in value, "MD5" in value) for value in offered] == [(True, False), (False, True)]


def test_a_session_is_of_the_account_that_made_it() -> None:
    peer = table(Guard(Accounts(), b"0123456789abcdef"))
    answer = signed(peer, "SETUP", BASE + "/live/2", ("Transport", "RTP/AVP/TCP"))
    session = ("Session", (answer.headers.get("Session") or "").partition(";")[0])
    assert signed(peer, "PLAY", BASE + "/live/2", session, user="admin").status == 454
    assert signed(peer, "PLAY", BASE + "/live/2", session).status == 200


def test_who_guesses_passwords_is_cut() -> None:
    peer = table(Guard(Accounts(), b"0123456789abcdef"))
    wrong = ("Authorization", 'Digest username="admin", realm="cameras", nonce="", uri="", response=""')
    for _ in range(Limits().attempts):
        assert peer.ask("DESCRIBE", BASE + "/live/1", wrong).status == 401
    assert isinstance(peer.effects[-1], Close)


def test_who_guesses_is_not_believed_on_another_connection_and_who_was_goes_on() -> None:
    guard, lockout = Guard(Accounts(), b"0123456789abcdef"), Lockout()
    peer = table(guard, lockout=lockout)
    assert signed(peer, "DESCRIBE", BASE + "/live/2").status == 200
    wrong = ("Authorization", 'Digest username="viewer", realm="cameras", nonce="", uri="", response=""')
    for _ in range(FREE):
        other = table(guard, lockout=lockout)
        assert other.ask("DESCRIBE", BASE + "/live/1", wrong).status == 401
    late = signed(table(guard, lockout=lockout), "DESCRIBE", BASE + "/live/2")
    assert (late.status, late.headers.get("Retry-After")) == (503, "2")
    assert signed(peer, "DESCRIBE", BASE + "/live/2").status == 200


def test_a_fault_on_demand_takes_the_place_of_the_answer() -> None:
    peer = table(
        Guard(Accounts(), b"0123456789abcdef"),
        intercept=lambda _, path: 401 if path == "/live/1" else 503,
    )
    assert peer.ask("DESCRIBE", BASE + "/live/1").headers.get("WWW-Authenticate") is not None
    assert peer.ask("DESCRIBE", BASE + "/live/2").status == 503


# -- anything at all
# --------------------------------------------------------------------------------------------

URLS = st.sampled_from(
    [
        "*",
        *(BASE + p for p in (*PLACES, *ERRORS)),
        BASE + "/live/1/trackID=0",
        BASE + "/live/1/trackID=1",
        "rtsp://x",
    ]
)
TRANSPORTS = st.sampled_from(
    [
        "RTP/AVP/TCP;unicast;interleaved=0-1",
        "RTP/AVP/TCP",
        "RTP/AVP;client_port=5000-5001",
        "RTP/AVP;multicast",
        ";,",
    ]
)


def test_a_timestamp_is_given_back() -> None:
    assert table().ask("OPTIONS", "*", ("Timestamp", "28.25")).headers.get("Timestamp") == "28.25"
    assert table().ask("OPTIONS", "*", ("Timestamp", "now")).headers.get("Timestamp") is None


def test_another_version_is_505_in_the_form_of_this_one() -> None:
    peer = table()
    octets = b"OPTIONS * RTSP/2.0\r\nCSeq: 7\r\n\r\n"
    (written,) = (effect.data for effect in peer.feed(octets) if isinstance(effect, Write))
    assert written.startswith(b"RTSP/1.0 505 RTSP Version not supported\r\nCSeq: 7\r\n")


RANGES = st.sampled_from(
    [
        "npt=0-",
        "npt=-3",
        "npt=9-1",
        "npt=7",
        "npt=5-1",
        "clock=20231114T221330Z-",
        "smpte=0-",
        "x",
        "npt=now-",
    ]
)
EXTRA: Mapping[str, st.SearchStrategy[str]] = {
    "Transport": TRANSPORTS,
    "Range": RANGES,
    "Require": st.sampled_from(["a", "onvif-replay", ","]),
    "Authorization": st.sampled_from(["Digest x", "Basic x", 'Digest username="viewer", qop=auth']),
    "Accept": st.sampled_from(["text/html", "application/sdp"]),
    "Scale": st.sampled_from(["-1", "x", "30"]),
    "Speed": st.sampled_from(["2", "1-2", "-"]),
    "Rate-Control": st.sampled_from(["no", "yes", ""]),
    "Frames": st.sampled_from(["intra/5", "all", "half"]),
    "Timestamp": st.sampled_from(["1.5", "x"]),
}


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, list[tuple[str, str]], bytes]:
    method = draw(st.sampled_from([*TABLE, "RECORD", "X"]))
    names = draw(st.lists(st.sampled_from(sorted(EXTRA)), max_size=3))
    return method, draw(URLS), [(n, draw(EXTRA[n])) for n in names], draw(st.sampled_from([b"", b"x: y\r\n"]))


@settings(max_examples=150)
@given(
    st.lists(st.tuples(requests(), st.sampled_from(["mine", "none", "other"])), max_size=14), st.booleans()
)
def test_any_sequence_of_requests_is_answered_one_by_one(
    sequence: list[tuple[tuple[str, str, list[tuple[str, str]], bytes], str]], guarded: bool
) -> None:
    peer = table(Guard(Accounts(), b"0123456789abcdef") if guarded else None)
    session = "none"
    for (method, url, fields, body), whose in sequence:
        if any(isinstance(effect, Close) for effect in peer.effects):
            break
        named = {"mine": [("Session", session)], "none": [], "other": [("Session", "x;y")]}[whose]
        answer = peer.ask(method, url, *fields, *named, body=body)
        assert 200 <= answer.status < 600
        session = (answer.headers.get("Session") or session).partition(";")[0]
        peer.now += 1


@settings(max_examples=150)
@given(
    st.lists(
        st.binary(max_size=80) | st.sampled_from([b"OPTIONS ", b"* RTSP/1.0\r\n", b"CSeq: 1\r\n\r\n", b"$\0"])
    )
)
def test_any_octets_are_answered_or_waited_for_or_the_connection_closed(pieces: list[bytes]) -> None:
    peer = table()
    for piece in pieces:
        peer.feed(piece)
    for effect in peer.effects:
        if isinstance(effect, Write):
            assert effect.data.startswith(b"RTSP/1.0 ")


@settings(max_examples=60)
@given(st.data())
def test_a_request_may_come_in_any_pieces(data: st.DataObject) -> None:
    peer = table()
    whole = (
        Request("SET_PARAMETER", BASE + "/live/1", headers((("CSeq", "5"),)), b"a: b\r\n" * 20).encode() * 2
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=20)))
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        peer.feed(whole[start:end])
    assert len(peer.effects) == 2
