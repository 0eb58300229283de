"""Twelve real daemons of one region that nobody introduced: each keeps a few links, and news reaches all that live."""

from contextlib import closing
from pathlib import Path

import pytest

from fedsync import config
from fedsync.announcing import announce
from fedsync.config import Announce
from fedsync.daemon.steering import VIEWS
from fedsync.doors import LocalDoor
from fedsync.gossip.kept import unpack
from fedsync.gossip.view import ACTIVE
from fedsync.keyring import load_node_key
from fedsync.records.codec import Value
from fedsync.records.ed25519 import public_key
from fedsync.store.reading import open_reader
from tests.acts.valley import Valley
from tests.daemon.village import Node, Village, equal, told, until

COUNT = 12
NAMES = tuple(f"Village {at}" for at in range(COUNT))


@pytest.fixture
def region(tmp_path: Path, village: Village) -> list[Node]:
    """Communities in one region, in whose books their nodes stand, and say where they answer. None has a peer."""
    valley = Valley(tmp_path, *NAMES)
    valley.meet()
    body, _ = valley.found_region(NAMES[0])
    valley.meet()
    for name, home in valley.homes.items():
        with closing(LocalDoor(home, home.lock())) as door:
            node: list[Value] = [public_key(load_node_key(home)), door.node.store.directory.incarnation]
        valley.enter(name, [{"kind": "join", "body": body, "node": node}])
        where = str(config.load(home.config).listen)
        with home.config.open("a") as file:
            file.write(f'\n[announce]\naddresses = ["{where}"]\n')
        with closing(LocalDoor(home, home.lock())) as door:
            assert announce(door.node, load_node_key(home), Announce((where,)))
    valley.meet()
    return [village.node(name, start=False) for name in NAMES]


def links(node: Node) -> list[str]:
    """Return whom a node is linked with."""
    return [row["key"] for row in node.call("status")["peers"] if row["state"] != "away"]


def few(nodes: list[Node]) -> bool:
    return all(1 <= len(links(node)) <= ACTIVE for node in nodes)


def test_nodes_that_books_name_keep_few_links_and_all_hear_of_all(region: list[Node]) -> None:
    for node in region:
        node.start()
    until(lambda: few(region), why=lambda: told(*region))
    region[3].decide("A bridge", "Ann", "Ben")
    equal(*region)
    until(lambda: few(region), why=lambda: told(*region))
    killed, left = region[::3], [node for at, node in enumerate(region) if at % 3]
    for node in killed:
        node.kill()
    left[0].decide("A well", "Ann", "Ben")
    equal(*left)
    until(lambda: few(left), why=lambda: told(*left))
    for node in killed:
        node.start()
    equal(*region)
    until(lambda: few(region), why=lambda: told(*region))
    one, *others = region
    assert one.stop() == 0
    with open_reader(one.home.store) as reader:
        kept = unpack(reader.meta.data(VIEWS))
    # What it had links with comes first at the next start.
    good = {peer for each in kept.values() for peer in each.good}
    assert good & {public_key(load_node_key(each.home)) for each in others}
