"""Roll calls of the General Assembly, recounted by the production fold: all of them, and some with trouble."""

import os
from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest

from fedsync.crdt.books.booktables import RESULTS
from fedsync.crdt.books.votes import FINAL, cast, tally
from fedsync.data import members, roll_calls
from fedsync.records.block import Block
from fedsync.records.ids import PageId
from tests.authority.federation import Node, shuffled
from tests.authority.unga import TROUBLE, Assembly, Count, Question, counted, tell
from tests.crdt.books import rooted
from tests.seeds import seeds

CALLS = roll_calls()
VIEWS = 4
AT_ONCE = 4096
"""Blocks that a node folds at a time when it has them all: what many of them touch is settled once."""
SOAK = os.environ.get("FEDSYNC_TESTS") == "thorough"


def found(node: Node, assembly: Assembly, question: Question) -> Count:
    """Return what a node makes of a roll call."""
    assert question.page is not None
    at = (assembly.book.scope, question.page, question.index)
    row, said = node.view.get(RESULTS, at), tally(node.view, *at)
    assert row is not None
    assert said is not None
    assert row[1:] == (said.status, said.outcome)
    ballots = {}
    for seat, vote in said.ballots.items():
        held = cast(node.view, vote)
        assert held is not None
        ballots[assembly.names[PageId(seat)]] = str(held.option)
    return Count(ballots, said.outcome, said.status == FINAL)


def test_all_55_017_votes_of_310_roll_calls_are_recounted_and_equal_to_the_data() -> None:
    assembly = tell(list(members()), CALLS, 21, Random(0))
    node = Node(assembly.federation.bodies)
    node.take(assembly.federation.blocks, AT_ONCE)
    votes = 0
    for question, call in zip(assembly.questions, CALLS, strict=True):
        said = Counter(call.votes.values())
        now = found(node, assembly, question)
        assert now.ballots == call.votes
        assert now.outcome == ("yes" if said["yes"] > said["no"] else "no")
        assert now.final, "all seats have said in their own books what they voted"
        votes += len(now.ballots)
    assert votes == 55_017


def trouble(random: Random) -> Assembly:
    """Return a part of the assembly, with trouble; in a soak now and then the whole."""
    if SOAK and random.random() < 0.02:
        return tell(list(members()), CALLS, 21, random, troubled=0.2)
    calls = sorted(random.sample(CALLS, 36), key=lambda call: (call.day, call.roll_call))
    return tell(sorted(random.sample(list(members()), 16)), calls, 5, random, troubled=0.4)


@pytest.mark.parametrize("seed", seeds(6))
def test_what_counts_after_recalls_late_mandates_and_words_is_what_a_naive_count_says(seed: int) -> None:
    assembly = trouble(Random(seed))
    node = Node(assembly.federation.bodies)
    node.take(assembly.federation.blocks)
    for question in assembly.questions:
        assert found(node, assembly, question) == counted(question), question.call


@pytest.mark.parametrize("seed", seeds(3))
def test_views_that_were_apart_come_to_the_same_state_and_what_was_final_stays(seed: int) -> None:
    random = Random(seed)
    assembly = trouble(random)
    blocks = assembly.federation.blocks
    # Up to a moment all hold all; then each log reaches one view alone, until two of them meet, and at last all.
    together = random.choice([0, random.randrange(len(blocks))])
    side = {block.log: random.randrange(VIEWS) for block in blocks}
    common, apart = blocks[:together], blocks[together:]
    nodes = [Node(assembly.federation.bodies) for _ in range(VIEWS)]
    final: dict[int, str | None] = {}
    for at, node in enumerate(nodes):
        _take(node, common, random)
        _take(node, [block for block in apart if side[block.log] == at], random)
        _keep(final, node, assembly)
    for at in (0, 1):
        _take(nodes[at], [block for block in apart if side[block.log] == 1 - at], random)
        _keep(final, nodes[at], assembly)
    for node in nodes:
        _take(node, blocks, random)
        _keep(final, node, assembly)
    straight = Node(assembly.federation.bodies)
    straight.take(blocks)
    for node in nodes:
        assert node.root() == straight.root()
        assert rooted(node.view) == rooted(straight.view)
    for number, question in enumerate(assembly.questions):
        now = found(straight, assembly, question)
        assert now == counted(question)
        assert now.final == (number in final)


def _take(node: Node, blocks: Sequence[Block], random: Random) -> None:
    """Let blocks reach a node in any order, some again, in groups of any size."""
    node.take(shuffled(blocks, random, again=0.1), random.choice([1, 7, 64, 256]))


def _keep(final: dict[int, str | None], node: Node, assembly: Assembly) -> None:
    """Note what is final for a node, and that it is what was final for any before.

    What a result comes to is counted on as records come; it is the same as counted from all that is held.
    """
    for number, question in enumerate(assembly.questions):
        assert question.page is not None
        at = (assembly.book.scope, question.page, question.index)
        row, said = node.view.get(RESULTS, at), tally(node.view, *at)
        assert (row[1:] if row else None) == ((said.status, said.outcome) if said else None)
        if row is not None and row[1] == FINAL:
            assert final.setdefault(number, row[2]) == row[2], question.call  # type: ignore[arg-type]


def test_the_stories_have_all_that_can_befall_a_delegation_and_results_of_each_sort() -> None:
    told = [trouble(Random(seed)) for seed in range(6)]
    sorts = Counter(counted(question).final for each in told for question in each.questions)
    assert min(sorts[True], sorts[False]) > 20
    cut = [
        said
        for each in told
        for question in each.questions
        for one in question.named.values()
        for said in one
    ]
    assert sum(not said.stands for said in cut) > 300
    saved = sum(
        said.id == question.words.get(name) and not said.stands
        for each in told
        for question in each.questions
        for name, one in question.named.items()
        for said in one
    )
    assert saved > 30, "words that stand by a vote which was recalled"
    befell = {name for each in told for name in each.befell}
    assert befell == set(TROUBLE)
