"""The archive, as anybody finds it who may read the share: all names, and some of the files."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import smbclient  # type: ignore[import-untyped]  # the library has no types
from smbprotocol.exceptions import SMBException

from conformance.case import provided
from conformance.suite import Unreachable
from conformance.transcript import Transcript

IDENTITY = "holdfast-target.json"
SEGMENT = ".mp4"
PART = ".part"  #: behind the name of what is not whole yet
_SHOWN = 5  # names that a report shows of each case


@dataclass(frozen=True, slots=True)
class Entry:
    """A file on the share."""

    octets: int
    changed: float  #: seconds since 1970


class Reader(Protocol):
    """A folder, somewhere. Blocking; raises OSError."""

    def list(self) -> dict[str, Entry]:
        """Every file below it, with `/` between its folders."""

    def read(self, name: str) -> bytes:
        """All of a file."""

    def close(self) -> None:
        """Log out."""


class Local:
    """A folder of this machine: the file server's own disk, or a mounted share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def list(self) -> dict[str, Entry]:
        """Reader."""
        found = {}
        for path in self._folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # it was renamed meanwhile: the next look has it
                if path.is_file():
                    state = path.stat()
                    found[path.relative_to(self._folder).as_posix()] = Entry(state.st_size, state.st_mtime)
        return found

    def read(self, name: str) -> bytes:
        """Reader."""
        return (self._folder / name).read_bytes()

    def close(self) -> None:
        """Reader."""


