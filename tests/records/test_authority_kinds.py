"""What books' records may say: exactly their fields, and anything else is void and never an error of ours."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.records.codec import Value
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import Key, LogClass, Reach, Scope
from fedsync.records.kinds import CLASS_OF, class_of
from fedsync.records.kinds.announcing import (
    MAX_ADDRESSES,
    Announcement,
    announcement_value,
    is_address,
    parse_announcement,
)
from fedsync.records.kinds.authority import parse_approval, parse_page, parse_person, parse_signature
from fedsync.records.kinds.entries import Decision, EpochEntry, KeySeat, UnknownEntry, VoidEntry
from fedsync.records.void import Void
from tests.records.values import VALUES

ID, TAG = b"i" * 32, b"t" * 16
SEAT_LOG = Genesis(Key(b"k" * 32), Scope(TAG), SEAT, LogClass.AUTHORITY, Reach.WORLD, b"n" * 16)
EPOCH: dict[str, Value] = {
    "kind": "epoch",
    "name": {"en": "Mill Lane", "de": "Mühlgasse"},
    "classification": "community",
    "level": 0,
    "seats": [{"genesis": SEAT_LOG.payload}],
    "k": 1,
    "repair": {"keys": [b"r" * 32], "threshold": 1},
    "cuts": [[ID, 4, ID]],
}
PAGE_0: dict[str, Value] = {"body": None, "number": 0, "prev": None, "entries": [EPOCH], "scope": TAG}
PAGE: dict[str, Value] = {"body": ID, "number": 3, "prev": ID, "entries": [], "by": "repair"}
SIGNATURE: dict[str, Value] = {"page": ID, "slot": ID, "round": 0, "lock": 2}
APPROVAL: dict[str, Value] = {"page": ID, "slot": ID, "round": 0}
ANNOUNCEMENT: dict[str, Value] = {"addresses": ["node.example.org:7447", "[2001:db8::7]:7447"], "relay": True}
PERSON: list[Value] = [TAG, {"key": b"k" * 32, "name": "Ann"}]
PARSERS: list[tuple[Callable[[Value], object], Value]] = [
    (parse_page, PAGE_0),
    (parse_page, PAGE),
    (parse_signature, SIGNATURE),
    (parse_approval, APPROVAL),
    (parse_person, PERSON),
    (parse_announcement, ANNOUNCEMENT),
]


def test_a_page_says_what_was_written() -> None:
    page = parse_page(PAGE_0)
    assert (page.number, page.body, page.prev, page.scope) == (0, None, None, TAG)
    (epoch,) = page.entries
    assert isinstance(epoch, EpochEntry)
    assert epoch.seats == (KeySeat(SEAT_LOG),)
    assert page.epoch == (0, epoch)
    assert parse_page(PAGE).repair


def test_an_entry_that_does_not_match_is_void_alone_and_an_unknown_one_is_kept() -> None:
    good: Value = {"kind": "decision", "title": "A", "text": "B"}
    page = parse_page(
        PAGE | {"entries": [good, {"kind": "decision"}, {"kind": "song", "la": 1}, EPOCH | {"k": "two"}]}
    )
    assert page.entries[0] == Decision("A", "B")
    assert isinstance(page.entries[1], VoidEntry)
    assert page.entries[2] == UnknownEntry("song")
    found = page.epoch
    assert found is not None
    assert found[0] == 3
    assert isinstance(found[1], VoidEntry)


@pytest.mark.parametrize(("parse", "value"), PARSERS)
@given(odd=VALUES, data=st.data())
def test_any_other_value_is_void_and_nothing_else_is_raised(
    parse: Callable[[Value], object], value: Value, odd: Value, data: st.DataObject
) -> None:
    changed: Value = odd
    fields = value[1] if isinstance(value, list) else value
    if isinstance(fields, dict) and data.draw(st.booleans()):
        changed = fields | {data.draw(st.sampled_from([*fields, "more"])): odd}
        changed = [TAG, changed] if isinstance(value, list) else changed
    code = None
    try:
        parse(changed)
    except Void as void:
        code = void.code
    assert code in (None, "malformed")


@pytest.mark.parametrize(
    "wrong",
    [
        PAGE_0 | {"number": False},
        PAGE_0 | {"body": ID},
        PAGE_0 | {"by": "repair"},
        PAGE | {"number": True},
        PAGE | {"scope": TAG},
        PAGE | {"by": "us"},
        PAGE | {"entries": [{"title": "no kind"}]},
        PAGE | {"prev": None},
    ],
)
def test_a_page_that_is_nearly_right_is_void(wrong: dict[str, Value]) -> None:
    with pytest.raises(Void):
        parse_page(wrong)


def test_each_kind_belongs_in_one_class_of_log_and_an_unknown_one_in_none() -> None:
    assert class_of("page") is class_of("signature") is class_of("approval") is LogClass.AUTHORITY
    assert class_of("economic_event") is class_of("count") is LogClass.FACTS
    assert class_of("commitment") is LogClass.PLANS
    assert class_of("notice") is LogClass.TEXTS
    assert class_of("song") is None
    assert set(CLASS_OF.values()) == set(LogClass)


def test_an_announcement_says_what_was_written() -> None:
    said = parse_announcement(ANNOUNCEMENT)
    assert said == Announcement(("node.example.org:7447", "[2001:db8::7]:7447"), relay=True)
    assert announcement_value(said) == ANNOUNCEMENT
    assert parse_announcement({"addresses": []}) == Announcement(())


ODD_ADDRESSES = [
    "", "node", ":7447", "node:", "node:0", "node:07447", "node:65536", "node:7447 ", " node:7447", "no de:7447",
    "nöde:7447", "node\n:7447", "::1:7447", "[::1:7447", "[]:7447", "[node]:7447", "fe80::1%eth0:7447", "[fe80::1%eth0]:7447",
    "a" * 254 + ":7447", "node:7447/", "\x1b[31m:7447", "node:٧",
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD_ADDRESSES)
def test_what_is_no_address_makes_an_announcement_void(odd: str) -> None:
    assert not is_address(odd)
    with pytest.raises(Void, match="address"):
        parse_announcement(
            {"addresses": ["node.example.org:7447", odd]} if odd else {"addresses": [odd, "n:1"]}
        )


def test_an_announcement_is_void_with_too_many_addresses_one_of_them_twice_or_no_relay_that_is_said() -> None:
    many: list[Value] = [f"node{number}:7447" for number in range(MAX_ADDRESSES + 1)]
    assert len(parse_announcement({"addresses": many[:-1]}).addresses) == MAX_ADDRESSES
    odd: list[dict[str, Value]] = [
        {"addresses": many},
        {"addresses": many[:1] * 2},
        {"addresses": [], "relay": False},
        {"addresses": [], "relay": 1},
        {"addresses": "node:1"},
        {},
    ]
    for value in odd:
        with pytest.raises(Void):
            parse_announcement(value)
