"""Scores: they add up, fade, are bounded, outlive restarts, and no clock makes them lie for long."""

from hashlib import sha256

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip.deeds import CLOSES, Deed
from fedsync.gossip.events import Peer
from fedsync.gossip.scores import BEST, GAP_MS, HALF_LIFE_MS, LEAP_MS, MOST_PEERS, WORST, Scores
from fedsync.gossip.view import BAD

NOON = 1_760_000_000_000
ANN, BEN = Peer(b"a" * 32), Peer(b"b" * 32)


def test_of_whom_nothing_is_known_nothing_is_thought() -> None:
    assert Scores().of(ANN, NOON) == 0
    assert "little" in Scores().words(ANN, NOON)


def test_a_score_halves_in_a_day() -> None:
    scores = Scores()
    scores.note(ANN, Deed.GARBAGE, NOON)
    assert scores.of(ANN, NOON) == -2.0
    assert scores.of(ANN, NOON + HALF_LIFE_MS) == -1.0
    assert scores.of(BEN, NOON) == 0


def test_a_few_broken_promises_make_a_peer_bad_and_a_few_days_make_it_fair_again() -> None:
    scores = Scores()
    for at in range(3):
        scores.note(ANN, Deed.UNSERVED, NOON + at * GAP_MS)
    now = NOON + 3 * GAP_MS
    assert scores.of(ANN, now) < BAD
    assert scores.words(ANN, now) == "told of records and did not send them"
    assert scores.of(ANN, now + 3 * HALF_LIFE_MS) > BAD / 2


def test_many_at_once_of_a_kind_are_one() -> None:
    scores = Scores()
    for at in range(1000):
        scores.note(ANN, Deed.UNSERVED, NOON + at)
    assert scores.of(ANN, NOON + 1000) == pytest.approx(-0.5, abs=0.01)


@given(st.lists(st.tuples(st.sampled_from(list(Deed)), st.integers(-(2**45), 2**45)), max_size=60))
def test_scores_stay_within_bounds_whatever_the_clock_does(deeds: list[tuple[Deed, int]]) -> None:
    scores = Scores()
    for deed, now in deeds:
        scores.note(ANN, deed, now)
        assert WORST <= scores.of(ANN, now) <= BEST
    again = Scores.unpack(scores.pack())
    for _, now in deeds:
        assert again.of(ANN, now) == scores.of(ANN, now)
        assert again.words(ANN, now) == scores.words(ANN, now)


def test_a_clock_that_goes_back_changes_nothing() -> None:
    scores = Scores()
    scores.note(ANN, Deed.GARBAGE, NOON)
    assert scores.of(ANN, NOON - 30 * 365 * HALF_LIFE_MS) == -2.0
    scores.note(ANN, Deed.STRIKE, NOON - 30 * 365 * HALF_LIFE_MS)
    assert scores.of(ANN, NOON - 30 * 365 * HALF_LIFE_MS) == -2.5


def test_a_clock_that_leaps_ahead_forgives_a_week_at_most() -> None:
    scores = Scores()
    for _ in range(5):
        scores.note(ANN, Deed.GARBAGE, NOON)
    leapt = NOON + 30 * 365 * HALF_LIFE_MS
    assert scores.of(ANN, leapt) == scores.of(ANN, NOON + LEAP_MS) == WORST / 128


def test_after_a_clock_went_back_deeds_count_as_before() -> None:
    scores = Scores()
    scores.note(ANN, Deed.UNSERVED, NOON)
    scores.note(ANN, Deed.UNSERVED, NOON - LEAP_MS)
    assert scores.of(ANN, NOON - LEAP_MS) == -1.0


def test_no_peer_is_thought_worse_or_better_of_than_so_much() -> None:
    scores = Scores()
    for at in range(100):
        scores.note(ANN, Deed.GARBAGE, NOON)
        scores.note(BEN, Deed.NEW, NOON + at * GAP_MS)
    assert scores.of(ANN, NOON) == WORST
    assert scores.of(BEN, NOON + 99 * GAP_MS) == BEST


def test_so_many_are_remembered_and_the_worst_among_them() -> None:
    scores = Scores()
    scores.note(ANN, Deed.GARBAGE, NOON)
    for at in range(3 * MOST_PEERS):
        scores.note(Peer(sha256(b"%d" % at).digest()), Deed.NEW, NOON)
    assert len(scores) == MOST_PEERS
    assert scores.of(ANN, NOON) == -2.0


def test_what_is_new_is_to_be_kept() -> None:
    scores = Scores()
    before = scores.changed
    scores.note(ANN, Deed.NEW, NOON)
    assert (before, scores.changed) == (False, True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        msgpack.packb([2, [[ANN, -1.0, NOON, ""]]]),
        msgpack.packb([1, [[ANN, 99.0, NOON, ""]]]),
        msgpack.packb([1, [[ANN, float("nan"), NOON, ""]]]),
        msgpack.packb([1, [[ANN, -1.0, NOON, "MURDER"]]]),
        msgpack.packb([1, [[ANN, -1.0, NOON]]]),
    ],
)
def test_what_is_no_scores_is_forgotten(data: bytes) -> None:
    assert len(Scores.unpack(data)) == 0


def test_what_is_thought_of_peers_outlives_a_restart_and_fades_meanwhile() -> None:
    scores = Scores()
    scores.note(ANN, Deed.GARBAGE, NOON)
    scores.note(BEN, Deed.NEW, NOON)
    after = Scores.unpack(scores.pack())
    assert after.of(ANN, NOON) == -2.0
    assert after.of(ANN, NOON + HALF_LIFE_MS) == -1.0
    assert after.of(BEN, NOON) == Deed.NEW.value.score
    assert after.words(ANN, NOON) == Deed.GARBAGE.value.words


def test_what_was_kept_brings_no_more_peers_than_are_remembered() -> None:
    rows = [[sha256(b"%d" % at).digest(), -1.0, NOON, ""] for at in range(2 * MOST_PEERS)]
    assert len(Scores.unpack(msgpack.packb([1, rows]))) == MOST_PEERS


def test_every_end_that_is_a_peers_fault_weighs_something() -> None:
    assert all(deed.value.score < 0 for deed in CLOSES.values())
