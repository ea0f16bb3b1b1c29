"""Recordings to a share of a local Samba, beside smbclient's `put` of the same files in the same run.

The archive's own way is measured: identity, write, flush, read back past the server's cache, compare, rename. smbclient
proves nothing, so our writing alone stands in the table, too.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import resource
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.programs import BenchError, running, until
from bench.report import Options, Report
from bench.table import Table, ratio, say, say_ratio, spread
from protocols.smb.share import Place, Share
from protocols.smb.target import Pace, Target

PASSWORD = "bench"  # noqa: S105 - of a server on loopback, for the time of the run
SEGMENT = 64 << 20  #: octets of a file: some minutes of a camera
_IDENTITY = "00000000-0000-4000-8000-000000000001"
_MODES = {"encrypted": True, "signed": False}  #: how what travels is protected; SMB 3.1.1 knows nothing less
_WORKS = ("write, read back, compare", "write", "smbclient put")


@dataclass(frozen=True, slots=True)
class Took:
    """All the files once."""

    seconds: float
    cpu: float  #: seconds, of the client
    bits: float

    @property
    def rate(self) -> float:
        """Gbit/s from the disk to the share."""
        return self.bits / 1e9 / self.seconds

    @property
    def core(self) -> float:
        """Cores in use."""
        return self.cpu / self.seconds

    @property
    def cost(self) -> float:
        """CPU seconds per Gbit."""
        return self.cpu / (self.bits / 1e9)


def bench(options: Options) -> Report:
    """Each way of protecting, each way of sending, in turn."""
    for program in ("smbd", "smbpasswd", "smbclient"):
        if shutil.which(program) is None:
            raise BenchError(f"{program} is not installed (samba, smbclient)")
    count, rounds = (4, 2) if options.quick else (16, 5)
    files = _files(options.folder / "from", count)
    with _samba(options.folder) as port:
        found: dict[tuple[str, str], list[Took]] = {}
        for number in range(rounds):
            for mode, encrypt in _MODES.items():
                options.progress(f"round {number + 1} of {rounds}: {mode}")
                place = Place("127.0.0.1", port, "bench", getpass.getuser(), PASSWORD, encrypt)
                for work, do in zip(_WORKS, (_archive, _write, _put), strict=True):
                    took = found.setdefault((mode, work), [])
                    took.append(do(place, files, options.folder))
                    _clear(options.folder / "share")
    headline = next(iter(_MODES))
    best = {work: statistics.median(t.cost for t in found[headline, work]) for work in _WORKS}
    proven = found[headline, _WORKS[0]]
    return Report(
        holdfast={
            "gbit_s": round(statistics.median(t.rate for t in proven), 2),
            "cores": round(statistics.median(t.core for t in proven), 2),
            "cpu_seconds_per_gbit": round(best[_WORKS[0]], 3),
            "write_only_cpu_seconds_per_gbit": round(best[_WORKS[1]], 3),
        },
        peers={"smbclient": {"cpu_seconds_per_gbit": round(best[_WORKS[2]], 3)}},
        ratios={"smbclient": ratio(best[_WORKS[1]], best[_WORKS[2]])},
        load={"files": count, "octets": SEGMENT, "rounds": rounds},
        tables=[_table(found, count)],
    )


def _files(folder: Path, count: int) -> list[Path]:
    folder.mkdir()
    made = []
    for number in range(count):
        path = folder / f"{number}.mp4"
        path.write_bytes(os.urandom(SEGMENT))
        made.append(path)
    return made


def _clear(share: Path) -> None:
    for path in share.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _timed(files: Sequence[Path], work: Callable[[], float]) -> Took:
    """`work` returns the CPU seconds of children that did it."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    children = work()
    after, ended = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(ended - began, children or cpu, 8.0 * sum(path.stat().st_size for path in files))


def _archive(place: Place, files: Sequence[Path], _folder: Path) -> Took:
    with Share(place) as share:
        target = Target(share, "", _IDENTITY, Pace(None))
        target.claim("bench")

        def work() -> float:
            for path in files:
                target.upload(path, f"c-bench\\{path.name}", lambda: True)
            return 0.0

        return _timed(files, work)


def _write(place: Place, files: Sequence[Path], _folder: Path) -> Took:
    with Share(place) as share:
        chunk = share.chunk()

        def work() -> float:
            for path in files:
                share.write(path.name, 0, _pieces(path, chunk), on_written=lambda _written: None)
            return 0.0

        return _timed(files, work)


def _pieces(path: Path, chunk: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(chunk):
            yield piece


def _put(place: Place, files: Sequence[Path], folder: Path) -> Took:
    secret = folder / "login"
    secret.write_text(f"username = {place.user}\npassword = {place.password}\n")
    protection = "encrypt" if place.encrypt else "sign"
    commands = "; ".join(f"put {path.name}" for path in files)

    def work() -> float:
        process = subprocess.Popen(
            [
                *("smbclient", f"//127.0.0.1/{place.share}", "-p", str(place.port), "-A", str(secret)),
                *("--client-protection", protection, "-m", "SMB3_11", "-c", commands),
            ],
            cwd=files[0].parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdout is not None
        said = process.stdout.read().decode(errors="replace")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise BenchError(f"smbclient: {said[-500:]}")
        return usage.ru_utime + usage.ru_stime

    return _timed(files, work)


@contextlib.contextmanager
def _samba(folder: Path) -> Iterator[int]:
    """A server of our own on loopback, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = int(sock.getsockname()[1])
    home = folder / "samba"
    for name in ("private", "state", "cache", "lock", "pid", "rpc"):
        (home / name).mkdir(parents=True, mode=0o700)
    (folder / "share").mkdir()
    config = home / "smb.conf"
    config.write_text(f"""[global]
  smb ports = {port}
  interfaces = lo
  bind interfaces only = yes
  disable netbios = yes
  server role = standalone server
  load printers = no
  disable spoolss = yes
  private dir = {home}/private
  state directory = {home}/state
  cache directory = {home}/cache
  lock directory = {home}/lock
  pid directory = {home}/pid
  ncalrpc dir = {home}/rpc
  log file = {home}/smbd.log
[bench]
  path = {folder}/share
  read only = no
""")
    subprocess.run(
        ["smbpasswd", "-c", str(config), "-L", "-s", "-a", getpass.getuser()],
        input=f"{PASSWORD}\n{PASSWORD}\n".encode(),
        capture_output=True,
        check=True,
    )

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    with running([["smbd", "-F", "--no-process-group", "-s", str(config)]], home / "said.log"):
        until(listens, 30, "smbd")
        yield port


def _table(found: dict[tuple[str, str], list[Took]], count: int) -> Table:
    rows = []
    for (mode, work), took in found.items():
        theirs = statistics.median(each.cost for each in found[mode, _WORKS[2]])
        ours = statistics.median(each.cost for each in took)
        rows.append(
            (
                f"{work}, {mode}",
                spread([each.rate for each in took], 2),
                spread([each.core for each in took], 2),
                say(ours, 3),
                "" if work == _WORKS[2] else say_ratio(ratio(ours, theirs)),
            )
        )
    return Table(
        "Recordings to a share",
        ("", "Gbit/s", "cores of the client", "CPU s per Gbit", "beside smbclient"),
        rows,
        [
            f"{count} files of {SEGMENT >> 20} MiB to a Samba on this machine, whose processor it shares.",
            "Lowest and highest of the rounds; the cost is the median. Reading back moves every octet twice.",
        ],
    )
