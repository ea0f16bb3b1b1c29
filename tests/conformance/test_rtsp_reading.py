"""What the RTSP suite reads, it reads strictly; and what it says of itself, it computes as the standards do."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.case import Failed
from conformance.compare import main, read, table
from conformance.rtsp import digest, rtp, sdp
from conformance.rtsp.client import Login
from conformance.rtsp.presentation import rtp_info
from conformance.rtsp.websocket import Opcode, WebSocket, frame, proof
from conformance.rtsp.wire import Answer, Packet, take

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"


def test_the_digest_is_that_of_rfc_2069() -> None:
    """RFC 2069 s2.4, with the response of its erratum 749."""
    (challenge,) = digest.challenges(
        ['Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc"']
    )
    login = Login("Mufasa", "CircleOfLife")
    login.take(challenge)
    value = login.header("GET", "/dir/index.html")
    assert value is not None
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in value
    assert 'opaque="5ccc"' in value


def test_several_challenges_in_one_field_are_told_apart_and_the_strongest_is_taken() -> None:
    offered = digest.challenges(
        [
            'Basic realm="a, b", Digest realm="c", nonce="1", algorithm=MD5, qop="auth,auth-int"',
            'Digest realm="c", nonce="2", algorithm=SHA-256, qop="auth", stale=TRUE',
            'Digest realm="c", nonce="3", algorithm=SHA-512-256',
        ]
    )
    assert [(one.scheme, one.realm, one.nonce) for one in offered] == [
        ("basic", "a, b", ""),
        ("digest", "c", "1"),
        ("digest", "c", "2"),
        ("digest", "c", "3"),
    ]
    best = digest.best(offered)
    assert best is offered[2]
    assert best.stale


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (SDP, None),
        (SDP.replace("s=x\r\n", ""), "0 lines s="),
        (SDP.replace("v=0", "v=1"), "not v=0"),
        (SDP.replace("\r\n", "\n"), "carriage return"),
        (SDP.replace("t=0 0\r\n", "").replace("o=-", "t=0 0\r\no=-"), "wrong order"),
        (SDP.replace("m=video 0 RTP/AVP 96", "m=video"), "not a media line"),
        (SDP + "nonsense\r\n", "not a line of SDP"),
        (SDP.partition("m=")[0], "no media"),
        ("", "not a line of SDP"),
    ],
)
def test_a_description_s_faults_are_named(text: str, fault: str | None) -> None:
    faults = sdp.read(text.encode()).faults
    assert (faults == []) if fault is None else any(fault in one for one in faults)


@pytest.mark.parametrize(
    "data",
    [
        b"HELLO WORLD AND MORE\r\n\r\n",
        b"RTSP/1.0 2000 OK\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nno field\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"\x00\x01\x02",
        b"R" * 100_000,
    ],
)
def test_what_is_no_answer_is_a_failure_of_the_device(data: bytes) -> None:
    with pytest.raises(Failed):
        take(bytearray(data), 0.0)


@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(1, 64))
def test_messages_come_out_as_they_went_in_however_they_are_cut(bodies: list[bytes], piece: int) -> None:
    wire = b"".join(
        b"$\x01" + len(body).to_bytes(2, "big") + body
        if number % 2
        else b"RTSP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        for number, body in enumerate(bodies)
    )
    buffer, found = bytearray(), []
    for at in range(0, len(wire), piece):
        buffer += wire[at : at + piece]
        while (message := take(buffer, 0.0)) is not None:
            found.append(message)
    assert [m.body if isinstance(m, Answer) else m.data for m in found] == bodies
    assert [isinstance(m, Packet) for m in found] == [bool(n % 2) for n in range(len(bodies))]


@given(st.binary(max_size=200))
def test_whatever_a_device_sends_is_a_message_or_a_failure(data: bytes) -> None:
    for reader in (rtp.read, rtp.read_control, lambda octets: take(bytearray(octets), 0.0)):
        try:
            reader(data)
        except Failed:
            continue
    sdp.read(data)
    digest.challenges([data.decode("latin-1")])


def test_rtp_info_is_read_with_urls_that_hold_separators() -> None:
    value = 'url=rtsp://h/a?x=1,2;3/track=0;seq=7;rtptime=9,url="rtsp://h/b";seq=8, url=rtsp://h/c'
    answer = Answer("RTSP", "1.0", 200, "OK", (("RTP-Info", value),), b"", b"")
    assert rtp_info(answer) == [
        {"url": "rtsp://h/a?x=1,2;3/track=0", "seq": "7", "rtptime": "9"},
        {"url": "rtsp://h/b", "seq": "8"},
        {"url": "rtsp://h/c"},
    ]


@pytest.mark.parametrize("wrong", [b"\x82\x81mask!", b"\xc2\x01!", b"\x83\x01!"])
async def test_frames_that_no_server_may_send_are_no_messages(wrong: bytes) -> None:
    reader, (near, far) = asyncio.StreamReader(), socket.socketpair()
    _, writer = await asyncio.open_connection(sock=near)
    websocket = WebSocket(reader, writer, bytearray(frame(Opcode.BINARY, b"RTSP", masked=False)[:3]))
    reader.feed_data(b"TSP" + frame(Opcode.PONG, b"well", masked=False) + wrong)
    assert await websocket.read(1) == b"RTSP"
    with pytest.raises(Failed, match="RFC 6455"):
        await websocket.read(1)
    assert (websocket.pongs, websocket.kinds) == ([b"well"], {Opcode.BINARY})
    writer.close()
    far.close()


def test_the_answer_to_a_key_is_the_one_of_the_standard() -> None:
    assert proof("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 s1.3


def test_reports_stand_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, result in (("a", "pass"), ("b", "fail")):
        case = {
            "id": "x.y",
            "title": "does it",
            "clause": "RFC 1 s2",
            "requirement": "optional",
            "result": result,
        }
        summary = {
            "passed": result == "pass",
            "failed": result == "fail",
            "mandatory_failed": 0,
            "not_applicable": 0,
        }
        (tmp_path / name).write_text(json.dumps({"cases": [case], "summary": summary}))
    reports = [read(f"{name.upper()}={tmp_path / name}") for name in "ab"]
    assert "| `x.y` | pass | **fail** | does it | optional, RFC 1 s2 |" in table(reports)
    assert main([str(tmp_path / "a")]) == 2
    assert "is not of the form NAME=REPORT.json" in capsys.readouterr().err
