"""What schemathesis is told of this API (its `SCHEMATHESIS_HOOKS`): it runs in a process of its own."""

from __future__ import annotations

from typing import Any

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response

TRY_SHARE = "/api/storages/shares/test"
NOT_ANSWERED = (502, 503)  #: a file server that is not there, or is none


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """No file server is looked for but on this machine, at a port where nobody listens."""
    if context.operation is not None and context.operation.path == TRY_SHARE and isinstance(body, dict):
        if isinstance(body.get("host"), str) and body["host"]:
            body["host"] = "127.0.0.1"
        if isinstance(body.get("port"), int) and 0 < body["port"] < 1 << 16:
            body["port"] = 9
    return body


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext, failure: Failure, case: schemathesis.Case[Any], response: Response
) -> bool:
    """False where it is none: that a file server does not answer is said by a status of servers, and as a problem."""
    del context, failure
    kind = (response.headers.get("content-type") or [""])[0]
    return not (
        case.operation.path == TRY_SHARE
        and response.status_code in NOT_ANSWERED
        and kind.startswith("application/problem+json")
        and response.json()["status"] == response.status_code
    )
