"""Pages of bodies whose seats are bodies stand in logs of their own, so that outsiders find them."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from fedsync import sealing
from fedsync.crdt import fold
from fedsync.crdt.books import carrying
from fedsync.crdt.books.book import apply_block
from fedsync.crdt.books.booktables import BOOKS, STATUSES, book, known, page_row
from fedsync.crdt.books.carriedtables import CARRIED
from fedsync.crdt.books.carrying import to_carry
from fedsync.crdt.view import Draft, MemoryView
from fedsync.doors import LocalDoor
from fedsync.home import Home
from fedsync.node import Verdict
from fedsync.reading import Reading
from fedsync.records.codec import pack, unpack
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Key, LogClass, LogId, PageId, Reach, Scope, payload_id
from fedsync.records.kinds.authority import PAGE, parse_page
from fedsync.records.kinds.entries import Mandate, node_genesis
from fedsync.records.seal import Draft as Pen
from fedsync.records.seal import seal
from tests.acts.copied import copied
from tests.acts.test_world import REGIONS, World
from tests.authority.build import build
from tests.authority.build import fold as folded
from tests.authority.scribe import Scribe
from tests.crdt.books import append, tip

SEATED = (*REGIONS, "World")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = copied(World, tmp_path_factory.mktemp("world"))
    made.found_world()
    made.carry(made.draft("Oakfield", *made.decision("World"), name="Cleo"), "Oakfield", "Hill Farm")
    return made


SENDS = "mandates give Ben@Oakfield --seat World --body Valley --instruct *=free".split()
"""What gives Ben a mandate of the Valley in the world."""


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
                assert any(True for _ in reading.view.scan(CARRIED, (page, scope)))
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
    made = copied(World, tmp_path)
    page = made.draft("Oakfield", *made.decision("Valley"), name="Cleo")
    made.meet()
    with Reading.open(made.homes["Harbour"]) as reading:
        assert copies(reading, reading.body("Valley").scope, page) == 0


def test_of_more_sealed_pages_than_are_taken_over_at_once_the_earliest_come_first_and_the_rest_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(carrying, "MAX_CARRIED", 2)
    scribe = Scribe()
    scribe.community("A")
    pages = [scribe.sealed("A", [{"kind": "decision", "text": f"no. {number}"}]) for number in range(5)]
    built = build({"records": scribe.records})
    view, last = folded(built), list(built.blocks.values())[-1]
    names = {page: name for name, page in built.pages.items()}
    turns = list[list[str]]()
    for _ in range(4):
        due = to_carry(view, last.genesis.scope, last.log).sealed
        turns.append([names[page] for page in due])
        for row in [page_row(view, page) for page in due]:
            assert row is not None
            last = append("a0", tip(last), Pen(PAGE, unpack(row.payload), 1))
            draft = Draft(view)
            apply_block(draft, last)
            view.commit(draft.changes)
    assert turns == [pages[:2], pages[2:4], pages[4:], []]


@pytest.mark.parametrize("reach", [Reach.REGION, Reach.WORLD])
def test_a_page_that_a_stranger_carries_is_carried_by_a_sealer_all_the_same(
    tmp_path: Path, reach: Reach
) -> None:
    """Outsiders may not get that log, or not take it: then they would never hear of a recall, nor of any page after it."""
    made = copied(World, tmp_path)
    page = made.draft("Oakfield", *made.decision("Valley"), name="Cleo")
    made.meet()
    stranger = private_key(b"s" * 32)
    for name in REGIONS["Valley"]:
        home = made.homes[name]
        with Reading.open(home) as reading:
            scope, first = reading.body("Valley").scope, reading.body("Valley").body
            rows = [page_row(reading.view, each) for each in (first, page)]
        genesis = replace(node_genesis(public_key(stranger), b"i" * 16, scope), reach=reach)
        drafts = [Pen(PAGE, unpack(row.payload), 1) for row in rows if row is not None]
        assert len(drafts) == 2
        door = LocalDoor(home, home.lock())
        try:
            blocks = seal(stranger, genesis, None, drafts, 1)
            taken = door.node.take_now([block.raw for block in blocks], Key(b"p" * 32))
            assert {each.verdict for each in taken} == {Verdict.TAKEN}, "whoever carries page 0 is let in"
        finally:
            door.close()
    made.carry(page, *REGIONS["Valley"])
    with Reading.open(made.homes["Harbour"]) as reading:
        carriers = {
            block.genesis.key
            for _, block in reading.store.since(0)
            if block.genesis.scope == scope and block.genesis.reach is Reach.WORLD
            for record in block.records()
            if record.kind == PAGE and bytes(record.payload_id) == page
        }
    assert carriers - {public_key(stranger)}


def use(made: World, scope: Scope, world: PageId, page: PageId) -> None:
    """Write under the mandate that a page of the Valley would give to Ben of Oakfield, at Oakfield's node."""
    with Reading.open(made.homes["Oakfield"]) as reading:
        row = page_row(reading.view, page)
        assert row is not None
        entries = parse_page(unpack(row.payload)).entries
    at = next(at for at, each in enumerate(entries) if isinstance(each, Mandate))
    ben = made.author("Oakfield", "Ben").private
    genesis = Genesis(
        public_key(ben), scope, ("mandate", page, at), LogClass.AUTHORITY, Reach.WORLD, bytes(16)
    )
    motion = Pen("motion", {"body": world, "title": "A bridge", "text": "Shall we?"}, 1)
    door = LocalDoor(made.homes["Oakfield"], made.homes["Oakfield"].lock())
    try:
        blocks = seal(ben, genesis, None, [motion], 1)
        taken = door.node.take_now([block.raw for block in blocks], Key(b"p" * 32))
        assert {each.verdict for each in taken} == {Verdict.TAKEN}
    finally:
        door.close()


