"""Export and import of Popolo: bodies, mandates and votes go out; names, motions and counts come in, unsigned."""

import json
from pathlib import Path
from typing import Any

import pytest

from fedsync.acts.books.publishing import requirement, rule_in
from fedsync.keyring import find_person
from fedsync.records.codec import Value
from fedsync.records.kinds.motions import Method, Of, Rule
from tests.acts.valley import Valley
from tests.cli.calling import Place, found
from tests.cli.region import Story

COUNCIL = Path(__file__).parents[1] / "popolo" / "council.json"
RULES = [
    Rule(Method.MAJORITY),
    Rule(Method.TWO_THIRDS, Of.VOTING, quorum=7),
    Rule(Method.THRESHOLD, Of.PRESENT, need=3),
    Rule(Method.CONSENSUS, less=2),
    Rule(Method.CONDORCET),
    Rule(Method.APPROVAL, Of.PRESENT),
]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_written_in_words_and_read_back(rule: Rule) -> None:
    text = requirement(rule)
    assert rule_in(text) == rule
    assert text[0].islower()
    assert "[" in text


@pytest.mark.parametrize(
    "text", ["", "a simple majority", "all [majority of=nobody]", "[song]", "[threshold]"]
)
def test_anothers_words_are_no_rule_of_ours(text: str) -> None:
    assert rule_in(text) is None


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A region whose page certified a motion by the votes of two delegates."""
    story = Story(tmp_path_factory.mktemp("region"))
    valley = story.valley
    for name in ("Oakfield", "Mill Lane"):
        story.sign(name, story.page)
        valley.meet()
    motion = story.motion("Oakfield", "A mill")
    valley.meet()
    votes = [story.vote(name, motion, "yes") for name in ("Oakfield", "Mill Lane")]
    valley.meet()
    result: dict[str, Value] = {
        "kind": "result", "motion": motion, "rule": {"method": "majority", "of": "present"}, "votes": list(votes),
    }  # fmt: skip
    page = story.draft("Oakfield", [result])
    for name in ("Oakfield", "Mill Lane"):
        story.sign(name, page)
        valley.meet()
    return story


def by(things: list[dict[str, Any]], **fields: str) -> list[dict[str, Any]]:
    return [each for each in things if all(each.get(name) == said for name, said in fields.items())]


def test_a_region_goes_out_with_its_members_mandates_and_votes(story: Story, tmp_path: Path) -> None:
    file = tmp_path / "valley.json"
    value = story.place("Hill Farm").json("export", "popolo", "--output", file)
    assert (value["organizations"], value["motions"], value["vote_events"]) == (4, 1, 1)
    popolo = json.loads(file.read_text(encoding="utf-8"))
    (valley,) = by(popolo["organizations"], name="Valley")
    (mill,) = by(popolo["organizations"], name="Mill Lane")
    assert (valley["classification"], mill["parent_id"]) == ("region", valley["id"])
    assert mill["founding_date"][:2] == "20"
    sent = by(popolo["memberships"], organization_id=valley["id"], role="delegate")
    assert {each["on_behalf_of_id"] for each in sent} == {
        each["id"] for each in popolo["organizations"] if each["name"] in ("Oakfield", "Mill Lane")
    }
    assert len(by(popolo["memberships"], organization_id=valley["id"], role="seat")) == 3
    assert len(by(popolo["memberships"], organization_id=mill["id"], role="teller")) == 3
    people = {each["id"]: each["name"] for each in popolo["persons"]}
    assert {people[each["person_id"]] for each in sent} == {"Cleo"}
    (motion,) = popolo["motions"]
    assert motion["text"] == "A mill\n\nShall we?"
    assert motion["requirement"] == "more than half of those present [majority of=present]"
    assert "result" not in motion  # no book has confirmed a vote: it may still change
    (event,) = popolo["vote_events"]
    assert event["counts"] == [{"option": "yes", "value": 2}]
    assert sorted(vote["option"] for vote in event["votes"]) == ["absent", "yes", "yes"]
    assert all(vote["group_id"] for vote in event["votes"])


def test_what_comes_in_goes_out_again_as_it_was(story: Story, tmp_path: Path) -> None:
    file = tmp_path / "valley.json"
    story.place("Hill Farm")("export", "popolo", "--body", "Valley", "--output", file)
    fresh = found(tmp_path / "fresh")
    looked = fresh.json("import", "popolo", file, "--dry-run")
    assert fresh.json("motions", "list")["motions"] == []
    done = fresh.json("import", "popolo", file, "--as", "Ann")
    assert (len(done["names"]), len(done["motions"]), done["prepared"]) == (2, 1, 1)
    assert {**looked, "dry_run": False} == {name: done[name] for name in looked}
    page = fresh.json("book", "draft", "--as", "Ann")["page"]
    fresh.seal(page, "Ann", "Ben")
    first, again = (json.loads(text) for text in (file.read_text(), fresh("export", "popolo").out))
    (motion,), (same,) = first["motions"], again["motions"]
    assert {motion[name] == same[name] for name in ("text", "classification", "requirement")} == {True}
    (event,), (counted,) = first["vote_events"], again["vote_events"]
    assert event["counts"] == counted["counts"]
    assert counted["result"] == "pass"  # counted in the room, and its page is sealed
    names = {(each["id"], each["name"]) for each in first["persons"]}
    assert names <= {(each["id"], each["name"]) for each in again["persons"]}
    assert by(again["memberships"], role="delegate") == []
    repeated = fresh.json("import", "popolo", file, "--as", "Ann")
    assert (repeated["names"], repeated["written"], repeated["prepared"]) == (
        [],
        {"names": 0, "motions": []},
        0,
    )
    assert any("stands in the book already" in note for note in repeated["notes"])


def test_a_delegate_of_ours_whose_key_is_known_becomes_a_prepared_mandate_without_instructions(
    tmp_path: Path,
) -> None:
    valley = Valley(tmp_path, "Oakfield", "Mill Lane", "Hill Farm")
    valley.meet()
    region, _ = valley.found_region("Oakfield")
    home = valley.homes["Oakfield"]
    place = Place(home.path)
    own, ben = place.json("bodies", "show")["community"], find_person(home, "Ben").key.hex()
    popolo = {
        "persons": [{"id": "b", "name": "Ben", "identifiers": [{"scheme": "fedsync-key", "identifier": ben}]}],
        "organizations": [{"id": "r", "identifiers": [{"scheme": "fedsync-body", "identifier": region.hex()}]}],
        "memberships": [
            {"person_id": "b", "organization_id": "r", "on_behalf_of_id": own, "role": "delegate", "end_date": "2999-01-01"},
            {"person_id": "b", "organization_id": "r", "on_behalf_of_id": own, "role": "delegate", "end_date": "2001-01-01"},
            {"person_id": "b", "organization_id": "r", "role": "teller"},
        ],
    }  # fmt: skip
    file = tmp_path / "sent.json"
    file.write_text(json.dumps(popolo))
    value = place.json("import", "popolo", file, "--as", "Ann")
    assert (value["mandates"], value["prepared"]) == (1, 1)
    assert "1 memberships are over" in value["notes"]
    prepared = place("book", "draft", "--list").out
    assert "Mandate: Ben acts for this body in Valley" in prepared
    (entry,) = place.json("book", "draft", "--list")["prepared"]
    assert entry["instructions"] == {}
    assert place.json("mandates", "list")["mandates"] == []


def test_a_councils_file_is_taken_in_as_far_as_it_says_who_is_who(node: Place) -> None:
    value = node.json("import", "popolo", COUNCIL, "--as", "Ann")
    assert [each["name"] for each in value["names"]] == ["Ada Moss"]
    assert [each["title"] for each in value["motions"]] == ["Mend the weir"]
    assert [each["counts"] for each in value["results"]] == [[["no", 2], ["yes", 5]]]
    notes = "\n".join(value["notes"])
    assert "2 people have no key in the file" in notes
    assert "the motion m/2 is left out: A motion needs a title" in notes
    assert "the vote v/2 is left out: its motion does not come in" in notes
    assert "no file founds a body" in notes
    assert node.json("decisions", "list")["decisions"] == []


def test_what_is_no_popolo_changes_nothing(node: Place, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    for raw in (b"{", b"[]", b'{"persons": [{"name": "Ada"}]}', b"\xff\xfe"):
        file.write_bytes(raw)
        error = node.refused("import", "popolo", file, "--as", "Ann", code=11)
        assert "Nothing was written" in error["message"]
    node.refused("import", "popolo", tmp_path / "none.json", "--as", "Ann", code=2)
    node.refused("import", "popolo", COUNCIL, code=2)
    node.refused("import", "popolo", COUNCIL, "--as", "Zed", code=6)
    node.refused("export", "popolo", "--output", tmp_path, code=2)
    assert node.json("motions", "list")["motions"] == []
