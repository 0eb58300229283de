"""A region of communities for benchmarks: who is who in it, and what they write. Real keys, blocks and pages."""

from hashlib import sha256

from fedsync.records.block import Base, Block
from fedsync.records.codec import Value, pack
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.genesis import PERSON, SEAT, Capacity, Genesis
from fedsync.records.ids import Key, LogClass, PageId, Reach, RecordId, Scope, payload_id
from fedsync.records.kinds.entries import node_genesis
from fedsync.records.places import START
from fedsync.records.seal import Draft, seal

TIME = 1_700_000_000_000


class Writer:
    """One log, and the blocks written to it."""

    def __init__(self, name: str, scope: Scope, capacity: Capacity = SEAT) -> None:
        self.private = private_key(sha256(name.encode()).digest())
        self.key: Key = public_key(self.private)
        incarnation = sha256(f"log {name}".encode()).digest()[:16]
        self.genesis = Genesis(self.key, scope, capacity, LogClass.AUTHORITY, Reach.WORLD, incarnation)
        self.base: Base | None = None
        self.blocks: list[Block] = []

    @property
    def tip(self) -> RecordId:
        """The last record."""
        return self.blocks[-1].tip

    @property
    def seq(self) -> int:
        """The last record's number."""
        return self.blocks[-1].last

    def write(self, *drafts: tuple[str, Value]) -> Block:
        """Append records as one block."""
        made = [Draft(kind, value, TIME) for kind, value in drafts]
        (block,) = seal(self.private, self.genesis, self.base, made)
        self.base = Base(block.genesis, block.last, block.tip, START)
        self.blocks.append(block)
        return block


class Region:
    """A region, its communities, and what they wrote."""

    def __init__(self, communities: int) -> None:
        self.bodies: list[tuple[Scope, PageId]] = []
        self.blocks: list[Block] = []
        self.clerks = 0
        self.tellers: list[list[Writer]] = []
        self.heads: list[tuple[PageId, int]] = []
        for number in range(communities):
            self._community(number)
        self.scope = Scope(sha256(b"region").digest()[:16])
        nodes = [Writer(f"node {each}", self.scope, ("node",)) for each in range(communities)]
        for node in nodes:
            assert node_genesis(node.key, node.genesis.incarnation, self.scope) == node.genesis
        epoch: Value = {
            "kind": "epoch",
            "name": "Valley",
            "classification": "region",
            "level": 2,
            "seats": [{"body": body} for _, body in self.bodies],
            "k": communities // 2 + 1,
            "sealers": [[node.key, node.genesis.incarnation] for node in nodes],
            "w": communities * 2 // 3 + 1,
        }
        self.nodes = nodes
        self.members = list(self.bodies)
        self.body = self._page(
            {"body": None, "number": 0, "prev": None, "entries": [epoch], "scope": self.scope}
        )
        self.bodies.append((self.scope, self.body))
        self.head, self.number = self.body, 0
        self.delegates: list[Writer] = []
        for number, (scope, _) in enumerate(self.members):
            holder = Writer(f"delegate {number}", scope)
            mandate: Value = {
                "kind": "mandate",
                "holder": holder.key,
                "seat": self.body,
                "instructions": {"*": "free"},
            }
            page = self.enter(number, [mandate])
            self.delegates.append(Writer(f"delegate {number}", scope, ("mandate", page, 0)))

    @property
    def acts(self) -> int:
        """How many records were written so far and not cleared, the first of each log not counted."""
        return sum(block.count - (block.first == 0) for block in self.blocks)

    def _page(self, value: dict[str, Value]) -> PageId:
        scope = value["scope"] if value["number"] == 0 else self._scope_of(value["body"])
        self.clerks += 1
        clerk = Writer(f"clerk {self.clerks}", Scope(scope), PERSON)  # type: ignore[arg-type]
        self.blocks.append(clerk.write(("page", value)))
        return PageId(payload_id(pack(value)))

    def _scope_of(self, body: Value) -> Scope:
        return next(scope for scope, each in self.bodies if each == body)

    def _community(self, number: int) -> None:
        scope = Scope(sha256(f"community {number}".encode()).digest()[:16])
        tellers = [Writer(f"teller {number} {each}", scope) for each in range(3)]
        epoch: Value = {
            "kind": "epoch",
            "name": f"C{number}",
            "classification": "community",
            "level": 1,
            "seats": [{"genesis": each.genesis.payload} for each in tellers],
            "k": 2,
        }
        page = self._page({"body": None, "number": 0, "prev": None, "entries": [epoch], "scope": scope})
        self.bodies.append((scope, page))
        self.tellers.append(tellers)
        self.heads.append((page, 0))

    def enter(self, number: int, entries: list[Value], sealed: bool = True) -> PageId:
        """Write a community's next page, signed and approved by two."""
        slot, at = self.heads[number]
        body = self.bodies[number][1]
        page = self._page({"body": body, "number": at + 1, "prev": slot, "entries": entries})
        voice: Value = {"page": page, "slot": slot, "round": 0}
        for teller in self.tellers[number][:2]:
            kinds = ("signature", "approval") if sealed else ("signature",)
            self.blocks.append(teller.write(*((kind, voice) for kind in kinds)))
        self.heads[number] = (page, at + 1)
        return page

    def meet(self) -> tuple[dict[str, Value], list[Writer], list[Writer]]:
        """Write the region's next page; return what its delegates sign, and its nodes approve."""
        entry: Value = {"kind": "decision", "title": f"D{self.number}", "text": "so be it"}
        slot = self.head
        self.head = self._page(
            {"body": self.body, "number": self.number + 1, "prev": slot, "entries": [entry]}
        )
        self.number += 1
        return {"page": self.head, "slot": slot, "round": 0}, self.delegates, self.nodes

    def seal(self) -> None:
        """Write a page, signed by all delegates and approved by enough nodes."""
        voice, delegates, nodes = self.meet()
        for delegate in delegates:
            self.blocks.append(delegate.write(("signature", voice)))
        for node in nodes[: len(nodes) * 2 // 3 + 1]:
            self.blocks.append(node.write(("signature", voice), ("approval", voice)))

    def vote(self, motion: bytes) -> None:
        """Let all delegates vote."""
        for delegate in self.delegates:
            self.blocks.append(delegate.write(("vote", {"motion": motion, "option": "yes"})))
