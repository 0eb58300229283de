"""Which pages of a book are sealed, worked out once more from the bytes on a disk: rules 1 to 7 of docs/authority.md.

Slow and obvious, and nothing of the folds. It knows what people of a simulation do: seats of keys and of bodies, sealers that
are seats or nodes, mandates with what they allow, rounds and locks, later epochs where the seats are keys. Of anything else
(repair pages, a split that a witness settles, consents, how many pages a mandate allows) it says `Beyond`, and never guesses.
"""

from collections.abc import Callable, Collection, Iterator
from functools import wraps
from typing import Any, Final, NamedTuple, TypeVar

import msgpack

from fedsync.records.ids import LogClass, LogId, PayloadId, Reach, Scope
from fedsync.sim.archive import VOICES, Archive, Fields, Page, listed
from fedsync.sim.plainread import Said, Value, log_named

MAX_VOICES: Final = 256
"""Signatures and approvals of a log after one page, on one chain, that count (docs/books.md)."""
YES, NO, UNKNOWN = "yes", "no", "unknown"

T = TypeVar("T")


class Beyond(Exception):
    """A book has something that this reading of the rules does not know."""


class Epoch(NamedTuple):
    """Who speaks for a body, and how many it takes."""

    seats: frozenset[LogId]
    bodies: frozenset[PayloadId]
    k: int
    sealers: frozenset[LogId]
    w: int
    witness: bool


def once(ask: Callable[..., T]) -> Callable[..., T]:
    """Keep each answer: what lies on a disk does not change while it is judged."""

    @wraps(ask)
    def asked(self: "Seals", about: Any) -> T:
        # A record by its id: what it says may be a map, which stands for nothing in another.
        place = ask.__name__, about.id
        if place not in self.answers:
            self.answers[place] = ask(self, about)
        return self.answers[place]  # type: ignore[no-any-return]

    return asked


