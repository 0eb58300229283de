"""The region that the communities of the demo found, and its assembly: delegates, votes, results, and a recall.

Each community plays a delegation to the General Assembly and instructs its delegate to vote as that one really did.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fedsync.acts.books import mandates, membership, minutes, motions, votes
from fedsync.acts.books.bodies import found_body, founding_of
from fedsync.crdt.books.bearing import usual_k
from fedsync.crdt.books.booktables import SEALED, book, known, status
from fedsync.crdt.books.delegates import Given, given
from fedsync.crdt.books.motions import motion
from fedsync.crdt.books.results import ResultView, VoteView, named_votes, results_on, tally_now, votes_on
from fedsync.crdt.books.slot import VoiceStatus
from fedsync.crdt.books.votes import FINAL, Senders
from fedsync.demo.community import Community
from fedsync.demo.delegations import Agenda, Question
from fedsync.doors import DaemonDoor
from fedsync.errors import Exit, Problem
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import Key, PageId, RecordId, Scope
from fedsync.records.kinds.motions import WHOLE, Method, Of, Rule
from fedsync.store.peers import FollowedBody

NAME = "Assembly"
DELEGATE, GUEST = "Carla", "Dana"
"""Who is sent: of each community one of its tellers; and one who lives where the assembly meets, and is recalled."""
RULE = Rule(Method.MAJORITY, Of.VOTING)
"""The General Assembly's rule 86: a majority of those voting; who abstains is not voting."""

Entry = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Delegate:
    """Somebody, whom they speak for, by number, and at whose node they are."""

    name: str
    seat: int
    at: Community


