"""Putting motions, amending them, and standing beside a decision in dissent."""

from dataclasses import dataclass

from fedsync.acts.author import Author, now_ms
from fedsync.acts.books.minutes import MAX_TEXT_BYTES, MAX_TITLE
from fedsync.acts.books.voices import find_voice, held_mandates, voice
from fedsync.crdt.books.drafting import CannotDraft, newest
from fedsync.crdt.books.minutes import current_epoch
from fedsync.crdt.books.motions import MotionView, motions
from fedsync.doors import Door
from fedsync.errors import Exit, Problem, usage
from fedsync.picking import begins, the_one
from fedsync.plain import is_plain
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, PageId, RecordId
from fedsync.records.kinds.fields import plain
from fedsync.records.kinds.motions import (
    DISSENT,
    MAX_OPTIONS,
    MOTION,
    WHOLE,
    Method,
    Of,
    Rule,
    rule_value,
)
from fedsync.records.seal import Draft
from fedsync.store.peers import FollowedBody


@dataclass(frozen=True, slots=True)
class Words:
    """What a motion is to say."""

    title: str
    text: str
    options: tuple[str, ...] = ()
    clauses: tuple[tuple[str, str], ...] = ()
    rule: Rule | None = None


def put(author: Author, reading: Reading, door: Door, body: FollowedBody, words: Words) -> RecordId:
    """Put a motion to a body and return its id. Raises a Problem (exit 7) when the author may not."""
    return _put(author, reading, door, body, _motion_value(body.body, words))


def amend(author: Author, reading: Reading, door: Door, of: MotionView, words: Words) -> RecordId:
    """Put another version of a motion, beside those that there are; return its id. Raises a Problem."""
    body = asked_body(reading, of)
    return _put(author, reading, door, body, {**_motion_value(body.body, words), "amends": of.id})


def _put(
    author: Author, reading: Reading, door: Door, body: FollowedBody, value: dict[str, Value]
) -> RecordId:
    with author.writing():
        said = voice(author, reading, body.scope)
        blocks = author.write_as(door, reading, said.genesis, [Draft(MOTION, value, now_ms())])
    return blocks[-1].tip


def dissent(author: Author, reading: Reading, door: Door, about: bytes, text: str) -> RecordId:
    """Write a statement against a motion, page or vote; nobody can take it away. Return its id. Raises a Problem."""
    _check_text(text, "statement")
    if not text.strip():
        raise usage("A dissent says why.", 'Add --text "..."')
    with author.writing():
        into = _own_log(author, reading)
        draft = Draft(DISSENT, {"about": about, "text": text}, now_ms())
        return author.write_as(door, reading, into, [draft])[-1].tip


def _own_log(author: Author, reading: Reading) -> Genesis:
    """Return a log in which somebody speaks for themselves: their seat's, else one under a mandate of theirs."""
    own = find_voice(author, reading, reading.own().scope)
    if own is not None:
        return own.genesis
    held = held_mandates(reading, author.key)
    if not held:
        return voice(author, reading, reading.own().scope).genesis
    best = max(held, key=lambda each: (each.number, each.id))
    return author.genesis(reading, LogClass.AUTHORITY, best.scope, ("mandate", *best.id))


def check_words(words: Words) -> None:
    """Raise a Problem (exit 2) when no motion can say this."""
    if not words.title or len(words.title) > MAX_TITLE or not is_plain(words.title):
        raise usage(
            f"A motion needs a title: one line of 1 to {MAX_TITLE} letters.", "Put the rest into its text."
        )
    _check_text(words.text, "motion")
    if len(words.options) == 1 or len(words.options) > MAX_OPTIONS:
        raise usage(
            f"A motion has 2 to {MAX_OPTIONS} options, or none: then it is yes or no.", "Add --option X."
        )
    for name, text in words.clauses:
        if not name or not is_plain(name):
            raise usage("A clause has a name: one word.", "Write it as --clause NAME=TEXT.")
        _check_text(text, f"clause {name}")
    for what, names in (("option", words.options), ("clause", [name for name, _ in words.clauses])):
        if any(not each or not is_plain(each) or "," in each for each in names):
            raise usage(f"An {what}'s name is a word without commas.", "Choose a shorter name.")
        if len(set(names)) != len(names):
            raise usage(f"An {what} is named twice.", "Name each once.")


