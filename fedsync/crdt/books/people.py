"""What people are called: names that logs of a body gave to keys. Touches a view only.

A name is a claim. Whoever holds the key knows best what to be called, so their own word goes before another's; of
several, the latest by claimed time is shown, and the others stay visible.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fedsync.crdt.books.booktables import PEOPLE, Reader
from fedsync.records.ids import Key, RecordId, Scope


@dataclass(frozen=True, slots=True)
class Called:
    """A name for a key, and who gave it."""

    key: Key
    name: str
    said_by: Key
    time: int
    record: RecordId

    @property
    def own_word(self) -> bool:
        """The holder of the key said so."""
        return self.said_by == self.key


def claims(view: Reader, scope: Scope, key: Key | None = None) -> Iterator[Called]:
    """Yield what people of a body, or one of them, are called, ordered by key."""
    for found, row in view.scan(PEOPLE, (scope,) if key is None else (scope, key)):
        name, said_by, time = row
        yield Called(found[1], name, said_by, time, found[2])  # type: ignore[arg-type]


def name_of(view: Reader, scope: Scope, key: Key) -> str | None:
    """Return what a key's holder is called, None when nobody said."""
    best = max(claims(view, scope, key), key=_rank, default=None)
    return best.name if best else None


def names(view: Reader, scope: Scope) -> dict[Key, str]:
    """Return what each key's holder is called."""
    best: dict[Key, Called] = {}
    for claim in claims(view, scope):
        if claim.key not in best or _rank(claim) > _rank(best[claim.key]):
            best[claim.key] = claim
    return {key: claim.name for key, claim in best.items()}


def _rank(claim: Called) -> tuple[bool, int, bytes]:
    return claim.own_word, claim.time, claim.record
