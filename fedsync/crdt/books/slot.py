"""One slot of a book: rival pages after one page, who spoke for which, and what it amounts to (rules 4, 5, 6, 8). Pure.

`judge` is a function of the epoch in force on the slot's page, the pages held in the slot, and the voices in it.
Everything of rule 5 but the lock is read from a log's own chain, so it never changes; a lock asks for a quorum of a
round since, which can only come to be held. So what is proper stays proper, and `certified` only ever grows.

What breaks rule 5 by its own chain was not said: it binds its log to nothing. What waits for the quorum that its
lock names was said, and binds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from fedsync.crdt.books.epoch import Epoch
from fedsync.records.ids import Key, LogId, PageId, RecordId


class VoiceStatus(StrEnum):
    """What became of a signature or approval."""

    PENDING = "pending"
    STANDS = "stands"
    MOVED = "moved"
    SUSPENDED = "suspended"
    VOID = "void"


class Delegate(NamedTuple):
    """For whom a delegate's log speaks in this book, as far as its mandate is known."""

    body: PageId | None
    fault: str | None = None
    """The code of why it can't speak here at all."""
    waits: str | None = None
    """The code of what its mandate waits for."""
    may: tuple[str, ...] | None = None
    """The kinds of entries that it may sign; None: any."""
    until: int | None = None
    pages: int | None = None
    """How many pages it may sign; None: any number."""


class Cut(NamedTuple):
    """What the giver's book says of a delegate's record that is proper by itself."""

    status: "VoiceStatus"
    code: str


@dataclass(frozen=True, slots=True)
class Voice:
    """A signature or an approval in the slot. `before` is the one before it in the slot on its log's own chain."""

    id: RecordId
    log: LogId
    seq: int
    before: RecordId | None
    approves: bool
    page: PageId
    round: int
    lock: int | None
    key: Key
    fit: bool
    """The log was made for this body's book, and is not local."""
    repairs: bool
    """The log was made for repair."""
    delegate: Delegate | None = None
    cut: Cut | None = None
    time: int = 0
    beyond: bool = False
    """Its log had signed as many pages before as its mandate allows."""


class Verdict(NamedTuple):
    """A voice's status and the code of its reason; `reasons.SENTENCES` says it in words."""

    status: VoiceStatus
    code: str


class Hold(NamedTuple):
    """The page that a log approved last, and the round in which: it is locked on it."""

    page: PageId
    round: int


@dataclass(slots=True)
class Tally:
    """Who spoke properly for one page of the slot."""

    repair: bool
    signed: dict[int, set[LogId]] = field(default_factory=dict)
    """Round -> logs that signed or approved the page in it; an approval counts as a signature."""
    approved: dict[int, set[LogId]] = field(default_factory=dict)
    """Round -> logs that approved the page in it."""
    standing: set[LogId] = field(default_factory=set)
    """Logs that spoke for it and did not move to a rival since."""
    keys: set[Key] = field(default_factory=set)
    """Keys behind these logs: a repair key counts once, whatever number of logs it wrote."""

    @property
    def voices(self) -> set[LogId]:
        """The logs that signed or approved the page in any round, standing or not."""
        return set().union(*self.signed.values())


@dataclass(slots=True)
class Judged:
    """What the voices in a slot amount to."""

    epoch: Epoch | None
    verdicts: dict[RecordId, Verdict] = field(default_factory=dict)
    tallies: dict[PageId, Tally] = field(default_factory=dict)
    holds: dict[LogId, list[Hold]] = field(default_factory=dict)
    """What each log is locked on, one for each branch of the log that speaks here."""
    speaks: dict[LogId, PageId] = field(default_factory=dict)
    """Delegates' logs that speak properly here, and for whom."""
    keys: dict[LogId, Key] = field(default_factory=dict)
    """Whose the logs are that speak properly here."""
    waits: str | None = None
    """The code of what the epoch in force waits for."""
    outside: bool = False
    """Bodies have the seats, and it is looked at from outside: whether enough of them signed is taken from the sealers."""

    def quorums(self, page: PageId) -> list[int]:
        """Return the rounds in which w sealers signed `page`, ascending."""
        return self._rounds(self.tallies[page].signed) if page in self.tallies else []

    def seals(self, page: PageId) -> list[int]:
        """Return the rounds in which w sealers approved `page`, ascending."""
        return self._rounds(self.tallies[page].approved) if page in self.tallies else []

    def enough(self, page: PageId) -> bool:
        """Say whether `page` is certified, given that the slot's page is (rule 6)."""
        tally, epoch = self.tallies.get(page), self.epoch
        if tally is None or epoch is None:
            return False
        if tally.repair:
            return 0 < epoch.threshold <= len(tally.keys)
        if self.outside:
            return bool(self.seals(page))
        return len(self.seats(tally.voices)) >= epoch.k and bool(self.seals(page))

    def stands(self, page: PageId) -> bool:
        """Say whether k seats are seen to stand by `page` (rule 8)."""
        tally, epoch = self.tallies.get(page), self.epoch
        if tally is None or epoch is None or tally.repair or self.outside:
            return False
        return len(self.seats(tally.standing)) >= epoch.k

    def seats(self, logs: Iterable[LogId]) -> set[LogId | PageId]:
        """Return the seats that these logs speak for: themselves, or the body that sent them."""
        assert self.epoch is not None
        return {self.speaks.get(log, log) for log in logs if log in self.speaks or log in self.epoch.seats}

    def _rounds(self, by_round: Mapping[int, set[LogId]]) -> list[int]:
        if self.epoch is None:
            return []
        sealers = self.epoch.sealers.keys()
        return sorted(each for each, logs in by_round.items() if len(logs & sealers) >= self.epoch.w)


