"""What a URL means here, and the session description behind it (RFC 2326 s3.2, appendix C.1). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote, urlsplit

from device.errors import BadValue
from device.media import Track, Utc
from device.recordings.names import track_tokens
from protocols.rtsp import formats, sdp
from protocols.rtsp.library import Live, Stored
from protocols.rtsp.range import Clock, Now, Npt
from protocols.rtsp.sender import payload_type

QUERY_LIMIT = 32  #: parameters
_TRACK = re.compile(r"(.*?)/trackID=([0-9]{1,2})/?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Location:
    """A request's URL, read. A track's URL is that of its presentation with `/trackID=N` behind the path."""

    root: str  #: scheme and authority as the client wrote them, without credentials
    path: str  #: decoded
    query: Mapping[str, str]
    track: int | None  #: None: the whole presentation
    raw_path: str  #: as the client wrote it, without the track
    raw_query: str

    @property
    def url(self) -> str:
        """Of the presentation."""
        return self._join(self.raw_path)

    def track_url(self, track: int) -> str:
        """Of one track."""
        return self._join(f"{self.raw_path.rstrip('/')}/trackID={track}")

    def _join(self, path: str) -> str:
        return f"{self.root}{path}?{self.raw_query}" if self.raw_query else self.root + path


@dataclass(frozen=True, slots=True)
class Opened:
    """What the library found, and for stored media what can be played of it now."""

    media: Live | Stored
    span: tuple[Utc, Utc] | None

    @property
    def tracks(self) -> tuple[Track, ...]:
        """In the order of the description."""
        return self.media.feed.tracks if isinstance(self.media, Live) else self.media.store.tracks

    @property
    def origin(self) -> Utc:
        """Wall time of normal play time 0."""
        assert self.span is not None
        start = self.media.start if isinstance(self.media, Stored) else None
        return self.span[0] if start is None else max(self.span[0], min(start, self.span[1]))

    @property
    def limit(self) -> Utc | None:
        """Where the URL says that it ends."""
        return self.media.end if isinstance(self.media, Stored) else None

    @property
    def last(self) -> Utc:
        """Wall time of its end, as far as there is one now."""
        assert self.span is not None
        return self.span[1] if self.limit is None else max(self.origin, min(self.limit, self.span[1]))


def locate(url: str) -> Location:
    """Read a request's URL. Raises BadValue."""
    try:
        parts = urlsplit(url)
        host, path = parts.netloc.rpartition("@")[2], unquote(parts.path, errors="strict")
    except ValueError:
        raise BadValue("URL", "cannot be read") from None
    if parts.scheme.lower() not in ("rtsp", "rtsps", "rtspu") or not host:
        raise BadValue("URL", "is not an absolute rtsp or rtsps URL")
    raw_path, raw_query, track = parts.path or "/", parts.query, None
    match = _TRACK.fullmatch(raw_path)
    if match is not None:
        raw_path, track = match[1] or "/", int(match[2])
    # Clients that append to the whole Content-Base put the track behind the query.
    elif (match := _TRACK.fullmatch(raw_query)) is not None:
        raw_query, track = match[1], int(match[2])
    raw_path = raw_path.rstrip("/") or "/"
    path = unquote(raw_path, errors="strict")
    if re.search(r"[\x00-\x1f\x7f]", path) or not path.startswith("/"):
        raise BadValue("URL", "control characters in the path")
    try:
        query = dict(parse_qsl(raw_query.rstrip("/"), keep_blank_values=True, max_num_fields=QUERY_LIMIT))
    except ValueError:
        raise BadValue("URL", f"more than {QUERY_LIMIT} query parameters") from None
    return Location(f"{parts.scheme}://{host}", path, query, track, raw_path, raw_query)


def describe(opened: Opened, location: Location, address: str, session: int) -> bytes:
    """The description of a presentation. Controls are absolute, since clients join relative ones to a URL
    with a query in different ways. `address` is the server's, in the family that the client uses."""
    attributes: list[tuple[str, str]] = [("tool", "Holdfast"), ("type", "broadcast")]
    if opened.span is not None:
        # Both units: players read the length from the first that they understand, others look for the clock.
        # The other way round GStreamer asks for seconds since 1900, and calls them normal play time.
        length = max(0, opened.last - opened.origin)
        attributes = [
            attributes[0],
            ("range", Npt(0, length).encode()),
            ("range", Clock(opened.origin, opened.last).encode()),
        ]
    else:
        attributes.append(("range", Npt(Now.NOW).encode()))
    media = tuple(
        formats.media_of(track, payload_type(track, n), location.track_url(n))
        for n, track in enumerate(opened.tracks)
    )
    if isinstance(opened.media, Stored):
        tokens = track_tokens(opened.tracks)  # ONVIF Streaming s6.2: which track of the recording this is
        media = tuple(
            replace(each, attributes=(*each.attributes, ("x-onvif-track", token)))
            for each, token in zip(media, tokens, strict=True)
        )
    name = opened.media.name or location.path.rpartition("/")[2]
    description = sdp.SessionDescription(media, name, location.url, tuple(attributes))
    return sdp.write(description, address, session).encode()
