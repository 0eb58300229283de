"""`fedsync stock show`, `stock history`: why so much of an item lies there, and what happened to it."""

from typing import TYPE_CHECKING, Any

import click

from fedsync.cli.app import App, common

if TYPE_CHECKING:
    from fedsync.crdt.goods.history import Entry, Found, Moved
    from fedsync.crdt.goods.levels import StockLevel
    from fedsync.reading import Reading

Json = dict[str, Any]

STORE = click.option("--store", metavar="S", help="In this store only.")
BODY = click.option("--body", metavar="NAME", help="In this community's stores only; default: everybody's.")
DAY_MS = 86_400_000
"""What is recorded within a day of when it happened is told with one time."""


@click.command()
@click.argument("item")
@STORE
@BODY
@common
def show(app: App, item: str, store: str | None, body: str | None) -> None:
    """Say how much of ITEM lies where, and what each number is made of. ITEM may be ITEM@STORE."""
    from fedsync import units
    from fedsync.cli.goods.stockrows import row, title
    from fedsync.cli.telling import day
    from fedsync.crdt.goods.whylevels import why_stock

    with app.reading() as reading:
        found = find_levels(reading, item, store, body)
        names = [reading.name_of(each.scope) for each in found]
        why = [why_stock(reading.view, each, day, units.show) for each in found]
    app.out.result(
        {
            "stock": [
                {**row(each, name), "why": lines} for each, name, lines in zip(found, names, why, strict=True)
            ]
        },
        lambda: app.out.say(
            *(
                line
                for each, name, lines in zip(found, names, why, strict=True)
                for line in (f"{title(each, name)}:", *(f"  {line}" for line in [*_lot(each), *lines]))
            ),
            *_sums(found),
        ),
    )


def _lot(level: "StockLevel") -> list[str]:
    """Return until when goods of a lot are good, if that is said."""
    from fedsync.acts.author import now_ms
    from fedsync.cli.goods.stockrows import expiry_words

    if level.expires is None:
        return []
    words = expiry_words(level.expires, now_ms())
    return [f"{words[0].upper()}{words[1:]}."]


def _sums(found: "list[StockLevel]") -> list[str]:
    """Return what lies there in all, where that is in several places."""
    from fedsync import units

    sums: dict[str, list[int]] = {}
    for each in found:
        if not each.local:
            sums.setdefault(each.unit, []).append(each.on_hand)
    return [
        f"In all {units.show(sum(each), unit)} in {len(each)} places."
        for unit, each in sums.items()
        if len(each) > 1
    ]


@click.command()
@click.argument("item")
@STORE
@BODY
@click.option("--since", metavar="TIME", help="What happened from then on.")
@click.option("--until", metavar="TIME", help="What happened until then.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="How many of each store, the latest.",
)
@common
def history(
    app: App, item: str, store: str | None, body: str | None, since: str | None, until: str | None, limit: int
) -> None:
    """Show what happened to ITEM, in the order in which it happened. ITEM may be ITEM@STORE."""
    from fedsync.acts.author import now_ms
    from fedsync.cli.goods.stockrows import title
    from fedsync.cli.telling import end_of_day, parse_time
    from fedsync.crdt.goods.history import BIG
    from fedsync.crdt.goods.history import history as read

    begin = None if since is None else parse_time(since, now_ms())
    end = None if until is None else end_of_day(until)
    with app.reading() as reading:
        for level in find_levels(reading, item, store, body):
            # What lay there before is known from all that came after, so that is read whatever is shown.
            past = read(reading.view, level.key, limit if begin is None and end is None else BIG, begin)
            chosen = [
                each
                for each in past.entries
                if (begin is None or each.at >= begin) and (end is None or each.at <= end)
            ]
            shown = chosen[-limit:]
            left_out = len(chosen) - len(shown) + (past.left_out if begin is None else 0)
            rows = [_json(reading, level, each) for each in shown]
            if app.out.as_json:
                for each in rows:
                    app.out.line(each, "")
                continue
            app.out.say(f"{title(level, reading.name_of(level.scope))}:")
            app.out.table(
                ["WHEN", "WHAT", "CHANGE", "THEN THERE", "WHO", "NOTE", "ID"],
                [_cells(reading, level, each) for each in shown],
                right=["CHANGE", "THEN THERE"],
                none="  Nothing happened then.",
            )
            if left_out:
                app.out.say(f"  {left_out:,} older ones are not shown: --limit, --since and --until choose.")


def find_levels(
    reading: "Reading", item: str, store: str | None, body: str | None = None
) -> "list[StockLevel]":
    """Return the pools of an item, ours first. Raises a Problem (exit 6) when there is none."""
    from fedsync.crdt.goods.levels import levels
    from fedsync.errors import not_found

    scope = None if body is None or body == "all" else reading.body(body).scope
    every = levels(reading.view, scope)
    found = _called(every, item, store)
    if not found and store is None and "@" in item:
        name, _, place = item.rpartition("@")
        found = _called(every, name, place)
    if not found:
        name, _, place = item.rpartition("@") if store is None else (item, "@", store)
        lies = sorted({each.store for each in _called(every, name, None)})
        if lies:
            raise not_found(
                "store", f"{place} with {name}", f"{name} is recorded in: {', '.join(lies[:12])}."
            )
        known = sorted({each.item for each in every})
        raise not_found("item", item, f"Items: {', '.join(known[:12]) or 'none yet'}.")
    own = reading.own().scope
    return sorted(found, key=lambda each: each.scope != own)


