"""What the long runs by hand share: their command line, a folder, progress, and a verdict."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.endurance.report import Progress, Report


def parser(module: str, doc: str | None, names: tuple[str, ...]) -> argparse.ArgumentParser:
    """`python -m MODULE NAME`, with what all of them understand."""
    made = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("name", choices=names)
    made.add_argument("--seed", type=int, default=1, help="other moments, another order")
    made.add_argument("--json", type=Path, metavar="FILE", help="write the report there, too")
    made.add_argument(
        "--keep", type=Path, metavar="DIR", help="leave what it worked with in this empty folder"
    )
    return made


def judged(given: argparse.Namespace, run: Callable[[Path, Progress], Report]) -> int:
    """Run it; 0 if it went well."""
    if given.keep is not None:
        given.keep.mkdir(parents=True, exist_ok=True)
        report = _watched(given.name, run, given.keep.absolute())
    else:
        with tempfile.TemporaryDirectory(prefix=f"holdfast-{given.name}-") as folder:
            report = _watched(given.name, run, Path(folder))
    report.show()
    if given.json is not None:
        report.write(given.json)
    return 0 if report.good else 1


def _watched(name: str, run: Callable[[Path, Progress], Report], folder: Path) -> Report:
    say = Progress(name)
    try:
        return run(folder, say)
    finally:
        say.done()
