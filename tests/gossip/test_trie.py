"""The set's trie against a naive one that is obviously right."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip.holdings import FORK, TIP, Bucket, Item, SetKey
from fedsync.gossip.memory import Memory
from fedsync.gossip.trie import Tree, bounds, node_hash
from fedsync.records.ids import ZERO_ID, LogClass, LogId, Reach, RecordId, Scope

KEY: SetKey = (Scope(b"s" * 16), Reach.WORLD, LogClass.FACTS)


def naive(items: list[Item], prefix: str = "") -> bytes:
    """The definition, word by word."""
    here = [each for each in items if each[1].hex().startswith(prefix)]
    if not here:
        return bytes(32)
    if len(here) <= 4 or len({each[1] for each in here}) == 1:
        packed = sorted(bytes([k]) + log + seq.to_bytes(8, "big") + id_ for k, log, seq, id_ in here)
        return sha256(b"\0" + b"".join(packed)).digest()
    return sha256(b"\1" + b"".join(naive(here, prefix + digit) for digit in "0123456789abcdef")).digest()


class Listed(Memory):
    """Holdings of which only the items matter."""

    def __init__(self, items: list[Item]) -> None:
        super().__init__(bytes(8))
        self.listed = items

    def buckets(self, key: SetKey) -> dict[int, Bucket]:
        found: dict[int, list[Item]] = {}
        for item in self.listed:
            found.setdefault(int.from_bytes(item[1][:2], "big") >> 4, []).append(item)
        return {index: (node_hash(items, 3), len(items)) for index, items in found.items()}

    def items(self, key: SetKey, low: bytes, high: bytes | None) -> list[Item]:
        return [each for each in self.listed if low <= each[1] and (high is None or each[1] < high)]


# Few first bytes and long common beginnings, so that deep and lopsided tries are common.
logs = st.builds(
    lambda head, zeros, tail: LogId((head + bytes(zeros) + tail).ljust(32, b"\7")[:32]),
    st.sampled_from([b"", b"\0", b"\x10", b"\x11\x11", b"\xab\xcd", b"\xff"]),
    st.integers(0, 20),
    st.binary(max_size=3),
)
tips = st.builds(
    lambda log, seq, id_: (TIP, log, seq, RecordId(id_)),
    logs,
    st.integers(0, 2**40),
    st.binary(min_size=32, max_size=32),
)
forks = st.builds(lambda log, seq: (FORK, log, seq, ZERO_ID), logs, st.integers(0, 2**40))
sets = st.lists(st.one_of(tips, tips, forks), max_size=60, unique=True)


@given(sets)
def test_the_root_is_that_of_the_definition(items: list[Item]) -> None:
    assert Tree(Listed(items), KEY).hash() == naive(items)


@given(sets, st.randoms())
def test_the_order_in_which_items_came_does_not_matter(items: list[Item], dice: object) -> None:
    other = list(reversed(items))
    assert Tree(Listed(other), KEY).hash() == Tree(Listed(items), KEY).hash()


@given(sets, st.text("0123456789abcdef", max_size=6))
def test_every_node_is_that_of_the_definition(items: list[Item], prefix: str) -> None:
    tree = Tree(Listed(items), KEY)
    # A node below a leaf is hashed as if it stood alone: what a peer is told when its set is larger there.
    assert tree.hash(prefix) == naive(items, prefix)
    assert tree.children(prefix) == [naive(items, prefix + digit) for digit in "0123456789abcdef"]


@given(sets)
def test_leaving_logs_out_is_the_same_as_not_holding_them(items: list[Item]) -> None:
    out = {each[1] for each in items[::3]}
    rest = [each for each in items if each[1] not in out]
    assert Tree(Listed(items), KEY, out).hash() == naive(rest)


@given(sets, tips)
def test_two_sets_that_differ_have_different_roots(items: list[Item], one: Item) -> None:
    rest = [each for each in items if each != one]
    assert naive(rest) != Tree(Listed([*rest, one]), KEY).hash()


@pytest.mark.parametrize("prefix", ["", "0", "f", "ff", "fff", "abc", "00f"])
def test_bounds_enclose_exactly_a_prefix(prefix: str) -> None:
    low, high = bounds(prefix)
    assert low.hex().startswith(prefix)
    assert high is None or not high.hex().startswith(prefix)
    last = bytes.fromhex(prefix.ljust(64, "f"))
    assert low <= last
    assert high is None or last < high


def test_a_vector_that_another_implementation_can_use() -> None:
    items: list[Item] = [
        (TIP, LogId(sha256(b"log%d" % n).digest()), n, RecordId(sha256(b"tip%d" % n).digest()))
        for n in range(40)
    ]
    assert Tree(Listed(items), KEY).hash().hex() == naive(items).hex() == VECTOR


VECTOR = "5747ec315c905ae09d4259621283911d2583fc98f86aaca43bc918442f46aac0"
