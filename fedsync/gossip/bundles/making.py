"""Makes a bundle: what one node holds and others may lack, in the order in which it is needed. Pure.

    title | urgent blocks | bodies followed | receipts | wants | tips | the other blocks, class by class | end

So a file that is cut short still delivers the recalls, and names what it would have had. Each file of a bundle begins
with a title and ends with an end, and can be read without the others. Where files have a size, some of the tips stand in
each: if one file is lost, the others tell what was in it.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, TypeVar

from fedsync.gossip.bundles.chunks import MAGIC, MAX_CHUNKS, pack, size_of
from fedsync.gossip.bundles.form import (
    MAX_LISTING,
    MAX_RECEIPTS,
    NONE,
    Block,
    Content,
    Counters,
    End,
    Follows,
    Held,
    Receipt,
    Receipts,
    Said,
    Segment,
    Sign,
    Tip,
    Tips,
    Title,
    Wanted,
    Wants,
    shortest,
    tip_bytes,
    wanted_bytes,
    write,
)
from fedsync.gossip.bundles.form import NAME_BYTES as NAME
from fedsync.gossip.following import Page
from fedsync.gossip.holdings import FORK, PENDING, Head, Holdings, Log, SetKey
from fedsync.gossip.limits import PAGE_BYTES
from fedsync.gossip.priority import FIRST, of_log
from fedsync.records.block import peek
from fedsync.records.ids import Key, LogClass, LogId, RecordId
from fedsync.records.wire import MAX_BLOCK_BYTES

MIN_PART_BYTES: Final = 72 * 1024
"""The smallest file that a bundle is split to: it takes any block, besides its title, its end and a few tips."""
WHOLE_TIPS: Final = 4096
"""Logs of which all tips are told, moved or not: 200 kB at most. Of more, those that moved."""
TIPS_SHARE: Final = 8
"""Tips have one of so many parts of a file that has a size."""
WANTS_SHARE: Final = 8
"""Wishes have one of so many parts of a bundle that has a size."""
FORKED_BYTES: Final = 16 * 1024 * 1024
"""Of the fresh blocks of a forked log, at once: they are given as they came, since they are on several branches."""
CHANGED_ALL: Final[Counters] = (0, 0, 0, 0)
"""As `since`: all that is held, of every class."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be in a bundle."""

    may: Callable[[SetKey], bool]
    """Which sets its readers may have."""
    since: Counters = CHANGED_ALL
    readers: tuple[Key, ...] = ()
    asked: tuple[Wanted, ...] = ()
    """What the readers asked for by name."""
    follows: tuple[Page, ...] = ()
    """The bodies that the maker follows, as its readers are to know it."""
    wants: tuple[Wanted, ...] = ()
    """What the maker asks for."""
    receipts: tuple[Receipt, ...] = ()
    part_bytes: int | None = None
    """How large a file may be; None: there is one, as large as it gets."""
    total_bytes: int | None = None
    """Where the bundle is cut, though more was to come."""
    known: Callable[[LogId], Sequence[Sequence[Held]]] = lambda log: ()
    """What each reader said that it holds of a log: it is left out as far as all of them hold it."""
    plain: bool = False
    """Blocks stand in it as they are stored: for whoever has an older version of this program."""


class Maker(NamedTuple):
    """Who makes a bundle."""

    key: Key
    sign: Sign
    bundle: bytes
    """16 random bytes."""
    now: int
    """In ms since 1970."""


class Part(NamedTuple):
    """The next bytes of a file of the bundle."""

    number: int
    data: bytes


