"""Rotation: a body's own rule about terms, which our tools keep to, and a report that anybody can read."""

from pathlib import Path

import pytest

from fedsync.acts.books.rotation import DAY_MS, Service, services
from fedsync.crdt.books.delegates import given
from fedsync.crdt.books.minutes import current_epoch
from fedsync.reading import Reading, now_ms
from fedsync.records.codec import Value
from fedsync.records.ids import Key
from fedsync.records.kinds.entries import Rotation
from tests.acts.valley import Valley
from tests.cli.calling import Place

KEY = Key(b"k" * 32)
RULE = Rotation(longest=30, cooling=10)


@pytest.fixture
def oak(tmp_path: Path) -> Valley:
    """Return one community whose delegates serve for 30 days at most, and not again for 10."""
    valley = Valley(tmp_path, "Oakfield")
    with Reading.open(valley.homes["Oakfield"]) as reading:
        own = reading.own()
        epoch = current_epoch(reading.view, own.scope, own.body)
        assert epoch is not None
        seats: list[Value] = [{"genesis": each.genesis.payload} for each in epoch.seats.values()]
    entry: dict[str, Value] = {
        "kind": "epoch", "name": "Oakfield", "classification": "community", "level": 0, "seats": seats, "k": 2,
        "rotation": {"longest": 30, "cooling": 10},
    }  # fmt: skip
    valley.enter("Oakfield", [entry])
    return valley


def place(oak: Valley) -> Place:
    return Place(oak.homes["Oakfield"].path)


def give(oak: Valley, holder: str, *words: object, task: str = "the bread") -> dict[str, object]:
    found = place(oak).json(
        "mandates", "give", holder, "--task", task, *words, "--as", "Ann", "--no-passphrase"
    )  # fmt: skip
    page = found["page"]
    place(oak).seal(page, "Ann", "Ben")
    return found


def refused(oak: Valley, holder: str, *words: object) -> str:
    error = place(oak).refused(
        "mandates", "give", holder, "--task", "the bread", *words, "--as", "Ann", "--no-passphrase", code=7
    )
    return str(error["code"])


def test_a_term_is_as_long_as_the_rule_allows_when_none_is_named(oak: Valley) -> None:
    give(oak, "Cleo")
    (row,) = place(oak).json("mandates", "list")["mandates"]
    (served,) = place(oak).json("mandates", "report")["services"]
    assert (served["who"], served["task"], served["serves"], served["page"]) == ("Cleo", "the bread", True, 2)
    assert row["until"] is not None
    with Reading.open(oak.homes["Oakfield"]) as reading:
        (service,) = services(reading, reading.own().scope, now_ms())
        (found,) = given(reading.view)
    until = 30 * DAY_MS + service.since
    assert found.mandate.until is not None
    assert abs(found.mandate.until - until) < 60_000


def test_a_longer_term_is_refused_unless_it_is_said_to_be_against_the_rule(oak: Valley) -> None:
    assert refused(oak, "Cleo", "--until", "2999-01-01") == "term-too-long"
    assert not place(oak).json("mandates", "list")["mandates"]
    words = ("Cleo", "--task", "the bread", "--until", "2999-01-01", "--against-the-rule", "--as", "Ann")
    found = place(oak).json("mandates", "give", *words, "--no-passphrase")
    assert found["against_the_rule"] == "term-too-long"
    shown = place(oak)("book", "show", found["page"]).out
    assert "Against our own rule of rotation: By the body's rule a term lasts 30 days at most" in shown
    place(oak)("book", "sign", found["page"], "--as", "Ann", "--no-passphrase")
    place(oak)("book", "sign", found["page"], "--as", "Ben", "--no-passphrase")
    assert len(place(oak).page(str(found["page"]))["against_rotation"]) == 1, (
        "adopted, and still to be approved"
    )
    place(oak)("book", "approve", found["page"], "--as", "Ann", "--no-passphrase")
    (served,) = place(oak).json("mandates", "report")["services"]
    assert served["serves"] is True


def test_who_has_served_cools_off_before_serving_again_and_others_may_at_once(oak: Valley) -> None:
    give(oak, "Cleo")
    page = place(oak).json("mandates", "close", "Cleo", "--as", "Ann", "--no-passphrase")["page"]
    place(oak).seal(page, "Ann", "Ben")
    assert refused(oak, "Cleo") == "cooling-off"
    give(oak, "Cleo", task="the wine")
    give(oak, "Ben")
    report = place(oak).json("mandates", "report")
    assert report["rule"] == {"longest": 30, "cooling": 10}
    rows = {(each["who"], each["task"]): each for each in report["services"]}
    assert rows["Cleo", "the bread"]["cooling_until"] is not None
    assert rows["Cleo", "the wine"]["serves"] is True
    words = place(oak)("mandates", "report").out
    assert "at most 30 days, and again after 10" in words
    assert "cools off until" in words


def test_a_mandate_with_other_instructions_goes_on_with_the_same_term(oak: Valley) -> None:
    give(oak, "Cleo")
    give(oak, "Cleo", "--instruct", "*=free")
    (served,) = place(oak).json("mandates", "report")["services"]
    assert (served["terms"], served["serves"], served["page"]) == (2, True, 2)


def test_a_body_without_a_rule_is_told_so(tmp_path: Path) -> None:
    valley = Valley(tmp_path, "Oakfield")
    give(valley, "Cleo", "--until", "2999-01-01")
    report = place(valley).json("mandates", "report")
    assert report["rule"] is None
    assert "no rule of rotation" in place(valley)("mandates", "report").out
    assert place(valley).json("mandates", "list")["mandates"][0]["until"].startswith("2999")


def served(days: int, ended_days_ago: int | None) -> tuple[Service, int]:
    now = 1_000 * DAY_MS
    until = None if ended_days_ago is None else now - ended_days_ago * DAY_MS
    since = (now if until is None else until) - days * DAY_MS
    return Service("Cleo", KEY, (None, "the bread"), since, 1, until, 1), now


@pytest.mark.parametrize(
    ("days", "ended", "over", "cools"),
    [(30, None, False, False), (31, None, True, False), (31, 3, True, True), (5, 9, False, True), (5, 10, False, False)],
)  # fmt: skip
def test_a_service_is_over_the_longest_or_cools_off_by_the_days(
    days: int, ended: int | None, over: bool, cools: bool
) -> None:
    service, now = served(days, ended)
    assert service.days(now) == days
    assert service.over(RULE, now) is over
    assert (service.cools_until(RULE, now) is not None) is cools
    assert service.over(None, now) is False
    assert service.cools_until(None, now) is None