class Share:
    """A folder of a share."""

    def __init__(self, given: Namespace) -> None:
        """Logs in. Raises OSError, SMBException."""
        self._how: dict[str, Any] = {"port": given.port, "connection_cache": {}}  # Any: as smbclient takes it
        self._root = rf"\\{given.host}\{given.share}" + (f"\\{given.folder}" if given.folder else "")
        smbclient.register_session(
            given.host, username=given.user, password=given.password or "", auth_protocol="ntlm", **self._how
        )

    def list(self) -> dict[str, Entry]:
        """Reader."""
        found = {}
        for folder, _, files in smbclient.walk(self._root, **self._how):
            for name in files:
                path = f"{folder}\\{name}"
                try:
                    state = smbclient.stat(path, **self._how)
                except OSError as error:
                    if error.errno == errno.ENOENT:  # renamed meanwhile
                        continue
                    raise
                relative = path.removeprefix(self._root).lstrip("\\").replace("\\", "/")
                found[relative] = Entry(state.st_size, state.st_mtime)
        return found

    def read(self, name: str) -> bytes:
        """Reader."""
        path = self._root + "\\" + name.replace("/", "\\")
        with smbclient.open_file(path, mode="rb", share_access="rwd", **self._how) as file:
            data: bytes = file.read()
        return data

    def close(self) -> None:
        """Reader."""
        smbclient.reset_connection_cache(fail_on_error=False, connection_cache=self._how["connection_cache"])


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found."""

    place: str
    before: Mapping[str, Entry]
    after: Mapping[str, Entry]  #: some seconds later
    identity: bytes | None
    samples: Mapping[str, bytes]  #: some segments, whole
    growing: Mapping[str, bytes]  #: some that are being written, as far as they were there
    folder: Path  #: for a player: files that it reads


@dataclass(frozen=True, slots=True)
class Session:
    """What one case works with."""

    facts: Facts
    transcript: Transcript

    def segments(self) -> list[str]:
        """Names that promise a whole segment. Raises NotApplicable where there are none."""
        found = sorted(name for name in self.facts.after if name.endswith(SEGMENT))
        provided(bool(found), "there is no segment yet")
        for name in found[:_SHOWN]:
            self.transcript.note(f"{name}: {self.facts.after[name].octets} octets")
        return found

    def samples(self) -> Mapping[str, bytes]:
        """Some of them, whole. Raises NotApplicable."""
        provided(bool(self.facts.samples), "there is no segment yet")
        return self.facts.samples

    def growing(self) -> list[str]:
        """Names of segments that are being written. Raises NotApplicable where there are none."""
        found = sorted(name for name in self.facts.after if name.endswith(SEGMENT + PART))
        provided(bool(found), "nothing is being written")
        for name in found[:_SHOWN]:
            self.transcript.note(f"{name}: {self.facts.after[name].octets} octets")
        return found


def arguments(parser: ArgumentParser) -> None:
    """Where the archive is."""
    parser.add_argument("--host", metavar="HOST", help="the file server")
    parser.add_argument("--port", type=int, default=445, metavar="PORT", help="its port (%(default)s)")
    parser.add_argument("--share", metavar="NAME", help="the share")
    parser.add_argument("--folder", default="", metavar="PATH", help="the folder of the share; its root")
    parser.add_argument(
        "--path", type=Path, metavar="DIR", help="instead: the folder as this machine sees it"
    )
    parser.add_argument(
        "--wait", type=float, default=10.0, metavar="S", help="seconds between two looks (%(default)g)"
    )
    parser.add_argument(
        "--files", type=int, default=20, metavar="N", help="so many segments are read whole (%(default)s)"
    )


async def contact(given: Namespace) -> Archive:
    """Look at it twice, and read some of it. Raises Unreachable."""
    if given.path is None and not (given.host and given.share):
        raise Unreachable("say where the archive is: --host and --share, or --path")
    place = (
        str(given.path)
        if given.path is not None
        else rf"\\{given.host}\{given.share}\{given.folder}".rstrip("\\")
    )
    try:
        reader: Reader = (
            Local(given.path) if given.path is not None else await asyncio.to_thread(Share, given)
        )
        try:
            archive = await _look(reader, place, given.wait, given.files)
        finally:
            await asyncio.to_thread(reader.close)
    except (OSError, SMBException, ValueError) as error:
        raise Unreachable(f"{place}: {error}") from None
    return archive


async def _look(reader: Reader, place: str, pause: float, most: int) -> Archive:
    """Raises Unreachable, OSError, SMBException."""
    before = await asyncio.to_thread(reader.list)
    await asyncio.sleep(pause)
    after = await asyncio.to_thread(reader.list)
    if not after:
        raise Unreachable(f"there is nothing in {place}")
    known = await asyncio.to_thread(reader.read, IDENTITY) if IDENTITY in after else None
    segments = sorted(name for name in after if name.endswith(SEGMENT))
    chosen = segments[:: max(1, len(segments) // max(1, most))][:most]
    samples = {name: await asyncio.to_thread(reader.read, name) for name in chosen}
    growing = {}
    for name in sorted(name for name in after if name.endswith(SEGMENT + PART))[:most]:
        with contextlib.suppress(FileNotFoundError):  # it is whole by now
            growing[name] = await asyncio.to_thread(reader.read, name)
    return Archive(place, before, after, known, samples, growing)


class Archive:
    """The target of the suite."""

    def __init__(
        self,
        place: str,
        before: Mapping[str, Entry],
        after: Mapping[str, Entry],
        identity: bytes | None,
        samples: Mapping[str, bytes],
        growing: Mapping[str, bytes],
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="conformance-smb-")
        self._facts = Facts(place, before, after, identity, samples, growing, Path(self._folder.name))

    @property
    def title(self) -> str:
        """Where it is, and how much there is."""
        segments = sum(name.endswith(SEGMENT) for name in self._facts.after)
        return f"{self._facts.place}: {segments} segments, {len(self._facts.samples)} of them read"

    @asynccontextmanager
    async def session(self, transcript: Transcript) -> AsyncIterator[Session]:
        """What was found, with a transcript of the case's own."""
        yield Session(self._facts, transcript)


def parts(name: str) -> tuple[str, ...]:
    """The levels of a name."""
    return PurePosixPath(name).parts
