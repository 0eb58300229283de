"""What a node tells its peers of how fresh its knowledge of bodies is, in each BEAT of a few of them. Pure.

    told = short 6 | hops 1 | minutes        so long ago I held all that a node held which the body's own book names;
                                             hops: over how many nodes I heard that, 0 when I met that node myself

Nothing of it is signed: who tells it may lie, and is named where people read it. What a BEAT costs does not grow with the number
of bodies: with many, each is told of more seldom. What is new for the peer goes first.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from fedsync.gossip.following import Following
from fedsync.gossip.limits import HEARSAY, MAX_HOPS, SHORT_BYTES, TELL_AGAIN_MINUTES
from fedsync.gossip.listing import Reader, Salt, number
from fedsync.gossip.messages import BadMessage
from fedsync.records.ids import Scope


class Hint(NamedTuple):
    """How long ago, in minutes, all was held that a node of the body held; and over how many nodes that was heard."""

    scope: Scope
    minutes: int
    hops: int = 0


Knows: TypeAlias = Callable[[], Sequence[Hint]]
"""Answers how fresh our own knowledge of each body is."""


def pack(salt: Salt, hints: Iterable[Hint]) -> bytes:
    """Return hints as a BEAT tells them."""
    return b"".join([salt.log(each.scope) + bytes((each.hops,)) + number(each.minutes) for each in hints])


def names(salt: Salt, scopes: Iterable[Scope]) -> Mapping[bytes, Scope]:
    """Return these bodies by the bytes that name them in a BEAT."""
    return {salt.log(scope): scope for scope in scopes}


def read(data: bytes, names: Mapping[bytes, Scope]) -> list[Hint]:
    """Return what a BEAT tells of some bodies; of others nothing is kept. Raises BadMessage."""
    if not data:
        return []
    reader, said = Reader(data), []
    while reader.more:
        said.append((reader.take(SHORT_BYTES), reader.take(1)[0], reader.number()))
        if len(said) > HEARSAY:
            raise BadMessage("field", f"more than {HEARSAY} bodies told of in a BEAT")
    return [
        Hint(names[short], minutes, hops)
        for short, hops, minutes in said
        if short in names and hops <= MAX_HOPS
    ]


class Teller:
    """What one peer was told, and told us: so that it hears what is new for it. Ages are kept as moments, in minutes."""

    def __init__(self) -> None:
        self._peer: dict[Scope, float] = {}

    def heard(self, hints: Iterable[Hint], now: float) -> None:
        """Note what the peer knows by its own word. `now` in seconds."""
        for each in hints:
            self._note(each.scope, now / 60 - each.minutes)

    def tell(self, hints: Iterable[Hint], now: float) -> list[Hint]:
        """Return the few that are newest for the peer, and note that it knows them."""
        gains = []
        for each in hints:
            gain = now / 60 - each.minutes - self._peer.get(each.scope, float("-inf"))
            if gain >= TELL_AGAIN_MINUTES and each.hops < MAX_HOPS:
                gains.append((-gain, each.minutes, each.scope, each))
        chosen = [each for *_, each in sorted(gains)[:HEARSAY]]
        for each in chosen:
            self._note(each.scope, now / 60 - each.minutes)
        return chosen

    def _note(self, scope: Scope, moment: float) -> None:
        self._peer[scope] = max(moment, self._peer.get(scope, moment))


class Told:
    """What both sides of a session tell in their BEATs. `knows`: how fresh what is held of bodies is."""

    def __init__(self, knows: Knows) -> None:
        self._knows, self._teller = knows, Teller()
        self._names: tuple[Following, Mapping[bytes, Scope]] | None = None
        """The bodies that we follow, as a BEAT names them."""

    def tell(self, salt: Salt, now: float) -> bytes:
        """Return what our next BEAT tells. `now` in seconds."""
        known = self._knows()
        return pack(salt, self._teller.tell(known, now)) if known else b""

    def hear(
        self, told: bytes, salt: Salt, mine: Following, theirs: Following, now: float
    ) -> tuple[Hint, ...]:
        """Return how fresh the peer's knowledge is, by its word, of bodies that both follow. Raises BadMessage."""
        if not told:
            return ()
        if self._names is None or self._names[0] is not mine:
            self._names = mine, names(salt, [row.scope for row in mine.rows])
        hints = [each for each in read(told, self._names[1]) if theirs.get(each.scope) is not None]
        self._teller.heard(hints, now)
        return tuple(hints)


def nothing() -> Sequence[Hint]:
    """Know of no body how fresh what is held of it is."""
    return ()
