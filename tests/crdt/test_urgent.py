"""Which records of books travel first: those of pages that end something, and all that these need, whatever came when."""

from itertools import chain
from random import Random
from typing import Any

import pytest

from fedsync.crdt import fold
from fedsync.crdt.books.urgent import urgent_records
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.view import MemoryView
from fedsync.records.block import Block
from fedsync.records.codec import unpack
from fedsync.records.ids import LogClass, LogId
from tests.crdt.books import genesis, key, opening
from tests.crdt.stewards import book_of, ending, mandate, page_id, pages, written
from tests.crdt.test_fold import BODY, BODY_ID, SCOPE
from tests.seeds import seeds

DECISION = {"kind": "decision", "title": "Oats", "text": "Sow oats."}


def marks(blocks: list[Block], dice: Random) -> dict[LogId, int]:
    """Fold blocks in batches, and return up to where each log was called urgent."""
    view, found = MemoryView(), dict[LogId, int]()
    draft = StateDraft(view)
    fold.apply_bind(draft, SCOPE, BODY_ID)
    view.commit(draft.changes)
    while blocks:
        size = dice.randint(1, 4)
        batch, blocks = blocks[:size], blocks[size:]
        draft = StateDraft(view)
        for block in batch:
            view.hold(block)
        fold.apply_blocks(draft, batch)
        for log, seq in urgent_records(draft):
            found[log] = max(seq, found.get(log, -1))
        view.commit(draft.changes)
    return found


def naive(blocks: list[Block]) -> dict[LogId, int]:
    """Look at all records at once: the last page that ends something, and what speaks of it or of those before it."""
    records = [record for block in blocks for record in block.records()]
    held: dict[bytes, Any] = {bytes(r.payload_id): unpack(r.payload) for r in records if r.kind == "page"}

    def ends(page: Any) -> bool:
        return any(
            each["kind"] in ("recall", "closing", "leave")
            or (each["kind"] == "epoch" and page["number"] > 0)
            or (each["kind"] == "mandate" and each.get("cuts"))
            for each in page["entries"]
        )

    last = max((page["number"] for page in held.values() if ends(page)), default=-1)
    found: dict[LogId, int] = {}
    for r in records:
        about = r.payload_id if r.kind == "page" else None
        if r.kind in ("signature", "approval"):
            about = unpack(r.payload)["page"]  # type: ignore[assignment,index,call-overload]
        if about is not None and held[bytes(about)]["number"] <= last:
            found[r.log] = max(r.seq, found.get(r.log, -1))
    return found


def in_some_order(logs: list[list[Block]], dice: Random) -> list[Block]:
    """Return the blocks in any order that keeps each log's own."""
    turns = [at for at, log in enumerate(logs) for _ in log]
    dice.shuffle(turns)
    lines = [iter(log) for log in logs]
    return [next(lines[at]) for at in turns]


@pytest.mark.parametrize("seed", seeds(60))
def test_any_order_calls_the_same_urgent_as_a_look_at_all_of_it(seed: int) -> None:
    dice = Random(seed)
    entries: list[list[Any]] = [[mandate()]]
    given = page_id(pages(*entries)[1])
    for _ in range(dice.randint(0, 6)):
        entries.append(
            dice.choice(
                [
                    [DECISION],
                    [DECISION],
                    [ending("recall", (given, 0))],
                    [DECISION, ending("closing", (given, 0))],
                    [mandate("Wim", task="mill", cuts=[[bytes(32), 1, bytes(32)]])],
                    [{"kind": "leave", "body": bytes(32)}],
                ]
            )
        )
    said = [dice.choice(["sealed", "sealed", "signed", "draft"]) for _ in entries]
    logs = book_of(pages(*entries), said)
    other = written(genesis("w", "Wim", BODY), "Wim", [])
    blocks = list(chain.from_iterable([*logs, other]))
    assert marks(in_some_order([*logs, other], dice), dice) == naive(blocks)


def test_a_page_that_only_decides_is_not_urgent() -> None:
    logs = book_of(pages([mandate()], [DECISION]), ["sealed", "sealed"])
    assert marks(list(chain.from_iterable(logs)), Random(0)) == {}


def test_who_replaces_somebody_is_urgent_and_who_is_the_first_is_not() -> None:
    first = book_of(pages([mandate()]), ["sealed"])
    assert marks(list(chain.from_iterable(first)), Random(0)) == {}
    second = book_of(pages([mandate()], [mandate("Wim")]), ["sealed", "sealed"])
    found = marks(list(chain.from_iterable(second)), Random(0))
    assert found == {log[-1].log: log[-1].last for log in second if log[-1].last > 0}


def test_a_log_that_says_nothing_of_it_is_not_hurried() -> None:
    given = page_id(pages([mandate()])[1])
    logs = book_of(pages([mandate()], [ending("recall", (given, 0))]), ["sealed", "sealed"])
    silent = [opening("Wim", genesis("w", "Wim", BODY, log_class=LogClass.AUTHORITY))]
    assert silent[0].log not in marks(list(chain.from_iterable([*logs, silent])), Random(1))
    assert key("Wim") == silent[0].genesis.key
