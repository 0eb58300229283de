"""`fedsync motions`, `votes` and `decisions` in a region of three: put, voted on, certified, confirmed, binding."""

from pathlib import Path
from typing import Any

import pytest

from fedsync.records.codec import Value
from fedsync.records.ids import PageId
from tests.acts.copied import copied
from tests.acts.valley import Valley
from tests.cli.calling import Place

NAMES = ("Oakfield", "Mill Lane", "Hill Farm")


class Assembly:
    """A region of three communities, each of which sent Cleo, with instructions."""

    def __init__(self, path: Path, instructions: dict[str, dict[str, Value]] | None = None) -> None:
        self.valley = Valley(path, *NAMES)
        self.valley.meet()
        self.region, self.scope = self.valley.found_region("Oakfield")
        self.valley.meet()
        for name in NAMES:
            said = (instructions or {}).get(name, {"*": "free"})
            self.valley.enter(
                name,
                [{"kind": "mandate", "holder": self.key(name), "seat": self.region, "instructions": said}],
            )
        self.valley.meet()

    def key(self, name: str, who: str = "Cleo") -> bytes:
        return self.valley.author(name, who).key

    def at(self, name: str) -> Place:
        return Place(self.valley.homes[name].path)

    def put(self, title: str = "A bridge", *more: object, at: str = "Oakfield", by: str = "Cleo") -> str:
        words = ("motions", "put", "--title", title, "--text", "-", "--body", "Valley", "--as", by, *more)
        id_ = self.at(at).json(*words, stdin="Of wood.")["id"]
        self.valley.meet()
        return str(id_)

    def cast(self, motion: str, **votes: str) -> dict[str, str]:
        """Let delegates vote, by the first word of their community's name; return the votes."""
        cast = {}
        for name in NAMES:
            said = votes.get(name.split()[0].lower())
            if said is not None:
                cast[name] = self.at(name).json("votes", "cast", motion, said, "--as", "Cleo")["id"]
        self.valley.meet()
        return cast

    def seal_region(self, page: str) -> None:
        """Let two delegates sign a page of the region, and the nodes seal it."""
        for name in NAMES[:2]:
            self.at(name)("book", "sign", page, "--as", "Cleo")
            self.valley.meet()
        assert self.at("Hill Farm").page(page)["status"] == "sealed"

    def certify(self, motion: str) -> str:
        page = self.at("Oakfield").json("votes", "tally", motion, "--as", "Cleo")["page"]
        self.valley.meet()
        self.seal_region(page)
        return str(page)

    def seal_own(self, name: str, page: str) -> None:
        self.valley.seal(name, PageId(bytes.fromhex(page)))
        self.valley.meet()

    def witness(self) -> None:
        """Seal a page of the region, which says how far its members' books have come."""
        page = self.at("Oakfield").json(
            "decisions", "propose", "--title", "Seen", "--text", "-", "--body", "Valley", "--as", "Cleo"
        )["page"]
        self.valley.meet()
        self.seal_region(page)

    def result(self, motion: str, at: str = "Hill Farm") -> dict[str, Any]:
        (result,) = self.at(at).json("motions", "show", motion)["results"]
        assert isinstance(result, dict)
        return result


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return copied(Assembly, tmp_path_factory.mktemp("assembly"))


def test_a_motion_is_put_voted_certified_confirmed_and_binds_those_who_were_for_it(
    assembly: Assembly,
) -> None:
    motion = assembly.put("A mill")
    shown = assembly.at("Hill Farm").json("votes", "open")["open"]
    (row,) = [each for each in shown if each["id"] == motion]
    assert set(row["questions"][0]["not_voted"]) == set(NAMES)
    assert row["questions"][0]["ours"] == [{"name": "Cleo", "may": "free"}]
    votes = assembly.cast(motion, oakfield="yes", mill="yes", hill="no")
    tally = assembly.at("Hill Farm").json("votes", "tally", motion)
    assert tally["outcome"] == "yes"
    assembly.certify(motion)
    result = assembly.result(motion)
    assert (result["status"], result["outcome"]) == ("provisional", "yes")
    assert {each["name"]: each["settled"] for each in result["binds"]} == {
        "Oakfield": False,
        "Mill Lane": False,
    }
    assert any("confirms its vote" in each for each in result["final_when"])
    for name in NAMES:
        confirm = assembly.at(name).json("votes", "confirm", motion, "--as", "Ann")
        assert confirm["vote"]["id"] == votes[name]
        assembly.seal_own(name, confirm["page"])
    waiting = assembly.result(motion)
    assert waiting["status"] == "provisional"
    assert any("is seen by a sealed page of Valley" in each for each in waiting["final_when"])
    assembly.witness()
    for name in NAMES:
        result = assembly.result(motion, name)
        assert (result["status"], result["outcome"], result["final_when"]) == ("final", "yes", [])
        assert {each["name"]: each["settled"] for each in result["binds"]} == {
            "Oakfield": True,
            "Mill Lane": True,
        }
    assert assembly.at("Oakfield").json("motions", "list")["motions"][0]["stage"].startswith("final: yes")


