"""What `installed` proves of a Holdfast that systemd runs: the service, what it may, the network and the clock."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import aiohttp
from onvif import ONVIFClient  # type: ignore[import-untyped]

from holdfast_client import Holdfast, Problem, Unreachable
from tests.guest.machine import Guest, GuestFailed

T = TypeVar("T")

HERE, LEASED, STATIC, TRIED = "192.0.2.1", "192.0.2.60", "192.0.2.70", "192.0.2.71"
CAMERA_PORT = 8554
USER, PASSWORD = "admin", "An-evening-in-1998"
PATIENCE = 300.0  #: seconds for anything that a person would wait for; the guest is slow
CONFIRM = 30  #: seconds to confirm a change of the network
AS_USER = "runuser -u holdfast -- /opt/holdfast/holdfast"
RIGHTS = {10: "CAP_NET_BIND_SERVICE", 25: "CAP_SYS_TIME"}  #: capabilities(7), those that somebody has
#: In the service's own namespace and as its user, with none of its rights.
INSIDE = (
    "nsenter -t $(systemctl show -p MainPID --value holdfast) -m "
    "setpriv --reuid holdfast --regid holdfast --clear-groups"
)


class Wrong(Exception):
    """Something is not as it should be; the message says what."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was tried."""

    what: str
    told: str  #: what came of it
    seconds: float
    good: bool

    def __str__(self) -> str:
        return f"| {self.what} | {self.told if self.good else f'**{self.told}**'} | {self.seconds:.0f} s |"


