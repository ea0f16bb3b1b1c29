"""The RTSP suite, before its cases."""

from __future__ import annotations

from conformance.rtsp.device import Device, arguments, contact
from conformance.suite import Suite

SUITE: Suite[Device] = Suite(
    "rtsp",
    "RTSP 1.0 (RFC 2326)",
    {
        "message": "Messages",
        "malformed": "Malformed input",
        "describe": "OPTIONS and DESCRIBE",
        "method": "Methods and states",
        "transport": "Transport",
        "account": "Authentication",
        "session": "Sessions and keep-alive",
        "media": "RTP and RTCP",
        "range": "Range",
        "replay": "Replay",
        "tunnel": "RTSP through HTTP",
        "websocket": "RTSP through a WebSocket",
        "player": "A player",
    },
    arguments,
    contact,
)
case = SUITE.case
