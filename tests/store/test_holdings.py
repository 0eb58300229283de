"""What gossip reads: sets, tips, and chains that whoever asks can verify from where it stands."""

import random
from functools import partial

import pytest

from fedsync.gossip.holdings import Holdings
from fedsync.gossip.trie import node_hash
from fedsync.records.block import Base, Block, check
from fedsync.records.ids import ZERO_ID, LogClass, Reach, RecordId, Scope
from fedsync.records.places import START
from fedsync.store.buckets import bucket_of
from fedsync.store.holdings import StoreHoldings
from fedsync.store.model import Item, ItemKind, SetId
from fedsync.store.reading import open_reader
from fedsync.store.store import Store
from tests.store.authors import SCOPE, Author, keep, new_store, reopened

HASH = partial(node_hash, depth=3)
PAGES = LogClass.AUTHORITY


@pytest.fixture
def holdings(store: Store) -> Holdings:
    return StoreHoldings(store, HASH)


def chain(author: Author) -> list[RecordId]:
    return [id_ for block in author.blocks for id_ in block.ids]


def base_at(author: Author, seq: int) -> Base | None:
    """Return where the author's chain stands after `seq`, from its blocks alone."""
    base: Base | None = None
    for block in author.blocks:
        part = block if block.last <= seq else block.upto(seq) if block.first <= seq else None
        if part is not None and part.first <= seq:
            place = part.place(base.place if base else START)
            base = Base(author.genesis, part.last, part.tip, place)
    return base


def received(raw_blocks: list[bytes], base: Base | None) -> list[RecordId]:
    """Return the ids of what a receiver at `base` takes, who checks each block on the one before."""
    ids: list[RecordId] = []
    for raw in raw_blocks:
        block = check(raw, base)
        assert block.fault is None
        ids += block.ids
        place = block.place(base.place if base else START)
        base = Base(block.genesis, block.last, block.tip, place)
    return ids


def test_a_store_is_what_gossip_asks_for(holdings: Holdings, store: Store) -> None:
    assert holdings.journal() == (b"journal1", 0)
    assert holdings.sets() == []
    assert holdings.buckets((SCOPE, Reach.WORLD, PAGES)) == {}
    assert holdings.items((SCOPE, Reach.WORLD, PAGES), b"", None) == []
    ann = Author()
    assert holdings.log(ann.log) is None
    keep(store, ann.write("a"))
    found = holdings.log(ann.log)
    assert found is not None
    assert (found.set, found.heads) == ((SCOPE, Reach.WORLD, LogClass.FACTS), [(1, ann.blocks[0].tip)])
    assert (found.fork, found.pin, found.created) == (None, None, 1)


def test_nothing_uncommitted_is_shown(holdings: Holdings, store: Store) -> None:
    store.begin()
    with pytest.raises(RuntimeError):
        holdings.sets()
    store.rollback()


def test_each_scope_reach_and_class_is_a_set_of_its_own(holdings: Holdings, store: Store) -> None:
    other = Scope(b"mill".ljust(16, b"."))
    keys = [(scope, reach, cls) for scope in (other, SCOPE) for reach in Reach for cls in LogClass]
    for number, (scope, reach, cls) in enumerate(keys):
        keep(store, Author(f"author {number}", cls, scope, reach).write("a"))
    assert holdings.sets() == sorted(keys)
    for key in keys:
        assert len(holdings.items(key, b"", None)) == 1
        assert sum(bucket[1] for bucket in holdings.buckets(key).values()) == 1


def test_buckets_are_what_a_fresh_look_at_the_items_gives(store: Store) -> None:
    authors = [Author(f"author {number}") for number in range(300)]
    key = SetId(SCOPE, Reach.WORLD, LogClass.FACTS)
    holdings = StoreHoldings(store, HASH)
    keep(store, *(author.write("a") for author in authors))

    def fresh() -> dict[int, tuple[bytes, int]]:
        parts: dict[int, list[Item]] = {}
        for author in authors:
            for item in store.buckets.items_of(author.log):
                parts.setdefault(bucket_of(author.log), []).append(item)
        return {bucket: (HASH(items), len(items)) for bucket, items in parts.items()}

    assert holdings.buckets(key) == fresh()
    for number, author in enumerate(authors[:20]):
        keep(store, author.write("b"))
        if number % 5 == 0:
            assert holdings.buckets(key) == fresh()
    path = store.path
    store.close()
    with reopened(path) as again:
        store = again
        assert StoreHoldings(again, HASH).buckets(key) == fresh()


