"""What was kept since a moment is counted by class, what is urgent for itself, and what is local not at all."""

from random import Random

import pytest

from fedsync.records.block import Block
from fedsync.records.ids import LogClass, Reach
from fedsync.store.store import Store
from tests.store.authors import Author, keep


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_sum_over_the_blocks_that_came_after(store: Store, seed: int) -> None:
    die = Random(seed)
    authors = [
        Author(f"{log_class} {reach}", log_class, reach=reach) for log_class in LogClass for reach in Reach
    ]
    marks, kept = [store.journal.counter], list[tuple[int, Author, Block]]()
    for _ in range(30):
        author = die.choice(authors)
        block = author.write(*(["word" * die.randrange(1, 9)] * die.randrange(1, 5)))
        keep(store, block)
        kept.append((store.journal.counter, author, block))
        marks.append(store.journal.counter)
    hurried = kept[7][1]
    with store.transaction():
        store.logs.hurry(hurried.log, hurried.blocks[0].last)
    for since in marks:
        found = {
            (each.log_class, each.urgent): (each.records, each.bytes)
            for each in store.blocks.kept_after(since)
        }
        expected: dict[tuple[LogClass, bool], tuple[int, int]] = {}
        for at, author, block in kept:
            if at <= since or author.genesis.reach == Reach.LOCAL:
                continue
            key = (
                author.genesis.log_class,
                author is hurried and block.first <= hurried.blocks[0].last,
            )
            records, size = expected.get(key, (0, 0))
            expected[key] = (records + block.count, size + len(block.raw))
        assert found == expected
    assert [each.urgent for each in store.blocks.kept_after(0)][:1] == [hurried.genesis.reach != Reach.LOCAL]
