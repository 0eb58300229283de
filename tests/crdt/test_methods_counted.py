"""Each way of deciding, for any options, beside a slow count that is obviously right; `certain` beside all combinations."""

from collections.abc import Sequence
from itertools import product

from hypothesis import example, given, settings
from hypothesis import strategies as st

from fedsync.crdt.books.methods import ABSTAIN, certain, outcome, outcome_of_counts
from fedsync.records.kinds.motions import Choice, Method, Of, Rule

NAMES = ("a", "b", "c")
single = st.sampled_from([*NAMES, ABSTAIN])
several = st.lists(st.sampled_from([*NAMES, ABSTAIN]), unique=True, max_size=3).map(tuple)
choices = st.one_of(single, several, st.integers(0, 2))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    method = draw(st.sampled_from(Method))
    return Rule(
        method,
        draw(st.sampled_from(Of)),
        need=draw(st.integers(1, 4)) if method is Method.THRESHOLD else 0,
        less=draw(st.integers(0, 2)) if method is Method.CONSENSUS else 0,
        quorum=draw(st.integers(0, 4)),
    )


def options_of(ballot: Choice) -> list[str]:
    """What a ballot is for, in its order."""
    names = list(ballot) if isinstance(ballot, tuple) else [str(ballot)]
    return [each for each in names if each != ABSTAIN]


def prefers(ballot: Choice, one: str, other: str) -> bool:
    names = options_of(ballot)
    if one not in names:
        return False
    return other not in names or names.index(one) < names.index(other)


def slowly(rule: Rule, seats: int, cast: Sequence[Choice]) -> str | None:
    """The outcome as a person with a pencil finds it: try each option, and see whether it alone is enough."""
    if len(cast) < rule.quorum:
        return None
    winners = [option for option in sorted({o for each in cast for o in options_of(each)})
               if wins(rule, seats, cast, option)]  # fmt: skip
    assert len(winners) <= 1
    return winners[0] if winners else None


def wins(rule: Rule, seats: int, cast: Sequence[Choice], option: str) -> bool:
    every = {o for each in cast for o in options_of(each)}
    if rule.method is Method.CONDORCET:
        return all(
            sum(prefers(each, option, other) for each in cast)
            > sum(prefers(each, other, option) for each in cast)
            for other in every - {option}
        )
    if rule.method is Method.APPROVAL:

        def approve(name: str) -> int:
            return sum(name in options_of(each) for each in cast)

        return all(approve(option) > approve(other) for other in every - {option})
    plain = [str(each) for each in cast if not isinstance(each, tuple)]
    count = plain.count(option)
    if any(plain.count(other) >= count for other in set(plain) - {option, ABSTAIN}) or not count:
        return False
    voting = [each for each in plain if each != ABSTAIN]
    base = {Of.SEATS: seats, Of.PRESENT: len(cast), Of.VOTING: len(voting)}[rule.of]
    match rule.method:
        case Method.MAJORITY:
            return count > base / 2
        case Method.TWO_THIRDS:
            return count >= base * 2 / 3 - 1e-9
        case Method.THRESHOLD:
            return count >= rule.need
    against = base - count - (plain.count(ABSTAIN) if rule.of is not Of.VOTING else 0)
    return against <= rule.less


@given(rules(), st.lists(choices, max_size=7), st.integers(0, 3))
def test_each_method_decides_as_a_slow_count_does(rule: Rule, cast: list[Choice], away: int) -> None:
    seats = len(cast) + away
    assert outcome(rule, seats, cast) == slowly(rule, seats, cast)


@given(rules(), st.lists(choices, max_size=7), st.integers(0, 3), st.randoms())
def test_neither_the_order_of_ballots_nor_how_they_are_bundled_matters(
    rule: Rule, cast: list[Choice], away: int, random: object
) -> None:
    seats = len(cast) + away
    shuffled = list(cast)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    counts = [(each, cast.count(each)) for each in dict.fromkeys(shuffled)]
    assert outcome(rule, seats, shuffled) == outcome(rule, seats, cast)
    assert outcome_of_counts(rule, seats, counts) == outcome(rule, seats, cast)


@settings(max_examples=300)
@given(
    rules(),
    st.lists(st.frozensets(st.one_of(st.none(), choices), min_size=1, max_size=3), max_size=4),
    st.integers(0, 2),
)
@example(Rule(Method.CONDORCET), [frozenset({None, ("a",)})], 0)
@example(Rule(Method.APPROVAL), [frozenset({None, ("a",)}), frozenset({("a", "b")})], 0)
@example(Rule(Method.MAJORITY), [frozenset({1, "1"})], 0)
def test_a_result_is_never_called_certain_while_some_combination_decides_otherwise(
    rule: Rule, open_: list[frozenset[Choice | None]], away: int
) -> None:
    seats = len(open_) + away
    if certain(rule, seats, open_):
        found = {slowly(rule, seats, [each for each in cast if each is not None]) for cast in product(*open_)}
        assert len(found) == 1


@given(rules(), st.lists(choices, max_size=7))
def test_when_nothing_is_open_it_is_certain(rule: Rule, cast: list[Choice]) -> None:
    assert certain(rule, len(cast), [{each} for each in cast])


def test_a_cycle_and_a_tie_decide_nothing() -> None:
    cycle: list[Choice] = [("a", "b", "c"), ("b", "c", "a"), ("c", "a", "b")]
    assert outcome(Rule(Method.CONDORCET), 3, cycle) is None
    assert outcome(Rule(Method.CONDORCET), 4, [*cycle, ("a", "b", "c")]) is None
    assert outcome(Rule(Method.APPROVAL), 2, [("a", "b"), ("b", "a")]) is None
    assert outcome(Rule(Method.APPROVAL), 3, [("a", "b"), ("b",), "c"]) == "b"


def test_the_option_that_beats_each_other_one_wins_though_fewest_put_it_first() -> None:
    ranked: list[Choice] = [*[("a", "c", "b")] * 4, *[("b", "c", "a")] * 4, ("c", "a", "b")]
    assert outcome(Rule(Method.CONDORCET), 9, ranked) == "c"


def test_a_consensus_bears_so_many_against_and_any_who_step_aside() -> None:
    rule = Rule(Method.CONSENSUS, less=1)
    assert outcome(rule, 5, ["yes", "yes", "yes", ABSTAIN, "no"]) == "yes"
    assert outcome(rule, 5, ["yes", "yes", "yes", "no"]) is None  # who is away has not agreed
    assert outcome(Rule(Method.CONSENSUS, Of.PRESENT, less=1), 5, ["yes", "yes", "yes", "no"]) == "yes"
    assert outcome(Rule(Method.CONSENSUS), 3, ["yes", "yes", ABSTAIN]) == "yes"
    assert outcome(Rule(Method.CONSENSUS), 2, [ABSTAIN, ABSTAIN]) is None


def test_a_threshold_counts_seats_and_still_needs_more_than_any_other() -> None:
    rule = Rule(Method.THRESHOLD, need=2)
    assert outcome(rule, 9, ["yes", "yes"]) == "yes"
    assert outcome(rule, 9, ["yes", "yes", "no", "no"]) is None
    assert outcome(rule, 9, ["yes", "no"]) is None
