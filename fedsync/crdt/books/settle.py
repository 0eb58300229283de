"""Settling: from what was written down to what it amounts to, in the three passes of the rules. Touches a draft.

1. *Certified*, levels up, then page numbers: this only ever grows, whatever is cut later.
2. *Sealed*, levels down: the canonical branch of each book, as its witness has seen it.
3. *Statuses*, levels up: who stands, which mandates hold, which votes count, what the results are.

Each pass goes on only where something changed: one record changes less than one earlier status on average.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from fedsync.crdt.books.ballots import judge_result
from fedsync.crdt.books.booktables import (
    ACTS,
    ADOPTED,
    BOOKS,
    BRANCHES,
    DISPLACED,
    DRAFTED,
    FROZEN,
    LAST_VOICE,
    MANDATE_LOGS,
    NEEDED,
    RESULTS,
    RESULTS_ON,
    RESULTS_OPEN,
    SEALED,
    SOUND,
    SPLITS,
    STATUSES,
    VOTES,
    WORDS,
    Book,
    Known,
    Reader,
    Status,
    book,
    children,
    known,
    record_row,
    row,
    status,
)
from fedsync.crdt.books.canon import onward, witness_of
from fedsync.crdt.books.delegates import entry_at, kept_upto
from fedsync.crdt.books.mandates import judge_mandates, note_mandates
from fedsync.crdt.books.slot import Judged
from fedsync.crdt.books.slotview import founds, judge_slot
from fedsync.crdt.books.soundness import Sound, sound
from fedsync.crdt.books.tallies import SLOT, add_voices, is_open, need, recut, write_counts, write_verdicts
from fedsync.crdt.books.votes import FINAL, Question, Senders, cast_for, judge_votes, own_votes
from fedsync.crdt.view import Draft
from fedsync.records.ids import LogId, PageId, RecordId, Scope
from fedsync.records.kinds.entries import (
    CLOSING,
    CONFIRM,
    LEAVE,
    MANDATE,
    RATIFY,
    RECALL,
    RESULT,
    WITNESS,
    Confirm,
    EntryId,
    Result,
    Witness,
)

EPOCH, HEAD = "epoch", "head"
"""What waits for a page: an epoch, or a book that witnessed it."""

Queue = list[tuple[int, int, PageId]]


@dataclass(frozen=True, slots=True)
class News:
    """What was written down: slots with new voices or pages, pages that came or became known, new votes."""

    slots: Mapping[PageId, set[RecordId] | None]
    """Of each slot its new voices; None when all of it has to be judged again."""
    pages: Iterable[PageId] = ()
    votes: Iterable[RecordId] = ()
    tipped: Iterable[LogId] = ()
    """Logs of which a record came that a recall names as the last to be kept."""
    results: Iterable[tuple[Scope, PageId, int]] = ()
    """Results and words of which a record came that they name."""


class Moved(NamedTuple):
    """The books of which more than drafts changed; the mandates that may stand otherwise; the pages that do."""

    books: set[Scope]
    mandates: set[EntryId]
    pages: set[PageId]


def settle(draft: Draft, news: News) -> Moved:
    """Settle what the news may have changed; return what moved."""
    settling = _Settling(draft)
    settling.run(news)
    return Moved(settling.moved, settling.given, set(settling.changed))


@dataclass
class _Settling:
    """One run: what is known of each slot, and what the next pass has to look at."""

    draft: Draft
    judged: dict[PageId, Judged] = field(default_factory=dict)
    slots: set[PageId] = field(default_factory=set)
    """Slots for the third pass."""
    canon: set[PageId] = field(default_factory=set)
    """Slots for the second pass."""
    changed: dict[PageId, Scope] = field(default_factory=dict)
    votes: set[RecordId] = field(default_factory=set)
    results: dict[tuple[Scope, PageId, int], set[bytes] | None] = field(default_factory=dict)
    """Results to judge again, with the seats to count again; None for all of them."""
    moved: set[Scope] = field(default_factory=set)
    """Books of which a page changed that is more than a draft, or was."""
    given: set[EntryId] = field(default_factory=set)
    """Mandates that may stand otherwise, or are ended otherwise."""
    unsealed: bool = False

    def run(self, news: News) -> None:
        self.votes |= set(news.votes)
        for scope, page, index in news.results:
            said = entry_at(self.draft, page, index)
            if isinstance(said, Confirm):
                self._ask_word(scope, page, said)
            else:
                self._ask_result((scope, page, index), None)
        queue: Queue = []
        for page, voices in news.slots.items():
            if voices is None or not add_voices(self.draft, page, voices):
                self._ask(queue, page)
        for page in news.pages:
            self._arrived(queue, page)
            self._ask_under(page)
        for key, _ in self.draft.scan(SPLITS):
            self.canon.add(PageId(key[1]))  # type: ignore[arg-type]
        for log in news.tipped:
            for slot in self._spoke(log):
                self._ask(queue, slot)
        self._certify(queue)
        self._find_canon()
        self._status()

    def _ask(self, queue: Queue, slot: PageId) -> None:
        here = known(self.draft, slot)
        if here is not None:
            heapq.heappush(queue, (here.level or 0, here.number, slot))

    def _ask_under(self, page: PageId) -> None:
        """Ask for the votes in logs that name an entry of a page that came: it may be no mandate of theirs, or none."""
        for mandate, _ in self.draft.scan(MANDATE_LOGS, (page,)):
            for key, _ in self.draft.scan(VOTES, (mandate[2],)):
                self.votes.add(RecordId(key[2]))  # type: ignore[arg-type]

    # --- Pass 1: certified

    def _arrived(self, queue: Queue, page: PageId) -> None:
        """A page came, or is certified: what waits for it is judged again."""
        for key, _ in list(self.draft.scan(NEEDED, (page,))):
            what, by = key[1], key[2]
            if what == SLOT:
                self._ask(queue, PageId(by))  # type: ignore[arg-type]
            elif what == EPOCH and sound(self.draft, PageId(by))[0] is not Sound.PENDING:  # type: ignore[arg-type]
                for slot in _below(self.draft, PageId(by)):  # type: ignore[arg-type]
                    self._ask(queue, slot)

    def _certify(self, queue: Queue) -> None:
        while queue:
            _, number, slot = heapq.heappop(queue)
            while queue and queue[0][2] == slot:
                heapq.heappop(queue)
            here = known(self.draft, slot)
            assert here is not None
            above = status(self.draft, here.scope, slot)
            if above is None:
                continue  # the page is new: the slot that it stands in is settled too, and leads back to this one
            if not children(self.draft, slot):
                continue
            self.slots.add(slot)
            self._epoch(slot, here)
            judged = self._judge(slot)
            certified = 0
            for page in judged.tallies:
                at = status(self.draft, here.scope, page)
                proper = above.certified and judged.enough(page)
                certified += proper
                if at is None or (proper and not at.certified):
                    self._note(here.scope, page, Status(number + 1, at.status if at else DRAFTED, proper))
                    self._ask(queue, page)
                    if proper:
                        self._arrived(queue, page)
                        self.canon.add(slot)
            if certified > 1:
                by = witness_of(self.draft, slot)
                if by is not None:
                    self.draft.put(SPLITS, (by, slot), (number,))

    def _judge(self, slot: PageId) -> Judged:
        judged = judge_slot(self.draft, slot)
        self.judged[slot] = judged
        write_counts(self.draft, slot, judged)
        return judged

    def _epoch(self, slot: PageId, here: Known) -> None:
        """Write down what the epoch in force waits for, or that it is settled for good."""
        founded = founds(self.draft, here)
        if founded is Sound.PENDING:
            for page in sound(self.draft, here.body)[1]:
                need(self.draft, page, EPOCH, here.body)
        if founded is not Sound.YES:
            return
        at: Known | None = here
        while at is not None and at.epoch is not None:
            answer, pages = sound(self.draft, at.epoch)
            if answer is Sound.PENDING:
                for page in pages:
                    need(self.draft, page, EPOCH, at.epoch)
                return
            if self.draft.get(SOUND, (at.epoch,)) is None:
                self.draft.put(SOUND, (at.epoch,), (answer.value,))
                self._ask_open_results(here.scope, None)  # how many seats decide is known only now
            if answer is Sound.YES:
                return
            there = known(self.draft, at.epoch)
            assert there is not None
            at = known(self.draft, there.prev) if there.prev is not None else None

    # --- Pass 2: sealed

    def _find_canon(self) -> None:
        """Give each page of a touched slot its place: on the canonical branch, beside it, or after a split."""
        queue: Queue = []

        def ask(slot: PageId) -> None:
            here = known(self.draft, slot)
            if here is not None:
                heapq.heappush(queue, (-(here.level or 0), here.number, slot))

        for slot in self.canon | self.slots:
            ask(slot)
        moved: set[Scope] = set()
        while queue:
            _, _, slot = heapq.heappop(queue)
            here = known(self.draft, slot)
            assert here is not None
            above = status(self.draft, here.scope, slot)
            if above is None:
                continue
            for page, place in self._places(slot, here.scope, above.status).items():
                at = status(self.draft, here.scope, page)
                assert at is not None
                was = at.status if at.status in (SEALED, DISPLACED, FROZEN) else None
                if place == was:
                    continue
                self._note(here.scope, page, at._replace(status=place or DRAFTED))
                self.slots |= {slot, page}
                moved.add(here.scope)
                ask(page)
                if SEALED in (place, was):
                    for name in (here.body, here.scope):
                        for key, _ in list(self.draft.scan(SPLITS, (name,))):
                            ask(PageId(key[1]))  # type: ignore[arg-type]
        for scope in moved:
            move_head(self.draft, scope)

    def _places(self, slot: PageId, scope: Scope, above: str) -> dict[PageId, str | None]:
        """Return sealed, displaced, frozen or None (open) for each page of a slot."""
        pages = children(self.draft, slot)
        if above in (DISPLACED, FROZEN):
            return dict.fromkeys(pages, above)
        certified = [page for page in pages if _certified(self.draft, scope, page)]
        if above != SEALED or not certified:
            return dict.fromkeys(pages)
        on = certified[0] if len(certified) == 1 else onward(self.draft, slot, certified)
        if on is None:
            return dict.fromkeys(pages, FROZEN)
        return {page: SEALED if page == on else DISPLACED for page in pages}

    # --- Pass 3: statuses

    def _status(self) -> None:
        levels: dict[int, set[Scope]] = {}
        queue: Queue = []
        for slot in self.slots:
            self._ask(queue, slot)
        for page in self.changed:
            here = known(self.draft, page)
            assert here is not None
            levels.setdefault(here.level or 0, set()).add(here.scope)
        self.slots = set()
        touched: dict[Scope, set[PageId]] = {}
        for page, scope in self.changed.items():
            touched.setdefault(scope, set()).add(page)
        while queue or levels:
            level = min([queue[0][0]] if queue else [], default=None)
            lowest = min(levels, default=None)
            if level is not None and (lowest is None or level <= lowest):
                _, _, slot = heapq.heappop(queue)
                while queue and queue[0][2] == slot:
                    heapq.heappop(queue)
                for page, scope in self._open(slot):
                    touched.setdefault(scope, set()).add(page)
                    levels.setdefault(level, set()).add(scope)
                    self._ask(queue, page)
                continue
            assert lowest is not None
            for scope in levels.pop(lowest):
                for slot in self._mandates(scope, touched.pop(scope, set())):
                    self.judged.pop(slot, None)
                    self._ask(queue, slot)
        self._results()

    def _open(self, slot: PageId) -> Iterator[tuple[PageId, Scope]]:
        """Write who stands in a slot and what that makes of its open pages; yield the pages that changed."""
        here = known(self.draft, slot)
        assert here is not None
        above = status(self.draft, here.scope, slot)
        if above is None:
            return
        judged = self.judged.get(slot) or self._judge(slot)
        write_verdicts(self.draft, here.scope, slot, judged)
        for page in judged.tallies:
            at = status(self.draft, here.scope, page)
            assert at is not None
            if at.status in (SEALED, DISPLACED, FROZEN):
                continue
            stands = above.status in (SEALED, ADOPTED) and judged.stands(page)
            word = ADOPTED if stands else DRAFTED
            if word != at.status:
                self._note(here.scope, page, at._replace(status=word))
                yield page, here.scope

    def _mandates(self, scope: Scope, pages: set[PageId]) -> set[PageId]:
        """Judge what the changed pages of a book give, end and say; return the slots that this may change."""
        slots: set[PageId] = set()
        acts = [act for page in pages for act in _acts(self.draft, scope, page)]
        kinds = {kind for _, kind in acts}
        changed: set[EntryId] = set()
        ended: dict[EntryId, bool] = {}
        if kinds & {MANDATE, RECALL, CLOSING, LEAVE}:
            ended = judge_mandates(self.draft, scope, pages)
            # The status of its own page bears on what a delegate's records are worth.
            changed = {*ended, *(id_ for id_, kind in acts if kind == MANDATE)}
            self.given |= changed
        for mandate in changed:
            for key, _ in self.draft.scan(MANDATE_LOGS, mandate):
                log = LogId(key[2])  # type: ignore[arg-type]
                for slot in self._spoke(log, ended.get(mandate, False)):
                    self.judged.pop(slot, None)
                    if is_open(self.draft, slot) or not recut(self.draft, slot, log):
                        slots.add(slot)
        # What a page says of votes and heads counts once it is sealed.
        said_now = self.unsealed or any(_is(self.draft, scope, page, SEALED) for page in pages)
        if said_now and kinds & {CONFIRM, RATIFY}:
            for id_, _ in acts:
                said = entry_at(self.draft, *id_)
                if isinstance(said, Confirm):
                    self._ask_word(scope, id_[0], said)
        if RESULT in kinds:
            self._ask_open_results(scope, pages, set())
        if said_now and WITNESS in kinds:
            heads = [entry_at(self.draft, *id_) for id_, kind in acts if kind == WITNESS]
            self._ask_worded(scope, {each.body for each in heads if isinstance(each, Witness)})
        for page in pages:
            if not _certified(self.draft, scope, page):
                continue
            for key, _ in list(self.draft.scan(NEEDED, (page, HEAD))):
                by = known(self.draft, PageId(key[2]))  # type: ignore[arg-type]
                if by is not None:
                    self._ask_worded(by.scope, {_body(self.draft, page)})
        return slots

    def _spoke(self, log: LogId, simply: bool = False) -> set[PageId]:
        """Return the slots that a log spoke in, and ask for its votes.

        `simply`: its mandate was in force and is ended by sealed pages alone, so what these keep is as it was.
        """
        kept = kept_upto(self.draft, log) if simply else -1
        trunk = self.draft.get(BRANCHES, (log, 0))
        if trunk is not None and trunk[3] <= kept:  # type: ignore[operator]
            return set()  # all that it wrote, as most recalls have it
        for key, _ in self.draft.scan(VOTES, (log,)):
            if int(key[1]) > kept:
                self.votes.add(RecordId(key[2]))  # type: ignore[arg-type]
        slots = set()
        for key, cells in self.draft.scan(LAST_VOICE, (log,)):
            last = record_row(self.draft, RecordId(cells[0]))  # type: ignore[arg-type]
            assert last is not None
            if last.seq > kept:
                slots.add(PageId(key[2]))  # type: ignore[arg-type]
        return slots

    def _ask_open_results(
        self, scope: Scope, pages: set[PageId] | None, seats: set[bytes] | None = None
    ) -> None:
        """Ask for the results of a book that are not final: on some pages, or all."""
        for key, _ in self.draft.scan(RESULTS_OPEN, (scope,)):
            if pages is None or key[1] in pages:
                self._ask_result((scope, PageId(key[1]), int(key[2])), seats)  # type: ignore[arg-type]

    def _ask_worded(self, scope: Scope, bodies: set[PageId]) -> None:
        """Ask for the open results of a book, for bodies that have a word there: how far they are seen has changed."""
        scopes = {body: here.scope for body in bodies if (here := known(self.draft, body)) is not None}
        for key, _ in self.draft.scan(RESULTS_OPEN, (scope,)):
            page, index = PageId(key[1]), int(key[2])  # type: ignore[arg-type]
            entry = entry_at(self.draft, page, index)
            assert isinstance(entry, Result)
            worded: set[bytes] = {
                body
                for body, of in scopes.items()
                if any(True for _ in self.draft.scan(WORDS, (of, entry.motion, entry.clause)))
            }
            if worded:
                self._ask_result((scope, page, index), worded)

    def _ask_word(self, scope: Scope, page: PageId, said: Confirm) -> None:
        """Ask for all that a word on a page of the book may change."""
        question = (said.motion, said.clause)
        self.votes |= own_votes(self.draft, scope, question)
        self._ask_results(question, {_body(self.draft, page)})

    def _ask_results(self, question: Question, seats: set[bytes]) -> None:
        """Ask for the results on a question, for what they make of some seats."""
        for key, _ in self.draft.scan(RESULTS_ON, question):
            result = (Scope(key[2]), PageId(key[3]), int(key[4]))  # type: ignore[arg-type]
            row = self.draft.get(RESULTS, result)
            # What is final stays as it is (rule 12), but for a split: see `_results`.
            if row is None or row[1] != FINAL:
                self._ask_result(result, seats)

    def _ask_result(self, result: tuple[Scope, PageId, int], seats: set[bytes] | None) -> None:
        asked = self.results.setdefault(result, set())
        if asked is not None:
            self.results[result] = asked | seats if seats is not None else None

    def _results(self) -> None:
        if self.unsealed:
            # Only a body beyond its bound comes here. What was final because of it is not, whatever came first.
            for key, _ in self.draft.scan(RESULTS):
                self._ask_result((Scope(key[0]), PageId(key[1]), int(key[2])), None)  # type: ignore[arg-type]
        senders = Senders(self.draft)
        changed = judge_votes(self.draft, self.votes, senders)
        asked = {(vote.whose.scope, vote.question) for vote in changed}
        for scope, question in asked:
            # A vote may be what a word waited for: then the other votes of the body change with it.
            if senders.has_words(scope, question):
                others = own_votes(self.draft, scope, question) - self.votes
                changed += judge_votes(self.draft, others, senders)
        by_question: dict[Question, set[bytes]] = {}
        for vote in changed:
            # Where it is not known yet whose vote it is, the result misses it, and is counted whole.
            by_question.setdefault(vote.question, set()).add(cast_for(self.draft, vote) or b"")
        for question, seats in by_question.items():
            self._ask_results(question, seats)
        for result, again in self.results.items():
            judge_result(self.draft, *result, senders, again)

    def _note(self, scope: Scope, page: PageId, now: Status) -> None:
        was = status(self.draft, scope, page)
        self.unsealed = self.unsealed or (was is not None and was.status == SEALED != now.status)
        self.draft.put(STATUSES, (scope, page), row(now))
        slight = was is None or was.status in (DRAFTED, DISPLACED)
        if now.status not in (DRAFTED, DISPLACED) and slight:
            note_mandates(self.draft, scope, page)
        if now.status not in (DRAFTED, DISPLACED) or not slight:
            self.moved.add(scope)
        self.changed[page] = scope


def move_head(draft: Draft, scope: Scope) -> None:
    """Walk from the last head back to what is still sealed, and on along what is sealed now."""
    at = book(draft, scope)
    assert at is not None
    head = at.head
    while not _is(draft, scope, head, SEALED):
        here = known(draft, head)
        assert here is not None
        assert here.prev is not None
        head = here.prev
    while True:
        after = children(draft, head)
        forward = [page for page in after if _is(draft, scope, page, SEALED)]
        if not forward:
            break
        (head,) = forward
    here = known(draft, head)
    assert here is not None
    frozen = any(_is(draft, scope, page, FROZEN) for page in after)
    draft.put(BOOKS, (scope,), row(Book(at.body, head, here.number, frozen)))


def _below(view: Reader, page: PageId) -> Iterator[PageId]:
    todo = [page]
    while todo:
        at = todo.pop()
        yield at
        todo.extend(children(view, at))


def _acts(view: Reader, scope: Scope, page: PageId) -> Iterator[tuple[EntryId, str]]:
    here = known(view, page)
    assert here is not None
    for key, cells in view.scan(ACTS, (scope, here.number, page)):
        yield (page, int(key[3])), str(cells[0])


def _body(view: Reader, page: PageId) -> PageId:
    here = known(view, page)
    assert here is not None
    return here.body


def _certified(view: Reader, scope: Scope, page: PageId) -> bool:
    at = status(view, scope, page)
    return at is not None and at.certified


def _is(view: Reader, scope: Scope, page: PageId, word: str) -> bool:
    found = status(view, scope, page)
    return found is not None and found.status == word
