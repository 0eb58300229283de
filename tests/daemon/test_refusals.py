"""What either side refuses, as people are told of it: the last word of each log, within bounds."""

from fedsync.daemon.refusals import Refusals
from fedsync.gossip.events import Noted, Peer
from fedsync.gossip.limits import MAX_REFUSALS
from fedsync.records.ids import LogId

MILL, HILL = Peer(b"m" * 32), Peer(b"h" * 32)


def noted(at: int, code: str = "later", ours: bool = False) -> Noted:
    return Noted(LogId(at.to_bytes(4) * 8), code, 0, ours)


def test_each_log_is_written_down_once_and_shown_with_its_last_word() -> None:
    refusals = Refusals()
    assert refusals.note(MILL, noted(1)) == "it does not take a log: later"
    assert refusals.note(MILL, noted(1, "never")) is None
    assert refusals.note(MILL, noted(2, ours=True)) == "we do not take a log: later"
    assert refusals.of(MILL) == ["it does not take log 00000001: never", "we do not take log 00000002: later"]
    assert refusals.of(HILL) == []


def test_beyond_the_bound_new_logs_are_passed_over_and_old_ones_still_have_the_last_word() -> None:
    refusals = Refusals()
    said = [refusals.note(MILL, noted(at)) for at in range(MAX_REFUSALS + 50)]
    assert None not in said[:MAX_REFUSALS]
    assert set(said[MAX_REFUSALS:]) == {None}
    refusals.note(MILL, noted(0, "never"))
    refusals.note(MILL, noted(MAX_REFUSALS, "never"))
    assert len(refusals.of(MILL)) == MAX_REFUSALS
    assert [each for each in refusals.of(MILL) if "never" in each] == ["it does not take log 00000000: never"]
    assert refusals.note(HILL, noted(1)) is not None, "each peer has its own bound"


def test_a_peers_word_cannot_break_a_line() -> None:
    refusals = Refusals()
    assert refusals.note(MILL, noted(1, "a\nb")) == "it does not take a log: a\\nb"
    assert refusals.of(MILL) == ["it does not take log 00000001: a\\nb"]


def test_what_was_let_in_and_what_another_link_refused_is_shown_no_longer() -> None:
    refusals = Refusals()
    for peer in (MILL, HILL):
        refusals.note(peer, noted(1))
        refusals.note(peer, noted(2))
    refusals.let_in(noted(1).log)
    assert [len(refusals.of(peer)) for peer in (MILL, HILL)] == [1, 1]
    refusals.begin(MILL)
    assert [len(refusals.of(peer)) for peer in (MILL, HILL)] == [0, 1]
