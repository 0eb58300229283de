"""What is kept of how fresh the knowledge of each body is."""

from pathlib import Path

from fedsync.records.ids import Key, Scope
from fedsync.store.freshness import Freshness, Seen, Told
from fedsync.store.store import create_store, open_store

ONE, TWO, NODE, PEER = Scope(b"1" * 16), Scope(b"2" * 16), Key(b"n" * 32), Key(b"p" * 32)


def test_what_was_seen_and_told_of_a_body_is_there_again_after_a_start(tmp_path: Path) -> None:
    seen, both = Freshness(Seen(5, NODE)), Freshness(Seen(7, NODE), Told(9, PEER, 3))
    with create_store(
        tmp_path / "store.db", fingerprint=b"", journal=b"journal1", incarnation=b"i" * 16
    ) as store:
        assert store.freshness.get(ONE) == Freshness()
        with store.transaction():
            store.freshness.put(ONE, seen)
            store.freshness.put(TWO, Freshness(told=Told(1, PEER, 1)))
            store.freshness.put(TWO, both)
    with open_store(tmp_path / "store.db", fingerprint=b"", fresh_journal=b"journal2") as store:
        assert store.freshness.all() == {ONE: seen, TWO: both}
        assert store.freshness.get(TWO) == both
