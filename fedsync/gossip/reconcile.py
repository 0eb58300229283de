"""Finding out which logs differ: SPANS, SETS, RANGE, DELTA and its guard REST. Pure.

An entry of RANGE is understood alone, so loss, repetition and reordering do no harm: whoever gets one compares
it with what is held at that moment, answers what differs, and forgets it. No state is kept here but what the
guard of DELTA needs.

A level of the trie with one child is not skipped on the wire: an entry says nothing of its siblings, so a peer
whose items lie beside the one child would never hear of the difference.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from fedsync.gossip.compare import Verdict, compare, items_of
from fedsync.gossip.holdings import FORK, Item, Log, SetKey
from fedsync.gossip.limits import (
    FRESH_BYTES,
    LISTED_SETS,
    LISTING_BYTES,
    MAX_DELTA,
    MAX_ENTRIES,
    MAX_SETS,
    MAX_SPANS,
    SHORT_BYTES,
    SMALL_SET,
    SPAN_SETS,
)
from fedsync.gossip.listing import (
    ANSWER,
    ITEMS,
    NODES,
    Entry,
    Named,
    Salt,
    changed,
    items_entry,
    named,
    nodes_entry,
    read_changed,
    read_entry,
)
from fedsync.gossip.messages import BlockMessage, Delta, Message, Range, Sets, Spans, encode
from fedsync.gossip.priority import FIRST, WORDS, of_log
from fedsync.gossip.sharing import Shared
from fedsync.gossip.trees import Trees
from fedsync.gossip.trie import EMPTY, HEX, Tree
from fedsync.records.block import peek
from fedsync.records.ids import LogId

_PAGE_SETS = MAX_SETS // 2
"""Sets in one message, some twenty bytes each; those of one scope are never parted."""
_ENTRY_ITEMS = 1024
"""Items in one entry: 20 KB at most, so that an entry always fits a message."""


class Claim(NamedTuple):
    """The peer says that it holds something of a log that we lack. `log` is None when we know only its short."""

    short: bytes
    log: LogId | None
    set: SetKey | None
    theirs: tuple[Named, ...]
    verdict: Verdict
    follows: bool = False
    """Whether its blocks come unasked."""
    urgent: bool = False
    """Whether the peer says that what we lack of it goes before all else. It orders what we ask of this peer alone."""


class Reconcile:
    """Compares our sets with those of one peer. `listed` collects by short the logs that we named to it."""

    def __init__(
        self,
        trees: Trees,
        salt: Salt,
        shared: Callable[[], Shared],
        listed: dict[bytes, LogId],
        follows: Callable[[], bytes] = bytes,
    ) -> None:
        """`follows` tells what each side follows, as we know it: see `root_of_roots`."""
        self._trees, self._salt, self._shared, self._listed = trees, salt, shared, listed
        self._follows = follows
        self._holdings = trees.holdings
        self._named: dict[bytes, SetKey] = {}
        # What the peer is sure to know by name. Not what only we named: that word may have been lost.
        self._theirs: set[SetKey] = set()
        self._told: set[LogId] = set()
        # Each BEAT asks for the root, and most of them come when nothing has changed.
        self._root: tuple[object, bytes] = (None, b"")
        self._heard: set[LogId] = set()

    # --- By root, and by range ------------------------------------------------------------------------

    def root(self, without: Collection[LogId] = ()) -> bytes:
        """Return the 16 bytes over the roots of the sets that both may hold, some logs left out."""
        follows, shared = self._follows(), self._shared()
        if not without:
            return shared.root(follows, {})
        left_out = frozenset(without)
        asked = (shared, self._trees.moves, follows, left_out)
        if self._root[0] == asked:
            return self._root[1]
        out: dict[SetKey, list[LogId]] = {}
        for log in left_out:
            held = self._holdings.log(log)
            if held is not None:
                out.setdefault(held.set, []).append(log)
        found = shared.root(follows, out)
        self._root = asked, found
        return found

    def opening(self, brief: bool = False) -> Sets | Spans:
        """Return what opens a comparison: our sets, or in brief when there are many, or they may well be the same."""
        keys = self._shared().sets()
        if len(keys) <= LISTED_SETS and not brief:
            return self._sets(keys, b"", b"")
        step = max(SPAN_SETS, -(-len(keys) // (MAX_SPANS - 1)))
        ends: list[bytes] = []
        at = step
        while at < len(keys):
            # The sets of one scope are never parted.
            while at < len(keys) and keys[at][0] == keys[at - 1][0]:
                at += 1
            if at < len(keys):
                ends.append(keys[at][0])
            at += step
        ends.append(b"")
        spans = [(end, self._brief(first, end)) for first, end in zip([b"", *ends], ends, strict=False)]
        return Spans(tuple(spans))

    def on_spans(self, message: Spans) -> tuple[list[Message], set[SetKey]]:
        """Return our sets of each span that differs, and those of the spans that do not."""
        out: list[Message] = []
        same: set[SetKey] = set()
        first = b""
        for end, brief in message.spans:
            if self._brief(first, end) == brief:
                same.update(self._shared().among(first, end))
            else:
                out += self._pages(first, end)
            first = end
        return out, same

    def _brief(self, first: bytes, end: bytes) -> bytes:
        return self._salt.root(b"".join(self._shared().parts(first, end)))

    def _pages(self, first: bytes, end: bytes) -> Iterator[Sets]:
        """Yield our sets of these scopes, in as many messages as they need."""
        keys = self._shared().among(first, end)
        at = _PAGE_SETS
        while at < len(keys):
            while at and keys[at][0] == keys[at - 1][0]:
                at -= 1
            yield self._sets(keys[:at], first, keys[at][0])
            first, keys, at = keys[at][0], keys[at:], _PAGE_SETS
        yield self._sets(keys, first, end)

    def _sets(self, keys: Sequence[SetKey], first: bytes, end: bytes) -> Sets:
        self._know(keys)
        roots = [(key, self._salt.root(root)) for key in keys if (root := self._trees.root(key)) != EMPTY]
        return Sets(tuple(roots), first, end)

    def on_sets(self, message: Sets) -> list[Message]:
        """Return the top of each set that differs."""
        theirs = dict(message.roots)
        shared = self._shared()
        # Whatever else a peer names is nothing to us, and it may name any number.
        both = [key for key in theirs if key in shared]
        self._know(both)
        self._theirs.update(both)
        out: list[Message] = []
        mine = shared.among(message.first, message.end)
        for key in mine:
            peer = theirs.get(key)
            if self._salt.root(self._trees.root(key)) != peer:
                out += self._messages(key, self._open(self._trees.tree(key), "", peer is None, SMALL_SET))
        for key in sorted(theirs.keys() - set(mine)):
            if key in shared:
                out += self._messages(key, [items_entry(ITEMS, "", ())])
        return out

    def same(self, message: Sets) -> set[SetKey]:
        """Return the sets that are the same here and there."""
        theirs = dict(message.roots)
        mine = self._shared().among(message.first, message.end)
        return {key for key in mine if self._salt.root(self._trees.root(key)) == theirs.get(key)}

    def set_of(self, message: Range) -> SetKey | None:
        """Return the set that a message is about, None when it is named by a name that was never given."""
        return self._named.get(message.set) if isinstance(message.set, bytes) else message.set

    def _know(self, keys: Iterable[SetKey]) -> None:
        for key in keys:
            self._named[self._salt.set(key)] = key

    def on_range(self, key: SetKey, message: Range) -> tuple[list[Message], list[Claim]]:
        """Return what answers the entries, and what the peer holds that we lack. Raises BadMessage."""
        tree = self._trees.tree(key)
        if isinstance(message.set, bytes):
            self._theirs.add(key)
        entries: list[bytes] = []
        behind: list[Item] = []
        claims: list[Claim] = []
        looked = _Prefixes()
        for data in message.entries:
            entry = read_entry(data)
            if entry.form != ANSWER and not looked.add(entry.prefix):
                continue
            if entry.form == NODES:
                entries += self._descend(tree, entry)
            elif entry.form == ITEMS:
                answer, found = self._match(tree.items(entry.prefix), key, entry)
                behind += answer
                claims += found
            else:
                claims += self._match(self._known(entry), key, entry)[1]
        # An answer claims nothing of a prefix, so one entry does for all.
        entries += self._items(ANSWER, "", behind)
        return list(self._messages(key, entries)), claims

    def _known(self, entry: Entry) -> list[Item]:
        """Return our items of the logs in an answer: we named them before, or have never held them."""
        found: list[Item] = []
        for log in {log for short, _ in entry.items if (log := self._listed.get(short)) is not None}:
            held = self._holdings.log(log)
            if held is not None:
                found += items_of(log, held, self._holdings)
        return found

    def _descend(self, tree: Tree, entry: Entry) -> Iterator[bytes]:
        for digit in HEX:
            prefix, theirs = entry.prefix + digit, entry.nodes.get(digit)
            mine = tree.hash(prefix)
            if (None if mine == EMPTY else self._salt.record(mine)) != theirs:
                yield from self._open(tree, prefix, theirs is None, 0)

    def _open(self, tree: Tree, prefix: str, they_have_none: bool, at_once: int) -> Iterator[bytes]:
        """Yield what to say of a prefix that differs: its items where they are few, hashes otherwise."""
        if they_have_none:
            yield from self._items(ANSWER, "", tree.items(prefix))
        elif tree.count(prefix) <= at_once or tree.leaf(prefix):
            yield from self._items(ITEMS, prefix, tree.items(prefix))
        else:
            nodes = {digit: hash_ for digit in HEX if (hash_ := tree.hash(prefix + digit)) != EMPTY}
            yield nodes_entry(prefix, {digit: self._salt.record(each) for digit, each in nodes.items()})

    def _items(self, form: int, prefix: str, items: Sequence[Item]) -> Iterator[bytes]:
        """Yield entries of items. ITEMS are complete for their prefix, so they are never cut."""
        if form == ANSWER and not items:
            return
        for at in range(0, max(1, len(items)), _ENTRY_ITEMS):
            yield items_entry(form, prefix, [self._name(each) for each in items[at : at + _ENTRY_ITEMS]])

    def _name(self, item: Item) -> bytes:
        said = named(self._salt, item, self._holdings.urgent(item[1]))
        self._listed[said[:SHORT_BYTES]] = item[1]
        return said

    def _match(self, items_here: Sequence[Item], key: SetKey, entry: Entry) -> tuple[list[Item], list[Claim]]:
        """Return our items that the peer lacks or has an earlier state of, and what it has that we lack."""
        mine: dict[bytes, list[Item]] = {}
        for item in items_here:
            mine.setdefault(self._salt.log(item[1]), []).append(item)
        theirs: dict[bytes, list[Named]] = {}
        for short, said in entry.items:
            theirs.setdefault(short, []).append(said)
        claims: list[Claim] = []
        behind: list[Item] = []
        for short, peer in theirs.items():
            items = mine.pop(short, None)
            log = items[0][1] if items else None
            if items and {self._said(each) for each in items} == set(peer):
                continue
            held = self._holdings.log(log) if log else None
            verdict = compare(log, held, peer, self._salt, self._holdings)
            if verdict.want:
                urgent = lacks(held, entry.urgent.get(short, -1), verdict)
                claims.append(Claim(short, log, key, tuple(peer), verdict, urgent=urgent))
            if verdict.ahead and items:
                behind += items
        for items in mine.values():
            behind += items
        return behind, claims

    def _said(self, item: Item) -> Named:
        kind, _, seq, id_ = item
        return Named(kind, seq, b"" if kind == FORK else self._salt.record(id_))

    def _messages(self, key: SetKey, entries: Iterable[bytes]) -> Iterator[Message]:
        """Yield entries in as many messages as they need."""
        short = self._salt.set(key)
        name = short if key in self._theirs and self._named.get(short) == key else key
        batch: list[bytes] = []
        size = 0
        for entry in entries:
            if batch and (size + len(entry) > LISTING_BYTES or len(batch) == MAX_ENTRIES):
                yield Range(name, tuple(batch))
                batch, size = [], 0
            batch.append(entry)
            size += len(entry)
        if batch:
            yield Range(name, tuple(batch))

    # --- By what changed since ------------------------------------------------------------------------

    def delta(
        self, since: int, refused: Iterable[LogId], alone: bool = True
    ) -> list[tuple[Delta, list[tuple[bytes, int]]]] | None:
        """Return what changed here after `since`, what is urgent first: listings, and the blocks that follow each unasked,
        with their priorities.

        None when so much has changed that ranges are cheaper.
        """
        logs: list[tuple[int, LogId, Log]] = []
        shared = self._shared()
        for key in sorted(key for key in self._holdings.moved(since) if key in shared):
            changed_logs = self._holdings.changed(key, since)
            if len(logs) + len(changed_logs) > MAX_DELTA:
                return None
            for log in changed_logs:
                held = self._holdings.log(log)
                if held is not None:
                    logs.append((self._turn(log, held, since), log, held))
        logs.sort(key=lambda each: each[0])
        urgent, rest = _Changes([], []), _Changes([], [])
        left = FRESH_BYTES
        for turn, log, held in logs:
            here = urgent if turn == FIRST else rest
            self._told.add(log)
            self._listed[self._salt.log(log)] = log
            follows = left > 0 and (alone or turn == FIRST)
            fresh = self._holdings.fresh(log, since, left) if follows else []
            # The store stops at the limit: what follows must lead up to the tip, or the peer had better ask.
            fits = bool(fresh) and _last(fresh[-1]) == held.heads[0][0]
            if fits:
                left -= sum(map(len, fresh))
                # None may overtake the listing: it says that they come.
                turn = max(turn, WORDS)
                here.blocks += [(encode(BlockMessage(raw is fresh[-1], False, raw)), turn) for raw in fresh]
            items = items_of(log, held, self._holdings)
            here.parts.append(changed(self._salt, log, held.created > since, items, fits, held.urgent))
        for log in refused:
            self._told.add(log)
            rest.parts.append(changed(self._salt, log, False, ()))
        # What is urgent does not wait behind a long listing.
        listings = [(each, urgent.blocks) for each in _chunks(urgent.parts)]
        listings += [(each, rest.blocks) for each in _chunks(rest.parts)]
        found: list[tuple[Delta, list[tuple[bytes, int]]]] = []
        for at, (listing, blocks) in enumerate(listings or [(b"", [])]):
            last = at + 1 >= len(listings)
            follow = last or listings[at + 1][1] is not blocks
            found.append((Delta(not last, listing), blocks if follow else []))
        return found

    def _turn(self, log: LogId, held: Log, since: int) -> int:
        """Return when a changed log has its turn: what is new of it may be above all that is urgent."""
        if held.urgent is None:
            return of_log(held, -1)
        fresh = self._holdings.fresh(log, since, FRESH_BYTES)
        return of_log(held, peek(fresh[0]).first - 1 if fresh else -1)

    def on_delta(self, message: Delta) -> tuple[list[Claim], list[LogId]] | None:
        """Return what the peer holds that we lack, and what it refuses.

        None when it names a log that we should know and do not: compare by ranges. Raises BadMessage.
        """
        claims: list[Claim] = []
        refused: list[LogId] = []
        shared = self._shared()
        for name, group in groupby(read_changed(message.listing), key=lambda each: each.name):
            said = list(group)
            theirs = tuple(each.item for each in said if each.item is not None)
            log = LogId(name) if len(name) == 32 else self._holdings.named(name)
            if log is None:
                if theirs:
                    return None
                continue
            held = self._holdings.log(log)
            if held is not None:
                # What is not held is in no root, and a peer may name any number of such.
                self._heard.add(log)
            if not theirs:
                refused.append(log)
                continue
            if held is not None and held.set not in shared:
                continue  # Our question would say how much of it there is.
            verdict = compare(log, held, theirs, self._salt, self._holdings)
            if verdict.want:
                key = held.set if held else None
                urgent = lacks(held, max(each.urgent for each in said), verdict)
                short = self._salt.log(log)
                claims.append(Claim(short, log, key, theirs, verdict, said[0].follows, urgent))
        return claims, refused

    def rest(self) -> bytes:
        """Return 16 bytes over our sets without the logs that either side listed."""
        return self.root(self._told | self._heard)


class _Prefixes:
    """What the entries of one message are about. Those of an honest peer are about prefixes of which none begins another: else
    a few bytes could ask for a whole set hundreds of times."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._above: set[str] = set()

    def add(self, prefix: str) -> bool:
        """Note a prefix; False when that was looked at already, or some of it was."""
        above = {prefix[:at] for at in range(len(prefix))}
        if prefix in self._seen or prefix in self._above or not above.isdisjoint(self._seen):
            return False
        self._seen.add(prefix)
        self._above |= above
        return True


@dataclass(slots=True)
class _Changes:
    """What DELTA says of some logs, and the blocks that follow it."""

    parts: list[bytes]
    blocks: list[tuple[bytes, int]]


def lacks(held: Log | None, urgent: int, verdict: Verdict) -> bool:
    """Say whether we lack some of what a peer calls urgent, which ends at this seq."""
    return urgent >= 0 and (held is None or verdict.parted or held.heads[0][0] < urgent)


def _last(raw: bytes) -> int:
    head = peek(raw)
    return head.first + head.count - 1


def _chunks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the parts joined, LISTING_BYTES at a time."""
    batch: list[bytes] = []
    size = 0
    for part in parts:
        if batch and size + len(part) > LISTING_BYTES:
            yield b"".join(batch)
            batch, size = [], 0
        batch.append(part)
        size += len(part)
    if batch:
        yield b"".join(batch)
