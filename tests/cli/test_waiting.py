"""What waits for people stands in `status`, each with what to type next."""

from pathlib import Path
from typing import Any

import pytest

from fedsync.acts.author import now_ms
from fedsync.cli.waiting import waiting
from fedsync.reading import Reading
from fedsync.records.codec import Value
from tests.acts.copied import copied
from tests.acts.valley import Valley
from tests.cli.calling import Place
from tests.cli.federation import Federation
from tests.cli.region import Story

DAY_MS = 86_400_000


def waits(place: Place, kind: str) -> list[dict[str, Any]]:
    return [row for row in place.json("status")["waiting"] if row["kind"] == kind]


def test_a_page_waits_for_its_tellers_and_then_for_approvals(node: Place) -> None:
    assert node.json("status")["waiting"] == []
    assert "FOR YOU" not in node("status").out
    page = node.propose("Oats")
    (row,) = waits(node, "page")
    assert (row["page"], row["number"], row["missing"]) == (page, 1, ["Ann", "Ben", "Cleo"])
    assert row["can_approve"] == []
    node("book", "sign", page, "--as", "Ann")
    node("book", "sign", page, "--as", "Ben")
    (row,) = waits(node, "page")
    assert (row["missing"], row["can_approve"]) == (["Ann", "Cleo"], ["Ann", "Cleo"])
    lines = node("status").out.splitlines()
    assert lines[-2:] == [
        "FOR YOU",
        f"  page 1 ({page[:8]}) waits for Ann, Cleo. fedsync book approve {page[:8]} --as NAME",
    ]
    node("book", "approve", page, "--as", "Ann")
    assert node.json("status")["waiting"] == []


def test_pages_in_one_place_are_told_as_rivals(node: Place) -> None:
    node.propose("Oats")
    assert "only one can be sealed" not in node("status").out
    node.propose("Rye", name="Ben")
    lines = [row["line"] for row in waits(node, "page")]
    assert [line.partition("; ")[2] for line in lines] == [
        "it is one of 2 in this place, and only one can be sealed"
    ] * 2


def test_no_vote_is_waited_for_where_our_book_has_had_its_word(tmp_path: Path) -> None:
    valley = copied(Federation, tmp_path)
    place = valley.place()
    put = ("motions", "put", "--title", "A bridge", "--text", "-", "--body", "Valley", "--as", "Cleo")
    motion = place.json(*put, "--no-passphrase", stdin="Of oak.")["id"]
    assert len(waits(place, "vote")) == 1
    valley.decided("Oakfield", "votes", "confirm", motion, "--vote", "none")
    assert waits(place, "vote") == []


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(tmp_path_factory.mktemp("region"))


def test_a_regions_page_waits_for_our_delegate_or_for_a_community_to_send_one(story: Story) -> None:
    (row,) = waits(story.place("Oakfield"), "delegate")
    assert (row["page"], row["missing"]) == (story.page.hex(), ["Cleo"])
    assert row["next"] == f"fedsync book sign {story.page.hex()[:8]} --as Cleo"
    story.valley.meet()
    (row,) = waits(story.place("Hill Farm"), "delegate")
    assert row["missing"] == []
    assert "we have sent nobody" in row["line"]
    assert row["next"] == "fedsync mandates give PERSON --seat Valley --as NAME"
    story.sign("Oakfield", story.page)
    assert waits(story.place("Oakfield"), "delegate") == []


def test_a_result_waits_for_our_books_word_until_it_says_it(story: Story) -> None:
    valley = story.valley
    story.sign("Mill Lane", story.page)
    valley.meet()
    motion = story.motion("Oakfield", "A mill")
    (row,) = waits(story.place("Oakfield"), "vote")
    assert (row["motion"], row["clauses"], row["holder"]) == (motion.hex(), [""], "Cleo")
    assert row["line"] == '"A mill" in Valley waits for the vote of Cleo'
    assert row["next"] == f"fedsync votes cast {motion.hex()[:8]} OPTION --as Cleo"
    vote = story.vote("Oakfield", motion, "yes")
    result: dict[str, Value] = {
        "kind": "result", "motion": motion, "rule": {"method": "majority", "of": "present"}, "votes": [vote],
    }  # fmt: skip
    assert waits(story.place("Oakfield"), "vote") == []
    page = story.draft("Oakfield", [result])
    (row,) = waits(story.place("Oakfield"), "word")
    assert (row["result"], row["votes"]) == (f"{page.hex()}:0", [vote.hex()])
    assert "(yes) waits for our book to confirm our vote" in row["line"]
    story.sign("Oakfield", page)
    valley.meet()
    story.sign("Mill Lane", page)
    valley.meet()
    again = story.draft("Oakfield", [result, {"kind": "decision", "title": "Counted again", "text": ""}])
    (row,) = waits(story.place("Oakfield"), "word")
    assert row["result"] == f"{again.hex()}:0"  # one word answers both
    valley.enter("Oakfield", [{"kind": "confirm", "motion": motion, "vote": vote}])
    assert waits(story.place("Oakfield"), "word") == []


def test_a_mandate_that_ends_soon_is_told(story: Story) -> None:
    assert waits(story.place("Hill Farm"), "mandate") == []
    soon = story.mandate("Hill Farm") | {"until": now_ms() + 3 * DAY_MS + DAY_MS // 2}
    story.valley.enter("Hill Farm", [soon])
    (row,) = waits(story.place("Hill Farm"), "mandate")
    assert row["line"] == "the mandate of Cleo in Valley ends in 3 days"
    assert row["next"] == "fedsync mandates give Cleo --seat Valley --as NAME"
    later = story.mandate("Hill Farm") | {"until": now_ms() + 30 * DAY_MS}
    story.valley.enter("Hill Farm", [later])
    assert waits(story.place("Hill Farm"), "mandate") == []


def test_who_serves_longer_than_our_rule_is_told(tmp_path: Path) -> None:
    valley = Valley(tmp_path, "Oakfield")
    place = Place(valley.homes["Oakfield"].path)
    rule = place.json("bodies", "epoch", "--longest", 30, "--cooling", 10, "--as", "Ann")["page"]
    place.seal(rule, "Ann", "Ben")
    cleo = valley.author("Oakfield", "Cleo").key
    valley.enter("Oakfield", [{"kind": "mandate", "holder": cleo, "task": "the mill", "instructions": {}}])
    with Reading.open(valley.homes["Oakfield"]) as reading:
        assert [row for row in waiting(reading, now_ms() + 29 * DAY_MS) if row["kind"] == "term"] == []
        (row,) = [row for row in waiting(reading, now_ms() + 31 * DAY_MS) if row["kind"] == "term"]
    assert row["line"] == 'Cleo has served for "the mill" for 31 days; our rule is 30 at most'
    assert (row["days"], row["longest"], row["next"]) == (31, 30, "fedsync mandates report")
