"""What the recorder needs of a camera's stream, and what it offers in return. Neither side knows the other's
wire.

A `Source` (an RTSP client in `protocols/`, handed in by `integration/`) runs one session with one camera
stream and writes what comes into an `Intake`, which the recording core implements. Video is laid down in
place: the source asks the intake's `Lane` where the next access unit begins, writes it there (payloads go
from the socket's buffer straight into the fragment that will be written to disk), and commits it. Everything
else is small and is handed over as bytes.

Order of calls on an intake:  opened (lane.commit | sample | lost | parameters | renewed | missing)* closed,
and again for each session. None of them may raise on account of the camera's data: a hostile stream is the
source's to refuse before this line. All calls come from one thread, the loop's; none blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from mmap import mmap
from typing import Protocol

from device.media import Track, Utc

#: Seconds. At multiples of this of the loop's clock every source hands over what has come, all of them in one go, and
#: the recorder's beat comes right behind. What a wake of the process costs, and fetching code and data from memory
#: again after others had the processor, is then paid once for many pictures; and no picture waits for a beat longer
#: than it would if it had been handed over at once. Only what somebody watches is not kept waiting.
ROUND = 0.35


class Cause(Enum):
    """Why a span of time has no video. The vocabulary of the gap ledger and of the camera's health."""

    CONNECTING = "connecting"  #: first connection after the camera was added or enabled
    UNREACHABLE = "unreachable"  #: no route, refused, or timed out
    REJECTED = "rejected"  #: 401 or 403: held until the credentials change
    PROTOCOL = "protocol"  #: the camera answered, but not in a way we can use
    LINK_LOST = "link_lost"  #: the session was cut
    SILENT = "silent"  #: the session is open, nothing arrives
    FROZEN = "frozen"  #: packets arrive, key frames do not
    PACKET_LOSS = "packet_loss"  #: packets missing inside a running session
    NO_PICTURE = "no_picture"  #: parameter sets missing or broken: nothing that a decoder could start at
    CLOCK_STEP = "clock_step"  #: the recorder's wall clock was stepped over this span
    STORAGE = "storage"  #: no volume could take it
    OVERLOAD = "overload"  #: the volume could not keep up; dropped by whole groups of pictures
    RECORDER_DOWN = "recorder_down"  #: the recording plane, or the machine, was not running
    UPGRADE = "upgrade"  #: the recording plane was replaced by a newer one
    DISABLED = "disabled"  #: not due: switched off by a person
    NOT_SCHEDULED = "not_scheduled"  #: not due: outside the schedule, or no event in event mode
    DELETED = "deleted"  #: was recorded, then removed by a person
    EXPIRED = "expired"  #: was recorded, then removed by retention

    @property
    def due(self) -> bool:
        """Whether a camera should have been recorded while this was the cause (counts against
        completeness)."""
        return self not in (Cause.DISABLED, Cause.NOT_SCHEDULED, Cause.DELETED, Cause.EXPIRED)


class Lane(Protocol):
    """Memory into which one video track is laid down, access unit after access unit.

    The source may keep `memory`, `fill` and `limit` in local names while it works, and reads them anew after
    every `commit` and `grow`, and each time the loop calls it: at a beat the recorder takes what is committed
    to the disk, and moves the half access unit (`fill` to `written`) into fresh memory. So a position inside
    the unit that outlives a turn of the loop (where the NAL unit's length goes, say) is kept relative to
    `fill`. An access unit that is given up needs no call: the next one is laid down from `fill` again.
    """

    memory: mmap  #: the fragment being filled
    fill: int  #: offset in `memory` at which the access unit being laid down begins
    limit: int  #: first offset that may not be written
    #: set by the source before it returns to the loop: end of what is laid down of the unit so far
    written: int

    def commit(self, end: int, time: int, utc: Utc, key: bool, damaged: bool) -> None:
        """The bytes from `fill` to `end` are one whole access unit at media time `time`.

        Units come in decoding order, each with its presentation time. Moves `fill` and `written`."""

    def grow(self, end: int, room: int) -> bool:
        """Ask, in the middle of an access unit, for `room` bytes after `end`: before `limit` would be passed.

        True: that much is there now. The bytes that stood from the old `fill` to `end` stand from the new
        `fill` on; `memory`, `fill` and `limit` have changed.
        False: the unit is larger than a camera may send (the recorder counts it); give it up."""


class Intake(Protocol):
    """Where one camera stream goes."""

    def opened(self, tracks: Sequence[Track]) -> Lane | None:
        """A session begins, and with it a new run. Returns the lane of the first video track, None without
        one.

        Raises nothing: where no volume takes the stream the intake counts the span as a gap and swallows the
        data.
        """

    def sample(self, track: int, time: int, utc: Utc, data: bytes) -> None:
        """One access unit of a track other than the lane's."""

    def parameters(self, tracks: Sequence[Track]) -> Lane | None:
        """The tracks changed in mid-session (new parameter sets, resolution or codec). Called before the key
        frame that uses them; the next sample starts a new segment. Returns the lane to go on with."""

    def renewed(self) -> Lane | None:
        """The camera's timestamps jumped, or the wall clock was set: what follows, from a key frame on, is
        another run of the same session, and nothing is missing for it. Returns the lane to go on with."""

    def missing(self, cause: Cause, detail: str) -> None:
        """The session goes on, but from the last unit on nothing can be recorded, until the next key frame
        that is committed. The gap is entered under `cause`. Moves `fill` and `written`."""

    def lost(self, track: int, packets: int) -> None:
        """Packets of a track were lost: for the ledger and the counters."""

    def closed(self, cause: Cause, detail: str = "") -> None:
        """The session ended. The gap that begins at the end of the last sample is entered under `cause`."""


@dataclass(frozen=True, slots=True)
class Address:
    """How to reach one stream of a camera."""

    url: str  #: rtsp://, rtsps:// or another scheme that a source understands; without credentials
    user: str = ""
    password: str = ""
    transport: str = "tcp"  #: tcp | udp
    verify_tls: bool = False  #: cameras sign their own certificates; a fingerprint can be pinned instead
    fingerprint: str = ""  #: SHA-256 of the camera's certificate, hex; empty: trust the first


@dataclass(slots=True)
class Reception:
    """Counters of one session, read at any time for status and tests."""

    packets: int = 0
    lost: int = 0  #: packets, by sequence number, after reordering
    reordered: int = 0
    octets: int = 0
    samples: int = 0
    keys: int = 0
    dropped: int = 0  #: access units that could not be put together
    malformed: int = 0
    last_sample: float = 0.0  #: monotonic seconds, 0 before the first
    last_key: float = 0.0


class SessionEnded(Exception):
    """Why a session ended; `run` always leaves with one of these, or by cancellation."""

    def __init__(self, cause: Cause, detail: str = "") -> None:
        super().__init__(detail or cause.value)
        self.cause = cause
        self.detail = detail


class Source(Protocol):
    """One session with one camera stream."""

    reception: Reception

    async def run(self, intake: Intake) -> None:
        """Connect, play, and write into `intake` until the session ends. Calls `opened` once media is
        announced, and `closed` when the session ends by itself; whoever cancels it knows why, and closes the
        intake. Raises SessionEnded with the cause."""

    def attention(self, patience: float) -> None:
        """How old what comes may be when the intake is given it, seconds: 0 while somebody watches, every packet wakes
        us; `ROUND`, as at first, while nobody does; what is between for a crowd. To look more rarely, at what
        has come to all cameras (SO_RCVLOWAT), costs less."""
