"""`fedsync why`: one answer for a record, a page, a decision, a peer or an amount of something."""

from fedsync import units
from fedsync.acts.settling import forked_log, forked_logs
from fedsync.cli.records import find, says
from fedsync.cli.settling import why_forked
from fedsync.cli.telling import ago, day, short
from fedsync.crdt.levels import levels, why_fact, why_stock
from fedsync.crdt.minutes import page_ids, page_view
from fedsync.crdt.people import names
from fedsync.crdt.why import why_page, why_record
from fedsync.errors import Problem, not_found
from fedsync.home import Home
from fedsync.picking import begins, the_one
from fedsync.reading import Reading, now_ms, peers_shown
from fedsync.records.block import Record
from fedsync.records.ids import LogClass, PageId
from fedsync.records.kinds.stock import KINDS


def explain(reading: Reading, home: Home, asked: str, store: str | None) -> list[str]:
    """Return lines that answer. Raises a Problem (exit 6) when nothing is called so."""
    lines = _item(reading, asked, store) or _peer(reading, home, asked) or _page(reading, asked)
    lines = lines or _forked(reading, asked)
    if lines:
        return lines
    try:
        return _record(reading, find(reading, asked.partition(":")[0]))
    except Problem as problem:
        if problem.code == "not_found":
            raise not_found("record, page, peer or item", asked, problem.hint) from None
        raise


def _item(reading: Reading, asked: str, store: str | None) -> list[str]:
    found = [
        level
        for level in levels(reading.view)
        if level.item.casefold() == asked.casefold()
        and (store is None or level.store.casefold() == store.casefold())
    ]
    lines: list[str] = []
    for level in found:
        lines.append(f"{level.item} in {level.store} ({reading.name_of(level.scope)}):")
        lines += [f"  {each}" for each in why_stock(reading.view, level, day, units.show)]
    return lines


def _peer(reading: Reading, home: Home, asked: str) -> list[str]:
    rows, running = peers_shown(reading, home)
    for row in rows:
        if row["name"].casefold() == asked.casefold() or begins(asked, row["key"]):
            lines = [f"{row['name']} is {row['state']}: {row['reason'] or 'nothing is known yet'}"]
            lines.append(f"last contact: {ago(row['last_contact'], now_ms())}")
            lines += row.get("refused", [])[:20]
            if row["we_lack"]:
                lines.append(f"we lack {row['we_lack']:,} of its records")
            if row["they_lack"]:
                lines.append(f"it lacks {row['they_lack']:,} of ours")
            if not running:
                lines.append("The daemon does not run here. Next: fedsync run")
            return lines
    return []


def _page(reading: Reading, asked: str) -> list[str]:
    asked = asked.partition(":")[0]
    found = [
        (page, body.scope)
        for body in reading.store.followed.all()
        for page, _ in page_ids(reading.view, body.scope)
        if begins(asked, page.hex())
    ]
    if not found:
        return []
    page, scope = the_one("page", asked, found, lambda each: each[0].hex()[:12])
    return why_page(reading.view, page, names(reading.view, scope))


def _forked(reading: Reading, asked: str) -> list[str]:
    found = [each for each in forked_logs(reading) if begins(asked, each.log.hex())]
    if not found:
        return []
    return why_forked(reading, the_one("log", asked, found, lambda each: each.log.hex()[:12]))


def _record(reading: Reading, record: Record) -> list[str]:
    lines = [f"{record.kind} {short(record.id)}: {says(reading, record)}"]
    scope = record.genesis.scope
    forked = forked_log(reading, record.log)
    fork = reading.store.logs.fork_at(record.log)
    if forked is not None:
        lines += why_forked(reading, forked)
    elif fork is not None:
        lines.append(
            f"Its log is forked at record {fork}: whoever holds its key signed two different records there."
        )
    if record.kind in KINDS:
        verdict = why_fact(reading.view, record)
        # What is to be typed stands last.
        next_ = [lines.pop()] if lines[-1].startswith("Next:") else []
        return [*lines, verdict.sentence, *next_]
    if record.kind == "page" and page_view(reading.view, PageId(record.payload_id)) is not None:
        return [*lines, *why_page(reading.view, PageId(record.payload_id), names(reading.view, scope))]
    if record.genesis.log_class is LogClass.AUTHORITY:
        try:
            return [*lines, *why_record(reading.view, record.id, names(reading.view, scope))]
        except KeyError:
            return [*lines, "It says nothing that counts or not by itself."]
    return [
        *lines,
        "This version of fedsync does not know this kind: it is kept, passed on, and has no effect.",
    ]
