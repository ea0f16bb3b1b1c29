"""ONVIF in the control plane: the services below /onvif/, and WS-Discovery, as the settings say."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from urllib.parse import quote

from aiohttp import web

from device.accounts.lockout import Lockout
from device.accounts.rights import Rights
from device.accounts.store import Accounts, DigestSecrets
from device.errors import HoldfastError
from device.events.catalogue import EndpointBack, EndpointFailed, LoginFailed
from device.events.event import describe
from device.events.journal import Entry
from device.planes.link import Client
from device.planes.messages import AskRecording, AskStreaming, Shutdown
from device.recordings.names import camera_of
from device.settings.cameras import Camera
from device.settings.clock import DateAndTime
from device.settings.network import Network
from device.settings.onvif import Onvif
from device.settings.recorder import Recorder as RecorderSettings
from device.settings.rtsp import Rtsp
from device.settings.section import Scope
from device.settings.store import Changed
from device.vault import Vault
from device.waiting import woken
from integration.config import Listen
from integration.event_brokers import EventBrokersPlane
from integration.factory_default import FactoryDefault
from integration.machine import MachinePlane
from integration.onvif_events import OnvifEvents
from integration.onvif_machine import NetworkSetup, Timekeeper
from integration.onvif_readings import Seen, streams, where
from integration.plane import Plane
from integration.recordings import RecordingsPlane
from integration.rtsp_websocket import URI as WEBSOCKET
from integration.version import VERSION
from protocols.http.endpoint import Mounts
from protocols.onvif.announcer import Announcer, Ip
from protocols.onvif.credentials import Door
from protocols.onvif.discovery import Discovery, Target
from protocols.onvif.endpoint import PREFIX, Bell, Endpoint
from protocols.onvif.operations import Service, Table
from protocols.onvif.pullpoints import PullPoints
from protocols.onvif.responder import Responder
from protocols.onvif.services.brokers import EventBrokers
from protocols.onvif.services.device import PATH, About, Device
from protocols.onvif.services.deviceio import DeviceIo
from protocols.onvif.services.event import Events
from protocols.onvif.services.media import Media, Stream
from protocols.onvif.snapshots import PREFIX as PICTURES
from protocols.onvif.snapshots import Snapshots, path_of
from protocols.onvif.topics import LAST_REBOOT, Notification
from protocols.onvif.xml import write_instant

BY = "onvif"
#: Sections that scopes are made of.
_ANNOUNCED = {kind.about.section for kind in (Onvif, RecorderSettings, Network, DateAndTime)}
FRESH = 1.0  #: seconds that a reading of the other planes is good for
IDLE = 10.0  #: seconds between two readings while nobody asks
ANSWER_SECONDS = 1.0  #: that a request waits for a new reading; then the last one serves
LOOK = 15.0  #: seconds between two looks for interfaces that came or went
SAY_FAILURES = 1.0  #: seconds between two events about wrong passwords: a scanner fills no journal
RESTART_AFTER = 0.5  #: seconds: the reply leaves first
LOG_LINES = 500


class Known:
    """The accounts' secrets, without passwords where tokens are switched off. `credentials.Secrets`."""

    def __init__(self, kept: DigestSecrets, tokens: Callable[[], bool]) -> None:
        self.realm = kept.realm
        self._kept = kept
        self._tokens = tokens

    def ha1(self, user: str, algorithm: str) -> str | None:
        """Credentials."""
        return self._kept.ha1(user, algorithm)

    def password(self, user: str) -> str | None:
        """Secrets."""
        return self._kept.password(user) if self._tokens() else None

    def rights(self, user: str) -> Rights | None:
        """Secrets."""
        return self._kept.rights(user)


