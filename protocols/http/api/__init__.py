"""The API: one module for each subject, each a table of routes."""

from __future__ import annotations

from protocols.http.api.about import TABLE as ABOUT
from protocols.http.api.access import TABLE as ACCESS
from protocols.http.api.accounts import TABLE as ACCOUNTS
from protocols.http.api.automation import TABLE as AUTOMATION
from protocols.http.api.cameras import TABLE as CAMERAS
from protocols.http.api.certificates import TABLE as CERTIFICATES
from protocols.http.api.events import TABLE as EVENTS
from protocols.http.api.exports import TABLE as EXPORTS
from protocols.http.api.hardware import TABLE as HARDWARE
from protocols.http.api.live import TABLE as LIVE
from protocols.http.api.logs import TABLE as LOGS
from protocols.http.api.machine import TABLE as MACHINE
from protocols.http.api.metrics import TABLE as METRICS
from protocols.http.api.openid import TABLE as OPENID
from protocols.http.api.ptz import TABLE as PTZ
from protocols.http.api.recordings import TABLE as RECORDINGS
from protocols.http.api.settings import TABLE as SETTINGS
from protocols.http.api.stretches import TABLE as STRETCHES
from protocols.http.api.system import TABLE as SYSTEM
from protocols.http.api.video import TABLE as VIDEO
from protocols.http.table import Route

TABLES = (
    ACCESS,
    OPENID,
    ACCOUNTS,
    SETTINGS,
    CAMERAS,
    PTZ,
    RECORDINGS,
    STRETCHES,
    EXPORTS,
    EVENTS,
    AUTOMATION,
    LOGS,
    HARDWARE,
    MACHINE,
    CERTIFICATES,
    SYSTEM,
    ABOUT,
    LIVE,
    VIDEO,
    METRICS,
)

ROUTES: tuple[Route, ...] = tuple(route for table in TABLES for route in table.routes)
