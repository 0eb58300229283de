"""Communities and the assembly of their delegates, written by hand: books, tellers, logs and blocks, no store.

What real data is told with: each body has a book of its own, each delegate a log under a mandate. Keys and logs come
from names, so the same story gives the same bytes. Nothing is judged here: the production fold gets what comes out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from fedsync.crdt import fold, root
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.view import MemoryView
from fedsync.records.block import Base, Block
from fedsync.records.codec import Value, pack
from fedsync.records.genesis import PERSON, SEAT, Capacity, Genesis
from fedsync.records.ids import LogClass, LogId, PageId, Reach, RecordId, Scope, payload_id
from fedsync.records.kinds.motions import Choice
from fedsync.records.seal import Draft
from tests.crdt.books import TIME, append, genesis, key, opening, tag, tip

BATCH = 256
"""Blocks at a time, as when a store is folded again."""
Entries = Sequence[dict[str, Value]]


@dataclass
class Writer:
    """One log of a person, and where it stands."""

    of: str
    base: Base

    @property
    def log(self) -> LogId:
        """The log's id."""
        return self.base.genesis.log

    @property
    def cut(self) -> list[Value]:
        """What an entry says to keep all that was written so far."""
        return [self.log, self.base.seq, self.base.id]


@dataclass
class Book:
    """A body's book as far as it is written. `seats` sign, `k` of them; `sealers` approve, `w` of them."""

    name: str
    scope: Scope
    body: PageId
    seats: list[Writer]
    k: int
    sealers: list[Writer]
    w: int
    head: PageId
    number: int = 0


@dataclass(frozen=True, slots=True)
class Given:
    """A mandate by the entry that gives it, and the log that is written under it."""

    page: PageId
    index: int
    writer: Writer


