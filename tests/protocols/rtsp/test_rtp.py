"""RTP and RTCP, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media import Utc
from protocols.rtsp import rtcp, rtp

U32 = st.integers(0, (1 << 32) - 1)
TEXT = st.text(st.characters(codec="ascii", min_codepoint=32), max_size=40)

packets = st.builds(
    rtp.Packet,
    payload_type=st.integers(0, 127),
    marker=st.booleans(),
    sequence=st.integers(0, 65535),
    timestamp=U32,
    ssrc=U32,
    payload=st.binary(min_size=1, max_size=100),
    csrc=st.lists(U32, max_size=15).map(tuple),
    extension=st.none()
    | st.builds(rtp.Extension, st.integers(0, 65535), st.integers(0, 5).map(lambda words: bytes(4 * words))),
)
blocks = st.lists(
    st.builds(
        rtcp.ReportBlock, U32, st.integers(0, 255), st.integers(-(1 << 23), (1 << 23) - 1), U32, U32, U32, U32
    ),
    max_size=5,
).map(tuple)
reports = st.one_of(
    st.builds(rtcp.SenderReport, U32, st.integers(0, (1 << 64) - 1), U32, U32, U32, blocks),
    st.builds(rtcp.ReceiverReport, U32, blocks),
    st.builds(
        rtcp.Description,
        st.lists(
            st.tuples(U32, st.lists(st.tuples(st.integers(1, 8), TEXT), max_size=3).map(tuple)), max_size=3
        ).map(tuple),
    ),
    st.builds(rtcp.Goodbye, st.lists(U32, max_size=3).map(tuple), TEXT),
)


@given(packets, st.integers(0, 255))
def test_a_packet_comes_back_as_it_was_built(packet: rtp.Packet, padding: int) -> None:
    found = rtp.parse(rtp.build(packet, padding))
    assert bytes(found.payload) == packet.payload
    for name in ("payload_type", "marker", "sequence", "timestamp", "ssrc", "csrc", "extension"):
        assert getattr(found, name) == getattr(packet, name)


@given(st.binary(max_size=100))
def test_any_octets_are_a_packet_or_malformed(octets: bytes) -> None:
    try:
        packet = rtp.parse(octets)
    except rtp.MalformedPacket:
        return
    assert len(packet.payload) <= len(octets) - rtp.HEADER_SIZE


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param("80", id="short"),
        pytest.param("4060000100000000000000ff", id="version"),
        pytest.param("8160000100000000000000ff", id="csrc"),
        pytest.param("9060000100000000000000ffabac00ff", id="extension"),
        pytest.param("a060000100000000000000ff00", id="no padding"),
        pytest.param("a060000100000000000000ff0009", id="too much padding"),
    ],
)
def test_a_header_that_does_not_fit_is_malformed(octets: str) -> None:
    with pytest.raises(rtp.MalformedPacket):
        rtp.parse(bytes.fromhex(octets))


@given(st.lists(reports, max_size=6))
def test_a_compound_packet_comes_back_as_it_was_built(compound: list[rtcp.Report]) -> None:
    assert rtcp.parse(rtcp.build(compound)) == compound


@given(st.binary(max_size=200))
def test_any_octets_are_rtcp_or_malformed(octets: bytes) -> None:
    try:
        rtcp.parse(b"\x80\xc8" + octets)
        rtcp.parse(octets)
    except rtp.MalformedPacket:
        pass


@given(st.integers(0, 4_000_000_000_000_000))
def test_ntp_time_and_back(microseconds: int) -> None:
    assert abs(rtcp.utc_of(rtcp.ntp_of(Utc(microseconds))) - microseconds) <= 1


def test_ntp_time_of_a_known_instant() -> None:
    """2036-02-07T06:28:16Z is where the era ends, RFC 3550 s4."""
    assert rtcp.ntp_of(Utc(0)) == 2_208_988_800 << 32
    assert rtcp.utc_of(0) == 2_085_978_496_000_000
