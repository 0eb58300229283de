"""The fold of local units: those of all logs that count, in whatever order they come."""

from fractions import Fraction
from random import Random

from fedsync.crdt.goods.factors import factors
from fedsync.crdt.logs.seats import Cut, Pending
from fedsync.crdt.realms import Realm, local_realm
from fedsync.records.block import Block, merge
from fedsync.records.codec import Value
from fedsync.records.ids import Reach
from fedsync.records.seal import Draft
from tests.crdt.granary import (
    ALDER,
    BIRCH,
    NOON,
    WHEAT,
    Node,
    chain,
    genesis,
    id_of,
    interleaved,
    moved,
    regrouped,
)
from tests.seeds import seeds


def factor(name: str = "bowl", grams: int = 8_750, **more: Value) -> Draft:
    """Return a record that makes a local unit."""
    value: dict[str, Value] = {"name": name, "numerator": grams, "denominator": 1, "unit": "g", **more}
    return Draft("unit_factor", value, NOON)


def known(node: Node, realm: bytes = ALDER) -> dict[tuple[str, str | None], Fraction]:
    """Return the local units that a node knows of a body."""
    return {(each.name, each.place): each.ratio for each in factors(node.view, Realm(realm)).values()}


def test_the_same_words_in_two_logs_are_one_unit() -> None:
    node = Node()
    for log in ("one", "two"):
        node.take(*chain(genesis(log), [factor(place="Bamako"), factor(place="Bamako")]))
    assert list(factors(node.view, ALDER)) == [id_of(factor(place="Bamako").value)]  # type: ignore[arg-type]
    node.do(node.hearing(genesis("one").log, Pending()))
    assert known(node) == {("bowl", "Bamako"): Fraction(8_750)}
    node.do(node.hearing(genesis("two").log, Pending()))
    assert known(node) == {}


def test_what_was_cut_off_a_log_is_no_unit() -> None:
    node = Node()
    blocks = chain(genesis("one"), [factor(), moved("raise", 1, NOON), factor("sack", 100_000)])
    node.take(*blocks)
    assert len(known(node)) == 2
    node.do(node.hearing(blocks[0].log, Cut(((2, blocks[2].tip),))))
    assert known(node) == {("bowl", None): Fraction(8_750)}


def test_of_a_block_that_is_cut_in_the_middle_only_the_units_before_count() -> None:
    blocks = chain(genesis("one"), [factor(), factor("sack", 100_000)])
    node = Node({blocks[0].log: Cut(((1, blocks[1].tip),))})
    node.take(merge(blocks))
    assert known(node) == {("bowl", None): Fraction(8_750)}


def test_units_are_those_of_the_body_and_of_the_realm_that_the_log_speaks_in() -> None:
    node = Node()
    node.take(*chain(genesis("one", BIRCH), [factor()]))
    before = node.root()
    node.take(*chain(genesis("home", reach=Reach.LOCAL), [factor("cup", 250)]))
    assert (known(node), known(node, BIRCH)) == ({}, {("bowl", None): Fraction(8_750)})
    assert known(node, local_realm(ALDER)) == {("cup", None): Fraction(250)}
    assert node.root() == before


def test_a_void_unit_is_none_and_harms_no_other() -> None:
    node = Node()
    node.take(*chain(genesis("one"), [factor(grams=0), factor(unit=""), factor(), factor(x=1)]))
    assert known(node) == {("bowl", None): Fraction(8_750)}


def test_the_same_records_give_the_same_units_in_any_order_and_grouping() -> None:
    for seed in seeds(10):
        random = Random(seed)
        logs: list[list[Block]] = []
        for log in ("one", "two", "three"):
            drafts = [
                random.choice(
                    [
                        factor(grams=random.randint(0, 3)),
                        factor(place=random.choice("AB"), resource_conforms_to=WHEAT),
                        moved("raise", 1, NOON),
                    ]
                )
                for _ in range(8)
            ]
            logs.append(chain(genesis(log), drafts))
        plain = Node()
        for blocks in logs:
            plain.take(*blocks)
        other = Node()
        for block in interleaved([regrouped(blocks, random) for blocks in logs], random):
            other.take(block)
        assert other.root() == plain.root()
        assert factors(other.view, ALDER) == factors(plain.view, ALDER)