def make(holdings: Holdings, wish: Wish, maker: Maker) -> Generator[Part, None, End]:
    """Yield the files of a bundle, one after the other, in pieces of a chunk each, and return how the last one ends.

    What moves in the holdings meanwhile may be in it or not; the title says what is.
    """
    journal, counter = holdings.journal()
    said = Said(maker.bundle, maker.key)
    plan = _plan(holdings, wish)
    title = Title(
        said, 0, journal, counter, maker.now, wish.since, wish.readers, len(plan.tips), plan.everything
    )
    writer = _Writer(title, maker.sign, wish, plan.tips)
    yield from writer.begin()
    for turn in sorted(plan.turns):
        if turn != FIRST:
            yield from _words(writer, wish, said)
        for job in plan.turns[turn]:
            if writer.full:
                break
            for raw in _blocks(holdings, job, turn, wish):
                if not writer.fits(len(raw)):
                    break
                # Who asks may not have been able to read a segment.
                plain = wish.plain or job.asked is not None
                yield from writer.put(Block(raw) if plain else shortest(raw))
    yield from _words(writer, wish, said)
    return (yield from writer.end())


def _words(writer: "_Writer", wish: Wish, said: Said) -> Iterator[Part]:
    """Put what the maker says itself; once."""
    if writer.spoken:
        return
    writer.spoken = True
    for page in wish.follows:
        yield from writer.put(Follows(said, page))
    for at in range(0, len(wish.receipts), MAX_RECEIPTS):
        yield from writer.put(Receipts(said, wish.receipts[at : at + MAX_RECEIPTS]))
    for group in _grouped(_some(wish, said), lambda each: len(wanted_bytes(each))):
        yield from writer.put(Wants(said, tuple(group)))
    yield from writer.tips()


def _some(wish: Wish, said: Said) -> Iterator[Wanted]:
    """Yield the wishes; beside records only as many as have their share of the room, each time others first.

    A peer that tells of what nobody has makes thousands of them.
    """
    rows, used = wish.wants, 0
    limited = wish.total_bytes is not None and any(since != NONE for since in wish.since)
    room = (wish.total_bytes or 0) // WANTS_SHARE
    start = int.from_bytes(said.bundle, "big") % len(rows) if rows and limited else 0
    for each in (*rows[start:], *rows[:start]):
        used += len(wanted_bytes(each))
        if limited and used > room:
            return
        yield each


# --- What is in it ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Job:
    """A log that has something for the readers. `after`: the end of what it gave in an earlier turn; `done`: all of it."""

    log: LogId
    since: int
    asked: Wanted | None = None
    after: Head | None = None
    done: bool = False


@dataclass(slots=True)
class _Plan:
    turns: dict[int, list[_Job]] = field(default_factory=dict)
    tips: list[Tip] = field(default_factory=list)
    everything: bool = False


def _plan(holdings: Holdings, wish: Wish) -> _Plan:
    plan, asked = _Plan(), {each.log: each for each in wish.asked}
    keys = [key for key in sorted(holdings.sets()) if wish.may(key) and wish.since[key[2]] != NONE]
    logs = sum(map(holdings.count, keys))
    plan.everything = logs <= WHOLE_TIPS and logs * _TIP_BYTES <= (_tips_room(wish) or 2**62)
    for key in keys:
        since = wish.since[key[2]]
        moved = list(holdings.changed(key, since))
        _tell(holdings, key, None if plan.everything else moved, plan.tips)
        jobs = [_Job(log, since, asked.pop(log, None)) for log in moved]
        _line_up(holdings, key[2], jobs, plan)
    for log, wanted in asked.items():
        held = holdings.log(log)
        # Whoever asks may have only what the bundle's readers may have.
        if held is not None and wish.may(held.set) and wish.since[held.set[2]] != NONE:
            _line_up(holdings, held.set[2], [_Job(log, 0, wanted)], plan)
    return plan


def _tell(holdings: Holdings, key: SetKey, logs: Iterable[LogId] | None, tips: list[Tip]) -> None:
    """Put down the tips of these logs of a set; None: of all."""
    items = (
        holdings.items(key, b"", None)
        if logs is None
        else [item for log in sorted(logs) for item in _of(holdings, key, log)]
    )
    for kind, log, seq, id_ in items:
        if kind != PENDING:
            tips.append(Tip(key, kind, log, seq, b"" if kind == FORK else id_[:NAME]))


def _of(holdings: Holdings, key: SetKey, log: LogId) -> Iterator[tuple[int, LogId, int, RecordId]]:
    above = (int.from_bytes(log, "big") + 1).to_bytes(33, "big")
    yield from holdings.items(key, log, None if above[0] else above[1:])


