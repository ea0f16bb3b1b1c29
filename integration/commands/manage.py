"""`cameras`, `settings`, `storages`, `accounts`, `events`."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from device.accounts.role import Role
from device.errors import BadValue
from device.events.event import dump
from device.events.event import events as declared
from device.events.journal import peek
from device.folder import DataFolder
from device.identity import identity
from device.media import Utc
from device.planes.link import Client
from device.planes.messages import (
    AccountCreate,
    AccountDelete,
    AccountPassword,
    AccountsList,
    AskRecording,
    RecordingStatus,
    SettingsRemove,
    SettingsSet,
    SubscribeEvents,
)
from device.planes.wire import Request
from device.recording.volume import adopt
from device.settings.cameras import Camera, new_camera_key
from device.settings.parse import assignment, place
from device.settings.sealed import shown
from device.settings.section import where
from device.settings.storages import Storage
from device.settings.store import Store
from integration.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    ask,
    chosen,
    console,
    installation,
    iso,
    local,
    runs,
    say_json,
    size,
    table,
    who,
)
from integration.setup import open_settings, prepare, reading_settings

T = TypeVar("T")

cameras_app = typer.Typer(help="The cameras: list, add, remove.", invoke_without_command=True)
settings_app = typer.Typer(help="Settings: get, set, history.", no_args_is_help=True)
storages_app = typer.Typer(help="Where video is kept: list, add.", invoke_without_command=True)
accounts_app = typer.Typer(help="Who may come in: list, add, password, remove.", invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(cameras_app, name="cameras")
    app.add_typer(settings_app, name="settings")
    app.add_typer(storages_app, name="storages")
    app.add_typer(accounts_app, name="accounts")
    app.command()(events)


# --- writing: through the running recorder, or straight to the folder where none runs ---


def change(folder: DataFolder, section: str, key: str, changes: dict[str, object]) -> tuple[str, ...]:
    """Change fields of a section or entry; the fields that really changed. Raises BadValue."""
    if runs(folder):
        request = SettingsSet(section, key, json.dumps(changes), who())
        return _told(folder, request).fields

    def write(store: Store) -> tuple[str, ...]:
        return store.patch(store.section(section), changes, key=key, by=who()).fields

    return offline(folder, write)


def offline(folder: DataFolder, work: Callable[[Store], T]) -> T:
    """Work on the settings of a recorder that does not run; makes the installation where there is none."""
    folder.make()
    with folder.lock():
        prepare(folder, [], None)
        store = open_settings(folder)
        try:
            return work(store)
        finally:
            store.close()


def _told(folder: DataFolder, request: Request[T]) -> T:
    async def asking(client: Client) -> T:
        return await client.call(request)

    return ask(folder, "control", asking)


def read(folder: DataFolder, work: Callable[[Store], T]) -> T:
    """Read the settings, whether a recorder runs or not."""
    store = reading_settings(folder)
    try:
        return work(store)
    finally:
        store.close()


# --- cameras ---


@cameras_app.callback()
def cameras(
    context: typer.Context, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List the cameras and how they are."""
    if context.invoked_subcommand is not None:
        return
    folder = installation(config, data)
    known = read(folder, lambda store: store.entries(Camera))
    status = _status(folder) if runs(folder) else None
    rows = [_camera_row(key, camera, status) for key, camera in known.items()]
    if as_json:
        say_json({"running": status is not None, "cameras": rows})
        return
    table(
        "Cameras" if status else "Cameras (no recorder runs)",
        ("key", "name", "stream", "state", "picture", "on disk until", "packets", "lost"),
        [cells for row in rows for cells in _camera_cells(row)],
    )


def _status(folder: DataFolder) -> RecordingStatus:
    async def asking(client: Client) -> RecordingStatus:
        return await client.call(AskRecording())

    return ask(folder, "recording", asking)


def _camera_row(key: str, camera: Camera, status: RecordingStatus | None) -> dict[str, object]:
    streams = []
    for each in status.streams if status else ():
        if each.camera == key:
            video = next((track for track in each.tracks if track.width), None)
            streams.append(
                {
                    "stream": each.stream,
                    "token": each.token,
                    "state": "ok" if each.well else each.cause,
                    "detail": each.detail,
                    "codec": video.codec.name if video else "",
                    "width": video.width if video else 0,
                    "height": video.height if video else 0,
                    "acknowledged": iso(each.acknowledged) if each.acknowledged else None,
                    "packets": each.packets,
                    "lost": each.lost,
                    "octets": each.octets,
                    "watched": each.watched,
                }
            )
    return {
        "id": key,
        "name": camera.name,
        "enabled": camera.enabled,
        "mode": camera.mode.value,
        "main": camera.main,
        "sub": camera.sub,
        "streams": streams,
    }


