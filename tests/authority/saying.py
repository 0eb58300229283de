"""Worlds in a few words: `Saying` writes the records of `worlds.jsonl` as people would tell them, log by log.

`now` folds what was said through the production fold and gives the status of each record by its name.
"""

from random import Random
from typing import Any

from fedsync.crdt.books.binds import binds
from tests.authority import naive
from tests.authority.build import Json, build, fold, statuses
from tests.crdt.books import tag


class Saying:
    """A world that grows while it is told."""

    def __init__(self, time: int | None = None) -> None:
        self.time = time
        """When signatures, approvals and votes are dated that say nothing else."""
        self.records: list[Json] = []
        self._last: dict[str, tuple[int, str]] = {}
        self._slots: dict[str, str | None] = {}

    # --- Books

    def community(self, body: str, *tellers: str, k: int = 2, **more: Any) -> None:
        """Found a community whose tellers' logs are called as they are, with an L before: La1."""
        seats = [{"key": each, "log": f"L{each}"} for each in tellers]
        self.found(body, seats, k, 1, **more)
        for each in tellers:
            self.log(f"L{each}", each, seat=body)

    def found(self, body: str, seats: list[Json], k: int, level: int, **more: Any) -> None:
        """Found any body: page 0 is called BODY.0."""
        epoch = {"kind": "epoch", "level": level, "seats": seats, "k": k, **more}
        self._page(f"{body}.0", body, 0, None, [epoch])

    def region(self, body: str, *members: str, nodes: tuple[str, ...] = (), w: int | None = None) -> None:
        """Found a region of bodies, sealed by nodes, whose logs are called as they are, with an N before."""
        seats: list[Json] = [{"body": each} for each in members]
        sealers = [{"key": each, "log": f"N{each}"} for each in nodes]
        more: Json = {"sealers": sealers, "w": w or 2 * len(nodes) // 3 + 1} if nodes else {}
        self.found(body, seats, len(members) // 2 + 1, 2, **more)
        for each in nodes:
            self.log(f"N{each}", each, seat=body)

    def page(self, name: str, after: str, *entries: Json, by: str | None = None) -> str:
        """Draft a page after another."""
        before = next(each for each in self.records if each["id"] == after)
        self._page(name, before["body"], before["no"] + 1, after, list(entries), by)
        return name

    def _page(
        self, name: str, body: str, number: int, prev: str | None, entries: list[Json], by: str | None = None
    ) -> None:
        page = {"id": name, "kind": "page", "body": body, "no": number, "prev": prev, "entries": entries}
        self.records.append(page | ({"by": by} if by else {}))
        self._slots[name] = prev

    # --- Logs and voices

    def log(self, name: str, key: str, **whose: Any) -> str:
        """Begin a log: `seat` of a body, or under a `mandate` [page, index]."""
        self.records.append({"id": name, "kind": "log", "key": key, **whose})
        return name

    def delegate(self, name: str, key: str, page: str, index: int = 0) -> str:
        """Begin a delegate's log."""
        return self.log(name, key, mandate=[page, index])

    def sign(self, page: str, *logs: str, round: int = 0, lock: int | None = None) -> None:
        """Let logs sign a page."""
        for log in logs:
            more = {} if lock is None else {"lock": lock}
            self._say(log, f"{log}+{page}@{round}", "sign", **self._about(page, round), **more)

    def approve(self, page: str, *logs: str, round: int = 0) -> None:
        """Let logs approve a page."""
        for log in logs:
            self._say(log, f"{log}!{page}@{round}", "approve", **self._about(page, round))

    def seal(self, page: str, *logs: str) -> str:
        """Let logs sign and approve a page in round 0."""
        self.sign(page, *logs)
        self.approve(page, *logs)
        return page

    def vote(self, log: str, motion: str, option: str, **more: Any) -> str:
        """Let a log vote; return the vote's name."""
        name = f"{log}:{motion}={option}"
        self._say(log, name, "vote", motion=motion, option=option, **more)
        return name

    def fork(self, log: str, upto: str) -> None:
        """Let a log go on from an earlier record of its own, or from its beginning for ""."""
        at = next((each for each in self.records if each["id"] == upto), None)
        if at is None:
            self._last.pop(log, None)
        else:
            self._last[log] = (at["seq"], upto)

    def tip(self, log: str) -> list[Any]:
        """Return what a recall names of a log: its last record so far."""
        return list(self._last[log])

    def _about(self, page: str, round_: int) -> Json:
        return {"page": page, "slot": self._slots[page], "round": round_}

    def _say(self, log: str, name: str, kind: str, **what: Any) -> None:
        seq, prev = self._last.get(log, (-1, None))
        if self.time is not None:
            what.setdefault("time", self.time)
        self.records.append({"id": name, "kind": kind, "log": log, "seq": seq + 1, "prev": prev, **what})
        self._last[log] = (seq + 1, name)

    # --- What it amounts to

    def now(self, without: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return what each record has come to, in three orders, and by the naive twin; all must agree."""
        world: Json = {"id": "told", "records": [each for each in self.records if each["id"] not in without]}
        built = build(world)
        found = [statuses(built, fold(built, Random(order))) for order in range(3)]
        assert found[0] == found[1] == found[2]
        twin = naive.fold(world["records"]).named()
        differ = {
            name: (found[0].get(name), each)
            for name, each in twin.items()
            if found[0].get(name, each) != each
        }
        assert not differ, differ
        return found[0]

    def bound(self, page: str, index: int = 0) -> dict[str, str]:
        """Return the bodies that a result binds, and why."""
        built = build({"id": "told", "records": self.records})
        view = fold(built)
        body = next(each["body"] for each in self.records if each["id"] == page)
        bodies = {built.pages[f"{each}.0"]: each for each in built.bodies}
        return {bodies[each.body]: each.why for each in binds(view, tag(body), built.pages[page], index)}


def mandate(holder: str, seat: str, **more: Any) -> Json:
    """Return a mandate that is free in all, unless it says otherwise."""
    return {"kind": "mandate", "holder": holder, "seat": seat, "instructions": {"*": "free"}, **more}


def recall(page: str, index: int = 0, kind: str = "recall", **cuts: Any) -> Json:
    """Return a recall of a mandate, with what is kept of each log."""
    return {"kind": kind, "mandate": [page, index], "cuts": cuts}


def confirm(motion: str, vote: str | None, kind: str = "confirm") -> Json:
    """Return a body's word."""
    return {"kind": kind, "motion": motion, "vote": vote}


def decision(text: str) -> Json:
    """Return a decision."""
    return {"kind": "decision", "text": text}


def valley() -> Saying:
    """Return three communities A, B and C of three tellers each, and their region R, sealed by three nodes of four.

    Each community's page mA, mB, mC gives its delegate kA, kB, kC a mandate, free in all; their logs are DA, DB, DC.
    """
    told = Saying()
    for body in "ABC":
        told.community(body, *(f"{body.lower()}{each}" for each in (1, 2, 3)), witness="R")
    told.region("R", "A", "B", "C", nodes=("n1", "n2", "n3", "n4"), w=3)
    for body in "ABC":
        low = body.lower()
        told.page(f"m{body}", f"{body}.0", mandate(f"k{body}", "R"))
        told.seal(f"m{body}", f"L{low}1", f"L{low}2")
        told.delegate(f"D{body}", f"k{body}", f"m{body}")
    return told
