"""Promises that cannot exceed what is offered: the rights of each log, and what each of its spendings is worth. Pure.

An offer begins as a lot of rights in the log that makes it. A log spends its lots by promises and grants; a grant that is
worth something becomes a lot of the one log that it names, from the record on with which that log accepts it. So what is
left, promised and given up never adds up to more than the offer, whatever part of the logs is held: each judges by its own
chain and by what that names.

- What a record accepts and is not held: it and all that its log says about the offer later wait. What was cut off, by a recall
  or by the branch that a body settled, is a lot of nothing: what was spent from it is void, and so are promises that rested
  on grants made from it.
- Lots that expire first are spent first, then in the order of acceptance. What is spent after a lot's expiry, by the record's
  own time, is not taken from it.
- Taking back: the granter names the holder's record up to which it looked. What is left of the lot there moves back; spendings
  above that record which no longer fit are void. It may do so once the grant is over, or once the holder's log is ended
  and that record is the last of it that counts.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fedsync.crdt.plans.account import (
    BEYOND,
    PENDING,
    RELEASED,
    VALID,
    VOID,
    Account,
    Drawn,
    Lot,
    Step,
    Verdict,
    released,
    spend,
)
from fedsync.records.header import MAX_TIME
from fedsync.records.ids import LogId, RecordId
from fedsync.records.kinds.plans import Commitment, Grant, Intent, Release, TakeBack
from fedsync.records.kinds.refs import FactRef

__all__ = ["ANY", "BEYOND", "PENDING", "RELEASED", "VALID", "VOID", "Held", "Judge", "Result"]


class Held(NamedTuple):
    """How much of a log counts: so many records from the first on; whether the book lets it have no more; whether
    only its community's nodes hold it.
    """

    records: int
    ended: bool
    local: bool


class Result(NamedTuple):
    """All that an offer's records come to."""

    verdicts: dict[tuple[LogId, int], Verdict]
    accounts: dict[LogId, Account]
    drawn: dict[tuple[LogId, int], Drawn]
    """Of each promise that holds."""
    waits: set[tuple[LogId, int]]
    """Places in logs, and logs as a whole, on which any of this hangs without its being held."""


ANY = MAX_TIME
"""Stands for a place in a log on which nothing hangs, but on what the book says of the log."""


