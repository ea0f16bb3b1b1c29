"""A running recorder whose catalogue holds months of 64 cameras, asked over the network as its clients ask it. There is
no video behind the catalogue but what a bench lays there."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlsplit

from lxml import etree

from bench.catalogue import CAMERAS, fill, installation
from bench.holdfast import Program, install
from bench.measure import Groups, between, sample, total
from bench.pages import LOGIN
from bench.programs import BenchError
from bench.report import Options
from bench.store import Clip
from device.folder import DataFolder
from device.media import Utc
from integration.setup import prepare
from protocols.onvif.credentials import PASSWORD_DIGEST
from protocols.onvif.names import ENV, WSSE, WSU
from protocols.onvif.xml import Element, sub, write_instant

_PATIENCE = 60.0  #: seconds
_NONCES = itertools.count()


@contextmanager
def archive(
    options: Options,
    days: int,
    sent: Clip,
    every: int,
    lay: Callable[[DataFolder], object] = lambda folder: None,  # noqa: ARG005 - most lay nothing
) -> Iterator[tuple[Program, Groups]]:
    """A recorder that runs, with `days` of all cameras and a gap `every` so many minutes; `lay` puts more into its
    folder before. Video is served to anybody, the rest to `LOGIN`."""
    options.progress(f"making a catalogue of {days} days of {CAMERAS} cameras")
    folder = installation(options.folder / "data")
    prepare(folder, ["rtsp.anonymous=true"], LOGIN)
    fill(folder, CAMERAS, days, sent, files=False, every=every)
    lay(folder)
    made = install(folder.path, options.folder / "holdfast.toml", {}, None, ())
    with made.running(options.folder / "holdfast.log") as program:
        yield program, program.ready()


@dataclass(slots=True)
class Timed:
    """Many of the same question."""

    walls: list[float] = field(default_factory=list)  #: milliseconds each
    cpu: float = 0.0  #: milliseconds of all planes, for all of them

    @property
    def mean_cpu(self) -> float:
        """Milliseconds of one."""
        return self.cpu / max(len(self.walls), 1)

    def ask(self, groups: Groups, times: int, question: Callable[[], object]) -> None:
        """So many more."""
        before = sample(groups)
        for _ in range(times):
            began = time.perf_counter()
            question()
            self.walls.append((time.perf_counter() - began) * 1000)
        self.cpu += total(between(before, sample(groups)).values()).cpu * 1000


class Onvif:
    """A client of the services on one connection, who looks at little of what he gets."""

    def __init__(self, url: str) -> None:
        """`url`: of the device service."""
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_PATIENCE)
        self._path = parts.path

    def ask(self, body: Element) -> bytes:
        """The octets of the reply. Raises BenchError: it is a fault."""
        status, reply = self.send(envelope(body))
        if status != 200:
            raise BenchError(
                f"{etree.QName(body).localname}: {status}, {reply[:600].decode(errors='replace')}"
            )
        return reply

    def send(self, octets: bytes) -> tuple[int, bytes]:
        """A body as it is; status and body of the answer."""
        self._connection.request("POST", self._path, octets, {"Content-Type": "application/soap+xml"})
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def envelope(body: Element) -> bytes:
    """A request of `LOGIN`, with a UsernameToken."""
    root = etree.Element(ENV.Envelope)
    given = sub(sub(sub(root, ENV.Header), WSSE.Security), WSSE.UsernameToken)
    nonce, created = next(_NONCES).to_bytes(16, "big"), write_instant(Utc(time.time_ns() // 1000))
    proof = hashlib.sha1(nonce + created.encode() + LOGIN.password.encode()).digest()  # noqa: S324 - the standard's
    sub(given, WSSE.Username, LOGIN.name)
    sub(given, WSSE.Password, base64.b64encode(proof).decode(), Type=PASSWORD_DIGEST)
    sub(given, WSSE.Nonce, base64.b64encode(nonce).decode())
    sub(given, WSU.Created, created)
    sub(root, ENV.Body).append(body)
    return etree.tostring(root)


def word(reply: bytes, name: str) -> str:
    """The text of the first element of a local name."""
    found = re.search(rb"<(?:\w+:)?%b>([^<]*)<" % name.encode(), reply)
    if found is None:
        raise BenchError(f"There is no {name} in {reply[:600].decode(errors='replace')}")
    return found[1].decode()