def _camera_cells(row: dict[str, object]) -> list[tuple[str, ...]]:
    streams = row["streams"]
    assert isinstance(streams, list)
    if not streams:
        return [(str(row["id"]), str(row["name"]), "", "" if row["enabled"] else "disabled", "", "", "", "")]
    return [
        (
            str(row["id"]),
            str(row["name"]),
            each["stream"],
            each["state"],
            f"{each['codec']} {each['width']}x{each['height']}" if each["codec"] else "",
            each["acknowledged"] or "",
            str(each["packets"]),
            str(each["lost"]),
        )
        for each in streams
    ]


@cameras_app.command("add")
def cameras_add(
    url: Annotated[
        str, typer.Argument(help="rtsp:// or rtsps:// URL of the main stream, without user and password.")
    ],
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    sub: Annotated[str | None, typer.Option(help="URL of a smaller stream, recorded too.")] = None,
    user: Annotated[str, typer.Option(help="User on the camera.")] = "",
    password_file: Annotated[Path | None, typer.Option(help="File with the password on the camera.")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record one more camera."""
    changes: dict[str, object] = {"main": url, "name": name, "sub": sub, "user": user}
    if password_file is not None:
        changes["password"] = password_of(password_file)
    key = new_camera_key()
    change(chosen(config, data), Camera.about.section, key, changes)
    if as_json:
        say_json({"id": key})
    else:
        console.print(f"Camera {key} is added. `holdfast cameras` tells how it is.")


@cameras_app.command("remove")
def cameras_remove(key: str, config: ConfigOption = None, data: DataOption = None) -> None:
    """Stop recording a camera and forget it. What was recorded stays."""
    folder = installation(config, data)
    if runs(folder):
        _told(folder, SettingsRemove(Camera.about.section, key, who()))
    else:
        offline(folder, lambda store: store.remove(Camera, key=key, by=who()))
    console.print(f"Camera {key} is removed. Its recordings stay until retention takes them.")


def password_of(file: Path) -> str:
    """The first line of a file, or of standard input for `-`."""
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadValue("--password-file", f"cannot be read: {error.strerror}") from error
    return text.partition("\n")[0].rstrip("\r")


# --- settings ---


@settings_app.command("get")
def settings_get(
    what: Annotated[
        str, typer.Argument(help="SECTION, SECTION.FIELD, SECTION[KEY] or SECTION[KEY].FIELD; all.")
    ] = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show settings. Secrets are never shown."""
    found = read(installation(config, data), lambda store: _settings(store, what))
    if as_json:
        say_json(found)
        return
    table(
        "",
        ("setting", "value"),
        [(name, json.dumps(value, ensure_ascii=False)) for name, value in found.items()],
    )


def _settings(store: Store, what: str) -> dict[str, object]:
    asked = place(what, store) if what else None
    found: dict[str, object] = {}
    for kind in store.sections:
        if asked is not None and kind is not asked.kind:
            continue
        keys = [asked.key] if asked is not None and asked.key else store.keys(kind)
        for key in keys:
            for field, value in shown(store.get(kind, key)).items():
                if asked is None or asked.field in ("", field):
                    found[where(kind, key, field)] = value
    return found


@settings_app.command("set")
def settings_set(
    assignments: Annotated[list[str], typer.Argument(metavar="SECTION.FIELD=VALUE...")],
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change settings; at once, where a recorder runs. All of one entry's are changed together."""
    folder = chosen(config, data)
    if not folder.settings.exists():
        offline(folder, lambda store: None)  # noqa: ARG005 - makes the installation
    made = read(folder, lambda store: [assignment(text, store) for text in assignments])
    grouped: dict[tuple[str, str], dict[str, object]] = {}
    for each in made:
        grouped.setdefault((each.place.kind.about.section, each.place.key), {})[each.place.field] = each.value
    changed = []
    for (section, key), changes in grouped.items():
        fields = change(folder, section, key, changes)
        changed += [f"{section}[{key}].{field}" if key else f"{section}.{field}" for field in fields]
    if as_json:
        say_json({"changed": changed})
    else:
        console.print("Changed: " + ", ".join(changed) if changed else "Nothing to change: it is so already.")


@settings_app.command("history")
def settings_history(
    what: Annotated[str, typer.Argument(help="SECTION or SECTION[KEY].")],
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who changed what, and when."""

    def work(store: Store) -> list[dict[str, object]]:
        asked = place(what, store)
        return [
            {"version": v.version, "at": iso(v.at), "by": v.by, "fields": list(v.fields), "values": v.values}
            for v in store.history(asked.kind, asked.key)
        ]

    found = read(installation(config, data), work)
    if as_json:
        say_json(found)
        return
    rows = [(str(v["version"]), str(v["at"]), str(v["by"]), ", ".join(map(str, v["fields"]))) for v in found]  # type: ignore[call-overload]  # a list, made above
    table("", ("version", "at", "by", "changed"), rows)


# --- storages ---


@storages_app.callback()
def storages(
    context: typer.Context, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List the storages and how they are."""
    if context.invoked_subcommand is not None:
        return
    folder = installation(config, data)
    known = read(folder, lambda store: store.entries(Storage))
    live = {each.uuid: each for each in _status(folder).volumes} if runs(folder) else {}
    rows = [
        {
            "id": key,
            "name": storage.name,
            "path": storage.path,
            "enabled": storage.enabled,
            "state": live[key].state if key in live else None,
            "detail": live[key].detail if key in live else "",
            "total": live[key].total if key in live else None,
            "free": live[key].free if key in live else None,
        }
        for key, storage in known.items()
    ]
    if as_json:
        say_json({"storages": rows})
        return
    cells = [
        (
            str(r["id"]),
            str(r["name"]),
            str(r["path"]),
            str(r["state"] or ""),
            _octets(r["free"]),
            _octets(r["total"]),
        )
        for r in rows
    ]
    table("Storages", ("key", "name", "path", "state", "free", "size"), cells)


def _octets(value: object) -> str:
    return size(value) if isinstance(value, int) else ""


@storages_app.command("add")
def storages_add(
    path: Annotated[Path, typer.Argument(help="An empty folder, or one that this recorder has used before.")],
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep video in one more folder. It is marked as ours: an empty mount point is never taken for it."""
    folder = chosen(config, data)
    if not folder.settings.exists():
        offline(folder, lambda store: None)  # noqa: ARG005 - makes the installation
    mark = adopt(path.absolute(), identity(folder.identity).id)
    change(folder, Storage.about.section, mark.volume, {"path": str(path.absolute()), "name": name})
    if as_json:
        say_json({"id": mark.volume})
    else:
        console.print(f"Storage {mark.volume} is added.")


# --- accounts ---


@accounts_app.callback()
def accounts(
    context: typer.Context, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List the accounts."""
    if context.invoked_subcommand is not None:
        return
    found = _told(installation(config, data), AccountsList()).accounts
    if as_json:
        say_json({"accounts": [{"name": a.name, "role": a.role, "created": iso(a.created)} for a in found]})
        return
    table("Accounts", ("name", "role", "created"), [(a.name, a.role, local(a.created)) for a in found])


@accounts_app.command("add")
def accounts_add(
    name: str,
    password_file: Annotated[Path, typer.Option(help="File with the password; - for standard input.")],
    role: Annotated[
        Role, typer.Option(help="What the account may do; the first one is an administrator.")
    ] = Role.VIEWER,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Make an account."""
    request = AccountCreate(name, password_of(password_file), role.value, who())
    _told(installation(config, data), request)
    console.print(f"Account {name} is made.")


@accounts_app.command("password")
def accounts_password(
    name: str,
    password_file: Annotated[Path, typer.Option(help="File with the password; - for standard input.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Give an account another password."""
    _told(installation(config, data), AccountPassword(name, password_of(password_file), who()))
    console.print(f"Account {name} has another password.")


@accounts_app.command("remove")
def accounts_remove(name: str, config: ConfigOption = None, data: DataOption = None) -> None:
    """Remove an account."""
    _told(installation(config, data), AccountDelete(name, who()))
    console.print(f"Account {name} is removed.")


# --- events ---


def events(
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what happens, until Ctrl-C.")] = False,
    last: Annotated[int, typer.Option(min=0, max=10_000, help="How many of the past to show first.")] = 20,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what happened."""
    folder = installation(config, data)
    origin, past = peek(folder.journal("control"), last)
    for entry in past:
        _print_event(entry.utc, entry.plane, entry.seq, dump(entry.event), as_json)
    if not follow:
        return
    after = past[-1].seq if past else 0

    async def asking(client: Client) -> None:
        async with client.stream(SubscribeEvents(origin, after)) as items:
            async for item in items:
                _print_event(item.utc, item.origin.partition(":")[0], item.seq, item.event, as_json)

    with contextlib.suppress(KeyboardInterrupt):
        ask(folder, "control", asking)


def _print_event(utc: Utc, plane: str, seq: int, text: str, as_json: bool) -> None:
    fields = json.loads(text)
    if as_json:
        sys.stdout.write(json.dumps({"seq": seq, "utc": iso(utc), "plane": plane, **fields}) + "\n")
        sys.stdout.flush()
        return
    name = fields.pop("event")
    kind = declared().get(name)
    severity = kind.severity.name.lower() if kind is not None else ""
    rest = "  ".join(f"{key}={value}" for key, value in fields.items() if value not in ("", None))
    console.print(f"{local(utc)}  {severity:9} [bold]{name}[/bold]  {rest}", highlight=False, soft_wrap=True)
