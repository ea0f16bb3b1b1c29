"""What ffmpeg, GStreamer and mpv make of the server: every picture, bit for bit, over TCP and UDP, with digest."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from device.clock import SystemClock
from device.digest import secret_of
from device.media import MICROSECONDS, Codec, Track, Utc
from protocols.rtsp.endpoint import Endpoint, Listen
from tests.protocols.rtsp.media import Clip, ClipFeed, ListStore, Shelf, audio, together, video
from tests.protocols.rtsp.players import run

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("ffmpeg", "ffprobe", "gst-launch-1.0", "mpv"))), reason="needs the players"
)
WIDTH, HEIGHT = 320, 240
CODECS = (Codec.H264, Codec.H265, Codec.MJPEG)


class Accounts:
    """One account, for the digest."""

    realm = "recorder"

    def ha1(self, user: str, algorithm: str) -> str | None:
        return secret_of(user, self.realm, "secret", algorithm) if user == "viewer" else None


@cache
def clips() -> Mapping[str, Clip]:
    """By name of path."""
    pictures = {codec.name.lower(): video(codec) for codec in CODECS}
    spoken = {
        "aac": together(video(Codec.H264), audio(Codec.AAC)),
        "pcmu": together(video(Codec.H265), audio(Codec.PCMU)),
        "pcma": together(video(Codec.MJPEG), audio(Codec.PCMA)),
    }
    return {**pictures, **spoken}


@pytest.fixture
async def served() -> AsyncIterator[str]:
    """The address of an endpoint with all clips, live and stored."""
    h264 = video(Codec.H264)
    stored = {name: ListStore(((clip.tracks, clip.samples),)) for name, clip in clips().items()}
    stored["gap"] = ListStore(((h264.tracks, h264.samples[:20]), (h264.tracks, h264.shifted(7200)[:20])))
    shelf = Shelf({name: ClipFeed(clip) for name, clip in clips().items()}, stored)
    async with Endpoint(shelf, Accounts(), (Listen("127.0.0.1", 0),), SystemClock()) as endpoint:
        yield f"rtsp://viewer:secret@127.0.0.1:{endpoint.port}"


async def ffmpeg(url: str, protocol: str, *more: str) -> list[str]:
    """MD5 of every picture that ffmpeg decodes."""
    head = ("ffmpeg", "-v", "error", "-rtsp_transport", protocol, "-i", url)
    return sums(await run(*head, *more, "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-"))


def sums(said: bytes) -> list[str]:
    """The last column of framemd5."""
    lines = said.decode().splitlines()
    return [line.rpartition(",")[2].strip() for line in lines if not line.startswith("#")]


async def gstreamer(url: str, protocol: str, decoder: str, folder: Path) -> list[str]:
    """MD5 of every picture that GStreamer decodes."""
    out = folder / f"{protocol}.yuv"
    # It waits two seconds for what is late; what comes later it throws away, by TCP too.
    pipeline = f"rtspsrc location={url} protocols={protocol} ! {decoder} ! filesink location={out}"
    # Once in a while, at the end of a stream by UDP, rtspsrc 1.22 takes back its own PAUSE before it is on the wire,
    # calls that an end of file, and goes on to TEARDOWN. All pictures are there by then, and they are the judge.
    await run("gst-launch-1.0", "-q", *pipeline.split(), forgive="gst_rtspsrc_pause")
    data, size = out.read_bytes(), WIDTH * HEIGHT * 3 // 2
    assert len(data) % size == 0
    return [hashlib.md5(data[at : at + size]).hexdigest() for at in range(0, len(data), size)]


async def expected(codec: Codec, folder: Path) -> list[str]:
    """MD5 of every picture that ffmpeg decodes from the bare bitstream, without any server."""
    clip = video(codec)
    path = folder / f"{codec.name}.bits"
    if codec is Codec.MJPEG:
        path.write_bytes(b"".join(bytes(sample.data) for sample in clip.samples))
    else:
        path.write_bytes(annex_b(clip.tracks[0], clip))
    form = {Codec.H264: "h264", Codec.H265: "hevc", Codec.MJPEG: "mjpeg"}[codec]
    found = sums(await run("ffmpeg", "-v", "error", "-f", form, "-i", str(path), "-f", "framemd5", "-"))
    assert len(found) == clip.pictures
    assert len(set(found)) == clip.pictures
    return found


def annex_b(track: Track, clip: Clip) -> bytes:
    """With start codes, as decoders read files."""
    out = [b"\0\0\0\1" + unit for unit in track.parameters]
    for sample in clip.samples:
        data, at = bytes(sample.data), 0
        while at < len(data):
            end = at + 4 + int.from_bytes(data[at : at + 4], "big")
            out.append(b"\0\0\0\1" + data[at + 4 : end])
            at = end
    return b"".join(out)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
async def test_ffmpeg_decodes_every_picture_of_a_recording(
    served: str, protocol: str, tmp_path: Path
) -> None:
    names = [codec.name.lower() for codec in CODECS]
    got = await asyncio.gather(*(ffmpeg(f"{served}/replay/{name}", protocol) for name in names))
    for codec, pictures in zip(CODECS, got, strict=True):
        assert pictures == await expected(codec, tmp_path)


async def test_ffmpeg_plays_a_recording_over_a_gap_of_hours(served: str, tmp_path: Path) -> None:
    wanted = await expected(Codec.H264, tmp_path)
    assert await ffmpeg(f"{served}/replay/gap", "tcp") == wanted[:20] * 2


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
async def test_gstreamer_decodes_every_picture_of_a_recording(
    served: str, protocol: str, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("h264", "h265")]
    for folder in folders:
        folder.mkdir()
    chains = ("rtph264depay ! h264parse ! avdec_h264", "rtph265depay ! h265parse ! avdec_h265")
    got = await asyncio.gather(
        *(
            gstreamer(f"{served}/replay/{folder.name}", protocol, chain, folder)
            for folder, chain in zip(folders, chains, strict=True)
        )
    )
    for codec, pictures in zip((Codec.H264, Codec.H265), got, strict=True):
        assert pictures == await expected(codec, tmp_path)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
async def test_a_live_stream_reaches_every_player_from_its_key_frame_on(
    served: str, protocol: str, tmp_path: Path
) -> None:
    names = [codec.name.lower() for codec in CODECS]
    got = await asyncio.gather(
        *(ffmpeg(f"{served}/live/{name}", protocol, "-frames:v", "25") for name in names)
    )
    for codec, pictures in zip(CODECS, got, strict=True):
        wanted = await expected(codec, tmp_path)
        first = wanted.index(pictures[0])
        assert pictures == (wanted * 2)[first : first + 25]


@pytest.mark.parametrize("name", ["aac", "pcmu", "pcma"])
async def test_picture_and_sound_arrive_together(served: str, name: str) -> None:
    clip = clips()[name]
    said = await run(
        *(
            "ffprobe",
            "-v",
            "error",
            "-rtsp_transport",
            "tcp",
            "-show_entries",
            "packet=stream_index,pts_time",
        ),
        *("-of", "csv=p=0", f"{served}/replay/{name}"),
    )
    entries = said.decode()
    rows = [line.split(",")[:2] for line in entries.split()]
    times = [[float(time) for index, time in rows if index == str(n) and time != "N/A"] for n in range(2)]
    assert [sum(index == str(n) for index, _ in rows) for n in range(2)] == [
        sum(sample.track == n for sample in clip.samples) for n in range(2)
    ]
    assert abs(times[0][0] - times[1][0]) < 0.05
    assert abs(times[0][-1] - times[1][-1]) < 0.1


async def test_ffprobe_learns_the_length_of_a_recording(served: str) -> None:
    said = await run(
        *(
            "ffprobe",
            "-v",
            "error",
            "-show_entries",
            "format=duration",
            "-of",
            "csv=p=0",
            f"{served}/replay/h264",
        )
    )
    out = said.decode()
    assert float(out) == 2.0


async def test_ffmpeg_seeks(served: str, tmp_path: Path) -> None:
    head = ("ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-ss", "1.2", "-i", f"{served}/replay/h264")
    got = sums(await run(*head, "-fps_mode", "passthrough", "-f", "framemd5", "-"))
    wanted = await expected(Codec.H264, tmp_path)
    assert got == wanted[-len(got) :]
    assert len(got) == 20


async def test_mpv_plays_live(served: str) -> None:
    await run(
        "mpv",
        "--no-config",
        "--vo=null",
        "--ao=null",
        "--msg-level=all=error",
        "--frames=20",
        f"{served}/live/aac",
    )


async def test_a_wrong_password_is_refused(served: str) -> None:
    with pytest.raises(AssertionError, match="401"):
        await run("ffprobe", "-v", "error", served.replace("secret", "guess") + "/live/h264")


async def test_a_start_in_the_url_begins_there(served: str, tmp_path: Path) -> None:
    start = Utc(video(Codec.H264).samples[0].utc + 1_200_000)
    assert start % MICROSECONDS == 200_000
    got = await ffmpeg(f"{served}/replay/h264?start={start}", "tcp")
    assert got == (await expected(Codec.H264, tmp_path))[30:]
