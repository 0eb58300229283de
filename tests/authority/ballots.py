"""Real ballots, counted by the fold and by hand: `python -m tests.authority.ballots FILE...`, a line of JSON for each.

*.soi: ranked ballots in the form of PrefLib, "60: 3,1,2": one result by counts, ranked by Condorcet.
*.json with "votes": motions before a council of a few seats, some of which change hands: one result for each motion, by
the votes of key seats; who has left votes on in vain.
*.json with "meetings": assemblies with a number of members and [yes, no] for each item: results by counts, quorum half.

Each becomes pages of a book, and every node's answer is compared with a count that is obviously right.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from fedsync.crdt.books.booktables import RESULTS
from fedsync.crdt.books.votes import FINAL
from fedsync.records.ids import PageId, RecordId
from fedsync.records.kinds.entries import Result
from fedsync.records.kinds.entryform import result_value
from fedsync.records.kinds.motions import Choice, Method, Of, Rule
from tests.authority.federation import Book, Federation, Node

Json = dict[str, Any]

VOTES = {"+1": "yes", "-1": "no", "0": "abstain"}
"""What else stands there is no vote."""
NO_SEAT = ("&dagger;", "&Dagger;")
"""Who has resigned, and who is not in yet."""
STATED = {
    "Active": "yes",
    "Draft": "yes",
    "Final": "yes",
    "Obsolete": "yes",
    "Rejected": "no",
    "Deferred": "no",
}
"""What a file says became of a motion, where it does."""
COUNCIL = Rule(Method.MAJORITY)
"""More than half of all seats."""


def check(text: str, ranked: bool) -> Json:
    """Return what a file holds, and under "failed" where the fold and the count by hand differ. Raises ValueError."""
    if ranked:
        return _ranked(text)
    held = json.loads(text)
    match held:
        case {"votes": [*motions]}:
            return _council(motions)
        case {"meetings": [*meetings]}:
            return _meetings(meetings)
    raise ValueError('a file holds ranked ballots, "votes" or "meetings"')


# --- Ranked ballots ------------------------------------------------------------------------------------


def _ranked(text: str) -> Json:
    ballots = [
        (tuple(each.strip() for each in ranking.split(",")), int(number))
        for number, ranking in re.findall(r"^(\d+): *([\d, ]+)$", text, re.MULTILINE)
    ]
    if not ballots:
        raise ValueError('no line is a ranked ballot, as "60: 3,1,2"')
    names = dict(re.findall(r"(\d+) ([^,\n]+)", text.partition("alternatives:")[2].partition("\n")[0]))
    got = _by_counts(Rule(Method.CONDORCET), [ballots])[0]
    wanted = pairwise_winner(ballots)
    return {
        "ballots": sum(number for _, number in ballots),
        "winner": names.get(wanted or "", wanted),
        "failed": [] if got == wanted else [f"{got}, and {wanted} was expected"],
    }


def pairwise_winner(ballots: Sequence[tuple[tuple[str, ...], int]]) -> str | None:
    """Return who wins against each other one, pair by pair; what a ballot does not rank comes last."""
    options = {option for ranking, _ in ballots for option in ranking}
    for one in options:
        ahead = {
            other: sum(n for ranking, n in ballots if _place(ranking, one) < _place(ranking, other))
            - sum(n for ranking, n in ballots if _place(ranking, other) < _place(ranking, one))
            for other in options - {one}
        }
        if all(lead > 0 for lead in ahead.values()):
            return one
    return None


def _place(ranking: Sequence[str], option: str) -> int:
    return ranking.index(option) if option in ranking else len(ranking)


# --- Assemblies with a quorum --------------------------------------------------------------------------


def _meetings(meetings: Sequence[Json]) -> Json:
    failed: list[str] = []
    passed = quorate = items = 0
    for meeting in meetings:
        rule = Rule(Method.MAJORITY, Of.VOTING, quorum=meeting["members"] // 2 + 1)
        tallies: list[list[tuple[Choice, int]]] = [
            [("yes", yes), ("no", no)] for yes, no in meeting["yes_no"]
        ]
        for (yes, no), got in zip(meeting["yes_no"], _by_counts(rule, tallies), strict=True):
            enough = 2 * (yes + no) > meeting["members"]
            wanted = None if not enough or yes == no else "yes" if yes > no else "no"
            items, quorate, passed = items + 1, quorate + enough, passed + (wanted == "yes")
            if got != wanted:
                failed.append(f"{meeting['date']}: {got}, and {wanted} was expected")
    return {"meetings": len(meetings), "items": items, "quorate": quorate, "passed": passed, "failed": failed}


def _by_counts(rule: Rule, tallies: Sequence[Sequence[tuple[Choice, int]]]) -> list[str | None]:
    """Return what results by counts from the room come to, as a node has them."""
    federation = Federation()
    book = federation.found("Assembly")
    entries = [
        result_value(Result(RecordId(number.to_bytes(32, "big")), rule, None, tuple(tally)))
        for number, tally in enumerate(tallies)
    ]
    page = federation.enter(book, entries)
    node = Node(federation.bodies)
    node.take(federation.blocks)
    return [_outcome(node, book, page, index) for index in range(len(entries))]


def _outcome(node: Node, book: Book, page: PageId, index: int) -> str | None:
    row = node.view.get(RESULTS, (book.scope, page, index))
    assert row is not None
    assert row[1] == FINAL, "votes of key seats and counts on a sealed page are final"
    return str(row[2]) if row[2] is not None else None


# --- A council whose seats change hands ----------------------------------------------------------------


def _council(motions: Sequence[Json]) -> Json:
    failed: list[str] = []
    outcomes: Counter[str | None] = Counter()
    votes = changes = agrees = 0
    for number, term in groupby(motions, lambda motion: motion["council"]):
        told = list(term)
        got, changed = _term(f"Council {number}", told)
        changes += changed
        for motion, outcome in zip(told, got, strict=True):
            said = Counter(VOTES.get(vote) for vote in motion["votes"].values())
            votes += sum(number for vote, number in said.items() if vote)
            seats = len(_seats(motion["votes"]))
            wanted = next((each for each in ("yes", "no") if 2 * said[each] > seats), None)
            stated = STATED.get(motion.get("meta", {}).get("Result"))
            agrees += stated == wanted
            if stated not in (None, wanted):
                failed.append(f"{number}/{motion['motion']}: {wanted}, and the file says {stated}")
            outcomes[wanted] += 1
            if outcome != wanted:
                failed.append(f"{number}/{motion['motion']}: {outcome}, and {wanted} was expected")
    return {
        "motions": len(motions),
        "votes": votes,
        "changes": changes,
        "passed": outcomes["yes"],
        "rejected": outcomes["no"],
        "undecided": outcomes[None],
        "as_stated": agrees,
        "failed": failed,
    }


def _seats(votes: Mapping[str, str]) -> list[str]:
    return sorted(name for name, vote in votes.items() if vote not in NO_SEAT)


def _term(name: str, motions: Sequence[Json]) -> tuple[list[str | None], int]:
    """Return what a node makes of each motion, and how often the seats changed hands."""
    federation = Federation()
    seats = _seats(motions[0]["votes"])
    book = federation.found_with(name, seats, len(seats) // 2 + 1)
    gone = []
    pages: list[PageId] = []
    changes = 0
    for number, motion in enumerate(motions):
        now = _seats(motion["votes"])
        if now != seats:
            gone += [writer for writer in book.seats if writer.of not in now]
            federation.reseat(book, now, len(now) // 2 + 1)
            seats, changes = now, changes + 1
        question = federation.move(book, f"{motion['motion']}, vote {number}")
        named = []
        for writer in book.seats:
            said = VOTES.get(motion["votes"][writer.of])
            if said is not None:
                named += federation.vote(writer, (question, said, ""))
        for writer in gone:
            named += federation.vote(writer, (question, "no", ""))
        votes = tuple(RecordId(tip[2]) for tip in named)  # type: ignore[arg-type]
        pages.append(federation.enter(book, [result_value(Result(question, COUNCIL, votes, None))]))
    node = Node(federation.bodies)
    node.take(federation.blocks)
    return [_outcome(node, book, page, 0) for page in pages], changes


def main(argv: Sequence[str] | None = None) -> int:
    """Check files; return 0 when each came out as expected, 1 when one did not, 2 for a file that is none of these."""
    parser = argparse.ArgumentParser(prog="python -m tests.authority.ballots", description=__doc__)
    parser.add_argument("files", type=Path, metavar="FILE", nargs="+")
    args = parser.parse_args(argv)
    failed = False
    for file in args.files:
        try:
            done = check(file.read_text("utf-8"), file.suffix == ".soi")
        except (OSError, ValueError, KeyError, TypeError) as error:
            print(f"{file}: {error}", file=sys.stderr)
            return 2
        print(json.dumps({"file": file.name, **done}, ensure_ascii=False))
        failed = failed or bool(done["failed"])
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
