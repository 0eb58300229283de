"""When a link is open follows from what the operator wrote, minute for minute."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip.schedule.windows import DAY_S, DAYS, MAX_WINDOWS, WEEK_S, Windows, parse

MONDAY = 1_759_708_800
"""Monday, 6 October 2025, 00:00 UTC."""


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


daily = st.tuples(
    st.integers(0, 1439), st.integers(0, 1440), st.none() | st.sets(st.integers(0, 6), min_size=1)
).filter(lambda each: each[0] != each[1])


def written(window: tuple[int, int, set[int] | None]) -> str:
    begin, end, days = window
    said = "" if days is None else ",".join(DAYS[day].capitalize() for day in sorted(days)) + " "
    return f"{said}{clock(begin)}-{clock(end)}"


def naively_open(windows: list[tuple[int, int, set[int] | None]], minute: int) -> bool:
    """Walk through the days as a person does: is it within one that began today, or yesterday?"""
    for begin, end, days in windows:
        for back in (0, 1):
            day, at = minute // 1440 - back, minute % 1440 + 1440 * back
            until = end if end > begin else end + 1440
            if (days is None or day % 7 in days) and begin <= at < until:
                return True
    return False


@given(st.lists(daily, min_size=1, max_size=4), st.integers(0, 14 * 1440), st.integers(0, 59))
def test_it_is_open_when_a_person_reading_the_list_says_so_and_tells_until_when(
    said: list[tuple[int, int, set[int] | None]], minute: int, second: int
) -> None:
    windows = parse(written(each) for each in said)
    now = MONDAY + minute * 60 + second
    closes = windows.closes(now)
    assert (closes is not None) is naively_open(said, minute)
    if closes is None:
        opens, at = windows.opens(now), minute + 1
        while not naively_open(said, at):
            at += 1
        assert opens == MONDAY + at * 60
    else:
        at = minute + 1
        while naively_open(said, at) and at < minute + 8 * 1440:
            at += 1
        assert closes == (MONDAY + at * 60 if at < minute + 8 * 1440 else inf)
        assert windows.opens(now) == now


@given(st.integers(1, 7200), st.integers(1, 7200), st.integers(0, 7199), st.integers(0, 10**6))
def test_seconds_of_a_satellite_come_again(period: int, length: int, start: int, after: int) -> None:
    said = f"every {period} s for {length} s from {start} s"
    if length > period or start >= period:
        with pytest.raises(ValueError, match="does not fit"):
            parse([said])
        return
    windows, now = parse([said]), float(MONDAY + after)
    inside = (MONDAY + after - start) % period < length
    assert (windows.closes(now) is not None) is inside
    opens = windows.opens(now)
    assert now <= opens < now + period
    assert windows.closes(opens) is not None


def test_without_windows_it_is_always_open_and_with_a_whole_day_too() -> None:
    assert Windows().closes(MONDAY) == inf
    assert parse(["00:00-24:00"]).closes(MONDAY + 5) == inf
    assert parse(["00:00-12:00", "12:00-24:00"]).closes(MONDAY + 5) == inf


def test_days_may_be_spans_that_go_over_sunday() -> None:
    windows = parse(["Sat-Mon 10:00-11:00"])
    inside = [day for day in range(7) if windows.closes(MONDAY + day * DAY_S + 36_060) is not None]
    assert inside == [0, 5, 6]
    assert windows.opens(MONDAY + 2 * DAY_S) == MONDAY + 5 * DAY_S + 36_000


@pytest.mark.parametrize(
    "wrong",
    [
        "", "22:00", "22:00-22:00", "24:00-01:00", "25:00-26:00", "10:60-11:00", "Foo 10:00-11:00", "Mon- 10:00-11:00",
        "every 60 s", "every 0 s for 0 s", "every 10 s for 20 s", "every 200 h for 1 h", "every 60 s for 5 s from 60 s",
        "every 60 s for 5 parsecs", "noon", "-10:00-11:00", "10:00-11:00 Mon",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused_and_named(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"says|ends when it begins|is no time"):
        parse([wrong])


def test_there_are_no_more_windows_than_can_be_looked_at() -> None:
    with pytest.raises(ValueError, match=f"{MAX_WINDOWS} are possible"):
        parse(["Mon-Sun 10:00-11:00"] * 10)
    assert len(parse(["Mon-Sun 10:00-11:00"] * 9).each) == 63
    assert WEEK_S == 7 * DAY_S
