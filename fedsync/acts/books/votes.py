"""Voting, counting, and a community's word on what its delegate voted."""

from collections.abc import Sequence

from fedsync.acts.author import Author, now_ms
from fedsync.acts.books.motions import asked_body, rule_of
from fedsync.acts.books.voices import Voice, voice
from fedsync.crdt.books import methods
from fedsync.crdt.books.booktables import log_row
from fedsync.crdt.books.epoch import begun
from fedsync.crdt.books.methods import ABSTAIN
from fedsync.crdt.books.motions import MotionView
from fedsync.crdt.books.naming import choice_words, rule_words
from fedsync.crdt.books.results import TallyView, VoteView, named_votes, votes_on
from fedsync.crdt.books.slot import Verdict, VoiceStatus
from fedsync.crdt.books.votes import BREACHES, Cast, Question, Senders, own_verdict
from fedsync.crdt.reasons import reason
from fedsync.doors import Door
from fedsync.errors import refused, usage
from fedsync.picking import begins, the_one
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import RecordId, Scope
from fedsync.records.kinds.entries import CONFIRM, RATIFY, Result
from fedsync.records.kinds.entryform import choice_value, result_value
from fedsync.records.kinds.motions import VOTE, WHOLE, Choice, Method, Rule
from fedsync.records.seal import Draft

USUAL = ("yes", "no")
"""What can be said to a motion that names no options; and everybody may abstain."""

SEVERAL = (Method.CONDORCET, Method.APPROVAL)
"""Ways of deciding by which a vote names several options: ranked, or each approved."""

_NEVER = frozenset({"no-mandate", "not-the-holder"})
"""Why a vote is nobody's. One that a recall cut can still be named: it then stands for good (rule 11)."""

NEW_VOTE = RecordId(bytes(32))
"""Stands for a vote that is not written yet."""


def options_of(of: MotionView) -> tuple[str, ...]:
    """Return what can be said to a motion, but for abstaining."""
    return of.motion.options or USUAL


def parse_option(of: MotionView, text: str) -> Choice:
    """Return what a vote says, of the motion's options: one, several with commas, or a number. Raises a Problem."""
    if not of.motion.options and text.removeprefix("-").isdecimal():
        return int(text)
    names = [each.strip() for each in text.split(",")]
    for each in names:
        if each not in (*options_of(of), ABSTAIN):
            there = ", ".join((*options_of(of), ABSTAIN))
            raise usage(f"{each or 'Nothing'} is no option of this motion.", f"There are: {there}.")
    if len(set(names)) != len(names):
        raise usage("An option is named twice.", "Name each once.")
    return names[0] if len(names) == 1 else tuple(names)


def foreseen(reading: Reading, said: Voice, question: Question, option: Choice) -> Verdict:
    """Return what a vote in this log would be, were it written now."""
    view, whose = reading.view, said.genesis
    log = log_row(view, whose.log) or begun(whose)
    own = own_verdict(view, Cast(NEW_VOTE, whose.log, log, question, option, now_ms()), foreseen=True)
    if own.status is VoiceStatus.STANDS and Senders(view).word(whose.scope, question) is not None:
        return Verdict(VoiceStatus.VOID, "not-the-word")
    return own


def cast_vote(
    author: Author, reading: Reading, door: Door, of: MotionView, clause: str, option: Choice,
    anyway: bool = False,
) -> tuple[RecordId, Verdict]:  # fmt: skip
    """Vote on a question; return the vote's id and what it is worth. Raises a Problem (exit 7) when it would be void.

    `anyway` writes it all the same: void, and shown as such.
    """
    body = asked_body(reading, of)
    if of.verdict.status is not VoiceStatus.STANDS and not anyway:
        raise refused(
            of.verdict.code,
            f"This motion is {of.verdict.status.value}: {reason(of.verdict.code).sentence}.",
            f"See: fedsync motions show {of.id.hex()[:8]}",
        )
    rule = rule_of(reading, of)
    if isinstance(option, tuple) and rule.method not in SEVERAL and not anyway:
        raise refused(
            "one-option",
            f"This motion is decided by {rule_words(rule)}: a vote for several options would count for none. "
            "Nothing was written.",
            "Name one. To write it all the same, for a result by another rule: --anyway",
        )
    with author.writing():
        said = voice(author, reading, body.scope)
        worth = foreseen(reading, said, (of.id, clause), option)
        if worth.status is VoiceStatus.VOID and not anyway:
            sentence = reason(worth.code).sentence
            raise refused(
                worth.code,
                f"{author.name}'s vote would be void: {sentence}. Nothing was written.",
                _way_out(worth),
            )
        value: dict[str, Value] = {"motion": of.id, "option": choice_value(option)}
        if clause != WHOLE:
            value["clause"] = clause
        blocks = author.write_as(door, reading, said.genesis, [Draft(VOTE, value, now_ms())])
    return blocks[-1].tip, worth


