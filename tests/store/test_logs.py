"""What becomes of a block: kept, known, a branch, or nothing."""

import random
from itertools import pairwise

import pytest

from fedsync.records.block import Block, check
from fedsync.records.ids import ZERO_ID, LogClass
from fedsync.records.seal import Draft, seal
from fedsync.store.logs import NoBase
from fedsync.store.model import Appended, Item, ItemKind, Outcome
from fedsync.store.store import Store
from fedsync.store.verify import Fault, verify
from tests.store.authors import Author, keep, reopened

CLASSES = list(LogClass)


def append(store: Store, author: Author, at: int = -1) -> Appended:
    with store.transaction():
        return store.logs.append(author.blocks[at])


def held(store: Store, author: Author) -> list[bytes]:
    return [id_ for block in store.logs.blocks(author.log) for id_ in block.ids]


@pytest.mark.parametrize("log_class", CLASSES)
def test_blocks_in_order_are_kept_and_read_back(store: Store, log_class: LogClass) -> None:
    ann = Author(log_class=log_class)
    for words in (("a", "b"), ("c",), ("d", "e", "f")):
        ann.write(*words)
        assert append(store, ann).outcome is Outcome.NEW
    assert [block.raw for block in store.logs.blocks(ann.log)] == [block.raw for block in ann.blocks]
    assert store.logs.count() == 7
    (head,) = store.logs.heads(ann.log)
    assert (head.seq, head.id) == (6, ann.blocks[-1].tip)
    assert store.logs.tip(ann.log) == ann.base


def test_a_block_that_is_held_changes_nothing(store: Store) -> None:
    ann = Author()
    keep(store, ann.write("a"), ann.write("b"))
    before = store.journal.counter
    for at in (0, 1):
        assert append(store, ann, at) == Appended(Outcome.KNOWN)
    assert store.journal.counter == before
    assert store.logs.count() == 3


def test_a_block_that_overlaps_is_trimmed_to_what_is_new(store: Store) -> None:
    ann = Author()
    start = ann.fork()
    keep(store, ann.write("a", "b"), ann.write("c"))
    whole = start.write("a", "b", "c", "d", "e")
    with store.transaction():
        done = store.logs.append(check(whole.raw, None))
    assert done.outcome is Outcome.NEW
    assert done.kept is not None
    assert (done.kept.first, done.kept.last) == (4, 5)
    assert held(store, ann) == whole.ids
    assert [head.id for head in store.logs.heads(ann.log)] == [whole.tip]


def test_a_part_of_what_is_held_is_known_however_it_is_cut(store: Store) -> None:
    ann = Author()
    keep(store, ann.write("a", "b", "c", "d"))
    with store.transaction():
        assert store.logs.append(ann.blocks[0].after(2)).outcome is Outcome.KNOWN


def test_a_block_whose_base_is_missing_is_a_mistake_of_the_caller(store: Store) -> None:
    ann = Author()
    ann.write("a")
    ann.write("b")
    with pytest.raises(NoBase):
        append(store, ann, 1)
    keep(store, ann.blocks[0])
    ann.write("c")
    assert store.logs.base(ann.log, ann.blocks[2].first, ann.blocks[2].prev) is None
    with pytest.raises(NoBase):
        append(store, ann, 2)
    assert held(store, ann) == ann.blocks[0].ids


def test_a_base_in_the_middle_of_a_block_has_the_place_that_the_chain_has_there(store: Store) -> None:
    ann = Author()
    blocks = ann.write_many([str(n) for n in range(200)])
    keep(store, *blocks)
    for block in blocks:
        for at, id_ in enumerate(block.ids):
            base = store.logs.base(ann.log, block.first + at + 1, id_)
            assert base is not None
            assert base.place.count == (block.first + at) % 128 + 1 - 128 * ((block.first + at) % 128 == 127)
            assert base.signed == (at == block.count - 1)
    assert store.logs.base(ann.log, 5, blocks[1].tip) is None


def test_an_authority_log_keeps_all_branches_and_each_is_a_tip(store: Store) -> None:
    ann = Author(log_class=LogClass.AUTHORITY)
    keep(store, ann.write("a"))
    twins = [ann.fork() for _ in range(10)]
    for number, twin in enumerate(twins):
        twin.write(f"branch {number}", "more")
        done = append(store, twin)
        assert done.outcome is (Outcome.BRANCH if number else Outcome.NEW)
    assert {head.id for head in store.logs.heads(ann.log)} == {twin.blocks[-1].tip for twin in twins}
    items = store.buckets.items_of(ann.log)
    assert items == sorted(Item(ItemKind.TIP, ann.log, 3, twin.blocks[-1].tip) for twin in twins)
    assert store.logs.fork_at(ann.log) == 2
    twins[4].write("goes on")
    assert append(store, twins[4]).outcome is Outcome.NEW
    assert store.logs.heads(ann.log)[0].id == twins[4].blocks[-1].tip


