"""Nodes without sockets, and scribes who write real books and stores through a node's own door."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from fedsync.acts.books.founding import page_zero, person
from fedsync.crdt.books.drafting import draft_epoch, draft_page
from fedsync.crdt.books.tellers import Approve, Refuse, Sign, may_approve, next_act
from fedsync.node import Node, Taken, Verdict
from fedsync.records.block import Block, check
from fedsync.records.codec import Value, pack
from fedsync.records.ed25519 import PrivateKey, private_key, public_key
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import Key, LogClass, PageId, Reach, Scope, payload_id
from fedsync.records.seal import Draft
from fedsync.store.store import create_store
from tests.sealing import seal

NOON = 1_760_000_000_000
HOUR = 3_600_000
BY = Key(b"\7" * 32)
"""A peer that brings blocks."""


@contextmanager
def node(now: int = NOON, incarnation: bytes = b"i" * 16) -> Iterator[Node]:
    """Give an empty node in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="fedsync-test-") as place:
        path = Path(place, "store.db")
        with create_store(path, fingerprint=b"here", journal=b"journal1", incarnation=incarnation) as store:
            store.conn.execute("PRAGMA synchronous = OFF")  # no test of this pulls a plug
            yield Node(store, lambda: now)


class Scribe:
    """Writes for all tellers of one body, at a node that holds whatever they wrote before."""

    def __init__(self, at: Node, body: str, *tellers: str, k: int = 2) -> None:
        self.at, self.body = at, body
        self.scope = Scope(sha256(body.encode()).digest()[:16])
        self.blocks: list[Block] = []
        self.seats = len(tellers)
        seats = [self.genesis(teller) for teller in tellers]
        self.page0 = page_zero(body, self.scope, seats, k, [])
        epoch: Any = self.page0["entries"]
        epoch[0].pop("repair")
        self.id = PageId(payload_id(pack(self.page0)))
        follow(at, self)
        self.write(tellers[0], LogClass.AUTHORITY, Draft("page", self.page0, NOON))
        for teller in tellers:
            self.write(teller, LogClass.AUTHORITY, Draft("person", person(self.key(teller), teller), NOON))

    def private(self, teller: str) -> PrivateKey:
        return private_key(sha256(f"{self.body} {teller}".encode()).digest())

    def key(self, teller: str) -> Key:
        return public_key(self.private(teller))

    def genesis(
        self,
        teller: str,
        log_class: LogClass = LogClass.AUTHORITY,
        reach: Reach = Reach.WORLD,
        incarnation: bytes = bytes(16),
    ) -> Genesis:
        return Genesis(self.key(teller), self.scope, SEAT, log_class, reach, incarnation)

    def sealed(self, teller: str, genesis: Genesis, *drafts: Draft, after: int | None = None) -> list[Block]:
        """Seal records at the end of a log, or after an earlier record of it: then it forks."""
        base = self.at.store.logs.tip(genesis.log)
        if after is not None and base is not None:
            ids = {
                each.seq: each.id
                for block in self.at.store.logs.blocks(genesis.log)
                for each in block.records()
            }
            base = self.at.store.logs.base(genesis.log, after + 1, ids[after])
            assert base is not None
        return seal(self.private(teller), genesis, base, list(drafts), NOON)

    def write(
        self, teller: str, log_class: LogClass, *drafts: Draft, reach: Reach = Reach.WORLD
    ) -> list[Block]:
        """Write records to a teller's log."""
        blocks = self.sealed(teller, self.genesis(teller, log_class, reach), *drafts)
        for taken in self.at.take_now([block.raw for block in blocks]):
            assert taken.verdict is Verdict.TAKEN, taken
        self.blocks += blocks
        return blocks

    def fork(self, teller: str, log_class: LogClass, after: int, *drafts: Draft) -> list[Block]:
        """Write another branch of a teller's log, from after a record that is held. It is not let in here."""
        blocks = self.sealed(teller, self.genesis(teller, log_class), *drafts, after=after)
        self.blocks += blocks
        return blocks

    def move(self, teller: str, *quantities: int, at: int = NOON, time: int = NOON) -> list[Block]:
        """Record movements of oats."""
        return self.write(teller, LogClass.FACTS, *self.moves(*quantities, at=at, time=time))

    def moves(self, *quantities: int, at: int = NOON, time: int = NOON) -> list[Draft]:
        """Return movements of oats, with the store and the item that they need."""
        store: dict[str, Value] = {"name": "Granary", "scope": self.scope}
        item: dict[str, Value] = {"name": "Oats", "unit": "g"}
        drafts = [Draft("store", store, time), Draft("resource_specification", item, time)]
        for quantity in quantities:
            value: dict[str, Value] = {
                "action": "raise",
                "quantity": quantity,
                "resource_conforms_to": payload_id(pack(item)),
                "store": payload_id(pack(store)),
                "has_point_in_time": at,
            }
            drafts.append(Draft("economic_event", value, time))
        return drafts

    def decide(self, title: str, *tellers: str) -> PageId:
        """Bring a page with a decision, signed and approved by these."""
        return self.enter({"kind": "decision", "title": title, "text": title}, *tellers)

    def enter(self, entry: dict[str, Value], *tellers: str) -> PageId:
        """Bring a page with an entry, signed and approved by these."""
        return self._carry(draft_page(self.at.state, self.scope, [entry]).value, *tellers)

    def give(self, holder: str, *tellers: str) -> PageId:
        """Bring a page that gives somebody a mandate for the granary."""
        given: dict[str, Value] = {"kind": "mandate", "holder": self.key(holder), "task": "granary"}
        return self.enter({**given, "instructions": {}, "may": ["economic_event"]}, *tellers)

    def recall(self, given: PageId, *tellers: str) -> PageId:
        """Bring a page that recalls the mandate on another, and keeps nothing."""
        return self.enter({"kind": "recall", "mandate": [given, 0], "cuts": []}, *tellers)

    def seat(self, teller: str, *tellers: str) -> PageId:
        """Bring a page that gives another teller a seat, signed and approved by these."""
        self.seats += 1
        k = self.seats // 2 + 1
        return self._carry(
            draft_epoch(self.at.state, self.scope, [self.genesis(teller)], (), k).value, *tellers
        )

    def _carry(self, value: Any, *tellers: str) -> PageId:
        page = PageId(payload_id(pack(value)))
        self.write(tellers[0], LogClass.AUTHORITY, Draft("page", value, NOON))
        for teller in tellers:
            acts = next_act(self.at.state, page, self.genesis(teller).log)
            if isinstance(acts, Refuse) and acts.code == "new-log-not-held":
                acts = (Sign(0),)  # they stand beside the newcomer, who will write later
            assert not isinstance(acts, Refuse), acts
            self.write(teller, LogClass.AUTHORITY, *(self._voice(value, page, act) for act in acts))
        for teller in tellers:
            if isinstance(act := may_approve(self.at.state, page, self.genesis(teller).log), Approve):
                self.write(teller, LogClass.AUTHORITY, self._voice(value, page, act))
        return page

    def _voice(self, value: Any, page: PageId, act: Sign | Approve) -> Draft:
        said: dict[str, Value] = {"page": page, "slot": value["prev"], "round": act.round}
        if isinstance(act, Approve):
            return Draft("approval", said, NOON)
        if act.lock is not None:
            said["lock"] = act.lock
        return Draft("signature", said, NOON)


def follow(at: Node, scribe: Scribe) -> None:
    """Follow a body."""
    at.begin()
    at.follow(scribe.scope, scribe.id, scribe.body, "peer")
    at.settle()
    at.commit()


def bring(at: Node, blocks: Iterable[Block | bytes], by: Key = BY) -> list[Taken]:
    """Let a peer bring blocks, in one batch."""
    return at.take_now([each if isinstance(each, bytes) else each.raw for each in blocks], by)


def bring_all(at: Node, blocks: Sequence[Block], by: Key = BY) -> None:
    """Bring blocks, again and again as gossip would, until none is taken any more."""
    left = list(blocks)
    while left:
        # By their bytes: what waited outside may come in between.
        verdicts = {each.raw: each.verdict for each in bring(at, left, by)}
        stay = (Verdict.NO_BASE, Verdict.PARKED, Verdict.REFUSED)
        waiting = [block for block in left if verdicts[block.raw] in stay]
        if len(waiting) == len(left):
            return
        left = waiting


def single(block: Block) -> Block:
    """Return a block as another node gets it."""
    return check(block.raw, None)
