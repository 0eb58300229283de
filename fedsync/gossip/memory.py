"""A node's holdings in memory, with a door that takes blocks as the store and the node do. Pure.

For tests and simulation: it ships, so that what is simulated is what runs. The rules at the door are those of
docs/protocol.md; the store has its own implementation of them over SQLite.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field

from fedsync.gossip.compare import items_of
from fedsync.gossip.events import Baseless, Declined, Held, Known, Outcome, Parked, Struck
from fedsync.gossip.holdings import Bucket, Head, Item, SetKey
from fedsync.gossip.limits import (
    BRANCH_DELAY_S,
    BUCKET_DEPTH,
    INCARNATION_DELAY_S,
    MAX_BRANCHES,
    MAX_INCARNATIONS,
)
from fedsync.gossip.trie import node_hash
from fedsync.records.block import BadBlock, Base, Block, check, peek
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Extent, Key, LogClass, LogId, Reach, RecordId, Scope
from fedsync.records.places import MAX_RUN_BYTES, MAX_RUN_RECORDS, START, Place, walk
from fedsync.records.segment import SHORT_BYTES
from fedsync.records.wire import Row, read_rows, write

Admit = Callable[[Genesis], str]
"""yes: take the log; park: its author is unknown; no: its author was refused."""
Check = Callable[[bytes, Base | None], Block]


@dataclass(slots=True)
class MemoryLog:
    """What is held of one log: blocks of all branches, each record in one of them."""

    genesis: Genesis
    set: SetKey
    created: int
    changed: int = 0
    fork: int | None = None
    pin: Head | None = None
    urgent: int | None = None
    heads: list[Head] = field(default_factory=list)
    blocks: list[tuple[Block, Place, int]] = field(default_factory=list)
    """(block, place before it, counter when it was stored), in the order in which they came."""
    where: dict[RecordId, tuple[Block, Place]] = field(default_factory=dict)
    branched_ms: int = 0
    """When the last branch beyond the limit was taken."""
    lent: bool = False
    """Whether a copy of the memory holds it too: whoever changes it copies it first."""


class Memory:
    """What one node holds. Implements Holdings; `take` is its door."""

    def __init__(self, journal: bytes, admit: Admit | None = None, checker: Check = check) -> None:
        self._journal, self._counter = journal, 0
        self.admit: Admit = admit or (lambda _: "yes")
        self._check = checker
        self.following: list[tuple[Scope, bytes, Extent]] = []
        self._extents: dict[Scope, tuple[bytes, Extent]] = {}
        """The same by scope: there may be thousands."""
        self._followed_at = 0
        self._logs: dict[LogId, MemoryLog] = {}
        self._sets: dict[SetKey, dict[LogId, MemoryLog]] = {}
        self._buckets: dict[SetKey, dict[int, Bucket | None]] = {}
        self._named: dict[bytes, LogId | None] = {}
        """By the first 8 bytes, and by the first 4; None where two logs share them."""
        self._lives: dict[Key, int] = {}
        """Logs of each key: only of who has many it matters which they are."""
        self._grown: dict[tuple[object, ...], int] = {}
        self._moved: dict[SetKey, int] = {}
        """The counter when each set last changed, the latest last."""
        self._own_sets: set[SetKey] | None = None
        """The sets of which nothing is shared with a copy; None: there never was one."""

    # --- The door -------------------------------------------------------------------------------------

    def take(self, raw: bytes, wall_ms: int = 0) -> tuple[Outcome, Block | None]:
        """Judge a block; return what became of it, and what of it is held now and was not before."""
        try:
            head = peek(raw)
            held = self._logs.get(head.log)
            if held is None:
                return (Baseless(), None) if head.first else self._begin(self._check(raw, None), wall_ms)
            base = None if head.first == 0 else self.base(head.log, (head.first - 1, head.prev))
            if head.first and base is None:
                return Baseless(), None
            return self._append(held, self._check(raw, base), base.place if base else START, wall_ms)
        except BadBlock as error:
            return Struck(error.code), None

    def _begin(self, block: Block, wall_ms: int) -> tuple[Outcome, Block | None]:
        genesis = block.genesis
        if genesis.reach == Reach.LOCAL:
            return Declined("local", 0), None
        answer = self.admit(genesis)
        if answer != "yes":
            return (Parked("unknown-author", 0) if answer == "park" else Declined("refused", 0)), None
        wait = self._too_many_lives(genesis, wall_ms)
        if wait:
            return Parked("incarnations", wait), None
        return self._keep(self._new(genesis), block, START)

    def _new(self, genesis: Genesis) -> MemoryLog:
        key = (genesis.scope, genesis.reach, genesis.log_class)
        held = MemoryLog(genesis, key, self._counter + 1)
        self._logs[genesis.log] = held
        self._lives[genesis.key] = self._lives.get(genesis.key, 0) + 1
        self._part_with(key)
        self._sets.setdefault(key, {})[genesis.log] = held
        self._name(genesis.log)
        return held

    def _name(self, log: LogId) -> None:
        for begins in (log[:8], log[:SHORT_BYTES]):
            self._named[begins] = None if begins in self._named else log

    def _too_many_lives(self, genesis: Genesis, wall_ms: int) -> int:
        """Return until when a further incarnation waits, 0 when it need not."""
        if self._lives.get(genesis.key, 0) < MAX_INCARNATIONS:
            return 0
        whose = _whose(genesis)
        if sum(_whose(each.genesis) == whose for each in self._logs.values()) < MAX_INCARNATIONS:
            return 0
        due = self._grown.get(whose, 0)
        if wall_ms < due:
            return due
        self._grown[whose] = wall_ms + int(INCARNATION_DELAY_S * 1000)
        return 0

    def _append(
        self, held: MemoryLog, block: Block, place: Place, wall_ms: int
    ) -> tuple[Outcome, Block | None]:
        shared = block.first - 1
        for id_ in block.ids:
            if id_ not in held.where:
                break
            shared += 1
        if shared == block.last:
            return Known(), None
        part = shared + 1
        if held.genesis.log_class != LogClass.AUTHORITY:
            if held.pin is not None:
                # Only the pinned chain is judged: blocks towards it are taken, and nothing else.
                if self.holds(block.log, held.pin) or part > held.pin[0]:
                    return Known(), None
            elif held.fork is not None and part >= held.fork:
                return Known(), None
        elif self._leaves(held, block, part) and len(held.heads) >= MAX_BRANCHES:
            due = held.branched_ms + int(BRANCH_DELAY_S * 1000)
            if held.branched_ms and wall_ms < due:
                return Parked("branches", due), None
            held = self._to_change(held)
            held.branched_ms = wall_ms or 1
        if part > block.first:
            place = walk(place, block.sizes[: part - block.first])[1]
            fault = block.fault
            block = block.after(shared)
            block.fault = fault
        return self._keep(held, block, place)

    def _leaves(self, held: MemoryLog, block: Block, part: int) -> bool:
        prev = block.ids[part - block.first - 1] if part > block.first else block.prev
        return (part - 1, prev) not in held.heads

    def _keep(self, held: MemoryLog, block: Block, place: Place) -> tuple[Outcome, Block | None]:
        self._counter += 1
        held = self._to_change(held)
        old = (block.first - 1, block.prev)
        fork = None
        if old in held.heads:
            held.heads.remove(old)
        elif held.heads:
            held.fork = fork = min(block.first, held.fork if held.fork is not None else block.first)
        held.heads.append((block.last, block.tip))
        held.heads.sort(reverse=True)
        held.blocks.append((block, place, self._counter))
        for id_ in block.ids:
            held.where[id_] = (block, place)
        self._touch(held)
        return Held(block.count, fork, block.fault is not None), block

    def write(self, block: Block) -> bool:
        """Keep a block of our own; return False when its log takes no more: it is forked, or a pin ends it.

        Raises ValueError when what it follows is not held.
        """
        return self.wrote(block)[1] is not None

    def wrote(self, block: Block) -> tuple[Outcome, Block | None]:
        """Keep a block of our own; return what became of it, and what of it is held now and was not before.

        Raises ValueError when what it follows is not held.
        """
        held = self._logs.get(block.log)
        if held is None and block.first == 0:
            held = self._new(block.genesis)
        if held is None:
            raise ValueError("what the block follows is not held")
        if not held.blocks:
            return self._keep(held, block, START)
        base = self.base(block.log, (block.first - 1, block.prev))
        if block.first and base is None:
            if held.fork is None:
                raise ValueError("what the block follows is not held")
            return Known(), None
        return self._append(held, block, base.place if base else START, 0)

    def follow(self, scope: Scope, body: bytes, extent: Extent = Extent.ALL) -> bool:
        """Follow a body, or more of it; False when one with its founding tag is followed so far already."""
        held = self._extents.get(scope)
        if held is not None:
            if held[0] != body or extent <= held[1]:
                return False
            self.following.remove((scope, *held))
        self.following.append((scope, body, extent))
        self._extents[scope] = body, extent
        self._follows_changed()
        return True

    def unfollow(self, scope: Scope) -> None:
        """Follow a body no longer. What is held of it stays."""
        self.following = [each for each in self.following if each[0] != scope]
        self._extents.pop(scope, None)
        self._follows_changed()

    def _follows_changed(self) -> None:
        # Counted like a change of what is held: a peer that has seen less of us does not know of it.
        self._counter += 1
        self._followed_at = self._counter

    def pin(self, log: LogId, head: Head) -> None:
        """Take it that the body has named this tip for a log. What leads elsewhere counts no more."""
        held = self._logs.get(log)
        if held is not None:
            held = self._to_change(held)
            held.pin = head
            self._counter += 1
            self._touch(held)

    def hurry(self, log: LogId, seq: int) -> bool:
        """Let a log go before all else up to `seq`; False when it is not held, or does so already."""
        held = self._logs.get(log)
        if held is None or (held.urgent is not None and held.urgent >= seq):
            return False
        self._to_change(held).urgent = seq
        return True

    def _touch(self, held: MemoryLog) -> None:
        log = held.genesis.log
        held.changed = self._counter
        self._moved.pop(held.set, None)
        self._moved[held.set] = self._counter
        self._part_with(held.set)
        self._buckets.setdefault(held.set, {})[int.from_bytes(log[:2], "big") >> 4] = None

    # --- Copies and restores --------------------------------------------------------------------------

    def renew(self, journal: bytes) -> None:
        """Take another journal id: a peer has seen more of this one than is held here."""
        self._journal = journal

    def copied(self, journal: bytes | None = None) -> "Memory":
        """Return a copy, as of a backup; with a new journal id when the copy noticed that it is one.

        Both go on with the same logs until either changes one: thousands of nodes may begin with what one of them holds.
        """
        other = Memory(journal or self._journal, self.admit, self._check)
        other._counter, other._followed_at = self._counter, self._followed_at
        other.following = list(self.following)
        other._extents, other._logs = dict(self._extents), dict(self._logs)
        other._sets, other._buckets = dict(self._sets), dict(self._buckets)
        other._named, other._lives = dict(self._named), dict(self._lives)
        other._moved = dict(self._moved)
        for held in self._logs.values():
            held.lent = True
        self._own_sets, other._own_sets = set(), set()
        return other

    def _part_with(self, key: SetKey) -> None:
        """Let a set be changed here and not in copies."""
        if self._own_sets is not None and key not in self._own_sets:
            self._own_sets.add(key)
            if key in self._sets:
                self._sets[key] = dict(self._sets[key])
            if key in self._buckets:
                self._buckets[key] = dict(self._buckets[key])

    def _to_change(self, held: MemoryLog) -> MemoryLog:
        """Return a log that may be changed: a copy of its own, where it is shared."""
        if not held.lent:
            return held
        mine = copy(held)
        mine.heads, mine.blocks, mine.where = list(held.heads), list(held.blocks), dict(held.where)
        mine.lent = False
        log = held.genesis.log
        self._part_with(held.set)
        self._logs[log] = self._sets[held.set][log] = mine
        return mine

    # --- Holdings -------------------------------------------------------------------------------------

    def journal(self) -> tuple[bytes, int]:
        """Return the journal's id and counter."""
        return self._journal, self._counter

    def bodies(self) -> Sequence[tuple[Scope, bytes, Extent]]:
        """Return the bodies that are followed, and how much of each."""
        return self.following

    def followed(self, scope: Scope) -> tuple[bytes, Extent] | None:
        """Return the body that is followed under a scope, and how much of it."""
        return self._extents.get(scope)

    def followed_at(self) -> int:
        """Return the counter when these changed last."""
        return self._followed_at

    def sets(self) -> Sequence[SetKey]:
        """Return the sets that are not empty."""
        return list(self._sets)

    def buckets(self, key: SetKey) -> Mapping[int, Bucket]:
        """Return the buckets of a set that are not empty."""
        known = self._buckets.get(key, {})
        stale = [index for index, bucket in known.items() if bucket is None]
        if not stale:
            return dict(known)  # type: ignore[arg-type]
        parts: dict[int, list[Item]] = {index: [] for index in stale}
        for log, held in self._sets.get(key, {}).items():
            index = int.from_bytes(log[:2], "big") >> 4
            if index in parts:
                parts[index] += items_of(log, held, self)
        for index, items in parts.items():
            known[index] = (node_hash(items, BUCKET_DEPTH), len(items))
        return {index: bucket for index, bucket in known.items() if bucket is not None}

    def count(self, key: SetKey) -> int:
        """Return how many items a set has."""
        logs = self._sets.get(key, {}).values()
        return sum([len(each.heads) for each in logs]) if key[2] == LogClass.AUTHORITY else len(logs)

    def items(self, key: SetKey, low: bytes, high: bytes | None) -> Sequence[Item]:
        """Return the items of a set from `low` to below `high`."""
        found: list[Item] = []
        for log, held in self._sets.get(key, {}).items():
            if log >= low and (high is None or log < high):
                found += items_of(log, held, self)
        return found

    def log(self, log: LogId) -> MemoryLog | None:
        """Return what is held of a log."""
        return self._logs.get(log)

    def urgent(self, log: LogId) -> int | None:
        """Return up to where a log goes before all else."""
        held = self._logs.get(log)
        return held.urgent if held is not None else None

    def logs(self) -> Iterator[LogId]:
        """Yield the logs that are held."""
        yield from self._logs

    def named(self, prefix: bytes) -> LogId | None:
        """Return the one log whose id begins so."""
        return self._named.get(prefix)

    def changed(self, key: SetKey, since: int) -> Sequence[LogId]:
        """Return the logs of a set that changed after the counter was `since`."""
        return [log for log, held in self._sets.get(key, {}).items() if held.changed > since]

    def moved(self, since: int) -> Sequence[SetKey]:
        """Return the sets that changed after the counter was `since`."""
        found: list[SetKey] = []
        for key in reversed(self._moved):
            if self._moved[key] <= since:
                break
            found.append(key)
        return found

    def fresh(self, log: LogId, since: int, limit: int) -> Sequence[bytes]:
        """Return blocks stored after the counter was `since`, up to `limit` bytes."""
        found: list[bytes] = []
        blocks = self._logs[log].blocks
        for block, _, _ in blocks[bisect_right(blocks, since, key=_stored_at) :]:
            limit -= len(block.raw)
            if limit < 0:
                break
            found.append(block.raw)
        return found

    def id_at(self, log: LogId, head: Head, seq: int) -> RecordId | None:
        """Return the id at `seq` on the chain that ends in `head`."""
        held = self._logs.get(log)
        if held is None or not 0 <= seq <= head[0] or head[1] not in held.where:
            return None
        if seq == head[0]:
            return head[1]
        block = held.where[head[1]][0]
        while seq < block.first:
            block = held.where[block.prev][0]
        return block.ids[seq - block.first]

    def base(self, log: LogId, head: Head) -> Base | None:
        """Return where a block after `head` attaches, None when `head` is not held."""
        held = self._logs.get(log)
        if held is None or head[1] not in held.where:
            return None
        block, before = held.where[head[1]]
        at = head[0] - block.first
        if not 0 <= at < block.count or block.ids[at] != head[1]:
            return None
        place = walk(before, block.sizes[: at + 1])[1]
        return Base(held.genesis, head[0], head[1], place, any(each == at for each, _ in block.signatures))

    def holds(self, log: LogId, head: Head) -> bool:
        """Say whether this record is held."""
        return self.base(log, head) is not None

    def blocks(
        self, log: LogId, base: Head | None, head: Head, limit: int
    ) -> Sequence[tuple[bytes, Head]] | None:
        """Return the next blocks from `base` towards `head`."""
        held = self._logs.get(log)
        if held is None or head[1] not in held.where:
            return None
        start = 0
        if base is not None:
            if self.id_at(log, head, base[0]) != base[1]:
                return None
            start = base[0] + 1
        found: list[tuple[bytes, Head]] = []
        for raw, tip in _cut(self._way(held, start, head), start):
            limit -= len(raw)
            if found and limit < 0:
                break
            found.append((raw, tip))
        return found

    def _way(self, held: MemoryLog, start: int, head: Head) -> list[tuple[Block, int]]:
        """Return the blocks on the chain, in order, each with the last seq up to which the chain is in it."""
        way: list[tuple[Block, int]] = []
        at, last = head[1], head[0]
        while last >= start:
            block = held.where[at][0]
            way.append((block, last))
            at, last = block.prev, block.first - 1
        return way[::-1]


