"""What a button means by how long it is held. Pure: the clock is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from device.chassis.lights import Flash

LONG_SECONDS = 4.0  #: the power button, until the beep: the recorder shuts down
CONNECT_SECONDS = 3.0  #: the control button, until the light flashes green
CONNECT_AT_MOST = 10.0  #: held longer it is leant on, not pressed
RESET_SECONDS = 15.0  #: the control button from power-on, until the light flashes amber
RESET_AT_MOST = 30.0  #: held longer it is stuck: nothing is reset


class Button(Enum):
    """The buttons of the box."""

    POWER = "power"
    CONTROL = "control"


class Action(Enum):
    """What pressing a button asks for."""

    SILENCE = "silence"  #: the buzzer
    SHUT_DOWN = "shut-down"
    CONNECT = "connect"  #: the one-click cloud connection
    RESET = "reset"  #: factory default


@dataclass(frozen=True, slots=True)
class Edge:
    """A button went down, or came up."""

    button: Button
    down: bool
    at: float  #: monotonic seconds


class Buttons:
    """Both buttons. The control button means *reset* only where it is down when the recorder starts."""

    def __init__(self) -> None:
        self._since: dict[Button, float] = {}  #: when those that are down went down
        self._from_start = False  #: the control button was down when the recorder started
        self._done = False  #: this press of the power button has shut down already

    def started(self, held: frozenset[Button], now: float) -> None:
        """The recorder starts, with these buttons held. `now`: when it was switched on, as well as can be told."""
        self._from_start = Button.CONTROL in held
        if self._from_start:
            self._since[Button.CONTROL] = now

    def edge(self, edge: Edge) -> Action | None:
        """What a press or release asks for."""
        if edge.down:
            self._since.setdefault(edge.button, edge.at)
            return None
        since = self._since.pop(edge.button, None)
        if since is None:
            return None  # it was down before anybody looked
        held = edge.at - since
        if edge.button is Button.POWER:
            done, self._done = self._done, False
            return None if done else (Action.SHUT_DOWN if held >= LONG_SECONDS else Action.SILENCE)
        from_start, self._from_start = self._from_start, False
        return _control(held, from_start)

    def tick(self, now: float) -> Action | None:
        """What is asked for without letting go: the power button held long enough, once."""
        since = self._since.get(Button.POWER)
        if since is None or self._done or now - since < LONG_SECONDS:
            return None
        self._done = True
        return Action.SHUT_DOWN

    def flash(self, now: float) -> Flash:
        """What the status light says now of the button that is held: let go, and it is done."""
        since = self._since.get(Button.CONTROL)
        if since is None:
            return Flash.NONE
        action = _control(now - since, self._from_start)
        return {Action.CONNECT: Flash.CONNECT, Action.RESET: Flash.RESET}.get(action, Flash.NONE)  # type: ignore[arg-type]  # None is no key


def _control(held: float, from_start: bool) -> Action | None:
    if from_start:
        return Action.RESET if RESET_SECONDS <= held <= RESET_AT_MOST else None
    return Action.CONNECT if CONNECT_SECONDS <= held <= CONNECT_AT_MOST else None
