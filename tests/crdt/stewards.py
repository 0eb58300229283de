"""A community with stewards, as real records, and the naive twin that says which of their records count.

Page 1 gives Vera, or Wim in her place, a mandate for the granary. Later pages end it, give it anew, or settle a log. The
twin looks at the whole set of records each time, and shares no line with what it judges.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from fedsync.crdt.books import book
from fedsync.crdt.logs.counting import Counting
from fedsync.crdt.logs.countingtables import COUNTED_LOGS
from fedsync.crdt.logs.standing import bound_of
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.view import MemoryView, Table
from fedsync.records.block import Block, Record
from fedsync.records.codec import Value, pack
from fedsync.records.genesis import Capacity, Genesis
from fedsync.records.ids import LogClass, LogId, PageId, Reach, RecordId, payload_id
from fedsync.records.seal import Draft
from tests.crdt.books import append, genesis, key, opening, tip
from tests.crdt.granary import NOON, counted, moved
from tests.crdt.test_fold import BODY, BODY_ID, PAGE0, SCOPE, TELLERS

FACTS, PLANS = LogClass.FACTS, LogClass.PLANS

# --- Making -----------------------------------------------------------------------------------------------


def page_id(page: dict[str, Any]) -> PageId:
    return PageId(payload_id(pack(page)))


def mandate(holder: str = "Vera", **more: Any) -> dict[str, Any]:
    """Return a mandate for the granary."""
    return {
        "kind": "mandate", "holder": key(holder), "task": "granary", "instructions": {},
        "may": ["economic_event", "count", "commitment"], **more,
    }  # fmt: skip


def ending(kind: str, of: tuple[bytes, int], *tips: Block) -> dict[str, Any]:
    """Return a recall or closing that keeps the chains of these blocks."""
    return {"kind": kind, "mandate": list(of), "cuts": [[each.log, each.last, each.tip] for each in tips]}


def settle(block: Block) -> dict[str, Any]:
    """Return the entry that lets the chain of a block's last record hold."""
    return {"kind": "settle", "log": block.log, "seq": block.last, "id": block.tip}


def pages(*entries: Sequence[Any]) -> list[dict[str, Any]]:
    """Return page 0 and pages with these entries."""
    found: list[dict[str, Any]] = [PAGE0]
    for number, each in enumerate(entries, 1):
        found.append({"body": BODY_ID, "number": number, "prev": page_id(found[-1]), "entries": list(each)})
    return found


def book_of(written: Sequence[dict[str, Any]], said: Sequence[str]) -> list[list[Block]]:
    """Return the tellers' logs: Ann drafts the pages; Ann and Ben sign them, and approve those that are sealed."""
    logs = []
    for name in TELLERS:
        blocks = [opening(name, genesis(name, name, BODY))]
        drafts = [Draft("page", page, NOON) for page in written] if name == "Ann" else []
        for page, word in zip(written[1:], said, strict=True):
            if name == "Cem" or word == "draft":
                continue
            voice: dict[str, Value] = {"page": page_id(page), "slot": page["prev"], "round": 1}
            drafts.append(Draft("signature", voice, NOON))
            if word == "sealed":
                drafts.append(Draft("approval", voice, NOON))
        for draft in drafts:
            blocks.append(append(name, tip(blocks[-1]), draft))
        logs.append(blocks)
    return logs


def log_of(
    name: str,
    given: tuple[bytes, int],
    log_class: LogClass = FACTS,
    which: str = "",
    reach: Reach = Reach.REGION,
) -> Genesis:
    """Return what begins a log that somebody writes under a mandate."""
    capacity: Capacity = ("mandate", *given)
    return genesis(f"{which} {log_class} of {name}", name, BODY, capacity, reach, log_class)


def written(begins: Genesis, name: str, drafts: Sequence[Draft], after: Sequence[Block] = ()) -> list[Block]:
    """Return a log, a block for each record."""
    found = list(after) or [opening(name, begins)]
    for draft in drafts:
        found.append(append(name, tip(found[-1]), draft))
    return found


def raised(quantity: int, time: int = NOON) -> Draft:
    return moved("raise", quantity, time)


def said_plainly(kind: str, time: int = NOON) -> Draft:
    """Return a record of some kind; what it says does not matter."""
    if kind == "count":
        return counted(5, time)
    return moved("raise", 1, time) if kind == "economic_event" else Draft(kind, {"say": "x"}, time)


# --- A node -----------------------------------------------------------------------------------------------

TAKEN = Table("taken", ("log", "seq"), ("id",))


