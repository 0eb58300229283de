"""What of a Popolo file becomes records here. Nothing is taken for signed: people still sign all of it.

People with a key get a name; motions are put to a body; votes become results by counts, and delegates mandates without
instructions, both prepared for the next page. Bodies and their seats are reported: no file founds a body.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from unicodedata import normalize

from fedsync.acts.author import Author, now_ms
from fedsync.acts.books import agenda, mandates, motions, rotation
from fedsync.acts.books.founding import person
from fedsync.acts.books.publishing import ABSENT, FAIL, PASS, RANKED, TELLER, requirement, rule_in
from fedsync.acts.books.votes import outcome_of
from fedsync.crdt.books import people
from fedsync.crdt.books.delegates import given
from fedsync.crdt.books.drafting import CannotDraft, newest
from fedsync.crdt.books.handover import OVER
from fedsync.crdt.books.minutes import current_epoch
from fedsync.crdt.books.motions import motions as held_motions
from fedsync.crdt.books.results import results_on
from fedsync.doors import Door
from fedsync.errors import Problem, usage
from fedsync.plain import is_plain
from fedsync.popolo.model import BODY_SCHEME, Loaded, Membership, Motion, Popolo, VoteEvent
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import Key, LogClass, PageId, RecordId
from fedsync.records.kinds.authority import MAX_NAME_CHARS
from fedsync.records.kinds.entries import Result
from fedsync.records.kinds.entryform import result_value
from fedsync.records.kinds.fields import plain
from fedsync.records.kinds.motions import WHOLE, Choice, Method, Rule
from fedsync.records.seal import Draft
from fedsync.store.peers import FollowedBody

MAX_EACH = 500
"""Names, motions, results or mandates of one import: what an assembly can look through before it signs."""
NO_VOTES = frozenset({ABSENT, "not voting", "paired", ""})
"""What Popolo calls a vote that is none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A motion of the file, and the same motion here if there is one already."""

    source: Motion
    words: motions.Words
    held: RecordId | None


@dataclass(frozen=True, slots=True)
class Counted:
    """A vote of the file on one of its motions, by counts."""

    source: VoteEvent
    rule: Rule
    counts: tuple[tuple[Choice, int], ...]


@dataclass(slots=True)
class Plan:
    """What an import writes and prepares, and what it leaves."""

    body: FollowedBody
    names: list[tuple[Key, str]] = field(default_factory=list)
    motions: list[Asked] = field(default_factory=list)
    results: list[Counted] = field(default_factory=list)
    mandates: list[dict[str, Value]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Adopted:
    """What an import came to: records written, entries prepared."""

    names: int
    motions: tuple[RecordId, ...]
    prepared: int


def plan(reading: Reading, loaded: Loaded, body: FollowedBody) -> Plan:
    """Return what an import of a file into a body would do. Raises a Problem (exit 2) when it is too much at once."""
    made = Plan(body, notes=list(loaded.notes))
    popolo = loaded.popolo
    keys = _names(reading, popolo, made)
    _motions(reading, popolo, made)
    _results(reading, popolo, made)
    _memberships(reading, popolo, keys, made)
    if popolo.organizations:
        made.notes.append(f"{_bodies_here(reading, popolo)}: no file founds a body, see fedsync bodies found")
    for what, number in (("names", len(made.names)), ("motions", len(made.motions)),
                         ("results", len(made.results)), ("mandates", len(made.mandates))):  # fmt: skip
        if number > MAX_EACH:
            raise usage(f"The file has {number:,} {what}; at most {MAX_EACH} come in at once.", "Split it.")
    return made


def adopt(author: Author, door: Door, made: Plan) -> Adopted:
    """Write the names and motions of a plan, and prepare its entries for the next page. Raises a Problem."""
    scope = made.body.scope
    if made.names:
        with Reading.open(author.home) as reading, author.writing():
            drafts = [Draft("person", person(key, name), now_ms()) for key, name in made.names]
            author.write(door, reading, LogClass.AUTHORITY, drafts)
    ids: dict[str, RecordId] = {}
    written = []
    for each in made.motions:
        if each.held is not None:
            ids[each.source.id] = each.held
            continue
        with Reading.open(author.home) as reading:
            ids[each.source.id] = motions.put(author, reading, door, made.body, each.words)
        written.append(ids[each.source.id])
    entries = [*made.mandates, *(_result_entry(each, ids[each.source.motion_id]) for each in made.results)]
    waiting = agenda.prepared(author.home, scope)
    new = [each for each in entries if each not in waiting]
    if new:
        agenda.prepare(author.home, scope, new)
    return Adopted(len(made.names), tuple(written), len(new))


def _result_entry(each: Counted, motion: RecordId) -> dict[str, Value]:
    return result_value(Result(motion, each.rule, None, each.counts, each.source.identifier or WHOLE))


# --- People


def _names(reading: Reading, popolo: Popolo, made: Plan) -> dict[str, Key]:
    """Plan names for keys; return the keys of the file's people by their ids there."""
    own = reading.own().scope
    known = people.names(reading.view, own)
    keys: dict[str, Key] = {}
    without = taken = 0
    for each in popolo.persons:
        key = _key(each.key)
        if key is None:
            without += 1
            continue
        keys[each.id] = key
        name = normalize("NFC", each.name.strip())
        if not name or len(name) > MAX_NAME_CHARS or not is_plain(name):
            made.notes.append(f"the name of {each.id} can't be shown, and is left out")
        elif key in known:
            taken += known[key] != name
        else:
            made.names.append((key, name))
    if without:
        made.notes.append(f"{without} people have no key in the file: nobody here can know who they are")
    if taken:
        made.notes.append(f"{taken} people have another name here, and keep it")
    return keys


