"""The fold of minute books: records of authority logs in, statuses of pages and voices out. Touches a draft only.

Bodies with seats of people and of bodies, rules 1 to 14. A record is first written down as it came; then every slot that it may
have changed is settled again (`settle`). So any order of arrival, any grouping and any repetition end in the same
rooted rows.
"""

from collections.abc import Iterable, Iterator

from fedsync.crdt.books.addresses import note_announcement
from fedsync.crdt.books.booktables import (
    ACTS,
    BOOKS,
    CHILDREN,
    DECISIONS,
    DISSENTS,
    FOLLOWED,
    KNOWN,
    LAST_VOICE,
    LOGS,
    MANDATE_LOGS,
    MANDATES,
    MOTIONS,
    NAMED,
    NAMES,
    PAGES,
    PEOPLE,
    POSTS,
    RECORDS,
    RESULT_WAITS,
    RESULTS,
    RESULTS_ON,
    RESULTS_OPEN,
    SEALED,
    STATUSES,
    VERDICTS,
    VOICES,
    VOTE_VERDICTS,
    VOTES,
    VOTES_ON,
    WAITING,
    WITNESSES,
    WORDS,
    Known,
    LogRow,
    PageRow,
    known,
    log_row,
    page_row,
    record_row,
    row,
)
from fedsync.crdt.books.branches import last_voice, place
from fedsync.crdt.books.carriedtables import CARRIED
from fedsync.crdt.books.delegates import entry_at, tips_of
from fedsync.crdt.books.epoch import begun, epoch_on, read_page
from fedsync.crdt.books.nodes import note_node, rename
from fedsync.crdt.books.settle import HEAD, News, settle
from fedsync.crdt.books.slot import VoiceStatus
from fedsync.crdt.books.tallies import need
from fedsync.crdt.books.urgent import note_urgent
from fedsync.crdt.logs.countingtables import COUNTED_LOGS, COUNTED_UNDER, counted_log
from fedsync.crdt.logs.seats import reseat
from fedsync.crdt.logs.settling import note_settle, resettle
from fedsync.crdt.view import Draft, KeyRow
from fedsync.records.block import Block, Record
from fedsync.records.codec import NotCanonical, pack
from fedsync.records.genesis import GENESIS
from fedsync.records.header import VERSION
from fedsync.records.ids import Key, LogClass, LogId, PageId, Reach, RecordId, Scope
from fedsync.records.kinds import class_of
from fedsync.records.kinds.announcing import ANNOUNCEMENT
from fedsync.records.kinds.authority import (
    APPROVAL,
    PAGE,
    PERSON,
    POST,
    SIGNATURE,
    Approval,
    Signature,
    parse_approval,
    parse_person,
    parse_post,
    parse_signature,
)
from fedsync.records.kinds.entries import (
    Confirm,
    Consent,
    Create,
    Decision,
    Entry,
    EntryId,
    EpochEntry,
    Join,
    KeySeat,
    Leave,
    Mandate,
    NodeSealer,
    Recall,
    Repeal,
    Result,
    Settle,
    Witness,
    kind_of,
)
from fedsync.records.kinds.entryform import choice_value
from fedsync.records.kinds.fields import plain
from fedsync.records.kinds.motions import (
    DISSENT,
    MOTION,
    VOTE,
    Vote,
    parse_dissent,
    parse_motion,
    parse_vote,
)
from fedsync.records.void import Void

MAX_VOICES = 256
"""Signatures and approvals of one log in one slot, on one chain. Honest logs need a few; a liar's thousands would be
read again with every record that comes. What stands above is void by its own chain, on every node alike."""

Bounds = set[tuple[Scope, Key]]
"""Keys whose facts may count otherwise than before: ask `standing.bound_of` again."""


def apply_block(draft: Draft, block: Block) -> Bounds:
    """Fold one block of an authority log. Return the keys whose facts may now count otherwise."""
    return apply_blocks(draft, [block])


