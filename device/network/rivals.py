"""Who else sets a network interface up. Two at once would undo each other's work, each at its own time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from device.linux.host import interfaces

RUN = Path("/run")


def other_keeper(interface: str, run: Path = RUN) -> str:
    """Who has set it up, and is not systemd-networkd; empty: nobody. `run`: where programs say what they do now."""
    return next(_keepers(interface, run), "")


def _keepers(interface: str, run: Path) -> Iterator[str]:
    number = next((one.number for one in interfaces() if one.name == interface), 0)
    # Its own file of each interface, a key file: NetworkManager(8).
    if "managed=true" in _lines(run / "NetworkManager" / "devices" / str(number)):
        yield "NetworkManager"
    # A line for each interface that is up, and the stanza that it is up by: ifquery(8), --state.
    if any(line.partition("=")[0] == interface for line in _lines(run / "network" / "ifstate")):
        yield "ifupdown (/etc/network/interfaces)"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
