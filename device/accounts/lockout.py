"""How wrong passwords are slowed down, so that guessing is hopeless and nobody is locked out.

Whoever gives wrong passwords for an account waits before the next one from his address for that account is looked at,
ever longer. A right one forgives that account's from there, and no other's: who has an account gains nothing for
guessing at another. An address that is wrong about many accounts waits, too, except for those that were right from
there before. An account that is attacked from many addresses is answered a little later, by everybody alike; it is
never refused, so that its owner, who comes from an address of his own, gets in.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Generic, TypeVar

#: Wrong passwords of one account from one address that cost nothing: people mistype, and programs ask at once.
FREE = 10
STRANGERS = 20  #: accounts that an address may be wrong about
LONGEST = 60.0  #: seconds to wait at most: a program with an old password keeps its owner out for no longer
FORGOTTEN = 3600.0  #: seconds after which all is new again
ATTACKED = 20  #: wrong passwords of one account from which on its answers come late
PAUSE = 2.0  #: seconds that they come later
REMEMBERED = 4096  #: of each kind

Key = TypeVar("Key")


@dataclass(slots=True)
class _Count:
    wrong: int
    last: float

    def wait(self, free: int, now: float) -> float:
        """Seconds until the next one is looked at: none at first, then twice as many each time."""
        over = self.wrong - free
        return self.last + min(2.0 ** (over + 1), LONGEST) - now if over >= 0 else 0.0


@dataclass(slots=True)
class _Counts(Generic[Key]):
    """How often who was wrong, of those of late."""

    _counts: OrderedDict[Key, _Count] = field(default_factory=OrderedDict)

    def get(self, key: Key, now: float) -> _Count:
        """Its count; a new one where there is none."""
        found = self._counts.get(key)
        return found if found is not None and now - found.last <= FORGOTTEN else _Count(0, now)

    def add(self, key: Key, now: float) -> int:
        """Once more; how often before."""
        count = self.get(key, now)
        before, count.wrong, count.last = count.wrong, count.wrong + 1, now
        self._counts[key] = count
        self._counts.move_to_end(key)
        while len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        return before

    def take(self, key: Key) -> bool:
        """Forget it; whether there was one."""
        return self._counts.pop(key, None) is not None

    def less(self, key: Key) -> None:
        """One is taken back."""
        if key in self._counts:
            self._counts[key].wrong -= 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done with an attempt. Seconds."""

    wait: float  #: it is refused, and may be made again after so long; 0: it is looked at
    pause: float  #: and answered so much later


class Lockout:
    """Remembers who was wrong. Pure: `now` is monotonic, in seconds."""

    def __init__(self) -> None:
        self._attempts: _Counts[tuple[str, str]] = _Counts()  # by address and account
        self._addresses: _Counts[str] = _Counts()  # of how many accounts
        self._accounts: _Counts[str] = _Counts()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()  # that were right

    def ask(self, account: str, address: str, now: float) -> Verdict:
        """Before a password is looked at."""
        key = _key(address, account)
        wait = self._attempts.get(key, now).wait(FREE, now)
        if key not in self._known:
            wait = max(wait, self._addresses.get(key[0], now).wait(STRANGERS, now))
        attacked = self._accounts.get(key[1], now).wrong >= ATTACKED
        return Verdict(max(wait, 0.0), PAUSE if attacked else 0.0)

    def failed(self, account: str, address: str, now: float) -> None:
        """It was wrong."""
        key = _key(address, account)
        if self._attempts.add(key, now) == 0:
            self._addresses.add(key[0], now)
        self._accounts.add(key[1], now)

    def succeeded(self, account: str, address: str) -> None:
        """It was right. The account stays watched: an attack may go on elsewhere."""
        key = _key(address, account)
        if self._attempts.take(key):
            self._addresses.less(key[0])
        self._known[key] = None
        self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def _key(address: str, account: str) -> tuple[str, str]:
    return _group(address), account[:64].casefold()


@lru_cache(1024)
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
