"""What nodes keep of their peers is counted while a storm lasts, and too much of any of it is found out."""

from collections.abc import Callable

import pytest

from fedsync.gossip import limits
from fedsync.gossip.deeds import Deed
from fedsync.gossip.events import Did, Peer, Remember
from fedsync.gossip.following import ROW_BYTES
from fedsync.gossip.peer_memory import PeerMemory, Refusal
from fedsync.gossip.scores import MOST_PEERS
from fedsync.gossip.sizes import Sizes
from fedsync.gossip.view import ACTIVE, PASSIVE
from fedsync.records.ids import LogId
from fedsync.sim.checks import faults
from fedsync.sim.growth import BACKLOG, FRAME, LINKS, MOST, OF_SESSIONS, TAKES_BYTES
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


def told_of(node: Node, _: pytest.MonkeyPatch) -> None:
    node.do(peers(1)[0], Remember(PeerMemory(bodies=bytes(500_000), aliases=bytes(60_000))))


def many(node: Node, _: pytest.MonkeyPatch) -> None:
    for each in peers(9):
        node.do(each, Remember(PeerMemory()))


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (crowded, "peers of whom something is thought; 1024 may be"),
        (refused, "kept 1100 refusals remembered of a peer; 1024 may be"),
        (told_of, "kept 560000 bytes remembered of what a peer follows; 530008 may be"),
        (many, "kept 12 peers remembered; 3 may be"),
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


def test_the_bounds_of_the_checks_are_those_of_the_protocol() -> None:
    """Written down twice, so that nobody raises one by accident."""
    assert MOST == {
        "peers of whom something is thought": MOST_PEERS,
        "nodes in the views of a group": ACTIVE + 1 + PASSIVE,
        "refusals remembered of a peer": limits.MAX_REFUSALS,
        "bytes remembered of what a peer follows": limits.MAX_BODIES * (ROW_BYTES + limits.ALIAS_BYTES)
        + limits.ALIAS_SALT_BYTES,
        "logs wanted of a peer": limits.MAX_LISTED,
        "logs refused in a session": limits.MAX_REFUSALS,
        "logs that a peer refuses in a session": limits.MAX_REFUSALS,
        "blocks of a session that wait at the door": limits.MAX_TAKES + 1,
        "bytes of a session that wait at the door": limits.MAX_TAKES_BYTES + limits.MAX_MESSAGE,
        "segments of a session that wait for others": limits.MAX_LATE,
        "bytes of segments of a session that wait for others": limits.LATE_BYTES,
        "bytes of answers that a peer does not read": limits.MAX_BACKLOG + 2 * limits.MAX_MESSAGE,
    }
    assert len(OF_SESSIONS) == len(Sizes._fields)
    assert (LINKS, TAKES_BYTES, BACKLOG, FRAME) == (
        ACTIVE,
        limits.MAX_TAKES_BYTES,
        limits.MAX_BACKLOG,
        limits.MAX_MESSAGE,
    )
