"""The data folder: where each thing of the recorder lies that is not video, and who has it."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from device.errors import BadValue, Refused


class RecorderRuns(Refused):
    """The data folder is in use by a running recorder."""

    transient = True
    hint = "Ask the running recorder, or stop it first."


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Names of what lies in it."""

    path: Path

    def make(self) -> None:
        """Make the folder and its parts, for our user alone. Raises BadValue where it is somebody else's, OSError."""
        self.path.mkdir(parents=True, exist_ok=True)
        names = {each.name for each in self.path.iterdir()}
        if names - {self.sockets.name, "lock", "lost+found"} and not names & {
            self.identity.name,
            self.settings.name,
            self.key.name,
        }:
            raise BadValue("data", f"{self.path} is neither empty nor a recorder's folder")
        self.path.chmod(0o700)
        self.sockets.mkdir(mode=0o700, exist_ok=True)

    @property
    def sockets(self) -> Path:
        """Folder of the planes' sockets."""
        return self.path / "run"

    def socket(self, plane: str) -> Path:
        """Where a plane answers."""
        return self.sockets / f"{plane}.sock"

    @property
    def connections(self) -> Path:
        """Where the streaming plane takes connections that another plane accepted for it."""
        return self.sockets / "connections.sock"

    @property
    def key(self) -> Path:
        """The master key of all secrets."""
        return self.path / "master.key"

    @property
    def identity(self) -> Path:
        """Who this recorder is, for ever."""
        return self.path / "identity.json"

    @property
    def signature(self) -> Path:
        """The key that exports are signed with, sealed."""
        return self.path / "signature.key"

    @property
    def settings(self) -> Path:
        """Database of the settings."""
        return self.path / "settings.db"

    @property
    def accounts(self) -> Path:
        """Database of the accounts."""
        return self.path / "accounts.db"

    @property
    def archive(self) -> Path:
        """Database of what lies in the archive."""
        return self.path / "archive.db"

    @property
    def audit(self) -> Path:
        """Database of the audit trail."""
        return self.path / "audit.db"

    @property
    def sessions(self) -> Path:
        """Database of who is logged in, and of the tokens of programs."""
        return self.path / "sessions.db"

    @property
    def exports(self) -> Path:
        """Folder of the exports that were made for somebody to fetch."""
        return self.path / "exports"

    @property
    def jobs(self) -> Path:
        """Database of the jobs."""
        return self.path / "jobs.db"

    @property
    def outbox(self) -> Path:
        """Database of what leaves the recorder and has not arrived."""
        return self.path / "outbox.db"

    @property
    def spool(self) -> Path:
        """Folder of the pictures and clips that wait in the outbox."""
        return self.path / "spool"

    @property
    def snmp(self) -> Path:
        """How often the SNMP engine was started, the numbers of things, and what managers have set."""
        return self.path / "snmp.json"

    @property
    def mqtt(self) -> Path:
        """What the broker was told to keep."""
        return self.path / "mqtt.json"

    @property
    def resetting(self) -> Path:
        """There while a factory default is under way."""
        return self.path / "factory-default"

    @property
    def network_trial(self) -> Path:
        """There while a change of the network is tried: what the settings are again unless it is confirmed."""
        return self.path / "network-trial.json"

    @property
    def drives(self) -> Path:
        """Simulated drives, and what the array of them holds."""
        return self.path / "drives"

    @property
    def recordings(self) -> Path:
        """Database of recordings, jobs and receivers that were made from outside."""
        return self.path / "recordings.db"

    @property
    def catalogue(self) -> Path:
        """Database of what is recorded; the recording plane alone writes it."""
        return self.path / "catalogue.db"

    @property
    def certificates(self) -> Path:
        """Folder of the recorder's certificates and their keys."""
        return self.path / "certificates"

    @property
    def video(self) -> Path:
        """The storage that a new installation begins with."""
        return self.path / "video"

    def journal(self, plane: str) -> Path:
        """Database of a plane's events."""
        return self.path / f"events-{plane}.db"

    def lock(self) -> Lock:
        """Take the folder for this process. Raises RecorderRuns where another one has it."""
        return Lock(self.path / "lock")


class Lock:
    """An flock(2) on a file, held until closed, and by every process that inherits `fd`."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self.fd)
            raise RecorderRuns(f"{path.parent} is in use by a running recorder.") from None

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.fd)
