"""How ballots become an outcome, and when an outcome can no longer change. Pure.

Every method names one option, or None: nothing is decided. A tie and a cycle decide nothing. "abstain" is present and
for nothing. What a ballot says in a form that its method does not count is present and for nothing too. A share can be
counted of all seats, of those present, or of those voting: present, and for something. A quorum is of those present.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import TypeAlias

from fedsync.crdt.books import ranking
from fedsync.records.kinds.motions import Choice, Method, Of, Rule

ABSTAIN = "abstain"
MAX_WORK = 1_000_000
"""Options times what all open seats may still name: a few hundred ms. Real votes come to a tenth: 200 seats that rank 64
options to a half. Only liars come to more, and what they are named in is provisional until their bodies have a word."""


def known(rule: Rule) -> bool:
    """Say whether this version can count by the rule."""
    return rule.method in Method


def outcome(rule: Rule, seats: int, ballots: Sequence[Choice]) -> str | None:
    """Return what `ballots`, one a seat, decide in a body of so many seats."""
    return outcome_of_counts(rule, seats, [(ballot, 1) for ballot in ballots])


def outcome_of_counts(rule: Rule, seats: int, counts: Iterable[tuple[Choice, int]]) -> str | None:
    """Return what a tally decides: each choice and how many were for it."""
    tally: Counter[Choice] = Counter()
    for choice, number in counts:
        tally[choice] += number
    present = tally.total()
    if present < rule.quorum:
        return None
    base = {Of.SEATS: seats, Of.PRESENT: present, Of.VOTING: _voting(tally)}[rule.of]
    return _METHODS[rule.method](rule, base, tally)


def majority(rule: Rule, base: int, tally: Mapping[Choice, int]) -> str | None:
    """More than half of the base."""
    return _most(rule, base, tally, lambda count: 2 * count > base)


def two_thirds(rule: Rule, base: int, tally: Mapping[Choice, int]) -> str | None:
    """At least two thirds of the base."""
    return _most(rule, base, tally, lambda count: 3 * count >= 2 * base)


def threshold(rule: Rule, base: int, tally: Mapping[Choice, int]) -> str | None:
    """At least `need`, and more than any other."""
    return _most(rule, base, tally, lambda count: count >= rule.need)


def consensus(rule: Rule, base: int, tally: Mapping[Choice, int]) -> str | None:
    """All of the base but at most `less`; who is present and abstains does not stand against it."""
    aside = tally.get(ABSTAIN, 0) if rule.of is not Of.VOTING else 0
    return _most(rule, base, tally, lambda count: base - aside - count <= rule.less)


def approval(rule: Rule, base: int, tally: Mapping[Choice, int]) -> str | None:
    """The option that the most approve of; a ballot names all that it approves of."""
    approved: Counter[Choice] = Counter()
    for ballot, number in tally.items():
        for each in _named(ballot):
            approved[each] += number
    return _most(rule, base, approved, lambda count: count > 0)


def condorcet(rule: Rule, base: int, tally: Mapping[Choice, int]) -> str | None:
    """The option that more prefer to each other one than the other way; what a ballot does not rank comes last."""
    return ranking.winner((_named(ballot), number) for ballot, number in tally.items())


_METHODS: Mapping[Method, Callable[[Rule, int, Mapping[Choice, int]], str | None]] = MappingProxyType(
    {
        Method.MAJORITY: majority,
        Method.TWO_THIRDS: two_thirds,
        Method.THRESHOLD: threshold,
        Method.CONSENSUS: consensus,
        Method.APPROVAL: approval,
        Method.CONDORCET: condorcet,
    }
)


def certain(rule: Rule, seats: int, choices: Sequence[Collection[Choice | None]]) -> bool:
    """Say whether the outcome is the same whatever each seat of `choices` comes to say; None is no vote.

    Never True when some combination decides otherwise. It may be False where all agree in a way that bounds on single
    options do not show: a result is then provisional for longer, and never wrongly final.
    """
    return certain_of_sorts(rule, seats, Counter(frozenset(each) for each in choices).items())


def certain_of_sorts(rule: Rule, seats: int, sorts: Iterable[tuple[frozenset[Choice | None], int]]) -> bool:
    """Say the same of seats by their sort: what they may come to say, and how many of them."""
    open_ = [(each, number) for each, number in sorts if each]
    if all(len(each) == 1 for each, _ in open_):
        return True
    options = {name for each, _ in open_ for choice in each if choice is not None for name in _named(choice)}
    if len(options) * sum(1 + len(_named(choice)) for each, _ in open_ for choice in each) > MAX_WORK:
        return False
    match rule.method:
        case Method.CONDORCET:
            may, must = _of_ranked(open_)
        case Method.APPROVAL:
            may, must = _of_approved(open_)
        case _:
            may, must = partial(_may_win, rule, seats, open_), partial(_must_win, rule, seats, open_)
    if _sum(open_, lambda each: each != {None}) < rule.quorum:
        return True  # too few whatever they say: nothing is decided
    possible = list(islice((option for option in sorted(options) if may(option)), 2))
    if not possible:
        return True
    if len(possible) > 1 or _sum(open_, lambda each: None not in each) < rule.quorum:
        return False
    return must(possible[0])


Seats: TypeAlias = list[tuple[frozenset[Choice | None], int]]
"""What seats may come to say, and how many of them: of hundreds of seats there are a handful of sorts."""
Test: TypeAlias = Callable[[str], bool]


def _of_ranked(choices: Seats) -> tuple[Test, Test]:
    ballots = [([_named(choice) for choice in each], number) for each, number in choices]
    return partial(ranking.may_win, ballots), partial(ranking.must_win, ballots)


def _of_approved(choices: Seats) -> tuple[Test, Test]:
    most: Counter[str] = Counter()
    least: Counter[str] = Counter()
    for each, number in choices:
        named = [set(_named(choice)) for choice in each]
        for option in set.union(*named):
            most[option] += number
        for option in set.intersection(*named):
            least[option] += number
    return partial(_above_all, most, least), partial(_above_all, least, most)


def _above_all(of: Counter[str], others: Counter[str], option: str) -> bool:
    """Say whether an option has more than each other one has of `others`."""
    best = others.most_common(2)
    return of[option] > next((number for other, number in best if other != option), 0)


def _may_win(rule: Rule, seats: int, choices: Seats, option: str) -> bool:
    count = _sum(choices, lambda each: any(_single(choice) == option for choice in each))
    others = [pair for pair in choices if not any(_single(choice) == option for choice in pair[0])]
    base, aside = seats, 0
    if rule.of is Of.PRESENT:
        base = count + _sum(others, lambda each: None not in each)
    if rule.of is Of.VOTING:
        base = count + _sum(others, lambda each: all(_votes(choice) for choice in each))
    elif rule.method is Method.CONSENSUS:
        aside = _sum(others, lambda each: ABSTAIN in each and (rule.of is Of.SEATS or None not in each))
    return _passes(rule, base, count, aside)


def _must_win(rule: Rule, seats: int, choices: Seats, option: str) -> bool:
    # Of those present or voting: a seat that is for the option or away, if anything, does at worst nothing.
    count = _sum(choices, lambda each: all(_single(choice) == option for choice in each))
    others = [
        (frozenset(choice for choice in each if _single(choice) != option), number)
        for each, number in choices
    ]
    base, aside = seats, 0
    if rule.of is Of.PRESENT:
        base = count + _sum(others, lambda each: bool(each - {None}))
    if rule.of is Of.VOTING:
        base = count + _sum(others, lambda each: any(_votes(choice) for choice in each))
    elif rule.method is Method.CONSENSUS:
        aside = _sum(choices, lambda each: each == {ABSTAIN})
    return _passes(rule, base, count, aside)


def _sum(choices: Seats, test: Callable[[frozenset[Choice | None]], bool]) -> int:
    return sum(number for each, number in choices if test(each))


def _passes(rule: Rule, base: int, count: int, aside: int) -> bool:
    if count == 0:
        return False
    match rule.method:
        case Method.MAJORITY:
            return 2 * count > base
        case Method.TWO_THIRDS:
            return 3 * count >= 2 * base
        case Method.CONSENSUS:
            return base - aside - count <= rule.less
    return count >= rule.need


def _most(rule: Rule, base: int, tally: Mapping[Choice, int], enough: Callable[[int], bool]) -> str | None:
    counts: Counter[str] = Counter()
    for choice, number in tally.items():
        name = _single(choice)
        if name is not None and name != ABSTAIN and number > 0:
            counts[name] += number
    ranked = counts.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0] if enough(ranked[0][1]) else None


def _single(choice: Choice | None) -> str | None:
    """Return the one option that a ballot is for; a number as its text."""
    if choice is None or isinstance(choice, tuple):
        return None
    return str(choice)


def _votes(choice: Choice | None) -> bool:
    """Say whether a ballot is for one option, not blank: what a share of those voting is counted of."""
    return _single(choice) not in (None, ABSTAIN)


def _voting(tally: Mapping[Choice, int]) -> int:
    return sum(number for choice, number in tally.items() if _votes(choice))


def _named(choice: Choice | None) -> tuple[str, ...]:
    if choice is None:
        return ()
    names = choice if isinstance(choice, tuple) else (str(choice),)
    return tuple(each for each in names if each != ABSTAIN)
