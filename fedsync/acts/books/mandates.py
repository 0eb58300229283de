"""Mandates: what a body gives somebody to do, and how it ends. Each becomes an entry for the body's next page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fedsync import keyring
from fedsync.acts.books.agenda import FACTS_ALONE, Drawn
from fedsync.acts.books.votes import USUAL
from fedsync.acts.books.whose import person_at
from fedsync.acts.goods.stewards import WORDS, logs_of_goods, reachable
from fedsync.crdt.books import people
from fedsync.crdt.books.booktables import MOTIONS, known
from fedsync.crdt.books.delegates import Given, given
from fedsync.crdt.books.drafting import CannotDraft, newest
from fedsync.crdt.books.handover import OVER, logs_under
from fedsync.crdt.books.minutes import current_epoch
from fedsync.crdt.books.naming import motion_at
from fedsync.errors import Problem, not_found, refused, usage
from fedsync.home import Home
from fedsync.picking import begins, the_one
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import Key, PageId, RecordId, Scope
from fedsync.records.kinds import fields as read
from fedsync.records.kinds.entries import (
    ANY,
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
    Mandate,
    Recall,
    Tip,
)
from fedsync.records.kinds.entryform import parse_entry, tips_value
from fedsync.records.kinds.motions import Motion
from fedsync.words import NotAKey, parse_key

KINDS = (
    DECISION, REPEAL, RESULT, WITNESS, EPOCH, CONFIRM, RATIFY, CONSENT, MANDATE, RECALL, CLOSING, JOIN, LEAVE, CREATE,
    SETTLE,
)  # fmt: skip
"""Kinds of entries on pages that a mandate may allow."""
RECORDS = tuple(WORDS)
"""Kinds of records of goods, promises and work that a mandate for a task may allow, and limit."""
LIMITED = ("vote", "signature")
"""Acts that a mandate may limit: votes, and pages signed."""
ABSTAIN = "abstain"


@dataclass(frozen=True, slots=True)
class Giving:
    """A mandate as it is asked for."""

    holder: Key
    seat: PageId | None
    task: str | None
    instructions: dict[str, Value]
    may: tuple[str, ...] | None = None
    limits: tuple[tuple[str, int], ...] = ()
    until: int | None = None
    alternate: Key | None = None


def give(reading: Reading, scope: Scope, giving: Giving) -> dict[str, Value]:
    """Return the entry that gives a mandate. An earlier one for the same is ended: cut at all that is reachable.

    Raises a Problem (exit 2 or 7) when the mandate would give no voice.
    """
    if (giving.seat is None) == (giving.task is None):
        raise usage("A mandate is for a seat or for a task.", "Give --seat BODY or --task TEXT.")
    if giving.task is not None and not giving.task.strip():
        raise usage("A task is named in words.", "Add --task TEXT.")
    if giving.alternate == giving.holder:
        raise usage("The holder can't be the alternate as well.", "Name somebody else, or no --alternate.")
    if giving.seat is not None:
        _check_seat(reading, scope, giving.seat)
    entry: dict[str, Value] = {
        "kind": MANDATE,
        "holder": giving.holder,
        "instructions": dict(giving.instructions),
    }
    if giving.seat is not None:
        entry["seat"] = giving.seat
    else:
        entry["task"] = giving.task
    if giving.may is not None:
        entry["may"] = list(_with_witnesses(giving))
    if giving.limits:
        entry["limits"] = dict(giving.limits)
    if giving.until is not None:
        entry["until"] = giving.until
    if giving.alternate is not None:
        entry["alternate"] = giving.alternate
    cuts = reachable(reading, earlier(reading, scope, giving.seat, giving.task))
    if cuts:
        entry["cuts"] = list(tips_value(cuts))
    return entry


def earlier(reading: Reading, scope: Scope, seat: PageId | None, task: str | None) -> list[Given]:
    """Return the mandates for the same seat or task that a new one ends."""
    return [
        each
        for each in given(reading.view, scope)
        if each.status not in OVER and each.mandate.seat == seat and each.mandate.task == task
    ]


def end(
    reading: Reading, mandate: Given, closing: bool, keep_to: Tip | None = None, nothing: bool = False
) -> dict[str, Value]:
    """Return the entry that recalls a mandate, or closes it when its term is over; what is kept is what is here.

    `keep_to`: of the log of this record all up to it, of the others all that is here. `nothing`: keep nothing but what
    was recorded of goods, since a recall voids promises, not facts.
    Raises a Problem (exit 7) when the mandate is over already.
    """
    if mandate.status in OVER:
        raise refused("over", f"This mandate is {_over(mandate.status)}.", "See: fedsync mandates list --all")
    cuts = reachable(reading, [mandate], facts_alone=nothing)
    if keep_to is not None:
        logs = {*logs_under(reading.view, mandate), *(log for log, _ in logs_of_goods(reading, mandate))}
        if keep_to.log not in logs:
            raise refused(
                "other-log",
                f"The record {keep_to.id.hex()[:8]} was not written under this mandate.",
                "See what was: fedsync mandates show ID",
            )
        cuts = (*(tip for tip in cuts if tip.log != keep_to.log), keep_to)
    return {
        "kind": CLOSING if closing else RECALL,
        "mandate": [mandate.id[0], mandate.id[1]],
        "cuts": list(tips_value(cuts)),
    }


def redrawn(
    reading: Reading, scope: Scope, entries: Sequence[dict[str, Value]], drawn_later: Sequence[Drawn]
) -> list[dict[str, Value]]:
    """Return entries that were prepared, with cuts at what is here now where they were not chosen by hand."""
    found = []
    for value, later in zip(entries, drawn_later, strict=True):
        entry = parse_entry(value)
        if later and isinstance(entry, Mandate):
            ended = earlier(reading, scope, entry.seat, entry.task)
        elif later and isinstance(entry, Recall):
            ended = [each for each in given(reading.view, scope) if each.id == entry.mandate]
        else:
            found.append(value)
            continue
        kept = tips_value(reachable(reading, ended, facts_alone=later == FACTS_ALONE))
        rest = {name: value[name] for name in value if name != "cuts"}
        # A recall says what it keeps, be it nothing; a mandate only when it ends another.
        found.append({**rest, "cuts": list(kept)} if kept or isinstance(entry, Recall) else rest)
    return found


def _over(status: str) -> str:
    return {"none": "only a draft", "void": "on a page that was displaced"}.get(status, f"{status} already")


def _check_seat(reading: Reading, scope: Scope, seat: PageId) -> None:
    here, there = reading.store.followed.get(scope), known(reading.view, seat)
    name = reading.name_of(there.scope) if there is not None else seat.hex()[:8]
    if here is not None and here.body == seat:
        raise refused(
            "own-seat", f"{name} can have no seat in itself.", "Name a body that it sits in, or a --task."
        )
    if there is None:
        raise refused(
            "seat-unknown", f"The book of {name} has not come yet.", "Wait for it: fedsync peers list"
        )
    try:
        epoch = current_epoch(reading.view, there.scope, newest(reading.view, there.scope))
    except CannotDraft as error:
        raise refused(error.code, error.sentence, f'See: fedsync bodies show "{name}"') from None
    if here is None or (epoch is not None and here.body not in epoch.members):
        raise refused(
            "not-a-seat",
            f"{reading.name_of(scope)} has no seat in {name}: who would be sent could say nothing there.",
            f'See: fedsync bodies show "{name}"',
        )


def _with_witnesses(giving: Giving) -> list[str]:
    """Return the kinds allowed; pages of bodies of bodies witness their members' heads, so who signs may sign that."""
    assert giving.may is not None
    return list(dict.fromkeys((*giving.may, WITNESS))) if giving.seat is not None else list(giving.may)