def _key(text: str | None) -> Key | None:
    try:
        raw = bytes.fromhex(text or "")
    except ValueError:
        return None
    return Key(raw) if len(raw) == 32 else None


# --- Motions and votes


def _motions(reading: Reading, popolo: Popolo, made: Plan) -> None:
    held = {
        (plain(each.motion.title), plain(each.motion.text)): each.id
        for each in held_motions(reading.view, made.body.body)
    }
    for each in popolo.motions:
        said = normalize("NFC", each.text.replace("\r\n", "\n").replace("\t", "    "))
        title, _, text = said.partition("\n")
        title, text = title.strip(), text.strip("\n")
        words = motions.Words(title, text, rule=rule_in(each.requirement))
        try:
            motions.check_words(words)
        except Problem as problem:
            made.notes.append(f"the motion {each.id} is left out: {problem.message}")
            continue
        made.motions.append(Asked(each, words, held.get((title, text))))


def _results(reading: Reading, popolo: Popolo, made: Plan) -> None:
    asked = {each.source.id: each for each in made.motions}
    epoch_rule = _voting(reading, made.body)
    seats = _seats(reading, made.body)
    for each in popolo.vote_events:
        motion = asked.get(each.motion_id)
        if motion is None:
            made.notes.append(f"the vote {each.id} is left out: its motion does not come in")
            continue
        counts = tuple(_counts(each))
        if not counts:
            made.notes.append(f"the vote {each.id} is left out: it has neither counts nor votes")
            continue
        rule = motion.words.rule or epoch_rule
        counted = Counted(each, rule, counts)
        if motion.held is not None and _is_there(reading, counted, motion.held):
            made.notes.append(f"the vote {each.id} stands in the book already")
            continue
        outcome = outcome_of(rule, seats, counts)
        said = {PASS: "yes", FAIL: None}.get(each.result, each.result or outcome)
        if said != outcome and not (each.result == FAIL and outcome == "no"):
            made.notes.append(
                f"the vote {each.id}: the file says {each.result}; by {requirement(rule)} of {seats} seats here "
                f"its counts decide {outcome or 'nothing'}"
            )
        made.results.append(counted)


def _counts(event: VoteEvent) -> Iterator[tuple[Choice, int]]:
    counts: Counter[str] = Counter()
    if event.counts:
        for each in event.counts:
            counts[each.option] += each.value
    else:
        for vote in event.votes:
            counts[vote.option] += 1
    for option in sorted(counts):
        if option not in NO_VOTES and is_plain(option):
            yield (tuple(option.split(RANKED)) if RANKED in option else option), counts[option]


