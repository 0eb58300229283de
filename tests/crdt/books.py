"""What the tests of books share: a scribe who turns the naive twin's words into real pages, logs and blocks."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fedsync.crdt.books.book import apply_block, bind
from fedsync.crdt.books.booktables import BOOKS, STATUSES, TABLES, VERDICTS
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.view import MemoryView
from fedsync.records.block import Base, Block
from fedsync.records.codec import Value, pack
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.genesis import PERSON, REPAIR, SEAT, Capacity, Genesis
from fedsync.records.ids import Key, LogClass, PageId, Reach, RecordId, Scope, payload_id
from fedsync.records.places import START
from fedsync.records.seal import Draft
from tests.crdt import naive_book as naive
from tests.sealing import seal

TIME = 1_700_000_000_000


@cache
def private(name: str) -> Ed25519PrivateKey:
    """Return the private key of the person of this name."""
    return private_key(sha256(f"key {name}".encode()).digest())


def key(name: str) -> Key:
    """Return the public key of the person of this name."""
    return public_key(private(name))


def tag(body: str) -> Scope:
    """Return a body's founding tag."""
    return Scope(sha256(f"tag {body}".encode()).digest()[:16])


def genesis(
    log: str, of: str, body: str, capacity: Capacity = SEAT, reach: Reach = Reach.WORLD,
    log_class: LogClass = LogClass.AUTHORITY,
) -> Genesis:  # fmt: skip
    """Return the beginning of the log of this name."""
    incarnation = sha256(f"log {log}".encode()).digest()[:16]
    return Genesis(key(of), tag(body), capacity, log_class, reach, incarnation)


@cache
def opening(of: str, begins: Genesis) -> Block:
    """Return the block that holds a log's genesis alone."""
    (block,) = seal(private(of), begins, None, [], time=TIME)
    return block


def tip(block: Block) -> Base:
    """Return where a chain stands after `block`, when each record so far was signed."""
    return Base(block.genesis, block.last, block.tip, START)


def append(of: str, base: Base, *drafts: Draft) -> Block:
    """Return the block that appends `drafts` to a log."""
    (block,) = seal(private(of), base.genesis, base, drafts)
    return block


@dataclass
class Written:
    """A naive world as blocks. `blocks`: name -> block, and `after`: the block that has to come before it."""

    scope: Scope
    page0: PageId
    pages: dict[str, PageId] = field(default_factory=dict)
    records: dict[str, RecordId] = field(default_factory=dict)
    blocks: dict[str, Block] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)


def epoch_value(epoch: naive.Epoch, body: str, keys: Mapping[Any, str]) -> dict[str, Value]:
    """Return an epoch entry."""

    def seats(logs: Iterable[Any]) -> list[Value]:
        return [{"genesis": genesis(log, keys[log], body).payload} for log in logs]

    entry: dict[str, Value] = {
        "kind": "epoch",
        "name": body,
        "classification": "community",
        "level": 0 if epoch.sound else 7,
        "seats": seats(epoch.seats),
        "k": epoch.k,
    }
    if epoch.sealers != epoch.seats:
        entry["sealers"] = seats(epoch.sealers)
    if epoch.w != epoch.k:
        entry["w"] = epoch.w
    if epoch.repair:
        repairers: list[Value] = [key(str(each)) for each in epoch.repair]
        entry["repair"] = {"keys": repairers, "threshold": epoch.threshold}
    return entry


