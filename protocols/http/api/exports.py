"""Exports for whoever asks over the web: made as a job, kept until they are removed, fetched with byte ranges."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from aiohttp import web
from pydantic import Field, SecretStr, ValidationError

from device.accounts.rights import Media
from device.accounts.role import Role
from device.accounts.sessions import Scope
from device.durable import write_durably
from device.errors import BadValue, NotFound, Refused
from device.jobs import Progress, State
from device.planes.messages import ExportSpan
from device.recording.export.planner import Form
from protocols.http.api.answers import Answer
from protocols.http.api.recordings import check_sees
from protocols.http.caller import Caller
from protocols.http.house import House
from protocols.http.moments import Instant
from protocols.http.sealed_zip import ZIP, seal
from protocols.http.table import Body, Table

TABLE = Table("Exports")
MOST = 200  #: exports that are kept for somebody to fetch
KIND = "export"
_ID = re.compile(r"e-[0-9a-f]{12}")


class NewExport(Body):
    """A span of recordings as files."""

    recordings: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=64)]], Field(min_length=1, max_length=64)
    ]
    from_: Annotated[Instant, Field(alias="from")]
    to: Instant
    format: Form = Form.MP4
    largest: Annotated[int, Field(ge=1_000_000, le=2**53)] | None = None  #: bytes of one file
    password: Annotated[SecretStr, Field(min_length=1, max_length=128)] | None = (
        None  #: then one ZIP with AES
    )


class Order(Answer):
    """What was asked for, as it is kept beside the files."""

    id: str
    job: str
    by: str
    created: Instant
    format: Form
    from_: Annotated[Instant, Field(alias="from", validation_alias="from_", serialization_alias="from")]
    to: Instant
    recordings: list[str]
    encrypted: bool


class FileShown(Answer):
    """One file of an export."""

    name: str
    size: int


class ExportShown(Order):
    """One export."""

    state: State
    done: int  #: bytes, of `total`
    total: int
    error: str
    files: list[FileShown]


class ExportsShown(Answer):
    """Newest first."""

    exports: list[ExportShown]


@TABLE.get("/api/exports", role=Role.VIEWER, media=Media.RECORDED, scope=Scope.VIDEO)
async def exports(house: House, caller: Caller) -> ExportsShown:
    """The exports that are there: an operator sees all, a viewer his own."""
    orders = [each for each in await asyncio.to_thread(_orders, house.folder.exports) if _may(caller, each)]
    shown = [await asyncio.to_thread(_shown, house, each) for each in orders]
    return ExportsShown(exports=sorted(shown, key=lambda each: each.created, reverse=True))


@TABLE.post("/api/exports", role=Role.VIEWER, media=Media.RECORDED, scope=Scope.VIDEO, status=202)
async def start(house: House, caller: Caller, body: NewExport) -> ExportShown:
    """Begin an export. The files are there when its job is done."""
    check_sees(caller, body.recordings)
    if body.from_ >= body.to:
        raise BadValue("to", "must be later than from")
    known = {row.token for row in await house.catalogue.read(lambda catalogue: catalogue.recordings())}
    for token in body.recordings:
        if token not in known:
            raise BadValue("recordings", f"{token!r} is not there")
    folder = house.folder.exports
    folder.mkdir(mode=0o700, exist_ok=True)
    if len(_orders(folder)) >= MOST:
        raise Refused(f"There are {MOST} exports already. Remove some.")
    id_ = f"e-{secrets.token_hex(6)}"
    span = ExportSpan(
        tuple(body.recordings),
        body.from_,
        body.to,
        body.format.value,
        str(folder / id_),
        body.largest,
        caller.by,
    )
    inner = house.export(span)
    password = body.password.get_secret_value() if body.password else None

    async def work(progress: Progress) -> str:
        try:
            result = await inner(progress)
            if password is not None:
                await _sealed(folder / id_, password, progress)
        except BaseException:
            shutil.rmtree(folder / id_, ignore_errors=True)
            raise
        return result

    job = house.jobs.run(KIND, work, by=caller.by, resource=KIND, arguments=json.dumps({"export": id_}))
    order = Order(
        id=id_,
        job=job.id,
        by=caller.by,
        created=house.clock.utc(),
        format=body.format,
        from_=body.from_,
        to=body.to,
        recordings=body.recordings,
        encrypted=password is not None,
    )
    write_durably(folder / f"{id_}.json", order.model_dump_json(by_alias=False).encode(), mode=0o600)
    return _shown(house, order)


@TABLE.get(
    "/api/exports/{id}/files/{name}",
    role=Role.VIEWER,
    media=Media.RECORDED,
    scope=Scope.VIDEO,
    produces="application/octet-stream",
)
async def download(house: House, caller: Caller, id: str, name: str) -> web.StreamResponse:  # noqa: A002 - as in the path
    """A file of an export, whole or in part (RFC 9110 s14)."""
    order = _order(house, caller, id)
    if name not in {each.name for each in _files(house.folder.exports / order.id)}:
        raise NotFound("file", name)
    headers = {"Content-Disposition": f'attachment; filename="{_plain(name)}"'}
    return web.FileResponse(house.folder.exports / order.id / name, headers=headers)


@TABLE.delete("/api/exports/{id}", role=Role.VIEWER, media=Media.RECORDED, scope=Scope.ALL)
async def remove(house: House, caller: Caller, id: str) -> None:  # noqa: A002 - as in the path
    """Remove an export and its files. One that is being made is stopped first."""
    order = _order(house, caller, id)
    job = next((each for each in house.jobs.list() if each.id == order.job), None)
    if job is not None and not job.state.ended:
        await house.jobs.cancel(job.id)
    await asyncio.to_thread(shutil.rmtree, house.folder.exports / order.id, ignore_errors=True)
    (house.folder.exports / f"{order.id}.json").unlink(missing_ok=True)


def _may(caller: Caller, order: Order) -> bool:
    own = order.by.casefold() == caller.account.casefold() or caller.rights.role.may(Role.OPERATOR)
    return own and all(caller.rights.may_see(token.partition(".")[0]) for token in order.recordings)


def _orders(folder: Path) -> list[Order]:
    found = []
    for path in sorted(folder.glob("e-*.json")):
        try:
            found.append(Order.model_validate_json(path.read_bytes()))
        except (OSError, ValidationError):
            continue  # it is being removed, or no order of ours
    return found


def _order(house: House, caller: Caller, id_: str) -> Order:
    if _ID.fullmatch(id_):
        for order in _orders(house.folder.exports):
            if order.id == id_ and _may(caller, order):
                return order
    raise NotFound("export", id_)


def _shown(house: House, order: Order) -> ExportShown:
    job = next((each for each in house.jobs.list() if each.id == order.job), None)
    files = _files(house.folder.exports / order.id)
    state = State.DONE if files else State.INTERRUPTED  # of a job that is remembered no more
    if job is not None:
        state = job.state
    return ExportShown(
        **order.model_dump(),
        state=state,
        done=job.done if job else 0,
        total=job.total if job else 0,
        error=job.error if job else "",
        files=files if state is State.DONE else [],
    )


def _files(folder: Path) -> list[FileShown]:
    try:
        found = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
        return [FileShown(name=path.name, size=path.stat().st_size) for path in found]
    except OSError:
        return []


async def _sealed(folder: Path, password: str, progress: Progress) -> None:
    """Put the files of an export into one ZIP under a password, in their place."""
    files = [folder / each.name for each in _files(folder)]
    progress.phase("encrypting", total=sum(path.stat().st_size for path in files), unit="bytes")
    loop = asyncio.get_running_loop()
    stopped = False

    def step(done: int) -> bool:
        loop.call_soon_threadsafe(progress.step, done)
        return not stopped

    work: Callable[[], None] = lambda: seal(files, folder / f"{folder.name}{ZIP}", password, step)  # noqa: E731
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        stopped = True
        await asyncio.wait([task])
        raise
    for path in files:
        path.unlink()


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)
