"""The vote half of the worked scenario: a delegate is recalled on the far side of a cut, and no harm is done.

The file's records become a world: each community's mandates, recall and words are pages of its book, the region's votes
are counted by result entries on its pages. What the file expects is read from `expected.json`; where rule 12 calls a
result final earlier than the file does, the rule wins (EARLIER names each place).
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.authority.saying import Saying, confirm, mandate, recall

FILES = Path(__file__).parent / "scenario"
RECORDS = {
    each["id"]: each
    for each in map(json.loads, (FILES / "three_communities.jsonl").read_text("utf-8").splitlines())
}
EXPECTED = json.loads((FILES / "expected.json").read_text("utf-8"))
COMMUNITIES = ("Alder", "Birch", "Cedar")
NODES = ("Alder", "Birch", "Cedar")
MOTIONS = ("M1", "M2")

EARLIER = {
    ("north_side_before_heal", "M1"),
    ("healed_before_new_delegate_votes", "M1"),
}
"""Alder and Birch have confirmed a yes each, and their words are witnessed: two of three seats. Whatever Cedar comes to
say, M1 passes, so by rule 12 it is final; the file waits for Cedar's word."""


def _mandate(name: str) -> dict[str, Any]:
    # The scenario counts in small numbers, not in ms since 1970; its mandates end at 60.
    one = RECORDS[name]
    return mandate(
        one["person"], one["organization"], instructions=one["instructions"], until=int(one["end"])
    )


def _vote(told: Saying, name: str) -> str:
    one = RECORDS[name]
    motion = RECORDS[one["vote_event"]]["motion"]
    return told.vote(f"log {one['by']}", motion, one["option"], time=int(one["valid"]))


def _result(motion: str, *votes: str) -> dict[str, Any]:
    assert RECORDS["V1o"]["requirement"] == "more than half of seats"
    return {"kind": "result", "motion": motion, "votes": list(votes), "need": 2}


def _home(told: Saying, page: str, after: str, *entries: dict[str, Any]) -> str:
    """Bring a page of a community's book to its seal."""
    told.page(page, after, *entries)
    body = next(each["body"] for each in told.records if each["id"] == page)
    return told.seal(page, f"L{body}1", f"L{body}2")


def _above(told: Saying, page: str, after: str, nodes: tuple[str, ...], *entries: dict[str, Any]) -> str:
    """Bring a page of the region to its seal: Alder's and Birch's delegates sign, these nodes seal."""
    told.page(page, after, *entries)
    told.sign(page, "log dA", "log dB")
    return told.seal(page, *(f"N{each}" for each in nodes))


def _seen(body: str, page: str) -> dict[str, Any]:
    return {"kind": "witness", "body": body, "page": page}


def _north() -> tuple[Saying, dict[str, str]]:
    """What the north side knows before the link heals. Cedar's delegate votes there, not knowing of the recall."""
    told = Saying(time=20)
    for name in COMMUNITIES:
        told.community(name, *(f"{name}{each}" for each in (1, 2, 3)))
    told.region("Region", *COMMUNITIES, nodes=NODES, w=2)
    for name in COMMUNITIES:
        _home(told, f"MD-{name}", f"{name}.0", _mandate(f"MD-{name}"))
        person = RECORDS[f"MD-{name}"]["person"]
        told.delegate(f"log {person}", person, f"MD-{name}")
    votes = {name: _vote(told, name) for name in ("v1A", "v1B", "v1C", "v2A", "v2B", "v2C")}
    first = [_result("M1", *(votes[f"v1{each}"] for each in "ABC"))]
    first.append(_result("M2", *(votes[f"v2{each}"] for each in "ABC")))
    _above(told, "results", "Region.0", ("Alder", "Birch"), *first)
    for name, record in (("Alder", "cfA"), ("Birch", "cfB")):
        assert RECORDS[record]["vote_events"] == ["V1o", "V2o"]
        words = [confirm(motion, votes[f"v{motion[1]}{name[0]}"]) for motion in MOTIONS]
        _home(told, record, f"MD-{name}", *words)
    _above(told, "seen", "results", ("Alder", "Birch"), _seen("Alder", "cfA"), _seen("Birch", "cfB"))
    return told, votes


def _healed() -> tuple[Saying, dict[str, str]]:
    """The link is back: Cedar's recall, made before the votes and dated so, arrives; it keeps nothing of dC's log."""
    told, votes = _north()
    _home(told, "RC", "MD-Cedar", recall("MD-Cedar"))
    _home(told, "MD-Cedar2", "RC", _mandate("MD-Cedar2"))
    return told, votes


def _after() -> tuple[Saying, dict[str, str]]:
    """Cedar's new delegate votes, the region counts again, Cedar confirms, and the region has seen it."""
    told, votes = _healed()
    told.delegate("log dC2", "dC2", "MD-Cedar2")
    votes |= {name: _vote(told, name) for name in ("v1C2", "v2C2")}
    again = [
        _result(f"M{number}", *(votes[f"v{number}{each}"] for each in ("A", "B", "C", "C2")))
        for number in "12"
    ]
    _above(told, "again", "seen", NODES, *again)
    _home(told, "cfC", "MD-Cedar2", *(confirm(motion, votes[f"v{motion[1]}C2"]) for motion in MOTIONS))
    _above(told, "end", "again", NODES, _seen("Cedar", "cfC"))
    return told, votes


MOMENTS = {
    "north_side_before_heal": (_north, "results"),
    "healed_before_new_delegate_votes": (_healed, "results"),
    "after_heal": (_after, "again"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_each_moment_comes_out_as_the_scenario_says(moment: str) -> None:
    told, page = MOMENTS[moment][0](), MOMENTS[moment][1]
    now = told[0].now()
    votes = told[1]
    for index, motion in enumerate(MOTIONS):
        wanted = EXPECTED[moment]["votes"][motion]
        outcome = now[f"outcome {page}#{index}"]
        assert ("pass" if outcome == "yes" else "fail") == wanted["result"], motion
        state = "final" if (moment, motion) in EARLIER else wanted["state"]
        assert now[f"{page}#{index}"] == state, motion
        void = {name for name, vote in votes.items() if f":{motion}=" in vote and now[vote] == "void"}
        assert void >= set(wanted["void"]), motion
        standing = {
            name: vote for name, vote in votes.items() if f":{motion}=" in vote and now[vote] == "stands"
        }
        seats = {
            RECORDS[RECORDS[name]["mandate"]]["on_behalf_of"]: RECORDS[name]["option"] for name in standing
        }
        assert seats == wanted["seats"], motion
        assert sorted(told[0].bound(page, index)) == wanted["binds"], motion


def test_the_rule_is_earlier_than_the_file_only_where_it_is_named() -> None:
    for moment, motion in EARLIER:
        assert EXPECTED[moment]["votes"][motion]["state"] == "provisional"


def test_before_the_heal_the_recalled_delegates_vote_counts_and_afterwards_it_never_does_again() -> None:
    told, votes = _north()
    assert told.now()[votes["v2C"]] == "stands"
    told, votes = _healed()
    assert told.now()[votes["v2C"]] == "void"
    told, votes = _after()
    assert told.now()[votes["v2C"]] == "void"
