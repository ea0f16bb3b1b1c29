"""A thread that writes a database: as much in one commit as is waiting, so that nobody who has it written waits for the
disk, and the disk is synced once for many."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from device.database import transaction

T = TypeVar("T")

RETRY = 1.0  #: seconds until a write that failed is tried again


@dataclass(frozen=True, slots=True)
class _Item(Generic[T]):
    """Something to write. A queue of bare items could not be told from what else is in it."""

    value: T


class GroupCommit(Generic[T]):
    """All methods but `close` return at once. What it is given to call is called in the writer's thread."""

    def __init__(
        self,
        database: sqlite3.Connection,
        name: str,
        write: Callable[[list[T]], None],
        durable: Callable[[list[T]], None],
        kept: Callable[[list[T]], list[T]],
    ) -> None:
        """`database` is this thread's alone from now on, and closed by it. `write`: items, in a transaction of it, and
        when that is on the disk, `durable`. `kept`: what of them is tried again where it failed; it is what bounds
        them."""
        self.fault: Exception | None = None  #: why the last write failed; it is tried again
        self._database = database
        self._write = write
        self._durable = durable
        self._kept = kept
        self._queue: queue.SimpleQueue[_Item[T] | Future[None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Have something written."""
        self._queue.put(_Item(item))

    def flush(self) -> Future[None]:
        """Done when everything so far is on the disk; fails where it could not be written, and will be tried again."""
        done: Future[None] = Future()
        self._queue.put(done)
        return done

    def close(self) -> None:
        """Write what is waiting, end the thread, and only then close the database. Blocks."""
        self._queue.put(None)
        self._thread.join()
        self._database.close()

    # ---------------------------------------------------------------------------------- the writer's thread

    def _run(self) -> None:
        waiting: list[T] = []
        stop = False
        while not stop:
            asking: list[Future[None]] = []
            for item in self._taken(RETRY if waiting else None):
                if isinstance(item, _Item):
                    waiting.append(item.value)
                elif item is None:
                    stop = True
                elif item.set_running_or_notify_cancel():  # from here on nobody can withdraw it
                    asking.append(item)
            try:
                if waiting:
                    with transaction(self._database):
                        self._write(waiting)
            except Exception as error:  # noqa: BLE001 - a full disk must not end the thread: the items wait
                self.fault = error
                waiting = self._kept(waiting)
                for future in asking:
                    future.set_exception(error)
            else:
                self.fault = None
                if waiting:
                    self._durable(waiting)
                waiting = []
                for future in asking:
                    future.set_result(None)

    def _taken(self, timeout: float | None) -> list[_Item[T] | Future[None] | None]:
        """What is in the queue; waits for the first."""
        found = []
        try:
            found.append(self._queue.get(timeout=timeout))
            while True:
                found.append(self._queue.get_nowait())
        except queue.Empty:
            return found