def _motion_value(body: PageId, words: Words) -> dict[str, Value]:
    check_words(words)
    value: dict[str, Value] = {"body": body, "title": words.title, "text": words.text}
    if words.options:
        value["options"] = list(words.options)
    if words.clauses:
        value["clauses"] = dict(words.clauses)
    if words.rule is not None:
        value["rule"] = rule_value(words.rule)
    return value


def _check_text(text: str, what: str) -> None:
    if len(text.encode(errors="replace")) > MAX_TEXT_BYTES:
        raise usage(f"The {what} is longer than a record holds ({MAX_TEXT_BYTES:,} bytes).", "Shorten it.")
    if any(not is_plain(line) for line in text.split("\n")):
        raise usage(f"The {what} holds control characters.", "Save it as plain text, UTF-8.")


# --- Finding -------------------------------------------------------------------------------------------


def find_motion(reading: Reading, asked: str, body: PageId | None = None) -> MotionView:
    """Return the motion (put to `body`) whose id begins so, or that has this title. Raises a Problem (exit 6)."""
    every = motions(reading.view, body)
    found = [each for each in every if begins(asked, each.id.hex())]
    found = found or [each for each in every if _title(each).casefold() == asked.casefold()]
    return the_one(
        "motion", asked, found, lambda each: f"{each.id.hex()[:12]} ({_title(each)})", "fedsync motions list"
    )


def _title(of: MotionView) -> str:
    return plain(of.motion.title)


def asked_body(reading: Reading, of: MotionView) -> FollowedBody:
    """Return the body that a motion asks. Raises a Problem (exit 9) when its book is not here yet."""
    for body in reading.store.followed.all():
        if body.body == of.motion.body:
            return body
    raise Problem(
        "body-not-known",
        f"The motion asks a body that this node does not follow: {of.motion.body.hex()[:8]}.",
        "Follow it, or wait until a peer announces it: fedsync bodies show all",
        Exit.NOT_YET,
    )


def find_clause(of: MotionView, asked: str | None) -> str:
    """Return the clause that is asked for, the whole motion for None. Raises a Problem (exit 6)."""
    if asked is None:
        return WHOLE
    names = [name for name, _ in of.motion.clauses]
    look = f"fedsync motions show {of.id.hex()[:8]}"
    return the_one("clause", asked, [name for name in names if name == asked], str, look)


# --- Rules ---------------------------------------------------------------------------------------------


def parse_rule_words(text: str, of: str | None, quorum: int | None) -> Rule:
    """Return the rule that a person typed, as in `consensus:1` or `threshold:5`. Raises a Problem (exit 2)."""
    name, _, number = text.partition(":")
    try:
        method = Method(name.replace("-", "_"))
    except ValueError:
        raise usage(
            f"{text} is no way of deciding that is known here.", f"There are: {', '.join(Method)}."
        ) from None
    takes = method in (Method.CONSENSUS, Method.THRESHOLD)
    if bool(number) and not (takes and number.isdecimal()):
        raise usage(f"{text}: only consensus and threshold take a number.", "As in consensus:1, threshold:5.")
    if method is Method.THRESHOLD and (not number or int(number) < 1):
        raise usage("A threshold says how many it needs.", "As in threshold:5.")
    return Rule(
        method,
        Of(of) if of else Of.SEATS,
        need=int(number) if method is Method.THRESHOLD else 0,
        less=int(number or 0) if method is Method.CONSENSUS else 0,
        quorum=quorum or 0,
    )


def rule_of(reading: Reading, of: MotionView) -> Rule:
    """Return how a motion is decided: as it says, else as its body's epoch says, else by more than half of all seats."""
    if of.motion.rule is not None:
        return of.motion.rule
    if of.scope is not None:
        try:
            epoch = current_epoch(reading.view, of.scope, newest(reading.view, of.scope))
        except CannotDraft:
            epoch = None
        if epoch is not None and epoch.voting is not None:
            return epoch.voting
    return Rule(Method.MAJORITY)
