"""The Transport header, RFC 2326 s12.39. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

ALTERNATIVES_LIMIT = 16  #: of one header
_PAIR = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_TTL = re.compile(r"[0-9]{1,3}")
_SSRC = re.compile(r"[0-9A-Fa-f]{1,8}")


@dataclass(frozen=True, slots=True)
class Transport:
    """One way to deliver one track. Pairs are (RTP, RTCP)."""

    tcp: bool  #: the lower transport: TCP, or UDP
    unicast: bool = True
    interleaved: tuple[int, int] | None = None  #: channels, 0 to 255
    client_port: tuple[int, int] | None = None
    server_port: tuple[int, int] | None = None
    port: tuple[int, int] | None = None  #: of a multicast group
    ttl: int | None = None  #: of multicast
    destination: str | None = None
    source: str | None = None
    ssrc: int | None = None
    mode: str = "PLAY"

    def encode(self) -> str:
        """The header's value."""
        parts = ["RTP/AVP/TCP" if self.tcp else "RTP/AVP", "unicast" if self.unicast else "multicast"]
        if self.destination is not None:
            parts.append(f"destination={self.destination}")
        if self.source is not None:
            parts.append(f"source={self.source}")
        pairs = (
            ("interleaved", self.interleaved),
            ("client_port", self.client_port),
            ("server_port", self.server_port),
            ("port", self.port),
        )
        parts += [f"{name}={pair[0]}-{pair[1]}" for name, pair in pairs if pair is not None]
        if self.ttl is not None:
            parts.append(f"ttl={self.ttl}")
        if self.ssrc is not None:
            parts.append(f"ssrc={self.ssrc:08X}")
        if self.mode != "PLAY":
            parts.append(f'mode="{self.mode}"')
        return ";".join(parts)


def parse(value: str) -> list[Transport]:
    """The alternatives of a Transport header, in the sender's order of preference.

    Those that we could never use (another profile, a parameter out of range) are left out, so an empty list
    means 461.
    """
    found: list[Transport] = []
    for alternative in value.split(",", ALTERNATIVES_LIMIT)[:ALTERNATIVES_LIMIT]:
        transport = _alternative([part.strip() for part in alternative.split(";")])
        if transport is not None:
            found.append(transport)
    return found


def _alternative(parts: list[str]) -> Transport | None:
    profile = parts[0].upper()
    if profile not in ("RTP/AVP", "RTP/AVP/UDP", "RTP/AVP/TCP"):
        return None
    given: dict[str, str] = {}
    for part in parts[1:]:
        name, _, text = part.partition("=")
        given.setdefault(name.strip().lower(), text.strip().strip('"'))
    pairs: dict[str, tuple[int, int] | None] = {}
    for name, limit in (
        ("interleaved", 255),
        ("client_port", 65535),
        ("server_port", 65535),
        ("port", 65535),
    ):
        pairs[name] = _pair(given[name], limit) if name in given else None
        if name in given and pairs[name] is None:
            return None
    ssrc, ttl = given.get("ssrc", ""), given.get("ttl", "")
    return Transport(
        tcp=profile.endswith("/TCP"),
        # RFC 2326 s12.39 makes multicast the default; no client means it when it names ports or channels.
        unicast="multicast" not in given,
        interleaved=pairs["interleaved"],
        client_port=pairs["client_port"],
        server_port=pairs["server_port"],
        port=pairs["port"],
        ttl=int(ttl) if _TTL.fullmatch(ttl) else None,
        destination=given.get("destination") or None,
        source=given.get("source") or None,
        ssrc=int(ssrc, 16) if _SSRC.fullmatch(ssrc) else None,
        mode=given.get("mode", "PLAY").upper() or "PLAY",
    )


def _pair(text: str, limit: int) -> tuple[int, int] | None:
    """`8000-8001`, or `8000` alone, which leaves the RTCP one to be the next."""
    match = _PAIR.fullmatch(text)
    if match is None:
        return None
    first = int(match[1])
    second = int(match[2]) if match[2] is not None else first + 1
    return (first, second) if first <= limit and second <= limit and first != second else None
