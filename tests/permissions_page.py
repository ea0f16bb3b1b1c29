"""The page of who may what on the wires that are not HTTP, made of the tables that the servers themselves go by."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from device.accounts.role import Role
from device.folder import DataFolder
from device.planes.leash import Leash
from device.planes.link import Client
from device.settings.sections import SECTIONS
from device.settings.snmp import Snmp
from integration.config import Listen
from integration.control import Parts
from integration.entities.commands import VERBS
from integration.plane import plane
from protocols.onvif.operations import LEAST, Access, Row
from protocols.rtsp.methods import TABLE as METHODS
from protocols.snmp.access import access

ANYWHERE = Listen(address="127.0.0.1", rtsp=0, rtsps=0, snmp=0, https=0, http=0)
ROLES = (Role.VIEWER, Role.OPERATOR, Role.ADMINISTRATOR)
ANYBODY = frozenset({"OPTIONS"})  #: methods of RTSP that need no account (RFC 2326 s10.1)

HEAD = """
# Permissions

Made from the tables by which the servers themselves go. HTTP has a page of its own: [API](api.md).

V viewer, O operator, A administrator; `-` anybody. On every wire an account that is limited to cameras, or to live or
recorded video, finds the others as if they were not there. Before the first administrator is made nobody is let in.

Accounts that an OpenID provider keeps have no password here: they come in over HTTPS alone.
"""

RTSP = """
## RTSP and RTSPS

Digest authentication with the accounts' passwords (`rtsp.digest`); nothing else is taken, and with `rtsp.anonymous`
none is asked for. `/live/...` needs the right to live video of the camera, `/replay/...` to recorded video; who loses
it, or the account, loses the stream.

| method | V | O | A | limited by |
|---|---|---|---|---|
"""

ONVIF = """
## ONVIF

HTTP digest, or WS-UsernameToken (`onvif.username_token`). Access classes are those of ONVIF Core s5.9.4. Profiles and
sources are there for who may watch the camera live; recordings, jobs, searches and replay for who may watch what was
recorded; messages about a camera for who may see it. Who is limited to cameras makes no recordings and no receivers,
and sees no receivers.
"""

MQTT = """
## MQTT

The recorder is a client: who may publish below `PREFIX/SERIAL/set/` is the broker's to decide, and has no role here.
What the recorder obeys is set for each group, and all of it is off at first.

| thing | entity | obeyed where |
|---|---|---|
"""

SNMP = """
## SNMP

SNMP has no accounts of ours: a community, or the SNMPv3 account, is all that it knows, and there are no limits to
cameras. What can be set says the MIB; it is no camera and no recording. At first only SNMPv3 is answered, and nobody
until its password is set.

| who | by | at least | reads | writes | is told |
|---|---|---|---|---|---|
"""


@asynccontextmanager
async def parts(folder: Path) -> AsyncIterator[Parts]:
    """The control plane, made and not started, without the other planes."""
    data = DataFolder(folder / "data")
    data.make()
    async with plane("control", data.path, Leash(None, None), SECTIONS) as own, AsyncExitStack() as stack:
        recording, streaming = [
            await stack.enter_async_context(Client(data.socket(name), within=0.2))
            for name in ("recording", "streaming")
        ]
        yield Parts(own, ANYWHERE, recording, streaming, stack)


def permissions_page() -> str:
    """All of it."""
    with tempfile.TemporaryDirectory() as folder:
        operations = asyncio.run(_operations(Path(folder)))
    return "\n".join([*HEAD.strip().splitlines(), *_rtsp(), *_onvif(operations), *_mqtt(), *_snmp()]) + "\n"


async def _operations(folder: Path) -> list[Row]:
    async with parts(folder) as made:
        return list(made.onvif.table)


def least(row: Row) -> Role | None:
    """Who may ask an operation; None: anybody."""
    return LEAST[row.operation.access]


def _rtsp() -> Iterable[str]:
    yield from RTSP.rstrip().splitlines()
    for method in METHODS:
        wanted = None if method in ANYBODY else Role.VIEWER
        yield f"| {method} | {_marks(wanted)} | {'' if wanted is None else 'camera, live or recorded'} |"


def _onvif(operations: list[Row]) -> Iterable[str]:
    yield from ONVIF.rstrip().splitlines()
    services = dict.fromkeys(row.service.port for row in operations)
    for port in services:
        rows = [row for row in operations if row.service.port == port]
        yield from ("", f"### {port}: `{rows[0].service.path}`", "")
        yield from ("| operation | access class | V | O | A |", "|---|---|---|---|---|")
        for row in rows:
            yield f"| {row.operation.name} | {row.operation.access.value} | {_marks(least(row))} |"
    unused = [each.value for each in Access if not any(row.operation.access is each for row in operations)]
    if unused:
        yield from ("", f"No operation is of {', '.join(unused)}.")


def _mqtt() -> Iterable[str]:
    yield from MQTT.rstrip().splitlines()
    for (thing, entity), verb in VERBS.items():
        name = f"`{thing}...`" if thing.endswith("-") else f"`{thing}`"
        shown = f"`{entity}...`" if entity.endswith("-") else f"`{entity}`"
        yield f"| {name} | {shown} | `mqtt.allow_{verb.permission.value}` |"


def _snmp() -> Iterable[str]:
    yield from SNMP.rstrip().splitlines()
    by = {
        "reader": "read community, v1 and v2c",
        "writer": "write community, v1 and v2c",
        "initial": "SNMPv3",
    }
    for right in access(Snmp(), None, b"").vacm.rights:
        views = (right.read.name, right.write.name, right.notify.name)
        cells = " | ".join(name or "nothing" for name in views)
        level = right.level.name.lower().replace("_", " ")
        yield f"| `{right.group}` | {by[right.group]} | {level} | {cells} |"
    yield from ("", "`all` is the whole tree, `common` all of it but who else may come in and who is told.")


def _marks(wanted: Role | None) -> str:
    return " | ".join("-" if wanted is None else "yes" if role.may(wanted) else "" for role in ROLES)
