"""The table of routes as OpenAPI 3.1, and as pages of the documents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from protocols.http.caller import COOKIE
from protocols.http.problem import Problem
from protocols.http.table import Route, is_raw

JSON = "application/json"
Document = dict[str, Any]  # Any: JSON

#: What every route may answer besides, by what it asks for.
_REFUSALS = {
    400: "The request is not HTTP as it should be.",
    401: "Log in first, or the token is not known.",
    403: "The account, its role or the token may not do this; or the first administrator is still to be made.",
    404: "There is no such thing, or the account may not see it.",
    409: "It may not be done now; `detail` says why.",
    412: "Somebody else changed it first.",
    413: "The body is too large.",
    415: "The body must be JSON.",
    422: "Values are outside their limits; `errors` names each field.",
    426: "This is a WebSocket.",
    429: "Too many wrong passwords came from this address; `retry_after` says how long to wait.",
    502: "Another plane of the recorder does not answer now.",
    503: "The machine cannot do it now: disk, network, another program.",
}


def document(routes: Iterable[Route], version: str) -> Document:
    """All of it, as JSON."""
    listed = list(routes)
    schemas, definitions = _schemas(listed)
    paths: dict[str, Document] = {}
    for number, route in enumerate(listed):
        method = "get" if route.method == "WS" else route.method.lower()
        paths.setdefault(route.path, {})[method] = _operation(route, _Schemas(schemas, number))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Holdfast",
            "version": version,
            "description": "All that the recorder can do. Instants are ISO 8601, sizes bytes, durations seconds.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


_Key = tuple[int, str]
_PROBLEM: _Key = (-1, "problem")


@dataclass(frozen=True, slots=True)
class _Schemas:
    """Those of one route."""

    known: dict[_Key, Document]
    number: int

    def of(self, part: str) -> Document:
        return self.known[self.number, part]

    def problem(self) -> Document:
        return self.known[_PROBLEM]


def _schemas(routes: list[Route]) -> tuple[dict[_Key, Document], Document]:
    """The schema of each body and answer, and what they refer to."""
    wanted: list[tuple[_Key, JsonSchemaMode, TypeAdapter[Any]]] = [
        (_PROBLEM, "serialization", TypeAdapter(Problem))
    ]
    for number, route in enumerate(routes):
        if route.body is not None:
            wanted.append(((number, "body"), "validation", TypeAdapter(route.body)))
        if not is_raw(route) and route.status != 204:
            wanted.append(((number, "answer"), "serialization", TypeAdapter(route.answers)))
    made, told = TypeAdapter.json_schemas(wanted, ref_template="#/components/schemas/{model}")
    return {key: schema for (key, _), schema in made.items()}, told.get("$defs", {})


def _operation(route: Route, schemas: _Schemas) -> Document:
    made: Document = {
        "operationId": route.function.__name__ + "_" + route.function.__module__.rpartition(".")[2],
        "summary": route.summary,
        "tags": [route.tag],
        "x-role": route.role.value if route.role else None,
        "x-scope": route.scope.value,
        "security": [{"session": []}, {"token": []}] if route.role else [],
        "responses": _responses(route, schemas),
    }
    if route.method == "WS":
        made["x-websocket"] = True
    if route.media is not None:
        made["x-media"] = route.media.value
    if route.moves:
        made["x-ptz"] = True
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": TypeAdapter(kind).json_schema()}
        for name, kind in route.parameters.items()
    ]
    if route.query is not None:
        parameters += _query(route)
    if "match" in route.names:
        schema = {"type": "string", "maxLength": 20}
        parameters.append({"name": "If-Match", "in": "header", "required": False, "schema": schema})
    if parameters:
        made["parameters"] = parameters
    if route.body is not None:
        content = {JSON: {"schema": schemas.of("body")}}
        made["requestBody"] = {"required": True, "content": content}
    return made


def _query(route: Route) -> list[Document]:
    told = TypeAdapter(route.query).json_schema(ref_template="#/components/schemas/{model}")
    found = []
    for name, schema in told.get("properties", {}).items():
        if schema.get("type") == "array":  # given as one text, with commas between
            schema = {"type": "string", "maxLength": 20_000}
        required = name in told.get("required", [])
        found.append({"name": name, "in": "query", "required": required, "schema": _inlined(schema, told)})
    return found


def _inlined(schema: Document, told: Document) -> Document:
    """A parameter's schema stands alone: what it refers to is put in its place."""
    if "$ref" in schema:
        return dict(told["$defs"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return {**schema, "anyOf": [_inlined(each, told) for each in schema["anyOf"]]}
    return schema


def _responses(route: Route, schemas: _Schemas) -> Document:
    problem = {"application/problem+json": {"schema": schemas.problem()}}
    made: Document = {
        str(status): {"description": text, "content": problem} for status, text in _REFUSALS.items()
    }
    if route.method == "WS":
        made["101"] = {"description": "The WebSocket is open."}
    elif is_raw(route) and route.status == 302:
        made["302"] = {"description": "Go there, with a browser."}
    elif is_raw(route):
        made["200"] = {"description": "What was asked for.", "content": {route.produces: {}}}
        made["206"] = {"description": "A part of it.", "content": {route.produces: {}}}
    elif route.status == 204:
        made["204"] = {"description": "It is done."}
    else:
        content = {JSON: {"schema": schemas.of("answer")}}
        made[str(route.status)] = {"description": "It is done.", "content": content}
    return made