def _line_up(holdings: Holdings, log_class: LogClass, jobs: list[_Job], plan: _Plan) -> None:
    if log_class is LogClass.AUTHORITY:
        # A page names the authors of later logs: they would wait outside if theirs came first.
        created = {job.log: held.created for job in jobs if (held := holdings.log(job.log)) is not None}
        jobs.sort(key=lambda job: created.get(job.log, 0))
    for job in jobs:
        held = holdings.log(job.log)
        if held is None:
            continue
        usual = of_log(held, held.heads[0][0])
        if of_log(held, -1) == FIRST:
            plan.turns.setdefault(FIRST, []).append(job)
        if usual != FIRST:
            plan.turns.setdefault(usual, []).append(job)


def _blocks(holdings: Holdings, job: _Job, turn: int, wish: Wish) -> Iterator[bytes]:
    """Yield the blocks of a log that have their turn. What is urgent of it goes first, and no more than that."""
    held = holdings.log(job.log)
    if held is None or job.done:
        return
    if held.fork is not None and job.asked is None and job.since:
        job.done = True
        yield from holdings.fresh(job.log, job.since, FORKED_BYTES)
        return
    until = held.urgent if turn == FIRST and held.fork is None else None
    for at, head in enumerate(held.heads):
        base = job.after or _base(holdings, job, held, head, bool(at), wish)
        while base != head:
            page = holdings.blocks(job.log, base, head, PAGE_BYTES)
            if not page:
                break
            for raw, base in page:
                yield raw
                if until is not None and base[0] >= until:
                    job.after = base
                    return
    job.done = True


def _base(holdings: Holdings, job: _Job, held: Log, head: Head, further: bool, wish: Wish) -> Head | None:
    """Return the last record on the chain of `head` that the readers hold; None when they hold nothing of it.

    `further`: another branch was given before, and with it all that both share.
    """
    if job.asked is not None:
        found = _last_of(holdings, job.log, held, head, job.asked.held)
    else:
        found = _later(_since_base(holdings, job, head), _known_base(holdings, job.log, held, head, wish))
    if further and held.fork and (id_ := holdings.id_at(job.log, head, held.fork - 1)) is not None:
        found = _later(found, (held.fork - 1, id_))
    return found


def _later(one: Head | None, other: Head | None) -> Head | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _last_of(holdings: Holdings, log: LogId, held: Log, head: Head, named: Sequence[Held]) -> Head | None:
    """Return the last record on the chain of `head` that whoever named these holds.

    Who holds more of a log than we do holds what we hold of it, as far as we know of one branch only. Should it be on
    another, it finds our tip missing, and asks for all of the log.
    """
    for seq, name in sorted(named, reverse=True):
        id_ = holdings.id_at(log, head, seq)
        if id_ is not None and id_[:NAME] == name:
            return seq, id_
        if seq > head[0] and held.fork is None:
            return head
    return None


def _since_base(holdings: Holdings, job: _Job, head: Head) -> Head | None:
    """Return the last record that was held when the journal stood where the readers are known to be."""
    if not job.since:
        return None
    fresh = holdings.fresh(job.log, job.since, MAX_BLOCK_BYTES)
    if not fresh:
        return head
    first = peek(fresh[0])
    return (first.first - 1, first.prev) if first.first else None


def _known_base(holdings: Holdings, log: LogId, held: Log, head: Head, wish: Wish) -> Head | None:
    """Return the last record that all readers said they hold."""
    each = [_last_of(holdings, log, held, head, said) for said in wish.known(log)]
    found = [base for base in each if base is not None]
    return min(found) if found and len(found) == len(each) else None


# --- How it is written ------------------------------------------------------------------------------------


