"""Holdfast under systemd, on a Debian 12 of its own that it keeps network and clock of.

    sudo .venv/bin/python -m tests.house.installed --log installed.log [--root FOLDER]

Types the commands of `docs/guide/install.md` into a new root and boots it in a guest, whose network card is the other
end of an interface here: in a network namespace with a DHCP server, a time server and a virtual camera. What is then
proven there is in `installed_steps`. The guest is emulated, about twelve times slower than this machine: ten minutes.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.guest.machine import Disk, Guest
from tests.house.bare_debian import ROOT, Machine
from tests.house.installed_steps import CAMERA_PORT, HERE, Installed

GUIDE = ROOT / "docs" / "guide" / "install.md"
LAN = "lan0"
COMPLETE = "complete"  #: a file in a root that is whole
#: What a kernel that boots needs besides, and the agent that answers from within.
MACHINE = "apt-get install -y --no-install-recommends systemd-sysv dbus udev kmod e2fsprogs iproute2 procps"
AGENT = """[Service]
ExecStart=/usr/bin/python3 -P -u /exchange/agent.py
[Install]
WantedBy=multi-user.target
"""
DHCP = f"""start 192.0.2.60
end 192.0.2.60
interface {LAN}
max_leases 1
option subnet 255.255.255.0
option router {HERE}
option dns {HERE}
option ntpsrv {HERE}
option hostname leased
option lease 600
"""


def blocks(heading: str) -> list[list[str]]:
    """The commands below a heading of the guide, block by block."""
    _, _, after = GUIDE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    section = after.partition("\n## ")[0]
    found = re.findall(r"(?:^ {4}.*\n)+", section, flags=re.MULTILINE)
    return [[line.strip() for line in block.splitlines()] for block in found]


def install(machine: Machine) -> None:
    """A root with Holdfast in it, as far as that goes before it is booted."""
    machine.build()
    machine.type("root", MACHINE)
    for command in blocks("Install")[0]:
        if command.startswith("git clone"):
            machine.give(command.split()[-1])
        elif command.startswith("systemctl"):  # nothing is started before it is booted
            machine.type("root", f"SYSTEMD_OFFLINE=1 {command.replace(' --now', '')}")
        else:
            machine.type("root", command)
    # At last: it takes the resolver's file over, and works only once the machine runs.
    machine.type("root", blocks("Network and clock")[0][0])
    units = machine.folder / "etc/systemd/system"
    (units / "agent.service").write_text(AGENT, encoding="utf-8")
    (machine.folder / "etc/hostname").write_text("installed\n", encoding="utf-8")
    (machine.folder / "etc/fstab").write_text("/dev/vda /srv/holdfast ext4 nofail 0 2\n", encoding="utf-8")
    # They look for modules of the kernel that are not at hand, or for a network that is not there.
    noise = "proc-sys-fs-binfmt_misc.automount systemd-binfmt.service apt-daily.timer apt-daily-upgrade.timer"
    machine.type("root", f"systemctl enable agent && systemctl mask {noise}")
    if bad := [step.command for step in machine.steps if step.code]:
        raise SystemExit(f"failed: {', '.join(bad)}; see {machine.log}")
    (machine.folder / COMPLETE).touch()


def _volume(image: Path, root: Path) -> None:
    """A file system that belongs to whom the folder belongs that it is mounted on."""
    owner = (root / "srv/holdfast").stat()
    made = ["mkfs.ext4", "-q", "-E", f"root_owner={owner.st_uid}:{owner.st_gid}", str(image)]
    subprocess.run(made, check=True)


@contextmanager
def _running(*argv: str | Path, log: Path) -> Iterator[None]:
    with log.open("ab") as out, subprocess.Popen(argv, cwd=ROOT, stdout=out, stderr=out) as process:
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def _surroundings(folder: Path) -> Iterator[None]:
    """The network that the recorder is in."""
    for line in (
        "link set lo up",
        f"tuntap add {LAN} mode tap",
        f"address add {HERE}/24 dev {LAN}",
        f"link set {LAN} up",
    ):
        subprocess.run(["ip", *line.split()], check=True)
    (folder / "leases").touch()
    (folder / "udhcpd.conf").write_text(f"lease_file {folder}/leases\npidfile {folder}/udhcpd.pid\n{DHCP}")
    (folder / "chronyd.conf").write_text(
        f"local stratum 5\nbindaddress {HERE}\nallow all\npidfile {folder}/chronyd.pid\n"
        f"bindcmdaddress {folder}/chronyd.sock\ncmdport 0\n"
    )
    camera = [sys.executable, "-P", "-m", "integration.virtual_camera", "serve", "--cameras", "1"]
    camera += ["--listen", HERE, "--port", str(CAMERA_PORT), "--size", "640x360", "--fps", "5", "--gop", "1"]
    with ExitStack() as undo:
        log = folder / "surroundings.log"
        undo.enter_context(_running("busybox", "udhcpd", "-f", folder / "udhcpd.conf", log=log))
        undo.enter_context(
            _running("chronyd", "-x", "-d", "-u", "root", "-f", folder / "chronyd.conf", log=log)
        )
        undo.enter_context(_running(*camera, log=log))
        yield


def rehearse(root: Path) -> bool:
    """Boot it, and use it. In a network namespace of our own. Whether all went well."""
    with tempfile.TemporaryDirectory(prefix="installed-") as name:
        folder = Path(name)
        guest = Guest(
            folder / "guest",
            [Disk("video", 1 << 30)],
            memory=2048,
            root=root,
            first="/lib/systemd/systemd",
            tap=LAN,
        )
        _volume(guest.image("video"), root)
        with _surroundings(folder), guest:
            return Installed(guest, blocks).run()


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.house.installed", description="See the module.")
    parser.add_argument(
        "--log", type=Path, required=True, help="everything that was printed while it was made"
    )
    parser.add_argument(
        "--root", type=Path, help="keep the root there; one that is there already is used again"
    )
    parser.add_argument("--rehearse", action="store_true", help=argparse.SUPPRESS)  # in the namespace already
    options = parser.parse_args()
    if options.rehearse:
        return int(not rehearse(options.root))
    with tempfile.TemporaryDirectory(prefix="installed-root-") as temporary:
        root = Path(options.root or temporary).absolute()
        if not (root / COMPLETE).exists():
            root.mkdir(exist_ok=True)
            root.chmod(0o755)
            options.log.write_text("", encoding="utf-8")
            install(Machine(root, options.log))
        again = [sys.executable, "-P", "-m", "tests.house.installed", "--rehearse", "--root", str(root)]
        return subprocess.run(["unshare", "--net", *again, "--log", options.log], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
