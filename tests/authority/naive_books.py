"""The naive twin, rules 7 to 10: which branch holds, what stands, which mandates hold and what is cut. See `naive`."""

from collections.abc import Iterator
from typing import Any

from tests.authority.naive_structure import NO, UNKNOWN, YES, Json, once
from tests.authority.naive_voices import Voices

ACTING = ("sealed", "adopted", "frozen")
"""Statuses of pages whose entries act: for good, for now, or by holding things up."""


class Books(Voices):
    """Rules 7 to 10 as questions to a set of records."""

    # --- Pass 2

    @once
    def sealed(self, body: str) -> list[str]:
        """Rule 7: the canonical branch from page 0 on."""
        book = [self.page0[body]] if self.held(self.page0[body]) else []
        while book:
            after = [each for each in self.children.get(book[-1], ()) if self.certified(each)]
            on = after[0] if len(after) == 1 else self.onward(book[-1], after)
            if on is None:
                break
            book.append(on)
        return book

    def onward(self, slot: str, rivals: list[str]) -> str | None:
        """Rule 7: of several certified pages the one that is witnessed, else a single repair page."""
        at = self.epoch_after(slot)
        if not rivals or at is None or at == UNKNOWN:
            return None
        body = self.pages[slot]["body"]
        for head in self.witnessed(self.witness(at), body):
            if not self.certified(head):
                break  # not held, or not with what certifies it: it may come to be the first that decides
            on = [each for each in rivals if each in self.chain(head)]
            if on:
                return on[0]
        repairs = [each for each in rivals if self.pages[each].get("by") == "repair"]
        return repairs[0] if len(repairs) == 1 else None

    def witness(self, at: str) -> str | None:
        """Rule 2: the body that witnesses by the epoch on a page, when it is of a higher level."""
        entry = self.epoch_entry(at)
        assert entry is not None
        name = entry.get("witness")
        if name is None or not self._levelled(name) or not self._levelled(self.pages[at]["body"]):
            return None
        higher, here = self.level(name), self.level(self.pages[at]["body"])
        return name if higher is not None and here is not None and higher > here else None

    def _levelled(self, body: str) -> bool:
        page = self.page0.get(body)
        return page is not None and self.epoch_entry(page) is not None and self.sound_by_numbers(page)

    def witnessed(self, by: str | None, body: str) -> Iterator[str]:
        """Yield the heads of `body` in the witness entries of a sealed book, in book order."""
        for page in self.sealed(by) if by is not None else ():
            for entry in self.pages[page]["entries"]:
                if entry["kind"] == "witness" and entry["body"] == body:
                    yield entry["page"]

    @once
    def split(self, body: str) -> str | None:
        """Rule 7: the page after which a book is frozen."""
        book = self.sealed(body)
        if book and sum(self.certified(each) for each in self.children.get(book[-1], ())) > 1:
            return book[-1]
        return None

    # --- Pass 3

    @once
    def status(self, page: str) -> str:
        """Rules 7 and 8."""
        if not self.held(page):
            return "pending"
        one = self.pages[page]
        book = self.sealed(one["body"])
        if page in book:
            return "sealed"
        above = self.status(one["prev"])
        if above in ("displaced", "frozen"):
            return above
        if one["prev"] in book[:-1]:
            return "displaced"
        if one["prev"] == self.split(one["body"]):
            return "frozen"
        at = self.epoch_of(page)
        if at in (None, UNKNOWN) or one.get("by") == "repair" or above not in ("sealed", "adopted"):
            return "drafted"
        if self.unseen(page):
            return "drafted"  # whether k seats stand by it is not seen from outside
        seats, k, _, _, _, _ = self.epoch(at)
        standing = {self.seat_of(each) for each in self.said(page) if self.stands_by(each)}
        return "adopted" if len(standing & seats) >= k else "drafted"

    @once
    def moved(self, voice: str) -> bool:
        """Rule 8: a later disciplined signature of its chain is on another page of the slot."""
        one = self.voices[voice]
        return any(
            self.voices[each]["kind"] == "sign" and self.voices[each]["page"] != one["page"]
            and self.voices[each]["slot"] == one["slot"]
            and self.proper(each) == YES and voice in self.earlier(each)
            for each in self.of_log[one["log"]] if self.voices[each]["kind"] != "vote"
        )  # fmt: skip

    def stands_by(self, voice: str) -> bool:
        """Rule 8: a proper voice is neither moved nor cut."""
        return not self.moved(voice) and self.cut(voice) is None

    def voice_status(self, voice: str) -> str:
        """Rules 4, 5, 8 and 10."""
        proper = self.proper(voice)
        if proper != YES:
            return "void" if proper == NO else "pending"
        cut = self.cut(voice)
        if cut is not None:
            return cut
        # An approval is what it was when the page was counted; it is the name under the page that moves on.
        return "moved" if self.moved(voice) and self.voices[voice]["kind"] == "sign" else "stands"

    # --- Mandates and what ends them

    def after(self, page: str, index: int) -> Iterator[tuple[str, int, Json]]:
        """Yield the entries after an entry, in book order: on its own page and those that build on it, where they act."""
        acting = [each for each in self.pages if page in self._chain_of(each) and self.status(each) in ACTING]
        for each in sorted(acting, key=lambda name: self.pages[name]["no"]):
            for at, entry in enumerate(self.pages[each]["entries"]):
                if each != page or at > index:
                    yield each, at, entry

    @once
    def _chain_of(self, page: str) -> frozenset[str]:
        return frozenset(self.chain(page)) if self.held(page) else frozenset()

    @once
    def ends(self, page: str, index: int) -> tuple[tuple[str, bool, Json], ...]:
        """Rules 9 and 10: what ends a mandate: how, whether on a sealed page, and by which entry with which cuts."""
        mandate = self.entry(page, index)
        assert mandate is not None
        found: list[tuple[str, bool, Json]] = []
        if self.status(page) not in ACTING:
            return ()
        for where, _, entry in self.after(page, index):
            hard = self.status(where) == "sealed"
            over = any(sealed for _, sealed, _ in found)
            if entry["kind"] in ("recall", "closing") and entry["mandate"] == [page, index]:
                found.append(("recalled" if entry["kind"] == "recall" else "ended", hard, entry))
            elif entry["kind"] == "mandate" and _same_seat(entry, mandate) and not over:
                found.append(("replaced", hard, entry))
            elif entry["kind"] == "leave" and entry["body"] == mandate.get("seat") and not over:
                found.append(("left", hard, entry))
        return tuple(found)

    def mandate_status(self, page: str, index: int) -> str:
        """Rules 9 and 10."""
        own = {"sealed": "in force", "adopted": "provisional", "frozen": "frozen", "displaced": "void"}
        ends = self.ends(page, index)
        hard = {how for how, sealed, _ in ends if sealed}
        if hard:
            return "recalled" if "recalled" in hard else "ended"
        status = own.get(self.status(page), "none")
        if not ends or (status == "provisional" and {how for how, _, _ in ends} == {"replaced"}):
            return status
        return "suspended"

    @once
    def cut(self, record: str) -> str | None:
        """Rule 10: what a delegate's giver has by now said against a record: void, suspended, pending, or None."""
        log = self.voices[record]["log"]
        if "mandate" not in self.logs[log] or not self.held(self.logs[log]["mandate"][0]):
            return None
        page, index = self.logs[log]["mandate"]
        entry = self.entry(page, index)
        verdicts = {{"frozen": "suspended", "displaced": "void"}.get(self.status(page))}
        if entry is None or entry["kind"] != "mandate":
            return None
        if self.mandate_status(page, index) == "suspended":
            verdicts.add("suspended")  # rule 9: until it is sealed or displaced, nothing under it counts
        for _, hard, by in self.ends(page, index):
            kept = self.kept(record, (by.get("cuts") or {}).get(log))
            if kept != YES:
                verdicts.add("pending" if kept == UNKNOWN else "void" if hard else "suspended")
        return next((each for each in ("void", "suspended", "pending") if each in verdicts), None)

    def kept(self, record: str, tips: Any) -> str:
        """Rule 10: a record is kept if it is on the chain of a tip named for its log; above every tip it is out at once."""
        unknown = False
        for seq, tip in tips if tips and isinstance(tips[0], list) else [tips] if tips else []:
            if self.voices[record]["seq"] > seq:
                continue
            if not self.held_in_log(tip):
                unknown = True
                continue
            at = tip
            while at is not None and at != record:
                at = self.voices[at]["prev"]
            if at == record and self.voices[tip]["seq"] == seq:
                return YES
        return UNKNOWN if unknown else NO


def _same_seat(one: Json, other: Json) -> bool:
    return (one.get("seat"), one.get("task")) == (other.get("seat"), other.get("task"))
