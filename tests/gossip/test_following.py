"""What is told of bodies in pages: each is understood alone, whatever becomes of the others."""

from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip.following import (
    NOTHING_HEARD,
    ROW_BYTES,
    Following,
    Page,
    Row,
    followed,
    pack_rows,
    read_rows,
)
from fedsync.gossip.limits import MAX_BODIES
from fedsync.gossip.messages import BadMessage
from fedsync.records.ids import Extent, Scope


def scope(number: int) -> Scope:
    return Scope(number.to_bytes(16, "big"))


rows = st.builds(
    Row,
    st.integers(0, 30).map(scope),
    st.binary(min_size=32, max_size=32),
    st.sampled_from(Extent),
    st.booleans(),
)
followings = st.lists(rows, max_size=20, unique_by=lambda row: row.scope).map(
    lambda found: Following(pack_rows(found))
)
edges = st.one_of(st.just(b""), st.integers(0, 31).map(scope))


def page_of(following: Following, first: bytes, end: bytes) -> Page:
    return Page(first, end, pack_rows([row for row in following.rows if _within(row.scope, first, end)]))


def _within(at: Scope, first: bytes, end: bytes) -> bool:
    return first <= at and (not end or at < end)


@given(st.lists(st.tuples(followings, edges, edges), max_size=12), st.randoms())
def test_pages_in_any_order_come_to_what_each_scope_was_last_told(
    told: list[tuple[Following, bytes, bytes]], dice: Random
) -> None:
    """The naive twin keeps, of each scope, the last word."""
    words: dict[Scope, Row | None] = {}
    heard = NOTHING_HEARD
    for following, one, other in told:
        first, end = (one, other) if not other or one < other else (other, one)
        if end and end <= first:
            continue
        page = page_of(following, first, end)
        heard = heard.with_page(page)
        for number in range(31):
            if _within(scope(number), first, end):
                words[scope(number)] = following.get(scope(number))
        if dice.random() < 0.3:
            assert heard.with_page(page) is heard, "said twice, it changes nothing"
    for number in range(31):
        assert heard.get(scope(number)) == words.get(scope(number))
        assert heard.knows(scope(number)) == (scope(number) in words)
    assert heard.whole == any(first == end == b"" for _, first, end in told) or heard.gaps == ()


@given(followings, st.binary(min_size=32, max_size=32))
def test_the_tag_of_a_body_is_found_wherever_its_bytes_stand_otherwise(
    following: Following, strange: bytes
) -> None:
    for row in following.rows:
        found = following.tag(row.body)
        assert found is not None
        assert found in {each.scope for each in following.rows if each.body == row.body}
        # Bytes that reach over the edges of rows are no body.
        assert following.tag(following.data[5:37]) in {None, *(each.scope for each in following.rows)}
    if strange not in {row.body for row in following.rows}:
        assert following.tag(strange) is None


def many(count: int, seed: int = 1) -> Following:
    dice = Random(seed)
    bodies = [
        (Scope(dice.randbytes(16)), dice.randbytes(32), dice.choice(list(Extent))) for _ in range(count)
    ]
    return followed(bodies)


def test_more_bodies_than_a_node_may_follow_are_refused() -> None:
    *pages, last = many(MAX_BODIES + 1).pages()
    heard = NOTHING_HEARD
    for page in pages:
        heard = heard.with_page(page)
    with pytest.raises(BadMessage):
        heard.with_page(last)


@pytest.mark.parametrize(
    "page",
    [
        Page(b"", b"", b"x" * (ROW_BYTES - 1)),
        Page(b"", b"", pack_rows([Row(scope(2), bytes(32), Extent.ALL)]) * 2),
        Page(scope(3), b"", pack_rows([Row(scope(2), bytes(32), Extent.ALL)])),
        Page(b"", scope(2), pack_rows([Row(scope(2), bytes(32), Extent.ALL)])),
        Page(scope(3), scope(3), b""),
        Page(b"", b"", scope(1) + b"\0" + bytes(32)),
        Page(b"", b"", scope(1) + b"\x09" + bytes(32)),
    ],
    ids=["cut off", "twice", "below", "above", "of nothing", "to no extent", "in an unknown way"],
)
def test_what_is_no_page_is_refused(page: Page) -> None:
    with pytest.raises(BadMessage):
        NOTHING_HEARD.with_page(page)


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_refused(data: bytes) -> None:
    with suppress(BadMessage):
        assert pack_rows(read_rows(data)) == data
