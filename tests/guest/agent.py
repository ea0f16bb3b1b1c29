"""What runs in a guest: it does what the machine outside asks for, line by line.

Only the standard library: it is run by the Python that the guest finds. Each line in is a JSON object: `argv`, and
for a command to wait for `stdin` (base64) and `timeout`; for one to leave running, `detached`: its output goes to the
port `told`, as it comes; or `look` with `path` and `text`, see there. Each line out is the answer to one line in.
"""

from __future__ import annotations

import base64
import glob
import json
import os
import subprocess
import time
from pathlib import Path

PORTS = Path("/sys/class/virtio-ports")


def port(name: str) -> str:
    """The device of a port of the guest."""
    for _ in range(600):
        for each in PORTS.glob("*/name"):
            if each.read_text().strip() == name:
                return f"/dev/{each.parent.name}"
        time.sleep(0.05)
    raise SystemExit(f"there is no port {name}")


def look(what: str, path: str, text: str) -> str:
    """Something about files that needs no process of its own: an emulated one takes a tenth of a second."""
    if what == "read":
        return base64.b64encode(Path(path).read_bytes()).decode()
    if what == "write":
        Path(path).write_text(text)
        return ""
    if what == "link":
        return os.path.realpath(path, strict=True)
    if what == "find":
        return "\n".join(sorted(glob.glob(path)))  # noqa: PTH207 - the pattern is absolute
    room = os.statvfs(path)
    return f"{room.f_blocks * room.f_frsize} {room.f_bavail * room.f_frsize}"


def answer(asked: dict[str, object], environment: dict[str, str]) -> dict[str, object]:
    """Do one thing."""
    if "look" in asked:
        try:
            found = look(str(asked["look"]), str(asked["path"]), str(asked["text"]))
        except OSError as error:
            return {"code": error.errno or -1, "out": "", "err": str(error)}
        return {"code": 0, "out": found, "err": ""}
    argv = [str(word) for word in asked["argv"]]  # type: ignore[attr-defined]  # a list, or it fails here
    folder = str(asked["folder"])
    try:
        if asked["detached"]:
            with Path(port("told")).open("wb", buffering=0) as told:
                started = subprocess.Popen(
                    argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=told, stderr=told
                )
            return {"code": 0, "out": str(started.pid), "err": ""}
        done = subprocess.run(
            argv,
            cwd=folder,
            env=environment,
            input=base64.b64decode(str(asked["stdin"])),
            capture_output=True,
            timeout=float(str(asked["timeout"])),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"code": -1, "out": "", "err": repr(error)}
    return {
        "code": done.returncode,
        "out": done.stdout.decode(errors="replace"),
        "err": done.stderr.decode(errors="replace"),
    }


def main() -> None:
    """Serve until the power goes."""
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "MDADM_NO_UDEV": "1",
    }
    for folder, kind in (("/dev/pts", "devpts"), ("/dev/shm", "tmpfs")):
        if not os.path.ismount(folder):  # the guest's first program may have been another
            Path(folder).mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "-t", kind, kind, folder], check=False, env=environment)
    with Path(port("agent")).open("r+b", buffering=0) as line:
        line.write(b'{"ready": true}\n')
        held = b""
        while True:
            data = line.read(65536)
            if not data:
                time.sleep(0.02)
                continue
            held += data
            while b"\n" in held:
                asked, held = held.split(b"\n", 1)
                line.write(json.dumps(answer(json.loads(asked), environment)).encode() + b"\n")


if __name__ == "__main__":
    main()