class OnvifPlane:
    """The services and the announcer."""

    path = PATH  #: of the URL that clients begin with

    def __init__(
        self,
        own: Plane,
        accounts: Accounts,
        lockout: Lockout,
        mounts: Mounts,
        listen: Listen,
        recording: Client,
        streaming: Client,
        recordings: RecordingsPlane,
        factory: FactoryDefault,
        picture: Callable[[str, str], Awaitable[bytes]],
        machine: MachinePlane,
        events: OnvifEvents,
        brokers: EventBrokersPlane,
    ) -> None:
        """`picture`: of a camera's stream, as JPEG. Raises DatabaseFault."""
        self._own = own
        self._mounts = mounts
        self._listen = listen
        self._recording = recording
        self._streaming = streaming
        self._recordings = recordings
        self._machine = machine
        self._kept = DigestSecrets(own.folder.accounts, Vault.at(own.folder.key), own.identity.serial)
        self._read = -FRESH
        self._reading = asyncio.Lock()
        self._seen = Seen()
        #: Ports of RTSP and RTSPS, as they were when they were last read.
        self.rtsp = listen.rtsp, listen.rtsps
        self._said_failure = -SAY_FAILURES
        self._changed = asyncio.Event()
        self._events = events
        self._brokers = brokers
        self.points = PullPoints(events.topics, own.bus.journal, Bell)
        # Its subscribers are gone, as after any restart: only the recording plane has gone on.
        self.points.tell(
            Notification(LAST_REBOOT, own.since, {}, {"Status": write_instant(own.since)}, "Changed")
        )
        self.recorder = Recorder(own, factory, streaming, machine)
        self._ports_now: Callable[[], tuple[int, int]] = lambda: (0, 0)
        door = Door(
            Known(self._kept, lambda: own.settings.get(Onvif).username_token),
            secrets.token_bytes(32),
            own.settings.get(Onvif).clock_skew,
            lockout,
            self._refused,
        )
        self.table = Table(self._services(accounts))  #: every operation, and who may ask it
        self._endpoint = Endpoint(Responder(self.table, door, _complain), own.clock)
        self._snapshots = Snapshots(door, lambda profile: picture(*camera_of(profile)), own.clock)
        self._ends = [own.bus.subscribe(self._heard), own.settings.subscribe(self._setting_changed)]

    def _heard(self, entry: Entry) -> None:
        for notification in self._events.notifications(entry):
            self.points.tell(notification)

    def _services(self, accounts: Accounts) -> Sequence[Service]:
        """All services. A new one is a row here."""
        own = self._own
        identity = own.identity
        about = About(
            "Holdfast", "Network video recorder", VERSION, identity.serial, identity.id[:8], identity.id
        )
        everything: list[Service] = []
        everything += [
            Device(
                about,
                self.recorder,
                NetworkSetup(self._machine, own.settings, self._ports),
                Timekeeper(self._machine, own.clock),
                accounts,
                everything,
            ).service(),
            Events(self.points, own.clock, EventBrokers(self._brokers, self.points.topics.known)).service(),
            Media(
                self.streams,
                lambda: self.rtsp[0],
                lambda: own.settings.get(Rtsp).multicast,
                self._snapshot,
                WEBSOCKET,
            ).service(),
            DeviceIo(self.streams).service(),
            *self._recordings.services(),
        ]
        return everything

    def close(self) -> None:
        """Let go of the accounts."""
        for end in self._ends:
            end()
        self._kept.close()

    # ------------------------------------------------------------------------------------ serving

    async def run(self, ports: Callable[[], tuple[int, int]]) -> None:
        """Until cancelled. `ports`: of HTTPS and HTTP, as they are now."""
        self._ports_now = ports
        looking = asyncio.create_task(self._look(), name="onvif readings")
        unmount: Callable[[], None] | None = None
        try:
            while True:
                self._changed.clear()
                settings = self._own.settings.get(Onvif)
                if settings.enabled and unmount is None:
                    unmount = self._mounts.add(PREFIX, self._handle)
                elif not settings.enabled and unmount is not None:
                    unmount()
                    unmount = None
                if settings.enabled and settings.discovery:
                    await self._announce()
                else:
                    self._own.bus.publish(EndpointBack("ws-discovery"))
                    await self._changed.wait()
        finally:
            if unmount is not None:
                unmount()
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.startswith(PICTURES):
            return await self._snapshots.handle(request)
        if self._own.clock.monotonic() - self._read > FRESH:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._take_reading()
        return await self._endpoint.handle(request)

    def _snapshot(self, stream: Stream) -> str | None:
        access = self._own.settings.get(Camera, stream.source).control()
        return None if access is None else path_of(stream.token)

    def streams(self) -> Sequence[Stream]:
        """The cameras' streams, as they were when they were last read."""
        return streams(self._own.settings.entries(Camera), self._seen)

    async def _look(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE):
                    await self._take_reading()
            await asyncio.sleep(IDLE)

    async def _take_reading(self) -> None:
        """Ask the other planes. One that does not answer is as it was."""
        async with self._reading:
            if self._own.clock.monotonic() - self._read <= FRESH:
                return
            with contextlib.suppress(HoldfastError):
                self._seen.told(await self._recording.call(AskRecording()), self._own.clock.utc())
            with contextlib.suppress(HoldfastError):
                serving = await self._streaming.call(AskStreaming())
                self.rtsp = serving.rtsp or self.rtsp[0], serving.rtsps or self.rtsp[1]
            self._read = self._own.clock.monotonic()

    def _ports(self) -> tuple[tuple[str, int], ...]:
        https, http = self._ports_now()
        return ("HTTP", http), ("HTTPS", https), ("RTSP", self.rtsp[0])

    def _setting_changed(self, changed: Changed) -> None:
        if changed.section == Onvif.about.section:
            self._endpoint.responder.door.skew = self._own.settings.get(Onvif).clock_skew
        if changed.section in _ANNOUNCED:
            self._changed.set()

    def _refused(self, account: str, peer: str) -> None:
        now = self._own.clock.monotonic()
        if now - self._said_failure >= SAY_FAILURES:
            self._said_failure = now
            self._own.bus.publish(LoginFailed(account, peer, BY))

    # ------------------------------------------------------------------------------------ being found

    async def _announce(self) -> None:
        """Be found, until a setting changes that says whether, or the interfaces do."""
        own = self._own
        try:
            await self.recorder.read_macs()
            places = await asyncio.to_thread(where, self._listen.address)
            discovery = Discovery(self._target(), own.since // 1_000_000)
            announcer = Announcer(discovery, places, self._urls)
            async with announcer:
                own.bus.publish(EndpointBack("ws-discovery"))
                while await asyncio.to_thread(where, self._listen.address) == places:
                    if not await woken(self._changed, LOOK):
                        continue
                    self._changed.clear()
                    settings = own.settings.get(Onvif)
                    if not settings.discovery or not settings.enabled:
                        self._changed.set()
                        return
                    if self.recorder.all_scopes() != discovery.target.scopes:
                        discovery.target = self._target()
                        announcer.hello()
        except OSError as error:
            own.bus.publish(EndpointFailed("ws-discovery", f"multicast: {error.strerror}"))
            await woken(self._changed, LOOK)

    def _target(self) -> Target:
        """What is announced now. Its version is the time of the change, which grows through restarts too."""
        own = self._own
        return Target(own.identity.id, self.recorder.all_scopes(), own.clock.utc() // 1_000_000)

    def _urls(self, ip: Ip) -> list[str]:
        https, http = self._ports_now()
        host = f"[{ip}]" if ip.version == 6 else str(ip)
        found = (("http", http), ("https", https))
        return [f"{scheme}://{host}:{port}{PATH}" for scheme, port in found if port]


class Recorder:
    """What the Device service needs. `protocols.onvif.services.device.Recorder`."""

    def __init__(
        self,
        own: Plane,
        factory: FactoryDefault,
        streaming: Client,
        machine: MachinePlane,
    ) -> None:
        self._own = own
        self._factory = factory
        self._streaming = streaming
        self._machine = machine
        self._macs: tuple[str, ...] = ()
        self._restarting: asyncio.Task[None] | None = None

    async def read_macs(self) -> None:
        """Read the addresses of the network cards, for the scopes. Raises OSError."""
        network = await self._machine.state()
        self._macs = tuple(one.mac for one in network.interfaces if one.mac and one.addresses)

    def all_scopes(self) -> tuple[str, ...]:
        """Fixed and added."""
        return (*self.fixed_scopes(), *self.scopes())

    def fixed_scopes(self) -> tuple[str, ...]:
        """ONVIF Core s7.3.2.2. Home Assistant looks for `Profile/Streaming` and `mac`, others for `MacAddress`.

        `Profile/G` is claimed where network and clock can be set by ONVIF: the profile demands it.
        """
        settings = self._own.settings
        name = quote(settings.get(RecorderSettings).name, safe="")
        location = quote(settings.get(Onvif).location or "unknown", safe="")
        macs = [f"{kind}/{mac}" for mac in self._macs for kind in ("MacAddress", "mac")]
        told = (
            *(("Profile/G",) if self._machine.settable else ()),
            "Profile/Streaming",
            "type/Network_Video_Storage",
            "type/video_encoder",
            "hardware/Holdfast",
            f"name/{name}",
            f"location/{location}",
            f"SerialNumber/{self._own.identity.serial}",
            *macs,
        )
        return tuple(f"onvif://www.onvif.org/{each}" for each in told)

    def scopes(self) -> tuple[str, ...]:
        """Recorder."""
        return self._own.settings.get(Onvif).scopes

    def set_scopes(self, scopes: tuple[str, ...], *, by: str) -> None:
        """Recorder."""
        self._own.settings.patch(Onvif, {"scopes": list(scopes)}, by=by)

    def discoverable(self) -> bool:
        """Recorder."""
        return self._own.settings.get(Onvif).discovery

    def set_discoverable(self, on: bool, *, by: str) -> None:
        """Recorder."""
        self._own.settings.patch(Onvif, {"discovery": on}, by=by)

    async def log(self) -> str:
        """Recorder."""
        return "\n".join(map(_line, reversed(self._own.bus.journal.latest(LOG_LINES))))

    def restart(self) -> str:
        """Recorder: everything that talks to the network starts anew; cameras are recorded all the while."""
        if self._restarting is None:
            self._restarting = asyncio.create_task(self._restart())
        return "The recorder answers again in a few seconds. Recording goes on."

    async def _restart(self) -> None:
        await asyncio.sleep(RESTART_AFTER)
        await self._factory.done()
        with contextlib.suppress(HoldfastError):
            await self._streaming.call(Shutdown())
        self._own.stop.set()

    def reset(self, *, hard: bool, by: str) -> None:
        """Recorder."""
        self._factory.begin(by, Scope.FACTORY if hard else Scope.RESTORE)
        self.restart()


def _line(entry: Entry) -> str:
    moment = datetime.fromtimestamp(entry.utc / 1_000_000).astimezone().isoformat(timespec="milliseconds")
    event = entry.event
    fields = " ".join(f"{field.name}={getattr(event, field.name)!r}" for field in describe(type(event)))
    return f"{moment} {event.severity.name} {event.name} {fields}"


def _complain(operation: str, error: Exception) -> None:
    """A handler failed: a defect of ours, for the system's log."""
    sys.stderr.write(f"ONVIF {operation}: {error!r}\n")
