"""Strangers get a share, and one address never gets the share of the others."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip import gate
from fedsync.gossip.gate import Gate, TokenBucket, place_of


def test_a_bucket_gives_its_burst_at_once_and_its_rate_afterwards() -> None:
    bucket = TokenBucket(rate=2, burst=3)
    assert [bucket.take(1, now=100) for _ in range(4)] == [True, True, True, False]
    assert bucket.wait(1, now=100) == 0.5
    assert not bucket.take(1, now=100.4)
    assert bucket.take(1, now=100.5)
    assert not bucket.take(1, now=100.5)


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket = TokenBucket(rate=1, burst=5)
    assert bucket.take(5, now=0)
    assert bucket.full(now=1e9)
    assert not bucket.take(6, now=1e9)
    assert bucket.wait(6, now=1e9) == inf


def test_what_came_already_is_owed_and_stops_what_follows() -> None:
    bucket = TokenBucket(rate=10, burst=10)
    bucket.spend(30, now=0)
    assert bucket.wait(0, now=0) == 2.0
    assert bucket.wait(0, now=2) == 0.0


def test_a_clock_that_stands_or_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(rate=1, burst=1)
    assert bucket.take(1, now=10)
    assert not bucket.take(1, now=10)
    assert not bucket.take(1, now=5)
    assert bucket.take(1, now=11)


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0.1, 4)), max_size=60))
def test_no_pattern_of_asking_gets_more_than_burst_and_rate(steps: list[tuple[float, float]]) -> None:
    bucket, now, taken = TokenBucket(rate=2, burst=4), 0.0, 0.0
    for pause, amount in steps:
        now += pause
        taken += amount * bucket.take(amount, now)
        assert taken <= 4 + 2 * now + 1e-6


def test_one_address_gets_four_places_and_the_others_still_enter() -> None:
    door = Gate()
    assert [door.enter("192.0.2.1", 0) for _ in range(5)] == [None] * 4 + ["too-many-from-there"]
    assert door.enter("192.0.2.2", 0) is None
    door.leave("192.0.2.1")
    assert door.enter("192.0.2.1", 0) is None


def test_at_most_sixty_four_strangers_are_inside() -> None:
    door = Gate()
    verdicts = [door.enter(f"192.0.2.{n}", 0) for n in range(70)]
    assert verdicts == [None] * 64 + ["too-many-strangers"] * 6
    assert door.strangers == 64
    door.leave("192.0.2.0")
    assert door.enter("192.0.2.99", 0) is None


def test_connecting_again_and_again_is_slowed_down() -> None:
    door, entered = Gate(), 0
    for n in range(1000):
        if door.enter("192.0.2.1", n / 100) is None:
            entered += 1
            door.leave("192.0.2.1")
    assert entered == gate.CONNECTS_BURST_EACH + 9 * gate.CONNECTS_PER_SECOND_EACH + 1
    assert door.enter("192.0.2.1", 10.0) == "too-often-from-there"
    assert door.enter("192.0.2.2", 10.0) is None


def test_many_addresses_together_are_slowed_down() -> None:
    door, refused = Gate(), set()
    for n in range(1000):
        host = f"10.0.{n // 256}.{n % 256}"
        verdict = door.enter(host, 0)
        if verdict is None:
            door.leave(host)
        else:
            refused.add(verdict)
    assert refused == {"too-often"}


def test_no_number_of_addresses_fills_the_memory() -> None:
    door = Gate()
    for n in range(10_000):
        host = f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"
        if door.enter(host, n) is None:
            door.leave(host)
    assert len(door._each) == gate.ADDRESSES_KEPT
    assert not door._there


def test_an_ipv6_network_is_one_place_and_a_mapped_address_is_its_ipv4() -> None:
    assert place_of("2001:db8::1") == place_of("2001:db8::ffff:2") != place_of("2001:db8:0:1::1")
    assert place_of("::ffff:192.0.2.1") == place_of("192.0.2.1")
    assert place_of("fe80::1%eth0") == place_of("fe80::2")
    assert place_of("not an address") == "not an address"
