"""Bundles as a node makes them and takes them in. Files and people are another room's: here are bytes, and one door.

What comes in goes through the door that everything goes through, many blocks to a commit; it makes no difference in which
order files come, nor how often, nor what is lost or damaged.
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from fedsync.crdt.books.kin import circulation
from fedsync.crdt.view import View
from fedsync.gossip.bundles.chunks import Piece, cut
from fedsync.gossip.bundles.form import NONE, Block, Content, Counters, End, Receipts, Tips, Title, Wants
from fedsync.gossip.bundles.making import Maker, Part, Wish, make
from fedsync.gossip.bundles.reading import Bad, read_chunks
from fedsync.gossip.following import NOTHING_HEARD, Following, followed
from fedsync.gossip.holdings import Item, SetKey
from fedsync.gossip.limits import BUCKET_DEPTH
from fedsync.gossip.peer_memory import bodies_name
from fedsync.gossip.sharing import shared
from fedsync.gossip.trie import node_hash
from fedsync.node import Node, Taken, Verdict
from fedsync.records.ed25519 import Signs
from fedsync.records.ids import Key, LogClass, Reach
from fedsync.store.holdings import StoreHoldings
from fedsync.store.store import Store
from fedsync.wrapping import Opener, unwrapped

BATCH_BLOCKS: Final = 256
"""Blocks of one commit, as at the daemon's door."""
BATCH_BYTES: Final = 4 * 1024 * 1024
"""Bytes of one commit, at most: what is read ahead of the door is held in memory."""
BATCH_CHUNKS: Final = 4096
"""Of one commit, blocks or not: a file of nothing but damage must not pile up in memory."""
NAMED_BAD: Final = 256
"""Damaged places that are named one by one; of more it is said how many there are."""
STRANGER: Final = Key(bytes(32))
"""Stands for all makers who are no peers: what they bring of unknown authors has one share of the room where that waits."""


# --- Out --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """What a person wants carried to whom."""

    readers: tuple[Key, ...]
    classes: frozenset[LogClass] = frozenset(LogClass)
    part_bytes: int | None = None
    total_bytes: int | None = None


def export(store: Store, view: View, private: Signs, own: Key, request: Request, now: int) -> Iterator[Part]:
    """Yield the files of a bundle for these readers, in pieces. Only reads: beside a daemon, too."""
    holdings = StoreHoldings(store, hash_of)
    since = _since(request)
    wish = Wish(
        _Entitled(store, view, request.readers),
        since,
        request.readers,
        part_bytes=request.part_bytes,
        total_bytes=request.total_bytes,
    )
    yield from make(holdings, wish, Maker(own, private.sign, secrets.token_bytes(16), now))


def _since(request: Request) -> Counters:
    one, two, three, four = (0 if each in request.classes else NONE for each in LogClass)
    return one, two, three, four


class _Entitled:
    """Says which sets may be in a bundle: what one of its readers follows, and all of them may have.

    A stick is read by whoever holds it: what goes only as far as a region is on it only if all readers are of that region.
    """

    def __init__(self, store: Store, view: View, readers: Sequence[Key]) -> None:
        bodies = store.followed.all()
        own = next((each.scope for each in bodies if each.source == "own"), None)
        going = circulation(view, [each.scope for each in bodies])
        self._pairs = []
        for key in readers:
            near = going.near(key, own, store.peers.get(key) is not None)
            mine = followed(store.followed.extents(), near)
            told = store.meta.data(bodies_name(key))
            self._pairs.append((mine, Following(told) if told else NOTHING_HEARD))
        if not readers:
            # For whoever finds it: what is for the world.
            self._pairs.append((followed(store.followed.extents(), ()), NOTHING_HEARD))

    def __call__(self, key: SetKey) -> bool:
        if key[1] is Reach.REGION and any(
            (row := mine.get(key[0])) is None or not row.near for mine, _ in self._pairs
        ):
            return False
        return any(shared(mine, theirs, key) for mine, theirs in self._pairs)


# --- In ---------------------------------------------------------------------------------------------------


@dataclass
class Came:
    """What came of a file, or of many."""

    titles: list[Title] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    records: int = 0
    """That are held now and were not before."""
    blocks: Counter[str] = field(default_factory=Counter)
    """By what the door said: taken, known, forked, no-base..."""
    refused: Counter[str] = field(default_factory=Counter)
    """Blocks that were not let in, by code."""
    bad: list[Bad] = field(default_factory=list)
    damaged: int = 0
    """Places that give nothing, those included that are not named."""


Batch: TypeAlias = list[Content | Bad]
"""What is taken in with one commit, in the order of the file."""


def chunks(pieces: Iterable[bytes], ours: Opener | None = None) -> Iterator[Piece]:
    """Yield the chunks of a file, and what is damaged; `ours` opens what is wrapped up for this node."""
    return unwrapped(cut(pieces), ours)


def batches(found: Iterable[Piece], blocks: int = BATCH_BLOCKS) -> Iterator[Batch]:
    """Yield what chunks say, in batches of one commit each, with so many blocks at most.

    Only reads: no node is held while a slow stick is waited for.
    """
    batch: Batch = []
    count = size = 0
    for each in read_chunks(found):
        batch.append(each)
        if isinstance(each, Block):
            count, size = count + 1, size + len(each.raw)
        if count >= blocks or size >= BATCH_BYTES or len(batch) >= BATCH_CHUNKS:
            yield batch
            batch, count, size = [], 0, 0
    if batch:
        yield batch


class Taking:
    """Takes files in, one after the other, each batch of it durable."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._origin = STRANGER
        self.came = Came()

    def begin(self) -> None:
        """Begin with another file: who brings it is not known yet."""
        self._origin = STRANGER

    def take(self, batch: Batch) -> list[Taken]:
        """Take in the next batch of the file, durably; return what became of its blocks."""
        raws: list[bytes] = []
        for found in batch:
            match found:
                case Block(raw):
                    raws.append(raw)
                case Bad():
                    self._bad(found)
                case Title():
                    self.came.titles.append(found)
                    if self._node.store.peers.get(found.said.maker) is not None:
                        self._origin = found.said.maker
                case End():
                    self.came.ends.append(found)
                case Tips() | Wants() | Receipts():
                    pass
        return self._take(raws) if raws else []

    def _bad(self, bad: Bad) -> None:
        self.came.damaged += 1
        if len(self.came.bad) < NAMED_BAD:
            self.came.bad.append(bad)

    def _take(self, raws: list[bytes]) -> list[Taken]:
        outcomes = self._node.take_now(raws, self._origin)
        for each in outcomes:
            self.came.blocks[each.verdict.value] += 1
            if each.verdict in (Verdict.REFUSED, Verdict.PARKED, Verdict.BAD):
                self.came.refused[each.code] += 1
            if each.block is not None:
                self.came.records += each.block.count
        return outcomes


def take(node: Node, pieces: Iterable[bytes]) -> Came:
    """Take in one file."""
    taking = Taking(node)
    for batch in batches(chunks(pieces)):
        taking.take(batch)
    return taking.came


def hash_of(items: Sequence[Item]) -> bytes:
    """Return what a bucket of these items hashes to."""
    return node_hash(items, BUCKET_DEPTH)
