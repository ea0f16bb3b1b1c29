"""What the services ask of a virtual camera: its type plate, its streams, its network, its people."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from urllib.parse import quote

from device.accounts.rights import Rights
from device.accounts.role import Role
from device.clock import Clock
from device.media import MICROSECONDS, Codec, Utc
from integration.version import VERSION
from integration.virtual_camera.analytics import SOURCE
from integration.virtual_camera.camera import Camera
from integration.virtual_camera.head import ABILITIES
from integration.virtual_camera.stream import Setup
from protocols.onvif.services.device import About
from protocols.onvif.services.media import Audio, Stream, Video

_ENCODINGS = {Codec.H264: "H264", Codec.MJPEG: "JPEG"}  #: as ONVIF Media 1 has words
_SOUNDS = {Codec.PCMU: ("G711", 64, 8), Codec.PCMA: ("G711", 64, 8), Codec.AAC: ("AAC", 32, 16)}


class CameraClock:
    """The camera's clock, wrong where its condition says so. `device.clock.Clock`."""

    def __init__(self, clock: Clock, camera: Camera) -> None:
        self._clock = clock
        self._camera = camera

    def utc(self) -> Utc:
        """Clock."""
        return Utc(self._clock.utc() + round(self._camera.condition.clock_offset * MICROSECONDS))

    def monotonic(self) -> float:
        """Clock."""
        return self._clock.monotonic()


class People:
    """Its one user. `protocols.onvif.credentials.Secrets`."""

    def __init__(self, camera: Camera) -> None:
        self.realm = camera.realm
        self._camera = camera

    def ha1(self, user: str, algorithm: str) -> str | None:
        """Secrets."""
        return self._camera.ha1(user, algorithm)

    def password(self, user: str) -> str | None:
        """Secrets."""
        return self._camera.password(user)

    def rights(self, user: str) -> Rights | None:
        """Secrets."""
        return Rights(Role.ADMINISTRATOR) if self._camera.password(user) is not None else None


class VirtualDevice:
    """`protocols.onvif.services.device.Recorder`, of a camera."""

    def __init__(self, camera: Camera, restart: Callable[[], None]) -> None:
        """`restart`: lets it go off and come back, a moment later."""
        self._camera = camera
        self._restart = restart
        self._scopes: tuple[str, ...] = ()
        self._discoverable = True
        host, port = camera.address
        #: The same for as long as the camera stays at its address.
        self.id = uuid.uuid5(uuid.NAMESPACE_URL, f"rtsp://{host}:{port}/")

    @property
    def about(self) -> About:
        """The type plate."""
        serial = f"VC-{self.id.hex[:8].upper()}"
        return About("Holdfast", "Virtual camera", VERSION, serial, self._camera.spec.scene, str(self.id))

    @property
    def mac(self) -> str:
        """A locally administered one (IEEE 802 s8.4.2)."""
        return ":".join(f"{octet:02x}" for octet in (0x02, *self.id.bytes[:5]))

    def streams(self) -> Sequence[Stream]:
        """A profile for each stream, the main one first."""
        return [self._stream(path.strip("/"), stream.setup) for path, stream in self._camera.streams.items()]

    def _stream(self, token: str, setup: Setup) -> Stream:
        form = setup.form
        video = Video(
            _ENCODINGS.get(form.codec),
            form.width,
            form.height,
            form.fps,
            max(1, form.bitrate // 1000),
            setup.gop,
            "Main",
        )
        audio = Audio(*_SOUNDS[setup.sound], 1) if setup.sound is not None else None
        head = ABILITIES if self._camera.spec.ptz else None
        return Stream(token, SOURCE, f"{setup.title} {token}", f"/{token}", video, audio, head)

    # What the Device service asks

    def fixed_scopes(self) -> tuple[str, ...]:
        """Recorder."""
        told = (
            "Profile/Streaming",
            "type/Network_Video_Transmitter",
            "type/video_encoder",
            "hardware/Virtual_camera",
            f"name/{quote(self._camera.name, safe='')}",
            "location/demo",
            f"MacAddress/{self.mac}",
        )
        return tuple(f"onvif://www.onvif.org/{each}" for each in told)

    def scopes(self) -> tuple[str, ...]:
        """Recorder."""
        return self._scopes

    def set_scopes(self, scopes: tuple[str, ...], *, by: str) -> None:
        """Recorder."""
        del by
        self._scopes = scopes

    def discoverable(self) -> bool:
        """Recorder."""
        return self._discoverable

    def set_discoverable(self, on: bool, *, by: str) -> None:
        """Recorder."""
        del by
        self._discoverable = on

    async def log(self) -> str:
        """Recorder."""
        return ""

    def restart(self) -> str:
        """Recorder."""
        self._restart()
        return "The camera restarts."

    def reset(self, *, hard: bool, by: str) -> None:
        """Recorder."""
        del hard, by
        self._scopes, self._discoverable = (), True
        self._restart()
