"""The Media service, reading side (ONVIF Media s5): one fixed profile for each stream of each camera.

A profile's token is the stream's, as recordings are named; a camera's video source and its configuration have the
camera's key, which is also the SourceId of its recordings. Encoder configurations say what the stream is: the camera
decides it, so nothing can be set here. H.265 has no word in this service: such a profile has no encoder configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from device.cameras.ptz import Abilities
from protocols.onvif.faults import UNKNOWN_ACTION, Refusal, impossible, invalid
from protocols.onvif.names import TRT, TT
from protocols.onvif.operations import Access, Call, Legacy, Operation, Service
from protocols.onvif.spaces import write_configuration
from protocols.onvif.xml import Element, find, member, need, sub, text, write

PATH = "/onvif/media_service"
VERSION = (21, 6)
SESSION = "PT60S"

NO_PROFILE = invalid("NoProfile", "There is no such profile")
NO_CONFIG = invalid("NoConfig", "There is no such configuration")
BAD_SETUP = invalid("InvalidStreamSetup", "The stream setup is not supported")
INCOMPLETE = impossible("IncompleteConfiguration", "The profile is not set up for this")
TOO_MANY_PROFILES = impossible("MaxNVTProfiles", "There is no room for more profiles")


class StreamType(Enum):
    """tt:StreamType."""

    UNICAST = "RTP-Unicast"
    MULTICAST = "RTP-Multicast"


class Transport(Enum):
    """tt:TransportProtocol."""

    UDP = "UDP"
    TCP = "TCP"
    RTSP = "RTSP"
    HTTP = "HTTP"


@dataclass(frozen=True, slots=True)
class Video:
    """What a stream's pictures are."""

    encoding: str | None  #: tt:VideoEncoding; None: the service has no word for it
    width: int
    height: int
    rate: int  #: pictures a second
    kbit: int  #: a second
    gov: int  #: pictures from key frame to key frame
    profile: str  #: tt:H264Profile


@dataclass(frozen=True, slots=True)
class Audio:
    """What a stream's sound is."""

    encoding: str  #: tt:AudioEncoding
    kbit: int
    khz: int
    channels: int


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of a camera."""

    token: str  #: of the profile, the encoders, and the recording
    source: str  #: the camera's key
    name: str
    path: str  #: of the live URL; begins with a slash
    video: Video | None  #: None: not known, as nothing comes
    audio: Audio | None
    head: Abilities | None = None  #: what the head can that moves it; None: nothing does


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of configuration: what it is called, of which streams there is one, and how it is written."""

    name: str  #: VideoSourceConfiguration and so on
    token: Callable[[Stream], str]
    there: Callable[[Stream], bool]
    write: Callable[[Element, Stream, int], None]  #: of which so many profiles make use
    options: Callable[[Element, Sequence[Stream]], None]


