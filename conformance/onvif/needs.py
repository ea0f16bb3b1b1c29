"""Features that tests are about: None where the device has one, otherwise the capability that says that it has not."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.case import Need
from conformance.onvif.device import Device

_NO_NETWORK = "System@NetworkConfigNotSupported is true"


def service(prefix: str, called: str) -> Need[Device]:
    """A service of GetServices."""

    def need(device: Device) -> str | None:
        return None if device.has(prefix) else f"GetServices names no {called} service"

    return need


def declared(prefix: str, attribute: str, group: str | None = None) -> Need[Device]:
    """A capability that is true, or a number above 0."""

    def need(device: Device) -> str | None:
        told = device.capability(prefix, attribute, group)
        shown = f"{group}@{attribute}" if group else f"{prefix}:Capabilities@{attribute}"
        if told not in (None, "false", "0", ""):
            return None
        return f"{shown} is not declared" if told is None else f"{shown} is {told or 'empty'}"

    return need


def either(*needs: Need[Device]) -> Need[Device]:
    """One of several is enough."""

    def need(device: Device) -> str | None:
        lacking = [each(device) for each in needs]
        return None if None in lacking else "; ".join(each for each in lacking if each)

    return need


def network(device: Device) -> str | None:
    """Network settings can be read and changed by ONVIF."""
    return _NO_NETWORK if device.offers("tds", "NetworkConfigNotSupported", "System") else None


def users(device: Device) -> str | None:
    """Users can be managed by ONVIF."""
    lacking = device.offers("tds", "UserConfigNotSupported", "System")
    return "System@UserConfigNotSupported is true" if lacking else None


def sound(device: Device) -> str | None:
    """A recording with audio in it."""
    found = any(tape.data("Audio") and tape.data("Video") for tape in device.facts.tapes)
    return None if found else "no recording has audio in it"


def topic(path: str) -> Need[Device]:
    """A topic of GetEventProperties."""

    def need(device: Device) -> str | None:
        return None if path in device.facts.topics else f"the topic {path} is not advertised"

    return need


_DYNAMIC = either(declared("trc", "DynamicRecordings"), declared("trc", "DynamicTracks"))

#: By the names of `official`; those that no single declaration tells are judged by their case.
FEATURES: Mapping[str, tuple[Need[Device], ...]] = {
    "-": (),
    "audio": (sound,),
    "auxiliary": (declared("tds", "AuxiliaryCommands", "Misc"),),
    "backup": (declared("tds", "HttpSystemBackup", "System"),),
    "basic-notification": (declared("tev", "MaxNotificationProducers"),),
    "brokers": (declared("tev", "MaxEventBrokers"),),
    "bye": (declared("tds", "DiscoveryBye", "System"),),
    "delete-track-data": (topic("RecordingConfig/DeleteTrackData"), _DYNAMIC),
    "dynamic": (_DYNAMIC,),
    "dynamic-recordings": (declared("trc", "DynamicRecordings"),),
    "dynamic-tracks": (declared("trc", "DynamicTracks"),),
    "dyndns": (declared("tds", "DynDNS", "Network"),),
    "firmware": (declared("tds", "HttpFirmwareUpgrade", "System"),),
    "ip-filter": (declared("tds", "IPFilter", "Network"),),
    "ipv6": (declared("tds", "IPVersion6", "Network"), network),
    "link-local": (declared("tds", "ZeroConfiguration", "Network"),),
    "media": (service("trt", "Media"),),
    "metadata": (declared("trc", "MetadataRecording"),),
    "metadata-search": (declared("tse", "MetadataSearch"),),
    "ntp": (declared("tds", "NTP", "Network"),),
    "ptz-search": (service("tptz", "PTZ"),),
    "receiver": (service("trv", "Receiver"),),
    "relay": (declared("tds", "RelayOutputs", "Misc"),),
    "remote-user": (declared("tds", "RemoteUserHandling", "Security"),),
    "reverse": (declared("trp", "ReversePlayback"),),
    "rtp-rtsp-tcp": (declared("trp", "RTP_RTSP_TCP"),),
    "service": (),
    "storage": (declared("tev", "PersistentNotificationStorage"),),
    "topic": (),
    "username-token": (declared("tds", "UsernameToken", "Security"),),
}
