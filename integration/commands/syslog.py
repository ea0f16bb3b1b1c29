"""`holdfast syslog`: whom the recorder tells, and whether it arrives."""

from __future__ import annotations

from dataclasses import asdict

import typer

from device.planes.outward import TrySyslog
from device.settings.syslog import Syslog, Transport
from integration.commands.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    console,
    installation,
    say_json,
    table,
)
from integration.commands.reach import call, read

app = typer.Typer(help="Remote syslog: list the servers, test them.", invoke_without_command=True)


@app.callback()
def servers(
    context: typer.Context, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List the servers. `holdfast settings set syslog[KEY].host=...` makes one."""
    if context.invoked_subcommand is not None:
        return
    found = read(installation(config, data), lambda store: store.entries(Syslog))
    if as_json:
        say_json([{"key": key, **each.model_dump(mode="json")} for key, each in found.items()])
        return
    rows = [
        (
            key,
            f"{each.address[0]}, port {each.address[1]}/{each.transport.value}",
            each.form.value,
            f"{each.severity.value} and worse of {', '.join(log.value for log in each.logs)}",
            "" if each.enabled else "off",
            _authorities(each),
        )
        for key, each in found.items()
    ]
    table("", ("key", "server", "format", "messages", "", "trusts"), rows)


def _authorities(server: Syslog) -> str:
    if server.transport is not Transport.TLS:
        return ""
    return ", ".join(server.authorities) or "the machine's"


@app.command("test")
def try_(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Send a test message to every server, and say what became of it."""
    told = call(installation(config, data), "control", TrySyslog())
    if as_json:
        say_json([asdict(each) for each in told.tried])
    else:
        table(
            "",
            ("key", "", ""),
            [(t.key, "ok" if t.good else "[red]failed[/red]", t.detail) for t in told.tried],
        )
    if not all(each.good for each in told.tried):
        console.print("Not every server could be reached.", style="red")
        raise typer.Exit(1)
