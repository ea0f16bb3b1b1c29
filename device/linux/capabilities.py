"""Rights of a process that root alone has otherwise (capabilities(7))."""

from __future__ import annotations

import ctypes

SYS_TIME = 25  #: to set the machine's clock
_VERSION = 0x20080522  #: _LINUX_CAPABILITY_VERSION_3
_Header = ctypes.c_uint32 * 2  #: version, process; 0: the thread that asks
_Sets = ctypes.c_uint32 * 6  #: effective, permitted, inheritable of 0 to 31, then of 32 and on


def give_up(capability: int) -> None:
    """For this thread, those that it starts, and every program that it becomes. Nothing where it is not held.

    Raises OSError.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = _Header(_VERSION, 0), _Sets()
    if libc.capget(header, sets) < 0:
        raise OSError(ctypes.get_errno(), "capget")
    half, bit = divmod(capability, 32)
    places = range(3 * half, 3 * half + 3)
    if not any(sets[each] >> bit & 1 for each in places):
        return  # and a sandbox may forbid the call
    for each in places:
        sets[each] &= ~(1 << bit) & 0xFFFFFFFF
    if libc.capset(header, sets) < 0:
        raise OSError(ctypes.get_errno(), "capset")
