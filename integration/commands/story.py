"""`holdfast simulate drive-failure`: a drive dies, is taken out, and a new one takes its place, told as it happens."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from device.chassis.messages import AskChassis
from device.errors import Fault
from device.events.event import dump
from device.events.journal import peek
from device.folder import DataFolder
from device.raid.messages import AskRaid, Hands, RaidShown
from device.raid.state import Status
from integration.commands.common import console
from integration.commands.reach import call

LOOK = 0.2  #: seconds
PATIENCE = 30.0  #: seconds until something must have followed
READ = 2.0  #: seconds to look at it, until hands go on
TOLD = ("drive.", "raid.", "storage.", "chassis.buzzer")  #: events of the story
STYLES = {"green": "green", "amber": "yellow", "red": "red"}


class Story:
    """Does one thing after the other, and says what follows: lights, array, events, progress."""

    def __init__(self, folder: DataFolder, bay: int) -> None:
        self._folder = folder
        self._bay = bay
        past = peek(folder.journal("control"), 1)[1]
        self._seen = past[-1].seq if past else 0
        self._said = ""
        self._share = -1

    def run(self) -> None:
        """From the failure to the last green light; to the failure of the array where it cannot bear it."""
        self._do("fail", f"The drive in bay {self._bay} dies.")
        self._until(lambda now: _status(now) != Status.ONLINE.value)
        if _status(self._look()) == Status.FAILED.value:
            console.print(
                "The array cannot bear that. `holdfast raid create` makes it anew, of drives that work."
            )
            return
        time.sleep(READ)
        self._do("pull", f"Somebody takes the drive out of bay {self._bay} ...")
        self._until(lambda now: now.bays[self._bay - 1].condition == "empty")
        time.sleep(READ)
        self._do("insert", "... and puts a new one in.")
        self._until(lambda now: _status(now) == Status.SYNCING.value)
        while _status(self._look()) == Status.SYNCING.value:
            time.sleep(LOOK)
        self._until(lambda now: now.bays[self._bay - 1].condition == "online")
        console.print(
            "It is whole again. `holdfast check` looks at every byte that was recorded meanwhile.",
            soft_wrap=True,
        )

    def _do(self, what: str, said: str) -> None:
        console.print(f"[bold]{said}[/bold]")
        call(self._folder, "control", Hands(what, self._bay))

    def _until(self, holds: Callable[[RaidShown], bool]) -> None:
        limit = time.monotonic() + PATIENCE
        while not holds(self._look()):
            if time.monotonic() > limit:
                raise Fault("Nothing follows from it. `holdfast raid` tells how drives and array are.")
            time.sleep(LOOK)
        time.sleep(2 * LOOK)  # the lights follow
        self._look()

    def _look(self) -> RaidShown:
        """Say what is new."""
        now = call(self._folder, "control", AskRaid())
        for entry in peek(self._folder.journal("control"), 50)[1]:
            if entry.seq > self._seen:
                self._seen = entry.seq
                fields = json.loads(dump(entry.event))
                name = fields.pop("event")
                if name.startswith(TOLD):
                    rest = "  ".join(
                        f"{key}={value}" for key, value in fields.items() if value not in ("", None)
                    )
                    console.print(f"  event   {name}  {rest}", highlight=False, soft_wrap=True)
        if (shown := f"{self._lights()}   RAID {_status(now)}") != self._said:
            self._said = shown
            console.print(f"  lights  {shown}", highlight=False)
        if now.array is not None and now.array.activity and now.array.total:
            share = 10 * now.array.done // now.array.total
            if share != self._share:
                self._share = share
                left = "" if now.array.eta is None else f", {now.array.eta:.0f} s left"
                console.print(f"  rebuilt {10 * share} %{left}", highlight=False)
        return now

    def _lights(self) -> str:
        lights = {
            each.number: each.color
            for each in call(self._folder, "control", AskChassis()).lights
            if each.place == "drive"
        }
        words = [f"bay {bay} {_colored(color)}" for bay, color in sorted(lights.items())]
        return ", ".join(words)


def _colored(color: str) -> str:
    return f"[{STYLES[color]}]{color}[/{STYLES[color]}]" if color in STYLES else "off"


def _status(shown: RaidShown) -> str:
    return shown.array.status if shown.array is not None else "none"
