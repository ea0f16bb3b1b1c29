"""The gate of a port with virtual hosts: which of them is asked, and who comes in there."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Mapping

from aiohttp import web

from device.accounts.store import WrongPassword
from device.digest import Credentials, Guard
from device.events.catalogue import LoginFailed
from device.settings.virtual_hosts import HostAuthentication, VirtualHost
from protocols.http.caller import GUEST, PROVIDER_ONLY
from protocols.http.house import BY, House, TooManyTries, peer_of
from protocols.http.problem import of_error, problem
from protocols.http.serve import tell

REMEMBERED = (
    256  #: passwords that were right a moment ago: argon2 takes a tenth of a second, a page asks forty times
)
FOR = 60.0  #: seconds


class Gate:
    """Who comes in at the virtual hosts of one port."""

    def __init__(self, house: House, credentials: Credentials, hosts: Mapping[str, VirtualHost]) -> None:
        """`hosts`: those of this port, by name."""
        self._house = house
        self._hosts = {name.lower(): host for name, host in hosts.items()}
        self._guard = Guard(credentials, secrets.token_bytes(32))
        self._right: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def forget(self) -> None:
        """An account is another: what was right is asked again."""
        self._right.clear()

    async def __call__(self, request: web.Request) -> web.StreamResponse | None:
        """What is answered to who does not come in; None: he does."""
        host = self._hosts.get(_label(request))
        if host is None:  # RFC 9110 s15.5.20
            return tell(problem(421, "There is no virtual host of this name on this port."))
        if host.authentication is HostAuthentication.OPENID:
            request[PROVIDER_ONLY] = True
            return None
        given = request.headers.get("Authorization")
        check = self._basic if host.authentication is HostAuthentication.BASIC else self._digest
        try:
            account = None if given is None else await check(request, given)
        except TooManyTries as error:
            headers = {"Retry-After": str(max(1, round(error.retry_after)))}
            return tell(of_error(error).model_copy(update={"retry_after": error.retry_after}), headers)
        if isinstance(account, str):
            request[GUEST] = account
            return None
        return self._ask(host.authentication, stale=account is False)

    def _ask(self, how: HostAuthentication, *, stale: bool) -> web.Response:
        """RFC 9110 s11.6.1."""
        response = tell(problem(401, "This virtual host asks for a name and a password."))
        if how is HostAuthentication.BASIC:
            response.headers.add("WWW-Authenticate", 'Basic realm="Holdfast", charset="UTF-8"')
        else:
            for each in self._guard.challenges(self._house.clock.monotonic(), stale):
                response.headers.add("WWW-Authenticate", each)
        return response

    async def _basic(self, request: web.Request, given: str) -> str | bool | None:
        """The account; None where it is none. Raises TooManyTries."""
        kind, _, rest = given.partition(" ")
        if kind.lower() != "basic":
            return None
        key, now = (
            hashlib.sha256(given.encode("utf-8", "surrogatepass")).digest(),
            self._house.clock.monotonic(),
        )
        known = self._right.get(key)
        if known is not None and now < known[1]:
            return known[0]
        try:
            name, colon, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return None
        if not colon:
            return None
        try:
            account = await self._house.check(name, password, peer_of(request))
        except WrongPassword:
            return None
        self._right[key] = account.name, now + FOR
        while len(self._right) > REMEMBERED:
            self._right.popitem(last=False)
        return account.name

    async def _digest(self, request: web.Request, given: str) -> str | bool | None:
        """The account; None where it is none; False: right, with a nonce that is too old. Raises TooManyTries."""
        house, peer, now = self._house, peer_of(request), self._house.clock.monotonic()
        verdict = self._guard.verify(request.method, request.raw_path, given, now)
        if verdict.stale:
            return False
        wait = house.lockout.ask(verdict.account or verdict.claimed, peer, now).wait
        if wait > 0:
            raise TooManyTries(wait)
        if verdict.account is None:
            house.lockout.failed(verdict.claimed, peer, now)
            house.bus.publish(LoginFailed(verdict.claimed[:64], peer, BY))
            return None
        house.lockout.succeeded(verdict.account, peer)
        return verdict.account


def _label(request: web.Request) -> str:
    """The first label of the host that is asked: recorder-2 of recorder-2.example.com:8444."""
    return request.headers.get("Host", "").partition(":")[0].partition(".")[0].lower()