@dataclass
class Federation:
    """All that was written, in the order of writing."""

    blocks: list[Block] = field(default_factory=list)
    bodies: list[tuple[Scope, PageId]] = field(default_factory=list)
    slots: list[tuple[PageId, PageId]] = field(default_factory=list)
    """Each page, and the page before it."""
    clerks: int = 0
    time: int = TIME

    # --- Logs

    def log(self, name: str, of: str, scope: Scope, capacity: Capacity = SEAT) -> Writer:
        """Open a log; its name makes its incarnation."""
        made = genesis(name, of, "", capacity)
        begins = Genesis(made.key, scope, capacity, LogClass.AUTHORITY, Reach.WORLD, made.incarnation)
        block = opening(of, begins)
        self.blocks.append(block)
        return Writer(of, tip(block))

    def write(self, writer: Writer, *drafts: tuple[str, Value]) -> RecordId:
        """Append records as one block; return the id of the last."""
        block = append(writer.of, writer.base, *(Draft(kind, value, self.time) for kind, value in drafts))
        writer.base = tip(block)
        self.blocks.append(block)
        return block.tip

    # --- Books

    def found(self, name: str, tellers: int = 3, k: int = 2) -> Book:
        """Found a community whose tellers are also its sealers."""
        return self.found_with(name, [f"teller {each} of {name}" for each in range(tellers)], k)

    def found_with(self, name: str, people: Sequence[str], k: int) -> Book:
        """Found a community with these people in its seats."""
        scope = tag(name)
        epoch = self._epoch(name, people, k)
        body = self._page(
            scope, {"body": None, "number": 0, "prev": None, "entries": [epoch], "scope": scope}
        )
        self.bodies.append((scope, body))
        writers = [self.log(each, each, scope) for each in people]
        return Book(name, scope, body, writers, k, writers, k, body)

    def reseat(self, book: Book, people: Sequence[str], k: int) -> None:
        """Let a community decide who has a seat from the next page on."""
        self.enter(book, [self._epoch(book.name, people, k)])
        held = {writer.of: writer for writer in book.seats}
        book.seats = [held.get(each) or self.log(each, each, book.scope) for each in people]
        book.sealers, book.k, book.w = book.seats, k, k

    def _epoch(self, name: str, people: Sequence[str], k: int) -> dict[str, Value]:
        return {
            "kind": "epoch",
            "name": name,
            "classification": "community",
            "level": 0,
            "seats": [{"genesis": genesis(each, each, name).payload} for each in people],
            "k": k,
        }

    def unite(self, name: str, members: Iterable[Book], nodes: int) -> Book:
        """Found an assembly of delegates of these bodies, sealed by so many nodes. Its seats are filled by mandates."""
        scope = tag(name)
        seats: list[Value] = [{"body": each.body} for each in members]
        sealers = [
            genesis(f"node {each} of {name}", f"node {each}", name, ("node",)) for each in range(nodes)
        ]
        k, w = len(seats) // 2 + 1, nodes * 2 // 3 + 1
        epoch: dict[str, Value] = {
            "kind": "epoch",
            "name": name,
            "classification": "region",
            "level": 1,
            "seats": seats,
            "k": k,
            "sealers": [[each.key, each.incarnation] for each in sealers],
            "w": w,
        }
        body = self._page(
            scope, {"body": None, "number": 0, "prev": None, "entries": [epoch], "scope": scope}
        )
        self.bodies.append((scope, body))
        writers = [
            self.log(f"node {each} of {name}", f"node {each}", scope, ("node",)) for each in range(nodes)
        ]
        return Book(name, scope, body, [], k, writers, w, body)

    def enter(self, book: Book, entries: Entries, *, signed: bool = True, sealed: bool = True) -> PageId:
        """Write a book's next page, signed by k of its seats and approved by w of its sealers, or less far.

        The book goes on from a page that is signed; where it is not, one seat signs, who signs nothing else.
        """
        slot, number = book.head, book.number + 1
        value: dict[str, Value] = {
            "body": book.body,
            "number": number,
            "prev": slot,
            "entries": list(entries),
        }
        page = self._page(book.scope, value)
        voice: dict[str, Value] = {"page": page, "slot": slot, "round": 0}
        self.slots.append((page, slot))
        if not signed:
            for seat in book.seats[book.k : book.k + 1]:
                self.write(seat, ("signature", voice))
            return page
        sealing = book.sealers[: book.w] if sealed else []
        for seat in book.seats[: book.k]:
            if seat not in sealing:
                self.write(seat, ("signature", voice))
        for sealer in sealing:
            self.write(sealer, ("signature", voice), ("approval", voice))
        book.head, book.number = page, number
        return page

    def seal(self, book: Book) -> None:
        """Approve the page that a book stands at, which was signed only."""
        slot = next(prev for page, prev in reversed(self.slots) if page == book.head)
        voice: dict[str, Value] = {"page": book.head, "slot": slot, "round": 0}
        for sealer in book.sealers[: book.w]:
            self.write(sealer, ("signature", voice), ("approval", voice))

    def _page(self, scope: Scope, value: dict[str, Value]) -> PageId:
        self.clerks += 1
        clerk = self.log(f"clerk {self.clerks}", "clerk", scope, PERSON)
        self.write(clerk, ("page", value))
        return PageId(payload_id(pack(value)))

    # --- Delegates

    def give(
        self, giver: Book, to: Book, holder: str, instructions: Value, *,
        before: Entries = (), cuts: Sequence[list[Value]] = (), until: int | None = None,
        signed: bool = True, sealed: bool = True,
    ) -> Given:  # fmt: skip
        """Give a mandate for the body's seat in an assembly, on a page of its own, after the entries `before`."""
        mandate: dict[str, Value] = {
            "kind": "mandate",
            "holder": key(holder),
            "seat": to.body,
            "instructions": instructions,
        }
        if cuts:
            mandate["cuts"] = list(cuts)
        if until is not None:
            mandate["until"] = until
        page = self.enter(giver, [*before, mandate], signed=signed, sealed=sealed)
        index = len(before)
        writer = self.log(
            f"{holder} of {giver.name} {giver.number}", holder, giver.scope, ("mandate", page, index)
        )
        return Given(page, index, writer)

    def recall(self, given: Given, *kept: list[Value]) -> dict[str, Value]:
        """Return the entry that recalls a delegate and keeps what is named."""
        return {"kind": "recall", "mandate": [given.page, given.index], "cuts": list(kept)}

    def move(self, book: Book, title: str, clauses: dict[str, Value] | None = None) -> RecordId:
        """Lay a motion before an assembly."""
        self.clerks += 1
        value: dict[str, Value] = {"body": book.body, "title": title, "text": title}
        if clauses:
            value["clauses"] = clauses
        return self.write(self.log(f"clerk {self.clerks}", "clerk", book.scope, PERSON), ("motion", value))

    def vote(self, writer: Writer, *votes: tuple[RecordId, Choice, str]) -> list[list[Value]]:
        """Vote on questions in a seat's or a delegate's log, as one block, each vote signed. Return the cuts that keep each."""
        drafts: list[tuple[str, Value]] = []
        for motion, option, clause in votes:
            value: dict[str, Value] = {
                "motion": motion,
                "option": list(option) if isinstance(option, tuple) else option,
            }
            drafts.append(("vote", value | ({"clause": clause} if clause else {})))
        first = writer.base.seq + 1
        self.write(writer, *drafts)
        ids = self.blocks[-1].ids
        return [[writer.log, first + at, id_] for at, id_ in enumerate(ids)]


# --- Folding -------------------------------------------------------------------------------------------


class Node:
    """What one node holds of a federation: the production fold over a state in memory."""

    def __init__(self, bodies: Iterable[tuple[Scope, PageId]]) -> None:
        self.view = MemoryView()
        draft = StateDraft(self.view)
        for scope, body in bodies:
            fold.apply_bind(draft, scope, body)
        self._commit(draft)

    def take(self, blocks: Sequence[Block], batch: int = BATCH) -> None:
        """Fold blocks, so many at a time."""
        for at in range(0, len(blocks), batch):
            draft = StateDraft(self.view)
            fold.apply_blocks(draft, blocks[at : at + batch])
            self._commit(draft)

    def _commit(self, draft: StateDraft) -> None:
        root.note(draft)
        self.view.commit(draft.changes)

    def root(self) -> bytes:
        """Return the state root, the 32 bytes that nodes compare."""
        draft = StateDraft(self.view)
        found = root.state_root(draft)
        self.view.commit(draft.changes)
        return found


def shuffled(blocks: Iterable[Block], random: Random, again: float = 0.0) -> list[Block]:
    """Return blocks in a random order that keeps each log's own along its chain; some come again."""
    logs: dict[LogId, list[Block]] = {}
    for block in blocks:
        logs.setdefault(block.log, []).append(block)
    turns = [log for log, held in logs.items() for _ in held]
    random.shuffle(turns)
    at = dict.fromkeys(logs, 0)
    order: list[Block] = []
    for log in turns:
        order.append(logs[log][at[log]])
        at[log] += 1
        if random.random() < again:
            order.append(random.choice(order))
    return order
