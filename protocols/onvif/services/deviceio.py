"""The DeviceIO service, as far as clients ask (ONVIF Device IO s5): the cameras as inputs, and nothing else that the
recorder has connectors for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from protocols.onvif.names import TMD, TT
from protocols.onvif.operations import Access, Call, Legacy, Operation, Service
from protocols.onvif.services.media import Stream
from protocols.onvif.xml import Element, sub

PATH = "/onvif/deviceio_service"
VERSION = (21, 6)


class DeviceIo:
    """The service."""

    def __init__(self, streams: Callable[[], Sequence[Stream]]) -> None:
        self._streams = streams

    def service(self) -> Service:
        """Its rows."""
        reads = Access.READ_MEDIA
        operations = (
            Operation("GetVideoSources", reads, self.get_video_sources),
            Operation("GetAudioSources", reads, self.get_audio_sources),
            Operation("GetVideoOutputs", reads, self.nothing),
            Operation("GetAudioOutputs", reads, self.nothing),
            Operation("GetRelayOutputs", reads, self.nothing),
            Operation("GetDigitalInputs", Access.READ_SYSTEM, self.nothing),
            Operation("GetSerialPorts", Access.READ_SYSTEM, self.nothing),
        )
        legacy = Legacy("DeviceIO", extension=True, fill=self._legacy)
        return Service(TMD, PATH, VERSION, "DeviceIOPort", self._capabilities, operations, legacy)

    def _counts(self) -> dict[str, int]:
        streams = self._streams()
        return {
            "VideoSources": len({stream.source for stream in streams}),
            "VideoOutputs": 0,
            "AudioSources": len({stream.source for stream in streams if stream.audio}),
            "AudioOutputs": 0,
            "RelayOutputs": 0,
        }

    def _capabilities(self, told: Element) -> None:
        for name, count in {**self._counts(), "SerialPorts": 0, "DigitalInputs": 0}.items():
            told.set(name, str(count))

    def _legacy(self, told: Element) -> None:
        for name, count in self._counts().items():
            sub(told, TT.name(name), count)

    async def get_video_sources(self, call: Call, reply: Element) -> None:
        """GetVideoSources."""
        for source in dict.fromkeys(
            stream.source for stream in self._streams() if call.watches(stream.token)
        ):
            sub(reply, TMD.Token, source)

    async def get_audio_sources(self, call: Call, reply: Element) -> None:
        """GetAudioSources."""
        heard = (each for each in self._streams() if each.audio and call.watches(each.token))
        for source in dict.fromkeys(stream.source for stream in heard):
            sub(reply, TMD.Token, source)

    async def nothing(self, call: Call, reply: Element) -> None:
        """An operation whose answer is that there are none."""
