"""Nodes follow bodies and follow them no longer, are let have more and less, meet, part, forget and are restored; then it is quiet."""

from random import Random

import pytest

from fedsync.gossip.engine import Engine
from fedsync.gossip.events import Entitled, Followed, Peer
from fedsync.gossip.following import common, followed
from fedsync.gossip.memory import Memory
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.records.ids import Extent, LogClass, Reach, Scope
from tests.gossip.test_trees import may
from tests.sim.world import Author, Link, Node, World

BODIES = [(Scope(bytes((n,)) * 16), bytes((n,)) * 32) for n in range(1, 8)]
STEPS = ("follow", "follow", "unfollow", "near", "cut", "meet", "brief", "write", "write", "wait", "wonder")
RARE = ("start", "backup", "restore", "forget")


class Told:
    """Some nodes, each linked with each, and what befalls them."""

    def __init__(self, seed: int, count: int) -> None:
        self.dice, self.world = Random(seed), World(seed)
        self.nodes = [self.world.node(f"node {number}") for number in range(count)]
        self.links = [
            self.world.link(one, two) for at, one in enumerate(self.nodes) for two in self.nodes[at + 1 :]
        ]
        self.authors: dict[Node, list[Author]] = {}
        self.backups: list[tuple[Node, Memory, dict[Peer, bytes]]] = []
        for at, node in enumerate(self.nodes):
            node.limit_follow = 0  # What others announce is not followed: what is, is known here.
            for scope, *_ in list(node.memory.following):
                node.memory.unfollow(scope)
            self.authors[node] = [
                Author(1000 * at + number, LogClass(number % 3), Reach(1 + number % 2), scope)
                for number, (scope, _) in enumerate([*BODIES, *BODIES])
            ]

    def near(self) -> frozenset[Scope]:
        return frozenset(scope for scope, _ in BODIES if self.dice.random() < 0.6)

    def cut(self, node: Node) -> None:
        for link in self.links:
            if node in (link.one, link.two):
                self.world.cut(link)

    def step(self) -> None:
        dice, world = self.dice, self.world
        node, link = dice.choice(self.nodes), dice.choice(self.links)
        other = dice.choice([each for each in self.nodes if each is not node])
        match dice.choice(STEPS * 2 + RARE):
            case "follow":
                node.memory.follow(*dice.choice(BODIES), dice.choice(list(Extent)))
                world.act(node, node.engine.everyone(Followed(), world.now))
            case "unfollow" if node.memory.following:
                node.memory.unfollow(dice.choice(node.memory.following)[0])
                world.act(node, node.engine.everyone(Followed(), world.now))
            case "near":
                node.near[other.peer] = self.near()
                node.tell(other.peer, Entitled(node.near[other.peer]))
            case "cut":
                world.cut(link)
            case "meet" | "brief" as how if not link.up:
                if dice.random() < 0.5:
                    link.one, link.two = link.two, link.one
                world.connect(link, brief=how == "brief")
            case "write":
                author = dice.choice(self.authors[node])
                blocks = author.write("word")
                # After a restore it goes on with what the node does not hold any more.
                if blocks[0].first == 0 or node.memory.base(
                    author.log, (blocks[0].first - 1, blocks[0].prev)
                ):
                    node.write(blocks)
            case "wait":
                world.run(dice.choice([0.04, 0.06, 0.16, 20, 1000]))
            case "wonder":
                world.act(node, node.engine.wonder(dice.random() < 0.5, world.now))
            case "start":
                self.cut(node)
                node.engine = Engine(node.memory)
            case "backup":
                self.backups.append((node, node.memory.copied(), dict(node.remembered)))
            case "restore" if kept := [each for each in self.backups if each[0] is node]:
                self.cut(node)
                _, memory, remembered = dice.choice(kept)
                node.restore(memory.copied(), remembered)
            case "forget":
                self.cut(node)
                node.remembered.pop(other.peer, None)
            case _:
                pass
        world.run(dice.choice([0, 0.02, 0.06, 0.3, 3]))

    def at_rest(self) -> bool:
        """Meet where nobody does; say whether all is as it should be."""
        for link in self.links:
            if not link.up:
                self.world.connect(link)
        self.world.run(120)
        return not [each for link in self.links for each in wrong(link)]


def wrong(link: Link) -> list[str]:
    """Return what one of two nodes lacks that both may have, or does not know of what the other follows: the naive twin."""
    found = []
    for one, two in ((link.one, link.two), (link.two, link.one)):
        mine = followed(one.memory.bodies(), one.near.get(two.peer))
        theirs = followed(two.memory.bodies(), two.near.get(one.peer))
        for log in one.memory.logs():
            held, there = one.memory.log(log), two.memory.log(log)
            assert held is not None
            if may(mine, theirs, held.set) and (
                there is None
                or there.fork != held.fork
                or (held.fork is None and there.heads[0] != held.heads[0])
            ):
                found.append(f"{two.name} lacks what {one.name} holds of {held.set}")
        kept = one.remembered.get(two.peer)
        memory = PeerMemory.unpack(kept) if kept is not None else PeerMemory()
        following = one.engine.following(two.peer)
        if following is None or common(mine, following).data != common(mine, theirs).data:
            found.append(f"{one.name} does not know what {two.name} follows")
        elif memory.doubt or not set(following.lines()) <= set(theirs.lines()):
            found.append(f"{one.name} takes {two.name} to follow what it does not")
    return found


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("seed", range(15))
def test_once_it_is_quiet_all_hold_what_each_two_may_and_know_what_the_other_follows(
    seed: int, count: int
) -> None:
    told = Told(seed, count)
    for _ in range(40):
        told.step()
    assert any(told.at_rest() for _ in range(30)), [each for link in told.links for each in wrong(link)]
