"""Pictures and clips for recipients, as rules ask for them: made, put into the spool, and handed to the outbox.

A clip is an order first, in a box of its own for each recipient: it waits there until what comes after the event is
recorded, and a recorder that is killed meanwhile makes it when it is back. What was made is a file that a letter names.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from device.durable import write_durably
from device.errors import BadValue, HoldfastError, NotFound
from device.media import MICROSECONDS, Utc
from device.outbox.delivery import Undeliverable, deliver
from device.outbox.outbox import Draft, Letter, Limits, Outbox
from device.planes.errors import PlaneDown
from device.planes.link import Client
from device.planes.messages import ExportDone, ExportSpan
from device.recipients import naming
from device.recipients.parcel import Parcel
from device.recipients.spool import Spool
from device.recording.export.writing import NothingRecorded
from device.recordings.names import camera_of, token_of
from device.records import BadRecord, from_json, record, to_json
from device.settings.cameras import Camera
from device.settings.recipients import Recipient
from device.settings.recording import Recording
from device.settings.rules import Clip, Pictures
from integration.destinations import serve_each
from integration.plane import Plane
from integration.recipients import RecipientsPlane
from integration.zone import local_zone

ORDERS = Limits(octets=2_000_000, seconds=7 * 86_400)  #: of clips that are to be made for one recipient
MARGIN = 2.0  #: seconds from the moment that a picture is due on the disk to the clip that shows it
AT_ONCE = 2  #: clips that are made at the same time
SLOW = 900.0  #: seconds that the making of one may take before it is said to fail
SWEEP_EVERY = 10.0
MEDIA = {".mkv": "video/matroska", ".mp4": "video/mp4"}  #: RFC 9559, RFC 4337
_PREFIX = "clips/"  # of the names of the boxes


@record
@dataclass(frozen=True, slots=True)
class Order:
    """A clip that is to be made."""

    tokens: tuple[str, ...]  #: of recordings
    start: Utc
    end: Utc
    form: str  #: device.recording.export.planner.Form
    name: str  #: pattern of device.recipients.naming
    rule: str
    text: str


class Clips:
    """What makes them."""

    def __init__(
        self,
        own: Plane,
        outbox: Outbox,
        recipients: RecipientsPlane,
        streaming: Client,
        picture: Callable[[str, str], Awaitable[bytes]],
    ) -> None:
        """`picture`: what a stream of a camera shows now, as JPEG; raises HoldfastError."""
        self._own = own
        self._outbox = outbox
        self._recipients = recipients
        self._streaming = streaming
        self._picture = picture
        self._spool = Spool(own.folder.spool)
        self._making = asyncio.Semaphore(AT_ONCE)

    async def pictures(self, action: Pictures, rule: str, text: str) -> None:
        """Take pictures and send them, each as soon as it is there. Raises HoldfastError about the first that could not
        be had, when all others are under way."""
        self._recipients.check(action.recipient)
        failed: list[HoldfastError] = []

        async def one(camera: str) -> None:
            try:
                utc, jpeg = self._own.clock.utc(), await self._picture(camera, "main")
                await self._post(action, camera, utc, jpeg, rule, text)
            except HoldfastError as error:
                failed.append(error)

        for number in range(action.count):
            if number:
                await asyncio.sleep(action.every)
            await asyncio.gather(*map(one, action.cameras))
        if failed:
            raise failed[0]

    async def _post(self, action: Pictures, camera: str, utc: Utc, jpeg: bytes, rule: str, text: str) -> None:
        entry = f"{secrets.token_hex(8)}.jpg"
        with self._spool.making(entry) as path:
            await asyncio.to_thread(write_durably, path, jpeg, mode=0o600)
            name = self._name(action.name, camera, utc, rule, ".jpg")
            self._recipients.send(action.recipient, Parcel(name, "image/jpeg", rule, text, file=entry))

    def clip(self, action: Clip, utc: Utc, rule: str, text: str) -> None:
        """Have a clip made of what is around `utc`, and sent. Raises NotFound, TooLarge."""
        self._recipients.check(action.recipient)
        tokens = tuple(token_of(camera, action.stream) for camera in action.cameras)
        start = Utc(utc - round(action.before * MICROSECONDS))
        end = Utc(utc + round(action.after * MICROSECONDS))
        order = Order(tokens, start, end, action.form, action.name, rule, text)
        box = self._outbox.box(f"{_PREFIX}{action.recipient}", ORDERS)
        box.put([Draft(f"{rule} {action.form}", to_json(order))])

    def forget(self) -> None:
        """What waits for recipients that are gone from the settings."""
        self._spool.sweep(self._spool.entries())

    async def run(self) -> None:
        """For ever."""
        everybody = serve_each(
            self._own.settings, self._outbox, Recipient, _PREFIX, lambda _: True, self._serve
        )
        await asyncio.gather(everybody, self._sweep())

    async def _serve(self, key: str, recipient: Recipient) -> None:
        del recipient
        own = self._own
        box = self._outbox.box(f"{_PREFIX}{key}", ORDERS)
        await deliver(box, _Maker(self, key), own.clock, own.bus.publish, random.random, slow=SLOW)

    async def _sweep(self) -> None:
        while True:
            if entries := self._spool.entries():
                keys = self._own.settings.keys(Recipient)
                wanted = {_entry(head) for key in keys for head in self._recipients.waiting(key)}
                # What no letter names was acknowledged; that is on the disk before its file is gone.
                await asyncio.wrap_future(self._outbox.flush())
                await asyncio.to_thread(self._spool.sweep, entries - wanted)
            await asyncio.sleep(SWEEP_EVERY)

    async def make(self, key: str, letter: Letter) -> None:
        """Make the clip of an order and put it into the recipient's box, once. Raises BadRecord, HoldfastError."""
        order = from_json(Order, letter.body)
        await self._recorded(order)
        if any(_entry(head).startswith(f"{letter.id}-") for head in self._recipients.waiting(key)):
            return  # it was made, and the recorder killed before it knew
        async with self._making:
            with self._spool.making(f"{letter.id}-{secrets.token_hex(4)}") as folder:
                files = await self._export(order, folder)
                self._recipients.send(key, *(self._parcel(order, file) for file in files))

    async def _recorded(self, order: Order) -> None:
        """Wait until the end of a clip is on the disk. However the wall clock is set, not longer than the clip is."""
        margin = self._own.settings.get(Recording).durability + MARGIN
        left = (order.end - self._own.clock.utc()) / MICROSECONDS + margin
        await asyncio.sleep(min(max(0.0, left), (order.end - order.start) / MICROSECONDS + margin))

    async def _export(self, order: Order, folder: Path) -> list[Path]:
        by = f"rule {order.rule}"
        span = ExportSpan(order.tokens, order.start, order.end, order.form, str(folder), None, by)
        async with self._streaming.stream(span) as steps:
            async for step in steps:
                if isinstance(step, ExportDone):
                    return [Path(file) for file in step.files]
        raise PlaneDown("The streaming plane ended the export without a word.")

    def _parcel(self, order: Order, file: Path) -> Parcel:
        token = file.stem if file.stem in order.tokens else file.stem.rpartition("-")[0]
        name = self._name(order.name, camera_of(token)[0], order.start, order.rule, file.suffix)
        place = f"{file.parent.name}/{file.name}"
        return Parcel(name, MEDIA[file.suffix], order.rule, order.text, file=place)

    def _name(self, pattern: str, camera: str, utc: Utc, rule: str, suffix: str) -> str:
        known = self._own.settings.entries(Camera).get(camera)
        when = datetime.fromtimestamp(utc / MICROSECONDS, local_zone())
        number, title = self._recipients.number(), known.name if known is not None else ""
        return naming.expand(pattern, naming.Facts(when, number, camera, title, rule), suffix)


def _entry(head: str) -> str:
    """The entry of the spool that a letter names."""
    return head.partition("/")[0]


class _Maker:
    """`device.outbox.delivery.Sender`: orders of clips for one recipient become files."""

    window = 1

    def __init__(self, clips: Clips, key: str) -> None:
        self._clips = clips
        self._key = key

    async def send(self, letters: Sequence[Letter]) -> int:
        try:
            await self._clips.make(self._key, letters[0])
        except (BadRecord, BadValue, NotFound, NothingRecorded) as error:
            raise Undeliverable(str(error)) from error
        return 1
