"""Nothing acknowledged is lost: killed writers, second writers, full and read-only disks, damage."""

import fcntl
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

import fedsync.store.store as module
from fedsync.gossip.trie import node_hash
from fedsync.store import schema
from fedsync.store.errors import (
    StoreDamaged,
    StoreError,
    StoreExists,
    StoreForeign,
    StoreFull,
    StoreLocked,
    StoreMissing,
    StoreTooNew,
)
from fedsync.store.reading import open_reader
from fedsync.store.store import Store
from fedsync.store.verify import Fault, verify
from tests.store.authors import Author, keep, new_store, remount, reopened

HASH = partial(node_hash, depth=3)
ROOT = Path(__file__).parents[2]

WRITER = """
import os, sys
from functools import partial
from pathlib import Path
from fedsync.gossip.trie import node_hash
from tests.store.authors import Author, reopened
store = reopened(Path(sys.argv[1]))
ann = Author(sys.argv[2])
ann.base = store.logs.tip(ann.log)
round = 0
while True:
    round += 1
    with store.transaction():
        for block in ann.write_many([f"{round} {n}" for n in range(round * 37 % 300 + 1)]):
            store.logs.append(block)
        store.meta.set("last", ann.base.seq)
    os.write(1, b"%d\\n" % ann.base.seq)
    store.buckets.refresh(partial(node_hash, depth=3))
"""


