"""`fedsync why`: one answer for a record, a page, an entry, a body, a peer or an amount of something."""

from collections.abc import Sized
from shlex import quote
from typing import Any

from fedsync import units
from fedsync.acts.books.minutes import find_page
from fedsync.acts.books.settling import forked_log, forked_logs
from fedsync.acts.goods.holders import Holders
from fedsync.acts.goods.rotas import all_hours
from fedsync.acts.goods.things import find_thing, thing_at
from fedsync.cli import peering
from fedsync.cli.books.entries import naming
from fedsync.cli.books.fresh import fresh_line, fresh_value
from fedsync.cli.books.settling import why_forked
from fedsync.cli.delayed import delayed_lines, delayed_rows, of_scope
from fedsync.cli.goods import lendingwords, transferwords
from fedsync.cli.goods.rotaview import time_words
from fedsync.cli.goods.stocklook import find_levels
from fedsync.cli.goods.stockrows import title
from fedsync.cli.queued import queued, queued_line
from fedsync.cli.records import find, says
from fedsync.cli.telling import ago, day, short
from fedsync.crdt.answer import Answer
from fedsync.crdt.books.booktables import PAGES, known
from fedsync.crdt.goods.transit import all_transfers
from fedsync.crdt.goods.whylevels import why_stock
from fedsync.crdt.goods.whymoves import bearing
from fedsync.crdt.goods.whystock import KINDS, why_fact
from fedsync.crdt.plans import whyplans
from fedsync.crdt.why import about_body, about_entry, about_page, about_record
from fedsync.crdt.work import whylending
from fedsync.errors import Exit, Problem, not_found
from fedsync.home import Home
from fedsync.picking import begins, the_one
from fedsync.reading import Reading, now_ms, peers_shown
from fedsync.records.block import Record
from fedsync.records.ids import LogClass, PageId, PayloadId

Json = dict[str, Any]

_NEXT = "Next: "
HOURS_SHOWN = 10
"""Entries of somebody's hours that are told one by one, the newest first."""


def explain(reading: Reading, home: Home, asked: str, store: str | None) -> Json:
    """Return an answer: "lines" for people, the rest for programs. Raises a Problem (exit 6) when nothing is called so."""
    for look in (_entry, _item, _peer, _page, _body, _forked, _transfer, _thing, _hours):
        found = look(reading, home, asked, store)
        if found is not None:
            return found
    try:
        return _record(reading, find(reading, asked))
    except Problem as problem:
        if problem.code == "not_found":
            waiting = _unknown_page(reading, asked)
            if waiting is not None:
                return waiting
            raise not_found("record, page, entry, body, peer or item", asked, problem.hint) from None
        raise


def as_json(answer: Answer) -> Json:
    """Return an answer for programs, with the lines for people."""
    return {
        "id": answer.id,
        "kind": answer.kind,
        "status": answer.status,
        "code": answer.code,
        "rule": answer.rule,
        "reason": answer.reason,
        "evidence": list(answer.evidence),
        "missing": list(answer.lacks),
        "next": answer.then,
        "lines": answer.lines,
    }


def _plainly(
    id_: str, kind: str, status: str, lines: list[str], reason: str = "", step: str | None = None
) -> Json:
    """Return the answer on what no numbered rule of authority is about."""
    return {
        "id": id_,
        "kind": kind,
        "status": status,
        "code": None,
        "rule": None,
        "reason": reason or (lines[0] if lines else ""),
        "evidence": lines[1:],
        "missing": [],
        "next": step,
        "lines": lines if step is None else [*lines, f"Next: {step}"],
    }


def _dated(reading: Reading, answer: Json, page: PageId) -> Json:
    """Add how fresh what is held of the body is, when it is not our own: what is shown may have been recalled since."""
    here = known(reading.view, page)
    fresh = fresh_value(reading, here.scope, now_ms()) if here is not None else None
    if fresh is None:
        return {**answer, "fresh": None}
    lines, step = _apart(answer["lines"])
    ends = [f"{_NEXT}{step}"] if step is not None else []
    return {**answer, "fresh": fresh, "lines": [*lines, _capital(f"{fresh_line(fresh)}."), *ends]}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _entry(reading: Reading, home: Home, asked: str, store: str | None) -> Json | None:
    page, colon, index = asked.partition(":")
    if not colon or not index.isdecimal() or not page:
        return None
    found = find_page(reading, page)
    try:
        return _dated(reading, as_json(about_entry(reading.view, found, int(index), naming(reading))), found)
    except KeyError:
        raise not_found("entry", asked, f"See: fedsync book show {page}") from None


