"""What a result makes of each seat is counted seat by seat as records come, and never differs from a count of all."""

from random import Random

from fedsync.crdt.books.booktables import RESULTS
from fedsync.crdt.books.votes import FINAL, PROVISIONAL, tally
from fedsync.records.ids import PageId, RecordId
from fedsync.records.kinds.entries import Result
from fedsync.records.kinds.entryform import result_value
from fedsync.records.kinds.motions import Method, Of, Rule
from tests.authority.federation import Book, Federation, Given, Node, shuffled
from tests.crdt.books import rooted

RULE = Rule(Method.MAJORITY, Of.VOTING)
ORDERS = 40


class Valley:
    """An assembly of three communities, each with a delegate."""

    def __init__(self) -> None:
        self.federation = Federation()
        self.members = [self.federation.found(name) for name in ("Mill", "Hill", "Weir")]
        self.book = self.federation.unite("Valley", self.members, 4)
        self.sent = [
            self.federation.give(book, self.book, f"delegate of {book.name}", {"*": "free"})
            for book in self.members
        ]
        self.book.seats = [given.writer for given in self.sent]
        self.motion = self.federation.move(self.book, "A mill")

    def vote(self, given: Given, option: str, motion: RecordId | None = None) -> RecordId:
        """Vote on the motion, or another one."""
        (tip,) = self.federation.vote(given.writer, (motion or self.motion, option, ""))
        return RecordId(tip[2])  # type: ignore[arg-type]

    def result(self, *votes: RecordId) -> PageId:
        """Write a page with the result of the motion by these votes."""
        return self.federation.enter(self.book, [result_value(Result(self.motion, RULE, votes, None))])

    def say(self, book: Book, vote: RecordId | None) -> None:
        """Let a community say which is its vote, and the assembly see it."""
        self.federation.enter(book, [{"kind": "confirm", "motion": self.motion, "vote": vote}])
        self.federation.enter(self.book, [{"kind": "witness", "body": book.body, "page": book.head}])

    def comes_to(self, page: PageId) -> tuple[str, str | None]:
        """Return the status and outcome of a result in any order of arrival: they are one."""
        found = set()
        states = []
        for order in range(ORDERS):
            random = Random(order)
            node = Node(self.federation.bodies)
            blocks = self.federation.blocks
            node.take(shuffled(blocks, random, again=0.1) if order else blocks, random.choice([1, 3, 64]))
            row = node.view.get(RESULTS, (self.book.scope, page, 0))
            now = tally(node.view, self.book.scope, page, 0)
            assert row is not None
            assert now is not None
            assert row[1:] == (now.status, now.outcome), order
            found.add((now.status, now.outcome))
            states.append(rooted(node.view))
        assert all(state == states[0] for state in states)
        ((status, outcome),) = found
        return status, outcome


def test_a_result_that_names_all_words_is_final_in_any_order() -> None:
    valley = Valley()
    votes = [
        valley.vote(given, option) for given, option in zip(valley.sent, ("yes", "no", "yes"), strict=True)
    ]
    page = valley.result(*votes)
    assert valley.comes_to(page) == (PROVISIONAL, "yes")
    for book, vote in zip(valley.members, votes, strict=True):
        valley.say(book, vote)
    assert valley.comes_to(page) == (FINAL, "yes")


def test_a_word_for_a_vote_that_the_result_does_not_name_settles_the_seat_too() -> None:
    valley = Valley()
    mill = valley.sent[0]
    first, other = valley.vote(mill, "yes"), valley.vote(mill, "no")
    # Recalled with nothing kept, so what the result names was void already when the word is learnt.
    valley.federation.enter(valley.members[0], [valley.federation.recall(mill)])
    page = valley.result(first)
    assert valley.comes_to(page) == (PROVISIONAL, None)
    valley.say(valley.members[0], other)
    assert valley.comes_to(page) == (FINAL, None)


def test_a_result_that_names_what_is_no_vote_on_its_question_waits_for_it_and_no_longer() -> None:
    valley = Valley()
    elsewhere = valley.vote(valley.sent[1], "no", valley.federation.move(valley.book, "A weir"))
    vote = valley.vote(valley.sent[0], "yes")
    page = valley.result(vote, elsewhere, valley.motion)
    valley.say(valley.members[0], vote)
    assert valley.comes_to(page) == (FINAL, "yes")