def test_a_branch_may_leave_a_block_in_its_middle(store: Store) -> None:
    ann = Author(log_class=LogClass.AUTHORITY)
    start = ann.fork()
    keep(store, ann.write("a", "b", "c", "d"))
    start.write("a", "b", "x", "y", "z")
    done = append(store, start)
    assert done.fork_at == 3
    assert done.kept is not None
    assert done.kept.ids == start.blocks[0].ids[3:]
    start.write("goes on")
    assert append(store, start).outcome is Outcome.NEW
    assert sorted(held(store, ann)) == sorted({*ann.blocks[0].ids, *start.blocks[0].ids, start.blocks[1].tip})


def test_two_geneses_of_one_log_are_a_fork_at_its_beginning(store: Store) -> None:
    ann = Author()
    one, other = (seal(ann.key, ann.genesis, None, [Draft("note", "a", 1)], time)[0] for time in (1, 2))
    keep(store, one)
    with store.transaction():
        assert store.logs.append(other).fork_at == 0
    assert store.buckets.items_of(ann.log) == [Item(ItemKind.FORK, ann.log, 0, ZERO_ID)]


LIMITED = [LogClass.PLANS, LogClass.FACTS, LogClass.TEXTS]


@pytest.mark.parametrize("log_class", LIMITED)
def test_a_forked_log_of_another_class_is_one_item_and_ends_there(store: Store, log_class: LogClass) -> None:
    ann = Author(log_class=log_class)
    keep(store, ann.write("a"))
    bad, third = ann.fork(), ann.fork()
    keep(store, ann.write("b", "c"))
    bad.write("x", "y")
    assert append(store, bad) == Appended(Outcome.BRANCH, bad.blocks[-1], 3, 2)
    assert store.buckets.items_of(ann.log) == [Item(ItemKind.FORK, ann.log, 2, ZERO_ID)]
    before = held(store, ann)
    for author in (ann, bad, third):
        author.write("more")
        assert append(store, author).outcome is Outcome.BEYOND
    assert held(store, ann) == before


@pytest.mark.parametrize("log_class", LIMITED)
def test_a_proof_of_a_lower_fork_lowers_it_and_a_higher_one_does_not(
    store: Store, log_class: LogClass
) -> None:
    ann = Author(log_class=log_class)
    keep(store, ann.write("a"))
    lower = ann.fork()
    keep(store, ann.write("b"), ann.write("c"))
    middle = ann.fork()
    keep(store, ann.write("d"))
    middle.write("x")
    assert append(store, middle).fork_at == 4
    lower.write("y", "z")
    assert append(store, lower).fork_at == 2
    assert store.logs.fork_at(ann.log) == 2
    assert store.buckets.items_of(ann.log) == [Item(ItemKind.FORK, ann.log, 2, ZERO_ID)]
    middle.write("more")
    assert append(store, middle).outcome is Outcome.BEYOND


@pytest.mark.parametrize("log_class", CLASSES)
def test_a_fork_can_be_shown_to_anyone_by_two_blocks(store: Store, log_class: LogClass) -> None:
    ann = Author(log_class=log_class)
    start = ann.fork()
    keep(store, ann.write("a", "b", "c"), ann.write("d"))
    assert store.logs.fork_proof(ann.log) is None
    start.write("a", "x")
    append(store, start)
    sides = store.logs.fork_proof(ann.log)
    assert sides is not None
    assert {block.ids[2 - block.first] for block in sides} == {ann.blocks[0].ids[2], start.blocks[0].ids[2]}


def test_once_the_pinned_record_is_held_nothing_but_its_chain_matters(store: Store) -> None:
    ann = Author()
    keep(store, ann.write("a"))
    named, bad = ann.fork(), ann.fork()
    keep(store, ann.write("b"))
    bad.write("x")
    append(store, bad)
    named.write("y", "z")
    assert append(store, named).outcome is Outcome.BEYOND
    with store.transaction():
        store.logs.pin(ann.log, 3, named.blocks[-1].tip)
    assert store.buckets.items_of(ann.log) == [Item(ItemKind.PENDING, ann.log, 3, named.blocks[-1].tip)]
    assert append(store, named).outcome is Outcome.BRANCH
    assert store.buckets.items_of(ann.log) == [Item(ItemKind.TIP, ann.log, 3, named.blocks[-1].tip)]
    for author in (ann, bad, named):
        author.write("more")
        assert append(store, author).outcome is Outcome.BEYOND


