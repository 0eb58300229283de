"""What the checks of a simulation work out by themselves of which pages are sealed, beside the fold, on random worlds."""

from collections.abc import Collection, Iterable
from random import Random

from fedsync.crdt.books.booktables import STATUSES
from fedsync.records.block import Block
from fedsync.records.ids import LogId, PayloadId
from fedsync.sim.archive import Archive
from fedsync.sim.plainread import Beginning, Said, read
from fedsync.sim.seals import Beyond, Seals
from tests.authority.build import Built, build, fold
from tests.authority.playing import order_of, page0
from tests.authority.random_worlds import draw
from tests.crdt.books import tag
from tests.seeds import seeds

SLICE = 60


def said(blocks: Iterable[Block]) -> list[Said]:
    """Return the records of blocks, as the plain reader reads them."""
    begun, found = dict[LogId, Beginning](), list[Said]()
    for block in blocks:
        run = read(block.raw, begun.get(block.log))
        begun[block.log] = run.of
        found += run.records
    return found


def judged(built: Built, outside: Collection[str] = ()) -> Seals:
    blocks = [built.blocks[each] for each in order_of(built, Random(0))]
    return Seals(Archive().hear(said(blocks)), [tag(each) for each in outside])


def shown(built: Built, body: str, outside: Collection[str] = ()) -> set[bytes]:
    rows = fold(built, outside=outside).scan(STATUSES, (tag(body),))
    return {key[1] for key, row in rows if row[1] == "sealed"}  # type: ignore[misc]


def test_pages_are_sealed_by_the_plain_rules_where_they_are_by_the_fold_from_inside_and_from_outside() -> (
    None
):
    sealed = unknown = 0
    for seed in seeds(SLICE):
        built, random = build(draw(seed)), Random(f"seals {seed}")
        for outside in ([], [body for body in built.bodies if random.random() < 0.5]):
            seals = judged(built, outside)
            for body in built.bodies:
                try:
                    book = [page.id for page in seals.book(PayloadId(built.pages[page0(built, body)]))]
                except Beyond:
                    unknown += 1
                    continue
                assert set(book) == shown(built, body, outside), (
                    f"world {seed}, {body}, from outside: {outside}"
                )
                sealed += len(book) - 1
    assert sealed > 10 * SLICE
    assert unknown < sealed / 10
