"""`python -m conformance NAME --url URL --user U --password P [--json FILE] [--html FILE]`: judge a device.

Any vendor's device: a suite knows an address and credentials, and nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import sys
import time
from pathlib import Path

from rich.console import Console

from conformance.page import page
from conformance.report import Report
from conformance.suite import Suite, Unreachable, run
from conformance.terminal import Terminal

SUITES = {
    "mqtt": "devices that publish over MQTT: topics, will, commands, ONVIF's JSON, Home Assistant's discovery",
    "onvif": "ONVIF recorders: Profile G, by the official device tests' ids (Core, Recording, Search, Replay)",
    "rtsp": "RTSP 1.0 servers: live, replay, every transport (RFC 2326)",
    "smb": "what a recorder archives to a share: identity, names, whole and playable segments",
    "snmp": "SNMP agents: v1, v2c, v3 (RFC 1157, RFC 3411 to RFC 3418)",
    "syslog": "syslog senders: what a device sends over UDP, TCP and TLS (RFC 5424, RFC 3164)",
}
UNDONE = 2  #: exit code: nothing could be said about the device
PASSWORD = "CONFORMANCE_PASSWORD"  # noqa: S105 - the variable's name


def main(arguments: list[str]) -> int:
    """Run the suite that is asked for. 0: nothing mandatory failed, 1: something did, 2: it could not be run,
    130: interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m conformance",
        description="Judge a device by what it does on the wire. It needs an address and credentials, no more.",
        epilog="Exit code 0: nothing mandatory failed, 1: something did, 2: the suite could not be run.",
    )
    names = parser.add_subparsers(dest="name", metavar="NAME", required=True)
    for name, about in SUITES.items():
        suite = _suite(name)
        asked = names.add_parser(name, help=about, description=f"Judge a device by {suite.standard}.")
        suite.arguments(asked)
        _common(asked)
    given = parser.parse_args(arguments)
    if given.password is None:
        given.password = os.environ.get(PASSWORD, "")
    try:
        return asyncio.run(_judge(_suite(given.name), given))
    except KeyboardInterrupt:
        return 130


def _common(parser: argparse.ArgumentParser) -> None:
    """What every suite takes."""
    parser.add_argument("--user", default="", metavar="U", help="an account of the device")
    parser.add_argument(
        "--password", metavar="P", help=f"its password; without the option it is read from ${PASSWORD}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the report for programs")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write the report as one web page")
    parser.add_argument(
        "--case",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only cases whose id matches, such as 'replay.*'; may be repeated",
    )
    parser.add_argument(
        "--at-once",
        type=_positive,
        default=1,
        metavar="N",
        help="do so many cases side by side (%(default)s)",
    )
    parser.add_argument("--list", action=_List, nargs=0, help="print the cases, and do none")


async def _judge(suite: Suite[object], given: argparse.Namespace) -> int:
    console = Console()
    cases = suite.chosen(given.case)
    if not cases:
        print(f"no case of {suite.name} matches {', '.join(given.case)}", file=sys.stderr)
        return UNDONE
    width = max(len(case.id) for case in cases)
    try:
        target = await suite.contact(given)
    except Unreachable as error:
        print(error, file=sys.stderr)
        return UNDONE
    terminal = Terminal(console, dict(suite.groups), width)
    terminal.head(suite.standard, target.title)
    began = time.monotonic()
    outcomes = await run(cases, target, given.at_once, terminal.outcome)
    report = Report(
        suite.name,
        suite.standard,
        target.title,
        suite.groups,
        outcomes,
        time.monotonic() - began,
        suite.verdict(outcomes),
    )
    terminal.sum(report)
    if given.json:
        given.json.write_text(json.dumps(report.json(), indent=2) + "\n", encoding="utf-8")
    if given.html:
        given.html.write_text(page(report), encoding="utf-8")
    return report.exit_code


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


class _List(argparse.Action):
    """Like --help: needs nothing else on the command line."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _namespace: argparse.Namespace,
        _values: object,
        _option: str | None = None,
    ) -> None:
        console = Console()
        for case in _suite(parser.prog.rpartition(" ")[2]).cases:
            console.print(
                f"{case.id:24} {case.requirement:11} {case.title} ({case.clause})",
                highlight=False,
                soft_wrap=True,
            )
        parser.exit()


def _suite(name: str) -> Suite[object]:
    suite: Suite[object] = importlib.import_module(f"conformance.{name}").SUITE
    return suite


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