def used_pages(made: World, number: int) -> tuple[Scope, list[PageId]]:
    """Draft so many pages of the Valley that nobody signs, and write under each; return them, and the Valley's scope."""
    pages = [made.draft("Oakfield", *SENDS, "--until", f"208{n}-01-01", name="Cleo") for n in range(number)]
    with Reading.open(made.homes["Oakfield"]) as reading:
        scope, above = reading.body("Valley").scope, reading.body("World").body
    for page in pages:
        use(made, scope, above, page)
    return scope, pages


def test_who_drafts_and_writes_under_any_number_of_pages_has_few_of_them_carried_in_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "MAX_USED", 2)
    made = copied(World, tmp_path)
    made.found_world()
    scope, pages = used_pages(made, 6)
    for hour in range(4):
        made.meet()
        made.meet()
        with Reading.open(made.homes["Oakfield"]) as reading:
            assert sum(copies(reading, scope, page) for page in pages) == min(2 * (hour + 1), len(pages))
        for name in REGIONS["Valley"]:
            with made.at(name) as (_, door):
                assert isinstance(door, LocalDoor)
                with door.node.store.transaction() as store:
                    store.meta.set(f"carried:{scope.hex()}", 0)  # the hour is over


def test_which_of_them_has_its_turn_is_a_matter_of_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an order that can be worked out beforehand some would always stand in front of others' pages."""
    monkeypatch.setattr(carrying, "MAX_USED", 1)
    made = copied(World, tmp_path)
    made.found_world()
    scope, pages = used_pages(made, 4)
    orders = {seed: Random(seed).sample(sorted(pages), 4) for seed in range(20)}
    seed = next(seed for seed, order in orders.items() if order[0] != min(pages))
    monkeypatch.setattr(sealing, "SystemRandom", lambda: Random(seed))
    made.meet()
    with Reading.open(made.homes["Oakfield"]) as reading:
        assert [page for page in pages if copies(reading, scope, page)] == orders[seed][:1]


def test_a_long_way_to_one_of_them_is_carried_in_parts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "MAX_USED", 2)
    made = copied(World, tmp_path)
    made.found_world()
    page = made.draft("Oakfield", *SENDS, name="Cleo")
    home, stranger = made.homes["Oakfield"], private_key(b"s" * 32)
    with Reading.open(home) as reading:
        scope, first, above = (
            reading.body("Valley").scope,
            reading.body("Valley").body,
            reading.body("World").body,
        )
        rows = [page_row(reading.view, each) for each in (first, page)]
    way = [unpack(row.payload) for row in rows if row is not None]
    for _ in range(4):
        last = way[-1]
        assert isinstance(last, dict)
        assert isinstance(last["number"], int)
        way.append({**last, "number": last["number"] + 1, "prev": payload_id(pack(last))})
    genesis = node_genesis(public_key(stranger), b"i" * 16, scope)
    door = LocalDoor(home, home.lock())
    try:
        blocks = seal(stranger, genesis, None, [Pen(PAGE, each, 1) for each in way], 1)
        taken = door.node.take_now([block.raw for block in blocks], Key(b"p" * 32))
        assert {each.verdict for each in taken} == {Verdict.TAKEN}
    finally:
        door.close()
    pages = [PageId(payload_id(pack(each))) for each in way[1:]]
    use(made, scope, above, pages[-1])
    before = all_copies(home, scope, pages)
    made.meet()
    assert all_copies(home, scope, pages) == before + 2


def all_copies(home: Home, scope: Scope, pages: list[PageId]) -> int:
    """Return how many records of the body's own logs carry one of these."""
    with Reading.open(home) as reading:
        return sum(copies(reading, scope, page) for page in pages)


def test_a_page_under_which_somebody_wrote_is_carried_though_nobody_sealed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outsiders could not tell whose word that is, and would refuse it for ever: nobody's copy would look fresh to them."""
    made = copied(World, tmp_path)
    made.found_world()
    page = made.draft("Oakfield", *SENDS, name="Cleo")
    made.meet()
    unheard = made.draft("Oakfield", *made.decision("Valley"), name="Cleo")
    with Reading.open(made.homes["Oakfield"]) as reading:
        scope, world = reading.body("Valley").scope, reading.body("World").body
    use(made, scope, world, page)
    made.meet()
    with Reading.open(made.homes["Hill Farm"]) as reading:
        assert (copies(reading, scope, page), copies(reading, scope, unheard)) == (1, 0)
    with Reading.open(made.homes["Oakfield"]) as reading:
        (carrier,) = (LogId(key[2]) for key, _ in reading.view.scan(CARRIED, (page, scope)))  # type: ignore[arg-type]
        assert page not in to_carry(reading.view, scope, carrier).all
        # When others sealed at that time, it is not found there for certain; but nobody carries it twice, and so without end.
        monkeypatch.setattr("fedsync.crdt.books.carrying.epoch_in_force", lambda *_: None)
        assert page not in to_carry(reading.view, scope, carrier).all
