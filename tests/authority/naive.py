"""The naive twin of the whole authority fold: a pure function from a set of records to the status of each.

The records are those of `worlds.jsonl`, plain words for ids. Each function is one of the numbered rules, or a part of
one, and says which; everything is asked for from the beginning, nothing is kept from one call of `fold` to the next.
A check answers YES, NO or UNKNOWN: not known yet. What the rules leave open is read as docs/books.md reads it.

Rules 1 to 3 are in `naive_structure`, 4 to 6 in `naive_voices`, 7 to 10 in `naive_books`, 11, 12 and 14 here. Rule 13
follows from these and has no status of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from tests.authority.naive_books import Books
from tests.authority.naive_structure import NO, UNKNOWN, YES, Json, once

BREACHES = ("uninstructed", "outside", "late", "beyond")
"""What a delegate does wrong under a mandate, and a ratify cures."""
MAX_CHOICES = 100_000
"""Combinations of votes that a result is tried with; the worlds stay far below."""


@dataclass(frozen=True)
class State:
    """What a set of records amounts to, by the names that worlds use: `PAGE#i` is an entry."""

    status: dict[str, str] = field(default_factory=dict)
    outcome: dict[str, str] = field(default_factory=dict)
    head: dict[str, str] = field(default_factory=dict)
    frozen: dict[str, str] = field(default_factory=dict)
    certified: frozenset[str] = frozenset()

    def named(self) -> dict[str, Any]:
        """Return all of it under the names of `build.statuses`."""
        found: dict[str, Any] = dict(self.status)
        found |= {f"outcome {name}": each for name, each in self.outcome.items()}
        found |= {f"head {name}": each for name, each in self.head.items()}
        found |= {f"certified {name}": True for name in self.certified}
        return found | {f"frozen {name}": each for name, each in self.frozen.items()}


def fold(records: Iterable[Json], outside: Iterable[str] = ()) -> State:
    """Return the state of a set of records, some bodies looked at from outside."""
    return Rules(records, outside).state()


class Rules(Books):
    """Rules 11, 12 and 14 as questions to a set of records, and the answer to all."""

    # --- Votes, words, results

    def question(self, entry: Json) -> tuple[str, str]:
        """Return the motion and the clause that a vote, word or result is about."""
        return entry["motion"], entry.get("clause", "")

    @once
    def own_verdict(self, vote: str) -> str:
        """Rules 9 and 14: what a vote is by its log and mandate alone: YES, NO, UNKNOWN, or which breach it is."""
        one = self.voices[vote]
        if not self.held_in_log(vote):
            return UNKNOWN
        if "mandate" not in self.logs[one["log"]]:
            return YES if self._named(one["log"]) else UNKNOWN
        found, _, mandate = self.mandate_of(one["log"])
        if mandate is None:
            return found
        motion, clause = self.question(one)
        said = mandate["instructions"]
        names = [f"{motion}#{clause}", motion, "*"] if clause else [motion, "*"]
        instructed = next((said[each] for each in names if each in said), None)
        if instructed is None:
            return "uninstructed"
        if instructed != "free" and one["option"] not in instructed:
            return "outside"
        if self.too_late(one, mandate):
            return "late"
        return "beyond" if self.too_many(vote, mandate) else YES

    @once
    def _named(self, log: str) -> bool:
        """Say whether any epoch in the book of a log's body names it."""
        return any(
            log in [each.get("log") for each in [*entry["seats"], *(entry.get("sealers") or [])]]
            for name, page in self.pages.items()
            if page["body"] == self.logs[log]["seat"] and self.held(name)
            for entry in page["entries"] if entry["kind"] == "epoch"
        )  # fmt: skip

    @once
    def word(self, body: str, question: tuple[str, str]) -> tuple[str, str | None, str] | None:
        """Rule 11: (page, vote or None, YES or UNKNOWN): the first confirm or ratify that takes in a sealed book."""
        return self.word_in(self.sealed(body) if body in self.page0 else [], question)

    def word_in(self, book: Iterable[str], question: tuple[str, str]) -> tuple[str, str | None, str] | None:
        """Rule 11, of the pages of one branch."""
        for page in book:
            for entry in self.pages[page]["entries"]:
                if entry["kind"] not in ("confirm", "ratify") or self.question(entry) != question:
                    continue
                vote = entry["vote"]
                if vote is None:
                    return page, None, YES
                if not self.held_in_log(vote):
                    return page, vote, UNKNOWN
                same_question = self.question(self.voices[vote]) == question
                if self.giver(vote) != self.pages[page]["body"] or not same_question:
                    continue
                own = self.own_verdict(vote)
                if own == UNKNOWN:
                    return page, vote, UNKNOWN
                if own == YES or (own in BREACHES and entry["kind"] == "ratify"):
                    return page, vote, YES
        return None

    def giver(self, vote: str) -> str | None:
        """Return the body in whose book a vote's log has its mandate or its seat."""
        log = self.logs[self.voices[vote]["log"]]
        if "mandate" not in log:
            return str(log["seat"])
        page = self.pages.get(log["mandate"][0])
        return page["body"] if page is not None else None

    @once
    def vote_status(self, vote: str) -> str:
        """Rules 10, 11 and 14."""
        own = self.own_verdict(vote)
        if own in (UNKNOWN, NO):
            return "pending" if own == UNKNOWN else "void"
        giver = self.giver(vote)
        assert giver is not None
        word = self.word(giver, self.question(self.voices[vote]))
        if word is not None and word[2] == YES:
            return "stands" if word[1] == vote else "void"
        log = self.logs[self.voices[vote]["log"]]
        if own in BREACHES or "mandate" not in log:
            return "void" if own in BREACHES else "stands"
        given = self.status(log["mandate"][0])
        if given == "drafted":
            return "pending"
        return self.cut(vote) or ("suspended" if given == "adopted" else "stands")

    def result(self, page: str, index: int) -> tuple[str, str | None]:
        """Rule 12: provisional or final, and the outcome that every node computes."""
        entry = self.entry(page, index)
        assert entry is not None
        at = self.epoch_of(page) if self.held(page) else None
        if at in (None, UNKNOWN):
            return "provisional", None
        sealed, seats = self.status(page) == "sealed", self.epoch(at)[0]
        if "counts" in entry:
            tally = [option for option, number in entry["counts"] for _ in range(number)]
            return "final" if sealed else "provisional", decide(entry, len(seats), tally)
        if self.unseen(page):
            return "provisional", None  # the votes are in books that are not held
        missing = False
        named: dict[str, list[str]] = {}
        for vote in entry["votes"]:
            if not self.held_in_log(vote):
                missing = True
                continue
            log = self.logs[self.voices[vote]["log"]]
            if self.question(self.voices[vote]) != self.question(entry):
                continue
            if not self.held(log.get("mandate", [page])[0]):
                missing = True
                continue
            seat = self.seat_of(vote)
            if seat in seats and self._for_seat(vote, page):
                named.setdefault(seat, []).append(vote)
        now: list[str] = []
        choices: list[set[str | None]] = []
        for seat, votes in named.items():
            option, possible = self.ballot(page, seat, votes, self.question(entry))
            now += [option] if option is not None else []
            choices.append(possible)
        outcome = decide(entry, len(seats), now)
        final = sealed and not missing and same_whatever(entry, len(seats), choices)
        return "final" if final else "provisional", outcome

    def _for_seat(self, vote: str, page: str) -> bool:
        """Rules 4 and 9: a vote under a mandate counts in the body that the mandate is for."""
        log = self.voices[vote]["log"]
        if "mandate" not in self.logs[log]:
            return True
        _, _, mandate = self.mandate_of(log)
        return mandate is not None and mandate.get("seat") == self.pages[page]["body"]

    def ballot(
        self, page: str, seat: str, votes: list[str], question: tuple[str, str]
    ) -> tuple[str | None, set[str | None]]:
        """Rule 12: what counts for a seat now, and all that may come to count."""
        options = [self.voices[each]["option"] for each in votes]
        if seat not in self.page0:
            return options[0], {options[0]}
        fixed = self.word_in(self.witnessed_branch(self.pages[page]["body"], seat), question)
        if fixed is not None and fixed[2] == YES:
            counts = self.voices[fixed[1]]["option"] if fixed[1] in votes else None
            return counts, {counts}
        word = self.word(seat, question)
        if word is not None and word[2] == YES:
            return (self.voices[word[1]]["option"] if word[1] in votes else None), {None, *options}
        standing = [each for each in votes if self.vote_status(each) == "stands"]
        return (self.voices[standing[0]]["option"] if standing else None), {None, *options}

    def witnessed_branch(self, by: str, body: str) -> list[str]:
        """Rule 12: the book of `body` as far as the sealed book of `by` has witnessed it, whatever became of it since."""
        book: list[str] = []
        for head in self.witnessed(by, body):
            if not self.certified(head):
                break  # as in rule 7: it may come to be the first that decides
            branch = list(self.chain(head))[::-1]
            if self.pages[head]["body"] == body and branch[: len(book)] == book:
                book = branch  # a head on another branch than an earlier one says nothing
        return book

    # --- All together

    def state(self) -> State:
        """Return what has come of every record."""
        found = State(certified=frozenset(each for each in self.pages if self.certified(each)))
        for name, page in self.pages.items():
            found.status[name] = self.status(name)
            for index, entry in enumerate(page["entries"]):
                if entry["kind"] == "mandate":
                    found.status[f"{name}#{index}"] = self.mandate_status(name, index)
                if entry["kind"] == "result":
                    status, outcome = self.result(name, index)
                    found.status[f"{name}#{index}"] = status
                    found.outcome[f"{name}#{index}"] = outcome or "none"
        for name, voice in self.voices.items():
            ask = self.vote_status if voice["kind"] == "vote" else self.voice_status
            found.status[name] = ask(name)
        for body in self.page0:
            book, split = self.sealed(body), self.split(body)
            if book:
                found.head[body] = book[-1]
            if split is not None:
                found.frozen[body] = split
        return found


def decide(entry: Json, seats: int, ballots: Iterable[str]) -> str | None:
    """Rule 12: what ballots decide: `need` of them, or a majority of all seats, and more than for any other option."""
    ballots = list(ballots)
    counts = {option: ballots.count(option) for option in ballots}
    need = entry["need"] if "need" in entry else seats // 2 + 1
    enough = [option for option, count in counts.items() if count >= need]
    best = [
        option for option in enough if all(counts[option] > counts[each] for each in counts if each != option)
    ]
    return best[0] if best else None


def same_whatever(entry: Json, seats: int, choices: list[set[str | None]]) -> bool:
    """Rule 12: the outcome is the same for every choice of each seat."""
    size = 1
    for each in choices:
        size *= len(each)
    assert size <= MAX_CHOICES
    return (
        len({decide(entry, seats, [each for each in cast if each is not None]) for cast in product(*choices)})
        == 1
    )
