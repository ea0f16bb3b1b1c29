"""The modules of `holdfast_client.api`, made from the table of routes: `python -m tests.documents --write`.

Each subject of the API is a module: the shapes that come and go, as typed dictionaries, and a class with a method for
each route.
"""

from __future__ import annotations

import builtins
import json
import keyword
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from protocols.http.api import ROUTES
from protocols.http.openapi import document
from protocols.http.table import Route, is_raw

FOLDER = Path(__file__).resolve().parent.parent / "holdfast_client" / "api"
Schema = dict[str, Any]  # Any: JSON
SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
EVENTS = "text/event-stream"


def covered() -> list[Route]:
    """Every route but those that lead a browser elsewhere, and `/api/live`, which is `Holdfast.live`."""
    return [route for route in ROUTES if route.status != 302 and route.path != "/api/live"]


def subject(route: Route) -> str:
    """The module that a route is in, and the attribute of `Holdfast` by which it is called."""
    return str(route.function.__module__).rpartition(".")[2]


def modules() -> dict[Path, str]:
    """Every file and what stands in it."""
    maker = _Maker()
    subjects = list(dict.fromkeys(map(subject, covered())))
    made = {f"{name}.py": maker.module(name) for name in subjects}
    made["__init__.py"] = _package(subjects)
    return {FOLDER / name: _formatted(text) for name, text in made.items()}


def _package(subjects: list[str]) -> str:
    lines = ['"""All parts of the API, made from the recorder\'s table of routes."""', ""]
    lines += ["from __future__ import annotations", "", "from holdfast_client.connection import Connection"]
    lines += [f"from holdfast_client.api.{name} import {_class(name)}" for name in subjects]
    lines += ["", "", "class Parts:", '    """A part for each subject."""', ""]
    lines += ["    def __init__(self, connection: Connection) -> None:"]
    lines += [f"        self.{name} = {_class(name)}(connection)" for name in subjects]
    return "\n".join(lines) + "\n"


def _class(name: str) -> str:
    return name.capitalize() + "Part"


def _formatted(text: str) -> str:
    """As ruff formats it, and with its imports in order."""
    ruff = [sys.executable, "-m", "ruff"]
    ours = "lint.isort.known-first-party = ['holdfast_client']"
    more = ["--config", ours, "--stdin-filename", str(FOLDER / "x.py"), "-"]
    for command in (["check", "--quiet", "--select", "I", "--fix"], ["format", "--quiet"]):
        done = subprocess.run(
            [*ruff, *command, *more], input=text, capture_output=True, text=True, check=True
        )
        text = done.stdout
    return text


