"""Daemons on machines of their own, with a slow cable between two halls that is pulled without a word to anybody."""

from collections.abc import Iterator

import pytest

from fedsync.data import regions
from tests.daemon.cables import Cables, NoCables
from tests.daemon.houses import Part, faults, join, lines_of, shown_at, take_in, write_map
from tests.daemon.village import Node, Village, equal, until

HALL, MOVEMENTS = 2, 90


@pytest.fixture
def cables() -> Iterator[Cables]:
    try:
        laid = Cables(HALL, HALL)
    except NoCables as why:
        pytest.skip(f"no network namespaces with slow cables: {why}")
    with laid:
        yield laid


def test_two_halls_whose_cable_is_pulled_agree_once_it_is_back(village: Village, cables: Cables) -> None:
    names = dict(list(regions().items())[: 2 * HALL])
    lines, map_file = lines_of(names, MOVEMENTS), write_map(village)
    nodes: dict[str, Node] = {}
    for at, (code, name) in enumerate(names.items()):
        nodes[code] = Node(village.path / code, name, listen="0.0.0.0", inside=cables.inside(at))
        village.nodes.append(nodes[code])
        nodes[code].start(wait=False)
    line = list(nodes.values())
    places = [f"{cables.host(at)}:{each.wait_ready().rpartition(':')[2]}" for at, each in enumerate(line)]
    for at in range(1, len(line)):
        join(line[at - 1], places[at - 1], line[at], places[at])
    third = MOVEMENTS // 3

    def all_take_in(part: int) -> None:
        for code, node in nodes.items():
            rows = lines[code][part * third : (part + 1) * third]
            take_in(node, node.tellers[part], Part(tuple(rows)), map_file)

    all_take_in(0)
    equal(*line)
    # The first of it is on its way when the cable is pulled; and then a machine beside it loses its power.
    all_take_in(1)
    cables.pull()
    all_take_in(2)
    near = equal(*line[:HALL])
    line[HALL].kill()
    line[HALL].start()
    far = equal(*line[HALL:])
    assert near != far
    cables.plug()
    # A line that was dead is tried again at longer and longer intervals.
    until(lambda: len({node.records() for node in line}) == 1)
    equal(*line)
    assert (
        faults({names[code]: rows for code, rows in lines.items()}, {n.name: shown_at(n) for n in line}) == []
    )
