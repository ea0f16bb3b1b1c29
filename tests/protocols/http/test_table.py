"""The table of routes: whole, described in OpenAPI 3.1, and never without a role."""

from __future__ import annotations

import json

import pytest
from openapi_spec_validator import validate

from device.accounts.role import Role
from device.accounts.sessions import Scope
from protocols.http.api import ROUTES
from protocols.http.openapi import document
from protocols.http.table import Route, Table

PUBLIC = {
    ("GET", "/api/session"),
    ("POST", "/api/session"),
    ("POST", "/api/setup"),
    ("GET", "/api/session/oidc"),
    ("GET", "/api/session/oidc/callback"),
}


def test_the_description_is_openapi_3_1() -> None:
    told = json.loads(json.dumps(document(ROUTES, "1.0")))
    validate(told)
    assert told["openapi"] == "3.1.0"
    named = [each["operationId"] for path in told["paths"].values() for each in path.values()]
    assert len(named) == len(set(named)) == len(ROUTES)


def test_five_routes_are_for_everybody_and_two_before_the_first_account() -> None:
    assert {(each.method, each.path) for each in ROUTES if each.role is None} == PUBLIC
    before = {(each.method, each.path) for each in ROUTES if each.before_setup}
    assert before == {("GET", "/api/session"), ("POST", "/api/setup")}


@pytest.mark.parametrize("route", ROUTES, ids=lambda each: f"{each.method} {each.path}")
def test_what_changes_needs_more_than_a_token_to_read(route: Route) -> None:
    assert route.summary.endswith(".")
    if route.changes and route.role is not None and not route.path.endswith(("/session", "/exports")):
        assert route.scope is Scope.ALL


def test_a_route_whose_path_and_parameters_differ_is_refused() -> None:
    table = Table("Test")
    with pytest.raises(TypeError):

        @table.get("/api/{one}", role=Role.VIEWER)
        async def function(two: str) -> None:
            """Not to be."""
