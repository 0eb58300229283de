"""A region's certificate is checked by who is outside it, and audited by who holds the books of its members."""

from pathlib import Path

import pytest

from fedsync.acts.books import minutes
from fedsync.auditing import audit
from fedsync.crdt.books.certificate import Certified, check
from fedsync.crdt.books.certifying import certify
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import PageId, Scope
from tests.acts.valley import Valley
from tests.cli.calling import Place, fedsync

NAMES = ("Oakfield", "Mill Lane", "Hill Farm")


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> tuple[Valley, PageId, Scope]:
    """A region of three, whose page 1 is signed by two delegates and sealed by the members' nodes."""
    valley = Valley(tmp_path_factory.mktemp("valley"), *NAMES)
    valley.meet()
    body, scope = valley.found_region("Oakfield")
    valley.meet()
    for name in NAMES[:2]:
        mandate: dict[str, Value] = {
            "kind": "mandate",
            "holder": valley.author(name, "Cleo").key,
            "seat": body,
            "instructions": {"*": "free"},
        }
        valley.enter(name, [mandate])
    valley.meet()
    entry: dict[str, Value] = {"kind": "decision", "title": "A bridge", "text": "We build it."}
    page = None
    for name in NAMES[:2]:
        cleo = valley.author(name, "Cleo")
        with valley.at(name) as (reading, door):
            page = page or minutes.enter(cleo, reading, door, scope, [entry])[0]
            minutes.sign(cleo, reading, door, page)
        valley.meet()
    return valley, body, scope


def shown(valley: Valley, scope: Scope, number: int | None = None) -> Certified:
    with Reading.open(valley.homes["Mill Lane"]) as reading:
        return check(certify(reading.view, scope, number).pack())


def test_who_is_outside_checks_the_sealers_and_is_told_that_the_seats_were_not_looked_at(
    region: tuple[Valley, PageId, Scope], tmp_path: Path
) -> None:
    valley, body, scope = region
    certified = shown(valley, scope)
    assert (certified.body, certified.number, certified.unseen) == (body, 1, (0,))
    (proven,) = certified.proven
    assert proven.epoch.m == 3
    Place(valley.homes["Mill Lane"].path)("bodies", "certificate", "Valley", "--output", tmp_path / "bridge")
    said = fedsync("bodies", "check", tmp_path / "bridge", "--body", body.hex()).out
    assert "  page 1: A bridge" in said.splitlines()
    assert "Not looked at: what the bodies that have seats decided themselves." in said


def test_who_holds_the_members_books_works_it_out_again(region: tuple[Valley, PageId, Scope]) -> None:
    valley, body, scope = region
    certified = shown(valley, scope)
    for name in NAMES:
        with Reading.open(valley.homes[name]) as reading:
            found = audit(reading, body, certified)
        assert (found.number, found.bodies, found.missing, found.differences) == (1, 4, [], [])


def test_without_a_members_book_it_cannot_be_told_and_that_book_is_named(
    region: tuple[Valley, PageId, Scope], tmp_path: Path
) -> None:
    valley, body, scope = region
    outside = Valley(tmp_path, "Far Away")
    with Reading.open(valley.homes["Oakfield"]) as reading:
        blocks = [block.raw for _, block in reading.store.since(0)]
        members = {reading.name_of(each.scope): each for each in reading.store.followed.all()}
    certified = shown(valley, scope)
    seen: list[tuple[int | None, int]] = []
    for more in (["Valley"], ["Oakfield", "Mill Lane"], ["Hill Farm"]):
        with outside.at("Far Away") as (_, door):
            for name in more:
                door.call("ask_for", body=members[name].body.hex(), scope=members[name].scope.hex())
            door.node.take_now(blocks, b"\7" * 32)  # type: ignore[attr-defined]
            door.node.take_now(blocks, b"\7" * 32)  # type: ignore[attr-defined]
        with Reading.open(outside.homes["Far Away"]) as reading:
            found = audit(reading, body, certified)
            seen.append((found.number, len(found.unknown)))
            assert found.differences == []
            for each in found.unknown:
                assert any(each.hex()[:8] in sentence for sentence in found.missing)
    assert seen == [(0, 3), (0, 1), (1, 0)]
    assert found.missing == []
