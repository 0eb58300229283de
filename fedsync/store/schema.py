"""The tables of the one file, and how an older file becomes a newer one.

Touches the connection that it is given, inside the caller's transaction. A migration is never changed once it
was released; a change is a new migration. What later programs add is refused by earlier ones, since they would
keep some of it and lose the rest.
"""

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from fedsync.store.errors import StoreForeign, StoreTooNew

if TYPE_CHECKING:
    from sqlite_utils import Database

APPLICATION_ID = 0x66645379
"""'fdSy': how one knows that a SQLite file is a store of fedsync."""

MIGRATION_SET = "fedsync"


def _first(db: "Database") -> None:
    """Records first: logs, heads and blocks; then what a node knows of itself and of its peers."""
    db.conn.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID")
    db.table("sets").create(
        {"no": int, "scope": bytes, "reach": int, "class": int, "moved": int},
        pk="no",
        not_null={"scope", "reach", "class", "moved"},
        defaults={"moved": 0},
    ).create_index(["scope", "reach", "class"], unique=True).create_index(["moved"])
    logs = db.table("logs").create(
        {
            "no": int,
            "id": bytes,
            "set_no": int,
            "genesis": bytes,
            "key": bytes,
            "scope": bytes,
            "capacity": bytes,
            "class": int,
            "reach": int,
            "incarnation": bytes,
            "created": int,
            "changed": int,
            "records": int,
            "fork_seq": int,
            "urgent_seq": int,
        },
        pk="no",
        not_null={"id", "set_no", "genesis", "key", "scope", "created", "changed", "records"},
    )
    logs.create_index(["id"], unique=True)
    logs.create_index(["set_no", "changed"])
    logs.create_index(["scope", "key"])
    # What sqlite-utils has no words for: tables that are nothing but their key's index.
    for statement in (
        "CREATE TABLE heads (log INTEGER NOT NULL, id BLOB NOT NULL, seq INTEGER NOT NULL,"
        " place_count INTEGER NOT NULL, place_size INTEGER NOT NULL, PRIMARY KEY (log, id)) WITHOUT ROWID",
        # `prints` stands before `raw`: looking for an id's beginning need not read the blocks themselves.
        "CREATE TABLE blocks (no INTEGER PRIMARY KEY, log INTEGER NOT NULL, first INTEGER NOT NULL,"
        " last INTEGER NOT NULL, counter INTEGER NOT NULL, place_count INTEGER NOT NULL, place_size INTEGER NOT NULL,"
        " prev BLOB NOT NULL, tip BLOB NOT NULL, prints BLOB NOT NULL, raw BLOB NOT NULL)",
        "CREATE INDEX idx_blocks_log_first ON blocks (log, first)",
        "CREATE TABLE pins (log INTEGER PRIMARY KEY, seq INTEGER NOT NULL, id BLOB NOT NULL,"
        " held INTEGER NOT NULL)",
        "CREATE TABLE buckets (set_no INTEGER NOT NULL, bucket INTEGER NOT NULL, hash BLOB, items INTEGER,"
        " PRIMARY KEY (set_no, bucket)) WITHOUT ROWID",
    ):
        db.conn.execute(statement)
    parked = db.table("parked").create(
        {"no": int, "peer": bytes, "log": bytes, "raw": bytes, "until": int},
        pk="no",
        not_null={"peer", "log", "raw", "until"},
    )
    parked.create_index(["log"])
    parked.create_index(["peer"])
    db.table("peers").create(
        {
            "key": bytes,
            "name": str,
            "addresses": str,
            "role": str,
            "since": int,
            "last_contact": int,
            "state": str,
            "reason": str,
            "we_lack": int,
            "they_lack": int,
            "paused": int,
        },
        pk="key",
        not_null={"name", "addresses", "role", "since", "paused"},
        defaults={"addresses": "[]", "paused": 0},
    )
    db.table("invitations").create(
        {"token_hash": bytes, "name": str, "until": int, "used": int, "used_by": bytes},
        pk="token_hash",
        not_null={"name", "until"},
    )
    db.table("followed").create(
        {
            "scope": bytes,
            "body": bytes,
            "name": str,
            "source": str,
            "via": bytes,
            "since": int,
            "extent": int,
        },
        pk="scope",
        not_null={"body", "source", "since", "extent"},
    )


