"""How long it is waited before what ended is begun again."""

from random import Random

from fedsync.daemon.pauses import FIRST_PAUSE, LONGEST_PAUSE, Pauses


def test_pauses_double_up_to_the_longest_and_begin_anew_after_what_lasted() -> None:
    pauses = Pauses(60.0)
    assert [pauses.after(5.0) for _ in range(11)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert pauses.after(60.0) == LONGEST_PAUSE
    assert [pauses.after(61.0), pauses.after(5.0)] == [FIRST_PAUSE, 2.0]


def test_what_ends_well_is_begun_again_at_once_but_not_again_and_again() -> None:
    pauses = Pauses(60.0)
    assert [pauses.after(5.0, well=True) for _ in range(4)] == [0, 1, 2, 4]
    assert [pauses.after(61.0, well=True) for _ in range(4)] == [0] * 4
    assert [pauses.after(5.0), pauses.after(5.0, well=True)] == [1, 2]


def test_however_things_end_one_that_does_not_last_is_begun_a_dozen_times_and_then_each_five_minutes() -> (
    None
):
    dice = Random(1)
    for _ in range(50):
        pauses, waited = Pauses(60.0), 0.0
        for _ in range(100):
            waited += pauses.after(dice.uniform(0, 60), well=dice.random() < 0.5)
        assert waited >= 80 * LONGEST_PAUSE
