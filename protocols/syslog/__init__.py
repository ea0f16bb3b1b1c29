"""Syslog, outwards: what the recorder says, as messages of RFC 5424, RFC 3164 and the style of Axis' devices."""
