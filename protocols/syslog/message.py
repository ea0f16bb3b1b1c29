"""Messages as octets, in three forms. Pure.

- RFC 5424: `<29>1 2026-11-28T14:35:00.123456+01:00 nvr holdfast recording CAMERA-OFFLINE [...] text`
- RFC 3164: `<29>Nov 28 14:35:00 nvr holdfast[recording]: text`
- like Axis' devices: `<29>2026-11-28T14:35:00.123+01:00 nvr [ WARNING ] holdfast[recording]: text`
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from device.errors import Severity
from device.media import Utc
from device.settings.syslog import Form

APP = "holdfast"
VALUE_LIMIT = 1024  #: characters of one PARAM-VALUE
NAME_LIMIT = 32  #: octets of an SD-NAME and of a MSGID (RFC 5424 s6)
HOST_LIMIT = 255
OLD_LIMIT = 1024  #: octets of a packet (RFC 3164 s4.1)
BOM = "\ufeff"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ESCAPES = str.maketrans({'"': '\\"', "\\": "\\\\", "]": "\\]"})
#: A line break would let a camera's text begin a message of its own.
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160), 8232, 8233), " ")

Element = tuple[str, Sequence[tuple[str, str]]]  #: SD-ID, and PARAM-NAMEs with their values


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be said, whatever the form."""

    facility: int  #: RFC 5424 s6.2.1, table 1
    severity: Severity
    utc: Utc
    process: str  #: PROCID: the plane
    name: str  #: MSGID
    data: tuple[Element, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Manner:
    """How one server wants it."""

    form: Form
    host: str
    zone: tzinfo
    limit: int  #: octets of a message; what does not fit is cut


def encode(message: Message, manner: Manner) -> bytes:
    """The message as it travels, without framing."""
    return _FORMS[manner.form](message, manner)


def framed(message: bytes) -> bytes:
    """Behind its length, as in a stream (RFC 6587 s3.4.1, RFC 5425 s4.3)."""
    return b"%d %b" % (len(message), message)


def host_name(text: str) -> str:
    """A HOSTNAME that every receiver takes (RFC 5424 s6.2.4): printable ASCII without spaces; else `-`."""
    return _ascii(text, HOST_LIMIT) or "-"


# ---------------------------------------------------------------------------------------------- RFC 5424


def _rfc5424(message: Message, manner: Manner) -> bytes:
    local = _local(message.utc, manner.zone)
    head = (
        f"<{_priority(message)}>1 {_internet(local, 'microseconds')} {host_name(manner.host)} {APP} "
        f"{_ascii(message.process, 128) or '-'} {_ascii(message.name, NAME_LIMIT) or '-'} "
    )
    data = "".join(_element(name, params) for name, params in message.data) or "-"
    text = _clean(message.text)
    if text and not text.isascii():
        text = BOM + text  # RFC 5424 s6.4: UTF-8 begins with it, and what is not UTF-8 does not
    whole = (head + data).encode()
    if (
        len(whole) > manner.limit
    ):  # a receiver may drop what is too long: better without the fields than not at all
        whole = f"{head}-".encode()
    return _cut(whole + (f" {text}".encode() if text else b""), manner.limit)


def _element(name: str, params: Sequence[tuple[str, str]]) -> str:
    said = [name]
    for key, value in params:
        said.append(f'{_name(key)}="{_clean(value)[:VALUE_LIMIT].translate(_ESCAPES)}"')
    return f"[{' '.join(said)}]"


def _name(text: str) -> str:
    """An SD-NAME (RFC 5424 s6.3.2)."""
    return "".join(c for c in text if "!" <= c <= "~" and c not in '="]')[:NAME_LIMIT]


# ------------------------------------------------------------------------------------- RFC 3164, and Axis'


def _rfc3164(message: Message, manner: Manner) -> bytes:
    local = _local(message.utc, manner.zone)
    stamp = f"{_MONTHS[local.month - 1]} {local.day:2} {local:%H:%M:%S}"
    host = host_name(manner.host).partition(".")[0]  # s4.1.2: without its domain
    if manner.host.replace(".", "").isdecimal() or ":" in manner.host:
        host = host_name(manner.host)  # an address has none
    head = f"<{_priority(message)}>{stamp} {host} {_tag(message)}: "
    text = _clean(message.text).encode("ascii", "backslashreplace").decode()  # s4.1: visible ASCII
    return _cut((head + text).encode(), min(manner.limit, OLD_LIMIT))


#: As the log of Axis' devices calls severities.
_WORDS = ("EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG")


def _axis(message: Message, manner: Manner) -> bytes:
    local = _local(message.utc, manner.zone)
    head = (
        f"<{_priority(message)}>{_internet(local, 'milliseconds')} {host_name(manner.host)} "
        f"[ {_WORDS[message.severity]:7} ] {_tag(message)}: "
    )
    return _cut((head + _clean(message.text)).encode(), manner.limit)


def _tag(message: Message) -> str:
    process = _ascii(message.process, 32)
    return f"{APP}[{process}]" if process else APP


_FORMS: dict[Form, Callable[[Message, Manner], bytes]] = {
    Form.RFC5424: _rfc5424,
    Form.RFC3164: _rfc3164,
    Form.AXIS: _axis,
}

# ------------------------------------------------------------------------------------------------ within


def _priority(message: Message) -> int:
    return message.facility * 8 + message.severity


def _local(utc: Utc, zone: tzinfo) -> datetime:
    return (_EPOCH + timedelta(microseconds=utc)).astimezone(zone)


def _internet(local: datetime, precision: str) -> str:
    """RFC 3339, with the offset that the zone has at that moment; Z for UTC."""
    if (local.utcoffset() or timedelta()) % timedelta(
        minutes=1
    ):  # some had seconds once, which RFC 3339 lacks
        local = local.astimezone(UTC)
    text = local.isoformat(timespec=precision)
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def _ascii(text: str, limit: int) -> str:
    return "".join(c for c in text if "!" <= c <= "~")[:limit]


def _clean(text: str) -> str:
    return text.translate(_CONTROLS).encode("utf-8", "replace").decode()


def _cut(whole: bytes, limit: int) -> bytes:
    """At most so many octets, and no character in pieces (RFC 5424 s6.1)."""
    return whole if len(whole) <= limit else whole[:limit].decode("utf-8", "ignore").encode()