class Seals:
    """What the books on one disk come to. `outside`: those of which no more than the book is kept."""

    def __init__(self, archive: Archive, outside: Collection[Scope] = ()) -> None:
        self.archive, self._outside = archive, frozenset(outside)
        self.answers: dict[tuple[str, bytes], Any] = {}
        self._books: dict[PayloadId, list[Page]] = {}

    # --- Rules 6 and 7: what is certified, and what is sealed -----------------------------------------------

    def book(self, body: PayloadId) -> list[Page]:
        """Return the sealed pages of a body in order: from page 0 on, as long as a single page is certified next."""
        if body not in self._books:
            found, page = list[Page](), self.archive.pages.get(body)
            while page is not None:
                found.append(page)
                after = [each for each in self.archive.after.get(page.id, ()) if self.certified(each)]
                if len(after) > 1 and any(epoch.witness for each in after if (epoch := self.epoch(each))):
                    raise Beyond("a split that a witness may settle")
                page = after[0] if len(after) == 1 else None
            self._books[body] = found
        return self._books[body]

    def open(self, body: PayloadId) -> Iterator[Page]:
        """Yield the pages of a book that may still come to be sealed: they build on the last one that is."""
        book = self.book(body)
        todo = list(self.archive.after.get(book[-1].id, ())) if book else []
        while todo:
            page = todo.pop()
            yield page
            todo += self.archive.after.get(page.id, ())

    def joined(self, body: PayloadId) -> set[bytes]:
        """Return the bodies that the sealed pages of a book joined, or sent somebody to, and did not leave."""
        found = set[bytes]()
        for page in self.book(body):
            for entry in page.entries:
                kind = str(entry.get("kind"))
                other = entry.get({"join": "body", "mandate": "seat", "leave": "body"}.get(kind, ""))
                if isinstance(other, bytes):
                    found = found - {other} if kind == "leave" else found | {other}
        return found

    @once
    def certified(self, page: Page) -> bool:
        """Say whether enough spoke for a page, and for each before it."""
        return all(self._enough(each) for each in self.archive.chain(page))

    @once
    def _enough(self, page: Page) -> bool:
        """Say whether k seats spoke for a page, and w sealers approved it in one round."""
        epoch = self.epoch(page)
        if page.prev is None or epoch is None:
            return page.prev is None
        if page.repair:
            raise Beyond("a repair page")
        approved: dict[int, set[LogId]] = {}
        for each in self._proper(page):
            if each.kind == "approval":
                approved.setdefault(_round(each), set()).add(each.of.log)
        enough = any(len(logs & epoch.sealers) >= epoch.w for logs in approved.values())
        # Where it is not seen who sits there, that these signed is taken from the sealers, who wait for it (H3).
        return enough and (self._unseen(page, epoch) or self.seconded(page))

    @once
    def seconded(self, page: Page) -> bool:
        """Say whether k seats are seen to have spoken for a page, whatever they said later."""
        epoch = self.epoch(page)
        if epoch is None or self._unseen(page, epoch):
            return False
        spoke = {self._speaks(each, page, epoch) for each in self._proper(page)}
        return len(spoke & (epoch.seats | epoch.bodies)) >= epoch.k

    def _unseen(self, page: Page, epoch: Epoch) -> bool:
        return page.scope in self._outside and bool(epoch.bodies)

    # --- Rule 2: who speaks for a body ----------------------------------------------------------------------

    @once
    def epoch(self, page: Page) -> Epoch | None:
        """Return the epoch by which a page is judged: the last one before it on its branch; None: nobody's, or not known yet."""
        before = self.archive.chain(page)[:-1]
        if not before or self._holds(before[0]) != YES:
            return None
        for at in reversed(before):
            if _epoch_entry(at) is not None and (holds := self._holds(at)) != NO:
                return self._said(at) if holds == YES else None
        return None

    @once
    def _holds(self, page: Page) -> str:
        """Say whether the epoch that a page carries is one."""
        entry, epoch = _epoch_entry(page), self._said(page)
        if entry is None or epoch is None:
            return NO
        if page.number and epoch.bodies:
            raise Beyond("a later epoch of a body of bodies, which needs consents")
        level = _level(self.archive.pages[page.body])
        if page.scope in self._outside:
            return YES if entry["level"] == level else NO
        theirs = [self.archive.pages.get(each) for each in epoch.bodies]
        lower = all(_level(each) < level for each in theirs if each is not None)
        if entry["level"] != level or not lower:
            return NO
        return UNKNOWN if None in theirs else YES

    @once
    def _said(self, page: Page) -> Epoch | None:
        """Return what the first epoch entry of a page says; None when its numbers make no sense."""
        entry = _epoch_entry(page)
        if entry is None:
            return None
        seats = [_log(each, page.scope) for each in listed(entry["seats"]) if _has(each, "genesis")]
        bodies = [PayloadId(each["body"]) for each in listed(entry["seats"]) if _has(each, "body")]  # type: ignore[index,call-overload,arg-type]
        named = entry.get("sealers")
        sealers = seats if named is None else [_log(each, page.scope) for each in listed(named)]
        n, k = len(seats) + len(bodies), entry["k"]
        m, w = n if named is None else len(sealers), entry.get("w", k)
        assert isinstance(k, int)
        assert isinstance(w, int)
        repairers = any(_capacity(each) == ["repair"] for each in listed(named))
        misfits = any(_capacity(each) not in (None, ["seat"]) for each in listed(entry["seats"])) or repairers
        twice = any(len(set(each)) < len(each) for each in (seats, bodies, sealers))
        few = [(k, n), (w, m), *_repair(entry)]
        if (
            twice
            or misfits
            or None in (*seats, *sealers)
            or not all(of < 2 * need <= 2 * of for need, of in few)
        ):
            return None
        who = frozenset(seats), frozenset(bodies), k, frozenset(sealers), w
        return Epoch(*who, "witness" in entry)  # type: ignore[arg-type]

    # --- Rule 4: for whom a record speaks -------------------------------------------------------------------

    def _speaks(self, said: Said, page: Page, epoch: Epoch) -> LogId | PayloadId | None:
        """Return the seat, or the sealer, that a voice speaks for; None when it speaks for nobody."""
        if said.of.log in epoch.seats | epoch.sealers:
            return said.of.log
        found = self.archive.given(said)
        if found is None or (page.scope in self._outside and said.of.scope != page.scope):
            return None
        given, mandate = found
        holds = mandate.get("kind") == "mandate" and mandate.get("seat") == page.body
        if not holds or said.of.key not in (mandate.get("holder"), mandate.get("alternate")):
            return None
        if "signature" in (mandate.get("limits") or {}):  # type: ignore[operator]
            raise Beyond("a mandate for so many pages")
        may, until = mandate.get("may"), mandate.get("until")
        if may is not None and any(each.get("kind") not in listed(may) for each in page.entries):
            return None
        if isinstance(until, int) and said.time > until:
            return None
        return given.body if given.body in epoch.bodies and self.certified(given) else None

    # --- Rule 5: rounds and locks ---------------------------------------------------------------------------

    @once
    def _proper(self, page: Page) -> list[Said]:
        """Return the voices of a page that count: by the order of rounds, and freed of what their log approved before."""
        epoch = self.epoch(page)
        if epoch is None:
            return []
        heard = [
            each
            for each in self.archive.voices.get(page.id, ())
            if _slot(each) == page.prev
            and self._disciplined(each)
            and self._speaks(each, page, epoch) is not None
        ]
        found = {each.id: each for each in heard if self._lock(each) is None}
        while freed := [
            each for each in heard if each.id not in found and self._is_freed(each, found.values(), epoch)
        ]:
            found |= {each.id: each for each in freed}
        return list(found.values())

    def _is_freed(self, said: Said, found: Collection[Said], epoch: Epoch) -> bool:
        """Say whether w sealers signed the page since its log approved a rival: in the round that it names, or in any up to its own."""
        lock = self._lock(said)
        assert lock is not None
        signed: dict[int, set[LogId]] = {}
        for each in found:
            if _round(lock) < _round(each) <= _round(said):
                signed.setdefault(_round(each), set()).add(each.of.log)
        if self._names_its_lock(said):
            named = _whole(said, "lock")
            signed = {named: signed.get(named, set())}
        return any(len(logs & epoch.sealers) >= epoch.w for logs in signed.values())

    @once
    def _earlier(self, said: Said) -> list[Said]:
        """Return what a log said before after the same page, on its own chain, the oldest first."""
        found, at = list[Said](), self.archive.records.get(said.before)
        while at is not None:
            if at.kind in VOICES and _slot(at) == _slot(said):
                found.append(at)
            at = self.archive.records.get(at.before)
        return found[::-1]

    @once
    def _disciplined(self, said: Said) -> bool:
        """Say whether a voice keeps to the order of rounds. What does not was not said: it binds its log to nothing."""
        if len(self._earlier(said)) >= MAX_VOICES:
            return False
        before = [each for each in self._earlier(said) if self._disciplined(each)]
        if any(_round(each) > _round(said) for each in before):
            return False
        rivals = [each for each in before if _round(each) == _round(said) and _about(each) != _about(said)]
        if any(each.kind == "approval" for each in rivals):
            return False
        if said.kind == "approval":
            return True
        lock = self._lock(said)
        if rivals or lock is None or not self._names_its_lock(said):
            return not rivals
        return _round(lock) < _whole(said, "lock") < _round(said)

    @once
    def _approvals(self, said: Said) -> list[Said]:
        return [each for each in self._earlier(said) if each.kind == "approval" and self._disciplined(each)]

    @once
    def _lock(self, said: Said) -> Said | None:
        """Return the last approval of another page before a voice: until w sealers have signed this one, it binds."""
        return next((each for each in self._approvals(said)[::-1] if _about(each) != _about(said)), None)

    def _names_its_lock(self, said: Said) -> bool:
        """Say whether a voice names the round that frees it. An approval is given to what w signed, as is what follows it."""
        approvals = self._approvals(said)
        follows = bool(approvals) and _about(approvals[-1]) == _about(said)
        return said.kind == "signature" and not follows