class Assembly:
    """A region of all communities. It meets at the first one of the near side of the cut."""

    def __init__(self, communities: Sequence[Community], near: int, agenda: Agenda) -> None:
        self._communities, self._near, self._agenda = communities, near, agenda
        self.host, self.recaller = communities[near], communities[near - 1]
        self.motions: dict[Question, RecordId] = {}
        self._guest_key: Key | None = None
        self._body, self._scope = PageId(bytes(32)), Scope(bytes(16))

    @property
    def seats(self) -> int:
        """How many communities have a seat."""
        return len(self._communities)

    @property
    def needed(self) -> int:
        """How many delegates must sign a page."""
        return usual_k(self.seats)

    @property
    def _everyone(self) -> list[Delegate]:
        every = [Delegate(DELEGATE, at, each) for at, each in enumerate(self._communities)]
        every[self._near - 1] = Delegate(GUEST, self._near - 1, self.host)
        return every

    @property
    def _here(self) -> list[Delegate]:
        """Who is on the near side, the host's delegate first: the one who is recalled is there, too."""
        return [*self._everyone[self._near :], self._everyone[self._near - 1]]

    # --- Founding -----------------------------------------------------------------------------------------

    def found(self) -> None:
        """Found the region, put the motions, and return when all communities hold them."""
        host = self.host
        host.await_seen("book of every community", self._all_books)
        with Reading.open(host.home) as reading:
            bodies = {reading.name_of(each.scope): each for each in reading.store.followed.all()}
            members = [bodies[each.name] for each in self._communities]
            region = founding_of(reading, NAME, "region", members, None, None, None)
            # An odd number of nodes: of an even one neither half could seal while the link is cut.
            nodes = region.nodes[1 - self.seats % 2 :]
            region = replace(region, nodes=nodes, w=usual_k(len(nodes)), voting=RULE)
            self._body, self._scope = found_body(host.author("Anna"), reading, DaemonDoor(host.home), region)
            scope = bodies[self.recaller.name].scope
        for each in self._communities:
            each.node_seals(self._scope)
        # Who puts the motions is sent for that alone: what they are to vote can be said when there are motions.
        host.meet(lambda reading: [self._mandate(reading, host.author(DELEGATE).key, {})])
        for question in (*self._agenda.questions, self._agenda.last):
            self._put(question)
        self._guest_key = self.recaller.name_guest(GUEST, host.lodge(GUEST, scope))
        for each in self._communities:
            each.await_seen("motion", self._all_motions)

    def _put(self, question: Question) -> None:
        words = motions.Words(question.title, f"{question.number}, {question.day.isoformat()}")
        with Reading.open(self.host.home) as reading:
            self.motions[question] = motions.put(
                self.host.author(DELEGATE), reading, DaemonDoor(self.host.home), self._region(reading), words
            )

    def _all_books(self, reading: Reading) -> bool | None:
        named = {
            reading.name_of(each.scope)
            for each in reading.store.followed.all()
            if book(reading.view, each.scope)
        }
        return {each.name for each in self._communities} <= named or None

    def _all_motions(self, reading: Reading) -> bool | None:
        held = [motion(reading.view, each) for each in self.motions.values()]
        return all(each is not None and each.verdict.status is VoiceStatus.STANDS for each in held) or None

    def _region(self, reading: Reading) -> FollowedBody:
        return reading.body(self._body.hex())

    # --- What stands on the communities' pages ------------------------------------------------------------

    def sends(self, seat: int) -> Callable[[Reading], list[Entry]]:
        """Return what a community's first page says: that it joins, and whom it sends with which instructions."""

        def entries(reading: Reading) -> list[Entry]:
            joins = membership.join(reading, reading.own(), self._region(reading), None)
            return [joins, self._mandate(reading, self._key(self._everyone[seat]), self._instructions(seat))]

        return entries

    def confirms(self, reading: Reading) -> list[Entry]:
        """Return what a community's second page says: which votes were its word."""
        scope = reading.own().scope
        asked = [(self.motions[each], WHOLE) for each in self._agenda.questions]
        return [
            votes.word_entry(reading, each, scope, votes.own_vote(reading, each, scope, False), False)
            for each in asked
        ]

    def recalls(self, reading: Reading) -> list[Entry]:
        """Return what the recalling community's second page says besides: who is recalled, and who is sent."""
        seat, scope = self._near - 1, reading.own().scope
        (sent,) = [each for each in given(reading.view, scope) if each.mandate.holder == self._guest_key]
        sends = self._mandate(reading, self.recaller.author(DELEGATE).key, self._instructions(seat))
        return [mandates.end(reading, sent, closing=False), sends]

    def _instructions(self, seat: int) -> dict[str, Value]:
        return {motion.hex(): [question.ballots[seat]] for question, motion in self.motions.items()}

    def _mandate(self, reading: Reading, holder: Key, instructions: dict[str, Value]) -> Entry:
        giving = mandates.Giving(holder, self._body, None, instructions)
        return mandates.give(reading, reading.own().scope, giving)

    def _key(self, delegate: Delegate) -> Key:
        return delegate.at.author(delegate.name).key

    # --- Sittings -----------------------------------------------------------------------------------------

    def sit(self) -> int:
        """Vote on all questions but the last, all of us; return the number of the page with the results, sealed everywhere."""
        for each in self._everyone:
            self._vote(each, self._agenda.questions)
        return self._record(self._agenda.questions, self._everyone, self._communities)

    def sit_without_the_others(self) -> int:
        """Vote on the last question with those on the near side; return as `sit`, once it is sealed there."""
        for each in self._here:
            self._vote(each, [self._agenda.last])
        near = self._communities[self._near :]
        return self._record([self._agenda.last], self._here, near, books=near)

    def sit_again(self) -> int:
        """Let those on the far side vote on the last question, too, and count again; return as `sit`."""
        everyone = [Delegate(DELEGATE, at, each) for at, each in enumerate(self._communities)]
        for each in everyone[: self._near]:
            self._vote(each, [self._agenda.last])
        return self._record([self._agenda.last], everyone, self._communities, books=self._communities)

    def _vote(self, delegate: Delegate, questions: Sequence[Question]) -> None:
        author, at, door = delegate.at.author(delegate.name), delegate.at, DaemonDoor(delegate.at.home)
        at.await_seen(f"mandate of {delegate.name}", lambda reading: self._sent(reading, author.key))
        for question in questions:
            with Reading.open(at.home) as reading:
                of = motion(reading.view, self.motions[question])
                assert of is not None
                votes.cast_vote(author, reading, door, of, WHOLE, question.ballots[delegate.seat])

    def _sent(self, reading: Reading, key: Key) -> Given | None:
        every = (
            each for each in given(reading.view) if each.mandate.holder == key and each.mandate.instructions
        )
        return next((each for each in every if each.status == "in force"), None)

    def _record(
        self,
        questions: Sequence[Question],
        delegates: Sequence[Delegate],
        where: Sequence[Community],
        books: Sequence[Community] = (),
    ) -> int:
        """Write the page with the results, have it signed, and return its number once it is sealed in these places.

        `books`: whose second pages it is to have seen.
        """
        host, seats = self.host, len(delegates)
        entries = host.await_seen(
            "vote of every delegate", lambda reading: self._counted(reading, questions, seats)
        )
        host.await_seen("page of every community", lambda reading: self._confirmed(reading, books))
        with Reading.open(host.home) as reading:
            author, door = host.author(DELEGATE), DaemonDoor(host.home)
            page, number = minutes.enter(author, reading, door, self._scope, entries)
        for each in delegates:
            self._sign(each, page)
        for community in where:
            # With the votes: a recall keeps what its assembly has seen, and a confirm names what is there.
            community.await_seen(
                "sealed page with its votes",
                lambda reading: self._sealed(reading, page) and self._counted(reading, questions, seats),
            )
        return number

    def _counted(self, reading: Reading, questions: Sequence[Question], seats: int) -> list[Entry] | None:
        """Return what says the results, once the votes of so many seats are here."""
        entries = []
        for question in questions:
            now = tally_now(reading.view, self._scope, (self.motions[question], WHOLE), RULE)
            if now is None or len(named_votes(now)) < seats:
                return None
            entries.append(votes.result_of_votes(now, WHOLE))
        return entries

    def _confirmed(self, reading: Reading, books: Sequence[Community]) -> bool | None:
        scopes = {reading.name_of(each.scope): each.scope for each in reading.store.followed.all()}
        words = Senders(reading.view)
        asked = (self.motions[self._agenda.questions[0]], WHOLE)
        return all(words.word(scopes[each.name], asked) is not None for each in books) or None

    def _sealed(self, reading: Reading, page: PageId) -> bool | None:
        found = status(reading.view, self._scope, page)
        return (found is not None and found.status == SEALED) or None

    def _sign(self, delegate: Delegate, page: PageId) -> None:
        """Sign a page once all that it names has come; nothing is left to do when it is sealed by then."""
        author, door = delegate.at.author(delegate.name), DaemonDoor(delegate.at.home)
        last: list[Problem] = []

        def signed(reading: Reading) -> bool | None:
            if known(reading.view, page) is None:
                return None
            if self._sealed(reading, page):
                return True
            try:
                minutes.sign(author, reading, door, page)
            except Problem as problem:
                if problem.exit_code is not Exit.REFUSED:
                    raise
                last[:] = [problem]
                return None
            return True

        try:
            delegate.at.await_seen("page to be signed", signed)
        except Problem as slow:
            raise (last or [slow])[-1] from None

    # --- What came of it ----------------------------------------------------------------------------------

    def came_to(self, at: Community) -> dict[Question, ResultView]:
        """Return the newest result on each question as a community's node counts it now."""
        with Reading.open(at.home) as reading:
            return self._came_to(reading)

    def _came_to(self, reading: Reading) -> dict[Question, ResultView]:
        every = {question: results_on(reading.view, each) for question, each in self.motions.items()}
        return {question: found[-1] for question, found in every.items() if found}

    def recalled_vote(self, at: Community) -> VoteView | None:
        """Return the last vote of the delegate who is recalled, as a community's node judges it now; None: not there."""
        with Reading.open(at.home) as reading:
            return self._recalled_vote(reading)

    def await_recall(
        self, at: Community, final: Sequence[Question]
    ) -> tuple[VoteView, dict[Question, ResultView]]:
        """Return the vote and the results once a node holds the recall, the page that counts the vote, and all that
        makes these results final.
        """

        def seen(reading: Reading) -> tuple[VoteView, dict[Question, ResultView]] | None:
            vote = self._recalled_vote(reading)
            if vote is None or vote.verdict.status is not VoiceStatus.VOID:
                return None
            found = self._came_to(reading)
            last = found.get(self._agenda.last)
            # Votes, or pages that give mandates, may come after the page that counts them.
            if last is None or last.waits:
                return None
            if any(each not in found or found[each].status != FINAL for each in final):
                return None
            return vote, found

        return at.await_seen("recall beside what it ends", seen)

    def _recalled_vote(self, reading: Reading) -> VoteView | None:
        asked = (self.motions[self._agenda.last], WHOLE)
        return next((each for each in votes_on(reading.view, asked) if each.key == self._guest_key), None)
