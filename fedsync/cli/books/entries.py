"""What stands on a page, as JSON and as lines for people."""

from collections.abc import Iterable
from typing import Any

from fedsync.acts.goods.stewards import WORDS, in_words
from fedsync.cli.telling import day, rfc3339, text_of
from fedsync.crdt.books.booktables import MANDATES, RESULTS, page_row
from fedsync.crdt.books.mandates import NONE
from fedsync.crdt.books.naming import Naming, choice_words, rule_words, short
from fedsync.crdt.books.votes import cast
from fedsync.reading import Reading, now_ms
from fedsync.records.ids import PageId, RecordId, Scope
from fedsync.records.kinds.entries import (
    ANY,
    BodySeat,
    Bounds,
    Confirm,
    Consent,
    Create,
    Decision,
    Entry,
    EntryId,
    EpochEntry,
    Instruction,
    Join,
    KeySeat,
    Leave,
    Mandate,
    Recall,
    Repeal,
    Result,
    Settle,
    Tip,
    UnknownEntry,
    VoidEntry,
    Witness,
    kind_of,
)

Json = dict[str, Any]


def naming(reading: Reading) -> Naming:
    """Return the names of what this node holds."""
    return Naming(reading.view, book=reading.name_of, now=now_ms())


def describe(reading: Reading, scope: Scope, entry: Entry, at: EntryId | None = None) -> Json:
    """Return an entry's kind, what it says, and lines for people. A body's texts come as they are.

    `at`: where it stands; then also what became of a mandate or a result.
    """
    said = _describe(naming(reading), reading, scope, entry)
    return {**said, **_state(reading, scope, entry, at, said["lines"])} if at is not None else said


def _state(reading: Reading, scope: Scope, entry: Entry, at: EntryId, lines: list[str]) -> Json:
    """Return what became of a mandate or a result, by the rows that are kept of them."""
    if isinstance(entry, Result) and (row := reading.view.get(RESULTS, (scope, *at))) is not None:
        outcome = str(row[2]) if row[2] is not None else None
        line = f"  {row[1]!s}: {outcome or 'nothing is decided'}"
        return {"status": row[1], "outcome": outcome, "lines": [*lines, line]}
    if isinstance(entry, Mandate) and (row := reading.view.get(MANDATES, (scope, *at))) is not None:
        return {"status": row[1], "lines": [*lines, f"  it is {row[1]!s}"] if row[1] != NONE else lines}
    return {}


def _describe(called: Naming, reading: Reading, scope: Scope, entry: Entry) -> Json:
    match entry:
        case Decision():
            return _decision(called, entry)
        case Repeal(decision):
            which = called.decision(decision)
            return _said("repeal", f"Repealed: {which}", decision=_entry_id(decision))
        case EpochEntry():
            return _epoch(called, scope, entry)
        case Mandate():
            return _mandate(called, scope, entry)
        case Recall():
            return _recall(called, entry)
        case Confirm():
            return _word(called, entry)
        case Witness(body, page):
            held = page_row(reading.view, page)
            upto = f"page {held.number} ({short(page)})" if held is not None else called.page(page)
            line = f"Seen of {called.body(body)}: its book up to {upto}"
            return _said("witness", line, body=body.hex(), page=page.hex())
        case Consent(body, to):
            line = f"Agreed to the new rules of {called.body(body)} ({short(to)})"
            return _said("consent", line, body=body.hex(), to=to.hex())
        case Result():
            return _result(called, entry)
        case Join(body, node):
            by = [f"  its node: {called.person(node.key, scope)}"] if node is not None else []
            line = f"Joins {called.body(body)}, or takes it in: the other book says so too"
            return _said("join", line, *by, body=body.hex(), node=node.key.hex() if node else None)
        case Leave(body, cuts):
            line = f"Leaves {called.body(body)}, or lets it go"
            return _said("leave", line, *_cuts(cuts), body=body.hex(), cuts=_tips(cuts))
        case Create(body):
            return _said("create", f"Founds {called.body(body)}, which answers to this body", body=body.hex())
        case Settle(log, seq, id_):
            line = f"Of the log {short(log)} the branch of {short(id_)}, number {seq}, holds"
            return _said("settle", line, log=log.hex(), seq=seq, id=id_.hex())
        case VoidEntry(kind, code, sentence):
            return _said(kind, f"{kind}: void, {sentence}", void=code)
        case UnknownEntry(kind):
            line = f"{kind}: this version of fedsync does not know what that is; it has no effect here"
            return _said(kind, line, unknown=True)


