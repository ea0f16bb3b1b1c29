"""Why something cannot be done with drives and arrays."""

from __future__ import annotations

from device.errors import BadValue, Fault, Refused


class DriverFault(Fault):
    """A program that does the work failed, hangs, or is not installed."""

    hint = "`holdfast raid` tells how the drives are."


class WrongPassword(BadValue):
    """The password does not open the encrypted array. Nothing was changed."""

    hint = "There is no way to the recordings without the password."

    def __init__(self) -> None:
        super().__init__("password", "does not open the array")


class Busy(Refused):
    """Something uses the file system, or another tool runs."""

    transient = True
    hint = "`holdfast raid jobs` tells what runs."


class NoArray(Refused):
    """There is no array, or it is not put together."""

    hint = "`holdfast raid create` makes one of the drives that are there."


class NotThere(Refused):
    """What a tool works on is not there: no drive in that bay, no file system, no encryption."""


class Unconfirmed(Refused):
    """It would erase something, and nobody confirmed that."""

    hint = "Confirm it: with `--yes`, or in the tool's dialog."


class Unsuitable(Refused):
    """A drive cannot be used: too small, failing, in use, or of a foreign array."""


class NotWhole(Refused):
    """The array is degraded, rebuilding or failed: first it must be whole, or made anew."""
