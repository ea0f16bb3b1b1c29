"""A virtual machine with a kernel of its own, disks that can be pulled and a power that can be cut.

    with Guest(folder, [Disk("system", 1 << 28), Disk("video", 1 << 30)]) as guest:
        guest.run("mkfs.xfs", "/dev/vdb")
        guest.cut()

It sees all files of this machine, or those below another root, read-only, and writes beside them into memory; so
every program there runs in it, too. What it is to keep lies on its disks, or in the folder `/exchange`, which is
`folder/exchange` out here.
Emulated without KVM: about twelve times slower than this machine, and the same everywhere.
"""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import IO, Any, Literal, Self

from tests.guest import agent
from tests.guest.kernel import Kernel, kernel

BOOT = 180.0  #: seconds after which a guest will not come up
_COMMAND_LINE = "console=ttyS0 panic=-1 loglevel=4 mitigations=off nokaslr tsc=unstable random.trust_cpu=on"
Bus = Literal["virtio", "scsi"]


class GuestFailed(Exception):
    """The guest did not come up, a command in it failed, or it is gone; the message says what it said."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A drive of a guest: /dev/vda and on (`virtio`), or /dev/sda and on with serial numbers (`scsi`)."""

    name: str
    size: int  #: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """How a command in a guest ended."""

    code: int
    out: str
    err: str


