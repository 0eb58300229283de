"""Ranked ballots: the option that beats each other one, and whether open seats can still turn that. Pure.

One option is held against all others in one reading of the ballots, never each against each: anybody who has a seat can
write a tally that names thousands of options, and every node counts it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

Names = Sequence[str]
"""The options that a ballot ranks, the best first; what it does not rank comes last."""


def winner(ballots: Iterable[tuple[Names, int]]) -> str | None:
    """Return the option that more prefer to each other one than the other way, None when there is none."""
    cast = [(names, number) for names, number in ballots if names and number > 0]
    weight: Counter[str] = Counter()
    for names, number in cast:
        for name in names:
            weight[name] += number
    left = set(weight)
    while left:
        # Whom the most name beats the most, so few rounds are needed.
        one = max(left, key=lambda name: (weight[name], name))
        against: Counter[str] = Counter()
        for names, number in cast:
            if one in names:
                for other in names[: names.index(one)]:
                    against[other] += 2 * number  # for the other, and not for this one
            else:
                for other in names:
                    against[other] += number
        if max(against.values(), default=0) < weight[one]:
            return one
        # What it beats, or draws with, does not win either.
        left = {other for other in left if against[other] > weight[one]}
    return None


Seats = Sequence[tuple[Sequence[Names], int]]
"""The ballots that a seat may come to cast, one without names for none, and of how many seats that is so."""


def may_win(seats: Seats, one: str) -> bool:
    """Say whether, of each pair with `one`, the seats may still prefer it. False: it can't win."""
    most = 0
    against: Counter[str] = Counter()
    for ballots, number in seats:
        ranked = [ballot for ballot in ballots if one in ballot]
        if ranked:
            most += number
            for other in set.intersection(*(_better(ballot, one) for ballot in ranked)):
                against[other] += number
        for other in set.intersection(*(_better(ballot, one) for ballot in ballots)):
            against[other] += number
    return max(against.values(), default=0) < most


def must_win(seats: Seats, one: str) -> bool:
    """Say whether, of each pair with `one`, the seats prefer it whatever they say. True: it wins."""
    least = 0
    against: Counter[str] = Counter()
    for ballots, number in seats:
        sure = all(one in ballot for ballot in ballots)
        least += number if sure else 0
        for other in set.union(*(_better(ballot, one) for ballot in ballots)):
            against[other] += 2 * number if sure else number
    return max(against.values(), default=0) < least


def _better(ballot: Names, one: str) -> set[str]:
    """Return what a ballot prefers to `one`."""
    return set(ballot[: ballot.index(one)]) if one in ballot else set(ballot)
