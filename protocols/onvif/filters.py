"""Which messages a subscriber wants: topic expressions and message content filters (ONVIF Core s9.4, s9.6). Pure.

Topics: the dialects Concrete (`tns1:A/B`) and ConcreteSet (`tns1:A//.|tns1:B/C`, where `//.` means all that lies
below, too). Contents: the dialect ItemFilter, a subset of XPath that is parsed here and never handed to an engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from protocols.onvif.faults import Kind, Refusal
from protocols.onvif.names import PREFIXES, WSNT
from protocols.onvif.topics import CONCRETE_SET, Notification, Path, Topic, prefixed, walk
from protocols.onvif.xml import Element, content, qualified, sub, write

CONCRETE = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
ITEM_FILTER = "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
LONGEST = 4096  #: characters of one expression
ALTERNATIVES = 64
DEPTH = 32

BAD_FILTER = Kind(
    "Sender",
    ("InvalidFilterFault",),
    "The filter is not supported",
    500,
    WSNT.InvalidFilterFault,
    (WSNT.UnknownFilter, "wsnt:MessageContent"),
)
BAD_DIALECT = Kind(
    "Sender",
    ("TopicExpressionDialectUnknownFault",),
    "The dialect of the topic expression is not known",
    500,
    WSNT.TopicExpressionDialectUnknownFault,
)
BAD_TOPIC = Kind(
    "Sender",
    ("InvalidTopicExpressionFault",),
    "The topic expression is not one",
    500,
    WSNT.InvalidTopicExpressionFault,
)
NO_TOPIC = Kind(
    "Sender", ("TopicNotSupportedFault",), "There is no such topic", 500, WSNT.TopicNotSupportedFault
)
BAD_CONTENT = Kind(
    "Sender",
    ("InvalidMessageContentExpressionFault",),
    "The message content filter is not one",
    500,
    WSNT.InvalidMessageContentExpressionFault,
)

Items = list[tuple[str, str, str]]  #: kind, name and value of each item of a message
Test = Callable[[Items], bool]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter, ready to be asked."""

    topics: frozenset[Path] | None = None  #: those that are wanted; None: all
    below: frozenset[Path] = frozenset()  #: with everything that lies under them
    tests: tuple[Test, ...] = ()

    def takes(self, told: Notification) -> bool:
        """Whether a message is wanted."""
        path = told.topic.path
        if self.topics is not None and path not in self.topics and not self.below & set(walk(path)):
            return False
        if not self.tests:
            return True
        items = [
            ("SimpleItem", name, write(value))
            for part in (told.source, told.data)
            for name, value in part.items()
        ]
        items += [("ElementItem", name, "") for name, _ in told.elements]
        return all(test(items) for test in self.tests)


def read(element: Element | None, known: Mapping[Path, Topic]) -> Wanted:
    """A wsnt:FilterType. Several topic expressions are alternatives; several contents must all hold. Raises Refusal."""
    if element is None or not len(element):
        return Wanted()
    topics: set[Path] = set()
    below: set[Path] = set()
    tests: list[Test] = []
    by_topic = False
    for part in element.iterchildren("*"):
        if part.tag == WSNT.TopicExpression:
            by_topic = True
            for path, deep in _named(part, known):
                (below if deep else topics).add(path)
        elif part.tag == WSNT.MessageContent:
            if part.get("Dialect") != ITEM_FILTER:
                raise Refusal(BAD_FILTER, f"Message contents are filtered in the dialect {ITEM_FILTER}.")
            tests.append(read_content(content(part)))
        else:
            raise Refusal(BAD_FILTER, "Filters are by topic and by message content.")
    return Wanted(frozenset(topics) if by_topic else None, frozenset(below), tuple(tests))


def expressions(element: Element, known: Mapping[Path, Topic]) -> tuple[str, ...]:
    """The topic expressions of a wsnt:FilterType by topics alone, each in the dialect ConcreteSet and with the prefixes
    of every envelope. Raises Refusal."""
    found = []
    for part in element.iterchildren("*"):
        if part.tag != WSNT.TopicExpression:
            raise Refusal(BAD_FILTER, "The filter is by topic expressions alone.")
        named = [
            "/".join(map(prefixed, path)) + ("//." if deep else "") for path, deep in _named(part, known)
        ]
        found.append("|".join(named))
    return tuple(found)


def write_topics(parent: Element, topics: Iterable[str]) -> None:
    """Append such expressions to a wsnt:FilterType."""
    for expression in topics:
        sub(parent, WSNT.TopicExpression, expression, Dialect=CONCRETE_SET)


def of_topics(topics: Iterable[str], known: Mapping[Path, Topic]) -> Wanted:
    """The filter of such expressions; without any, everything is wanted. Raises Refusal."""
    written = etree.Element(WSNT.Filter, nsmap=PREFIXES)
    write_topics(written, topics)
    return read(written, known)


