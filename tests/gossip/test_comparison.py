"""How a comparison goes on one side, alone: who opens it, who awaits, and what it takes to end."""

from fedsync.gossip.comparison import Comparison
from fedsync.gossip.events import Send
from fedsync.gossip.exchange import Exchange
from fedsync.gossip.limits import MAX_BACKLOG
from fedsync.gossip.listing import Salt
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import Bodies, Delta, Message, Range, Rest, Sets, Spans, decode
from fedsync.gossip.outbox import Outbox
from fedsync.gossip.reconcile import Reconcile
from fedsync.gossip.rhythm import Rhythm
from fedsync.gossip.sharing import Sharing
from fedsync.gossip.tree import Tree
from fedsync.gossip.trees import Trees
from fedsync.gossip.wants import Asked
from tests.sim.world import BODY, Author, checked


class Side:
    """One side, which holds what these people wrote."""

    def __init__(self, dialler: bool, *authors: int) -> None:
        self.memory = Memory(bytes(8), checker=checked)
        self.memory.follow(*BODY)
        for number in authors:
            self.write(number)
        salt, self.out = Salt(b"", b""), Outbox()
        sharing = Sharing(Trees(self.memory))
        shared = sharing.between(sharing.mine(None))
        exchange = Exchange(self.memory, salt, Asked(), Tree(), self.out, shared.__contains__)
        reconcile = Reconcile(sharing.trees, salt, lambda: shared, exchange.listed)
        self.comparison = Comparison(reconcile, exchange, self.out, Rhythm(0.0), shared.__contains__, dialler)

    def write(self, number: int) -> None:
        for block in Author(number).write("word"):
            self.memory.write(block)

    def said(self) -> list[Message]:
        return [decode(each.frame) for each in self.out.drain() if isinstance(each, Send)]


def kinds(messages: list[Message]) -> list[type[Message]]:
    return [type(each) for each in messages]


def test_where_neither_remembers_the_other_the_dialler_opens_and_the_listener_awaits_it() -> None:
    dialler, listener = Side(True, 1), Side(False, 2)
    for side in (dialler, listener):
        assert not side.comparison.under_way
        assert not side.comparison.begin(None, True, False, 0.0)
        assert side.comparison.under_way
    (sets,) = dialler.said()
    assert not listener.said()
    assert listener.comparison.awaits == {Sets}
    assert isinstance(sets, Sets)
    listener.comparison.hear(sets, 0.0)
    assert not listener.comparison.awaits
    assert kinds(listener.said()) == [Range]
    assert listener.comparison.under_way, "what the answer brings is yet to come"


def test_a_dialler_that_is_sure_to_be_told_what_the_peer_follows_opens_no_earlier() -> None:
    side = Side(True, 1)
    side.comparison.begin(None, True, True, 0.0)
    assert side.comparison.awaits == {Bodies}
    assert not side.said()


def test_who_remembers_the_other_says_what_changed_and_the_dialler_guards_it_after_the_last_word() -> None:
    dialler, listener = Side(True, 1), Side(False, 2)
    assert dialler.comparison.begin(0, True, False, 0.0), "its blocks go unasked"
    assert listener.comparison.begin(0, True, False, 0.0)
    assert (dialler.comparison.awaits, listener.comparison.awaits) == ({Delta}, {Delta, Rest})
    ours, theirs = ([each for each in side.said() if isinstance(each, Delta)] for side in (dialler, listener))
    for delta in ours:
        listener.comparison.hear(delta, 0.0)
    assert listener.comparison.awaits == {Rest}
    dialler.comparison.hear(theirs[0]._replace(more=True), 0.0)
    assert Rest not in kinds(dialler.said())
    dialler.comparison.hear(theirs[-1], 0.0)
    (rest,) = (each for each in dialler.said() if isinstance(each, Rest))
    listener.comparison.hear(rest, 0.0)
    assert not listener.comparison.awaits
    assert not listener.said(), "what neither listed is the same"
    listener.comparison.hear(Rest(bytes(16)), 0.0)
    assert kinds(listener.said()) == [Sets]


def test_where_all_sets_are_the_same_the_listener_shows_its_own_and_the_dialler_is_content() -> None:
    """Else each would answer the other for ever."""
    dialler, listener = Side(True, 1), Side(False, 1)
    for kind, brief in ((Sets, False), (Spans, True)):
        dialler.comparison.open(0.0, brief)
        (opening,) = dialler.said()
        for side in (listener, dialler):
            assert isinstance(opening, Sets | Spans)
            side.comparison.hear(opening, 0.0)
        assert kinds(listener.said()) == [kind]
        assert not dialler.said()


def test_nothing_unasked_goes_out_where_nothing_changed() -> None:
    side = Side(False, 1)
    assert not side.comparison.begin(side.memory.journal()[1], True, False, 0.0)
    assert kinds(side.said()) == [Delta]


def test_who_reads_nothing_of_what_it_asks_for_is_not_answered_and_what_it_tells_still_counts() -> None:
    side, other = Side(False, 1), Side(True, 2)
    other.comparison.open(0.0)
    (sets,) = other.said()
    assert isinstance(sets, Sets)
    side.out.backlog = MAX_BACKLOG + 1
    side.comparison.hear(sets, 0.0)
    assert not side.comparison.under_way
    side.comparison.hear(Rest(bytes(16)), 0.0)
    assert kinds(side.said()) == [Sets]
    side.out.backlog = MAX_BACKLOG
    side.comparison.hear(sets, 0.0)
    assert kinds(side.said()) == [Range]
