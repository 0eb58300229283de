"""Carriers that begin anew: both sides come to talk with the lives that there are, and nothing old is taken for new."""

from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fedsync.gossip.priority import FIRST
from fedsync.gossip.thin.carrier import Carrier
from fedsync.gossip.thin.packets import Opening, Packet, Whole, write
from fedsync.gossip.thin.pairing import NOBODY, Heard, Pairing
from fedsync.gossip.thin.profile import Profile
from tests.gossip.thin.air import Air, Way

QUICK = [Phase.explicit, Phase.reuse, Phase.generate]
"""A failure is not made small: a carrier that does not come to rest takes long to simulate."""
LINK = Profile(frame=300, bits=100_000, round_trip=0.1)


class Restarting(Air):
    """Two ends as a daemon runs them: each life of an end says which it is, and whose frames it gets is noted."""

    def __init__(self, way: Way, seed: int) -> None:
        super().__init__(LINK, way, seed)
        self.lives = [0, 0]
        self.greet(0)
        self.greet(1)

    def greet(self, number: int) -> None:
        self.send(number, b"life %d of %d" % (self.lives[number], number), FIRST)
        self.send(number, bytes(3000), 3)

    def restart(self, number: int) -> None:
        self.lives[number] += 1
        end = self.ends[number]
        end.carrier, end.got = Carrier(LINK, Random(f"{self.lives} {number}"), self.now), []
        self.greet(number)

    def hear(self, to: int, packet: bytes) -> None:
        super().hear(to, packet)
        if self.ends[to].carrier.over:
            self.restart(to)
            super().hear(to, packet)
            assert not self.ends[to].carrier.over, "a new carrier has nothing to be over for"


@settings(max_examples=40, deadline=None, phases=QUICK)
@given(
    restarts=st.lists(st.tuples(st.integers(0, 1), st.floats(0.001, 3)), max_size=6),
    loss=st.sampled_from([0, 0.3]),
    stray=st.sampled_from([0, 0.3]),
    seed=st.integers(0, 10**6),
)
def test_whoever_begins_anew_and_however_often_both_come_to_talk_with_who_is_there(
    restarts: list[tuple[int, float]], loss: float, stray: float, seed: int
) -> None:
    air = Restarting(Way(loss, 0.05, stray, stray), seed)
    for number, wait in restarts:
        air.run(air.now + wait)
        air.restart(number)
    air.run(air.now + 60)
    assert sum(air.lives) <= 4 * len(restarts) + 2, "each restart has an end"
    for number in (0, 1):
        expected = b"life %d of %d" % (air.lives[1 - number], 1 - number)
        assert air.ends[number].got == [expected, bytes(3000)]
        assert air.ends[number].carrier.idle


def test_packets_of_a_life_before_are_repeated_in_vain() -> None:
    air = Restarting(Way(), 3)
    heard: list[bytes] = []
    plain = air.ends[1].carrier.hear
    air.ends[1].carrier.hear = lambda data, now: heard.append(data) or plain(data, now)  # type: ignore[method-assign, func-returns-value]
    air.run(20)
    air.restart(0)
    air.run(40)
    assert len(heard) > 5
    before = [list(end.got) for end in air.ends]
    lives = list(air.lives)
    for packet in heard * 2:
        air.hear(1, packet)
        air.run(air.now + 0.01)
    air.run(air.now + 60)
    assert [end.got for end in air.ends] == before
    assert air.lives == lives, "and nobody begins anew for it"


def test_a_stranger_to_a_pair_has_to_prove_that_it_is_there_now() -> None:
    ours, theirs, new = (Pairing(bytes([at]) * 4) for at in (1, 2, 3))
    assert theirs.hear(ours.head()) is Heard.TAKE
    assert ours.hear(theirs.head()) is Heard.TAKE
    assert theirs.hear(ours.head()) is Heard.TAKE
    assert ours.sure
    assert theirs.sure
    assert ours.hear(new.head()) is Heard.ANSWER
    question = ours.answer()
    assert not ours.occupied, "it asks once"
    assert new.hear(question) is Heard.ANSWER
    ours.taken = True
    assert ours.hear(new.answer()) is Heard.OVER


def test_what_comes_back_from_a_mirror_is_not_taken() -> None:
    carrier = Carrier(LINK, Random(1), 0.0)
    carrier.send(b"hello", FIRST)
    packets, _ = carrier.poll(0.0)
    assert [carrier.hear(each, 0.1) for each in packets] == [[]] * len(packets)
    assert carrier.heard_at is None


def test_a_question_for_proof_carries_nothing() -> None:
    carrier = Carrier(LINK, Random(1), 0.0)
    busy = Packet(Opening(b"abcd", NOBODY, busy=True), 0, (Whole(0, 0, False, b"x"),))
    assert carrier.hear(write(busy), 0.0) == []
    assert carrier.heard_at is None
