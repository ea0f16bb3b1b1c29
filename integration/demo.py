"""The demo: virtual cameras in a process of their own, and a recorder that records them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

from device.durable import create
from device.errors import BadValue, Fault
from device.folder import DataFolder
from device.media import Codec
from device.settings.cameras import Camera
from device.settings.chassis import Chassis, ChassisHardware
from device.settings.clock import ClockKeeper, DateAndTime
from device.settings.network import Network, NetworkKeeper
from device.settings.ports import Poe, PoeHardware
from device.settings.snmp import Snmp, SnmpAuthentication, SnmpVersion
from device.settings.store import Store
from integration.setup import SETUP, Login
from integration.virtual_box.drivers import BOX

ADMINISTRATOR = "admin"
CAMERA_USER = "recorder"
START_SECONDS = 30.0
PREFIX = "c-demo"


class CamerasFailed(Fault):
    """The virtual cameras did not start."""


@dataclass(frozen=True, slots=True)
class DemoCamera:
    """One virtual camera, as it told."""

    key: str
    name: str
    url: str
    sub: str | None
    codec: str  #: of the main stream
    onvif: str | None  #: where one talks with it; None: one does not


@contextlib.asynccontextmanager
async def virtual_cameras(
    folder: DataFolder, count: int, password: str, hold_control: bool
) -> AsyncIterator[list[DemoCamera]]:
    """Run virtual cameras on free ports of the loopback address until the context ends, and the hardware that they are
    plugged into. `hold_control`: its control button is held. Raises CamerasFailed."""
    argv = ["-P", "-m", "integration.virtual_camera", "serve", "--cameras", str(count), "--ready-json"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *argv,
        f"--user={CAMERA_USER}",
        f"--password={password}",  # in one word: it may begin with a dash
        f"--box={folder.socket(BOX)}",
        "--onvif",
        "--announce",
        *(["--hold-control"] if hold_control else []),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is ours: the recorder first ends its sessions
    )
    try:
        yield await _told(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _told(process: asyncio.subprocess.Process) -> list[DemoCamera]:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            line = await process.stdout.readline()
    except TimeoutError:
        raise CamerasFailed(f"The virtual cameras were not ready within {START_SECONDS:g} s.") from None
    if not line:
        raise CamerasFailed("The virtual cameras ended at once; the lines above say why.")
    told = json.loads(line)
    return [
        DemoCamera(
            f"{PREFIX}{camera['number']}",
            camera["name"],
            camera["url"],
            camera["sub"],
            camera["codec"],
            camera["onvif"] if camera["ptz"] else None,
        )
        for camera in told["cameras"]
    ]


def enter(store: Store, cameras: list[DemoCamera], password: str) -> None:
    """Make the settings say where the virtual cameras are today. What a person changed otherwise stays."""
    if not store.read(Poe)[1]:  # never set
        store.patch(Poe, {"hardware": PoeHardware.SIMULATED.value}, by=SETUP)
    if not store.read(Chassis)[1]:
        store.patch(Chassis, {"hardware": ChassisHardware.SIMULATED.value}, by=SETUP)
    if not store.read(Network)[1]:
        store.patch(Network, {"keeper": NetworkKeeper.SIMULATED.value}, by=SETUP)
    if not store.read(DateAndTime)[1]:
        store.patch(DateAndTime, {"keeper": ClockKeeper.SIMULATED.value}, by=SETUP)
    for camera in cameras:
        known = camera.key in store.keys(Camera)
        changes: dict[str, object] = {"main": camera.url, "user": CAMERA_USER, "password": password}
        if camera.codec != Codec.H264.name:
            changes |= {"sub": camera.sub}  # for browsers, many of which play nothing but H.264
        if camera.onvif is not None:
            changes |= {"onvif": camera.onvif, "follow": False}  # it is recorded as the others are
        if not known:
            changes |= {"name": camera.name}
        store.patch(Camera, changes, key=camera.key, by=SETUP)
    there = {camera.key for camera in cameras}
    for key in store.keys(Camera):
        if key.startswith(PREFIX) and key not in there:
            store.remove(Camera, key=key, by=SETUP)


def enter_snmp(store: Store, password: str) -> dict[str, str]:
    """Let SNMP answer everybody at the first start, unlike a real recorder. User and passwords of v3, for the ready
    line."""
    if not store.read(Snmp)[1]:  # never set
        changes = {
            "version": SnmpVersion.ALL.value,
            "read_community": "public",
            "write_community": "write",
            "authentication": SnmpAuthentication.SHA.value,
            "initial_password": password,
        }
        store.patch(Snmp, changes, by=SETUP)
    now = store.get(Snmp)
    return {
        "user": "initial",
        "auth": now.authentication.value,
        "auth_password": password,
        "priv": now.privacy.value,
        "priv_password": password,
    }


def mqtt_settings(broker: str) -> list[str]:
    """Assignments that let the demo talk with a broker, `HOST:PORT`, and obey it. Raises BadValue."""
    host, colon, port = broker.rpartition(":")
    if not colon or not port.isdecimal():
        raise BadValue("--mqtt", "must be HOST:PORT, such as 127.0.0.1:1883")
    allowed = [
        f"mqtt.{name}=true" for name in ("enabled", "allow_poe", "allow_chassis", "allow_recording", "onvif")
    ]
    return [f"mqtt.host={host.strip('[]')}", f"mqtt.port={port}", *allowed]


def snmp_password(folder: DataFolder) -> str:
    """The demo's password of SNMPv3, made once for each data folder."""
    return (
        create(folder.path / "demo-snmp-password", secrets.token_urlsafe(9).encode() + b"\n").decode().strip()
    )


def login(folder: DataFolder) -> Login:
    """The demo's administrator, with a password that is made once for each data folder and kept in it."""
    password = create(folder.path / "demo-password", secrets.token_urlsafe(9).encode() + b"\n")
    return Login(ADMINISTRATOR, password.decode().strip())


def camera_password() -> str:
    """A password for the cameras, another one each time."""
    return secrets.token_urlsafe(12)
