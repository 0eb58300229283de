"""A gate lets through what the operator allows, never more in any hour or day, and says why not."""

from math import inf
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip.lanes import Lanes
from fedsync.gossip.priority import FIRST, LAST, WORDS, of_class
from fedsync.gossip.schedule import words
from fedsync.gossip.schedule.gate import Gate
from fedsync.gossip.schedule.rolling import DAY_S, HOUR_S, SLOTS, Rolling
from fedsync.gossip.schedule.terms import Open, Shut, Spent, Terms
from fedsync.gossip.schedule.windows import parse
from fedsync.records.ids import LogClass

NOON = 1_760_011_200.0
"""12:00 UTC on a Thursday."""
FACTS = of_class(LogClass.FACTS)


def written_down(gate: Gate) -> Gate:
    """Return the gate as it is when the disk is quick enough."""
    gate.pack(NOON)
    gate.durable()
    return gate


def use(gate: Gate, now: float, size: int) -> None:
    """Use so much, and have it written down."""
    gate.spend(now, size)
    gate.pack(now)
    gate.durable()


steps = st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 700)), max_size=60)


@given(steps, st.integers(1, 2000))
def test_no_hour_wherever_it_begins_has_more_than_its_bytes(steps: list[tuple[int, int]], limit: int) -> None:
    budget, now = Rolling(HOUR_S, limit), NOON
    gone: list[tuple[float, int]] = []
    for later, size in steps:
        now += later
        if budget.wait(size, now) <= 0:
            budget.spend(size, now)
            gone.append((now, size))
        # The twin adds up the hour that ends now. What fits it at the latest one slot later fits here.
        inside = sum(each for at, each in gone if at > now - HOUR_S)
        late = sum(each for at, each in gone if at > now - HOUR_S - HOUR_S / SLOTS)
        assert inside <= budget.used(now) <= late
        assert inside <= limit + max(size for _, size in gone) if gone else inside == 0
        assert inside <= limit or max(size for _, size in gone) > limit // 2


@given(steps, st.integers(1, 2000), st.integers(1, 2500), st.integers(0, 100))
def test_the_wait_is_as_long_as_it_takes_and_no_longer(
    steps: list[tuple[int, int]], limit: int, size: int, reserve: int
) -> None:
    budget, now = Rolling(DAY_S, limit), NOON
    for later, each in steps:
        now += later
        budget.spend(each, now)
    wait = budget.wait(size, now, reserve)
    if limit - reserve <= 0:
        assert wait == inf
        return
    if wait > 0:
        assert budget.wait(size, now + wait - 1, reserve) > 0
    assert budget.wait(size, now + wait, reserve) == 0


def test_what_was_used_counts_after_a_restart_and_a_clock_that_is_set_back_frees_nothing() -> None:
    gate = Gate(Terms(hour_bytes=10_000))
    use(gate, NOON, 9_500)
    again = written_down(Gate(Terms(hour_bytes=10_000), gate.pack(NOON)))
    assert again.may_send(NOON + 60, 1_000, FACTS) > 3000
    assert again.may_send(NOON - 10**9, 1_000, FACTS) > 3000, "the battery of the clock was dead"
    assert again.may_send(NOON - 10**9 + 2 * HOUR_S, 1_000, FACTS) == 0, "and an hour of that clock is enough"


@pytest.mark.parametrize(
    "kept", [b"", b"\xc1", b"garbage", b"\x92\x01\x91\x92\xcd\x0e\x10\x91\x92\xff\xff", b"\x80"]
)
def test_a_budget_that_was_damaged_on_disk_begins_anew(kept: bytes) -> None:
    assert written_down(Gate(Terms(hour_bytes=10_000), kept)).may_send(NOON, 9_000, FACTS) == 0


def test_a_budget_that_the_operator_takes_away_or_changes_does_not_lose_the_other() -> None:
    before = Gate(Terms(hour_bytes=10_000, day_bytes=50_000))
    before.spend(NOON, 9_000)
    assert Gate(Terms(day_bytes=9_500), before.pack(NOON)).may_send(NOON + 60, 1_000, FACTS) > HOUR_S


def test_what_is_urgent_may_use_the_last_part_and_words_the_one_before() -> None:
    gate = written_down(Gate(Terms(day_bytes=100_000)))
    use(gate, NOON, 90_000)
    assert gate.may_send(NOON, 1, FACTS) > 0
    assert gate.may_send(NOON, 5_000, WORDS) == 0
    assert gate.may_send(NOON, 5_000, LAST) == 0
    use(gate, NOON, 5_000)
    assert gate.may_send(NOON, 1, WORDS) > 0
    assert gate.may_send(NOON, 5_000, FIRST) == 0
    use(gate, NOON, 5_000)
    assert gate.may_send(NOON, 1, FIRST) > 0


