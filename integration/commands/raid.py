"""`holdfast raid`: drives, array, and the tools."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from device.errors import Fault
from device.folder import DataFolder
from device.planes.messages import JobShown, JobsList
from device.raid.messages import ArrayShown, AskRaid, BayShown, RaidShown, RaidTool
from device.raid.order import Tool
from device.raid.state import Kind, Status
from integration.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    console,
    installation,
    password_of,
    say_json,
    size,
    table,
    who,
)
from integration.commands.reach import call

LOOK = 0.5  #: seconds between looks at a job

app = typer.Typer(
    help="Drives and array: list, create, format, encrypt, replace ...", invoke_without_command=True
)

YesOption = Annotated[bool, typer.Option("--yes", help="It may erase what is on the drives.")]
BackgroundOption = Annotated[bool, typer.Option("--background", help="Do not wait for the end.")]
PasswordOption = Annotated[
    Path | None, typer.Option("--password-file", help="File with the array's password; - for standard input.")
]
FilesOption = Annotated[Kind, typer.Option("--files", help="File system.")]

STYLES = {"online": "green", "exposed": "yellow", "rebuilding": "yellow", "broken": "red", "foreign": "red"}


@app.callback()
def raid(
    context: typer.Context, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List the bays, the array and its file system."""
    if context.invoked_subcommand is not None:
        return
    told = call(installation(config, data), "control", AskRaid())
    if as_json:
        say_json(asdict(told))
    elif told.hardware == "none":
        console.print(
            "This recorder governs no drives. `holdfast settings set raid.hardware=...` names them."
        )
    elif not told.answers:
        console.print("Drives and array cannot be read; `holdfast events` tells why.", style="red")
    else:
        table(
            "",
            ("bay", "state", "size", "health", "temperature", "model", "serial"),
            list(map(_bay, told.bays)),
        )
        console.print(_array(told.array) if told.array is not None else "There is no array.")
        console.print(_files(told))
        if advice := _advice(told):
            console.print(advice)


def _bay(bay: BayShown) -> tuple[str, ...]:
    style = STYLES.get(bay.condition, "dim")
    state = f"[{style}]{bay.condition}[/{style}]"
    if not bay.serial:
        return (str(bay.bay), state, *[""] * 5)
    degrees = f"{bay.temperature:.0f} °C" if bay.temperature is not None else ""
    return (str(bay.bay), state, size(bay.size), bay.health, degrees, bay.model, bay.serial)


def _array(array: ArrayShown) -> str:
    style = {"Online": "green", "Failed": "red"}.get(array.status, "yellow")
    line = f"RAID {array.level} [{style}]{array.status}[/{style}], {size(array.size)}"
    line += f", {array.in_sync} of {array.drives} drives in sync"
    if array.activity:
        share = 100 * array.done / array.total if array.total else 0.0
        left = f", {array.eta:.0f} s left" if array.eta is not None else ""
        line += f"; {array.activity}: {share:.1f} %{left}"
    return line + "."


def _advice(told: RaidShown) -> str:
    """What to do; empty: nothing."""
    bad = [bay.bay for bay in told.bays if bay.condition == "broken"]
    if told.array is None:
        return ""
    if told.array.status == Status.FAILED.value:
        return (
            "Replace the drives that are broken; then `holdfast raid create` makes the array anew, and empty."
        )
    if told.array.status == Status.DEGRADED.value:
        where = f"the drive in bay {bad[0]}" if bad else "the drive that is missing"
        return (
            f"Put a new drive in the place of {where}: it is rebuilt by itself. Another failure may be fatal."
        )
    if bad:
        return f"The drive in bay {bad[0]} says that it fails: replace it before it does."
    return ""


def _files(told: RaidShown) -> str:
    locked = "Encrypted, and locked: `holdfast raid mount` opens it. " if told.locked else ""
    files = told.files
    if files is None:
        return locked or "There is no file system."
    line = f"{files.kind}{', encrypted' if told.encrypted else ''}, "
    if not files.mounted:
        return f"{line}not mounted."
    room = f", {size(files.free)} of {size(files.size)} free" if files.free is not None and files.size else ""
    return f"{line}mounted on {files.path}{', write-protected' if files.read_only else ''}{room}."


# --- tools ---


def _begin(folder: DataFolder, request: RaidTool, background: bool) -> None:
    """Begin a tool, and show what it does until it has ended. Ctrl-C ends the showing, not the tool."""
    id_ = call(folder, "control", request).id
    if background:
        console.print(f"Job {id_} has begun. `holdfast raid jobs` tells how it goes.")
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("", total=None)
        while True:
            job = _job(folder, id_)
            shown.update(task, description=job.phase, total=job.total or None, completed=job.done)
            if job.state not in ("waiting", "running"):
                break
            time.sleep(LOOK)
    if job.state != "done":
        raise Fault(job.error or f"The job {id_} is {job.state}.")
    console.print(job.result or "Done.")


