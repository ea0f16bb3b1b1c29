"""A plane's line to its supervisor: ready, alive, and what to do when the supervisor is gone.

The line is one end of a SOCK_SEQPACKET pair, inherited. The plane says JSON: {"ready": {...}} once,
{"alive": n} while its loop turns. The supervisor says nothing; when the line ends, it is dead, even by
SIGKILL, and the plane ends itself: in good order by SIGTERM, and after a grace time by SIGKILL, from a
thread that needs no loop. So there are no orphans.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

LINE = "HOLDFAST_LEASH"  #: environment: file descriptor of the line, grace in seconds, restarts, last end
MAX_SAID = 64 << 10  #: octets of one message on the line
BEAT = 1.0  #: seconds between two signs of life


@dataclass(frozen=True, slots=True)
class Restart:
    """Why this process was started, where it was not the first."""

    count: int  #: restarts since the supervisor began
    reason: str  #: how its predecessor ended: "signal 9", "exit 1", "silent"


class Leash:
    """The plane's end. In a process that was started without a supervisor everything here does nothing."""

    def __init__(self, line: socket.socket | None, restart: Restart | None) -> None:
        self._line = line
        self._beats: asyncio.Task[None] | None = None
        self.restart = restart  #: None: the first start

    def ready(self, details: Mapping[str, str]) -> None:
        """The plane does its work from now on. `details`: what the supervisor's owner wants to know
        (addresses).

        Call it in the running loop: its signs of life are the loop's, from here to its end."""
        if self._line is not None:
            self._say({"ready": dict(details)})
            self._beats = asyncio.get_running_loop().create_task(self._beat())

    async def _beat(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(BEAT)
            count += 1
            self._say({"alive": count})

    def _say(self, what: dict[str, object]) -> None:
        assert self._line is not None
        # A supervisor that does not read is stopped, or is being killed: neither may hold up recording.
        with contextlib.suppress(OSError):
            self._line.send(json.dumps(what).encode(), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def attach() -> Leash:
    """Take up the line to the supervisor. The first thing that a plane's main does."""
    faulthandler.enable()  # a plane that hangs is sent SIGABRT, and says where
    said = os.environ.pop(LINE, "")
    if not said:
        return Leash(None, None)
    told = json.loads(said)
    line = socket.socket(fileno=told["fd"])
    line.set_inheritable(False)
    watch = threading.Thread(target=_watch, args=(line, told["grace"]), name="leash", daemon=True)
    watch.start()
    return Leash(line, Restart(told["restarts"], told["reason"]) if told["restarts"] else None)


def _watch(line: socket.socket, grace: float) -> None:
    with contextlib.suppress(OSError):
        while line.recv(64):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os.kill(os.getpid(), signal.SIGKILL)
