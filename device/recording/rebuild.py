"""When the catalogue is lost: another one, from what the segments say of themselves.

What only the catalogue knew is gone: locks, the causes of gaps, what event mode had not been asked for. Every gap is
entered as RECORDER_DOWN; every file that is whole enough to be read is shown.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from device.cameras.source import Cause
from device.errors import HoldfastError, Refused
from device.media import MICROSECONDS, Track, Utc
from device.recording import index
from device.recording.afar import Archived, FarSegment
from device.recording.commits import gap_op
from device.recording.database import Ownership, describe, open_writer
from device.recording.epochs import FIRST, Epochs
from device.recording.filling import Brought, NotFilled, adopt, reserve
from device.recording.index import FragmentRow
from device.recording.ledger import JITTER, Gap
from device.recording.scan import Bytes, Found, head_in, head_of, scan, scan_in
from device.recording.segment import BadSegment, Identity
from device.recording.segments import Flag, Ids, file_of, hour_of
from device.recording.shelf import VolumeSettings
from device.recording.volume import NotAVolume, read_mark, sync_folder


class CatalogueExists(Refused):
    """There is a catalogue; it knows more than the files do."""

    hint = "Use `holdfast check`. Move the catalogue away if you are sure that it is lost."


@dataclass(slots=True)
class Rebuilt:
    """What was found."""

    segments: int = 0
    octets: int = 0
    recordings: int = 0
    skipped: list[str] = field(default_factory=list)  #: files that could not be read, and why; they were left


@dataclass(frozen=True, slots=True)
class _File:
    volume: int
    hour: int
    identity: Identity
    tracks: tuple[Track, ...]
    found: tuple[Found, ...]
    good_end: int
    day: str = ""  #: of its folder in an archive, where it lies in one


def rebuild(
    catalogue: Path, volumes: Sequence[VolumeSettings], recorder: str, archives: Sequence[Archived] = ()
) -> Rebuilt:
    """Make the catalogue of `recorder` anew from its volumes, and from archives. Reads every head, no media.

    Raises CatalogueExists, NewerCatalogue, CatalogueBroken, CatalogueInUse; NotAVolume where one of them is not there;
    what archives raise.
    """
    for each in volumes:
        read_mark(each.path)
    catalogue.parent.mkdir(parents=True, exist_ok=True)
    ownership = Ownership(catalogue)
    try:
        connection = open_writer(catalogue)
        try:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("SELECT 1 FROM recorder").fetchone() is not None:
                raise CatalogueExists(f"{catalogue} exists.")
            done = restore(connection, volumes, recorder, archives)
            connection.execute("COMMIT")
            return done
        finally:
            connection.close()
    finally:
        ownership.release()


def holding(volumes: Sequence[VolumeSettings], recorder: str) -> list[VolumeSettings]:
    """Those of `volumes` that are there and hold video of `recorder`."""
    found = []
    for each in volumes:
        try:
            ours = read_mark(each.path).recorder == recorder
        except NotAVolume:
            continue
        if ours and next((each.path / "video").glob("*/*/*.mp4"), None) is not None:
            found.append(each)
    return found


def restore(
    connection: sqlite3.Connection,
    volumes: Sequence[VolumeSettings],
    recorder: str,
    archives: Sequence[Archived] = (),
) -> Rebuilt:
    """Fill an empty catalogue, in the caller's transaction."""
    return _Rebuild(connection, recorder).run(dict(enumerate(volumes, 1)), archives)


def set_aside(catalogue: Path) -> list[Path]:
    """Rename a catalogue that cannot be read, with what SQLite keeps beside it, so that another can be made; what they
    are called now. Raises OSError."""
    moved = []
    for tail in ("", "-wal", "-shm", "-journal"):
        path = catalogue.with_name(catalogue.name + tail)
        if path.exists():
            number = 1
            while (aside := path.with_name(f"{path.name}.broken-{number}")).exists():
                number += 1
            moved.append(path.rename(aside))
    sync_folder(catalogue.parent)
    return moved


