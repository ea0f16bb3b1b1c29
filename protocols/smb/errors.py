"""What goes wrong with a share, and what a person can do about it."""

from __future__ import annotations

from device.errors import Fault, NotAuthorized, PeerFault, Refused


class ShareUnreachable(PeerFault):
    """A file server does not answer, or went away."""

    hint = "Is the file server there, and does it speak SMB 2.1 or later?"


class SessionExpired(PeerFault):
    """The file server wants to know again who we are (MS-SMB2 s3.3.5.2.9)."""


class ShareRefused(NotAuthorized):
    """The file server does not let us in, or not do that."""

    hint = "Check user, password, and what the user may do on the share."


class NoShare(Refused):
    """There is no such share or folder on the file server."""

    hint = "Check the names of share and folder; neither is made by the recorder."


class NotThere(Refused):
    """There is no such file on the share."""


class ShareFull(Fault):
    """The share has no room left."""


class WrongTarget(Refused):
    """The share is not the one that was set up: it is empty, or another's. Nothing is written to it."""

    hint = "Is the right disk in the file server? To use this share from now on, set it up anew."


class NotProven(Fault):
    """What is read back from the share is not what was written."""


class ShareFault(PeerFault):
    """The file server answered with an error that we have no word for."""
