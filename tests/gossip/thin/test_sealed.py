"""Packets sealed to a node's key: what they cost, who can read and make them, and two that begin again and again."""

from collections import deque
from random import Random

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fedsync.gossip.thin.sealed import (
    BRIEF_HEAD_BYTES,
    FIRST_EVERY,
    MOST_PACKETS,
    OVERHEAD,
    TAG_BYTES,
    UNHEARD_MOST,
    WINDOW,
    Anew,
    Kept,
    Refused,
    Seal,
    Text,
    agree,
)
from fedsync.records.ed25519 import PrivateKey, private_key, public_key

OAK, MILL, HILL = (private_key(bytes([n]) * 32) for n in (1, 2, 3))


def seal(own: PrivateKey, peer: PrivateKey, at: int = 1000, clear: bool = False, brief: bool = True) -> Seal:
    key = public_key(peer)
    made = Seal(agree(own, key), public_key(own), key, clear=clear, brief=brief)
    made.begin(at, bytes([at % 251]) * 4)
    return made


def both(clear: bool = False, brief: bool = True) -> tuple[Seal, Seal]:
    return seal(OAK, MILL, clear=clear, brief=brief), seal(MILL, OAK, clear=clear, brief=brief)


@pytest.mark.parametrize("clear", [False, True])
def test_the_first_packet_is_read_though_nothing_was_ever_heard(clear: bool) -> None:
    oak, mill = both(clear)
    packet = oak.seal(b"hello")
    assert mill.open(packet) == Text(b"hello")
    assert len(packet) == OVERHEAD + 5
    assert OVERHEAD == 20


@pytest.mark.parametrize("clear", [False, True])
def test_once_both_know_each_other_a_packet_costs_twelve_bytes(clear: bool) -> None:
    oak, mill = both(clear)
    mill.open(oak.seal(b"hello"))
    assert oak.open(mill.seal(b"hello")) == Text(b"hello")
    packet = oak.seal(b"oats")
    assert mill.open(packet) == Text(b"oats")
    assert len(packet) == BRIEF_HEAD_BYTES + TAG_BYTES + 4 == 12 + 4


def test_where_several_peers_call_a_packet_always_says_whose_session_it_is_of() -> None:
    oak, mill = both(brief=False)
    mill.open(oak.seal(b"hello"))
    oak.open(mill.seal(b"hello"))
    packet = oak.seal(b"oats")
    assert len(packet) == OVERHEAD + 4
    assert mill.knows(packet)
    assert not mill.knows(seal(HILL, MILL, 2000).seal(b"oats"))


def test_text_is_read_by_all_where_it_must_be_and_by_nobody_elsewhere() -> None:
    for clear in (False, True):
        oak, mill = both(clear)
        for _ in range(3):
            one, other = oak.seal(b"forty sacks of oats"), mill.seal(b"forty sacks of oats")
            assert (b"forty sacks" in one) is (b"forty sacks" in other) is clear
            mill.open(one)
            oak.open(other)