class _Rebuild:
    def __init__(self, connection: sqlite3.Connection, recorder: str) -> None:
        self._c = connection
        self._recorder = recorder
        self._done = Rebuilt()
        self._epochs = Epochs()
        self._recordings: dict[str, int] = {}
        self._tracks: dict[str, int] = {}
        self._ends: dict[int, tuple[int, Utc]] = {}  #: recording: epoch and end of its ledger
        self._runs: set[int] = set()
        self._seen: set[int] = set()  #: segments

    def run(self, volumes: Mapping[int, VolumeSettings], archives: Sequence[Archived]) -> Rebuilt:
        files = []
        for number, settings in volumes.items():
            row = number, settings.uuid, str(settings.path)
            self._c.execute("INSERT INTO volume(id, uuid, path) VALUES (?, ?, ?)", row)
            files += list(self._files(number, settings.path))
        # What lies here as well is brought there anew, and compared: so what is here goes first.
        for number, archive in enumerate(archives, len(volumes) + 1):
            row = number, archive.target, f"archive:{archive.place}"
            self._c.execute("INSERT INTO volume(id, uuid, path, archive) VALUES (?, ?, ?, 1)", row)
            files += list(self._archived(number, archive))
        files.sort(key=lambda file: file.identity.segment)
        start = files[0].found[0].utc if files else 0
        self._c.execute("INSERT INTO epoch(id, t0, back) VALUES (?, ?, 0)", (FIRST, start))
        ids = Ids(max((max(f.identity.segment, f.identity.run) for f in files), default=0))
        for file in files:
            if not file.identity.filled:
                self._enter(file, ids)
        for file in files:
            if file.identity.filled:
                self._fill(file, ids)
        alive = max(
            (end for epoch, end in self._ends.values() if epoch == self._epochs.number), default=start
        )
        self._c.execute("INSERT INTO recorder VALUES (?, ?, NULL, ?)", (self._recorder, alive, ids.last))
        for table in ("recording", "volume"):
            self._c.execute(_SUM[table])
        self._done.recordings = len(self._recordings)
        return self._done

    def _files(self, volume: int, root: Path) -> Iterator[_File]:
        for path in sorted((root / "video").glob("*/*/*.mp4")):
            try:
                with path.open("rb", buffering=0) as file:
                    tracks, identity, start = head_of(file.fileno())
                result = scan(path, start, verify=False)
            except (OSError, BadSegment) as error:
                self._done.skipped.append(f"{path}: {error}")
                continue
            folder = path.parent.name
            fits = (identity.recording, str(identity.segment)) == (path.parent.parent.name, path.stem)
            if identity.recorder != self._recorder or not fits or not folder.isdecimal():
                self._done.skipped.append(f"{path}: is segment {identity.segment} of {identity.recording}")
            elif not result.fragments or identity.segment in self._seen:
                self._done.skipped.append(f"{path}: {result.problem or 'holds nothing'}")
            else:
                self._seen.add(identity.segment)
                yield _File(volume, int(folder), identity, tracks, result.fragments, result.good_end)

    def _archived(self, volume: int, archive: Archived) -> Iterator[_File]:
        for each in archive.segments():
            if each.number in self._seen:
                continue
            try:
                with each.file as file:
                    found = self._in_archive(volume, each, file)
            except HoldfastError as error:
                if error.transient:
                    raise  # half an archive would be taken for all of it
                found = str(error)
            if isinstance(found, str):
                self._done.skipped.append(f"{each.where}: {found}")
            else:
                self._seen.add(each.number)
                yield found

    def _in_archive(self, volume: int, each: FarSegment, file: Bytes) -> _File | str:
        """A segment, or what is wrong with it. Raises BadSegment, HoldfastError."""
        tracks, identity, start = head_in(file)
        result = scan_in(file, start, verify=False)
        if (identity.recorder, identity.recording, identity.segment) != (
            self._recorder,
            each.token,
            each.number,
        ):
            return f"is segment {identity.segment} of {identity.recording}"
        if not result.fragments or result.good_end != file.size:
            return result.problem or "holds nothing"
        hour = hour_of(result.fragments[0].utc)
        return _File(volume, hour, identity, tracks, result.fragments, result.good_end, each.day)

    def _enter(self, file: _File, ids: Ids) -> None:
        recording = self._recording(file)
        first = file.found[0].utc
        end = self._epochs.today(*self._ends.get(recording, (self._epochs.number, first)))
        if first < end - JITTER:
            # The clock had been set back: what was recorded later says an earlier time.
            self._c.execute(*self._epochs.begin(first, end - first))
            end = first
        t0 = end
        # In an archive a segment is found by the day on which it begins.
        elsewhere = bool(file.day) and _day(end) != file.day
        if first - end > JITTER or (first > end and (file.identity.run not in self._runs or elsewhere)):
            t0 = first
            gap = Gap(ids(), recording, self._epochs.number, Utc(end), Utc(first), Cause.RECORDER_DOWN)
            sql, values = gap_op(gap)
            self._c.execute(sql, values)
        upto = max(t0, *(each.utc_end for each in file.found if each.lead))
        self._ends[recording] = self._epochs.number, upto
        self._run(file, recording, t0, upto)
        rows = [FragmentRow(f.offset, f.length, f.utc, f.key, f.damaged) for f in file.found]
        flags = Flag.DAMAGED if any(f.damaged for f in file.found) else Flag(0)
        self._c.execute(
            "INSERT INTO segment(id, recording, run, volume, tracks, epoch, t0, dur, missing, bytes, durable,"
            " hour, flags, state, idx) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, 1, ?)",
            (
                file.identity.segment,
                recording,
                file.identity.run,
                file.volume,
                self._tracks_id(file.tracks),
                self._epochs.number,
                t0,
                upto - t0,
                file.good_end,
                file.good_end,
                file.hour,
                int(flags),
                index.pack(rows, Utc(t0)),
            ),
        )
        self._done.segments += 1
        self._done.octets += file.good_end

    def _fill(self, file: _File, ids: Ids) -> None:
        """What came later than it was taken goes into the gap that the others leave."""
        who, said = file.identity, NotFilled("no other video of its recording is there")
        brought = Brought(who, file.tracks, file.found, file.good_end)
        tracks = self._tracks_id(file.tracks)
        for epoch in range(self._epochs.number, 0, -1) if who.recording in self._recordings else ():
            self._c.execute("SAVEPOINT fill")
            try:
                reserve(self._c, who.recording, who.segment, who.run, epoch, file.volume, file.hour)
                adopt(self._c, brought, tracks, None, "", file.found[-1].utc, ids)
            except NotFilled as error:
                said = error
                self._c.execute("ROLLBACK TO fill")
            else:
                self._done.segments += 1
                self._done.octets += file.good_end
                return
            finally:
                self._c.execute("RELEASE fill")
        self._done.skipped.append(f"{file_of(who.recording, file.hour, who.segment)}: {said}")

    def _recording(self, file: _File) -> int:
        who = file.identity
        if who.recording not in self._recordings:
            number = self._recordings[who.recording] = len(self._recordings) + 1
            row = number, who.recording, who.camera, who.stream, self._epochs.number, file.found[0].utc
            sql = "INSERT INTO recording(id, token, camera, stream, epoch, created) VALUES (?, ?, ?, ?, ?, ?)"
            self._c.execute(sql, row)
        return self._recordings[who.recording]

    def _run(self, file: _File, recording: int, t0: int, t1: int) -> None:
        run = file.identity.run
        if run not in self._runs:
            self._runs.add(run)
            sql = "INSERT INTO run(id, recording, epoch, t0, t1, reason) VALUES (?, ?, ?, ?, ?, ?)"
            self._c.execute(sql, (run, recording, self._epochs.number, t0, t1, Cause.RECORDER_DOWN.value))
        else:
            self._c.execute("UPDATE run SET t1 = ? WHERE id = ?", (t1, run))

    def _tracks_id(self, tracks: tuple[Track, ...]) -> int:
        text = describe(tracks)
        if text not in self._tracks:
            self._tracks[text] = len(self._tracks) + 1
            self._c.execute("INSERT INTO tracks(id, description) VALUES (?, ?)", (self._tracks[text], text))
        return self._tracks[text]


def _day(utc: int) -> str:
    return datetime.fromtimestamp(utc / MICROSECONDS, UTC).strftime("%Y-%m-%d")


_SUM = {
    "recording": (
        "UPDATE recording SET bytes = coalesce("
        "(SELECT sum(durable) FROM segment INDEXED BY segment_cover WHERE segment.recording ="
        " recording.id AND state = 1), 0)"
    ),
    "volume": (
        "UPDATE volume SET bytes = coalesce("
        "(SELECT sum(durable) FROM segment INDEXED BY segment_shelf WHERE segment.volume = volume.id AND"
        " state = 1), 0)"
    ),
}
