"""Entries of a page as values: what stands in the payload, read exactly, and written. Pure.

One that does not match its kind exactly is a `VoidEntry`: kept and shown, without effect, and the rest of the page
stands. What depends on other records is not judged here but by the fold.
"""

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from fedsync.records.codec import Value, pack
from fedsync.records.genesis import BadGenesis, Genesis
from fedsync.records.ids import EPOCH_TAG, Key, LogId, PageId, RecordId, Scope
from fedsync.records.kinds import fields as read
from fedsync.records.kinds.entries import (
    CLOSING,
    CONFIRM,
    CONSENT,
    CREATE,
    DECISION,
    EPOCH,
    FREE,
    JOIN,
    LEAVE,
    MANDATE,
    RATIFY,
    RECALL,
    REPEAL,
    RESULT,
    SETTLE,
    WITNESS,
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
    NodeSealer,
    Recall,
    Repair,
    Repeal,
    Result,
    Rotation,
    Sealer,
    Seat,
    Settle,
    Tip,
    UnknownEntry,
    VoidEntry,
    Witness,
)
from fedsync.records.kinds.motions import WHOLE, Choice, clause_of, parse_choice, parse_rule, rule_value
from fedsync.records.void import Void


def parse_entry(value: Value) -> Entry:
    """Return the entry; a VoidEntry when it is not what its kind says. Raises Void when it is no entry at all."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str):
        raise Void("malformed", "each entry is a map with a kind")
    reader = _READERS.get(kind)
    if reader is None:
        return UnknownEntry(kind)
    try:
        return reader({name: each for name, each in value.items() if name != "kind"})
    except Void as void:
        return VoidEntry(kind, void.code, void.sentence)


def _epoch(fields: dict[str, Value]) -> EpochEntry:
    needed = {"name", "classification", "level", "seats", "k"}
    allowed = {"sealers", "w", "repair", "cuts", "witness", "consents", "voting", "rotation", "answers_to"}
    read.exactly(fields, needed, allowed, "an epoch")
    seats, sealers = fields["seats"], fields.get("sealers")
    if not isinstance(seats, list) or not seats:
        raise Void("malformed", "an epoch names its seats")
    if "sealers" in fields and (not isinstance(sealers, list) or not sealers):
        raise Void("malformed", "sealers are a list of logs")
    classification = fields["classification"]
    if not isinstance(classification, str):
        raise Void("malformed", "a classification is a text")
    answers_to = read.optional(fields, "answers_to", 32)
    return EpochEntry(
        name=read.words(fields, "name"),
        classification=classification,
        level=read.whole(fields, "level", 0),
        seats=tuple(_seat(each) for each in seats),
        k=read.whole(fields, "k", 1),
        sealers=tuple(_sealer(each) for each in sealers) if isinstance(sealers, list) else None,
        w=read.whole(fields, "w", 1) if "w" in fields else None,
        repair=_repair(fields["repair"]) if "repair" in fields else None,
        cuts=_cuts(fields.get("cuts", [])),
        witness=_witness_body(fields) if "witness" in fields else None,
        consents=tuple(PageId(each) for each in read.ids_of(fields, "consents"))
        if "consents" in fields
        else (),
        voting=parse_rule(fields["voting"]) if "voting" in fields else None,
        rotation=_rotation(fields["rotation"]) if "rotation" in fields else None,
        answers_to=PageId(answers_to) if answers_to is not None else None,
        consent_to=hashlib.sha256(
            EPOCH_TAG + pack({name: each for name, each in fields.items() if name != "consents"})
        ).digest(),
    )


def _witness_body(fields: dict[str, Value]) -> PageId | Scope:
    match fields["witness"]:
        case bytes() as body if len(body) == 32:
            return PageId(body)
        case bytes() as tag if len(tag) == 16:
            return Scope(tag)
    raise Void("malformed", "a witness is a body, or the founding tag of one that is yet to be founded")


def _seat(value: Value) -> Seat:
    if isinstance(value, dict) and set(value) == {"body"}:
        return BodySeat(PageId(read.bytes_of(value, "body", 32)))
    return _key_seat(value)


def _sealer(value: Value) -> Sealer:
    return _node(value) if isinstance(value, list) else _key_seat(value)


def _node(value: Value) -> NodeSealer:
    match value:
        case [bytes() as key, bytes() as incarnation] if len(key) == 32 and len(incarnation) == 16:
            return NodeSealer(Key(key), incarnation)
    raise Void("malformed", "a node is its key and the incarnation of its log")


def _key_seat(value: Value) -> KeySeat:
    if not isinstance(value, dict) or set(value) != {"genesis"} or not isinstance(value["genesis"], bytes):
        raise Void("malformed", "a seat names the genesis of its log")
    try:
        return KeySeat(Genesis.parse(value["genesis"]))
    except BadGenesis as error:
        raise Void("malformed", f"a seat's genesis is wrong: {error}") from None


def _repair(value: Value) -> Repair:
    fields = read.map_of(value, "repair")
    read.exactly(fields, {"keys", "threshold"}, set(), "repair")
    keys = fields["keys"]
    if not isinstance(keys, list) or not all(isinstance(key, bytes) and len(key) == 32 for key in keys):
        raise Void("malformed", "repair keys are a list of keys")
    return Repair(
        tuple(Key(key) for key in keys if isinstance(key, bytes)), read.whole(fields, "threshold", 1)
    )


def _rotation(value: Value) -> Rotation:
    fields = read.map_of(value, "rotation")
    read.exactly(fields, {"longest", "cooling"}, set(), "rotation")
    return Rotation(read.whole(fields, "longest", 1), read.whole(fields, "cooling", 0))


def _cuts(value: Value) -> tuple[Tip, ...]:
    if not isinstance(value, list):
        raise Void("malformed", "cuts are a list")
    return tuple(_tip(each) for each in value)


def _tip(value: Value) -> Tip:
    match value:
        case [bytes() as log, int() as seq, bytes() as id_] if type(seq) is int:
            if len(log) == 32 and len(id_) == 32 and seq >= 0:
                return Tip(LogId(log), seq, RecordId(id_))
    raise Void("malformed", "a cut is a log, a number and a record's id")


def _entry_id(value: Value) -> EntryId:
    match value:
        case [bytes() as page, int() as index] if (
            type(index) is int and len(page) == 32 and 0 <= index < 2**31
        ):
            return PageId(page), index
    raise Void("malformed", "an entry is named by its page and its index on it")


def _decision(fields: dict[str, Value]) -> Decision:
    read.exactly(fields, {"title", "text"}, {"motion", "expires", "supersedes"}, "a decision")
    motion = read.optional(fields, "motion", 32)
    return Decision(
        title=read.words(fields, "title"),
        text=read.words(fields, "text"),
        motion=RecordId(motion) if motion is not None else None,
        expires=read.whole(fields, "expires", 0) if "expires" in fields else None,
        supersedes=tuple(_entry_id(each) for each in read.list_of(fields, "supersedes"))
        if "supersedes" in fields
        else (),
    )


def _repeal(fields: dict[str, Value]) -> Repeal:
    read.exactly(fields, {"decision"}, set(), "a repeal")
    return Repeal(_entry_id(fields["decision"]))


def _mandate(fields: dict[str, Value]) -> Mandate:
    allowed = {"seat", "task", "may", "limits", "until", "alternate", "cuts"}
    read.exactly(fields, {"holder", "instructions"}, allowed, "a mandate")
    if ("seat" in fields) == ("task" in fields):
        raise Void("malformed", "a mandate is for a seat or for a task, and not for both")
    seat, alternate = read.optional(fields, "seat", 32), read.optional(fields, "alternate", 32)
    instructions = read.map_of(fields["instructions"], "instructions")
    limits = read.map_of(fields.get("limits", {}), "limits")
    return Mandate(
        holder=Key(read.bytes_of(fields, "holder", 32)),
        seat=PageId(seat) if seat is not None else None,
        task=read.text_of(fields, "task") if "task" in fields else None,
        instructions=tuple((name, _instruction(instructions[name])) for name in sorted(instructions)),
        may=read.texts_of(fields, "may") if "may" in fields else None,
        limits=tuple((name, read.whole(limits, name, 0)) for name in sorted(limits)),
        until=read.whole(fields, "until", 0) if "until" in fields else None,
        alternate=Key(alternate) if alternate is not None else None,
        cuts=_cuts(fields.get("cuts", [])),
    )


def _instruction(value: Value) -> Instruction:
    if value == FREE:
        return None
    if isinstance(value, list):
        return tuple(parse_choice(each) for each in value)
    if isinstance(value, dict):
        read.exactly(value, {"least", "most"}, set(), "an instruction by bounds")
        least = read.whole(value, "least", -(2**63))
        return Bounds(least, read.whole(value, "most", least))
    raise Void("malformed", 'an instruction is a list of options, bounds, or "free"')


def _recall(fields: dict[str, Value]) -> Recall:
    read.exactly(fields, {"mandate", "cuts"}, set(), "a recall")
    return Recall(_entry_id(fields["mandate"]), _cuts(fields["cuts"]))


def _closing(fields: dict[str, Value]) -> Recall:
    read.exactly(fields, {"mandate", "cuts"}, set(), "a closing")
    return Recall(_entry_id(fields["mandate"]), _cuts(fields["cuts"]), closing=True)


def _confirm(fields: dict[str, Value]) -> Confirm:
    read.exactly(fields, {"motion", "vote"}, {"clause"}, "a body's word")
    vote = None if fields["vote"] is None else RecordId(read.bytes_of(fields, "vote", 32))
    return Confirm(RecordId(read.bytes_of(fields, "motion", 32)), vote, clause_of(fields))


def _ratify(fields: dict[str, Value]) -> Confirm:
    word = _confirm(fields)
    return Confirm(word.motion, word.vote, word.clause, ratify=True)


def _witness(fields: dict[str, Value]) -> Witness:
    read.exactly(fields, {"body", "page"}, set(), "a witness")
    return Witness(PageId(read.bytes_of(fields, "body", 32)), PageId(read.bytes_of(fields, "page", 32)))


def _consent(fields: dict[str, Value]) -> Consent:
    read.exactly(fields, {"body", "to"}, set(), "a consent")
    return Consent(PageId(read.bytes_of(fields, "body", 32)), read.bytes_of(fields, "to", 32))


def _result(fields: dict[str, Value]) -> Result:
    read.exactly(fields, {"motion", "rule"}, {"votes", "counts", "clause"}, "a result")
    if ("votes" in fields) == ("counts" in fields):
        raise Void("malformed", "a result names votes, or gives counts")
    return Result(
        motion=RecordId(read.bytes_of(fields, "motion", 32)),
        rule=parse_rule(fields["rule"]),
        votes=tuple(RecordId(each) for each in read.ids_of(fields, "votes")) if "votes" in fields else None,
        counts=tuple(_count(each) for each in read.list_of(fields, "counts")) if "counts" in fields else None,
        clause=clause_of(fields),
    )


def _count(value: Value) -> tuple[Choice, int]:
    match value:
        case [choice, int() as number] if type(number) is int and number >= 0:
            return parse_choice(choice), number
    raise Void("malformed", "a count is an option and how many were for it")


def _join(fields: dict[str, Value]) -> Join:
    read.exactly(fields, {"body"}, {"node"}, "a join")
    return Join(
        PageId(read.bytes_of(fields, "body", 32)), _node(fields["node"]) if "node" in fields else None
    )


def _leave(fields: dict[str, Value]) -> Leave:
    read.exactly(fields, {"body"}, {"cuts"}, "a leave")
    return Leave(PageId(read.bytes_of(fields, "body", 32)), _cuts(fields.get("cuts", [])))


def _create(fields: dict[str, Value]) -> Create:
    read.exactly(fields, {"body"}, set(), "a create")
    return Create(PageId(read.bytes_of(fields, "body", 32)))


def _settle(fields: dict[str, Value]) -> Settle:
    read.exactly(fields, {"log", "seq", "id"}, set(), "a settle")
    return Settle(
        LogId(read.bytes_of(fields, "log", 32)),
        read.whole(fields, "seq", 0),
        RecordId(read.bytes_of(fields, "id", 32)),
    )


_READERS: Mapping[str, Callable[[dict[str, Value]], Entry]] = MappingProxyType(
    {
        EPOCH: _epoch,
        DECISION: _decision,
        REPEAL: _repeal,
        MANDATE: _mandate,
        RECALL: _recall,
        CLOSING: _closing,
        CONFIRM: _confirm,
        RATIFY: _ratify,
        WITNESS: _witness,
        CONSENT: _consent,
        RESULT: _result,
        JOIN: _join,
        LEAVE: _leave,
        CREATE: _create,
        SETTLE: _settle,
    }
)


# --- Writing ------------------------------------------------------------------------------------------


def tips_value(tips: tuple[Tip, ...]) -> list[Value]:
    """Return the payload of `cuts`."""
    return [[tip.log, tip.seq, tip.id] for tip in tips]


def instruction_value(instruction: Instruction) -> Value:
    """Return the payload of one instruction."""
    if instruction is None:
        return FREE
    if isinstance(instruction, Bounds):
        return {"least": instruction.least, "most": instruction.most}
    return [choice_value(each) for each in instruction]


def choice_value(choice: Choice) -> Value:
    """Return the payload of an option."""
    return list(choice) if isinstance(choice, tuple) else choice


def result_value(result: Result) -> dict[str, Value]:
    """Return the payload of a result entry."""
    value: dict[str, Value] = {"kind": RESULT, "motion": result.motion, "rule": rule_value(result.rule)}
    if result.votes is not None:
        value["votes"] = list(result.votes)
    if result.counts is not None:
        value["counts"] = [[choice_value(choice), number] for choice, number in result.counts]
    if result.clause != WHOLE:
        value["clause"] = result.clause
    return value
