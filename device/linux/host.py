"""What the kernel says of this machine now: interfaces, addresses, memory, processors, disks, sensors.

Everything is read from /proc, /sys and rtnetlink. A sensor or a network card may take its time to answer:
call it in a thread.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from device.linux.netlink import GETADDR, GETLINK, GETNEIGH, attributes, dump

_NET = Path("/sys/class/net")
_HWMON = Path("/sys/class/hwmon")
_BLOCK = Path("/sys/block")
_STATS64 = struct.Struct("=24Q")  # struct rtnl_link_stats64
_NO_NEIGHBOUR = 0x61  #: NUD_INCOMPLETE, NUD_FAILED, NUD_NOARP
_UP, _RUNNING, _PROMISCUOUS, _LOOPBACK = 0x1, 0x40, 0x100, 0x8


@dataclass(frozen=True, slots=True)
class Traffic:
    """What an interface counted in one direction."""

    octets: int
    packets: int
    errors: int
    drops: int
    multicast: int


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface."""

    number: int  #: the kernel's, which is another after a restart
    name: str
    alias: str
    kind: int  #: ARPHRD_* of linux/if_arp.h
    physical: bool  #: there is hardware behind it
    mac: bytes
    mtu: int
    speed: int | None  #: bits a second, None where it has none or does not tell
    full_duplex: bool | None
    up: bool  #: by the administrator
    running: bool  #: there is a link
    operational: int  #: IF_OPER_* of linux/if.h
    promiscuous: bool
    received: Traffic
    sent: Traffic
    changes: int  #: of the link since it was made


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address of ours."""

    interface: int  #: the kernel's number
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    prefix: int
    origin: str  #: manual | dhcp | linklayer | random


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An address of somebody else, as ARP or neighbour discovery found it."""

    interface: int
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    mac: bytes
    reachable: bool
    permanent: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes."""

    total: int
    free: int
    available: int
    buffers: int
    cached: int
    swap_total: int
    swap_free: int


@dataclass(frozen=True, slots=True)
class Load:
    """What the processors do."""

    processors: tuple[tuple[int, int], ...]  #: busy and total ticks of each, since the start
    loads: tuple[float, float, float]  #: 1, 5 and 15 minutes
    processes: int


@dataclass(frozen=True, slots=True)
class Disk:
    """One block device that is a disk."""

    name: str
    model: str
    size: int  #: bytes
    removable: bool
    read_only: bool


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor. `value` in thousandths of `unit`; None: it does not answer."""

    name: str
    unit: str  #: C | rpm | V | A | W
    value: int | None


@dataclass(frozen=True, slots=True)
class Host:
    """All of it, read at one time."""

    read: float  #: monotonic seconds
    up: float  #: seconds since the machine started
    interfaces: tuple[Interface, ...]
    addresses: tuple[Address, ...]
    neighbours: tuple[Neighbour, ...]
    forwarding: bool
    memory: Memory
    load: Load
    disks: tuple[Disk, ...]
    sensors: tuple[Sensor, ...]


def read_host() -> Host:
    """Everything, now. What cannot be read is left out."""
    return Host(
        time.monotonic(),
        time.clock_gettime(time.CLOCK_BOOTTIME),
        tuple(interfaces()),
        tuple(addresses()),
        tuple(neighbours()),
        _text(Path("/proc/sys/net/ipv4/ip_forward")) == "1",
        memory(),
        load(),
        tuple(disks()),
        tuple(sensors()),
    )


def interfaces() -> list[Interface]:
    """All interfaces, in the kernel's order."""
    found = []
    for body in dump(GETLINK, socket.AF_UNSPEC):
        _, kind, number, flags = struct.unpack_from("=BxHiI", body)
        about = attributes(body, 16)
        name = _string(about.get(3, b""))
        stats = _STATS64.unpack_from(about.get(23, b"").ljust(_STATS64.size, b"\0"))
        duplex = _text(_NET / name / "duplex")
        found.append(
            Interface(
                number,
                name,
                _string(about.get(20, b"")),
                kind,
                (_NET / name / "device").exists(),
                about.get(1, b"") if not flags & _LOOPBACK else b"",
                int.from_bytes(about.get(4, b""), "little"),
                _speed(name),
                None if duplex not in ("full", "half") else duplex == "full",
                bool(flags & _UP),
                bool(flags & _RUNNING),
                int.from_bytes(about.get(16, b""), "little"),
                bool(flags & _PROMISCUOUS),
                Traffic(stats[2], stats[0], stats[4], stats[6], stats[8]),
                Traffic(stats[3], stats[1], stats[5], stats[7], 0),
                int.from_bytes(about.get(35, b""), "little"),
            )
        )
    return found


