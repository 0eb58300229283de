"""A community in memory, for tests that read as stories: tellers draft, sign and approve with their own tools."""

from collections.abc import Sequence
from typing import Any

from fedsync.crdt.books.book import Bounds, apply_block, bind
from fedsync.crdt.books.drafting import draft_page
from fedsync.crdt.books.epoch import begun
from fedsync.crdt.books.minutes import page_view
from fedsync.crdt.books.tellers import Approve, Refuse, Sign, may_approve, next_act, next_signature
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.view import MemoryView
from fedsync.records.block import Block
from fedsync.records.codec import Value, pack
from fedsync.records.genesis import REPAIR, SEAT, Genesis
from fedsync.records.ids import PageId, payload_id
from fedsync.records.seal import Draft
from tests.crdt.books import TIME, append, genesis, key, opening, tag, tip

REPAIRERS = ("Rex", "Sue", "Tom")


def decision(title: str) -> dict[str, Value]:
    """Return a decision entry."""
    return {"kind": "decision", "title": title, "text": f"We decided: {title}."}


class Community:
    """Tellers with one view that holds everything that was said; other communities may share it."""

    def __init__(
        self, *tellers: str, k: int, body: str = "Mill", repair: bool = True, view: MemoryView | None = None
    ) -> None:
        self.body, self.scope = body, tag(body)
        self.view = view or MemoryView()
        self.ends: dict[tuple[str, str], Block] = {}
        entry: dict[str, Value] = {
            "kind": "epoch",
            "name": body,
            "classification": "community",
            "level": 0,
            "seats": [{"genesis": self.seat(name).payload} for name in tellers],
            "k": k,
        }
        if repair:
            entry["repair"] = {"keys": [key(name) for name in REPAIRERS], "threshold": 2}
        self.page0 = self.carry(
            {"body": None, "number": 0, "prev": None, "entries": [entry], "scope": self.scope}
        )
        self.follow(self.page0)

    def seat(self, name: str, log: str = "") -> Genesis:
        """Return what begins a teller's log; a second log of theirs under another name."""
        return genesis(log or name, name, self.body, SEAT)

    def newcomer(self, name: str, log: str = "") -> Genesis:
        """Return what begins a log of somebody who has just begun it: only such logs are given seats."""
        begins = self.seat(name, log)
        if (name, begins.log.hex()) not in self.ends:
            self.ends[name, begins.log.hex()] = opening(name, begins)
            self.take(opening(name, begins))
        return begins

    def follow(self, page0: PageId) -> Bounds:
        """Bind the body's tag to a page 0."""
        draft = StateDraft(self.view)
        bounds = bind(draft, self.scope, page0)
        self.view.commit(draft.changes)
        return bounds

    def take(self, block: Block) -> Bounds:
        """Fold a block."""
        draft = StateDraft(self.view)
        bounds = apply_block(draft, block)
        self.view.commit(draft.changes)
        return bounds

    def write(self, name: str, kind: str, value: Value, begins: Genesis | None = None) -> Block:
        """Append a record to a log of `name`, and fold it."""
        begins = begins or self.seat(name)
        end = self.ends.get((name, begins.log.hex()))
        if end is None:
            end = opening(name, begins)
            self.take(end)
        block = append(name, tip(end), Draft(kind, value, TIME))
        self.ends[name, begins.log.hex()] = block
        self.bounds = self.take(block)
        return block

    def carry(self, value: Any, by: str = "clerk") -> PageId:
        """Let somebody's log bring a page."""
        self.write(by, "page", value)
        return PageId(payload_id(pack(value)))

    def propose(self, *entries: dict[str, Value]) -> PageId:
        """Draft the next page with these entries."""
        return self.carry(draft_page(self.view, self.scope, entries).value)

    def sign(self, page: PageId, *names: str) -> None:
        """Let tellers sign as their tools say, and approve where that is allowed already."""
        for name in names:
            acts = next_act(self.view, page, self.seat(name).log)
            assert not isinstance(acts, Refuse), acts
            for act in acts:
                said = self._said(page, act.round)
                match act:
                    case Approve():
                        self.write(name, "approval", said)
                    case Sign(lock=None):
                        self.write(name, "signature", said)
                    case Sign(lock=lock):
                        self.write(name, "signature", said | {"lock": lock})

    def approve(self, page: PageId, *names: str, must: bool = True) -> None:
        """Let tellers approve."""
        for name in names:
            answer = may_approve(self.view, page, self.seat(name).log)
            assert isinstance(answer, Approve) or not must, answer
            if isinstance(answer, Approve):
                self.write(name, "approval", self._said(page, answer.round))

    def repair(self, page: PageId, *names: str) -> None:
        """Let holders of repair keys sign."""
        for name in names:
            log = genesis(f"repair {name}", name, self.body, REPAIR)
            answer = next_signature(self.view, page, log.log, begun(log))
            assert isinstance(answer, Sign), answer
            self.write(name, "signature", self._said(page, answer.round), log)

    def seal(self, page: PageId, names: Sequence[str]) -> None:
        """Let tellers sign, and those approve who could not at once."""
        self.sign(page, *names)
        for name in names:
            self.approve(page, name, must=False)

    def lie(self, name: str, kind: str, page: PageId, round_: int = 0, fork: bool = False) -> Block:
        """Say something for a page without asking any tool, perhaps on a new branch right after the genesis."""
        if fork:
            self.ends.pop((name, self.seat(name).log.hex()), None)
        return self.write(name, kind, self._said(page, round_))

    def status(self, page: PageId) -> str:
        """Return a page's status."""
        found = page_view(self.view, page)
        return found.status if found else "pending"

    def _said(self, page: PageId, round_: int) -> dict[str, Value]:
        found = page_view(self.view, page)
        slot = found.prev if found else None
        return {"page": page, "slot": slot or bytes(32), "round": round_}