# --- What people type -----------------------------------------------------------------------------------


def person_key(home: Home, reading: Reading, scope: Scope, asked: str) -> Key:
    """Return the key of a person: a name in the body, or here, or PERSON@COMMUNITY, or the key itself or its beginning.

    Raises a Problem (exit 2 or 6).
    """
    typed = _typed_key(asked)
    if typed is not None:
        return typed
    called = people.names(reading.view, scope)
    wanted = asked.casefold()
    found = {key for key, name in called.items() if name.casefold() == wanted}
    found |= {each.key for each in keyring.people(home) if each.name.casefold() == wanted}
    if not found and "@" in asked:
        return person_at(reading, asked).key
    if not found:
        here = {*called, *(each.key for each in keyring.people(home))}
        found = {key for key in here if begins(asked, key.hex())}
    if len(found) > 1:
        found = _seated(reading, scope, found) or found
    return the_one("person", asked, sorted(found), lambda key: key.hex()[:12], "fedsync people list")


def _typed_key(asked: str) -> Key | None:
    if len(asked) == 64:
        try:
            return Key(bytes.fromhex(asked))
        except ValueError:
            return None
    try:
        return parse_key(asked)
    except NotAKey:
        return None


def _seated(reading: Reading, scope: Scope, keys: set[Key]) -> set[Key]:
    try:
        epoch = current_epoch(reading.view, scope, newest(reading.view, scope))
    except CannotDraft:
        return set()
    return keys & epoch.keys if epoch is not None else set()