class _Said(NamedTuple):
    """What a chain has said so far in the slot: its highest round, what it signed and approved in it, its lock."""

    round: int = -1
    signed: PageId | None = None
    approved: PageId | None = None
    hold: Hold | None = None
    rival: Hold | None = None
    """The last approval of another page than `hold`'s."""


_NOTHING = _Said()


def judge(
    epoch: Epoch | None,
    pages: Mapping[PageId, bool],
    voices: Sequence[Voice],
    kinds: Mapping[PageId, frozenset[str]] | None = None,
    waits: str | None = None,
    outside: bool = False,
) -> Judged:
    """Return what `voices` amount to. `pages`: each page held in the slot -> whether it is a repair page.

    `kinds`: the kinds of its entries, which a delegate's mandate may not cover. `waits`: what it waits for that the
    epoch in force is known. `outside`: see `Judged`; where seats are keys it changes nothing.
    """
    tallies = {page: Tally(repair) for page, repair in pages.items()}
    unseen = outside and epoch is not None and bool(epoch.members)
    judged = Judged(epoch, waits=waits, tallies=tallies, outside=unseen)
    ordered = sorted(voices, key=lambda voice: (voice.seq, voice.id))
    waiting = _discipline(ordered, judged)
    proper = _speak(epoch, pages, kinds or {}, ordered, waiting, judged)
    _stand(ordered, proper, judged)
    return judged


def _discipline(ordered: Iterable[Voice], judged: Judged) -> dict[RecordId, range | None]:
    """Read rule 5 from each chain: void verdicts into `judged`; return what is left -> the rounds that can free it.

    None for what no lock holds back.
    """
    said: dict[RecordId | None, _Said] = {}
    tips: dict[RecordId, Voice] = {}
    left: dict[RecordId, range | None] = {}
    for voice in ordered:
        before = said.get(voice.before, _NOTHING)
        if voice.before is not None:
            tips.pop(voice.before, None)
        tips[voice.id] = voice
        code, frees = _break(voice, before)
        if code:
            judged.verdicts[voice.id] = Verdict(VoiceStatus.VOID, code)
            said[voice.id] = before
            continue
        left[voice.id] = frees
        said[voice.id] = _say(voice, before)
    for tip in tips.values():
        hold = said[tip.id].hold
        if hold is not None:
            judged.holds.setdefault(tip.log, []).append(hold)
    return left


def _break(voice: Voice, said: _Said) -> tuple[str | None, range | None]:
    """Return the code of what `voice` breaks, and the rounds of which one must show a quorum that frees its log."""
    if voice.round < said.round:
        return "round-fell", None
    same = voice.round == said.round
    if same and said.approved not in (None, voice.page):
        return ("approved-two" if voice.approves else "signed-after-approving"), None
    if same and not voice.approves and said.signed not in (None, voice.page):
        return "signed-two", None
    hold = said.hold
    follows = hold is not None and hold.page == voice.page
    if follows:
        hold = said.rival
    if hold is None:
        return None, None
    if voice.approves or follows:
        # An approval names no lock: it is given to what w sealers have signed by its own round. Until they have, it
        # frees its log of nothing, and what follows for the same page waits with it.
        return None, range(hold.round + 1, voice.round + 1)
    if voice.lock is None or not hold.round < voice.lock < voice.round:
        return "locked", None
    return None, range(voice.lock, voice.lock + 1)


def _say(voice: Voice, said: _Said) -> _Said:
    if voice.round > said.round:
        said = _Said(voice.round, hold=said.hold, rival=said.rival)
    if voice.approves:
        moves = said.hold is not None and said.hold.page != voice.page
        rival = said.hold if moves else said.rival
        return said._replace(approved=voice.page, hold=Hold(voice.page, voice.round), rival=rival)
    return said._replace(signed=voice.page)


