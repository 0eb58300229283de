"""Votes in logs that name an entry which is no mandate: void for all, whether they come before the page or after it."""

from collections.abc import Sequence

import pytest

from fedsync.crdt.books.booktables import VOTE_VERDICTS
from fedsync.records.block import Block
from tests.authority.federation import Federation, Node


@pytest.mark.parametrize(
    "entry", ["a decision", "no entry", "a mandate of another body", "another's mandate"]
)
def test_a_vote_under_what_is_no_mandate_of_its_author_is_void_in_any_order(entry: str) -> None:
    told = Federation()
    oak, elm = told.found("Oak"), told.found("Elm")
    valley = told.unite("Valley", [oak, elm], 4)
    page = told.enter(oak, [{"kind": "decision", "title": "A mill", "text": "It is built."}])
    of, index = ("teller 0 of Oak", 0) if entry == "a decision" else ("teller 0 of Oak", 7)
    if entry in ("a mandate of another body", "another's mandate"):
        given = told.give(elm if entry == "a mandate of another body" else oak, valley, "Ann", {"*": "free"})
        page, index = given.page, given.index
        of = "Ann" if entry == "a mandate of another body" else "teller 0 of Oak"
    upto = len(told.blocks)
    motion = told.move(valley, "A mill")
    told.vote(told.log("strange", of, oak.scope, ("mandate", page, index)), (motion, "yes", ""))
    early: Sequence[Block] = [*told.blocks[upto:], *told.blocks[:upto]]
    found = []
    for blocks in (told.blocks, early):
        node = Node(told.bodies)
        node.take(blocks, 1)
        found.append(dict(node.view.scan(VOTE_VERDICTS)))
    assert found[0] == found[1]
    assert [row[2] for row in found[0].values()] == ["void"]
