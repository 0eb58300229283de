"""Guards around sealing and signing for others that nothing else stands behind: each fails when its line is taken away."""

from pathlib import Path

from fedsync.acts.books import minutes
from fedsync.crdt.books.epoch import begun
from fedsync.crdt.books.tellers import Refuse, Sign, next_signature
from fedsync.doors import LocalDoor
from fedsync.keyring import load_node_key
from fedsync.node import Verdict
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, PageId, Scope
from fedsync.sealing import seal_pages
from tests.acts.valley import Valley
from tests.nodes import BY, node

NAMES = ("Oakfield", "Mill Lane", "Hill Farm")


def region(path: Path) -> tuple[Valley, PageId, Scope, list[PageId]]:
    """A region of three whose delegates are sent; the pages that sent them."""
    valley = Valley(path, *NAMES)
    valley.meet()
    body, scope = valley.found_region("Oakfield")
    valley.meet()
    sent = []
    for name in NAMES:
        holder = valley.author(name, "Cleo").key
        mandate: dict[str, Value] = {"kind": "mandate", "holder": holder, "seat": body}
        sent.append(valley.enter(name, [{**mandate, "instructions": {"*": "free"}}]))
    valley.meet()
    return valley, body, scope, sent


def drafted(valley: Valley, scope: Scope) -> PageId:
    with valley.at("Oakfield") as (reading, door):
        bridge: dict[str, Value] = {"kind": "decision", "title": "A bridge", "text": "We build it."}
        cleo = valley.author("Oakfield", "Cleo")
        page, _ = minutes.enter(cleo, reading, door, scope, [bridge])
        minutes.sign(cleo, reading, door, page)
    return page


def test_a_node_whose_directory_was_set_back_seals_nothing(tmp_path: Path) -> None:
    valley, _, scope, _ = region(tmp_path)
    page = drafted(valley, scope)
    valley.meet("Oakfield", "Mill Lane")
    with valley.at("Mill Lane") as (reading, door):
        minutes.sign(valley.author("Mill Lane", "Cleo"), reading, door, page)
    home = valley.homes["Mill Lane"]
    giver = LocalDoor(home, home.lock())
    try:
        blocks = [block.raw for _, block in giver.node.store.since(0)]
    finally:
        giver.close()
    for name, set_back in (("Hill Farm", True), ("Oakfield", False)):
        home = valley.homes[name]
        local = LocalDoor(home, home.lock())
        try:
            local.node.take_now(blocks, BY)
            if set_back:
                with local.node.store.transaction():
                    local.node.store.directory.note_rollback(b"journal2")
            assert bool(seal_pages(local.node, load_node_key(home))) is not set_back
        finally:
            local.close()


def test_a_log_that_waits_for_a_page_comes_in_with_it_though_another_bodys_log_carries_it(
    tmp_path: Path,
) -> None:
    valley, _, scope, _ = region(tmp_path)
    page = drafted(valley, scope)
    valley.meet()
    with valley.at("Mill Lane") as (reading, door):
        minutes.sign(valley.author("Mill Lane", "Cleo"), reading, door, page)
    valley.meet()
    home = valley.homes["Oakfield"]
    giver = LocalDoor(home, home.lock())
    try:
        blocks = [block for _, block in giver.node.store.since(0)]
        followed = giver.node.store.followed.all()
    finally:
        giver.close()
    nodes = [block for block in blocks if block.genesis.scope == scope]
    first = [block for block in nodes if block.first == 0 and "page" not in block.kinds]
    assert first
    with node() as fresh:
        fresh.begin()
        for body in followed:
            fresh.follow(body.scope, body.body, body.name, "peer")
        fresh.settle()
        fresh.commit()
        for block in first:
            (taken,) = fresh.take_now([block.raw], BY)
            assert taken.verdict is Verdict.PARKED
        fresh.take_now([block.raw for block in blocks if block.genesis.scope != scope], BY)
        for block in first:
            assert fresh.store.logs.row(block.log) is not None


def test_our_tool_signs_nothing_under_a_mandate_that_is_over(tmp_path: Path) -> None:
    valley, _, scope, sent = region(tmp_path)
    page = drafted(valley, scope)
    valley.meet()
    cleo = valley.author("Mill Lane", "Cleo")

    def answer() -> Sign | Refuse:
        with Reading.open(valley.homes["Mill Lane"]) as reading:
            own = reading.own().scope
            log: Genesis = cleo.genesis(reading, LogClass.AUTHORITY, own, ("mandate", sent[1], 0))
            return next_signature(reading.view, page, log.log, begun(log))

    assert isinstance(answer(), Sign)
    valley.enter("Mill Lane", [{"kind": "recall", "mandate": [sent[1], 0], "cuts": []}])
    said = answer()
    assert isinstance(said, Refuse)
    assert said.code == "mandate-ended"
