"""The root over the shared sets as it is kept up, against the definition worked out from the start each time."""

from random import Random

import pytest

from fedsync.gossip.holdings import SetKey
from fedsync.gossip.listing import Salt
from fedsync.gossip.memory import Memory
from fedsync.gossip.reconcile import Reconcile
from fedsync.gossip.trees import Trees
from fedsync.gossip.trie import EMPTY, Tree, root_of_roots
from fedsync.records.ids import LogClass, LogId, Reach, Scope
from tests.sim.world import Author, checked

SALT = Salt(b"1" * 8, b"2" * 8)
BODIES = [(Scope(bytes((first, second)) * 8), bytes(32)) for first in (1, 2, 3) for second in (1, 2)]


def definition(memory: Memory, keys: list[SetKey], without: set[LogId]) -> bytes:
    roots = [(key, Tree(memory, key, without).hash()) for key in sorted(keys)]
    return root_of_roots([(key, root) for key, root in roots if root != EMPTY], b"follows")


@pytest.mark.parametrize("seed", range(20))
def test_the_root_that_is_kept_up_is_that_of_the_definition(seed: int) -> None:
    dice = Random(seed)
    memory = Memory(bytes(8), checker=checked)
    trees = Trees(memory)
    authors = [Author(n, LogClass(n % 3), Reach(1 + n % 2), BODIES[n % len(BODIES)][0]) for n in range(12)]
    chosen: list[list[SetKey]] = [[], []]
    links = [Reconcile(trees, SALT, lambda at=at: chosen[at], {}, lambda: b"follows") for at in range(2)]  # type: ignore[misc]
    ended: set[LogId] = set()
    for step in range(80):
        writing = [each for each in authors if each.log not in ended]
        if writing and dice.random() < 0.8:
            author = dice.choice(writing)
            for block in author.write(f"{step}"):
                memory.write(block)
        if dice.random() < 0.1:
            memory.renew(dice.randbytes(8))
        if dice.random() < 0.1:
            author = dice.choice(authors)
            if author.at is not None:
                ended.add(author.log)
                memory.pin(author.log, (dice.choice([author.at.seq, 1000]), author.at.id))
        for at, link in enumerate(links):
            if dice.random() < 0.3:
                held = list(memory.sets())
                chosen[at] = dice.sample(held, dice.randint(0, len(held)))
            without = {each.log for each in dice.sample(authors, dice.choice([0, 0, 1, 5]))}
            if dice.random() < 0.7:
                assert link.root(without) == definition(memory, chosen[at], without)


def test_two_links_that_share_the_same_sets_share_the_work() -> None:
    memory = Memory(bytes(8), checker=checked)
    for author in (Author(1), Author(2, LogClass.PLANS)):
        for block in author.write("a"):
            memory.write(block)
    trees, keys = Trees(memory), list(memory.sets())
    whole = trees.whole(keys)
    assert trees.whole(list(reversed(keys))) is whole


def test_only_the_sets_that_changed_are_looked_at_again() -> None:
    memory = Memory(bytes(8), checker=checked)
    authors = [Author(n, scope=scope) for n, (scope, _) in enumerate(BODIES)]
    for author in authors:
        for block in author.write("a"):
            memory.write(block)
    trees = Trees(memory)
    before = {key: trees.tree(key) for key in memory.sets()}
    for block in authors[2].write("b"):
        memory.write(block)
    changed = {key for key, tree in before.items() if trees.tree(key) is not tree}
    assert changed == {(BODIES[2][0], Reach.REGION, LogClass.FACTS)}
