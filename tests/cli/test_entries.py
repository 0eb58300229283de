"""What stands on a page is told in words, whatever its kind, with names where they are known."""

from collections.abc import Iterator

import pytest

from fedsync.cli.books.entries import describe
from fedsync.home import Home
from fedsync.keyring import find_person
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import Key
from fedsync.records.kinds import entries as kinds
from fedsync.records.kinds import entryform
from fedsync.records.kinds.entries import VoidEntry
from fedsync.records.kinds.entryform import parse_entry
from tests.cli.calling import Place

SOME = b"\x11" * 32
RULE: dict[str, Value] = {"method": "two_thirds", "of": "voting", "quorum": 3}


@pytest.fixture(scope="module")
def reading(shown: Place) -> Iterator[Reading]:
    with Reading.open(Home(shown.path)) as found:
        yield found


def entries_of(reading: Reading) -> dict[str, tuple[dict[str, Value], str]]:
    """Return one entry of each kind, and a piece of what has to be said of it."""
    ann, own = Key(find_person(reading.home, "Ann").key), reading.own().body
    tip: list[Value] = [SOME, 4, SOME]
    return {
        kinds.EPOCH: (
            {"name": "Valley", "classification": "region", "level": 1, "seats": [{"body": own}], "k": 1,
             "voting": RULE, "rotation": {"longest": 90, "cooling": 30}, "answers_to": own},
            "1 of these must sign: Oakfield",
        ),
        kinds.DECISION: (
            {"title": "Oats", "text": "We plant.", "expires": 0, "supersedes": [[SOME, 1]]},
            "in place of the decision 11111111:1",
        ),
        kinds.REPEAL: ({"decision": [SOME, 1]}, "Repealed: the decision 11111111:1"),
        kinds.MANDATE: (
            {"holder": ann, "seat": own, "until": 0, "may": ["decision"], "limits": {"kg": 5},
             "instructions": {"*": "free", f"{SOME.hex()}#2": ["yes", "abstain"], SOME.hex(): {"least": 3, "most": 7}}},
            "on the motion 11111111, clause 2: yes or abstain",
        ),
        kinds.RECALL: ({"mandate": [SOME, 0], "cuts": [tip]}, "all up to number 4"),
        kinds.CLOSING: ({"mandate": [SOME, 0], "cuts": []}, "nothing that was signed or voted under it is kept"),
        kinds.CONFIRM: ({"motion": SOME, "vote": None}, "no vote of ours"),
        kinds.RATIFY: ({"motion": SOME, "vote": SOME}, "Ratified on the motion 11111111: the vote 11111111"),
        kinds.WITNESS: ({"body": own, "page": own}, "Seen of Oakfield: its book up to page 0"),
        kinds.CONSENT: ({"body": own, "to": SOME}, "new rules of Oakfield"),
        kinds.RESULT: (
            {"motion": SOME, "rule": RULE, "counts": [["yes", 5], ["no", 2]]},
            "at least two thirds of those voting; at least 3 must be present",
        ),
        kinds.JOIN: ({"body": own}, "Joins Oakfield"),
        kinds.LEAVE: ({"body": own, "cuts": [tip]}, "Leaves Oakfield"),
        kinds.CREATE: ({"body": own}, "answers to this body"),
        kinds.SETTLE: ({"log": SOME, "seq": 2, "id": SOME}, "Of the log 11111111"),
    }  # fmt: skip


def test_every_kind_of_entry_is_told_in_words(reading: Reading) -> None:
    told = entries_of(reading)
    assert told.keys() == entryform._READERS.keys()
    for kind, (value, words) in told.items():
        entry = parse_entry({"kind": kind, **value})
        assert not isinstance(entry, VoidEntry), (kind, entry)
        row = describe(reading, reading.own().scope, entry)
        assert row["kind"] == kind
        assert any(words in line for line in row["lines"]), (kind, row["lines"])
        assert row["lines"] != [kind]


def test_a_mandates_holder_is_called_by_name(reading: Reading) -> None:
    value, _ = entries_of(reading)[kinds.MANDATE]
    row = describe(reading, reading.own().scope, parse_entry({"kind": "mandate", **value}))
    assert row["lines"][0] == "Mandate: Ann acts for this body in Oakfield"
    assert row["holder"] == "Ann"


def test_what_is_void_or_unknown_says_so(reading: Reading) -> None:
    void = describe(reading, reading.own().scope, parse_entry({"kind": "mandate"}))
    assert void["void"] == "malformed"
    assert "void" in void["lines"][0]
    unknown = describe(reading, reading.own().scope, parse_entry({"kind": "song"}))
    assert unknown["unknown"] is True
    assert "no effect" in unknown["lines"][0]
