"""The naive twin of the minute book's fold: a pure function from a whole set of records to every status.

It follows the numbered rules of the design one by one and recomputes everything from the beginning, so that it is
obviously right and hopelessly slow. Ids are any hashable values: the worlds use words, the generated books real ids.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

Id: TypeAlias = Hashable


@dataclass(frozen=True)
class Epoch:
    """An epoch entry; `sound` says what needs no number to be judged (genesis payloads, levels, form)."""

    seats: tuple[Id, ...]
    k: int
    sealers: tuple[Id, ...]
    w: int
    repair: tuple[Id, ...] = ()
    threshold: int = 0
    sound: bool = True

    @property
    def valid(self) -> bool:
        """Rule 2."""
        n, m, r = len(self.seats), len(self.sealers), len(self.repair)
        seats = n < 2 * self.k <= 2 * n and len(set(self.seats)) == n
        sealers = m < 2 * self.w <= 2 * m and len(set(self.sealers)) == m
        repair = (r == 0 and self.threshold == 0) or (
            r < 2 * self.threshold <= 2 * r and len(set(self.repair)) == r
        )
        return self.sound and seats and sealers and repair


@dataclass(frozen=True)
class Page:
    """A page; `epoch` is its first epoch entry."""

    id: Id
    body: Id
    number: int
    prev: Id | None
    epoch: Epoch | None = None
    repair: bool = False


@dataclass(frozen=True)
class Log:
    """A log whose key may repair when `repairs`; `may` is False for logs that can speak for nobody."""

    id: Id
    key: Id
    repairs: bool = True
    may: bool = True


@dataclass(frozen=True)
class Voice:
    """A record of a log: kind is sign, approve, or anything else, which only carries the chain on."""

    id: Id
    log: Id
    prev: Id | None
    kind: str
    page: Id = None
    slot: Id = None
    round: int = 0
    lock: int | None = None


@dataclass
class Outcome:
    """The status of each page and voice, the last sealed page of each body, and after which page it is split."""

    status: dict[Id, str] = field(default_factory=dict)
    head: dict[Id, Id] = field(default_factory=dict)
    frozen: dict[Id, Id] = field(default_factory=dict)
    certified: set[Id] = field(default_factory=set)


def fold(
    all_pages: Iterable[Page], all_logs: Iterable[Log], all_voices: Iterable[Voice], bodies: Mapping[Id, Id]
) -> Outcome:
    """Return the state of the set of records. `bodies`: each body that is followed -> its page 0."""
    pages = {page.id: page for page in all_pages}
    logs = {log.id: log for log in all_logs}
    voices = {voice.id: voice for voice in all_voices}

    # --- Structure: rules 1 and 2

    @cache
    def held(page: Id) -> bool:
        if page not in pages:
            return False
        one = pages[page]
        if one.prev is None:
            return one.number == 0 and bodies.get(one.body) == page
        return (
            held(one.prev) and pages[one.prev].body == one.body and pages[one.prev].number + 1 == one.number
        )

    @cache
    def epoch_after(page: Id) -> Epoch | None:
        """The epoch in force from the page after this one on."""
        one = pages[page]
        before = None if one.prev is None else epoch_after(one.prev)
        if one.prev is not None and before is None:
            return None  # page 0 fixes the level; without a sound epoch it fixes nothing
        return one.epoch if one.epoch is not None and one.epoch.valid else before

    def epoch_of(page: Id) -> Epoch | None:
        prev = pages[page].prev
        return None if prev is None else epoch_after(prev)

    # --- Voices: rules 4 and 5

    @cache
    def chain_held(voice: Id) -> bool:
        if voice not in voices:
            return False
        prev = voices[voice].prev
        return prev is None or chain_held(prev)

    @cache
    def before(voice: Id) -> tuple[Voice, ...]:
        """The earlier records of the voice's log in its slot, on its own chain, the oldest first."""
        found: list[Voice] = []
        at = voices[voice].prev
        while at is not None:
            one = voices[at]
            if one.kind in ("sign", "approve") and one.slot == voices[voice].slot:
                found.insert(0, one)
            at = one.prev
        return tuple(found)

    def approvals(voice: Voice) -> list[Voice]:
        return [each for each in before(voice.id) if each.kind == "approve" and keeps_order(each.id)]

    def lock_of(voice: Voice) -> Voice | None:
        """The last approval before this voice of another page than it speaks for."""
        return next((each for each in approvals(voice)[::-1] if each.page != voice.page), None)

    def names_its_lock(voice: Voice) -> bool:
        """Whether a voice has to say which round frees it: a signature that does not follow an approval of its page."""
        return voice.kind == "sign" and not (approvals(voice) and approvals(voice)[-1].page == voice.page)

    @cache
    def keeps_order(voice: Id) -> bool:
        """All of rule 5 that the log's own chain shows; what breaks it was not said."""
        one = voices[voice]
        said = [each for each in before(voice) if keeps_order(each.id)]
        if any(each.round > one.round for each in said):
            return False
        same = [each for each in said if each.round == one.round and each.page != one.page]
        if any(each.kind == "approve" for each in same):
            return False
        if one.kind == "approve":
            return True
        if same:
            return False
        lock = lock_of(one)
        return (
            lock is None
            or not names_its_lock(one)
            or (one.lock is not None and lock.round < one.lock < one.round)
        )

    def speaks(voice: Voice) -> bool:
        """Rule 4: the log is a seat or a sealer of the epoch on the slot's page; of a repair page, a repair key's."""
        epoch, log = epoch_of(voice.page), logs[voice.log]
        if epoch is None or not log.may:
            return False
        if pages[voice.page].repair:
            return log.repairs and log.key in epoch.repair
        return log.id in epoch.seats or log.id in epoch.sealers

    @cache
    def heard(voice: Id) -> str:
        """Return proper, void or pending, before any lock."""
        one = voices[voice]
        if not chain_held(voice) or not held(one.page):
            return "pending"
        if pages[one.page].prev != one.slot or not speaks(one) or not keeps_order(voice):
            return "void"
        return "proper"

    def freed(voice: Voice) -> bool:
        """Rule 5: w sealers signed the rival since. Named, or in any round up to its own."""
        lock, epoch = lock_of(voice), epoch_of(voice.page)
        assert epoch is not None
        if lock is None:
            return True
        since = {each.round for each in on_page(voice.page) if lock.round < each.round <= voice.round}
        return any(
            len({each.log for each in on_page(voice.page) if each.round == round_} & set(epoch.sealers)) >= epoch.w
            for round_ in (since & {voice.lock} if names_its_lock(voice) else since)
        )  # fmt: skip

    def on_page(page: Id) -> list[Voice]:
        return [each for each in order if each.page == page and verdicts.get(each.id) == "proper"]

    def proper(voice: Voice) -> bool:
        return verdicts.get(voice.id) == "proper"

    order = sorted((each for each in voices.values() if each.kind in _KINDS), key=lambda each: each.round)
    verdicts: dict[Id, str] = {}
    for each in order:
        verdicts[each.id] = "pending" if heard(each.id) == "proper" else heard(each.id)
    while more := [each for each in order if not proper(each) and heard(each.id) == "proper" and freed(each)]:
        verdicts |= {each.id: "proper" for each in more}

    # --- Pass 1, certified: rule 6

    @cache
    def certified(page: Id) -> bool:
        one = pages[page]
        if one.prev is None:
            return True
        epoch = epoch_of(page)
        if epoch is None or not certified(one.prev):
            return False
        said = on_page(page)
        if one.repair:
            return len({logs[each.log].key for each in said}) >= epoch.threshold > 0
        if len({each.log for each in said} & set(epoch.seats)) < epoch.k:
            return False
        return any(
            len({each.log for each in said if each.kind == "approve" and each.round == round_}
                & set(epoch.sealers)) >= epoch.w
            for round_ in {each.round for each in said}
        )  # fmt: skip

    # --- Pass 2, sealed: rule 7

    outcome = Outcome()
    known = [page for page in pages if held(page)]
    outcome.certified = {page for page in known if certified(page)}
    sealed: set[Id] = set()
    split: set[Id] = set()
    for body, first in bodies.items():
        if first not in pages or not held(first):
            continue
        head = first
        sealed.add(head)
        while True:
            rivals = [page for page in known if pages[page].prev == head and certified(page)]
            if len(rivals) > 1:
                repairs = [page for page in rivals if pages[page].repair]
                if len(repairs) != 1:
                    outcome.frozen[body] = head
                    split.add(head)
                    break
                rivals = repairs
            if not rivals:
                break
            head = rivals[0]
            sealed.add(head)
        outcome.head[body] = head

    # --- Pass 3, statuses: rule 8

    def moved(voice: Voice) -> bool:
        return any(
            each.kind == "sign" and each.slot == voice.slot and each.page != voice.page and proper(each)
            and each.log == voice.log and voice in before(each.id)
            for each in voices.values()
        )  # fmt: skip

    def standing(page: Id) -> int:
        epoch = epoch_of(page)
        return len({each.log for each in on_page(page) if not moved(each)} & set(epoch.seats)) if epoch else 0

    @cache
    def status(page: Id) -> str:
        if not held(page):
            return "pending"
        if page in sealed:
            return "sealed"
        prev = pages[page].prev
        assert prev is not None
        above = status(prev)
        if above in ("displaced", "frozen"):
            return above
        if prev in split:
            return "frozen"
        if any(pages[other].prev == prev for other in sealed):
            return "displaced"
        epoch = epoch_of(page)
        if epoch is None or above not in ("sealed", "adopted") or pages[page].repair:
            return "drafted"
        return "adopted" if standing(page) >= epoch.k else "drafted"

    for page in pages:
        outcome.status[page] = status(page)
    for voice in order:
        verdict = verdicts[voice.id]
        if verdict == "proper":
            verdict = "moved" if voice.kind == "sign" and moved(voice) else "stands"
        outcome.status[voice.id] = verdict
    return outcome


_KINDS = ("sign", "approve")
