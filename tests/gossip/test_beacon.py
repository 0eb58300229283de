"""A beacon says something to those alone who know who speaks, and what anybody makes up costs next to nothing."""

from hashlib import sha256
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip.beacon import (
    ADDRESSES_KEPT,
    BEACON_BYTES,
    HEARD_BURST,
    HEARD_PER_SECOND,
    MOVE_S,
    NODES_KEPT,
    PLACE_S,
    PLACES_EACH,
    Ear,
    beacon,
)
from fedsync.records.ids import Key

KEYS = [Key(sha256(bytes([number])).digest()) for number in range(4)]
MILL, HILL, *_ = KEYS
NONCES = [bytes([number]) * 16 for number in range(100)]


def test_who_knows_the_key_learns_where_its_node_is() -> None:
    ear = Ear()
    assert ear.hear(beacon(NONCES[0], MILL, 7443), "192.0.2.7", KEYS, 0) == MILL
    assert ear.hear(beacon(NONCES[1], HILL, 7444), "fe80::7%eth0", KEYS, 0) == HILL
    assert ear.places(MILL, 1) == ("192.0.2.7:7443",)
    assert ear.places(HILL, 1) == ("[fe80::7%eth0]:7444",)


def test_who_does_not_know_the_key_cannot_tell_the_beacons_of_one_node_from_those_of_two() -> None:
    said = [beacon(nonce, key, 7443) for key in KEYS for nonce in NONCES[:3]]
    ear = Ear()
    for at, each in enumerate(said):
        assert len(each) == BEACON_BYTES
        assert ear.hear(each, "192.0.2.7", [Key(bytes(32))], at * 10.0) is None
        for key in KEYS:
            assert not any(key[at : at + 4] in each for at in range(29))
    # But for what all have in common, and the nonce that is thrown anew, no two share anything.
    assert len({each[20:36] for each in said}) == len(said)
    assert all(ear.places(key, 0) == () for key in KEYS)


@given(st.binary(max_size=60), st.integers(1, 255))
def test_what_is_no_beacon_or_was_changed_on_the_way_is_passed_over(noise: bytes, flip: int) -> None:
    good = beacon(NONCES[0], MILL, 7443)
    changed = [good[:at] + bytes([good[at] ^ flip]) + good[at + 1 :] for at in range(BEACON_BYTES)]
    for each in (noise, good[:-1], good + b"x", *changed):
        assert Ear().hear(each, "192.0.2.7", KEYS, 0.0) is None


def test_a_beacon_without_a_port_leads_nowhere() -> None:
    assert Ear().hear(beacon(NONCES[0], MILL, 0), "192.0.2.7", KEYS, 0) is None


def test_a_node_that_is_heard_again_at_the_same_place_is_no_news() -> None:
    ear = Ear()
    heard = [ear.hear(beacon(NONCES[at], MILL, 7443), "192.0.2.7", KEYS, at * 60.0) for at in range(30)]
    assert heard == [MILL, *[None] * 29]
    assert ear.places(MILL, 29 * 60.0) == ("192.0.2.7:7443",)
    assert ear.places(MILL, 29 * 60.0 + PLACE_S + 1) == ()


def test_who_sends_anothers_beacons_again_makes_us_call_seldom_and_does_not_crowd_out_the_true_place() -> (
    None
):
    ear, captured, calls = Ear(), beacon(NONCES[0], MILL, 7443), 0
    now = 0.0
    for second in range(600):
        now = float(second)
        if second % 60 == 0:
            ear.hear(beacon(NONCES[second // 60], MILL, 7443), "192.0.2.7", KEYS, now)
        liar = f"198.51.100.{second % 200 + 1}"
        calls += ear.hear(captured, liar, KEYS, now) is not None
    assert calls <= 600 / MOVE_S + 1
    assert len(ear.places(MILL, now)) <= PLACES_EACH


def test_a_flood_from_one_place_does_not_deafen_us_and_one_from_many_is_bounded() -> None:
    ear, tried = Ear(), 0

    class Counting(list[Key]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            nonlocal tried
            tried += 1
            return super().__iter__()

    known, random, junk = Counting(KEYS), Random(1), beacon(NONCES[0], Key(bytes(32)), 7443)
    for at in range(10_000):
        ear.hear(junk, "198.51.100.7", known, at / 1000)
    # Not at a moment at which a place becomes free for anybody, such as each tenth of a second.
    assert ear.hear(beacon(NONCES[1], MILL, 7443), "192.0.2.7", known, 9.9995) == MILL
    tried = 0
    for at in range(100_000):
        host = f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(256)}"
        ear.hear(junk, host, known, 10.0 + at / 10_000)
    assert tried <= HEARD_BURST + 10 * HEARD_PER_SECOND + 1
    assert len(ear._each) <= ADDRESSES_KEPT


def test_no_more_nodes_are_remembered_than_a_local_network_has() -> None:
    ear, many = Ear(), [Key(number.to_bytes(32)) for number in range(1, 400)]
    for at, key in enumerate(many):
        assert ear.hear(beacon(NONCES[0], key, 7443), f"10.0.{at // 200}.{at % 200}", [key], at * 1.0) == key
    assert sum(bool(ear.places(key, 400.0)) for key in many) == NODES_KEPT
    assert len(ear._moved) == NODES_KEPT
