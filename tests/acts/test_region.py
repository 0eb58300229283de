"""Communities found a region, send delegates, and the region's pages are signed by delegates and sealed by nodes."""

from pathlib import Path

import pytest

from fedsync.acts.books import agenda, minutes
from fedsync.crdt.books.delegates import given
from fedsync.crdt.books.minutes import page_view
from fedsync.errors import Problem
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import PageId, Scope
from tests.acts.valley import Valley

NAMES = ("Oakfield", "Mill Lane", "Hill Farm")


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Valley, PageId, Scope, PageId]:
    """A region of three, whose first page two delegates signed before any node sealed it."""
    valley = Valley(tmp_path_factory.mktemp("valley"), *NAMES)
    valley.meet()
    region, scope = valley.found_region("Oakfield")
    valley.meet()
    for name in NAMES:
        mandate: dict[str, Value] = {
            "kind": "mandate",
            "holder": valley.author(name, "Cleo").key,
            "seat": region,
            "instructions": {"*": "free"},
        }
        valley.enter(name, [mandate])
    valley.meet()
    with valley.at("Oakfield") as (reading, door):
        decision: dict[str, Value] = {"kind": "decision", "title": "A bridge", "text": "We build it."}
        cleo = valley.author("Oakfield", "Cleo")
        page, number = minutes.enter(cleo, reading, door, scope, [decision])
        assert number == 1
        minutes.sign(cleo, reading, door, page)
    return valley, region, scope, page


def test_a_regions_page_is_signed_by_delegates_and_sealed_by_the_members_nodes(
    sealed: tuple[Valley, PageId, Scope, PageId],
) -> None:
    valley, _region, _scope, page = sealed
    assert valley.page("Oakfield", page).status == "drafted"
    assert len(valley.page("Oakfield", page).bodies_to_sign) == 2
    valley.meet()
    assert valley.page("Hill Farm", page).status == "drafted"
    with valley.at("Mill Lane") as (reading, door):
        minutes.sign(valley.author("Mill Lane", "Cleo"), reading, door, page)
    assert valley.page("Mill Lane", page).status == "adopted"
    valley.meet()
    for name in NAMES:
        assert valley.page(name, page).status == "sealed", name
        with Reading.open(valley.homes[name]) as reading:
            assert {each.status for each in given(reading.view)} == {"in force"}


def test_a_regions_page_says_how_far_its_members_books_have_come(
    sealed: tuple[Valley, PageId, Scope, PageId],
) -> None:
    valley, _, _, page = sealed
    kinds = [type(entry).__name__ for entry in valley.page("Oakfield", page).entries]
    assert kinds == ["Decision", "Witness", "Witness", "Witness"]


def test_who_was_not_sent_cannot_sign_for_anybody(sealed: tuple[Valley, PageId, Scope, PageId]) -> None:
    valley, _, _, page = sealed
    with valley.at("Hill Farm") as (reading, door), pytest.raises(Problem) as problem:
        minutes.sign(valley.author("Hill Farm", "Ben"), reading, door, page)
    assert problem.value.code == "no_voice"


def test_what_is_prepared_for_a_meeting_waits_in_order_until_it_is_taken_off(tmp_path: Path) -> None:
    valley = Valley(tmp_path, "Oakfield")
    home = valley.homes["Oakfield"]
    with Reading.open(home) as reading:
        scope = reading.own().scope
    assert agenda.prepared(home, scope) == []
    assert agenda.prepare(home, scope, [{"kind": "decision", "title": "a", "text": "b"}]) == 1
    assert agenda.prepare(home, scope, [{"kind": "create", "body": bytes(32)}]) == 2
    assert [each["kind"] for each in agenda.prepared(home, scope)] == ["decision", "create"]
    page = valley.enter("Oakfield", agenda.prepared(home, scope))
    agenda.done(home, scope, agenda.prepared(home, scope), agenda.drawn_later(home, scope))
    assert agenda.prepared(home, scope) == []
    with Reading.open(home) as reading:
        view = page_view(reading.view, page)
        assert view is not None
        assert view.status == "sealed"
        assert len(view.entries) == 2
