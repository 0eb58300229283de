"""What goes out in a bundle: what readers may have, and are not known to hold; and our own wishes and receipts.

Only reads the store, so it may be done beside a daemon; what was left for whom is noted by whoever holds the node.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from fedsync.bundling.lacking import Gap, lacking
from fedsync.bundling.seen import hash_of
from fedsync.crdt.books.kin import circulation
from fedsync.crdt.view import View
from fedsync.errors import usage
from fedsync.gossip.aliases import Naming, unpack
from fedsync.gossip.bundles.form import (
    MAX_CONFIRMED,
    MAX_HELD,
    MAX_READERS,
    NAME_BYTES,
    NONE,
    Counters,
    End,
    Held,
    Receipt,
    Wanted,
    read_wanted,
)
from fedsync.gossip.bundles.making import Maker, Part, Wish, make
from fedsync.gossip.following import NOTHING_HEARD, SCOPE_BYTES, Following, common, followed
from fedsync.gossip.holdings import SetKey
from fedsync.gossip.peer_memory import PeerMemory, bodies_name
from fedsync.gossip.sharing import shared
from fedsync.records.ed25519 import Signs
from fedsync.records.ids import Key, LogClass, LogId, Reach, Scope
from fedsync.store.carried import ZERO, LeftBundle
from fedsync.store.holdings import StoreHoldings
from fedsync.store.store import Store


@dataclass(frozen=True, slots=True)
class Request:
    """What a person wants carried to whom. Without classes: only wishes and receipts."""

    readers: tuple[Key, ...]
    classes: frozenset[LogClass] = frozenset(LogClass)
    part_bytes: int | None = None
    total_bytes: int | None = None
    trusting: bool = False
    """Leave out what was left for the readers before, though no receipt of it has come."""
    plain: bool = False
    """Blocks as they are stored, a little longer: for readers with an older version of this program."""


class Export:
    """A bundle in the making: iterate over it once, and write what it yields."""

    def __init__(
        self, store: Store, view: View, private: Signs, own: Key, request: Request, now: int
    ) -> None:
        self._request, self._now = request, now
        self.bundle = secrets.token_bytes(16)
        self.end: End | None = None
        """How it ended; None while it has not."""
        readers = request.readers
        if len(readers) > MAX_READERS:
            raise usage(
                f"A bundle is for {MAX_READERS} peers at most, and not for {len(readers)}.",
                "Leave one for some of them, and another for the rest.",
            )
        entitled = _Entitled(store, view, readers)
        self._sets = entitled.sets
        wish = Wish(
            entitled,
            _since(store, request, entitled),
            readers,
            tuple(each for key in readers for each in _asked(store, key, request.trusting)),
            tuple(followed(store.followed.extents(), entitled.near).pages()) if readers else (),
            wants(store, entitled.near) if readers else (),
            receipts(store, readers),
            request.part_bytes,
            request.total_bytes,
            lambda log: [[Held(*each) for each in store.carried.theirs(key, log)] for key in readers],
            request.plain,
        )
        maker = Maker(own, private.sign, self.bundle, now)
        self._parts = make(StoreHoldings(store, hash_of), wish, maker)

    def __iter__(self) -> Iterator[Part]:
        """Yield the files in pieces."""
        self.end = yield from self._parts

    def left(self, where: str, at: int) -> list[LeftBundle]:
        """Return what is to be noted once all of it is written: this was left for its readers, at a place of that name."""
        if self.end is None:
            return []
        title = self.end.title
        return [
            LeftBundle(
                self.bundle,
                key,
                at,
                where,
                title.journal,
                title.counter,
                title.since,
                self.end.whole,
                sets=self._sets[key],
            )
            for key in self._request.readers
        ]


def export(store: Store, view: View, private: Signs, own: Key, request: Request, now: int) -> Export:
    """Return a bundle for these readers, to be iterated over. Only reads: beside a daemon, too. Raises a Problem (exit 2)."""
    return Export(store, view, private, own, request, now)


def wants(store: Store, near: frozenset[Scope]) -> tuple[Wanted, ...]:
    """Return what is missing here as wishes: each log with the ends of what is held of it.

    `near`: the bodies of which the readers may have what goes only as far as a region. Of others a wish would tell them how
    far such a log has come.
    """
    return tuple(_wanted(store, gap) for gap in lacking(store) if _may_ask(store, gap.log, near))


def _may_ask(store: Store, log: LogId, near: frozenset[Scope]) -> bool:
    row = store.logs.row(log)
    match row.genesis.reach if row is not None else Reach.WORLD:
        case Reach.WORLD:
            return True
        case Reach.REGION:
            return row is not None and row.genesis.scope in near
        case _:
            return False


def _wanted(store: Store, gap: Gap) -> Wanted:
    if not gap.places:
        # What is missing is on another branch: who holds that may hold less of the log than we do.
        return Wanted(gap.log, ())
    heads = store.logs.heads(gap.log)[:MAX_HELD]
    return Wanted(gap.log, tuple(Held(each.seq, each.id[:NAME_BYTES]) for each in heads))


def receipts(store: Store, readers: Sequence[Key]) -> tuple[Receipt, ...]:
    """Return what has come of these makers; of all, when there are none."""
    found = []
    for key in readers or store.carried.peers():
        known = store.carried.get(key)
        done = [each.bundle for each in store.carried.came(key) if each.done]
        if known.seen_journal and (known.seen != ZERO or done):
            found.append(Receipt(key, known.seen_journal, known.seen, tuple(done[:MAX_CONFIRMED])))
    return tuple(found)


def _asked(store: Store, key: Key, trusting: bool) -> Iterator[Wanted]:
    """Yield what a reader asks for; where what was left is trusted to have come, what it asked for since."""
    left = [each.at for each in store.carried.left(key) if each.whole] if trusting else []
    for log, held in store.carried.asked(key, max(left, default=-1)):
        yield from read_wanted(log + held)


def _since(store: Store, request: Request, entitled: "_Entitled") -> Counters:
    """Return up to where all readers are known to hold what we held, class by class."""
    known = [_known(store, key, request.trusting, entitled) for key in request.readers] or [ZERO]
    one, two, three, four = (
        min(each[log_class] for each in known) if log_class in request.classes else NONE
        for log_class in LogClass
    )
    return one, two, three, four


def _known(store: Store, key: Key, trusting: bool, entitled: "_Entitled") -> Counters:
    """Return up to where one reader is. What was confirmed of another journal says nothing of this one, as the directory was
    restored or copied; nor does what was confirmed of other sets."""
    carried, journal, sets = store.carried.get(key), store.journal.id, entitled.sets[key]
    met = _met(store, key, entitled.mine[key])
    known = [
        max(met, acked if carried.acked_journal == journal and spoke_of == sets else 0)
        for acked, spoke_of in zip(carried.acked, carried.acked_sets, strict=True)
    ]
    for left in reversed(store.carried.left(key) if trusting else []):
        if left.journal == journal and left.whole and left.sets == sets:
            for log_class, since in enumerate(left.since):
                if NONE < since <= known[log_class]:
                    known[log_class] = max(known[log_class], left.counter)
    one, two, three, four = known
    return one, two, three, four


def _memory(store: Store, key: Key) -> PeerMemory:
    """Return what is remembered of a reader's last session."""
    return PeerMemory.kept(store.meta.data, key) or PeerMemory()


