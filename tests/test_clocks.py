"""The clock of a test: noon, here and in what is forked for it, whatever the hour."""

import json
import os
import time

from tests import clocks, forked
from tests.daemon.village import SOON

LASTS_S = 3600
"""Seconds after noon within which a test has looked at its clock."""


def second_of_the_day() -> float:
    return time.time() % clocks.DAY_S


def test_it_is_noon_in_a_test_and_in_what_it_forks_and_afterwards_the_machines_hour() -> None:
    before = time.time
    with clocks.noon():
        assert 0 <= second_of_the_day() - clocks.NOON_S < LASTS_S
        said = forked.run(["doctor", "--json"], {**os.environ, "TZ": "UTC"}, "", SOON)
        (clock,) = (each["says"] for each in json.loads(said.stdout)["checks"] if each["name"] == "clock")
        assert clock.split()[1].startswith("12:")
    assert time.time is before
    assert clocks.AHEAD not in os.environ