class _Writer:
    """Puts chunks into files. `full`: what comes does not fit any more, and nothing after it is tried."""

    def __init__(self, title: Title, sign: Sign, wish: Wish, tips: list[Tip]) -> None:
        self._title, self._sign, self._wish, self._tips = title, sign, wish, tips
        self.spoken = self.full = False
        self._chunks = self._used = self._total = 0
        self._tip, self._told = 0, 0
        """The next tip, and how many were told."""
        # Numbers in it grow by a few bytes from part to part.
        self._end = size_of(write(End(title, MAX_CHUNKS, False, False), sign)[1]) + 8
        if wish.part_bytes is not None and wish.part_bytes < MIN_PART_BYTES:
            raise ValueError(f"a file of a bundle has {MIN_PART_BYTES} bytes at least")

    def begin(self) -> Iterator[Part]:
        """Begin a file."""
        self._chunks = self._used = 0
        yield self._write(MAGIC)
        yield self._chunk(self._title)
        if self.spoken:
            yield from self.tips()

    def fits(self, body: int) -> bool:
        """Say whether a block of so many bytes may still come."""
        limit = self._wish.total_bytes
        if limit is not None and self._total + body + size_of(b"") + self._end > limit:
            self.full = True
        return not self.full

    def put(self, content: Content | Segment) -> Iterator[Part]:
        """Write a chunk, in the next file where this one has no room for it."""
        kind, body = write(content, self._sign)
        if not self.fits(len(body)):
            return
        limit = self._wish.part_bytes
        full = limit is not None and self._used + size_of(body) + self._end > limit
        if full or self._chunks >= MAX_CHUNKS - 1:
            yield self._chunk(End(self._title, self._chunks, False, False))
            self._title = replace(self._title, part=self._title.part + 1)
            yield from self.begin()
        yield self._raw(kind, body)

    def tips(self) -> Iterator[Part]:
        """Tell tips: all of them, or as many as have room in a file of this size, going on where the last one ended."""
        yield from self._tell(len(self._tips), _tips_room(self._wish))

    def _tell(self, count: int, room: int | None) -> Iterator[Part]:
        tips, total = self._tips, len(self._tips)
        while count > 0:
            start = self._tip
            rows: list[Tip] = []
            size = _TIPS_BYTES
            for tip in tips[start : start + count]:
                # The set is told once for all that follow; at worst each has its own.
                more = len(tip_bytes(tip)) + (0 if rows and rows[-1].set == tip.set else _SET_BYTES)
                if size + more > min(MAX_LISTING, room if room is not None else MAX_LISTING):
                    break
                rows.append(tip)
                size += more
            if not rows:
                return
            yield from self.put(Tips(self._title.said, start, total, tuple(rows)))
            count -= len(rows)
            room = room if room is None else room - size
            self._told += len(rows)
            self._tip = (start + len(rows)) % total

    def end(self) -> Generator[Part, None, End]:
        """End the last file, and return how."""
        if self._told < len(self._tips) and self._wish.total_bytes is None:
            yield from self._tell(len(self._tips) - self._told, None)
        end = End(self._title, self._chunks, True, not self.full)
        yield self._chunk(end)
        return end

    def _chunk(self, content: Content) -> Part:
        return self._raw(*write(content, self._sign))

    def _raw(self, kind: int, body: bytes) -> Part:
        data = pack(kind, self._chunks, body)
        self._chunks += 1
        return self._write(data)

    def _write(self, data: bytes) -> Part:
        self._used += len(data)
        self._total += len(data)
        return Part(self._title.part, data)


def _tips_room(wish: Wish) -> int | None:
    """Return how many bytes of each file tips may have; None: as many as they need."""
    sizes = [each for each in (wish.part_bytes, wish.total_bytes) if each is not None]
    return min(sizes) // TIPS_SHARE if sizes else None


_TIP_BYTES: Final = 48
"""One of them, about."""
_TIPS_BYTES: Final = 160
"""Of a chunk of tips, besides these: head, signature, whose they are, and how they are counted."""
_SET_BYTES: Final = 20
"""A set before its tips, at most."""


T = TypeVar("T")


def _grouped(rows: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """Yield rows in groups of as many bytes as one chunk may list."""
    group: list[T] = []
    used = 0
    for row in rows:
        if group and used + size(row) > MAX_LISTING:
            yield group
            group, used = [], 0
        group.append(row)
        used += size(row)
    if group:
        yield group