def _speak(
    epoch: Epoch | None,
    pages: Mapping[PageId, bool],
    kinds: Mapping[PageId, frozenset[str]],
    ordered: Iterable[Voice],
    left: Mapping[RecordId, range | None],
    judged: Judged,
) -> set[RecordId]:
    """Decide who speaks (rule 4) and who is freed of a lock; tally; return the voices that are proper."""
    proper: set[RecordId] = set()
    epoch_logs = epoch.seats.keys() | epoch.sealers.keys() if epoch else set()

    def count(voice: Voice) -> None:
        tally = judged.tallies[voice.page]
        proper.add(voice.id)
        judged.keys[voice.log] = voice.key
        if voice.delegate is not None and voice.delegate.body is not None and voice.log not in epoch_logs:
            judged.speaks[voice.log] = voice.delegate.body
        tally.signed.setdefault(voice.round, set()).add(voice.log)
        tally.keys.add(voice.key)
        if voice.approves:
            tally.approved.setdefault(voice.round, set()).add(voice.log)

    by_round = sorted((voice for voice in ordered if voice.id in left), key=lambda voice: voice.round)
    for _, voices in groupby(by_round, key=lambda voice: voice.round):
        locked = []
        for voice in voices:
            held_back = _held_back(epoch, pages, kinds, voice, judged)
            if held_back:
                judged.verdicts[voice.id] = held_back
            elif left[voice.id] is None:
                count(voice)
            else:
                locked.append(voice)
        # What frees a signature is an earlier round, complete as far as it is held; an approval, also its own round.
        while freed := [
            voice for voice in locked if _shown(epoch, judged.tallies[voice.page], left[voice.id])
        ]:
            for voice in freed:
                count(voice)
            locked = [voice for voice in locked if voice.id not in proper]
        for voice in locked:
            judged.verdicts[voice.id] = Verdict(VoiceStatus.PENDING, "lock-not-shown")
    return proper


def _held_back(
    epoch: Epoch | None,
    pages: Mapping[PageId, bool],
    kinds: Mapping[PageId, frozenset[str]],
    voice: Voice,
    judged: Judged,
) -> Verdict | None:
    """Return why a disciplined voice does not count, but for a lock."""
    if voice.page not in judged.tallies:
        return Verdict(VoiceStatus.PENDING, "page-not-held")
    if judged.waits:
        return Verdict(VoiceStatus.PENDING, judged.waits)
    return voiceless(epoch, voice, pages[voice.page], kinds.get(voice.page, frozenset()))


def voiceless(epoch: Epoch | None, voice: Voice, repair: bool, kinds: frozenset[str]) -> Verdict | None:
    """Return why a disciplined voice does not speak for a seat or as a sealer (rule 4); None when it does."""
    if epoch is None:
        return Verdict(VoiceStatus.VOID, "no-epoch")
    if repair:
        mends = voice.fit and voice.repairs and voice.key in epoch.repair
        return None if mends else Verdict(VoiceStatus.VOID, "no-repair-key")
    # The entry was checked: a seat's or sealer's log is fit.
    if voice.log in epoch.seats or voice.log in epoch.sealers:
        return None
    sent = voice.delegate
    if sent is None or (sent.body is not None and sent.body not in epoch.members):
        return Verdict(VoiceStatus.VOID, "no-seat")
    if sent.fault:
        return Verdict(VoiceStatus.VOID, sent.fault)
    if sent.may is not None and not kinds <= set(sent.may):
        return Verdict(VoiceStatus.VOID, "outside-may")
    if sent.until is not None and voice.time > sent.until:
        return Verdict(VoiceStatus.VOID, "term-over")
    if voice.beyond:
        return Verdict(VoiceStatus.VOID, "beyond-limit")
    return Verdict(VoiceStatus.PENDING, sent.waits) if sent.waits else None


def _shown(epoch: Epoch | None, tally: Tally, rounds: range | None) -> bool:
    """Say whether w sealers signed a page in one of these rounds."""
    assert epoch is not None
    assert rounds is not None
    return any(
        round_ in rounds and len(logs & epoch.sealers.keys()) >= epoch.w
        for round_, logs in tally.signed.items()
    )


def _stand(ordered: Sequence[Voice], proper: set[RecordId], judged: Judged) -> None:
    """Say which proper voices stand: a signature moves when a later one of its chain signs a rival (rule 8)."""
    later: dict[RecordId, set[PageId]] = {}
    for voice in reversed(ordered):
        signed = later.pop(voice.id, set())
        if voice.id in proper:
            moved = bool(signed - {voice.page})
            # An approval is what it was when the page is counted; it is the log's name that moves on.
            status = VoiceStatus.MOVED if moved and not voice.approves else VoiceStatus.STANDS
            judged.verdicts[voice.id] = Verdict(status, "moved" if moved else "counts")
            if voice.cut is not None and voice.log in judged.speaks:
                judged.verdicts[voice.id] = Verdict(*voice.cut)
            elif not moved:
                judged.tallies[voice.page].standing.add(voice.log)
            if not voice.approves:
                signed = signed | {voice.page}
        if voice.before is not None:
            # Two different pages tell all that can be asked: is there one that is not this?
            known = later.setdefault(voice.before, set())
            known.update(sorted(signed)[:2] if len(known) < 2 else ())
