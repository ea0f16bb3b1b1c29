"""Moving cameras, in the control plane: a helm for each that somebody moves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from device.cameras.control import Access, Control, Declines, Lacks, NotUnderstood, Portrait, Unreachable
from device.cameras.helm import LONGEST_HOLD, Helm
from device.cameras.profiles import choose, moved
from device.cameras.ptz import Head, Preset, Stand, position, preset_name, velocity
from device.cameras.ptz_messages import (
    AskHead,
    ForgetPreset,
    GoHome,
    HeadCan,
    HeadShown,
    KeepHome,
    KeepPreset,
    KeptPreset,
    MoveCamera,
    PlaceCamera,
    RecallPreset,
    StopCamera,
)
from device.errors import BadValue, NotFound
from device.events.cameras import CameraMoved, How, PresetChange, PresetChanged
from device.planes.link import Server
from device.planes.messages import Done
from device.settings.cameras import Camera
from integration.plane import Plane

T = TypeVar("T")

ASK_SECONDS = 9.0  #: that somebody waits for a camera: his own request ends at ten
REST = 60.0  #: seconds in which who moves a camera by hand is told once


@dataclass(slots=True)
class _Manned:
    """A camera that somebody moves, or has moved."""

    as_set: tuple[Access | None, str]  #: where it is, and which profile was chosen for its main stream
    control: Control
    helm: Helm


class Steering:
    """Whoever moves a camera."""

    def __init__(
        self,
        own: Plane,
        connect: Callable[[Access], Control],
        portrait: Callable[[str], Awaitable[Portrait]],
    ) -> None:
        """`portrait`: what a camera says of itself; raises NotFound, NotSetUp, and what asking raises."""
        self._own = own
        self._connect = connect
        self._portrait = portrait
        self._manned: dict[str, _Manned] = {}
        self._manning: dict[str, asyncio.Lock] = {}
        self._told: dict[str, tuple[str, float]] = {}  #: by camera who moves it by hand, and when he last did

    async def close(self) -> None:
        """Leave all cameras."""
        for key in list(self._manned):
            await self._leave(key)

    def answer(self, server: Server) -> None:
        """Let `server` answer."""
        server.on(AskHead, self._shown)
        server.on(MoveCamera, self._move)
        server.on(PlaceCamera, self._place)
        server.on(StopCamera, self._stop)
        server.on(RecallPreset, self._recall)
        server.on(GoHome, self._home)
        server.on(KeepPreset, self._keep)
        server.on(ForgetPreset, self._forget)
        server.on(KeepHome, self._keep_home)

    async def recall(self, camera: str, wanted: str, by: str) -> None:
        """Let a camera go to a preset, by its token or name."""

        async def go(helm: Helm) -> Preset:
            preset = await _named(helm, wanted)
            await helm.go(lambda head: head.recall(preset.token))
            return preset

        preset = await self._at(camera, go)
        self._own.bus.publish(CameraMoved(camera, How.PRESET, preset.name or preset.token, by))

    # ------------------------------------------------------------------------------------ what others ask

    async def _shown(self, request: AskHead) -> HeadShown:
        try:
            return HeadShown(await self._at(request.camera, lambda helm: helm.ask(_described)), "")
        except Lacks as error:
            return HeadShown(None, str(error))

    async def _move(self, request: MoveCamera) -> Done:
        wanted = velocity(request.pan, request.tilt, request.zoom)
        if not 0 < request.seconds <= LONGEST_HOLD:
            raise BadValue("seconds", f"must be more than 0 and at most {LONGEST_HOLD:g}")
        await self._at(request.camera, lambda helm: helm.move(wanted, request.seconds))
        self._by_hand(request.camera, request.by)
        return Done()

    async def _place(self, request: PlaceCamera) -> Done:
        check = velocity if request.relative else position
        wanted = check(request.pan, request.tilt, request.zoom)

        async def go(head: Head) -> None:
            await (head.step(wanted) if request.relative else head.place(wanted))

        await self._at(request.camera, lambda helm: helm.go(go))
        self._by_hand(request.camera, request.by)
        return Done()

    async def _stop(self, request: StopCamera) -> Done:
        await self._at(request.camera, lambda helm: helm.stop())
        return Done()

    async def _recall(self, request: RecallPreset) -> Done:
        await self.recall(request.camera, request.preset, request.by)
        return Done()

    async def _home(self, request: GoHome) -> Done:
        await self._at(request.camera, lambda helm: helm.go(lambda head: head.home()))
        self._own.bus.publish(CameraMoved(request.camera, How.HOME, "", request.by))
        return Done()

    async def _keep(self, request: KeepPreset) -> KeptPreset:
        name = preset_name(request.name)
        token = await self._at(
            request.camera, lambda helm: helm.ask(lambda head: head.keep(name, request.preset))
        )
        self._changed(request.camera, PresetChange.KEPT, name, request.by)
        return KeptPreset(token)

    async def _forget(self, request: ForgetPreset) -> Done:
        async def forget(helm: Helm) -> Preset:
            preset = await _named(helm, request.preset)
            await helm.ask(lambda head: head.forget(preset.token))
            return preset

        preset = await self._at(request.camera, forget)
        self._changed(request.camera, PresetChange.FORGOTTEN, preset.name or preset.token, request.by)
        return Done()

    async def _keep_home(self, request: KeepHome) -> Done:
        await self._at(request.camera, lambda helm: helm.ask(lambda head: head.keep_home()))
        self._changed(request.camera, PresetChange.HOME, "", request.by)
        return Done()

    # ------------------------------------------------------------------------------------ within

    def _by_hand(self, camera: str, by: str) -> None:
        now = self._own.clock.monotonic()
        who, then = self._told.get(camera, ("", 0.0))
        self._told[camera] = by, now
        if who != by or now - then >= REST:
            self._own.bus.publish(CameraMoved(camera, How.HAND, "", by))

    def _changed(self, camera: str, change: PresetChange, preset: str, by: str) -> None:
        self._own.bus.publish(PresetChanged(camera, change, preset, by))

    async def _at(self, camera: str, work: Callable[[Helm], Awaitable[T]]) -> T:
        """Do something at a camera's helm. Whoever cannot be reached is met anew the next time."""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                return await work(await self._helm(camera))
        except TimeoutError:
            await self._leave(camera)
            raise Unreachable(f"The camera {camera} does not answer within {ASK_SECONDS:g} s.") from None
        except (Unreachable, NotUnderstood):
            await self._leave(camera)
            raise

    async def _helm(self, camera: str) -> Helm:
        async with self._manning.setdefault(camera, asyncio.Lock()):
            settings = self._own.settings.get(Camera, camera)
            access = settings.control()
            as_set = access, settings.main_profile
            known = self._manned.get(camera)
            if known is not None and known.as_set == as_set:
                return known.helm
            await self._leave(camera)
            portrait = await self._portrait(camera)
            main, _ = choose(portrait.profiles, settings.main_profile, settings.sub_profile)
            profile = moved(portrait.profiles, main)
            if access is None or profile is None:
                raise Lacks(f"The camera {camera} cannot be moved.")
            control = self._connect(access)
            try:
                head = await control.head(profile)
            except BaseException:
                await control.close()
                raise
            self._manned[camera] = _Manned(as_set, control, Helm(head, self._own.clock))
            return self._manned[camera].helm

    async def _leave(self, camera: str) -> None:
        known = self._manned.pop(camera, None)
        if known is not None:
            await known.helm.close()
            await known.control.close()


async def _named(helm: Helm, wanted: str) -> Preset:
    """A preset by its token, or by its name. Raises NotFound."""
    presets = await helm.ask(lambda head: head.presets())
    found = [each for each in presets if each.token == wanted] or [
        each for each in presets if each.name == wanted
    ]
    if not found:
        raise NotFound("preset", wanted)
    return found[0]


async def _described(head: Head) -> HeadCan:
    can = await head.abilities()
    presets: tuple[Preset, ...] = ()
    stand = Stand(None, False)
    with contextlib.suppress(Lacks, Declines):
        presets = tuple(await head.presets()) if can.presets else ()
    with contextlib.suppress(Lacks, Declines):
        stand = await head.stand()
    return HeadCan(
        can.pan_tilt,
        can.zoom,
        can.relative,
        can.absolute,
        can.home,
        presets,
        can.presets,
        stand.at,
        stand.moving,
    )
