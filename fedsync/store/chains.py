"""Along one branch of a log: which blocks lead from a record to a head. Reads blocks, touches nothing.

In a log without branches that is their order. In a forked one the chain is walked back from the head, and where
a branch leaves a block in its middle the blocks are cut anew, at signatures, so that whoever asks gets a run in
which each block follows the one before.
"""

from collections.abc import Iterable, Iterator

from fedsync.records.block import Block, merge
from fedsync.records.ids import ZERO_ID, RecordId
from fedsync.records.wire import Row, read_rows, write
from fedsync.store.blocks import Blocks, Stored

SMALL_RECORDS = 16
"""Up to so many records a block is small: to join such saves more on the wire than the signing left out costs."""

Tip = tuple[int, RecordId]
Part = tuple[bytes, Tip]
"""A block's bytes, and its last record."""
Step = tuple[Stored, int]
"""A block, and the seq from which it is on the chain."""


def containing(blocks: Blocks, log_no: int, record: Tip) -> Stored | None:
    """Return a block that holds this record, None when the record is not held."""
    seq, id_ = record
    for stored in blocks.overlapping(log_no, seq, seq):
        if stored.last == seq:
            if stored.tip == id_:
                return stored
        elif blocks.decode(stored).ids[seq - stored.first] == id_:
            return stored
    return None


def id_at(blocks: Blocks, log_no: int, head: Tip, seq: int, fork: int | None) -> RecordId | None:
    """Return the id of the record at `seq` on the chain that ends in `head`, None when there is none."""
    stored = containing(blocks, log_no, head)
    if stored is None or not 0 <= seq <= head[0]:
        return None
    while seq < stored.first:
        if fork is None or seq < fork:
            # Below the fork all branches are one.
            stored = next(iter(blocks.overlapping(log_no, seq, seq)))
            break
        stored = _parent(blocks, log_no, stored)
    return blocks.decode(stored).ids[seq - stored.first] if seq != stored.last else stored.tip


def parts(
    blocks: Blocks, log_no: int, start: int, head: Tip, fork: int | None, join: bool = False
) -> Iterator[Part]:
    """Yield the blocks from seq `start` to `head`, which is held, each following the one before.

    The last one may go beyond `head` when nothing is signed there. `join` makes one block of small ones: what
    people enter by hand is stored record by record, and costs ten times as much on the wire as it needs to.
    """
    run, small = _Run(blocks), _Small(blocks)
    for stored, low, high in _steps(blocks, log_no, start, head, fork):
        if join and not run.waiting and small.fits(stored, low, high):
            yield from small.take(stored)
            continue
        yield from small.flush()
        yield from run.take(stored, low, high)
    yield from small.flush()


def _steps(
    blocks: Blocks, log_no: int, start: int, head: Tip, fork: int | None
) -> Iterator[tuple[Stored, int, int]]:
    """Yield the blocks on the way from seq `start` to `head`, each with the first and last seq that are on it."""
    if fork is None or head[0] < fork:
        way: Iterable[Step] = ((each, max(each.first, start)) for each in blocks.of(log_no, start))
    else:
        way = _way(blocks, log_no, start, head, fork)
    before: Step | None = None
    for step in way:
        if step[1] > head[0]:
            break
        if before is not None:
            yield (*before, step[1] - 1)
        before = step
    if before is not None:
        yield (*before, _end(blocks, before[0], head[0]))


def _way(blocks: Blocks, log_no: int, start: int, head: Tip, fork: int) -> list[Step]:
    """Return the blocks on the chain, each with the seq from which it is on it."""
    stored = containing(blocks, log_no, head)
    if stored is None:
        return []
    back: list[Step] = [(stored, max(stored.first, start))]
    while stored.first > max(start, fork):
        stored = _parent(blocks, log_no, stored)
        back.append((stored, max(stored.first, start)))
    below: list[Step] = []
    at = start
    while at < stored.first:
        # Below the fork all branches are one: any block that holds the seq will do.
        each = blocks.overlapping(log_no, at, at)[0]
        below.append((each, at))
        at = each.last + 1
    return below + back[::-1]


def _end(blocks: Blocks, stored: Stored, seq: int) -> int:
    if seq >= stored.last:
        return stored.last
    signed = {stored.first + position for position, _ in blocks.decode(stored).signatures}
    return seq if seq in signed else stored.last


class _Small:
    """Small blocks that follow each other with no mandatory place between them: served as one, signed at its end."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._waiting: list[Stored] = []

    @staticmethod
    def fits(stored: Stored, low: int, high: int) -> bool:
        """Say whether a block is taken whole and is small."""
        return (low, high) == (stored.first, stored.last) and stored.last - stored.first < SMALL_RECORDS

    def take(self, stored: Stored) -> Iterator[Part]:
        """Put a block to those that wait; yield these first when it may not be joined to them."""
        if self._waiting:
            last = self._waiting[-1]
            # Where the count begins anew there is a mandatory place, whose signature must be served.
            if stored.place.count != last.place.count + last.last - last.first + 1:
                yield from self.flush()
        self._waiting.append(stored)

    def flush(self) -> Iterator[Part]:
        """Yield what waits, as one block."""
        if len(self._waiting) == 1:
            stored = self._waiting[0]
            yield stored.raw, (stored.last, stored.tip)
        elif self._waiting:
            block = merge([self._blocks.decode(stored) for stored in self._waiting])
            yield block.raw, (block.last, block.tip)
        self._waiting = []


class _Run:
    """A run of blocks in the making: stored ones whole where they fit, cut and joined where a branch leaves."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._rows: list[Row] = []
        self._first = 0
        self._prev: RecordId = ZERO_ID

    @property
    def waiting(self) -> bool:
        """Whether records wait for a signature further on."""
        return bool(self._rows)

    def take(self, stored: Stored, low: int, high: int) -> Iterator[Part]:
        """Yield what is complete with the records of `stored` from `low` to `high`."""
        if not self._rows and (low, high) == (stored.first, stored.last):
            yield stored.raw, (stored.last, stored.tip)
            return
        block = self._blocks.decode(stored)
        signed = [seq for seq in (block.first + at for at, _ in block.signatures) if low <= seq <= high]
        if not self._rows:
            self._first, self._prev = (
                low,
                block.ids[low - block.first - 1] if low > block.first else block.prev,
            )
        # What waits is unsigned, so no mandatory place is in it: up to the next signature it fits one block.
        for to in signed[:1] + signed[1:][-1:] if self._rows else signed[-1:]:
            yield self._join(block, low, to)
            self._rows, self._first, self._prev = [], to + 1, block.ids[to - block.first]
            low = to + 1
        self._rows = self._rows + read_rows(block.body)[low - block.first : high - block.first + 1]

    def _join(self, block: Block, low: int, to: int) -> Part:
        rows = self._rows + read_rows(block.body)[low - block.first : to - block.first + 1]
        signatures = [
            (block.first + at - self._first, each)
            for at, each in block.signatures
            if low <= block.first + at <= to
        ]
        raw = write(block.log, self._first, self._prev, rows, signatures)
        return raw, (to, block.ids[to - block.first])


def _parent(blocks: Blocks, log_no: int, stored: Stored) -> Stored:
    found = containing(blocks, log_no, (stored.first - 1, stored.prev))
    assert found is not None, "a block is kept only after what it follows"
    return found