def _said(kind: str, *lines: str, **fields: Any) -> Json:
    return {"kind": kind, **fields, "lines": list(lines)}


def _entry_id(entry: EntryId) -> str:
    return f"{entry[0].hex()}:{entry[1]}"


def _tips(cuts: Iterable[Tip]) -> list[Json]:
    return [{"log": tip.log.hex(), "seq": tip.seq, "id": tip.id.hex()} for tip in cuts]


def _cuts(cuts: Iterable[Tip]) -> list[str]:
    return [
        f"  of the log {short(tip.log)} this is kept: all up to number {tip.seq} ({short(tip.id)})"
        for tip in cuts
    ]


def _decision(called: Naming, entry: Decision) -> Json:
    title, text = text_of(entry.title), text_of(entry.text)
    lines = [f"Decision: {title}", *(f"  {line}" for line in text.split("\n"))]
    fields: Json = {"title": title, "text": text}
    if entry.motion is not None:
        fields["motion"] = entry.motion.hex()
        lines.append(f"  from the motion {called.motion(entry.motion)}")
    if entry.expires is not None:
        fields["expires"] = rfc3339(entry.expires)
        lines.append(f"  lapses {day(entry.expires)}")
    if entry.supersedes:
        fields["supersedes"] = [_entry_id(each) for each in entry.supersedes]
        lines += [f"  in place of {called.decision(each)}" for each in entry.supersedes]
    return _said("decision", *lines, **fields)


def _epoch(called: Naming, scope: Scope, entry: EpochEntry) -> Json:
    name = text_of(entry.name)
    tellers = [called.person(seat.key, scope) for seat in entry.seats if isinstance(seat, KeySeat)]
    members = [called.body(seat.body) for seat in entry.seats if isinstance(seat, BodySeat)]
    lines = [
        f"{name} ({entry.classification}): from the next page on",
        f"  {entry.k} of these must sign: {', '.join([*members, *tellers])}",
    ]
    fields: Json = {"name": name, "tellers": tellers, "bodies": members, "threshold": entry.k}
    if entry.sealers is not None:
        by = [called.person(each.key, scope if isinstance(each, KeySeat) else None) for each in entry.sealers]
        w = entry.k if entry.w is None else entry.w
        lines.append(f"  {w} of these must seal: {', '.join(by)}")
        fields |= {"sealers": by, "seals": w}
    if entry.repair is not None:
        lines.append(f"  {entry.repair.threshold} of {len(entry.repair.keys)} repair keys mend the book")
        fields["repair"] = {"keys": len(entry.repair.keys), "threshold": entry.repair.threshold}
    if entry.witness is not None:
        higher = _witness_name(called, entry.witness)
        lines.append(f"  if its book splits, the book of {higher} says which branch holds")
        fields["witness"] = entry.witness.hex()
    if entry.consents:
        lines += [f"  agreed to by {called.page(page)}" for page in entry.consents]
        fields["consents"] = [page.hex() for page in entry.consents]
    if entry.voting is not None:
        lines.append(f"  decides by {rule_words(entry.voting)}")
        fields["voting"] = rule_words(entry.voting)
    if entry.rotation is not None:
        longest, cooling = entry.rotation.longest, entry.rotation.cooling
        lines.append(f"  a delegate serves {longest} days at most, and then not again for {cooling}")
        fields["rotation"] = {"longest_days": longest, "cooling_days": cooling}
    if entry.answers_to is not None:
        lines.append(f"  answers to {called.body(entry.answers_to)}")
        fields["answers_to"] = entry.answers_to.hex()
    if entry.cuts:
        lines += _cuts(entry.cuts)
        fields["cuts"] = _tips(entry.cuts)
    return _said("epoch", *lines, **fields)


def _witness_name(called: Naming, witness: bytes) -> str:
    return called.body(PageId(witness)) if len(witness) == 32 else called.book(Scope(witness))


