"""What books come to, worked out once more from the bytes on a disk: what must be void, and what nobody sealed.

Plain loops over all records, slow and obvious; nothing of the folds. It knows the simplest form of each rule, which is
what people of a simulation make use of, and says nothing where it is not sure.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from fedsync.records.block import Block
from fedsync.records.codec import Value, pack
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, PayloadId, RecordId, Scope, payload_id

Fields: TypeAlias = dict[str, Value]
IDLE: Final = frozenset({"decision", "witness", "result"})
"""Kinds of entries that give, end and say nothing for a body that sends somebody."""


class Said(NamedTuple):
    """A record of a log of authority, as its bytes say."""

    genesis: Genesis
    seq: int
    id: RecordId
    before: RecordId
    kind: str
    value: Fields
    time: int


class Page(NamedTuple):
    """A page, and the scope of its book."""

    id: PayloadId
    scope: Scope
    number: int
    prev: PayloadId | None
    entries: list[Fields]


@dataclass
class Court:
    """All that one node holds of books."""

    records: dict[RecordId, Said] = field(default_factory=dict)
    pages: dict[PayloadId, Page] = field(default_factory=dict)
    _voices: dict[PayloadId, list[Said]] = field(default_factory=dict)

    def hear(self, blocks: Iterable[Block]) -> None:
        """Take in blocks, each log's in order of its chain."""
        loose: list[tuple[PayloadId, Fields]] = []
        for block in blocks:
            if block.genesis.log_class is not LogClass.AUTHORITY:
                continue
            before = block.prev
            for at, id_ in enumerate(block.ids):
                value = block.value(at)
                fields = value if isinstance(value, dict) else {}
                record = block.record(at)
                kind = block.kinds[at]
                self.records[id_] = Said(
                    block.genesis, block.first + at, id_, before, kind, fields, record.time
                )
                before = id_
                about = fields.get("page")
                if kind in ("signature", "approval") and isinstance(about, bytes):
                    self._voices.setdefault(PayloadId(about), []).append(self.records[id_])
                if kind == "page":
                    loose.append((payload_id(pack(value)), fields))
        self._bind(loose)

    def _bind(self, loose: list[tuple[PayloadId, Fields]]) -> None:
        """Join pages to their books, from page 0 on."""
        for _ in range(len(loose) + 1):
            left = []
            for id_, said in loose:
                number, prev, entries = said["number"], said["prev"], said["entries"]
                assert isinstance(number, int)
                assert isinstance(entries, list)
                scope = said.get("scope")
                if prev is not None:
                    assert isinstance(prev, bytes)
                    before = self.pages.get(PayloadId(prev))
                    if before is None:
                        left.append((id_, said))
                        continue
                    scope = before.scope
                assert isinstance(scope, bytes)
                self.pages[id_] = Page(
                    id_, Scope(scope), number, PayloadId(prev) if prev is not None else None,
                    [each for each in entries if isinstance(each, dict)],
                )  # fmt: skip
            if len(left) == len(loose):
                return
            loose = left

    # --- Who speaks ---------------------------------------------------------------------------------------

    def epoch(self, page: Page) -> Fields:
        """Return the epoch by which a page is judged: the last one before it on its branch."""
        at = page
        while at.prev is not None:
            at = self.pages[at.prev]
            for entry in at.entries:
                if entry.get("kind") == "epoch":
                    return entry
        return {}

    def supported(self, page: Page) -> bool:
        """Say whether enough have ever spoken for a page: k seats, and w sealers approving in one round."""
        if page.prev is None:
            return True
        epoch = self.epoch(page)
        seats, sealers = _listed(epoch.get("seats")), _listed(epoch.get("sealers"))
        logs = {each["genesis"] for each in seats if isinstance(each, dict) and "genesis" in each}
        bodies = {each["body"] for each in seats if isinstance(each, dict) and "body" in each}
        nodes = [each for each in sealers if isinstance(each, list)]
        spoken: set[bytes] = set()
        approved: dict[int, set[bytes]] = {}
        for said in self._voices.get(page.id, ()):
            whose, round_ = said.genesis, said.value.get("round")
            assert isinstance(round_, int)
            if whose.payload in logs:
                spoken.add(whose.payload)
                if said.kind == "approval":
                    approved.setdefault(round_, set()).add(whose.payload)
            elif [whose.key, whose.incarnation] in nodes and said.kind == "approval":
                approved.setdefault(round_, set()).add(whose.payload)
            elif whose.mandate is not None:
                giver = self._giver(whose)
                if giver is not None and giver in bodies:
                    spoken.add(giver)
        k = epoch.get("k", 0)
        w = epoch.get("w", k)
        assert isinstance(k, int)
        assert isinstance(w, int)
        return len(spoken) >= k and max(map(len, approved.values()), default=0) >= w

    def idle(self, id_: PayloadId) -> bool:
        """Say whether nothing on a page bears on what a delegate's vote comes to."""
        page = self.pages.get(id_)
        return page is not None and all(each.get("kind") in IDLE for each in page.entries)

    def _giver(self, genesis: Genesis) -> bytes | None:
        """Return page 0 of the body that gave the mandate of a log."""
        page = self.pages.get(PayloadId(genesis.mandate[0])) if genesis.mandate else None
        while page is not None and page.prev is not None:
            page = self.pages[page.prev]
        return page.id if page is not None else None

    # --- What is void -------------------------------------------------------------------------------------

    def votes(self) -> Iterator[Said]:
        """Yield the votes of delegates."""
        for said in self.records.values():
            if said.kind == "vote" and said.genesis.mandate is not None:
                yield said

    def verdict(self, vote: Said, sealed: Collection[PayloadId], open_: Collection[Scope]) -> str | None:
        """Return what a vote must be: "void" or "stands"; None when this is not sure.

        `open_`: books with pages that may still come to hold.
        """
        assert vote.genesis.mandate is not None
        page = self.pages.get(PayloadId(vote.genesis.mandate[0]))
        if page is None or vote.genesis.mandate[1] >= len(page.entries):
            return None
        mandate = page.entries[vote.genesis.mandate[1]]
        breach = self._breach(vote, mandate)
        word = self._word(vote, page.scope, sealed)
        if word is not None:
            return "stands" if word == vote.id else "void"
        if breach:
            return "void"
        ended = self._ended(vote, page, sealed)
        if ended:
            return "void"
        return None if page.id not in sealed or page.scope in open_ else "stands"

    def _breach(self, vote: Said, mandate: Fields) -> bool:
        if mandate.get("kind") != "mandate" or mandate.get("holder") != vote.genesis.key:
            return True
        told = mandate["instructions"]
        assert isinstance(told, dict)
        allowed = told.get("*")
        return allowed != "free" and not (isinstance(allowed, list) and vote.value["option"] in allowed)

    def _word(self, vote: Said, scope: Scope, sealed: Collection[PayloadId]) -> RecordId | None:
        """Return the vote that the first word of the body on the question names, if it says one here."""
        for number in sorted(
            at.number for at in self.pages.values() if at.scope == scope and at.id in sealed
        ):
            (page,) = (
                at
                for at in self.pages.values()
                if (at.scope, at.number) == (scope, number) and at.id in sealed
            )
            for entry in page.entries:
                if entry.get("kind") != "confirm" or entry.get("motion") != vote.value["motion"]:
                    continue
                named = self.records.get(RecordId(bytes(entry["vote"])))  # type: ignore[arg-type]
                if named is None or named.genesis.mandate is None:
                    continue
                given = self.pages[PayloadId(named.genesis.mandate[0])]
                if not self._breach(named, given.entries[named.genesis.mandate[1]]):
                    return named.id
        return None

    def _ended(self, vote: Said, given: Page, sealed: Collection[PayloadId]) -> bool:
        """Say whether a sealed page ends the mandate and does not keep the vote, whatever its date."""
        assert vote.genesis.mandate is not None
        index = vote.genesis.mandate[1]
        seat = given.entries[index].get("seat")
        over = False
        for page in sorted(self.pages.values(), key=lambda each: each.number):
            if page.scope != given.scope or page.id not in sealed or page.number < given.number:
                continue
            for at, entry in enumerate(page.entries):
                later = (page.number, at) > (given.number, index)
                recalls = entry.get("kind") in ("recall", "closing") and entry.get("mandate") == [
                    given.id,
                    index,
                ]
                follows = entry.get("kind") == "mandate" and entry.get("seat") == seat and later and not over
                if (recalls and page.number > given.number) or follows:
                    over = True
                    tips = [_tip(each) for each in _listed(entry.get("cuts"))]
                    if not any(self._on_chain(vote, tip) for tip in tips):
                        return True
        return False

    def _on_chain(self, vote: Said, tip: RecordId | None) -> bool:
        at = self.records.get(tip) if tip is not None else None
        while at is not None and at.seq > vote.seq:
            at = self.records.get(at.before)
        return at is not None and at.id == vote.id


def _listed(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []


def _tip(value: Value) -> RecordId | None:
    """Return the record that a cut names."""
    if isinstance(value, dict):
        value = value.get("id")
    elif isinstance(value, list):
        value = value[-1]
    return RecordId(value) if isinstance(value, bytes) else None