def _stored_at(block: tuple[Block, Place, int]) -> int:
    return block[2]


def _cut(way: list[tuple[Block, int]], start: int) -> Iterator[tuple[bytes, Head]]:
    """Yield blocks along a chain from `start` on: stored ones where they fit, others cut anew at signatures."""
    at = 0
    while at < len(way):
        block, last = way[at]
        first = max(start, block.first)
        if first == block.first and last == block.last:
            yield block.raw, (block.last, block.tip)
            at += 1
            continue
        # A branch leaves this block in its middle, or the asker stands there: join what follows, up to where
        # a block that fits ends in a signature.
        rows: list[Row] = []
        ids: list[RecordId] = []
        sizes: list[int] = []
        signed: dict[int, bytes] = {}
        until = at
        while until < len(way):
            each, end = way[until]
            low = max(start, each.first)
            rows += read_rows(each.body)[low - each.first : end - each.first + 1]
            ids += each.ids[low - each.first : end - each.first + 1]
            sizes += each.sizes[low - each.first : end - each.first + 1]
            signed |= {each.first + p - first: s for p, s in each.signatures if low <= each.first + p <= end}
            until += 1
            if each.last == end and signed:
                break
        prev = block.ids[first - block.first - 1] if first > block.first else block.prev
        position = 0
        while position < len(rows):
            stop = _fits(sizes, position, signed)
            if stop is None:
                break
            inside = [(p - position, s) for p, s in sorted(signed.items()) if position <= p < stop]
            raw = write(block.log, first + position, prev, rows[position:stop], inside)
            yield raw, (first + stop - 1, ids[stop - 1])
            prev, position = ids[stop - 1], stop
        at = until


def _fits(sizes: Sequence[int], start: int, signed: Mapping[int, bytes]) -> int | None:
    """Return the end of the longest run from `start` that fits a block and ends in a signature."""
    total, best = 0, None
    for at in range(start, min(len(sizes), start + MAX_RUN_RECORDS)):
        total += sizes[at]
        if total > MAX_RUN_BYTES:
            break
        if at in signed:
            best = at + 1
    return best


def _whose(genesis: Genesis) -> tuple[object, ...]:
    """Return what the incarnations of a log have in common."""
    return genesis.key, genesis.scope, genesis.capacity, genesis.log_class, genesis.reach
