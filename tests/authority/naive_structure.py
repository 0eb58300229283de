"""The naive twin, rules 1 to 3: what is held, and which epoch is in force. See `naive`."""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, TypeVar

Json = dict[str, Any]
YES, NO, UNKNOWN = "yes", "no", "unknown"
T = TypeVar("T")


def once(ask: Callable[..., T]) -> Callable[..., T]:
    """Keep each answer for as long as the set of records is looked at: it does not change meanwhile."""

    @wraps(ask)
    def asked(self: "Structure", *about: Any) -> T:
        place = (ask.__name__, *about)
        if place not in self.answers:
            self.answers[place] = ask(self, *about)
        return self.answers[place]  # type: ignore[no-any-return]

    return asked


class Structure:
    """A set of records, and rules 1 to 3 as questions to it."""

    def __init__(self, records: Iterable[Json], outside: Iterable[str] = ()) -> None:
        """`outside`: the bodies that are looked at from outside, without the books of those that have seats in them."""
        self.outside = frozenset(outside)
        self.answers: dict[Any, Any] = {}
        self.pages: dict[str, Json] = {}
        self.logs: dict[str, Json] = {}
        self.voices: dict[str, Json] = {}
        for each in records:
            kept = {"page": self.pages, "log": self.logs}.get(each["kind"], self.voices)
            kept[each["id"]] = each
        self.page0 = {page["body"]: name for name, page in self.pages.items() if page["prev"] is None}
        self.children: dict[str, list[str]] = {}
        for name, page in self.pages.items():
            self.children.setdefault(page["prev"], []).append(name)
        self.of_log: dict[str, list[str]] = {}
        self.of_page: dict[str, list[str]] = {}
        for name, voice in self.voices.items():
            self.of_log.setdefault(voice["log"], []).append(name)
            if voice["kind"] != "vote":
                self.of_page.setdefault(voice["page"], []).append(name)

    def certified(self, page: str) -> bool:
        """Rule 6, which needs the voices."""
        raise NotImplementedError

    # --- Structure

    @once
    def held(self, page: str) -> bool:
        """Rule 1, pages: its chain to page 0 is held and numbers step by one."""
        one = self.pages.get(page)
        if one is None:
            return False
        if one["prev"] is None:
            return bool(one["no"] == 0)
        if not self.held(one["prev"]):
            return False
        before = self.pages[one["prev"]]
        return bool(before["body"] == one["body"] and before["no"] + 1 == one["no"])

    @once
    def held_in_log(self, voice: str) -> bool:
        """Rule 1, records of a log: its chain and genesis are held."""
        one = self.voices.get(voice)
        if one is None or one["log"] not in self.logs:
            return False
        return one["prev"] is None or self.held_in_log(one["prev"])

    def chain(self, page: str | None) -> Iterator[str]:
        """Yield a held page and all before it."""
        while page is not None:
            yield page
            page = self.pages[page]["prev"]

    def entry(self, page: str, index: int) -> Json | None:
        """Return an entry of a page."""
        entries = self.pages[page]["entries"]
        return entries[index] if index < len(entries) else None

    def epoch_entry(self, page: str) -> Json | None:
        """Rule 2: one a page, the first."""
        return next((each for each in self.pages[page]["entries"] if each["kind"] == "epoch"), None)

    def level(self, body: str) -> int | None:
        """Rule 2: the level that page 0 fixes; None when it is not held, or fixes none."""
        page = self.page0.get(body)
        entry = self.epoch_entry(page) if page is not None else None
        return entry.get("level", 0) if entry is not None else None

    @once
    def sound_by_numbers(self, page: str) -> bool:
        """Rule 2: 2k > n, 2w > m, 2 x threshold > repair keys, nobody twice, nothing out of reach, level as on page 0."""
        entry = self.epoch_entry(page)
        assert entry is not None
        seats = [each.get("log") or each["body"] for each in entry["seats"]]
        sealers = [each["log"] for each in entry.get("sealers") or []] or seats
        k, w = entry["k"], entry["k"] if entry.get("w") is None else entry["w"]
        repair = entry.get("repair") or {"keys": [], "k": 0}
        majorities = [(k, seats), (w, sealers)] + ([(repair["k"], repair["keys"])] if repair["keys"] else [])
        if not all(len(group) < 2 * need <= 2 * len(group) for need, group in majorities):
            return False
        if not all(len(set(group)) == len(group) for _, group in majorities):
            return False
        body = self.pages[page]["body"]
        if self.pages[page]["no"] and entry.get("level", self.level(body)) != self.level(body):
            return False
        return not (self.members(page) and self.level(body) == 0)

    def members(self, page: str) -> set[str]:
        """Return the bodies that have a seat by a page's epoch."""
        entry = self.epoch_entry(page)
        assert entry is not None
        return {each["body"] for each in entry["seats"] if "body" in each}

    @once
    def epoch_holds(self, page: str) -> str:
        """Rules 2 and 3: the epoch that a held page carries is sound, void, or not known yet to be either.

        From outside it is taken from the sealers that its seats bear it out; only those that it lists are counted.
        """
        one, members = self.pages[page], self.members(page)
        if not self.sound_by_numbers(page):
            return NO
        founded = (
            self.epoch_holds(self.page0[one["body"]]) if one["no"] and self._founds(one["body"]) else YES
        )
        if one["no"] and not self._founds(one["body"]):
            return NO
        if members and one["body"] in self.outside and founded == YES:
            entry = self.epoch_entry(page) or {}
            listed = set((entry.get("consents") or {}).values())
            return NO if one["no"] and len(listed) < entry["k"] else YES
        levels = [self._is_lower(each, self.level(one["body"])) for each in members]
        if NO in levels or founded == NO:
            return NO
        consented = self.consented(page) if one["no"] and members else YES
        if consented == NO:
            return NO
        return UNKNOWN if UNKNOWN in (*levels, founded, consented) else YES

    def _founds(self, body: str) -> bool:
        return self.epoch_entry(self.page0[body]) is not None

    def _is_lower(self, body: str, level: int | None) -> str:
        if body not in self.page0:
            return UNKNOWN
        other = self.level(body)
        return YES if other is not None and level is not None and other < level else NO

    def consented(self, page: str) -> str:
        """Rule 3: consents on certified pages of k of its seats; void if fewer, pending until all are certified."""
        entry = self.epoch_entry(page)
        assert entry is not None
        bodies: set[str] = set()
        unknown = 0
        waits = False
        for consent in (entry.get("consents") or {}).values():
            if consent not in self.pages:
                unknown += 1
                continue
            says = any(
                each["kind"] == "consent" and each["to"] == entry.get("name")
                for each in self.pages[consent]["entries"]
            )
            if says and self.pages[consent]["body"] in self.members(page):
                bodies.add(self.pages[consent]["body"])
                waits = waits or not self.certified(consent)
        if len(bodies) + unknown < entry["k"]:
            return NO
        return UNKNOWN if unknown or waits else YES

    @once
    def epoch_after(self, page: str) -> str | None:
        """Rule 2: the page whose epoch governs from the page after this held one on; None: nobody's, UNKNOWN."""
        if self.epoch_entry(page) is not None:
            holds = self.epoch_holds(page)
            if holds != NO:
                return page if holds == YES else UNKNOWN
        prev = self.pages[page]["prev"]
        return self.epoch_after(prev) if prev is not None else None

    def unseen(self, page: str) -> bool:
        """Say whether who sits where a page is judged is not seen: bodies, and it is looked at from outside."""
        at = self.epoch_of(page)
        return (
            self.pages[page]["body"] in self.outside and at not in (None, UNKNOWN) and bool(self.members(at))
        )

    def epoch_of(self, page: str) -> str | None:
        """Rule 2: the page whose epoch judges this one: it is in force on its previous page."""
        prev = self.pages[page]["prev"]
        return self.epoch_after(prev) if prev is not None else None

    @once
    def epoch(self, at: str) -> tuple[frozenset[str], int, frozenset[str], int, frozenset[str], int]:
        """Return seats (logs and bodies), k, sealers, w, repair keys and threshold of the epoch on a page."""
        entry = self.epoch_entry(at)
        assert entry is not None
        seats = frozenset(each.get("log") or each["body"] for each in entry["seats"])
        sealers = frozenset(each["log"] for each in entry.get("sealers") or entry["seats"] if "log" in each)
        w = entry["k"] if entry.get("w") is None else entry["w"]
        repair = entry.get("repair") or {"keys": [], "k": 0}
        return seats, entry["k"], sealers, w, frozenset(repair["keys"]), repair["k"]
