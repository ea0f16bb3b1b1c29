"""Real encoded media for the tests of the file format, and the judges that look at what was made of them."""

from __future__ import annotations

import hashlib
import io
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np

from device.media import Codec, Sample, Track, Utc
from device.recording.catalogue import FragmentRow, RecordingRow, SegmentRow
from device.recording.fragment import Cut, Fragmenter, Pool
from device.recording.scan import scan
from device.recording.segment import Identity, head, read_head

START = Utc(1_750_000_000_123_456)  #: 2025-06-15T15:06:40.123456Z
RATE = 90_000


@dataclass(frozen=True)
class Clip:
    """One encoded track: samples in decoding order with presentation times from 0, and its decoded frames."""

    track: Track
    samples: tuple[Sample, ...]
    frames: tuple[bytes, ...]  #: MD5 of every decoded picture, in the order shown; empty for sound


def _picture(number: int, width: int, height: int) -> av.VideoFrame:
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    luma = ((across * 2 + down + number * 7) % 223 + 16).astype(np.uint8)
    luma[8:24, (number * 4) % (width - 16) : (number * 4) % (width - 16) + 16] = 235
    chroma = np.full((height // 2, width), 90 + number % 70, np.uint8)
    return av.VideoFrame.from_ndarray(np.vstack((luma, chroma)), format="yuv420p")


_VIDEO = {
    Codec.H264: ("libx264", "mp4", {"preset": "veryfast"}),
    Codec.H265: ("libx265", "mp4", {"preset": "ultrafast"}),
    Codec.MJPEG: ("mjpeg", "mov", {}),
}


def parameter_sets(codec: Codec, configuration: bytes) -> tuple[bytes, ...]:
    """The NAL units of an `avcC` or `hvcC` record."""
    out: list[bytes] = []

    def take(at: int, count: int) -> int:
        for _ in range(count):
            size = int.from_bytes(configuration[at : at + 2], "big")
            out.append(configuration[at + 2 : at + 2 + size])
            at += 2 + size
        return at

    if codec is Codec.H264:
        at = take(6, configuration[5] & 31)
        take(at + 1, configuration[at])
    else:
        at = 23
        for _ in range(configuration[22]):
            kind = configuration[at] & 63
            kept = len(out)
            at = take(at + 3, int.from_bytes(configuration[at + 1 : at + 3], "big"))
            if kind > 34:
                del out[kept:]
    return tuple(out)


@lru_cache(maxsize=32)
def video(
    codec: Codec,
    count: int,
    *,
    b_frames: int = 0,
    gop: int = 15,
    size: tuple[int, int] = (192, 108),
    fps: int = 30,
    high: bool = False,
) -> Clip:
    """`count` pictures of one size, encoded for real."""
    encoder, container, options = _VIDEO[codec]
    options = dict(options)
    if codec is Codec.H264:
        options["x264-params"] = (
            f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={b_frames}:b-adapt=0:b-pyramid=normal"
        )
        options["profile"] = "high" if high or b_frames else "main"
    elif codec is Codec.H265:
        options["x265-params"] = (
            f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={b_frames}:open-gop=0:log-level=none:pools=1"
        )
    held = io.BytesIO()
    with av.open(held, "w", format=container) as out:
        stream = out.add_stream(encoder, rate=fps, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec is Codec.MJPEG else "yuv420p"
        stream.time_base = Fraction(1, fps)
        for number in range(count):
            frame = _picture(number, *size)
            frame.pts, frame.time_base = number, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    held.seek(0)
    samples = []
    with av.open(held, "r") as source:
        pictures = source.streams.video[0]
        extra = bytes(pictures.codec_context.extradata or b"")
        for packet in source.demux(pictures):
            if packet.pts is None or packet.time_base is None:
                continue
            time = int(packet.pts * packet.time_base * RATE)
            samples.append(Sample(0, time, Utc(0), packet.is_keyframe, bytes(packet)))
    parameters = () if codec is Codec.MJPEG else parameter_sets(codec, extra)
    held.seek(0)
    first = min(sample.time for sample in samples)
    for sample in samples:
        sample.time -= first
    return Clip(Track(codec, RATE, parameters, *size), tuple(samples), tuple(decoded(held)))


@lru_cache(maxsize=8)
def sound(codec: Codec, seconds: float) -> Clip:
    """A tone. PCMU, PCMA in 20 ms packets, AAC in its frames."""
    rate = {Codec.AAC: 16_000, Codec.OPUS: 48_000}.get(codec, 8_000)
    if codec in (Codec.PCMU, Codec.PCMA):
        count = round(seconds * 50)
        phase = 24 if codec is Codec.PCMU else 85
        tone = bytes((phase + (n * 37) % 64) & 255 for n in range(160 * count))
        packets = [Sample(0, 160 * n, Utc(0), True, tone[160 * n : 160 * n + 160]) for n in range(count)]
        return Clip(Track(codec, rate, channels=1), tuple(packets), ())
    held = io.BytesIO()
    with av.open(held, "w", format="mp4") as out:
        stream = out.add_stream("aac" if codec is Codec.AAC else "libopus", rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        wave = (8000 * np.sin(np.arange(int(rate * seconds)) * 0.05)).astype(np.int16)
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=rate)
        for at in range(0, len(wave), 960):
            frame = av.AudioFrame.from_ndarray(wave[None, at : at + 960], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
            for ready in resampler.resample(frame):
                out.mux(stream.encode(ready))
        out.mux(stream.encode(None))
    held.seek(0)
    step = 1024 if codec is Codec.AAC else 960
    with av.open(held, "r") as source:
        coded = source.streams.audio[0]
        extra = bytes(coded.codec_context.extradata or b"")
        data = [bytes(packet) for packet in source.demux(coded) if packet.size]
    parameters = (extra,) if codec is Codec.AAC else ()
    samples = tuple(Sample(0, step * n, Utc(0), True, each) for n, each in enumerate(data))
    return Clip(Track(codec, rate, parameters, channels=1), samples, ())


def merged(clips: Sequence[Clip], *, start: Utc = START, offset: int = 1_000_000) -> list[Sample]:
    """The samples of several clips as a camera would send them: interleaved, each clock with its own zero."""
    timed = []
    for number, clip in enumerate(clips):
        rate = clip.track.clock_rate
        step = 0
        for place, sample in enumerate(clip.samples):
            step = place * rate // 30 if clip.track.kind.value == "video" else sample.time
            utc = Utc(start + sample.time * 1_000_000 // rate)
            arrival = step * 1_000_000 // rate
            row = Sample(
                number, sample.time + offset * (number + 1), utc, sample.key, sample.data, sample.damaged
            )
            timed.append((arrival, number, place, row))
    timed.sort(key=lambda row: row[:3])
    return [row for *_, row in timed]


def feed(fragmenter: Fragmenter, samples: Iterable[Sample], *, lane: int | None, beat: float = 0.7) -> None:
    """Lay samples down as a source would, a beat's cut every so often, and one at the end."""
    due: int | None = None
    for sample in samples:
        if due is None:
            due = sample.utc
        if sample.utc - due >= beat * 1_000_000:
            fragmenter.cut()
            due = sample.utc
        if sample.track == lane:
            lay(fragmenter, sample)
        else:
            fragmenter.add(sample.track, sample.time, sample.utc, bytes(sample.data))
    fragmenter.cut()


def lay(fragmenter: Fragmenter, sample: Sample, *, piece: int = 1400) -> bool:
    """One access unit, in pieces as packets bring them; what is half written is said to the lane."""
    done = 0
    while done < len(sample.data):
        part = sample.data[done : done + piece]
        at = fragmenter.fill + done
        if at + len(part) > fragmenter.limit:
            if not fragmenter.grow(at, len(part)):
                return False
            at = fragmenter.fill + done
        fragmenter.memory[at : at + len(part)] = bytes(part)
        done += len(part)
        fragmenter.written = fragmenter.fill + done
    fragmenter.commit(fragmenter.fill + done, sample.time, sample.utc, sample.key, sample.damaged)
    return True


def identity(segment: int = 1, run: int = 1, utc: Utc = START) -> Identity:
    """Of a segment of recording CAM1."""
    return Identity("rec-1", "CAM1", "cam-1", "main", run, segment, utc)


class Writer:
    """Writes cuts into one file, and keeps what they said."""

    def __init__(self, path: Path, tracks: Sequence[Track], pool: Pool, who: Identity) -> None:
        self.path = path
        self.pool = pool
        self.cuts: list[Cut] = []
        self.offsets: list[int] = []
        self.out = path.open("wb")
        self.out.write(head(tracks, who))

    def __call__(self, cut: Cut) -> None:
        self.offsets.append(self.out.tell())
        self.cuts.append(cut)
        self.out.write(cut.memory[cut.start : cut.end])
        self.out.flush()
        self.pool.give(cut.memory)


def segment(
    path: Path,
    clips: Sequence[Clip],
    *,
    beat: float = 0.7,
    samples: Sequence[Sample] | None = None,
    who: Identity | None = None,
) -> Writer:
    """One segment file of these clips."""
    tracks = [clip.track for clip in clips]
    pool = Pool()
    writer = Writer(path, tracks, pool, who or identity())
    fragmenter = Fragmenter(tracks, pool, writer, first_number=1, key_after=0.175)
    lane = next((n for n, track in enumerate(tracks) if track.kind.value == "video"), None)
    feed(fragmenter, merged(clips) if samples is None else samples, lane=lane, beat=beat)
    writer.out.close()
    return writer


# --- judges ---


def decoded(source: str | io.BytesIO, stream: int = 0) -> list[bytes]:
    """MD5 of each picture that PyAV decodes, in the order shown."""
    with av.open(source, "r") as container:
        frames = (frame.to_ndarray(format="yuv420p") for frame in container.decode(video=stream))
        return [hashlib.md5(frame.tobytes()).digest() for frame in frames]


def run(*words: str | Path) -> str:
    """What a program prints; fails with what it says on its error output, were it one line only."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def ffmpeg_frames(path: Path) -> list[str]:
    """MD5 of each picture that ffmpeg decodes; a complaint of ffmpeg fails."""
    text = run(
        "ffmpeg",
        "-v",
        "error",
        "-i",
        path,
        "-map",
        "0:v:0",
        "-fps_mode",
        "passthrough",
        "-f",
        "framemd5",
        "-",
    )
    return [line.split(",")[-1].strip() for line in text.splitlines() if line and not line.startswith("#")]


def ffprobe(path: Path, *show: str) -> str:
    """What ffprobe prints; a complaint of ffprobe fails."""
    return run("ffprobe", "-v", "error", *show, path)


class Files:
    """A catalogue rebuilt from segment files by reading them: what playback and export ask of a catalogue."""

    def __init__(self, *paths: Path) -> None:
        self.rows: list[SegmentRow] = []
        for path in paths:
            tracks, who, begin = read_head(path.read_bytes())
            found = scan(path, begin, verify=True)
            assert not found.problem, found.problem
            rows = tuple(FragmentRow(f.offset, f.length, f.utc, f.key, f.damaged) for f in found.fragments)
            end = max(f.utc_end for f in found.fragments)
            first = found.fragments[0].utc
            damaged = any(f.damaged for f in found.fragments)
            self.rows.append(
                SegmentRow(
                    who.segment,
                    who.run,
                    1,
                    path,
                    first,
                    end - first,
                    0,
                    tracks,
                    found.good_end,
                    rows,
                    False,
                    damaged,
                )
            )

    def recording(self, token: str) -> RecordingRow:
        last = max(row.end for row in self.rows)
        return RecordingRow(1, token, "cam-1", "main", START, self.rows[0].utc, last, 0)

    def segments(self, token: str, start: Utc, end: Utc) -> list[SegmentRow]:
        return [row for row in self.rows if row.utc < end and row.end > start]


_DECODERS = {
    Codec.H264: ("h264parse", "avdec_h264"),
    Codec.H265: ("h265parse", "avdec_h265"),
    Codec.MJPEG: ("jpegparse", "avdec_mjpeg"),
}


def gstreamer(path: Path, codec: Codec, size: tuple[int, int], demuxer: str = "qtdemux") -> list[bytes]:
    """MD5 of each picture that GStreamer's demuxer and decoder make."""
    raw = path.with_suffix(".raw")
    words = ["gst-launch-1.0", "-q", "filesrc", f"location={path}", "!", demuxer, "name=d", "d.video_0"]
    for element in (*_DECODERS[codec], "videoconvert", "video/x-raw,format=I420", "filesink"):
        words += ["!", element]
    run(*words, f"location={raw}")
    data, each = raw.read_bytes(), size[0] * size[1] * 3 // 2
    return [hashlib.md5(data[at : at + each]).digest() for at in range(0, len(data), each)]


def play(path: Path, folder: Path) -> None:
    """Let mpv play a file as a person would see it: each picture that it shows becomes a file."""
    words = [
        "--no-config",
        "--no-audio",
        "--vo=image",
        "--vo-image-format=png",
        f"--vo-image-outdir={folder}",
    ]
    done = subprocess.run(
        ["mpv", "--msg-level=all=error", *words, str(path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
