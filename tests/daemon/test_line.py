"""Three daemons in a line, in a rough time: the ends never talk, and all end with the same state."""

import signal
from random import Random

import pytest

from tests.daemon.village import Node, Village, equal, until
from tests.seeds import seeds

SEEDS = seeds(2)
ACTS = 14


def test_what_is_written_at_one_end_is_seen_at_the_other_end(village: Village) -> None:
    oak, mill, hill = village.line("Oakfield", "Mill Lane", "Hill Farm")
    equal(oak, mill, hill)
    oak.move("Ann", 1000, 500)
    hill.move("Ben", 7)
    oak.decide("Mend the roof", "Ann", "Ben")
    root = equal(oak, mill, hill)
    assert oak.records() == mill.records() == hill.records()
    bodies = [
        {body["name"] for body in node.json("bodies", "show", "all")["bodies"]} for node in (oak, mill, hill)
    ]
    assert bodies == [{"Oakfield", "Mill Lane", "Hill Farm"}] * 3
    titles = [node.json("decisions", "list")["decisions"][0]["title"] for node in (oak, mill, hill)]
    assert titles == ["Mend the roof"] * 3, "decisions of all are listed where nobody says whose"
    assert [node.json("status")["state_root"] for node in (oak, mill, hill)] == [root] * 3
    for node in (oak, mill, hill):
        assert node.stop() == 0
        node.run("rebuild")
        assert node.root() == root
        node.run("verify", "--all")


class Trouble:
    """One story: what a seeded die does to three nodes, while their tellers go on writing."""

    def __init__(self, seed: int, nodes: list[Node]) -> None:
        self.die, self.nodes = Random(seed), nodes
        self.stopped: set[str] = set()
        self.grams = {node.name: 0 for node in nodes}
        self.pages = 0

    def act(self) -> None:
        """Let something happen."""
        node = self.die.choice(self.nodes)
        self.die.choice([self.write, self.write, self.write, self.decide, self.cut, self.freeze, self.kill])(
            node
        )

    def write(self, node: Node) -> None:
        """Whoever stores goods does not care how the network is."""
        self.thaw(node)
        amounts = [self.die.randrange(1, 100) for _ in range(self.die.randrange(1, 200))]
        node.move(self.die.choice(node.tellers), *amounts)
        self.grams[node.name] += sum(amounts)

    def decide(self, node: Node) -> None:
        """Two of three tellers agree."""
        self.thaw(node)
        self.pages += 1
        node.decide(f"Act {self.pages}", *self.die.sample(node.tellers, 2))

    def cut(self, node: Node) -> None:
        """An operator pauses a peer, or takes it back."""
        self.thaw(node)
        if not node.alive:
            return
        peers = node.call("status")["peers"]
        peer = self.die.choice(peers)
        node.call("pause_peer", name=peer["name"], paused=peer["state"] != "paused")

    def freeze(self, node: Node) -> None:
        """A machine hangs, or goes on."""

        if node.name in self.stopped:
            self.thaw(node)
        elif node.alive:
            node.send(signal.SIGSTOP)
            self.stopped.add(node.name)

    def thaw(self, node: Node) -> None:
        """Let a machine that hangs go on."""

        if node.name in self.stopped:
            self.stopped.discard(node.name)
            node.send(signal.SIGCONT)

    def kill(self, node: Node) -> None:
        """The power fails, or is back."""
        self.stopped.discard(node.name)
        if node.alive:
            node.kill()
        else:
            node.start()

    def calm(self) -> None:
        """Put everything right again."""
        for node in self.nodes:
            self.thaw(node)
            if not node.alive:
                node.start()
            for peer in node.call("status")["peers"]:
                if peer["state"] == "paused":
                    node.call("pause_peer", name=peer["name"], paused=False)


@pytest.mark.parametrize("seed", SEEDS)
def test_three_in_a_line_agree_after_partitions_hangs_and_power_cuts(village: Village, seed: int) -> None:
    nodes = village.line("Oakfield", "Mill Lane", "Hill Farm")
    trouble = Trouble(seed, nodes)
    for _ in range(ACTS):
        trouble.act()
    trouble.calm()
    root = equal(*nodes)
    assert len({node.records() for node in nodes}) == 1
    for node in nodes:
        assert node.stock() == trouble.grams[node.name]
        until(lambda node=node: all(peer["we_lack"] == 0 for peer in node.call("status")["peers"]))  # type: ignore[misc]
        assert node.call("rebuild")["after"] == root
