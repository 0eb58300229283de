"""When a peer is called follows from windows, budgets, and whether there is something to say; what was used is kept."""

from collections.abc import Callable, Iterator
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest

from fedsync.daemon.schedules import NEWS_SECONDS, RECHECK_SECONDS, Clock, Schedules
from fedsync.gossip.events import Peer
from fedsync.gossip.priority import PLAIN
from fedsync.gossip.schedule.terms import Open, Resting, Shut, Spent, Terms
from fedsync.gossip.schedule.windows import Window, Windows
from fedsync.store.store import Store
from tests.nodes import node

MILL, HILL = Peer(b"m" * 32), Peer(b"h" * 32)
NOW = 1_760_000_000
"""Seconds since 1970."""


@pytest.fixture
def store() -> Iterator[Store]:
    with node() as found:
        yield found.store


class Still(Clock):
    """A clock that stands: however long a test takes, no second goes by in it."""

    def now(self) -> float:
        return NOW


def made(store: Store, terms: Terms) -> Schedules:
    """Return schedules with one peer that has terms, and a disk that answers at once."""
    schedules = unwritten(store, terms, lambda: None)
    write(schedules, store)
    return schedules


def unwritten(store: Store, terms: Terms, wake: Callable[[], None]) -> Schedules:
    schedules = Schedules(store, wake)
    schedules.clock = Still()
    schedules.want({MILL: terms})
    return schedules


def write(schedules: Schedules, store: Store) -> None:
    with store.transaction():
        for each in schedules.unsaved(store):
            each()
    schedules.durable()


def use(schedules: Schedules, store: Store, size: int) -> None:
    """Use so many bytes of the peer's link."""
    link = SimpleNamespace(toll=None, count=lambda: None)
    schedules.stands(MILL, link)
    assert link.toll is not None
    link.toll.spend(size)
    schedules.gone(MILL)
    write(schedules, store)


def test_of_whom_nothing_was_said_there_may_always_be_a_link(store: Store) -> None:
    schedules = made(store, Terms(hour_bytes=1000))
    assert schedules.calls(HILL) == Open(inf)
    assert schedules.told(HILL) is None
    assert schedules.reason(HILL) == ""


def test_whom_nothing_is_left_to_say_is_called_for_what_another_brings_and_not_for_its_own(
    store: Store,
) -> None:
    schedules = made(store, Terms(early_end=True))
    schedules.done(MILL)
    state = schedules.calls(MILL)
    assert isinstance(state, Resting)
    assert state.until == NOW + RECHECK_SECONDS
    schedules.news(MILL)
    assert schedules.calls(MILL) == state
    schedules.news(HILL)
    soon = schedules.calls(MILL)
    assert soon.until == NOW + NEWS_SECONDS
    schedules.urge()
    assert schedules.calls(MILL) == Open(inf)


def test_a_rest_that_ends_outside_of_the_windows_goes_on_until_the_next(store: Store) -> None:
    begins = NOW - 5
    schedules = made(store, Terms(Windows((Window(3600, begins % 3600, 60),)), early_end=True))
    assert isinstance(schedules.calls(MILL), Open)
    schedules.done(MILL)
    state = schedules.calls(MILL)
    assert isinstance(state, Resting)
    assert state.until == begins + 3600


def test_a_budget_that_is_used_up_stops_calls_until_something_urgent_comes_or_it_is_known_there(
    store: Store,
) -> None:
    schedules = made(store, Terms(day_bytes=100_000))
    use(schedules, store, 92_000)
    assert isinstance(schedules.calls(MILL), Spent)
    assert "92 of 100 kB used in the last day, budget of the day used until" in schedules.why_not_called(MILL)
    assert schedules.opens_in(MILL) > 3600
    schedules.urge()
    assert schedules.calls(MILL) == Open(inf)
    schedules.level(MILL)
    assert isinstance(schedules.calls(MILL), Spent)


def test_what_was_used_is_kept_when_the_config_is_read_again_and_for_a_new_start(store: Store) -> None:
    schedules = made(store, Terms(day_bytes=100_000))
    use(schedules, store, 92_000)
    schedules.want({MILL: Terms(day_bytes=100_000, hour_bytes=200_000)})
    assert isinstance(schedules.calls(MILL), Spent)
    schedules.finish()
    write(schedules, store)
    again = made(store, Terms(day_bytes=100_000))
    assert isinstance(again.calls(MILL), Spent)
    told = again.told(MILL)
    assert told is not None
    assert 92_000 <= told["budgets"][0]["used_bytes"] <= 92_000 + 2_001


def test_nothing_goes_before_it_is_written_down_that_it_may(store: Store) -> None:
    woken: list[None] = []
    schedules = unwritten(store, Terms(day_bytes=100_000), lambda: woken.append(None))
    link = SimpleNamespace(toll=None, count=lambda: None)
    schedules.stands(MILL, link)
    assert link.toll is not None
    assert not link.toll.may(PLAIN, 500, 0)
    assert woken
    write(schedules, store)
    assert link.toll.may(PLAIN, 500, 0)


def test_outside_of_its_window_a_peer_is_told_in_how_many_seconds_it_opens(store: Store) -> None:
    opens = NOW + 600
    schedules = made(store, Terms(Windows((Window(3600, opens % 3600, 60),))))
    assert isinstance(schedules.calls(MILL), Shut)
    assert schedules.opens_in(MILL) == 600


class Called:
    """A link that has cost so much when it comes about."""

    def __init__(self, cost: int) -> None:
        self.toll: Any = None
        self._cost, self._counted = cost, 0

    def count(self) -> None:
        if self.toll is not None:
            self.toll.spend(self._cost - self._counted)
        self._counted = self._cost


def test_a_peer_that_calls_in_vain_again_and_again_uses_up_what_may_go_over_the_link(store: Store) -> None:
    schedules = made(store, Terms(hour_bytes=10_000))
    for _ in range(3):
        link = Called(4_000)
        schedules.came(MILL, link)  # type: ignore[arg-type]
        assert link.toll is None
        link.count()
    assert isinstance(schedules.state(MILL), Spent)
    assert "12 of 10 kB" in schedules.reason(MILL)


def test_what_a_link_has_cost_before_it_stands_counts_once(store: Store) -> None:
    schedules = made(store, Terms(hour_bytes=10_000))
    link = Called(4_000)
    schedules.came(MILL, link)  # type: ignore[arg-type]
    schedules.stands(MILL, link)  # type: ignore[arg-type]
    assert "4 of 10 kB" in schedules.reason(MILL)
