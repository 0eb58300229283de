"""Roll calls of the General Assembly as records: each delegation a community that sends a delegate with a mandate.

In each session every delegation gives a mandate, its delegate votes on each motion, the assembly's pages certify the
results by the votes, at its end each delegation confirms its votes in its own book, and the assembly witnesses the
books. With trouble drawn by a seed: see `TROUBLE`. `counted` is the naive twin: it reads the story, not the records.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from itertools import groupby
from random import Random

from fedsync.data import Ballot, RollCall
from fedsync.records.codec import Value
from fedsync.records.ids import PageId, RecordId
from fedsync.records.kinds.entries import Result
from fedsync.records.kinds.entryform import result_value
from fedsync.records.kinds.motions import Method, Of, Rule
from tests.authority.federation import Entries, Federation, Given

RULE = Rule(Method.MAJORITY, Of.VOTING)
"""Rule 86: a majority of those voting; who abstains is not voting."""
RESULTS_A_PAGE = 4
"""Each names up to 200 votes of 34 bytes; a record has 32 KiB."""
BALLOTS: tuple[Ballot, ...] = ("yes", "no", "abstain")
OPTIONS: Value = {"*": list(BALLOTS)}

SEALED, ADOPTED, DRAFTED = "sealed", "adopted", "drafted"


@dataclass
class Paper:
    """A page of a delegation's book, as far as it has come."""

    status: str


@dataclass
class Sent:
    """A delegate: the page of the mandate, the votes cast, and what ended the mandate: a page, and how many it keeps."""

    given: Given
    page: Paper
    tips: list[list[Value]] = field(default_factory=list)
    ends: list[tuple[Paper, int]] = field(default_factory=list)

    @property
    def in_force(self) -> bool:
        """Whether the delegate may sign what the assembly writes."""
        return self.page.status == SEALED and all(end.status == DRAFTED for end, _ in self.ends)

    def upto(self, kept: int) -> list[list[Value]]:
        """Return the cuts that keep so many votes."""
        return [self.tips[kept - 1]] if kept else []


@dataclass(frozen=True, slots=True)
class Said:
    """A vote that a delegate cast, the how-many-th of theirs."""

    id: RecordId
    sent: Sent
    nth: int
    ballot: Ballot

    @property
    def stands(self) -> bool:
        """Whether it counts for itself: under a mandate that was given, and kept by all that ended it.

        What ends it on a page that is signed and not yet approved suspends all of it until then.
        """
        ends = [(page.status, kept) for page, kept in self.sent.ends if page.status != DRAFTED]
        return self.sent.page.status == SEALED and all(
            status == SEALED and self.nth <= kept for status, kept in ends
        )


@dataclass
class Question:
    """A roll call as it went. `words`: a seat's word in its sealed book, one vote or none."""

    call: RollCall
    motion: RecordId
    cast: dict[str, list[Said]] = field(default_factory=dict)
    named: dict[str, list[Said]] = field(default_factory=dict)
    words: dict[str, RecordId | None] = field(default_factory=dict)
    witnessed: set[str] = field(default_factory=set)
    """Seats whose word the assembly has witnessed."""
    page: PageId | None = None
    """The page that certifies the result, as its entry `index`."""
    index: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """What a roll call comes to: each seat's ballot, the outcome, and whether nothing can change that any more."""

    ballots: Mapping[str, str]
    outcome: str | None
    final: bool


def counted(question: Question) -> Count:
    """Count a roll call from its story alone."""
    ballots: dict[str, str] = {}
    most = least = 0  # how far yes is ahead of no, at best and at worst
    for seat, named in question.named.items():
        worded = seat in question.words
        counts = [said for said in named if (said.id == question.words[seat] if worded else said.stands)]
        if counts:
            ballots[seat] = counts[0].ballot
        settled = worded and seat in question.witnessed
        possible = [_lead(said.ballot) for said in (counts if settled else named)]
        if not (settled and counts):
            possible.append(0)
        most, least = most + max(possible), least + min(possible)
    lead = sum(map(_lead, ballots.values()))
    outcome = "yes" if lead > 0 else "no" if lead < 0 else None
    return Count(ballots, outcome, least > 0 or most < 0 or most == least == 0)


def _lead(ballot: str) -> int:
    return {"yes": 1, "no": -1, "abstain": 0}[ballot]


