"""Block votes of delegates who are bound by their cabinets: `python -m tests.authority.bundesrat FILE.csv`.

FILE has the columns session, agenda_item, land, vote_norm: the position that one Land published on one item. Each Land
is a body whose book instructs its delegate, clause by clause: a session is a motion, each item a clause of it. Where
nothing was published there is no instruction; every other Land leaves its delegate free there. Delegates vote as
published, but for some that a seed picks, who do otherwise; some of those breaches are ratified by name, some only
confirmed, some mended by a second vote. What counts is compared with a naive count of the file, in several orders.

Results are counted by Land, not by its three to six votes.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

from fedsync.crdt.books.booktables import RESULTS, VOTE_VERDICTS
from fedsync.crdt.books.votes import tally
from fedsync.records.codec import Value
from fedsync.records.ids import PageId, RecordId
from fedsync.records.kinds.entries import Result
from fedsync.records.kinds.entryform import result_value
from fedsync.records.kinds.motions import Method, Rule
from tests.authority.federation import Federation, Given, Node, shuffled

COLUMNS = {"session", "agenda_item", "land", "vote_norm"}
UNPUBLISHED = "not_published"
ABSTAIN = "abstain"
RULE = Rule(Method.MAJORITY)
RESULTS_A_PAGE = 32
"""Each names up to 32 votes of 34 bytes; a record has 32 KiB."""
FLIPPED = 0.1
"""The share of instructed votes in which a delegate does otherwise."""
LEFT, RATIFIED, CONFIRMED, MENDED = "left", "ratified", "confirmed", "mended"


@dataclass
class Block:
    """What one Land's delegate did on one item, and what its cabinet made of it."""

    position: str | None
    """As published, and so as instructed; None: nothing was."""
    free: bool
    options: list[str] = field(default_factory=list)
    """What the delegate voted, in order."""
    votes: list[RecordId] = field(default_factory=list)
    handled: str = LEFT

    def counted(self) -> list[tuple[str, str]]:
        """Return what each vote comes to and why, from the story alone."""
        if self.handled == RATIFIED:
            return [("stands", "the-word")]
        return [("void", code) if code else ("stands", "counts") for code in map(self.breach, self.options)]

    def breach(self, option: str) -> str | None:
        """Return the code of what a vote for this option breaks, None when it is as instructed."""
        if self.position is None:
            return None if self.free else "uninstructed"
        return None if option == self.position else "outside-instructions"

    def ballot(self) -> str | None:
        """Return what counts for the Land, None when nothing does."""
        pairs = zip(self.options, self.counted(), strict=True)
        return next((option for option, (word, _) in pairs if word == "stands"), None)


@dataclass
class Item:
    """One item of an agenda, and where its result stands."""

    motion: RecordId
    clause: str
    blocks: dict[str, Block]
    page: PageId | None = None
    index: int = 0

    def outcome(self, seats: int) -> str | None:
        """Return what more than half of all Länder are for, from the story alone."""
        ballots = Counter(block.ballot() for block in self.blocks.values())
        for option, number in ballots.items():
            if option not in (None, ABSTAIN) and 2 * number > seats:
                return option
        return None