def test_who_has_neither_seat_nor_mandate_cannot_put_a_motion(assembly: Assembly) -> None:
    error = assembly.at("Oakfield").refused(
        "motions", "put", "--title", "No", "--text", "-", "--body", "Valley", "--as", "Ben", code=7
    )
    assert error["code"] == "no_voice"
    own = assembly.at("Oakfield").json("motions", "put", "--title", "Oats", "--text", "-", "--as", "Ben")[
        "id"
    ]
    assert assembly.at("Oakfield").json("motions", "show", own)["status"] == "stands"


def test_an_amendment_stands_beside_what_it_amends(assembly: Assembly) -> None:
    motion = assembly.put("A road")
    words = ("motions", "amend", motion, "--text", "-", "--as", "Cleo")
    one = assembly.at("Mill Lane").json(*words, stdin="Of stone.")["id"]
    two = assembly.at("Hill Farm").json(*words, stdin="Of sand.")["id"]
    assembly.valley.meet()
    for name in NAMES:
        rows = assembly.at(name).json("motions", "show", one)["versions"]
        assert rows[0]["id"] == motion
        assert {row["id"] for row in rows} == {motion, one, two}
        assert {row["text"] for row in rows} == {"Of wood.", "Of stone.", "Of sand."}


def test_clauses_are_voted_on_and_certified_for_themselves(assembly: Assembly) -> None:
    motion = assembly.put("A ferry", "--clause", "toll=Two eggs.", "--clause", "hours=By day.")
    place = assembly.at("Oakfield")
    place("votes", "cast", motion, "no", "--clause", "toll", "--as", "Cleo")
    place("votes", "cast", motion, "yes", "--as", "Cleo")
    tallies = place.json("motions", "show", motion)["tallies"]
    options = {each["clause"]: [s["vote"]["option"] for s in each["seats"] if s["vote"]] for each in tallies}
    assert options == {"": ["yes"], "toll": ["no"]}
    assert place.refused("votes", "cast", motion, "no", "--clause", "tolls", "--as", "Cleo", code=6)


def test_a_dissent_stands_wherever_its_motion_or_page_is_shown(assembly: Assembly) -> None:
    motion = assembly.put("A tower")
    assembly.cast(motion, oakfield="yes", mill="yes", hill="no")
    page = assembly.certify(motion)
    place = assembly.at("Hill Farm")
    place("motions", "dissent", motion, "--text", "It shades our field.", "--as", "Cleo")
    place("motions", "dissent", page, "--text", "Nor was it read aloud.", "--as", "Ben")
    assembly.valley.meet()
    for name in NAMES:
        found = assembly.at(name).json("motions", "show", motion)["dissents"]
        assert {(each["by"], each["of"], each["text"]) for each in found} == {
            ("Cleo", "Hill Farm", "It shades our field."),
            ("Ben", "Hill Farm", "Nor was it read aloud."),
        }
    assert (
        "Dissent of Ben, Hill Farm: Nor was it read aloud."
        in assembly.at("Mill Lane")("motions", "show", motion).out
    )
    assert "Dissent of Ben" in assembly.at("Mill Lane")("book", "show", page).out


def test_who_did_not_vote_in_an_assembly_is_called_by_name_in_the_result(assembly: Assembly) -> None:
    place = assembly.at("Oakfield")
    motion = place.json("motions", "put", "--title", "Oats", "--text", "-", "--as", "Ann", stdin="Oats.")[
        "id"
    ]
    place("votes", "cast", motion, "yes", "--as", "Ann")
    place("votes", "cast", motion, "yes", "--as", "Ben")
    place("votes", "tally", motion, "--as", "Ann")
    (result,) = place.json("motions", "show", motion)["results"]
    assert [each["seat"] for each in result["seats"]] == ["Ann", "Ben", "Cleo"]


