"""The part of the demo's story that plays in the assembly: what is done when, what is said of it, and told as data."""

import textwrap
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from fedsync.crdt.books.results import ResultView
from fedsync.crdt.books.votes import FINAL, PROVISIONAL
from fedsync.data import Ballot
from fedsync.demo.assembly import DELEGATE, GUEST, NAME, Assembly
from fedsync.demo.board import Speaker
from fedsync.demo.community import Community, Entries
from fedsync.demo.delegations import Question, choose, players

TITLE_CHARS = 48
"""Of a resolution's title in a table: some fill three lines."""
WIDTH = 110
"""Letters in a line of what is told."""
HEADS = ("RESOLUTION", "ABOUT", "YES", "NO", "ABSTAIN", "OUTCOME", "IN THE UN")
RIGHT = ("YES", "NO", "ABSTAIN")
MAY_SAY: tuple[Ballot, ...] = ("yes", "no", "abstain")


class Sitting:
    """The assembly's days: together, while the link is cut, and afterwards."""

    def __init__(
        self, communities: Sequence[Community], near: int, used: Collection[str], out: Speaker
    ) -> None:
        self._communities, self._near, self._out = communities, near, out
        self._agenda = choose(len(communities), near, used)
        self._played = players(len(communities))
        self._assembly = Assembly(communities, near, self._agenda)
        self._questions: list[dict[str, Any]] = []
        self._recall: dict[str, Any] = {}
        self.as_said = False
        """Whether all came as the story says: told at its end."""

    # --- Together -----------------------------------------------------------------------------------------

    def found(self) -> None:
        """Found the region, and say who plays whom."""
        self._assembly.found()
        plays = [f"{each.name} as {who}" for each, who in zip(self._communities, self._played, strict=True)]
        self._say(
            f'They found a region, "{NAME}", and each sends a delegate, told to vote as a delegation to the United '
            f"Nations really did: {', '.join(plays)}. A vote against what they are told would count nowhere."
        )

    def sends(self, seat: int) -> Entries:
        """Return what a community's first page says of the assembly."""
        return self._assembly.sends(seat)

    def first(self) -> None:
        """Vote on the first questions, and show what they came to beside what they came to in truth."""
        number = self._assembly.sit()
        found = self._assembly.came_to(self._assembly.host)
        self._questions = [self._question_row(each, found[each]) for each in self._agenda.questions]
        self._say(
            "",
            f"The delegates vote on {len(self._questions)} real resolutions. At least {self._assembly.needed} of "
            f"{self._assembly.seats} sign page {number} of the region, with the results; the nodes count again, and seal it.",
        )
        if not self._out.as_json:
            self._out.table(HEADS, [_cells(each) for each in self._questions], RIGHT)

    def _question_row(self, question: Question, result: ResultView) -> dict[str, Any]:
        ours = Counter(str(each.ballot.option) for each in result.seats if each.ballot is not None)
        return {
            "resolution": question.number,
            "title": question.title,
            "page": result.number,
            "page_status": result.page_status,
            "votes": {each: ours[each] for each in MAY_SAY},
            "outcome": result.outcome,
            "data": {
                "votes": {each: question.counts[each] for each in MAY_SAY},
                "outcome": question.outcome,
                "all_votes": {each: question.world[each] for each in MAY_SAY},
                "all_outcome": question.world_outcome,
            },
            "equal": ours == question.counts and result.outcome == question.outcome == question.world_outcome,
        }

    # --- While the link is cut ----------------------------------------------------------------------------

    def second(self, seat: int) -> list[Entries]:
        """Return what a community's second page says of the assembly: its word, and one recalls its delegate."""
        recalls = [self._assembly.recalls] if seat == self._near - 1 else []
        return [self._assembly.confirms, *recalls]

    def apart(self) -> None:
        """Vote on the last question on the near side, where nobody knows of the recall."""
        self._assembly.sit_without_the_others()

    def tell_apart(self) -> None:
        """Say what the near side makes of it."""
        host, recaller, last = self._assembly.host, self._assembly.recaller, self._agenda.last
        found, vote = self._assembly.came_to(host), self._assembly.recalled_vote(host)
        assert vote is not None
        settled = [each for each in self._agenda.questions if found[each].status == FINAL]
        self._recall = {
            "community": recaller.name,
            "delegate": GUEST,
            "at": host.name,
            "vote": vote.id.hex(),
            "option": vote.option,
            "resolution": last.number,
            "title": last.title,
            "cut": {
                "vote": vote.verdict.status.value,
                "outcome": found[last].outcome,
                "status": found[last].status,
                "final": [each.number for each in settled],
            },
        }
        self._say(
            f"Beyond the cut {recaller.name} has recalled its delegate {GUEST}, who is in {host.name}: an assembly may do "
            f"that at any hour. Nobody there can know it. {GUEST} votes {vote.option} on {last.number} "
            f'("{_short(last.title)}"), and with that vote the result is {found[last].outcome}, {found[last].status}.',
            f"{_listed([each.number for each in settled])} {'is' if len(settled) == 1 else 'are'} final by now: their own "
            "assemblies have confirmed so many votes that nothing from beyond the cut can change the outcome.",
        )

    # --- Afterwards ---------------------------------------------------------------------------------------

    def again(self) -> None:
        """Wait for the recall everywhere, note what it did, and let the far side vote and the region count again."""
        last, settled = self._agenda.last, self._recall["cut"]["final"]
        final = [each for each in self._agenda.questions if each.number in settled]
        nodes = []
        for each in self._communities:
            vote, found = self._assembly.await_recall(each, final)
            nodes.append(
                {
                    "name": each.name,
                    "vote": vote.verdict.status.value,
                    "reason": vote.verdict.code,
                    "outcome": found[last].outcome,
                    "final": [
                        one.number
                        for one in self._agenda.questions
                        if (found[one].status, found[one].outcome) == (FINAL, one.outcome)
                    ],
                }
            )
        self._recall["nodes"] = nodes
        self._assembly.sit_again()
        self._recall["again"] = self._question_row(last, self._assembly.came_to(self._communities[0])[last])

    def tell_again(self) -> None:
        """Say what became of the vote, and of the results."""
        recall, nodes = self._recall, self._recall["nodes"]
        left = f"the result is {nodes[0]['outcome']}" if nodes[0]["outcome"] else "nothing is decided"
        self.as_said = is_as_said(self._questions, recall)
        if not self.as_said:
            return
        self._say(
            f"The recall has arrived: {GUEST}'s vote is void on all {len(nodes)} nodes, whenever it was cast, and without "
            f"it on {recall['resolution']} {left}. What was final has stayed as it was.",
            f"{recall['community']} sent {DELEGATE} instead. Those beyond the cut now vote, too, and the region counts "
            f"again: {_counts(recall['again']['votes'])}, so {recall['again']['outcome']}; in the UN these delegations "
            f"said the same.",
        )

    def asks(self) -> list[str]:
        """Return what can be asked of a node that was kept."""
        return [
            f"motions list --body {NAME}",
            f"motions show {self._assembly.motions[self._agenda.last].hex()[:8]}",
            f"why {self._recall['vote'][:8]}",
        ]

    def told(self) -> dict[str, Any]:
        """Return all that came of it."""
        return {
            "assembly": {
                "name": NAME,
                "seats": [
                    {"name": each.name, "plays": who}
                    for each, who in zip(self._communities, self._played, strict=True)
                ],
                "needed": self._assembly.needed,
                "questions": self._questions,
            },
            "recall": self._recall,
        }

    def _say(self, *paragraphs: str) -> None:
        self._out.say(
            *(
                line
                for each in paragraphs
                for line in textwrap.wrap(each, WIDTH, break_on_hyphens=False) or [""]
            )
        )


def is_as_said(questions: Sequence[dict[str, Any]], recall: dict[str, Any]) -> bool:
    """Say whether all came as the story tells it: the outcomes of the data, and a recall that undid just one vote."""
    cut, nodes = recall["cut"], recall["nodes"]
    return (
        all(each["equal"] for each in (*questions, recall["again"]))
        and (cut["vote"], cut["status"]) == ("stands", PROVISIONAL)
        and bool(cut["final"])
        and all(each["vote"] == "void" and each["outcome"] != cut["outcome"] for each in nodes)
        and all(set(cut["final"]) <= set(each["final"]) for each in nodes)
    )


def _cells(row: dict[str, Any]) -> list[str]:
    world = row["data"]["all_votes"]
    return [
        row["resolution"],
        _short(row["title"]),
        *(str(row["votes"][each]) for each in MAY_SAY),
        row["outcome"] or "nothing",
        f"{row['data']['all_outcome']} ({' : '.join(str(world[each]) for each in MAY_SAY)})",
    ]


def _counts(votes: dict[str, int]) -> str:
    return ", ".join(f"{votes[each]} {each}" for each in MAY_SAY if votes[each])


def _short(title: str) -> str:
    return textwrap.shorten(title, TITLE_CHARS, placeholder=" ...")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
