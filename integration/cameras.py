"""Talking with cameras, in the control plane: one keeper for each that is set up with an ONVIF address."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from urllib.parse import urlsplit

from device.cameras.control import Access, Card, Control, Kind, Lacks, Portrait, Unreachable
from device.cameras.keeper import EVENTS, Keeper, Standing
from device.cameras.messages import (
    AddCamera,
    AskControl,
    CameraMade,
    CamerasFound,
    ControlShown,
    DiscoverCameras,
    FoundCamera,
    Picture,
    PortraitShown,
    ProbeCamera,
    ProfileShown,
    RestartCamera,
    TakePicture,
    Told,
)
from device.cameras.profiles import choose
from device.errors import Fault, HoldfastError
from device.events.cameras import AddressFollowed, CameraRestarted, InputActive, Motion, Tampering
from device.events.catalogue import CameraOffline
from device.events.event import Event
from device.events.journal import Entry
from device.media import Utc
from device.planes.link import Client, Server
from device.planes.messages import TriggerEvent
from device.planes.wire import Blob
from device.recording.modes import Mode
from device.settings.cameras import Camera, control_url, new_camera_key
from device.settings.store import Changed
from integration.onvif_readings import where
from integration.plane import Plane
from integration.steering import Steering
from protocols.onvif.client.camera import OnvifCamera
from protocols.onvif.client.probe import Match
from protocols.onvif.client.prober import discover

Place = tuple[str | None, int | None]  #: host and port
BY = "camera"  #: who changes the addresses that are followed
ASK_SECONDS = 9.0  #: that somebody waits for a camera that he asks himself: his own request ends at ten
LONGEST_LOOK = 8.0  #: seconds, the same of looking around
LOOPBACK = "127.0.0.1"
_TALKED = ("onvif", "user", "password", "enabled")  #: settings that the talk depends on
_BEGINNINGS = {Motion: Kind.MOTION, Tampering: Kind.TAMPERING, InputActive: Kind.INPUT}


class NotSetUp(Lacks):
    """A camera is asked that has no ONVIF address."""

    hint = "Set the camera's ONVIF address first."


class CamerasPlane:
    """Whom one talks with. Also what a keeper does in the recorder: `device.cameras.keeper.Hands`."""

    def __init__(self, own: Plane, recording: Client) -> None:
        self._own = own
        self._recording = recording
        self._keepers: dict[str, tuple[Access, Keeper, asyncio.Task[None]]] = {}
        self._changed = asyncio.Event()
        self.steering = Steering(own, lambda access: OnvifCamera(access, own.clock), self._portrait)

    async def run(self) -> None:
        """Until cancelled."""
        ends = [self._own.settings.subscribe(self._setting_changed), self._own.bus.subscribe(self._heard)]
        self._forget()
        try:
            while True:
                self._changed.clear()
                await self._keep()
                waiting = asyncio.create_task(self._changed.wait())
                talks = [task for _, _, task in self._keepers.values()]
                try:
                    done, _ = await asyncio.wait([waiting, *talks], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waiting.cancel()
                for task in done:
                    task.result()
        finally:
            for end in ends:
                end()
            await self._stop(list(self._keepers))
            await self.steering.close()

    def _forget(self) -> None:
        """What went on when this plane ended: who still tells it tells it anew."""
        for entry in self._own.bus.journal.active():
            event = entry.event
            if isinstance(event, (Motion, Tampering, InputActive)):
                self.publish(EVENTS[_BEGINNINGS[type(event)]][1](event.camera, event.source))

    async def _keep(self) -> None:
        """Talk with those whom the settings name."""
        wanted = {
            key: access
            for key, camera in self._own.settings.entries(Camera).items()
            if camera.enabled and (access := camera.control()) is not None
        }
        await self._stop([key for key, (access, _, _) in self._keepers.items() if wanted.get(key) != access])
        for key, access in wanted.items():
            if key not in self._keepers:
                keeper = Keeper(key, self._connecting(access), self, self._own.clock)
                task = asyncio.create_task(keeper.run(), name=f"talk with {key}")
                self._keepers[key] = access, keeper, task

    def _connecting(self, access: Access) -> Callable[[], Control]:
        return lambda: OnvifCamera(access, self._own.clock)

    async def _stop(self, keys: Sequence[str]) -> None:
        tasks = [self._keepers.pop(key)[2] for key in keys]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _setting_changed(self, changed: Changed) -> None:
        if changed.section != Camera.about.section:
            return
        if not changed.fields or set(changed.fields) & {*_TALKED}:
            self._changed.set()
        elif set(changed.fields) & {"follow", "main_profile", "sub_profile"} and changed.key in self._keepers:
            keeper = self._keepers[changed.key][1]
            if keeper.standing.portrait is not None:
                self.follow(changed.key, keeper.standing.portrait)

    def _heard(self, entry: Entry) -> None:
        event = entry.event
        if isinstance(event, CameraOffline) and event.camera in self._keepers:
            self._keepers[event.camera][1].look()

    # ------------------------------------------------------------------------------------ what a keeper does

    def publish(self, event: Event) -> object:
        """Hands."""
        return self._own.bus.publish(event)

    def follow(self, camera: str, portrait: Portrait) -> None:
        """Hands. The addresses go into the settings, so that recording begins without asking anybody."""
        known = self._own.settings.get(Camera, camera)
        main, sub = choose(portrait.profiles, known.main_profile, known.sub_profile)
        if not known.follow or main is None:
            return
        before = {"main": known.main, "sub": known.sub}
        after = {"main": main.url, "sub": sub.url if sub is not None else None}
        changes: dict[str, object] = {name: url for name, url in after.items() if before[name] != url}
        if not changes:
            return
        try:
            self._own.settings.patch(Camera, changes, key=camera, by=BY)
        except HoldfastError:  # an address that no stream can have; the camera is recorded as it was
            return
        for name in changes:
            if before[name] is not None:
                self.publish(AddressFollowed(camera, name, before[name] or "", after[name] or ""))

    async def trigger(self, camera: str, begin: Utc, end: Utc, why: str) -> None:
        """Hands."""
        if self._own.settings.get(Camera, camera).mode is Mode.EVENT:
            with contextlib.suppress(HoldfastError):  # the recording plane is not there: it records no event
                await self._recording.call(TriggerEvent(camera, begin, end, why))

    # ------------------------------------------------------------------------------------ what others ask

    def answer(self, server: Server) -> None:
        """Let `server` answer for cameras."""

        async def look(request: DiscoverCameras) -> CamerasFound:
            return CamerasFound(tuple(await self._discover(request.seconds)))

        async def probe(request: ProbeCamera) -> PortraitShown:
            access = Access(control_url(request.onvif), request.user, request.password)
            return shown(await portrait_of(self._connecting(access)))

        async def add(request: AddCamera) -> CameraMade:
            access = Access(control_url(request.onvif), request.user, request.password)
            portrait = await portrait_of(self._connecting(access))
            key = new_camera_key()
            changes = entered(access, portrait, request.name, request.main_profile, request.sub_profile)
            self._own.settings.patch(Camera, changes, key=key, by=request.by)
            return CameraMade(key)

        async def ask(request: AskControl) -> ControlShown:
            self._own.settings.get(Camera, request.camera)
            known = self._keepers.get(request.camera)
            standing = known[1].standing if known is not None else Standing("off")
            portrait = None if standing.portrait is None else shown(standing.portrait)
            return ControlShown(standing.state, standing.detail, portrait)

        async def restart(request: RestartCamera) -> Told:
            async with self._talk(request.camera) as control:
                told = await control.reboot()
            self.publish(CameraRestarted(request.camera, request.by))
            return Told(told)

        async def picture(request: TakePicture) -> Picture:
            return Picture(Blob(await self.picture(request.camera, "main")))

        server.on(DiscoverCameras, look)
        server.on(ProbeCamera, probe)
        server.on(AddCamera, add)
        server.on(AskControl, ask)
        server.on(RestartCamera, restart)
        server.on(TakePicture, picture)
        self.steering.answer(server)

    async def card(self, camera: str) -> Card:
        """What the camera has recorded itself of its main stream. What `Control.card` raises."""
        known = self._own.settings.get(Camera, camera)
        portrait = await self._portrait(camera)
        main, _ = choose(portrait.profiles, known.main_profile, known.sub_profile)
        if main is None:
            raise Lacks(f"The camera {camera} offers no main stream.")
        async with self._talk(camera) as control:
            return await control.card(main)

    async def picture(self, camera: str, stream: str) -> bytes:
        """A picture of a stream, as JPEG, that the camera takes now. What `TakePicture` raises."""
        async with self._talk(camera) as control:
            known = self._own.settings.get(Camera, camera)
            portrait = await control.describe()
            main, sub = choose(portrait.profiles, known.main_profile, known.sub_profile)
            profile = {"main": main, "sub": sub}.get(stream)
            if profile is None:
                raise Lacks(f"The camera offers no {stream} stream.")
            return await control.snapshot(profile.token)

    @contextlib.asynccontextmanager
    async def _talk(self, camera: str) -> AsyncIterator[Control]:
        """One who is asked something besides."""
        control = self._connecting(self._access(camera))()
        try:
            async with asyncio.timeout(ASK_SECONDS):
                yield control
        except TimeoutError:
            raise Unreachable(f"The camera {camera} does not answer within {ASK_SECONDS:g} s.") from None
        finally:
            await control.close()

    def _access(self, camera: str) -> Access:
        access = self._own.settings.get(Camera, camera).control()
        if access is None:
            raise NotSetUp(f"The camera {camera} has no ONVIF address.")
        return access

    async def _portrait(self, camera: str) -> Portrait:
        """As it was last told to its keeper, or is told now."""
        access = self._access(camera)
        known = self._keepers.get(camera)
        portrait = None if known is None or known[0] != access else known[1].standing.portrait
        return portrait or await portrait_of(self._connecting(access))

    async def _discover(self, seconds: float) -> list[FoundCamera]:
        known = addresses_of(self._own.settings.entries(Camera))
        matches = await look_around(seconds)
        own = f"urn:uuid:{self._own.identity.id}"
        return [found(match, known) for match in matches if match.id != own]


async def look_around(seconds: float) -> list[Match]:
    """Devices that answer on any of the machine's interfaces. Raises Fault."""
    try:
        places = await asyncio.to_thread(lambda: [*where("0.0.0.0"), *where(LOOPBACK)])  # noqa: S104 - all of them
        return await discover(places, min(max(seconds, 1.0), LONGEST_LOOK))
    except OSError as error:
        raise Fault(f"No interface takes multicast: {error.strerror}.") from None


