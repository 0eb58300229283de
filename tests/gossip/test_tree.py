"""The push tree as one node sees it: who stays outside, who is grafted, and how long a block is awaited."""

from dataclasses import dataclass

import pytest

from fedsync.gossip.limits import GRAFT_MAX_S, GRAFT_S
from fedsync.gossip.tree import Tree
from fedsync.records.ids import LogId

LOG = LogId(bytes(32))


@dataclass(eq=False)
class Link:
    eager: bool = True
    proven: bool = False


def test_links_begin_in_the_tree_until_a_block_has_come_over_one() -> None:
    tree, first, second, third = Tree(), Link(), Link(), Link()
    assert not tree.join(first)
    assert not tree.join(second)
    first.proven = True
    assert tree.join(third)


def test_a_link_that_was_cut_off_proves_nothing() -> None:
    tree, first, second = Tree(), Link(eager=False, proven=True), Link()
    tree.join(first)
    assert not tree.join(second)


def test_a_node_without_links_in_the_tree_is_bare_and_one_without_links_is_not() -> None:
    tree, only = Tree(), Link()
    found = [tree.bare]
    tree.join(only)
    found.append(tree.bare)
    only.eager = False
    found.append(tree.bare)
    tree.leave(only)
    assert [*found, tree.bare] == [False, False, True, False]


def test_after_a_branch_was_lost_blocks_are_asked_for_at_once_until_one_comes() -> None:
    tree, branch = Tree(), Link(proven=True)
    tree.join(branch)
    tree.leave(branch)
    assert tree.patience == 0
    tree.pushed()
    assert tree.patience == GRAFT_S


@pytest.mark.parametrize("link", [Link(eager=False, proven=True), Link(proven=False)])
def test_a_link_that_brought_nothing_is_not_missed(link: Link) -> None:
    tree = Tree()
    tree.join(link)
    tree.leave(link)
    assert tree.patience == GRAFT_S


def test_the_wait_follows_what_it_takes_and_is_bounded() -> None:
    tree = Tree()
    tree.waited(1.0)
    assert tree.patience == 2.0
    for _ in range(200):
        tree.waited(0.1)
    assert tree.patience == GRAFT_S
    tree.waited(100.0)
    assert tree.patience == GRAFT_MAX_S


def test_a_copy_that_comes_after_all_shows_that_the_wait_was_too_short() -> None:
    tree = Tree()
    tree.asked(LOG, 10.0)
    tree.late(LOG, 11.0)
    assert tree.patience == 2.0


def test_a_copy_that_comes_much_later_shows_nothing() -> None:
    tree = Tree()
    tree.asked(LOG, 10.0)
    tree.late(LOG, 1000.0)
    assert tree.patience == GRAFT_S


def test_what_was_asked_for_is_remembered_within_bounds() -> None:
    tree = Tree()
    for at in range(10_000):
        tree.asked(LogId(at.to_bytes(32)), 0.0)
    tree.late(LogId((0).to_bytes(32)), 1.0)
    assert tree.patience == GRAFT_S
    tree.late(LogId((9_999).to_bytes(32)), 1.0)
    assert tree.patience == 2.0
