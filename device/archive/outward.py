"""What is asked of the control plane about network storages."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.planes.messages import Done
from device.planes.wire import Request, message


@dataclass(frozen=True, slots=True)
class ShareShown:
    """The share behind a storage, now."""

    key: str  #: of the storage
    place: str  #: UNC path
    target: str  #: identity of the folder
    phase: str  #: off, following, failing or waiting
    detail: str  #: what is wrong, or what is brought there
    segments: int  #: that are proven to be there
    octets: int  #: of those
    waiting: int  #: octets that are in the spool
    size: int | None  #: octets of the share; None: not known
    free: int | None


@message
class SharesShown:
    """All of them."""

    shares: tuple[ShareShown, ...]


@message
class AskShares(Request[SharesShown]):
    """How are the network storages?"""


@message
class ShareTried:
    """How a share was found: it can be reached, written and read, and its folder may be used."""

    detail: str  #: what was found
    size: int  #: octets
    free: int


@message
class TryShare(Request[ShareTried]):
    """Write a file to a share, read it back, remove it; and look whose its folder is."""

    key: str  #: of a storage whose share that is, whose password is used where `values` has none; or empty
    values: str = field(default="", repr=False)  #: JSON object of settings; empty: those that are saved


@message
class ShareAdded:
    """It is in use."""

    key: str


@message
class AddShare(Request[ShareAdded]):
    """Record to a share from now on: make its folder ours, and a folder here its spool."""

    path: str  #: of the spool: an empty folder, or one that was its spool before
    name: str
    by: str
    values: str = field(repr=False)  #: JSON object of settings of `shares`


@message
class RemoveStorage(Request[Done]):
    """Use a storage no more. What lies on it stays there."""

    key: str
    by: str
