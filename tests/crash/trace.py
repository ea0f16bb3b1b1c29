"""What a program asked of its file systems: every call that changes something, in the order they were answered.

`strace` sees them where the kernel does: Python's, SQLite's and those made through ctypes alike, with all their
bytes. Nothing of the program is replaced, and nothing that it does can be missed: a way to write that is not
known here is an error, not an omission.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

#: What is understood.
_KNOWN = (
    "openat,close,write,pwrite64,pwritev2,fsync,fdatasync,syncfs,renameat,renameat2,rename,link,linkat,"
    "unlink,unlinkat,mkdir,mkdirat,rmdir,truncate,ftruncate,mmap"
)
#: What would change a file and is not: an error where it touches one of ours.
_UNKNOWN = (
    "open,creat,writev,pwritev,sendfile,copy_file_range,splice,fallocate,symlink,symlinkat,dup,dup2,dup3,"
    "sync_file_range,msync,fcntl,io_uring_setup"
)
_CALL = re.compile(rb"^(\d+)\s+(\w+)\((.*)$", re.DOTALL)
_RESUMED = re.compile(rb"^(\d+)\s+<\.\.\. (\w+) resumed>(.*)$", re.DOTALL)
_RESULT = re.compile(rb"^(.*)\)\s+= (-?\d+|0x[0-9a-f]+|\?)(.*)$", re.DOTALL)
_DESCRIPTOR = re.compile(rb"\d+<((?:\\x[0-9a-f]{2})+)>")
_HELD = re.compile(rb"^(\d+)<")
_STRING = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')
_PATH = re.compile(rb'(?:(?:AT_FDCWD|\d+)<((?:\\x[0-9a-f]{2})+)>, )?"((?:\\x[0-9a-f]{2})*)"')


class TraceFault(Exception):
    """The trace holds what is not understood; the message says what."""


@dataclass(frozen=True, slots=True)
class Make:
    """A file or folder came to be under a name."""

    path: Path
    inode: int
    folder: bool


@dataclass(frozen=True, slots=True)
class Name:
    """Names changed, all at once: what each means now, None: nothing any more."""

    changes: tuple[tuple[Path, int | None], ...]


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes were put into a file."""

    inode: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    """A file was cut, or grew by zeros."""

    inode: int
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """All that had been answered before the step `upto` is durable: of a file, of a folder's names, or of a
    whole file system."""

    inode: int | None  #: the file; None: it is the folder or file system at `path`
    path: Path
    whole: bool  #: syncfs: the file system on which `path` lies
    upto: int


@dataclass(frozen=True, slots=True)
class Told:
    """The program said something to whoever reads the trace."""

    text: str


Step = Make | Name | Write | Resize | Sync | Told


