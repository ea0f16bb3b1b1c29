"""A real OpenID provider, Debian's glewlwyd, with people and programs of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sqlite3
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp

from tests.protocols.mqtt.broker import free_port

Ask = Callable[..., Awaitable[Any]]

SCHEMA = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
WITHIN = 60.0
ADMINISTRATOR = {"username": "admin", "password": "password"}  # as the package makes it
CLIENT = ("holdfast", "a-secret-of_holdfast")
AUDIENCE = "recorder"  # what this provider writes into a token for that scope
CONFIG = """
port={port}
bind_address="127.0.0.1"
external_url="{url}"
login_url="/login.html"
api_prefix="api"
log_mode="file"
log_level="DEBUG"
log_file="{home}/log"
cookie_secure=0
session_expiration=3600
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
use_secure_connection=true
secure_connection_key_file="{home}/key.pem"
secure_connection_pem_file="{home}/cert.pem"
hash_algorithm="SHA512"
database = {{ type="sqlite3" path="{home}/database" }};
"""


class Provider:
    """One that runs, on a port of its own, over TLS with a certificate of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.url = f"https://127.0.0.1:{free_port()}"
        self.issuer = f"{self.url}/api/oidc"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ca(self) -> str:
        """Its certificate, PEM."""
        return (self.home / "cert.pem").read_text()

    def __enter__(self) -> Self:
        certificate = (
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=provider",
        )
        files = ("-keyout", self.home / "key.pem", "-out", self.home / "cert.pem")
        _openssl(*certificate, "-addext", "subjectAltName=IP:127.0.0.1", *files)
        database = sqlite3.connect(self.home / "database")
        database.executescript(SCHEMA.read_text())
        database.close()
        port = urlsplit(self.url).port
        config = self.home / "glewlwyd.conf"
        config.write_text(CONFIG.format(port=port, url=self.url, home=self.home))
        with (self.home / "output").open("wb") as output:
            self._process = subprocess.Popen(
                ["glewlwyd", f"--config-file={config}"],
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )
        try:
            until = time.monotonic() + WITHIN
            with socket.socket() as sock:
                while sock.connect_ex(("127.0.0.1", port)) != 0:
                    assert self._process.poll() is None, (self.home / "output").read_text()
                    assert time.monotonic() < until
                    time.sleep(0.05)
            asyncio.run(self._furnish())
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(WITHIN)

    def client(self) -> aiohttp.ClientSession:
        """Somebody who trusts it."""
        trusts = ssl.create_default_context(cadata=self.ca)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trusts), cookie_jar=aiohttp.CookieJar(unsafe=True)
        )

    @contextlib.asynccontextmanager
    async def _administrator(self) -> AsyncIterator[Ask]:
        async with self.client() as session:
            ask = partial(_ask, session, self.url)
            await ask("POST", "/api/auth", ADMINISTRATOR)
            yield ask

    async def new_keys(self) -> None:
        """It signs with another key from now on."""
        async with self._administrator() as ask:
            await ask("PUT", "/api/mod/plugin/oidc", self._plugin())
            await ask("PUT", "/api/mod/plugin/oidc/reset")

    async def person(self, name: str, group: str) -> None:
        """Somebody with an account here."""
        person = {
            "username": name,
            "name": name,
            "password": f"password of {name}",
            "scope": ["g_profile", "openid", "recorder"],
            "enabled": True,
            "recorder": group,
        }
        async with self._administrator() as ask:
            await ask("POST", "/api/user", person)

    async def program(self, name: str, group: str) -> None:
        """A client that may have access tokens of its own."""
        async with self._administrator() as ask:
            await ask("POST", "/api/client", _client(name, f"secret of {name}", recorder=group))

    async def allow(self, redirect: str) -> None:
        """Logins of the recorder come back there."""
        more: dict[str, Any] = {
            "redirect_uri": [redirect],
            "authorization_type": ["code"],
            "scope": [],
        }
        async with self._administrator() as ask:
            await ask("PUT", f"/api/client/{CLIENT[0]}", _client(*CLIENT, **more))

    async def log_in(self, name: str, address: str) -> str:
        """What a person and his browser do at `address` here: log in, agree; where the browser is sent then."""
        async with self.client() as browser:
            async with browser.get(address, allow_redirects=False) as asked:
                assert asked.status == 302, await asked.text()
                assert "/login.html" in asked.headers["Location"]
            password = {"username": name, "password": f"password of {name}"}
            await _ask(browser, self.url, "POST", "/api/auth", password)
            await _ask(browser, self.url, "PUT", f"/api/auth/grant/{CLIENT[0]}", {"scope": "openid recorder"})
            async with browser.get(f"{address}&g_continue", allow_redirects=False) as agreed:
                assert agreed.status == 302, await agreed.text()
                return agreed.headers["Location"]

    async def token(self, program: str, scope: str = AUDIENCE) -> str:
        """An access token by the client credentials grant (RFC 6749 s4.4)."""
        header = aiohttp.encode_basic_auth(program, f"secret of {program}")
        fields = {"grant_type": "client_credentials", "scope": scope}
        async with (
            self.client() as session,
            session.post(f"{self.issuer}/token", data=fields, headers={"Authorization": header}) as got,
        ):
            assert got.status == 200, await got.text()
            return str((await got.json())["access_token"])

    # ------------------------------------------------------------------------------------------ within

    async def _furnish(self) -> None:
        """The recorder as a client; a property `recorder` of people and programs, which goes into their tokens."""
        async with self._administrator() as ask:
            for kind in ("user", "client"):
                module = await ask("GET", f"/api/mod/{kind}/database")
                module["parameters"]["data-format"]["recorder"] = {
                    "multiple": False,
                    "read": True,
                    "write": True,
                }
                await ask("PUT", f"/api/mod/{kind}/database", module)
                await ask("PUT", f"/api/mod/{kind}/database/reset/")
            scope = {
                "display_name": "A scope",
                "description": "A scope",
                "password_required": False,
                "scheme": {},
            }
            for name in ("recorder", "elsewhere"):
                await ask("POST", "/api/scope", {"name": name, **scope})
            await ask("POST", "/api/mod/plugin/", self._plugin())
            await ask("POST", "/api/client", _client(*CLIENT))

    def _plugin(self) -> dict[str, Any]:
        """OpenID Connect, with a new key."""
        _openssl("genrsa", "-out", self.home / "sign.pem", "2048")
        _openssl("rsa", "-in", self.home / "sign.pem", "-pubout", "-out", self.home / "public.pem")
        yes = (
            "allow-non-oidc", "auth-type-code-enabled", "auth-type-client-enabled", "jwks-show", "pkce-allowed",
            "pkce-required", "oauth-as-iss-id",
        )  # fmt: skip
        claims = {"recorder": "recorder", "preferred_username": "username"}
        parameters = {
            **dict.fromkeys(yes, True),
            "iss": self.issuer,
            "jwt-type": "rsa",
            "jwt-key-size": "256",
            "key": (self.home / "sign.pem").read_text(),
            "cert": (self.home / "public.pem").read_text(),
            "subject-type": "public",
            "allowed-scope": ["openid"],
            "additional-parameters": [
                {"user-parameter": "recorder", "client-parameter": "recorder", "token-parameter": "recorder"}
            ],
            "claims": [
                {"name": name, "user-property": of, "mandatory": True, "type": "string"}
                for name, of in claims.items()
            ],
        }
        about = {
            "module": "oidc",
            "name": "oidc",
            "display_name": "OpenID",
            "order_rank": 0,
            "readonly": False,
        }
        return {**about, "parameters": parameters}


def _client(name: str, secret: str, **more: Any) -> dict[str, Any]:
    return {
        "client_id": name,
        "name": name,
        "client_secret": secret,
        "password": secret,
        "confidential": True,
        "enabled": True,
        "authorization_type": ["client_credentials"],
        "token_endpoint_auth_method": ["client_secret_basic"],
        "scope": ["recorder", "elsewhere"],
        **more,
    }


async def _ask(session: aiohttp.ClientSession, url: str, method: str, path: str, body: object = None) -> Any:
    async with session.request(method, url + path, json=body, allow_redirects=False) as got:
        text = await got.text()
        assert got.status == 200, f"{method} {path}: {got.status} {text}"
        return json.loads(text) if text else None


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=WITHIN)


def with_query(address: str, **more: str) -> str:
    """An address with other words in its query."""
    parts = urlsplit(address)
    return parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **more})).geturl()