def _relayed(db: "Database") -> None:
    """What this node carries for others as a relay, by day and pair."""
    db.conn.execute(
        "CREATE TABLE relayed (day INTEGER NOT NULL, one BLOB NOT NULL, other BLOB NOT NULL,"
        " bytes INTEGER NOT NULL, PRIMARY KEY (day, one, other)) WITHOUT ROWID"
    )


def _acquaintances(db: "Database") -> None:
    """Whom the operator removed, who introduced whom; and when an invitation was given, since what is older yields."""
    for statement in (
        "ALTER TABLE invitations ADD COLUMN since INTEGER NOT NULL DEFAULT 0",
        "CREATE TABLE removed (key BLOB PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE TABLE introductions (node BLOB NOT NULL, by BLOB NOT NULL, name TEXT NOT NULL, addresses TEXT NOT NULL,"
        " scope BLOB, body BLOB, at INTEGER NOT NULL, PRIMARY KEY (node, by)) WITHOUT ROWID",
        "CREATE TABLE introducing (node BLOB NOT NULL, told BLOB NOT NULL, at INTEGER NOT NULL,"
        " PRIMARY KEY (node, told)) WITHOUT ROWID",
    ):
        db.conn.execute(statement)


def _intake(db: "Database") -> None:
    """What each author and body brought in lately: whoever is over a share waits, after a restart too."""
    db.conn.execute(
        "CREATE TABLE intake (name BLOB PRIMARY KEY, hour INTEGER NOT NULL, hour_records INTEGER NOT NULL,"
        " hour_bytes INTEGER NOT NULL, day INTEGER NOT NULL, day_records INTEGER NOT NULL,"
        " day_bytes INTEGER NOT NULL, until INTEGER NOT NULL, delayed INTEGER NOT NULL) WITHOUT ROWID"
    )


def _freshness(db: "Database") -> None:
    """How fresh what is held of each body is: seen by this node itself, and told by a peer."""
    db.conn.execute(
        "CREATE TABLE freshness (scope BLOB PRIMARY KEY, seen_at INTEGER, seen_node BLOB, told_at INTEGER,"
        " told_peer BLOB, told_hops INTEGER) WITHOUT ROWID"
    )


