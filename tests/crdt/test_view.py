"""A draft reads as if its changes had been made: against a dictionary that is changed at once."""

from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.view import Draft, KeyRow, MemoryView, Row, Table

SEATS = Table("seats", ("body", "key"), ("name",))
OTHERS = Table("others", ("body", "key"), ("name",))

keys = st.tuples(st.integers(0, 3), st.integers(0, 12).map(lambda number: bytes([number])))
changes = st.lists(st.tuples(keys, st.none() | st.tuples(st.sampled_from(["Ann", "Ben"]))), max_size=50)


def make(draft: Draft, batch: list[tuple[KeyRow, Row | None]]) -> None:
    for key, row in batch:
        if row is None:
            draft.drop(SEATS, key)
        else:
            draft.put(SEATS, key, row)


@given(changes, st.lists(st.tuples(changes, st.integers(0, 3)), max_size=4))
def test_a_draft_reads_what_was_put_and_the_view_what_was_committed(
    held: list[tuple[KeyRow, Row | None]], rounds: list[tuple[list[tuple[KeyRow, Row | None]], int]]
) -> None:
    view, naive = MemoryView(), dict[KeyRow, Row]()
    draft = Draft(view)
    make(draft, held)
    view.commit(draft.changes)
    naive.update({key: row for key, row in dict(held).items() if row is not None})
    draft = Draft(view)
    for batch, body in rounds:
        make(draft, batch)
        for key, row in batch:
            if row is None:
                naive.pop(key, None)
            else:
                naive[key] = row
        assert list(draft.scan(SEATS)) == sorted(naive.items())
        assert list(draft.scan(SEATS, (body,))) == sorted((k, r) for k, r in naive.items() if k[0] == body)
        assert all(
            draft.get(SEATS, (body, bytes([at]))) == naive.get((body, bytes([at]))) for at in range(13)
        )
        assert list(draft.scan(OTHERS)) == []
    view.commit(draft.changes)
    assert list(view.scan(SEATS)) == sorted(naive.items())
