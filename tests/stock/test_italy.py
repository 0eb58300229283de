"""The Italian vaccine stores: 13,809 real movements of 21 regions, each region on its own node."""

from collections.abc import Iterable
from contextlib import ExitStack
from random import Random

import pytest

from fedsync.crdt.goods.levels import StockLevel, levels
from fedsync.data import Movement, movements
from fedsync.node import Node as WholeNode
from fedsync.node import Verdict
from fedsync.records.block import merge
from tests.authority.federation import shuffled
from tests.nodes import BY, bring
from tests.nodes import node as whole_node
from tests.seeds import seeds
from tests.stock import italy
from tests.stock.naive_ledger import Ends, Told, below_zero, ledger
from tests.stock.replay import Country, by_log, lived_apart, meet, parted, refs_of

REGIONS = sorted({each.region for each in movements()})


def shown(found: Iterable[StockLevel]) -> dict[tuple[str, str], Ends]:
    return {(each.store, each.item): Ends(each.on_hand, each.unexplained, each.last_count) for each in found}


def written_as_it_happened(days: int = 7) -> tuple[Country, list[Told]]:
    """Each region's Ann writes down the movements of so many days at once, in the order of the file."""
    country = italy.founded(REGIONS)
    weeks: dict[tuple[int, str], list[Movement]] = {}
    for each in movements():
        weeks.setdefault((each.day.toordinal() // days, each.region), []).append(each)
    opened: set[str] = set()
    for (_, region), some in weeks.items():
        drafts = [italy.movement(country, each) for each in some]
        if region not in opened:
            drafts = italy.names(country, region, drafts[0].time) + drafts
        opened.add(region)
        country.record(region, *drafts)
    return country, italy.read()


def written_in_any_order(random: Random, counts: int, slips: float = 0.0) -> tuple[Country, list[Told]]:
    """Three tellers of each region write down movements and counts, in any order, when all of it is over.

    `slips`: the share that is written down wrongly at first, and corrected by somebody later, at times only the second time.
    """
    country, told = italy.founded(REGIONS), italy.read()
    made_up = italy.made_up_counts(told, random, counts)
    over = max(each.at for each in told) + 30 * italy.DAY_MS
    drafts = [(each.region, italy.movement(country, each, over)) for each in movements()]
    drafts += [(each.place, italy.count(country, each, over)) for each in made_up]
    random.shuffle(drafts)
    for region in REGIONS:
        mine = [draft for of, draft in drafts if of == region]
        for name in italy.TELLERS:
            country.record(region, *italy.names(country, region, over), teller=name)
        while mine:
            some, mine = mine[: (size := random.randint(1, 60))], mine[size:]
            said = [italy.slip(each, random) if random.random() < slips else each for each in some]
            blocks = country.record(region, *said, teller=random.choice(italy.TELLERS))
            wrong = [
                (ref, right)
                for ref, each, right in zip(refs_of(blocks)[-len(some) :], said, some, strict=True)
                if each is not right
            ]
            while wrong:
                ref, right = wrong.pop()
                again = italy.slip(right, random) if random.random() < 0.3 else right
                correction = italy.correction(again, ref)
                blocks = country.record(region, correction, teller=random.choice(italy.TELLERS))
                if again is not right:
                    wrong.append((refs_of(blocks)[-1], right))
    return country, told + made_up


def test_what_lies_in_the_stores_is_what_the_file_adds_up_to() -> None:
    country, told = written_as_it_happened()
    node = country.node()
    node.take_all(country.blocks)
    assert shown(node.stock()) == ledger(told)
    assert sum(each.on_hand for each in node.stock()) == sum(each.delta for each in told) == 2_806_371


def test_every_step_in_the_stores_that_were_below_zero_most_is_shown_and_none_is_an_error() -> None:
    told = italy.read()
    below = {region: below_zero(each for each in told if each.place == region) for region in REGIONS}
    assert (min(below.values()), sum(below.values())) == (1, 310), "every region was, if only for a day"
    some = [region for region in REGIONS if below[region] > 20]
    country = italy.founded(some)
    node = country.node()
    node.take_all(country.blocks)
    lies, found = dict.fromkeys(some, 0), dict.fromkeys(some, 0)
    for each, line in zip(movements(), told, strict=True):
        if each.region in lies:
            node.take(country.record(each.region, italy.movement(country, each)))
            lies[each.region] += line.delta
            (level,) = node.stock(country.books[each.region].scope)
            assert level.on_hand == lies[each.region]
            found[each.region] += level.on_hand < 0
    assert found == {region: below[region] for region in some}


@pytest.mark.parametrize("seed", seeds(3))
def test_any_order_of_writing_and_of_arrival_comes_to_the_same_with_counts_among_it(seed: int) -> None:
    random = Random(seed)
    country, told = written_in_any_order(random, counts=200)
    roots = set()
    for _ in range(2):
        node = country.node()
        node.take_all(shuffled(country.blocks, random, again=0.1), random)
        assert shown(node.stock()) == ledger(told)
        roots.add(node.root())
    assert len(roots) == 1


def test_what_was_written_down_wrongly_and_corrected_lies_there_as_if_it_had_been_right_at_once() -> None:
    random = Random(8)
    country, told = written_in_any_order(random, counts=200, slips=0.1)
    roots = set()
    for _ in range(3):
        node = country.node()
        node.take_all(shuffled(country.blocks, random, again=0.1), random)
        assert shown(node.stock()) == ledger(told)
        roots.add(node.root())
    assert len(roots) == 1


@pytest.mark.parametrize("seed", seeds(2))
def test_regions_that_are_cut_off_from_each_other_for_months_agree_once_they_meet(seed: int) -> None:
    random = Random(seed)
    country, told = written_in_any_order(random, counts=200)
    nodes = lived_apart(country, random, steps=12)
    assert len({node.root() for node in nodes}) > 1
    meet(nodes, random)
    assert len({node.root() for node in nodes}) == 1
    for node in nodes:
        assert shown(node.stock()) == ledger(told)


def test_whole_nodes_with_stores_on_disk_show_the_same_once_their_links_are_back() -> None:
    random = Random(5)
    country, told = written_as_it_happened(days=60)
    by_scope = {book.scope: name for name, book in country.books.items()}
    # Whoever is in no book is let in with the page that founds one, in the same block.
    books = sorted(map(merge, by_log(country.federation.blocks)), key=lambda block: "page" not in block.kinds)
    with ExitStack() as open_:
        nodes = {name: open_.enter_context(whole_node()) for name in country.books}
        for one in nodes.values():
            one.begin()
            for scope, body in country.federation.bodies:
                one.follow(scope, body, by_scope[scope], "announced", BY)
            one.settle()
            one.commit()
            assert all(taken.verdict is Verdict.TAKEN for taken in bring(one, books))
        given: dict[tuple[int, int], int] = {}
        for half in (0, 1):
            for log in by_log(country.goods):
                part = log[len(log) * half // 2 : len(log) * (half + 1) // 2]
                writer = nodes[by_scope[log[0].genesis.scope]]
                assert all(taken.verdict is Verdict.TAKEN for taken in bring(writer, part))
            groups = parted(list(nodes), random, 3) if half == 0 else [list(nodes)]
            for group in groups:
                _meet_at_one([nodes[each] for each in group], given, random)
            states = {one.state_root() for one in nodes.values()}
            assert len(states) == len(groups)
        for one in nodes.values():
            assert shown(levels(one.state)) == ledger(told)
        some = random.choice(list(nodes.values()))
        some.rebuild()
        assert {some.state_root()} == states


def _meet_at_one(nodes: list[WholeNode], given: dict[tuple[int, int], int], random: Random) -> None:
    """Let all give one of them what they have not given yet, and it all of them; in any order and partly twice."""
    hub, *others = nodes
    for one, other in [*((each, hub) for each in others), *((hub, each) for each in others)]:
        new = list(one.store.since(given.get((id(one), id(other)), 0)))
        verdicts = {
            taken.verdict for taken in bring(other, shuffled((block for _, block in new), random, again=0.05))
        }
        assert verdicts <= {Verdict.TAKEN, Verdict.KNOWN}
        given[id(one), id(other)] = one.store.blocks.last_number()