def test_a_reader_beside_the_writer_sees_every_commit_in_the_buckets(store: Store) -> None:
    authors = [Author(f"author {number}") for number in range(60)]
    key = SetId(SCOPE, Reach.WORLD, LogClass.FACTS)
    with open_reader(store.path) as reader:
        beside, inside = StoreHoldings(reader, HASH), StoreHoldings(store, HASH)
        assert beside.buckets(key) == {}
        for author in authors:
            keep(store, author.write("a"))
            assert beside.buckets(key) == inside.buckets(key)
        seen = beside.buckets(key)
        store.begin()
        store.logs.append(authors[3].write("not yet"))
        assert beside.buckets(key) == seen
        assert beside.journal() == (b"journal1", 60)
        with reader.snapshot():
            before = beside.journal()
            store.commit()
            assert (beside.journal(), beside.buckets(key)) == (before, seen)
        assert beside.buckets(key) == inside.buckets(key) != seen
        assert beside.journal() == inside.journal() == (b"journal1", 61)


def test_bucket_hashes_survive_in_the_file_and_never_go_stale(store: Store) -> None:
    authors = [Author(f"author {number}") for number in range(40)]
    key = SetId(SCOPE, Reach.WORLD, LogClass.FACTS)
    asked = 0

    def counting(items: object) -> bytes:
        nonlocal asked
        asked += 1
        return HASH(items)  # type: ignore[arg-type]

    keep(store, *(author.write("a") for author in authors))
    first = store.buckets.buckets(key, counting)
    assert asked == len(first)
    store.begin()
    store.logs.append(authors[0].write("b"))
    store.rollback()
    assert store.buckets.buckets(key, counting) == first
    keep(store, authors[0].blocks[1])
    second = store.buckets.buckets(key, counting)
    assert {bucket for bucket in first if first[bucket] != second[bucket]} == {bucket_of(authors[0].log)}
    path = store.path
    store.close()
    asked = 0
    with reopened(path) as again:
        assert again.buckets.buckets(key, counting) == second
        assert asked == 0


def test_sets_that_moved_are_those_with_a_log_that_changed(store: Store) -> None:
    dice, counters = random.Random(3), [0]
    authors = [Author(f"author {n}", LogClass(n % 3), scope=Scope(bytes([n % 5]) * 16)) for n in range(20)]
    with open_reader(store.path) as reader:
        holdings = [StoreHoldings(store, HASH), StoreHoldings(reader, HASH)]
        for _ in range(40):
            for author in dice.sample(authors, dice.randint(0, 3)):
                keep(store, author.write("a"))
            counters.append(holdings[0].journal()[1])
            since = dice.choice(counters)
            for each in holdings:
                assert set(each.moved(since)) == {key for key in each.sets() if each.changed(key, since)}


def test_items_are_cut_by_range_and_changes_by_the_counter(holdings: Holdings, store: Store) -> None:
    authors = sorted((Author(f"author {number}", PAGES) for number in range(50)), key=lambda a: a.log)
    for author in authors:
        keep(store, author.write("a"))
    key = (SCOPE, Reach.WORLD, PAGES)
    logs = [author.log for author in authors]
    assert [item[1] for item in holdings.items(key, b"", None)] == logs
    assert [item[1] for item in holdings.items(key, logs[10], logs[20])] == logs[10:20]
    assert [item[1] for item in holdings.items(key, logs[40], None)] == logs[40:]
    assert list(holdings.changed(key, 0)) == logs
    _, counter = holdings.journal()
    twin = authors[7].fork()
    keep(store, authors[7].write("b"))
    keep(store, twin.write("x"))
    assert list(holdings.changed(key, counter)) == [logs[7]]
    assert [item[0] for item in holdings.items(key, logs[7], logs[8])] == [ItemKind.TIP] * 2
    assert holdings.named(logs[3][:8]) == logs[3]
    assert holdings.named(bytes(8)) is None