def read(lines: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a file, by session. Raises ValueError when it lacks a column or says a thing twice."""
    rows = list(csv.DictReader(lines))
    if not rows or not rows[0].keys() >= COLUMNS:
        raise ValueError(f"the file needs rows with the columns {', '.join(sorted(COLUMNS))}")
    if len({(row["session"], row["agenda_item"], row["land"]) for row in rows}) < len(rows):
        raise ValueError("the file has two positions of one Land on one item")
    return sorted(rows, key=lambda row: (len(row["session"]), row["session"]))


class Council:
    """The council of the Länder, and its sessions as they are written."""

    def __init__(self, rows: Sequence[Mapping[str, str]], random: Random) -> None:
        self.random = random
        self.options = sorted({row["vote_norm"] for row in rows} - {UNPUBLISHED} | {ABSTAIN})
        self.federation = Federation()
        names = sorted({row["land"] for row in rows})
        self.lands = {name: self.federation.found(name) for name in names}
        self.free = set(names[::2])
        self.book = self.federation.unite("Council", self.lands.values(), len(names))
        self.sent: dict[str, Given] = {}
        self.items: list[Item] = []
        for number, session in groupby(rows, lambda row: row["session"]):
            self._session(number, list(session))

    def _session(self, number: str, rows: Sequence[Mapping[str, str]]) -> None:
        agenda: dict[str, dict[str, str]] = {}
        for row in rows:
            agenda.setdefault(row["agenda_item"], {})[row["land"]] = row["vote_norm"]
        motion = self.federation.move(
            self.book, f"Agenda of session {number}", {name: f"Item {name}" for name in agenda}
        )
        items = [
            Item(motion, clause, {land: self._block(land, said) for land, said in positions.items()})
            for clause, positions in agenda.items()
        ]
        for land in sorted({land for item in items for land in item.blocks}):
            mine = {item.clause: item.blocks[land] for item in items if land in item.blocks}
            self._instruct(land, motion, mine)
            self._vote(land, motion, mine)
        self._certify(items)
        for land in self.lands:
            self._answer(land, [item for item in items if land in item.blocks])
        self.items += items

    def _block(self, land: str, said: str) -> Block:
        position = None if said == UNPUBLISHED else said
        block = Block(position, land in self.free)
        if position is None:
            block.options = [ABSTAIN]
        elif self.random.random() >= FLIPPED:
            block.options = [position]
        else:
            block.options = [self.random.choice([each for each in self.options if each != position])]
        if block.breach(block.options[0]):
            block.handled = self.random.choice([LEFT, RATIFIED, CONFIRMED, MENDED if position else LEFT])
        if block.handled == MENDED and position:
            block.options.append(position)
        return block

    def _instruct(self, land: str, motion: RecordId, blocks: Mapping[str, Block]) -> None:
        """Let a cabinet instruct its delegate of this session, clause by clause."""
        said: dict[str, Value] = {
            f"{motion.hex()}#{clause}": [block.position]
            for clause, block in blocks.items()
            if block.position is not None
        }
        if land in self.free:
            said["*"] = "free"
        before = self.sent.get(land)
        self.sent[land] = self.federation.give(
            self.lands[land],
            self.book,
            f"delegate of {land}",
            said,
            cuts=[before.writer.cut] if before else [],
        )

    def _vote(self, land: str, motion: RecordId, blocks: Mapping[str, Block]) -> None:
        for clause, block in blocks.items():
            for option in block.options:
                (tip,) = self.federation.vote(self.sent[land].writer, (motion, option, clause))
                block.votes.append(RecordId(tip[2]))  # type: ignore[arg-type]

    def _certify(self, items: Sequence[Item]) -> None:
        """Write the council's pages with the results, all votes named."""
        if len(self.sent) < self.book.k:
            raise ValueError("too few Länder take part in the first session to write a page")
        self.book.seats = [given.writer for given in self.sent.values()]
        for first in range(0, len(items), RESULTS_A_PAGE):
            some = items[first : first + RESULTS_A_PAGE]
            entries = []
            for item in some:
                votes = tuple(vote for block in item.blocks.values() for vote in block.votes)
                entries.append(result_value(Result(item.motion, RULE, votes, None, item.clause)))
            page = self.federation.enter(self.book, entries)
            for index, item in enumerate(some):
                item.page, item.index = page, index

    def _answer(self, land: str, items: Sequence[Item]) -> None:
        """Let a cabinet ratify or confirm, by name, what its delegate did outside the instructions."""
        entries: list[dict[str, Value]] = []
        for item in items:
            block = item.blocks[land]
            if block.handled in (RATIFIED, CONFIRMED):
                kind = "ratify" if block.handled == RATIFIED else "confirm"
                entries.append(
                    {"kind": kind, "motion": item.motion, "clause": item.clause, "vote": block.votes[0]}
                )
        if entries:
            self.federation.enter(self.lands[land], entries)


def check(rows: Sequence[Mapping[str, str]], orders: int, seed: int) -> dict[str, Any]:
    """Return what was counted, and under "failed" where the production fold and the naive count differ."""
    council = Council(rows, Random(seed))
    failed: list[str] = []
    roots: set[bytes] = set()
    for order in range(orders):
        node, random = Node(council.federation.bodies), Random(f"{seed} {order}")
        blocks = council.federation.blocks
        node.take(shuffled(blocks, random, again=0.1) if order else blocks)
        roots.add(node.root())
        failed += differences(council, node)
    if len(roots) > 1:
        failed.append("the orders came to different states")
    cast = [block for item in council.items for block in item.blocks.values()]
    verdicts = Counter(verdict for block in cast for verdict in block.counted())
    return {
        "rows": len(rows),
        "sessions": len({row["session"] for row in rows}),
        "items": len(council.items),
        "instructed": sum(block.position is not None for block in cast),
        "not_published": sum(block.position is None for block in cast),
        "votes": sum(len(block.votes) for block in cast),
        "stand": verdicts["stands", "counts"],
        "void_outside_instructions": verdicts["void", "outside-instructions"],
        "void_uninstructed": verdicts["void", "uninstructed"],
        "cured_by_ratify": verdicts["stands", "the-word"],
        "confirmed_and_void": sum(block.handled == CONFIRMED for block in cast),
        "mended_by_a_second_vote": sum(block.handled == MENDED for block in cast),
        "decided": sum(item.outcome(len(council.lands)) is not None for item in council.items),
        "records": sum(block.last - block.first + 1 for block in council.federation.blocks),
        "orders": orders,
        "failed": failed,
    }


def differences(council: Council, node: Node) -> list[str]:
    """Return where a node and the story differ, in words."""
    failed = []
    for item in council.items:
        for land, block in item.blocks.items():
            for vote, wanted in zip(block.votes, block.counted(), strict=True):
                row = node.view.get(VOTE_VERDICTS, (council.lands[land].scope, vote))
                if row is None or row[2:] != wanted:
                    failed.append(f"{land} on {item.clause}: {row and row[2:]}, and {wanted} was expected")
        assert item.page is not None
        at = (council.book.scope, item.page, item.index)
        row, now = node.view.get(RESULTS, at), tally(node.view, *at)
        count = sum(block.ballot() is not None for block in item.blocks.values())
        outcome = item.outcome(len(council.lands))
        if row is None or now is None or row[2] != outcome or len(now.ballots) != count:
            got = (row[2], len(now.ballots)) if row and now else None
            failed.append(f"{item.clause}: {got}, and {(outcome, count)} was expected")
    return failed


def main(argv: Sequence[str] | None = None) -> int:
    """Check a file; return 0 when every vote and result came out as expected, 1 when one did not, 2 for a wrong file."""
    parser = argparse.ArgumentParser(prog="python -m tests.authority.bundesrat", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE.csv")
    parser.add_argument("--orders", type=int, default=3, metavar="N", help="orders of arrival (3)")
    parser.add_argument("--seed", type=int, default=0, help="whose delegates do otherwise (0)")
    args = parser.parse_args(argv)
    try:
        done = check(read(args.file.read_text("utf-8").splitlines()), args.orders, args.seed)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        print(f"{args.file}: {error}", file=sys.stderr)
        return 2
    print(json.dumps(done, ensure_ascii=False))
    return 1 if done["failed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
