"""What cameras say of themselves, out of their replies. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from device.cameras.control import Happening, Kind, Profile
from device.media import Utc
from protocols.onvif.client.lenient import children, descendants, find, instant, number, parts_of, text
from protocols.onvif.client.wire import TR2
from protocols.onvif.names import TEV, TPTZ, TRT
from protocols.onvif.xml import Element

#: Of GetCapabilities, for cameras without GetServices.
_CATEGORIES = {"Media": str(TRT), "Events": str(TEV), "PTZ": str(TPTZ)}


def camera_time(reply: Element) -> Utc | None:
    """Of GetSystemDateAndTime; None: it tells no time that there is."""
    told = find(reply, "SystemDateAndTime")
    return parts_of(find(told, "UTCDateTime"))


def services(reply: Element) -> dict[str, str]:
    """Of GetServices: namespace to address."""
    return {text(each, "Namespace"): text(each, "XAddr") for each in children(reply, "Service")}


def capabilities(reply: Element) -> dict[str, str]:
    """The same of GetCapabilities."""
    told = find(reply, "Capabilities")
    found = {space: text(told, category, "XAddr") for category, space in _CATEGORIES.items()}
    return {space: address for space, address in found.items() if address}


@dataclass(frozen=True, slots=True)
class Information:
    """The type plate."""

    manufacturer: str
    model: str
    firmware: str
    serial: str


def information(reply: Element) -> Information:
    """Of GetDeviceInformation."""
    names = ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber")
    return Information(*(text(reply, each)[:128] for each in names))


def mac(reply: Element) -> str:
    """Of GetNetworkInterfaces: of the first interface that has one."""
    found = (text(each, "Info", "HwAddress") for each in children(reply, "NetworkInterfaces"))
    return next(filter(None, found), "").lower().replace("-", ":")[:17]


def profiles(reply: Element) -> list[Profile]:
    """Of GetProfiles, of Media 1 and Media 2, still without addresses."""
    return [_profile(each) for each in children(reply, "Profiles") if each.get("token")]


def _profile(told: Element) -> Profile:
    within = find(told, "Configurations")  # Media 2
    source = find(within, "VideoSource") if within is not None else find(told, "VideoSourceConfiguration")
    encoder = find(within, "VideoEncoder") if within is not None else find(told, "VideoEncoderConfiguration")
    mover = find(within, "PTZ") if within is not None else find(told, "PTZConfiguration")
    return Profile(
        token=told.get("token", ""),
        name=text(told, "Name")[:128],
        source=text(source, "SourceToken"),
        encoding=text(encoder, "Encoding").upper(),
        width=round(number(encoder, "Resolution", "Width")),
        height=round(number(encoder, "Resolution", "Height")),
        fps=number(encoder, "RateControl", "FrameRateLimit"),
        url="",
        snapshot="",
        node=text(mover, "NodeToken")[:64],
    )


def uri(reply: Element) -> str:
    """Of GetStreamUri and GetSnapshotUri; empty: it tells none."""
    return next((text(each) for each in descendants(reply, "Uri")), "")


def own(address: str, host: str) -> str:
    """An address that a camera tells of itself, with the host by which it was reached, and without user and password.
    Behind a router cameras tell addresses that nobody else has."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    return urlunsplit((parts.scheme, host + port, parts.path, parts.query, "")) if parts.scheme else ""


def reached(address: str, base: str) -> str:
    """Where a service is, for who reached the camera at `base`: host and port are those that serve, whatever the camera
    says; the path is the camera's. Empty: the address says nothing."""
    _, _, rest = address.partition("://")
    _, slash, path = rest.partition("/")
    scheme, _, authority = base.partition("://")
    return f"{scheme}://{authority.partition('/')[0]}/{path}" if slash and path else ""


# ------------------------------------------------------------------------------------------------- events


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What was subscribed to."""

    address: str  #: as the camera tells it; may be empty
    lives: float | None  #: seconds that it lives; None: the camera does not tell


def subscribed(reply: Element) -> Subscribed:
    """Of CreatePullPointSubscription and Renew."""
    address = text(find(reply, "SubscriptionReference"), "Address")
    now, end = instant(text(reply, "CurrentTime")), instant(text(reply, "TerminationTime"))
    return Subscribed(address, (end - now) / 1e6 if now is not None and end is not None else None)


#: Topic without prefixes -> what it means. Below a topic that ends with a star anything may follow.
_TOPICS: Mapping[str, Kind] = {
    "VideoSource/MotionAlarm": Kind.MOTION,
    "RuleEngine/CellMotionDetector/Motion": Kind.MOTION,
    "RuleEngine/MotionRegionDetector/Motion": Kind.MOTION,
    "VideoSource/GlobalSceneChange/*": Kind.TAMPERING,
    "VideoSource/ImageTooDark/*": Kind.TAMPERING,
    "VideoSource/ImageTooBlurry/*": Kind.TAMPERING,
    "RuleEngine/TamperDetector/Tamper": Kind.TAMPERING,
    "Device/Trigger/DigitalInput": Kind.INPUT,
}
_TRUE, _FALSE = ("true", "1"), ("false", "0")


def happenings(reply: Element, now: Utc, offset: int) -> list[Happening]:
    """Of PullMessages: what means something to us. `offset`: microseconds that the camera's clock is ahead; a time that
    does not exist, or lies ahead, is `now`."""
    found = []
    for message in descendants(reply, "NotificationMessage"):
        kind = meaning(text(message, "Topic"))
        told = next(descendants(message, "Message"), None)
        told = find(told, "Message") if told is not None and find(told, "Message") is not None else told
        if kind is None or told is None:
            continue
        on = _flag(find(told, "Data"))
        if on is None:
            continue
        utc = instant(told.get("UtcTime", ""))
        gone = told.get("PropertyOperation") == "Deleted"
        at = Utc(min(now, utc - offset)) if utc is not None else now
        found.append(Happening(kind, _source(find(told, "Source")), on and not gone, at))
    return found


def meaning(topic: str) -> Kind | None:
    """What a topic means, however a camera writes it; None: nothing to us."""
    names = [each.rpartition(":")[2] for each in topic.strip().rstrip("/.").split("/")]
    path = "/".join(names)
    return _TOPICS.get(path) or _TOPICS.get("/".join(names[:-1]) + "/*")


def _items(parent: Element | None) -> Iterable[tuple[str, str]]:
    return ((each.get("Name", ""), each.get("Value", "")) for each in children(parent, "SimpleItem"))


def _flag(data: Element | None) -> bool | None:
    """The first item that is true or false."""
    values = (value.strip().lower() for _, value in _items(data))
    return next((value in _TRUE for value in values if value in (*_TRUE, *_FALSE)), None)


def _source(source: Element | None) -> str:
    """Whom it is about: the values of its items."""
    return "/".join(value for _, value in _items(source) if value)[:64]


MEDIA = (str(TR2), str(TRT))  #: of both the first that works
