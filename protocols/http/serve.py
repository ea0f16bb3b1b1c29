"""The table of routes, answered: who asks and may, what is asked and whether it can be, and what is said then."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from aiohttp import WSCloseCode, web
from pydantic import TypeAdapter, ValidationError

from device.accounts.rights import NotAllowed
from device.accounts.sessions import NotLoggedIn
from device.errors import HoldfastError
from protocols.http.caller import SAFE, Caller, bearer, clear_cookie, is_ours, set_cookie
from protocols.http.problem import Problem, of_error, of_validation, problem
from protocols.http.table import Reply, Route, is_raw

H = TypeVar("H", bound="Guarded")

JSON = "application/json"
PROBLEM = "application/problem+json"
SESSION_ENDED = 4401  #: close code of a WebSocket (RFC 6455 s7.4.2: private use)
HEARTBEAT = 20.0  #: seconds between two pings of a WebSocket
RIGHTS_CHANGED = 4403  #: the same: who comes again gets what the account may see now
WATCH = 2.0  #: seconds between two looks whether its session still holds
LARGEST_MESSAGE = 64 << 10  #: octets that a client may send in one message


class Guarded(Protocol):
    """What the routes stand on, as far as answering goes."""

    def needs_setup(self) -> bool:
        """Whether there is no account yet."""

    async def caller(self, request: web.Request, *, use: bool) -> Caller:
        """Who asks. Raises NotLoggedIn."""


class Refusal(Exception):
    """A request that comes no further."""

    def __init__(self, told: Problem, headers: dict[str, str] | None = None) -> None:
        super().__init__(told.detail)
        self.told = told
        self.headers = headers or {}


class Serving(Generic[H]):
    """Answers one table's routes for one house."""

    def __init__(
        self, house: H, routes: Iterable[Route], defect: Callable[[str, BaseException], None]
    ) -> None:
        """`defect`: told of what should not have happened, with the id that the client got."""
        self._house = house
        self._defect = defect
        self._sockets: set[web.WebSocketResponse] = set()
        self.definitions = web.RouteTableDef()
        for route in routes:
            method = "GET" if route.method == "WS" else route.method
            self.definitions.route(method, route.path)(self._handler(route))

    async def close(self) -> None:
        """End the WebSockets."""
        for socket in list(self._sockets):
            with contextlib.suppress(Exception):
                await socket.close(code=WSCloseCode.GOING_AWAY)

    def _handler(self, route: Route) -> Callable[[web.Request], Any]:
        adapters = {name: _Late(kind) for name, kind in route.parameters.items()}
        body = None if route.body is None else _Late(route.body)
        query = None if route.query is None else _Late(route.query)
        answers = None if is_raw(route) else _Late(route.answers)

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                caller = await self._admit(route, request)
                given: dict[str, Any] = {"house": self._house, "caller": caller, "request": request}
                given |= {name: _from_path(name, adapter, request) for name, adapter in adapters.items()}
                if caller is not None:
                    _check_sight(route, caller, given)
                if query is not None:
                    given["query"] = _checked(lambda: query.adapter.validate_strings(_query(request)))
                if body is not None:
                    given["body"] = await _body(body.adapter, request)
                if "match" in route.names:
                    given["match"] = _match(request)
                if route.method == "WS":
                    return await self._socket(route, request, given)
                value = await route.function(**{name: given[name] for name in route.names})
                return _answer(route, answers, value)
            except Refusal as refusal:
                return tell(refusal.told, refusal.headers)
            except HoldfastError as error:
                told = of_error(error)
                wait = getattr(error, "retry_after", None)
                headers = {} if wait is None else {"Retry-After": str(max(1, round(wait)))}
                told = told.model_copy(update={"retry_after": wait})
                return tell(told, headers)
            except (asyncio.CancelledError, web.HTTPException, ConnectionResetError):
                raise
            except Exception as error:  # noqa: BLE001 - a defect is told, not shown
                number = secrets.token_hex(4)
                self._defect(number, error)
                return tell(
                    problem(500, f"Something went wrong that should not. Its number is {number}."), {}
                )

        return handle

    async def _admit(self, route: Route, request: web.Request) -> Caller | None:
        if self._house.needs_setup() and not route.before_setup:
            raise Refusal(problem(403, "Make the first administrator first.", hint="POST /api/setup"))
        cookie = (
            bearer(request) is None
        )  # a browser sends passwords of Basic and Digest by itself, as it does cookies
        asks_origin = request.method not in SAFE or route.method == "WS"
        if cookie and asks_origin and not is_ours(request):
            raise Refusal(problem(403, "This came from a page of somebody else."))
        try:
            caller = await self._house.caller(request, use=True)
        except NotLoggedIn as error:
            if route.role is None:
                return None
            raise Refusal(of_error(error), {"WWW-Authenticate": "Bearer"}) from None
        if route.role is not None:
            if not caller.rights.role.may(route.role):
                raise NotAllowed(f"This is for the role {route.role.value}.")
            if not caller.scoped(route.scope, changes=route.changes):
                raise NotAllowed("The token is not for this.")
            if route.media is not None and not caller.rights.may_watch(route.media):
                raise NotAllowed(f"This account may not watch {route.media.value} video.")
            if route.moves and not caller.rights.may_move:
                raise NotAllowed("This account may not move cameras.")
        return caller

    async def _socket(
        self, route: Route, request: web.Request, given: dict[str, Any]
    ) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=LARGEST_MESSAGE, compress=False)
        if not socket.can_prepare(request):
            raise Refusal(problem(426, "This is a WebSocket."), {"Upgrade": "websocket"})
        await socket.prepare(request)
        self._sockets.add(socket)
        given = {**given, "socket": socket}
        work = asyncio.ensure_future(route.function(**{name: given[name] for name in route.names}))
        watch = asyncio.create_task(self._lapse(request, given["caller"]))
        try:
            done, _ = await asyncio.wait([work, watch], return_when=asyncio.FIRST_COMPLETED)
            if work in done:
                work.result()
            else:
                # It reads no more when the socket is closed: both would wait for the client's answer.
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                code, why = watch.result()
                await socket.close(code=code, message=why)
        except HoldfastError as error:
            if not socket.closed:
                await socket.close(code=4000 + error.wire.http, message=str(error).encode()[:120])
        except ConnectionResetError:
            pass  # whoever watched is gone
        finally:
            for task in (work, watch):
                task.cancel()
            await asyncio.gather(work, watch, return_exceptions=True)
            self._sockets.discard(socket)
            if not socket.closed:
                await socket.close()
        return socket

    async def _lapse(self, request: web.Request, opened: Caller | None) -> tuple[int, bytes]:
        """Wait until the session of a WebSocket ends, or its account may something else than when it was opened: what
        it shows was chosen by that. The close code, and why."""
        while True:
            await asyncio.sleep(WATCH)
            try:
                caller = await self._house.caller(request, use=False)
            except HoldfastError:
                return SESSION_ENDED, b"The session has ended."
            if opened is not None and caller.rights != opened.rights:
                return RIGHTS_CHANGED, b"The rights have changed."


