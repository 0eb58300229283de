"""What comes in files goes through the door that everything goes through, many blocks to a commit.

It makes no difference in which order files come, nor how often, nor what is lost or damaged: what is present is taken,
or waits for what it follows; and what the makers tell of that is not held is remembered as missing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from fedsync.bundling.hearing import Hearing, Words
from fedsync.gossip.bundles.chunks import Piece, cut
from fedsync.gossip.bundles.form import (
    Block,
    Content,
    End,
    Follows,
    Receipts,
    Tips,
    Title,
    Wants,
)
from fedsync.gossip.bundles.parity import File, repaired
from fedsync.gossip.bundles.reading import Bad, read_chunks
from fedsync.node import Node, Taken, Verdict
from fedsync.records.block import BadBlock, is_signed, peek
from fedsync.records.ids import Key, LogId
from fedsync.taken import UNWANTED
from fedsync.wrapping import Opener, unwrapped

BATCH_BLOCKS: Final = 256
"""Blocks of one commit, as at the daemon's door."""
BATCH_BYTES: Final = 4 * 1024 * 1024
"""Bytes of one commit, at most: what is read ahead of the door is held in memory."""
BATCH_CHUNKS: Final = 4096
"""Of one commit, blocks or not: a file of nothing but damage must not pile up in memory."""
EARLY_WORDS: Final = 16
"""Listings that are kept until it is known whose they are: a thousand tips each."""
MAX_TITLES: Final = 256
"""Bundles that stand one behind the other in one file: each costs a commit. Of what is behind more of them the blocks are taken."""
NAMED_BAD: Final = 256
"""Damaged places that are named one by one; of more it is said how many there are."""
AGAIN_BYTES: Final = 8 * 1024 * 1024
"""Blocks of authors whom nobody named yet, for whom there is no room to wait outside: tried again when a file is over."""
AHEAD_MS: Final = 180 * 24 * 3600 * 1000
"""How long a block waits for what it follows: half a year, since who carries sticks may come by in summer only."""
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
        self._node, self._hearing = node, Hearing(node, own)
        self.came = Came()
        self._again: dict[bytes, Key] = {}
        self._unwanted: set[LogId] = set()
        """Logs of which nothing is taken here, as it showed."""
        self._title: Title | None = None
        self.begin()

    @property
    def follows_more(self) -> bool:
        """Whether a body is followed now, or more of it, because a maker announced it."""
        return self._hearing.follows_more

    def begin(self) -> None:
        """Begin with another file: who brings it is not known yet. What was open before is ended."""
        self._titles = 0
        self._next()

    def _next(self) -> None:
        self.end()
        self._origin = STRANGER
        self._words: list[Words] = []
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
                    if self._titles >= MAX_TITLES:
                        continue
                    if self._title is not None and found.said != self._title.said:
                        # Files that somebody put one behind the other.
                        taken += self._commit([(raw, self._origin) for raw in raws])
                        raws = []
                        self._next()
                    self._take_title(found)
                case End():
                    self._take_end(found)
                case Tips() | Wants() | Receipts() | Follows():
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
        if self._title is not None:
            self._hearing.settle(self._title, self._ending, self._sound)
        self._title = None
        return taken

    def _bad(self, bad: Bad) -> None:
        self._sound = False
        self.came.damaged += 1
        if len(self.came.bad) < NAMED_BAD:
            self.came.bad.append(bad)

    def _take_end(self, end: End) -> None:
        if self._title is None and self._titles < MAX_TITLES:
            self._take_title(end.title)
        if self._title is not None and end.title.said == self._title.said:
            self._ending = end
            if len(self.came.ends) < MAX_TITLES:
                self.came.ends.append(end)

    def _take_title(self, title: Title) -> None:
        self._title = title
        self._titles += 1
        if len(self.came.titles) < MAX_TITLES:
            self.came.titles.append(title)
        if self._hearing.knows(title.said.maker):
            self._origin = title.said.maker

    # --- A commit -----------------------------------------------------------------------------------------

    def _commit(self, blocks: list[tuple[bytes, Key]]) -> list[Taken]:
        """Let blocks in, and note what the maker says, in one commit."""
        words: list[Words] = []
        title = self._title
        if title is not None:
            words, self._words = self._words, []
            if not self._hearing.knows(title.said.maker):
                # A stranger's word is not kept: it costs no commit.
                title = None
        if not blocks and title is None:
            return []
        node = self._node
        node.begin()
        try:
            if title is not None:
                self._hearing.note(title, words)
            outcomes = self._let_in(blocks)
            node.settle()
        except BaseException:
            node.rollback()
            raise
        node.commit()
        return outcomes

    def _let_in(self, blocks: Sequence[tuple[bytes, Key | None]]) -> list[Taken]:
        outcomes: list[Taken] = []
        while blocks:
            late: list[tuple[bytes, Key | None]] = []
            for each in self._node.take(blocks):
                if each.verdict is Verdict.NO_BASE and self._has_base(each.raw):
                    # What it follows stood behind it, in the same batch.
                    late.append((each.raw, each.origin))
                else:
                    outcomes.append(self._look(each))
            blocks = late
        return outcomes

    def _has_base(self, raw: bytes) -> bool:
        """Say whether what a block follows is held by now."""
        try:
            head = peek(raw)
            return self._node.store.logs.base(head.log, head.first, head.prev) is not None
        except BadBlock:
            return False

    def _look(self, taken: Taken) -> Taken:
        """Count what became of a block, and keep it where it may be of use later; return what did become of it."""
        came = self.came
        if taken.verdict is Verdict.NO_BASE:
            taken = self._wait(taken)
        came.blocks[taken.verdict.value] += 1
        if taken.block is not None:
            came.records += taken.block.count
        match taken.verdict:
            case Verdict.REFUSED | Verdict.PARKED:
                came.refused[taken.code] += 1
                self._node.note_refusal(taken)
                if taken.log is not None and taken.code in UNWANTED:
                    self._unwanted.add(taken.log)
                unnamed = taken.verdict is Verdict.REFUSED and taken.code.startswith("unknown-")
                if unnamed and sum(map(len, self._again)) + len(taken.raw) <= AGAIN_BYTES:
                    self._again[taken.raw] = taken.origin or STRANGER
            case Verdict.BAD:
                came.refused[taken.code] += 1
            case _:
                pass
        return taken

    def _wait(self, taken: Taken) -> Taken:
        """Keep a block that came ahead of what it follows, unless whoever writes its log is known and did not sign it."""
        node, raw, head = self._node, taken.raw, peek(taken.raw)
        if head.log in self._unwanted:
            return taken
        row = node.store.logs.row(head.log)
        try:
            proven = row is not None and is_signed(raw, row.genesis)
            code = "" if proven or row is None else "signature"
        except BadBlock as error:
            proven, code = False, error.code
        if code:
            reason = "it follows what is not held, and the author of its log did not sign it"
            return replace(taken, verdict=Verdict.BAD, code=code, reason=reason, fault=True)
        origin, until = taken.origin or STRANGER, node.now() + AHEAD_MS
        if not node.store.ahead.keep(head, origin, raw, until, proven):
            self.came.refused["no-room"] += 1
        return taken


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
    node.let_in_early()
    return taking.came
