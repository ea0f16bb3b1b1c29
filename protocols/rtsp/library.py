"""What an RTSP server serves, without saying from where: the recorder's library and the virtual cameras' are two."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from device.media import Sample, Track, Utc


@dataclass(frozen=True, slots=True)
class Break:
    """In stored media: what follows does not continue what came before."""

    utc: Utc  #: wall time where what follows is played from: backwards, that is the end of it
    tracks: tuple[
        Track, ...
    ]  #: the tracks from here on; same kinds in the same order where the source kept them


@dataclass(frozen=True, slots=True)
class Edge:
    """In stored media, behind a sample: nothing is recorded that continues it, here or anywhere. Where a Break follows,
    that says as much."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What is read of a recording, and in which order."""

    start: Utc
    end: (
        Utc | None
    )  #: not passed: forward it is not reached, backwards it is; None: as far as there is anything
    reverse: bool  #: groups of pictures, the last first, each in decoding order (ONVIF Streaming s6.6.1)
    keys: bool  #: of the video only the key frames, and nothing else
    every: int  #: microseconds of recorded time between key frames, at least
    follow: bool  #: forward and without an end: wait for what may be recorded later, however long


Listener = Callable[[Sequence[Sample | Break]], None]  #: takes what came in one go, the oldest first


class Feed(Protocol):
    """A running stream. Serves any number of listeners; costs nothing while there is none."""

    tracks: tuple[Track, ...]

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every sample from the next key frame on, in the loop's thread. Returns the
        unsubscribe."""

    def patient(self, listener: Listener, seconds: float) -> None:
        """`listener` is content with samples that are up to so many seconds old, if several come in one go: that
        costs less. At first nobody is: 0."""


class Store(Protocol):
    """A recording: media with a past, read at the speed of the one who asks."""

    tracks: tuple[Track, ...]  #: at `first`

    async def span(self) -> tuple[Utc, Utc]:
        """First and last instant that can be played now. Grows while it is being recorded."""

    def read(self, passage: Passage) -> AsyncIterator[Sample | Break | Edge]:
        """Samples from the key frame at or before the start on; where that lies in a gap, from the next key frame in
        the direction of reading. A Break stands before the first sample and after every gap, an Edge behind the
        last sample where it is no matter of the passage's end that nothing follows. Forward without an end
        it goes on with what is recorded meanwhile, while anything is."""


@dataclass(frozen=True, slots=True)
class Live:
    """The path leads to a running stream."""

    feed: Feed
    name: str = ""  #: for the session name in SDP


@dataclass(frozen=True, slots=True)
class Stored:
    """The path leads to a recording."""

    store: Store
    start: Utc | None = None  #: where PLAY without Range begins, if not at the first sample
    end: Utc | None = None  #: where it ends, if not at the last
    name: str = ""


class Library(Protocol):
    """Finds what a URL asks for, and decides who may have it."""

    async def open(self, path: str, query: Mapping[str, str], account: str) -> Live | Stored:
        """`path` is decoded and begins with a slash; `account` is the authenticated name, empty where none is asked.

        Raises NotFound, NotAuthorized, or BadValue naming the query parameter.
        """