def _told(store: Store, key: Key, mine: Following) -> bytes:
    """Return what a reader said in a session that it follows, as far as these bodies are known here by now."""
    memory = _memory(store, key)
    found = Following(memory.bodies or store.meta.data(bodies_name(key)))
    if not memory.aliases:
        return found.data
    said = unpack(memory.aliases)
    lines = {line[:SCOPE_BYTES]: line for line in (*found.lines(), *Naming(mine, said.salt).known(said))}
    return b"".join([line for _, line in sorted(lines.items())])


def _met(store: Store, key: Key, mine: Following) -> int:
    """Return where our journal stood when a session last found that both hold the same; 0 when that may be so no more."""
    memory = _memory(store, key)
    carried = store.carried.get(key)
    same = (
        memory.our_journal == store.journal.id
        and memory.told == mine.digest
        and memory.bodies is not None
        # A file tells all, a session what is followed here too.
        and (
            not carried.follows
            or common(mine, Following(carried.follows)).data == common(mine, Following(memory.bodies)).data
        )
        and carried.seen_journal in (b"", memory.journal)
        and not memory.doubt
    )
    return memory.our_counter if same else 0


class _Entitled:
    """Says which sets may be in a bundle: what one of its readers follows, and all of them may have.

    A stick is read by whoever holds it: what goes only as far as a region is on it only if all readers are of that region.
    """

    def __init__(self, store: Store, view: View, readers: Sequence[Key]) -> None:
        bodies = store.followed.all()
        own = next((each.scope for each in bodies if each.source == "own"), None)
        self._own = own
        going = circulation(view, [each.scope for each in bodies])
        extents = store.followed.extents()
        self._pairs: list[tuple[Following, list[Following]]] = []
        self.sets: dict[Key, bytes] = {}
        """For each reader 8 bytes that are others when it could have other sets."""
        self.mine: dict[Key, Following] = {}
        """For each reader, what we follow as it is told."""
        self.near = frozenset(each.scope for each in bodies)
        """The bodies of which all readers may have what goes only as far as a region."""
        for key in readers:
            near = going.near(key, own, store.peers.get(key) is not None)
            self.near &= near
            mine = followed(extents, near)
            self.mine[key] = mine
            # By a file or in a session: where the two differ, the one that was later is not known.
            told = [each for each in (store.carried.get(key).follows, _told(store, key, mine)) if each]
            self._pairs.append((mine, [Following(each) for each in told] or [NOTHING_HEARD]))
            self.sets[key] = sha256(
                b"".join([mine.digest, *(Following(each).digest for each in told)])
            ).digest()[:8]
        if not readers:
            # For whoever finds it: what is for the world.
            self._pairs.append((followed(extents, ()), [NOTHING_HEARD]))

    def __call__(self, key: SetKey) -> bool:
        if key[1] is Reach.REGION and not all(
            (row := mine.get(key[0])) is not None and row.near for mine, _ in self._pairs
        ):
            return False
        return any(
            shared(mine, each, key)
            for mine, theirs in self._pairs
            for each in (*theirs, *self._unmet(key, theirs))
        )

    def _unmet(self, key: SetKey, theirs: Sequence[Following]) -> Iterator[Following]:
        """Yield what is taken of a reader that may never have heard of our own body: it hears of it in this very bundle.

        Else the first walk would only introduce us, and each walk may take weeks.
        """
        if key[0] == self._own and all(each.get(key[0]) is None for each in theirs):
            yield NOTHING_HEARD
