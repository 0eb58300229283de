"""Reading beside the daemon, without it, and from a disk that cannot be written."""

from pathlib import Path

import pytest

from fedsync.store.errors import StoreReadOnly
from fedsync.store.reading import open_reader
from fedsync.store.store import Store
from tests.store.authors import Author, keep, new_store, remount, reopened


@pytest.mark.parametrize("left", ["nothing", "wal and index", "wal"])
def test_a_read_only_disk_is_read_and_not_written(small_disk: Path, tmp_path: Path, left: str) -> None:
    ann = Author()
    path = small_disk / "store.sqlite"
    store = new_store(path)
    keep(store, ann.write("a"))
    names = {"nothing": [], "wal and index": ["-wal", "-shm"], "wal": ["-wal"]}[left]
    kept = {name: Path(f"{path}{name}").read_bytes() for name in ["", *names]}
    store.close()
    for name in ("-wal", "-shm"):
        Path(f"{path}{name}").unlink(missing_ok=True)
    if names:
        for name, content in kept.items():
            Path(f"{path}{name}").write_bytes(content)
    remount(small_disk, "ro")
    with open_reader(path) as reader:
        assert reader.logs.count() == 2
        assert [block.raw for block in reader.logs.blocks(ann.log)] == [ann.blocks[0].raw]
        with pytest.raises(StoreReadOnly):
            reader.begin()
    with pytest.raises(StoreReadOnly):
        reopened(path)


def test_a_reader_sees_one_state_within_a_snapshot(store: Store) -> None:
    ann = Author()
    keep(store, ann.write("a"))
    with open_reader(store.path) as reader:
        with reader.snapshot():
            assert reader.logs.count() == 2
            keep(store, ann.write("b"))
            assert reader.logs.count() == 2
        assert reader.logs.count() == 3


def test_a_reader_needs_no_daemon_and_leaves_the_store_usable(store: Store) -> None:
    keep(store, Author().write("a"))
    store.close()
    for _ in range(2):
        with open_reader(store.path) as reader:
            assert reader.logs.count() == 2
    reopened(store.path).close()
