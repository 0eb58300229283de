"""`fedsync why` in a region: whose delegate is missing, which node has not sealed, what a recall made void."""

import pytest

from fedsync.crdt.books.delegates import given
from fedsync.reading import Reading
from fedsync.records.codec import Value
from tests.cli.region import NAMES, Story


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(tmp_path_factory.mktemp("region"))


def test_a_founded_region_waits_for_its_first_page(story: Story) -> None:
    assert story.before["kind"] == "page"
    body = story.place("Oakfield").json("why", "Valley")
    assert (body["kind"], body["status"], body["rule"]) == ("body", "being founded", 6)
    assert "2 of these must sign: Hill Farm, Mill Lane, Oakfield." in body["evidence"]


def test_why_names_the_delegates_who_have_not_signed_and_bodies_that_sent_nobody(story: Story) -> None:
    answer = story.waiting
    assert (answer["status"], answer["rule"], answer["code"]) == ("drafted", 6, "short")
    assert set(answer["missing"]) == {
        "Hill Farm (it has sent nobody)",
        "Cleo of Mill Lane",
        "Cleo of Oakfield",
    }
    assert answer["next"] == f"fedsync book sign {story.page.hex()[:12]} --as NAME"


def test_why_follows_a_vote_through_a_recall_and_a_result(story: Story) -> None:
    valley = story.valley
    for name in NAMES[:2]:
        story.sign(name, story.page)
        valley.meet()
    sealed = story.why("Hill Farm", story.page.hex())
    assert (sealed["status"], sealed["rule"], sealed["missing"]) == ("sealed", 7, [])
    motion = story.motion("Oakfield", "A mill")
    valley.meet()
    kept, outside = story.vote("Oakfield", motion, "yes"), story.vote("Mill Lane", motion, "no")
    late = story.vote("Oakfield", motion, "yes")
    valley.meet()
    answer = story.why("Hill Farm", outside.hex())
    assert (answer["status"], answer["code"], answer["rule"]) == ("void", "outside-instructions", 14)
    assert "The mandate allows yes." in answer["evidence"]
    assert any(
        line.startswith("It is under the mandate of Cleo in Valley, given on page 1 of Mill Lane")
        for line in answer["lines"]
    )

    result: dict[str, Value] = {
        "kind": "result", "motion": motion, "rule": {"method": "majority", "of": "present"}, "votes": [kept, outside],
    }  # fmt: skip
    page = story.draft("Oakfield", [result])
    story.sign("Oakfield", page)
    valley.meet()
    waiting = story.why("Oakfield", page.hex())
    assert set(waiting["missing"]) == {"Hill Farm (it has sent nobody)", "Cleo of Mill Lane"}
    story.sign("Mill Lane", page)
    valley.meet()
    said = story.why("Oakfield", f"{page.hex()}:0")
    assert (said["kind"], said["status"], said["code"]) == ("result", "provisional", "result-open")
    assert any(line.startswith("Oakfield: yes by Cleo") for line in said["evidence"])
    assert any(
        line.startswith("Mill Lane: no by Cleo") and "does not count: its mandate" in line
        for line in said["evidence"]
    )
    assert "the word of Oakfield" in said["missing"]

    with Reading.open(valley.homes["Oakfield"]) as reading:
        (mandate,) = [each.id for each in given(reading.view, reading.own().scope)]
        log = next(block.log for _, block in reading.store.since(0) if kept in block.ids)
        (seq,) = [
            block.first + block.ids.index(kept) for _, block in reading.store.since(0) if kept in block.ids
        ]
    recall: dict[str, Value] = {"kind": "recall", "mandate": list(mandate), "cuts": [[log, seq, kept]]}
    confirm: dict[str, Value] = {"kind": "confirm", "motion": motion, "vote": kept}
    end = valley.enter("Oakfield", [recall, confirm])
    valley.meet()
    gone = story.why("Hill Farm", f"{mandate[0].hex()}:{mandate[1]}")
    assert (gone["kind"], gone["status"], gone["rule"]) == ("mandate", "recalled", 10)
    assert any("was recalled on page 2 of Oakfield" in line for line in gone["evidence"])
    voided = story.why("Hill Farm", late.hex())
    assert voided["code"] == "not-the-word"
    assert any(f"keeps all up to number {seq}" in line for line in voided["evidence"])
    word = story.why("Hill Farm", f"{end.hex()}:1")
    assert (word["kind"], word["status"], word["code"]) == ("confirm", "in_force", "word-holds")
    assert story.why("Hill Farm", kept.hex())["code"] == "the-word"
    asked = story.why("Hill Farm", motion.hex())
    assert (asked["kind"], asked["status"]) == ("motion", "stands")
    assert any("page 2 of Valley" in line and "yes, provisional" in line for line in asked["evidence"])


def test_an_entry_that_there_is_not_is_told(story: Story) -> None:
    story.place("Oakfield").refused("why", f"{story.page.hex()}:99", code=6)


def test_a_shown_page_says_what_became_of_its_mandates_and_results(story: Story) -> None:
    (mandate,) = story.place("Oakfield").json("book", "show", 1)["entries"]
    assert (mandate["kind"], mandate["status"]) == ("mandate", "recalled")
    result = story.place("Oakfield").json("book", "show", "Valley/2")["entries"][0]
    assert (result["kind"], result["status"], result["outcome"]) == ("result", "provisional", "yes")
    assert result["lines"][-1] == "  provisional: yes"
