"""The recorder's pages, asked as a browser asks them that has logged in."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Iterable

from device.media import Utc
from integration.setup import Login
from protocols.onvif.xml import write_instant

LOGIN = Login("vms", "bench-it-9")


class Pages:
    """One who is logged in."""

    def __init__(self, url: str) -> None:
        """`url`: of HTTPS."""
        self._url = url
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE  # its own certificate
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=trusting), urllib.request.HTTPCookieProcessor()
        )
        said = json.dumps({"name": LOGIN.name, "password": LOGIN.password}).encode()
        login = urllib.request.Request(  # noqa: S310 - the recorder's own
            f"{url}/api/session", said, {"Content-Type": "application/json"}
        )
        self._opener.open(login).close()

    def timeline(self, start: Utc, end: Utc, recordings: Iterable[str]) -> bytes:
        """Octets of the timeline as a wide screen draws it."""
        span = f"from={write_instant(start)}&to={write_instant(end)}"
        asked = f"{self._url}/api/timeline?{span}&recordings={','.join(recordings)}&width=1920"
        with self._opener.open(asked) as answer:
            octets: bytes = answer.read()
        return octets
