"""`holdfast check`: are the five invariants of the store true? And what of it can be mended without losing
evidence.

Without `deep` the catalogue and the heads of the files are looked at; with it every byte that is recorded is
read and its checksums computed. Repairing needs the recorder to be stopped; nothing that could be evidence is
ever deleted.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from device.cameras.source import Cause
from device.media import Utc
from device.recording import index, stored
from device.recording.afar import Proofs
from device.recording.database import Ownership, open_reader, open_writer
from device.recording.recovery import cut_back, forget, reclaim
from device.recording.retention import enter_joined
from device.recording.scan import head_of, scan
from device.recording.segment import BadSegment
from device.recording.segments import Ids, State, file_of
from device.recording.shelf import VolumeSettings
from device.recording.stored import Stored
from device.recording.volume import NotAVolume, read_mark, sync_folder


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it should be."""

    invariant: int  #: 1..5, in the order of the house's list
    where: str  #: a file, a volume, or a recording and a time
    what: str
    repairable: bool
    repaired: bool


@dataclass(slots=True)
class Report:
    """What was found."""

    segments: int = 0
    octets: int = 0
    recordings: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Nothing is wrong, or all of it was repaired."""
        return all(problem.repaired for problem in self.problems)


def check(
    catalogue: Path,
    volumes: Sequence[VolumeSettings],
    *,
    deep: bool,
    repair: bool,
    proofs: Proofs | None = None,
) -> Report:
    """Verify the store. `proofs`: what is known of the archive; without, what was moved there is not looked at.

    Raises NewerCatalogue, OlderCatalogue, CatalogueBroken; with `repair`, CatalogueInUse while it is recording."""
    if not repair:
        connection = open_reader(catalogue)
        try:
            connection.execute("BEGIN")
            return _Check(connection, volumes, deep, proofs, repair=False, catalogue=catalogue).run()
        finally:
            connection.close()
    ownership = Ownership(catalogue)
    try:
        connection = open_writer(catalogue)
        try:
            connection.execute("BEGIN IMMEDIATE")
            report = _Check(connection, volumes, deep, proofs, repair=True, catalogue=catalogue).run()
            connection.execute("COMMIT")
            return report
        finally:
            connection.close()
    finally:
        ownership.release()


_SUMS = (
    (
        "recording",
        "SELECT recording, sum(durable) FROM segment WHERE state < 2 GROUP BY recording",
        "SELECT id, token, bytes FROM recording",
        "UPDATE recording SET bytes = ? WHERE id = ?",
    ),
    (
        "volume",
        "SELECT volume, sum(durable) FROM segment WHERE state < 2 GROUP BY volume",
        "SELECT id, path, bytes FROM volume",
        "UPDATE volume SET bytes = ? WHERE id = ?",
    ),
)


class _Check:
    def __init__(
        self,
        connection: sqlite3.Connection,
        volumes: Sequence[VolumeSettings],
        deep: bool,
        proofs: Proofs | None,
        *,
        repair: bool,
        catalogue: Path,
    ) -> None:
        self._c = connection
        self._catalogue = catalogue
        self._deep = deep
        self._repair = repair
        self._settings = {each.uuid: each for each in volumes}
        self._proofs = proofs
        self._roots: dict[int, Path] = {}
        self._archives: dict[int, str] = {}
        self._report = Report()
        (self._recorder, last) = connection.execute("SELECT id, last_id FROM recorder").fetchone()
        (highest,) = connection.execute(
            "SELECT max((SELECT coalesce(max(id), 0) FROM segment), (SELECT coalesce(max(id), 0) FROM gap))"
        ).fetchone()
        self._ids = Ids(max(last, highest))

    def run(self) -> Report:
        self._volumes()
        for row in stored.every(self._c):
            self._report.segments += 1
            self._report.octets += row.durable
            self._segment(row)
        left = self._leftovers()
        self._orphans(left)
        self._sums()
        self._ledgers()
        return self._report

    def _say(
        self, invariant: int, where: str, what: str, *, repairable: bool, repaired: bool = False
    ) -> None:
        self._report.problems.append(Problem(invariant, where, what, repairable, repaired))

    def _volumes(self) -> None:
        """Invariant 5."""
        for number, uuid, path, archive in self._c.execute(
            "SELECT id, uuid, path, archive FROM volume"
        ).fetchall():
            if archive:
                self._archives[number] = uuid
                continue
            settings = self._settings.get(uuid)
            root = settings.path if settings is not None else Path(path)
            try:
                mark = read_mark(root)
            except NotAVolume as error:
                self._say(5, str(root), str(error), repairable=False)
                continue
            if (mark.volume, mark.recorder) != (uuid, self._recorder):
                self._say(5, str(root), f"is volume {mark.volume} of {mark.recorder}", repairable=False)
                continue
            self._roots[number] = root

    def _segment(self, row: Stored) -> None:
        """Invariants 1 and 3, of one segment."""
        root = self._roots.get(row.volume)
        if root is None:
            if row.volume in self._archives and row.state == State.CLOSED:
                self._afar(row, self._archives[row.volume])
            return
        path = root / row.file
        if row.state == State.GARBAGE:
            self._garbage(row, path)
            return
        if row.state == State.OPEN and not self._repair:
            # It grows while we look; what the catalogue says of it is looked at when it is closed.
            return
        if row.state == State.OPEN:
            self._say(1, str(path), "is open; the recorder's next start closes it", repairable=False)
            return
        if not self._whole(row, path):
            return
        inner = stored.missing_inside(self._c, row)
        if inner != row.missing:
            self._say(
                4,
                str(path),
                f"says {row.missing} us are missing inside; its gaps add up to {inner}",
                repairable=True,
                repaired=self._repair,
            )
            if self._repair:
                self._c.execute("UPDATE segment SET missing = ? WHERE id = ?", (inner, row.id))

    def _afar(self, row: Stored, target: str) -> None:
        """Invariant 1, of a segment that was moved to the archive."""
        if self._proofs is None:
            return
        name = row.file.name
        wrong = self._proofs.wrong(target, row.token, Utc(row.t0), name, row.durable, deep=self._deep)
        if wrong is not None:
            self._say(1, f"{row.token} {name} in the archive", wrong, repairable=False)

    def _leftovers(self) -> set[Path]:
        """Invariant 3, of what was moved to the archive: the files that are still here."""
        left = set()
        rows = self._c.execute("SELECT segment, volume, token, hour FROM leftover").fetchall()
        for segment, volume, token, hour in rows:
            root = self._roots.get(volume)
            if root is None:
                continue
            path = root / file_of(token, hour, segment)
            left.add(path)
            # While it records, there is nearly always one: what it says lies in the archive, and nowhere else.
            if self._repair:
                _unlink(path)
                self._c.execute("DELETE FROM leftover WHERE segment = ?", (segment,))
                what = "is in the archive, and was being deleted"
                self._say(3, str(path), what, repairable=True, repaired=True)
        return left

    def _changed(self, row: Stored) -> bool:
        """Whether a segment was moved or deleted since we began to look: a recorder goes on meanwhile."""
        connection = open_reader(self._catalogue)
        try:
            now = connection.execute("SELECT volume, state FROM segment WHERE id = ?", (row.id,)).fetchone()
        finally:
            connection.close()
        return bool(now != (row.volume, int(row.state)))

    def _garbage(self, row: Stored, path: Path) -> None:
        if self._repair:
            _unlink(path)
            self._c.execute("DELETE FROM segment WHERE id = ?", (row.id,))
        self._say(3, str(path), "was being deleted", repairable=True, repaired=self._repair)

    def _whole(self, row: Stored, path: Path) -> bool:
        """Whether the file is what the catalogue says; False where the row is no longer what it was."""
        try:
            size = path.stat().st_size
            with path.open("rb", buffering=0) as file:
                _, identity, start = head_of(file.fileno())
            rows = row.fragments()
        except FileNotFoundError:
            if not self._repair and self._changed(row):
                return False
            self._say(1, str(path), "is gone", repairable=True, repaired=self._repair)
            if self._repair:
                forget(self._c, row, self._ids)
            return False
        except (OSError, BadSegment, index.BadIndex) as error:
            self._say(1, str(path), str(error), repairable=False)
            return True
        said = identity.recorder, identity.recording, identity.segment
        if said != (self._recorder, row.token, row.id):
            what = f"is segment {identity.segment} of {identity.recording}, of recorder {identity.recorder}"
            self._say(1, str(path), what, repairable=False)
            return True
        end = rows[-1].offset + rows[-1].length if rows else 0
        if not rows or rows[0].offset != start or end != row.durable or not rows[0].key:
            what = "the catalogue's index does not fit its head and length"
            self._say(1, str(path), what, repairable=False)
        if size < row.durable:
            what = f"has {size} of {row.durable} bytes"
            self._say(1, str(path), what, repairable=True, repaired=self._repair)
            if self._repair:
                cut_back(self._c, row, size, self._ids)
            return False
        if self._deep:
            found = scan(path, start, verify=True)
            places = [(each.offset, each.length) for each in found.fragments if each.offset < row.durable]
            if places != [(each.offset, each.length) for each in rows]:
                what = found.problem or "holds other fragments than the catalogue says"
                self._say(1, str(path), what, repairable=False)
                return True
        if size > row.durable:
            self._tail(row, path, size)
        return True

    def _tail(self, row: Stored, path: Path, size: int) -> None:
        """Bytes behind the last fragment. Nobody was promised them: they are cut off if nothing whole is among them.

        Unless a drive failed under them, and the ledger says so: then what is whole is taken in, the rest is left.
        """
        whole = 0 if self._gave_way(row) else len(scan(path, row.durable, verify=True).fragments)
        lost = self._c.execute(
            "SELECT 1 FROM gap WHERE recording = ? AND epoch = ? AND t0 = ? AND cause = ? AND inside = 0",
            (row.recording, row.epoch, row.end, Cause.STORAGE.value),
        ).fetchone()
        what = f"has {size - row.durable} bytes behind its last fragment"
        if whole:
            what += f", {whole} whole fragments among them"
            repaired = self._repair and reclaim(self._c, row, path, self._ids) == whole
            self._say(1, str(path), what, repairable=lost is not None, repaired=repaired)
        elif lost is None:
            if self._repair:
                os.truncate(path, row.durable)
            self._say(1, str(path), what, repairable=True, repaired=self._repair)

    def _gave_way(self, row: Stored) -> bool:
        """Whether the pictures behind its end came once more from a camera's card, and are shown from there."""
        said = "SELECT 1 FROM filled WHERE recording = ? AND epoch = ? AND t0 = ?"
        return self._c.execute(said, (row.recording, row.epoch, row.end)).fetchone() is not None

    def _orphans(self, left: Collection[Path]) -> None:
        """Invariant 1, the other way round: files that the catalogue does not know. `left`: those it is to unlink."""
        for number, root in self._roots.items():
            for path in sorted((root / "video").glob("*/*/*.mp4")):
                row = self._c.execute(
                    "SELECT s.volume, r.token, s.hour FROM segment AS s JOIN recording AS r"
                    " ON r.id = s.recording WHERE s.id = ?",
                    (int(path.stem) if path.stem.isdecimal() else -1,),
                ).fetchone()
                if path not in left and row != (number, path.parent.parent.name, _number(path.parent.name)):
                    self._say(1, str(path), "is not in the catalogue", repairable=False)

    def _sums(self) -> None:
        for table, sums, said, correct in _SUMS:
            counted = dict(self._c.execute(sums).fetchall())
            for number, name, octets in self._c.execute(said).fetchall():
                right = counted.get(number, 0)
                if octets != right:
                    if self._repair:
                        self._c.execute(correct, (right, number))
                    what = f"{table}: {octets} bytes are counted; {right} are there"
                    self._say(3, name, what, repairable=True, repaired=self._repair)

    def _ledgers(self) -> None:
        """Invariant 4."""
        for number, token in self._c.execute("SELECT id, token FROM recording ORDER BY token").fetchall():
            self._report.recordings += 1
            for fault in tiling(self._c, number):
                repaired = False
                if self._repair and fault.hole:
                    cause = Cause.RECORDER_DOWN
                    enter_joined(self._c, number, fault.epoch, fault.at, fault.until, cause, self._ids)
                    repaired = True
                self._say(4, f"{token} at {fault.at}", fault.what, repairable=fault.hole, repaired=repaired)


