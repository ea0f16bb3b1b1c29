"""What the recording plane, the settings and the machine say, as ONVIF's services show it."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Mapping

from device.linux.host import addresses, interfaces
from device.media import MICROSECONDS, Codec, Kind, Track, Utc
from device.parameter_sets import BadParameterSet, read_h264
from device.planes.messages import RecordingStatus, StreamStatus
from device.recordings.names import STREAMS, token_of
from device.settings.cameras import Camera
from protocols.onvif.announcer import Interface as Where
from protocols.onvif.announcer import Ip
from protocols.onvif.services.media import Audio, Stream, Video

_LOOPBACK = 772  #: ARPHRD_LOOPBACK
_ENCODINGS = {Codec.H264: "H264", Codec.MJPEG: "JPEG"}
_SOUNDS = {
    Codec.PCMU: ("G711", 64),
    Codec.PCMA: ("G711", 64),
    Codec.G726: ("G726", 32),
    Codec.AAC: ("AAC", 64),
}
_PROFILES = {
    66: "Baseline",
    77: "Main",
    88: "Extended",
}  #: profile_idc of H.264 A.2; all others count as High
AAC_SAMPLES = 1024  #: in one access unit
OVER = 5 * MICROSECONDS  #: rates are measured over this, at least
RATE = 25  #: pictures a second, until it is measured
GOV_SECONDS = 2  #: from key frame to key frame, as the recorder asks of cameras


class Seen:
    """What comes of each stream, and how much, as it was when it was last there: clients do not want a camera that is
    away for a while to have no pictures."""

    def __init__(self) -> None:
        self._base: dict[str, tuple[Utc, StreamStatus]] = {}
        self._known: dict[str, tuple[int, int]] = {}  #: units and kbit a second
        self._tracks: dict[str, tuple[Track, ...]] = {}

    def told(self, status: RecordingStatus, now: Utc) -> None:
        """The recording plane was asked."""
        for stream in status.streams:
            if stream.tracks:
                self._tracks[stream.token] = stream.tracks
            then, before = self._base.get(stream.token, (now, stream))
            if now - then < OVER and stream.token in self._base:
                continue
            self._base[stream.token] = (now, stream)
            seconds = (now - then) / MICROSECONDS
            units, octets = stream.samples - before.samples, stream.octets - before.octets
            if seconds > 0 and units > 0 and octets >= 0:
                self._known[stream.token] = (round(units / seconds), round(octets * 8 / 1000 / seconds))

    def rates(self, token: str) -> tuple[int, int] | None:
        """Units and kbit a second; None: not known yet."""
        return self._known.get(token)

    def tracks(self, token: str) -> tuple[Track, ...]:
        """Of a stream; none: not known yet."""
        return self._tracks.get(token, ())


def streams(cameras: Mapping[str, Camera], seen: Seen) -> tuple[Stream, ...]:
    """The streams of all cameras that are switched on, the main one of each first."""
    found = []
    for key, camera in cameras.items():
        for stream in STREAMS:
            if not camera.enabled or camera.address(stream) is None:
                continue
            token = token_of(key, stream)
            path = f"/live/{key}" if stream == "main" else f"/live/{key}/{stream}"
            name = (camera.name or key) if stream == "main" else f"{camera.name or key} ({stream})"
            tracks = seen.tracks(token)
            video = next((track for track in tracks if track.kind is Kind.VIDEO), None)
            audio = next((track for track in tracks if track.kind is Kind.AUDIO), None)
            found.append(
                Stream(token, key, name, path, _video(video, audio, seen.rates(token)), _audio(audio))
            )
    return tuple(found)


def _video(track: Track | None, audio: Track | None, measured: tuple[int, int] | None) -> Video | None:
    if track is None:
        return None
    rate, kbit = RATE, 0
    if measured is not None:
        sounds = audio.clock_rate / AAC_SAMPLES if audio is not None and audio.codec is Codec.AAC else 0
        rate, kbit = max(1, round(measured[0] - sounds)), measured[1]
    profile = "High"
    if track.codec is Codec.H264 and track.parameters:
        with contextlib.suppress(BadParameterSet):
            profile = _PROFILES.get(read_h264(track.parameters[0]).profile, "High")
    encoding = _ENCODINGS.get(track.codec)
    return Video(encoding, track.width, track.height, rate, kbit, rate * GOV_SECONDS, profile)


def _audio(track: Track | None) -> Audio | None:
    if track is None or track.codec not in _SOUNDS:
        return None
    encoding, kbit = _SOUNDS[track.codec]
    return Audio(encoding, kbit, max(1, round(track.clock_rate / 1000)), track.channels or 1)


def where(listen: str) -> list[Where]:
    """Where WS-Discovery listens: the interface of the address that the recorder listens on, or all with addresses that
    others can reach. In a thread. Raises OSError."""
    wanted = ipaddress.ip_address(listen)
    loops = {one.number for one in interfaces() if one.kind == _LOOPBACK or not one.up}
    found: dict[int, list[Ip]] = {}
    for address in addresses():
        mine = address.ip == wanted if not wanted.is_unspecified else address.interface not in loops
        if mine:
            found.setdefault(address.interface, []).append(address.ip)
    return [
        Where(number, tuple(sorted(ips, key=lambda ip: (ip.version, ip.is_link_local, ip.packed))))
        for number, ips in sorted(found.items())
    ]
