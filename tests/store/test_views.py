"""Anyone can open the file read-only with the tools they have, and read it."""

import re
import sqlite3

import pytest
from sqlite_utils import Database

from fedsync.crdt import fold
from fedsync.crdt.books import booktables
from fedsync.crdt.goods import tables
from fedsync.crdt.view import KeyRow, Row, Table
from fedsync.records.ids import NO_LOT, Key, PageId, Scope
from fedsync.store import views
from fedsync.store.acquaintances import Introduction, Removal
from fedsync.store.peers import FollowedBody, Invitation, Peer
from fedsync.store.store import Store
from tests.store.authors import SCOPE, Author, keep, reopened

NOW = 1_700_000_000_000
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
ANN = Author("ann")
PAGE, RECORD, GRANARY, MAIZE = (bytes((number,)) * 32 for number in range(1, 5))

DECISION = booktables.DECISIONS
STATE = fold.TABLES


def filled(table: Table, key: KeyRow, **cells: bytes | int | str | None) -> tuple[tuple[Table, KeyRow], Row]:
    """Return a change whose row has these cells and nothing else."""
    assert set(cells) <= set(table.columns)
    return (table, key), tuple(cells.get(column) for column in table.columns)


@pytest.fixture
def full(store: Store) -> Store:
    """A store with a row for each view."""
    state = store.state(STATE)
    key = ANN.genesis.key
    rows = [
        filled(booktables.STATUSES, (SCOPE, PAGE), number=3, status="sealed", certified=1),
        filled(
            booktables.PAGES, (PAGE,), number=3, body=PAGE, scope=SCOPE, repair=0, carrier=RECORD, payload=b""
        ),
        filled(booktables.RECORDS, (RECORD,), log=ANN.log, seq=1, branch=0, kind="signature", page=PAGE),
        filled(booktables.VERDICTS, (SCOPE, RECORD), page=PAGE, status="stands"),
        filled(booktables.PEOPLE, (SCOPE, key, RECORD), name="Ann Field", said_by=key, time=NOW),
        filled(booktables.SEATS, (SCOPE, key), standing="seat", number=0),
        filled(booktables.BOOKS, (SCOPE,), body=PAGE, head=PAGE, number=3, frozen=0),
        filled(booktables.KNOWN, (PAGE,), scope=SCOPE, body=PAGE, number=3, repair=0, epoch=PAGE, level=0),
        filled(booktables.NAMES, (PAGE,), name="Oakfield"),
        filled(DECISION, (PAGE, 1), title="Share the mill"),
        filled(tables.STORES, (SCOPE, GRANARY, ANN.log), name="Granary", seq=1),
        filled(tables.ITEMS, (SCOPE, MAIZE, ANN.log), name="maize", unit="g", seq=2),
        filled(tables.COUNTS, (SCOPE, GRANARY, MAIZE, NO_LOT, NOW, ANN.log, 5), id=RECORD, quantity=500),
        filled(
            tables.BALANCES,
            (SCOPE, GRANARY, MAIZE, NO_LOT),
            on_hand=510,
            unexplained=-3,
            counted_at=NOW,
            counted=500,
            contested=0,
            between=0,
            after=10,
            events=4,
            latest=NOW + 1000,
        ),
    ]
    ann = Author("ann")
    with store.transaction():
        state.write(dict(rows))
        store.followed.add(FollowedBody(SCOPE, PageId(PAGE), "as a peer calls it", "own", None, NOW))
        store.peers.put(Peer(Key(b"m" * 32), "Mill Lane", ("mill:7001",), since=NOW, last_contact=NOW))
        store.invitations.add(Invitation(b"t" * 32, "Quarry", NOW))
        store.removed.add(Removal(Key(b"r" * 32), "Hill Farm", NOW))
        store.introductions.add(
            Introduction(Key(b"n" * 32), Key(b"m" * 32), "Quarry", ("q:1",), None, None, NOW)
        )
    keep(store, ann.write("a"))
    return store


