"""The XPath of a search's filter: the subset of ONVIF Recording Search s5.22, parsed and evaluated over an element
whose names are compared without their namespaces, as clients write them. Pure.

    boolean(//Track[TrackType = "Video"]) and not(boolean(//Source[Location = "Basement"]))
    boolean(//SimpleItem[@Name = "State" and @Value = "Active"])
    contains(//Source/Name, "gate")
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from protocols.onvif.faults import Refusal, invalid
from protocols.onvif.xml import Element, content, local

DIALECT = "http://www.onvif.org/ver10/tse/searchFilter"
LENGTH = 4096  #: characters of an expression
DEPTH = 32  #: of parentheses within each other

INVALID_FILTER = invalid("InvalidFilterFault", "The filter is not of the XPath subset of the search service")

Test = Callable[[Element], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*'|\u201c[^\u201c\u201d]*\u201d)|(?P<sign><=|>=|!=|//|[()\[\]/,=<>@])"""
    r"""|(?P<word>[A-Za-z_][\w.\-]*(?::[A-Za-z_][\w.\-]*)?))"""
)
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ANYWHERE = "{*}"  #: lxml's word for a name in whichever namespace, or in none
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  #: text, sign, word, end
    value: str


def parse(expression: str) -> Test:
    """The filter as a function of an element. Raises Refusal (InvalidFilterFault)."""
    if len(expression) > LENGTH:
        raise _bad(f"an expression has at most {LENGTH} characters")
    return _Parser(_tokens(expression)).whole()


def _tokens(expression: str) -> list[_Token]:
    found: list[_Token] = []
    at, text = 0, expression.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _bad(f"{text[at : at + 20]!r} is not understood")
        value = match[match.lastgroup]
        if match.lastgroup == "text":
            value = value[1:-1]
        elif match.lastgroup == "word":
            value = value.rpartition(":")[2]
        found.append(_Token(match.lastgroup, value))
        at = match.end()
    return [*found, _Token("end", "")]


class _Parser:
    """Recursive descent; `and` binds closer than `or`, as in XPath 1.0 s3.4."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def whole(self) -> Test:
        """[1], to the end."""
        test = self._either(self._term)
        if self._next.kind != "end":
            raise _bad(f"{self._next.value!r} is not expected")
        return test

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, kind: str, value: str = "") -> str:
        token = self._next
        if token.kind != kind or (value and token.value != value):
            raise _bad(f"{value or kind} is expected, not {token.value or 'the end'!r}")
        self._at += 1
        return token.value

    def _is(self, kind: str, *values: str) -> bool:
        return self._next.kind == kind and (not values or self._next.value in values)

    def _either(self, term: Callable[[], Test]) -> Test:
        tests = [self._both(term)]
        while self._is("word", "or"):
            self._at += 1
            tests.append(self._both(term))
        return tests[0] if len(tests) == 1 else lambda element: any(test(element) for test in tests)

    def _both(self, term: Callable[[], Test]) -> Test:
        tests = [term()]
        while self._is("word", "and"):
            self._at += 1
            tests.append(term())
        return tests[0] if len(tests) == 1 else lambda element: all(test(element) for test in tests)

    def _within(self, term: Callable[[], Test]) -> Test:
        self._take("sign", "(")
        self._depth += 1
        if self._depth > DEPTH:
            raise _bad(f"parentheses stand at most {DEPTH} deep")
        test = self._either(term)
        self._depth -= 1
        self._take("sign", ")")
        return test

    def _term(self) -> Test:
        if self._is("sign", "("):
            return self._within(self._term)
        word = self._take("word")
        if word == "not":
            test = self._within(self._term)
            return lambda element: not test(element)
        if word == "boolean":
            self._take("sign", "(")
            test = self._path()
            self._take("sign", ")")
            return test
        if word == "contains":
            self._take("sign", "(")
            deep, names = self._names()
            self._take("sign", ",")
            part = self._take("text")
            self._take("sign", ")")
            return lambda element: any(part in content(found) for found in _select(element, deep, names))
        raise _bad(f"{word!r} is none of boolean, contains and not")

    def _path(self) -> Test:
        """[3]: elements, and what must hold for one of them. Without a test it is enough that there is one."""
        deep, names = self._names()
        test: Test | None = None
        if self._is("sign", "["):
            self._at += 1
            test = self._either(self._comparison)
            self._take("sign", "]")
        return lambda element: any(test is None or test(found) for found in _select(element, deep, names))

    def _names(self) -> tuple[bool, tuple[str, ...]]:
        """[12]: whether it may begin anywhere below, and the names, each of a child of the one before."""
        deep = self._take("sign") if self._is("sign", "/", "//") else self._take("sign", "//")
        names = [self._take("word")]
        while self._is("sign", "/"):
            self._at += 1
            names.append(self._take("word"))
        return deep == "//", tuple(names)

    def _comparison(self) -> Test:
        """[5] and [14]: an attribute or child and a text."""
        if self._is("sign", "("):
            return self._within(self._comparison)
        if self._is("word", "not") and self._tokens[self._at + 1] == _Token("sign", "("):
            self._at += 1
            test = self._within(self._comparison)
            return lambda element: not test(element)
        attribute = self._is("sign", "@")
        self._at += attribute
        name = self._take("word")
        sign = self._take("sign")
        if sign not in _OPERATORS:
            raise _bad(f"{sign!r} does not compare")
        given = self._take("text")
        return lambda element: any(_holds(value, sign, given) for value in _values(element, name, attribute))


def _values(element: Element, name: str, attribute: bool) -> Iterator[str]:
    if attribute:
        yield from (
            str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name
        )
    else:
        yield from (content(child) for child in element.iterchildren(_ANYWHERE + name))


def _select(element: Element, deep: bool, names: tuple[str, ...]) -> Iterator[Element]:
    """The elements of a path. One that begins at the root may name the root, or what stands in it."""
    if deep:
        found = list(element.iter(_ANYWHERE + names[0]))
    elif local(element) == names[0]:
        found = [element]
    else:
        found = list(element.iterchildren(_ANYWHERE + names[0]))
    for name in names[1:]:
        found = [child for each in found for child in each.iterchildren(_ANYWHERE + name)]
    return iter(found)


def _holds(value: str, sign: str, given: str) -> bool:
    """As numbers where both are; else as texts, which for instants in UTC is by time."""
    compare = _OPERATORS[sign]
    if _NUMBER.fullmatch(value) and _NUMBER.fullmatch(given):
        return compare(float(value), float(given))
    return compare(*((value > given) - (value < given), 0))


def _bad(why: str) -> Refusal:
    return Refusal(INVALID_FILTER, f"The filter: {why}.")
