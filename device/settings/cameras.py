"""The cameras: one entry each, under a key that never changes and is part of its recordings' names."""

from __future__ import annotations

import secrets
from enum import Enum
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, model_validator

from device.accounts.role import Role
from device.cameras.control import Access
from device.cameras.source import Address
from device.errors import BadValue
from device.recording.modes import Mode
from device.settings.schedule import Span
from device.settings.section import N_, Field, Interrupts, Keep, Section

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32


class Transport(Enum):
    """How RTP comes (RFC 2326 s10.12, s12.39)."""

    TCP = "tcp"
    UDP = "udp"


def _stream_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port  # raises where it is no number
    except ValueError as error:
        raise ValueError(f"is not a URL: {error}") from None
    if parts.scheme not in ("rtsp", "rtsps"):
        raise ValueError("must begin with rtsp:// or rtsps://")
    if not parts.hostname or port == 0:
        raise ValueError("must name a host, and a port only from 1 to 65535")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must be without user and password: they have settings of their own")
    if any(ord(char) <= 32 or ord(char) == 127 for char in url):
        raise ValueError("must be without spaces and control characters")
    return url


StreamUrl = Annotated[str, AfterValidator(_stream_url)]
DEVICE_SERVICE = "/onvif/device_service"  #: where it is in nearly all cameras (ONVIF Core s5.1.1)


