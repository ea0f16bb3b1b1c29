"""A real file server: smbd on loopback, with a share for each test."""

from __future__ import annotations

import getpass
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from protocols.smb.share import Place

PASSWORD = 'P@ss "w0rd]\\'
START_SECONDS = 30.0


class Samba:
    """Runs until the block ends. The share `video` is `self.folder`; `small` is `self.small`."""

    def __init__(self, home: Path, *options: str) -> None:
        """`options`: lines of `[global]`."""
        self._home = home
        self._options = options
        self.folder = home / "video"
        self.small: Path | None = None
        self.port = 0
        self.user = getpass.getuser()
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("video", "private", "state", "cache", "lock", "pid", "rpc"):
            (home / name).mkdir(mode=0o700, exist_ok=True)

    def place(self, share: str = "video", *, encrypt: bool = False, password: str = PASSWORD) -> Place:
        """The share as a client reaches it."""
        return Place("127.0.0.1", self.port, share, self.user, password, encrypt)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin, on the port of the last time where there was one."""
        for _ in range(5):  # a port that was free may be taken before smbd has it
            self.port = self.port or _free()
            if self._started():
                return
            self.port = 0
        raise AssertionError((self._home / "smbd.log").read_text(errors="replace")[-3000:])

    def _started(self) -> bool:
        configuration = self._home / "smb.conf"
        configuration.write_text(self._configuration())
        given = f"{PASSWORD}\n{PASSWORD}\n".encode()
        subprocess.run(
            ["smbpasswd", "-c", str(configuration), "-L", "-s", "-a", self.user],
            input=given,
            capture_output=True,
            check=True,
        )
        argv = ["smbd", "-F", "--no-process-group", "-s", str(configuration)]
        with (self._home / "smbd.log").open("ab") as log:
            self._process = subprocess.Popen(
                argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, process_group=0
            )
        began = time.monotonic()
        while time.monotonic() - began < START_SECONDS:
            if self._process.poll() is not None:
                self._process = None
                return False
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except OSError:
                time.sleep(0.02)
            else:
                return True
        self.stop()
        return False

    def stop(self) -> None:
        """End it with everything that it began, at once."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(START_SECONDS)
            self._process = None

    def _configuration(self) -> str:
        home = self._home
        options = "\n  ".join(self._options)
        small = "" if self.small is None else f"[small]\n  path = {self.small}\n  read only = no\n"
        return f"""[global]
  smb ports = {self.port}
  interfaces = lo
  bind interfaces only = yes
  disable netbios = yes
  server role = standalone server
  passdb backend = tdbsam
  map to guest = never
  load printers = no
  printing = bsd
  disable spoolss = yes
  private dir = {home}/private
  state directory = {home}/state
  cache directory = {home}/cache
  lock directory = {home}/lock
  pid directory = {home}/pid
  ncalrpc dir = {home}/rpc
  log file = {home}/smbd.log
  server min protocol = SMB2_10
  {options}
[video]
  path = {self.folder}
  read only = no
{small}"""


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])
