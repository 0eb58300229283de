"""The one file and the one connection that writes it: open, begin, commit, close.

Touches the file, its WAL and a lock file beside it. The rules: one process holds the lock and has the only
connection that writes and checkpoints; a transaction takes the write lock when it begins; many blocks share one
commit, and nothing is acknowledged, shown or sent on before `commit` returns. `open_store` is for the writer;
whoever only reads uses `reading.open_reader`.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fedsync.records.block import Block
from fedsync.store import schema, views
from fedsync.store.acquaintances import Introductions, Removed
from fedsync.store.ahead import Ahead
from fedsync.store.blocks import Blocks
from fedsync.store.buckets import Buckets
from fedsync.store.carried import CarriedTables
from fedsync.store.errors import (
    StoreError,
    StoreExists,
    StoreLocked,
    StoreMissing,
    StoreReadOnly,
    guard,
    translated,
)
from fedsync.store.freshness import Freshnesses
from fedsync.store.intake import IntakeTable
from fedsync.store.journal import Journal, begin_journal
from fedsync.store.logs import Logs
from fedsync.store.meta import Meta
from fedsync.store.parked import Parked
from fedsync.store.peers import Followed, Invitations, Peers
from fedsync.store.places import Directory, begin_directory
from fedsync.store.relayed import Relayed
from fedsync.store.state import StateTables, TableLike

BUSY_SECONDS = 2.0
"""How long to wait for another program that has the file, say someone's look with a database tool."""

CHECKPOINT_PAGES = 4096
"""16 MiB of WAL, after which a commit brings it home into the file."""

WAL_LIMIT_BYTES = 64 * 1024 * 1024
"""Beyond this, kept from home by a reader, the WAL is emptied as soon as that reader lets go."""

CACHE_KIB = 16 * 1024
"""Pages that SQLite keeps in memory."""


