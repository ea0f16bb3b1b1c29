"""`run` and `demo`."""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.panel import Panel

from device.errors import BadValue
from device.folder import DataFolder, Lock
from device.identity import Identity
from device.settings.cameras import Camera
from device.settings.store import Store
from integration import demo as virtual
from integration.appliance import Plan, Ready, become, serve
from integration.commands.common import SYSTEM_CONFIG, chosen, console
from integration.config import DEMO_PORTS, Config, Listen, load
from integration.setup import SETUP, Login, open_settings, prepare
from integration.virtual_box.array import enter_array

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.FIELD=VALUE", help="Change a setting before the start."),
]
ReadyOption = Annotated[
    bool, typer.Option("--ready-json", help="Print one line of JSON when everything answers.")
]
SecondsOption = Annotated[float | None, typer.Option(min=0, help="End after so many seconds.")]
AdminOption = Annotated[str | None, typer.Option(help="Name of the first administrator.")]
PasswordOption = Annotated[Path | None, typer.Option(help="File with the first administrator's password.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(run)
    app.command()(demo)


def run(
    config: Annotated[Path | None, typer.Option(help="Configuration file.")] = None,
    ready_json: ReadyOption = False,
    seconds: SecondsOption = None,
    admin: AdminOption = None,
    password_file: PasswordOption = None,
    assign: SetOption = None,
) -> None:
    """Run the recorder."""
    if config is None and not SYSTEM_CONFIG.exists():
        raise BadValue("--config", f"is needed, as there is no {SYSTEM_CONFIG}")
    given = load(config or SYSTEM_CONFIG)
    folder = DataFolder(given.data)
    folder.make()
    with folder.lock() as lock:
        identity = prepare(folder, assign or [], _login(admin, password_file))
        become(_plan(given, lock, identity, _names(folder), seconds, ready_json))


def demo(
    data: Annotated[Path | None, typer.Option(help="Data folder.")] = None,
    listen: Annotated[str, typer.Option(metavar="ADDR", help="Address to listen on.")] = "127.0.0.1",
    port_offset: Annotated[int, typer.Option(min=0, max=50_000, help="Added to every port.")] = 0,
    seconds: SecondsOption = None,
    cameras: Annotated[int, typer.Option(min=1, max=64, help="Virtual cameras.")] = 4,
    admin: AdminOption = None,
    password_file: PasswordOption = None,
    assign: SetOption = None,
    hold_control: Annotated[
        bool, typer.Option(help="Switch the box on with its control button held: see `simulate release`.")
    ] = False,
    mqtt: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Tell this MQTT broker everything, and obey its commands."),
    ] = None,
    ready_json: ReadyOption = False,
) -> None:
    """Run the recorder with virtual cameras: no hardware, no root."""
    assign = [*(virtual.mqtt_settings(mqtt) if mqtt is not None else ()), *(assign or ())]
    folder = chosen(None, data)
    folder.make()
    login = _login(admin, password_file) or virtual.login(folder)
    ports = DEMO_PORTS.model_copy(update={"address": listen}).shifted(port_offset)
    config = Config(data=folder.path, listen=ports)
    _check_ports(ports)

    async def both(lock: Lock) -> None:
        password = virtual.camera_password()
        async with virtual.virtual_cameras(folder, cameras, password, hold_control) as farm:
            users: list[dict[str, str]] = []

            def enter(store: Store) -> None:
                virtual.enter(store, farm, password)
                asyncio.run(enter_array(folder, store, SETUP))
                users.append(virtual.enter_snmp(store, virtual.snmp_password(folder)))

            identity = await asyncio.to_thread(prepare, folder, assign, login, enter)
            ready = Announcement(ready_json, login if admin is None else None, folder, users[0], mqtt)
            plan = _plan(config, lock, identity, _names(folder), seconds, ready_json)
            await serve(plan, ready, await_frames=True)

    with folder.lock() as lock:
        if not ready_json:
            console.print(f"Starting {cameras} virtual cameras and the recorder ...", style="dim")
        asyncio.run(both(lock))


def _plan(
    config: Config,
    lock: Lock,
    identity: Identity,
    names: dict[str, str],
    seconds: float | None,
    ready_json: bool,
) -> Plan:
    data, listen = str(config.data.absolute()), config.listen.model_dump_json()
    return Plan(data, lock.fd, listen, identity.serial, names, seconds, ready_json)


def _check_ports(listen: Listen) -> None:
    """Say at once which port is not to be had: a person watches a demo. Raises BadValue."""
    stream, datagram = socket.SOCK_STREAM, socket.SOCK_DGRAM
    wanted = (
        ("RTSP", listen.rtsp, stream),
        ("RTSPS", listen.rtsps, stream),
        ("HTTPS", listen.https, stream),
        ("HTTP", listen.http, stream),
        ("SNMP", listen.snmp, datagram),
    )
    for name, port, kind in wanted:
        try:
            found = socket.getaddrinfo(listen.address, port, type=kind, flags=socket.AI_PASSIVE)
            with socket.socket(found[0][0], kind) as sock:
                if kind == stream:  # as servers do: what is left of old connections is in nobody's way
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(found[0][4])
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise BadValue(
                    "--port-offset", f"the {name} port would be {port}, which is in use"
                ) from error
            number = error.errno or 0
            reason = (
                os.strerror(number) if number > 0 else error.strerror
            )  # a resolver's numbers are negative
            raise BadValue("--listen", f"{listen.address}, port {port}: {reason}") from error


def _login(name: str | None, file: Path | None) -> Login | None:
    if (name is None) != (file is None):
        raise BadValue("--admin", "goes with --password-file")
    if name is None or file is None:
        return None
    try:
        return Login(name, file.read_text(encoding="utf-8").rstrip("\r\n"))
    except OSError as error:
        raise BadValue("--password-file", f"cannot be read: {error.strerror}") from error


def _names(folder: DataFolder) -> dict[str, str]:
    """The cameras that are to be recorded: name by key."""
    store = open_settings(folder)
    try:
        return {key: camera.name or key for key, camera in store.entries(Camera).items() if camera.enabled}
    finally:
        store.close()


class Announcement:
    """Says that the recorder is ready: to a program in one line, to a person with what to do next."""

    def __init__(
        self,
        as_json: bool,
        login: Login | None,
        folder: DataFolder,
        snmp_v3: dict[str, str] | None,
        broker: str | None,
    ) -> None:
        """`broker`: HOST:PORT of the one that is told."""
        self._as_json = as_json
        self._login = login
        self._folder = folder
        self._snmp_v3 = snmp_v3
        self._broker = broker

    def __call__(self, ready: Ready) -> None:
        ready = dataclasses.replace(ready, snmp_v3=self._snmp_v3)
        if self._as_json:
            sys.stdout.write(ready.line() + "\n")
            sys.stdout.flush()
            return
        lines = [f"Serial {ready.serial}, data in {self._folder.path}", ""]
        if "https" in ready.endpoints:
            lines += [f"Open:  [bold]{ready.endpoints['https']}/[/bold]", ""]
        for camera in ready.cameras:
            lines += [f"[bold]{camera.name}[/bold]", f"  live    {camera.live}", f"  replay  {camera.replay}"]
        if self._login is not None:
            lines += [
                "",
                f"User [bold]{self._login.name}[/bold], password [bold]{self._login.password}[/bold]",
            ]
        if self._login is not None and ready.cameras:
            url = ready.cameras[0].live.replace("://", f"://{self._login.name}:{self._login.password}@")
            lines += ["", "Watch:   " + f"mpv {url}"]
        if self._broker is not None:
            host, _, port = self._broker.rpartition(":")
            lines += ["", f"Listen:  mosquitto_sub -v -h {host.strip('[]')} -p {port} -t 'holdfast/#'"]
        lines += ["", "Ctrl-C ends it."]
        console.print(Panel("\n".join(lines), title="Holdfast is recording", expand=False), soft_wrap=True)
