"""What several commands need: which installation is meant, how to ask it, and how to print."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from device.errors import BadValue, Refused
from device.folder import DataFolder, RecorderRuns
from device.media import MICROSECONDS, Utc
from device.planes.link import Client
from integration.config import Config, load

T = TypeVar("T")

ANSWER_SECONDS = 10.0
SYSTEM_CONFIG = Path("/etc/holdfast/holdfast.toml")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration file; /etc/holdfast/holdfast.toml where there is one."),
]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data folder; that of the demo unless given.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

console = Console()


class NothingThere(Refused):
    """There is no recorder in that folder."""

    hint = "Start one with `holdfast run` or `holdfast demo`, or name its folder with --data."


def demo_folder() -> Path:
    """Where the demo keeps its data unless told otherwise (XDG Base Directory)."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "holdfast" / "demo"


def chosen(config: Path | None, data: Path | None) -> DataFolder:
    """The data folder that a command is about. It may not be there yet. Raises BadValue."""
    if config is not None and data is not None:
        raise BadValue("--data", "give either a configuration file or a data folder")
    if config is None and data is None and SYSTEM_CONFIG.exists():
        config = SYSTEM_CONFIG
    if config is not None:
        return DataFolder(load(config).data)
    return DataFolder(data if data is not None else demo_folder())


def installation(config: Path | None, data: Path | None) -> DataFolder:
    """The same, where there is a recorder's data. Raises NothingThere."""
    folder = chosen(config, data)
    if not folder.settings.exists():
        raise NothingThere(f"There is no recorder in {folder.path}.")
    return folder


def configuration(config: Path | None, default: Config) -> Config:
    """The configuration to run with."""
    return load(config) if config is not None else default


def runs(folder: DataFolder) -> bool:
    """Whether a recorder runs on that folder."""
    if not folder.settings.exists():
        return False  # and nothing is left in a folder that may be somebody else's
    try:
        with folder.lock():
            return False
    except RecorderRuns:
        return True


def ask(folder: DataFolder, plane: str, asking: Callable[[Client], Awaitable[T]]) -> T:
    """Talk with a plane of the running recorder. Raises what it raises; NothingThere where none runs."""

    async def talk() -> T:
        async with Client(folder.socket(plane), within=ANSWER_SECONDS) as client:
            return await asking(client)

    if not runs(folder):
        raise NothingThere(f"No recorder runs on {folder.path}.")
    return asyncio.run(talk())


def who() -> str:
    """Who gives this command, for the history and the audit."""
    with contextlib.suppress(OSError):
        return f"{os.environ.get('SUDO_USER') or os.getlogin()}@console"
    return f"uid {os.getuid()}@console"


def password_of(file: Path) -> str:
    """The first line of a file, or of standard input for `-`. Raises BadValue."""
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadValue("--password-file", f"cannot be read: {error.strerror}") from error
    return text.partition("\n")[0].rstrip("\r")


def say_json(value: object) -> None:
    """Print a value for programs."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows for a person."""
    shown = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for column in columns:
        shown.add_column(column)
    for row in rows:
        shown.add_row(*row)
    console.print(shown)


def local(utc: Utc) -> str:
    """A moment in the machine's zone, with the zone said."""
    return datetime.fromtimestamp(utc / MICROSECONDS, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def iso(utc: Utc) -> str:
    """A moment for programs: ISO 8601, UTC, microseconds."""
    return (
        datetime.fromtimestamp(utc / MICROSECONDS, UTC)
        .isoformat(timespec="microseconds")
        .replace("+00:00", "Z")
    )


def size(octets: int) -> str:
    """Bytes for a person."""
    value = float(octets)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.2f} TB"
