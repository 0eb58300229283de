"""What people type about goods on their way, turned into records: see `fedsync stock transfer`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fedsync.acts.author import now_ms
from fedsync.acts.books.whose import person_at
from fedsync.acts.goods import transfers as acts
from fedsync.acts.goods.goodsnames import Names
from fedsync.acts.goods.recording import MADE
from fedsync.acts.goods.transfers import Carried, Load, Step, check_reason, default_loads, our_store
from fedsync.cli.app import App
from fedsync.cli.goods.loads import FORM, listed, made_of, parse_load
from fedsync.cli.goods.outsiders import outsider, unseen_by
from fedsync.cli.goods.transferwords import Goods, party, reason_words, waits_for, what, why_lines
from fedsync.cli.records import find as find_record
from fedsync.cli.telling import end_of_day, parse_time, short
from fedsync.crdt.goods.transit import Manifest, TransferView, all_transfers, find
from fedsync.crdt.plans.plantables import INTENTS, PLACES, intent_row
from fedsync.crdt.realms import is_local, scope_of
from fedsync.errors import not_found, refused, usage
from fedsync.keyring import find_person
from fedsync.picking import begins, the_one
from fedsync.reading import Reading
from fedsync.records.block import Block
from fedsync.records.codec import unpack
from fedsync.records.ids import Key, PayloadId, RecordId, Scope
from fedsync.records.kinds.goods import MAX_AHEAD_MS
from fedsync.records.kinds.parties import REASONS, Party
from fedsync.records.kinds.plans import COMMITMENT, parse_commitment, parse_intent
from fedsync.records.void import Void


def the_transfer(reading: Reading, asked: str) -> TransferView:
    """Return the transfer whose id begins with `asked`. Raises a Problem (exit 6)."""
    found = [way for way in all_transfers(reading.view) if begins(asked, way.id.hex())]
    return the_one("transfer", asked, found, lambda way: way.id.hex()[:12], "fedsync stock transfer list")


def announce_said(
    app: App,
    receiver: str | None,
    provider: str | None,
    outside: bool,
    lines: Sequence[str],
    promise: str | None,
    carrier: str | None,
    store: str | None,
    to_store: str | None,
    due: str | None,
    note: str,
    local: bool,
    body: str | None,
    name: str,
) -> None:
    """Write a manifest as somebody states it, and say what comes next."""
    with app.reading() as reading:
        own, goods = _whose(reading, body), Goods(reading)
        names = Names(reading, own, now_ms(), local)
        pledged = None if promise is None else promised(reading, promise)
        if receiver is None and provider is None and pledged is not None:
            gives, gets = pledged.provider, pledged.receiver
        elif (receiver is None) is (provider is None):
            raise usage(
                "Who gives it to whom?", "Add --to BODY for what we give, or --from BODY for what we get."
            )
        else:
            other = _party(reading, receiver or provider or "", outside)
            gives, gets = (own, other) if receiver is not None else (other, own)
        # What arrives may be new to everybody; what leaves lay somewhere, so an unknown name is a slip.
        loads = [parse_load(reading, goods, each, names if gets == own else None) for each in lines]
        if not loads and pledged is not None:
            loads = [pledged.load]
        if not loads:
            raise usage("What will go?", FORM)
        if pledged is not None and all(load.item != pledged.load.item for load in loads):
            raise usage(
                f"Promise {short(pledged.id)} is about {goods.item(pledged.load.item)}, and none of that goes.",
                "Leave out --for, or add a --line of it.",
            )
        lined = [
            (load, pledged.id if pledged is not None and load.item == pledged.load.item else None)
            for load in loads
        ]
        from_id = _store_of(reading, goods, gives, store)
        to_id = _store_of(reading, goods, gets, to_store)
        said = listed(goods, loads)
        app.before_signing(f"{name} announces: {party(reading, gives)} gives {party(reading, gets)} {said}.")
        author, until = app.author(name), None if due is None else end_of_day(due)
        carries = person_at(reading, carrier).key if carrier is not None and "@" in carrier else carrier
        manifest = acts.Announced(gives, gets, tuple(lined), carries, from_id, to_id, until, note, local)
        with app.door() as door:
            id_ = acts.announce(author, reading, door, own, manifest, names.made)
        new = [f"New: item {goods.item(load.item)}" for load in loads if load.item in made_of(names)]
        step = "pickup" if gives == own else "dropoff"
        new += unseen_by(reading, gets if gives == own else gives, local)
    app.out.result(
        {"transfer": id_.hex()},
        lambda: app.out.say(
            *new,
            f"Transfer {short(id_)} is announced: {said}.",
            f"{'When it leaves' if step == 'pickup' else 'When it arrives'}: fedsync stock transfer {step} {short(id_)} --as NAME",
        ),
    )


def record_said(
    app: App,
    word: str,
    asked: str,
    lines: Sequence[str],
    at: str | None,
    note: str,
    body: str | None,
    name: str,
    store: str | None = None,
    reason: str | None = None,
    every: bool = False,
) -> None:
    """Record one step of a transfer as somebody states it, and say how it stands then."""
    step, now = Step(word), now_ms()
    why = None if reason is None else check_reason(reason, REASONS)
    if step is Step.LOSE and bool(lines) is every:
        raise usage(
            "How much of it was lost?",
            'Say what: --line "ITEM QTY UNIT"; or --all for all that is on its way.',
        )
    when = parse_time(at, now)
    if when > now + MAX_AHEAD_MS:
        raise usage(
            "It cannot have happened later than tomorrow.", "Look at the time, and at this machine's clock."
        )
    with app.reading() as reading:
        way, own, goods = the_transfer(reading, asked), _whose(reading, body), Goods(reading)
        manifest = _announced(way)
        # What arrives may be new to everybody; what leaves lay somewhere, so an unknown name is a slip.
        # So is the store that it goes to; what leaves or is sent back lay in one.
        comes = step is Step.DROPOFF or (step is Step.RETURN and own == manifest.provider)
        names = Names(reading, own, now, is_local(manifest.realm)) if comes else None
        acts.standing(reading, manifest, own, step, Key(find_person(reading.home, name).key))
        loads = (
            tuple(
                parse_load(reading, goods, each, names if step is Step.DROPOFF else None, way)
                for each in lines
            )
            if lines
            else default_loads(manifest, way, own, step)
        )
        at_store = (
            None if step is Step.LOSE else our_store(reading, own, store, _usual(manifest, own, step), names)
        )
        said = listed(goods, loads)
        made = names.made if names is not None else []
        new = [
            f"New: {MADE[each.kind]} {each.value['name']!s}" for each in made if isinstance(each.value, dict)
        ]
        place = store if any(each.kind == "store" for each in made) else None
        where = (
            f" ({reason_words(why or '')})" if at_store is None else f" ({place or goods.store(at_store)})"
        )
        app.before_signing(f"{name} signs: {word} of {said or 'nothing'}{where}, transfer {short(way.id)}.")
        author = app.author(name)
        with app.door() as door:
            carried = Carried(step, loads, at_store, when, why, note)
            blocks = acts.record_step(author, reading, door, own, manifest, way, carried, made)
        after = find(reading.view, way.id) or way
        shown = [*new, f"Transfer {short(way.id)}: {after.stage.value}"]
        shown += [f"  {each}" for each in why_lines(reading, goods, after)]
    app.out.result(
        {
            "transfer": way.id.hex(),
            "records": [each.hex() for each in _moving(blocks)],
            "status": after.stage.value,
        },
        lambda: app.out.say(*shown),
    )


def _moving(blocks: Sequence[Block]) -> Iterator[RecordId]:
    """Yield what moved goods of what was written: not the rights beside it, and no names."""
    for block in blocks:
        for record in block.records():
            if isinstance(record.value, dict) and record.value.get("action") in (
                "pickup",
                "dropoff",
                "lower",
            ):
                yield record.id


def cancel_said(app: App, asked: str, note: str, body: str | None, name: str) -> None:
    """Write that what was announced will not come."""
    with app.reading() as reading:
        way, own = the_transfer(reading, asked), _whose(reading, body)
        said = what(Goods(reading), way)
        app.before_signing(
            f"{name} signs, for {reading.name_of(own)}: transfer {short(way.id)}, {said}, is called off."
        )
        author = app.author(name)
        with app.door() as door:
            record = acts.cancel(author, reading, door, own, way, note)
        after = find(reading.view, way.id) or way
    app.out.result(
        {"transfer": way.id.hex(), "records": [record.hex()], "status": after.stage.value},
        lambda: app.out.say(f"Transfer {short(way.id)}: {after.stage.value}"),
    )


def settle_said(
    app: App, asked: str, lines: Sequence[str], reason: str | None, body: str | None, name: str
) -> None:
    """Write our word on what is missing, and say whether that settles it."""
    why = None if reason is None else check_reason(reason, REASONS)
    with app.reading() as reading:
        way, own, goods = the_transfer(reading, asked), _whose(reading, body), Goods(reading)
        manifest = _announced(way)
        words = _words(reading, goods, way, own, lines, why)
        said = ", ".join(
            f"{goods.amount(load.item, load.quantity)} of {goods.thing(load.item, load.lot)} {reason_words(because)}"
            for load, because in words
        )
        app.before_signing(f"{name} signs, for {reading.name_of(own)}: of transfer {short(way.id)}, {said}.")
        author = app.author(name)
        with app.door() as door:
            acts.settle(author, reading, door, own, manifest, words)
        after = find(reading.view, way.id) or way
        shown = [f"Transfer {short(way.id)}: {after.stage.value}"]
        shown += [f"  {each}" for each in why_lines(reading, goods, after)]
    app.out.result({"transfer": way.id.hex(), "status": after.stage.value}, lambda: app.out.say(*shown))


def _words(
    reading: Reading, goods: Goods, way: TransferView, own: Scope, lines: Sequence[str], why: str | None
) -> list[tuple[Load, str]]:
    """Return what we say is missing, and why: as typed, else as the other side says, else all that is on its way."""
    if lines:
        if why is None:
            raise usage("Why is it missing?", "Add --reason lost, stolen, miscounted, unknown ...")
        return [(parse_load(reading, goods, each, None, way), why) for each in lines]
    theirs = [
        (Load(line.item, line.lot, word.quantity), word.reason)
        for line in way.lines
        for word in line.words
        if waits_for(way, word, own) and (why is None or word.reason == why)
    ]
    if theirs:
        return theirs
    open_ = [Load(line.item, line.lot, line.in_transit) for line in way.lines if line.in_transit > 0]
    if open_ and why is None:
        raise usage("Why is it missing?", "Add --reason lost, stolen, miscounted, unknown ...")
    return [(load, why or "") for load in open_]


@dataclass(frozen=True, slots=True)
class Promised:
    """What a promise says will go from whom to whom."""

    id: RecordId
    provider: Party
    receiver: Party
    load: Load


def promised(reading: Reading, asked: str) -> Promised:
    """Return the promise whose id begins with `asked`. Raises a Problem (exit 6 or 7)."""
    record = find_record(reading, asked)
    if record.kind != COMMITMENT:
        raise not_found(
            "promise", asked, f"That is a record of another kind: fedsync show {short(record.id)}"
        )
    try:
        said = parse_commitment(record.value, record.log)
    except Void as void:
        raise refused("void_promise", f"Promise {short(record.id)} has no effect: {void.sentence}.") from None
    place = reading.view.get(PLACES, (said.intent,))
    row = None if place is None else reading.view.get(INTENTS, (place[0], said.intent))  # type: ignore[arg-type]
    if place is None or row is None:
        raise refused(
            "no_offer",
            f"The offer of promise {short(record.id)} has not come yet, so what is promised is not known here.",
            'Say it: --to BODY --line "ITEM QTY UNIT"',
        )
    found = intent_row(row)
    offer = parse_intent(unpack(found.payload), scope_of(place[0]))  # type: ignore[arg-type]
    lot = offer.lot or PayloadId(b"")
    return Promised(record.id, offer.provider or "", said.receiver, Load(offer.item, lot, said.quantity))


def _party(reading: Reading, asked: str, outside: bool) -> Party:
    if outside:
        return outsider(reading, asked, "Who gives or receives it")
    names = [reading.name_of(body.scope) for body in reading.store.followed.all()]
    if not any(name.casefold() == asked.casefold() for name in names) and len(asked) < 4:
        raise not_found("body", asked, "Of who keeps no records with fedsync, say so: --outside")
    return reading.body(asked).scope


def _store_of(reading: Reading, goods: Goods, whose: Party, asked: str | None) -> PayloadId | None:
    """Return a store of a party by its name. Raises a Problem (exit 6)."""
    if asked is None:
        return None
    if isinstance(whose, str):
        raise usage(f"{whose} keeps no stores here.", "Leave out its store.")
    found = [id_ for id_, name in goods.stores_of(whose).items() if name.casefold() == asked.casefold()]
    if not found:
        listed = ", ".join(sorted(goods.stores_of(whose).values())) or "none is known here"
        raise not_found("store", asked, f"Stores of {reading.name_of(whose)}: {listed}.")
    return found[0]


def _whose(reading: Reading, body: str | None) -> Scope:
    """Return the body that somebody records for: our own, or one that gave them a mandate."""
    return (reading.own() if body is None else reading.body(body)).scope


def _usual(manifest: Manifest, own: Scope, step: Step) -> PayloadId | None:
    """Return the store that the manifest names for our end."""
    if manifest.within:
        return manifest.to if step is Step.DROPOFF else manifest.store
    return manifest.store if own == manifest.provider else manifest.to


def _announced(way: TransferView) -> Manifest:
    if way.manifest is None:
        raise refused(
            "not_announced",
            f"What announces transfer {short(way.id)} has not come yet, so who may record what is not known here.",
            "See whether a peer is behind: fedsync status",
        )
    return way.manifest