def test_what_is_fresh_comes_oldest_first_and_within_the_limit(holdings: Holdings, store: Store) -> None:
    ann = Author(log_class=PAGES)
    keep(store, ann.write("a"))
    twin = ann.fork()
    _, counter = holdings.journal()
    for word in "bcd":
        keep(store, ann.write(word))
    raws = [block.raw for block in ann.blocks[1:]]
    assert list(holdings.fresh(ann.log, counter, 10_000)) == raws
    assert list(holdings.fresh(ann.log, counter + 2, 10_000)) == raws[2:]
    assert list(holdings.fresh(ann.log, counter, len(raws[0]) + len(raws[1]))) == raws[:2]
    keep(store, twin.write("x"))
    assert list(holdings.fresh(ann.log, counter, 10_000)) == [*raws, twin.blocks[-1].raw]
    assert list(holdings.fresh(ann.log, counter + 3, 10_000)) == [twin.blocks[-1].raw]


def test_blocks_follow_exactly_the_record_that_the_asker_holds(holdings: Holdings, store: Store) -> None:
    ann = Author(log_class=PAGES)
    blocks = ann.write_many([str(number) for number in range(300)])
    keep(store, *blocks)
    head = (300, blocks[-1].tip)
    ids = chain(ann)
    for seq in (-1, 0, 5, 127, 128, 200, 299):
        base = base_at(ann, seq)
        asked = None if base is None else (base.seq, base.id)
        found = holdings.blocks(ann.log, asked, head, 1_000_000)
        assert found is not None
        assert received([raw for raw, _ in found], base) == ids[seq + 1 :]
    assert holdings.blocks(ann.log, head, head, 1000) == []
    assert holdings.blocks(ann.log, (4, ids[5]), head, 1000) is None
    assert holdings.blocks(ann.log, None, (300, ids[4]), 1000) is None
    assert len(holdings.blocks(ann.log, None, head, 1) or ()) == 1
    assert len(holdings.blocks(ann.log, None, head, len(blocks[0].raw) + len(blocks[1].raw)) or ()) == 2


@pytest.mark.parametrize("seed", range(8))
def test_every_branch_can_be_had_from_every_signed_record_on_it(store: Store, seed: int) -> None:
    rng = random.Random(seed)
    log_class = PAGES if seed % 2 else LogClass.FACTS
    pens = [Author(log_class=log_class)]
    pens[0].write(*"abc"[: rng.randint(1, 3)])
    sent: list[Block] = [*pens[0].blocks]
    for step in range(20):
        pen = rng.choice(pens)
        if rng.random() < 0.25 and len(pens) < 6:
            pens.append(pen.fork())
            if rng.random() < 0.5 and len(pen.blocks) > 1:
                pen = pens[-1]
                pen.blocks.pop()
                pen.base = base_at(pen, pen.blocks[-1].last)
        sent += pen.write_many([f"{step} {n}" for n in range(rng.choice((1, 2, 9, 140)))])
        if rng.random() < 0.3:
            # The same author writes the last words again in other company: blocks that overlap in part.
            sent.append(sent[-1])
    rng.shuffle(sent)
    # Blocks come in any order; each is taken once what it follows is held.
    waiting, before = sent, -1
    with store.transaction():
        while before != len(waiting):
            before = len(waiting)
            still = []
            for block in waiting:
                if block.first and store.logs.base(block.log, block.first, block.prev) is None:
                    still.append(block)
                else:
                    store.logs.append(block)
            waiting = still
    holdings = StoreHoldings(store, HASH)
    log = pens[0].log
    heads = [(head.seq, head.id) for head in store.logs.heads(log)]
    if log_class is PAGES:
        assert waiting == []
        assert set(heads) == {
            (pen.blocks[-1].last, pen.blocks[-1].tip)
            for pen in pens
            if not any(pen.blocks[-1].tip in chain(other)[:-1] for other in pens)
        }
    for pen in pens:
        ids = chain(pen)
        for seq, id_ in heads:
            if not (seq < len(ids) and ids[seq] == id_):
                continue
            for start in [-1, *(block.last for block in pen.blocks)]:
                base = base_at(pen, start)
                if base is not None and base.seq > seq:
                    continue
                asked = None if base is None else (base.seq, base.id)
                found = holdings.blocks(log, asked, (seq, id_), 10_000_000)
                assert found is not None
                assert (
                    received([raw for raw, _ in found], base) == ids[(base.seq if base else -1) + 1 : seq + 1]
                )
                assert [last for _, last in found] == [(n, ids[n]) for n, _ in (last for _, last in found)]
            for at in range(0, seq + 1, 7):
                assert holdings.id_at(log, (seq, id_), at) == ids[at]
            assert holdings.id_at(log, (seq, id_), seq + 1) is None


