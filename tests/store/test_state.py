"""The folded state in the file is what the same changes make in memory."""

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.view import Draft, KeyRow, MemoryView, Row, Table, View
from fedsync.store.errors import StoreError
from fedsync.store.reading import open_reader
from fedsync.store.store import Store
from tests.store.authors import Author, keep, new_store, reopened

STOCK = Table("stock", ("store", "item"), ("on_hand", "note", "id"), rooted=True)
SEEN = Table("seen", ("log", "seq"), ())
WORDS = Table("group", ("order",), ("values",))
TABLES = (STOCK, SEEN, WORDS)

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3)
numbers = st.integers(-(2**63), 2**63 - 1)
cells = st.none() | numbers | texts | st.binary(max_size=3)
changes = st.one_of(
    st.tuples(
        st.just(STOCK), st.tuples(st.binary(max_size=2), texts), st.none() | st.tuples(cells, cells, cells)
    ),
    st.tuples(st.just(SEEN), st.tuples(st.binary(max_size=2), st.integers(0, 5)), st.none() | st.just(())),
    st.tuples(st.just(WORDS), st.tuples(numbers | st.integers(0, 3)), st.none() | st.tuples(cells)),
)


@given(st.lists(st.lists(changes, max_size=12), max_size=5))
def test_the_tables_in_the_file_are_those_in_memory(
    batches: list[list[tuple[Table, KeyRow, Row | None]]],
) -> None:
    with tempfile.TemporaryDirectory() as place, new_store(Path(place, "store")) as store:
        state, memory = store.state(TABLES), MemoryView()
        for batch in batches:
            draft = Draft(state)
            for table, key, row in batch:
                if row is None:
                    draft.drop(table, key)
                else:
                    draft.put(table, key, row)
            with store.transaction():
                state.write(draft.changes)
            memory.commit(draft.changes)
        for table in TABLES:
            rows = list(memory.scan(table))
            assert list(state.scan(table)) == rows
            for key, row in rows:
                assert state.get(table, key) == row
                for n in range(len(key) + 1):
                    assert list(state.scan(table, key[:n])) == list(memory.scan(table, key[:n]))
        assert state.get(WORDS, (12345,)) == memory.get(WORDS, (12345,))


def test_a_store_is_a_view_for_folds(store: Store) -> None:
    view: View = store.state(TABLES)
    ann = Author()
    keep(store, ann.write("a"), ann.write("b"), ann.write("c"))
    assert [block.raw for block in view.blocks(ann.log)] == [block.raw for block in ann.blocks]
    assert [block.first for block in view.blocks(ann.log, 2)] == [2, 3]


def test_changes_and_how_far_the_fold_is_are_one_with_the_blocks(store: Store) -> None:
    state = store.state(TABLES)
    ann = Author()
    with store.transaction():
        done = store.logs.append(ann.write("a"))
        assert done.number is not None
        state.write({(STOCK, (b"s", "i")): (1, None, None)})
        state.fold_done(done.number)
    store.begin()
    done = store.logs.append(ann.write("b"))
    assert done.number is not None
    state.write({(STOCK, (b"s", "i")): (2, None, None)})
    state.fold_done(done.number)
    store.rollback()
    assert state.get(STOCK, (b"s", "i")) == (1, None, None)
    assert state.folded_upto == 1
    assert list(store.since(state.folded_upto)) == []


def test_the_state_survives_and_is_made_anew_when_the_fold_changes(store: Store) -> None:
    state = store.state(TABLES, version=1)
    with store.transaction():
        state.write({(SEEN, (b"l", 3)): ()})
        state.fold_done(9)
    store.close()
    with reopened(store.path) as again:
        same = again.state(TABLES, version=1)
        assert same.get(SEEN, (b"l", 3)) == ()
        assert same.folded_upto == 9
    with open_reader(store.path) as reader:
        assert reader.state(TABLES, version=1).ready(1)
        assert not reader.state(TABLES, version=2).ready(2)
        assert not reader.state(TABLES[:2], version=1).ready(1)
    with reopened(store.path) as again:
        newer = again.state(TABLES, version=2)
        assert newer.get(SEEN, (b"l", 3)) is None
        assert newer.folded_upto == 0


def test_dropping_the_state_keeps_the_blocks(store: Store) -> None:
    state = store.state(TABLES)
    ann = Author()
    keep(store, ann.write("a"))
    with store.transaction():
        state.write({(WORDS, (1,)): ("x",)})
        state.drop_state()
        assert state.prepare(1)
    assert list(state.scan(WORDS)) == []
    assert state.folded_upto == 0
    assert store.logs.count() == 2


def test_names_that_are_no_words_are_refused(store: Store) -> None:
    for table in (Table("a b", ("k",), ()), Table("a", ('k"',), ()), Table("a", ("k",), ("x;y",))):
        with pytest.raises(StoreError):
            store.state([table])


def test_a_thousand_rows_at_once_keep_their_order(store: Store) -> None:
    state = store.state(TABLES)
    keys = [(number.to_bytes(2, "big"), "i") for number in range(1000)]
    random.Random(1).shuffle(keys)
    with store.transaction():
        state.write({(STOCK, key): (1, None, None) for key in keys})
        state.write({(STOCK, key): None for key in keys[:500]})
    assert [key for key, _ in state.scan(STOCK)] == sorted(keys[500:])
