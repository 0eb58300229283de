"""The state root: it says what rows there are, and nothing of how they came to be."""

from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt import root
from fedsync.crdt.books.booktables import BOOKS
from fedsync.crdt.goods.tables import BALANCES, RUNS, STORES
from fedsync.crdt.view import Draft, KeyRow, MemoryView, Row, Table
from fedsync.records.ids import Scope
from tests.crdt.naive_root import rooted_rows, state_root_of

SCOPES = [Scope(bytes([each]) * 16) for each in range(3)]

Change = tuple[Table, KeyRow, Row | None]

keys = st.tuples(st.sampled_from(SCOPES), st.integers(0, 30).map(lambda n: bytes([n]) * 32))
stores = st.tuples(
    st.just(STORES),
    keys.map(lambda key: (*key, bytes(32))),
    st.none() | st.tuples(st.sampled_from(["Granary", "Cellar"]), st.integers(0, 3)),
)
books = st.tuples(
    st.just(BOOKS),
    keys.map(lambda key: key[:1]),
    st.none() | st.tuples(st.just(b"b" * 32), st.just(b"h" * 32), st.integers(0, 3), st.booleans()),
)
runs = st.tuples(
    st.just(RUNS), keys.map(lambda key: (*key, bytes(32), bytes(32), 0)), st.just((1, 1, 1, 1, 1))
)
changes = st.lists(stores | books | runs)


def commit(view: MemoryView, batch: list[Change], ask: bool = False) -> None:
    """Make changes in one batch."""
    draft = Draft(view)
    for table, key, row in batch:
        if row is None:
            draft.drop(table, key)
        else:
            draft.put(table, key, row)
    root.note(draft)
    if ask:
        root.state_root(draft)
    view.commit(draft.changes)


def ask(view: MemoryView, *scopes: Scope) -> bytes:
    """Return the root, leaving what was computed in the view."""
    draft = Draft(view)
    found = root.state_root(draft, scopes or None)
    view.commit(draft.changes)
    return found


@given(st.lists(st.tuples(changes, st.booleans()), max_size=5))
def test_the_root_is_that_of_all_rooted_rows_however_they_came(
    batches: list[tuple[list[Change], bool]],
) -> None:
    view = MemoryView()
    for batch, asking in batches:
        commit(view, batch, asking)
    assert ask(view) == state_root_of(rooted_rows(view))
    assert ask(view) == ask(view)


@given(changes)
def test_what_is_put_and_taken_back_leaves_no_trace(batch: list[Change]) -> None:
    view, other = MemoryView(), MemoryView()
    commit(view, batch, ask=True)
    commit(view, [(table, key, None) for table, key, _ in batch])
    assert ask(view) == root.EMPTY == ask(other)
    assert not list(view.scan(root.LEAVES)) + list(view.scan(root.BUCKETS)) + list(view.scan(root.BODIES))


def test_each_body_has_a_root_of_its_own_and_others_do_not_change_it() -> None:
    view, other = MemoryView(), MemoryView()
    one: Change = (STORES, (SCOPES[0], b"s" * 32, b"l" * 32), ("Granary", 1))
    two: Change = (STORES, (SCOPES[1], b"s" * 32, b"l" * 32), ("Granary", 1))
    commit(view, [one, two])
    commit(other, [one])
    assert ask(view, SCOPES[0]) == ask(other)
    assert ask(view) != ask(other)
    assert root.body_root(Draft(view), SCOPES[0]) == root.body_root(Draft(other), SCOPES[0])
    assert root.body_root(Draft(other), SCOPES[1]) == root.EMPTY
    # A body that is followed and of which nothing is known changes nothing.
    assert ask(other, *SCOPES) == ask(other)


def test_every_cell_of_a_key_and_a_row_enters_the_root() -> None:
    def rooted(name: str = "Granary", seq: int = 1, id_: bytes = b"s" * 32) -> bytes:
        view = MemoryView()
        commit(view, [(STORES, (SCOPES[0], id_, b"l" * 32), (name, seq))])
        return ask(view)

    assert len({rooted(), rooted(name="Cellar"), rooted(seq=2), rooted(id_=b"t" * 32)}) == 4


def test_a_number_too_large_for_a_cell_has_a_root_too() -> None:
    view = MemoryView()
    row: Row = (str(2**70), None, None, None, None, 0, None, None, 0, str(2**70), 2, 5)
    commit(view, [(BALANCES, (SCOPES[0], b"s" * 32, b"i" * 32), row)])
    assert ask(view) == state_root_of(rooted_rows(view))