def apply_blocks(draft: Draft, blocks: Iterable[Block]) -> Bounds:
    """Fold blocks of authority logs, each log from its genesis on; others are passed over. See `apply_block`."""
    fold = _Fold(draft)
    for block in blocks:
        if block.genesis.log_class is LogClass.AUTHORITY:
            fold.take(block)
    return fold.settle()


def bind(draft: Draft, scope: Scope, body: PageId, outside: bool = False) -> Bounds:
    """Follow the body whose page 0 is `body`: from now on the tag means this body, and no other page 0 counts.

    `outside`: not all of it is followed. Raises ValueError when the tag is bound to another body, or otherwise: what was
    folded so has to be folded again.
    """
    bound = draft.get(FOLLOWED, (scope,))
    if bound is not None and bound[0] != body:
        raise ValueError("this founding tag is already bound to another body")
    if bound is not None and bool(bound[1]) != outside:
        raise ValueError("this body is looked at from elsewhere already")
    draft.put(FOLLOWED, (scope,), (body, int(outside)))
    fold = _Fold(draft)
    fold.learn(body)
    return fold.settle()


class _Fold:
    """One batch: what was written down, and which slots must be settled again."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.slots: dict[PageId, set[RecordId] | None] = {}
        self.pages: dict[PageId, None] = {}
        self.votes: dict[RecordId, None] = {}
        self.tipped: dict[LogId, None] = {}
        self.results: dict[tuple[Scope, PageId, int], None] = {}
        self.bound: set[Scope] = set()
        self._tips: dict[LogId, set[RecordId]] = {}

    def settle(self) -> Bounds:
        """Settle every slot that may have changed; return whose facts may count otherwise."""
        moved = settle(self.draft, News(self.slots, self.pages, self.votes, self.tipped, self.results))
        # Not only pages with an epoch: a rival without one may undo, for now, what an adopted page did.
        reseated = self.bound | moved.books
        bounds = {(scope, key) for scope in reseated for key in reseat(self.draft, scope)}
        bounds |= set(self._holders(moved.mandates))
        bounds |= set(self._under(moved.mandates, {*moved.pages, *self.pages}))
        for scope in reseated:
            rename(self.draft, scope)
        return bounds.union(*(resettle(self.draft, scope) for scope in reseated))

    def _holders(self, mandates: Iterable[EntryId]) -> Iterator[tuple[Scope, Key]]:
        """Yield who writes under mandates for tasks: their goods and promises may count otherwise."""
        for id_ in mandates:
            here, entry = known(self.draft, id_[0]), entry_at(self.draft, *id_)
            if here is None or not isinstance(entry, Mandate) or entry.task is None:
                continue
            for key in (entry.holder, entry.alternate):
                if key is not None:
                    yield here.scope, key

    def _under(self, mandates: Iterable[EntryId], pages: Iterable[PageId]) -> Iterator[tuple[Scope, Key]]:
        """Yield whose logs of goods and promises name these mandates, or anything on these pages as one."""
        prefixes: list[KeyRow] = [*mandates, *((page,) for page in pages)]
        for prefix in prefixes:
            for key, _ in self.draft.scan(COUNTED_UNDER, prefix):
                row = self.draft.get(COUNTED_LOGS, (key[2],))
                if row is not None:
                    log = counted_log(row)
                    yield log.scope, log.key

    # --- Writing down

    def take(self, block: Block) -> None:
        tips = self._tips_of(block.log, self._log(block))
        for record in block.records():
            branch = place(self.draft, block.log, record.seq, record.prev, record.id)
            if branch is None:
                continue
            self._record(record, branch)
            if record.id in tips:
                self.tipped[block.log] = None

    def _log(self, block: Block) -> LogRow:
        held = log_row(self.draft, block.log)
        if held is not None:
            return held
        whose = begun(block.genesis)
        self.draft.put(LOGS, (block.log,), row(whose))
        if whose.page is not None and whose.entry is not None:
            self.draft.put(MANDATE_LOGS, (whose.page, whose.entry, block.log), (whose.key,))
        return whose

    def _tips_of(self, log: LogId, whose: LogRow) -> set[RecordId]:
        # While records are written down nothing is judged, so no cut comes or goes.
        if whose.page is None:
            return set()
        if log not in self._tips:
            self._tips[log] = tips_of(self.draft, log, whose)
        return self._tips[log]

    def _record(self, record: Record, branch: int) -> None:
        page: PageId | None = None
        slot: PageId | None = None
        fault = None
        try:
            page, slot = self._say(record, branch)
        except Void as void:
            fault = void.code
        written = (record.log, record.seq, branch, record.kind, page, slot, fault)
        self.draft.put(RECORDS, (record.id,), written)
        for key, _ in self.draft.scan(RESULT_WAITS, (record.id,)):
            self.results[key[1:]] = None  # type: ignore[index]

    def _say(self, record: Record, branch: int) -> tuple[PageId | None, PageId | None]:
        """Write down what the record says; return the page that it is or speaks of, and its slot. Raises Void."""
        if record.version != VERSION or record.kind == GENESIS:
            return None, None
        if class_of(record.kind) not in (None, LogClass.AUTHORITY):
            raise Void("wrong-class", f"a {record.kind} does not belong in a log of pages and signatures")
        if record.genesis.reach is Reach.LOCAL and record.kind in (PAGE, SIGNATURE, APPROVAL):
            raise Void("local-log", "what only the community's own nodes can see can't bind its book")
        if record.kind == PAGE:
            return self._page(record), None
        try:
            if record.kind == SIGNATURE:
                return self._voice(record, branch, parse_signature(record.value))
            if record.kind == APPROVAL:
                return self._voice(record, branch, parse_approval(record.value))
            if record.kind == VOTE:
                self._vote(record, parse_vote(record.value))
            if record.kind == MOTION:
                motion = parse_motion(record.value)
                about = (motion.body, record.time, record.genesis.key, record.payload)
                self.draft.put(MOTIONS, (record.id,), about)
            if record.kind == DISSENT:
                about_ = parse_dissent(record.value).about
                self.draft.put(DISSENTS, (about_, record.id), (record.time, record.payload))
            if record.kind == PERSON:
                person = parse_person(record.value)
                said = (person.name, record.genesis.key, record.time)
                self.draft.put(PEOPLE, (record.genesis.scope, person.key, record.id), said)
            if record.kind == POST:
                post = parse_post(record.value)
                holds = (post.incarnation, record.genesis.key, record.time)
                self.draft.put(POSTS, (record.genesis.scope, post.role, post.key, record.id), holds)
            if record.kind == ANNOUNCEMENT:
                note_announcement(self.draft, record)
        except NotCanonical as error:
            raise Void("malformed", str(error)) from None
        return None, None

    def _page(self, record: Record) -> PageId:
        page = read_page(record.payload)
        id_ = PageId(record.payload_id)
        if record.genesis.reach is Reach.WORLD:
            self.draft.put(CARRIED, (id_, record.genesis.scope, record.log), ())
        if self.draft.get(PAGES, (id_,)) is None:
            body = page.body if page.body is not None else id_
            held = PageRow(page.number, page.prev, body, page.scope, page.repair, record.id, record.payload)
            self.draft.put(PAGES, (id_,), row(held))
            if page.prev is not None:
                self.draft.put(CHILDREN, (page.prev, id_), (page.number,))
            self.pages[id_] = None
            self.learn(id_)
        return id_

    def _voice(self, record: Record, branch: int, said: Signature | Approval) -> tuple[PageId, PageId]:
        before = last_voice(self.draft, record.log, branch, said.slot)
        lock = said.lock if isinstance(said, Signature) else None
        nth = 1 if before is None else _nth(self.draft, said.slot, before) + 1
        if nth > MAX_VOICES:
            raise Void("too-many", "its log has spoken too often in this slot")
        cells = (int(isinstance(said, Approval)), said.page, said.round, lock, before, nth, record.time)
        self.draft.put(VOICES, (said.slot, record.log, record.seq, record.id), cells)
        self.draft.put(LAST_VOICE, (record.log, branch, said.slot), (record.id,))
        page = known(self.draft, said.page)
        if page is None:
            self.draft.put(WAITING, (said.page, record.id), (said.slot,))
        elif page.prev != said.slot:
            self._wrong_slot(page, said.page, record.id, record.log)
        if page is not None:
            self.draft.is_new(VERDICTS, (page.scope, record.id))
        if page is None or page.prev == said.slot:
            # A voice for a page that is not held still binds its log in the slot, so the slot is settled again.
            new = self.slots.setdefault(said.slot, set())
            if new is not None:
                new.add(record.id)
        return said.page, said.slot

    def _vote(self, record: Record, said: Vote) -> None:
        option = pack(choice_value(said.option))
        cells = (said.motion, said.clause, option, record.time)
        self.draft.put(VOTES, (record.log, record.seq, record.id), cells)
        whose = record.genesis.scope
        self.draft.put(VOTES_ON, (said.motion, said.clause, whose, record.id), (record.log,))
        self.draft.is_new(VOTE_VERDICTS, (record.genesis.scope, record.id))
        self.votes[record.id] = None

    def _wrong_slot(self, page: Known, id_: PageId, record: RecordId, log: LogId) -> None:
        whose = log_row(self.draft, log)
        assert whose is not None
        # Of other bodies' logs not every node that follows this body holds all: who asks why is told all the same.
        if whose.scope == page.scope:
            self.draft.put(VERDICTS, (page.scope, record), (id_, VoiceStatus.VOID.value, "wrong-slot"))

    def learn(self, first: PageId) -> None:
        """Take in a page, and those that waited for it, as far as their chain to a followed page 0 is held."""
        new = [first]
        while new:
            id_ = new.pop()
            held = page_row(self.draft, id_)
            page = self._follow(id_, held) if held is not None else None
            if held is None or page is None or known(self.draft, id_) is not None:
                continue
            self.draft.put(KNOWN, (id_,), row(page))
            self._read(page.scope, id_, held)
            self.slots[id_] = None
            self.pages[id_] = None
            if page.prev is None:
                self.draft.put(STATUSES, (page.scope, id_), (0, SEALED, 1))
                self.draft.put(BOOKS, (page.scope,), (id_, id_, 0, 0))
                self.bound.add(page.scope)
            else:
                self.slots[page.prev] = None
            for key, cells in list(self.draft.scan(WAITING, (id_,))):
                record = RecordId(key[1])  # type: ignore[arg-type]
                self.draft.drop(WAITING, key)
                if cells[0] != page.prev:
                    voice = record_row(self.draft, record)
                    assert voice is not None
                    self._wrong_slot(page, id_, record, voice.log)
            new.extend(PageId(key[1]) for key, _ in self.draft.scan(CHILDREN, (id_,)))  # type: ignore[arg-type]

    def _follow(self, id_: PageId, held: PageRow) -> Known | None:
        """Return the page as known when its chain to a followed page 0 is held, numbers stepping by one (rule 1)."""
        if held.prev is None:
            assert held.scope is not None
            bound = self.draft.get(FOLLOWED, (held.scope,))
            if bound is None or bound[0] != id_:
                return None
            epoch = epoch_on(held.payload, held.scope, None)
            level = epoch.level if epoch else None
            return Known(held.scope, id_, 0, None, False, id_ if epoch else None, level)
        before = known(self.draft, held.prev)
        if before is None or before.body != held.body or before.number + 1 != held.number:
            return None
        sound = before.level is not None and epoch_on(held.payload, before.scope, before.level) is not None
        epoch_page = id_ if sound else before.epoch
        return Known(
            before.scope, held.body, held.number, held.prev, bool(held.repair), epoch_page, before.level
        )

    def _read(self, scope: Scope, id_: PageId, held: PageRow) -> None:
        """Note a page's decisions, what it calls the body, and the keys and logs that it names.

        Named is who is named, by sound epochs or not: whoever holds the page must be able to admit them.
        """
        page = read_page(held.payload)
        note_urgent(self.draft, scope, id_, page)
        if page.epoch is not None and isinstance(page.epoch[1], EpochEntry):
            self.draft.put(NAMES, (id_,), (plain(page.epoch[1].name),))
        for index, entry in enumerate(page.entries):
            if isinstance(entry, Decision):
                self.draft.put(DECISIONS, (id_, index), (plain(entry.title),))
            else:
                self._act(scope, id_, index, held.number, entry)
            if not isinstance(entry, EpochEntry):
                continue
            for seat in (*entry.seats, *(entry.sealers or ())):
                if isinstance(seat, KeySeat):
                    self._name(scope, seat)
                elif isinstance(seat, NodeSealer):
                    self._name(scope, seat.seat(scope))
            for key in entry.repair.keys if entry.repair else ():
                self.draft.put(NAMED, (scope, key, b""), (1,))

    def _name(self, scope: Scope, seat: KeySeat) -> None:
        """Note that a page names a log; votes in it that came before the page may count now."""
        if self.draft.get(NAMED, (scope, seat.key, seat.log)) is None:
            self.draft.put(NAMED, (scope, seat.key, seat.log), (1,))
            for key, _ in self.draft.scan(VOTES, (seat.log,)):
                self.votes[RecordId(key[2])] = None  # type: ignore[arg-type]

    def _act(self, scope: Scope, page: PageId, index: int, number: int, entry: Entry) -> None:
        """Note an entry that gives, ends, says or settles something, in the order of the book."""
        draft, where = self.draft, (number, page, index)
        match entry:
            case Mandate():
                draft.put(MANDATES, (scope, page, index), (number, "none"))
                for key in (entry.holder, entry.alternate):
                    if key is not None:
                        draft.put(NAMED, (scope, key, b""), (1,))
            case Witness():
                draft.put(WITNESSES, (scope, entry.body, *where), (entry.page,))
                need(draft, entry.page, HEAD, page)
            case Confirm():
                said = (entry.vote, int(entry.ratify))
                draft.put(WORDS, (scope, entry.motion, entry.clause, *where), said)
                if entry.vote is not None and record_row(draft, entry.vote) is None:
                    draft.put(RESULT_WAITS, (entry.vote, scope, page, index), ())
            case Result():
                draft.put(RESULTS_ON, (entry.motion, entry.clause, scope, page, index), (number,))
                draft.put(RESULTS, (scope, page, index), (number, "provisional", None))
                draft.put(RESULTS_OPEN, (scope, page, index), ())
            case Settle():
                note_settle(draft, scope, number, page, index, entry)
            case Join() | Leave():
                note_node(draft, scope, number, page, index, entry)
                if isinstance(entry, Join) and entry.node is not None:
                    node = entry.node
                    draft.put(NAMED, (scope, node.key, node.seat(scope).log), (1,))
            case Recall() | Consent() | Create() | Repeal():
                pass
            case _:
                return
        draft.put(ACTS, (scope, *where), (kind_of(entry),))


def _nth(draft: Draft, slot: PageId, voice: RecordId) -> int:
    """Return how many records up to this one the chain holds in the slot."""
    at = record_row(draft, voice)
    assert at is not None
    row = draft.get(VOICES, (slot, at.log, at.seq, voice))
    assert row is not None
    return int(row[5])  # type: ignore[arg-type]
