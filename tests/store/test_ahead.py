"""Blocks that came ahead wait within bounds, and are let go by what they follow."""

import pytest

from fedsync.records.block import BlockHead
from fedsync.records.ids import Key, LogId, RecordId
from fedsync.store import ahead
from fedsync.store.store import Store

LOG = LogId(b"l" * 32)
ONE, TWO = Key(b"1" * 32), Key(b"2" * 32)


def name(seq: int) -> RecordId:
    return RecordId(seq.to_bytes(32, "big"))


def head(first: int, prev: RecordId | None = None) -> BlockHead:
    return BlockHead(LOG, first, 2, prev or name(first - 1))


def test_only_what_follows_a_record_that_came_is_let_go(store: Store) -> None:
    with store.transaction():
        for first in (3, 5, 9):
            assert store.ahead.keep(head(first), ONE, bytes((first,)), 100)
        store.ahead.keep(head(5, name(77)), ONE, b"of another branch", 100)
        found, rest = store.ahead.release(
            LOG, ahead.At(2), 5, lambda at, prev: prev == name(at - 1), ahead.Slice()
        )
    assert rest is None
    assert sorted(each.raw for each in found) == [b"\3", b"\5"]
    assert store.ahead.spans() == {LOG: [(5, 6), (9, 10)]}
    assert store.ahead.waits(LOG)


@pytest.mark.parametrize("room", [ahead.Slice(size=2), ahead.Slice(records=3), ahead.Slice(looks=2)])
def test_no_more_is_let_go_than_there_is_room_for_and_the_rest_begins_where_it_is_said(
    store: Store, room: ahead.Slice
) -> None:
    with store.transaction():
        for first in (3, 5, 7, 9):
            store.ahead.keep(head(first), ONE, bytes((first,)), 100)
        found, rest = store.ahead.release(LOG, ahead.At(1), 9, lambda at, prev: prev == name(at - 1), room)
        assert ([each.raw for each in found], rest) == ([b"\3", b"\5"], (7, 3))
        assert store.ahead.release(LOG, ahead.At(1), 9, lambda at, prev: True, room) == ([], (7, 3)), (
            "it is full"
        )
        found, rest = store.ahead.release(LOG, ahead.At(7, 3), 9, lambda at, prev: True, ahead.Slice())
    assert ([each.raw for each in found], rest) == ([b"\7", b"\t"], None)
    assert store.ahead.spans() == {}


def test_the_same_again_takes_no_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "AHEAD_EACH", 20)
    with store.transaction():
        for _ in range(3):
            assert store.ahead.keep(head(3), ONE, b"6 here", 100)
        assert not store.ahead.keep(head(5), ONE, b"6 more", 100)
        assert store.ahead.keep(head(5), TWO, b"6 more", 100)


def test_all_who_bring_together_have_a_bound(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "AHEAD_BYTES", 20)
    with store.transaction():
        assert store.ahead.keep(head(3), ONE, b"6 here", 100)
        assert not store.ahead.keep(head(5), TWO, b"6 more", 100)
        store.ahead.release(LOG, ahead.At(3), 3, lambda at, prev: prev == name(2), ahead.Slice())
        assert store.ahead.keep(head(5), TWO, b"6 more", 100)


def test_what_nobody_can_check_has_a_part_of_the_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "AHEAD_EACH", 20)
    monkeypatch.setattr(ahead, "AHEAD_BYTES", 36)
    with store.transaction():
        assert store.ahead.keep(head(3), ONE, b"10 of one.", 100)
        assert not store.ahead.keep(head(5), ONE, b"more", 100), "half of its own"
        assert store.ahead.keep(head(5), TWO, b"8 of two", 100)
        assert not store.ahead.keep(head(7), TWO, b"1", 100), "half of all"
        assert store.ahead.keep(head(5), ONE, b"10, signed", 100, proven=True)
        assert not store.ahead.keep(head(7), ONE, b"1", 100, proven=True)
        assert store.ahead.keep(head(7), TWO, b"8 signed", 100, proven=True)
        found, _ = store.ahead.release(LOG, ahead.At(3), 3, lambda at, prev: True, ahead.Slice())
        assert len(found) == 1
        assert store.ahead.keep(head(9), ONE, b"10 of one.", 100)
        store.ahead.forget()
        assert not store.ahead.keep(head(11), ONE, b"more", 100), "as it was read again"


def test_what_is_signed_waits_beside_any_number_of_made_up_ones_for_the_same_record(store: Store) -> None:
    with store.transaction():
        for at in range(2 * ahead.AHEAD_SAME):
            store.ahead.keep(head(3), ONE, b"%d" % at, 100)
        assert store.ahead.keep(head(3), ONE, b"signed", 100, proven=True)


def test_what_waits_too_long_is_forgotten(store: Store) -> None:
    with store.transaction():
        store.ahead.keep(head(3), ONE, b"old", 100)
        store.ahead.keep(head(5), ONE, b"new", 200)
        assert store.ahead.expire(150) == 1
    assert store.ahead.spans() == {LOG: [(5, 6)]}


def test_what_a_dropped_batch_kept_is_not_waited_for(store: Store) -> None:
    store.begin()
    store.ahead.keep(head(3), ONE, b"raw", 100)
    store.rollback()
    assert not store.ahead.waits(LOG)


def test_what_waited_over_a_restart_is_let_go_as_well(store: Store) -> None:
    with store.transaction():
        store.ahead.keep(head(3), ONE, b"raw", 100)
    store.ahead.forget()
    with store.transaction():
        assert store.ahead.release(LOG, ahead.At(3), 3, lambda at, prev: prev == name(2), ahead.Slice())[
            0
        ] == [ahead.Early(ONE, b"raw")]
    assert not store.ahead.waits(LOG)


def test_of_what_follows_one_record_each_who_brings_it_has_so_many_waiting(store: Store) -> None:
    with store.transaction():
        kept = [store.ahead.keep(head(3), ONE, b"%d" % at, 100) for at in range(100)]
        assert kept == [True] * ahead.AHEAD_SAME + [False] * (100 - ahead.AHEAD_SAME)
        assert store.ahead.keep(head(3), ONE, b"0", 200)
        assert store.ahead.keep(head(3), TWO, b"the true one", 100)
        assert store.ahead.keep(head(5), ONE, b"another place", 100)
        assert (
            len(store.ahead.release(LOG, ahead.At(3), 3, lambda at, prev: prev == name(2), ahead.Slice())[0])
            == ahead.AHEAD_SAME + 1
        )
