"""Writes worlds record by record: logs, pages, signatures, votes, in the schema of `worlds.jsonl`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
START, HOUR = 1_700_000_000_000, 3_600_000
COMMUNITY, REGION, WORLD = 1, 2, 3


@dataclass
class Term:
    """An epoch as its drafter meant it."""

    seats: list[str]
    k: int
    sealers: list[str]
    w: int
    repair: list[str] = field(default_factory=list)


@dataclass
class Book:
    """A body as its people see it: the page that they build on, and which epoch governs after each page."""

    name: str
    level: int
    tip: str
    terms: dict[str, Term]
    numbers: dict[str, int]
    prevs: dict[str, str | None] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    """Logs that lost their seat."""


class Scribe:
    """Writes a world. `liars`: the logs that it forked."""

    def __init__(self) -> None:
        self.records: list[Json] = []
        self.ends: dict[str, str | None] = {}
        self.voices: dict[str, Json] = {}
        self.books: dict[str, Book] = {}
        self.liars: set[str] = set()
        self.numbers: dict[str, int] = {}
        self.rounds: dict[str, int] = {}
        """Slot -> the highest round so far."""
        self.now = START

    # --- Writing

    def name(self, kind: str) -> str:
        """Return a name that is not taken."""
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        return f"{kind}{self.numbers[kind]}"

    def log(self, name: str, key: str, **of: Any) -> str:
        """Open a log."""
        self.records.append({"kind": "log", "id": name, "key": key, **of})
        self.ends[name] = None
        return name

    def say(self, log: str, kind: str, after: str | None = None, fork: bool = False, **said: Any) -> Json:
        """Append to a log, or, as a liar, after any record of it."""
        self.now += HOUR
        prev = after if fork else self.ends[log]
        seq = 0 if prev is None else self.voices[prev]["seq"] + 1
        one: Json = {
            "kind": kind,
            "id": self.name({"sign": "s", "approve": "a", "vote": "v"}[kind]),
            "log": log,
        }
        one |= {"seq": seq, "prev": prev, "time": self.now, **said}
        if fork and prev != self.ends[log]:
            self.liars.add(log)
        self.voices[one["id"]] = one
        self.records.append(one)
        self.ends[log] = one["id"]
        return one

    def sign(self, log: str, page: str, round_: int, kind: str = "sign", **more: Any) -> Json:
        """Sign or approve a page."""
        slot = str(self.of(page).prevs[page])
        self.rounds[slot] = max(self.rounds.get(slot, 0), round_)
        return self.say(log, kind, page=page, slot=slot, round=round_, **more)

    def of(self, page: str) -> Book:
        """Return the book that a page belongs to."""
        return next(book for book in self.books.values() if page in book.prevs)

    def page(
        self, book: Book, on: str, entries: Sequence[Json], term: Term | None = None, by: str = ""
    ) -> str:
        """Draft a page."""
        name = f"{book.name}.{len(book.prevs)}"
        if any(
            each["prev"] == on and each["entries"] == entries
            for each in self.records
            if each["kind"] == "page"
        ):
            entries = [*entries, {"kind": "decision", "text": name}]  # the same words would be the same page
        page = {"kind": "page", "id": name, "body": book.name, "no": book.numbers[on] + 1, "prev": on}
        self.records.append({**page, "entries": list(entries)} | ({"by": by} if by else {}))
        book.prevs[name], book.numbers[name] = on, book.numbers[on] + 1
        book.terms[name] = term or book.terms[on]
        book.open.append(name)
        return name

    def epoch(self, term: Term, book: str, level: int | None, witness: str | None) -> Json:
        """Return the entry of a term."""
        keys = {each["id"]: each["key"] for each in self.records if each["kind"] == "log"}
        seats = [
            {"body": each} if each in self.books else {"log": each, "key": keys[each]} for each in term.seats
        ]
        entry: Json = {"kind": "epoch", "seats": seats, "k": term.k, "name": self.name(f"{book} e")}
        if term.sealers != term.seats:
            entry |= {"sealers": [{"log": each, "key": keys[each]} for each in term.sealers], "w": term.w}
        elif term.w != term.k:
            entry["w"] = term.w
        if level is not None:
            entry["level"] = level
        if witness is not None:
            entry["witness"] = witness
        if term.repair:
            entry["repair"] = {"keys": term.repair, "k": len(term.repair) // 2 + 1}
        return entry

    # --- Founding and sealing

    def found(self, name: str, level: int, term: Term, witness: str | None = None) -> Book:
        """Found a body."""
        page0 = f"{name}.0"
        book = Book(name, level, page0, {page0: term}, {page0: 0}, {page0: None})
        self.books[name] = book
        entry = self.epoch(term, name, level, witness)
        page: Json = {"kind": "page", "id": page0, "body": name, "no": 0, "prev": None, "entries": [entry]}
        self.records.append(page)
        return book

    def community(self, name: str, n: int = 1, k: int = 1, witness: str | None = None) -> Book:
        """Found a community of people who seal their own pages."""
        logs = [self.log(f"L{name.lower()}{at}", f"{name.lower()}{at}", seat=name) for at in range(n)]
        return self.found(name, COMMUNITY, Term(logs, k, logs, k), witness)

    def region(
        self, name: str, members: Sequence[str], level: int = REGION, witness: str | None = None
    ) -> Book:
        """Found a body of bodies with one node that seals."""
        node = self.log(f"N{name.lower()}", f"node {name}", seat=name)
        return self.found(name, level, Term(list(members), len(members) // 2 + 1, [node], 1), witness)

    def sealed(
        self,
        body: str,
        entries: Sequence[Json],
        by: Iterable[str] = (),
        on: str | None = None,
        round_: int = 0,
    ) -> str:
        """Write a page and seal it: k seats sign, or the logs of `by`, and w sealers approve."""
        book = self.books[body]
        page = self.page(book, on or book.tip, entries)
        term = book.terms[str(book.prevs[page])]
        for log in by or term.seats[: term.k]:
            if log not in term.sealers[: term.w]:
                self.sign(log, page, round_)
        for log in term.sealers[: term.w]:
            self.sign(log, page, round_, "approve")
        book.tip = page
        return page

    def sent(self, body: str, seat: str, **more: Any) -> str:
        """Give a mandate on a sealed page; return a log under it."""
        key = self.name(f"h{body.lower()}")
        entry = {"kind": "mandate", "holder": key, "seat": seat, "instructions": {"*": "free"}, **more}
        page = self.sealed(body, [entry])
        return self.log(self.name("M"), key, mandate=[page, 0])

    def vote(self, log: str, motion: str = "D", option: str = "x", **more: Any) -> str:
        """Cast a vote; return its name."""
        return str(self.say(log, "vote", motion=motion, option=option, **more)["id"])