def test_a_vote_in_the_room_leaves_counts_alone(assembly: Assembly) -> None:
    place = assembly.at("Mill Lane")
    motion = place.json(
        "motions", "put", "--title", "Oats", "--text", "-", "--as", "Ann", stdin="We plant oats."
    )["id"]
    page = place.json("votes", "count", motion, "--counts", "yes=12,no=3,abstain=2", "--rule", "majority",
                      "--of", "present", "--as", "Ann")["page"]  # fmt: skip
    (before,) = place.json("motions", "show", motion)["results"]
    assert (before["status"], before["outcome"]) == ("provisional", "yes")
    assert before["final_when"] == ["its page is sealed"]
    assembly.seal_own("Mill Lane", page)
    (result,) = assembly.at("Oakfield").json("motions", "show", motion)["results"]
    assert (result["status"], result["outcome"]) == ("final", "yes")
    assert result["counts"] == [["yes", 12], ["no", 3], ["abstain", 2]]
    for wrong in ("yes", "yes=-1", "maybe=3", "yes=1,yes=2", ""):
        place.refused("votes", "count", motion, "--counts", wrong, "--as", "Ann", code=2)


def test_outside_instructions_a_vote_is_refused_and_written_anyway_it_is_void_until_it_is_ratified(
    tmp_path: Path,
) -> None:
    assembly = Assembly(tmp_path, {"Hill Farm": {"*": ["no"]}})
    motion = assembly.put("A dam")
    place = assembly.at("Hill Farm")
    (row,) = place.json("votes", "open", motion)["open"]
    assert row["questions"][0]["ours"] == [{"name": "Cleo", "may": ["no"]}]
    error = place.refused("votes", "cast", motion, "yes", "--as", "Cleo", code=7)
    assert error["code"] == "outside-instructions"
    assert place.json("votes", "tally", motion)["outcome"] is None
    vote = place.json("votes", "cast", motion, "yes", "--anyway", "--as", "Cleo")
    assert (vote["status"], vote["reason"]) == ("void", "outside-instructions")
    assembly.cast(motion, oakfield="yes")
    assert assembly.at("Oakfield").json("votes", "tally", motion)["outcome"] is None
    assert place.refused("votes", "confirm", motion, "--as", "Ann", code=7)["code"] == "no_vote_of_ours"
    named = ("votes", "confirm", motion, "--vote", vote["id"][:8])
    assert place.refused(*named, "--as", "Ann", code=7)["code"] == "outside-instructions"
    page = place.json("votes", "confirm", motion, "--ratify", "--as", "Ann")["page"]
    assembly.seal_own("Hill Farm", page)
    tally = assembly.at("Oakfield").json("votes", "tally", motion)
    assert tally["outcome"] == "yes"
    assembly.certify(motion)
    bonds = {each["name"]: each["why"] for each in assembly.result(motion)["binds"]}
    assert bonds == {"Oakfield": "voted", "Hill Farm": "ratified"}
    error = place.refused("votes", "confirm", motion, "--vote", "none", "--as", "Ann", code=7)
    assert error["code"] == "has-its-word"
    assert place.refused("votes", "cast", motion, "no", "--as", "Cleo", code=7)["code"] == "not-the-word"


def test_a_decision_from_a_motion_says_whether_it_binds_us(assembly: Assembly) -> None:
    motion = assembly.put("A well")
    assembly.cast(motion, oakfield="yes", mill="yes", hill="no")
    assembly.certify(motion)
    page = assembly.at("Oakfield").json(
        "decisions", "propose", "--title", "The well", "--text", "-", "--motion", motion, "--body", "Valley", "--as", "Cleo"
    )["page"]  # fmt: skip
    assembly.valley.meet()
    assembly.seal_region(page)
    told = {
        "Oakfield": "binds us, our vote was for it",
        "Hill Farm": "does not bind us: no vote of ours that counts is for it",
    }
    for name, words in told.items():
        row = assembly.at(name).json("decisions", "show", page)
        assert (row["status"], row["binds_us"], row["motion"]) == ("in_force", words, motion)
        assert row["result"]["outcome"] == "yes"
        listed = {
            each["id"]: each["binds_us"] for each in assembly.at(name).json("decisions", "list")["decisions"]
        }
        assert listed[row["id"]] == words
    own = assembly.valley.enter("Oakfield", [{"kind": "decision", "title": "Ours", "text": "x"}])
    assert assembly.at("Oakfield").json("decisions", "show", own.hex())["binds_us"] is None


