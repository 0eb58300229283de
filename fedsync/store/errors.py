"""What a store can refuse, and in which words: errors that the operator must act on.

Touches nothing. A store error stops the daemon; it is never logged and passed over, since a node that goes on
after a failed write would acknowledge what it has not kept.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class StoreError(Exception):
    """The store cannot do what was asked. `code` is stable; the message is a plain sentence."""

    code = "store"


class StoreMissing(StoreError):
    """There is no store here: make one first."""

    code = "store-missing"


class StoreExists(StoreError):
    """There is a store here already; nothing was changed."""

    code = "store-exists"


class StoreLocked(StoreError):
    """Another fedsync writes to this store: stop it, or write through it."""

    code = "store-locked"


class StoreReadOnly(StoreError):
    """The file or its directory may not be written."""

    code = "store-read-only"


class StoreFull(StoreError):
    """There is no room left; nothing that was acknowledged is lost. Make room and start again."""

    code = "store-full"


class StoreDamaged(StoreError):
    """The file is not what was written to it: restore a backup, or let peers fill a new one."""

    code = "store-damaged"


class StoreFailing(StoreError):
    """The disk, or the system below it, answered with an error."""

    code = "store-failing"


class StoreForeign(StoreError):
    """The file is a database, but not one of fedsync's."""

    code = "store-foreign"


class StoreTooNew(StoreError):
    """A later fedsync wrote this store. `found` is its version, `known` the latest that this program knows."""

    code = "store-too-new"

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"the store has version {found}, and this fedsync knows versions up to {known}: "
            "use the newer fedsync that wrote it; nothing was changed"
        )
        self.found, self.known = found, known


class NotSettled(StoreError):
    """Whose logs this directory may go on with is not settled yet. The message says what to do first."""

    code = "place-not-settled"


_BY_RESULT: dict[int, tuple[type[StoreError], str]] = {
    sqlite3.SQLITE_BUSY: (StoreLocked, "another program is writing to the store"),
    sqlite3.SQLITE_LOCKED: (StoreLocked, "another program is writing to the store"),
    sqlite3.SQLITE_READONLY: (StoreReadOnly, "the store may only be read: look at its owner and permissions"),
    sqlite3.SQLITE_PERM: (StoreReadOnly, "the store may not be opened: look at its owner and permissions"),
    sqlite3.SQLITE_FULL: (StoreFull, "no room is left for the store; what was acknowledged is kept"),
    sqlite3.SQLITE_CORRUPT: (StoreDamaged, "the store's file is damaged"),
    sqlite3.SQLITE_NOTADB: (StoreDamaged, "the store's file is no database: it is damaged, or another file"),
    sqlite3.SQLITE_CANTOPEN: (StoreReadOnly, "the store cannot be opened: look at its directory"),
}


def translated(error: sqlite3.Error) -> StoreError:
    """Return the store error that says what `error` means to an operator."""
    whole = getattr(error, "sqlite_errorcode", 0)
    # Who reads only needs some room too, for the file in which readers and the writer share what they know of the log.
    result = sqlite3.SQLITE_FULL if whole == sqlite3.SQLITE_IOERR_SHMSIZE else whole & 0xFF
    kind, sentence = _BY_RESULT.get(
        result, (StoreFailing, "the store's disk or system answered with an error")
    )
    if kind is StoreFailing and result not in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOLFS):
        # Not the disk's fault but ours: a wrong statement or a closed connection must not hide as one.
        raise error
    return kind(f"{sentence} (SQLite: {error})")


def _unreadable() -> StoreError:
    # Damage in a text, be it only in SQLite's own word on the damage, reaches us as an error of decoding.
    return StoreDamaged("the store's file is damaged: a text in it cannot be read")


@contextmanager
def guard() -> Iterator[None]:
    """Turn SQLite's errors within the block into store errors."""
    try:
        yield
    except sqlite3.Error as error:
        raise translated(error) from error
    except UnicodeDecodeError as error:
        raise _unreadable() from error


def guarded(method: Callable[P, T]) -> Callable[P, T]:
    """Let `method` raise store errors where SQLite raises its own."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except sqlite3.Error as error:
            raise translated(error) from error
        except UnicodeDecodeError as error:
            raise _unreadable() from error

    return call
