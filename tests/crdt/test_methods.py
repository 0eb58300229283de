"""How ballots become an outcome: each method in examples, and against a count that is obviously right."""

from fractions import Fraction
from itertools import product
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.books.methods import ABSTAIN, certain, outcome, outcome_of_counts
from fedsync.records.kinds.motions import Choice, Method, Of, Rule, parse_rule, rule_value

SHARES = (Method.MAJORITY, Method.TWO_THIRDS, Method.CONSENSUS)

ballots = st.sampled_from(["yes", "no", ABSTAIN, ("yes", "no")])
rules = st.builds(
    Rule,
    st.sampled_from(SHARES),
    st.sampled_from(Of),
    less=st.integers(0, 2),
    quorum=st.integers(0, 4),
)


def counted(rule: Rule, seats: int, cast: list[Choice]) -> str | None:
    """Return the outcome as a person with a pencil would find it: an option at a time, for yes and no alone."""
    if len(cast) < rule.quorum:
        return None
    for option, other in (("yes", "no"), ("no", "yes")):
        for_it, against, aside = cast.count(option), cast.count(other), cast.count(ABSTAIN)
        if for_it <= against:
            continue
        base = {Of.SEATS: seats, Of.PRESENT: len(cast), Of.VOTING: for_it + against}[rule.of]
        match rule.method:
            case Method.MAJORITY:
                passes = Fraction(for_it, base) > Fraction(1, 2)
            case Method.TWO_THIRDS:
                passes = Fraction(for_it, base) >= Fraction(2, 3)
            case _:
                passes = base - for_it - (0 if rule.of is Of.VOTING else aside) <= rule.less
        if passes:
            return option
    return None


@given(rules, st.lists(ballots, max_size=9), st.integers(0, 3))
def test_a_share_of_all_seats_of_those_present_and_of_those_voting(
    rule: Rule, cast: list[Choice], away: int
) -> None:
    seats = len(cast) + away
    assert outcome(rule, seats, cast) == counted(rule, seats, cast)


@given(
    rules,
    st.lists(
        st.sets(st.sampled_from([None, "yes", "no", ABSTAIN, ("yes", "no")]), min_size=1, max_size=3),
        max_size=5,
    ),
    st.integers(0, 2),
)
def test_an_outcome_is_called_certain_only_when_no_choice_of_any_seat_changes_it(
    rule: Rule, choices: list[set[Choice | None]], away: int
) -> None:
    seats = len(choices) + away
    possible = {
        counted(rule, seats, [each for each in cast if each is not None]) for cast in product(*choices)
    }
    if certain(rule, seats, choices):
        assert len(possible) == 1


@given(
    st.sampled_from([Method.MAJORITY, Method.TWO_THIRDS]),
    st.sampled_from(Of),
    st.lists(st.sets(st.sampled_from([None, "yes", "no", ABSTAIN]), min_size=1, max_size=3), max_size=5),
    st.integers(0, 2),
)
def test_a_share_of_the_votes_is_called_certain_as_soon_as_it_is(
    method: Method, of: Of, choices: list[set[Choice | None]], away: int
) -> None:
    rule, seats = Rule(method, of), len(choices) + away
    possible = {
        counted(rule, seats, [each for each in cast if each is not None]) for cast in product(*choices)
    }
    assert certain(rule, seats, choices) == (len(possible) == 1)


several = st.sampled_from([None, "a", "b", ABSTAIN, ("a", "b"), ("b", "c", "a"), ("c",), 3])


@given(
    st.one_of(
        st.sampled_from([Rule(Method.CONDORCET), Rule(Method.APPROVAL), Rule(Method.APPROVAL, quorum=3)]),
        st.builds(Rule, st.just(Method.THRESHOLD), need=st.integers(1, 3)),
    ),
    st.lists(st.sets(several, min_size=1, max_size=3), max_size=4),
)
def test_ranked_approved_and_counted_votes_too_are_called_certain_only_when_they_are(
    rule: Rule, choices: list[set[Choice | None]]
) -> None:
    possible = {outcome(rule, 9, [each for each in cast if each is not None]) for cast in product(*choices)}
    if certain(rule, 9, choices):
        assert len(possible) == 1


