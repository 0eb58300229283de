"""What nodes keep of their peers is counted while a storm lasts, and too much of any of it is found out."""

from collections.abc import Callable

import pytest

from fedsync.gossip.deeds import Deed
from fedsync.gossip.events import Did, Peer, Remember
from fedsync.gossip.peer_memory import PeerMemory, Refusal
from fedsync.records.ids import LogId
from fedsync.sim.checks import faults
from fedsync.sim.growth import MOST
from fedsync.sim.node import Node
from fedsync.sim.scenario import read
from fedsync.sim.world import World

LIFE = """
name = "Growing"
nodes = 4
storm = "2 min"
calm = "5 min"
[links]
shape = "overlay"
[work]
stock = "20 s"
"""


def peers(count: int) -> list[Peer]:
    return [Peer(at.to_bytes(32, "big")) for at in range(count)]


def crowded(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fedsync.gossip.scores.MOST_PEERS", 10_000)
    for each in peers(1100):
        node.do(each, Did(Deed.STRIKE))


def refused(node: Node, _: pytest.MonkeyPatch) -> None:
    much = tuple(Refusal(LogId(each), "no", 0) for each in peers(1100))
    node.do(peers(1)[0], Remember(PeerMemory(refused=much)))


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (crowded, "peers of whom something is thought; 1024 may be"),
        (refused, "kept 1100 refusals remembered of a peer; 1024 may be"),
    ],
)
def test_what_grows_without_end_is_found_out(
    plant: Callable[[Node, pytest.MonkeyPatch], None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(read(LIFE), 1)
    plant(world.nodes[1], monkeypatch)
    world.live()
    assert any(said in each for each in faults(world)), world.growth.most


def test_a_view_that_holds_more_than_it_may_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MOST, "nodes in the views of a group", 2)
    world = World(read(LIFE), 1)
    world.live()
    assert any("nodes in the views of a group; 2 may be" in each for each in faults(world))
