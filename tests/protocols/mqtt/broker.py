"""A real broker, mosquitto, as the tests need it: plain, with TLS, over WebSocket; killed, wiped, started again."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

MOSQUITTO = "/usr/sbin/mosquitto"
WITHIN = 60.0
_TAKEN = re.compile(r"Received PUBLISH from (\S+) \(d(\d), q\d, r\d, m\d+, '([^']*)'")


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Broker:
    """One mosquitto on a port that stays the same."""

    def __init__(self, folder: Path, *more: str) -> None:
        """`more`: lines of its configuration, about its listener."""
        self.folder = folder
        self.port = free_port()
        self._log = folder / "mosquitto.log"
        config = [
            f"listener {self.port} 127.0.0.1",
            *more,
            f"user {pwd.getpwuid(os.geteuid()).pw_name}",
            "log_type all",
            "log_dest stderr",
        ]
        if not any(line.startswith(("allow_anonymous", "require_certificate")) for line in more):
            config.append("allow_anonymous true")
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join(config) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [MOSQUITTO, "-c", str(self._config)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        until = time.monotonic() + WITHIN
        while True:
            assert self._process.poll() is None, self._log.read_text()
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert time.monotonic() < until
            time.sleep(0.02)

    def kill(self) -> None:
        """With all that it knew: nothing of it is on a disk."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """In good order: what it is to keep is on the disk."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(WITHIN)
        self._process = None

    def taken(self, client: str) -> list[str]:
        """Topics of what the broker has taken from a client, in order; what was sent again is in it twice."""
        found = _TAKEN.findall(self._log.read_text(errors="replace"))
        return [topic for name, _, topic in found if name == client]

    def said(self) -> str:
        """Its log."""
        return self._log.read_text(errors="replace")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()


class Listener:
    """mosquitto_sub: what another client of the broker sees."""

    def __init__(self, broker: Broker, *topics: str, session: str = "") -> None:
        """`session`: its name at a broker that keeps it, with what comes while nobody is there."""
        program = shutil.which("mosquitto_sub")
        assert program is not None
        self._file = broker.folder / f"sub-{time.monotonic_ns()}"
        chosen = [word for topic in topics or ("#",) for word in ("-t", topic)]
        chosen += ["-c", "-i", session] if session else []
        with self._file.open("wb") as out:
            self._process = subprocess.Popen(
                [program, "-h", "127.0.0.1", "-p", str(broker.port), "-q", "1", "-F", "%r %t %p", *chosen],
                stdout=out,
                stdin=subprocess.DEVNULL,
            )

    def lines(self) -> list[tuple[bool, str, str]]:
        """Whether it was retained, topic, payload; in the order in which they came."""
        found = []
        for line in self._file.read_text(errors="replace").split("\n")[:-1]:
            retained, topic, payload = line.split(" ", 2)
            found.append((retained == "1", topic, payload))
        return found

    def last(self, topic: str) -> str | None:
        """The last payload on a topic."""
        return next((payload for _, name, payload in reversed(self.lines()) if name == topic), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()


def publish(broker: Broker, topic: str, payload: str, *, retain: bool = False) -> None:
    """As another client of the broker."""
    program = shutil.which("mosquitto_pub")
    assert program is not None
    more = ["-r"] if retain else []
    words = ["-h", "127.0.0.1", "-p", str(broker.port), "-q", "1", "-t", topic, "-m", payload]
    subprocess.run([program, *words, *more], check=True, timeout=WITHIN)
