"""The clock by which a test and all that it forks live. What counts by hours and days must not depend on when tests are run."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

AHEAD = "FEDSYNC_TESTS_AHEAD"
"""Names by how many seconds the clock of a process is ahead of the machine's, for processes that are forked for a test."""
DAY_S = 86_400
NOON_S = DAY_S // 2
_of_the_machine = time.time


def ahead_by(seconds: float) -> Callable[[], float]:
    """Return a clock that is so much ahead of the machine's, to be put into the place of `time.time`."""
    return lambda: _of_the_machine() + seconds


@contextmanager
def noon() -> Iterator[None]:
    """Let it be noon, in UTC, here and in whatever is forked meanwhile: no hour and no day ends soon.

    A program that begins from nothing keeps the machine's clock.
    """
    seconds = NOON_S - _of_the_machine() % DAY_S
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", ahead_by(seconds))
        patch.setenv(AHEAD, str(seconds))
        yield
