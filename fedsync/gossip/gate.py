"""Limits before authentication, and the token bucket that all limits are made of. Pure.

A stranger costs us a socket and a millisecond of handshake. The gate keeps strangers from taking all of either, and
one address from taking the share of the others. `now` is in seconds of any clock that does not go back.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from math import inf
from typing import Final, Literal, TypeAlias

MAX_STRANGERS: Final = 64
"""Connections that have not shown their key yet."""
MAX_STRANGERS_EACH: Final = 4
"""The same, from one address. An IPv6 address is its /64: whoever has one of these addresses has them all."""
CONNECTS_PER_SECOND: Final = 50.0
CONNECTS_BURST: Final = 200.0
"""Connections from anywhere: at a millisecond of CPU each, a twentieth of one core."""
CONNECTS_PER_SECOND_EACH: Final = 2.0
CONNECTS_BURST_EACH: Final = 32.0
"""Connections from one address; the burst is for a reboot, or for many nodes behind one router."""
ADDRESSES_KEPT: Final = 4096
"""Addresses remembered with their buckets, about 300 bytes each."""

Refusal: TypeAlias = Literal["too-many-strangers", "too-many-from-there", "too-often-from-there", "too-often"]


@dataclass(slots=True)
class TokenBucket:
    """Lets through `rate` a second in the long run, and `burst` at once. It begins full."""

    rate: float
    burst: float
    _level: float = field(init=False)
    _at: float = field(init=False, default=-inf)

    def __post_init__(self) -> None:
        self._level = self.burst

    def take(self, amount: float, now: float) -> bool:
        """Take `amount` if it is there, and say whether it was."""
        self._fill(now)
        if amount > self._level:
            return False
        self._level -= amount
        return True

    def spend(self, amount: float, now: float) -> float:
        """Take `amount` even if it is not there: for what has come already. Return for how many seconds to stop."""
        if now > self._at:
            self._fill(now)
        self._level = level = self._level - amount
        return 0.0 if level >= 0 else self.wait(0.0, now)

    def wait(self, amount: float, now: float) -> float:
        """Return the seconds until `take(amount)` would succeed: 0 if now, infinite if `amount` exceeds the burst."""
        self._fill(now)
        if amount <= self._level:
            return 0.0
        if amount > self.burst or self.rate <= 0:
            return inf
        return (amount - self._level) / self.rate

    def full(self, now: float) -> bool:
        """Whether nothing is owed, so that a new bucket would do as well."""
        self._fill(now)
        return self._level >= self.burst

    def _fill(self, now: float) -> None:
        if now > self._at:
            # As a rule it is full.
            if self._level < self.burst:
                level = self._level + (now - self._at) * self.rate
                self._level = level if level < self.burst else self.burst
            self._at = now


class Gate:
    """Decides whether a connection from an address may begin a handshake."""

    __slots__ = ("_all", "_each", "_inside", "_there")

    def __init__(self) -> None:
        self._inside: int = 0
        self._there: dict[str, int] = {}
        self._all = TokenBucket(CONNECTS_PER_SECOND, CONNECTS_BURST)
        self._each: OrderedDict[str, TokenBucket] = OrderedDict()

    @property
    def strangers(self) -> int:
        """Connections inside that have not shown their key yet."""
        return self._inside

    def enter(self, host: str, now: float) -> Refusal | None:
        """Let a connection from `host` in (None; call `leave` once, later), or say why not (close it at once)."""
        place = place_of(host)
        if self._inside >= MAX_STRANGERS:
            return "too-many-strangers"
        if self._there.get(place, 0) >= MAX_STRANGERS_EACH:
            return "too-many-from-there"
        # The own bucket first, so that one address cannot empty the bucket of all.
        if not self._bucket(place).take(1, now):
            return "too-often-from-there"
        if not self._all.take(1, now):
            return "too-often"
        self._inside += 1
        self._there[place] = self._there.get(place, 0) + 1
        return None

    def leave(self, host: str) -> None:
        """Say that a connection from `host` that was let in has shown its key, or is closed."""
        place = place_of(host)
        left = self._there[place] - 1
        if left:
            self._there[place] = left
        else:
            del self._there[place]
        self._inside -= 1

    def _bucket(self, place: str) -> TokenBucket:
        bucket = self._each.get(place)
        if bucket is None:
            # The place that was quiet for longest is forgotten; to use that, an attacker needs thousands of places,
            # and is held by the bucket of all.
            if len(self._each) >= ADDRESSES_KEPT:
                self._each.popitem(last=False)
            bucket = self._each[place] = TokenBucket(CONNECTS_PER_SECOND_EACH, CONNECTS_BURST_EACH)
        self._each.move_to_end(place)
        return bucket


def place_of(host: str) -> str:
    """Return the name under which the connections from `host` are counted together."""
    try:
        address: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> 64 << 64)) + "/64"
    return str(address)
