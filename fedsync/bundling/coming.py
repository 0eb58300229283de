"""What comes in files goes through the door that everything goes through, many blocks to a commit.

It makes no difference in which order files come, nor how often, nor what is lost or damaged: what is present is taken,
or waits for what it follows; and what the makers tell of that is not held is remembered as missing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, TypeAlias

from fedsync.bundling.seen import add_stretch, advanced, begun, hash_of, in_journal, is_met
from fedsync.crdt.books.kin import circulation
from fedsync.gossip.bundles.chunks import Piece, cut
from fedsync.gossip.bundles.form import (
    Block,
    Content,
    End,
    Receipts,
    Tip,
    Tips,
    Title,
    Wants,
    wanted_bytes,
)
from fedsync.gossip.bundles.parity import File, repaired
from fedsync.gossip.bundles.reading import Bad, read_chunks
from fedsync.node import Node, Taken, Verdict
from fedsync.records.block import BadBlock, peek
from fedsync.records.ids import Key, LogId
from fedsync.store.carried import MAX_CLAIMS, CameBundle, Claim
from fedsync.store.holdings import StoreHoldings
from fedsync.wrapping import Opener, unwrapped

BATCH_BLOCKS: Final = 256
"""Blocks of one commit, as at the daemon's door."""
BATCH_BYTES: Final = 4 * 1024 * 1024
"""Bytes of one commit, at most: what is read ahead of the door is held in memory."""
BATCH_CHUNKS: Final = 4096
"""Of one commit, blocks or not: a file of nothing but damage must not pile up in memory."""
EARLY_WORDS: Final = 16
"""Listings that are kept until it is known whose they are: a thousand tips each."""
NAMED_BAD: Final = 256
"""Damaged places that are named one by one; of more it is said how many there are."""
AGAIN_BYTES: Final = 8 * 1024 * 1024
"""Blocks of authors whom nobody named yet, for whom there is no room to wait outside: tried again when a file is over."""
AHEAD_MS: Final = 180 * 24 * 3600 * 1000
"""How long a block waits for what it follows: half a year, since who carries sticks may come by in summer only."""
COMING_CLAIMS: Final = 10 * MAX_CLAIMS
"""Tips that are noted while a file is read, before it shows how many of them it brings."""
STRANGER: Final = Key(bytes(32))
"""Stands for all makers whom nobody here knows: what they bring has one share of the room where things wait."""

Batch: TypeAlias = list[Content | Bad]
"""What is taken in with one commit, in the order of the file."""


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


