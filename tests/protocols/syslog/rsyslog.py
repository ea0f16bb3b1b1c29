"""A real syslog server: rsyslogd, over UDP, TCP and TLS, which writes down what it understood."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.protocols.syslog.authority import Authority

START_SECONDS = 30.0
_PROPERTIES = {
    "pri": "pri",
    "severity": "syslogseverity-text",
    "facility": "syslogfacility-text",
    "version": "protocol-version",
    "time": "timereported",
    "host": "hostname",
    "app": "app-name",
    "process": "procid",
    "name": "msgid",
    "data": "structured-data",
    "text": "msg",
    "raw": "rawmsg",
    "input": "inputname",
}


class Rsyslog:
    """Runs until the block ends. `udp`, `tcp`, `tls`: ports on loopback."""

    def __init__(self, folder: Path, authority: Authority, *, ask_client: bool = False) -> None:
        self._folder = folder
        self._out = folder / "messages.jsonl"
        self._ports = {name: folder / f"{name}.port" for name in ("tcp", "tls")}
        self._authority = authority
        self._ask = ask_client
        self.udp = _free_udp()
        self.tcp = 0
        self.tls = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin, on the ports of the last time where there was one."""
        configuration = self._folder / "rsyslog.conf"
        configuration.write_text(self._configuration())
        argv = ["rsyslogd", "-n", "-f", str(configuration), "-i", str(self._folder / "rsyslog.pid")]
        with (self._folder / "rsyslog.log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, env={**os.environ, "TZ": "UTC"})
        began = time.monotonic()
        while not self._listens():
            if time.monotonic() - began > START_SECONDS or self._process.poll() is not None:
                raise AssertionError((self._folder / "rsyslog.log").read_text())
            time.sleep(0.02)
        self.tcp, self.tls = (int(file.read_text()) for file in self._ports.values())

    def _listens(self) -> bool:
        """It writes down the ports that it was given, and only those."""
        for file in self._ports.values():
            if not file.exists() or not file.read_text().strip():
                return False
            try:
                socket.create_connection(("127.0.0.1", int(file.read_text()))).close()
            except ConnectionRefusedError:
                return False
        return True

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait for its end."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_SECONDS)
            self._process = None

    def messages(self) -> list[dict[str, Any]]:
        """What came so far."""
        if not self._out.exists():
            return []
        # It may be in the middle of writing a line.
        whole, _, _ = self._out.read_text(errors="replace").rpartition("\n")
        return [json.loads(line) for line in whole.split("\n") if line]

    def forget(self) -> None:
        """Begin anew with what came."""
        if self._out.exists():
            os.truncate(self._out, 0)  # rsyslogd appends

    def until(
        self, holds: Callable[[list[dict[str, Any]]], bool], seconds: float = 60.0
    ) -> list[dict[str, Any]]:
        """What came, as soon as something holds of it."""
        began = time.monotonic()
        while not holds(found := self.messages()):
            if time.monotonic() - began > seconds:
                raise AssertionError(f"rsyslog has only {len(found)}, at the end {found[-5:]}")
            time.sleep(0.05)
        return found

    def _configuration(self) -> str:
        authority = self._authority
        mode = "x509/certvalid" if self._ask else "anon"
        parts = "\n".join(
            f'  property(outname="{name}" name="{each}" format="jsonf"'
            + (' dateformat="rfc3339"' if name == "time" else "")
            + ')\n  constant(value=",")'
            for name, each in _PROPERTIES.items()
        )
        return f"""
global(
  workDirectory="{self._folder}" maxMessageSize="64k" net.enableDNS="off" processInternalMessages="on"
  parser.escapeControlCharactersOnReceive="off" defaultNetstreamDriverCAFile="{authority.certificate}"
  defaultNetstreamDriverCertFile="{authority.server.certificate}" defaultNetstreamDriverKeyFile="{authority.server.key}"
)
module(load="imudp")
module(load="imtcp")
template(name="all" type="list") {{
  constant(value="{{")
{parts}
  constant(value="\\"end\\":1}}\\n")
}}
ruleset(name="keep") {{ action(type="omfile" file="{self._out}" template="all") }}
input(type="imudp" address="127.0.0.1" port="{self.udp}" ruleset="keep" name="udp")
input(type="imtcp" address="127.0.0.1" port="{self.tcp}" listenPortFileName="{self._ports["tcp"]}" ruleset="keep"
  name="tcp")
input(type="imtcp" address="127.0.0.1" port="{self.tls}" listenPortFileName="{self._ports["tls"]}" ruleset="keep"
  name="tls" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="{mode}")
"""


def _free_udp() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
