"""Motions, votes, the rules by which they are counted, and what a minority has written beside them. Pure.

A motion's id is its record's id. A *question* is a motion and one of its clauses, or the motion as a whole (""): each
question is voted on, confirmed and certified for itself.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from fedsync.records.codec import Value
from fedsync.records.ids import PageId, RecordId
from fedsync.records.kinds import fields as read
from fedsync.records.kinds.fields import Text
from fedsync.records.void import Void

MOTION = "motion"
VOTE = "vote"
DISSENT = "dissent"

MAX_OPTIONS = 64
WHOLE = ""
"""The clause that stands for the motion as a whole."""

Choice: TypeAlias = str | int | tuple[str, ...]
"""What a vote says: one option, a number within bounds, or a list of options (ranked, or all that are approved)."""


class Method(StrEnum):
    """How ballots become an outcome. Each is a pure function of `fedsync.crdt.books.methods`."""

    MAJORITY = "majority"
    TWO_THIRDS = "two_thirds"
    CONSENSUS = "consensus"
    CONDORCET = "condorcet"
    APPROVAL = "approval"
    THRESHOLD = "threshold"


class Of(StrEnum):
    """What a share is counted of: every seat, those present (who voted, if only to abstain), or those voting: who
    abstains is not voting, as in rule 86 of the General Assembly.
    """

    SEATS = "seats"
    PRESENT = "present"
    VOTING = "voting"


@dataclass(frozen=True, slots=True)
class Rule:
    """How a question is decided. `need` is the threshold's count; `less` how many may stand against a consensus;
    `quorum` the seats that must have voted at all.
    """

    method: Method
    of: Of = Of.SEATS
    need: int = 0
    less: int = 0
    quorum: int = 0


@dataclass(frozen=True, slots=True)
class Motion:
    """What a body is asked to decide. A new version is a new motion that `amends` the older."""

    body: PageId
    title: Text
    text: Text
    options: tuple[str, ...] = ()
    clauses: tuple[tuple[str, Text], ...] = ()
    amends: RecordId | None = None
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class Vote:
    """A seat's vote on a question, in the log of its delegate or teller."""

    motion: RecordId
    option: Choice
    clause: str = WHOLE


@dataclass(frozen=True, slots=True)
class Dissent:
    """A statement against a motion, page or vote, that stands beside it wherever it is shown."""

    about: bytes
    text: Text


# --- Reading ------------------------------------------------------------------------------------------


def parse_motion(value: Value) -> Motion:
    """Return the motion. Raises Void with the code malformed."""
    fields = read.map_of(value, "a motion")
    read.exactly(fields, {"body", "title", "text"}, {"options", "clauses", "amends", "rule"}, "a motion")
    options = read.texts_of(fields, "options", 2) if "options" in fields else ()
    if len(options) > MAX_OPTIONS:
        raise Void("malformed", f"a motion has at most {MAX_OPTIONS} options")
    clauses = read.map_of(fields.get("clauses", {}), "clauses")
    if "" in clauses:
        raise Void("malformed", "a clause has a name")
    amends = read.optional(fields, "amends", 32)
    return Motion(
        body=PageId(read.bytes_of(fields, "body", 32)),
        title=read.words(fields, "title"),
        text=read.words(fields, "text"),
        options=options,
        clauses=tuple((name, read.words(clauses, name)) for name in sorted(clauses)),
        amends=RecordId(amends) if amends is not None else None,
        rule=parse_rule(fields["rule"]) if "rule" in fields else None,
    )


def parse_vote(value: Value) -> Vote:
    """Return the vote. Raises Void with the code malformed."""
    fields = read.map_of(value, "a vote")
    read.exactly(fields, {"motion", "option"}, {"clause"}, "a vote")
    return Vote(
        RecordId(read.bytes_of(fields, "motion", 32)), parse_choice(fields["option"]), clause_of(fields)
    )


def parse_dissent(value: Value) -> Dissent:
    """Return the statement. Raises Void with the code malformed."""
    fields = read.map_of(value, "a dissent")
    read.exactly(fields, {"about", "text"}, set(), "a dissent")
    return Dissent(read.bytes_of(fields, "about", 32), read.words(fields, "text"))


def parse_choice(value: Value) -> Choice:
    """Return what a vote or a tally's line says. Raises Void with the code malformed."""
    if type(value) is int:
        return value
    if isinstance(value, str) and value:
        return value
    if isinstance(value, list) and len(value) <= MAX_OPTIONS:
        return read.texts_of({"option": value}, "option")
    raise Void("malformed", "an option is a text, a whole number, or a list of different texts")


def parse_rule(value: Value) -> Rule:
    """Return the rule. Raises Void with the code malformed: an unknown method is no rule."""
    fields = read.map_of(value, "a rule")
    read.exactly(fields, {"method"}, {"of", "need", "less", "quorum"}, "a rule")
    try:
        method = Method(read.text_of(fields, "method"))
        of = Of(read.text_of(fields, "of")) if "of" in fields else Of.SEATS
    except ValueError:
        raise Void("malformed", "a rule's method or base is none that is known") from None
    if (method is Method.THRESHOLD) != ("need" in fields):
        raise Void("malformed", "a threshold says how many it needs, and no other rule does")
    if "less" in fields and method is not Method.CONSENSUS:
        raise Void("malformed", "only a consensus says how many may stand against it")
    return Rule(
        method=method,
        of=of,
        need=read.whole(fields, "need", 1) if "need" in fields else 0,
        less=read.whole(fields, "less", 0) if "less" in fields else 0,
        quorum=read.whole(fields, "quorum", 0) if "quorum" in fields else 0,
    )


def rule_value(rule: Rule) -> dict[str, Value]:
    """Return the payload that `parse_rule` reads back."""
    value: dict[str, Value] = {"method": str(rule.method)}
    if rule.of is not Of.SEATS:
        value["of"] = str(rule.of)
    for name, number in (("need", rule.need), ("less", rule.less), ("quorum", rule.quorum)):
        if number:
            value[name] = number
    return value


def clause_of(fields: dict[str, Value]) -> str:
    """Return the clause that a vote, a word or a result is about; the whole motion when none is named. Raises Void."""
    return read.text_of(fields, "clause") if "clause" in fields else WHOLE
