"""Reading without the daemon, beside it, and from a medium that cannot be written.

Touches the file for reading only, and a temporary copy when there is no other way. A reader never checkpoints
and never waits for the writer.
"""

import shutil
import sqlite3
import tempfile
from pathlib import Path

from fedsync.store import schema
from fedsync.store.errors import StoreMissing, guard
from fedsync.store.store import BUSY_SECONDS, Store


class Reader(Store):
    """A store opened for reading only: all that asks works, and `begin` raises StoreReadOnly."""

    def __init__(
        self, conn: sqlite3.Connection, path: Path, copy: "tempfile.TemporaryDirectory[str] | None"
    ) -> None:
        super().__init__(conn, path, None)
        self._copy = copy

    def close(self) -> None:
        """Close the file, and remove the copy if one was made."""
        super().close()
        if self._copy is not None:
            self._copy.cleanup()


def open_reader(path: Path) -> Reader:
    """Open a store for reading only. Raises StoreMissing, StoreTooNew, StoreForeign, StoreDamaged."""
    if not path.exists():
        raise StoreMissing(f"there is no store at {path}")
    with guard():
        try:
            return _open(path, path, "mode=ro")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
        # SQLite wants to make the WAL's index beside the file and cannot: nobody can write here, or not we.
        wal = Path(f"{path}-wal")
        if not wal.exists() or wal.stat().st_size == 0:
            return _open(path, path, "mode=ro&immutable=1")
        # What the WAL holds was acknowledged, so the file alone would be an older state than was promised.
        copy = tempfile.TemporaryDirectory(prefix="fedsync-")
        try:
            shutil.copyfile(path, Path(copy.name, path.name))
            shutil.copyfile(wal, Path(copy.name, path.name + "-wal"))
            return _open(path, Path(copy.name, path.name), "mode=rw", copy)
        except BaseException:
            copy.cleanup()
            raise


def _open(path: Path, file: Path, how: str, copy: "tempfile.TemporaryDirectory[str] | None" = None) -> Reader:
    conn = sqlite3.connect(
        f"{file.absolute().as_uri()}?{how}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        conn.execute("PRAGMA query_only = ON")
        conn.execute("PRAGMA trusted_schema = OFF")
        if not schema.version(conn):
            raise StoreMissing(f"the store at {path} was never finished")
        return Reader(conn, path, copy)
    except BaseException:
        conn.close()
        raise
