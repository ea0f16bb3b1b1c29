"""The pure modules of the RTSP room do no I/O, and cannot: they do not import what it takes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import protocols.rtsp

ROOM = Path(protocols.rtsp.__file__).parent
#: Modules with sockets, tasks or files in them: the shells.
SHELLS = {
    "replaying",
    "endpoint",
    "outlet",
    "delivery",
    "session",
    "source",
    "udp",
    "playing",
    "peer",
    "framed",
    "multicast",
}
FORBIDDEN = {
    "asyncio",
    "socket",
    "ssl",
    "select",
    "selectors",
    "time",
    "os",
    "threading",
    "subprocess",
    "pathlib",
}
PURE = sorted(
    path
    for path in ROOM.rglob("*.py")
    if path.parent.name in ("packetise", "depacketise") or path.stem not in SHELLS
)


def imported(path: Path) -> set[str]:
    """The modules that a file imports, whole names."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOM)))
def test_a_pure_module_imports_no_io_and_no_shell(path: Path) -> None:
    names = imported(path)
    assert not {name.partition(".")[0] for name in names} & FORBIDDEN
    assert not names & {f"protocols.rtsp.{shell}" for shell in SHELLS}


def test_the_list_of_shells_names_modules_that_exist() -> None:
    assert not SHELLS - {path.stem for path in ROOM.glob("*.py")}
