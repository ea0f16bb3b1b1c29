"""What the kernel says of its clock."""

from __future__ import annotations

import struct

import pytest

from device.linux.timex import in_step, parse


def timex(offset: int, error: int, status: int) -> bytes:
    """The head of a `struct timex`."""
    return struct.pack("@Illlli", 0, offset, 0, error, 0, status)


@pytest.mark.proves("M-087")
def test_a_clock_that_is_held_in_step_and_one_that_is_not() -> None:
    held = parse(timex(-2_500_000, 4_000, 0x2001))  # STA_NANO, STA_PLL
    assert (held.synchronised, held.offset, held.error) == (True, -0.0025, 0.004)
    free = parse(timex(1_500, 16_000_000, 0x0040))  # STA_UNSYNC
    assert (free.synchronised, free.offset, free.error) == (False, 0.0015, 16.0)


def test_this_machine_answers_or_does_not_tell() -> None:
    told = in_step()
    assert told is None or told.error >= 0
