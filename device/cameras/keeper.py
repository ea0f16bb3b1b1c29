"""Talks with one camera for as long as it is set up: follows its addresses, hears what it sees.

A keeper owns no socket: it runs one `Control` after another, as `connect` makes them. A camera that cannot be talked
with is tried again, but seldom: cameras have few places for subscribers, and lock accounts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from device.cameras.control import Control, Happening, Kind, Lacks, LoginRefused, Portrait
from device.clock import Clock
from device.errors import HoldfastError
from device.events.cameras import (
    ControlBack,
    ControlLost,
    InputActive,
    InputInactive,
    Motion,
    MotionEnded,
    Tampering,
    TamperingEnded,
)
from device.events.event import Event
from device.media import MICROSECONDS, Utc
from device.waiting import woken

AGAIN = 60.0  #: seconds until a camera is tried again
AGAIN_REFUSED = 3600.0  #: the same where it refused user and password; other ones are tried at once
LOOK = 600.0  #: seconds between two looks for changed addresses
SOON = 5.0  #: seconds after an outage at which one looks at once: the camera may have another address now
STILL = 5.0  #: seconds after which it is told anew that something still goes on

#: What a camera tells -> the events of its beginning and its end.
EVENTS: dict[Kind, tuple[Callable[[str, str], Event], Callable[[str, str], Event]]] = {
    Kind.MOTION: (Motion, MotionEnded),
    Kind.TAMPERING: (Tampering, TamperingEnded),
    Kind.INPUT: (InputActive, InputInactive),
}


class Hands(Protocol):
    """What a keeper does in the recorder."""

    def publish(self, event: Event) -> object:
        """Say something."""

    def follow(self, camera: str, portrait: Portrait) -> None:
        """Record it from where its streams are."""

    async def trigger(self, camera: str, begin: Utc, end: Utc, why: str) -> None:
        """Something goes on: in event mode the time around it is kept."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one talks with a camera."""

    state: str  #: connecting, up or lost
    detail: str = ""
    portrait: Portrait | None = None  #: as it was last told


class Keeper:
    """One camera."""

    def __init__(self, camera: str, connect: Callable[[], Control], hands: Hands, clock: Clock) -> None:
        self._camera = camera
        self._connect = connect
        self._hands = hands
        self._clock = clock
        self._look = asyncio.Event()
        self._on: dict[tuple[Kind, str], Utc] = {}  #: what goes on, since when
        self.standing = Standing("connecting")

    def look(self) -> None:
        """Look for changed addresses soon: the stream is gone."""
        self._look.set()

    async def run(self) -> None:
        """Until cancelled."""
        wait = 0.0
        try:
            while True:
                await asyncio.sleep(wait)
                wait = await self._session()
        finally:
            self._end_all()
            if self.standing.state == "lost":
                self._hands.publish(ControlBack(self._camera))

    async def _session(self) -> float:
        """Talk with it until that ends; how many seconds to wait."""
        control = self._connect()
        try:
            await self._describe(control)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow(control))
                group.create_task(self._hear(control))
                group.create_task(self._remind())
        except* Exception as several:  # noqa: BLE001 - whatever a camera sends must not end the others' talks
            error = _first(several)
        finally:
            self._end_all()
            await control.close()
        detail = str(error) if isinstance(error, HoldfastError) else f"A defect of the recorder: {error!r}"
        self.standing = Standing("lost", detail, self.standing.portrait)
        self._hands.publish(ControlLost(self._camera, detail))
        return AGAIN_REFUSED if isinstance(error, LoginRefused) else AGAIN

    async def _describe(self, control: Control) -> None:
        portrait = await control.describe()
        self.standing = Standing("up", "", portrait)
        self._hands.publish(ControlBack(self._camera))
        self._hands.follow(self._camera, portrait)

    async def _follow(self, control: Control) -> None:
        while True:
            if await woken(self._look, LOOK):
                await asyncio.sleep(SOON)
            self._look.clear()
            await self._describe(control)

    async def _hear(self, control: Control) -> None:
        try:
            async for each in control.happenings():
                await self._heard(each)
        except Lacks:  # it has no events: its addresses are followed all the same
            await asyncio.Event().wait()

    async def _heard(self, told: Happening) -> None:
        begun, ended = EVENTS[told.kind]
        key = told.kind, told.source
        if told.on:
            self._on.setdefault(key, told.utc)
        else:
            self._on.pop(key, None)
        self._hands.publish((begun if told.on else ended)(self._camera, told.source))
        await self._hands.trigger(self._camera, told.utc, self._clock.utc(), told.kind.value)

    async def _remind(self) -> None:
        """What goes on is kept while it does, in event mode too."""
        while True:
            await asyncio.sleep(STILL)
            now = self._clock.utc()
            for kind, _ in list(self._on):
                begin = Utc(now - round(STILL * MICROSECONDS))
                await self._hands.trigger(self._camera, begin, now, kind.value)

    def _end_all(self) -> None:
        """Nobody knows any more how things stand."""
        for kind, source in list(self._on):
            self._hands.publish(EVENTS[kind][1](self._camera, source))
        self._on.clear()


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first of the errors that came together."""
    error: BaseException = several
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
