"""In which log somebody speaks for a body: as a seat or sealer of its own, or under a mandate of a body that has one."""

from dataclasses import dataclass

from fedsync.acts.author import Author
from fedsync.crdt.books.booktables import known
from fedsync.crdt.books.delegates import Given, given
from fedsync.crdt.books.drafting import newest
from fedsync.crdt.books.mandates import IN_FORCE, PROVISIONAL
from fedsync.crdt.books.minutes import current_epoch
from fedsync.errors import refused
from fedsync.reading import Reading
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import Key, LogClass, PageId, Scope


@dataclass(frozen=True, slots=True)
class Voice:
    """A log, and the mandate that it is written under; None when it has a seat itself."""

    genesis: Genesis
    mandate: Given | None = None


def voice(author: Author, reading: Reading, scope: Scope, slot: PageId | None = None) -> Voice:
    """Return the log in which `author` speaks for a body. Raises a Problem (exit 7) when there is none.

    `slot` is the page on which the page to be signed follows; by default the newest one.
    """
    found = find_voice(author, reading, scope, slot)
    if found is None:
        raise refused(
            "no_voice",
            f"{author.name} has neither a seat in {reading.name_of(scope)} nor a mandate for one.",
            f'See who has: fedsync bodies show "{reading.name_of(scope)}", fedsync mandates list --body all',
        )
    return found


def find_voice(author: Author, reading: Reading, scope: Scope, slot: PageId | None = None) -> Voice | None:
    """Return as `voice`, or None."""
    epoch = current_epoch(reading.view, scope, newest(reading.view, scope) if slot is None else slot)
    own = author.genesis(reading, LogClass.AUTHORITY, scope, SEAT)
    if epoch is not None and (own.log in epoch.seats or own.log in epoch.sealers):
        return Voice(own)
    followed = reading.store.followed.get(scope)
    if followed is None:
        return None
    held = [
        each
        for each in held_mandates(reading, author.key)
        if each.mandate.seat == followed.body and (epoch is None or each.giver in epoch.members)
    ]
    if not held:
        return None
    best = max(held, key=lambda each: (each.status == IN_FORCE, each.number, each.id))
    return Voice(author.genesis(reading, LogClass.AUTHORITY, best.scope, ("mandate", *best.id)), best)


def held_mandates(reading: Reading, key: Key) -> list[Given]:
    """Return the mandates that a key holds now, as the holder or the alternate."""
    return [
        each
        for each in given(reading.view)
        if key in (each.mandate.holder, each.mandate.alternate) and each.status in (IN_FORCE, PROVISIONAL)
    ]


def carrier(author: Author, reading: Reading, scope: Scope, slot: PageId | None = None) -> Genesis:
    """Return the log in which `author` can carry a page of a body: any log will do that others let in.

    Raises a Problem (exit 7) when `author` has no such log.
    """
    found = find_voice(author, reading, scope, slot) if _is_held(reading, scope) else None
    if found is not None:
        return found.genesis
    return voice(author, reading, reading.own().scope).genesis


def _is_held(reading: Reading, scope: Scope) -> bool:
    followed = reading.store.followed.get(scope)
    return followed is not None and known(reading.view, followed.body) is not None