def test_a_link_whose_budget_is_used_up_opens_again_when_that_is_worth_a_session() -> None:
    gate, now = written_down(Gate(Terms(hour_bytes=60_000))), NOON
    for _ in range(60):
        use(gate, now, 1_000)
        now += 60
    state = gate.state(now)
    assert isinstance(state, Spent)
    assert state.span == HOUR_S
    assert isinstance(gate.state(state.until - 61), Spent)
    assert gate.state(state.until) == Open(inf)
    assert gate.may_send(state.until, 15_000, FACTS) == 0
    assert 14 * 60 < state.until - now < 26 * 60


def test_something_urgent_opens_a_link_whose_budget_is_used_up_for_the_rest() -> None:
    gate = written_down(Gate(Terms(day_bytes=100_000)))
    use(gate, NOON, 92_000)
    assert isinstance(gate.state(NOON), Spent)
    assert gate.state(NOON, urgent=True) == Open(inf)
    use(gate, NOON, 8_000)
    assert isinstance(gate.state(NOON, urgent=True), Spent)


def test_outside_of_its_windows_nothing_goes_however_urgent() -> None:
    gate = Gate(Terms(windows=parse(["22:00-23:00"])))
    assert gate.state(NOON, urgent=True) == Shut(NOON + 10 * HOUR_S)
    assert gate.may_send(NOON, 1, FIRST) == 10 * HOUR_S
    assert gate.state(NOON + 10.5 * HOUR_S) == Open(NOON + 11 * HOUR_S)


def test_a_session_that_stood_as_long_as_it_may_rests_until_the_next_window() -> None:
    gate = Gate(Terms(windows=parse(["12:00-13:00"]), session_s=600))
    gate.begin(NOON)
    assert gate.state(NOON + 300) == Open(NOON + 600)
    tomorrow = NOON + DAY_S
    assert gate.state(NOON + 600) == Shut(tomorrow)
    gate.end(NOON + 600)
    assert gate.state(NOON + 700) == Shut(tomorrow)
    assert gate.state(tomorrow) == Open(tomorrow + 600)


def test_a_session_that_broke_before_may_begin_again_in_the_same_window() -> None:
    gate = Gate(Terms(windows=parse(["12:00-13:00"]), session_s=600))
    gate.begin(NOON)
    gate.end(NOON + 100)
    assert gate.state(NOON + 200) == Open(NOON + 800)


def test_reasons_are_what_people_say() -> None:
    gate = Gate(Terms(windows=parse(["22:00-23:00"]), day_bytes=20_000))
    use(gate, NOON, 6_000)
    assert words.usage(gate, NOON) == "6 of 20 kB used in the last day"
    assert words.reason(gate.state(NOON), NOON) == "waiting: next window 22:00"
    assert words.reason(Spent(NOON + 3 * HOUR_S, HOUR_S), NOON) == "budget of the hour used until 15:00"
    assert words.reason(Spent(NOON + 30 * HOUR_S, DAY_S), NOON) == "budget of the day used until Fri 18:00"
    assert words.reason(Open(NOON + 100), NOON) == "open until 12:01:40"
    assert words.reason(Open(inf), NOON) == ""
    assert words.when(NOON + 20 * DAY_S, NOON) == "12:00 in 20 days"


def test_a_frame_that_does_not_fit_any_more_ends_the_session_and_opens_the_next_when_it_fits() -> None:
    gate, now = written_down(Gate(Terms(hour_bytes=60_000))), NOON
    use(gate, now, 20_000)
    assert gate.state(now) == Open(inf)
    use(gate, now, 20_000)
    assert gate.may_send(now, 25_000, FACTS) > 0
    state = gate.state(now)
    assert isinstance(state, Spent)
    assert gate.may_send(state.until - 1, 25_000, FACTS) > 0
    assert gate.state(state.until) == Open(inf)
    assert gate.may_send(state.until, 25_000, FACTS) == 0


def test_a_frame_larger_than_a_budget_goes_when_half_of_it_is_free() -> None:
    gate = written_down(Gate(Terms(hour_bytes=30_000)))
    use(gate, NOON, 2_000)
    assert gate.may_send(NOON, 48_000, FACTS) == 0
    use(gate, NOON, 48_000)
    state = gate.state(NOON)
    assert isinstance(state, Spent)
    assert HOUR_S <= state.until - NOON <= HOUR_S + 60


