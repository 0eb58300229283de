"""What is asked of one peer alone: what goes first, how much at a time, and what a peer that claims without end makes us keep."""

from collections.abc import Sequence

from fedsync.gossip.compare import Verdict
from fedsync.gossip.holdings import FORK, TIP
from fedsync.gossip.limits import AGAIN_S, MAX_BRANCHES, MAX_OUT, WINDOW_LOGS
from fedsync.gossip.listing import Named, Salt, read_wanted
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import Message, Want
from fedsync.gossip.reconcile import Claim
from fedsync.gossip.tree import Tree
from fedsync.gossip.wants import Asked, Wants
from fedsync.records.ids import LogClass, Reach, Scope

SALT = Salt(b"here    ", b"there   ")
SCOPE = Scope(bytes(16))


def wants() -> Wants:
    return Wants(Memory(b"j" * 8), SALT, Asked(), Tree())


def claim(
    at: int, log_class: LogClass = LogClass.FACTS, kind: int = TIP, seq: int = 0, urgent: bool = False
) -> Claim:
    """Say that a peer holds something of a log of which nothing is known here."""
    theirs = (Named(kind, seq, b"" if kind == FORK else b"this"),)
    key = (SCOPE, Reach.WORLD, log_class)
    return Claim(at.to_bytes(6), None, key, theirs, Verdict(True, lack=1), urgent=urgent)


def shorts(asked: Sequence[Message]) -> list[int]:
    """Return the logs that are asked for, in order."""
    listed = [short for each in asked if isinstance(each, Want) for short, _ in read_wanted(each.listing)]
    return [int.from_bytes(short) for short in listed]


def test_a_proof_that_a_log_forked_is_asked_for_before_all_authority_though_the_window_is_full() -> None:
    of_peer = wants()
    for at in range(2 * WINDOW_LOGS):
        of_peer.add(claim(at, LogClass.AUTHORITY), 0.0)
    of_peer.add(claim(900, LogClass.TEXTS, FORK), 0.0)
    assert shorts(of_peer.ask(0.0))[0] == 900
    of_peer.add(claim(901, LogClass.FACTS, FORK), 1.0)
    assert shorts(of_peer.ask(1.0)) == [901]


def test_of_what_a_peer_calls_urgent_so_much_is_asked_for_at_a_time() -> None:
    of_peer = wants()
    for at in range(3 * MAX_OUT):
        of_peer.add(claim(at, urgent=True), 0.0)
    assert len(shorts(of_peer.ask(0.0))) == of_peer.outstanding == MAX_OUT
    assert shorts(of_peer.ask(1.0)) == []


def test_of_a_log_of_which_a_peer_claims_without_end_so_much_is_kept_what_is_new_first() -> None:
    of_peer = wants()
    for seq in range(100):
        of_peer.add(claim(1, seq=seq), 0.0)
    kept = of_peer.get(claim(1).short)
    assert kept is not None
    assert [each.seq for each in kept.theirs] == list(range(99, 99 - 2 * MAX_BRANCHES, -1))


def test_what_a_peer_did_not_serve_is_asked_of_it_again_after_a_while_and_not_at_each_word_of_it() -> None:
    of_peer = wants()
    of_peer.add(claim(1), 0.0)
    assert shorts(of_peer.ask(0.0)) == [1]
    wish = of_peer.get(claim(1).short)
    assert wish is not None
    of_peer.unserved_now(wish, 0.0)
    of_peer.add(claim(1), AGAIN_S - 1)
    assert shorts(of_peer.ask(AGAIN_S - 1)) == []
    of_peer.add(claim(1), AGAIN_S)
    assert shorts(of_peer.ask(AGAIN_S)) == [1]