class Media:
    """The service."""

    def __init__(
        self,
        streams: Callable[[], Sequence[Stream]],
        port: Callable[[], int],
        multicast: Callable[[], bool],
        snapshot: Callable[[Stream], str | None] | None = None,
        websocket: str | None = None,
    ) -> None:
        """`port`: of RTSP. `multicast`: whether live streams are sent to groups where somebody asks for it.
        `snapshot`: path of a stream's picture, where pictures are served; None: this one has none. `websocket`: URI
        of RTSP over WebSocket, without a host: it is where this service is; None: it is not served."""
        self._streams = streams
        self._port = port
        self._multicast = multicast
        self._snapshot = snapshot
        self._websocket = websocket

    def _seen(self, call: Call) -> list[Stream]:
        """Those that who asks may watch."""
        return [stream for stream in self._streams() if call.watches(stream.token)]

    def service(self) -> Service:
        """Its rows."""
        reads, acts = Access.READ_MEDIA, Access.ACTUATE
        operations = [
            Operation("GetProfiles", reads, self.get_profiles),
            Operation("GetProfile", reads, self.get_profile),
            Operation("CreateProfile", acts, self.create_profile),
            Operation("DeleteProfile", acts, self.fixed),
            Operation("GetVideoSources", reads, self.get_video_sources),
            Operation("GetAudioSources", reads, self.get_audio_sources),
            Operation("GetStreamUri", reads, self.get_stream_uri),
            Operation("GetSnapshotUri", reads, self.get_snapshot_uri),
            Operation("GetGuaranteedNumberOfVideoEncoderInstances", reads, self.get_instances),
            Operation("SetSynchronizationPoint", acts, self.synchronise),
        ]
        operations += [
            Operation(f"Get{name}Configurations", reads, self.nothing)
            for name in ("Metadata", "VideoAnalytics", "AudioOutput", "AudioDecoder")
        ]
        operations += [
            Operation("GetAudioOutputs", reads, self.nothing),
            Operation("GetCompatibleMetadataConfigurations", reads, self.nothing),
        ]
        for part in PARTS:
            rows = _Rows(part, self._seen)
            operations += [
                Operation(f"Get{part.name}s", reads, rows.all),
                Operation(f"Get{part.name}", reads, rows.one),
                Operation(f"GetCompatible{part.name}s", reads, rows.compatible),
                Operation(f"Get{part.name}Options", reads, rows.options),
            ]
        legacy = Legacy("Media", extension=False, fill=self._legacy)
        return Service(TRT, PATH, VERSION, "Media", self._capabilities, tuple(operations), legacy)

    def _capabilities(self, told: Element) -> None:
        told.set("SnapshotUri", write(self._snapshot is not None))
        for name in ("Rotation", "VideoSourceMode", "OSD"):
            told.set(name, "false")
        sub(told, TRT.ProfileCapabilities, MaximumNumberOfProfiles=len(self._streams()))
        sub(
            told,
            TRT.StreamingCapabilities,
            RTPMulticast=self._multicast(),
            RTP_TCP=False,
            RTP_RTSP_TCP=True,
            NonAggregateControl=False,
            RTSPWebSocketUri=self._websocket,  # the name that Media 2 has for it; this service has none
        )

    def _legacy(self, told: Element) -> None:
        streaming = sub(told, TT.StreamingCapabilities)
        sub(streaming, TT.RTPMulticast, self._multicast())
        sub(streaming, TT.RTP_TCP, False)
        sub(streaming, TT.RTP_RTSP_TCP, True)

    async def nothing(self, call: Call, reply: Element) -> None:
        """An operation whose answer is that there are none."""

    async def get_profiles(self, call: Call, reply: Element) -> None:
        """GetProfiles (s5.2.3)."""
        streams = self._seen(call)
        for stream in streams:
            _profile(sub(reply, TRT.Profiles), stream, streams)

    async def get_profile(self, call: Call, reply: Element) -> None:
        """GetProfile (s5.2.4)."""
        streams = self._seen(call)
        stream = _of_profile(streams, need(call.body, TRT.ProfileToken))
        _profile(sub(reply, TRT.Profile), stream, streams)

    async def create_profile(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - whatever is asked
        """CreateProfile (s5.2.1): there is one for each stream, and no more."""
        raise Refusal(TOO_MANY_PROFILES)

    async def fixed(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """DeleteProfile (s5.2.2)."""
        stream = _of_profile(self._seen(call), need(call.body, TRT.ProfileToken))
        raise Refusal(
            impossible("DeletionOfFixedProfile", "The profile is fixed"), f"{stream.token} is fixed."
        )

    async def get_video_sources(self, call: Call, reply: Element) -> None:
        """GetVideoSources (s5.3.1)."""
        for stream in _sources(self._seen(call)):
            told = sub(reply, TRT.VideoSources, token=stream.source)
            sub(told, TT.Framerate, stream.video.rate if stream.video else 0)
            _resolution(sub(told, TT.Resolution), stream.video)

    async def get_audio_sources(self, call: Call, reply: Element) -> None:
        """GetAudioSources (s5.5.1)."""
        for stream in _sources(each for each in self._seen(call) if each.audio):
            assert stream.audio is not None
            sub(sub(reply, TRT.AudioSources, token=stream.source), TT.Channels, stream.audio.channels)

    async def get_stream_uri(self, call: Call, reply: Element) -> None:
        """GetStreamUri (s5.15.1). The server takes the HTTP tunnel on the port of RTSP. Through a WebSocket a stream is
        asked for by the URI that it has for RTSP."""
        setup = find(call.body, TRT.StreamSetup)
        kind = member(StreamType, setup, TT.Stream)
        transport = member(Transport, find(setup, TT.Transport), TT.Protocol)
        stream = _of_profile(self._seen(call), need(call.body, TRT.ProfileToken))
        if transport is Transport.TCP or (kind is StreamType.MULTICAST and not self._multicast()):
            raise Refusal(BAD_SETUP, f"{kind.value} over {transport.value} is not served.")
        scheme = "http" if transport is Transport.HTTP else "rtsp"
        told = sub(reply, TRT.MediaUri)
        sub(told, TT.Uri, f"{scheme}://{call.host}:{self._port()}{stream.path}")
        _lasting(told)

    async def get_snapshot_uri(self, call: Call, reply: Element) -> None:
        """GetSnapshotUri (s5.15.6)."""
        stream = _of_profile(self._seen(call), need(call.body, TRT.ProfileToken))
        if self._snapshot is None:
            raise Refusal(UNKNOWN_ACTION, "Snapshots are not served; the capability SnapshotUri says so.")
        path = self._snapshot(stream)
        if path is None:
            raise Refusal(
                INCOMPLETE, f"The camera {stream.source} has no ONVIF address to ask for a picture."
            )
        told = sub(reply, TRT.MediaUri)
        sub(told, TT.Uri, call.base + path)
        _lasting(told)

    async def get_instances(self, call: Call, reply: Element) -> None:
        """GetGuaranteedNumberOfVideoEncoderInstances (s5.4.10): all streams of a camera run at once."""
        source = need(call.body, TRT.ConfigurationToken)
        streams = [each for each in self._seen(call) if each.source == source]
        if not streams:
            raise Refusal(NO_CONFIG, f"There is no video source configuration {source[:80]!r}.")
        sub(reply, TRT.TotalNumber, len(streams))

    async def synchronise(self, call: Call, reply: Element) -> None:  # noqa: ARG002 - nothing is told
        """SetSynchronizationPoint (s5.16.1): every listener begins with a key frame, as it is."""
        _of_profile(self._seen(call), need(call.body, TRT.ProfileToken))


class _Rows:
    """The four operations of one kind of configuration."""

    def __init__(self, part: Part, seen: Callable[[Call], Sequence[Stream]]) -> None:
        self._part = part
        self._seen = seen

    async def all(self, call: Call, reply: Element) -> None:
        """Get...Configurations."""
        self._write(call, reply, TRT.Configurations, self._seen(call))

    async def one(self, call: Call, reply: Element) -> None:
        """Get...Configuration."""
        token = need(call.body, TRT.ConfigurationToken)
        found = self._of(call, token)
        self._write(call, reply, TRT.Configuration, found[:1])

    async def compatible(self, call: Call, reply: Element) -> None:
        """GetCompatible...Configurations: those that the profile has."""
        profile = _of_profile(self._seen(call), need(call.body, TRT.ProfileToken))
        self._write(call, reply, TRT.Configurations, [profile])

    async def options(self, call: Call, reply: Element) -> None:
        """Get...ConfigurationOptions: of a configuration, of a profile, or of all."""
        token, profile = text(call.body, TRT.ConfigurationToken), text(call.body, TRT.ProfileToken)
        streams = [each for each in self._seen(call) if self._part.there(each)]
        if profile:
            streams = [_of_profile(self._seen(call), profile)]
        if token:
            streams = self._of(call, token)
        self._part.options(sub(reply, TRT.Options), streams)

    def _of(self, call: Call, token: str) -> list[Stream]:
        found = [s for s in self._seen(call) if self._part.there(s) and self._part.token(s) == token]
        if not found:
            raise Refusal(NO_CONFIG, f"There is no configuration {token[:80]!r}.")
        return found

    def _write(self, call: Call, reply: Element, name: str, streams: Iterable[Stream]) -> None:
        part, everything = self._part, self._seen(call)
        by_token = {part.token(each): each for each in reversed(list(streams)) if part.there(each)}
        for token in sorted(by_token):
            part.write(sub(reply, name, token=token), by_token[token], _uses(part, token, everything))


def _uses(part: Part, token: str, streams: Iterable[Stream]) -> int:
    return sum(part.there(each) and part.token(each) == token for each in streams)


def _of_profile(streams: Iterable[Stream], token: str) -> Stream:
    """Raises Refusal."""
    for stream in streams:
        if stream.token == token:
            return stream
    raise Refusal(NO_PROFILE, f"There is no profile {token[:80]!r}.")


def _lasting(told: Element) -> None:
    """What tt:MediaUri says of an address that stays."""
    sub(told, TT.InvalidAfterConnect, False)
    sub(told, TT.InvalidAfterReboot, False)
    sub(told, TT.Timeout, "PT0S")


def _sources(streams: Iterable[Stream]) -> list[Stream]:
    """One stream of each camera, the first: the main one."""
    return list({stream.source: stream for stream in reversed(list(streams))}.values())[::-1]


# ----------------------------------------------------------------------------------------- how it is written


def _profile(told: Element, stream: Stream, streams: Sequence[Stream]) -> None:
    told.set("token", stream.token)
    told.set("fixed", "true")
    sub(told, TT.Name, stream.name[:64])
    for part in PARTS:
        if part.there(stream):
            token = part.token(stream)
            part.write(sub(told, TT.name(part.name), token=token), stream, _uses(part, token, streams))
    if stream.head is not None:
        uses = sum(each.source == stream.source for each in streams)
        configuration = sub(told, TT.PTZConfiguration, token=stream.source)
        write_configuration(configuration, stream.source, stream.head, uses)


def _named(told: Element, stream: Stream, uses: int) -> None:
    sub(told, TT.Name, stream.name[:64])
    sub(told, TT.UseCount, uses)


def _resolution(told: Element, video: Video | None) -> None:
    sub(told, TT.Width, video.width if video else 0)
    sub(told, TT.Height, video.height if video else 0)


def _tail(told: Element) -> None:
    """What every encoder configuration ends with."""
    multicast = sub(told, TT.Multicast)
    address = sub(multicast, TT.Address)
    sub(address, TT.Type, "IPv4")
    sub(address, TT.IPv4Address, "0.0.0.0")  # noqa: S104 - nothing is bound: the group is told by RTSP
    sub(multicast, TT.Port, 0)
    sub(multicast, TT.TTL, 0)
    sub(multicast, TT.AutoStart, False)
    sub(told, TT.SessionTimeout, SESSION)


def _video_source(told: Element, stream: Stream, uses: int) -> None:
    _named(told, stream, uses)
    sub(told, TT.SourceToken, stream.source)
    video = stream.video
    sub(told, TT.Bounds, x=0, y=0, width=video.width if video else 0, height=video.height if video else 0)


def _video_source_options(told: Element, streams: Sequence[Stream]) -> None:
    bounds = sub(told, TT.BoundsRange)
    widths = [each.video.width for each in streams if each.video] or [0]
    heights = [each.video.height for each in streams if each.video] or [0]
    _range(sub(bounds, TT.XRange), [0])
    _range(sub(bounds, TT.YRange), [0])
    _range(sub(bounds, TT.WidthRange), widths)
    _range(sub(bounds, TT.HeightRange), heights)
    for source in dict.fromkeys(each.source for each in streams):
        sub(told, TT.VideoSourceTokensAvailable, source)


def _audio_source(told: Element, stream: Stream, uses: int) -> None:
    _named(told, stream, uses)
    sub(told, TT.SourceToken, stream.source)


def _audio_source_options(told: Element, streams: Sequence[Stream]) -> None:
    for source in dict.fromkeys(each.source for each in streams) or [""]:
        sub(told, TT.InputTokensAvailable, source)


def _video_encoder(told: Element, stream: Stream, uses: int) -> None:
    video = stream.video
    assert video is not None
    assert video.encoding is not None
    _named(told, stream, uses)
    sub(told, TT.Encoding, video.encoding)
    _resolution(sub(told, TT.Resolution), video)
    sub(told, TT.Quality, 1)
    rate = sub(told, TT.RateControl)
    sub(rate, TT.FrameRateLimit, video.rate)
    sub(rate, TT.EncodingInterval, 1)
    sub(rate, TT.BitrateLimit, video.kbit)
    if video.encoding == "H264":
        detail = sub(told, TT.H264)
        sub(detail, TT.GovLength, video.gov)
        sub(detail, TT.H264Profile, video.profile)
    _tail(told)


def _video_encoder_options(told: Element, streams: Sequence[Stream]) -> None:
    _range(sub(told, TT.QualityRange), [1])
    for encoding in ("JPEG", "H264"):
        videos = [each.video for each in streams if each.video and each.video.encoding == encoding]
        if not videos:
            continue
        detail = sub(told, TT.name(encoding))
        for width, height in sorted({(video.width, video.height) for video in videos}):
            size = sub(detail, TT.ResolutionsAvailable)
            sub(size, TT.Width, width)
            sub(size, TT.Height, height)
        if encoding == "H264":
            _range(sub(detail, TT.GovLengthRange), [video.gov for video in videos])
        _range(sub(detail, TT.FrameRateRange), [video.rate for video in videos])
        _range(sub(detail, TT.EncodingIntervalRange), [1])
        if encoding == "H264":
            for profile in sorted({video.profile for video in videos}):
                sub(detail, TT.H264ProfilesSupported, profile)


def _audio_encoder(told: Element, stream: Stream, uses: int) -> None:
    audio = stream.audio
    assert audio is not None
    _named(told, stream, uses)
    sub(told, TT.Encoding, audio.encoding)
    sub(told, TT.Bitrate, audio.kbit)
    sub(told, TT.SampleRate, audio.khz)
    _tail(told)


def _audio_encoder_options(told: Element, streams: Sequence[Stream]) -> None:
    for audio in dict.fromkeys(each.audio for each in streams if each.audio):
        option = sub(told, TT.Options)
        sub(option, TT.Encoding, audio.encoding)
        sub(sub(option, TT.BitrateList), TT.Items, audio.kbit)
        sub(sub(option, TT.SampleRateList), TT.Items, audio.khz)


def _range(told: Element, values: Iterable[int]) -> None:
    found = list(values)
    sub(told, TT.Min, min(found))
    sub(told, TT.Max, max(found))


#: In the order of tt:Profile.
PARTS: tuple[Part, ...] = (
    Part(
        "VideoSourceConfiguration",
        lambda stream: stream.source,
        lambda _: True,
        _video_source,
        _video_source_options,
    ),
    Part(
        "AudioSourceConfiguration",
        lambda stream: stream.source,
        lambda stream: stream.audio is not None,
        _audio_source,
        _audio_source_options,
    ),
    Part(
        "VideoEncoderConfiguration",
        lambda stream: stream.token,
        lambda stream: stream.video is not None and stream.video.encoding is not None,
        _video_encoder,
        _video_encoder_options,
    ),
    Part(
        "AudioEncoderConfiguration",
        lambda stream: stream.token,
        lambda stream: stream.audio is not None,
        _audio_encoder,
        _audio_encoder_options,
    ),
)