def _speed(name: str) -> int | None:
    told = _text(_NET / name / "speed")
    return int(told) * 1_000_000 if told.isdigit() and int(told) < 1 << 31 else None


def addresses() -> list[Address]:
    """All our addresses."""
    found = []
    for body in dump(GETADDR, socket.AF_UNSPEC):
        family, prefix, _, _, number = struct.unpack_from("=BBBBI", body)
        about = attributes(body, 8)
        raw = about.get(2) or about.get(1)
        if family not in (socket.AF_INET, socket.AF_INET6) or raw is None:
            continue
        flags = int.from_bytes(about.get(8, b""), "little")
        ip = ipaddress.ip_address(raw)
        if ip.version == 6 and ip.is_link_local:
            origin = "linklayer"
        elif flags & 0x80 or ip.is_loopback:  # IFA_F_PERMANENT: it has no lifetime
            origin = "manual"
        else:
            origin = "dhcp"
        found.append(Address(number, ip, prefix, origin))
    return found


def neighbours() -> list[Neighbour]:
    """Everybody whom ARP or neighbour discovery has found."""
    found = []
    for body in dump(GETNEIGH, socket.AF_UNSPEC):
        family, number, state = struct.unpack_from("=BxxxiH", body)
        about = attributes(body, 12)
        if state & _NO_NEIGHBOUR or family not in (socket.AF_INET, socket.AF_INET6):
            continue
        if len(about.get(2, b"")) == 6 and 1 in about:
            ip = ipaddress.ip_address(about[1])
            found.append(Neighbour(number, ip, about[2], bool(state & 0x92), bool(state & 0x80)))
    return found


def memory() -> Memory:
    """From /proc/meminfo."""
    table = {}
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        table[name] = int(value.split()[0]) * 1024
    names = ("MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached", "SwapTotal", "SwapFree")
    return Memory(*(table.get(name, 0) for name in names))


def load() -> Load:
    """From /proc/stat and /proc/loadavg."""
    processors = []
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        if line.startswith("cpu") and line[3].isdigit():
            ticks = [int(word) for word in line.split()[1:9]]
            processors.append((sum(ticks) - ticks[3] - ticks[4], sum(ticks)))
    words = Path("/proc/loadavg").read_text(encoding="ascii").split()
    return Load(
        tuple(processors), (float(words[0]), float(words[1]), float(words[2])), int(words[3].split("/")[1])
    )


def disks() -> list[Disk]:
    """The disks, without loop devices, memory disks and what is made of disks."""
    found = []
    for each in sorted(_BLOCK.iterdir()) if _BLOCK.exists() else ():
        if (each / "device").exists():
            sectors = _text(each / "size")
            found.append(
                Disk(
                    each.name,
                    _text(each / "device" / "model"),
                    int(sectors) * 512 if sectors.isdigit() else 0,
                    _text(each / "removable") == "1",
                    _text(each / "ro") == "1",
                )
            )
    return found


#: prefix of a file of hwmon: unit, and what makes thousandths of it (Documentation/hwmon/sysfs-interface)
_SENSORS = {
    "temp": ("C", 1.0),
    "fan": ("rpm", 1000.0),
    "in": ("V", 1.0),
    "curr": ("A", 1.0),
    "power": ("W", 0.001),
}


def sensors() -> list[Sensor]:
    """Every temperature, fan, voltage, current and power that the kernel has a driver for."""
    found = []
    for chip in sorted(_HWMON.iterdir()) if _HWMON.exists() else ():
        title = _text(chip / "name") or chip.name
        for file in sorted(chip.glob("*_input")):
            stem = file.name.removesuffix("_input")
            kind = _SENSORS.get(stem.rstrip("0123456789"))
            if kind is not None:
                raw = _text(file)
                label = _text(chip / f"{stem}_label") or stem
                value = round(int(raw) * kind[1]) if raw.lstrip("-").isdigit() else None
                found.append(Sensor(f"{title} {label}", kind[0], value))
    return found


def _text(path: Path) -> str:
    """The first line of a small file; empty where it cannot be read."""
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(fd, 256).decode("utf-8", "replace").partition("\n")[0].strip()
        finally:
            os.close(fd)
    return ""


def _string(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode("utf-8", "replace")
