"""Views for people: names, times in ISO 8601 and short ids, for anyone who opens the file read-only.

Touches the views of the file, whose names begin with `v_`. They are for eyes and may change with each version;
programs use the JSON of the command line. Those over the folded state are there when its tables are. They are
made again when their text here differs from the file's.
"""

import sqlite3
from hashlib import sha256
from typing import NamedTuple


class ViewText(NamedTuple):
    """A view, and the tables without which it is left out."""

    name: str
    needs: frozenset[str]
    query: str


def _time(column: str) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%SZ', {column} / 1000, 'unixepoch')"


def _short(column: str) -> str:
    return f"lower(substr(hex({column}), 1, 8))"


def _name(followed: str) -> str:
    """Return what a body is called by its own book, else what it was announced as, else its short id."""
    book = (
        "(SELECT n.name FROM state_book b JOIN state_page_known k ON k.page = b.head"
        f" JOIN state_epoch_name n ON n.page = k.epoch WHERE b.scope = {followed}.scope)"
    )
    return f"coalesce({book}, {followed}.name, {_short(f'{followed}.body')})"


def _body(scope: str) -> str:
    return f"(SELECT {_name('f')} FROM followed f WHERE f.scope = {scope})"


def _person(scope: str, key: str) -> str:
    return (
        f"coalesce((SELECT n.name FROM state_person n WHERE n.scope = {scope} AND n.key = {key}"
        f" ORDER BY n.time DESC LIMIT 1), {_short(key)})"
    )


def _author(scope: str, log: str) -> str:
    """Return the name of whoever writes a log that is held."""
    return f"(SELECT {_person(scope, 'w.key')} FROM logs w WHERE w.id = {log})"


def _scope(realm: str) -> str:
    """Return the founding tag of a realm: what is kept local has more behind it."""
    return f"substr({realm}, 1, 16)"


def _named(table: str, realm: str, id_: str, column: str = "name") -> str:
    return (
        f"(SELECT s.{column} FROM {table} s WHERE s.realm IN ({realm}, {_scope(realm)}) AND s.id = {id_}"
        " ORDER BY s.realm DESC, s.log LIMIT 1)"
    )


def _store(realm: str, id_: str) -> str:
    return _named("state_stock_store", realm, id_)


def _item(realm: str, id_: str) -> str:
    return _named("state_stock_item", realm, id_)


def _lot(realm: str, id_: str) -> str:
    return _named("state_stock_lot", realm, id_, "code")


def _unit(realm: str, id_: str) -> str:
    return _named("state_stock_item", realm, id_, "unit")


_CLASS = "CASE l.class WHEN 0 THEN 'authority' WHEN 1 THEN 'plans' WHEN 2 THEN 'facts' ELSE 'texts' END"
_REACH = "CASE l.reach WHEN 0 THEN 'local' WHEN 1 THEN 'region' ELSE 'world' END"
_IN_FORCE = "CASE s.status WHEN 'sealed' THEN 'in_force' WHEN 'adopted' THEN 'provisional' ELSE s.status END"

_BODIES = frozenset({"state_book", "state_page_known", "state_epoch_name"})
_PAGES = _BODIES | {"state_page", "state_page_status", "state_authority_record", "state_person"}
_VOICES = _BODIES | {"state_voice_status", "state_authority_record", "state_person", "state_page_status"}
_STOCK = _BODIES | {"state_stock_balance", "state_stock_store", "state_stock_item", "state_stock_lot"}
_COUNTS = _BODIES | {
    *("state_stock_count", "state_stock_store", "state_stock_item", "state_stock_lot", "state_person")
}

