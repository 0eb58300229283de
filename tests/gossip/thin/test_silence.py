"""While the other side is not heard it is looked for: often at first, seldom later, and at once when anything comes."""

from itertools import pairwise
from random import Random

import pytest

from fedsync.gossip.priority import FIRST
from fedsync.gossip.thin.carrier import LOOK_BYTES, Carrier
from fedsync.gossip.thin.packets import Symbol, Whole, read
from fedsync.gossip.thin.profile import FLAKY, RADIO, Profile
from fedsync.gossip.thin.silence import (
    BEFORE_S,
    CALM_S,
    LATER_S,
    LATER_SHARE,
    MINUTE_S,
    MOST_S,
    SHARE,
    Silence,
)

DAY_S = 86_400.0
SLOW = Profile(frame=200, bits=50, round_trip=20.0)


def looks(silence: Silence, airtime: float, until: float, calm: bool = False) -> list[float]:
    """Return when it is looked for, when nothing ever comes."""
    found: list[float] = []
    for _ in range(4):
        silence.sent(0.0, airtime, wants=True, probe=False)
    while (now := silence.look_at(calm=calm)) < until:
        found.append(now)
        silence.sent(now, airtime, wants=False, probe=True)
    return found


@pytest.mark.parametrize("profile", [FLAKY, RADIO, SLOW])
def test_looking_costs_its_share_of_what_the_link_carries_and_less_after_a_while(profile: Profile) -> None:
    airtime = profile.airtime(LOOK_BYTES)
    found = looks(Silence(profile, Random(1), 0.0), airtime, 10 * DAY_S)
    pairs = list(pairwise(found))
    # The first waits grow; each has some chance in it, a quarter either way.
    for now, then in pairs[20:]:
        share = SHARE if now < LATER_S else max(SHARE * LATER_S / now, LATER_SHARE)
        assert then - now >= 0.74 * min(airtime / (share * profile.duty), MOST_S)
    assert max(then - now for now, then in pairs) <= 1.25 * MOST_S


def test_whatever_comes_ends_the_waiting_at_once() -> None:
    silence = Silence(RADIO, Random(1), 0.0)
    last = looks(silence, RADIO.airtime(LOOK_BYTES), DAY_S)[-1]
    assert silence.look_at(calm=False) > last + 100
    silence.heard(last + 1)
    assert silence.look_at(calm=False) == last + 1


def test_a_sign_of_life_alone_is_in_no_hurry() -> None:
    found = looks(Silence(FLAKY, Random(1), 0.0), FLAKY.airtime(LOOK_BYTES), DAY_S, calm=True)
    assert all(then - now >= 0.74 * CALM_S for now, then in pairwise(found))
    assert sum(at < 3600.0 for at in found) <= 12
    assert 3 * 24 <= len(found) <= 6 * 24


def test_a_look_in_no_hurry_goes_at_the_second_of_a_minute_at_which_the_other_side_was_heard() -> None:
    silence = Silence(FLAKY, Random(1), 0.0)
    silence.heard(123.0)
    for _ in range(4):
        silence.sent(130.0, 0.001, wants=True, probe=False)
    seconds, last = [], 130.0
    for _ in range(50):
        now = silence.look_at(calm=True)
        assert now - last >= 0.74 * CALM_S
        seconds.append(now % MINUTE_S)
        silence.sent(now, 0.001, wants=False, probe=True)
        last = now
    assert 3.0 - BEFORE_S <= min(seconds) < max(seconds) <= 3.0
    # Two that share a channel would speak at once again and again.
    radio = Silence(RADIO, Random(1), 0.0)
    radio.heard(123.0)
    found = looks(radio, 0.1, DAY_S, calm=True)
    assert max(at % MINUTE_S for at in found) > 30.0


def test_what_looks_for_the_other_side_is_small_and_carries_nothing_that_can_wait() -> None:
    carrier, now = Carrier(FLAKY, Random(1), 0.0), 0.0
    carrier.send(b"a recall", FIRST)
    carrier.poll(now)
    carrier.send(bytes(900), FIRST)
    for _ in range(400):
        carrier.send(bytes(50), 4)
    packets: list[bytes] = []
    while now < 60:
        some, at = carrier.poll(now)
        packets += some if now > 10 else []
        now = max(at, now + 0.001)
    assert packets
    assert max(map(len, packets)) <= LOOK_BYTES
    carried = {
        piece.lane for each in packets for piece in read(each).pieces if isinstance(piece, Whole | Symbol)
    }
    assert carried == {FIRST}