class _Late:
    """An adapter that is made when it is first needed: all of them would be much of the plane's start."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """It."""
        return TypeAdapter(self._kind)


def _check_sight(route: Route, caller: Caller, given: dict[str, Any]) -> None:
    """What an account may not see is not there."""
    camera = given.get("camera")
    if camera is None and "recording" in route.parameters:
        camera = str(given["recording"]).partition(".")[0]
    if camera is not None and not caller.rights.may_see(str(camera), route.media):
        raise Refusal(problem(404, "There is no such camera, or this account may not see it."))


def _from_path(name: str, late: _Late, request: web.Request) -> Any:
    try:
        return late.adapter.validate_strings(request.match_info[name])
    except ValidationError:
        raise Refusal(problem(404, f"There is nothing of that {name}.")) from None


def _query(request: web.Request) -> dict[str, str]:
    query = request.query
    if len(set(query)) != len(query):
        raise Refusal(problem(422, "A parameter is given twice."))
    return dict(query)


def _checked(validate: Callable[[], Any]) -> Any:
    try:
        return validate()
    except ValidationError as error:
        raise Refusal(of_validation(error.errors(include_url=False, include_input=False))) from None


async def _body(adapter: TypeAdapter[Any], request: web.Request) -> Any:
    if request.content_type != JSON:
        raise Refusal(problem(415, f"The body must be {JSON}."))
    try:
        data = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refusal(problem(413, "The body is too large.")) from None
    return _checked(lambda: adapter.validate_json(data))


def _match(request: web.Request) -> int | None:
    """The version in If-Match (RFC 9110 s13.1.1); None: whichever."""
    text = request.headers.get("If-Match", "*").strip()
    if text == "*":
        return None
    figures = text.removeprefix("W/").strip('"')
    if not figures.isascii() or not figures.isdecimal() or len(figures) > 15:
        raise Refusal(problem(412, "If-Match is none of the versions that there were."))
    return int(figures)


def _answer(route: Route, late: _Late | None, value: Any) -> web.StreamResponse:
    if isinstance(value, web.StreamResponse):
        return value
    headers: dict[str, str] = {}
    session = None
    if isinstance(value, Reply):
        headers, session, value = value.headers, value.session, value.value
    if late is None or value is None:
        response = web.Response(status=204 if value is None else route.status, headers=headers)
    else:
        body = late.adapter.dump_json(value, by_alias=True)
        response = web.Response(status=route.status, body=body, content_type=JSON, headers=headers)
    if session:
        set_cookie(response, session)
    elif session is not None:
        clear_cookie(response)
    return response


def tell(told: Problem, headers: dict[str, str] | None = None) -> web.Response:
    """The answer that says what went wrong."""
    text = json.dumps(told.model_dump(mode="json", exclude_none=True), ensure_ascii=True)
    return web.Response(status=told.status, text=text, content_type=PROBLEM, headers=headers)
