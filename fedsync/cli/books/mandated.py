"""A mandate in words and for programs: what it allows, what was done under it, and what of that counts."""

from typing import Any

from fedsync.acts.books.mandates import short
from fedsync.acts.books.rotation import Service
from fedsync.acts.goods.stewards import Recorded, recorded
from fedsync.cli.books.entries import describe, naming
from fedsync.cli.telling import rfc3339
from fedsync.crdt.books.delegates import Given
from fedsync.crdt.books.faults import mandate_fault
from fedsync.crdt.books.handover import Act, acts_under, endings
from fedsync.crdt.books.naming import Naming, choice_words
from fedsync.crdt.books.slot import VoiceStatus
from fedsync.crdt.reasons import reason
from fedsync.reading import Reading, now_ms
from fedsync.records.codec import Value, unpack
from fedsync.records.ids import LogClass, PageId, RecordId
from fedsync.records.kinds.entries import ANY, Bounds, Instruction, Rotation, kind_of
from fedsync.records.kinds.motions import parse_choice

BECAUSE = {
    "none": "the page that gives it is only a draft",
    "provisional": "the page that gives it is adopted, and not sealed yet",
    "in force": "the page that gives it is sealed",
    "suspended": "what ends it is adopted, and not sealed yet",
    "frozen": "the book of its giver is split",
    "void": "the page that gives it was displaced by a rival",
    "ended": "its giver closed or replaced it, or left the body",
    "recalled": "its giver recalled it",
}


def row(reading: Reading, given: Given) -> dict[str, Any]:
    """Return what a listing says of a mandate."""
    called, mandate = naming(reading), given.mandate
    alternate = mandate.alternate
    return {
        "id": f"{given.id[0].hex()}:{given.id[1]}",
        "giver": reading.name_of(given.scope),
        "holder": called.person(mandate.holder, given.scope),
        "holder_key": mandate.holder.hex(),
        "alternate": called.person(alternate, given.scope) if alternate is not None else None,
        "alternate_key": alternate.hex() if alternate is not None else None,
        "seat": called.body(mandate.seat) if mandate.seat is not None else None,
        "seat_body": mandate.seat.hex() if mandate.seat is not None else None,
        "task": mandate.task,
        "status": given.status.replace(" ", "_"),
        "number": given.number,
        "until": rfc3339(mandate.until),
        "until_ms": mandate.until,
        "term_over": mandate.until is not None and mandate.until < now_ms(),
    }


def full(reading: Reading, given: Given) -> dict[str, Any]:
    """Return all that is known of a mandate."""
    called = naming(reading)
    fault = mandate_fault(reading.view, given.giver, given.mandate)
    said = describe(reading, given.scope, given.mandate)
    return {
        **row(reading, given),
        "because": BECAUSE.get(given.status, given.status),
        "instructions": [_instruction(called, name, each) for name, each in given.mandate.instructions],
        "may": list(given.mandate.may) if given.mandate.may is not None else None,
        "limits": dict(given.mandate.limits),
        "ended_by": [
            {
                "id": f"{each.id[0].hex()}:{each.id[1]}",
                "kind": kind_of(each.entry),
                "number": each.number,
                "page_status": each.status,
            }
            for each in endings(reading.view, given)
        ],
        "no_voice": {"code": fault, "because": reason(fault).sentence} if fault is not None else None,
        "done": [_act(called, given, each) for each in acts_under(reading.view, given)],
        "recorded": [_recorded(called, given, each) for each in recorded(reading, given)],
        "lines": said["lines"],
    }


def lines(found: dict[str, Any]) -> list[str]:
    """Return a mandate for people."""
    id_, _, index = found["id"].partition(":")
    said = [
        f"{id_[:8]}:{index} of {found['giver']}: {found['status'].replace('_', ' ')}, {found['because']}",
        *found["lines"],
    ]
    if found["no_voice"]:
        said.append(f"It gives no voice: {found['no_voice']['because']}.")
    if found["term_over"]:
        said.append("Its term is over: what is done under it from then on is void.")
    said += [
        f"Page {each['number']} ends it ({each['kind']}); that page is {each['page_status']}."
        for each in found["ended_by"]
    ]
    said.append("Done under it:" if found["done"] or found["recorded"] else "Nothing was done under it.")
    said += [f"  {each['says']}: {each['status']}, {each['because']}" for each in found["done"]]
    return [*said, *(f"  {each['says']}" for each in found["recorded"])]


def _recorded(called: Naming, given: Given, found: Recorded) -> dict[str, Any]:
    """Return what was recorded in one log of goods or promises."""
    who = called.person(found.key, given.scope)
    kinds = ", ".join(f"{number} {_kind(kind, number)}" for kind, number in sorted(found.kinds.items()))
    rest = found.records - found.counts
    counts = "all count" if not rest else f"{found.counts} of {found.records} count"
    return {
        "log": found.log.hex(),
        "by": who,
        "class": found.log_class.name.lower(),
        "kinds": dict(found.kinds),
        "records": found.records,
        "count": found.counts,
        "says": f"{who} recorded {kinds or 'nothing'} (log {found.log.hex()[:8]}): {counts}",
    }


