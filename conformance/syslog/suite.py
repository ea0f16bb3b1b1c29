"""The syslog suite, before its cases."""

from __future__ import annotations

from conformance.suite import Suite
from conformance.syslog.receiver import Heard, arguments, contact

SUITE: Suite[Heard] = Suite(
    "syslog",
    "syslog (RFC 5424, RFC 3164; over UDP, TCP and TLS: RFC 5426, 6587, 5425)",
    {
        "frame": "Transport and framing",
        "header": "Header (RFC 5424)",
        "data": "Structured data (RFC 5424)",
        "text": "Message text (RFC 5424)",
        "old": "Messages of RFC 3164",
    },
    arguments,
    contact,
)
case = SUITE.case