class Guest:
    """See the module. Raises GuestUnavailable where this machine cannot run one."""

    def __init__(
        self,
        folder: Path,
        disks: Sequence[Disk],
        *,
        bus: Bus = "virtio",
        memory: int = 768,
        root: Path = Path("/"),
        first: str = "",
        tap: str = "",
    ) -> None:
        """Its disks are files in `folder`, and stay there; those that are there already are used as they are.
        `memory` in MiB. `root`: of the files that it sees. `first`: a program in them that is run in place of the
        agent, which that program must start. `tap`: the interface here that its network card is the other end of."""
        self.folder = folder
        self._kernel = kernel()
        self._bus: Bus = bus
        self._memory = memory
        self._root = root
        self._append = f"{_COMMAND_LINE} guest_first={first}" if first else _COMMAND_LINE
        self._tap = tap
        self._disks = list(disks)  #: all that there ever were, under the number that makes their serial
        self._places = {number: number for number in range(len(disks))}  #: of those that are plugged in
        self._asking = Lock()  #: the agent answers one at a time
        self._undo: list[IO[str] | socket.socket] = []
        exchange = folder / "exchange"
        exchange.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(agent.__file__, exchange / "agent.py")
        for disk in disks:
            self._image(disk)

    def image(self, name: str) -> Path:
        """The file of a disk."""
        return self.folder / f"{name}.img"

    @property
    def told(self) -> str:
        """What the detached program has said since the guest was started."""
        return (self.folder / "told").read_text(errors="replace")

    def __enter__(self) -> Self:
        for name in ("agent", "monitor", "told"):
            (self.folder / name).unlink(missing_ok=True)
        (self.folder / "told").touch()
        with (self.folder / "qemu.log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command(self._kernel), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self._agent = self._connect("agent")
            self._monitor = self._connect("monitor")
            self._monitor.readline()
            self.ask("qmp_capabilities")
            if not self._read(BOOT).get("ready"):
                raise GuestFailed("the guest's agent does not answer")
        except BaseException:
            self.cut()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()

    def cut(self) -> None:
        """The power goes, now. What was not synced in the guest is lost; the disks are as they were."""
        self._process.kill()
        self._process.wait()
        for each in self._undo:
            each.close()
        self._undo.clear()

    def run(
        self, *argv: str | Path, stdin: bytes = b"", timeout: float = 120, folder: Path = Path("/")
    ) -> Said:
        """Run a command in the guest to its end. Raises GuestFailed only where the guest is gone."""
        more = {"stdin": base64.b64encode(stdin).decode(), "timeout": timeout, "detached": False}
        return self._ask_agent(argv, folder, timeout + 30, more)

    def must(
        self, *argv: str | Path, stdin: bytes = b"", timeout: float = 120, folder: Path = Path("/")
    ) -> str:
        """As `run`; what it printed. Raises GuestFailed where the command fails."""
        said = self.run(*argv, stdin=stdin, timeout=timeout, folder=folder)
        if said.code:
            raise GuestFailed(f"{' '.join(map(str, argv))}: {said.code}: {said.err.strip()[-1500:]}")
        return said.out

    def look(self, what: str, path: str, text: str = "") -> Said:
        """`read` (base64), `write`, `link`, `find` or `room`, as the agent does it; `code` is an errno."""
        return self._told({"look": what, "path": path, "text": text}, 60)

    def leave(self, *argv: str | Path, folder: Path = Path("/")) -> None:
        """Start a program that goes on; what it says comes to be in `told`."""
        self._ask_agent(argv, folder, 60, {"detached": True})

    def ask(self, command: str, **arguments: object) -> Any:
        """A command of QEMU's monitor protocol; its answer. Raises GuestFailed."""
        self._monitor.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._monitor.flush()
        while line := self._monitor.readline():
            told = json.loads(line)
            if "error" in told:
                raise GuestFailed(f"{command}: {told['error']['desc']}")
            if "return" in told:
                return told["return"]
        raise GuestFailed(f"QEMU is gone: {self._complaints()}")

    def plug(self, disk: Disk, place: int) -> None:
        """Put a new drive in while the guest runs; `place`: that of the drive which was pulled, or a further one."""
        self._disks.append(disk)
        self._image(disk)
        number = len(self._disks) - 1
        self._places[number] = place
        self.ask("blockdev-add", **self._drive(number))
        self.ask("device_add", **self._device(number))

    def pull(self, name: str) -> None:
        """Pull a drive out while the guest runs. It stays out, through a power cut too."""
        del self._places[next(n for n in self._places if self._disks[n].name == name)]
        self.ask("device_del", id=f"disk-{name}")

    # --- inside ---

    def _image(self, disk: Disk) -> None:
        if not self.image(disk.name).exists():
            with self.image(disk.name).open("xb") as file:
                file.truncate(disk.size)

    def _drive(self, number: int) -> dict[str, object]:
        disk = self._disks[number]
        # As a drive with a volatile cache: what the guest does not flush may stay in this machine's memory.
        return {"driver": "file", "filename": str(self.image(disk.name)), "node-name": f"node-{disk.name}"}

    def _device(self, number: int) -> dict[str, object]:
        name = self._disks[number].name
        more: dict[str, object] = {"drive": f"node-{name}", "id": f"disk-{name}", "serial": f"HF{number:06d}"}
        if self._bus == "virtio":
            return {"driver": "virtio-blk-pci", "bus": f"slot{number}", **more}
        return {
            "driver": "scsi-hd",
            "bus": "scsi.0",
            "scsi-id": self._places[number],
            "product": "DRIVE",
            "vendor": "TEST",
            **more,
        }

    def _command(self, kernel: Kernel) -> list[str | Path]:
        command: list[str | Path] = ["qemu-system-x86_64", "-machine", "q35", "-cpu", "max", "-smp", "2"]
        command += ["-accel", "tcg,thread=multi,tb-size=512", "-m", str(self._memory)]
        command += ["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"]
        command += ["-kernel", kernel.image, "-initrd", kernel.start, "-append", self._append]
        command += ["-serial", f"file:{self.folder / 'console.log'}", "-device", "virtio-rng-pci"]
        command += ["-qmp", f"unix:{self.folder / 'monitor'},server=on,wait=off"]
        for tag, path, way in (
            ("machine", self._root, "readonly=on,multidevs=remap"),
            ("modules", kernel.modules, "readonly=on"),
            ("exchange", self.folder / "exchange", "readonly=off"),
        ):
            command += ["-virtfs", f"local,path={path},mount_tag={tag},security_model=none,{way}"]
        command += ["-device", "virtio-serial-pci"]
        command += ["-chardev", f"socket,id=agent,path={self.folder / 'agent'},server=on,wait=off"]
        command += ["-device", "virtserialport,chardev=agent,name=agent"]
        command += ["-chardev", f"file,id=told,path={self.folder / 'told'}"]
        command += ["-device", "virtserialport,chardev=told,name=told"]
        if self._tap:
            command += ["-netdev", f"tap,id=lan,ifname={self._tap},script=no,downscript=no"]
            command += ["-device", "virtio-net-pci,netdev=lan"]
        if self._bus == "scsi":
            command += ["-device", "virtio-scsi-pci,id=scsi"]
        for number in range(12):
            command += ["-device", f"pcie-root-port,id=slot{number},chassis={number + 1},slot={number + 1}"]
        for number in self._places:
            command += ["-blockdev", _flat(self._drive(number)), "-device", _flat(self._device(number))]
        return command

    def _connect(self, name: str) -> IO[str]:
        limit = time.monotonic() + 30
        line = socket.socket(socket.AF_UNIX)
        while True:
            try:
                line.connect(str(self.folder / name))
                break
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > limit:
                    raise GuestFailed(f"QEMU does not start: {self._complaints()}") from error
                time.sleep(0.05)
        text = line.makefile("rw", encoding="utf-8")
        self._undo += [text, line]
        if name == "agent":
            self._line = line
        return text

    def _complaints(self) -> str:
        said = (self.folder / name for name in ("qemu.log", "console.log"))
        return " | ".join(path.read_text(errors="replace")[-1500:] for path in said if path.exists())

    def _ask_agent(
        self, argv: Sequence[str | Path], folder: Path, patience: float, more: dict[str, object]
    ) -> Said:
        return self._told({"argv": [str(word) for word in argv], "folder": str(folder), **more}, patience)

    def _told(self, asked: dict[str, object], patience: float) -> Said:
        with self._asking:
            self._agent.write(json.dumps(asked) + "\n")
            self._agent.flush()
            told = self._read(patience)
        return Said(int(told["code"]), str(told["out"]), str(told["err"]))

    def _read(self, patience: float) -> dict[str, Any]:
        self._line.settimeout(patience)
        try:
            line = self._agent.readline()
        except TimeoutError as error:
            raise GuestFailed(f"the guest does not answer: {self._complaints()}") from error
        if not line:
            raise GuestFailed(f"the guest is gone: {self._complaints()}")
        told: dict[str, Any] = json.loads(line)
        return told


def _flat(fields: dict[str, object]) -> str:
    return ",".join(f"{name}={value}" for name, value in fields.items())