def find(reading: Reading, asked: str, givens: Iterable[Given]) -> Given:
    """Return the mandate whose id begins so, or whose holder or alternate is called so. Raises a Problem (exit 6)."""
    every = list(givens)
    page, _, index = asked.partition(":")
    found = [
        each for each in every if begins(page, each.id[0].hex()) and (not index or str(each.id[1]) == index)
    ]
    if not found:
        key = _typed_key(asked)
        theirs = [
            each
            for each in every
            if (
                key in (each.mandate.holder, each.mandate.alternate)
                if key is not None
                else asked.casefold() in _names(reading, each)
            )
        ]
        # Who was recalled an hour ago is still asked about.
        found = [each for each in theirs if each.status not in OVER] or theirs
    return the_one("mandate", asked, found, lambda each: short(each.id), "fedsync mandates list --all")


def find_own(reading: Reading, asked: str, scope: Scope) -> Given:
    """Return the mandate that a body gave, found as by `find`. Raises a Problem: exit 6, or 7 when others gave it."""
    try:
        return find(reading, asked, given(reading.view, scope))
    except Problem as problem:
        if problem.code != "not_found":
            raise
        others = [each for each in given(reading.view) if each.scope != scope]
        try:
            giver = reading.name_of(find(reading, asked, others).scope)
        except Problem:
            raise problem from None
    raise refused(
        "not-the-giver",
        f"{giver} gave this mandate, and only its own book can end it.",
        "See: fedsync mandates list --body all",
    )


def _names(reading: Reading, mandate: Given) -> set[str]:
    keys = (mandate.mandate.holder, mandate.mandate.alternate)
    return {
        name.casefold()
        for key in keys
        if key is not None and (name := people.name_of(reading.view, mandate.scope, key))
    }


def short(id_: tuple[PageId, int]) -> str:
    """Return an entry's id as people type it."""
    return f"{id_[0].hex()[:8]}:{id_[1]}"


def instructions_of(reading: Reading, asked: Sequence[str]) -> dict[str, Value]:
    """Return what MOTION[#CLAUSE]=OPTION[,OPTION], =free or =LOW..HIGH say. Raises a Problem (exit 2 or 6)."""
    found: dict[str, Value] = {}
    for each in asked:
        question, sign, said = each.rpartition("=")
        if not sign or not question or not said:
            raise usage(
                f"{each} is no instruction.", "Type MOTION=OPTION, MOTION#CLAUSE=OPTION, or '*=free'."
            )
        name, motion = _question(reading, question)
        now = _instruction(said, motion)
        before = found.get(name)
        if isinstance(before, list) and isinstance(now, list):
            now = [*before, *(option for option in now if option not in before)]
        elif before is not None:
            raise usage(
                f"There are two instructions for {question}.", "Give one, with the options after commas."
            )
        found[name] = now
    return found


