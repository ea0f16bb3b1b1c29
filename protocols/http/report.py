"""The server report, for whoever helps: how everything is and is set, and the logs, as one text. No secret is in it."""

from __future__ import annotations

import asyncio
import io
import json
import platform
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from device.audit.logs import Log, log_of
from device.cameras.messages import TakePicture
from device.chassis.messages import AskChassis
from device.errors import HoldfastError
from device.events.event import dump
from device.events.journal import Entry
from device.events.words import moment, said
from device.outbox.messages import AskOutbox
from device.planes.messages import AskRecording, AskStreaming, Ping
from device.planes.wire import Request
from device.poe.messages import AskPoe
from device.raid.messages import AskRaid
from device.records import to_json
from device.rules.messages import AskRules
from device.settings.cameras import Camera
from device.settings.sealed import shown
from protocols.http.house import House
from protocols.http.planes import Asker

LINES = 1000  #: of each log
CAMERAS_AT_ONCE = 8  #: that are asked for a picture
JOURNAL = 100_000  #: entries of the journal in a crash report
_OF_PROCESS = ("status", "limits", "io", "wchan")  #: files of /proc/PID (proc(5))


async def text(house: House) -> str:
    """The report. A part that cannot be asked says why."""
    head = f"Holdfast {house.version}, serial number {house.identity.serial}\n{moment(house.clock.utc())}\n"
    parts = [f"## {title}\n{await _part(ask, house)}\n" for title, ask in _PARTS]
    return "\n".join([head, *parts])


async def server_report(house: House) -> bytes:
    """ZIP with the report, and a picture of each camera."""
    return await asyncio.to_thread(_zip, await _report(house))


async def crash_report(house: House) -> bytes:
    """ZIP with all of the server report, the journal (JSON lines, oldest first), and what the system says of each
    process."""
    files = await _report(house) | {"journal.jsonl": _journal(house)}
    for name, pid in (await _processes(house)).items():
        files |= await asyncio.to_thread(_of_process, name, pid)
    return await asyncio.to_thread(_zip, files)


async def _report(house: House) -> dict[str, bytes]:
    return {"report.txt": (await text(house)).encode()} | await _pictures(house)


async def _pictures(house: House) -> dict[str, bytes]:
    """What each camera that is recorded shows now; of one that gives no picture, why."""
    at_once = asyncio.Semaphore(CAMERAS_AT_ONCE)

    async def take(camera: str) -> tuple[str, bytes]:
        async with at_once:
            try:
                taken = await house.control.call(TakePicture(camera))
            except HoldfastError as error:
                return f"pictures/{camera}.txt", f"{error}\n".encode()
        return f"pictures/{camera}.jpg", taken.jpeg

    enabled = [key for key, camera in house.settings.entries(Camera).items() if camera.enabled]
    return dict(await asyncio.gather(*map(take, enabled)))


async def _part(ask: Callable[[House], Awaitable[str]], house: House) -> str:
    try:
        return await ask(house)
    except HoldfastError as error:
        return f"Cannot be asked: {error}"


async def _machine(house: House) -> str:
    names = {"machine": platform.platform(), "python": platform.python_version(), "zone": str(house.zone)}
    processes = {name: str(pid) for name, pid in (await _processes(house)).items()}
    return _lines({**names, **{f"process {name}": pid for name, pid in processes.items()}})


async def _settings(house: House) -> str:
    found = []
    for kind in house.settings.sections:
        entries = house.settings.entries(kind) if kind.about.key else {"": house.settings.get(kind)}
        for key, value in entries.items():
            found.append(f"[{kind.about.section}{f' {key}' if key else ''}]\n{_lines(shown(value))}")
    return "\n".join(found)


async def _accounts(house: House) -> str:
    return _lines({each.name: each.rights.role.value for each in house.accounts.list()})


def _told(plane: str, request: Request[Any]) -> Callable[[House], Awaitable[str]]:  # Any: whatever it answers
    """What a plane answers, as JSON."""

    async def ask(house: House) -> str:
        answer = await _planes(house)[plane].call(request)
        return json.dumps(json.loads(to_json(answer)), indent=2, ensure_ascii=False) + "\n"

    return ask


async def _jobs(house: House) -> str:
    jobs = house.jobs.list()
    return _lines(
        {each.id: f"{each.kind} {each.state.value} {each.phase} {each.error}".strip() for each in jobs}
    )


async def _holds(house: House) -> str:
    return "".join(f"{log_line(each)}\n" for each in house.bus.journal.active())


def _log(which: Log) -> Callable[[House], Awaitable[str]]:
    async def lines(house: House) -> str:
        found = [each for each in house.bus.journal.latest(JOURNAL) if log_of(each.event.name) is which]
        return "".join(f"{log_line(each)}\n" for each in reversed(found[:LINES]))

    return lines


#: What stands in the report, and in which order.
_PARTS: tuple[tuple[str, Callable[[House], Awaitable[str]]], ...] = (
    ("Machine and processes", _machine),
    ("What holds now", _holds),
    ("Settings", _settings),
    ("Accounts", _accounts),
    ("Recording", _told("recording", AskRecording())),
    ("Who watches", _told("streaming", AskStreaming())),
    ("Drives and array", _told("control", AskRaid())),
    ("Network ports", _told("control", AskPoe())),
    ("Box", _told("control", AskChassis())),
    ("Rules", _told("control", AskRules())),
    ("What waits to leave", _told("control", AskOutbox())),
    ("Long works", _jobs),
    ("System log", _log(Log.SYSTEM)),
    ("Access log", _log(Log.ACCESS)),
    ("Audit log", _log(Log.AUDIT)),
)


def _planes(house: House) -> dict[str, Asker]:
    return {"control": house.control, "recording": house.recording, "streaming": house.streaming}


async def _processes(house: House) -> dict[str, int]:
    """Of the planes that answer."""
    found = {}
    for plane in _planes(house).values():
        try:
            pong = await plane.call(Ping())
        except HoldfastError:
            continue
        found[pong.plane] = pong.pid
    return found


def _of_process(name: str, pid: int) -> dict[str, bytes]:
    """What the system says of a process; nothing of what may not be read."""
    found = {}
    for file in _OF_PROCESS:
        try:
            found[f"{name}/{file}"] = Path(f"/proc/{pid}/{file}").read_bytes()
        except OSError:
            continue
    return found


def _journal(house: House) -> bytes:
    lines = [
        json.dumps({"seq": each.seq, "utc": each.utc, "plane": each.plane, **json.loads(dump(each.event))})
        for each in reversed(house.bus.journal.latest(JOURNAL))
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _zip(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return made.getvalue()


def log_line(entry: Entry) -> str:
    """An entry as a line of a log."""
    return f"{moment(entry.utc)} {entry.event.severity.name.lower():9} {entry.event.name} {said(entry.event)}"


def _lines(values: dict[str, object] | dict[str, str]) -> str:
    return "".join(f"{name} = {_plain(value)}\n" for name, value in values.items())


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
