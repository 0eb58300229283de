"""How ballots become an outcome, and when an outcome can no longer change. Pure.

Every method names one option, or None: nothing is decided. A tie and a cycle decide nothing. "abstain" is present and
for nothing. What a ballot says in a form that its method does not count is present and for nothing too. A share can be
counted of all seats, of those present, or of those voting: present, and for something. A quorum is of those present.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import permutations
from types import MappingProxyType
from typing import TypeAlias

from fedsync.records.kinds.motions import Choice, Method, Of, Rule

ABSTAIN = "abstain"


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
    options = {each for ballot in tally for each in _named(ballot)}
    prefer: Counter[tuple[str, str]] = Counter()
    for ballot, number in tally.items():
        for one, other in permutations(options, 2):
            if _prefers(ballot, one, other):
                prefer[one, other] += number
    beaten = {other for one, other in permutations(options, 2) if prefer[other, one] <= prefer[one, other]}
    left = options - beaten
    return left.pop() if len(left) == 1 else None


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
    possible = [option for option in options if _may_win(rule, seats, option, options, open_)]
    if not possible:
        return True
    return len(possible) == 1 and _must_win(rule, seats, possible[0], options, open_)


Seats: TypeAlias = list[tuple[frozenset[Choice | None], int]]
"""What seats may come to say, and how many of them: of hundreds of seats there are a handful of sorts."""


def _may_win(rule: Rule, seats: int, option: str, options: set[str], choices: Seats) -> bool:
    if _sum(choices, lambda each: each != {None}) < rule.quorum:
        return False
    if rule.method is Method.CONDORCET:
        return all(
            _most_for(choices, option, other) > _least_for(choices, other, option)
            for other in options - {option}
        )
    if rule.method is Method.APPROVAL:
        top = _most_approve(choices, option)
        return top > 0 and all(top > _least_approve(choices, other) for other in options - {option})
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


def _must_win(rule: Rule, seats: int, option: str, options: set[str], choices: Seats) -> bool:
    if _sum(choices, lambda each: None not in each) < rule.quorum:
        return False
    if rule.method is Method.CONDORCET:
        # Where nobody names another, somebody must name this one.
        return _least_approve(choices, option) > 0 and all(
            _least_for(choices, option, other) > _most_for(choices, other, option)
            for other in options - {option}
        )
    if rule.method is Method.APPROVAL:
        low = _least_approve(choices, option)
        return low > 0 and all(low > _most_approve(choices, other) for other in options - {option})
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


def _most_for(choices: Seats, one: str, other: str) -> int:
    return _sum(choices, lambda each: any(_prefers(choice, one, other) for choice in each))


def _least_for(choices: Seats, one: str, other: str) -> int:
    return _sum(choices, lambda each: all(_prefers(choice, one, other) for choice in each))


def _most_approve(choices: Seats, option: str) -> int:
    return _sum(choices, lambda each: any(option in _named(choice) for choice in each))


def _least_approve(choices: Seats, option: str) -> int:
    return _sum(choices, lambda each: all(option in _named(choice) for choice in each))


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


def _prefers(choice: Choice | None, one: str, other: str) -> bool:
    names = _named(choice)
    return one in names and (other not in names or names.index(one) < names.index(other))