def _mandate(called: Naming, scope: Scope, entry: Mandate) -> Json:
    holder = called.person(entry.holder, scope)
    said = [f"{_question(called, name)}: {_may(each)}" for name, each in entry.instructions]
    lines = [f"Mandate: {holder} acts for this body {called.purpose(entry)}"]
    if said or entry.task is None:
        lines += [f"  {each}" for each in said] or ["  may vote on nothing: no instruction is given"]
    fields: Json = {
        "holder": holder,
        "key": entry.holder.hex(),
        "seat": entry.seat.hex() if entry.seat is not None else None,
        "task": entry.task,
        "instructions": {name: _may(each) for name, each in entry.instructions},
    }
    if entry.may is not None:
        lines += _allows(entry)
        fields["may"] = list(entry.may)
    if entry.limits:
        limits = (
            f"{in_words(name)} {number}" if name in WORDS else f"{name} {number}"
            for name, number in entry.limits
        )
        lines.append(f"  limits: {', '.join(limits)}")
        fields["limits"] = dict(entry.limits)
    if entry.until is not None:
        lines.append(f"  until {day(entry.until)}")
        fields["until"] = rfc3339(entry.until)
    if entry.alternate is not None:
        fields["alternate"] = called.person(entry.alternate, scope)
        lines.append(f"  {fields['alternate']} stands in")
    if entry.cuts:
        lines += ["  ends the mandate before it; of that", *_cuts(entry.cuts)]
        fields["cuts"] = _tips(entry.cuts)
    return _said("mandate", *lines, **fields)


def _allows(entry: Mandate) -> list[str]:
    """Return what a mandate may record, and which pages it may sign."""
    recorded = [each for each in entry.may or () if each in WORDS]
    signed = [each for each in entry.may or () if each not in WORDS]
    lines = [f"  may record {', '.join(map(in_words, recorded))}, and nothing else"] if recorded else []
    if signed or not recorded:
        lines.append(f"  may sign pages with {', '.join(signed) or 'nothing'}, and no others")
    return lines


def _question(called: Naming, name: str) -> str:
    if name == ANY:
        return "on all that is not named"
    motion, _, clause = name.partition("#")
    try:
        id_ = bytes.fromhex(motion)
    except ValueError:
        id_ = b""
    return f"on {called.motion(RecordId(id_), clause) if len(id_) == 32 else name}"


def _may(instruction: Instruction) -> str:
    if instruction is None:
        return "free"
    if isinstance(instruction, Bounds):
        return f"from {instruction.least} to {instruction.most}"
    return " or ".join(choice_words(each) for each in instruction) or "no vote at all"


def _recall(called: Naming, entry: Recall) -> Json:
    word = "Closed" if entry.closing else "Recalled"
    kept = _cuts(entry.cuts) or ["  nothing that was signed or voted under it is kept"]
    lines = [f"{word}: {called.mandate(entry.mandate)}", *kept]
    return _said(kind_of(entry), *lines, mandate=_entry_id(entry.mandate), cuts=_tips(entry.cuts))


def _word(called: Naming, entry: Confirm) -> Json:
    word = "Ratified" if entry.ratify else "Confirmed"
    vote = f"the vote {short(entry.vote)}" if entry.vote is not None else "no vote of ours"
    cast_ = cast(called.view, entry.vote) if entry.vote is not None else None
    if cast_ is not None:
        who = called.person(cast_.whose.key, cast_.whose.scope)
        vote = f"the vote of {who} for {choice_words(cast_.option)} ({short(cast_.id)})"
    said = f"{word} on {called.motion(entry.motion, entry.clause)}: {vote}"
    return _said(
        kind_of(entry),
        said,
        motion=entry.motion.hex(),
        clause=entry.clause,
        vote=entry.vote.hex() if entry.vote else None,
    )


def _result(called: Naming, entry: Result) -> Json:
    rule = rule_words(entry.rule)
    lines = [f"Result on {called.motion(entry.motion, entry.clause)}, by {rule}"]
    fields: Json = {"motion": entry.motion.hex(), "clause": entry.clause, "rule": rule}
    if entry.counts is not None:
        fields["counts"] = [[choice_words(choice), number] for choice, number in entry.counts]
        lines.append(
            "  counted in the room: "
            + (", ".join(f"{name} {number}" for name, number in fields["counts"]) or "nothing")
        )
    if entry.votes is not None:
        fields["votes"] = [vote.hex() for vote in entry.votes]
        lines.append(f"  of {len(entry.votes)} votes of delegates, which every node counts for itself")
    return _said("result", *lines, **fields)
