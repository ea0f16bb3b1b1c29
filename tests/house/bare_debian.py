"""The two commands of the README on a bare Debian 12, timed.

    sudo .venv/bin/python -m tests.house.bare_debian --log bare-debian.log [pytest arguments]

Makes a root with debootstrap (minbase, python3, ca-certificates, nothing else) in a temporary folder, gives
it this machine's way to packages (apt's sources, pip's configuration, certificates, name servers), copies the
checkout into it, and types what a person would type there: as an ordinary user `./holdfast demo`, the line
that it asks for, `./holdfast demo` again; and as root `./holdfast test`. Takes minutes: it is run by hand.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.house.tree import files

ROOT = Path(__file__).resolve().parent.parent.parent
SUITE = "bookworm"
PERSON = 1000
HOME = "/home/person"
DEMO = "./holdfast demo --ready-json --seconds 20 --port-offset 20000"

#: How this machine reaches packages; copied where it exists.
WAYS_TO_PACKAGES = (
    "/etc/apt/apt.conf.d",
    "/etc/apt/sources.list",
    "/etc/apt/sources.list.d/debian.sources",
    "/etc/hosts",
    "/etc/pip.conf",
    "/etc/resolv.conf",
    "/etc/ssl/certs/ca-certificates.crt",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One command, how it ended, and what it said."""

    who: str
    command: str
    code: int
    seconds: float
    output: str

    def __str__(self) -> str:
        return f"| {self.who} | `{self.command}` | {self.code} | {self.seconds:.1f} s |"


class Machine:
    """A bare Debian in a folder."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder
        self.log = log
        self.steps: list[Step] = []

    def build(self) -> None:
        """Make the root; the mirror is the first that this machine's apt uses."""
        sources = [Path(way) for way in WAYS_TO_PACKAGES if way.startswith("/etc/apt/sources")]
        lines = [line for path in sources if path.exists() for line in path.read_text("utf-8").splitlines()]
        mirrors = re.findall(r"^(?:URIs:|deb) .*?(https?://\S+)", "\n".join(lines), flags=re.MULTILINE)
        include = "--include=python3,ca-certificates"
        self.run("host", "debootstrap", "--variant=minbase", include, SUITE, str(self.folder), *mirrors[:1])
        if self.steps[-1].code != 0:
            raise SystemExit(f"debootstrap failed; see {self.log}")
        for way in WAYS_TO_PACKAGES:
            target = self.folder / way.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            if Path(way).is_dir():
                shutil.copytree(way, target, dirs_exist_ok=True)
            elif Path(way).exists():
                target.unlink(missing_ok=True)
                shutil.copy(way, target)
        self.type("root", "apt-get -q update")

    def give(self, where: str) -> None:
        """Put a copy of the checkout there."""
        for path in files(ROOT):
            target = self.folder / where.lstrip("/") / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)

    def type(self, who: str, command: str) -> Step:
        """Type a command inside, in the checkout if it is there, as `root` or `person`."""
        uid = 0 if who == "root" else PERSON
        # The mounts live in a namespace of the command and vanish with it.
        prepare = f'mount -t proc proc "{self.folder}/proc" && mount --rbind /dev "{self.folder}/dev"'
        inside = f"cd {HOME}/holdfast 2>/dev/null || cd /; {command}"
        handed = [
            f"{name}={value}"
            for name, value in os.environ.items()
            if re.match("(?i)pip_cert|https?_proxy", name)
        ]
        environment = [
            *handed,
            f"HOME={HOME if uid else '/root'}",
            "LANG=C.UTF-8",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        ]
        enter = [
            "chroot",
            f"--userspec={uid}:{uid}",
            str(self.folder),
            "env",
            "-i",
            *environment,
            "sh",
            "-c",
            inside,
        ]
        script = f'{prepare} && exec "$@"'
        return self.run(who, "unshare", "--mount", "--fork", "sh", "-c", script, "sh", *enter, title=command)

    def run(self, who: str, *command: str, title: str = "") -> Step:
        """Run one command to its end and log it."""
        title = title or " ".join(command[:1])
        begin = time.monotonic()
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        step = Step(who, title, done.returncode, time.monotonic() - begin, done.stdout)
        self.steps.append(step)
        with self.log.open("a", encoding="utf-8") as log:
            log.write(
                f"===== {who}: {title}\n{step.output}===== exit code {step.code}, {step.seconds:.1f} s\n\n"
            )
        print(step, flush=True)
        return step


def rehearse(machine: Machine, test_arguments: list[str], *, with_demo: bool) -> list[str]:
    """Type the README's commands. Returns what went wrong."""
    wrong = []
    asked = machine.type("person", DEMO)
    line = re.search(r"^ {4}sudo (apt-get install .*)$", asked.output, flags=re.MULTILINE)
    if asked.code != 2 or line is None:
        return ["without python3-venv ./holdfast did not say what to install"]
    if machine.type("root", line[1]).code != 0:
        wrong.append("the line that ./holdfast asked for failed")
    if with_demo:
        for title in ("first", "second"):
            demo = machine.type("person", DEMO)
            if demo.code != 0 or '"ready": true' not in demo.output:
                wrong.append(f"the {title} ./holdfast demo did not become ready and end well")
    if machine.type("root", " ".join(["./holdfast test", *test_arguments])).code != 0:
        wrong.append("./holdfast test failed")
    return wrong


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.house.bare_debian", description="See the module.")
    parser.add_argument("--log", type=Path, required=True, help="everything that was printed")
    parser.add_argument("--without-demo", action="store_true", help="only ./holdfast test")
    options, test_arguments = parser.parse_known_args()
    options.log.write_text("", encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="bare-debian-") as folder:
        Path(folder).chmod(0o755)
        machine = Machine(Path(folder), options.log)
        print("| who | command | exit code | time |\n|---|---|---|---|")
        machine.build()
        machine.type("root", f"useradd --uid {PERSON} --create-home --home-dir {HOME} person")
        machine.give(f"{HOME}/holdfast")
        machine.type("root", f"chown -R person:person {HOME}")
        wrong = rehearse(machine, test_arguments, with_demo=not options.without_demo)
    print("\n".join(["", *wrong]) if wrong else "\nAll went well.")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