def test_every_view_shows_its_row_to_plain_sqlite(full: Store) -> None:
    conn = sqlite3.connect(f"{full.path.as_uri()}?mode=ro", uri=True)
    conn.row_factory = sqlite3.Row
    names = [
        name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY 1")
    ]
    assert names == sorted(view.name for view in views.VIEWS)
    shown = {name: [dict(row) for row in conn.execute(f"SELECT * FROM {name}")] for name in names}
    conn.close()
    for name, rows in shown.items():
        assert len(rows) == 1, name
        for column, cell in rows[0].items():
            assert cell is None or isinstance(cell, int | str), (name, column)
            if column in ("since", "until", "last_contact", "time", "at", "last_count", "latest") and cell:
                assert ISO.fullmatch(str(cell)), (name, column, cell)
    assert shown["v_stock"][0] | {"store_id": 0, "item_id": 0} == {
        "body": "Oakfield",
        "store": "Granary",
        "item": "maize",
        "lot": None,
        "on_hand": 510,
        "unit": "g",
        "unexplained": -3,
        "last_count": "2023-11-14T22:13:20Z",
        "counted": 500,
        "contested": "no",
        "movements": 4,
        "latest": "2023-11-14T22:13:21Z",
        "store_id": 0,
        "item_id": 0,
    }
    assert shown["v_decisions"][0] == {
        "body": "Oakfield",
        "title": "Share the mill",
        "status": "in_force",
        "page_number": 3,
        "page": "01010101",
        "entry": 1,
    }
    (page,) = shown["v_pages"]
    assert (page["status"], page["drafted_by"], page["certified"]) == ("sealed", "Ann Field", "yes")
    (voice,) = shown["v_signatures"]
    assert (voice["by"], voice["status"], voice["page_number"]) == ("Ann Field", "stands", 3)
    (count,) = shown["v_counts"]
    assert (count["store"], count["item"], count["by"], count["quantity"]) == (
        "Granary",
        "maize",
        "Ann Field",
        500,
    )
    (log,) = shown["v_logs"]
    assert (log["body"], log["class"], log["records"], log["last_seq"]) == ("Oakfield", "facts", 2, 1)
    assert shown["v_seats"][0]["name"] == "Ann Field"


def test_a_body_whose_book_is_not_here_is_called_as_it_was_announced(full: Store) -> None:
    with full.transaction():
        full.followed.add(FollowedBody(Scope(b"m" * 16), PageId(RECORD), "Mill Lane", "peer", None, NOW))
        full.followed.add(FollowedBody(Scope(b"q" * 16), PageId(MAIZE), None, "announced", None, NOW))
    names = [name for (name,) in full.conn.execute("SELECT name FROM v_bodies").fetchall()]
    assert names == ["Oakfield", "Mill Lane", "04040404"]


def test_every_view_shows_its_row_to_sqlite_utils(full: Store) -> None:
    full.close()
    db = Database(full.path, execute_plugins=False)
    assert sorted(db.view_names()) == sorted(view.name for view in views.VIEWS)
    for view in db.views:
        assert view.count == 1
        assert len(list(view.rows)) == 1
    db.close()


def test_views_over_the_state_wait_for_its_tables(store: Store) -> None:
    def names() -> set[str]:
        rows = store.conn.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall()
        return {name for (name,) in rows}

    assert {"v_peers", "v_blocks"} <= names()
    assert "v_stock" not in names()
    store.state(STATE)
    assert names() == {view.name for view in views.VIEWS}


def test_views_are_made_again_when_their_text_changes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.conn.execute("CREATE VIEW v_old AS SELECT 1")
    assert not views.refresh(store.conn)
    changed = tuple(
        view._replace(query="SELECT 1 AS one") if view.name == "v_blocks" else view for view in views.VIEWS
    )
    monkeypatch.setattr(views, "VIEWS", changed)
    store.close()
    with reopened(store.path) as again:
        assert again.conn.execute("SELECT * FROM v_blocks").fetchall() == [(1,)]
        assert not again.conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'v_old'").fetchall()