class Judge:
    """Works out all that logs say about one offer. Logs take turns: each goes on until it needs to know of another."""

    def __init__(
        self,
        offer: Step,
        local: bool,
        steps: Mapping[LogId, Sequence[Step]],
        held: Callable[[LogId], Held | None],
        id_at: Callable[[LogId, int], RecordId],
    ) -> None:
        """Take an offer (`local`: only its community's nodes hold it), each log's records about it in order, and what
        counts of any log. `id_at` is asked for records that count.
        """
        self._offer, self._local, self._steps, self._held, self._id_at = offer, local, steps, held, id_at
        self._known: dict[LogId, Held | None] = {}
        self._at = {(step.log, step.seq): step for log in steps.values() for step in log}
        self._next = dict.fromkeys(steps, 0)
        self._waiters: dict[LogId, list[LogId]] = defaultdict(list)
        self._backs: dict[LogId, list[_Back]] = defaultdict(list)
        """By holder, in the order in which they bear on its account."""
        self._backs_of: dict[RecordId, list[_Back]] = defaultdict(list)
        self._back: dict[tuple[LogId, int], _Back | Verdict] = {}
        self._promises = {
            (step.log, step.id): step for step in self._at.values() if isinstance(step.said, Commitment)
        }
        self._grants = {
            (step.log, step.id): step for step in self._at.values() if isinstance(step.said, Grant)
        }
        self.result = Result({}, {log: Account() for log in steps}, {}, set())

    def run(self) -> Result:
        """Return what everything is worth."""
        self._place_backs()
        queue = deque(sorted(self._steps))
        while queue:
            log = queue.popleft()
            if self._advance(log):
                queue.extend(self._waiters.pop(log, ()))
        for log, steps in self._steps.items():
            # Nothing can be left: what waits for each other would have to name each other.
            assert self._next[log] == len(steps), "rights in a circle"
        return self.result

    # --- Taking back ------------------------------------------------------------------------------------

    def _place_backs(self) -> None:
        """Find out what of the taking back can hold, and where in the holder's log it bears on its account."""
        for step in sorted(self._at.values(), key=lambda step: (step.log, step.seq)):
            if not isinstance(step.said, TakeBack):
                continue
            found = self._placed(step, step.said)
            self._back[step.log, step.seq] = found
            if isinstance(found, _Back):
                self._backs_of[found.grant.id].append(found)
                self._backs[found.holder].append(found)
        for backs in self._backs.values():
            backs.sort(key=lambda back: (back.at, back.step.log, back.step.seq))

    def _placed(self, step: Step, said: TakeBack) -> "_Back | Verdict":
        # One that names it stands later: it could not know its id before.
        grant = self._grants.get((step.log, said.grant))
        if grant is None or not isinstance(grant.said, Grant) or grant.said.to is None:
            return Verdict(VOID, "no-grant")
        holder = grant.said.to
        if said.at is not None and said.at.log != holder:
            return Verdict(VOID, "at-elsewhere")
        # Whatever is found, the book may say something else of the holder's log.
        self.result.waits.add((holder, ANY if said.at is None else said.at.seq))
        held = self._seen(holder, step.log)
        at = -1
        if said.at is not None:
            if held is None or (said.at.seq >= held.records and not held.ended):
                return Verdict(PENDING, "at-not-held")
            if said.at.seq >= held.records or self._id_at(holder, said.at.seq) != said.at.id:
                return Verdict(VOID, "at-not-counted")
            at = said.at.seq
        over = grant.said.expires is not None and step.time > grant.said.expires
        if not over and (held is None or not held.ended or at < held.records - 1):
            return Verdict(VOID, "not-over")
        if any(back.at > at for back in self._backs_of[grant.id]):
            return Verdict(VOID, "at-falls")
        return _Back(step, grant, holder, at, said.quantity)

    def _held_of(self, log: LogId) -> Held | None:
        if log not in self._known:
            self._known[log] = self._held(log)
        return self._known[log]

    def _seen(self, log: LogId, by: LogId) -> Held | None:
        """Return how much of a log counts, as whoever holds the other log must see it: they may not hold local ones."""
        held = self._held_of(log)
        if held is None or (held.local and not self._is_local(by)):
            return None
        return held

    def _is_local(self, log: LogId) -> bool:
        held = self._held_of(log)
        return held is not None and held.local

    def _take_back(self, step: Step) -> Verdict | None:
        """Return what taking back is worth; None when its holder was not judged that far yet."""
        back = self._back[step.log, step.seq]
        if isinstance(back, Verdict):
            return back
        if back.holder in self._steps:
            if not self._passed(back.holder, back.at):
                self._waiters[back.holder].append(step.log)
                return None
            if self.result.accounts[back.holder].waits_by(back.at):
                return Verdict(PENDING, "holder-waits")
        if back.fits is None:
            # The holder had not accepted it by then: all is left that was not taken before.
            self._leave(back.grant, back.at + 1)
        return Verdict(VALID, "taken-back") if back.fits else Verdict(VOID, "already-spent")

    def _passed(self, log: LogId, seq: int) -> bool:
        at, steps = self._next[log], self._steps[log]
        return at == len(steps) or steps[at].seq > seq

    def _leave(self, grant: Step, before: int) -> int:
        """Return what is left of a grant that its holder had not accepted before a place of its log."""
        assert isinstance(grant.said, Grant)
        left = grant.said.quantity if self.result.verdicts[grant.log, grant.seq].status == VALID else 0
        for back in self._backs_of[grant.id]:
            if back.at >= before:
                break
            if back.fits is None:
                back.fits = back.quantity <= left
            if back.fits:
                left -= back.quantity
        return left

    def _bear(self, log: LogId, before: int | None) -> None:
        """Let what was taken back up to a record bear on the lots of a log."""
        account = self.result.accounts[log]
        for back in self._backs.get(log, ()):
            if (before is not None and back.at >= before) or account.waits_by(back.at):
                break
            lot = account.lot(back.grant.id)
            # Of a lot that came in later, what was taken before was left out when it came.
            if back.fits is None and lot is not None:
                back.fits = back.quantity <= lot.left
                if back.fits:
                    lot.left -= back.quantity

    # --- Going along a log --------------------------------------------------------------------------------

    def _advance(self, log: LogId) -> bool:
        """Judge records of a log as far as possible; say whether any was."""
        moved = False
        while self._next[log] < len(self._steps[log]):
            step = self._steps[log][self._next[log]]
            self._bear(log, step.seq)
            verdict = self._judge(step)
            if verdict is None:
                return moved
            self.result.verdicts[log, step.seq] = verdict
            self._next[log] += 1
            moved = True
        self._bear(log, None)
        return True

    def _judge(self, step: Step) -> Verdict | None:
        account = self.result.accounts[step.log]
        if self._local and not self._is_local(step.log):
            # Others can't hold the offer, so for them all of it waits.
            return Verdict(PENDING, "offer-not-held")
        match step.said:
            case Intent():
                account.lots.append(Lot(step.id, step.said.quantity))
                return Verdict(VALID, "offered")
            case Release():
                return self._release(step, step.said, account)
            case TakeBack():
                if account.stuck is not None:
                    return Verdict(PENDING, "rights-wait")
                verdict = self._take_back(step)
                if verdict is not None and verdict.status == PENDING:
                    account.stuck = step.seq
                elif verdict is not None and verdict.status == VALID:
                    account.lots.append(Lot(step.id, step.said.quantity))
                    account.granted -= step.said.quantity
                return verdict
            case Grant() | Commitment():
                if account.stuck is None and not self._all_judged(step, step.said.accepts):
                    return None
                verdict, drawn = spend(self._offer, account, step, lambda ref: self._brings(step, ref))
                if drawn is not None:
                    self.result.drawn[step.log, step.seq] = drawn
                return verdict

    def _release(self, step: Step, said: Release, account: Account) -> Verdict:
        promise = self._promises.get((step.log, said.commitment))
        if promise is None or promise.seq > step.seq:
            return Verdict(VOID, "no-promise")
        was = self.result.verdicts[promise.log, promise.seq]
        if was.status == RELEASED:
            return Verdict(VOID, "released-before")
        if was.status not in (VALID, PENDING):
            return Verdict(VOID, "no-promise")
        drawn = self.result.drawn.pop((promise.log, promise.seq), None)
        if drawn is not None:
            account.give_back(drawn)
            assert isinstance(promise.said, Commitment)
            account.promised -= promise.said.quantity
        self.result.verdicts[promise.log, promise.seq] = released(promise, step)
        return Verdict(VALID, "released")

    def _all_judged(self, step: Step, refs: Iterable[FactRef]) -> bool:
        for ref in refs:
            grant = self._grant(step, ref)
            if isinstance(grant, Step) and (grant.log, grant.seq) not in self.result.verdicts:
                self._waiters[grant.log].append(step.log)
                return False
        return True

    def _grant(self, step: Step, ref: FactRef) -> Step | Verdict | None:
        """Return the grant that a record accepts; None when it was cut off; a verdict when there is none, or not yet."""
        held = self._seen(ref.log, step.log)
        grant = self._at.get((ref.log, ref.seq))
        if held is not None and grant is not None and grant.id == ref.id:
            if isinstance(grant.said, Grant) and grant.said.to == step.log:
                return grant
            return Verdict(VOID, "no-grant")
        self.result.waits.add((ref.log, ref.seq))
        if held is not None and ref.seq < held.records:
            return Verdict(VOID, "no-grant")
        return None if held is not None and held.ended else Verdict(PENDING, "grant-not-held")

    def _brings(self, step: Step, ref: FactRef) -> Lot | Verdict:
        grant = self._grant(step, ref)
        if grant is None:
            return Lot(ref.id, 0)
        if isinstance(grant, Verdict):
            return grant
        assert isinstance(grant.said, Grant)
        if self.result.verdicts[grant.log, grant.seq].status == PENDING:
            return Verdict(PENDING, "granter-waits")
        return Lot(ref.id, self._leave(grant, step.seq), grant.said.expires)


@dataclass(slots=True)
class _Back:
    """Taking back that is allowed: from which record of the holder on it bears. `fits`: whether so much was left there."""

    step: Step
    grant: Step
    holder: LogId
    at: int
    quantity: int
    fits: bool | None = None