@dataclass(frozen=True, slots=True)
class Untiled:
    """Two neighbours of a ledger that do not touch."""

    epoch: int
    at: Utc
    until: Utc
    hole: bool  #: there is nothing between them; else they overlap
    what: str


def tiling(c: sqlite3.Connection, recording: int) -> list[Untiled]:
    """Where the segments and gaps of a recording do not tile the time since it was created: nowhere, if all
    is well.

    True time runs on from epoch to epoch: one begins as much before the end of the one before as the clock
    was set back.
    """
    faults = []
    (epoch, end) = c.execute("SELECT epoch, created FROM recording WHERE id = ?", (recording,)).fetchone()
    backs = dict(c.execute("SELECT id, back FROM epoch").fetchall())
    links = c.execute(
        "SELECT epoch, t0, t0 + dur FROM segment INDEXED BY segment_cover"
        " WHERE recording = ? AND state = 1 AND dur > 0 UNION ALL"
        " SELECT epoch, t0, t0 + dur FROM segment INDEXED BY segment_loose"
        " WHERE recording = ? AND state = 0 AND state <> 1 AND dur > 0"
        " UNION ALL SELECT epoch, t0, coalesce(t1, t0) FROM gap WHERE recording = ? AND inside = 0"
        " ORDER BY 1, 2, 3",
        (recording, recording, recording),
    )
    for at_epoch, t0, t1 in links:
        while epoch < at_epoch:
            epoch += 1
            end -= backs[epoch]
        if t0 != end:
            word = "is in no entry" if t0 > end else "is in two entries"
            at, until = Utc(min(t0, end)), Utc(max(t0, end))
            faults.append(Untiled(epoch, at, until, t0 > end, f"{until - at} us {word} of the ledger"))
        end = max(t1, end)
    return faults


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        sync_folder(path.parent)


def _number(name: str) -> int:
    return int(name) if name.isdecimal() else -1
