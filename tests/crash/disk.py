"""What disks may hold after the power went: every state that the rules of POSIX allow, and no other.

Pure. A `Disk` is told the steps of a trace, and can say at any point what may have got to the medium:

- Everything that a sync that has returned covers is there. A file's sync covers its bytes and its length and not its
  name; a folder's the names in it; `syncfs` all of a file system. Each root is a file system of its own.
- Of the bytes written since, each block of 4096 is as before or as any of the later writes left it, whatever the
  others are; or torn: its first sectors of 512 new, the rest old. A length may be any that the file had since.
  What lies within the length and never came is zeros (ordered mode: nobody's old data).
- Of the names that changed since, any subset is there; a rename is there wholly or not at all; what lies in a folder
  that did not come is not there either. File systems with a journal keep the names in order, which is one of these.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from pathlib import Path

from tests.crash.trace import Make, Name, Resize, Step, Sync, Told, Write

BLOCK, SECTOR = 4096, 512


@dataclass(frozen=True, slots=True)
class _Version:
    """What a block held after a step."""

    step: int
    data: bytes


@dataclass(slots=True)
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, Write | Resize]] = field(default_factory=list)
    stamps: dict[int, int] = field(default_factory=dict)  #: block: step that left it as it is in `durable`
    sizes: list[int] = field(default_factory=list)  #: what length may be; the first is the durable one
    #: what each block may hold beside what is durable
    blocks: dict[int, list[_Version]] = field(default_factory=dict)

    def block(self, number: int) -> bytes:
        """As it is durable."""
        return bytes(self.durable[number * BLOCK : (number + 1) * BLOCK]).ljust(BLOCK, b"\0")

    def add(self, step: int, change: Write | Resize) -> None:
        """It was changed; that is not durable."""
        self.pending.append((step, change))
        if not self.sizes:
            self.sizes = [len(self.durable)]
        size = self.sizes[-1]
        if isinstance(change, Resize):
            self.sizes.append(change.size)
            for number in range(change.size // BLOCK, -(-size // BLOCK)):
                kept = max(0, change.size - number * BLOCK)
                self._version(step, number, self._last(number)[:kept].ljust(BLOCK, b"\0"))
            return
        end = change.offset + len(change.data)
        if end > size:
            self.sizes.append(end)
        for number in range(change.offset // BLOCK, -(-end // BLOCK)):
            begin = number * BLOCK
            low, high = max(begin, change.offset), min(begin + BLOCK, end)
            data = bytearray(self._last(number))
            data[low - begin : high - begin] = change.data[low - change.offset : high - change.offset]
            self._version(step, number, bytes(data))

    def _last(self, number: int) -> bytes:
        versions = self.blocks.get(number)
        return versions[-1].data if versions else self.block(number)

    def _version(self, step: int, number: int, data: bytes) -> None:
        self.blocks.setdefault(number, []).append(_Version(step, data))

    def upto(self, at: int, draw: random.Random) -> Content:
        """As if all had come in order, up to the step `at`, which may be torn."""
        size, place = self.sizes[0], 0
        for step, change in self.pending:
            if step > at:
                break
            if isinstance(change, Resize) or change.offset + len(change.data) > self.sizes[place]:
                place += 1
                size = self.sizes[place]
        blocks = []
        for number, versions in self.blocks.items():
            version = sum(each.step <= at for each in versions)
            if version:
                torn = versions[version - 1].step == at and draw.random() < 0.5
                blocks.append((number, version, draw.randrange(1, BLOCK // SECTOR) if torn else 0))
        return Content(size, tuple(blocks))

    def any(self, likely: float, draw: random.Random) -> Content:
        """Each block for itself."""
        blocks = [
            (number, draw.randint(1, len(versions)), draw.randrange(1, 8) if draw.random() < 0.05 else 0)
            for number, versions in self.blocks.items()
            if draw.random() < likely
        ]
        return Content(draw.choice(self.sizes), tuple(blocks))

    def read(self, content: Content | None) -> bytes:
        """Its bytes; as durable where there is no doubt."""
        if content is None:
            return bytes(self.durable)
        data = self.durable[: content.size].ljust(content.size, b"\0")
        for number, version, sectors in content.blocks:
            versions = self.blocks[number]
            whole = versions[version - 1].data
            if sectors:
                before = versions[version - 2].data if version > 1 else self.block(number)
                whole = whole[: sectors * SECTOR] + before[sectors * SECTOR :]
            begin = number * BLOCK
            if begin < content.size:
                data[begin : begin + BLOCK] = whole[: content.size - begin]
        return bytes(data)

    def key(self, content: Content | None) -> int:
        """Equal for equal bytes, as far as one can tell without looking at them."""
        if content is None:
            return hash((len(self.durable), frozenset(self.stamps.items())))
        stamps: dict[int, int | tuple[int, int]] = dict(self.stamps)
        for number, version, sectors in content.blocks:
            step = self.blocks[number][version - 1].step
            stamps[number] = (step, sectors) if sectors else step
        return hash((content.size, frozenset(stamps.items())))

    def sync(self, upto: int) -> None:
        """What had been answered before the step `upto` is durable."""
        later = [each for each in self.pending if each[0] >= upto]
        for step, change in self.pending:
            if step < upto:
                self._settle(step, change)
        self.pending, self.sizes, self.blocks = [], [], {}
        for step, change in later:
            self.add(step, change)

    def _settle(self, step: int, change: Write | Resize) -> None:
        if isinstance(change, Resize):
            del self.durable[change.size :]
            self.durable.extend(bytes(change.size - len(self.durable)))
            touched = range(change.size // BLOCK, max(self.stamps, default=0) + 1)
        else:
            end = change.offset + len(change.data)
            self.durable.extend(bytes(max(0, end - len(self.durable))))
            self.durable[change.offset : end] = change.data
            touched = range(change.offset // BLOCK, -(-end // BLOCK))
        for number in touched:
            self.stamps[number] = step


@dataclass(frozen=True, slots=True)
class Content:
    """What became of a file in doubt: its length, and those of its blocks that are not as durable: which block,
    which version of it (from 1), and how many of its sectors (0: all)."""

    size: int
    blocks: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Image:
    """One state that the disks may be in: which of the pending names came (by their places among them), and what
    became of the files in doubt."""

    names: tuple[int, ...]
    files: tuple[tuple[int, Content], ...]


class Disk:
    """See the module."""

    def __init__(self, roots: Sequence[Path]) -> None:
        """`roots`: one for each file system; one may lie within another."""
        self._roots = sorted(roots, key=lambda root: -len(root.parts))
        self._files: dict[int, _File] = {}
        self._folders: set[int] = set()
        self._names: dict[Path, int] = {}
        self._pending: list[tuple[int, Name]] = []
        self._step = 0

    def apply(self, step: Step) -> None:
        """The next step of the trace."""
        number, self._step = self._step, self._step + 1
        match step:
            case Make(path, inode, folder):
                if folder:
                    self._folders.add(inode)
                else:
                    self._files[inode] = _File()
                self._pending.append((number, Name(((path, inode),))))
            case Name():
                self._pending.append((number, step))
            case Write(inode) | Resize(inode):
                self._files[inode].add(number, step)
            case Sync(None, path, True, upto):
                root = self._root(path)
                for inode in self._on(root):
                    self._files[inode].sync(upto)
                self._settle(upto, lambda changed: self._root(changed) == root)
            case Sync(None, path, False, upto):
                self._settle(upto, lambda changed: changed.parent == path)
            case Sync(int(inode), _, _, upto):
                self._files[inode].sync(upto)
            case Told():
                pass

    def _root(self, path: Path) -> Path:
        return next(root for root in self._roots if path == root or root in path.parents)

    def _on(self, root: Path) -> set[int]:
        """The files of a file system."""
        named = list(self._names.items())
        named += [(path, inode) for _, name in self._pending for path, inode in name.changes if inode]
        return {inode for path, inode in named if inode in self._files and self._root(path) == root}

    def _settle(self, upto: int, covers: Callable[[Path], bool]) -> None:
        """Make names durable: those that a sync covers, of before the step `upto`."""
        kept = []
        for number, name in self._pending:
            if number < upto and any(covers(path) for path, _ in name.changes):
                self._put(self._names, name)
            else:
                kept.append((number, name))
        self._pending = kept

    @staticmethod
    def _put(names: dict[Path, int], change: Name) -> None:
        for path, inode in change.changes:
            if inode is None:
                # A folder is removed only when it is empty: one of its name that comes later is another.
                for gone in [each for each in names if each == path or path in each.parents]:
                    del names[gone]
            else:
                names[path] = inode

    # --- which states there may be ---

    def _doubts(self) -> dict[int, _File]:
        return {inode: file for inode, file in self._files.items() if file.pending}

    def count(self) -> int:
        """How many images there are, tears not counted."""
        files = self._doubts().values()
        kinds = prod(
            len(set(file.sizes)) * prod(len(each) + 1 for each in file.blocks.values()) for file in files
        )
        return int(2 ** len(self._pending)) * kinds

    def every(self) -> Iterator[Image]:
        """All images, tears left out."""
        files = []
        for inode, file in self._doubts().items():
            blocks = [[(number, v, 0) for v in range(len(each) + 1)] for number, each in file.blocks.items()]
            contents = [
                (inode, Content(size, tuple(block for block in chosen if block[1])))
                for size in sorted(set(file.sizes))
                for chosen in product(*blocks)
            ]
            files.append(contents)
        for chosen_names in product((False, True), repeat=len(self._pending)):
            names = tuple(place for place, came in enumerate(chosen_names) if came)
            for chosen_files in product(*files):
                yield Image(names, chosen_files)

    def some(self, draw: random.Random) -> Image:
        """One image at random: in order up to some step, or each file so, or each block for itself."""
        files, steps = self._doubts(), self._steps()
        manner = draw.randrange(4)
        at = draw.choice(steps) if steps else 0
        likely = draw.choice((0.1, 0.5, 0.9))
        contents = []
        for inode, file in files.items():
            if manner == 1:
                at = draw.choice(steps)
            if manner < 2:
                contents.append((inode, file.upto(at, draw)))
            else:
                contents.append((inode, file.any(likely, draw)))
        if manner in (0, 2):
            names = tuple(place for place, (number, _) in enumerate(self._pending) if number <= at)
        else:
            names = tuple(place for place in range(len(self._pending)) if draw.random() < likely)
        return Image(names, tuple(contents))

    def _steps(self) -> list[int]:
        found = {number for number, _ in self._pending}
        return sorted(
            found.union(*({number for number, _ in file.pending} for file in self._doubts().values()))
        )

    # --- what a state is ---

    def names(self, image: Image) -> dict[Path, int]:
        """What can be reached by name."""
        names = dict(self._names)
        for place in image.names:
            self._put(names, self._pending[place][1])
        return {path: inode for path, inode in names.items() if self._reached(path, names)}

    def _reached(self, path: Path, names: dict[Path, int]) -> bool:
        return path in self._roots or (
            names.get(path.parent) in self._folders and self._reached(path.parent, names)
        )

    def key(self, image: Image) -> int:
        """Equal for images that are the same on the disks, whenever they may come to be."""
        contents = dict(image.files)
        return hash(
            frozenset(
                (path, inode, self._files[inode].key(contents.get(inode)) if inode in self._files else 0)
                for path, inode in self.names(image).items()
            )
        )

    def lay(self, image: Image, folder: Path, root: Path) -> None:
        """Lay an image down: what was below `root` comes to be below `folder`."""
        contents = dict(image.files)
        for path, inode in sorted(self.names(image).items()):
            place = folder / path.relative_to(root)
            if inode in self._folders:
                place.mkdir(exist_ok=True, parents=True)
            else:
                place.write_bytes(self._files[inode].read(contents.get(inode)))
