"""The page of the API, made of the table of routes: what there is, and who may."""

from __future__ import annotations

from device.accounts.role import Role
from protocols.http.api import TABLES
from protocols.http.openapi import document
from protocols.http.table import Route

HEAD = """
# API

Made from `protocols/http/api/`. The recorder describes itself in OpenAPI 3.1 under `/api/openapi.json`.

    curl -k -H "Authorization: Bearer $TOKEN" https://recorder/api/cameras

A program takes a token (`POST /api/tokens`), a page a session (`POST /api/session`). Bodies are JSON. Instants are ISO
8601 with a zone, sizes bytes, durations seconds. What is refused is told as a problem (RFC 9457), `errors` with a JSON
pointer to each field.

Who may: V viewer, O operator, A administrator; `-` anybody. A role may what those before it may. *Camera*: of an
account that is limited to some cameras, only these; *live*, *recorded*: only where the account may watch that. A token
needs the scope, or `all`; `read` is enough for whatever only looks. In settings the section's own role decides.
"""


def api_page() -> str:
    """Every route."""
    lines = HEAD.strip().splitlines()
    for table in TABLES:
        lines += [
            "",
            f"## {table.tag}",
            "",
            "| | path | V | O | A | limited by | scope | |",
            "|---|---|---|---|---|---|---|---|",
        ]
        lines += [_row(route) for route in table.routes]
    names = sorted(document([each for table in TABLES for each in table.routes], "")["components"]["schemas"])
    lines += ["", f"{len(names)} schemas: {', '.join(f'`{name}`' for name in names)}."]
    return "\n".join(lines) + "\n"


def _row(route: Route) -> str:
    order = (Role.VIEWER, Role.OPERATOR, Role.ADMINISTRATOR)
    may = ["-" if route.role is None else "yes" if role.may(route.role) else "" for role in order]
    limits = ["camera"] if {"camera", "recording"} & set(route.parameters) else []
    limits += [route.media.value] if route.media is not None else []
    limits += ["PTZ"] if route.moves else []
    scope = "" if route.role is None else route.scope.value
    cells = [
        route.method,
        f"`{route.path}`",
        *may,
        ", ".join(limits),
        scope,
        route.summary.replace("|", "\\|"),
    ]
    return f"| {' | '.join(cells)} |"