VIEWS: tuple[ViewText, ...] = (
    ViewText(
        "v_peers",
        frozenset(),
        f"SELECT name, {_short('key')} AS id, role, state, reason, we_lack, they_lack,"
        f" {_time('last_contact')} AS last_contact, {_time('since')} AS since,"
        " CASE paused WHEN 0 THEN 'no' ELSE 'yes' END AS paused, addresses"
        " FROM peers ORDER BY name",
    ),
    ViewText(
        "v_invitations",
        frozenset(),
        f"SELECT name, {_time('until')} AS until, {_time('used')} AS used, {_short('used_by')} AS used_by"
        " FROM invitations ORDER BY until DESC",
    ),
    ViewText(
        "v_removed",
        frozenset(),
        f"SELECT name, {_short('key')} AS id, {_time('at')} AS at FROM removed ORDER BY name",
    ),
    ViewText(
        "v_introductions",
        frozenset(),
        f"SELECT name, {_short('node')} AS node, (SELECT name FROM peers p WHERE p.key = by) AS by, {_time('at')} AS at,"
        " addresses FROM introductions ORDER BY at",
    ),
    ViewText(
        "v_bodies",
        _BODIES,
        f"SELECT {_name('followed')} AS name, {_short('body')} AS id, source,"
        f" CASE extent WHEN 1 THEN 'book' WHEN 2 THEN 'world' ELSE 'all' END AS extent, {_time('since')} AS since,"
        " (SELECT name FROM peers p WHERE p.key = via) AS via,"
        " (SELECT coalesce(sum(records), 0) FROM logs l WHERE l.scope = followed.scope) AS records"
        " FROM followed WHERE extent > 0 ORDER BY source != 'own', since",
    ),
    ViewText(
        "v_logs",
        _BODIES,
        f"SELECT {_short('l.id')} AS id, {_body('l.scope')} AS body, {_short('l.key')} AS key,"
        f" {_CLASS} AS class, {_REACH} AS reach, l.records, l.fork_seq AS forked_at,"
        " (SELECT max(seq) FROM heads h WHERE h.log = l.no) AS last_seq,"
        " (SELECT count(*) FROM heads h WHERE h.log = l.no) AS branches FROM logs l ORDER BY l.no",
    ),
    ViewText(
        "v_blocks",
        frozenset(),
        f"SELECT b.no, {_short('l.id')} AS log, b.first, b.last, length(b.raw) AS bytes,"
        f" {_short('b.tip')} AS tip FROM blocks b JOIN logs l ON l.no = b.log ORDER BY b.no",
    ),
    ViewText(
        "v_pages",
        _PAGES,
        f"SELECT {_body('s.scope')} AS body, s.number, {_short('s.page')} AS id, s.status,"
        " CASE s.certified WHEN 0 THEN 'no' ELSE 'yes' END AS certified,"
        " CASE p.repair WHEN 0 THEN 'no' ELSE 'yes' END AS repair,"
        f" {_author('s.scope', 'r.log')} AS drafted_by, {_short('p.prev')} AS prev"
        " FROM state_page_status s JOIN state_page p ON p.page = s.page"
        " LEFT JOIN state_authority_record r ON r.id = p.carrier ORDER BY 1, 2, 3",
    ),
    ViewText(
        "v_decisions",
        _BODIES | {"state_decision", "state_page_status"},
        f"SELECT {_body('s.scope')} AS body, d.title, {_IN_FORCE} AS status, s.number AS page_number,"
        f" {_short('s.page')} AS page, d.entry"
        " FROM state_decision d JOIN state_page_status s ON s.page = d.page ORDER BY 1, 4, 5, 6",
    ),
    ViewText(
        "v_signatures",
        _VOICES,
        f"SELECT {_body('v.scope')} AS body, s.number AS page_number, {_short('v.page')} AS page, r.kind,"
        f" {_author('v.scope', 'r.log')} AS by, v.status, v.reason, {_short('v.record')} AS id"
        " FROM state_voice_status v JOIN state_authority_record r ON r.id = v.record"
        " LEFT JOIN state_page_status s ON s.page = v.page AND s.scope = v.scope ORDER BY 1, 2, 3, 5",
    ),
    ViewText(
        "v_seats",
        _BODIES | {"state_seat", "state_person"},
        f"SELECT {_body('t.scope')} AS body, {_person('t.scope', 't.key')} AS name, t.standing,"
        f" t.number AS since_page, {_short('t.key')} AS key FROM state_seat t ORDER BY 1, 2",
    ),
    ViewText(
        "v_people",
        _BODIES | {"state_person"},
        f"SELECT {_body('scope')} AS body, name, {_short('key')} AS key, {_short('said_by')} AS said_by,"
        f" {_time('time')} AS time FROM state_person ORDER BY 1, 2",
    ),
    ViewText(
        "v_stock",
        _STOCK,
        f"SELECT {_body(_scope('b.realm'))} AS body, {_store('b.realm', 'b.store')} AS store,"
        f" {_item('b.realm', 'b.item')} AS item, {_lot('b.realm', 'b.lot')} AS lot, b.on_hand, {_unit('b.realm', 'b.item')} AS unit,"
        f" b.unexplained, {_time('b.counted_at')} AS last_count, b.counted,"
        " CASE b.contested WHEN 0 THEN 'no' ELSE 'yes' END AS contested, b.events AS movements,"
        f" {_time('b.latest')} AS latest, {_short('b.store')} AS store_id, {_short('b.item')} AS item_id"
        " FROM state_stock_balance b WHERE b.events > 0 OR b.counted_at IS NOT NULL ORDER BY 1, 2, 3, 4",
    ),
    ViewText(
        "v_counts",
        _COUNTS,
        f"SELECT {_body(_scope('c.realm'))} AS body, {_store('c.realm', 'c.store')} AS store,"
        f" {_item('c.realm', 'c.item')} AS item, {_lot('c.realm', 'c.lot')} AS lot, {_time('c.at')} AS at, c.quantity,"
        f" {_unit('c.realm', 'c.item')} AS unit, {_author(_scope('c.realm'), 'c.log')} AS by, {_short('c.id')} AS id"
        " FROM state_stock_count c ORDER BY 1, 2, 3, 4, 5",
    ),
)
"""Each view, and what it shows."""


def refresh(conn: sqlite3.Connection) -> bool:
    """Make the views anew if they are not these; within the caller's transaction. Return whether they were."""
    tables = {
        name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    }
    wanted = [view for view in VIEWS if view.needs <= tables]
    digest = sha256(repr([(view.name, view.query) for view in wanted]).encode()).hexdigest()
    held = conn.execute("SELECT value FROM meta WHERE key = 'views'").fetchone()
    if held and held[0] == digest:
        return False
    for (name,) in conn.execute(
        "SELECT name FROM sqlite_master WHERE type = 'view' AND name LIKE 'v\\_%' ESCAPE '\\'"
    ).fetchall():
        conn.execute(f'DROP VIEW "{name}"')
    for view in wanted:
        conn.execute(f"CREATE VIEW {view.name} AS {view.query}")
    conn.execute("INSERT OR REPLACE INTO meta VALUES ('views', ?)", (digest,))
    return True
