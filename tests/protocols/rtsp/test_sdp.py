"""Session descriptions, as cameras write them and as we do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media import Codec, Track
from protocols.rtsp import sdp
from protocols.rtsp.formats import Unsupported, aac_duration, aac_layout, media_of, track_of
from tests.protocols.rtsp.kept import H264

CAMERA = b"""v=0
o=- 1421069297525233 1 IN IP4 192.168.0.101
s=H.264 Video, RtspServer_0.0.0.2
t=0 0
a=tool:RtspServer_0.0.0.2
a=control:*
a=range:npt=0-
m=video 0 RTP/AVP 96
c=IN IP4 0.0.0.0
b=AS:4096
a=rtpmap:96 H264/90000
a=control:trackID=1
a=fmtp:96 packetization-mode=1;profile-level-id=64001E;SPROP;
m=audio 0 RTP/AVP 97 0
a=rtpmap:97 MPEG4-GENERIC/44100/2
a=fmtp:97 streamtype=5; mode=AAC-hbr; config=1210;sizelength=13; indexlength=3;indexdeltalength=3;
a=control:trackID=2
m=audio 0 RTP/AVP 0
a=control:trackID=3
a=sendonly
m=application 0 RTP/AVP 107
a=rtpmap:107 vnd.onvif.metadata/90000
a=control:trackID=4
m=image 0 RTP/AVP 120
""".replace(b"SPROP", b"sprop-parameter-sets=Z2QAHqzZQKAv+XARAAADAAEAAAMAMg8WLZY=,aOvjyyLA")
CAMERA = CAMERA.replace(b"\n", b"\r\n")


def tracks(data: bytes) -> list[Track]:
    return [track_of(media, media.formats[0]) for media in sdp.parse(data).media if media.formats]


def test_a_cameras_description_tells_all_tracks() -> None:
    video, aac, law, metadata = tracks(CAMERA)
    assert video == H264
    assert (aac.codec, aac.clock_rate, aac.channels, aac.parameters) == (Codec.AAC, 44100, 2, (b"\x12\x10",))
    assert (law.codec, law.clock_rate, law.channels) == (Codec.PCMU, 8000, 1)
    assert metadata == Track(Codec.ONVIF_METADATA, 90000)


def test_several_tracks_of_one_kind_keep_their_controls() -> None:
    controls = [media.control for media in sdp.parse(CAMERA).media]
    assert controls == ["trackID=1", "trackID=2", "trackID=3", "trackID=4", ""]


@pytest.mark.parametrize(
    ("base", "control", "url"),
    [
        ("rtsp://h/a/", "trackID=1", "rtsp://h/a/trackID=1"),
        ("rtsp://h/a", "trackID=1", "rtsp://h/a/trackID=1"),
        ("rtsp://h/a?x=1", "trackID=1", "rtsp://h/a?x=1/trackID=1"),
        ("rtsp://h/a", "rtsp://other/b", "rtsp://other/b"),
        ("rtsp://h:554/a/b", "/c", "rtsp://h:554/c"),
        ("rtsp://[::1]:554/a", "t", "rtsp://[::1]:554/a/t"),
        ("rtsp://h/a", "*", "rtsp://h/a"),
        ("rtsp://h/a", "", "rtsp://h/a"),
    ],
)
def test_controls_are_resolved_as_cameras_mean_them(base: str, control: str, url: str) -> None:
    assert sdp.control_url(base, control) == url


@pytest.mark.parametrize(
    "track",
    [
        H264,
        Track(Codec.H264, 90000),
        Track(Codec.H265, 90000, (b"\x40\x01vps", b"\x42\x01sps", b"\x44\x01pps")),
        Track(Codec.MJPEG, 90000),
        Track(Codec.AAC, 48000, (b"\x11\x90",), channels=2),
        Track(Codec.PCMU, 8000, channels=1),
        Track(Codec.PCMA, 8000, channels=1),
        Track(Codec.G726, 8000, channels=1, bits=4),
        Track(Codec.OPUS, 48000, channels=2),
        Track(Codec.ONVIF_METADATA, 90000),
    ],
    ids=lambda track: track.codec.value,
)
def test_what_a_server_writes_is_what_a_client_reads(track: Track) -> None:
    media = media_of(track, 96, "track1")
    text = sdp.write(sdp.SessionDescription((media,), "name", "*"), "192.0.2.1", 1)
    (found,) = sdp.parse(text).media
    assert found.control == "track1"
    assert track_of(found, found.formats[0]) == track


def test_a_name_cannot_break_out_of_its_line() -> None:
    text = sdp.write(sdp.SessionDescription((), "a\r\nm=video 0 RTP/AVP 96"), "192.0.2.1", 1)
    assert sdp.parse(text).media == ()


@pytest.mark.parametrize(
    ("rtpmap", "fmtp"),
    [
        ("MP4A-LATM/48000", ""),
        ("H264/90000", "packetization-mode=2"),
        ("H265/90000", "sprop-max-don-diff=1"),
        ("MPEG4-GENERIC/48000/2", "mode=AAC-hbr"),
        ("MPEG4-GENERIC/48000/2", "mode=generic;config=1190"),
        ("G722/8000", ""),
    ],
)
def test_formats_that_cannot_be_recorded_say_so(rtpmap: str, fmtp: str) -> None:
    (media,) = sdp.parse(f"v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 {rtpmap}\na=fmtp:96 {fmtp}\n").media
    with pytest.raises(Unsupported):
        track_of(media, media.formats[0])


def test_unreadable_parameter_sets_are_left_to_the_stream() -> None:
    (media,) = sdp.parse(
        "v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 sprop-parameter-sets=*,!,AAAA"
    ).media
    assert track_of(media, media.formats[0]).parameters in ((), (b"\0\0\0",))


def test_the_duration_of_an_aac_unit_follows_its_own_rate() -> None:
    assert aac_duration(Track(Codec.AAC, 48000, (b"\x11\x90",))) == 1024
    assert aac_duration(Track(Codec.AAC, 48000, (b"\x13\x10",))) == 2048  # a core of 24 kHz


def test_sizes_of_headers_have_defaults_by_mode() -> None:
    assert aac_layout({}) == (13, 3, 3)
    assert aac_layout({"mode": "AAC-lbr"}) == (6, 2, 2)


def test_limits() -> None:
    with pytest.raises(sdp.MalformedDescription):
        sdp.parse(b"v=0\n" + b"a=x\n" * 20000)
    with pytest.raises(sdp.MalformedDescription):
        sdp.parse(b"v=0\n" + b"m=video 0 RTP/AVP 96\n" * 40)
    with pytest.raises(sdp.MalformedDescription):
        sdp.parse(b"<html>404</html>")


@given(st.data())
def test_any_mutation_is_read_or_refused(data: st.DataObject) -> None:
    octets = bytearray(CAMERA)
    for _ in range(data.draw(st.integers(1, 30))):
        at = data.draw(st.integers(0, len(octets) - 1))
        if data.draw(st.booleans()):
            octets[at] = data.draw(st.integers(0, 255))
        else:
            del octets[at : at + data.draw(st.integers(1, 40))]
    try:
        description = sdp.parse(bytes(octets))
    except sdp.MalformedDescription:
        return
    for media in description.media:
        for form in media.formats:
            try:
                assert track_of(media, form).clock_rate > 0
            except Unsupported:
                continue