def child(code: str, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def faults(store: Store) -> list[Fault]:
    return [each for each in verify(store) if isinstance(each, Fault)]


def test_a_writer_killed_again_and_again_loses_nothing_that_it_acknowledged(path: Path) -> None:
    new_store(path).close()
    rng = random.Random(7)
    ann = Author("ann")
    for _ in range(8):
        writer = child(WRITER, str(path), "ann")
        assert writer.stdout is not None
        said = 0
        for _ in range(rng.randint(1, 25)):
            said = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        # What it said before it died counts, even if nobody had listened yet.
        for line in writer.stdout.read().split(b"\n")[:-1]:
            said = int(line)
        writer.wait()
        writer.stdout.close()
        with reopened(path) as store:
            tip = store.logs.tip(ann.log)
            assert tip is not None
            assert tip.seq >= said
            assert store.meta.number("last") == tip.seq
            assert sum(block.count for block in store.logs.blocks(ann.log)) == tip.seq + 1
            assert store.logs.count() == tip.seq + 1
            (key,) = store.buckets.sets()
            (bucket,) = store.buckets.buckets(key, HASH).values()
            assert bucket.hash == HASH(store.buckets.items_of(ann.log))
    with reopened(path) as store:
        assert faults(store) == []


def test_a_second_writer_is_refused_while_the_first_lives_and_not_after(store: Store) -> None:
    with pytest.raises(StoreLocked):
        reopened(store.path)
    with pytest.raises(StoreLocked):
        new_store(store.path)
    code = "import sys\nfrom pathlib import Path\nfrom tests.store.authors import reopened\nreopened(Path(sys.argv[1]))"
    stranger = child(code + "\n", str(store.path))
    stranger.communicate()
    assert stranger.returncode != 0
    store.close()
    reopened(store.path).close()


def test_a_stranger_that_holds_the_file_is_waited_for_and_then_named(store: Store) -> None:
    store.conn.execute("PRAGMA busy_timeout = 0")
    stranger = sqlite3.connect(store.path, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreLocked):
        store.begin()
    stranger.execute("ROLLBACK")
    stranger.close()
    keep(store, Author().write("a"))


def test_what_is_not_committed_is_seen_by_nobody_else(store: Store) -> None:
    ann = Author()
    with open_reader(store.path) as reader:
        store.begin()
        store.logs.append(ann.write("a"))
        assert reader.logs.count() == 0
        store.commit()
        assert reader.logs.count() == 2


def test_a_transaction_that_fails_in_its_middle_leaves_nothing(store: Store) -> None:
    ann = Author()

    def fail() -> None:
        with store.transaction():
            store.logs.append(ann.write("a"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.logs.count() == 0
    assert store.conn.execute("SELECT count(*) FROM blocks").fetchone() == (0,)


def fill(store: Store, author: Author, blocks: int) -> None:
    for _ in range(blocks):
        keep(store, *author.write_many([os.urandom(60).hex() for _ in range(100)]))


def test_a_full_store_keeps_what_was_acknowledged_and_goes_on_when_there_is_room(store: Store) -> None:
    ann = Author()
    store.conn.execute("PRAGMA max_page_count = 200")
    with pytest.raises(StoreFull):
        fill(store, ann, 1000)
    held = store.logs.count()
    tip = store.logs.tip(ann.log)
    assert held > 500
    assert tip is not None
    assert tip.seq + 1 == held
    assert faults(store) == []
    store.conn.execute("PRAGMA max_page_count = 1000000")
    ann.base = tip
    keep(store, ann.write("there is room again"))
    assert store.logs.count() == held + 1


def test_a_full_disk_keeps_what_was_acknowledged_and_goes_on_when_there_is_room(small_disk: Path) -> None:
    ann = Author()
    with new_store(small_disk / "store.sqlite") as store:
        with pytest.raises(StoreFull):
            fill(store, ann, 1000)
        held = store.logs.count()
    with open_reader(small_disk / "store.sqlite") as reader:
        assert reader.logs.count() == held > 500
        assert faults(reader) == []
    remount(small_disk, "size=8m")
    with reopened(small_disk / "store.sqlite") as store:
        ann.base = store.logs.tip(ann.log)
        fill(store, ann, 3)
        assert faults(store) == []


def test_a_disk_that_others_filled_is_named_as_full_by_who_only_reads(small_disk: Path) -> None:
    with new_store(small_disk / "store.sqlite") as store:
        fill(store, Author(), 1)
    with suppress(OSError), (small_disk / "others").open("wb", 0) as others:
        while others.write(bytes(512)):
            pass
    assert shutil.disk_usage(small_disk).free == 0
    with pytest.raises(StoreFull, match="no room is left"):
        open_reader(small_disk / "store.sqlite")
    (small_disk / "others").unlink()
    with open_reader(small_disk / "store.sqlite") as reader:
        assert reader.logs.count() > 0


LIMITED = """
import os, resource, signal, sys
from pathlib import Path
from fedsync.store.errors import StoreError
from tests.store.authors import Author, keep, reopened
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = reopened(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
ann = Author()
try:
    while True:
        keep(store, *ann.write_many([os.urandom(60).hex() for _ in range(100)]))
        os.write(1, b"%d\\n" % ann.base.seq)
except StoreError as error:
    os.write(1, error.code.encode())
    os._exit(9)
"""


def test_a_quota_in_mid_write_is_an_error_of_the_store_and_loses_nothing(path: Path) -> None:
    new_store(path).close()
    writer = child(LIMITED, str(path))
    said = writer.communicate()[0].split(b"\n")
    assert writer.returncode == 9
    assert said[-1] in (b"store-failing", b"store-full")
    with reopened(path) as store:
        assert store.logs.count() >= int(said[-2]) + 1
        assert faults(store) == []


def test_the_wal_stays_bounded_though_a_reader_holds_it_open(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_PAGES", 20)
    monkeypatch.setattr(module, "WAL_LIMIT_BYTES", 200_000)
    ann = Author()
    with new_store(path) as store:
        keep(store, ann.write("a"))
        with open_reader(path) as reader, reader.snapshot():
            reader.logs.count()
            fill(store, ann, 60)
            assert store.wal_bytes() > 400_000
        largest = 0
        for _ in range(60):
            fill(store, ann, 1)
            largest = store.wal_bytes()
        assert largest <= 200_000


def test_a_newer_store_is_refused_with_a_clear_word_and_not_touched(store: Store) -> None:
    store.conn.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    path = store.path
    store.close()
    before = path.read_bytes()
    for attempt in (reopened, open_reader):
        with pytest.raises(StoreTooNew, match="newer fedsync") as refused:
            attempt(path)
        assert (refused.value.found, refused.value.known) == (schema.VERSION + 1, schema.VERSION)
    assert path.read_bytes() == before


def test_an_older_store_is_brought_up_to_date_in_one_step(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store, Author().write("a"))
    store.close()

    def broken(db: object) -> None:
        db.conn.execute("CREATE TABLE later (x)")  # type: ignore[attr-defined]
        raise ZeroDivisionError

    def later(db: object) -> None:
        db.table("later").create({"x": int})  # type: ignore[attr-defined]

    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
    with pytest.raises(ZeroDivisionError):
        reopened(store.path)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:-1], later))
    with reopened(store.path) as again:
        assert again.conn.execute("SELECT count(*) FROM later").fetchone() == (0,)
        assert again.logs.count() == 2
        assert schema.version(again.conn) == schema.VERSION


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    conn = sqlite3.connect(other)
    conn.execute("CREATE TABLE letters (x)")
    conn.close()
    text = tmp_path / "text"
    text.write_text("not a database at all, but long enough to be looked at " * 20)
    for path, kind in ((other, StoreForeign), (text, StoreDamaged)):
        before = path.read_bytes()
        for attempt in (reopened, open_reader, new_store):
            with pytest.raises(kind):
                attempt(path)
        assert path.read_bytes() == before


def test_where_there_is_no_store_none_is_made_by_opening(path: Path) -> None:
    for attempt in (reopened, open_reader):
        with pytest.raises(StoreMissing):
            attempt(path)
    assert not path.exists()
    with pytest.raises(StoreMissing):
        new_store(path.parent / "nowhere" / "store.sqlite")


def test_a_store_whose_making_was_cut_is_made_again_and_a_whole_one_is_not(path: Path) -> None:
    path.touch()
    for attempt in (reopened, open_reader):
        with pytest.raises(StoreMissing, match="never finished"):
            attempt(path)
    new_store(path).close()
    with pytest.raises(StoreExists):
        new_store(path)
    reopened(path).close()


def test_damage_in_a_block_is_found_when_it_is_read_and_when_all_is_verified(store: Store) -> None:
    ann = Author()
    keep(store, *ann.write_many([str(n) for n in range(300)]))
    path = store.path
    store.close()
    content = path.read_bytes()
    raw = ann.blocks[1].raw
    at = content.index(raw[-64:])
    path.write_bytes(content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :])
    with reopened(path) as again:
        with pytest.raises(StoreDamaged):
            list(again.logs.blocks(ann.log))
        assert [fault.block for fault in faults(again)] == [2, 3]


