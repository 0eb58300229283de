"""Pages of bodies whose seats are bodies stand in logs of their own, so that outsiders find them."""

from pathlib import Path

import pytest

from fedsync.crdt import fold
from fedsync.crdt.books.booktables import BOOKS, STATUSES, book, known
from fedsync.crdt.books.carriedtables import CARRIED
from fedsync.crdt.view import Draft, MemoryView
from fedsync.reading import Reading
from fedsync.records.ids import PageId, Scope
from tests.acts.test_world import REGIONS, World

SEATED = (*REGIONS, "World")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("world"))
    made.found_world()
    made.carry(made.draft("Oakfield", *made.decision("World"), name="Cleo"), "Oakfield", "Hill Farm")
    return made


def copies(reading: Reading, scope: Scope, page: PageId) -> int:
    """Return how many records of the body's own logs carry a page."""
    return sum(
        record.kind == "page" and bytes(record.payload_id) == page
        for _, block in reading.store.since(0)
        if block.genesis.scope == scope
        for record in block.records()
    )


def test_every_sealed_page_stands_once_in_a_log_of_its_own_body(world: World) -> None:
    with Reading.open(world.homes["Harbour"]) as reading:
        for name in SEATED:
            scope = reading.body(name).scope
            found = book(reading.view, scope)
            assert found is not None
            assert found.number >= 1
            page: PageId | None = found.head
            while page is not None:
                assert reading.view.get(CARRIED, (page, scope)) is not None
                assert copies(reading, scope, page) == 1, name
                here = known(reading.view, page)
                assert here is not None
                page = here.prev


def test_the_logs_of_the_world_and_of_its_regions_show_all_their_books(world: World) -> None:
    with Reading.open(world.homes["Harbour"]) as reading:
        bodies = {reading.body(name).scope: reading.body(name) for name in SEATED}
        view = MemoryView()
        draft = Draft(view)
        for scope, body in bodies.items():
            fold.apply_bind(draft, scope, body.body, outside=True)
        for _, block in reading.store.since(0):
            if block.genesis.scope in bodies:
                fold.apply_block(draft, block)
                view.hold(block)
        view.commit(draft.changes)
        for scope in bodies:
            assert view.get(BOOKS, (scope,)) == reading.view.get(BOOKS, (scope,))
            assert list(view.scan(STATUSES, (scope,))) == list(reading.view.scan(STATUSES, (scope,)))


def test_a_page_that_nobody_sealed_is_not_carried(tmp_path: Path) -> None:
    made = World(tmp_path)
    page = made.draft("Oakfield", *made.decision("Valley"), name="Cleo")
    made.meet()
    with Reading.open(made.homes["Harbour"]) as reading:
        assert copies(reading, reading.body("Valley").scope, page) == 0
