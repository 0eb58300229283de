"""How much an author, and a body with all that it admits, may bring in before the rest waits. Decides nothing about validity.

Every block that a peer brings is counted for the author's key and for the body under whose book it is written, in an
hour and in a day. Who is over is told until when to wait, and asked again then: nothing is dropped, and what had room
elsewhere is folded the same. So that a flood of facts never delays a recall, facts, authority, and what ends something
have rooms of their own; and so that a body's flooders never shut out its other people, no author takes more of the
body's room than it leaves to all others, and the first records of each in an hour are taken even when it is used up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from fedsync.records.genesis import Genesis
from fedsync.records.ids import Key, LogClass, Scope

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
OWN_TIMES: Final = 8
"""How much more the own body may bring in: what its people write elsewhere is what this node is for."""
FIRST_RECORDS: Final = 256
"""Records of each author in an hour that wait for no other author of the same body."""
URGENT_PART: Final = 100
"""Recalls and what they need have a room of their own, of one of so many parts: a book holds few of them. So do strangers."""
MEGABYTE: Final = 1_000_000
KEPT: Final = 4096
"""Names kept in mind; others are read again."""
SAVED_MS: Final = 10_000
UNSAVED: Final = 1024
"""Accounts are written so often, or when so many have changed: a crash gives back what was counted since, and every
batch would cost a write for each author."""
Kept: TypeAlias = tuple[bytes, int, int, int, int, int, int, int, int]
"""What is kept of an account, in the order of `Spent`, by whatever keeps it."""


class Spent(NamedTuple):
    """What one name brought in within an hour and a day, each by its number since 1970; and what had to wait."""

    name: bytes
    hour: int
    hour_records: int
    hour_bytes: int
    day: int
    day_records: int
    day_bytes: int
    until: int
    """Until when more of it waits, in ms; 0 when nothing was delayed."""
    delayed: int
    """Blocks that were told to wait, in that time."""


class Room(IntEnum):
    """What is counted together."""

    FACTS = 0
    """Facts, plans and texts."""
    AUTHORITY = 1
    URGENT = 2
    """Authority that ends something, once the author's or body's room for authority is used up."""
    STRANGERS = 3
    """All that those write whom no page of the body names: anybody with a new key may begin a log by carrying page 0."""


class Whose(IntEnum):
    """Whose share it is."""

    AUTHOR = 0
    BODY = 16


@dataclass(frozen=True, slots=True)
class Share:
    """How much one name may bring in, in one room."""

    hour_records: int
    hour_bytes: int
    day_records: int
    day_bytes: int

    def times(self, many: int) -> "Share":
        """Return so many times this."""
        return Share(*(each * many for each in self._all()))

    def part(self, of: int) -> "Share":
        """Return one of so many parts of this."""
        return Share(*(max(1, each // of) for each in self._all()))

    @classmethod
    def of_megabytes(cls, hour_records: int, hour_mb: int, day_records: int, day_mb: int) -> "Share":
        """Return the share that is given in records and megabytes."""
        return cls(hour_records, hour_mb * MEGABYTE, day_records, day_mb * MEGABYTE)

    def _all(self) -> tuple[int, int, int, int]:
        return self.hour_records, self.hour_bytes, self.day_records, self.day_bytes


ANY: Final = Share(1 << 62, 1 << 62, 1 << 62, 1 << 62)
"""As much as there is: for a node that nobody set limits for."""


class Wait(NamedTuple):
    """A block has to wait."""

    whose: Whose
    until: int
    """In ms."""


class Account:
    """What one name brought in."""

    __slots__ = ("day", "day_bytes", "day_records", "delayed", "hour", "hour_bytes", "hour_records", "until")

    def __init__(self, row: Kept | None) -> None:
        _, self.hour, self.hour_records, self.hour_bytes, *rest = row or (b"", 0, 0, 0, 0, 0, 0, 0, 0)
        self.day, self.day_records, self.day_bytes, self.until, self.delayed = rest

    def row(self, name: bytes) -> Spent:
        """Return what is kept of it."""
        return Spent(
            name,
            self.hour,
            self.hour_records,
            self.hour_bytes,
            self.day,
            self.day_records,
            self.day_bytes,
            self.until,
            self.delayed,
        )

    def turn(self, now: int) -> None:
        """Begin a new hour and a new day when they are others; a clock that was set begins them too."""
        hour, day = now // HOUR_MS, now // DAY_MS
        if hour != self.hour:
            self.hour, self.hour_records, self.hour_bytes = hour, 0, 0
            self.until = self.delayed = 0
        if day != self.day:
            self.day, self.day_records, self.day_bytes = day, 0, 0

    def over(self, share: Share) -> int:
        """Return until when more waits, in ms; 0 when there is room."""
        if self.day_records >= share.day_records or self.day_bytes >= share.day_bytes:
            return (self.day + 1) * DAY_MS
        if self.hour_records >= share.hour_records or self.hour_bytes >= share.hour_bytes:
            return (self.hour + 1) * HOUR_MS
        return 0

    def over_part(self, body: "Account", share: Share) -> int:
        """Return until when more waits because this author has as much of its body's room as is left of it; 0 when not.

        So one who floods has a half of the room, two a third each, and as much as one of them has is free for the rest.
        """
        if (
            self.day_records >= share.day_records - body.day_records
            or self.day_bytes >= share.day_bytes - body.day_bytes
        ):
            return (self.day + 1) * DAY_MS
        if (
            self.hour_records >= share.hour_records - body.hour_records
            or self.hour_bytes >= share.hour_bytes - body.hour_bytes
        ):
            return (self.hour + 1) * HOUR_MS
        return 0

    def add(self, records: int, size: int) -> None:
        """Count what was let in."""
        self.hour_records += records
        self.hour_bytes += size
        self.day_records += records
        self.day_bytes += size


class Intake:
    """The accounts of all who write, and the shares that each has."""

    def __init__(self, held: Callable[[bytes], Kept | None], author: Share, body: Share) -> None:
        """`held` returns what is kept of a name."""
        self._held = held
        self.author, self.body = author, body
        self._accounts: dict[bytes, Account] = {}
        self._changed: set[bytes] = set()
        self._batch: list[tuple[Account, int, int]] = []
        """What was counted in the open batch."""
        self._saved = 0

    def wait(
        self, genesis: Genesis, own: bool, now: int, urgent: Callable[[], bool], named: bool = True
    ) -> Wait | None:
        """Return why the next block of a log has to wait, and count that it does; None when it is let in.

        `own`: it is written under our own body's book. `urgent` is asked only when the answer would be no. `named`: a page
        of the body names its author.
        """
        room = _room(genesis, named)
        wait = self._over(genesis, room, own, now)
        if wait is not None and room is Room.AUTHORITY and urgent():
            wait = self._over(genesis, Room.URGENT, own, now)
        if wait is not None:
            name = _name(wait.whose, room, genesis)
            account = self._account(name, now)
            if account.until != wait.until:
                self._saved = 0  # it is shown at once
            account.until, account.delayed = wait.until, account.delayed + 1
            self._changed.add(name)
        return wait

    def count(
        self, genesis: Genesis, own: bool, records: int, size: int, now: int, named: bool = True
    ) -> None:
        """Count what was let in and was not held before."""
        room = _room(genesis, named)
        if room is Room.AUTHORITY and self._over(genesis, room, own, now) is not None:
            room = Room.URGENT
        for whose in Whose:
            name = _name(whose, room, genesis)
            account = self._account(name, now)
            if account.until and not account.over(self.share(whose, room, own)):
                # The limit was raised: nobody is told any more that it waits.
                account.until = account.delayed = 0
            account.add(records, size)
            self._batch.append((account, records, size))
            self._changed.add(name)

    def due(self, now: int) -> list[Spent]:
        """Return what is to be kept with this batch: nothing most times, all that has changed now and then."""
        self._batch.clear()
        few = len(self._changed) < UNSAVED and len(self._accounts) <= KEPT
        if few and 0 <= now - self._saved < SAVED_MS:
            return []
        self._saved = now
        return self.unsaved()

    def unsaved(self) -> list[Spent]:
        """Return what has changed and is to be kept now."""
        rows = [self._accounts[name].row(name) for name in self._changed]
        self._changed.clear()
        if len(self._accounts) > KEPT:
            self._accounts.clear()
        return rows

    def forget(self) -> None:
        """Forget what was counted in a batch that was dropped."""
        for account, records, size in self._batch:
            account.add(-records, -size)
        self._batch.clear()

    def share(self, whose: Whose, room: Room, own: bool) -> Share:
        """Return how much a name may bring in."""
        share = self.author if whose is Whose.AUTHOR else self.body
        return _sized(share, room in (Room.URGENT, Room.STRANGERS), own)

    def _over(self, genesis: Genesis, room: Room, own: bool, now: int) -> Wait | None:
        author = self._account(_name(Whose.AUTHOR, room, genesis), now)
        until = author.over(self.share(Whose.AUTHOR, room, own))
        if until:
            return Wait(Whose.AUTHOR, until)
        if author.hour_records < FIRST_RECORDS and room is not Room.STRANGERS:
            return None
        body = self._account(_name(Whose.BODY, room, genesis), now)
        share = self.share(Whose.BODY, room, own)
        until = body.over(share)
        if until:
            return Wait(Whose.BODY, until)
        until = author.over_part(body, share)
        return Wait(Whose.AUTHOR, until) if until else None

    def _account(self, name: bytes, now: int) -> Account:
        account = self._accounts.get(name)
        if account is None:
            account = self._accounts[name] = Account(self._held(name))
        account.turn(now)
        return account


class Waits(NamedTuple):
    """Of whom more waits, for people."""

    whose: Whose
    room: Room
    id: bytes
    """The author's key, or the scope of the body."""
    until: int
    delayed: int


def read_name(row: Kept) -> Waits:
    """Return what a kept row says of waiting."""
    name, *_, until, delayed = row
    return Waits(Whose(name[0] & 0xF0), Room(name[0] & 0x0F), name[1:], until, delayed)


@lru_cache(maxsize=64)
def _sized(share: Share, small: bool, own: bool) -> Share:
    """Return a share for one room. It is asked of each block: made once."""
    share = share.part(URGENT_PART) if small else share
    return share.times(OWN_TIMES) if own else share


def _room(genesis: Genesis, named: bool) -> Room:
    if not named:
        return Room.STRANGERS
    return Room.AUTHORITY if genesis.log_class is LogClass.AUTHORITY else Room.FACTS


def _name(whose: Whose, room: Room, genesis: Genesis) -> bytes:
    id_: Key | Scope = genesis.key if whose is Whose.AUTHOR else genesis.scope
    return bytes((whose + room,)) + id_