def addresses_of(cameras: Mapping[str, Camera]) -> dict[Place, str]:
    """Keys of cameras by where their ONVIF is."""
    urls = {key: urlsplit(camera.onvif) for key, camera in cameras.items() if camera.onvif is not None}
    return {(url.hostname, url.port): key for key, url in urls.items()}


def found(match: Match, known: Mapping[Place, str]) -> FoundCamera:
    """A device that answered. `known`: of `addresses_of`."""
    url = next((each for each in match.addresses if each.startswith("http:")), match.addresses[0])
    parts = urlsplit(url)
    key = known.get((parts.hostname, parts.port), "")
    return FoundCamera(match.id, url, match.scope("name"), match.scope("hardware"), key)


async def portrait_of(connect: Callable[[], Control]) -> Portrait:
    """What a camera says of itself, to somebody who waits. Raises Unreachable, LoginRefused, NotUnderstood, Lacks."""
    control = connect()
    try:
        async with asyncio.timeout(ASK_SECONDS):
            return await control.describe()
    except TimeoutError:
        raise Unreachable(f"The camera does not answer within {ASK_SECONDS:g} s.") from None
    finally:
        await control.close()


def entered(access: Access, portrait: Portrait, name: str, main: str, sub: str) -> dict[str, object]:
    """The settings of a camera that was asked. Raises Lacks: none of its streams can be recorded."""
    first, second = choose(portrait.profiles, main, sub)
    if first is None:
        raise Lacks("The camera offers no stream that can be recorded.")
    title = name or f"{portrait.manufacturer} {portrait.model}".strip()
    return {
        "onvif": access.url,
        "user": access.user,
        "password": access.password,
        "name": title[:64],
        "main": first.url,
        "sub": second.url if second is not None else None,
        "main_profile": main,
        "sub_profile": sub,
    }


def shown(portrait: Portrait) -> PortraitShown:
    """As whoever asks sees it."""
    main, sub = choose(portrait.profiles)
    return PortraitShown(
        portrait.manufacturer,
        portrait.model,
        portrait.firmware,
        portrait.serial,
        portrait.mac,
        round(portrait.clock_offset, 3),
        portrait.events,
        tuple(
            ProfileShown(each.token, each.name, each.encoding, each.width, each.height, each.fps, each.url)
            for each in portrait.profiles
        ),
        main.token if main is not None else "",
        sub.token if sub is not None else "",
    )
