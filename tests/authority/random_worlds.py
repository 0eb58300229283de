"""Random worlds over three levels: communities, a region or two, the world. Honest people, careless ones, and liars.

`draw(seed)` gives a world in the schema of `worlds.jsonl`, its records in the order in which they were written. What
nobody's log shows as a fork was said in the order of its chain, so by rule 5 it can hurt nobody: who lies in a way
that counts forks a log. `last` says what came at the very end, from record `last_from` on: "hoard", what people without
a voice any longer kept back, or "late recall", of a delegate by a community, keeping nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.authority import naive
from tests.authority.scribe import COMMUNITY, HOUR, REGION, WORLD, Book, Json, Scribe, Term


@dataclass
class Given:
    """A mandate on a page, and the logs under it."""

    of: str
    page: str
    index: int
    seat: str
    logs: list[str] = field(default_factory=list)
    over: bool = False


class Crowd(Scribe):
    """People who write a world, as chance has it."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = Random(f"world {seed}")
        self.id = f"w{seed}"
        self.mandates: list[Given] = []
        self.votes: list[Json] = []
        self.acts: set[str] = set()
        self.care = self.random.choice([0.97, 0.9, 0.75])
        """How often a page gets as far as its drafter wants."""
        self.lying = False
        """Nodes approve what no seats stand by."""

    def say(self, log: str, kind: str, after: str | None = None, fork: bool = False, **said: Any) -> Json:
        """Append to a log, a while after the last act."""
        self.now += self.random.randrange(HOUR)
        return super().say(log, kind, after, fork, **said)

    # --- Founding

    def gather(self, name: str, level: int, seats: Sequence[str], witness: str | None) -> None:
        """Found a body: of people with 3 or 4 seats, or of bodies with a node each."""
        random = self.random
        if level == COMMUNITY:
            n, k = random.choice([(1, 1), (3, 2), (3, 2), (4, 3), (4, 3)])
            logs = [self.log(f"L{name.lower()}{at}", f"{name.lower()}{at}", seat=name) for at in range(n)]
            term = Term(logs, k, logs, k)
        else:
            n = len(seats)
            m = random.choice([n, max(n, 4)])
            nodes = [self.log(f"N{name.lower()}{at}", f"node {name} {at}", seat=name) for at in range(m)]
            term = Term(list(seats), n // 2 + 1, nodes, 2 * m // 3 + 1)
        if random.random() < 0.4:
            term.repair = [f"{name} rep{at}" for at in range(3)]
        self.found(name, level, term, witness)

    # --- Meeting

    def voices_for(self, book: Book, page: str) -> dict[str, list[str]]:
        """Return seat -> logs that may speak for it."""
        random = self.random
        term = book.terms[str(book.prevs[page])]
        found: dict[str, list[str]] = {}
        for seat in term.seats:
            if seat not in self.books:
                found[seat] = [seat]
            else:
                given = [each for each in self.mandates if each.of == seat and each.seat == book.name]
                found[seat] = [log for each in given if not each.over for log in each.logs]
                if not found[seat] or random.random() > self.care:
                    found[seat] = [log for each in given for log in each.logs]
        return {seat: logs for seat, logs in found.items() if logs}

    def meet(self, page: str, how: str, round_: int | None = None) -> bool:
        """Let people sign a page and sealers approve it; say whether it should be sealed."""
        book, random = self.of(page), self.random
        slot = str(book.prevs[page])
        term = book.terms[slot]
        if round_ is None:
            # Where somebody has spoken for a rival, the next round; H1 of the rules, without its patience.
            spoken = {each["page"] for each in self.voices.values() if each.get("slot") == slot} - {page}
            round_ = self.rounds.get(slot, 0) + (1 if spoken else 0)
        voices = self.voices_for(book, page)
        k = {"weak": term.k - 1, "adopted": term.k}.get(how, random.choice([term.k, len(term.seats)]))
        chosen = random.sample(sorted(voices), min(k, len(voices)))
        signed = set()
        for seat in chosen:
            log = random.choice(voices[seat])
            signed.add(log)
            self.sign(log, page, round_, **self._lock(log, page, round_))
        if how in ("weak", "adopted"):
            return False
        nodes_wait = book.level > COMMUNITY and not self.lying and random.random() < self.care
        if nodes_wait and naive.Rules(self.records).status(page) != "adopted":
            return False  # H3
        w = term.w - 1 if how == "certless" else random.choice([term.w, len(term.sealers)])
        sealers = random.sample(term.sealers, min(w, len(term.sealers)))
        locked = [each for each in sealers if self._lock(each, page, round_)]
        for log in sealers:
            if log not in signed and (log in term.seats or log in locked or random.random() < 0.3):
                self.sign(log, page, round_, **self._lock(log, page, round_))
        for log in sealers:
            at = round_ + (random.randrange(2) if how == "mixed" else 0)
            self.sign(log, page, at, "approve")
        return how == "sealed" and len(chosen) >= term.k

    def _lock(self, log: str, page: str, round_: int) -> Json:
        slot = self.of(page).prevs[page]
        said = [each for each in self.voices.values() if each["log"] == log and each.get("slot") == slot]
        approved = [each for each in said if each["kind"] == "approve" and each["page"] != page]
        if not approved or self.random.random() < 0.1:
            return {}
        return {"lock": self.random.randint(approved[-1]["round"], max(round_ - 1, approved[-1]["round"]))}

    def sitting(self, book: Book, entries: Sequence[Json], term: Term | None = None) -> str:
        """Draft a page on what was built last, and let it get as far as chance will."""
        random = self.random
        on = book.tip
        if book.open and random.random() > self.care:
            on = random.choice(book.open)
        page = self.page(book, on, entries, term)
        how = "sealed"
        if random.random() > self.care:
            how = random.choice(["adopted", "adopted", "weak", "certless", "mixed", "drafted"])
        if how != "drafted" and self.meet(page, how) and on == book.tip:
            book.tip = page
        return page

    def look(self) -> None:
        """Let everybody see how far their books are and which mandates hold."""
        now = naive.fold(self.records)
        for book in self.books.values():
            head = now.head[book.name]
            if head != book.tip:
                book.tip = head
                seats = {each for term in book.terms.values() for each in (*term.seats, *term.sealers)}
                term = book.terms[head]
                book.gone = sorted(seats - {*term.seats, *term.sealers})
        for given in self.mandates:
            given.over = now.status[f"{given.page}#{given.index}"] != "in force"

    # --- Acts

    def any_book(self, *levels: int) -> Book:
        """Return a body of one of these levels."""
        return self.random.choice(
            [each for each in self.books.values() if each.level in (levels or (1, 2, 3))]
        )

    def above(self, book: Book) -> list[Book]:
        """Return the bodies in which a body has, or had, a seat."""
        return [
            each for each in self.books.values()
            if any(book.name in term.seats for term in each.terms.values())
        ]  # fmt: skip

    def give(self, book: Book | None = None, seat: str | None = None) -> None:
        """Give a mandate, and open a log or two under it."""
        random = self.random
        book = book or self.any_book(COMMUNITY, COMMUNITY, REGION)
        above = [each.name for each in self.above(book)]
        # Where nobody sits for the body now, there is most to do.
        empty = [each for each in above if not self.delegates(book.name, each)]
        if not above:
            return
        seat = seat or random.choice(empty or above)
        holder = self.name("h")
        entry: Json = {"kind": "mandate", "holder": holder, "seat": seat, "instructions": {"*": "free"}}
        if random.random() < 0.3:
            entry["instructions"] = random.choice(
                [{"*": ["x"]}, {"D1": ["x"], "*": "free"}, {"D1#c": ["y"], "D1": ["x"]}, {"D2": "free"}, {}]
            )
        if random.random() < 0.1:
            entry["may"] = random.choice(
                [["decision", "result", "witness"], ["decision"], ["result", "epoch"]]
            )
        if random.random() < 0.12:
            entry["until"] = self.now + random.choice([-1, 5, 40]) * HOUR
        if random.random() < 0.08:
            entry["limits"] = {random.choice(["vote", "signature"]): random.choice([1, 1, 2])}
        if random.random() < 0.15:
            entry["alternate"] = f"{holder} too"
        before = [each for each in self.mandates if each.of == book.name and each.seat == seat]
        if before:
            entry["cuts"] = self.cuts(before)
        page = self.sitting(book, [entry])
        given = Given(book.name, page, 0, seat)
        for at in range(random.choice([1, 1, 1, 2])):
            key = random.choices([holder, entry.get("alternate", holder), "somebody"], [12, 3, at])[0]
            given.logs.append(self.log(self.name("M"), key, mandate=[page, 0]))
        self.mandates.append(given)
        self.acts.add("replacement" if before else "mandate")

    def delegates(self, of: str, seat: str) -> list[str]:
        """Return the logs under mandates that hold."""
        given = [each for each in self.mandates if each.of == of and each.seat == seat and not each.over]
        return [log for each in given for log in each.logs]

    def cuts(self, mandates: Iterable[Given]) -> Json:
        """Return tips of the logs under mandates: all of them, some, or of the middle of a log."""
        found: Json = {}
        for log in [log for each in mandates for log in each.logs]:
            tips = [each for each in self.voices.values() if each["log"] == log]
            if tips and self.random.random() < 0.7:
                at = tips[-1] if self.random.random() < 0.6 else self.random.choice(tips)
                found[log] = [at["seq"], at["id"]]
                if self.random.random() < 0.15:
                    other = self.random.choice(tips)
                    found[log] = [found[log], [other["seq"], other["id"]]]
        return found

    def recall(self) -> None:
        """Recall a delegate, or close a mandate; sometimes let it go on signing (a hoard)."""
        if not self.mandates:
            return
        given = self.random.choice(self.mandates)
        kind = self.random.choice(["recall", "recall", "closing"])
        book = self.books[given.of]
        entry = {"kind": kind, "mandate": [given.page, given.index], "cuts": self.cuts([given])}
        page = self.sitting(book, [entry])
        if page == book.tip:
            self.acts.add(f"{kind} by level {book.level}")
            if given.logs and self.random.random() < 0.5:
                self.hoards(self.random.choice(given.logs), self.books[given.seat])

    def hoards(self, log: str, book: Book) -> None:
        """Let a log that lost its voice sign, approve or vote on, at its end or from an earlier place."""
        random = self.random
        forks = random.random() < 0.3
        for _ in range(random.randint(1, 3)):
            after = random.choice(
                [None, *[each["id"] for each in self.voices.values() if each["log"] == log]]
            )
            end = self.ends[log]
            if random.random() < 0.3:
                self.say(log, "vote", after, forks, motion="D1", option=random.choice("xy"))
            else:
                page = random.choice(sorted(book.prevs.keys() - {f"{book.name}.0"}) or [""])
                if not page:
                    return
                kind, round_ = random.choice(["sign", "approve"]), random.randrange(4)
                self.sign(log, page, round_, kind, after=after, fork=forks, **self._lock(log, page, round_))
            if forks:
                self.ends[log] = end
        self.acts.add("hoard")

    def old_seats(self, book: Book | None = None) -> None:
        """Let seats that were dropped, all of them, sign and approve a rival of a page, from logs that do not fork."""
        book = book or self.any_book()
        if not book.gone:
            return
        slot = self.random.choice([each for each in book.prevs if each != book.tip])
        page = self.page(book, slot, [{"kind": "decision", "text": self.name("old ")}])
        book.open.remove(page)
        first = self.rounds.get(slot, 0) + self.random.randrange(2)
        for round_ in range(first, first + 2):
            for kind in ("sign", "approve"):
                for log in [each for each in book.gone if each in self.ends]:
                    if self.random.random() < 0.9:
                        self.sign(
                            log,
                            page,
                            round_,
                            kind,
                            **(self._lock(log, page, round_) if kind == "sign" else {}),
                        )
        self.acts.add("old seats")

    def bring_out_hoards(self) -> None:
        """At the end, let all whose mandate is over, or who lost their seat, say what they can."""
        now = naive.Rules(self.records)
        for given in self.mandates:
            if any(hard for _, hard, _ in now.ends(given.page, given.index)):
                for log in given.logs:
                    self.hoards(log, self.books[given.seat])
        for book in self.books.values():
            self.old_seats(book)

    def recall_at_last(self) -> None:
        """At the end, let a community recall a delegate and keep nothing of what they did."""
        given = [each for each in self.mandates if not each.over and self.books[each.of].level == COMMUNITY]
        if given:
            one = self.random.choice(given)
            book = self.books[one.of]
            page = self.page(
                book, book.tip, [{"kind": "recall", "mandate": [one.page, one.index], "cuts": {}}]
            )
            self.meet(page, "sealed")

    def rivals(self) -> None:
        """Draft two or three pages in one slot, split the names among them, and meet again on one."""
        book, random = self.any_book(), self.random
        pages = [
            self.page(book, book.tip, [{"kind": "decision", "text": self.name("r")}])
            for _ in range(random.choice([2, 2, 3]))
        ]
        for page in pages:
            self.meet(page, random.choice(["weak", "adopted", "certless", "mixed"]), random.randrange(2))
        if random.random() < 0.7:
            one = random.choice(pages)
            round_ = self.rounds.get(book.tip, 0) + random.randrange(2)
            self.meet(one, "certless", round_)
            self.meet(one, "sealed", round_ + 1)
        self.acts.add("rivals")

    def lie(self) -> None:
        """Let one sealer fork its log and approve two rivals; the others keep to one."""
        book, random = self.any_book(), self.random
        term = book.terms[book.tip]
        liar = random.choice(term.sealers)
        base = self.ends[liar]
        one, other = (
            self.page(book, book.tip, [{"kind": "decision", "text": self.name("l")}]) for _ in range(2)
        )
        self.meet(one, random.choice(["sealed", "certless"]), 0)
        end = self.ends[liar]
        for kind in ("sign", "approve"):
            self.sign(liar, other, 0, kind, after=base if kind == "sign" else self.ends[liar], fork=True)
        self.liars.add(liar)
        self.ends[liar] = random.choice([end, self.ends[liar]])
        self.meet(other, "adopted", 0)
        if random.random() < 0.7:
            self.meet(one, "sealed", 1)
        self.acts.add("liar")

    def split(self) -> None:
        """Let as many sealers as it takes fork their logs and seal two rivals; then a repair page, or a witness."""
        random = self.random
        book = self.any_book(random.choice([COMMUNITY, COMMUNITY, REGION]))
        bases = dict(self.ends)
        pages = []
        for _ in range(2):
            pages.append(self.page(book, book.tip, [{"kind": "decision", "text": self.name("split ")}]))
            for log, end in bases.items():
                if self.ends.get(log) != end:
                    self.liars.add(log)
                self.ends[log] = end
            self.lying = True
            self.meet(pages[-1], "sealed", 0)
            self.lying = False
        if random.random() < 0.5 and book.terms[book.tip].repair:
            slot = random.choice([book.tip, book.tip, *book.prevs])
            page = self.page(book, slot, [{"kind": "decision", "text": self.name("mend ")}], by="repair")
            for key in book.terms[slot].repair[: random.randint(1, 3)]:
                log = f"R{key}"
                if log not in self.ends:
                    self.log(log, key, seat=book.name)
                self.sign(log, page, 0)
            self.acts.add("repair")
        book.tip = random.choice(pages)
        if book.level == COMMUNITY and self.above(book):
            self.witness(random.choice(self.above(book)), book)
        self.acts.add("split")

    def witness(self, book: Book | None = None, member: Book | None = None) -> None:
        """Note the heads of members in the book above."""
        book = book or self.any_book(REGION, WORLD)
        members = [self.books[each] for each in book.terms[book.tip].seats if each in self.books]
        entries: list[Json] = []
        for each in [member] if member else self.random.sample(members, min(2, len(members))):
            head = each.tip if self.random.random() < 0.8 else self.random.choice(sorted(each.prevs))
            entries.append({"kind": "witness", "body": each.name, "page": head})
        if entries:
            self.sitting(book, entries)
            self.acts.add("witness")

    def ask(self) -> None:
        """Let some delegates vote on a motion, now and then twice, outside instructions or late."""
        question: Json = {"motion": self.random.choice(["D1", "D1", "D2", "D3"])}
        if self.random.random() < 0.15:
            question["clause"] = "c"
        logs = [log for each in self.mandates for log in each.logs]
        for log in self.random.sample(logs, min(len(logs), self.random.randint(1, 3))):
            self.votes.append(self.say(log, "vote", option=self.random.choice("xxy"), **question))
        if self.random.random() < 0.1:
            teller = self.random.choice([each for each in self.ends if each.startswith("L")])
            self.votes.append(self.say(teller, "vote", option="x", **question))
        self.acts.add("votes")

    def word(self) -> None:
        """Let a body confirm or ratify a vote of its delegate, another's, or none."""
        if not self.votes:
            return
        vote = self.random.choice(self.votes)
        givers = [each.of for each in self.mandates if vote["log"] in each.logs]
        book = (
            self.books[givers[0]]
            if givers and self.random.random() < 0.9
            else self.any_book(COMMUNITY, REGION)
        )
        kind = self.random.choice(["confirm", "ratify"])
        entry: Json = {"kind": kind, "motion": vote["motion"], "vote": vote["id"]}
        if "clause" in vote:
            entry["clause"] = vote["clause"]
        if self.random.random() < 0.15:
            entry["vote"] = None
        entries = [entry]
        if self.random.random() < 0.2:
            own = [each for each in self.mandates if each.of == book.name]
            for given in own[-1:]:
                cuts = self.cuts([given])
                entries.append({"kind": "recall", "mandate": [given.page, given.index], "cuts": cuts})
        self.sitting(book, entries)
        self.acts.add(kind)

    def result(self) -> None:
        """Certify a vote, and often witness the heads of the members on the same page."""
        if not self.votes:
            return
        random, asked = self.random, self.random.choice(self.votes)
        question = (asked["motion"], asked.get("clause"))
        named = [each for each in self.votes if (each["motion"], each.get("clause")) == question]
        named = random.sample(named, random.randint(1, len(named)))
        above = [each.seat for each in self.mandates if asked["log"] in each.logs]
        book = self.books[above[0]] if above else self.any_book(REGION)
        seats = len(book.terms[book.tip].seats)
        entry: Json = {"kind": "result", "motion": asked["motion"], "votes": [each["id"] for each in named]}
        if "clause" in asked:
            entry["clause"] = asked["clause"]
        entry["need"] = random.choice([seats // 2 + 1, seats // 2 + 1, seats])
        entries = [entry]
        for each in book.terms[book.tip].seats:
            if each in self.books and random.random() < 0.6:
                entries.insert(0, {"kind": "witness", "body": each, "page": self.books[each].tip})
        self.sitting(book, entries)
        self.acts.add("result")

    def ballot(self) -> None:
        """Vote on a new motion, confirm most of the votes, and certify: how it is meant to be."""
        book, random = self.any_book(REGION, WORLD), self.random
        motion = self.name("D9")
        named: list[str] = []
        entries: list[Json] = []
        for member in book.terms[book.tip].seats:
            given = [each for each in self.mandates if each.of == member and each.seat == book.name]
            logs = [log for each in given if not each.over for log in each.logs]
            for log in logs[: random.choice([0, 1, 1, 1, 1, 2])]:
                vote = self.say(log, "vote", option=random.choice("xxxy"), motion=motion)
                self.votes.append(vote)
                named.append(vote["id"])
                if random.random() < 0.7:
                    kind = random.choice(["confirm", "confirm", "ratify"])
                    self.sitting(self.books[member], [{"kind": kind, "motion": motion, "vote": vote["id"]}])
            if member in self.books and random.random() < 0.8:
                entries.append({"kind": "witness", "body": member, "page": self.books[member].tip})
        need = len(book.terms[book.tip].seats) // 2 + 1
        if random.random() < 0.9:
            entries.append({"kind": "result", "motion": motion, "votes": named, "need": need})
        else:
            entries.append(
                {"kind": "result", "motion": motion, "counts": [["x", need], ["y", 1]], "need": need}
            )
        self.sitting(book, entries)
        self.acts.add("ballot")

    def new_epoch(self) -> None:
        """Drop seats, add seats, change the thresholds; of a body of bodies with consents, or without enough."""
        book, random = self.any_book(COMMUNITY, COMMUNITY, REGION), self.random
        old = book.terms[book.tip]
        repair = old.repair
        witness = random.choice(["R", "R", None]) if book.level == COMMUNITY else random.choice(["W", None])
        if book.level == COMMUNITY:
            names = f"{book.name.lower()}"
            new = [self.log(f"L{names}n{len(self.ends)}", f"{names}n{len(self.ends)}", seat=book.name)]
            keep = random.sample(old.seats, max(0, len(old.seats) - random.randint(0, 2)))
            seats = (keep + (new if random.random() < 0.8 or not keep else []))[:4]
            k = len(seats) // 2 + 1
            term = Term(seats, k, seats, random.choice([k, k, len(seats)]), repair)
            entry = self.epoch(term, book.name, None, witness)
            if random.random() < 0.1:
                bad: Json = random.choice(
                    [{"k": len(seats) // 2}, {"w": 9}, {"level": 2}, {"seats": entry["seats"] * 2}]
                )
                self.sitting(book, [entry | bad if bad.get("k") != 0 else entry])
                return
            self.sitting(book, [entry], term)
            self.acts.add("epoch")
            return
        members = [each.name for each in self.books.values() if each.level < book.level]
        seats = random.sample(members, random.randint(1, len(members)))
        nodes = old.sealers if random.random() < 0.5 else old.sealers[: max(1, len(old.sealers) - 1)]
        term = Term(seats, len(seats) // 2 + 1, nodes, 2 * len(nodes) // 3 + 1, repair)
        entry = self.epoch(term, book.name, None, witness)
        consents = {}
        for each in random.sample(seats, random.randint(max(0, term.k - 1), len(seats))):
            consents[each] = self.sitting(self.books[each], [{"kind": "consent", "to": entry["name"]}])
        entry["consents"] = consents
        enough = len(consents) >= term.k and all(
            self.books[each].tip == page for each, page in consents.items()
        )
        self.sitting(book, [entry], term if enough else None)
        self.acts.add("consents")

    def leave(self) -> None:
        """Leave a body: one book is enough."""
        book = self.any_book(COMMUNITY)
        above = self.above(book)
        if above:
            seat = self.random.choice(above).name
            given = [each for each in self.mandates if each.of == book.name and each.seat == seat]
            self.sitting(book, [{"kind": "leave", "body": seat, "cuts": self.cuts(given)}])
            self.acts.add("leave")

    def decide(self) -> None:
        """Decide something."""
        self.sitting(self.any_book(), [{"kind": "decision", "text": self.name("t")}])

    def fork_a_delegate(self) -> None:
        """Let a delegate fork its log: sign two rivals, or vote twice."""
        logs = [log for each in self.mandates for log in each.logs if self.ends[log] is not None]
        if logs:
            given = [each for each in self.mandates if each.logs]
            one = self.random.choice(given)
            self.hoards(self.random.choice(one.logs), self.books[one.seat])


ACTS = {
    Crowd.give: 5, Crowd.recall: 5, Crowd.ask: 6, Crowd.word: 4, Crowd.result: 4, Crowd.decide: 3,
    Crowd.witness: 3, Crowd.rivals: 2, Crowd.new_epoch: 3, Crowd.leave: 1, Crowd.old_seats: 1,
    Crowd.ballot: 4, Crowd.lie: 1, Crowd.fork_a_delegate: 1,
}  # fmt: skip


def draw(seed: int) -> Json:
    """Return the world of a seed."""
    crowd = Crowd(seed)
    random = crowd.random
    communities = "ABCD"[: random.choice([2, 3, 3, 3, 4])]
    for name in communities:
        crowd.gather(name, COMMUNITY, (), random.choice(["R", "R", "R", None]))
    crowd.gather("R", REGION, communities, "W" if random.random() < 0.8 else None)
    regions = ["R"]
    if random.random() < 0.3:
        crowd.gather("E", COMMUNITY, (), "S")
        crowd.gather(
            "S",
            REGION,
            ["E", random.choice([*communities, "R"] if random.random() < 0.2 else communities)],
            "W",
        )
        regions.append("S")
    crowd.gather("W", WORLD, regions, None)
    for book in list(crowd.books.values()):
        for above in crowd.above(book):
            if random.random() < 0.93:
                crowd.look()
                crowd.give(book, above.name)
    splits = random.random() < 0.25
    acts = {**ACTS, Crowd.split: 2} if splits else ACTS
    for _ in range(random.randint(4, 14)):
        crowd.look()
        random.choices(list(acts), list(acts.values()))[0](crowd)
    crowd.look()
    last, at = random.choice(["hoard", "late recall", "nothing"]), len(crowd.records)
    if last == "hoard":
        crowd.bring_out_hoards()
    if last == "late recall":
        crowd.recall_at_last()
    return {
        "id": crowd.id, "title": "random", "records": crowd.records, "acts": sorted(crowd.acts),
        "last": last, "last_from": at,
    }  # fmt: skip