class Store:
    """An open store. One caller at a time; it may be another thread each time (say, for the commit)."""

    def __init__(self, conn: sqlite3.Connection, path: Path, lock: int | None) -> None:
        self.conn = conn
        """The connection, for reading what has no method here. Writing through it goes around the rules."""
        self.path = path
        self._lock = lock
        self.writable = lock is not None
        self.meta = Meta(conn)
        self.blocks = Blocks(conn)
        self.buckets = Buckets(conn, saving=self.writable)
        self.journal = Journal(conn, writing=self.writable)
        self.logs = Logs(conn, self.blocks, self.buckets, self.journal)
        self.parked = Parked(conn)
        self.ahead = Ahead(conn)
        self.carried = CarriedTables(conn)
        self.peers = Peers(conn)
        self.invitations = Invitations(conn)
        self.removed = Removed(conn)
        self.introductions = Introductions(conn)
        self.followed = Followed(conn)
        self.relayed = Relayed(conn)
        self.intake = IntakeTable(conn)
        self.freshness = Freshnesses(conn)
        self.directory = Directory(self.meta, self.journal, self.peers)
        self._wal_tried = 0
        self._closed = False

    # --- Transactions ---------------------------------------------------------------------------------

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.conn.in_transaction

    def begin(self) -> None:
        """Open a transaction that writes. Raises StoreLocked when another program is writing."""
        if not self.writable:
            raise StoreReadOnly("this store was opened for reading only")
        with guard():
            # IMMEDIATE: a transaction that begins by reading and then finds another writer would fail in the
            # middle, at once, whatever the patience asked for.
            self.conn.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make the transaction durable. When this raises, nothing of the transaction is kept."""
        try:
            self.journal.flush()
            self.buckets.flush(self.journal.counter)
            self.conn.execute("COMMIT")
        except sqlite3.Error as error:
            self.rollback()
            raise translated(error) from error
        self.journal.settle()
        self._bound_wal()

    def rollback(self) -> None:
        """Leave the file as it was when the transaction began."""
        if self.conn.in_transaction:
            with guard():
                self.conn.execute("ROLLBACK")
        self.blocks.forget()
        self.logs.forget()
        self.buckets.forget()
        self.journal.forget()
        self.ahead.forget()

    @contextmanager
    def transaction(self) -> Iterator["Store"]:
        """Commit what is done within, or nothing of it."""
        self.begin()
        try:
            yield self
        except BaseException:
            self.rollback()
            raise
        self.commit()

    @contextmanager
    def snapshot(self) -> Iterator["Store"]:
        """See one state of the file in all that is read within, whatever is committed meanwhile.

        Keep it short: a snapshot held for long keeps the WAL from being emptied.
        """
        if self.conn.in_transaction:
            yield self
            return
        with guard():
            self.conn.execute("BEGIN DEFERRED")
        try:
            yield self
        finally:
            self.conn.execute("ROLLBACK")

    # --- State ----------------------------------------------------------------------------------------

    def state(self, tables: Iterable[TableLike], version: int = 1) -> StateTables:
        """Return the folded state in these tables; `version` is the fold's.

        If the file holds the state of other tables, or as another version left it, it is dropped and everything
        is to be folded again: `folded_upto` is 0. A store opened for reading changes nothing; ask `ready`.
        """
        found = StateTables(self.conn, self.meta, self.logs, tables)
        if self.writable and not found.ready(version):
            if self.in_transaction:
                found.prepare(version)
            else:
                with self.transaction():
                    found.prepare(version)
        return found

    def since(self, number: int) -> Iterator[tuple[int, Block]]:
        """Yield the blocks that came after block `number`, each with its number, in order."""
        for row in self.blocks.since(number):
            yield row.no, self.blocks.decode(row)

    def latest(self) -> Iterator[tuple[int, Block]]:
        """Yield the blocks with their numbers, the one that came last first."""
        for row in self.blocks.latest():
            yield row.no, self.blocks.decode(row)

    # --- The file -------------------------------------------------------------------------------------

    def wal_bytes(self) -> int:
        """Return the size of the WAL."""
        try:
            return os.stat(f"{self.path}-wal").st_size
        except OSError:
            return 0

    def checkpoint(self) -> bool:
        """Bring the WAL home and empty it; False when a reader keeps part of it from being emptied."""
        with guard():
            self.conn.execute("PRAGMA busy_timeout = 0")
            try:
                busy = self.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                self.conn.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
        return not busy

    def _bound_wal(self) -> None:
        size = self.wal_bytes()
        # After a failure try again when it has grown by another share, not at every commit.
        if size > WAL_LIMIT_BYTES and size > self._wal_tried + WAL_LIMIT_BYTES // 4:
            self._wal_tried = 0 if self.checkpoint() else size
        elif size < self._wal_tried:
            self._wal_tried = 0

    def close(self) -> None:
        """Close the file and give up the lock. An open transaction is rolled back; closing twice is no harm."""
        if self._closed:
            return
        self._closed = True
        try:
            if self.conn.in_transaction:
                self.rollback()
            if self.writable and self.buckets.unsaved:
                with self.transaction():
                    pass
        except StoreError:
            pass  # Bucket hashes are computed again; what matters was committed or never acknowledged.
        finally:
            self.conn.close()
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def create_store(path: Path, *, fingerprint: bytes, journal: bytes, incarnation: bytes) -> Store:
    """Make a store and return it, open for writing. Raises StoreExists when there is one.

    `journal` (8 bytes) and `incarnation` (16) are random; `fingerprint` says on which machine and inode it is.
    """
    lock = _take_lock(path)
    try:
        conn = _connect(path, "rwc")
        try:
            with guard():
                if schema.version(conn):
                    raise StoreExists("there is a store here already")
                conn.execute("PRAGMA journal_mode = WAL")
                _tune(conn)
                conn.execute("BEGIN IMMEDIATE")
                schema.migrate(conn)
                begin_journal(conn, journal)
                begin_directory(Meta(conn), fingerprint, incarnation)
                views.refresh(conn)
                conn.execute("COMMIT")
            return Store(conn, path, lock)
        except BaseException:
            conn.close()
            raise
    except BaseException:
        os.close(lock)
        raise


def open_store(path: Path, *, fingerprint: bytes, fresh_journal: bytes) -> Store:
    """Open a store for writing; `directory.place` says whether it is where it was.

    `fresh_journal` (8 random bytes) is taken when it is not. Raises StoreMissing, StoreLocked, StoreReadOnly,
    StoreTooNew, StoreForeign, StoreDamaged, StoreFull; then nothing was changed.
    """
    if not path.exists():
        raise StoreMissing(f"there is no store at {path}")
    lock = _take_lock(path)
    try:
        conn = _connect(path, "rw")
        try:
            with guard():
                if not schema.version(conn):
                    raise StoreMissing(f"the store at {path} was never finished: make it again")
                conn.execute("PRAGMA journal_mode = WAL")
                _tune(conn)
                conn.execute("BEGIN IMMEDIATE")
                schema.migrate(conn)
                store = Store(conn, path, lock)
                store.directory.arrive(fingerprint, fresh_journal)
                views.refresh(conn)
                conn.execute("COMMIT")
            return store
        except BaseException:
            conn.close()
            raise
    except BaseException:
        os.close(lock)
        raise


def _take_lock(path: Path) -> int:
    """Return the open lock file. The system lets go of the lock when this process ends, however it ends."""
    # Beside the file and not on it: closing any descriptor of the file itself would drop SQLite's own locks.
    name = f"{path}.lock"
    try:
        lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        raise StoreMissing(f"there is no directory {path.parent}") from None
    except OSError as error:
        raise StoreReadOnly(f"the store cannot be locked for writing: {error.strerror} ({name})") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StoreLocked("another fedsync writes to this store") from None
    return lock


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    with guard():
        # isolation_level None: no transaction that nobody asked for. Other threads may commit for the caller.
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )


def _tune(conn: sqlite3.Connection) -> None:
    for pragma in (
        "synchronous = FULL",
        f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        f"journal_size_limit = {WAL_LIMIT_BYTES}",
        f"cache_size = -{CACHE_KIB}",
        "cell_size_check = ON",
        "trusted_schema = OFF",
    ):
        conn.execute(f"PRAGMA {pragma}")
