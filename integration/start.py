"""`python -m integration.start PLANE ...`: the process of one plane, quickly.

What a plane imports stays until it ends. The collector looks through none of it: not while it is made, which
is a tenth of the time that a plane takes to be there again, and never after.
"""

from __future__ import annotations

import gc
import importlib
import sys

from device.linux.capabilities import SYS_TIME, give_up

MAY_SET_THE_CLOCK = "control"  #: the one plane that is given the right, where the service has it


def main(plane: str, *words: str) -> None:
    """Import the plane's module, and run its `main`."""
    gc.disable()
    if plane != MAY_SET_THE_CLOCK:
        give_up(SYS_TIME)
    module = importlib.import_module(f"integration.{plane}")
    gc.freeze()
    gc.enable()
    module.main(*words)


if __name__ == "__main__":
    main(*sys.argv[1:])
