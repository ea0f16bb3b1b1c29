"""Replay Control (ONVIF Replay Control s5): where a recording is played from. How it is, RTSP says."""

# ruff: noqa: ARG002 - operations are called alike, whether they read or answer anything
from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import quote

from device.errors import BadValue, NotFound
from protocols.onvif.faults import BAD_ARGUMENT, Refusal, invalid
from protocols.onvif.names import TRP, TT
from protocols.onvif.operations import Access, Call, Legacy, Operation, Service
from protocols.onvif.services.recording import NO_RECORDING, check_plays
from protocols.onvif.xml import Element, find, need, read_span, sub, write_span

PATH = "/onvif/replay_service"
_BAD_SETUP = invalid("StreamSetupNotSupported", "The stream cannot be had so")
_BAD_TIMEOUT = invalid("ConfigModify", "The session timeout is out of range")


class Replaying(Protocol):
    """What the service needs of the recorder."""

    timeouts: tuple[float, float]  #: seconds, of an RTSP session

    def timeout(self) -> float:
        """What it is now."""

    def set_timeout(self, seconds: float, by: str) -> None:
        """Another. Raises BadValue."""

    def url(self, host: str, secure: bool, token: str) -> str:
        """Of a recording, for a client that reached us as `host` (an IPv6 address in brackets)."""


class Replay:
    """The service."""

    def __init__(
        self, known: Callable[[str], Awaitable[object]], replaying: Replaying, websocket: str | None = None
    ) -> None:
        """`known` raises NotFound where there is no recording of a token. `websocket`: URI of RTSP over WebSocket,
        without a host: it is where this service is; None: it is not served."""
        self._known = known
        self._replaying = replaying
        self._websocket = websocket

    async def get_uri(self, call: Call, reply: Element) -> None:
        """s5.1."""
        setup = find(call.body, TRP.StreamSetup)
        if need(setup, TT.Stream) != "RTP-Unicast":
            raise Refusal(_BAD_SETUP, "Recordings are played by RTP-Unicast.")
        protocol = need(find(setup, TT.Transport), TT.Protocol)
        if protocol not in ("UDP", "TCP", "RTSP", "HTTP"):
            raise Refusal(BAD_ARGUMENT, f"Protocol: {protocol[:40]!r} is not one of tt:TransportProtocol.")
        token = check_plays(call, need(call.body, TRP.RecordingToken))
        await self._known(token)
        secure = protocol == "HTTP" and call.base.startswith("https:")
        sub(reply, TRP.Uri, self._replaying.url(call.host, secure, quote(token, safe=".")))

    async def get_configuration(self, call: Call, reply: Element) -> None:
        """s5.3."""
        sub(sub(reply, TRP.Configuration), TT.SessionTimeout, write_span(self._replaying.timeout()))

    async def set_configuration(self, call: Call, reply: Element) -> None:
        """s5.2."""
        asked = need(find(call.body, TRP.Configuration), TT.SessionTimeout)
        self._replaying.set_timeout(read_span(TT.SessionTimeout, asked), call.account)

    def capabilities(self, element: Element) -> None:
        """s5.5."""
        element.set("ReversePlayback", "true")
        element.set("SessionTimeoutRange", " ".join(f"{each:g}" for each in self._replaying.timeouts))
        element.set("RTP_RTSP_TCP", "true")
        if self._websocket is not None:
            element.set("RTSPWebSocketUri", self._websocket)

    def service(self) -> Service:
        """The rows."""
        return Service(
            TRP,
            PATH,
            (21, 12),
            "ReplayPort",
            self.capabilities,
            (
                Operation("GetReplayUri", Access.READ_MEDIA, self.get_uri, ((NotFound, NO_RECORDING),)),
                Operation("GetReplayConfiguration", Access.READ_MEDIA, self.get_configuration),
                Operation(
                    "SetReplayConfiguration",
                    Access.ACTUATE,
                    self.set_configuration,
                    ((BadValue, _BAD_TIMEOUT),),
                ),
            ),
            Legacy("Replay", extension=True, fill=lambda element: None),  # noqa: ARG005 - there is nothing behind XAddr
        )
