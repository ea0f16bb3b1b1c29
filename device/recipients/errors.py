"""Why a recipient did not get something."""

from __future__ import annotations

from device.errors import PeerFault, Refused


class RecipientUnreachable(PeerFault):
    """The recipient does not answer, or went away: trying again helps."""

    hint = "Check address and port, and whether the server runs."


class RecipientRefuses(Refused):
    """The recipient does not take it, and will not the next time either: a person has to change something."""

    hint = "Check user, password and folder."


class NotTheRecipient(Refused):
    """Who answers is not who was set up: another key or certificate. Nothing was sent."""

    hint = "Was the server replaced? Compare its fingerprint or certificate before you change the setting."
