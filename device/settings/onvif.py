"""ONVIF: whether the recorder is found and asked by it."""

from __future__ import annotations

from device.accounts.role import Role
from device.settings.section import N_, Field, Keep, Section


class Onvif(Section, section="onvif", heading=N_("ONVIF"), restore=Keep.NO, role=Role.ADMINISTRATOR):
    """How video-management systems find the recorder and talk to it."""

    enabled: bool = Field(True, title=N_("Answer ONVIF"), help=N_("Below /onvif/, over HTTPS and HTTP."))
    username_token: bool = Field(
        True,
        title=N_("Username tokens"),
        help=N_("Most clients know no other way to log in. Without it they must know HTTP digest."),
        when="enabled",
    )
    clock_skew: float = Field(
        300.0,
        title=N_("Clock difference"),
        help=N_("By so much a client's clock may differ from the recorder's where it logs in with a token."),
        unit="s",
        ge=5,
        le=3600,
        when="enabled",
    )
    discovery: bool = Field(
        True,
        title=N_("Can be discovered"),
        help=N_("WS-Discovery: whoever is in the same network sees that there is a recorder, and its name."),
        when="enabled",
    )
    location: str = Field(
        "", title=N_("Location"), help=N_("Told as a scope, such as Hall 3."), max_length=64, when="enabled"
    )
    scopes: tuple[str, ...] = Field(
        (),
        title=N_("Scopes"),
        help=N_("URIs that management systems have added, by which they search."),
        max_length=32,
        when="enabled",
    )