def record(command: Sequence[str | Path], log: Path, folder: Path) -> None:
    """Run a program in `folder` under strace. Raises TraceFault where it does not end well."""
    strace = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-y",
        "-xx",
        "-s",
        "100000000",
        "-e",
        f"trace={_KNOWN},{_UNKNOWN}",
    ]
    # A program that runs under strace has no signals of interest, and its children are threads.
    done = subprocess.run(
        [*strace, "-e", "signal=none", "-o", log, *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise TraceFault(f"the traced program ended with {done.returncode}: {done.stderr[-3000:]}")


@dataclass(slots=True)
class _Call:
    name: str
    arguments: bytes
    begun: int  #: how many steps had been answered
    result: int = 0
    rest: bytes = b""  #: what stands behind the result


def calls(log: Path, steps: Sequence[Step]) -> Iterator[_Call]:
    """The calls of a log in the order in which they were answered. `steps` is what has been made of them so
    far."""
    begun: dict[bytes, _Call] = {}
    with log.open("rb") as file:
        for line in file:
            text = line.rstrip(b"\n")
            if (resumed := _RESUMED.match(text)) is not None:
                call = begun.pop(resumed[1])
                tail = resumed[3]
            elif (made := _CALL.match(text)) is not None:
                call = _Call(made[2].decode(), b"", len(steps))
                tail = made[3]
                if tail.endswith(b"<unfinished ...>"):
                    call.arguments = tail.removesuffix(b"<unfinished ...>")
                    begun[made[1]] = call
                    continue
            else:
                continue  # a thread ended
            result = _RESULT.match(tail)
            if result is None:
                raise TraceFault(f"a call that is not understood: {text[:200]!r}")
            if result[2] == b"?":
                continue  # the process ended within it
            call.arguments += result[1]
            call.result, call.rest = int(result[2], 0), result[3]
            yield call


def existing(top: Path, roots: Sequence[Path]) -> list[Step]:
    """What lies in `top` now, as the steps that would have made it; all of it durable."""
    steps: list[Step] = []
    for inode, path in enumerate((top, *sorted(top.rglob("*"))), 1):
        steps.append(Make(path, inode, path.is_dir()))
        if path.is_file():
            steps.append(Write(inode, 0, path.read_bytes()))
    now = len(steps)
    steps += [Sync(None, root, whole=True, upto=now) for root in roots]
    return steps


class Reader:
    """Makes steps of a log. `steps` grows as it reads."""

    def __init__(self, roots: Sequence[Path], steps: list[Step], at: Path) -> None:
        """`roots`: what lies below them is looked at. `steps`: what was there when the program began, in `at`."""
        self.steps = steps
        self._at = at
        self._roots = tuple(f"{root}/" for root in roots)
        made = [step for step in steps if isinstance(step, Make)]
        self._names = {step.path: step.inode for step in made}
        self._folders = {step.inode for step in made if step.folder}
        self._next = max(self._names.values(), default=0) + 1
        self._open: dict[int, tuple[Path, int]] = {}
        self._ends: dict[int, int] = {}  #: descriptor: where a plain write goes on

    def read(self, log: Path) -> list[Step]:
        """All steps of a log. Raises TraceFault."""
        for call in calls(log, self.steps):
            if call.result >= 0:
                self._take(call)
        return self.steps

    def _take(self, call: _Call) -> None:
        held = _HELD.match(call.arguments)
        number = int(held[1]) if held is not None else -1
        match call.name:
            case "openat":
                self._opened(call)
            case "close":
                self._open.pop(number, None)
            case "mmap":
                self._mapped(call)
            case "fcntl" if b"F_DUPFD" not in call.arguments:
                pass  # a lock, or a flag
            case "io_uring_setup":
                raise TraceFault("io_uring writes where nobody sees it")
            case "write" if number not in self._open:
                self._told(call)
            case "write" | "pwrite64" | "pwritev2" | "ftruncate":
                if number in self._open:
                    self._changed(call, number)
            case "fsync" | "fdatasync" | "syncfs":
                if number in self._open:
                    path, inode = self._open[number]
                    whole = call.name == "syncfs"
                    file = None if whole or inode in self._folders else inode
                    self.steps.append(Sync(file, path, whole, call.begun))
            case _:
                self._named(call)

    def _ours(self, path: Path) -> bool:
        return f"{path}/".startswith(self._roots)

    def _opened(self, call: _Call) -> None:
        path = _path_of(call.rest)
        if path is None or not self._ours(path):
            return
        flags = call.arguments.rpartition(b'"')[2]
        inode = self._names.get(path)
        if inode is None:
            inode = self._make(path, folder=False)
        elif b"O_TRUNC" in flags:
            self.steps.append(Resize(inode, 0))
        self._ends[call.result] = 0
        self._open[call.result] = path, inode

    def _make(self, path: Path, *, folder: bool) -> int:
        inode = self._next
        self._next += 1
        self._names[path] = inode
        if folder:
            self._folders.add(inode)
        self.steps.append(Make(path, inode, folder))
        return inode

    def _changed(self, call: _Call, number: int) -> None:
        path, inode = self._open[number]
        said = _path_of(call.arguments)
        if said != path and (said is None or not said.name.endswith(" (deleted)")):
            raise TraceFault(f"descriptor {number} is {said}, not {path}")
        if call.name == "ftruncate":
            self.steps.append(Resize(inode, int(call.arguments.rpartition(b",")[2])))
            return
        data = b"".join(_bytes(each) for each in _STRING.findall(call.arguments))[: call.result]
        if len(data) != call.result:
            raise TraceFault(f"{call.name} of {call.result} bytes shows {len(data)}")
        match call.name:
            case "write":
                offset = self._ends[number]
                self._ends[number] += len(data)
            case "pwrite64":
                offset = int(call.arguments.rpartition(b",")[2])
            case _:  # pwritev2(descriptor, [buffers], how many, offset, flags)
                offset = int(call.arguments.rpartition(b"]")[2].split(b",")[2])
        self.steps.append(Write(inode, offset, data))

    def _mapped(self, call: _Call) -> None:
        found = _DESCRIPTOR.search(call.arguments)
        path = Path(_bytes(found[1]).decode()) if found is not None else None
        if path is None or not self._ours(path) or b"MAP_SHARED" not in call.arguments:
            return
        # What SQLite keeps in its map of the write-ahead log is made anew after a crash.
        if b"PROT_WRITE" in call.arguments and not path.name.endswith("-shm"):
            raise TraceFault(f"{path} is written through memory")

    def _named(self, call: _Call) -> None:
        paths = [path for path in _paths(call.arguments, self._at) if self._ours(path)]
        held = [Path(_bytes(each).decode()) for each in _DESCRIPTOR.findall(call.arguments + call.rest)]
        if call.name in _UNKNOWN.split(",") and (
            touched := paths + [path for path in held if self._ours(path)]
        ):
            raise TraceFault(f"{call.name} of {touched[0]} is not understood")
        if not paths:
            return
        match call.name:
            case "mkdir" | "mkdirat":
                self._make(paths[0], folder=True)
            case "unlink" | "unlinkat" | "rmdir":
                self._name((paths[0], None))
            case "rename" | "renameat" | "renameat2":
                self._name((paths[0], None), (paths[1], self._names[paths[0]]))
            case "link" | "linkat":
                self._name((paths[1], self._names[paths[0]]))

    def _name(self, *changes: tuple[Path, int | None]) -> None:
        for path, inode in changes:
            if inode is None:
                del self._names[path]
            else:
                self._names[path] = inode
        self.steps.append(Name(changes))

    def _told(self, call: _Call) -> None:
        if _path_of(call.arguments) == Path("/dev/null"):
            (text,) = _STRING.findall(call.arguments)
            self.steps.append(Told(_bytes(text).decode()))


def _bytes(text: bytes) -> bytes:
    return bytes.fromhex(text.replace(b"\\x", b"").decode())


def _path_of(text: bytes) -> Path | None:
    """What the descriptor at the beginning of `text` (or the one that a call made) is open on."""
    found = re.match(rb"^\d*<((?:\\x[0-9a-f]{2})+)>", text)
    return None if found is None else Path(_bytes(found[1]).decode())


def _paths(arguments: bytes, at: Path) -> list[Path]:
    """The paths among the arguments, each below the folder that stands before it, or below `at`."""
    return [at / _bytes(base).decode() / _bytes(text).decode() for base, text in _PATH.findall(arguments)]
