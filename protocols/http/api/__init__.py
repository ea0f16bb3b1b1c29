"""The API: one module for each subject, each a table of routes."""

from __future__ import annotations

from protocols.http.api import access, accounts
from protocols.http.table import Route

TABLES = (access.TABLE, accounts.TABLE)

ROUTES: tuple[Route, ...] = tuple(route for table in TABLES for route in table.routes)