class _Maker:
    def __init__(self) -> None:
        self._told = document(ROUTES, "")
        self._schemas: dict[str, Schema] = self._told["components"]["schemas"]
        self._home: dict[str, str] = {}  # of each shape: its module
        bodies = [self._operation(route).get("requestBody", {}) for route in covered()]
        self._sent = set(self._reached(bodies))  # shapes that are sent: what has a default may be left out

    def module(self, name: str) -> str:
        """The text of one."""
        routes = [route for route in covered() if subject(route) == name]
        operations = [self._operation(route) for route in routes]
        for each in operations:
            each["responses"] = {k: v for k, v in each["responses"].items() if k.startswith("2")}
        needed = list(dict.fromkeys(self._reached(operations)))
        own = [shape for shape in needed if self._home.setdefault(shape, name) == name]
        body = "\n\n".join(self._shape(shape) for shape in sorted(own))
        body += f"\n\n\nclass {_class(name)}:\n    " + f'"""{routes[0].tag}."""\n\n'
        body += "    def __init__(self, connection: Connection) -> None:\n        self._connection = connection\n\n"
        body += "\n\n".join(
            self._method(route, operation) for route, operation in zip(routes, operations, strict=True)
        )
        return self._imports(name, routes[0].tag, needed, body) + body + "\n"

    def _imports(self, name: str, tag: str, needed: list[str], body: str) -> str:
        lines = [
            f'"""{tag}. Made from the recorder\'s table of routes; not to be changed by hand."""',
            "",
            "from __future__ import annotations",
            "",
        ]
        words = set(re.findall(r"\w+", body))
        for module, names in (
            ("collections.abc", ("AsyncIterator",)),
            ("contextlib", ("AbstractAsyncContextManager",)),
            ("typing", ("Any", "Literal", "NotRequired", "TypedDict", "cast")),
            ("aiohttp", ("ClientResponse", "ClientWebSocketResponse")),
            ("holdfast_client.connection", ("Connection", "segment")),
        ):
            if used := [each for each in names if each in words]:
                lines.append(f"from {module} import {', '.join(used)}")
        others = [shape for shape in needed if self._home[shape] != name and shape in words]
        lines += [f"from holdfast_client.api.{self._home[shape]} import {shape}" for shape in others]
        return "\n".join(lines) + "\n\n\n"

    def _operation(self, route: Route) -> Schema:
        method = "get" if route.method == "WS" else route.method.lower()
        return json.loads(json.dumps(self._told["paths"][route.path][method]))  # type: ignore[no-any-return]  # JSON

    def _reached(self, start: object) -> Iterable[str]:
        """The shapes that something refers to, and those that they refer to."""
        if isinstance(start, list):
            for each in start:
                yield from self._reached(each)
        elif isinstance(start, dict):
            for key, value in start.items():
                if key == "$ref":
                    shape = value.rpartition("/")[2]
                    yield from self._reached(self._schemas[shape])
                    yield shape
                else:
                    yield from self._reached(value)

    def _shape(self, name: str) -> str:
        schema = self._schemas[name]
        if "properties" not in schema:
            return f"{name} = {self._type(schema)}"
        required = set(schema.get("required", ())) if name in self._sent else set(schema["properties"])
        fields = {
            field: self._type(each) if field in required else f"NotRequired[{self._type(each)}]"
            for field, each in schema["properties"].items()
        }
        text = schema.get("description", "").split("\n\n")[0]
        if any(keyword.iskeyword(field) or not field.isidentifier() for field in fields):
            inside = ", ".join(f'"{field}": "{kind}"' for field, kind in fields.items())
            return f"#: {' '.join(text.split())}\n{name} = TypedDict({name!r}, {{{inside}}})"
        lines = [f"class {name}(TypedDict):", f"    {_text(text, '    ')}", ""]
        return "\n".join([*lines, *(f"    {field}: {kind}" for field, kind in fields.items())]) + "\n"

    def _type(self, schema: Schema) -> str:
        if "$ref" in schema:
            return str(schema["$ref"]).rpartition("/")[2]
        if "enum" in schema:
            return f"Literal[{', '.join(map(repr, schema['enum']))}]"
        if "const" in schema:
            return f"Literal[{schema['const']!r}]"
        if "anyOf" in schema:
            return " | ".join(dict.fromkeys(self._type(each) for each in schema["anyOf"]))
        if schema.get("type") == "array":
            items = schema.get("items") or {"anyOf": schema.get("prefixItems", [{}])}
            return f"list[{self._type(items)}]"
        if schema.get("type") == "object":
            return "dict[str, Any]"
        return SIMPLE.get(str(schema.get("type")), "Any")

    def _method(self, route: Route, operation: Schema) -> str:
        parameters = operation.get("parameters", [])
        in_path = {each["name"]: each["schema"] for each in parameters if each["in"] == "path"}
        asked = [each for each in parameters if each["in"] == "query"]
        arguments = [f"{_word(name)}: {self._type(schema)}" for name, schema in in_path.items()]
        passed: list[str] = []
        if body := operation.get("requestBody"):
            arguments.append(f"body: {self._type(body['content']['application/json']['schema'])}")
            passed.append("body=body")
        named = [self._query(each) for each in sorted(asked, key=lambda each: not each["required"])]
        if asked:
            inside = ", ".join(f'"{each["name"]}": {_word(each["name"])}' for each in asked)
            passed.append(f"query={{{inside}}}")
        if any(each["in"] == "header" for each in parameters):
            named.append("match: int | None = None")
            passed.append("match=match")
        path = re.sub(r"\{(\w+)\}", lambda found: f"{{segment({_word(found[1])})}}", route.path)
        where = f'f"{path}"' if in_path else f'"{path}"'
        kind, call = self._call(route, operation, where, passed)
        if route.produces == EVENTS:
            named.append('last: str = ""')
        star = ["*", *named] if named else []
        head = f"    {'async ' if 'await ' in call else ''}def "
        head += f"{_word(route.function.__name__)}({', '.join(['self', *arguments, *star])}) -> {kind}:"
        return f"{head}\n        {_text(route.summary, ' ' * 8)}\n        {call}"

    def _query(self, parameter: Schema) -> str:
        kind = self._type(parameter["schema"])
        if parameter["required"]:
            return f"{_word(parameter['name'])}: {kind}"
        optional = kind if "None" in kind.split(" | ") else f"{kind} | None"
        return f"{_word(parameter['name'])}: {optional} = None"

    def _call(self, route: Route, operation: Schema, where: str, passed: list[str]) -> tuple[str, str]:
        """The type of what a method returns, and the statement that makes it."""
        more = "".join(f", {each}" for each in passed)
        if route.method == "WS":
            kind = "AbstractAsyncContextManager[ClientWebSocketResponse]"
            return kind, f"return self._connection.socket({where}{more})"
        if route.produces == EVENTS:
            return (
                "AsyncIterator[tuple[str, Any]]",
                f"return self._connection.follow({where}{more}, last=last)",
            )
        if is_raw(route):
            kind = "AbstractAsyncContextManager[ClientResponse]"
            return kind, f'return self._connection.open("{route.method}", {where}{more})'
        ask = f'await self._connection.ask("{route.method}", {where}{more})'
        content = operation["responses"][str(route.status)].get("content")
        if content is None:
            return "None", ask
        kind = self._type(content["application/json"]["schema"])
        return kind, f"return cast({kind!r}, {ask})"


def _word(name: str) -> str:
    """A name that Python takes, and that hides nothing of its own."""
    return f"{name}_" if keyword.iskeyword(name) or hasattr(builtins, name) else name


def _text(said: str, indent: str) -> str:
    """A docstring."""
    return f"\n{indent}".join(textwrap.wrap(f'"""{" ".join(said.split())}"""', 106))
