"""A right that was given up is gone, and no other."""

from __future__ import annotations

import os
import subprocess
import sys

SHOW = """
from pathlib import Path
from device.linux.capabilities import SYS_TIME, give_up
def held():
    lines = Path("/proc/thread-self/status").read_text().splitlines()
    return [int(line.split()[1], 16) for line in lines if line.startswith(("CapInh", "CapPrm", "CapEff", "CapAmb"))]
before = held()
give_up(SYS_TIME)
print(held() == [each & ~(1 << SYS_TIME) for each in before])
give_up(SYS_TIME)
"""


def test_the_right_to_set_the_clock_is_given_up_and_no_other() -> None:
    """As root it is there to be given up; else nothing changes."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", SHOW], capture_output=True, text=True, env=os.environ, check=False
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
