"""A settle that chooses no branch has a sentence that says why, and changes nothing; our own tools do not sign it."""

from pathlib import Path

import pytest

from fedsync.acts.books import minutes
from fedsync.acts.goods.recording import Line, record_lines
from fedsync.crdt.books.faults import NOT_HELD
from fedsync.crdt.reasons import REASONS
from fedsync.errors import Problem
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, PageId
from tests.acts.valley import Valley
from tests.cli.calling import Place


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory) -> Valley:
    """Two communities, whose Anns record goods."""
    valley = Valley(tmp_path_factory.mktemp("valley"), "Oakfield", "Mill Lane")
    for name in valley.homes:
        with valley.at(name) as (reading, door):
            record_lines(valley.author(name), reading, door, [Line("raise", "Oats", 7, "g", "Granary", 0)])
    valley.meet()
    return valley


def settle(valley: Valley, at: str, log_class: LogClass, seq: int | None = None) -> dict[str, Value]:
    """Return a settle of a log of a community's Ann: of what is held of it, or of a record that nobody has."""
    with Reading.open(valley.homes[at]) as reading:
        log = valley.author(at).genesis(reading, log_class, reading.own().scope).log
        (head,) = reading.store.logs.heads(log)
    if seq is not None:
        return {"kind": "settle", "log": log, "seq": seq, "id": b"\7" * 32}
    return {"kind": "settle", "log": log, "seq": head.seq, "id": head.id}


def entered(valley: Valley, entry: dict[str, Value], code: str) -> str:
    """Enter it at Oakfield, where our tools do not sign what is in vain for good; return what `why` says of it."""
    with valley.at("Oakfield") as (reading, door):
        page, _ = minutes.enter(valley.author("Oakfield"), reading, door, reading.own().scope, [entry])
    if code in NOT_HELD:
        valley.seal("Oakfield", page)
        return told(valley, page)
    with valley.at("Oakfield") as (reading, door), pytest.raises(Problem) as problem:
        minutes.sign(valley.author("Oakfield", "Ben"), reading, door, page)
    assert problem.value.code == code
    assert REASONS[code].sentence in str(problem.value)
    valley.seal_carelessly("Oakfield", page)
    return told(valley, page)


def told(valley: Valley, page: PageId) -> str:
    assert valley.page("Oakfield", page).status == "sealed"
    return Place(valley.homes["Oakfield"].path)("why", f"{page.hex()}:0").out


def oats(valley: Valley, body: str) -> int:
    rows = Place(valley.homes["Oakfield"].path).json("stock", "list", "--store", "Granary")["stock"]
    return sum(row["on_hand"]["quantity"] for row in rows if row["body"] == body)


def test_each_has_its_sentence_and_changes_nothing(valley: Valley, tmp_path: Path) -> None:
    facts, authority = LogClass.FACTS, LogClass.AUTHORITY
    before = {body: oats(valley, body) for body in valley.homes}
    nothing: dict[str, Value] = {"kind": "settle", "log": b"\1" * 32, "seq": 3, "id": b"\2" * 32}
    whole = settle(valley, "Oakfield", facts)
    for entry, code in (
        (settle(valley, "Oakfield", authority), "every-branch-counts"),
        (settle(valley, "Mill Lane", facts), "not-its-log"),
        (nothing, "settled-log-not-held"),
    ):
        assert REASONS[code].sentence in entered(valley, entry, code)
    assert {body: oats(valley, body) for body in valley.homes} == before
    entry = settle(valley, "Oakfield", facts, seq=9)
    assert "It waits" in entered(valley, entry, "branch-not-held")
    # What came first holds, though it chose what nobody has.
    assert "It changes nothing" in entered(valley, whole, "settled-before")
