"""A peer that was heard lately is called often."""

from math import inf

from fedsync.daemon.dialler import FIRST_PAUSE, LONGEST_PAUSE, longest_pause


def test_pauses_grow_with_the_time_for_which_a_peer_is_away_and_no_further_than_ever() -> None:
    assert longest_pause(0.0) == FIRST_PAUSE
    assert longest_pause(60.0) == 60 / 16
    assert longest_pause(inf) == LONGEST_PAUSE
    assert longest_pause(86_400.0) == LONGEST_PAUSE
