"""What a peer asked of us, served block by block as the carrier takes them. Pure.

One block at a time, chosen anew each time: so a higher class overtakes a lower one, which still keeps a small
share of the bytes. A log is served only when this session named it to the peer, and only on the chains that we hold: both
branches of a fork, so that the peer can prove it to others.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from fedsync.gossip.costs import Costs
from fedsync.gossip.holdings import Head, Holdings, Log, SetKey
from fedsync.gossip.limits import MAX_LOOKS, PAGE_BYTES
from fedsync.gossip.listing import Named, Salt
from fedsync.gossip.messages import NOT_SERVED, NOTHING_ABOVE, UNKNOWN_BASE, BlockMessage, NoBase
from fedsync.gossip.priority import FIRST, LAST, of_log
from fedsync.gossip.schedule.rounds import Rounds
from fedsync.records.ids import LogId

LOOK: Final = 4
"""What it costs to look up a place that a LOCATE names, beside a log that is asked for."""


@dataclass(slots=True)
class Job:
    """What one peer still gets of one log: the rest of each chain, one after the other."""

    log: LogId
    set: SetKey
    priority: int
    chains: deque[tuple[Head | None, Head]]
    """(last record that the peer holds, head) of each."""
    page: deque[tuple[bytes, Head]] = field(default_factory=deque)

    def turn(self, held: Log, at: int | None = None) -> int:
        """Return how urgent what is left is, the peer holding the first chain up to seq `at`."""
        bases = [base[0] if base else -1 for base, _ in self.chains]
        if at is not None and bases:
            bases[0] = at
        return of_log(held, min(bases, default=-1))


class Server:
    """Serves one peer. `listed` has, by short, the logs that we named to it."""

    def __init__(
        self,
        holdings: Holdings,
        salt: Salt,
        listed: dict[bytes, LogId],
        may: Callable[[SetKey], bool],
        costs: Costs | None = None,
    ) -> None:
        """`costs`: where it is added what it costs to look up what the peer named."""
        self._holdings, self._salt, self._listed, self._may = holdings, salt, listed, may
        self.jobs: dict[LogId, Job] = {}
        self._lines: dict[int, dict[LogId, None]] = {}
        """Each log once, however often it is asked for: a peer that reads nothing may ask without end."""
        self._rounds = Rounds()
        self.costs = costs or Costs()
        self._looks = 0
        """How often it may be looked for what is being answered."""

    @property
    def busy(self) -> bool:
        """Whether something waits to be served."""
        return bool(self.jobs)

    @property
    def lack(self) -> int:
        """Records that the peer asked for and has not got yet, as far as tips tell."""
        return sum(
            head[0] - (base[0] if base else -1) for job in self.jobs.values() for base, head in job.chains
        )

    def serving(self, log: LogId) -> bool:
        """Say whether the peer will get what is new of this log without being told."""
        return log in self.jobs

    def drop(self, log: LogId) -> None:
        """Serve no more of a log: the peer refuses it."""
        self.jobs.pop(log, None)

    def log(self, short: bytes) -> LogId | None:
        """Return the log that the peer means."""
        return self._listed.get(short)

    def want(self, short: bytes, places: Iterable[Named] | None, located: bool = False) -> NoBase | None:
        """Serve each chain of a log from the last of these records that lies on it, or from its genesis (None).

        `located`: these are records of all the peer's branches, their genesis among them. A chain that holds none
        is served whole: a log can fork at its genesis, since its id does not say when that was written.
        Return what to answer when that cannot be done.
        """
        log = self._listed.get(short)
        held = self._holdings.log(log) if log else None
        if log is None or held is None or not self._may(held.set):
            return NoBase(short, NOT_SERVED)
        named = None if places is None else sorted(places, key=lambda each: -each.seq)
        chains: deque[tuple[Head | None, Head]] = deque()
        based = False
        self._looks = MAX_LOOKS
        for head in held.heads:
            base = self._base(log, head, named) if named is not None else None
            if named is not None and base is None and not located:
                continue
            based = True
            if base != head:
                chains.append((base, head))
        if located:
            self.costs.looked += LOOK * (MAX_LOOKS - self._looks)
        if not chains:
            return NoBase(short, NOTHING_ABOVE if based else UNKNOWN_BASE)
        job = self.jobs[log] = Job(log, held.set, LAST, chains)
        self._line_up(job, job.turn(held))
        return None

    def _line_up(self, job: Job, priority: int) -> None:
        job.priority = priority
        self._lines.setdefault(priority, {}).setdefault(job.log)

    def hurry(self, log: LogId) -> None:
        """Look again how urgent a log is that is being served."""
        job, held = self.jobs.get(log), self._holdings.log(log)
        if job is not None and held is not None and (turn := job.turn(held)) < job.priority:
            self._line_up(job, turn)

    @property
    def pressing(self) -> bool:
        """Whether something that is urgent waits to be served."""
        line = self._lines.get(FIRST)
        while line and ((job := self.jobs.get(_first(line))) is None or job.priority != FIRST):
            del line[_first(line)]
        return bool(line)

    def _base(self, log: LogId, head: Head, named: Iterable[Named]) -> Head | None:
        """Return the first of these records that lies on the chain of `head`."""
        at, id_ = -1, None
        for each in named:
            if each.seq > head[0]:
                continue
            if each.seq != at:  # they are in order, and may name one place any number of times
                if not self._looks:
                    return None
                self._looks -= 1
                at, id_ = each.seq, self._holdings.id_at(log, head, each.seq)
            if id_ is not None and self._salt.record(id_) == each.record:
                return each.seq, id_
        return None

    def next(self, first: bool = False) -> tuple[int, BlockMessage | NoBase] | None:
        """Return the next block and its priority, None when nothing waits. `first`: only what is urgent."""
        heads = self._heads(first)
        if not heads:
            return None
        priority = FIRST if first else self._rounds.pick(heads)
        line = self._lines[priority]
        log = _first(line)
        job = self.jobs[log]
        if not self._may(job.set):
            # The peer was let have this when it asked, and is no longer.
            del line[log]
            del self.jobs[job.log]
            return priority, NoBase(self._salt.log(job.log), NOT_SERVED)
        found = self._block(job)
        if found is None or found[1]:
            del line[log]
            del self.jobs[job.log]
        if found is None:
            return priority, NoBase(self._salt.log(job.log), NOTHING_ABOVE)
        raw, last, at = found
        if not first:
            self._rounds.gave(priority, heads)
        held = self._holdings.log(job.log) if priority == FIRST and not last else None
        if held is not None and (turn := job.turn(held, at)) != FIRST:
            del line[log]
            self._line_up(job, turn)
        return priority, BlockMessage(last, False, raw)

    def _heads(self, first: bool) -> dict[int, int]:
        """Return, of each turn in which something waits, the bytes of what is next. `first`: only what is urgent."""
        found = {}
        for priority in (FIRST,) if first else tuple(self._lines):
            line = self._lines.get(priority)
            while line and ((job := self.jobs.get(_first(line))) is None or job.priority != priority):
                del line[_first(line)]
            if line:
                job = self.jobs[_first(line)]
                may = self._may(job.set) and self._fill(job)
                found[priority] = len(job.page[0][0]) if may else 1
        return found

    def _block(self, job: Job) -> tuple[bytes, bool, int] | None:
        """Return the next block of a job, whether it is the last, and its last record's seq; None when nothing is left."""
        if not self._fill(job):
            return None
        raw, tip = job.page.popleft()
        if not job.page:
            job.chains[0] = (tip, job.chains[0][1])
            self._grow(job)
        return raw, not job.page and not self._fill(job), tip[0]

    def _fill(self, job: Job) -> bool:
        """Make sure that a block is at hand; False when the job is done."""
        while not job.page and job.chains:
            base, head = job.chains[0]
            page = self._holdings.blocks(job.log, base, head, PAGE_BYTES) if base != head else None
            if page:
                job.page.extend(page)
            else:
                job.chains.popleft()
        return bool(job.page)

    def _grow(self, job: Job) -> None:
        """Follow a chain that has grown while it was served: nobody else will tell the peer."""
        base, head = job.chains[0]
        if base != head:
            return
        held = self._holdings.log(job.log)
        targets = set(chain.from_iterable(job.chains))
        for longer in held.heads if held else ():
            if longer not in targets and self._holdings.id_at(job.log, longer, head[0]) == head[1]:
                job.chains[0] = (base, longer)
                return


def _first(line: dict[LogId, None]) -> LogId:
    return next(iter(line))