class Installed:
    """A guest that runs it, from outside and from within."""

    def __init__(self, guest: Guest, blocks: Callable[[str], list[list[str]]]) -> None:
        """`blocks`: of commands, below a heading of the guide."""
        self._guest = guest
        self._blocks = blocks
        self._rows: list[Row] = []
        self._where = LEASED

    def run(self) -> bool:
        """All of it; whether it went well."""
        print("| what | came of it | time, emulated |\n|---|---|---|")
        steps: tuple[tuple[str, Callable[[], str]], ...] = (
            ("the unit starts, with the ports of the guide", self._starts),
            ("`systemd-analyze security holdfast`", self._exposure),
            ("what it may write and see", self._sandbox),
            ("network and clock handed over, without the rights", self._refused),
            ("the commands of the guide's *Network and clock*", self._granted),
            ("`systemd-analyze security holdfast`, with the rights", self._exposure),
            ("address, name and time server of DHCP", self._leased),
            ("a camera is recorded", self._records),
            ("SetHostname", self._named),
            ("SetNTP", self._follows),
            ("SetSystemDateAndTime, an hour ahead", lambda: self._set_clock(timedelta(hours=1))),
            ("SetSystemDateAndTime, into what is recorded", lambda: self._set_clock(timedelta(seconds=-60))),
            ("SetSystemDateAndTime, NTP again", self._synchronized),
            ("SetNetworkInterfaces, an address by hand", lambda: self._moved(STATIC)),
            ("SetNetworkInterfaces, DHCP again", lambda: self._moved("")),
            ("an address by the API that nobody confirms", self._taken_back),
            ("the recording plane killed", self._plane_killed),
            ("the supervisor killed", self._killed),
            ("`systemctl stop`, and `holdfast check`", self._stops),
        )
        for what, work in steps:
            begin = time.monotonic()
            try:
                told, good = work(), True
            except (Wrong, GuestFailed, Problem, Unreachable, OSError) as error:
                told, good = f"{type(error).__name__}: {error}", False
            row = Row(what, told, time.monotonic() - begin, good)
            self._rows.append(row)
            print(row, flush=True)
        return all(row.good for row in self._rows)

    # ------------------------------------------------------------------------------------ the service

    def _starts(self) -> str:
        self._active()
        said = self._shell("ss -Hltn")
        ports = sorted({int(port) for port in re.findall(r"0\.0\.0\.0:(\d+)", said)} & {80, 322, 443, 554})
        _must(ports == [80, 322, 443, 554], f"listens on {ports}")
        for command in self._blocks("Install")[1]:
            self._shell(f"echo {PASSWORD} | {command}")
        return f"active; {', '.join(map(str, ports))} are open; first administrator and storage made"

    def _exposure(self) -> str:
        said = self._shell("systemd-analyze security --no-pager holdfast | tail -1")
        found = re.search(r"\d+\.\d", said)
        _must(found is not None, said)
        held: dict[str, str] = {}
        for plane in ("recording", "streaming", "control"):
            status = self._shell(f"cat /proc/$(pgrep -f '[i]ntegration.start {plane}')/status")
            sets = set(re.findall(r"Cap(?:Prm|Eff|Amb):\s*(\w+)", status))
            _must(len(sets) == 1 and "NoNewPrivs:\t1" in status, status)
            number = int(sets.pop(), 16)
            held[plane] = " and ".join(RIGHTS.get(bit, str(bit)) for bit in range(64) if number >> bit & 1)
        rights = "; ".join(f"{plane}: {names}" for plane, names in held.items())
        return f"{found[0] if found else '?'} of 10; {rights}, and no other right"

    def _sandbox(self) -> str:
        tried = (
            "touch /etc/x",
            "touch /opt/holdfast/x",
            "touch /home/x",
            "test -e /dev/vda",
            "test -d /proc/1",
        )
        wrong = [each for each in tried if self._guest.run("sh", "-c", f"{INSIDE} {each}").code == 0]
        _must(not wrong, f"it can {wrong}")
        self._shell(
            f"{INSIDE} touch /srv/holdfast/x /var/lib/holdfast/x && rm /srv/holdfast/x /var/lib/holdfast/x"
        )
        return "its two folders; not /etc, /opt, /home, no disk's device, no process of others"

    # ------------------------------------------------------------------------------------ the rights

    def _refused(self) -> str:
        for command in self._blocks("Network and clock")[1]:
            self._shell(command)
        wanted = {"network", "clock"}
        told: dict[str, str] = {}

        def both() -> bool:
            said = self._shell(f"{AS_USER} events --last 20")
            told.update(re.findall(r"machine\.refused +part=(\w+) +detail=(.*)", said))
            return told.keys() >= wanted

        _until(both, "machine.refused is not told of both")
        return "; ".join(f"{part}: {told[part].strip()}" for part in sorted(wanted))

    def _granted(self) -> str:
        _, *commands = self._blocks("Network and clock")[0]
        for command in commands:
            self._shell(command)
        self._active()
        return f"{len(commands)} commands, none failed"

    # ------------------------------------------------------------------------------------ the network

    def _leased(self) -> str:
        self._reached(LEASED)
        _until(lambda: self._shell("hostnamectl --static").strip() == "leased", "the name is not DHCP's")
        _until(
            lambda: f"^* {HERE}" in self._shell("chronyc -n sources"), "chrony does not follow DHCP's server"
        )
        _must(
            "05-holdfast.network" in self._shell("networkctl status --no-pager"), "another file has the card"
        )
        return f"{LEASED}, leased, {HERE}"

    def _named(self) -> str:
        self._device().SetHostname(Name="by-onvif")
        told = self._device().GetHostname()
        machine = self._shell(
            "hostnamectl --static; cat /proc/sys/kernel/hostname; cat /etc/hostname"
        ).split()
        _must(
            (told.Name, told.FromDHCP, *machine) == ("by-onvif", False, *["by-onvif"] * 3),
            f"{told}, {machine}",
        )
        return "GetHostname, hostnamectl, the kernel and /etc/hostname say by-onvif"

    def _moved(self, address: str) -> str:
        four: dict[str, Any] = {"Enabled": True, "DHCP": not address}
        if address:
            four["Manual"] = [{"Address": address, "PrefixLength": 24}]
        token = self._device().GetNetworkInterfaces()[0].token
        with contextlib.suppress(Exception):  # the answer goes to an address that is gone, perhaps
            self._device().SetNetworkInterfaces(
                InterfaceToken=token, NetworkInterface={"Enabled": True, "IPv4": four}
            )
        old = self._where
        self._reached(address or LEASED)
        shown = self._shell(f"ip -brief address show {token}")
        _must(f" {old}/" not in shown, f"the old address is still there: {shown}")
        self._well()
        return f"{old} → {self._where}; recording goes on"

    def _taken_back(self) -> str:
        async def change(recorder: Holdfast) -> None:
            await recorder.settings.change("network", {"confirm": CONFIRM})
            moved = {"ipv4": "manual", "ipv4_address": TRIED, "ipv4_prefix": 24}
            with contextlib.suppress(Unreachable):
                await recorder.settings.change("network", moved)

        self._ask(change)
        _until(lambda: f" {TRIED}/" in self._shell("ip -brief address"), "the change is not tried")
        begin = time.monotonic()
        self._reached(LEASED)
        seconds = time.monotonic() - begin
        _must("network.taken-back" in self._shell(f"{AS_USER} events --last 20"), "nobody is told")
        return f"{TRIED}, and {seconds:.0f} s later {LEASED} again; network.taken-back"

    # ------------------------------------------------------------------------------------ the clock

    def _follows(self) -> str:
        server = [{"Type": "IPv4", "IPv4Address": HERE}]
        self._device().SetNTP(FromDHCP=False, NTPManual=server)
        _until(lambda: f"^* {HERE}" in self._shell("chronyc -n sources"), "chrony does not follow it")
        _must(not self._device().GetNTP().FromDHCP, "GetNTP says DHCP")
        clock = self._ask(lambda recorder: recorder.system.system())["clock"]
        _must(clock["synchronised"] is True, f"the recorder does not see that the clock is in step: {clock}")
        return f"chrony follows {HERE}; the clock is {self._off():.2f} s off this machine's"

    def _set_clock(self, by: timedelta) -> str:
        shall = datetime.fromtimestamp(self._now(), UTC) + by
        moment = {
            "Date": {"Year": shall.year, "Month": shall.month, "Day": shall.day},
            "Time": {"Hour": shall.hour, "Minute": shall.minute, "Second": shall.second},
        }
        self._device().SetSystemDateAndTime(DateTimeType="Manual", DaylightSavings=False, UTCDateTime=moment)
        _must(
            abs(self._now() - shall.timestamp()) < 60,
            f"the clock is at {self._now()}, not {shall.timestamp()}",
        )
        self._well()
        return f"{self._stepped()}; recording goes on; {self._checked()}"

    def _synchronized(self) -> str:
        self._device().SetSystemDateAndTime(DateTimeType="NTP", DaylightSavings=False)
        _until(lambda: abs(self._off()) < 1.0, "the clock does not come back")
        self._well()
        return f"{self._stepped()}, {self._off():.2f} s off; recording goes on; {self._checked()}"

    def _stepped(self) -> str:
        said = self._shell(f"{AS_USER} events --last 30")
        steps = re.findall(r"clock\.stepped +step=(\S+)", said)
        _must(bool(steps), "clock.stepped is not told")
        return f"clock.stepped by {float(steps[-1]):.1f} s"

    def _now(self) -> float:
        return float(self._shell("date +%s.%N"))

    def _off(self) -> float:
        return self._now() - time.time()

    # ------------------------------------------------------------------------------------ recording

    def _records(self) -> str:
        self._shell(f"{AS_USER} cameras add rtsp://{HERE}:{CAMERA_PORT}/main --name Lobby")
        self._well()
        return self._checked()

    def _plane_killed(self) -> str:
        self._shell("kill -9 $(pgrep -f '[i]ntegration.start recording')")
        seconds = self._back()
        _must(self._property("NRestarts") == "0", "systemd had to start it again")
        return f"records again after {seconds:.0f} s; systemd had nothing to do"

    def _killed(self) -> str:
        self._shell("systemctl kill --kill-whom=main -s KILL holdfast")
        _until(lambda: self._property("NRestarts") == "1", "systemd does not start it again")
        self._active()
        seconds = self._back()
        return f"started by systemd; records {seconds:.0f} s after it is active"

    def _stops(self) -> str:
        begin = time.monotonic()
        self._shell("systemctl stop holdfast")
        seconds = time.monotonic() - begin
        _must(self._property("Result") == "success", f"ended with {self._property('Result')}")
        return f"ended in {seconds:.1f} s of 30; {self._checked('--deep')}"

    def _checked(self, *words: str) -> str:
        said = self._guest.run("sh", "-c", f"{AS_USER} check {' '.join(words)}", timeout=PATIENCE)
        _must(said.code == 0, f"check: {said.out} {said.err}")
        return f"`check`: {said.out.strip().rstrip('.')}"

    def _back(self) -> float:
        begin = time.monotonic()
        self._well()
        return time.monotonic() - begin

    def _well(self) -> None:
        """Frames that come now are on the disk."""

        async def acknowledged(recorder: Holdfast) -> str:
            streams = [
                each for camera in (await recorder.cameras.cameras())["cameras"] for each in camera["streams"]
            ]
            return streams[0]["acknowledged"] or "" if streams and streams[0]["well"] else ""

        seen: set[str] = set()

        def advances() -> bool:
            with contextlib.suppress(Problem, Unreachable):
                seen.add(self._ask(acknowledged))
            return len(seen - {""}) > 1

        _until(advances, "no frame is acknowledged")

    # ------------------------------------------------------------------------------------ ways in

    def _shell(self, command: str) -> str:
        return self._guest.must("sh", "-c", command, timeout=PATIENCE)

    def _property(self, name: str) -> str:
        return self._shell(f"systemctl show -p {name} --value holdfast").strip()

    def _active(self) -> None:
        _until(lambda: self._property("ActiveState") == "active", "the unit does not become active")

    def _reached(self, address: str) -> None:
        self._where = address

        def answers() -> bool:
            with contextlib.suppress(Problem, Unreachable):
                self._ask(lambda recorder: recorder.machine.network())
                return True
            return False

        _until(answers, f"nobody answers at {address}")

    def _device(self) -> Any:
        return ONVIFClient(self._where, 80, USER, PASSWORD, http_digest=True, timeout=60).devicemgmt()

    def _ask(self, work: Callable[[Holdfast], Awaitable[T]]) -> T:
        """By the API, in a session of its own. Raises Problem, Unreachable."""

        async def asking() -> T:
            jar = aiohttp.CookieJar(unsafe=True)  # the host is an address
            trust = ssl.create_default_context()
            trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
            timeout = aiohttp.ClientTimeout(60)
            async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as session:
                recorder = Holdfast(f"https://{self._where}", session, trust=trust)
                await recorder.access.login({"name": USER, "password": PASSWORD})
                return await work(recorder)

        return asyncio.run(asking())


def _must(so: bool, message: str) -> None:
    if not so:
        raise Wrong(message)


def _until(so: Callable[[], bool], message: str) -> None:
    """Wait for it. Raises Wrong."""
    limit = time.monotonic() + PATIENCE
    while not so():
        _must(time.monotonic() < limit, message)
        time.sleep(1.0)