@given(
    st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 5), st.booleans()), max_size=200), st.randoms()
)
def test_a_crash_at_any_moment_gives_nothing_twice_beyond_one_frame(
    steps: list[tuple[int, int, bool]], die: Random
) -> None:
    terms, now, kept, largest = Terms(hour_bytes=60_000), NOON, b"", 0
    gate, gone, packed = Gate(terms), 0, b""
    for size, later, crash in steps:
        now += later
        if crash:
            gate = Gate(terms, kept)
        elif gate.hungry and die.random() < 0.7:
            # The disk takes its time: something may go before it has answered.
            packed = gate.pack(now)
            if die.random() < 0.5 and gate.may_send(now, size) <= 0:
                gate.spend(now, size)
                gone, largest = gone + size, max(largest, size)
            gate.durable()
            kept = packed
        if gate.may_send(now, size, FIRST) <= 0:
            gate.spend(now, size)
            gone, largest = gone + size, max(largest, size)
    assert gone <= 60_000 + largest


def test_nothing_goes_before_it_is_written_down_that_it_may() -> None:
    terms, kept, gone = Terms(hour_bytes=60_000), b"", 0
    for _ in range(200):
        # Power fails after a few frames each time.
        gate = Gate(terms, kept)
        for _ in range(5):
            if gate.may_send(NOON, 100, FIRST) > 0:
                kept = gate.pack(NOON)
                gate.durable()
            else:
                gate.spend(NOON, 100)
                gone += 100
    assert 0 < gone <= 60_100


@given(st.lists(st.integers(1, 40_000), max_size=20))
def test_what_waits_for_the_disk_goes_as_soon_as_it_has_answered(sizes: list[int]) -> None:
    gate = Gate(Terms(hour_bytes=1_000_000))
    for size in sizes:
        if gate.may_send(NOON, size, FACTS) > 0:
            assert gate.hungry
            gate.pack(NOON)
            gate.durable()
        assert gate.may_send(NOON, size, FACTS) == 0
        gate.spend(NOON, size)


def test_a_clock_that_is_put_right_by_years_gives_no_budget_anew_and_moves_the_windows() -> None:
    gate = Gate(Terms(windows=parse(["12:00-13:00"]), hour_bytes=100_000))
    boot = 43_200.0
    use(gate, boot, 80_000)
    gate.shift = NOON - boot + 2 * HOUR_S
    assert isinstance(gate.state(boot + 60), Shut), "it is 14:01"
    gate.shift = NOON - boot
    assert gate.state(boot + 60) == Open(boot + HOUR_S)
    assert gate.may_send(boot + 60, 20_000, FACTS) > 3000
    again = written_down(Gate(gate.terms, gate.pack(boot + 60, last=True)))
    assert again.may_send(NOON + 120, 20_000, FACTS) > 3000, (
        "nor does a new start with the clock that is right"
    )
    assert again.may_send(NOON + 60 + HOUR_S - 300, 1, FACTS) == 0


def test_who_stops_in_good_order_has_used_what_was_used_and_no_more() -> None:
    gate = Gate(Terms(day_bytes=100_000))
    use(gate, NOON, 40_000)
    assert [used for _, used, _ in Gate(gate.terms, gate.pack(NOON, last=True)).used(NOON)] == [40_000]
    assert [used for _, used, _ in Gate(gate.terms, gate.pack(NOON)).used(NOON)] == [42_001]


@given(st.lists(st.integers(1, 20_000), min_size=1, max_size=30), st.integers(5, 50))
def test_frames_that_leave_together_are_over_a_budget_by_less_than_the_last(
    sizes: list[int], kilobytes: int
) -> None:
    lanes, gate = Lanes(10**9, 0), written_down(Gate(Terms(hour_bytes=kilobytes * 1000)))
    for size in sizes:
        assert lanes.put(bytes(size), FACTS)
    frames: list[int] = []
    while taken := lanes.take(
        64 * 1024, lambda priority, size, before: gate.may_send(NOON, size, priority, before) <= 0
    ):
        frames += [len(frame) + 2 for frame in taken]
        use(gate, NOON, sum(frames[-len(taken) :]))
    assert sum(frames[:-1]) <= kilobytes * 900
    assert sum(frames) <= kilobytes * 900 or frames[-1] > kilobytes * 450
