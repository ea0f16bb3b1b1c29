"""net-snmp's tools, run with a configuration of their own: passwords stand in a file and not on the command line."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from conformance.case import Failed, expect
from conformance.snmp.device import Device
from conformance.snmp.needs import SBIN

TOOL_SECONDS = 30.0
_ENVIRONMENT = {"PATH": f"{os.environ.get('PATH', '')}:{SBIN}", "LC_ALL": "C", "MIBS": ""}


def _environment(folder: Path) -> dict[str, str]:
    return {
        **_ENVIRONMENT,
        "SNMPCONFPATH": str(folder),
        "SNMP_PERSISTENT_DIR": str(folder / "kept"),
        "HOME": str(folder),
    }


def _peer(device: Device) -> str:
    address = device.address
    return (
        f"udp6:[{address.host}]:{address.port}"
        if ":" in address.host
        else f"udp:{address.host}:{address.port}"
    )


async def tool(device: Device, name: str, *arguments: str, version: str, write: bool = False) -> str:
    """What a tool says of the agent on both of its outputs. Raises Failed."""
    address, folder = device.address, device.folder()
    word = (address.write if write else address.community).decode("utf-8", "replace")
    lines = [
        f"defVersion {version}",
        f'defCommunity "{word}"',
        f'defSecurityName "{address.user}"',
        "defSecurityLevel authPriv",
        f"defAuthType {address.authentication}",
        f"defPrivType {address.privacy}",
        f'defAuthPassphrase "{address.password}"',
        f'defPrivPassphrase "{address.privacy_password}"',
    ]
    (folder / "kept" / "cert_indexes").mkdir(parents=True)  # it would say that it makes them
    config = folder / "snmp.conf"
    config.touch(0o600)
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    device.transcript.note(f"{name} -v{version} {' '.join(arguments)}")
    process = await asyncio.create_subprocess_exec(
        name,
        f"-v{version}",
        "-On",
        *(each for each in arguments if each.startswith("-")),
        _peer(device),
        *(each for each in arguments if not each.startswith("-")),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=_environment(folder),
    )
    try:
        async with asyncio.timeout(TOOL_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        raise Failed(f"{name} did not end within {TOOL_SECONDS:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = said.decode("utf-8", "replace")
    for line in text.splitlines()[:20]:
        device.transcript.note(line)
    expect(
        process.returncode == 0,
        f"{name}: {text.strip().splitlines()[-1] if text.strip() else process.returncode}",
    )
    return text


@dataclass(slots=True)
class Receiver:
    """A running snmptrapd."""

    port: int
    log: Path

    def said(self) -> str:
        """All that it has received, a line each for the head and the varbinds."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    async def hears(self, words: str, seconds: float) -> bool:
        """Whether it receives something with these words in it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while words not in self.said():  # noqa: ASYNC110 - another process writes
                    await asyncio.sleep(0.05)
        return words in self.said()


@asynccontextmanager
async def trapd(device: Device, port: int, communities: bool) -> AsyncIterator[Receiver]:
    """snmptrapd at a port of all our addresses, 0 for a free one; it knows the user, and any community if asked to."""
    folder, address = device.folder(), device.address
    port = port or _free_port(address.host)
    lines = [f"snmpTrapdAddr udp:{port}" + (f",udp6:{port}" if ":" in address.host else "")]
    if address.user:
        keys = f'{address.authentication} "{address.password}" {address.privacy} "{address.privacy_password}"'
        lines += [
            f'createUser -e 0x{device.facts.engine.hex()} "{address.user}" {keys}',
            f'createUser "{address.user}" {keys}',
            f'authUser log "{address.user}" priv',
        ]
    if communities:
        lines.append("disableAuthorization yes")
    config = folder / "trapd.conf"
    config.touch(0o600)
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    log = folder / "log"
    process = await asyncio.create_subprocess_exec(
        *("snmptrapd", "-f", "-C", "-c", str(config), "-Lf", str(log), "-On", "-m", ""),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(folder),
    )
    receiver = Receiver(port, log)
    try:
        expect(await receiver.hears("NET-SNMP version", TOOL_SECONDS), "snmptrapd did not start")
        yield receiver
        for line in receiver.said().splitlines()[:40]:
            device.transcript.note(line)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def _free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind(("", 0))
        return int(sock.getsockname()[1])
