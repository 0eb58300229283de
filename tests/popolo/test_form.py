"""Popolo as JSON, there and back: what is written is read as it was, and nothing is guessed at."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsync.plain import plain
from fedsync.popolo import form
from fedsync.popolo.form import BadPopolo, dump, load, to_json
from fedsync.popolo.model import (
    Count,
    Identifier,
    Membership,
    Motion,
    Organization,
    Person,
    Popolo,
    Post,
    Vote,
    VoteEvent,
)

COUNCIL = (Path(__file__).parent / "council.json").read_bytes()

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
identifiers = st.lists(st.builds(Identifier, texts, texts), max_size=2).map(tuple)
counts = st.lists(st.builds(Count, texts, st.integers(0, 2**53 - 1)), max_size=3).map(tuple)
ballots = st.lists(st.builds(Vote, texts, texts, texts), max_size=3).map(tuple)


def many(things: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(things, max_size=4, unique_by=lambda each: each.id or id(each)).map(tuple)


populi = st.builds(
    Popolo,
    persons=many(st.builds(Person, ids, texts, identifiers)),
    organizations=many(st.builds(Organization, ids, texts, texts, texts, texts, identifiers)),
    posts=many(st.builds(Post, ids, texts, texts, texts)),
    memberships=many(st.builds(Membership, texts, texts, texts, texts, texts, texts, texts, texts, texts)),
    motions=many(st.builds(Motion, ids, texts, texts, texts, texts, texts, texts)),
    vote_events=many(st.builds(VoteEvent, ids, texts, texts, texts, texts, texts, counts, ballots)),
)


@given(populi)
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read_as_it_was(popolo: Popolo) -> None:
    assert load(dump(popolo).encode()).popolo == popolo
    assert dump(load(dump(popolo).encode()).popolo) == dump(popolo)
    on_a_screen = dump(popolo, ascii_only=True)
    assert load(plain(on_a_screen.replace("\n", " ")).encode()).popolo == popolo


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["persons", "id", "name", "votes", "counts", "vote_events", "value", "member"]),
                        inner, max_size=4)))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_any_json_is_read_or_refused_in_words(value: Any) -> None:
    try:
        found = form.from_json(value)
    except BadPopolo:
        pass
    else:
        assert load(dump(found.popolo).encode()).popolo == found.popolo


def test_a_council_is_read_and_what_is_left_out_is_said() -> None:
    loaded = load(COUNCIL)
    popolo = loaded.popolo
    assert [each.name for each in popolo.persons] == ["Ada Moss", "Bo Lind", "Cy Ode"]
    assert (popolo.persons[0].key or "")[:8] == "8a88e3dd"
    assert popolo.organizations[1].parent_id == "o/council"
    assert popolo.memberships[2].person_id == "p/3"
    assert loaded.notes == (
        "the field email of persons is left out (once)",
        "the field image of persons is left out (once)",
        "the field sources of motions is left out (once)",
        "the part events is left out (once)",
        "what else person of memberships says is left out (once)",
        "1 of memberships name a body that they are on behalf of that is not in the file",
    )


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"[]", "not an object"),
        (b"{}", "none of: persons"),
        (b'{"persons": {}}', "persons is not a list"),
        (b'{"persons": [1]}', "something in persons is not an object"),
        (b'{"persons": [{"name": "Ada"}]}', "something in persons has no id"),
        (b'{"persons": [{"id": ""}]}', "something in persons has no id"),
        (b'{"persons": [{"id": "a"}, {"id": "a"}]}', "two things in persons have the id a"),
        (b'{"persons": [{"id": []}]}', "the field id of persons is not a text"),
        (b'{"persons": [{"id": "a", "name": true}]}', "the field name of persons is not a text"),
        (b'{"persons": [{"id": "a", "name": "\\ud800"}]}', "half a letter"),
        (b'{"persons": [{"id": "a", "identifiers": 7}]}', "identifiers of persons is not a list"),
        (b'{"persons": [{"id": "a", "name": NaN}]}', "a number that is none"),
        (
            b'{"vote_events": [{"id": "v", "counts": [{"option": "yes", "value": -1}]}]}',
            "no number of voters",
        ),
        (
            b'{"vote_events": [{"id": "v", "counts": [{"option": "yes", "value": 1.5}]}]}',
            "no number of voters",
        ),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_what_would_have_to_be_guessed_is_refused_with_its_reason(raw: bytes, words: str) -> None:
    with pytest.raises(BadPopolo, match=words.replace("(", "\\(")):
        load(raw)


def test_huge_files_are_refused_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "MAX_THINGS", 3)
    with pytest.raises(BadPopolo, match="more than 3 things"):
        load(json.dumps({"persons": [{"id": str(at)} for at in range(4)]}).encode())
    counts = [{"option": "yes", "value": 1}] * 4
    with pytest.raises(BadPopolo, match="more than 3 things"):
        load(json.dumps({"vote_events": [{"id": "v", "counts": counts}]}).encode())
    monkeypatch.setattr(form, "MAX_BYTES", 10)
    with pytest.raises(BadPopolo, match="more than 10 bytes"):
        load(COUNCIL)


def test_numbers_may_be_ids_and_nothing_said_is_nothing_written() -> None:
    popolo = load(b'{"persons": [{"id": 7, "name": null}]}').popolo
    assert popolo.persons == (Person("7", ""),)
    assert to_json(popolo)["persons"] == [{"id": "7"}]