def _bundles(db: "Database") -> None:
    """What goes in files: how far, what was left and came, what is missing and asked for; and what came ahead of its base."""
    for statement in (
        "CREATE TABLE ahead (no INTEGER PRIMARY KEY, log BLOB NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
        " prev BLOB NOT NULL, origin BLOB NOT NULL, size INTEGER NOT NULL, until INTEGER NOT NULL, raw BLOB NOT NULL)",
        "CREATE INDEX idx_ahead_log_first ON ahead (log, first)",
        "CREATE INDEX idx_ahead_origin_size ON ahead (origin, size)",
        "CREATE TABLE carried (peer BLOB PRIMARY KEY, seen_journal BLOB NOT NULL, seen BLOB NOT NULL,"
        " acked_journal BLOB NOT NULL, acked BLOB NOT NULL, acked_sets BLOB NOT NULL, follows BLOB NOT NULL,"
        " asked_at INTEGER NOT NULL, asked_counter INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE TABLE left_bundles (bundle BLOB NOT NULL, peer BLOB NOT NULL, at INTEGER NOT NULL, place TEXT NOT NULL,"
        " journal BLOB NOT NULL, counter INTEGER NOT NULL, since BLOB NOT NULL, whole INTEGER NOT NULL,"
        " arrived INTEGER, sets BLOB NOT NULL, PRIMARY KEY (peer, bundle)) WITHOUT ROWID",
        "CREATE TABLE came_bundles (bundle BLOB NOT NULL, maker BLOB NOT NULL, at INTEGER NOT NULL,"
        " made INTEGER NOT NULL, journal BLOB NOT NULL, counter INTEGER NOT NULL, since BLOB NOT NULL,"
        " tips INTEGER NOT NULL, everything INTEGER NOT NULL, told TEXT NOT NULL, files TEXT NOT NULL, last INTEGER,"
        " whole INTEGER NOT NULL, done INTEGER NOT NULL, PRIMARY KEY (maker, bundle)) WITHOUT ROWID",
        "CREATE TABLE claims (maker BLOB NOT NULL, class INTEGER NOT NULL, kind INTEGER NOT NULL, log BLOB NOT NULL,"
        " seq INTEGER NOT NULL, name BLOB NOT NULL, counter INTEGER NOT NULL, code TEXT NOT NULL, said INTEGER NOT NULL,"
        " PRIMARY KEY (maker, log, kind, seq, name)) WITHOUT ROWID",
        "CREATE INDEX idx_claims_log ON claims (log)",
        "CREATE TABLE theirs (peer BLOB NOT NULL, log BLOB NOT NULL, seq INTEGER NOT NULL, name BLOB NOT NULL,"
        " counter INTEGER NOT NULL, PRIMARY KEY (peer, log, seq, name)) WITHOUT ROWID",
        "CREATE TABLE asked (peer BLOB NOT NULL, log BLOB NOT NULL, held BLOB NOT NULL, at INTEGER NOT NULL,"
        " PRIMARY KEY (peer, log)) WITHOUT ROWID",
    ):
        db.conn.execute(statement)


def _proven(db: "Database") -> None:
    """Of what came ahead of its base, what its author is known to have signed: what anybody may have made up has less room."""
    for statement in (
        "ALTER TABLE ahead ADD COLUMN proven INTEGER NOT NULL DEFAULT 0",
        "DROP INDEX idx_ahead_origin_size",
        "CREATE INDEX idx_ahead_origin_proven_size ON ahead (origin, proven, size)",
    ):
        db.conn.execute(statement)


MIGRATIONS: tuple[Callable[["Database"], None], ...] = (
    _first,
    _relayed,
    _acquaintances,
    _intake,
    _freshness,
    _bundles,
    _proven,
)
"""In order; a store's version says how many of them it has seen."""

VERSION = len(MIGRATIONS)


def version(conn: sqlite3.Connection) -> int:
    """Return the file's version, 0 when it is empty. Raises StoreTooNew and StoreForeign; changes nothing."""
    mark = conn.execute("PRAGMA application_id").fetchone()[0]
    found: int = conn.execute("PRAGMA user_version").fetchone()[0]
    if mark == APPLICATION_ID:
        if found > VERSION:
            raise StoreTooNew(found, VERSION)
        return found
    if mark or found or conn.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise StoreForeign("the file is a database of another program; fedsync leaves it alone")
    return 0


def migrate(conn: sqlite3.Connection) -> bool:
    """Bring the file to this program's version; return whether it was empty.

    Runs within the caller's transaction: a migration that is cut leaves the file as it was.
    """
    found = version(conn)
    if found < VERSION:
        _apply(conn)
        conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        conn.execute(f"PRAGMA user_version = {VERSION}")
    return found == 0


def _apply(conn: sqlite3.Connection) -> None:
    # Imported here: a tenth of a second that a start without migrations need not spend.
    from sqlite_utils import Database, Migrations

    # Plugins are other people's code, installed for other programs: none may touch this file.
    db = Database(conn, execute_plugins=False, recursive_triggers=False)
    steps = Migrations(MIGRATION_SET)
    for number, step in enumerate(MIGRATIONS, 1):
        steps(name=f"{number:04}{step.__name__}")(step)
    steps.apply(db)