@pytest.mark.parametrize("seed", [*range(25), 177])
def test_damage_anywhere_is_a_plain_error_and_never_another_record(path: Path, seed: int) -> None:
    rng = random.Random(seed)
    ann = Author()
    with new_store(path) as store:
        keep(store, *ann.write_many([str(n) for n in range(300)]))
    content = bytearray(path.read_bytes())
    start = rng.randrange(len(content))
    content[start : start + 64] = rng.randbytes(64)
    path.write_bytes(content)
    ids = {id_ for block in ann.blocks for id_ in block.ids}
    with suppress(StoreError), reopened(path) as again:
        faults(again)
        for block in again.logs.blocks(ann.log):
            assert ids.issuperset(block.ids)


def test_the_lock_is_let_go_when_opening_fails(store: Store) -> None:
    store.conn.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    store.close()
    with pytest.raises(StoreTooNew):
        reopened(store.path)
    lock = os.open(f"{store.path}.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(lock)


def test_every_commit_is_synced_and_only_one_connection_checkpoints(store: Store) -> None:
    assert store.conn.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store.conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with open_reader(store.path) as reader:
        keep(store, Author().write("a"))
        size = store.wal_bytes()
        assert size > 0
        with pytest.raises(sqlite3.OperationalError):
            reader.conn.execute("DELETE FROM blocks")
    assert store.wal_bytes() == size
