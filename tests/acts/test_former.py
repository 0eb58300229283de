"""Who sat in a region once signed its earlier pages: to work these out again takes their books, long after they left."""

from pathlib import Path

from fedsync.crdt import fold
from fedsync.crdt.books.booktables import STATUSES, book
from fedsync.crdt.books.kin import kin
from fedsync.crdt.view import Draft, MemoryView
from fedsync.reading import Reading
from fedsync.records.ids import Extent, PageId
from tests.acts.copied import copied
from tests.cli.federation import Federation, propose


def folded(reading: Reading, extents: dict[PageId, Extent]) -> MemoryView:
    """Return the state of a node that holds so much of these bodies and nothing else."""
    view = MemoryView()
    draft = Draft(view)
    followed = {
        each.scope: extents[each.body] for each in reading.store.followed.all() if each.body in extents
    }
    for each in reading.store.followed.all():
        if each.scope in followed:
            fold.apply_bind(draft, each.scope, each.body, followed[each.scope] < Extent.ALL)
    for _, block in reading.store.since(0):
        extent = followed.get(block.genesis.scope)
        if extent is not None and extent.covers(block.genesis.reach, block.genesis.log_class):
            view.hold(block)
            fold.apply_block(draft, block)
    view.commit(draft.changes)
    return view


def test_a_member_holds_the_book_of_one_that_left_since_it_signed_what_came_before(tmp_path: Path) -> None:
    valley = copied(Federation, tmp_path)
    decision = ("decisions", "propose", "--title", "A ferry", "--text", "-", "--body", "Valley")
    page = valley.page_of("Oakfield", *decision, name="Cleo")
    assert valley.carry(page, "Hill Farm", "Oakfield") == "sealed"
    valley.decided("Hill Farm", "bodies", "leave", "Valley")
    valley.meet()
    proposal = propose(valley, "--drop-body", "Hill Farm")
    for name in ("Oakfield", "Mill Lane"):
        valley.decided(name, "bodies", "consent", proposal)
    valley.meet()
    final = valley.page_of(
        "Mill Lane", "bodies", "epoch", "--body", "Valley", "--from", proposal, name="Cleo"
    )
    assert valley.carry(final, "Oakfield", "Mill Lane") == "sealed"

    with Reading.open(valley.homes["Mill Lane"]) as reading:
        own, region, left = reading.own(), reading.body("Valley"), reading.body("Hill Farm")
        extents = kin(reading.view, own.body)
        assert (extents[region.body], extents[left.body]) == (Extent.ALL, Extent.BOOK)
        whole = folded(reading, extents)
        kept = list(reading.view.scan(STATUSES, (region.scope,)))
        assert list(whole.scan(STATUSES, (region.scope,))) == kept
        # Without that book the region's stands still before the first page that the one who left signed.
        del extents[left.body]
        at = book(folded(reading, extents), region.scope)
        assert at is not None
        assert at.number < max(row[0] for _, row in kept if row[1] == "sealed")  # type: ignore[type-var, operator]
