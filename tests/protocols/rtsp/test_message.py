"""RTSP messages: what is written is read back, and what is no message is refused within its limits."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.rtsp.message import (
    BODY_LIMIT,
    HEAD_LIMIT,
    HEADER_COUNT_LIMIT,
    URL_LIMIT,
    Frame,
    Headers,
    MalformedMessage,
    Request,
    Response,
    extent,
    headers,
    take,
)

TOKENS = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True).filter(
    lambda name: name.lower() != "content-length"
)
TEXT = st.text(
    st.characters(min_codepoint=0x20, exclude_characters="\x7f", exclude_categories=["Cs", "Cc"])
).map(lambda text: text.strip(" \t"))
FIELDS = st.lists(st.tuples(TOKENS, TEXT), max_size=10).map(headers)
BODIES = st.binary(max_size=300)


def read(data: bytes) -> Request | Response | Frame:
    taken = take(data)
    assert taken is not None
    assert taken[1] == len(data)
    return taken[0]


@given(TOKENS, st.from_regex(r"rtsp://[a-z0-9/?=%]{1,40}", fullmatch=True), FIELDS, BODIES)
def test_a_request_is_read_as_it_was_written(method: str, url: str, fields: Headers, body: bytes) -> None:
    got = read(Request(method, url, fields, body).encode())
    assert isinstance(got, Request)
    assert (got.method, got.url, got.body) == (method, url, body)
    assert [pair for pair in got.headers if pair[0] != "Content-Length"] == list(fields)


@given(st.integers(100, 999), FIELDS, BODIES)
def test_a_response_is_read_as_it_was_written(status: int, fields: Headers, body: bytes) -> None:
    got = read(Response(status, fields, body).encode())
    assert isinstance(got, Response)
    assert (got.status, got.body) == (status, body)


@given(st.integers(0, 255), st.binary(max_size=2000))
def test_an_interleaved_frame_is_read_as_it_was_written(channel: int, payload: bytes) -> None:
    assert read(Frame(channel, payload).encode()) == Frame(channel, payload)


@given(st.binary(max_size=600))
def test_any_octets_are_read_or_waited_for_or_refused(data: bytes) -> None:
    for function in (take, extent):
        with contextlib.suppress(MalformedMessage):
            function(data)


@given(st.data())
def test_a_damaged_message_is_read_or_waited_for_or_refused(data: st.DataObject) -> None:
    whole = bytearray(
        Request("SETUP", "rtsp://h/a?b=c", headers((("CSeq", "1"), ("Transport", "x"))), b"ab").encode()
    )
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MalformedMessage):
        take(bytes(whole))


def test_every_prefix_of_a_message_is_waited_for() -> None:
    whole = Request("PLAY", "rtsp://h/a", headers((("CSeq", "1"), ("Session", "x"))), b"body").encode()
    assert all(take(whole[:size]) is None for size in range(len(whole)))
    assert take(whole) is not None


def test_messages_and_frames_stand_one_behind_the_other() -> None:
    data = b"\r\n" + Request("A", "rtsp://h").encode() + Frame(1, b"xy").encode() + Response(200).encode()
    kinds, at = [], 0
    while (taken := take(data, at)) is not None:
        kinds.append(type(taken[0]))
        at = taken[1]
    assert kinds == [Request, Frame, Response]


def test_lines_may_end_with_a_bare_line_feed_and_headers_may_be_folded() -> None:
    got = read(b"OPTIONS * RTSP/1.0\nCSeq: 1\nAccept: a,\n b\n\n")
    assert got.headers.get("accept") == "a, b" if isinstance(got, Request) else False


def test_the_same_header_may_come_several_times() -> None:
    got = read(b"RTSP/1.0 401 No\r\nWWW-Authenticate: Basic\r\nwww-authenticate: Digest\r\n\r\n")
    assert isinstance(got, Response)
    assert got.headers.all("WWW-AUTHENTICATE") == ("Basic", "Digest")


def test_the_extent_of_a_message_is_known_before_its_body_is_there() -> None:
    whole = Request("A", "rtsp://h", headers(()), b"x" * 1000).encode()
    assert extent(whole[:-900]) == len(whole)
    assert extent(whole[:10]) is None


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"A rtsp://h RTSP/1.0\r\nX: " + b"x" * HEAD_LIMIT, 413),
        (b"A rtsp://h RTSP/1.0\r\n" + b"X: y\r\n" * (HEADER_COUNT_LIMIT + 1) + b"\r\n", 413),
        (b"A rtsp://" + b"h" * URL_LIMIT + b" RTSP/1.0\r\n\r\n", 414),
        (b"A rtsp://h RTSP/1.0\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT + 1), 413),
        (b"A rtsp://h RTSP/1.0\r\nContent-Length: -1\r\n\r\n", 400),
        (b"A rtsp://h RTSP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"A rtsp://h\r\n\r\n", 400),
        (b"A rtsp://h HTTP/1.1\r\n\r\n", 400),
        (b"A rtsp://h RTSP/1.0\r\nno colon\r\n\r\n", 400),
        (b"A rtsp://h RTSP/1.0\r\nX: a\x00b\r\n\r\n", 400),
        (b"RTSP/1.0 20 OK\r\n\r\n", 400),
        (b"\x16\x03\x01", 400),
    ],
)
def test_what_is_beyond_a_limit_or_no_message_is_refused(data: bytes, status: int) -> None:
    with pytest.raises(MalformedMessage) as caught:
        take(data)
    assert caught.value.status == status


@pytest.mark.parametrize("pair", [("X", "a\r\nY: b"), ("X Y", "a"), ("", "a")])
def test_a_header_cannot_be_written_that_would_be_read_as_two(pair: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="not a header"):
        headers((pair,))
