"""Views for people: names, times in ISO 8601 and short ids, for anyone who opens the file read-only.

Touches the views of the file, whose names begin with `v_`. They may change with each version and are for eyes;
programs use the JSON of the command line. They are made again when their text here differs from the file's.
"""

import sqlite3
from hashlib import sha256


def _time(column: str) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%SZ', {column} / 1000, 'unixepoch')"


def _short(column: str) -> str:
    return f"lower(substr(hex({column}), 1, 8))"


_CLASS = "CASE class WHEN 0 THEN 'authority' WHEN 1 THEN 'plans' WHEN 2 THEN 'facts' ELSE 'texts' END"
_REACH = "CASE reach WHEN 0 THEN 'local' WHEN 1 THEN 'region' ELSE 'world' END"

VIEWS: tuple[tuple[str, str], ...] = (
    (
        "v_peers",
        f"SELECT name, {_short('key')} AS id, role, state, reason, we_lack, they_lack,"
        f" {_time('last_contact')} AS last_contact, {_time('since')} AS since,"
        " CASE paused WHEN 0 THEN 'no' ELSE 'yes' END AS paused, strikes, addresses FROM peers",
    ),
    (
        "v_invitations",
        f"SELECT name, {_time('until')} AS until, {_time('used')} AS used, {_short('used_by')} AS used_by"
        " FROM invitations",
    ),
    (
        "v_bodies",
        f"SELECT name, {_short('body')} AS id, source, {_time('since')} AS since FROM followed",
    ),
    (
        "v_logs",
        f"SELECT {_short('l.id')} AS id, f.name AS body, {_short('l.key')} AS key, {_CLASS} AS class,"
        f" {_REACH} AS reach, l.records, l.fork_seq AS forked_at,"
        " (SELECT max(seq) FROM heads h WHERE h.log = l.no) AS last_seq,"
        " (SELECT count(*) FROM heads h WHERE h.log = l.no) AS branches"
        " FROM logs l LEFT JOIN followed f ON f.scope = l.scope",
    ),
    (
        "v_blocks",
        f"SELECT b.no, {_short('l.id')} AS log, b.first, b.last, length(b.raw) AS bytes, {_short('b.tip')} AS tip"
        " FROM blocks b JOIN logs l ON l.no = b.log",
    ),
    (
        "v_refused",
        f"SELECT {_short('log')} AS log, seq, {_short('id')} AS id, code, {_time('until')} AS until FROM refused",
    ),
)
"""Each view's name and its query."""


def refresh(conn: sqlite3.Connection) -> bool:
    """Make the views anew if they are not these; within the caller's transaction. Return whether they were."""
    digest = sha256(repr(VIEWS).encode()).hexdigest()
    held = conn.execute("SELECT value FROM meta WHERE key = 'views'").fetchone()
    if held and held[0] == digest:
        return False
    for (name,) in conn.execute(
        "SELECT name FROM sqlite_master WHERE type = 'view' AND name LIKE 'v\\_%' ESCAPE '\\'"
    ).fetchall():
        conn.execute(f'DROP VIEW "{name}"')
    for name, query in VIEWS:
        conn.execute(f"CREATE VIEW {name} AS {query}")
    conn.execute("INSERT OR REPLACE INTO meta VALUES ('views', ?)", (digest,))
    return True