def _kind(kind: str, number: int) -> str:
    one, many = _NAMED.get(kind, (kind, kind))
    return one if number == 1 else many


_NAMED = {
    "economic_event": ("movement", "movements"),
    "count": ("count", "counts"),
    "store": ("new store", "new stores"),
    "resource_specification": ("new item", "new items"),
    "batch_lot_record": ("new lot", "new lots"),
    "unit_factor": ("local unit", "local units"),
    "commitment": ("promise", "promises"),
    "intent": ("need or offer", "needs and offers"),
    "transfer": ("transfer", "transfers"),
    "loan": ("loan", "loans"),
}


def service_row(reading: Reading, service: Service, rule: Rotation | None, now: int) -> dict[str, Any]:
    """Return how long somebody has served."""
    seat, task = service.what
    cooling = service.cools_until(rule, now)
    return {
        "who": service.who,
        "key": service.key.hex(),
        "seat": naming(reading).body(seat) if seat is not None else None,
        "task": task,
        "page": service.page,
        "terms": service.terms,
        "since": rfc3339(service.since),
        "since_ms": service.since,
        "until": rfc3339(service.until),
        "until_ms": service.until,
        "serves": service.until is None,
        "days": service.days(now),
        "over_longest": service.over(rule, now),
        "cooling_until": rfc3339(cooling),
        "cooling_until_ms": cooling,
    }


def ending_lines(reading: Reading, given: Given, value: dict[str, Value]) -> list[str]:
    """Return what a recall or closing says, before it is drafted."""
    called = naming(reading)
    what = "Recalled" if value["kind"] == "recall" else "Over"
    done = acts_under(reading.view, given)
    kept = sum(1 for act in done if _is_kept(act, value["cuts"]))
    acts = "1 act" if len(done) == 1 else f"{len(done)} acts"
    lines = [f"{what}: {called.mandate(given.id)} ({short(given.id)})"]
    goods = goods_kept(reading, given, value)
    if done or not goods:
        lines.append(
            f"  of {acts} under it {kept} {'is' if kept == 1 else 'are'} kept; what is not here yet is not"
        )
    return [*lines, *(f"  {each}" for each in goods)]


def goods_kept(reading: Reading, given: Given, value: dict[str, Value]) -> list[str]:
    """Return what a recall or closing keeps of each log of goods and promises under a mandate."""
    called = naming(reading)
    return [_goods_kept(called, given, each, value["cuts"]) for each in recorded(reading, given)]


def _goods_kept(called: Naming, given: Given, found: Recorded, cuts: Value) -> str:
    """Return what is kept of a log of goods or promises: of goods all that is here, unless another end was chosen."""
    assert isinstance(cuts, list)
    ends = [
        cut[1] for cut in cuts if isinstance(cut, list) and cut[0] == found.log and isinstance(cut[1], int)
    ]
    whose = f"{called.person(found.key, given.scope)}'s log {found.log.hex()[:8]}"
    kept = min(max(ends, default=0), found.records)
    if found.log_class is LogClass.FACTS:
        if kept == found.records:
            return f"All {kept} records of goods in {whose} stand: a recall voids promises, not facts."
        return f"Of {found.records} records of goods in {whose} the first {kept} stand."
    return f"Of {found.records} promises and plans in {whose} {kept} are kept."


def _is_kept(act: Act, cuts: Value) -> bool:
    assert isinstance(cuts, list)
    for cut in cuts:
        match cut:
            case [bytes() as log, int() as seq, _] if log == act.log and act.seq <= seq:
                return True
    return False


def _instruction(called: Naming, name: str, instruction: Instruction) -> dict[str, Any]:
    question, _, clause = name.partition("#")
    try:
        motion = bytes.fromhex(question)
    except ValueError:
        motion = b""
    title = called.motion(RecordId(motion), clause) if len(motion) == 32 else None
    allows: Any = "free"
    if isinstance(instruction, Bounds):
        allows = {"least": instruction.least, "most": instruction.most}
    elif instruction is not None:
        allows = [list(each) if isinstance(each, tuple) else each for each in instruction]
    return {
        "motion": None if name == ANY else question,
        "clause": clause or None,
        "title": title,
        "allows": allows,
    }


def _act(called: Naming, given: Given, act: Act) -> dict[str, Any]:
    who = called.person(act.key, given.scope)
    if act.kind == "vote":
        choice = choice_words(parse_choice(unpack(act.option or b"")))
        about = f"votes {choice} on {called.motion(RecordId(act.about), act.clause)}"
    else:
        verb = "approves" if act.kind == "approval" else "signs"
        about = f"{verb} {called.page(PageId(act.about))}"
    why = reason(act.verdict.code)
    return {
        "record": act.record.hex(),
        "kind": act.kind,
        "by": who,
        "about": act.about.hex(),
        "says": f"{act.record.hex()[:8]} {who} {about}",
        "status": act.verdict.status.value,
        "counts": act.verdict.status in (VoiceStatus.STANDS, VoiceStatus.MOVED),
        "code": act.verdict.code,
        "rule": why.rule,
        "because": why.sentence,
    }