@pytest.mark.parametrize("clear", [False, True])
def test_whatever_bit_is_turned_nothing_is_taken(clear: bool) -> None:
    oak, mill = both(clear)
    packets = [oak.seal(b"oats")]
    mill.open(oak.seal(b"hello"))
    packets.append(oak.seal(b"oats"))
    oak.open(mill.seal(b"hello"))
    packets.append(oak.seal(b"oats"))
    for packet in packets:
        for bit in range(len(packet) * 8):
            turned = bytearray(packet)
            turned[bit // 8] ^= 1 << bit % 8
            assert isinstance(mill.open(bytes(turned)), Refused)
        assert mill.open(packet) == Text(b"oats")


def test_what_is_cut_short_or_is_no_packet_is_refused() -> None:
    oak, mill = both()
    mill.open(oak.seal(b"hello"))
    oak.open(mill.seal(b"hello"))
    packet = oak.seal(b"oats")
    for size in range(len(packet)):
        assert mill.open(packet[:size]) == Refused("foreign")
    dice = Random(7)
    for _ in range(2000):
        assert mill.open(dice.randbytes(dice.randrange(40))) == Refused("foreign")


def test_a_packet_is_for_the_peer_alone_and_only_the_peer_can_make_it() -> None:
    oak, mill = both()
    packet = oak.seal(b"oats")
    assert seal(HILL, OAK).open(packet) == Refused("foreign")
    assert mill.open(seal(HILL, MILL).seal(b"oats")) == Refused("foreign")
    # What a node sends it does not take for the peer's, when a radio hears itself.
    assert oak.open(packet) == Refused("foreign")


def test_a_packet_that_comes_twice_is_taken_once_in_whatever_order_they_come() -> None:
    oak, mill = both()
    packets = [oak.seal(bytes([n])) for n in range(100)] * 3
    Random(3).shuffle(packets)
    taken = [told.text for told in map(mill.open, packets) if isinstance(told, Text)]
    assert sorted(taken) == [bytes([n]) for n in range(100)]


def test_what_comes_far_behind_the_others_is_taken_for_repeated() -> None:
    oak, mill = both()
    packets = [oak.seal(b"oats") for _ in range(WINDOW + 1)]
    assert mill.open(packets[WINDOW]) == Text(b"oats")
    assert mill.open(packets[0]) == Refused("repeated")
    assert mill.open(packets[1]) == Text(b"oats")


def test_a_session_of_yesterday_is_not_heard_again() -> None:
    oak, mill = both()
    yesterday = oak.seal(b"take ten sacks")
    assert mill.open(yesterday) == Text(b"take ten sacks")
    oak.begin(2000, b"abcd")
    assert mill.open(oak.seal(b"hello")) == Anew()
    mill.begin(2000, b"efgh")
    assert mill.open(yesterday) == Refused("outdated")
    again = Seal(agree(MILL, public_key(OAK)), public_key(MILL), public_key(OAK), kept=mill.kept)
    again.begin(2000, b"ijkl")
    assert again.open(yesterday) == Refused("outdated")


def test_what_is_kept_is_read_again_and_anything_else_keeps_nothing() -> None:
    assert Kept.unpack(Kept(7, 2**32 - 1).pack()) == Kept(7, 2**32 - 1)
    assert Kept.unpack(b"") == Kept.unpack(b"123456789") == Kept()


def test_a_peer_whose_clock_and_disk_fell_back_is_believed_after_one_word_more() -> None:
    oak, mill = seal(OAK, MILL, 5000), seal(MILL, OAK, 5000)
    mill.open(oak.seal(b"hello"))
    oak.open(mill.seal(b"hello"))
    fallen = seal(OAK, MILL, 17)
    assert mill.open(fallen.seal(b"hello")) == Refused("outdated")
    assert fallen.open(mill.seal(b"")) == Text(b"")
    assert mill.open(fallen.seal(b"hello")) == Anew()
    mill.begin(5001, b"abcd")
    assert fallen.open(mill.seal(b"hello")) == Text(b"hello")
    assert mill.open(fallen.seal(b"hello")) == Text(b"hello")


def test_one_that_forgot_all_and_cannot_call_is_found_by_the_peer_that_went_on() -> None:
    for brief in (False, True):
        oak, mill = seal(OAK, MILL, brief=brief), seal(MILL, OAK, brief=brief)
        for _ in range(2):
            assert mill.open(oak.seal(b"oats")) == Text(b"oats")
            assert oak.open(mill.seal(b"salt")) == Text(b"salt")
        again = Seal(
            agree(MILL, public_key(OAK)), public_key(MILL), public_key(OAK), brief=brief, kept=mill.kept
        )
        again.begin(2000, b"abcd")
        heard = [again.open(oak.seal(b"oats")) for _ in range(UNHEARD_MOST + FIRST_EVERY)]
        assert Refused("outdated") in heard
        assert oak.open(again.seal(b"")) == Anew()
        oak.begin(2000, b"efgh")
        assert again.open(oak.seal(b"oats")) == Text(b"oats")


def test_a_peer_that_is_heard_is_sent_no_more_than_it_needs() -> None:
    oak, mill = both()
    for _ in range(2):
        mill.open(oak.seal(b"oats"))
        oak.open(mill.seal(b"salt"))
    for _ in range(10):
        sent = [oak.seal(b"oats") for _ in range(UNHEARD_MOST)]
        assert {len(each) for each in sent} == {4 + BRIEF_HEAD_BYTES + TAG_BYTES}
        assert oak.open(mill.seal(b"salt")) == Text(b"salt")


def test_one_that_says_all_may_read_and_one_that_says_nobody_are_told_so() -> None:
    for clear in (False, True):
        oak, mill = seal(OAK, MILL, clear=clear), seal(MILL, OAK, clear=not clear)
        assert mill.open(oak.seal(b"oats")) == Refused("readable" if clear else "unreadable")


def test_a_session_ends_when_its_counts_are_used_up() -> None:
    oak, _ = both()
    oak._count = MOST_PACKETS - 1
    oak.seal(b"the last")
    assert oak.spent
    with pytest.raises(ValueError):
        oak.seal(b"one too many")
    oak.begin(1000, b"abcd")
    assert not oak.spent


def test_the_bytes_are_those_that_the_description_says() -> None:
    oak, _ = both()
    packet = oak.seal(b"oats")
    session = (1000).to_bytes(4, "big") + bytes([1000 % 251]) * 4
    info = b"fedsync packet 1\x00" + public_key(OAK) + public_key(MILL) + session
    key = HKDF(SHA256(), 16, None, info).derive(agree(MILL, public_key(OAK)))
    body = AESCCM(key, 8).encrypt(bytes(7), b"oats", b"\x01")
    assert packet == b"\x01" + session + bytes(3) + body
    # Frozen, so that a change of any part is seen.
    assert packet.hex() == "01000003e8f7f7f7f700000078504123aa2b806136547753"


class Side:
    """One node with a carrier that only says how often it was begun: (session, number)."""

    def __init__(self, own: PrivateKey, peer: PrivateKey, dice: Random) -> None:
        self.own, self.peer, self.dice = own, peer, dice
        self.kept = Kept()
        self.lives = 0
        self.restart(1000)

    def restart(self, at: int) -> None:
        key = public_key(self.peer)
        self.seal = Seal(agree(self.own, key), public_key(self.own), key, brief=True, kept=self.kept)
        self.renew(at)

    def renew(self, at: int) -> None:
        self.seal.begin(at, self.dice.randbytes(4))
        self.lives += 1
        self.sources: set[bytes] = set()
        """The carriers of the peer of which something was taken in, in this life."""

    def say(self) -> bytes:
        return self.seal.seal(self.lives.to_bytes(4, "big"))

    def hear(self, packet: bytes, at: int) -> bytes | None:
        match self.seal.open(packet):
            case Text(text):
                if text:
                    self.sources.add(text)
            case Anew():
                self.renew(at)
            case Refused("outdated"):
                return self.seal.seal(b"")
            case Refused():
                pass
        self.kept = self.seal.kept
        return None


@pytest.mark.parametrize("seed", range(40))
def test_whoever_begins_anew_and_whatever_is_lost_repeated_or_late_two_never_mix_lives_and_meet_again(
    seed: int,
) -> None:
    dice = Random(seed)
    sides = Side(OAK, MILL, dice), Side(MILL, OAK, dice)
    under_way: tuple[deque[bytes], deque[bytes]] = (deque(), deque())
    for at in range(400):
        for me in (0, 1):
            if dice.random() < 0.02:
                sides[me].renew(1000 + at)
            if dice.random() < 0.01:
                # A crash; sometimes with the memory of a former time, and a clock that begins with the machine.
                sides[me].kept = Kept() if dice.random() < 0.3 else sides[me].kept
                sides[me].restart(dice.choice([30, 1000 + at]))
            for _ in range(dice.randrange(3)):
                under_way[me].append(sides[me].say())
            for _ in range(min(dice.randrange(4), len(under_way[me]))):
                packet = under_way[me][0]
                fate = dice.random()
                if fate < 0.3:
                    under_way[me].rotate(-1)  # late
                    continue
                under_way[me].popleft()
                if fate < 0.5:
                    continue  # lost
                if fate < 0.6:
                    under_way[me].append(packet)  # repeated
                answer = sides[1 - me].hear(packet, 1000 + at)
                if answer is not None:
                    under_way[1 - me].append(answer)
        assert all(len(side.sources) <= 1 for side in sides)
    # From here on all arrives, old and new: in a few exchanges both hear the carrier that the other has now.
    for at in range(400, 412):
        for me in (0, 1):
            under_way[me].append(sides[me].say())
            while under_way[me]:
                answer = sides[1 - me].hear(under_way[me].popleft(), 1000 + at)
                if answer is not None:
                    under_way[1 - me].append(answer)
    for me in (0, 1):
        assert sides[me].sources == {sides[1 - me].lives.to_bytes(4, "big")}
        assert len(sides[me].say()) == BRIEF_HEAD_BYTES + TAG_BYTES + 4