def _named(part: Element, known: Mapping[Path, Topic]) -> Iterator[tuple[Path, bool]]:
    """The topics of an expression, and whether all below them is meant. Raises Refusal."""
    dialect, expression = part.get("Dialect"), content(part)
    if dialect not in (CONCRETE, CONCRETE_SET):
        raise Refusal(BAD_DIALECT, f"Topics are named in the dialects {CONCRETE} and {CONCRETE_SET}.")
    alternatives = expression.split("|") if dialect == CONCRETE_SET else [expression]
    if len(expression) > LONGEST or len(alternatives) > ALTERNATIVES:
        raise Refusal(BAD_TOPIC, f"At most {LONGEST} characters and {ALTERNATIVES} topics.")
    folders = {above for path in known for above in walk(path)}
    for alternative in alternatives:
        plain = alternative.strip()
        deep = dialect == CONCRETE_SET and plain.endswith("//.")
        names = plain.removesuffix("//.").split("/")
        if not all(re.fullmatch(r"([\w.-]+:)?[\w.-]+", name) for name in names):
            raise Refusal(BAD_TOPIC, f"{plain[:80]!r} is no topic expression.")
        path = (qualified(part, names[0]), *(_local(part, name) for name in names[1:]))
        if path not in (folders if deep else known):
            raise Refusal(NO_TOPIC, f"There is no topic {plain[:80]!r}.")
        yield path, deep


def _local(part: Element, name: str) -> str:
    """A name below the root: without a prefix it stands in no namespace."""
    return qualified(part, name) if ":" in name else name


# --------------------------------------------------------------------------------------------- contents

_WORDS = re.compile(r"\s*(?:(//|[()\[\]=@:])|\"([^\"]*)\"|'([^']*)'|([A-Za-z_][\w.-]*))")


def read_content(expression: str) -> Test:
    """An ItemFilter (ONVIF Core s9.4.4). Raises Refusal."""
    if len(expression) > LONGEST:
        raise Refusal(BAD_CONTENT, f"At most {LONGEST} characters.")
    return _Reader(expression).all()


class _Reader:
    """Recursive descent. `and` binds closer than `or`, as in XPath."""

    def __init__(self, expression: str) -> None:
        self._words: list[tuple[str, bool]] = []  # a word, and whether it stood in quotation marks
        at = 0
        expression = expression.rstrip()
        while at < len(expression):
            found = _WORDS.match(expression, at)
            if found is None:
                raise self._wrong(expression[at : at + 20])
            sign, double, single, word = found.groups()
            quoted = double if double is not None else single
            self._words.append((sign or word or "", False) if quoted is None else (quoted, True))
            at = found.end()
        self._at = 0

    def all(self) -> Test:
        test = self._either(self._boolean, DEPTH)
        if self._at != len(self._words):
            raise self._wrong(self._words[self._at][0])
        return test

    def _either(self, leaf: Callable[[int], Test], depth: int) -> Test:
        tests = [self._every(leaf, depth)]
        while self._take("or"):
            tests.append(self._every(leaf, depth))
        return tests[0] if len(tests) == 1 else lambda items: any(test(items) for test in tests)

    def _every(self, leaf: Callable[[int], Test], depth: int) -> Test:
        tests = [self._single(leaf, depth)]
        while self._take("and"):
            tests.append(self._single(leaf, depth))
        return tests[0] if len(tests) == 1 else lambda items: all(test(items) for test in tests)

    def _single(self, leaf: Callable[[int], Test], depth: int) -> Test:
        if depth == 0:
            raise Refusal(BAD_CONTENT, f"Parentheses may stand {DEPTH} deep.")
        if self._take("not"):
            self._need("(")
            inside = self._either(leaf, depth - 1)
            self._need(")")
            return lambda items: not inside(items)
        if self._take("("):
            inside = self._either(leaf, depth - 1)
            self._need(")")
            return inside
        return leaf(depth)

    def _boolean(self, depth: int) -> Test:
        """boolean(//tt:SimpleItem[...]): there is an item of which the test holds."""
        self._need("boolean")
        self._need("(")
        self._need("//")
        kind = self._next()
        if self._take(":"):
            kind = self._next()
        if kind not in ("SimpleItem", "ElementItem"):
            raise self._wrong(kind)
        self._need("[")
        test = self._either(self._compare, depth)
        self._need("]")
        self._need(")")
        return lambda items: any(test([item]) for item in items if item[0] == kind)

    def _compare(self, depth: int) -> Test:  # noqa: ARG002 - nothing lies within
        self._need("@")
        attribute = self._next()
        if attribute not in ("Name", "Value"):
            raise self._wrong(attribute)
        self._need("=")
        if self._at >= len(self._words) or not self._words[self._at][1]:
            raise self._wrong("")
        wanted = self._next()
        which = 1 if attribute == "Name" else 2
        return lambda items: items[0][which] == wanted

    def _take(self, word: str) -> bool:
        if self._at < len(self._words) and self._words[self._at] == (word, False):
            self._at += 1
            return True
        return False

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise self._wrong(word)

    def _next(self) -> str:
        if self._at >= len(self._words):
            raise self._wrong("the end")
        self._at += 1
        return self._words[self._at - 1][0]

    def _wrong(self, near: str) -> Refusal:
        return Refusal(BAD_CONTENT, f"The message content filter is not one, near {near[:40]!r}.")
