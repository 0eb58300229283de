"""Recalls between real nodes: before and after the acts that they cut, adopted and sealed, with and without all logs."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from fedsync import keyring
from fedsync.acts.author import Author, now_ms
from fedsync.acts.books import minutes
from fedsync.crdt.reasons import REASONS
from fedsync.doors import LocalDoor
from fedsync.keyring import load_node_key
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import LogClass, LogId, PageId, RecordId
from fedsync.records.kinds.entries import EntryId, Recall
from fedsync.records.seal import Draft, seal
from tests.acts.copied import copied
from tests.acts.delegations import NAMES, Delegations


@pytest.fixture
def valley(tmp_path: Path) -> Delegations:
    """Return a region of three communities, all of which know a motion."""
    return copied(Delegations, tmp_path)


def sent(valley: Delegations, *words: object) -> EntryId:
    """Let Oakfield send Cleo of Hill Farm, who is far away, to the region; return the mandate."""
    cleo = valley.author("Hill Farm", "Cleo").key
    given = valley.give("Oakfield", cleo.hex(), "--instruct", "*=free", *words)
    valley.meet()
    return given


def verdicts(valley: Delegations, vote: RecordId) -> set[tuple[str, str]]:
    """Return what a vote has come to on all nodes."""
    return {valley.verdict(name, vote) for name in NAMES}


def test_a_recall_that_is_adopted_suspends_wherever_it_arrives_and_a_sealed_one_is_for_good(
    valley: Delegations,
) -> None:
    motion, given = valley.motion(), sent(valley)
    vote = valley.vote("Hill Farm", given, motion, "yes")
    valley.meet()
    assert verdicts(valley, vote) == {("stands", "counts")}
    page = valley.end("Oakfield", given[0].hex(), "--keep-nothing", seal=False)
    valley.meet()
    assert verdicts(valley, vote) == {("stands", "counts")}, "a draft ends nothing"
    valley.adopt("Oakfield", page)
    valley.meet("Oakfield", "Mill Lane")
    assert valley.verdict("Mill Lane", vote) == ("suspended", "recall-adopted")
    assert valley.mandate("Mill Lane", given).status == "suspended"
    assert valley.verdict("Hill Farm", vote) == ("stands", "counts"), "it has not heard yet"
    valley.seal_again("Oakfield", page)
    valley.meet()
    assert verdicts(valley, vote) == {("void", "recalled")}
    assert {valley.mandate(name, given).status for name in NAMES} == {"recalled"}


def test_a_recall_that_comes_to_nothing_gives_back_what_it_suspended(valley: Delegations) -> None:
    motion, given = valley.motion(), sent(valley)
    vote = valley.vote("Hill Farm", given, motion, "yes")
    valley.meet()
    page = valley.end("Oakfield", given[0].hex(), "--keep-nothing", seal=False)
    valley.adopt("Oakfield", page)
    assert valley.verdict("Oakfield", vote)[0] == "suspended"
    with valley.at("Oakfield") as (reading, door):
        ann, scope = valley.author("Oakfield"), reading.own().scope
        value: dict[str, Value] = {
            "body": reading.own().body, "number": 2, "prev": given[0],
            "entries": [{"kind": "decision", "title": "She stays", "text": "After all."}],
        }  # fmt: skip
        with ann.writing():
            log = ann.genesis(reading, LogClass.AUTHORITY)
            block = ann.write_as(door, reading, log, [Draft("page", value, now_ms())])[-1]
            assert log.scope == scope
    stays = PageId(block.record(block.last - block.first).payload_id)
    # Our tools finish what enough have signed; others need not: Ann, who is not locked, and Cleo turn to the rival.
    for kind in ("signature", "approval"):
        for name in ("Ann", "Cleo"):
            _say(valley, name, kind, stays, given[0])
    assert valley.page("Oakfield", page).status == "displaced"
    valley.meet()
    assert verdicts(valley, vote) == {("stands", "counts")}
    assert valley.mandate("Mill Lane", given).status == "in force"


def test_acts_that_come_after_their_recall_are_out_at_once(valley: Delegations) -> None:
    motion, given = valley.motion(), sent(valley)
    first = valley.vote("Hill Farm", given, motion, "yes")
    valley.meet()
    later = valley.vote("Hill Farm", given, motion, "no")
    valley.end("Oakfield", given[0].hex())
    valley.meet("Oakfield", "Mill Lane")
    valley.meet()
    assert verdicts(valley, first) == {("stands", "counts")}
    assert verdicts(valley, later) == {("void", "recalled")}


def test_a_recall_that_comes_late_takes_back_what_counted_meanwhile(valley: Delegations) -> None:
    motion, given = valley.motion(), sent(valley)
    valley.end("Oakfield", given[0].hex())
    votes = [valley.vote("Hill Farm", given, motion, option) for option in ("yes", "no")]
    valley.meet("Hill Farm", "Mill Lane")
    assert {valley.verdict("Mill Lane", vote) for vote in votes} == {("stands", "counts")}
    valley.meet()
    for vote in votes:
        assert verdicts(valley, vote) == {("void", "recalled")}
    done = valley.place("Mill Lane").json("mandates", "show", given[0].hex())["done"]
    assert {each["record"] for each in done} == {vote.hex() for vote in votes}, "void is kept, and shown"
    assert {each["because"] for each in done} == {REASONS["recalled"].sentence}


def test_where_the_last_record_that_is_kept_has_not_come_what_is_below_waits_and_what_is_above_is_out(
    valley: Delegations,
) -> None:
    motion, given = valley.motion(), sent(valley)
    one, two, three = (valley.vote("Hill Farm", given, motion, each) for each in ("a", "b", "c"))
    valley.meet("Hill Farm", "Oakfield")
    valley.end("Oakfield", given[0].hex(), "--keep-to", two.hex())
    log = _log_of(valley, "Oakfield", two)
    _pass(valley, "Oakfield", "Mill Lane", only=log, upto=2)
    _pass(valley, "Oakfield", "Mill Lane", skip=log)
    assert valley.verdict("Mill Lane", one) == ("pending", "tip-not-held")
    valley.meet()
    assert [verdicts(valley, vote) for vote in (one, two, three)] == [
        {("stands", "counts")},
        {("stands", "counts")},
        {("void", "recalled")},
    ]


def test_a_log_of_the_holders_that_the_recall_does_not_name_keeps_nothing(valley: Delegations) -> None:
    motion, given = valley.motion(), sent(valley)
    far = valley.author("Hill Farm", "Cleo")
    # The same key in a second data directory, as after a backup was restored, writes another log.
    keyring.create_person(valley.homes["Mill Lane"], "Cleo's other phone", None, far.private)
    seen = valley.vote("Hill Farm", given, motion, "yes")
    valley.meet("Hill Farm", "Oakfield")
    hidden = valley.vote("Mill Lane", given, motion, "yes", name="Cleo's other phone")
    valley.end("Oakfield", given[0].hex())
    valley.meet()
    assert verdicts(valley, seen) == {("stands", "counts")}
    assert verdicts(valley, hidden) == {("void", "recalled")}


def test_all_logs_of_the_holder_that_are_reachable_are_kept(valley: Delegations) -> None:
    motion, given = valley.motion(), sent(valley)
    far = valley.author("Hill Farm", "Cleo")
    keyring.create_person(valley.homes["Mill Lane"], "Cleo's other phone", None, far.private)
    votes = [
        valley.vote("Hill Farm", given, motion, "yes"),
        valley.vote("Mill Lane", given, motion, "yes", name="Cleo's other phone"),
    ]
    valley.meet()
    valley.end("Oakfield", given[0].hex())
    valley.meet()
    assert [verdicts(valley, vote) for vote in votes] == [{("stands", "counts")}] * 2


def test_holder_and_alternate_both_act_and_the_seat_is_counted_once(valley: Delegations) -> None:
    for name in NAMES:
        valley.give(name, "Cleo", "--alternate", "Ben")
    valley.meet()
    decision: dict[str, Value] = {"kind": "decision", "title": "A bridge", "text": "We build it."}
    with valley.at("Oakfield") as (reading, door):
        cleo = valley.author("Oakfield", "Cleo")
        page, _ = minutes.enter(cleo, reading, door, valley.scope, [decision])
        minutes.sign(cleo, reading, door, page)
    with valley.at("Oakfield") as (reading, door):
        minutes.sign(valley.author("Oakfield", "Ben"), reading, door, page)
    found = valley.page("Oakfield", page)
    assert (found.status, found.signatures, len(found.signed_by)) == ("drafted", 1, 2)
    valley.meet()
    with valley.at("Mill Lane") as (reading, door):
        minutes.sign(valley.author("Mill Lane", "Ben"), reading, door, page)
    assert valley.page("Mill Lane", page).status == "adopted"
    # The alternate's signature alone holds the seat when the holder's is cut.
    ben = valley.author("Oakfield", "Ben").key
    with Reading.open(valley.homes["Oakfield"]) as reading:
        (own,) = [each for each in valley.mandates_at("Oakfield") if each.scope == reading.own().scope]
        assert ben == own.mandate.alternate


def test_a_recall_reaches_nothing_that_is_sealed_in_another_book(valley: Delegations) -> None:
    for name in NAMES:
        valley.give(name, "Cleo")
    valley.meet()
    decision: dict[str, Value] = {"kind": "decision", "title": "A bridge", "text": "We build it."}
    with valley.at("Oakfield") as (reading, door):
        page, _ = minutes.enter(valley.author("Oakfield", "Cleo"), reading, door, valley.scope, [decision])
    for name in ("Oakfield", "Mill Lane"):
        valley.meet()
        with valley.at(name) as (reading, door):
            minutes.sign(valley.author(name, "Cleo"), reading, door, page)
    valley.meet()
    assert valley.page("Hill Farm", page).status == "sealed"
    for name in ("Oakfield", "Mill Lane"):
        valley.end(name, "Cleo", "--keep-nothing")
    valley.meet()
    assert {valley.page(name, page).status for name in NAMES} == {"sealed"}
    (done,) = valley.place("Hill Farm").json("mandates", "show", _first(valley, "Oakfield"))["done"]
    assert (done["status"], done["code"]) == ("void", "recalled")


def test_hoarded_acts_of_a_recalled_delegate_gain_nothing(valley: Delegations) -> None:
    for name in NAMES:
        valley.give(name, "Cleo")
    valley.meet()
    decision: dict[str, Value] = {"kind": "decision", "title": "A bridge", "text": "We build it."}
    with valley.at("Oakfield") as (reading, door):
        page, _ = minutes.enter(valley.author("Oakfield", "Cleo"), reading, door, valley.scope, [decision])
        minutes.sign(valley.author("Oakfield", "Cleo"), reading, door, page)
    valley.meet()
    # Mill Lane's delegate signs and keeps it back; Mill Lane recalls; only then it comes out.
    valley.end("Mill Lane", "Cleo")
    mill = next(each for each in valley.mandates_at("Hill Farm") if each.scope == valley.own("Mill Lane"))
    hoarder = Author(valley.homes["Hill Farm"], "Cleo", valley.author("Mill Lane", "Cleo").private)
    with valley.at("Hill Farm") as (reading, door), hoarder.writing():
        log = hoarder.genesis(reading, LogClass.AUTHORITY, mill.scope, ("mandate", *mill.id))
        slot = valley.page("Hill Farm", page).prev
        assert slot is not None
        value: dict[str, Value] = {"page": page, "slot": slot, "round": 0}
        hoarder.write_as(door, reading, log, [Draft("signature", value, now_ms())])
    assert valley.page("Hill Farm", page).status == "adopted", "nobody there has heard of the recall"
    valley.meet()
    assert {valley.page(name, page).status for name in NAMES} == {"drafted"}


def _say(valley: Delegations, name: str, kind: str, page: PageId, slot: PageId) -> None:
    """Let somebody of Oakfield sign or approve a page in round 1, whatever our tools say."""
    author = valley.author("Oakfield", name)
    with valley.at("Oakfield") as (reading, door), author.writing():
        value: dict[str, Value] = {"page": page, "slot": slot, "round": 1}
        author.write_as(
            door, reading, author.genesis(reading, LogClass.AUTHORITY), [Draft(kind, value, now_ms())]
        )


def test_both_branches_of_a_forked_log_are_kept_and_one_alone_where_a_record_of_it_is_named(
    valley: Delegations,
) -> None:
    motions = [valley.motion(title=f"Number {number}") for number in range(3)]
    given = sent(valley)
    first = valley.vote("Hill Farm", given, motions[0], "yes")
    cleo = valley.author("Hill Farm", "Cleo")
    with valley.at("Hill Farm") as (reading, _):
        log = cleo.genesis(reading, LogClass.AUTHORITY, valley.own("Oakfield"), ("mandate", *given))
        base = reading.store.logs.tip(log.log)
    branches = [
        seal(
            cleo.private, log, base, [Draft("vote", {"motion": motion, "option": "yes"}, now_ms())], now_ms()
        )
        for motion in motions[1:]
    ]
    valley.meet("Hill Farm", "Oakfield")
    _take(valley, "Oakfield", "Hill Farm", [block.raw for blocks in branches for block in blocks])
    one, two = (blocks[-1].tip for blocks in branches)
    page = valley.end("Oakfield", given[0].hex(), seal=False)
    (entry,) = valley.page("Oakfield", page).entries
    assert isinstance(entry, Recall)
    assert {tip.id for tip in entry.cuts} == {one, two}
    valley.seal("Oakfield", page)
    assert [valley.verdict("Oakfield", vote)[0] for vote in (first, one, two)] == ["stands"] * 3
    again = valley.enter("Oakfield", [{"kind": "recall", "mandate": [*given], "cuts": [[log.log, 2, one]]}])
    assert valley.page("Oakfield", again).status == "sealed"
    verdicts_now = [valley.verdict("Oakfield", vote)[0] for vote in (first, one, two)]
    assert verdicts_now == ["stands", "stands", "void"], "of several cuts that is kept which all keep"


def _first(valley: Delegations, giver: str) -> str:
    """Return the id of the mandate that a community gave."""
    scope = valley.own(giver)
    (found,) = [each for each in valley.mandates_at("Hill Farm") if each.scope == scope]
    return f"{found.id[0].hex()}:{found.id[1]}"


def _log_of(valley: Delegations, at: str, record: RecordId) -> LogId:
    with Reading.open(valley.homes[at]) as reading:
        (found,) = reading.store.blocks.find_prefix(record.hex())
        return found.log


def _pass(
    valley: Delegations,
    giver: str,
    taker: str,
    only: LogId | None = None,
    skip: LogId | None = None,
    upto: int = 2**31,
) -> None:
    """Let a node take what another holds: of one log alone, as far as a seq, or of all but one."""
    with Reading.open(valley.homes[giver]) as reading:
        blocks = [block for _, block in reading.store.since(0)]
    chosen: Sequence[bytes] = [
        block.raw
        for block in blocks
        if block.log != skip and (only is None or (block.log == only and block.last < upto))
    ]
    _take(valley, taker, giver, chosen)


def _take(valley: Delegations, taker: str, giver: str, blocks: Sequence[bytes]) -> None:
    """Let a node take blocks as from another."""
    home = valley.homes[taker]
    door = LocalDoor(home, home.lock())
    try:
        door.node.take_now(blocks, public_key(load_node_key(valley.homes[giver])))
    finally:
        door.close()
