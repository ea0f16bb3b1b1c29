"""One camera over ONVIF: `device.cameras.control.Control`, with aiohttp.

What is known of real cameras and how this bears it stands in `docs/design/cameras.md`.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import aiohttp

from device.cameras.control import (
    Access,
    Card,
    Happening,
    Lacks,
    LoginRefused,
    NotUnderstood,
    Portrait,
    Profile,
    Unreachable,
)
from device.cameras.ptz import Head
from device.clock import Clock
from device.digest import Challenge, authorization, challenges, secret_of
from device.media import MICROSECONDS, Utc
from protocols.onvif.client import card as cards
from protocols.onvif.client import replies
from protocols.onvif.client.lenient import LONGEST, document, text
from protocols.onvif.client.ptz import OnvifHead
from protocols.onvif.client.wire import NONCE, TR2, Addressed, Fault, Fill, Refuses, Token, answer, request
from protocols.onvif.names import TDS, TEV, TPTZ, TRP, TRT, TSE, TT, WSNT
from protocols.onvif.soap import MEDIA_TYPE
from protocols.onvif.xml import Element, sub, write_instant

SECONDS = 10.0  #: that an answer may take
POLL = 20  #: seconds that a request for events waits at the camera
LIFE = (
    600  #: seconds that a subscription is asked to live: cameras have few, and forget none before their time
)
RENEW = 0.8  #: of its life, after which it is renewed
HELD = 60.0  #: seconds after a refused login in which nothing is sent: cameras lock accounts
AGAIN = 2  #: times that a request is sent anew whose connection was closed
KEEP_ALIVE = 4.0  #: seconds that a connection is used again; cameras close them without a word
PAUSE = 1.0  #: seconds from one poll to the next that was cut
CUTS = 30  #: polls in a row that may be cut at once
PROFILES = 16  #: that are asked for their addresses
MESSAGES = 100  #: in one reply
LEAST_STEP = 2.0  #: seconds: a clock that moved by less is not why a login was refused
_PULL = f"{TEV}/PullPointSubscription"
_MANAGER = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager"
_SECRETS = ("user", "usr", "username", "pass", "pwd", "password", "loginuse", "loginpas")  #: of a query


class OnvifCamera:
    """See `device.cameras.control.Control`."""

    def __init__(self, access: Access, clock: Clock) -> None:
        """`access.url`: of the device service; what is missing of it is as most cameras have it."""
        self._access = access
        self._clock = clock
        self.base = access.url
        parts = urlsplit(access.url)
        self._host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        self._http: aiohttp.ClientSession | None = None
        self._digest: Challenge | None = None  #: digest is spoken, with this nonce
        self._count = 0  #: requests made with it
        self._offset = 0  #: microseconds that the camera's clock is ahead
        self._held = -HELD  #: monotonic seconds of the last refused login
        self._services: MappingProxyType[str, str] | None = None

    async def close(self) -> None:
        """Control."""
        if self._http is not None:
            await self._http.close()

    # ------------------------------------------------------------------------------------ what it is

    async def describe(self) -> Portrait:
        """Control."""
        await self._read_clock()
        found = await self._find_services()
        told, mac = replies.Information("", "", "", ""), ""
        with contextlib.suppress(Refuses):
            told = replies.information(await self._call(self.base, TDS, "GetDeviceInformation"))
        with contextlib.suppress(Refuses):  # many let administrators alone see it
            mac = replies.mac(await self._call(self.base, TDS, "GetNetworkInterfaces"))
        return Portrait(
            told.manufacturer,
            told.model,
            told.firmware,
            told.serial,
            mac,
            self._offset / MICROSECONDS,
            TEV in found,
            tuple(await self._profiles()),
        )

    async def _read_clock(self) -> None:
        """How far its clock is from ours. Anybody may ask; there are cameras that want a login even for this."""
        before = self._clock.utc()
        try:
            reply = await self._call(self.base, TDS, "GetSystemDateAndTime", anonymous=True)
        except Refuses as error:
            if not error.fault.codes:
                raise NotUnderstood(f"Nobody speaks ONVIF at {self.base}: {error}.") from None
            return  # it tells nobody: its clock is taken to be right
        utc = replies.camera_time(reply)
        if utc is not None:
            # Whole seconds are told: half of one is what is left out on average.
            self._offset = utc + MICROSECONDS // 2 - (before + self._clock.utc()) // 2

    async def _find_services(self) -> MappingProxyType[str, str]:
        if self._services is None:
            try:
                reply = await self._call(
                    self.base, TDS, "GetServices", lambda asked: _put(asked, TDS.IncludeCapability, False)
                )
                found = replies.services(reply)
            except Refuses:
                found = {}
            if not any(space in found for space in replies.MEDIA):
                with contextlib.suppress(Refuses):
                    reply = await self._call(
                        self.base, TDS, "GetCapabilities", lambda asked: _put(asked, TDS.Category, "All")
                    )
                    found = replies.capabilities(reply) | found
            reached = {
                space: replies.reached(address, self.base) or self.base for space, address in found.items()
            }
            self._services = MappingProxyType(reached)
        return self._services

    async def _profiles(self) -> list[Profile]:
        """Of Media 2, which alone knows H.265, else of Media 1: it is listed by cameras that do not have it."""
        found = await self._find_services()
        reason = "it lists no Media service"
        for space, media in ((TR2, self._media2), (TRT, self._media1)):
            if space not in found:
                continue
            try:
                profiles = await media(found[space])
            except Refuses as error:
                reason = str(error)
                continue
            if any(each.url for each in profiles):
                return profiles
            reason = "none of its profiles has a stream"
        raise Lacks(f"The camera {self._host} offers no streams over ONVIF: {reason}.")

    async def _media2(self, at: str) -> list[Profile]:
        def everything(asked: Element) -> None:
            sub(asked, TR2.Type, "All")

        reply = await self._call(at, TR2, "GetProfiles", everything)
        return [
            replace(
                each,
                url=await self._uri(
                    at, TR2, "GetStreamUri", [(TR2.Protocol, "RtspUnicast"), (TR2.ProfileToken, each.token)]
                ),
                snapshot=await self._uri(at, TR2, "GetSnapshotUri", [(TR2.ProfileToken, each.token)]),
            )
            for each in replies.profiles(reply)[:PROFILES]
        ]

    async def _media1(self, at: str) -> list[Profile]:
        found = []
        for each in replies.profiles(await self._call(at, TRT, "GetProfiles"))[:PROFILES]:
            url = await self._uri(at, TRT, "GetStreamUri", [(TRT.ProfileToken, each.token)], setup=True)
            snapshot = await self._uri(at, TRT, "GetSnapshotUri", [(TRT.ProfileToken, each.token)])
            found.append(replace(each, url=url, snapshot=snapshot))
        return found

    async def _uri(
        self, at: str, space: str, operation: str, fields: list[tuple[str, str]], *, setup: bool = False
    ) -> str:
        """An address; empty where the camera has none for this profile."""

        def fill(asked: Element) -> None:
            if setup:
                wanted = sub(asked, TRT.StreamSetup)
                sub(wanted, TT.Stream, "RTP-Unicast")
                sub(sub(wanted, TT.Transport), TT.Protocol, "RTSP")
            for field, value in fields:
                sub(asked, field, value)

        try:
            reply = await self._call(at, space, operation, fill)
        except Refuses:
            return ""
        told = replies.uri(reply)
        if operation == "GetSnapshotUri":
            return replies.reached(told, self.base)
        return replies.own(told, self._host)

    # ------------------------------------------------------------------------------------ what it does

    async def reboot(self) -> str:
        """Control."""
        try:
            reply = await self._call(self.base, TDS, "SystemReboot", again=0)
        except Refuses as error:
            raise Lacks(f"The camera {self._host} does not restart: {error}") from None
        return text(reply, "Message")

    async def head(self, profile: Profile) -> Head:
        """Control."""
        at = (await self._find_services()).get(TPTZ)
        if at is None or not profile.node:
            raise Lacks(f"The camera {self._host} cannot be moved.")
        return OnvifHead(partial(self._call, at, TPTZ), self._host, profile)

    async def card(self, profile: Profile) -> Card:
        """Control."""
        await self._read_clock()
        found = await self._find_services()
        if TSE not in found or TRP not in found:
            raise Lacks(f"The camera {self._host} offers no recordings of its own.")
        try:
            recorded = cards.recording_of(profile, await self._recordings(found[TSE]))
            if recorded is None:
                raise Lacks(f"The camera {self._host} has no recording of the profile {profile.token!r}.")
            reply = await self._call(
                found[TRP], TRP, "GetReplayUri", partial(cards.ask_address, recording=recorded.token)
            )
        except Refuses as error:
            raise Lacks(f"The camera {self._host} does not tell of its recordings: {error}") from None
        url = replies.own(replies.uri(reply), self._host)
        if not url:
            raise Lacks(f"The camera {self._host} replays its recordings nowhere.")
        return Card(url, recorded.token, self._offset)

    async def _recordings(self, at: str) -> list[cards.Recorded]:
        search = cards.search_of(await self._call(at, TSE, "FindRecordings", cards.ask_recordings))
        found: list[cards.Recorded] = []
        for _ in range(cards.PAGES):
            reply = await self._call(
                at, TSE, "GetRecordingSearchResults", partial(cards.ask_page, search=search)
            )
            some, last = cards.page(reply)
            found += some
            if last:
                break
        return found

    async def snapshot(self, token: str) -> bytes:
        """Control."""
        profile = next((each for each in await self._profiles() if each.token == token), None)
        if profile is None or not profile.snapshot:
            raise Lacks(f"The camera {self._host} has no pictures of {token!r}.")
        parts = urlsplit(profile.snapshot)
        query = urlencode(
            [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in _SECRETS]
        )
        status, challenged, body = 401, [""], b""
        for url in dict.fromkeys((profile.snapshot, urlunsplit(parts._replace(query=query)))):
            for _ in range(2):
                status, challenged, body = await self._exchange("GET", url, None, SECONDS)
                if status != 401 or not self._take_challenge(challenged):
                    break
            if status == 200 and body.startswith(b"\xff\xd8"):
                return body
        if status == 401:
            raise LoginRefused(f"The camera {self._host} refuses user and password for its pictures.")
        raise NotUnderstood(f"The camera {self._host} answers {status} for a picture, and none comes.")

    # ------------------------------------------------------------------------------------ what it sees

    async def happenings(self) -> AsyncIterator[Happening]:
        """Control. A camera that says that it has no pull points is asked all the same."""
        at = (await self._find_services()).get(TEV, self.base)
        try:
            address, to, lives = await self._subscribe(at)
        except Refuses as error:
            raise Lacks(f"The camera {self._host} lets nobody subscribe to its events: {error}") from None
        renew = self._clock.monotonic() + lives * RENEW
        try:
            cuts = 0
            while cuts < CUTS:
                asked = self._clock.monotonic()
                try:
                    reply = await self._pull(address, to)
                except Refuses as error:
                    if error.fault.gone or not cuts:
                        raise
                    reply = None  # it has not noticed yet that the request before was cut
                if reply is None:
                    cuts += 1
                    await asyncio.sleep(max(0.0, PAUSE - (self._clock.monotonic() - asked)))
                else:
                    cuts = 0
                    for each in replies.happenings(reply, self._clock.utc(), self._offset):
                        yield each
                if self._clock.monotonic() >= renew:
                    lives = await self._renew(address, to)
                    renew = self._clock.monotonic() + lives * RENEW
            raise Unreachable(f"The camera {self._host} cuts every request for events.")
        except Refuses as error:
            raise NotUnderstood(
                f"The camera {self._host} ended the subscription to its events: {error}"
            ) from None
        finally:
            await self._unsubscribe(address, to)

    async def _subscribe(self, at: str) -> tuple[str, str, float]:
        """Where the subscription is, what is written into wsa:To, and how long it lives in seconds."""

        def fill(asked: Element) -> None:
            sub(asked, TEV.InitialTerminationTime, f"PT{LIFE}S")

        addressed = Addressed(f"{TEV}/EventPortType/CreatePullPointSubscriptionRequest", at)
        reply = await self._call(at, TEV, "CreatePullPointSubscription", fill, addressed=addressed)
        made = replies.subscribed(reply)
        address, to = replies.reached(made.address, self.base) or at, made.address or at
        lives = float(LIFE) if made.lives is None else made.lives
        if lives < LIFE / 2:  # a span of time that it misreads: an instant says the same
            lives = await self._renew(address, to)
        return address, to, max(lives, 1.0)

    async def _renew(self, address: str, to: str) -> float:
        """How long it lives now. A camera that renews nothing lets it live while it is asked for events."""
        end = write_instant(Utc(self._clock.utc() + self._offset + LIFE * MICROSECONDS))

        def fill(asked: Element) -> None:
            sub(asked, WSNT.TerminationTime, end)

        try:
            reply = await self._call(
                address, WSNT, "Renew", fill, addressed=Addressed(f"{_MANAGER}/RenewRequest", to)
            )
        except Refuses as error:
            if error.fault.gone:
                raise
            return float(LIFE)
        return max(replies.subscribed(reply).lives or float(LIFE), 1.0)

    async def _pull(self, address: str, to: str) -> Element | None:
        """What it tells; None: the request was cut."""

        def fill(asked: Element) -> None:
            sub(asked, TEV.Timeout, f"PT{POLL}S")
            sub(asked, TEV.MessageLimit, MESSAGES)

        addressed = Addressed(f"{_PULL}/PullMessagesRequest", to)
        try:
            return await self._call(
                address, TEV, "PullMessages", fill, addressed=addressed, seconds=POLL + SECONDS, again=0
            )
        except Unreachable as error:
            if isinstance(error.__cause__, aiohttp.ClientConnectorError):
                raise
            return None

    async def _unsubscribe(self, address: str, to: str) -> None:
        """Give the place back: cameras have few, and some keep those that are left until they restart."""
        addressed = Addressed(f"{_MANAGER}/UnsubscribeRequest", to)
        try:
            await self._call(address, WSNT, "Unsubscribe", addressed=addressed, seconds=2.0)
        except (Refuses, Unreachable, LoginRefused, NotUnderstood):
            return  # it is gone, or goes when its time is over

    # ------------------------------------------------------------------------------------ one request

    async def _call(
        self,
        at: str,
        space: str,
        operation: str,
        fill: Fill | None = None,
        *,
        anonymous: bool = False,
        addressed: Addressed | None = None,
        seconds: float = SECONDS,
        again: int = AGAIN,
    ) -> Element:
        """Ask, and log in as the camera wants it: by token first, since most know it, by digest where it asks for that.
        Raises Refuses, Unreachable, LoginRefused, NotUnderstood."""
        if self._clock.monotonic() - self._held < HELD:
            raise self._refused()
        nameless = anonymous or not self._access.user
        measured = False
        while True:
            token = None if nameless or self._digest is not None else self._token()
            asked = request(f"{{{space}}}{operation}", fill, token, addressed)
            answered = self._digest
            status, challenged, body = await self._exchange("POST", at, asked, seconds, again=again)
            told = self._read(operation, status, body)
            if isinstance(told, Fault) and (told.unauthorized or status == 401):
                if nameless and self._access.user:
                    nameless = False
                    self._take_challenge(challenged)
                elif self._take_challenge(challenged) and (
                    answered is None or self._digest_is_stale(challenged)
                ):
                    continue
                elif not measured and await self._clock_moved(anonymous=anonymous):
                    measured = True
                else:
                    self._held = self._clock.monotonic()
                    raise self._refused()
                continue
            if isinstance(told, Fault):
                raise Refuses(told)
            return told

    def _read(self, operation: str, status: int, body: bytes) -> Element | Fault:
        if status == 401:
            return Fault(("NotAuthorized",), "")
        if not body.strip():
            return Fault((), f"HTTP {status}") if status >= 400 else answer(document(b"<empty/>"), operation)
        told = answer(document(body), operation)
        return Fault((), f"HTTP {status}") if status >= 400 and not isinstance(told, Fault) else told

    def _refused(self) -> LoginRefused:
        who = f"the user {self._access.user!r}" if self._access.user else "who does not log in"
        return LoginRefused(f"The camera {self._host} refuses {who}.")

    def _token(self) -> Token:
        at = Utc(self._clock.utc() + self._offset)
        return Token.at(self._access.user, self._access.password, secrets.token_bytes(NONCE), at)

    async def _clock_moved(self, *, anonymous: bool) -> bool:
        """Whether the camera's clock is not where it was: then its refusal was about our token's time."""
        if anonymous or self._digest is not None:
            return False
        before = self._offset
        try:
            await self._read_clock()
        except LoginRefused:
            return False
        return abs(self._offset - before) > LEAST_STEP * MICROSECONDS

    def _take_challenge(self, challenged: list[str]) -> bool:
        """Speak digest from now on, if that is what is asked for."""
        offered = [each for each in challenges(challenged) if each.scheme == "digest"]
        if not offered or not self._access.user:
            return False
        self._digest, self._count = offered[0], 0
        return True

    def _digest_is_stale(self, challenged: list[str]) -> bool:
        return any(each.stale for each in challenges(challenged))

    async def _exchange(
        self, method: str, url: str, body: bytes | None, seconds: float, *, again: int = AGAIN
    ) -> tuple[int, list[str], bytes]:
        """One request of HTTP: status, challenges, body. Where the connection was closed behind our back it is sent
        `again` over another one, so many times. Raises Unreachable, NotUnderstood."""
        headers = {"Content-Type": f"{MEDIA_TYPE}; charset=utf-8"} if body is not None else {}
        if self._digest is not None:
            self._count += 1
            target = urlunsplit(("", "", *urlsplit(url)[2:4], "")) or "/"
            one, user = self._digest, self._access.user
            ha1 = secret_of(user, one.realm, self._access.password, one.algorithm)
            headers["Authorization"] = authorization(
                one, user, ha1, method, target, self._count, secrets.token_hex(8)
            )
        limit = aiohttp.ClientTimeout(total=seconds, sock_connect=SECONDS)
        try:
            async with self._session().request(
                method, url, data=body, headers=headers, timeout=limit, allow_redirects=False
            ) as got:
                read = await _all(got)
                return got.status, got.headers.getall("WWW-Authenticate", []), read
        except TimeoutError as error:
            raise Unreachable(f"The camera {self._host} does not answer within {seconds:g} s.") from error
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(f"The camera {self._host} cannot be reached: {_why(error)}.") from error
        except (aiohttp.ClientConnectionError, OSError) as error:
            if again:
                return await self._exchange(method, url, body, seconds, again=again - 1)
            raise Unreachable(f"The camera {self._host} closes the connection.") from error
        except aiohttp.ClientError as error:
            raise NotUnderstood(f"What answers at {self.base} speaks no HTTP: {error}") from error

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            connector = aiohttp.TCPConnector(keepalive_timeout=KEEP_ALIVE, limit=8)
            self._http = aiohttp.ClientSession(
                connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._http


async def _all(got: aiohttp.ClientResponse) -> bytes:
    """A body, as far as it may be long."""
    read = bytearray()
    while len(read) <= LONGEST and (chunk := await got.content.readany()):
        read += chunk
    return bytes(read)


def _put(asked: Element, field: str, value: str | bool) -> None:
    sub(asked, field, value)


def _why(error: Exception) -> str:
    inner = getattr(error, "os_error", None) or error
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