def _question(reading: Reading, asked: str) -> tuple[str, Motion | None]:
    if asked == ANY:
        return ANY, None
    held = {}
    for key, _ in reading.view.scan(MOTIONS):
        found = motion_at(reading.view, RecordId(key[0]))  # type: ignore[arg-type]
        if found is not None:
            held[RecordId(key[0])] = found  # type: ignore[arg-type]
    name, _, clause = asked.partition("#")
    ids = [each for each in held if begins(name, each.hex())] or [
        each for each, motion in held.items() if read.plain(motion.title).casefold() == name.casefold()
    ]
    id_ = the_one("motion", name, ids, lambda each: each.hex()[:12], "fedsync motions list")
    motion = held[id_]
    if not clause:
        return id_.hex(), motion
    clauses = [each for each, _ in motion.clauses]
    if clause not in clauses:
        raise not_found("clause", clause, f"The motion has: {', '.join(clauses) or 'no clauses'}.")
    return f"{id_.hex()}#{clause}", motion


def _instruction(said: str, motion: Motion | None) -> Value:
    if said == FREE:
        return FREE
    low, dots, high = said.partition("..")
    if dots:
        try:
            least, most = int(low), int(high)
        except ValueError:
            raise usage(f"{said} are no two numbers.", "Type them like 2..5.") from None
        if least > most:
            raise usage(f"{least} is more than {most}.", f"Type {most}..{least}.")
        return {"least": least, "most": most}
    options = motion.options if motion is not None else ()
    allowed = (*(options or USUAL), ABSTAIN)
    # An option may hold a comma itself.
    names = [said] if said in options else [each.strip() for each in said.split(",")]
    for name in names:
        # '*' speaks of motions that are not put yet: who knows what can be said to them.
        if not name or (motion is not None and name not in allowed and (options or not _is_number(name))):
            raise usage(f"The motion has no option {name or '(empty)'}.", f"It has: {', '.join(allowed)}.")
    chosen: list[Value] = []
    chosen += [int(name) if not options and _is_number(name) else name for name in names]
    if len(set(names)) < len(names):
        raise usage("An option is named twice.", "Name each once.")
    return chosen


def _is_number(name: str) -> bool:
    return name.removeprefix("-").isdecimal()


def kinds_of(asked: str | None, task: bool = False) -> tuple[str, ...] | None:
    """Return the kinds in a list with commas; None for none given. Raises a Problem (exit 2).

    A mandate for a seat allows entries on pages; one for a task records of goods, promises and work as well.
    """
    if asked is None:
        return None
    found = tuple(dict.fromkeys(each.strip() for each in asked.split(",")))
    known_kinds = (*RECORDS, *KINDS) if task else KINDS
    for each in found:
        if each not in known_kinds:
            what = "kind of record or entry" if task else "kind of entry"
            also = " Goods are recorded under a mandate for a --task." if each in RECORDS else ""
            raise usage(
                f"{each or '(empty)'} is no {what} that it can allow.{also}",
                f"There are: {', '.join(known_kinds)}.",
            )
    return found


def limits_of(asked: Sequence[str], task: bool = False) -> tuple[tuple[str, int], ...]:
    """Return what KIND=N say. Raises a Problem (exit 2)."""
    found: dict[str, int] = {}
    for each in asked:
        kind, _, number = each.partition("=")
        if kind not in (*LIMITED, *(RECORDS if task else ())) or not number.isdecimal():
            hint = "Type vote=N or signature=N."
            if task:
                hint = "Type economic_event=N, or another kind of record that it allows."
            raise usage(f"{each} is no limit.", hint)
        found[kind] = int(number)
    return tuple(sorted(found.items()))
