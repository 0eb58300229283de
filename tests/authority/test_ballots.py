"""Ranked ballots, quorums, and a council whose seats change hands, through books; made up in the forms of real files."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.books.methods import outcome_of_counts
from fedsync.records.kinds.motions import Method, Rule
from tests.authority.ballots import check, main, pairwise_winner

LEADER = """# alternatives: 1 Ann Dell, 2 Bo Li, 3 None Of The Above
20: 1,2,3
15: 2,1
9: 2,3,1
8: 3,2
4: 1
"""
CYCLE = "3: 1,2,3\n3: 2,3,1\n3: 3,1,2\n"
SOME = [{"A": "+1", "B": "+1", "C": "-1", "D": "&Dagger;"}, {"A": "+1", "B": "0", "C": "-1", "D": "&Dagger;"}]
THEN = [
    {"A": "-1", "B": "+1", "C": "&dagger;", "D": "+1"},
    {"A": "+1", "B": "DNV", "C": "&dagger;", "D": "+1"},
]


def council(*votes: dict[str, str], result: str | None = None) -> str:
    """Return a file of a council."""
    meta = {"Result": result} if result else {}
    motions = [
        {"council": 1, "motion": f"{at:04}", "votes": each, "meta": meta} for at, each in enumerate(votes)
    ]
    return json.dumps({"votes": motions})


def meetings(*counts: list[int], members: int = 41) -> str:
    """Return a file of one meeting."""
    return json.dumps({"meetings": [{"date": "2026-01-01", "members": members, "yes_no": list(counts)}]})


def test_who_wins_each_pair_leads_and_a_cycle_names_nobody() -> None:
    assert check(LEADER, ranked=True) == {"ballots": 56, "winner": "Bo Li", "failed": []}
    assert check(CYCLE, ranked=True) == {"ballots": 9, "winner": None, "failed": []}


@given(
    st.lists(st.tuples(st.permutations("1234").map(tuple), st.integers(1, 4), st.integers(1, 3)), min_size=1)
)
def test_ranked_ballots_are_counted_as_pair_by_pair(drawn: list[tuple[tuple[str, ...], int, int]]) -> None:
    ballots = [(ranking[:upto], number) for ranking, upto, number in drawn]
    assert outcome_of_counts(Rule(Method.CONDORCET), 9, ballots) == pairwise_winner(ballots)


def test_a_seat_that_changes_hands_votes_from_then_on_and_who_left_votes_in_vain() -> None:
    done = check(council(*SOME, *THEN), ranked=False)
    assert done["failed"] == []
    assert (done["changes"], done["passed"], done["rejected"], done["undecided"]) == (1, 3, 0, 1)
    # C has left and goes on saying no. Two say yes and one no: with C's it would be a tie.
    after = [THEN[0] | {"A": "+1", "B": "-1", "D": "+1"}]
    assert check(council(*SOME, *after), ranked=False)["passed"] == 2


def test_a_stated_result_that_is_not_the_counted_one_is_found() -> None:
    assert check(council(SOME[0], result="Active"), ranked=False)["as_stated"] == 1
    assert "the file says no" in check(council(SOME[0], result="Rejected"), ranked=False)["failed"][0]


def test_without_a_quorum_nothing_is_decided() -> None:
    done = check(meetings([20, 1], [19, 1], [11, 10], [10, 11]), ranked=False)
    assert done == {"meetings": 1, "items": 4, "quorate": 3, "passed": 2, "failed": []}


def test_files_are_checked_one_by_one_and_one_of_another_form_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "leader.soi").write_text(LEADER)
    (tmp_path / "council.json").write_text(council(*SOME))
    assert main([str(tmp_path / "leader.soi"), str(tmp_path / "council.json")]) == 0
    lines: list[Any] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["file"], line["failed"]) for line in lines] == [("leader.soi", []), ("council.json", [])]
    (tmp_path / "council.json").write_text(council(SOME[0], result="Rejected"))
    assert main([str(tmp_path / "council.json")]) == 1
    for text in ("[]", "{", '{"votes": [{}]}', '{"meetings": 3}'):
        (tmp_path / "other.json").write_text(text)
        assert main([str(tmp_path / "other.json")]) == 2
    (tmp_path / "none.soi").write_text("# nothing\n")
    assert main([str(tmp_path / "none.soi")]) == 2
