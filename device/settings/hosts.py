"""Hosts and ports as settings hold them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_HOST = re.compile(r"[!-~]*")
_NEVER = set("/@[]")  # of a URL or an address with a port


def _host(text: str) -> str:
    if not _HOST.fullmatch(text) or set(text) & _NEVER:
        raise ValueError("must be a host name or an IP address, without a port")
    return text


def _port(number: int) -> int:
    if not 1 <= number <= 65535:
        raise ValueError("must be 1 to 65535")
    return number


def _port_or_zero(number: int) -> int:
    if not 0 <= number <= 65535:
        raise ValueError("must be 0 to 65535")
    return number


HostName = Annotated[str, AfterValidator(_host)]  #: may be empty where it is not needed
Port = Annotated[int, AfterValidator(_port)]
PortOrZero = Annotated[int, AfterValidator(_port_or_zero)]  #: 0: as if none were given
