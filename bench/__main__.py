"""`python -m bench NAME [--quick] [--json FILE]`: one benchmark, beside its peers, as a table."""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from bench.programs import BenchError
from bench.report import Options, Report

BENCHES = {
    "poe": "one decision about who gets power, for 48 ports",
    "recording": "CPU and memory of recording 16 and 64 cameras, and what is lost at a power cut",
    "startup": "from the start of the recorder to the first frame on the disk",
    "fanout": "CPU of sending live streams to 50 readers, and what a stalled one does to the others",
    "replay": "from a seek to the first packet, in a store of many segments, and at any point of 90 days",
    "snmp": "CPU of SNMP requests, beside net-snmp's agent",
    "export": "Mbit/s of a span written to a file, signed, beside ffmpeg -c copy",
    "catalogue": "90 days of 64 cameras: queries, timelines, opening; and `holdfast check` of a day",
    "onvif": "GetRecordings, searches and timelines over 90 days of 64 cameras",
    "hostile": "a thousand hostile SOAP bodies a second, while cameras are recorded",
    "mqtt": "from an event to the broker's acknowledgement, and 1000 events a second",
    "smb": "recordings to a share, read back and compared, beside smbclient's put",
    "web": "how long pages take in a browser, and what 20 who watch four streams each cost",
    "powercut": "seconds of video lost at a power cut, on ext4 and xfs",
}


def main(arguments: list[str]) -> int:
    """Run the bench that is asked for. 0: done, 1: it could not be done, 130: interrupted."""
    parser = argparse.ArgumentParser(
        prog="holdfast bench",
        description="Run one benchmark beside its peers.",
        epilog="\n".join(f"  {name:12}{about}" for name, about in BENCHES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=BENCHES, metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument(
        "--quick", action="store_true", help="end within four minutes: fewer and shorter rounds"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("/var/tmp"),  # noqa: S108 - a private folder is made inside
        help="where video is written meanwhile (%(default)s)",
    )
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    bench: Callable[[Options], Report] = importlib.import_module(f"bench.{given.name}").bench
    folder = Path(tempfile.mkdtemp(prefix="holdfast-bench-", dir=given.folder))
    try:
        report = bench(Options(given.quick, folder, _progress))
        if given.json:
            given.json.write_text(json.dumps(report.json(), indent=2) + "\n", encoding="utf-8")
    except BenchError as error:
        print(f"bench {given.name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(table.text() for table in report.tables), end="")
    return 0


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt  # the same way out as Ctrl-C, so that nothing is left behind


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
