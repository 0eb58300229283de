"""`fedsync bodies settle`: a forked log of goods is named in status, and a sealed page says which branch holds."""

from typing import Any

import pytest

from fedsync.acts.author import Author
from fedsync.home import Home
from fedsync.node import open_node
from fedsync.reading import Reading
from fedsync.records.ids import Key, LogClass
from fedsync.records.seal import Draft, seal
from tests.cli.calling import Place


@pytest.fixture
def forked(node: Place) -> Place:
    """Return a node that holds another branch of Ann's log: a laptop of hers came back from a backup."""
    node("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Ann")
    home = Home(node.path)
    with Reading.open(home) as reading:
        author = Author.unlock(home, "Ann", lambda: None)
        genesis = author.genesis(reading, LogClass.FACTS)
        base = reading.store.logs.tip(genesis.log)
        *_, block = reading.store.logs.blocks(genesis.log)
    value: Any = block.record(block.count - 1).value
    for quantity in (2, 4):
        node("stock", "add", "Oats", quantity, "kg", "--store", "Granary", "--as", "Ann")
    other = [
        Draft("economic_event", {**value, "quantity": each}, block.times[-1]) for each in (16_000, 32_000)
    ]
    at = open_node(home)
    at.take_now([each.raw for each in seal(author.private, genesis, base, other)])
    at.store.close()
    return node


def row(node: Place) -> dict[str, Any]:
    (found,) = node.json("status")["forked"]
    assert isinstance(found, dict)
    return found


def test_status_names_a_forked_log_its_branches_and_what_to_type(forked: Place) -> None:
    said = row(forked)
    assert (said["author"], said["class"], said["fork"], len(said["branches"])) == ("Ann", "facts", 4, 2)
    (line,) = (line for line in forked("status").out.splitlines() if line.startswith("!"))
    assert "nothing counts there until the book says which holds" in line
    assert line.endswith(
        f"fedsync bodies settle {said['log'][:8]} --branch {said['branches'][0]['record'][:8]} --as NAME"
    )
    assert forked.level("Oats")["on_hand"]["quantity"] == 1000
    why = forked("why", said["branches"][1]["record"]).out
    assert "two branches from record 4 on; none counts there" in why
    assert why.splitlines()[-1] == f"Next: {said['next']}"
    assert forked("why", said["log"][:10]).out.splitlines()[-1] == f"Next: {said['next']}"


@pytest.mark.parametrize(("which", "grams"), [(0, 7000), (1, 49000)])
def test_once_the_page_is_sealed_the_named_branch_counts_and_the_other_does_not(
    forked: Place, which: int, grams: int
) -> None:
    said = row(forked)
    branches = sorted(
        (each["record"] for each in said["branches"]),
        key=lambda each: int(forked.json("show", each)["payload"]["quantity"]),
    )
    chosen, other = branches[which], branches[1 - which]
    page = forked.json("bodies", "settle", said["log"][:8], "--branch", chosen[:8], "--as", "Ben")["page"]
    assert row(forked)["next"] == f"fedsync book sign {page[:8]} --as NAME"
    assert forked.level("Oats")["on_hand"]["quantity"] == 1000
    forked.seal(page, "Ann", "Ben")
    assert forked.json("status")["forked"] == []
    assert forked.level("Oats")["on_hand"]["quantity"] == grams
    assert "It counts" in forked("why", chosen).out
    assert f"the book settled that the branch up to record {chosen[:8]} holds" in forked("why", other).out
    # What cannot be taken back is not settled twice; and Ann goes on in a new log.
    forked.refused("bodies", "settle", said["log"][:8], "--branch", other[:8], "--as", "Ben", code=7)
    forked("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Ann")
    assert forked.level("Oats")["on_hand"]["quantity"] == grams + 1000
    assert forked("verify").code == 0


def test_before_it_is_settled_its_author_goes_on_in_a_new_log(forked: Place) -> None:
    forked("stock", "add", "Oats", 5, "kg", "--store", "Granary", "--as", "Ann")
    assert forked.level("Oats")["on_hand"]["quantity"] == 6000


def test_what_cannot_be_settled_is_said(forked: Place) -> None:
    said = row(forked)
    settle = ("bodies", "settle")
    words = ("--as", "Ben")
    assert forked.refused(*settle, "00000000", "--branch", "00000000", *words, code=6)["code"] == "not_found"
    assert forked.refused(*settle, said["log"], "--branch", "00000000", *words, code=6)["code"] == "not_found"
    with Reading.open(Home(forked.path)) as reading:
        trunk = next(iter(reading.store.logs.blocks(bytes.fromhex(said["log"])))).ids[0].hex()  # type: ignore[arg-type]
        unforked = next(
            log.hex()
            for log in reading.store.logs.named(
                reading.own().scope, Author.unlock(Home(forked.path), "Ben", lambda: None).key
            )
        )
    assert (
        forked.refused(*settle, said["log"], "--branch", trunk, *words, code=7)["code"] == "on_every_branch"
    )
    assert forked.refused(*settle, unforked, "--branch", trunk, *words, code=7)["code"] == "not_forked"


def test_that_another_directory_writes_the_new_log_too_is_noticed_as_for_any_other(forked: Place) -> None:
    forked("stock", "add", "Oats", 5, "kg", "--store", "Granary", "--as", "Ann")
    home = Home(forked.path)
    author = Author.unlock(home, "Ann", lambda: None)
    with Reading.open(home) as reading:
        genesis = author.genesis(reading, LogClass.FACTS)
        base = reading.store.logs.tip(genesis.log)
        assert genesis.incarnation != reading.store.directory.incarnation
        *_, block = reading.store.logs.blocks(genesis.log)
    more = Draft("economic_event", block.record(block.count - 1).value, block.times[-1])
    at = open_node(home)
    assert at.store.directory.may_write_own_logs().ok
    at.take_now([each.raw for each in seal(author.private, genesis, base, [more])], Key(b"\7" * 32))
    assert not at.store.directory.may_write_own_logs().ok
    at.store.close()