class Taking:
    """Takes files in, one after the other, each batch of it durable. `own`: the key of this node."""

    def __init__(self, node: Node, own: Key) -> None:
        self._node, self._own = node, own
        self.came = Came()
        self._again: dict[bytes, Key] = {}
        self._title: Title | None = None
        self.begin()

    def begin(self) -> None:
        """Begin with another file: who brings it is not known yet. What was open before is ended."""
        self.end()
        self._origin = STRANGER
        self._words: list[Tips | Wants | Receipts] = []
        self._ending: End | None = None
        self._sound = True

    def take(self, batch: Batch) -> list[Taken]:
        """Take in the next batch of the file, durably; return what became of its blocks."""
        raws: list[bytes] = []
        taken: list[Taken] = []
        for found in batch:
            match found:
                case Block(raw):
                    raws.append(raw)
                case Bad():
                    self._bad(found)
                case Title():
                    if self._title is not None and found.said != self._title.said:
                        # Files that somebody put one behind the other.
                        taken += self._commit([(raw, self._origin) for raw in raws])
                        raws = []
                        self.begin()
                    self._take_title(found)
                case End():
                    self._take_end(found)
                case Tips() | Wants() | Receipts():
                    # Without a title, which may be damaged, whose they are is told at the file's end.
                    if self._title is not None or len(self._words) < EARLY_WORDS:
                        self._words.append(found)
        return taken + self._commit([(raw, self._origin) for raw in raws])

    def end(self) -> list[Taken]:
        """End the file: see what of all that its maker told of is held now, and how far that is, durably."""
        if self._again:
            # Pages may have come behind what nobody had named.
            again, self._again = self._again, {}
            taken = self._commit(list(again.items()))
        else:
            taken = []
        self._settle()
        self._title = None
        return taken

    def _bad(self, bad: Bad) -> None:
        self._sound = False
        self.came.damaged += 1
        if len(self.came.bad) < NAMED_BAD:
            self.came.bad.append(bad)

    def _take_end(self, end: End) -> None:
        if self._title is None:
            self._take_title(end.title)
        if self._title is not None and end.title.said == self._title.said:
            self._ending = end
            self.came.ends.append(end)

    def _take_title(self, title: Title) -> None:
        self._title = title
        self.came.titles.append(title)
        if self._knows(title.said.maker):
            self._origin = title.said.maker

    def _knows(self, key: Key) -> bool:
        """Say whether a node is a peer, or a book that is held here names it. Nobody else's word is kept."""
        return key != self._own and (self._node.store.peers.get(key) is not None or key in self._named)

    @cached_property
    def _named(self) -> frozenset[Key]:
        bodies = [each.scope for each in self._node.store.followed.all()]
        return frozenset(circulation(self._node.state, bodies).naming)

    # --- A commit -----------------------------------------------------------------------------------------

    def _commit(self, blocks: list[tuple[bytes, Key]]) -> list[Taken]:
        """Let blocks in, and note what the maker says, in one commit."""
        words: list[Tips | Wants | Receipts] = []
        if self._title is not None:
            words, self._words = self._words, []
        if not blocks and not words and self._title is None:
            return []
        node = self._node
        node.begin()
        try:
            self._note(words)
            outcomes = node.take(blocks)
            for each in outcomes:
                self._look(each)
            node.settle()
        except BaseException:
            node.rollback()
            raise
        node.commit()
        return outcomes

    def _look(self, taken: Taken) -> None:
        """Count what became of a block, and keep it where it may be of use later."""
        came, store = self.came, self._node.store
        came.blocks[taken.verdict.value] += 1
        if taken.block is not None:
            came.records += taken.block.count
        match taken.verdict:
            case Verdict.NO_BASE:
                self._wait(taken)
            case Verdict.REFUSED | Verdict.PARKED:
                came.refused[taken.code] += 1
                if taken.log is not None:
                    store.carried.refuse(taken.log, taken.code)
                    if taken.code in ("not-followed", "extent", "local"):
                        store.ahead.drop(taken.log)
                unnamed = taken.verdict is Verdict.REFUSED and taken.code.startswith("unknown-")
                if unnamed and sum(map(len, self._again)) + len(taken.raw) <= AGAIN_BYTES:
                    self._again[taken.raw] = taken.origin or STRANGER
            case Verdict.BAD:
                came.refused[taken.code] += 1
            case _:
                pass

    def _wait(self, taken: Taken) -> None:
        node = self._node
        try:
            head = peek(taken.raw)
        except BadBlock:
            return
        kept = node.store.ahead.keep(head, taken.origin or STRANGER, taken.raw, node.now() + AHEAD_MS)
        if not kept:
            self.came.refused["no-room"] += 1

    # --- What the maker says ------------------------------------------------------------------------------

    def _note(self, words: list[Tips | Wants | Receipts]) -> None:
        """Note what the maker says, in the open batch, when somebody here knows it."""
        title = self._title
        if title is None or not self._knows(title.said.maker):
            return
        bundle = self._known_of(title)
        for each in words:
            if each.said != title.said:
                continue
            match each:
                case Tips():
                    bundle = self._tips(each, title, bundle)
                case Wants():
                    self._wants(each, title)
                case Receipts():
                    self._receipts(each)
        self._node.store.carried.came_in(bundle)

    def _known_of(self, title: Title) -> CameBundle:
        found = self._node.store.carried.came_as(title.said.bundle, title.said.maker)
        return found or begun(title, self._node.now())

    def _tips(self, tips: Tips, title: Title, bundle: CameBundle) -> CameBundle:
        tables = self._node.store.carried
        if tables.count_claims(title.said.maker) + len(tips.rows) > COMING_CLAIMS:
            return bundle
        tables.claim(_claim(each, title) for each in tips.rows if self._wanted(each))
        return replace(bundle, told=add_stretch(bundle.told, tips.first, len(tips.rows)))

    def _wanted(self, tip: Tip) -> bool:
        """Say whether what a tip tells of is followed here. A peer tells of what it thinks that both follow."""
        scope, reach, log_class = tip.set
        followed = self._node.store.followed.get(scope)
        return followed is not None and followed.extent.covers(reach, log_class)

    def _wants(self, wants: Wants, title: Title) -> None:
        tables, peer = self._node.store.carried, wants.said.maker
        known = tables.get(peer)
        if title.made < known.asked_at:
            return  # an old file, or one that is played back: what it asked for was asked before
        if title.made > known.asked_at:
            tables.ask_anew(peer)
            tables.put(peer, replace(known, asked_at=title.made))
        tables.ask(peer, [(each.log, wanted_bytes(each)[32:]) for each in wants.rows])

    def _receipts(self, receipts: Receipts) -> None:
        node, peer = self._node, receipts.said.maker
        for each in receipts.rows:
            if each.maker != self._own or each.journal != node.store.journal.id:
                continue
            tables = node.store.carried
            known = tables.get(peer)
            before = known.acked if known.acked_journal == each.journal else (0, 0, 0, 0)
            one, two, three, four = (
                min(max(old, new), node.store.journal.counter)
                for old, new in zip(before, each.counters, strict=True)
            )
            tables.put(peer, replace(known, acked_journal=each.journal, acked=(one, two, three, four)))
            tables.arrived(peer, each.bundles, node.now())

    # --- The end of a file --------------------------------------------------------------------------------

    def _settle(self) -> None:
        title, store = self._title, self._node.store
        if title is None or not self._knows(title.said.maker):
            return
        maker = title.said.maker
        holdings, claims = StoreHoldings(store, hash_of), store.carried.claims(maker)
        met = [each for each in claims if is_met(holdings, each)]
        left = sorted(set(claims) - set(met), key=lambda each: (each.log_class, each.log))
        with store.transaction():
            tables = store.carried
            tables.met(met)
            bundle = self._ended(self._known_of(title))
            if len(left) > MAX_CLAIMS:
                tables.met(left[MAX_CLAIMS:])
                bundle = replace(bundle, told=())
            tables.came_in(bundle)
            came = tables.came(maker)
            known = in_journal(tables.get(maker), came, title)
            known, done = advanced(known, came, left)
            tables.put(maker, known)
            for each in done:
                tables.came_in(each)

    def _ended(self, bundle: CameBundle) -> CameBundle:
        end = self._ending
        if end is None:
            return bundle
        files = bundle.files | {end.title.part} if self._sound else bundle.files
        last = end.title.part if end.last else bundle.last
        return replace(bundle, files=files, last=last, whole=bundle.whole or (end.whole and end.last))


def _claim(tip: Tip, title: Title) -> Claim:
    return Claim(title.said.maker, tip.set[2], tip.kind, LogId(tip.log), tip.seq, tip.name, title.counter, "")


def chunks(pieces: Iterable[bytes], ours: Opener | None = None) -> Iterator[Piece]:
    """Yield the chunks of a file, and what is damaged; `ours` opens what is wrapped up for this node."""
    return unwrapped(cut(pieces), ours)


def mended(files: Sequence[File], ours: Opener | None = None) -> Iterator[Iterator[Piece]]:
    """Yield the chunks of each file that is damaged or missing and can be had from others, which have to be here all at once.

    Each file is a function that gives its bytes from the beginning. What is sound is taken in without this.
    """
    for each in repaired(files):
        yield unwrapped(each, ours)


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


def take(node: Node, own: Key, pieces: Iterable[bytes]) -> Came:
    """Take in one file. `own`: the key of this node."""
    taking = Taking(node, own)
    for batch in batches(chunks(pieces)):
        taking.take(batch)
    taking.end()
    return taking.came
