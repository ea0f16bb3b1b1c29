"""What every export of this installation has in common: who exports, and the key that signs."""

from __future__ import annotations

from datetime import datetime

from device.clock import Clock
from device.folder import DataFolder
from device.identity import identity
from device.recording.export.writing import About
from device.signature import Signer
from device.vault import Vault
from integration.version import VERSION
from integration.zone import local_zone


def signer(folder: DataFolder) -> Signer:
    """The recorder's signature. Raises SealBroken, OSError."""
    return Signer.at(folder.signature, Vault.at(folder.key))


def about(folder: DataFolder, clock: Clock, by: str) -> About:
    """What a manifest says of who exports, now."""
    own, zone = identity(folder.identity), local_zone()
    offset = datetime.now(zone).strftime("%z")
    return About(own.id, own.serial, f"Holdfast {VERSION}", clock.utc(), by, f"{zone} (UTC{offset})")
