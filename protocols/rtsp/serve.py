"""The RTSP server's side of one connection (RFC 2326), without the connection: bytes in, effects out. Pure.

Requests are done one after the other, pipelined or not (RFC 2326 s9.1). Where one needs the library or the
disk, the connection asks by an effect and waits for the answer; what comes meanwhile is kept, within limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from device.errors import BadValue, HoldfastError, NotAuthorized
from protocols.rtsp.describe import Opened, locate
from protocols.rtsp.effects import Close, Effect, Play, Refuse, Release, Started, Write
from protocols.rtsp.message import (
    BODY_LIMIT,
    DOLLAR,
    HEAD_LIMIT,
    VERSION,
    Frame,
    MalformedMessage,
    Request,
    Response,
    extent,
    headers,
    take,
)
from protocols.rtsp.methods import AGGREGATE, PUBLIC, TABLE, Ask, Reply, Wait, allowed, required, row_of
from protocols.rtsp.registry import Peer, Registry, Session
from protocols.rtsp.stamps import FEATURE

SUPPORTED = frozenset({FEATURE})  #: feature tags that a Require header may name (RFC 2326 s12.32)
BACKLOG_LIMIT = 2 * (HEAD_LIMIT + BODY_LIMIT)  #: octets that wait while a request is being done
SERVER = "Holdfast"
_TIMESTAMP = re.compile(r"[0-9.]{1,40}(?: +[0-9.]{1,40})?", re.ASCII)
_CSEQ = re.compile(r"[0-9]{1,10}", re.ASCII)


@dataclass(slots=True, eq=False)
class Connection:
    """One peer. `now` is monotonic seconds, the same clock in every call."""

    registry: Registry
    peer: Peer
    token: Callable[[], str]  #: makes the names of sessions, which nobody can guess
    active: float  #: when the last request came
    intercept: Callable[[str, str], int | None] | None  #: method and path -> a status: faults on demand
    _buffer: bytearray = field(default_factory=bytearray)
    _out: list[Effect] = field(default_factory=list)
    _waiting: tuple[Request, Wait] | None = None
    _wanted: int = 0  #: octets that the buffer must hold before it is worth looking at again
    _failures: int = 0
    _believed: str | None = None  #: the account that was right on this connection
    _closed: bool = False

    def receive(self, data: bytes, now: float) -> list[Effect]:
        """Octets from the peer."""
        if self._closed:
            return []
        self._buffer += data
        if self._waiting is not None and len(self._buffer) > BACKLOG_LIMIT:
            self._close(now)
        return self._run(now)

    def found(self, answer: Opened | Started | HoldfastError, now: float) -> list[Effect]:
        """What became of Resolve or Play."""
        waiting, self._waiting = self._waiting, None
        if waiting is None or self._closed:
            return self._drain()
        request, wait = waiting
        if not isinstance(answer, HoldfastError):
            self._reply(request, wait.then(answer, now))
        elif isinstance(wait.effect, Play) and isinstance(answer, BadValue):
            self._reply(request, Reply(457, session=wait.session))
        elif isinstance(answer, NotAuthorized):
            self._reply(request, Reply(403))  # who asks is known, so asking for credentials again is no use
        else:
            self._reply(request, Reply(answer.wire.rtsp, session=wait.session))
        return self._run(now)

    def lost(self, now: float) -> list[Effect]:
        """The connection is gone, and with it every session whose media ran over it."""
        self._closed = True
        self._out = [Release(session) for session in self.registry.disconnect(self.peer, now)]
        return self._drain()

    def idle(self, now: float) -> bool:
        """Whether the peer has had its time without making a session."""
        return now - self.active > self.registry.limits.idle_seconds and not self.registry.of(self.peer)

    def _run(self, now: float) -> list[Effect]:
        at = 0
        while len(self._buffer) >= self._wanted and self._waiting is None and not self._closed:
            try:
                taken = take(self._buffer, at)
            except MalformedMessage as error:
                self._out.append(Write(Response(error.status, headers((("Server", SERVER),))).encode()))
                self._close(now)
                break
            if taken is None:
                self._wanted = self._pending(at) - at
                break
            message, at = taken
            self._wanted = 0
            if isinstance(message, Frame):
                self.registry.heard(self.peer, message.channel, now)
            elif isinstance(message, Request):
                self.active = now
                self._take(message, now)
        del self._buffer[:at]
        return self._drain()

    def _pending(self, at: int) -> int:
        """How far the buffer must reach before the message at `at` is whole; 0 where that is not known
        yet."""
        pending = self._buffer[at : at + 1]
        return (extent(self._buffer, at) or 0) if pending and pending[0] not in (DOLLAR, 13, 10) else 0

    def _take(self, request: Request, now: float) -> None:
        """Check in the order of RFC 2326 s7.1.1 what does not depend on the URL."""
        row = TABLE.get(request.method)
        unknown = sorted(required(request) - SUPPORTED)
        if request.version != VERSION:
            self._reply(request, Reply(505))
        elif not _CSEQ.fullmatch(request.headers.get("CSeq") or ""):
            self._reply(request, Reply(400))
        elif row is None:
            self._reply(request, Reply(501, (("Public", PUBLIC),)))
        elif unknown:
            self._reply(request, Reply(551, (("Unsupported", ", ".join(unknown)),)))
        elif request.method == "OPTIONS" and request.url == "*":
            self._reply(request, Reply(200, (("Public", PUBLIC),), session=self._named(request, now)))
        else:
            self._do(request, now)

    def _do(self, request: Request, now: float) -> None:
        try:
            location = locate(request.url)
        except BadValue:
            self._reply(request, Reply(400))
            return
        session = self._named(request, now)
        fault = self.intercept(request.method, location.path) if self.intercept is not None else None
        if fault is not None:
            self._reply(request, Reply(fault, self._challenges(now, stale=False) if fault == 401 else ()))
            return
        account = self._account(request, now) if request.method != "OPTIONS" else ""
        if account is None:
            return
        if session is not None and request.method != "OPTIONS" and session.account != account:
            session = None
        if session is None and request.headers.get("Session") is not None and request.method != "OPTIONS":
            self._reply(request, Reply(454))
            return
        step = TABLE[request.method][row_of(session)]
        if isinstance(step, int):
            self._reply(request, Reply(step, (("Allow", allowed(session)),) if step == 455 else ()))
            return
        of_track = request.method in AGGREGATE and location.track is not None
        if of_track and session is not None and len(session.legs) > 1:
            self._reply(request, Reply(460, session=session))
            return
        outcome = step(Ask(request, location, account, session, self.peer, self.registry, self.token, now))
        if isinstance(outcome, Reply):
            self._reply(request, outcome)
        else:
            self._waiting = (request, outcome)
            self._out.append(outcome.effect)

    def _named(self, request: Request, now: float) -> Session | None:
        """The session that a request names. To name it is a sign of life, whatever becomes of the request:
        players do not look at the answers to what they send to keep a session."""
        name = request.headers.get("Session")
        session = self.registry.find(name.partition(";")[0].strip(), self.peer) if name is not None else None
        if session is not None:
            self.registry.refresh(session, now)
        return session

    def _account(self, request: Request, now: float) -> str | None:
        """The account that asks, empty on an open server; None where it was answered: 401, or 503 to who guesses."""
        guard = self.registry.guard
        if guard is None:
            return ""
        verdict = guard.verify(request.method, request.url, request.headers.get("Authorization"), now)
        if verdict.attempted and (verdict.account is None or verdict.account != self._believed):
            wait = self._guessed(verdict.account, verdict.claimed, now)
            if wait > 0:
                self._reply(request, Reply(503, (("Retry-After", str(ceil(wait))),)))
                return None
        if verdict.account is None:
            if verdict.attempted:
                self._failures += 1
                self._out.append(Refuse(verdict.claimed))
            self._reply(request, Reply(401, self._challenges(now, verdict.stale)))
            if self._failures >= self.registry.limits.attempts:
                self._close(now)
        else:
            self._failures, self._believed = 0, verdict.account
        return verdict.account

    def _guessed(self, account: str | None, claimed: str, now: float) -> float:
        """Seconds for which nobody is believed who comes from this address with this name. Not asked for who was
        believed on this connection before: his media go on, whoever guesses beside him."""
        lockout, host = self.registry.lockout, self.peer.host
        if lockout is None:
            return 0.0
        wait = lockout.ask(account or claimed, host, now).wait
        if wait > 0:
            return wait
        if account is not None:
            lockout.succeeded(account, host)
        else:
            lockout.failed(claimed, host, now)
        return 0.0

    def _challenges(self, now: float, stale: bool) -> tuple[tuple[str, str], ...]:
        guard = self.registry.guard
        offered = guard.challenges(now, stale) if guard is not None else []
        return tuple(("WWW-Authenticate", challenge) for challenge in offered)

    def _reply(self, request: Request, reply: Reply) -> None:
        fields: list[tuple[str, str]] = []
        cseq = request.headers.get("CSeq") or ""
        if _CSEQ.fullmatch(cseq):
            fields.append(("CSeq", cseq))
        stamp = request.headers.get("Timestamp") or ""
        if _TIMESTAMP.fullmatch(stamp):
            fields.append(("Timestamp", stamp))  # RFC 2326 s12.38
        fields.append(("Server", SERVER))
        if reply.session is not None:
            seconds = int(self.registry.limits.session_seconds)
            fields.append(("Session", f"{reply.session.id};timeout={seconds}"))
        self._out += reply.effects
        self._out.append(
            Write(Response(reply.status, headers([*fields, *reply.fields]), reply.body).encode())
        )

    def _close(self, now: float) -> None:
        self._closed = True
        self._buffer.clear()
        self._out += [Release(session) for session in self.registry.disconnect(self.peer, now)]
        self._out.append(Close())

    def _drain(self) -> list[Effect]:
        out, self._out = self._out, []
        return out