class Assembly:
    """The General Assembly, or a part of it, and its story as it is written."""

    def __init__(self, members: Sequence[str], nodes: int) -> None:
        self.federation = Federation()
        self.members = {name: self.federation.found(name) for name in members}
        self.names = {book.body: name for name, book in self.members.items()}
        self.book = self.federation.unite("General Assembly", self.members.values(), nodes)
        self.sent: dict[str, list[Sent]] = {name: [] for name in members}
        """All that a delegation has sent, in order; those of them that vote are at the end."""
        self.open: dict[str, Paper] = {}
        """Delegations whose last page is signed and not approved yet."""
        self.questions: list[Question] = []
        self.befell: set[str] = set()
        """The troubles that there were."""
        self._delegates = 0

    # --- What a delegation does

    def send(self, name: str, page: Paper, kept: int | None = None, recall: bool = False) -> Sent:
        """Send a delegate, on a page that comes so far. It ends the mandate of the one before, of whose votes it keeps
        all, or so many; it may recall them besides.
        """
        before: list[dict[str, Value]] = []
        cuts: list[list[Value]] = []
        # A page that nobody signed gave nothing, so there is nothing to end.
        given_before = [each for each in self.sent[name] if each.page.status != DRAFTED]
        if given_before:
            old = given_before[-1]
            kept = len(old.tips) if kept is None else kept
            cuts = old.upto(kept)
            if all(end.status != SEALED for end, _ in old.ends):
                old.ends.append((page, kept))
            before = [self.federation.recall(old.given, *cuts)] if recall else []
        self._delegates += 1
        given = self.federation.give(
            self.members[name], self.book, f"delegate {self._delegates} of {name}", OPTIONS,
            before=before, cuts=cuts, signed=page.status != DRAFTED, sealed=page.status == SEALED,
        )  # fmt: skip
        self._entered(name, page)
        self.sent[name].append(Sent(given, page))
        return self.sent[name][-1]

    def end(self, name: str, kept: int, page: Paper) -> None:
        """Recall the last delegate, and send nobody."""
        old = self.sent[name][-1]
        self.enter(name, [self.federation.recall(old.given, *old.upto(kept))], page)
        old.ends.append((page, kept))

    def close(self, name: str) -> None:
        """End the last mandate because its term is over: all that was done is kept."""
        old = self.sent[name][-1]
        kept = len(old.tips)
        self.enter(
            name, [self.federation.recall(old.given, *old.upto(kept)) | {"kind": "closing"}], Paper(SEALED)
        )
        old.ends.append((Paper(SEALED), kept))

    def enter(self, name: str, entries: Entries, page: Paper) -> None:
        """Write a page of a delegation's book."""
        book = self.members[name]
        self.federation.enter(book, entries, signed=page.status != DRAFTED, sealed=page.status == SEALED)
        self._entered(name, page)

    def approve(self, name: str) -> None:
        """Approve the page that a delegation's book stands at, if it was only signed."""
        if name in self.open:
            self.federation.seal(self.members[name])
            self.open.pop(name).status = SEALED

    def confirm(self, name: str, said: Mapping[int, RecordId | None]) -> None:
        """Let a delegation say in its book what its votes are, by the number of the question."""
        if not said:
            return
        for number, vote in said.items():
            self.questions[number].words.setdefault(name, vote)
        self.enter(
            name,
            [
                {"kind": "confirm", "motion": self.questions[at].motion, "vote": vote}
                for at, vote in said.items()
            ],
            Paper(SEALED),
        )

    def _entered(self, name: str, page: Paper) -> None:
        if page.status == ADOPTED:
            self.open[name] = page

    # --- What the assembly does

    def ask(self, call: RollCall) -> Question:
        """Lay a roll call's motion before the assembly, on its day."""
        self.federation.time = int(datetime.combine(call.day, time(15), UTC).timestamp() * 1000)
        question = Question(call, self.federation.move(self.book, call.number or str(call.roll_call)))
        self.questions.append(question)
        return question

    def vote(self, name: str, sent: Sent, ballots: Sequence[tuple[Question, Ballot]]) -> None:
        """Let a delegate vote on some questions."""
        cast = self.federation.vote(
            sent.given.writer, *((question.motion, ballot, "") for question, ballot in ballots)
        )
        for (question, ballot), tip in zip(ballots, cast, strict=True):
            sent.tips.append(tip)
            vote = Said(RecordId(tip[2]), sent, len(sent.tips), ballot)  # type: ignore[arg-type]
            question.cast.setdefault(name, []).append(vote)

    def write(self, entries: Entries) -> PageId:
        """Write the assembly's next page, signed by just enough delegates."""
        fit = [sent[-1].given.writer for sent in self.sent.values() if sent and sent[-1].in_force]
        assert len(fit) >= self.book.k, "too few delegates are left to write a page"
        self.book.seats = fit[: self.book.k]
        return self.federation.enter(self.book, entries)

    def certify(self, questions: Sequence[Question], random: Random) -> None:
        """Write a page with the results of some questions, by all votes that were cast."""
        entries = []
        for question in questions:
            pairs = [(seat, said) for seat, cast in question.cast.items() for said in cast]
            random.shuffle(pairs)
            for seat, said in pairs:
                question.named.setdefault(seat, []).append(said)
            result = Result(question.motion, RULE, tuple(said.id for _, said in pairs), None)
            entries.append(result_value(result))
        page = self.write(entries)
        for index, question in enumerate(questions):
            question.page, question.index = page, index

    def witness(self, names: Sequence[str]) -> None:
        """Write a page that says how far the assembly has seen these delegations' books."""
        names = [name for name in names if name not in self.open]
        heads = [(self.members[name].body, self.members[name].head) for name in names]
        self.write([{"kind": "witness", "body": body, "page": head} for body, head in heads])
        for question in self.questions:
            question.witnessed |= {name for name in names if name in question.words}


