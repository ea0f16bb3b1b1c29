"""The four services of a recorder on the rig of recordings, asked in ONVIF's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from device.errors import BadValue
from protocols.onvif.names import PREFIXES, TT
from protocols.onvif.services.receiver import Receiver
from protocols.onvif.services.recording import Recording
from protocols.onvif.services.replay import Replay
from protocols.onvif.services.search import Search
from protocols.onvif.xml import Element
from tests.device.recordings.rig import Rig, rig
from tests.protocols.onvif.rig import Device, Said


class Player:
    """`protocols.onvif.services.replay.Replaying`."""

    timeouts = (10.0, 3600.0)
    seconds = 60.0

    def timeout(self) -> float:
        """Replaying."""
        return self.seconds

    def set_timeout(self, seconds: float, by: str) -> None:
        """Replaying."""
        if not self.timeouts[0] <= seconds <= self.timeouts[1]:
            raise BadValue("session_timeout", "10 to 3600")
        self.seconds = seconds

    def url(self, host: str, secure: bool, token: str) -> str:
        """Replaying."""
        return f"rtsp{'s' * secure}://{host}:8554/replay/{token}"


@dataclass
class Recorder:
    """A device, and what stands behind it."""

    rig: Rig
    device: Device

    async def say(self, xml: str, user: str = "otto") -> Said:
        """One request, as written with the usual prefixes. The reply is judged by the schemas."""
        spaces = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in PREFIXES.items())
        name, end = xml.partition("<")[2], xml.find(">")
        assert name
        head, rest = xml[:end].rstrip("/"), xml[end - xml[:end].endswith("/") :]
        return await self.device.ask(etree.fromstring(f"{head} {spaces}{rest}"), user)

    async def get(self, xml: str, user: str = "otto") -> Element:
        """The same; it must succeed."""
        said = await self.say(xml, user)
        assert said.fault == (), said.reason
        assert not self.device.defects, self.device.defects
        return said.body


def words(element: Element, path: str) -> list[str]:
    """The texts of the elements that a path of tt: names leads to."""
    steps = "/".join(TT.name(step) if step not in ("*", "") else step for step in path.split("/"))
    return [found.text or "" for found in element.findall(".//" + steps)]


@contextmanager
def recorder(folder: Path) -> Iterator[Recorder]:
    """All of it."""
    with rig(folder) as made:
        services = (
            Recording(made.recordings).service(),
            Search(made.archive).service(),
            Receiver(made.recordings).service(),
            Replay(made.archive.known, Player()).service(),
        )
        yield Recorder(made, Device(services))
