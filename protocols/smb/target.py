"""A folder on a share that belongs to a recorder: it carries our identity, and what lies in it was proven."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from protocols.smb.errors import NotProven, SessionExpired, WrongTarget
from protocols.smb.share import Opened, Room, Share

IDENTITY = "holdfast-target.json"
PART = ".part"  #: behind the name of a file that is not proven yet
_IDENTITY_LIMIT = 4096  # octets
_PROBE = 4096  # octets
_TRIES = 3  # in a row without a step forward, before a session that goes on expiring is a fault


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that lies on the share, whole: it was read back."""

    size: int  #: octets
    sha256: str  #: hexadecimal


@dataclass(frozen=True, slots=True)
class Mark:
    """What an identity file says."""

    target: str
    recorder: str  #: serial number; empty: it does not say


class Pace:
    """Keeps to a bandwidth, by waiting."""

    def __init__(
        self,
        rate: float | None,
        now: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """`rate`: octets a second; None: as fast as it goes."""
        self._rate = rate
        self._now = now
        self._wait = wait
        self._free = now()  #: when what was sent so far is paid for

    def spend(self, octets: int) -> None:
        """Wait until so many octets may be sent."""
        if self._rate is None:
            return
        now = self._now()
        self._free = max(self._free, now) + octets / self._rate
        if self._free - now > 0.01:
            self._wait(self._free - now)


class Target:
    """One recorder's folder."""

    def __init__(self, share: Share, folder: str, identity: str, pace: Pace) -> None:
        """`folder`: with backslashes, empty for the root. `identity`: what the identity file must say."""
        self._share = share
        self._folder = folder
        self._identity = identity
        self._pace = pace

    def path(self, name: str) -> str:
        """A path on the share."""
        return f"{self._folder}\\{name}" if self._folder else name

    def claim(self, recorder: str) -> None:
        """Make the folder ours. It must be there and empty, or ours already. Raises WrongTarget, NoShare."""
        found = self.found()
        if found is not None and found.target == self._identity:
            return
        others = self._share.names(self._folder)
        if others:
            raise WrongTarget(f"{self._folder or 'The share'} is not empty: {', '.join(others[:5])}.")
        about = json.dumps({"target": self._identity, "recorder": recorder}).encode()
        self._share.put(self.path(IDENTITY), about + b"\n")

    def check(self) -> None:
        """Raises WrongTarget where it is not ours: another share, or a disk that is not there."""
        found = self.found()
        if found is None:
            raise WrongTarget(f"There is no {IDENTITY}: this is not the share that was set up.")
        if found.target != self._identity:
            raise WrongTarget(f"{IDENTITY} is of another target, {found.target}.")

    def found(self) -> Mark | None:
        """Whose the folder is; None: nobody has claimed it. Raises what the share raises."""
        kept = self._share.get(self.path(IDENTITY), _IDENTITY_LIMIT)
        if kept is None:
            return None
        try:
            said = json.loads(kept)
            return Mark(str(said["target"]), str(said.get("recorder", "")))
        except (ValueError, KeyError, TypeError, AttributeError):
            return Mark("nobody's", "")

    def probe(self) -> Room:
        """Write a file, read it back and remove it; how much room there is. Raises NotProven, what the share raises."""
        path, said = self.path(f"holdfast-probe-{uuid.uuid4()}"), secrets.token_bytes(_PROBE)
        self._share.put(path, said)
        try:
            if self._share.get(path, _PROBE) != said:
                raise NotProven(f"{path} is not what was written.")
        finally:
            self._share.remove(path)
        return self.room()

    def grow(self, source: Path, name: str, sent: int | None, upto: int) -> int:
        """Bring what there is, up to an octet, of a file that grows; what it is now there, unproven: `upload` finishes
        it, as it does what was broken off. `sent`: what this returned the last time; None: it is not known.

        Raises OSError of the source, and what the share raises."""
        part = self.path(name + PART)
        if sent is None:
            self._share.make_folders(part.rpartition("\\")[0])
            sent = self._share.size(part) or 0
        for last in (False, True):
            if sent >= upto:
                break
            stretch = self._stretch(source, sent, upto)
            try:
                self._share.write(part, sent, stretch, on_written=lambda _written: None, flush=False)
            except SessionExpired:
                if last:
                    raise
                sent = self._share.size(part) or 0
            else:
                sent = upto
        return sent

    def _stretch(self, source: Path, offset: int, end: int) -> Iterator[bytes]:
        step = self._share.chunk()
        with source.open("rb", buffering=0) as file:
            file.seek(offset)
            while offset < end and (piece := file.read(min(step, end - offset))):
                offset += len(piece)
                self._pace.spend(len(piece))
                yield piece

    def upload(self, source: Path, name: str, going_on: Callable[[], bool]) -> Uploaded | None:
        """Bring a file to the share under a name, from where the last attempt came to, and read it back. None: stopped,
        because `going_on` said no.

        Until it is proven it is called `name.part`. Raises WrongTarget, NotProven, OSError of the source, and what the
        share raises.
        """
        self.check()
        path, part = self.path(name), self.path(name + PART)
        self._share.make_folders(path.rpartition("\\")[0])
        size = source.stat().st_size
        if self._share.size(path) == size:  # the answer to the last rename was lost
            digest = _sha256(source)
            if self._share.sha256(path, size) == digest:
                return Uploaded(size, digest)
        sent = _Sending(source, self._share.chunk(), self._pace, going_on)
        if not self._send(sent, part):
            return None
        digest = sent.digest.hexdigest()
        if self._share.size(part) != size or self._share.sha256(part, size) != digest:
            self._share.remove(part)
            raise NotProven(f"{part} is not what was written.")
        self.check()  # what was proven lies where it belongs
        self._share.rename(part, path)
        return Uploaded(size, digest)

    def _send(self, sent: _Sending, part: str) -> bool:
        """Whether all of it was sent."""
        tries = 0
        while True:
            offset = min(self._share.size(part) or 0, sent.size)
            offset -= offset % sent.chunk
            before = sent.written
            try:
                self._share.write(part, offset, sent.pieces(offset), on_written=sent.note)
            except SessionExpired:
                tries = tries + 1 if sent.written == before else 0
                if tries >= _TRIES:
                    raise
            else:
                return sent.whole

    def holds(self, name: str, size: int, sha256: str) -> bool:
        """Whether what lies there, read back now, is what it should be. Raises WrongTarget, what the share raises."""
        self.check()
        path = self.path(name)
        return self._share.size(path) == size and self._share.sha256(path, size) == sha256

    def remove(self, name: str) -> None:
        """Delete it there, and what was begun of it; no error where it is not. Raises WrongTarget, and what the share
        raises."""
        self.check()
        self._share.remove(self.path(name))
        self.drop_part(name)

    def drop_part(self, name: str) -> None:
        """Delete what was begun under a name. Raises what the share raises."""
        self._share.remove(self.path(name + PART))

    def room(self) -> Room:
        """How much there is. Raises what the share raises."""
        return self._share.room()

    def names(self, folder: str) -> list[str]:
        """What is in a folder, sorted. Raises what the share raises."""
        return self._share.names(self.path(folder) if folder else self._folder)

    def opened(self, name: str) -> contextlib.AbstractContextManager[Opened]:
        """What lies there under a name, to be read here and there. Raises what the share raises."""
        return self._share.opened(self.path(name))

    def fetch(self, name: str, offset: int, end: int) -> Iterator[memoryview]:
        """What lies there under a name. Raises what the share raises."""
        return self._share.read(self.path(name), offset, end)


class _Sending:
    """A file on its way, and the digest of all of it, wherever sending began."""

    def __init__(self, source: Path, chunk: int, pace: Pace, going_on: Callable[[], bool]) -> None:
        self.size = source.stat().st_size
        self.chunk = chunk
        self.written = 0
        self.whole = False
        self.digest = hashlib.sha256()
        self._source = source
        self._pace = pace
        self._going_on = going_on

    def note(self, written: int) -> None:
        """So many octets are with the server."""
        self.written = written

    def pieces(self, offset: int) -> Iterator[bytes]:
        """What is to be sent from an offset on."""
        self.whole = False
        self.digest = hashlib.sha256()
        with self._source.open("rb") as file:
            at = 0
            while piece := file.read(self.chunk):
                self.digest.update(piece)
                at += len(piece)
                if at <= offset:
                    continue
                if not self._going_on():
                    return
                self._pace.spend(len(piece))
                yield piece
        self.whole = True


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
