"""One record for people and for programs: who wrote it, when, and what it says."""

from datetime import UTC, datetime
from typing import Any

from fedsync import units
from fedsync.cli.goods import lendingwords, planwords, transferwords
from fedsync.cli.goods.goodswords import goods
from fedsync.cli.telling import day, person, rfc3339, short, text_of
from fedsync.crdt.books.naming import Naming, choice_words
from fedsync.crdt.goods.tables import ITEMS
from fedsync.crdt.goods.whystock import KINDS, why_fact
from fedsync.crdt.work import whylending
from fedsync.errors import not_found
from fedsync.localunits import amount_words
from fedsync.picking import the_one
from fedsync.reading import Reading
from fedsync.records.block import Record
from fedsync.records.codec import NotCanonical, Value
from fedsync.records.kinds import plans
from fedsync.records.kinds.motions import WHOLE, parse_choice
from fedsync.records.kinds.units import parse_factor
from fedsync.records.void import Void

MAX_SHOWN = 72
"""Characters of a record's words in a listing."""


def find(reading: Reading, asked: str) -> Record:
    """Return the one record whose id begins with `asked`. Raises a Problem (exit 6)."""
    try:
        found = reading.store.blocks.find_prefix(asked)
    except ValueError:
        found = []  # Not the beginning of any id.
    one = the_one("record", asked, found, lambda each: each.id.hex()[:12], "fedsync log")
    for block in reading.store.logs.blocks(one.log, one.seq):
        if block.first <= one.seq <= block.last and block.ids[one.seq - block.first] == one.id:
            return block.record(one.seq - block.first)
    raise not_found("record", asked)


def row(reading: Reading, record: Record) -> dict[str, Any]:
    """Return what a listing says of a record, for programs."""
    return {
        "id": record.id.hex(),
        "kind": record.kind,
        "body": reading.name_of(record.genesis.scope),
        "author": person(reading, record.genesis.scope, record.genesis.key),
        "time": rfc3339(record.time),
        "says": says(reading, record),
    }


def line(reading: Reading, record: Record) -> str:
    """Return what a listing says of a record, for people."""
    try:
        when = datetime.fromtimestamp(record.time / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        when = "no such time    "
    who = person(reading, record.genesis.scope, record.genesis.key)
    words = says(reading, record).replace("\n", " ")
    words = words if len(words) <= MAX_SHOWN else words[: MAX_SHOWN - 1] + "…"
    return f"{when}  {short(record.id)}  {who}: {words}"


def full(reading: Reading, record: Record) -> dict[str, Any]:
    """Return all that a record says."""
    value: dict[str, Any] = row(reading, record)
    value["log"] = record.log.hex()
    value["seq"] = record.seq
    value["previous"] = record.prev.hex()
    value["references"] = [ref.hex() for ref in record.refs]
    try:
        value["payload"] = _json(record.value)
    except NotCanonical as error:
        value["payload"] = f"not readable: {error}"
    if record.kind in KINDS:
        found = why_fact(reading.view, record)
        value["status"], value["reason"] = found.status, found.sentence
    elif record.kind in whylending.KINDS:
        found = whylending.why_work(reading.view, record, day)
        value["status"], value["reason"] = found.status, found.sentence
    return value


def _json(value: Value) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [_json(each) for each in value]
    if isinstance(value, dict):
        return {key: _json(each) for key, each in value.items()}
    return value


def says(reading: Reading, record: Record) -> str:
    """Return a record's words."""
    try:
        value = record.value
    except NotCanonical:
        return f"{record.kind}, which cannot be read"
    if not isinstance(value, dict):
        return "is here" if record.kind == "person" else record.kind
    try:
        return _says(reading, record, value)
    except (KeyError, TypeError, ValueError, Void):
        return f"{record.kind}, not as it should be"


def _says(reading: Reading, record: Record, value: dict[str, Any]) -> str:
    match record.kind:
        case "genesis":
            return "begins a log"
        case "page":
            return f"drafts page {value['number']} ({short(record.payload_id)})"
        case "signature":
            return f"signs page {short(value['page'])} in round {value['round']}"
        case "approval":
            return f"approves page {short(value['page'])} in round {value['round']}"
        case "store":
            return f"makes the store {value['name']}"
        case "resource_specification":
            return f"makes the item {value['name']}, counted in {units.plain_unit(value['unit'])}"
        case "batch_lot_record":
            return f"makes the lot {value['code']}"
        case "unit_factor":
            return _unit(reading, record, value)
        case "economic_event":
            return f"{value['action']} {goods(reading, record, value)}"
        case "count":
            return f"counts {goods(reading, record, value)}"
        case "announcement":
            return (
                f"answers at {', '.join(value['addresses'])}" if value["addresses"] else "answers nowhere now"
            )
        case "vote" | "motion" | "dissent" | "post":
            return _authority(reading, record, value)
        case kind if kind in whylending.KINDS:
            return lendingwords.says(reading, record, value)
        case kind if kind in plans.KINDS:
            return planwords.says(reading, record)
        case "transfer" | "discrepancy":
            return transferwords.says(reading, record.kind, value)
        case other:
            return f"{other}, which this version does not know"


def _authority(reading: Reading, record: Record, value: dict[str, Any]) -> str:
    """Return the words of what is said beside pages: motions, votes, statements, posts."""
    called = Naming(reading.view, book=reading.name_of)
    match record.kind:
        case "vote":
            option = choice_words(parse_choice(value["option"]))
            return f"votes {option} on {called.motion(value['motion'], value.get('clause', WHOLE))}"
        case "motion":
            return f"asks {called.body(value['body'])}: {text_of(value['title'])}"
        case "dissent":
            return f"dissents from {short(value['about'])}: {text_of(value['text'])}"
    return f"names {short(value['key'])} as the {value['role']} of {called.book(record.genesis.scope)}"


def _unit(reading: Reading, record: Record, value: dict[str, Any]) -> str:
    said = parse_factor(value)
    scope, item = record.genesis.scope, said.item
    named = None if item is None else next((row for _, row in reading.view.scan(ITEMS, (scope, item))), None)
    of = "" if item is None else f" of {str(named[0]) if named else short(item)}"
    at = f" at {said.place}" if said.place is not None else ""
    return f"says that one {said.name}{of}{at} is {amount_words(said)}"