def _item(reading: Reading, home: Home, asked: str, store: str | None) -> Json | None:
    try:
        found = find_levels(reading, asked, store)
    except Problem:
        return None
    lines: list[str] = []
    for level in found:
        lines.append(f"{title(level, reading.name_of(level.scope))}:")
        lines += [f"  {each}" for each in why_stock(reading.view, level, day, units.show)]
        if level.scope == reading.own().scope:
            thing = thing_at(reading, level)
            lines += [f"  {each}" for each in lendingwords.thing_lines(reading, thing, now_ms())]
    return _plainly(found[0].item, "item", "held", lines)


def _thing(reading: Reading, home: Home, asked: str, store: str | None) -> Json | None:
    """Answer for a thing that is only booked, such as a room: it lies in no store."""
    try:
        found = find_thing(reading, reading.own().scope, asked, store)
    except Problem:
        return None
    lines = [f"{found.called}:"]
    lines += [f"  {each}" for each in lendingwords.thing_lines(reading, found, now_ms())]
    return _plainly(found.called, "thing", "kept", lines)


def _hours(reading: Reading, home: Home, asked: str, store: str | None) -> Json | None:
    """Answer for somebody's hours, given and received."""
    every = (each.entry for each in all_hours(reading, reading.own().scope))
    found = [each for each in every if each.who.casefold() == asked.strip().casefold()]
    if not found:
        return None
    who = found[0].who
    given, received = [each for each in found if each.given], [each for each in found if each.received]
    lines = [
        f"{who} gave {_entries(sum(each.given for each in given), given)},"
        f" and received {_entries(sum(each.received for each in received), received)}."
    ]
    newest = sorted(found, key=lambda each: (each.at, each.id), reverse=True)
    lines += [
        f"  {day(each.at)}: {time_words(each.given or each.received)} {'given' if each.given else 'received'} ({short(each.id)})"
        for each in newest[:HOURS_SHOWN]
    ]
    if newest[HOURS_SHOWN:]:
        lines.append(
            f"  {len(newest) - HOURS_SHOWN:,} earlier entries: fedsync rota hours {quote(who)} --entries"
        )
    return _plainly(who, "hours", "held", lines)


def _entries(minutes: int, found: Sized) -> str:
    if not found:
        return "nothing"
    return f"{time_words(minutes)} in {len(found):,} {'entry' if len(found) == 1 else 'entries'}"


def _peer(reading: Reading, home: Home, asked: str, store: str | None) -> Json | None:
    rows, running = peers_shown(reading, home)
    for row in rows:
        if row["name"].casefold() == asked.casefold() or begins(asked, row["key"]):
            why = row["reason"] or "nothing is known yet"
            lines = [f"{row['name']} is {row['state']}: {why}"]
            lines.append(f"last contact: {ago(row['last_contact'], now_ms())}")
            lines += row.get("refused", [])[:20]
            if row["we_lack"]:
                lines.append(f"we lack {row['we_lack']:,} of its records")
            if row["they_lack"]:
                lines.append(f"it lacks {row['they_lack']:,} of ours")
            for body in reading.store.followed.all():
                if reading.name_of(body.scope).casefold() == row["name"].casefold():
                    lines += delayed_lines(of_scope(reading, delayed_rows(reading, now_ms()), body.scope))
            lines += peering.acquaintance(peering.shown(reading, home, row["key"]))
            waits = queued(reading, row)
            lines.append(queued_line(waits, row))
            if not running:
                lines.append("The daemon does not run here.")
            told = _plainly(row["key"], "peer", row["state"], lines, why, None if running else "fedsync run")
            return told | {"queued": waits, "schedule": row.get("schedule")}
    try:
        value = peering.shown(reading, home, asked)
    except Problem:
        return None  # Or several: then it may be the id of something else.
    lines = peering.lines(value)
    return _plainly(value["key"], "peer", value["state"], lines, value["reason"])


def _page(reading: Reading, home: Home, asked: str, store: str | None) -> Json | None:
    try:
        page = find_page(reading, asked)
    except Problem as problem:
        if problem.exit_code is Exit.NOT_FOUND and problem.code == "not_found":
            return None
        raise
    return _dated(reading, as_json(about_page(reading.view, page, naming(reading))), page)


def _body(reading: Reading, home: Home, asked: str, store: str | None) -> Json | None:
    found = [
        body
        for body in reading.store.followed.all()
        if reading.name_of(body.scope).casefold() == asked.casefold() or begins(asked, body.body.hex())
    ]
    if len(found) != 1:
        return None
    answer = as_json(about_body(reading.view, found[0].scope, found[0].body, naming(reading)))
    answer = _dated(reading, answer, found[0].body)
    delayed = of_scope(reading, delayed_rows(reading, now_ms()), found[0].scope)
    return answer | {"delayed": delayed, "lines": [*answer["lines"], *delayed_lines(delayed)]}