def _way_out(worth: Verdict) -> str:
    if worth.code == "not-the-word":
        return "The assembly has had its word. A new motion can be put: fedsync motions put"
    return "Ask the assembly that sent you. To write the vote all the same, void as it is: --anyway"


# --- Entries for pages -----------------------------------------------------------------------------------


def result_of_votes(now: TallyView, clause: str) -> dict[str, Value]:
    """Return the entry that certifies the votes that count now. Raises a Problem (exit 7) when there are none."""
    votes = named_votes(now)
    if not votes:
        raise refused("no_votes", "No vote on this counts yet.", "See who has not voted: fedsync votes open")
    return result_value(Result(now.question[0], now.rule, tuple(votes), None, clause))


def result_of_counts(
    of: MotionView, clause: str, rule: Rule, counts: Sequence[tuple[Choice, int]]
) -> dict[str, Value]:
    """Return the entry that certifies a vote in the room: how many, never who."""
    return result_value(Result(of.id, rule, None, tuple(counts), clause))


def parse_counts(of: MotionView, text: str) -> list[tuple[Choice, int]]:
    """Return the counts that a person typed: yes=12,no=3. Raises a Problem (exit 2)."""
    counts: list[tuple[Choice, int]] = []
    for each in text.split(","):
        name, equals, number = each.strip().rpartition("=")
        if not equals or not number.isdecimal():
            raise usage(f"{each.strip() or 'Nothing'} is no count.", "Write them as: yes=12,no=3")
        option = parse_option(of, name.replace(">", ","))
        if option in [known for known, _ in counts]:
            raise usage(f"{name} is counted twice.", "Count each once.")
        counts.append((option, int(number)))
    return counts


def outcome_of(rule: Rule, seats: int, counts: Sequence[tuple[Choice, int]]) -> str | None:
    """Return what counts decide."""
    return methods.outcome_of_counts(rule, seats, counts)


def own_vote(reading: Reading, question: Question, scope: Scope, ratify: bool) -> VoteView | None:
    """Return the vote that a body's word would name by itself: the one of its seat that stands; to ratify, the one
    that breaks the mandate. None when there is none. Raises a Problem (exit 7) when several logs have one.
    """
    every = [
        each for each in votes_on(reading.view, question, scope) if each.verdict.code != "motion-not-held"
    ]
    wanted = [each for each in every if each.verdict.code in BREACHES] if ratify else []
    wanted = wanted or [each for each in every if each.verdict.status is VoiceStatus.STANDS]
    if not wanted:
        return None
    # Who voted again in the same log means the later one.
    last = {each.log: each for each in wanted}
    if len(last) > 1:
        said = ", ".join(f"{choice_words(each.option)} ({each.id.hex()[:8]})" for each in last.values())
        raise refused(
            "several_votes", f"Several votes of the community's seat stand: {said}.", "Say which: --vote ID"
        )
    return wanted[-1]


def find_vote(reading: Reading, question: Question, scope: Scope, asked: str) -> VoteView:
    """Return the vote of a body's people on a question whose id begins so. Raises a Problem (exit 6)."""
    every = votes_on(reading.view, question, scope)
    found = [each for each in every if begins(asked, each.id.hex())]
    return the_one(
        "vote of ours on this",
        asked,
        found,
        lambda each: each.id.hex()[:12],
        f"fedsync motions show {question[0].hex()[:8]}",
    )


def word_entry(
    reading: Reading, question: Question, scope: Scope, vote: VoteView | None, ratify: bool
) -> dict[str, Value]:
    """Return the entry by which a body says which vote is its word, or that none is.

    Raises a Problem (exit 7) when it would have no effect: the book has had its word, or the vote breaks the mandate.
    """
    said = Senders(reading.view).word(scope, question)
    if said is not None:
        named = f"the vote {said.vote.hex()[:8]}" if said.vote else "none"
        raise refused(
            "has-its-word",
            f"The book has said already what its word is: {named}. The first one stands.",
            f"See: fedsync book show {said.page.hex()[:8]}",
        )
    if vote is not None and not ratify and vote.verdict.code in BREACHES:
        raise refused(
            vote.verdict.code,
            f"A confirm would not take: {reason(vote.verdict.code).sentence}.",
            "If the assembly wants it all the same: --ratify",
        )
    if vote is not None and vote.verdict.code in _NEVER:
        raise refused(
            vote.verdict.code,
            f"This vote cannot be the word: {reason(vote.verdict.code).sentence}.",
            f"See: fedsync why {vote.id.hex()[:8]}",
        )
    entry: dict[str, Value] = {
        "kind": RATIFY if ratify else CONFIRM,
        "motion": question[0],
        "vote": vote.id if vote is not None else None,
    }
    if question[1] != WHOLE:
        entry["clause"] = question[1]
    return entry
