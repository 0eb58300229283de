"""Each page of a body of bodies says how far its members' books have come, as far as there is room."""

import pytest

from fedsync.crdt.books.book import bind
from fedsync.crdt.books.drafting import draft_page, witnesses
from fedsync.crdt.view import Draft as StateDraft
from fedsync.records.codec import Value, pack
from fedsync.records.ids import PageId, payload_id
from tests.crdt.books import genesis, tag
from tests.crdt.community import Community, decision


@pytest.fixture
def mill() -> Community:
    return Community("Ann", "Ben", k=2)


@pytest.fixture
def oak(mill: Community) -> Community:
    return Community("Ola", "Per", k=2, body="Oak", view=mill.view)


@pytest.fixture
def valley(mill: Community, oak: Community) -> PageId:
    """A region of the two, sealed by two people."""
    sealers: list[Value] = [{"genesis": genesis(name, name, "Valley").payload} for name in ("Ann", "Ola")]
    seats: list[Value] = [{"body": each.page0} for each in (mill, oak)]
    epoch: dict[str, Value] = {
        "kind": "epoch", "name": "Valley", "classification": "region", "level": 1, "seats": seats, "k": 2,
        "sealers": sealers, "w": 2,
    }  # fmt: skip
    value: dict[str, Value] = {
        "body": None, "number": 0, "prev": None, "entries": [epoch], "scope": tag("Valley"),
    }  # fmt: skip
    page = mill.carry(value)
    draft = StateDraft(mill.view)
    bind(draft, tag("Valley"), PageId(payload_id(pack(value))))
    mill.view.commit(draft.changes)
    return page


def sealed(at: Community, title: str, *names: str) -> PageId:
    page = at.propose(decision(title))
    at.seal(page, names)
    assert at.status(page) == "sealed"
    return page


def seen(at: Community, room: int = 10_000) -> dict[Value, Value]:
    return {each["body"]: each["page"] for each in witnesses(at.view, tag("Valley"), room)}


def test_what_is_news_is_witnessed_and_what_has_only_begun_is_not(
    mill: Community, oak: Community, valley: PageId
) -> None:
    assert seen(mill) == {}
    first = sealed(mill, "Rye", "Ann", "Ben")
    assert seen(mill) == {mill.page0: first}
    mill.propose(decision("Oats"))
    assert seen(mill) == {mill.page0: first}


def test_where_not_all_fit_those_with_the_most_news_go_first(
    mill: Community, oak: Community, valley: PageId
) -> None:
    sealed(mill, "Rye", "Ann", "Ben")
    for title in ("Rye", "Oats"):
        last = sealed(oak, title, "Ola", "Per")
    one = len(pack(witnesses(mill.view, tag("Valley"))[0]))
    assert seen(mill, one - 1) == {}
    assert seen(mill, one) == {oak.page0: last}
    assert len(seen(mill, 2 * one)) == 2


def test_what_only_a_draft_witnessed_is_news_still(mill: Community, oak: Community, valley: PageId) -> None:
    first = sealed(mill, "Rye", "Ann", "Ben")
    entries = witnesses(mill.view, tag("Valley"))
    mill.carry(draft_page(mill.view, tag("Valley"), entries).value)
    assert seen(mill) == {mill.page0: first}
