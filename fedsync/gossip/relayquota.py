"""What a relay carries in a day, in all and for each pair: counted ahead, so that no crash gives any of it twice. Pure.

Bytes go on only while what is durable covers them. So that not every frame waits for the disk, an account is written
a stretch ahead; what a crash leaves unused of that is lost to the pair for the day, and nothing is gained by it. Who
stops in order gives it back.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from fedsync.records.ids import Key

DAY_MS: Final = 86_400_000
MAX_PAIRS: Final = 4096
"""Pairs for which anything is carried in a day: 300 kB. Further ones wait until tomorrow."""
AHEAD_MOST: Final = 4 * 1024 * 1024
"""Bytes that an account is written ahead at most: at 10 MB/s two or three waits for the disk in a second."""
AHEAD_PARTS: Final = 16
"""Never more than one of so many parts of a pair's day: small quotas are counted finely."""

Pair: TypeAlias = tuple[Key, Key]


def pair_of(one: Key, other: Key) -> Pair:
    """Return the two as a pair: the same, whoever calls."""
    return (one, other) if one < other else (other, one)


def midnight(now: int) -> int:
    """Return when the next day begins, in ms: days are counted in UTC."""
    return (now // DAY_MS + 1) * DAY_MS


@dataclass(frozen=True, slots=True)
class Full:
    """It is not carried before `until`, in ms."""

    code: Literal["quota", "pair-quota"]
    until: int


@dataclass(slots=True)
class Account:
    """Bytes of one pair today: what was carried, and how far that is durable."""

    used: int = 0
    durable: int = 0


class Ledger:
    """The day's account of a relay."""

    def __init__(self, per_day: int, per_pair: int) -> None:
        self.per_day, self.per_pair = per_day, min(per_pair, per_day)
        self.day = -1
        self.total = 0
        self.pairs: dict[Pair, Account] = {}

    def load(self, day: int, rows: dict[Pair, int]) -> None:
        """Take up the account of a day as it was kept."""
        self.day = day
        self.pairs = {pair: Account(used, used) for pair, used in rows.items()}
        self.total = sum(rows.values())

    def full(self, pair: Pair, now: int) -> Full | None:
        """Return why nothing more is carried for a pair today, None when something is.

        What a day allows may be passed by the one piece that was under way: else what is left would be too little for
        any piece, and nobody could be told that it is used up.
        """
        self._turn(now)
        account = self.pairs.get(pair)
        if self.total >= self.per_day or (account is None and len(self.pairs) >= MAX_PAIRS):
            return Full("quota", midnight(now))
        if (account.used if account else 0) >= self.per_pair:
            return Full("pair-quota", midnight(now))
        return None

    def spend(self, pair: Pair, size: int, now: int) -> Full | None:
        """Count bytes before they go on; return why they may not."""
        full = self.full(pair, now)
        if full is None:
            account = self.pairs.setdefault(pair, Account())
            account.used += size
            self.total += size
        return full

    def due(self, pair: Pair) -> int | None:
        """Return what must be written of a pair before its bytes go on; None when what is durable covers them."""
        account = self.pairs.get(pair)
        if account is None or account.used <= account.durable:
            return None
        ahead = account.used + min(AHEAD_MOST, self.per_pair // AHEAD_PARTS)
        return max(account.used, min(ahead, self.per_pair))

    def kept(self, day: int, pair: Pair, durable: int) -> None:
        """Note that so much is durable of a pair."""
        account = self.pairs.get(pair)
        if day == self.day and account is not None:
            account.durable = max(account.durable, durable)

    def settled(self) -> dict[Pair, int]:
        """Return what is to be kept of each pair when nothing goes on any more; what goes on all the same is due anew."""
        for account in self.pairs.values():
            account.durable = account.used
        return {pair: account.used for pair, account in self.pairs.items()}

    def _turn(self, now: int) -> None:
        """Begin a new account when the day is another one; a clock that was set does that too."""
        day = now // DAY_MS
        if day != self.day:
            self.load(day, {})
