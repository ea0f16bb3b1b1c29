"""A thread that does, in order, what it is sent: the writer and the keeper of a volume, and the catalogue's."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Halt:
    """The last that is sent."""


class Worker(ABC, Generic[T]):
    """What is public here returns at once, but for `stop`."""

    def __init__(self, name: str) -> None:
        self._queue: SimpleQueue[T | Halt] = SimpleQueue()
        # A daemon: where a volume hangs, the thread ends with the process.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """End after what is queued. Blocks; False where the disk hangs for longer than `timeout` seconds."""
        self._queue.put(Halt())
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @abstractmethod
    def _run(self) -> None:
        """The thread: take from the queue until `Halt`."""
