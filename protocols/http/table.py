"""Routes as a table: what each takes, answers and asks for, from which all else is made.

    TABLE = Table("Jobs")

    @TABLE.get("/api/jobs/{id}", role=Role.VIEWER)
    async def job(house: House, id: str) -> JobShown:
        '''One job.'''

What a function's parameters are called says what they are: `house`, `caller`, `request`, `match` (If-Match), `body`
and `query` (models), `socket` (of a WebSocket); any other one stands in the path. `camera` and `recording` in a path
are checked against what the caller may see, before the function is called.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from device.accounts.rights import Media
from device.accounts.role import Role
from device.accounts.sessions import Scope

T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., Awaitable[Any]])  # Any: whatever a route answers

INJECTED = frozenset({"house", "caller", "request", "match", "body", "query", "socket"})


class Body(BaseModel):
    """What somebody sends. What it does not know it refuses; what was given is in no error."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False, defer_build=True
    )


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """An answer with more than a value."""

    value: T
    headers: dict[str, str] = field(default_factory=dict)
    session: str | None = None  #: what opens the session that begins; empty: the session ends


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table."""

    method: str
    path: str
    function: Callable[..., Awaitable[Any]]  # Any: whatever it answers
    tag: str
    role: Role | None  #: None: anybody, also who is not logged in
    media: Media | None  #: that the caller must be allowed to watch
    moves: bool  #: the caller must be allowed to move cameras
    scope: Scope  #: that a token needs, where it has not all
    status: int  #: where it succeeds
    produces: str  #: media type of an answer that is no JSON
    before_setup: bool  #: answers also before there is an administrator
    names: tuple[str, ...]  #: of the function's parameters
    parameters: dict[str, Any]  #: of the path, by name. Any: a type
    body: Any
    query: Any
    answers: Any

    @property
    def changes(self) -> bool:
        """Whether it may change something."""
        return self.method not in ("GET", "WS")

    @property
    def summary(self) -> str:
        """The first sentence of what is said of it."""
        return inspect.cleandoc(self.function.__doc__ or "").partition("\n\n")[0].replace("\n", " ")


class Table:
    """Routes of one subject."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.routes: list[Route] = []

    def get(self, path: str, **more: Any) -> Callable[[Function], Function]:
        """Look."""
        return self.route("GET", path, **more)

    def post(self, path: str, **more: Any) -> Callable[[Function], Function]:
        """Make, or do."""
        return self.route("POST", path, **more)

    def put(self, path: str, **more: Any) -> Callable[[Function], Function]:
        """Set as a whole."""
        return self.route("PUT", path, **more)

    def patch(self, path: str, **more: Any) -> Callable[[Function], Function]:
        """Change some fields (RFC 7396)."""
        return self.route("PATCH", path, **more)

    def delete(self, path: str, **more: Any) -> Callable[[Function], Function]:
        """Remove."""
        return self.route("DELETE", path, **more)

    def websocket(self, path: str, **more: Any) -> Callable[[Function], Function]:
        """A WebSocket (RFC 6455): the function gets `socket`, open; it is closed when the function returns, and when
        the caller's session ends."""
        return self.route("WS", path, **more)

    def route(
        self,
        method: str,
        path: str,
        *,
        role: Role | None,
        media: Media | None = None,
        moves: bool = False,
        scope: Scope = Scope.READ,
        status: int = 200,
        produces: str = "application/json",
        before_setup: bool = False,
    ) -> Callable[[Function], Function]:
        """A row of the table. Raises TypeError where it contradicts itself."""

        def enter(function: Function) -> Function:
            hints = get_type_hints(function)
            answers = hints.pop("return")
            if get_origin(answers) is Reply:
                (answers,) = get_args(answers)
            in_path = {name: kind for name, kind in hints.items() if name not in INJECTED}
            wanted = {part[1:-1] for part in path.split("/") if part.startswith("{")}
            if set(in_path) != wanted or not function.__doc__:
                raise TypeError(f"{method} {path}: its path, parameters and text do not fit together.")
            self.routes.append(
                Route(
                    method,
                    path,
                    function,
                    self.tag,
                    role,
                    media,
                    moves,
                    scope,
                    204 if answers is type(None) else status,
                    produces,
                    before_setup,
                    tuple(inspect.signature(function).parameters),
                    in_path,
                    hints.get("body"),
                    hints.get("query"),
                    answers,
                )
            )
            return function

        return enter


def is_raw(route: Route) -> bool:
    """Whether a route answers with a response of its own."""
    return isinstance(route.answers, type) and issubclass(route.answers, web.StreamResponse)