class Taken:
    """A content that notes which records it was told to count, and sees that none is told twice or out of order."""

    def why_inert(self, genesis: Genesis) -> str | None:
        return None

    def take(self, draft: StateDraft, block: Block, first: int, stop: int) -> None:
        for seq in range(first, stop):
            at = seq - block.first
            assert draft.get(TAKEN, (block.log, seq)) is None
            draft.put(TAKEN, (block.log, seq), (block.ids[at] if block.kinds[at] else None,))

    def take_out(self, draft: StateDraft, genesis: Genesis) -> None:
        for each, _ in list(draft.scan(TAKEN, (genesis.log,))):
            draft.drop(TAKEN, each)

    def changed(self, draft: StateDraft, genesis: Genesis) -> None:
        """What one log says hangs on no other."""


@dataclass
class Node:
    """A node that follows the body from some moment on, and notices forks as a store does."""

    view: MemoryView = field(default_factory=MemoryView)
    held: list[Block] = field(default_factory=list)
    follows: bool = False
    _tips: dict[LogId, set[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._counting = Counting(bound_of, {FACTS: Taken(), PLANS: Taken()})

    def do(self, *steps: "Block | str") -> None:
        """Take blocks, or "follow", in one batch."""
        draft = StateDraft(self.view)
        for step in steps:
            if isinstance(step, str):
                self.follows = True
                self._refold(draft, book.bind(draft, SCOPE, BODY_ID))
            elif step.genesis.log_class is LogClass.AUTHORITY:
                self.held.append(step)
                self._refold(draft, book.apply_block(draft, step))
            else:
                self._take(draft, step)
        self.view.commit(draft.changes)

    def _take(self, draft: StateDraft, block: Block) -> None:
        self.held.append(block)
        self.view.hold(block)
        tips = self._tips.setdefault(block.log, set())
        if block.first and block.prev not in tips:
            self._counting.set_fork(draft, block.log, block.first)
        elif draft.get(COUNTED_LOGS, (block.log,)) is not None and len(tips) > 1:
            # A store tells of each block that comes on another branch.
            self._counting.set_fork(draft, block.log, block.first)
        else:
            self._counting.apply_block(draft, block)
        tips.discard(block.prev)
        tips.add(block.tip)

    def _refold(self, draft: StateDraft, bounds: book.Bounds) -> None:
        for scope, each in sorted(bounds):
            self._counting.refold_key(draft, scope, each)

    def bounds(self) -> set[tuple[object, object]]:
        """Return what the book says of each log, as it is written down: other matters rest on that."""
        return {(each[0], row[2]) for each, row in self.view.scan(COUNTED_LOGS)}

    def counts(self) -> set[RecordId]:
        """Return the records that count, but for those that begin logs."""
        return {
            RecordId(row[0])  # type: ignore[arg-type]
            for each, row in self.view.scan(TAKEN)
            if row[0] is not None and each[1]
        }


# --- The twin ---------------------------------------------------------------------------------------------


@dataclass
class Twin:
    """What counts, from the whole set of blocks, as plainly as can be."""

    held: Sequence[Block]
    pages: Sequence[dict[str, Any]]

    def __post_init__(self) -> None:
        self.records: dict[bytes, Record] = {each.id: each for block in self.held for each in block.records()}
        self.words = self._words()

    def _words(self) -> dict[bytes, str]:
        """Return of each page whose chain is held: draft, adopted or sealed."""
        found: dict[bytes, str] = {}
        every = self.records.values()
        before = "sealed"
        for page in self.pages:
            id_: bytes = page_id(page)
            if not any(each.kind == "page" and each.payload_id == id_ for each in every):
                break
            signed, approved = self._voices(id_, ("signature", "approval")), self._voices(id_, ("approval",))
            if page is self.pages[0] or (len(approved) >= 2 and before == "sealed"):
                word = "sealed"
            else:
                word = "adopted" if len(signed) >= 2 and before in ("adopted", "sealed") else "draft"
            found[id_] = before = word
        return found

    def _voices(self, page: bytes, kinds: tuple[str, ...]) -> set[bytes]:
        found = set()
        for each in self.records.values():
            value: Any = each.value if each.kind in kinds else {}
            if value.get("page") == page:
                found.add(bytes(each.genesis.key))
        return found

    def counts(self) -> set[bytes]:
        """Return the records of facts and plans that count."""
        logs = {
            each.log: each.genesis
            for each in self.records.values()
            if each.genesis.log_class in (FACTS, PLANS)
        }
        return {id_ for begins in logs.values() for id_ in self._of(begins)}

    def _entries(self) -> Iterable[tuple[str, bytes, int, Any]]:
        for page in self.pages:
            id_ = page_id(page)
            if self.words.get(id_) in ("adopted", "sealed"):
                for index, entry in enumerate(page["entries"]):
                    yield self.words[id_], id_, index, entry

    def _of(self, begins: Genesis) -> set[bytes]:
        given = begins.mandate
        assert given is not None
        at = next((each for each in self._entries() if each[1:3] == given), None)
        if at is None or at[3]["kind"] != "mandate" or "task" not in at[3]:
            return set()
        said = at[3]
        if begins.key not in (said["holder"], said.get("alternate")):
            return set()
        mine = [each for each in self.records.values() if each.log == begins.log]
        seqs = [each.seq for each in mine]
        fork = min((seq for seq in seqs if seqs.count(seq) > 1), default=None)
        below = [each for each in mine if fork is None or each.seq < fork]
        ends = self._ends(given, said)
        chosen, settled = self._chosen(begins, ends)
        chain = self._chain(chosen[1]) if chosen is not None and chosen[1] in self.records else None
        count = (
            chain
            if chain is not None
            else [each for each in below if chosen is None or each.seq <= chosen[0]]
        )
        kept = {each.id for each in count}
        if not (settled and begins.log_class is FACTS):
            for _, cuts in ends:
                tips = [(seq, id_) for log, seq, id_ in cuts if log == begins.log]
                kept &= self._kept(tips, chosen if chain is not None else None, chain, fork, below)
        return self._within(said, [each for each in count if each.id in kept])

    def _ends(self, given: tuple[bytes, int], said: Any) -> list[tuple[str, list[Any]]]:
        """Return what ends a mandate: recalls of it, and later mandates for its task."""
        found, begun, over = [], False, False
        for word, page, index, entry in self._entries():
            if (page, index) == given:
                begun = True
                continue
            if not begun:
                continue
            if entry["kind"] in ("recall", "closing") and tuple(entry["mandate"]) == given:
                found.append((word, entry["cuts"]))
            elif entry["kind"] == "mandate" and entry.get("task") == said["task"] and not over:
                found.append((word, entry.get("cuts", [])))
            else:
                continue
            # What is over, by a sealed page, a further mandate for the task does not end once more.
            over = over or word == "sealed"
        return found

    def _chosen(
        self, begins: Genesis, ends: list[tuple[str, list[Any]]]
    ) -> tuple[tuple[int, bytes] | None, bool]:
        for word, _, _, entry in self._entries():
            if word == "sealed" and entry["kind"] == "settle" and entry["log"] == begins.log:
                return (entry["seq"], entry["id"]), True
        if begins.log_class is FACTS:
            return None, False
        single = []
        for word, cuts in ends:
            tips = [(seq, id_) for log, seq, id_ in cuts if log == begins.log]
            if word == "sealed" and len(tips) == 1:
                single.append(tips[0])
        return min(single, default=None), False

    def _chain(self, id_: bytes) -> list[Record]:
        found = []
        at = self.records.get(id_)
        while at is not None:
            found.append(at)
            at = self.records.get(at.prev)
        return found[::-1]

    def _kept(
        self, tips: list[tuple[int, bytes]], chosen: tuple[int, bytes] | None, chain: list[Record] | None,
        fork: int | None, below: list[Record],
    ) -> set[bytes]:  # fmt: skip
        kept: set[bytes] = set()
        for seq, id_ in tips:
            if chain is not None and chosen is not None:
                if seq > chosen[0]:
                    kept |= {each.id for each in chain}
                elif id_ in {each.id for each in chain}:
                    kept |= {each.id for each in chain if each.seq <= seq}
            elif fork is not None and seq >= fork:
                kept |= {each.id for each in below}
            elif id_ in self.records:
                kept |= {each.id for each in below if each.seq <= seq}
        return kept

    def _within(self, said: Any, count: list[Record]) -> set[bytes]:
        found: set[bytes] = set()
        done: dict[str, int] = {}
        for each in sorted(count, key=lambda each: each.seq):
            if each.kind == "genesis":
                continue
            done[each.kind] = done.get(each.kind, 0) + 1
            may = set(said.get("may", ()))
            if {"economic_event", "count", "unit_factor", "loan", "intent", "transfer"} & may:
                may |= {"store", "resource_specification", "batch_lot_record"}
            if "commitment" in may:
                may |= {"release"}
            if each.kind not in may:
                continue
            if "until" in said and each.time > said["until"]:
                continue
            if each.kind in said.get("limits", {}) and done[each.kind] > said["limits"][each.kind]:
                continue
            found.add(each.id)
        return found


# --- Random worlds ----------------------------------------------------------------------------------------

KINDS = ("economic_event", "economic_event", "count", "commitment", "release", "store", "loan")


@dataclass
class World:
    """A random community with stewards."""

    pages: list[dict[str, Any]]
    said: list[str]
    queues: list[list[Block]]
    """Logs, and branches of logs, each in the order of its chain."""
    after: dict[int, Block]
    """For each queue that is a branch, the block that has to come before it."""


Say = Callable[[Random, list[Block]], Draft]
"""Says the next record of a log."""


def say_anything(random: Random, log: list[Block]) -> Draft:
    """Return a record of any kind."""
    return said_plainly(random.choice(KINDS), NOON + random.randint(0, 8))


def draw(random: Random, say: Say = say_anything) -> World:
    """Return a random world."""
    first = mandate(alternate=key("Wim"))
    if random.random() < 0.3:
        first["until"] = NOON + 5
    if random.random() < 0.3:
        first["limits"] = {"economic_event": random.randint(0, 3)}
    if random.random() < 0.2:
        first["may"] = random.sample(["economic_event", "count", "commitment", "loan"], random.randint(0, 3))
    given = (bytes(page_id(pages([first])[1])), 0)
    logs: list[list[Block]] = []
    after: dict[int, Block] = {}
    writers = [
        ("Vera", FACTS, 0),
        ("Vera", PLANS, 0),
        ("Wim", FACTS, 0),
        ("Zoe", FACTS, 0),
        ("Zoe", PLANS, 1),
    ]
    for name, log_class, entry in writers:
        if random.random() < 0.8:
            under = (given[0], entry)
            logs.append(_grown(random, say, [opening(name, log_of(name, under, log_class))], name))
            if random.random() < 0.35:
                whole = logs[-1]
                at = random.randrange(1, len(whole) + 1)
                branch = _grown(random, say, whole[:at], name)[at:]
                if branch and branch[0].tip not in {each.tip for each in whole}:
                    after[len(logs)] = whole[at - 1]
                    logs.append(branch)
    blocks = [block for log in logs for block in log]
    entries: list[list[Any]] = [[first]]
    while len(entries) < random.randint(1, 4):
        entries.append([_entry(random, given, blocks) for _ in range(random.randint(1, 2))])
    sealed = random.randint(0, len(entries))
    said = [*["sealed"] * sealed, *sorted(random.choice(("adopted", "draft")) for _ in entries[sealed:])]
    book_ = pages(*entries)
    return World(book_, said, [*book_of(book_, said), *logs], {at + 3: each for at, each in after.items()})


def _grown(random: Random, say: Say, log: list[Block], name: str) -> list[Block]:
    """Return a log with some more records."""
    found = list(log)
    for _ in range(random.randint(1, 5)):
        found.append(append(name, tip(found[-1]), say(random, found)))
    return found


def _entry(random: Random, given: tuple[bytes, int], blocks: list[Block]) -> Any:
    tips = random.sample(blocks, min(len(blocks), random.choice((0, 1, 1, 2, 3))))
    cuts = [[each.log, each.last, each.tip] for each in tips]
    match random.choice(("recall", "closing", "mandate", "settle", "decision", "other")):
        case ("recall" | "closing") as kind:
            return ending(kind, given, *tips)
        case "mandate":
            return mandate("Una", cuts=cuts)
        case "other":
            return {**mandate("Una", cuts=cuts), "task": "mill"}
        case "settle" if blocks:
            return settle(random.choice(blocks))
    return {"kind": "decision", "title": "So be it", "text": "So be it."}


def orders(world: World, random: Random) -> list["Block | str"]:
    """Return all that there is in a random order that keeps chains, some of it twice."""
    waiting: list[list[Any]] = [list(queue) for queue in world.queues] + [["follow"]]
    ready: dict[int, Callable[[set[bytes]], bool]] = {
        at: (lambda done, block=block: block.tip in done)  # type: ignore[misc]
        for at, block in world.after.items()
    }
    found: list[Any] = []
    done: set[bytes] = set()
    while any(waiting):
        open_ = [at for at, queue in enumerate(waiting) if queue and (at not in ready or ready[at](done))]
        step = waiting[random.choice(open_)].pop(0)
        found.append(step)
        if isinstance(step, Block):
            done.add(step.tip)
    return found
