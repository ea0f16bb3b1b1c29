"""Debian's snmpd as the SNMP suite's second device: `python -m tests.conformance.snmpd`.

Prints one line of JSON with its port, communities, user and password, and serves until it is interrupted.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.debian import missing

PACKAGES = ("snmp", "snmpd", "snmptrapd")
_HIDDEN = (".1.3.6.1.6.3.12.1.2", ".1.3.6.1.6.3.12.1.3", ".1.3.6.1.6.3.13", ".1.3.6.1.6.3.15.1.2",
           ".1.3.6.1.6.3.16", ".1.3.6.1.6.3.18")  # fmt: skip
_START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Served:
    """Where it is."""

    port: int
    community: str
    write: str
    user: str
    password: str


def lacking() -> list[str]:
    """Debian packages that are missing for it."""
    return missing(PACKAGES)


def config(served: Served) -> str:
    """Communities that see less than the user, as ours do."""
    lines = [
        f"agentaddress udp:127.0.0.1:{served.port}",
        f"com2sec reader default {served.community}",
        f"com2sec writer default {served.write}",
        *(f"group {name}s {model} {name}" for name in ("reader", "writer") for model in ("v1", "v2c")),
        f"group admins usm {served.user}",
        "view all included .1",
        "view common included .1",
        *(f"view common excluded {subtree}" for subtree in _HIDDEN),
        'access readers "" any noauth exact common none none',
        'access writers "" any noauth exact common common none',
        'access admins "" usm auth exact all all all',
        f"createUser {served.user} SHA {served.password} AES {served.password}",
        "authtrapenable 1",
        "sysServices 72",
    ]
    return "\n".join(lines) + "\n"


@contextmanager
def running(folder: Path) -> Iterator[Served]:
    """On a free port of the loopback address. Raises TimeoutError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = int(sock.getsockname()[1])
    served = Served(port, "public", "write", "admin", "watch-me-7")
    (folder / "snmpd.conf").write_text(config(served), encoding="utf-8")
    program = shutil.which("snmpd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None, "the caller asked whether it is there"
    log = folder / "snmpd.log"
    arguments = ["-f", "-C", "-c", str(folder / "snmpd.conf"), "-Lf", str(log), "-I", "-smux"]
    environment = {**os.environ, "MIBS": "", "SNMP_PERSISTENT_DIR": str(folder / "kept")}
    process = subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL, env=environment)
    try:
        until = time.monotonic() + _START_SECONDS
        while "NET-SNMP version" not in (log.read_text() if log.exists() else ""):
            if time.monotonic() > until or process.poll() is not None:
                raise TimeoutError("snmpd did not start")
            time.sleep(0.05)
        yield served
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main() -> int:
    """Serve until Ctrl-C."""
    if absent := lacking():
        print(f"These packages are missing: {' '.join(absent)}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        tempfile.TemporaryDirectory() as folder,
        suppress(KeyboardInterrupt),
        running(Path(folder)) as served,
    ):
        print(json.dumps(asdict(served)), flush=True)
        signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