def test_who_abstains_is_present_and_not_voting() -> None:
    counts: list[tuple[Choice, int]] = [("yes", 60), ("no", 50), (ABSTAIN, 40)]
    assert outcome_of_counts(Rule(Method.MAJORITY, Of.VOTING), 193, counts) == "yes"
    assert outcome_of_counts(Rule(Method.MAJORITY, Of.PRESENT), 193, counts) is None
    assert outcome_of_counts(Rule(Method.MAJORITY, Of.SEATS), 193, counts) is None


def test_two_thirds_of_those_voting_is_at_least_two_thirds_to_the_vote() -> None:
    rule = Rule(Method.TWO_THIRDS, Of.VOTING)
    assert outcome_of_counts(rule, 193, [("yes", 80), ("no", 40), (ABSTAIN, 70)]) == "yes"
    assert outcome_of_counts(rule, 193, [("yes", 79), ("no", 40), (ABSTAIN, 70)]) is None


def test_a_quorum_is_of_those_present_and_a_tie_decides_nothing() -> None:
    rule = Rule(Method.MAJORITY, Of.VOTING, quorum=65)
    assert outcome_of_counts(rule, 193, [("yes", 20), (ABSTAIN, 45)]) == "yes"
    assert outcome_of_counts(rule, 193, [("yes", 20), (ABSTAIN, 44)]) is None
    assert outcome_of_counts(rule, 193, [("yes", 40), ("no", 40)]) is None
    assert outcome_of_counts(rule, 193, [(ABSTAIN, 193)]) is None


def test_of_those_voting_a_result_is_certain_once_the_open_seats_cannot_turn_it() -> None:
    rule = Rule(Method.MAJORITY, Of.VOTING)
    yes: set[Choice | None] = {"yes"}
    open_: set[Choice | None] = {"no", None}
    assert certain(rule, 193, [yes] * 3 + [open_] * 2)
    assert not certain(rule, 193, [yes] * 2 + [open_] * 2)
    assert certain(rule, 193, [yes] * 2 + [{ABSTAIN, None}] * 9)


@pytest.mark.parametrize("of", list(Of))
def test_a_rule_is_read_back_as_it_was_written(of: Of) -> None:
    rule = Rule(Method.MAJORITY, of, quorum=5)
    assert parse_rule(rule_value(rule)) == rule


def test_a_page_full_of_rankings_is_counted_in_moments() -> None:
    """32 KiB name ten thousand options; each held against each other would keep every node busy for hours."""
    counts = [(tuple(f"{ballot}.{each}" for each in range(64)), 1) for ballot in range(150)]
    ahead = [*counts, (("0.5", *counts[1][0][:63]), 3)]
    before = process_time()
    assert outcome_of_counts(Rule(Method.CONDORCET), 200, counts) is None
    assert outcome_of_counts(Rule(Method.CONDORCET), 200, ahead) == "0.5"
    assert process_time() - before < 10


@pytest.mark.parametrize("method", [Method.CONDORCET, Method.APPROVAL, Method.MAJORITY])
def test_what_liars_may_still_vote_by_the_thousand_is_not_called_certain_and_keeps_nobody_waiting(
    method: Method,
) -> None:
    votes: list[Choice] = [tuple(f"{vote}.{each}" for each in range(64)) for vote in range(1000)]
    if method is Method.MAJORITY:
        votes = [str(vote) for vote in range(3000)]
    before = process_time()
    assert not certain(Rule(method), 9, [{None, *votes}] * 2 + [{"x"}])
    assert process_time() - before < 10


def test_a_ranked_tally_in_which_nobody_is_for_anything_decides_nothing() -> None:
    assert outcome_of_counts(Rule(Method.CONDORCET), 3, [("yes", 0)]) is None
