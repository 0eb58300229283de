"""What comes at a pace: one thing of a name an hour, through restarts, and no clock that is set shuts the door for longer."""

from pathlib import Path

from fedsync.pace import GROWTH_MS, Pace
from tests.nodes import NOON
from tests.store.authors import new_store


def test_one_thing_of_a_name_goes_through_in_an_hour_also_after_a_restart(tmp_path: Path) -> None:
    with new_store(tmp_path / "store.sqlite") as store, store.transaction():
        times = iter((NOON, NOON, NOON + 1, NOON + GROWTH_MS - 1, NOON + GROWTH_MS))
        answers = [Pace(store.meta, lambda: next(times)).due(name) for name in ("a", "b", "a", "a", "a")]
        assert answers == [0, 0, NOON + GROWTH_MS, NOON + GROWTH_MS, 0]


def test_a_clock_that_stood_ahead_and_is_set_right_keeps_nobody_waiting(tmp_path: Path) -> None:
    with new_store(tmp_path / "store.sqlite") as store, store.transaction():
        ahead, right = Pace(store.meta, lambda: 2 * NOON), Pace(store.meta, lambda: NOON)
        assert ahead.due("a") == 0
        assert right.due("a") == 0
        assert right.due("a") == NOON + GROWTH_MS