def write(
    body: str,
    pages: Sequence[naive.Page],
    logs: Sequence[naive.Log],
    voices: Sequence[naive.Voice],
    keys: Mapping[Any, str],
    scopes: Mapping[Any, str] | None = None,
) -> Written:
    """Return a world of one body as blocks: a log of its own for each page, one block for each record.

    Records whose chain is not there are left out, as no store would take them. `scopes`: logs of other bodies.
    """
    named: dict[Any, naive.Page] = {page.id: page for page in pages}
    ids: dict[Any, PageId] = {}

    def page_id(page: Any) -> PageId:
        if page not in ids:
            ids[page] = (
                PageId(payload_id(pack(page_value(named[page]))))
                if page in named
                else PageId(sha256(f"no page {page}".encode()).digest())
            )
        return ids[page]

    def page_value(page: naive.Page) -> dict[str, Value]:
        entries: list[Value] = [{"kind": "decision", "title": str(page.id), "text": "so be it"}]
        if page.epoch is not None:
            entry = epoch_value(page.epoch, body, keys)
            if page.prev is None and not page.epoch.sound:
                entry["odd"] = 1  # page 0 fixes the level, so there no level is wrong
            entries.append(entry)
        if page.prev is None:
            return {"body": None, "number": page.number, "prev": None, "entries": entries, "scope": tag(body)}
        value: dict[str, Value] = {
            "body": page_id(first),
            "number": page.number,
            "prev": page_id(page.prev),
            "entries": entries,
        }
        return value | ({"by": "repair"} if page.repair else {})

    first = next((page.id for page in pages if page.prev is None), "page 0")
    written = Written(tag(body), page_id(first))
    for page in pages:
        written.pages[str(page.id)] = page_id(page.id)
        clerk = genesis(f"clerk of {page.id}", "clerk", body, PERSON)
        written.blocks[f"page {page.id}"] = append(
            "clerk", tip(opening("clerk", clerk)), Draft("page", page_value(page), TIME)
        )
        written.blocks[f"clerk {page.id}"] = opening("clerk", clerk)
        written.after[f"page {page.id}"] = f"clerk {page.id}"
    begun: dict[Any, tuple[str, Block]] = {}
    for log in logs:
        of = str(log.key)
        capacity = REPAIR if log.repairs else SEAT
        scope = (scopes or {}).get(log.id, body)
        if not log.may:
            capacity = ("mandate", bytes(32), 0)
        begun[log.id] = (of, opening(of, genesis(str(log.id), of, scope, capacity)))
        written.blocks[f"log {log.id}"] = begun[log.id][1]
    by_id = {voice.id: voice for voice in voices}

    def put(voice: naive.Voice) -> Block | None:
        name = f"record {voice.id}"
        if name in written.blocks:
            return written.blocks[name]
        if voice.log not in begun or (voice.prev is not None and voice.prev not in by_id):
            return None
        of, base = begun[voice.log]
        after = f"log {voice.log}"
        if voice.prev is not None:
            before = put(by_id[voice.prev])
            if before is None:
                return None
            base, after = before, f"record {voice.prev}"
        block = append(of, tip(base), _draft(voice, page_id))
        written.blocks[name], written.after[name] = block, after
        written.records[str(voice.id)] = block.tip
        return block

    for voice in voices:
        put(voice)
    return written


def _draft(voice: naive.Voice, page_id: Any) -> Draft:
    if voice.kind not in ("sign", "approve"):
        return Draft("something_else", {"id": str(voice.id)}, TIME)
    value: dict[str, Value] = {
        "page": page_id(voice.page),
        "slot": page_id(voice.slot),
        "round": voice.round,
    }
    if voice.kind == "sign" and voice.lock is not None:
        value["lock"] = voice.lock
    return Draft("signature" if voice.kind == "sign" else "approval", value, TIME)


def shuffled(written: Written, random: Random) -> list[Block]:
    """Return the blocks in an order in which stores could come by them, some twice."""
    return shuffled_by(written.blocks, written.after, random)


def shuffled_by(blocks: Mapping[str, Block], after: Mapping[str, str], random: Random) -> list[Block]:
    """Return blocks in an order that has each after the one it follows on, some of them twice."""
    later: dict[str, list[str]] = {}
    for name, before in after.items():
        later.setdefault(before, []).append(name)
    ready = [(random.random(), name) for name in blocks if name not in after]
    heapq.heapify(ready)
    order: list[Block] = []
    while ready:
        _, name = heapq.heappop(ready)
        order.append(blocks[name])
        if random.random() < 0.1:
            order.append(random.choice(order))
        for each in later.get(name, []):
            heapq.heappush(ready, (random.random(), each))
    return order


def folded(scope: Scope, page0: PageId, blocks: Sequence[Block], random: Random | None = None) -> MemoryView:
    """Return the state after these blocks, in batches and with the body bound at any moment, as `random` has it."""
    view = MemoryView()
    bound_at = random.randrange(len(blocks) + 1) if random else 0
    draft = StateDraft(view)
    for at, block in enumerate([*blocks, None]):
        if at == bound_at:
            bind(draft, scope, page0)
        if block is not None:
            apply_block(draft, block)
            view.hold(block)
        if random is None or random.random() < 0.3:
            view.commit(draft.changes)
            draft = StateDraft(view)
    view.commit(draft.changes)
    return view


def rooted(view: MemoryView) -> dict[Any, Any]:
    """Return all rooted rows of a state."""
    return {
        (table.name, row_key): row for table in TABLES if table.rooted for row_key, row in view.scan(table)
    }


def compare(view: MemoryView, written: Written, outcome: naive.Outcome, body: str) -> dict[str, Any]:
    """Return where the fold and the naive twin differ."""
    scope = written.scope
    found: dict[str, Any] = {}
    for name, page in written.pages.items():
        row = view.get(STATUSES, (scope, page))
        found[name] = (row[1] if row else "pending", outcome.status[name])
        if row and bool(row[2]) != (name in outcome.certified):
            found[f"certified {name}"] = (row[2], name in outcome.certified)
    for name, record in written.records.items():
        if name in outcome.status:
            verdict = view.get(VERDICTS, (scope, record))
            found[name] = (verdict[1] if verdict else "pending", outcome.status[name])
    book = view.get(BOOKS, (scope,))
    head = outcome.head.get(body)
    found["head"] = (book[1] if book else None, written.pages[str(head)] if head is not None else None)
    frozen = outcome.frozen.get(body)
    found["frozen"] = (bool(book and book[3]), frozen is not None)
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}