def _job(folder: DataFolder, id_: str) -> JobShown:
    jobs = call(folder, "control", JobsList()).jobs
    return next(job for job in jobs if job.id == id_)


@app.command()
def create(
    level: Annotated[int, typer.Argument(help="0, 1, 5, 6 or 10.")],
    bays: Annotated[list[int], typer.Argument(help="The bays of its drives.")],
    spare: Annotated[list[int] | None, typer.Option(help="Bay of a hot spare.")] = None,
    files: FilesOption = Kind.XFS,
    password_file: PasswordOption = None,
    yes: YesOption = False,
    background: BackgroundOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Make an array, with a file system; encrypted where a password is given. Erases everything."""
    password = password_of(password_file) if password_file is not None else None
    request = RaidTool(
        Tool.CREATE.value,
        who(),
        level=level,
        bays=tuple(bays),
        spares=tuple(spare or ()),
        files=files.value,
        encrypt=password is not None,
        password=password,
        confirmed=yes,
    )
    _begin(installation(config, data), request, background)


@app.command("format")
def format_(
    files: FilesOption = Kind.XFS,
    yes: YesOption = False,
    background: BackgroundOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Make a new file system. Erases everything; an encrypted array stays encrypted."""
    request = RaidTool(Tool.FORMAT.value, who(), files=files.value, confirmed=yes)
    _begin(installation(config, data), request, background)


@app.command()
def encrypt(
    password_file: Annotated[Path, typer.Option(help="File with the password; - for standard input.")],
    files: FilesOption = Kind.XFS,
    yes: YesOption = False,
    background: BackgroundOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Encrypt the array. Erases everything."""
    password = password_of(password_file)
    request = RaidTool(Tool.ENCRYPT.value, who(), files=files.value, password=password, confirmed=yes)
    _begin(installation(config, data), request, background)


@app.command()
def decrypt(
    files: FilesOption = Kind.XFS,
    yes: YesOption = False,
    background: BackgroundOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Use the array without encryption. Erases everything."""
    request = RaidTool(Tool.DECRYPT.value, who(), files=files.value, confirmed=yes)
    _begin(installation(config, data), request, background)


@app.command()
def password(
    old_file: Annotated[Path, typer.Option(help="File with the present password.")],
    new_file: Annotated[Path, typer.Option(help="File with the new one.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Change the password of the encrypted array, while recording goes on."""
    request = RaidTool(
        Tool.PASSWORD.value, who(), password=password_of(old_file), new_password=password_of(new_file)
    )
    _begin(installation(config, data), request, background=False)


@app.command()
def mount(password_file: PasswordOption = None, config: ConfigOption = None, data: DataOption = None) -> None:
    """Put the array together, open it and mount it."""
    password = password_of(password_file) if password_file is not None else None
    _begin(installation(config, data), RaidTool(Tool.MOUNT.value, who(), password=password), background=False)


@app.command()
def replace(
    bay: Annotated[int, typer.Argument(help="The bay of the new drive.")],
    yes: YesOption = False,
    background: BackgroundOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Give a new drive to the array, and rebuild it. What is on the new drive is erased."""
    request = RaidTool(Tool.REPLACE.value, who(), bay=bay, confirmed=yes)
    _begin(installation(config, data), request, background)


def _plain(tool: Tool, said: str, *, asks: bool) -> None:
    """A command for a tool that needs no more than to be named."""

    def command(
        yes: YesOption = False,
        background: BackgroundOption = False,
        config: ConfigOption = None,
        data: DataOption = None,
    ) -> None:
        request = RaidTool(tool.value, who(), confirmed=yes or not asks)
        _begin(installation(config, data), request, background)

    command.__doc__ = said
    app.command(tool.value.partition(".")[2])(command)


_plain(Tool.CHECK, "Check the file system. Recording pauses meanwhile.", asks=False)
_plain(Tool.REPAIR, "Repair the file system; what cannot be saved is lost. Recording pauses.", asks=True)
_plain(Tool.SCRUB, "Read all drives and compare them, while recording goes on.", asks=False)
_plain(Tool.UNMOUNT, "Unmount the file system, and lock it. Recording on it ends.", asks=False)
_plain(Tool.PROTECT, "Protect what is recorded: nothing is overwritten, nothing recorded.", asks=False)
_plain(Tool.UNPROTECT, "Record again.", asks=False)


@app.command()
def jobs(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """What the tools do, and did."""
    found = [
        job
        for job in call(installation(config, data), "control", JobsList()).jobs
        if job.kind.startswith("raid.")
    ]
    if as_json:
        say_json([asdict(job) for job in found])
        return
    rows = []
    for job in found:
        share = f"{100 * job.done / job.total:.0f} %" if job.total and job.state == "running" else ""
        left = f"{job.eta:.0f} s" if job.eta is not None else ""
        does = job.phase if job.state in ("waiting", "running") else ""
        rows.append((job.id, job.kind, job.state, does, share, left, job.error or job.result))
    table("", ("job", "tool", "state", "does", "done", "left", ""), rows)