def test_a_motion_is_open_until_the_whole_is_counted_or_each_clause(assembly: Assembly) -> None:
    place = assembly.at("Hill Farm")
    clauses = ("--clause", "where=By the elm.", "--clause", "when=In May.")
    motion = place.json("motions", "put", "--title", "A bench", "--text", "-", *clauses, "--as", "Ann")["id"]

    def stage() -> tuple[str, bool]:
        found = [each["id"] for each in place.json("votes", "open")["open"]]
        return place.json("motions", "show", motion)["stage"], motion in found

    def count(*words: object) -> None:
        page = place.json(
            "votes", "count", motion, *words, "--rule", "majority", "--of", "votes", "--as", "Ann"
        )["page"]
        assembly.seal_own("Hill Farm", page)

    assert stage() == ("open", True)
    count("--clause", "where", "--counts", "yes=9")
    assert stage() == ("open, 1 of 2 clauses counted", True)
    count("--clause", "when", "--counts", "yes=2,no=7")
    assert stage() == ("final: when no, where yes", False)
    count("--counts", "yes=5,no=5")
    assert stage() == ("final: nothing", False)
    count("--counts", "yes=6,no=4")
    assert stage() == ("final", False)  # two counts of one question: neither is told as the outcome
    assert len(place.json("motions", "show", motion)["results"]) == 4


def test_what_is_tallied_can_wait_for_the_meetings_page(assembly: Assembly) -> None:
    place = assembly.at("Mill Lane")
    motion = place.json(
        "motions", "put", "--title", "Rye", "--text", "-", "--rule", "threshold:2", "--as", "Ann"
    )["id"]
    assert place.refused("votes", "tally", motion, "--as", "Ann", code=7)["code"] == "no_votes"
    for name in ("Ann", "Ben"):
        place("votes", "cast", motion, "yes", "--as", name)
    assert place.json("votes", "tally", motion)["outcome"] == "yes"
    place.refused("votes", "tally", motion, "--later", code=2)
    assert place.json("votes", "tally", motion, "--as", "Ann", "--later")["prepared"] == 1
    words = (
        "decisions",
        "propose",
        "--title",
        "Rye",
        "--text",
        "-",
        "--motion",
        motion,
        "--as",
        "Ann",
        "--later",
    )
    assert place.json(*words, stdin="We sow rye.")["prepared"] == 2
    page = place.json("book", "draft", "--as", "Ann")["page"]
    assembly.seal_own("Mill Lane", page)
    (result,) = place.json("motions", "show", motion)["results"]
    assert (result["status"], result["outcome"]) == (
        "final",
        "yes",
    )  # tellers vote for themselves, in their own seats
    assert result["binds"] == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--rule", "lots"), 2),
        (("--rule", "majority:3"), 2),
        (("--rule", "threshold"), 2),
        (("--rule", "threshold:0"), 2),
        (("--rule", "consensus:x"), 2),
        (("--of", "present"), 2),
        (("--quorum", "3"), 2),
        (("--option", "one"), 2),
        (("--option", "one", "--option", "one"), 2),
        (("--option", "a,b", "--option", "c"), 2),
        (("--clause", "no text"), 2),
        (("--clause", "=text"), 2),
        (("--clause", "a=1", "--clause", "a=2"), 2),
        (("--body", "Nowhere"), 6),
    ],
)
def test_a_motion_that_makes_no_sense_is_refused_before_it_is_written(
    assembly: Assembly, words: tuple[str, ...], code: int
) -> None:
    place = assembly.at("Oakfield")
    before = len(place.json("motions", "list")["motions"])
    place.refused("motions", "put", "--title", "x", "--text", "-", *words, "--as", "Ann", code=code)
    assert len(place.json("motions", "list")["motions"]) == before


def test_several_options_are_refused_where_the_rule_takes_one(assembly: Assembly) -> None:
    place = assembly.at("Oakfield")
    motion = place.json("motions", "put", "--title", "Oats", "--text", "-", "--as", "Ann", stdin="Oats.")[
        "id"
    ]
    error = place.refused("votes", "cast", motion, "yes,no", "--as", "Ann", code=7)
    assert error["code"] == "one-option"
    assert "more than half of all seats" in error["message"]
    place("votes", "cast", motion, "yes,no", "--anyway", "--as", "Ann")


def test_several_options_are_ranked_or_approved(assembly: Assembly) -> None:
    place = assembly.at("Mill Lane")
    options = ("--option", "elm", "--option", "oak", "--option", "ash", "--rule", "condorcet")
    motion = place.json("motions", "put", "--title", "A tree", "--text", "-", *options, "--as", "Ann")["id"]
    for name, vote in (("Ann", "oak,elm,ash"), ("Ben", "elm,oak"), ("Cleo", "oak,ash,elm")):
        place("votes", "cast", motion, vote, "--as", name)
    assert place.json("votes", "tally", motion)["outcome"] == "oak"
    place.refused("votes", "cast", motion, "oak,pine", "--as", "Ann", code=2)
    place.refused("votes", "cast", motion, "oak,oak", "--as", "Ann", code=2)
    place("votes", "cast", motion, "elm,oak,ash", "--as", "Ann")  # who votes again means the later one
    assert place.json("votes", "tally", motion)["outcome"] == "elm"
