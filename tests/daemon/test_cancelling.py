"""Whole daemons are cancelled, stopped and cut off at one step after the other: all is whole, and all converge."""

import gc
import logging
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import get_args

import pytest

from fedsync.daemon import joining
from fedsync.gossip.join import Refused, Standing, refusal
from fedsync.records.ids import Key
from tests.daemon.shell import Deed, House, Shell, build
from tests.seeds import seeds

PLACES = 3
"""Steps of one story at which something is done, with each seed: evenly spread, and others with another seed."""
GOLDEN = 0.6180339887
"""Multiples of it fill the gaps between the places evenly, whatever the number of seeds."""
PATIENCE = 60.0
"""Virtual seconds from what was done to the end of the story; most of it goes by between two calls."""


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> list[House]:
    return build(tmp_path_factory.mktemp("shell"))


@pytest.fixture(scope="module")
def steps_of(houses: list[House]) -> Callable[[int, int], int]:
    """Give how many steps a daemon takes when nothing is done to it; told once for each daemon and seed."""
    return lru_cache(lambda victim, seed: Shell(houses, victim).play(seed).steps)


@pytest.fixture(autouse=True)
def _nothing_is_left_or_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Look for mistakes that were only logged, and for sockets that nobody closed."""
    yield
    gc.collect()
    said = [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]
    assert said == []


@pytest.mark.parametrize("seed", seeds(1))
@pytest.mark.parametrize("deed", get_args(Deed))
@pytest.mark.parametrize("victim", [0, 1])
def test_whatever_ends_at_any_step_leaves_all_whole_and_all_converge(
    houses: list[House], steps_of: Callable[[int, int], int], victim: int, deed: Deed, seed: int
) -> None:
    steps = steps_of(victim, seed)
    assert steps > 100, "the story is told to the daemon that is looked at"
    for place in range(PLACES):
        at = 1 + int(steps * (place + seed * GOLDEN % 1) / PLACES)
        hand = Shell(houses, victim, deed, at).play(seed)
        assert hand.done, f"there was no step {at}"
        assert hand.took < PATIENCE, f"step {at}: {hand.took} virtual seconds"


def test_an_inviter_that_would_not_welcome_the_same_node_twice_is_found(
    houses: list[House], monkeypatch: pytest.MonkeyPatch
) -> None:
    def once(standing: Standing, node: Key, now: int) -> Refused | None:
        return Refused("used") if standing.used_by is not None else refusal(standing, node, now)

    monkeypatch.setattr(joining, "refusal", once)
    with pytest.raises(ExceptionGroup) as found:
        tell_on(houses, range(30, 120, 4))
    assert "invitation_used" in repr(found.value.exceptions)


def tell_on(houses: list[House], places: range) -> None:
    """Cut the wire at each of these steps of the first; somewhere there an answer is lost, and the invitation used."""
    for at in places:
        Shell(houses, 0, "cut", at).play(0)
