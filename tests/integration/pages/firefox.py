"""Debian's Firefox, driven by WebDriver BiDi (W3C), as far as the pages' tests need it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp

from tests.integration.rig import wait_until

FIREFOX = "/usr/bin/firefox-esr"
WITHIN = 120.0
_PREFERENCES = {
    "media.autoplay.default": 0,  # plays without a click
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}
_LISTENS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


class Firefox:
    """One window."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._context = ""
        self.errors: list[str] = []  #: what the pages threw and did not catch

    async def begin(self) -> None:
        """Open the session."""
        await self._ask("session.new", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": True}}})
        await self._ask("session.subscribe", {"events": ["log.entryAdded"]})
        tree = await self._ask("browsingContext.getTree", {})
        self._context = tree["contexts"][0]["context"]

    async def open(self, url: str) -> None:
        """Go there, until it is loaded."""
        await self._ask(
            "browsingContext.navigate", {"context": self._context, "url": url, "wait": "complete"}
        )

    async def evaluate(self, script: str) -> Any:
        """What an expression is, by way of JSON."""
        target = {"context": self._context}
        wanted = {"expression": f"JSON.stringify({script})", "target": target, "awaitPromise": True}
        got = await self._ask("script.evaluate", wanted)
        assert got["type"] == "success", got
        return json.loads(got["result"].get("value", "null"))

    async def until(self, script: str, holds: Callable[[Any], bool]) -> Any:
        """Ask the page until what it answers is so."""
        said = None
        try:
            async with asyncio.timeout(WITHIN):
                while not holds(said := await self.evaluate(script)):  # noqa: ASYNC110 - a page is looked at
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{script}: {said}; {self.errors}") from None
        return said

    async def _ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            told: dict[str, Any] = await self._socket.receive_json(timeout=WITHIN)
            if told.get("method") == "log.entryAdded" and told["params"]["type"] == "javascript":
                said = told["params"]["text"]
                # A page that is left closes its sockets; of one that was not open yet Firefox complains.
                if "wss://" not in said:
                    self.errors.append(said)
            if told.get("id") == number:
                assert told["type"] == "success", told
                result: dict[str, Any] = told["result"]
                return result


@contextlib.asynccontextmanager
async def firefox(folder: Path) -> AsyncIterator[Firefox]:
    """A window without a screen, with a profile of its own in `folder`."""
    process, said = await asyncio.to_thread(_start, folder)
    try:
        address = await asyncio.to_thread(_address, process, said)
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{address}/session") as socket:
            window = Firefox(socket)
            await window.begin()
            yield window
    finally:
        await asyncio.to_thread(_end, process)


def _start(folder: Path) -> tuple[subprocess.Popen[bytes], Path]:
    folder.mkdir()
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items()]
    (folder / "user.js").write_text("\n".join(lines))
    said = folder / "said"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [FIREFOX, "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0"],
            stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"},
        )  # fmt: skip
    return process, said


def _address(process: subprocess.Popen[bytes], said: Path) -> str:
    """Where it listens, once it does."""

    def found() -> str:
        assert process.poll() is None, said.read_text(errors="replace")
        match = _LISTENS.search(said.read_text(errors="replace"))
        return match[1] if match else ""

    wait_until("Firefox listens", lambda: bool(found()), WITHIN)
    return found()


def _end(process: subprocess.Popen[bytes]) -> None:
    """With the processes of its tabs, which are of its group."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
