"""The cases. What a case demands is said by its decorator: there is no other docstring."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import TypeVar

from conformance.case import Requirement, expect, provided
from conformance.syslog.reading import LARGEST_PRIORITY, NIL, New, Old, Wrong, good_time
from conformance.syslog.receiver import Heard
from conformance.syslog.suite import case

T = TypeVar("T")

REGISTERED = frozenset({"timeQuality", "origin", "meta"})  #: SD-IDs of RFC 5424 s7
UDP_LIMIT = 2048
TLS_LIMIT = 8192
OLD_LIMIT = 1024
BOM = b"\xef\xbb\xbf"


def _none(wrong: Iterable[object], of: int) -> str:
    found = list(wrong)
    expect(not found, f"{len(found)} of {of}, such as {found[0] if found else ''}")
    return f"{of} messages"


def _each(messages: list[T], good: Callable[[T], bool], shown: Callable[[T], object]) -> str:
    return _none((shown(each) for each in messages if not good(each)), len(messages))


@case(
    "frame.counted",
    "Each message in a stream stands behind its length",
    "RFC 6587 s3.4.1",
    Requirement.CONDITIONAL,
)
async def counted(heard: Heard) -> str:
    broken = [each for each in heard.broken if each.startswith("tcp")]
    expect(not broken, "; ".join(broken))
    return f"{len(heard.over('tcp'))} messages"


@case(
    "frame.tls-counted",
    "Over TLS each message stands behind its length",
    "RFC 5425 s4.3",
    Requirement.CONDITIONAL,
)
async def tls_counted(heard: Heard) -> str:
    broken = [each for each in heard.broken if each.startswith("tls")]
    expect(not broken, "; ".join(broken))
    return f"{len(heard.over('tls'))} messages"


@case("frame.tls-version", "TLS 1.2 or newer is used", "RFC 5425 s4.2, RFC 9662 s4", Requirement.CONDITIONAL)
async def tls_version(heard: Heard) -> str:
    provided(bool(heard.tls), "nothing came over TLS")
    return _each(heard.tls, lambda version: version in ("TLSv1.2", "TLSv1.3"), str)


@case("frame.udp-size", "A datagram is one that every receiver takes", "RFC 5426 s3.2", Requirement.OPTIONAL)
async def udp_size(heard: Heard) -> str:
    messages = heard.over("udp")
    return _each(messages, lambda m: len(m.octets) <= UDP_LIMIT, lambda m: f"{len(m.octets)} octets")


@case(
    "frame.stream-size",
    "A message in a stream is one that every receiver takes",
    "RFC 5425 s4.3.1",
    Requirement.OPTIONAL,
)
async def stream_size(heard: Heard) -> str:
    messages = heard.over("tcp", "tls")
    return _each(messages, lambda m: len(m.octets) <= TLS_LIMIT, lambda m: f"{len(m.octets)} octets")


@case("header.syntax", "Every message can be read by the grammar", "RFC 5424 s6", Requirement.CONDITIONAL)
async def syntax(heard: Heard) -> str:
    read = [each for _, each in heard.new()]
    return _each(read, lambda each: isinstance(each, New), str)


@case("header.priority", "The priority is 0 to 191", "RFC 5424 s6.2.1", Requirement.CONDITIONAL)
async def priority(heard: Heard) -> str:
    return _each(heard.good(), lambda m: m.priority <= LARGEST_PRIORITY, lambda m: m.priority)


@case("header.version", "The version is 1", "RFC 5424 s6.2.2", Requirement.CONDITIONAL)
async def version(heard: Heard) -> str:
    return _each(heard.good(), lambda m: m.version == 1, lambda m: m.version)


@case(
    "header.time",
    "The time is of RFC 3339, at most to the microsecond",
    "RFC 5424 s6.2.3",
    Requirement.CONDITIONAL,
)
async def time(heard: Heard) -> str:
    return _each(heard.good(), lambda m: good_time(m.time), lambda m: m.time)


@case(
    "header.time-known", "A device that has a clock tells the time", "RFC 5424 s6.2.3", Requirement.OPTIONAL
)
async def time_known(heard: Heard) -> str:
    return _each(heard.good(), lambda m: m.time != NIL, lambda m: m.name)


@case("header.host", "The device says who it is", "RFC 5424 s6.2.4", Requirement.OPTIONAL)
async def host(heard: Heard) -> str:
    return _each(heard.good(), lambda m: m.host != NIL, lambda m: m.name)


@case("header.one-host", "It always calls itself the same", "RFC 5424 s6.2.4", Requirement.OPTIONAL)
async def one_host(heard: Heard) -> str:
    names = {m.host for m in heard.good()}
    expect(len(names) == 1, f"{len(names)} names: {', '.join(sorted(names))}")
    return names.pop()


@case(
    "header.message-id",
    "Messages of one kind can be told by their MSGID",
    "RFC 5424 s6.2.7",
    Requirement.OPTIONAL,
)
async def message_id(heard: Heard) -> str:
    return _each(heard.good(), lambda m: m.name != NIL, lambda m: m.text[:60])


@case("data.unique", "No SD-ID comes twice in a message", "RFC 5424 s6.3.2", Requirement.CONDITIONAL)
async def unique(heard: Heard) -> str:
    messages = [m for m in heard.good() if m.data]
    provided(bool(messages), "no message has structured data")
    return _each(messages, lambda m: len({name for name, _ in m.data}) == len(m.data), lambda m: m.data)


@case(
    "data.names",
    "An SD-ID is registered, or has an enterprise number",
    "RFC 5424 s6.3.2, s9.2",
    Requirement.CONDITIONAL,
)
async def names(heard: Heard) -> str:
    found = sorted({name for m in heard.good() for name, _ in m.data})
    provided(bool(found), "no message has structured data")
    wrong = [n for n in found if n not in REGISTERED and not re.fullmatch(r"[^@]+@[1-9][0-9]*(\.[0-9]+)*", n)]
    expect(not wrong, f"neither: {', '.join(wrong)}")
    return ", ".join(found)


@case("data.sequence", "meta sequenceId counts up", "RFC 5424 s7.3.1", Requirement.CONDITIONAL)
async def sequence(heard: Heard) -> str:
    lines: dict[tuple[str, int], list[int]] = {}
    for message, read in heard.new():
        if isinstance(read, New):
            number = dict(read.data).get("meta", {}).get("sequenceId")
            if number is not None:
                expect(number.isdigit() and 0 < int(number) < 1 << 31, f"sequenceId {number!r}")
                lines.setdefault((message.transport, message.line), []).append(int(number))
    provided(bool(lines), "no message has it")
    wrong = [
        pair for numbers in lines.values() for pair in pairwise(numbers) if pair[1] not in (pair[0] + 1, 1)
    ]
    expect(not wrong, f"{wrong[0][1] if wrong else ''} follows {wrong[0][0] if wrong else ''}")
    return f"{sum(map(len, lines.values()))} messages"


@case(
    "text.utf8", "Text that is not ASCII is UTF-8, behind its mark", "RFC 5424 s6.4", Requirement.CONDITIONAL
)
async def utf8(heard: Heard) -> str:
    messages = [m for m in heard.good() if not m.text.isascii()]
    provided(bool(messages), "all text is ASCII")

    def good(m: New) -> bool:
        try:
            m.text.decode()
        except UnicodeDecodeError:
            return False
        return m.text.startswith(BOM)

    return _each(messages, good, lambda m: m.text[:60])


@case(
    "text.controls",
    "There are no control characters in the text",
    "RFC 5424 s6.4, s8.2",
    Requirement.OPTIONAL,
)
async def controls(heard: Heard) -> str:
    return _each(heard.good(), lambda m: not re.search(rb"[\x00-\x1f\x7f]", m.text), lambda m: m.text[:60])


@case("old.header", "A message has priority, local time and host", "RFC 3164 s4.1", Requirement.CONDITIONAL)
async def old_header(heard: Heard) -> str:
    return _each([each for _, each in heard.old()], lambda each: isinstance(each, Old), str)


@case("old.tag", "The text begins with the program's name", "RFC 3164 s4.1.3", Requirement.OPTIONAL)
async def old_tag(heard: Heard) -> str:
    read = [each for _, each in heard.old() if not isinstance(each, Wrong)]
    provided(bool(read), "no message of RFC 3164 can be read")
    return _each(
        read, lambda m: bool(re.match(rb"[0-9A-Za-z]{1,32}[^0-9A-Za-z]", m.content)), lambda m: m.content[:60]
    )


@case("old.size", "A message has at most 1024 octets", "RFC 3164 s4.1", Requirement.CONDITIONAL)
async def old_size(heard: Heard) -> str:
    messages = [message for message, _ in heard.old()]
    return _each(messages, lambda m: len(m.octets) <= OLD_LIMIT, lambda m: f"{len(m.octets)} octets")
