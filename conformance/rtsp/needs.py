"""Preconditions of cases, judged by what the device told at the first contact."""

from __future__ import annotations

from conformance.rtsp.device import Device


def replay(device: Device) -> str | None:
    """A recording to play."""
    if device.address.replay is None:
        return "no URL of a recording was given (--replay-url)"
    return None if device.known.replay is not None else f"{device.address.replay} cannot be described"


def account(device: Device) -> str | None:
    """A device that asks who is there."""
    if not device.known.challenges:
        return "the device asks for no account"
    return None if device.address.user else "no account was given (--user, --password)"


def plain(device: Device) -> str | None:
    """A connection without TLS, beside which UDP makes sense."""
    return "UDP in the clear beside RTSP over TLS" if device.secure else None


def several_tracks(device: Device) -> str | None:
    """An aggregate of at least two tracks."""
    live = device.known.live
    return None if live and len(live.media) > 1 else "the live presentation has a single track"


def get_parameter(device: Device) -> str | None:
    """GET_PARAMETER is offered."""
    return None if "GET_PARAMETER" in device.known.public else "Public does not list GET_PARAMETER"


def set_parameter(device: Device) -> str | None:
    """SET_PARAMETER is offered."""
    return None if "SET_PARAMETER" in device.known.public else "Public does not list SET_PARAMETER"


def pause(device: Device) -> str | None:
    """PAUSE is offered."""
    return None if "PAUSE" in device.known.public else "Public does not list PAUSE"


def qop(device: Device) -> str | None:
    """A digest with nonce count is offered."""
    lacking = account(device)
    if lacking is not None:
        return lacking
    counted = any("auth" in challenge.qop for challenge in device.known.challenges)
    return None if counted else "no challenge offers qop=auth"


def digest(device: Device) -> str | None:
    """Digest authentication is offered."""
    lacking = account(device)
    if lacking is not None:
        return lacking
    offered = any(challenge.scheme == "digest" for challenge in device.known.challenges)
    return None if offered else "no challenge is of the scheme Digest"