def _called(every: "list[StockLevel]", item: str, store: str | None) -> "list[StockLevel]":
    return [
        each
        for each in every
        if each.item.casefold() == item.casefold()
        and (store is None or each.store.casefold() == store.casefold())
    ]


# --- One entry ----------------------------------------------------------------------------------------------


def _json(reading: "Reading", level: "StockLevel", entry: "Entry") -> Json:
    from fedsync.cli.telling import person, rfc3339, text_of
    from fedsync.crdt.goods.history import Moved

    unit = level.unit

    def quantity(number: int | None) -> Json | None:
        return None if number is None else {"quantity": number, "unit": unit}

    common = {
        "id": entry.id.hex(),
        "body": reading.name_of(level.scope),
        "store": level.store,
        "item": level.item,
        "lot": level.lot or None,
        "at": rfc3339(entry.at),
        "recorded": rfc3339(entry.recorded),
        "author": person(reading, level.scope, entry.author),
        "note": text_of(entry.note) or None,
    }
    if isinstance(entry, Moved):
        event = entry.event
        return {
            "kind": "movement",
            **common,
            "action": event.action,
            "change": quantity(entry.delta),
            "on_hand": quantity(entry.after),
            "counts": entry.by is None,
            "replaced_by": entry.by.hex() if entry.by else None,
            "contested": entry.rivals,
            "corrects": event.corrects.id.hex() if event.corrects else None,
            "reason": event.reason,
            "transfer": event.transfer.hex() if event.transfer else None,
            "named": entry.named or None,
            "other_store": _other(reading, level, entry),
        }
    return {
        "kind": "count",
        **common,
        "on_hand": quantity(entry.quantity),
        "unexplained": quantity(entry.unexplained),
        "counts": entry.holds,
        "contested": entry.rivals,
    }


def _cells(reading: "Reading", level: "StockLevel", entry: "Entry") -> list[str]:
    from fedsync.cli.telling import day, person, short, text_of
    from fedsync.crdt.goods.history import Moved

    who = person(reading, level.scope, entry.author)
    notes = [text_of(entry.note)]
    if abs(entry.recorded - entry.at) > DAY_MS:
        notes.append(f"recorded {day(entry.recorded)}")
    if isinstance(entry, Moved):
        what, change, there = _movement(reading, level, entry, notes)
    else:
        what, change, there = _count(level, entry, notes)
    said = "; ".join(each for each in notes if each)
    return [day(entry.at), what, change, there, who, said, short(entry.id)]


def _movement(
    reading: "Reading", level: "StockLevel", entry: "Moved", notes: list[str]
) -> tuple[str, str, str]:
    from fedsync import units
    from fedsync.cli.telling import short

    event = entry.event
    what = event.action
    other = _other(reading, level, entry)
    if other:
        what += f" {'to' if event.store == level.store_id else 'from'} {other}"
    if event.reason:
        what += f": {event.reason.replace('_', ' ')}"
    if event.transfer:
        notes.append(f"transfer {short(event.transfer)}")
    if event.corrects:
        notes.append(f"was {short(event.corrects.id)}")
    if entry.named:
        notes.append(
            "before the count, as it says" if entry.named == "included" else "after the count, as it says"
        )
    amount = f"{'-' if entry.delta < 0 else '+'} {units.show(abs(entry.delta), level.unit)}"
    if entry.by is not None:
        notes.append(f"now {short(entry.by)}" + (", CONTESTED" if entry.rivals else ""))
        return what, f"was {amount}", ""
    return what, amount, "" if entry.after is None else units.show(entry.after, level.unit)


def _count(level: "StockLevel", entry: "Found", notes: list[str]) -> tuple[str, str, str]:
    from fedsync import units

    there = units.show(entry.quantity, level.unit)
    if entry.rivals:
        notes.append("CONTESTED: others counted at this moment")
    if not entry.holds:
        return "counted", "", f"was {there}" if not entry.rivals else f"({there})"
    if entry.unexplained is None:
        return "counted", "", there
    if entry.unexplained == 0:
        return "counted, as recorded", "", there
    sign = "+" if entry.unexplained > 0 else "-"
    return "counted", f"unexplained {sign} {units.show(abs(entry.unexplained), level.unit)}", there


def _other(reading: "Reading", level: "StockLevel", entry: "Moved") -> str | None:
    """Return what the other store of a movement is called, or who gave or received it."""
    from fedsync.cli.telling import short
    from fedsync.crdt.goods.tables import STORES
    from fedsync.records.ids import Scope

    event = entry.event
    out = event.store == level.store_id
    store = event.to if out else event.store
    if store is not None:
        for realm in (level.realm, level.scope):
            for _, row in reading.view.scan(STORES, (realm, store)):
                return str(row[0])
        return short(store)
    party = event.receiver if out else event.provider
    if isinstance(party, bytes):
        return reading.name_of(Scope(party))
    return party
