"""The URL that a receiver has its stream from. Pure."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit, urlunsplit

from device.errors import BadValue
from device.recordings.model import Receiver

URI_LENGTH = 2048


def check_uri(uri: str) -> None:
    """Raises BadValue. An empty one is none yet."""
    if len(uri) > URI_LENGTH:
        raise BadValue("MediaUri", f"at most {URI_LENGTH} characters")
    if uri and urlsplit(uri).scheme not in ("rtsp", "rtsps"):
        raise BadValue("MediaUri", "begins with rtsp:// or rtsps://")


def settings_of(uri: str) -> dict[str, object]:
    """A URL with a name and password in it, as the settings of a camera have it."""
    parts = urlsplit(uri)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    host = parts.netloc.rpartition("@")[2]
    return {"main": urlunsplit(parts._replace(netloc=host)), "user": user, "password": password}


def shown(receiver: Receiver) -> str:
    """The URL of a receiver as everybody may see it: without name and password."""
    return str(settings_of(receiver.uri)["main"]) if receiver.uri else ""
