"""A new epoch out of the one in force: what is not changed stays; numbers that nobody named stay as near as they may."""

from dataclasses import replace
from hashlib import sha256

import pytest

from fedsync.crdt.books.bearing import usual_k, usual_w
from fedsync.crdt.books.epoch import Epoch, judge_epoch
from fedsync.crdt.books.reform import NO_CHANGE, Change, reformed, sealers_value
from fedsync.records.codec import MAX_RECORD_BYTES, Value, pack
from fedsync.records.ids import Key, LogId, PageId, RecordId
from fedsync.records.kinds.entries import EpochEntry, NodeSealer, Repair, Rotation, Tip
from fedsync.records.kinds.entryform import parse_entry
from fedsync.records.kinds.motions import Method, Rule
from tests.crdt.books import genesis, key, tag


def body(name: object) -> PageId:
    return PageId(sha256(f"body {name}".encode()).digest())


def node(name: object) -> NodeSealer:
    return NodeSealer(
        Key(sha256(f"node {name}".encode()).digest()), sha256(f"at {name}".encode()).digest()[:16]
    )


def judged(value: dict[str, Value]) -> Epoch:
    entry = parse_entry(value)
    assert isinstance(entry, EpochEntry), entry
    return judge_epoch(entry, tag("Valley"), 1)


def region(members: int, more: dict[str, Value] | None = None) -> Epoch:
    """Return the epoch of a region sealed by the nodes of its members."""
    seats: list[Value] = [{"body": body(at)} for at in range(members)]
    return judged({
        "kind": "epoch", "name": {"en": "Valley", "de": "Tal"}, "classification": "region", "level": 1,
        "seats": seats, "k": usual_k(members), "sealers": sealers_value(node(at) for at in range(members)),
        "w": usual_w(members), **(more or {}),
    })  # fmt: skip


def guild(*names: str, k: int, more: dict[str, Value] | None = None) -> Epoch:
    """Return the epoch of people who seal themselves."""
    seats: list[Value] = [{"genesis": genesis(name, name, "Valley").payload} for name in names]
    return judged({
        "kind": "epoch", "name": "Millers", "classification": "guild", "level": 1, "seats": seats, "k": k, **(more or {}),
    })  # fmt: skip


KEYS: list[Value] = [*sorted([key("Rex"), key("Sue"), key("Tom")])]
MORE: dict[str, Value] = {
    "repair": {"keys": KEYS, "threshold": 2},
    "witness": body("World"),
    "voting": {"method": "consensus", "less": 1},
    "rotation": {"longest": 30, "cooling": 90},
    "answers_to": body("Ridge"),
}


@pytest.mark.parametrize(
    "epoch", [region(5, MORE), region(3), guild("Ann", "Ben", "Cem", k=2, more=MORE), guild("Ann", k=1)]
)
def test_what_is_not_changed_stays(epoch: Epoch) -> None:
    again = judged(reformed(epoch, NO_CHANGE))
    assert replace(again, consent_to=b"") == replace(epoch, consent_to=b"")


def test_each_change_changes_that_alone() -> None:
    epoch = region(5, MORE)
    rule, rotation, repair = Rule(Method.TWO_THIRDS), Rotation(10, 20), Repair((key("Una"),), 1)
    after = judged(
        reformed(epoch, Change(voting=rule, rotation=rotation, repair=repair, witness=tag("World"), k=4, w=5))
    )
    assert (after.voting, after.rotation, after.repair) == (rule, rotation, frozenset({key("Una")}))
    assert (after.witness, after.k, after.w) == (tag("World"), 4, 5)
    assert (after.members, after.sealers, after.answers_to) == (
        epoch.members,
        epoch.sealers,
        epoch.answers_to,
    )


def test_a_member_comes_and_goes_with_its_node() -> None:
    epoch = region(5)
    after = judged(reformed(epoch, Change(add_bodies=[body(9)], add_nodes=[node(9)])))
    assert (after.n, after.m, after.k, after.w) == (6, 6, 4, 5)
    back = judged(reformed(after, Change(drop_bodies=[body(9)], drop_nodes=[node(9)])))
    assert (back.members, back.sealers.keys(), back.k, back.w) == (epoch.members, epoch.sealers.keys(), 3, 4)


def test_a_nodes_successor_takes_its_place() -> None:
    after = judged(reformed(region(3), Change(add_nodes=[node("new")], drop_nodes=[node(0)])))
    assert {each.key for each in after.sealers.values()} == {node("new").key, node(1).key, node(2).key}


@pytest.mark.parametrize(
    ("k", "comes", "goes", "then"),
    [(2, 1, 0, 3), (3, 1, 0, 3), (3, 0, 1, 2), (2, 0, 1, 2), (3, 3, 0, 4), (2, 0, 2, 1)],
)
def test_a_threshold_that_nobody_named_stays_as_near_as_it_may(
    k: int, comes: int, goes: int, then: int
) -> None:
    epoch = guild("Ann", "Ben", "Cem", k=k)
    add = [genesis(f"new {at}", f"new {at}", "Valley") for at in range(comes)]
    drop = [key(name) for name in ("Ann", "Ben")[:goes]]
    after = judged(reformed(epoch, Change(add=add, drop=drop)))
    assert (after.k, after.w, after.own_sealers) == (then, then, False)


def test_seats_that_seal_by_more_than_sign_stay_so() -> None:
    epoch = guild("Ann", "Ben", "Cem", k=2, more={"w": 3})
    after = judged(reformed(epoch, Change(add=[genesis("Dia", "Dia", "Valley")])))
    assert (after.k, after.w, after.m) == (3, 3, 4)


def test_a_new_phone_takes_the_seat_and_the_seal() -> None:
    sealers: list[Value] = [{"genesis": genesis(name, name, "Valley").payload} for name in ("Ann", "Ben")]
    epoch = guild("Ann", "Ben", "Cem", k=2, more={"sealers": sealers, "w": 2})
    phone = genesis("phone", "Ann", "Valley")
    after = judged(reformed(epoch, Change(add=[phone])))
    old = genesis("Ann", "Ann", "Valley").log
    assert phone.log in after.seats
    assert phone.log in after.sealers
    assert old not in {*after.seats, *after.sealers}
    gone = judged(reformed(epoch, Change(drop=[key("Ann")], k=2, w=1)))
    assert old not in {*gone.seats, *gone.sealers}


def test_cuts_are_of_one_page_and_never_taken_over() -> None:
    tip = Tip(LogId(bytes(32)), 1, RecordId(bytes(32)))
    cut = judged(reformed(guild("Ann", "Ben", "Cem", k=2), Change(drop=[key("Cem")], cuts=[tip])))
    assert cut.cuts == (tip,)
    assert judged(reformed(cut, NO_CHANGE)).cuts == ()


def test_the_epoch_of_two_hundred_communities_fits_on_a_page_with_its_consents() -> None:
    entry = reformed(region(199, MORE), Change(add_bodies=[body(199)], add_nodes=[node(199)]))
    consents: list[Value] = [body(f"page {at}") for at in range(200)]
    join: dict[str, Value] = {"kind": "join", "body": body(199)}
    assert judged(entry).n == 200
    assert len(pack([{**entry, "consents": consents}, join])) < MAX_RECORD_BYTES - 1024