def _control_url(address: str) -> str:
    """A camera's ONVIF as people write it (`192.0.2.7`, `cam.example:8000`, a URL), as a URL."""
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        port = parts.port
    except ValueError as error:
        raise ValueError(f"is not an address: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError("must be HOST, HOST:PORT or an http:// or https:// URL")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must be without user and password: they have settings of their own")
    if any(ord(char) <= 32 or ord(char) == 127 for char in address):
        raise ValueError("must be without spaces and control characters")
    path = DEVICE_SERVICE if parts.path in ("", "/") else parts.path
    return f"{parts.scheme}://{parts.netloc}{path}"


ControlUrl = Annotated[str, AfterValidator(_control_url)]


def control_url(address: str) -> str:
    """The URL of a camera's ONVIF, of what people write. Raises BadValue."""
    try:
        return _control_url(address)
    except ValueError as error:
        raise BadValue("onvif", str(error)) from None


class Camera(
    Section,
    section="cameras",
    heading=N_("Cameras"),
    key=r"c-[0-9a-z]{4,16}",
    restore=Keep.NO,
    role=Role.OPERATOR,
):
    """One camera, and what is kept of it."""

    name: str = Field("", title=N_("Name"), max_length=64)
    enabled: bool = Field(True, title=N_("Enabled"), interrupts=Interrupts.CAMERA)

    onvif: ControlUrl | None = Field(
        None,
        title=N_("ONVIF address"),
        help=N_("Host, host and port, or URL. The camera tells what it sees, and where its streams are."),
        max_length=512,
    )
    follow: bool = Field(
        True,
        title=N_("Follow the camera"),
        help=N_("Main and sub stream are where the camera says over ONVIF that they are."),
        when="onvif",
    )
    main_profile: str = Field(
        "",
        title=N_("Profile of the main stream"),
        help=N_("Token of the camera's. Empty: the largest picture."),
        max_length=64,
        when="onvif and follow",
    )
    sub_profile: str = Field(
        "",
        title=N_("Profile of the sub stream"),
        help=N_("Token of the camera's. Empty: the smallest picture."),
        max_length=64,
        when="onvif and follow",
    )
    main: StreamUrl | None = Field(
        None,
        title=N_("Main stream"),
        help=N_("URL of the stream that is recorded, without user and password. Needed without ONVIF."),
        max_length=2048,
        interrupts=Interrupts.CAMERA,
    )
    sub: StreamUrl | None = Field(
        None,
        title=N_("Sub stream"),
        help=N_("URL of a smaller stream of the same picture, recorded too."),
        max_length=2048,
        interrupts=Interrupts.CAMERA,
    )
    user: str = Field("", title=N_("User"), max_length=64, interrupts=Interrupts.CAMERA)
    password: SecretStr = Field(
        SecretStr(""), title=N_("Password"), max_length=128, interrupts=Interrupts.CAMERA
    )
    transport: Transport = Field(Transport.TCP, title=N_("Transport"), interrupts=Interrupts.CAMERA)
    verify_tls: bool = Field(
        False,
        title=N_("Check the camera's certificate"),
        help=N_("Cameras sign their own; pin the fingerprint instead."),
        interrupts=Interrupts.CAMERA,
    )
    fingerprint: str = Field(
        "",
        title=N_("Certificate fingerprint"),
        help=N_("SHA-256 in hexadecimal. Empty: the first certificate that is seen is trusted."),
        pattern=r"^([0-9a-f]{64})?$",
        interrupts=Interrupts.CAMERA,
    )
    audio: bool = Field(True, title=N_("Record audio"), interrupts=Interrupts.CAMERA)
    metadata: bool = Field(
        True,
        title=N_("Record metadata"),
        help=N_("What the camera itself says of its picture: motion, objects. Searched by way of ONVIF."),
        interrupts=Interrupts.CAMERA,
    )

    fill: bool = Field(
        True,
        title=N_("Fill gaps from the camera's card"),
        help=N_(
            "After an outage, what the camera has recorded itself meanwhile (ONVIF Profile G) is fetched."
        ),
        when="onvif and mode != 'event'",
    )
    fill_mbit: float = Field(
        8.0,
        title=N_("Limit of fetching from the card"),
        unit="Mbit/s",
        ge=0.5,
        le=1000,
        when="onvif and fill and mode != 'event'",
    )

    mode: Mode = Field(Mode.CONTINUOUS, title=N_("Recording"))
    schedule: tuple[Span, ...] = Field(
        (),
        title=N_("Schedule"),
        help=N_("Weekly, in the recorder's local time. In event mode: when events count; empty: always."),
        max_length=100,
        when="mode == 'schedule' or mode == 'event'",
    )
    pre_event: float = Field(
        5.0, title=N_("Kept before an event"), unit="s", ge=0, le=60, when="mode == 'event'"
    )
    post_event: float = Field(
        10.0, title=N_("Kept after an event"), unit="s", ge=0, le=600, when="mode == 'event'"
    )
    retention_days: float | None = Field(
        None,
        title=N_("Retention"),
        help=N_("Deleted when it is older. None: unlimited, until the storage is full."),
        unit="d",
        ge=0.01,
        le=3650,
    )
    minimum_days: float | None = Field(
        None,
        title=N_("Minimum retention"),
        help=N_("Not deleted before, even when the storage is full: then recording stops."),
        unit="d",
        ge=0.01,
        le=3650,
    )
    quota_gb: float | None = Field(None, title=N_("Quota"), unit="GB", ge=0.1, le=1_000_000)
    storage: str = Field(
        "",
        title=N_("Storage"),
        help=N_("Key of the storage to prefer. Empty: the one with the most room."),
        pattern=r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.main is None and not (self.onvif and self.follow):
            raise ValueError("main is needed: the URL of a stream, or onvif: the camera's address")
        if self.mode is Mode.SCHEDULE and not self.schedule:
            raise ValueError("mode 'schedule' needs a schedule of at least one span")
        if self.minimum_days and self.retention_days and self.minimum_days > self.retention_days:
            raise ValueError("minimum_days must not be longer than retention_days")
        return self

    def control(self) -> Access | None:
        """How to talk with it, None where it is not known."""
        if self.onvif is None:
            return None
        return Access(self.onvif, self.user, self.password.get_secret_value())

    def address(self, stream: str) -> Address | None:
        """How to reach a stream (`main` or `sub`), None where the camera has no such one."""
        url = self.main if stream == "main" else self.sub
        if url is None:
            return None
        return Address(
            url,
            self.user,
            self.password.get_secret_value(),
            self.transport.value,
            self.verify_tls,
            self.fingerprint,
        )


def new_camera_key() -> str:
    """A key for a new camera."""
    return "c-" + "".join(secrets.choice(_ALPHABET) for _ in range(6))
