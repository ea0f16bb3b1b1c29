"""How wrong passwords are slowed down, so that guessing is hopeless and nobody is locked out.

An address that gave wrong passwords waits before its next one is looked at, ever longer. An account that is
attacked from many addresses is answered a little later, by everybody alike; it is never refused, so that its owner,
who comes from an address of his own, gets in.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

FREE = 4  #: wrong passwords of an address that cost nothing: people mistype
LONGEST = 900.0  #: seconds that an address waits at most
FORGOTTEN = 3600.0  #: seconds after which an address or account is new again
ATTACKED = 20  #: wrong passwords of one account from which on its answers come late
PAUSE = 2.0  #: seconds that they come later
REMEMBERED = 4096  #: addresses, and accounts


@dataclass(slots=True)
class _Count:
    wrong: int
    last: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done with an attempt. Seconds."""

    wait: float  #: it is refused, and may be made again after so long; 0: it is looked at
    pause: float  #: and answered so much later


class Lockout:
    """Remembers who was wrong. Pure: `now` is monotonic, in seconds."""

    def __init__(self) -> None:
        self._addresses: OrderedDict[str, _Count] = OrderedDict()
        self._accounts: OrderedDict[str, _Count] = OrderedDict()

    def ask(self, account: str, address: str, now: float) -> Verdict:
        """Before a password is looked at."""
        from_here = _recent(self._addresses, _group(address), now)
        on_account = _recent(self._accounts, _name(account), now)
        wait = 0.0
        if from_here is not None and from_here.wrong > FREE:
            wait = from_here.last + min(2.0 ** (from_here.wrong - FREE), LONGEST) - now
        attacked = on_account is not None and on_account.wrong >= ATTACKED
        return Verdict(max(wait, 0.0), PAUSE if attacked else 0.0)

    def failed(self, account: str, address: str, now: float) -> None:
        """It was wrong."""
        _count(self._addresses, _group(address), now)
        _count(self._accounts, _name(account), now)

    def succeeded(self, address: str) -> None:
        """It was right: this address is forgiven. The account stays watched: an attack may go on elsewhere."""
        self._addresses.pop(_group(address), None)


def _name(account: str) -> str:
    return account[:64].casefold()


def _group(address: str) -> str:
    """Who has one IPv6 address has 2^64 of them (RFC 6177)."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)


def _recent(counts: OrderedDict[str, _Count], key: str, now: float) -> _Count | None:
    found = counts.get(key)
    if found is not None and now - found.last > FORGOTTEN:
        del counts[key]
        return None
    return found


def _count(counts: OrderedDict[str, _Count], key: str, now: float) -> None:
    found = _recent(counts, key, now) or _Count(0, now)
    found.wrong += 1
    found.last = now
    counts[key] = found
    counts.move_to_end(key)
    while len(counts) > REMEMBERED:
        counts.popitem(last=False)
