"""A Debian kernel for guests, and the first thing that it runs; nothing is installed on this machine for it.

The package is fetched with apt and unpacked in the user's cache. The initial file system is written here: busybox,
the modules that a guest needs before it sees this machine's files, and a script that mounts them.
"""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import subprocess
import tempfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

META = "linux-image-amd64"  #: the Debian package that depends on the present kernel
_FIRST = (
    "virtio_pci",
    "virtio_blk",
    "virtio_scsi",
    "sd_mod",
    "virtio_console",
    "9pnet_virtio",
    "9p",
    "overlay",
)

_INIT = """#!/bin/busybox sh
set -e
B=/bin/busybox
for each in proc sys dev below above new; do $B mkdir -p /$each; done
$B mount -t proc proc /proc
$B mount -t sysfs sysfs /sys
$B mount -t devtmpfs devtmpfs /dev
while read module; do $B insmod /modules/$module; done < /modules/order
shared=trans=virtio,version=9p2000.L,msize=512000
$B mount -t 9p -o $shared,ro,cache=loose machine /below
$B mount -t tmpfs above /above
$B mkdir /above/upper /above/work
$B mount -t overlay -o lowerdir=/below,upperdir=/above/upper,workdir=/above/work guest /new
$B mkdir -p /new/lib/modules /new/exchange
$B mount -t tmpfs run /new/run
$B mount -t 9p -o $shared,ro,cache=loose modules /new/lib/modules
$B mount -t 9p -o $shared exchange /new/exchange
$B ip link set lo up
for each in proc sys dev; do $B mount --move /$each /new/$each; done
exec $B switch_root /new ${guest_first:-/usr/bin/python3 -P -u /exchange/agent.py}
"""


class GuestUnavailable(Exception):
    """Guests cannot run here; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """An unpacked kernel."""

    version: str
    image: Path
    modules: Path  #: the folder that holds VERSION/kernel/...
    start: Path  #: the initial file system


def kernel() -> Kernel:
    """The kernel, fetched once. Raises GuestUnavailable."""
    for program in ("qemu-system-x86_64", "busybox", "modprobe", "depmod", "apt-get"):
        if _program(program) is None:
            raise GuestUnavailable(f"{program} is not installed")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "holdfast-tests"
    package = _package()
    version = package.removeprefix("linux-image-")
    folder = cache / package
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _fetch(package, version, cache, folder)
    start = folder / f"start-{zlib.crc32(_INIT.encode()):08x}.cpio"
    if not start.exists():
        _enter(start, _start(folder, version))
    return Kernel(version, folder / f"boot/vmlinuz-{version}", folder / "lib/modules", start)


def _enter(path: Path, data: bytes) -> None:
    """Make a file whole or not at all, also where others make the same."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as made:
        made.write(data)
    Path(made.name).rename(path)


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _package() -> str:
    said = subprocess.run(["apt-cache", "depends", META], capture_output=True, text=True, check=False).stdout
    found = [line.split()[-1] for line in said.splitlines() if "Depends: linux-image" in line]
    if not found:
        raise GuestUnavailable(f"apt does not know {META}; try apt-get update")
    return found[0]


def _fetch(package: str, version: str, cache: Path, folder: Path) -> None:
    """Fetch, unpack and complete a kernel; it is there whole or not at all."""
    with tempfile.TemporaryDirectory(dir=cache) as name:
        place = Path(name)
        _do("apt-get", "-q", "download", package, folder=place)
        (archive,) = place.glob("*.deb")
        _do("dpkg-deb", "-x", archive, place / "tree", folder=place)
        _do("depmod", "-b", place / "tree", version, folder=place)
        try:
            (place / "tree").rename(folder)
        except OSError:
            if not folder.exists():  # else another process was quicker
                raise


def _do(name: str, *arguments: str | Path, folder: Path) -> str:
    program = _program(name)
    if program is None:
        raise GuestUnavailable(f"{name} is not installed")
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GuestUnavailable(f"{name} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _start(tree: Path, version: str) -> bytes:
    """The initial file system of a kernel."""
    modules: list[Path] = []
    for name in _FIRST:
        for line in _do(
            "modprobe", "-d", tree, "-S", version, "--show-depends", name, folder=tree
        ).splitlines():
            path = Path(line.split()[1]) if line.startswith("insmod") else None
            if path is not None and path not in modules:
                modules.append(path)
    busybox = _program("busybox")
    assert busybox is not None
    files = {
        "bin/busybox": (stat.S_IFREG | 0o755, Path(busybox).read_bytes()),
        "init": (stat.S_IFREG | 0o755, _INIT.encode()),
        "modules/order": (stat.S_IFREG | 0o644, "".join(f"{_plain(path)}\n" for path in modules).encode()),
    }
    for path in modules:
        data = path.read_bytes()
        files[f"modules/{_plain(path)}"] = (
            stat.S_IFREG | 0o644,
            lzma.decompress(data) if path.suffix == ".xz" else data,
        )
    return archive(files)


def _plain(module: Path) -> str:
    return module.name.removesuffix(".xz")


def archive(files: dict[str, tuple[int, bytes]]) -> bytes:
    """A cpio archive ("newc", as kernels read it) of files, each with its mode, and of the folders above them."""
    folders = {str(parent) for name in files for parent in PurePosixPath(name).parents} - {"."}
    entries: list[tuple[str, int, bytes]] = [(name, stat.S_IFDIR | 0o755, b"") for name in sorted(folders)]
    entries += [(name, mode, data) for name, (mode, data) in files.items()]
    entries.append(("TRAILER!!!", 0, b""))
    return b"".join(_entries(entries))


def _entries(entries: Iterable[tuple[str, int, bytes]]) -> Iterable[bytes]:
    for number, (name, mode, data) in enumerate(entries, 1):
        text = name.encode() + b"\0"
        # Inode, mode, uid, gid, links, time, size, device and its number, both of the node, length of the name, check.
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(text), 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + text
        yield head + bytes(-len(head) % 4)
        yield data + bytes(-len(data) % 4)