def test_a_record_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    ann, ben = Author("ann"), Author("ben")
    keep(store, *ann.write_many([str(n) for n in range(300)]), ben.write("a"))
    for author in (ann, ben):
        for block in author.blocks:
            for at in range(0, block.count, 17):
                id_ = block.ids[at]
                for digits in (6, 7, 8, 64):
                    assert (author.log, block.first + at, id_) in store.blocks.find_prefix(id_.hex()[:digits])
    for digits in (4, 5):
        id_ = ann.blocks[1].ids[9]
        found = store.blocks.find_prefix(id_.hex()[:digits])
        assert id_ in [each.id for each in found]
        assert all(each.id.hex().startswith(id_.hex()[:digits]) for each in found)
    assert store.blocks.find_prefix("0" * 64) == []
    for wrong in ("abc", "xyzw", ""):
        with pytest.raises(ValueError):
            store.blocks.find_prefix(wrong)


def test_what_is_rolled_back_never_was(store: Store) -> None:
    ann, ben = Author("ann"), Author("ben")
    keep(store, ann.write("a"))
    counter = store.journal.counter
    store.begin()
    store.logs.append(ben.write("b"))
    store.logs.append(ann.write("c"))
    store.rollback()
    assert store.journal.counter == counter
    assert store.logs.heads(ben.log) == []
    assert store.logs.genesis(ben.log) is None
    assert held(store, ann) == ann.blocks[0].ids
    keep(store, ann.blocks[1], ben.blocks[0])
    assert held(store, ben) == ben.blocks[0].ids


def test_many_blocks_are_read_in_order_page_by_page(store: Store) -> None:
    ann, ben = Author("ann"), Author("ben")
    keep(store, ben.write("b"))
    for number in range(150):
        keep(store, ann.write(str(number)))
    firsts = [block.first for block in store.logs.blocks(ann.log)]
    assert firsts == [block.first for block in ann.blocks]
    assert [block.first for block in store.logs.blocks(ann.log, 100)] == firsts[99:]
    assert [number for number, _ in store.since(0)] == list(range(1, 152))
    assert [number for number, _ in store.since(149)] == [150, 151]
    assert [number for number, _ in store.latest()] == list(range(151, 0, -1))
    assert store.blocks.last_number() == 151


def shaken(rng: random.Random, log_class: LogClass) -> list[Block]:
    """Return what a careless author's log may come as: branches, parts, repeats, in any order."""
    pens = [Author(log_class=log_class)]
    pens[0].write("a", "b", "c")
    blocks = [*pens[0].blocks]
    for step in range(14):
        pen = rng.choice(pens)
        if rng.random() < 0.3 and len(pens) < 5:
            pens.append(pen.fork())
        blocks += pen.write_many([f"{pens.index(pen)} {step} {n}" for n in range(rng.randint(1, 5))])
    parts = list(blocks)
    for block in blocks:
        if rng.random() < 0.5:
            parts.append(block.after(rng.randrange(block.first, block.last + 1) - 1))
        if rng.random() < 0.5 and len(block.signatures) > 1:
            parts.append(block.upto(rng.randrange(block.first + block.signatures[0][0], block.last + 1)))
    rng.shuffle(parts)
    return parts


def deliver(store: Store, parts: list[Block]) -> list[Block]:
    """Append what attaches until nothing more does; return the rest."""
    before = -1
    while before != len(parts):
        before, late = len(parts), []
        for block in parts:
            if block.first and store.logs.base(block.log, block.first, block.prev) is None:
                late.append(block)
            else:
                store.logs.append(block)
        parts = late
    return parts


@pytest.mark.parametrize("seed", range(20))
def test_any_order_and_any_cut_end_in_the_same_tips_and_forks(store: Store, seed: int) -> None:
    rng = random.Random(seed)
    log_class = rng.choice(CLASSES)
    parts = shaken(rng, log_class)
    with store.transaction():
        late = deliver(store, parts)
    # The naive twin: all records as one set.
    seq_of = {id_: block.first + at for block in parts for at, id_ in enumerate(block.ids)}
    leaves = set(seq_of) - {record.prev for block in parts for record in block.records()}
    seqs = sorted(seq_of.values())
    fork = next((seq for seq, after in pairwise(seqs) if seq == after), None)
    log = parts[0].log
    assert store.logs.fork_at(log) == fork
    if log_class is LogClass.AUTHORITY or fork is None:
        assert late == []
        assert {head.id for head in store.logs.heads(log)} == leaves
        assert sorted(id_ for block in store.logs.blocks(log) for id_ in block.ids) == sorted(seq_of)
        assert store.logs.count() == len(seq_of)
    else:
        assert store.buckets.items_of(log) == [Item(ItemKind.FORK, log, fork, ZERO_ID)]
        below = {id_ for id_, seq in seq_of.items() if seq < fork}
        held_ids = [id_ for block in store.logs.blocks(log) for id_ in block.ids]
        assert below <= set(held_ids)
        assert len(held_ids) == len(set(held_ids)) == store.logs.count()
        sides = store.logs.fork_proof(log)
        assert sides is not None
        assert len({block.ids[fork - block.first] for block in sides}) == 2
    path = store.path
    store.close()
    with reopened(path) as again:
        assert [each for each in verify(again) if isinstance(each, Fault)] == []
