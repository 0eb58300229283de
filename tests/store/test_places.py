"""A directory that was copied or restored forks nobody: each branch of what may happen to it."""

import shutil
from pathlib import Path

import pytest

from fedsync.records.ids import Key
from fedsync.store.errors import NotSettled
from fedsync.store.peers import Peer
from fedsync.store.places import Place
from fedsync.store.store import Store, open_store
from tests.store.authors import ELSEWHERE, HERE, Author, keep, reopened

MILL = Peer(Key(b"m" * 32), "Mill Lane")


def copied(store: Store, *, peers: bool = False) -> Store:
    """Return the store as it opens at another place."""
    if peers:
        with store.transaction():
            store.peers.put(MILL)
    store.close()
    return reopened(store.path, ELSEWHERE)


def test_a_new_directory_may_write(store: Store) -> None:
    assert store.directory.place is Place.SAME
    assert store.directory.may_write_own_logs()
    assert store.directory.incarnation == bytes(16)


def test_a_directory_that_opens_where_it_was_goes_on_with_its_journal(store: Store) -> None:
    keep(store, Author().write("a"))
    store.close()
    with reopened(store.path) as again:
        assert again.directory.place is Place.SAME
        assert (again.journal.id, again.journal.counter) == (b"journal1", 1)


def test_a_copied_directory_has_a_new_journal_and_may_not_write(store: Store) -> None:
    with copied(store) as copy:
        assert copy.directory.place is Place.COPIED
        assert copy.journal.id == b"journal2"
        may = copy.directory.may_write_own_logs()
        assert not may
        assert "copied" in may.reason
        assert "sync with a peer first" in may.reason


def test_a_copied_directory_stays_unsettled_when_it_is_opened_again(store: Store) -> None:
    copied(store).close()
    with open_store(store.path, fingerprint=ELSEWHERE, fresh_journal=b"journal3") as again:
        assert again.directory.place is Place.COPIED
        assert again.journal.id == b"journal2"


def test_the_original_of_a_copy_goes_on_as_before(store: Store, tmp_path: Path) -> None:
    path = store.path
    store.close()
    other = tmp_path / "copy.sqlite"
    shutil.copy(path, other)
    with reopened(other, ELSEWHERE) as copy, reopened(path) as original:
        assert not copy.directory.may_write_own_logs()
        assert original.directory.may_write_own_logs()
        assert copy.journal.id != original.journal.id


def test_a_directory_behind_what_a_peer_remembers_may_not_write(store: Store) -> None:
    with store.transaction():
        store.directory.note_rollback(b"journal3")
    assert store.directory.place is Place.RESTORED
    assert store.journal.id == b"journal3"
    assert "restored" in store.directory.may_write_own_logs().reason
    store.close()
    with reopened(store.path) as again:
        assert again.directory.place is Place.RESTORED


def test_a_second_rollback_asks_for_another_pull(store: Store) -> None:
    with store.transaction():
        store.directory.note_rollback(b"journal3")
        store.directory.note_synced()
        store.directory.note_rollback(b"journal4")
    assert store.directory.place is Place.RESTORED
    assert not store.directory.has_pulled
    assert store.journal.id == b"journal4"


def test_a_restored_directory_that_is_then_moved_must_pull_again(store: Store) -> None:
    with store.transaction():
        store.directory.note_rollback(b"journal3")
        store.directory.note_synced()
    with copied(store) as moved:
        assert moved.directory.place is Place.COPIED
        assert not moved.directory.has_pulled


@pytest.mark.parametrize("way", ["old machine gone", "new incarnation"])
def test_nothing_is_settled_before_a_sync_with_a_peer(store: Store, way: str) -> None:
    with copied(store, peers=True) as copy:

        def settle(no_peers: bool = False) -> None:
            with copy.transaction():
                if way == "old machine gone":
                    copy.directory.settle_old_machine_gone(no_peers=no_peers)
                else:
                    copy.directory.settle_new_incarnation(b"n" * 16, no_peers=no_peers)

        with pytest.raises(NotSettled, match="sync first"):
            settle()
        with pytest.raises(NotSettled, match="Mill Lane"):
            settle(no_peers=True)
        assert copy.directory.place is Place.COPIED
        assert copy.directory.incarnation == bytes(16)
        with copy.transaction():
            copy.directory.note_synced()
        assert "old machine" in copy.directory.may_write_own_logs().reason
        settle()
        assert copy.directory.may_write_own_logs()


def test_without_peers_the_operators_word_is_enough(store: Store) -> None:
    with copied(store) as copy:
        with copy.transaction():
            copy.directory.settle_old_machine_gone(no_peers=True)
        assert copy.directory.may_write_own_logs()


def test_when_the_old_machine_is_gone_the_old_logs_go_on_from_what_peers_hold(store: Store) -> None:
    ann = Author()
    keep(store, ann.write("a"))
    with copied(store, peers=True) as copy:
        later = ann.write("written after the backup, held by peers")
        keep(copy, later)
        with copy.transaction():
            copy.directory.note_synced()
            copy.directory.settle_old_machine_gone()
        assert copy.directory.incarnation == bytes(16)
        assert copy.logs.tip(ann.log) == ann.base
        copy.close()
        with reopened(copy.path, ELSEWHERE) as again:
            assert again.directory.may_write_own_logs()
            assert again.journal.id == b"journal2"


def test_when_the_old_machine_lives_on_new_logs_begin_under_a_new_incarnation(store: Store) -> None:
    with copied(store, peers=True) as copy:
        with copy.transaction():
            copy.directory.note_synced()
            with pytest.raises(ValueError):
                copy.directory.settle_new_incarnation(bytes(16))
            with pytest.raises(ValueError):
                copy.directory.settle_new_incarnation(b"short")
            copy.directory.settle_new_incarnation(b"n" * 16)
        assert copy.directory.incarnation == b"n" * 16
        assert copy.directory.may_write_own_logs()


def test_moving_back_is_a_move_like_any_other(store: Store) -> None:
    copied(store).close()
    with open_store(store.path, fingerprint=HERE, fresh_journal=b"journal3") as back:
        assert back.directory.place is Place.COPIED
        assert back.journal.id == b"journal3"


def test_a_settled_directory_needs_no_settling(store: Store) -> None:
    with store.transaction():
        store.directory.settle_old_machine_gone()
        store.directory.note_synced()
    assert store.directory.place is Place.SAME
    assert not store.directory.has_pulled