# --- Trouble -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trouble:
    """How far the page comes that sends a delegate, and what happens to that delegate during the session."""

    sent: str
    happens: Callable[[Assembly, str, int], object]
    """Gets the delegation, and how many votes are to be kept."""


TROUBLE = {
    "recalled, and another sent by the same page": Trouble(
        SEALED, lambda assembly, name, kept: assembly.send(name, Paper(SEALED), kept, recall=True)
    ),
    "another sent for the seat": Trouble(
        SEALED, lambda assembly, name, kept: assembly.send(name, Paper(SEALED), kept)
    ),
    "recalled": Trouble(SEALED, lambda assembly, name, kept: assembly.end(name, kept, Paper(SEALED))),
    "recalled on a page that is signed, and approved only after the session": Trouble(
        SEALED, lambda assembly, name, kept: assembly.end(name, kept, Paper(ADOPTED))
    ),
    "recalled on a page that nobody signs": Trouble(
        SEALED, lambda assembly, name, kept: assembly.end(name, kept, Paper(DRAFTED))
    ),
    "the term is over, all is kept": Trouble(SEALED, lambda assembly, name, kept: assembly.close(name)),
    "a mandate that nobody signed, and then a proper one for another": Trouble(
        DRAFTED, lambda assembly, name, kept: assembly.send(name, Paper(SEALED))
    ),
    "a mandate that is signed, and approved only later": Trouble(
        ADOPTED, lambda assembly, name, kept: assembly.approve(name)
    ),
}
"""What befalls delegations. Whoever is out votes on, as if nothing had happened."""


def tell(
    members: Sequence[str], calls: Sequence[RollCall], nodes: int, random: Random, troubled: float = 0.0
) -> Assembly:
    """Return the story of these roll calls among these delegations. `troubled`: the share of them that has trouble."""
    assembly = Assembly(members, nodes)
    for _, session in groupby(calls, lambda call: call.session):
        _session(assembly, list(session), random, troubled)
    return assembly


def _session(assembly: Assembly, calls: Sequence[RollCall], random: Random, troubled: float) -> None:
    first = len(assembly.questions)
    earlier = {name: len(sent) for name, sent in assembly.sent.items()}
    turns: dict[int, list[tuple[str, Trouble]]] = {}
    spared = assembly.book.k  # who always may sign what the assembly writes
    for name in assembly.members:
        assembly.approve(name)
        befalls = random.choice(list(TROUBLE)) if random.random() < troubled else None
        if befalls is None or len(assembly.members) - sum(map(len, turns.values())) <= spared:
            assembly.send(name, Paper(SEALED))
            continue
        assembly.befell.add(befalls)
        assembly.send(name, Paper(TROUBLE[befalls].sent))
        turn = random.randrange(-(-len(calls) // RESULTS_A_PAGE))
        turns.setdefault(turn, []).append((name, TROUBLE[befalls]))
    for number in range(0, len(calls), RESULTS_A_PAGE):
        for name, trouble in turns.get(number // RESULTS_A_PAGE, []):
            trouble.happens(assembly, name, random.randint(0, len(assembly.sent[name][-1].tips)))
        new = [assembly.ask(call) for call in calls[number : number + RESULTS_A_PAGE]]
        for name in assembly.members:
            asked = [question for question in new if name in question.call.votes]
            *old, last = assembly.sent[name][earlier[name] :]
            if asked:
                assembly.vote(name, last, [(each, each.call.votes[name]) for each in asked])
                for other in old:
                    assembly.vote(name, other, [(each, random.choice(BALLOTS)) for each in asked])
        assembly.certify(new, random)
    for name in assembly.members:
        if name not in assembly.open and random.random() >= troubled / 2:
            assembly.confirm(name, _words(assembly, name, first, random, troubled))
    assembly.witness([name for name in assembly.members if random.random() >= troubled / 4])


def _words(
    assembly: Assembly, name: str, first: int, random: Random, troubled: float
) -> dict[int, RecordId | None]:
    """Return what a delegation says its votes are: with trouble of any that were cast, cut or not, or that it has none."""
    words: dict[int, RecordId | None] = {}
    for number in range(first, len(assembly.questions)):
        cast = [
            said for said in assembly.questions[number].cast.get(name, []) if said.sent.page.status == SEALED
        ]
        if not cast or random.random() < troubled / 4:
            continue
        vote = cast[0] if random.random() >= troubled else random.choice(cast)
        words[number] = None if random.random() < troubled / 4 else vote.id
    return words
