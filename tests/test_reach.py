"""What docs/links.md says of bad links holds for a seed or two each day; `scripts/bench` has the long forms."""

import pytest

from tests.test_scripts import measured


def test_a_megabyte_and_a_half_of_records_goes_over_flaky_in_time() -> None:
    found = measured("flaky", "--seeds", "1")
    assert found["bytes"] >= 1_500_000
    assert found["seconds_worst"] <= 245


def test_a_recall_behind_ten_megabytes_is_there_soon_after_the_next_window_opens() -> None:
    found = measured("flaky-recall", "--seeds", "2")
    assert found["backlog_bytes"] >= 10_000_000
    assert found["worst"] <= 1.5


def test_after_six_months_recalls_come_first_and_little_is_said_besides() -> None:
    found = measured("away", "--records", "20000")
    assert found["records_new"] == 50_000
    assert found["in_the_first_window"]
    assert found["bookkeeping_bytes"] <= found["bookkeeping_reach"]


@pytest.mark.parametrize("profile", ["FLAKY", "RADIO"])
def test_a_link_on_which_nothing_happens_takes_less_than_a_bit_a_second(profile: str) -> None:
    assert 0 < measured("idle", "--seeds", "1")[profile]["worst"] <= 1


def test_two_who_never_meet_have_all_over_a_third_and_nothing_twice() -> None:
    found = measured("ferry")
    assert found["records"] == [1000, 1000]
    assert found["all_hold_all"]
    assert found["block_bytes_that_came_twice"] == 0


def test_no_hour_and_no_day_is_over_its_budget_by_more_than_a_frame_nor_anything_outside_of_windows() -> None:
    found = measured("budget")
    assert found["megabytes"] > 1
    assert found["frames_over_in_the_worst_hour"] <= 1
    assert found["frames_over_in_the_worst_day"] <= 1
    assert found["frames_outside_of_windows"] == 0


def test_a_bundle_of_many_logs_is_small_and_taken_in_with_little_memory() -> None:
    found = measured("bundle", "--records", "20000", "--logs", "60")
    assert found["import_records"] >= 20_000
    assert found["mb"] * 1e6 / found["import_records"] <= 32
    assert found["import_memory_mb"] <= 150
    assert found["import_cpu_s"] <= 5
