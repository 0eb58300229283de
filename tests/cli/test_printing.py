"""The minute book on paper: plain text of 72 columns, and one page of HTML that nothing in a peer's text can break."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsync.acts.books.motions import dissent
from fedsync.cli.books import minutebook
from fedsync.cli.books.minutebook import WIDTH
from fedsync.plain import plain
from fedsync.records.codec import Value
from tests.cli.calling import Place
from tests.cli.region import Story

HOSTILE = '<script>alert(1)</script></section><img src=x onerror=alert(2)> & "quoted" &lt;b&gt;'
VOID = {"meta", "br"}


class Outline(HTMLParser):
    """Which elements a page has, whether each is closed, and what is to be read."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Place:
    from tests.cli.calling import found

    place = found(tmp_path_factory.mktemp("printed") / "home")
    place.seal(
        place.propose("Oats", "We plant oats.\n\n" + "On the north field. " * 20), "Ann", "Ben", "Cleo"
    )
    place.seal(place.propose(HOSTILE, HOSTILE), "Ann", "Ben")
    place.propose("Rye")
    return place


def test_the_text_fits_its_columns_and_reads_as_minutes(printed: Place) -> None:
    text = printed("book", "print").out
    assert all(len(line) <= WIDTH for line in text.splitlines())
    assert text.startswith("OAKFIELD\nMinute book ")
    assert "  1. Decision: Oats\n     We plant oats.\n\n     On the north field. On the" in text
    assert "Signed by Ann, Ben, Cleo.\nSealed by " in text
    assert "*** DRAFT, NOT SIGNED BY ENOUGH ***" in text
    assert "Missing: Ann, Ben, Cleo." in text


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
    st.sampled_from(["", "  1. ", "     - "]),
)
@settings(max_examples=200, deadline=None)
def test_a_text_in_any_script_is_folded_into_the_columns_and_loses_no_letter(text: str, first: str) -> None:
    lines = minutebook._wrapped(text, first, " " * len(first))
    assert all(minutebook.cells(line) <= WIDTH for line in lines if line.strip())
    shown = "".join(plain(each) for each in text.split("\n"))
    said = first + "".join(shown.split())
    assert "".join("".join(lines).split()) == "".join(said.split())


def test_letters_that_take_two_columns_are_counted_so() -> None:
    lines = minutebook._wrapped("木" * 100 + " oak")
    assert [minutebook.cells(line) for line in lines] == [72, 72, 60]
    assert lines[-1].endswith("木 oak")


def test_some_pages_alone_are_printed(printed: Place) -> None:
    value = printed.json("book", "print", "--from", 1, "--to", 2)
    assert value["pages"] == [1, 2]
    assert "Decision: Rye" not in value["text"]
    assert printed.json("book", "print", "--from", 9)["pages"] == []
    printed.refused("book", "print", "--from", 3, "--to", 2, code=2)
    printed.refused("book", "print", "--body", "Nowhere", code=6)


def test_the_html_is_whole_runs_nothing_and_shows_hostile_titles_as_they_are(
    printed: Place, tmp_path: Path
) -> None:
    file = tmp_path / "book.html"
    assert printed.json("book", "print", "--html", file)["file"] == str(file)
    text = file.read_text(encoding="utf-8")
    assert (
        printed("book", "print", "--html", "-").out.split("held here on")[0] == text.split("held here on")[0]
    )
    page = Outline(text)
    assert page.open == []
    assert set(page.tags) <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "br", "section", "header", "span",
        "ol", "li", "ul",
    }  # fmt: skip
    assert page.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class", "dir", "id"}
    assert page.tags.count("section") == 4
    assert f"Decision: {HOSTILE}" in page.words
    assert HOSTILE in "".join(page.words)
    for never in ("<script", "<img", "http://", "https://", "url(", "@import"):
        assert never not in text
    assert "@media print" in text


def test_a_file_that_cannot_be_written_is_told(printed: Place, tmp_path: Path) -> None:
    printed.refused("book", "print", "--html", tmp_path, code=2)


def test_a_regions_book_says_who_signed_for_whom_and_how_it_was_counted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    story = Story(tmp_path_factory.mktemp("region"))
    for name in ("Oakfield", "Mill Lane"):
        story.sign(name, story.page)
        story.valley.meet()
    motion = story.motion("Oakfield", "A mill")
    vote = story.vote("Oakfield", motion, "yes")
    with story.valley.at("Oakfield") as (reading, door):
        dissent(story.valley.author("Oakfield", "Ben"), reading, door, motion, "We have no water.")
    rule: Value = {"method": "majority", "of": "present"}
    certified = story.draft("Oakfield", [{"kind": "result", "motion": motion, "rule": rule, "votes": [vote]}])
    for name in ("Oakfield", "Mill Lane"):
        story.sign(name, certified)
        story.valley.meet()
    text = story.place("Hill Farm")("book", "print", "--body", "Valley").out
    assert 'Result on "A mill", by more than half of those present\n' in text
    assert "     Shall we?\n" in text
    assert "     - provisional: its page is sealed, and some seats may still come to" in text
    assert "     - Oakfield: yes by Cleo" in text
    assert "     - Against it: Ben of Oakfield: We have no water.\n" in text
    assert "Signed by Cleo for Mill Lane, Cleo for Oakfield." in text
    assert "Sealed by the node of Hill Farm" in text
    assert "Seen of Mill Lane: its book up to page 1 (" in text
