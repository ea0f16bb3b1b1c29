"""`holdfast cameras`: list, find, add, remove."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from device.cameras.control import Access
from device.clock import SystemClock
from device.errors import BadValue
from device.identity import identity
from device.planes.messages import AskRecording, RecordingStatus, SettingsRemove
from device.settings.cameras import Camera, control_url, new_camera_key
from integration.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    chosen,
    console,
    installation,
    iso,
    password_of,
    runs,
    say_json,
    table,
    who,
)
from integration.commands.reach import call, change, offline, read

app = typer.Typer(help="The cameras: list, find, add, remove.", invoke_without_command=True)


@app.callback()
def cameras(
    context: typer.Context, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List the cameras and how they are."""
    if context.invoked_subcommand is not None:
        return
    folder = installation(config, data)
    known = read(folder, lambda store: store.entries(Camera))
    status = call(folder, "recording", AskRecording()) if runs(folder) else None
    rows = [_camera_row(key, camera, status) for key, camera in known.items()]
    if as_json:
        say_json({"running": status is not None, "cameras": rows})
        return
    table(
        "Cameras" if status else "Cameras (no recorder runs)",
        ("key", "name", "stream", "state", "picture", "on disk until", "packets", "lost"),
        [cells for row in rows for cells in _camera_cells(row)],
    )


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
        "onvif": camera.onvif,
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


@app.command("add")
def add(
    url: Annotated[
        str | None,
        typer.Argument(help="rtsp:// or rtsps:// URL of the main stream, without user and password."),
    ] = None,
    onvif: Annotated[
        str | None,
        typer.Option(
            help="Instead of URLs: HOST, HOST:PORT or URL of the camera's ONVIF; it tells the rest."
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    sub: Annotated[str | None, typer.Option(help="URL of a smaller stream, recorded too.")] = None,
    user: Annotated[str, typer.Option(help="User on the camera.")] = "",
    password_file: Annotated[Path | None, typer.Option(help="File with the password on the camera.")] = None,
    main_profile: Annotated[str, typer.Option(help="Token of the profile to record; the largest.")] = "",
    sub_profile: Annotated[str, typer.Option(help="Token of the smaller one; the smallest.")] = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record one more camera."""
    if (url is None) == (onvif is None):
        raise BadValue("URL", "give either the URL of a stream, or --onvif and the camera's address")
    password = password_of(password_file) if password_file is not None else ""
    changes: dict[str, object] = {"main": url, "name": name, "sub": sub, "user": user}
    if password_file is not None:
        changes["password"] = password
    told: dict[str, object] = {}
    if onvif is not None:
        changes = _asked(Access(control_url(onvif), user, password), name, main_profile, sub_profile)
        told = {name: changes[name] for name in ("name", "onvif", "main", "sub")}
    key = new_camera_key()
    change(chosen(config, data), Camera.about.section, key, changes)
    if as_json:
        say_json({"id": key, **told})
    else:
        console.print(f"Camera {key} is added. `holdfast cameras` tells how it is.")


def _asked(access: Access, name: str, main_profile: str, sub_profile: str) -> dict[str, object]:
    """What a camera tells of itself, as settings."""
    # Only where a camera is asked: HTTP and XML take longer to import than most commands to run.
    from integration.cameras import entered, portrait_of
    from protocols.onvif.client.camera import OnvifCamera

    portrait = asyncio.run(portrait_of(lambda: OnvifCamera(access, SystemClock())))
    return entered(access, portrait, name, main_profile, sub_profile)


@app.command("discover")
def discover(
    seconds: Annotated[float, typer.Option(min=1.0, max=8.0, help="How long to wait for answers.")] = 3.0,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look for cameras on the network (WS-Discovery). `holdfast cameras add --onvif ADDRESS` records one."""
    from integration.cameras import addresses_of, found, look_around  # as above

    folder = chosen(config, data)
    cameras: dict[str, Camera] = {}
    own = ""
    if folder.settings.exists():
        cameras = read(folder, lambda store: store.entries(Camera))
        own = f"urn:uuid:{identity(folder.identity).id}"
    known = addresses_of(cameras)
    rows = [found(match, known) for match in asyncio.run(look_around(seconds)) if match.id != own]
    if as_json:
        say_json({"cameras": [asdict(row) for row in rows]})
        return
    table(
        f"{len(rows)} found",
        ("address", "name", "hardware", "set up as"),
        [(row.onvif, row.name, row.hardware, row.known) for row in rows],
    )


@app.command("remove")
def remove(key: str, config: ConfigOption = None, data: DataOption = None) -> None:
    """Stop recording a camera and forget it. What was recorded stays."""
    folder = installation(config, data)
    if runs(folder):
        call(folder, "control", SettingsRemove(Camera.about.section, key, who()))
    else:
        offline(folder, lambda store: store.remove(Camera, key=key, by=who()))
    console.print(f"Camera {key} is removed. Its recordings stay until retention takes them.")
