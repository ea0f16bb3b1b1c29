"""A video management system of the barest kind: what it says over ONVIF is written out, every reply is judged by the
schemas, and it plays what it found."""

from __future__ import annotations

import time
import urllib.request

from lxml import etree

from device.digest import authorization, challenges, secret_of
from device.media import Utc
from protocols.onvif.names import PREFIXES, TT
from protocols.onvif.xml import Element, write_instant
from protocols.rtsp.message import Response
from tests.protocols.onvif import rig as soap
from tests.protocols.onvif.schema import judge
from tests.protocols.rtsp.wire import Player

NAME, PASSWORD = "vms", "pair-with-me-5"  # of an account that lives for the test


def ask(url: str, xml: str) -> Element:
    """One request with a UsernameToken; the reply is judged by the schemas."""
    spaces = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in PREFIXES.items())
    end = xml.find(">") - (xml[xml.find(">") - 1] == "/")
    body = etree.fromstring(f"{xml[:end]} {spaces}{xml[end:]}")
    data = soap.envelope(body, soap.token(NAME, PASSWORD, write_instant(_now())))
    request = urllib.request.Request(url, data, {"Content-Type": "application/soap+xml"})
    with urllib.request.urlopen(request, timeout=90) as answer:
        octets = answer.read()
    judge(octets)
    return etree.fromstring(octets)


def _now() -> Utc:
    return Utc(time.time_ns() // 1000)


def subscribe(url: str) -> str:
    """A pull point for everything, for ten minutes; its URL."""
    asked = "<tev:InitialTerminationTime>PT10M</tev:InitialTerminationTime>"
    reply = ask(url, f"<tev:CreatePullPointSubscription>{asked}</tev:CreatePullPointSubscription>")
    return next(reply.iter("{*}Address")).text or ""


def told(url: str) -> list[tuple[str, dict[str, str]]]:
    """What waits in a pull point: topics and items."""
    limits = "<tev:Timeout>PT1S</tev:Timeout><tev:MessageLimit>200</tev:MessageLimit>"
    asked = f"<tev:PullMessages>{limits}</tev:PullMessages>"
    found = []
    for message in ask(url, asked).iter("{*}NotificationMessage"):
        topic = (message.findtext("{*}Topic") or "").partition(":")[2]
        found.append(
            (topic, {item.get("Name", ""): item.get("Value", "") for item in message.iter(TT.SimpleItem)})
        )
    return found


class Viewer(Player):
    """A player that says who it is."""

    who = NAME, PASSWORD

    async def ask(self, method: str, path: str, *fields: tuple[str, str]) -> Response:
        """One request; with credentials where they are asked for."""
        answer = await super().ask(method, path, *fields)
        if answer.status != 401:
            return answer
        best = challenges(answer.headers.all("WWW-Authenticate"))[0]
        name, password = self.who
        ha1 = secret_of(name, best.realm, password, best.algorithm)
        proof = authorization(best, name, ha1, method, self.base + path, 1, "abcdef")
        return await super().ask(method, path, *fields, ("Authorization", proof))
