"""Which delegations to the General Assembly the communities of the demo play, and on which roll calls. Real data."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from fedsync.data import Ballot, RollCall, members, resolutions, roll_calls

PLAYED = (
    "AR", "US", "NG", "IN", "DE", "ID", "BR", "EG", "ZA", "RU", "FR", "CH", "CN", "MX", "CA", "IT", "SE", "JP", "KE",
    "GB", "KR",
)  # fmt: skip
"""One for each community. In this order any number of them, from 2 on, has roll calls that fit the story (`choose`)."""
QUESTIONS = 3
"""Roll calls before the cut: enough to fill a table, few enough to be read."""


@dataclass(frozen=True, slots=True)
class Question:
    """A roll call, and what the delegations that are played said; the first ballot is the first community's."""

    number: str
    day: date
    title: str
    ballots: tuple[Ballot, ...]
    world: Counter[Ballot] = field(hash=False)
    """What all 193 delegations said."""

    @property
    def counts(self) -> Counter[Ballot]:
        """How many of those that are played said what."""
        return Counter(self.ballots)

    @property
    def outcome(self) -> str | None:
        """What those that are played come to."""
        return _outcome(self.ballots)

    @property
    def world_outcome(self) -> str | None:
        """What all of them came to."""
        return _outcome(self.world.elements())


@dataclass(frozen=True, slots=True)
class Agenda:
    """What the assembly votes on: some questions before the cut, and one while the link is cut."""

    questions: tuple[Question, ...]
    last: Question


def players(number: int) -> list[str]:
    """Return the names of the delegations that so many communities play."""
    names = members()
    return [names[code] for code in PLAYED[:number]]


def choose(number: int, near: int, avoid: Collection[str] = ()) -> Agenda:
    """Return the roll calls on which these delegations disagreed most, among those that fit the story.

    Communities from `near` on are on the near side of the cut, the one before is to recall its delegate. On all roll
    calls those that are played come to what the whole Assembly came to. Those before the cut are settled by what the
    near side confirms, whatever the others say; the last hangs on the delegate who is recalled. `avoid`: titles that
    are used for something else.
    """
    found = sorted(
        _questions(number, avoid), key=lambda each: (-min(each.counts["yes"], each.counts["no"]), each.day)
    )
    last = next(
        each for each in found if _hangs_on(each.ballots[near:], each.ballots[near - 1], each.outcome)
    )
    before = [
        each for each in found if each is not last and _settled(each.ballots[near:], each.ballots[:near])
    ]
    return Agenda(tuple(before[:QUESTIONS]), last)


def _questions(number: int, avoid: Collection[str]) -> list[Question]:
    titles = {each.roll_call: each.title for each in resolutions()}
    found: dict[str, Question] = {}
    for call in roll_calls():
        title = titles.get(call.roll_call)
        # The same are put again year after year: the latest counts.
        if title is not None and title not in avoid and all(code in call.votes for code in PLAYED[:number]):
            question = _question(call, title, number)
            if question.outcome is not None and question.outcome == question.world_outcome:
                found[title] = question
    return list(found.values())


def _question(call: RollCall, title: str, number: int) -> Question:
    ballots = tuple(call.votes[code] for code in PLAYED[:number])
    return Question(call.number, call.day, title, ballots, Counter(call.votes.values()))


def _settled(near: Sequence[Ballot], far: Sequence[Ballot]) -> bool:
    """Say whether those near decide it, though any of the others may turn out to have said nothing."""
    lead, against = _lead(near), [_lead([each]) for each in far]
    return (
        lead + sum(min(0, each) for each in against) > 0 or lead + sum(max(0, each) for each in against) < 0
    )


def _hangs_on(near: Sequence[Ballot], one: Ballot, outcome: str | None) -> bool:
    return _outcome([*near, one]) == outcome != _outcome(near)


def _outcome(ballots: Iterable[Ballot]) -> str | None:
    """Rule 86: a majority of those voting; who abstains is not voting."""
    lead = _lead(ballots)
    return "yes" if lead > 0 else "no" if lead < 0 else None


def _lead(ballots: Iterable[Ballot]) -> int:
    counts = Counter(ballots)
    return counts["yes"] - counts["no"]