def _forked(reading: Reading, home: Home, asked: str, store: str | None) -> Json | None:
    found = [each for each in forked_logs(reading) if begins(asked, each.log.hex())]
    if not found:
        return None
    forked = the_one("log", asked, found, lambda each: each.log.hex()[:12])
    lines, step = _apart(why_forked(reading, forked))
    return _plainly(forked.log.hex(), "log", "settled" if forked.settled else "forked", lines, step=step)


def _transfer(reading: Reading, home: Home, asked: str, store: str | None) -> Json | None:
    found = [way for way in all_transfers(reading.view) if begins(asked, way.id.hex())]
    if len(found) != 1:
        return None
    (way,), goods, own = found, transferwords.Goods(reading), reading.own().scope
    lines = [transferwords.head(reading, goods, way, now_ms())]
    lines += [f"  {each}" for each in transferwords.why_lines(reading, goods, way)]
    status = way.stage.value if way.manifest is not None else "pending"
    return _plainly(way.id.hex(), "transfer", status, lines, step=transferwords.next_step(way, own))


def _unknown_page(reading: Reading, asked: str) -> Json | None:
    """Answer for a page that is held and waits for those before it: no book lists it yet."""
    pages = [PageId(key[0]) for key, _ in reading.view.scan(PAGES)]  # type: ignore[arg-type]
    found = [page for page in pages if begins(asked, page.hex())]
    return as_json(about_page(reading.view, found[0], naming(reading))) if len(found) == 1 else None


def _record(reading: Reading, record: Record) -> Json:
    lines = [f"{record.kind} {short(record.id)}: {says(reading, record)}"]
    step: str | None = None
    forked = forked_log(reading, record.log)
    fork = reading.store.logs.fork_at(record.log)
    if forked is not None:
        more, step = _apart(why_forked(reading, forked))
        lines += more
    elif fork is not None:
        lines.append(
            f"Its log is forked at record {fork}: whoever holds its key signed two different records there."
        )
    id_ = record.id.hex()
    if record.kind in KINDS:
        verdict = why_fact(reading.view, record)
        step = step or verdict.next
        lines += [verdict.sentence, *verdict.more]
        if verdict.status == "counts":
            lines += bearing(reading.view, record, day)
        return _plainly(id_, record.kind, verdict.status, lines, verdict.sentence, step)
    if record.kind in whyplans.KINDS:
        goods = transferwords.Goods(reading)
        words = whyplans.Words(
            lambda quantity, item: goods.amount(PayloadId(item), quantity), Holders(reading).name
        )
        verdict, more = whyplans.why_plan(reading.view, record, words)
        step = step or verdict.next
        lines = [*lines, verdict.sentence, *verdict.more, *more]
        return _plainly(id_, record.kind, verdict.status, lines, verdict.sentence, step)
    if record.kind in whylending.KINDS:
        verdict = whylending.why_work(reading.view, record, day)
        step = step or verdict.next
        lines += [verdict.sentence, *verdict.more]
        return _plainly(id_, record.kind, verdict.status, lines, verdict.sentence, step)
    if record.genesis.log_class is LogClass.AUTHORITY:
        answer = _authority(reading, record)
        if answer is not None:
            found = as_json(answer)
            page = _page_of(reading, record)
            found = _dated(reading, found, page) if page is not None else found
            return {**found, "evidence": [*lines[1:], *found["evidence"]], "lines": [*lines, *found["lines"]]}
    unknown = "This version of fedsync does not know this kind: it is kept, passed on, and has no effect."
    return _plainly(id_, record.kind, "kept", [*lines, unknown], unknown)


def _apart(lines: list[str]) -> tuple[list[str], str | None]:
    """Return lines without the last one that says what to type, and that."""
    if lines and lines[-1].startswith(_NEXT):
        return lines[:-1], lines[-1].removeprefix(_NEXT)
    return lines, None


def _page_of(reading: Reading, record: Record) -> PageId | None:
    """Return page 0 of the book that a record's status rests on: that of whose log it is in."""
    followed = reading.store.followed.get(record.genesis.scope)
    return followed.body if followed is not None else None


def _authority(reading: Reading, record: Record) -> Answer | None:
    called = naming(reading)
    if record.kind == "page":
        page = about_page(reading.view, PageId(record.payload_id), called)
        if page.code != "log-not-held":
            return page
    try:
        return about_record(reading.view, record.id, called)
    except KeyError:
        return None
