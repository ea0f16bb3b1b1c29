"""From a track that was set up to the chain that receives it: receiver, depacketiser, intake. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from device.cameras.source import Lane, Reception
from device.media import Codec, Track
from protocols.rtsp.depacketise import h264, h265
from protocols.rtsp.depacketise.aac import Aac
from protocols.rtsp.depacketise.audio import WholePackets
from protocols.rtsp.depacketise.jpeg import Jpeg
from protocols.rtsp.depacketise.metadata import Documents
from protocols.rtsp.depacketise.nal import AccessUnits
from protocols.rtsp.depacketise.parameters import ParameterSets
from protocols.rtsp.formats import aac_duration, aac_layout
from protocols.rtsp.ingest import Ingest, WaitingLane
from protocols.rtsp.receiver import Depacketiser, Receiver
from protocols.rtsp.reorder import Reorder
from protocols.rtsp.sdp import Format, Media

_SYNTAX = {Codec.H264: h264.SYNTAX, Codec.H265: h265.SYNTAX}


@dataclass(frozen=True, slots=True)
class Choice:
    """A track to set up: the media that announces it, and the format taken of it."""

    media: Media
    form: Format
    track: Track


@dataclass(frozen=True, slots=True)
class Chain:
    """What receives one track."""

    receiver: Receiver
    units: AccessUnits | None  #: of H.264 and H.265
    sets: ParameterSets | None  #: of the same

    def flush(self) -> None:
        """The session ends: what is complete is delivered."""
        self.receiver.flush()
        if self.units is not None:
            self.units.end()


def chain(
    index: int, form: Format, track: Track, ingest: Ingest, reception: Reception, reorder: Reorder | None
) -> Chain:
    """The chain of the track with this index in the session."""

    def lost(packets: int) -> None:
        ingest.lost(index, packets)

    depacketiser: Depacketiser
    units = sets = None
    if track.codec in _SYNTAX:
        sets = ParameterSets(track)
        units = depacketiser = _nal_units(index, track, sets, ingest, reception)
    elif track.codec is Codec.MJPEG:
        depacketiser = Jpeg((track.width, track.height), reception, _pictures(index, ingest))
    else:

        def deliver(timestamp: int, data: bytes) -> None:
            ingest.sample(index, timestamp, data)

        if track.codec is Codec.AAC:
            depacketiser = Aac(aac_layout(form.parameters), aac_duration(track), reception, deliver)
        elif track.codec is Codec.ONVIF_METADATA:
            depacketiser = Documents(reception, deliver)
        else:
            depacketiser = WholePackets(reception, deliver)
    receiver = Receiver(form.payload_type, track.clock_rate, depacketiser, reception, lost, reorder)
    return Chain(receiver, units, sets)


def _pictures(index: int, ingest: Ingest) -> Callable[[int, bytes, tuple[int, int]], None]:
    if index == ingest.main:
        return ingest.whole_video

    def deliver(timestamp: int, data: bytes, _size: tuple[int, int]) -> None:
        ingest.sample(index, timestamp, data)

    return deliver


def _nal_units(
    index: int, track: Track, sets: ParameterSets, ingest: Ingest, reception: Reception
) -> AccessUnits:
    syntax = _SYNTAX[track.codec]
    if index == ingest.main:
        deliver = partial(ingest.nal_unit_video, sets)
        return AccessUnits(syntax, WaitingLane(), sets, reception, ingest.unit_begins, deliver)

    def hand_over(lane: Lane, end: int, timestamp: int, _key: bool, _damaged: bool) -> Lane:
        ingest.sample(index, timestamp, lane.memory[:end])
        return lane

    return AccessUnits(syntax, WaitingLane(), sets, reception, lambda: None, hand_over)