@pytest.mark.parametrize("log_class", LogClass)
def test_a_branch_that_leaves_an_unsigned_middle_is_cut_anew(store: Store, log_class: LogClass) -> None:
    one = Author(log_class=log_class)
    other = one.fork()
    words = [str(number) for number in range(60)]
    one.write(*words)
    other.write(*words[:40], "x", "y")
    other.write("z")
    keep(store, one.blocks[0], other.blocks[0])
    holdings = StoreHoldings(store, HASH)
    for pen in (one, other):
        head = (pen.blocks[0].last, pen.blocks[0].tip)
        found = holdings.blocks(pen.log, None, head, 100_000)
        assert found is not None
        assert received([raw for raw, _ in found], None) == pen.blocks[0].ids
        assert holdings.id_at(pen.log, head, 0) == pen.blocks[0].ids[0]
    assert holdings.id_at(one.log, (9, ZERO_ID), 3) is None


def test_two_stores_with_the_same_blocks_in_any_order_show_the_same_items(store: Store) -> None:
    rng = random.Random(5)
    authors = [Author(f"author {number}", cls) for number in range(6) for cls in LogClass]
    rounds: list[list[Block]] = []
    for author in authors:
        author.write("a")
        twin = author.fork()
        author.write("b")
        twin.write("x")
        rounds += [[author.blocks[0]], [author.blocks[1]], [twin.blocks[1]]]
    key_items = []
    for name in ("one", "other"):
        with new_store(store.path.with_name(name)) as each:
            waiting = rounds[:]
            while waiting:
                at = rng.randrange(len(waiting))
                (block,) = waiting[at]
                if block.first and each.logs.base(block.log, block.first, block.prev) is None:
                    continue
                keep(each, block)
                del waiting[at]
            key_items.append([each.buckets.items(key) for key in each.buckets.sets()])
    assert key_items[0] == key_items[1]


@pytest.mark.parametrize("seed", range(6))
def test_records_entered_one_by_one_are_served_as_few_blocks_from_wherever_the_asker_stands(
    store: Store, holdings: Holdings, seed: int
) -> None:
    random_ = random.Random(seed)
    ann = Author()
    while len(chain(ann)) < 300:
        words = [
            "potatoes " * random_.choice((1, 40)) for _ in range(random_.choice((1,) * 20 + (2,) * 4 + (20,)))
        ]
        keep(store, *ann.write_many(words))
    ids, head = chain(ann), (ann.blocks[-1].last, ann.blocks[-1].tip)
    ends = [block.last for block in ann.blocks]
    for seq in [-1, *random_.sample(ends[:-1], 12)]:
        base = base_at(ann, seq)
        found = holdings.blocks(ann.log, (base.seq, base.id) if base else None, head, 1_000_000)
        assert found is not None
        assert received([raw for raw, _ in found], base) == ids[seq + 1 :]
        assert [tip for _, tip in found] == [(end, ids[end]) for end, _ in (tip for _, tip in found)]
    served = holdings.blocks(ann.log, None, head, 1_000_000) or ()
    stored = [block.raw for block in ann.blocks]
    assert len(served) < len(stored) / 4
    assert sum(len(raw) for raw, _ in served) < sum(map(len, stored)) / 2


def test_votes_and_signatures_are_served_as_each_was_signed(store: Store, holdings: Holdings) -> None:
    ann = Author(log_class=PAGES)
    blocks = [ann.write(word) for word in ("sign", "approve", "sign again")]
    keep(store, *blocks)
    served = holdings.blocks(ann.log, None, (blocks[-1].last, blocks[-1].tip), 1_000_000) or ()
    assert [raw for raw, _ in served] == [block.raw for block in blocks]
