"""The Transport header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.rtsp.transport import Transport, parse


def pairs(limit: int) -> st.SearchStrategy[tuple[int, int] | None]:
    return st.none() | st.integers(0, limit - 1).map(lambda n: (n, n + 1))


@given(
    st.builds(
        Transport,
        tcp=st.booleans(),
        unicast=st.booleans(),
        interleaved=pairs(255),
        client_port=pairs(65535),
        server_port=pairs(65535),
        ssrc=st.none() | st.integers(0, 2**32 - 1),
        source=st.sampled_from([None, "10.0.0.1", "::1"]),
    )
)
def test_a_transport_is_read_as_it_was_written(transport: Transport) -> None:
    assert parse(transport.encode()) == [transport]


@given(st.text(max_size=200))
def test_any_text_is_read_or_ignored(text: str) -> None:
    assert len(parse(text)) <= 16


@given(
    st.lists(st.sampled_from(["RTP/AVP", ";", ",", "=", "-", "interleaved", "client_port", "9", "\xb2", '"']))
)
def test_any_arrangement_of_its_words_is_read_or_ignored(words: list[str]) -> None:
    parse("".join(words))


def test_alternatives_keep_their_order() -> None:
    found = parse("RTP/AVP;unicast;client_port=8000-8001, RTP/AVP/TCP;unicast;interleaved=2-3")
    assert [(t.tcp, t.client_port, t.interleaved) for t in found] == [
        (False, (8000, 8001), None),
        (True, None, (2, 3)),
    ]


def test_one_number_of_a_pair_implies_the_next() -> None:
    assert parse("RTP/AVP/UDP;unicast;client_port=8000")[0].client_port == (8000, 8001)


@pytest.mark.parametrize(
    "value",
    ["", "RTP/SAVP;unicast", "RTP/AVP/TCP;interleaved=255-256", "RTP/AVP;client_port=70000-70001", "x;=;"],
)
def test_what_cannot_be_used_is_left_out(value: str) -> None:
    assert parse(value) == []