def _epoch_entry(page: Page) -> Fields | None:
    return next((each for each in page.entries if each.get("kind") == "epoch"), None)


def _repair(entry: Fields) -> list[tuple[int, int]]:
    """Return how many repair keys it takes, and how many there are, if there are any."""
    match entry.get("repair"):
        case {"keys": list(keys), "threshold": int(threshold)}:
            return [(threshold, len(set(map(bytes, keys))))]
    return []


def _level(page: Page) -> int:
    """Return the level that page 0 fixes; what fixes none is above all."""
    level = (_epoch_entry(page) or {}).get("level")
    return level if isinstance(level, int) else 1 << 60


def _log(value: Value, scope: Scope) -> LogId | None:
    """Return the log of a seat or sealer, a node's by its key and incarnation; None when it can be none of this body's."""
    if isinstance(value, list):
        key, incarnation = value
        begins = {
            "capacity": ["node"], "class": 0, "incarnation": incarnation, "key": key, "reach": 2, "scope": scope,
        }  # fmt: skip
        return log_named(msgpack.packb(begins))
    payload: bytes = value["genesis"]  # type: ignore[index,call-overload,assignment]
    begins = msgpack.unpackb(payload)
    fit = begins["class"] == LogClass.AUTHORITY and begins["reach"] != Reach.LOCAL
    return log_named(payload) if fit and begins["scope"] == scope else None


def _capacity(value: Value) -> Value:
    """Return for what the log of a seat or sealer was made, where that is told in full."""
    capacity: Value = msgpack.unpackb(value["genesis"])["capacity"] if _has(value, "genesis") else None  # type: ignore[index,call-overload]
    return capacity


def _has(value: Value, key: str) -> bool:
    return isinstance(value, dict) and key in value


def _whole(said: Said, key: str) -> int:
    """Return a number that a voice says; -1 when it does not."""
    value = said.value.get(key) if isinstance(said.value, dict) else None
    return value if isinstance(value, int) else -1


def _round(said: Said) -> int:
    return _whole(said, "round")


def _slot(said: Said) -> Value:
    return said.value.get("slot") if isinstance(said.value, dict) else None


def _about(said: Said) -> Value:
    return said.value.get("page") if isinstance(said.value, dict) else None