def _is_there(reading: Reading, counted: Counted, motion: RecordId) -> bool:
    clause = counted.source.identifier or WHOLE
    return any(each.entry.counts == counted.counts for each in results_on(reading.view, motion, clause))


def _voting(reading: Reading, body: FollowedBody) -> Rule:
    try:
        epoch = current_epoch(reading.view, body.scope, newest(reading.view, body.scope))
    except CannotDraft:
        epoch = None
    return epoch.voting if epoch is not None and epoch.voting is not None else Rule(Method.MAJORITY)


def _seats(reading: Reading, body: FollowedBody) -> int:
    try:
        epoch = current_epoch(reading.view, body.scope, newest(reading.view, body.scope))
    except CannotDraft:
        epoch = None
    return epoch.n if epoch is not None else 0


# --- Bodies and memberships


def _memberships(reading: Reading, popolo: Popolo, keys: dict[str, Key], made: Plan) -> None:
    """Plan mandates for delegates of the body that the import is for; count what else there is."""
    here = {body.body.hex(): body for body in reading.store.followed.all()}
    ids = {
        each.id: _body_id(each.id, {one.scheme: one.identifier for one in each.identifiers})
        for each in popolo.organizations
    }
    own = made.body.body.hex()
    skipped: Counter[str] = Counter()
    for each in popolo.memberships:
        giver, seat = ids.get(each.on_behalf_of_id, each.on_behalf_of_id), ids.get(each.organization_id, "")
        if each.role == TELLER or each.member_id or (each.person_id and not each.on_behalf_of_id):
            skipped["are seats, which only a page of the body gives"] += 1
        elif giver != own:
            skipped[f"are on behalf of others than {reading.name_of(made.body.scope)}"] += 1
        elif each.person_id not in keys:
            skipped["are of people whose key is not known"] += 1
        elif seat not in here or seat == own:
            skipped["are in bodies that are not known here"] += 1
        elif _is_past(each):
            skipped["are over"] += 1
        else:
            _mandate(reading, each, keys[each.person_id], here[seat].body, made)
    made.notes += [f"{number} memberships {why}" for why, number in sorted(skipped.items())]


def _mandate(reading: Reading, each: Membership, holder: Key, seat: PageId, made: Plan) -> None:
    same = [
        one
        for one in given(reading.view, made.body.scope)
        if one.status not in OVER and one.mandate.seat == seat and one.mandate.holder == holder
    ]
    if same:
        made.notes.append(f"the membership of {each.person_id} is a mandate here already")
        return
    try:
        until, against = rotation.check(
            reading, made.body.scope, holder, (seat, None), _until(each.end_date), now_ms()
        )
        if against is not None:
            raise against
        asked = mandates.Giving(holder, seat, None, {}, until=until)
        made.mandates.append(mandates.give(reading, made.body.scope, asked))
    except Problem as problem:
        made.notes.append(f"the membership of {each.person_id} is left out: {problem.message}")


def _until(text: str) -> int | None:
    """Return the end of the day that a date names, in ms; None for no date that is whole."""
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        return None
    whole = day.replace(tzinfo=UTC) if day.tzinfo is None else day
    end = whole + timedelta(days=1) if len(text) <= 10 else whole
    return int(end.timestamp() * 1000)


def _is_past(each: Membership) -> bool:
    until = _until(each.end_date)
    return until is not None and until < now_ms()


def _body_id(id_: str, identifiers: dict[str, str]) -> str:
    return identifiers.get(BODY_SCHEME, id_)


def _bodies_here(reading: Reading, popolo: Popolo) -> str:
    here = {body.body.hex() for body in reading.store.followed.all()}
    known = sum(
        _body_id(each.id, {one.scheme: one.identifier for one in each.identifiers}) in here
        for each in popolo.organizations
    )
    return f"{len(popolo.organizations)} organizations, {known} of them known here"
