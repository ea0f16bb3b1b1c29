"""The cases. What a case demands is said by its decorator: there is no other docstring."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from uuid import UUID

from conformance.case import Requirement, expect, provided
from conformance.smb.archive import IDENTITY, PART, SEGMENT, Session, parts
from conformance.smb.boxes import Broken, beginning, boxes, fragments, identity
from conformance.smb.suite import case

GUIDE = "archive (design/archive.md)"
FORM = "segment files (design/recording.md)"
BOXES = "ISO/IEC 14496-12"
PLAYED = 5  #: segments that a player is given
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}/\d{4}-\d\d-\d\d/[1-9]\d*\.mp4")


def _none(wrong: Iterable[str], of: int, what: str) -> str:
    found = list(wrong)
    expect(not found, f"{len(found)} of {of} {what}, such as {found[0] if found else ''}")
    return f"{of} {what}"


def _each(session: Session, check: Callable[[str, bytes], str | None]) -> str:
    """`check` says what is wrong with a segment."""
    samples = session.samples()
    wrong = []
    for name, data in samples.items():
        try:
            said = check(name, data)
        except (Broken, ValueError, KeyError, TypeError) as error:
            said = str(error)
        if said is not None:
            wrong.append(f"{name}: {said}")
    return _none(wrong, len(samples), "segments")


@case("target.there", "The folder says whose it is", GUIDE, Requirement.MANDATORY)
async def there(session: Session) -> str:
    found = [name for name in session.facts.after if parts(name)[-1] == IDENTITY]
    expect(found == [IDENTITY], f"there is {', '.join(found) or 'no ' + IDENTITY}")
    return IDENTITY


@case("target.form", "It is JSON with the target's UUID and the recorder", GUIDE, Requirement.MANDATORY)
async def form(session: Session) -> str:
    data = session.facts.identity
    provided(data is not None, f"there is no {IDENTITY}")
    assert data is not None
    try:
        said = json.loads(data)
        UUID(said["target"])
        recorder = said["recorder"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        expect(False, f"it cannot be read: {error!r}")
        raise
    expect(isinstance(recorder, str) and bool(recorder), f"the recorder is {recorder!r}")
    return f"target {said['target']} of {recorder}"


@case("name.form", "A segment is RECORDING/YYYY-MM-DD/NUMBER.mp4", GUIDE, Requirement.MANDATORY)
async def names(session: Session) -> str:
    found = session.segments()
    return _none((name for name in found if not _NAME.fullmatch(name)), len(found), "segments")


@case("name.number", "A recording has each number once, over all days", GUIDE, Requirement.MANDATORY)
async def numbers(session: Session) -> str:
    found = session.segments()
    first: dict[tuple[str, str], str] = {}
    wrong = [name for name in found if first.setdefault((parts(name)[0], parts(name)[-1]), name) != name]
    return _none(wrong, len(found), "segments")


@case("name.else", "There is nothing else but what is being written", GUIDE, Requirement.OPTIONAL)
async def others(session: Session) -> str:
    found = list(session.facts.after)
    wrong = (name for name in found if name != IDENTITY and not name.endswith((SEGMENT, SEGMENT + PART)))
    return _none(wrong, len(found), "files")


@case("name.final", "What has its name is never written to again", GUIDE, Requirement.MANDATORY)
async def final(session: Session) -> str:
    both = [name for name in session.segments() if name in session.facts.before]
    provided(bool(both), "no segment was there at both looks")
    return _none(
        (name for name in both if session.facts.before[name] != session.facts.after[name]),
        len(both),
        "segments",
    )


@case("name.once", "What has its name is not being written as well", GUIDE, Requirement.MANDATORY)
async def once(session: Session) -> str:
    found = session.segments()
    return _none((name for name in found if name + PART in session.facts.after), len(found), "segments")


@case(
    "file.whole",
    "A segment is made of whole boxes, to its last octet",
    f"{BOXES} s4.2",
    Requirement.MANDATORY,
)
async def whole(session: Session) -> str:
    def check(_name: str, data: bytes) -> str | None:
        kinds = [box.kind for box in boxes(data)]
        missing = [kind.decode() for kind in (b"ftyp", b"moov", b"moof", b"mdat") if kind not in kinds]
        return f"there is no {', '.join(missing)}" if missing else None

    return _each(session, check)


@case("file.identity", "It says itself which segment it is, of what", FORM, Requirement.MANDATORY)
async def who(session: Session) -> str:
    def check(name: str, data: bytes) -> str | None:
        said = identity(data)
        meant = f"{said['recording']}/{said['segment']}{SEGMENT}"
        return None if meant == f"{parts(name)[0]}/{parts(name)[-1]}" else f"it says that it is {meant}"

    return _each(session, check)


@case("file.recorder", "All segments are of one recorder", FORM, Requirement.CONDITIONAL)
async def recorder(session: Session) -> str:
    found = set()
    for data in session.samples().values():
        try:
            found.add(str(identity(data)["recorder"]))
        except (Broken, ValueError, KeyError):
            continue  # file.identity tells
    expect(len(found) <= 1, f"{len(found)} recorders: {', '.join(sorted(found))}")
    return ", ".join(found) or "none says"


@case(
    "file.day", "It lies in the folder of the day, in UTC, on which it began", GUIDE, Requirement.CONDITIONAL
)
async def day(session: Session) -> str:
    def check(name: str, data: bytes) -> str | None:
        began = datetime.fromtimestamp(int(identity(data)["utc"]) / 1_000_000, UTC).strftime("%Y-%m-%d")
        return None if began == parts(name)[-2] else f"it began on {began}"

    return _each(session, check)


@case("file.checksum", "Every fragment matches the checksum behind it", FORM, Requirement.MANDATORY)
async def checksums(session: Session) -> str:
    def check(_name: str, data: bytes) -> str | None:
        return None if fragments(data) else "there is no fragment"

    return _each(session, check)


@case(
    "file.plays", "A player shows it, and complains of nothing", f"{BOXES} (ffprobe)", Requirement.CONDITIONAL
)
async def plays(session: Session) -> str:
    program = shutil.which("ffprobe")
    provided(program is not None, "ffprobe is not installed")
    assert program is not None
    chosen = list(session.samples().items())[:PLAYED]
    wrong, pictures = [], 0
    for number, (name, data) in enumerate(chosen):
        path = session.facts.folder / f"{number}{SEGMENT}"
        await asyncio.to_thread(path.write_bytes, data)
        process = await asyncio.create_subprocess_exec(
            *(program, "-v", "error", "-select_streams", "v:0", "-count_frames"),
            *("-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", str(path)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, complaint = await process.communicate()
        shown = out.decode().strip().strip(",")
        if process.returncode or complaint.strip() or not shown.isdigit() or not int(shown):
            wrong.append(f"{name}: {complaint.decode(errors='replace').strip()[:200] or 'no picture'}")
        else:
            pictures += int(shown)
    _none(wrong, len(chosen), "segments")
    return f"{pictures} pictures in {len(chosen)} segments"


@case("part.form", "It has the name that it will have, and .part", GUIDE, Requirement.MANDATORY)
async def part_names(session: Session) -> str:
    found = session.growing()
    wrong = (name for name in found if not _NAME.fullmatch(name.removesuffix(PART)))
    return _none(wrong, len(found), "that grow")


@case("part.grows", "It never gets shorter", GUIDE, Requirement.CONDITIONAL)
async def grows(session: Session) -> str:
    before, after = session.facts.before, session.facts.after
    both = [name for name in session.growing() if name in before]
    provided(bool(both), "nothing was being written at both looks")
    wrong = (name for name in both if after[name].octets < before[name].octets)
    return _none(wrong, len(both), "that grow")


@case(
    "part.begins",
    "It is the beginning of the segment that its name says: head, and fragments that match their checksums",
    FORM,
    Requirement.CONDITIONAL,
)
async def begins(session: Session) -> str:
    there = {name: whole for name, data in session.facts.growing.items() if (whole := beginning(data))}
    provided(bool(there), "nothing is being written, or not enough of it is there")
    wrong = []
    for name, data in there.items():
        try:
            said = identity(data)
            number = fragments(data)
        except (Broken, ValueError) as error:
            wrong.append(f"{name}: {error}")
            continue
        session.transcript.note(f"{name}: {number} fragments")
        if (said.get("recording"), str(said.get("segment"))) != (
            parts(name)[0],
            parts(name)[-1].partition(".")[0],
        ):
            wrong.append(f"{name}: it says that it is {said.get('recording')}/{said.get('segment')}")
    return _none(wrong, len(there), "that grow")
