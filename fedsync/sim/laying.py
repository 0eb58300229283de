"""The links that are laid in the shape that a scenario says, where nodes do not choose theirs themselves."""

from collections.abc import Collection, Iterable, Sequence
from itertools import combinations
from random import Random
from typing import Final

from fedsync.sim.links import Net
from fedsync.sim.node import Node
from fedsync.sim.twofaced import TwoFaced, towards

MOST_OF_A_LIAR: Final = 3
"""Honest nodes that a liar has links with."""


def lay(net: Net, shape: str, more: int, honest: Sequence[Node], near: Iterable[Collection[Node]]) -> None:
    """Lay links among the honest, so that no liar can keep them apart. `near`: who has links with each other in any shape."""
    pairs = _shape(shape, len(honest), net.dice)
    for nodes in near:
        pairs |= dict.fromkeys(combinations(sorted(map(honest.index, nodes)), 2))
    for _ in range(more):
        one, two = sorted(net.dice.sample(range(len(honest)), 2))
        pairs[one, two] = None
    for one, two in pairs:
        net.join(honest[one], honest[two])


def lay_to_liar(net: Net, liar: Node, honest: Sequence[Node]) -> None:
    """Lay links between a liar and some of the honest."""
    dice = net.dice
    chosen = dice.sample(honest, min(len(honest), dice.randint(1, MOST_OF_A_LIAR)))
    if isinstance(liar, TwoFaced):
        # Each face is shown to somebody, where there is somebody to show it to.
        first = liar.towards(chosen[0].peer)
        others = [each for each in honest if liar.towards(each.peer) is not first]
        chosen += [each for each in others[:1] if each not in chosen]
    for node in chosen:
        face = towards(liar, node.peer)
        net.join(*dice.choice([(face, node), (node, face)]))


def _shape(shape: str, count: int, dice: Random) -> dict[tuple[int, int], None]:
    """Return which two of so many have a link."""
    match shape:
        case "mesh":
            return {(one, two): None for two in range(count) for one in range(two)}
        case "star":
            return {(0, two): None for two in range(1, count)}
        case "tree":
            return {(dice.randrange(two), two): None for two in range(1, count)}
        case _:
            pairs: dict[tuple[int, int], None] = {(one, one + 1): None for one in range(count - 1)}
            if shape == "ring" and count > 2:
                pairs[0, count - 1] = None
            return pairs
