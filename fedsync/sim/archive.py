"""All that one disk holds of books, put in order: pages on their branches, who spoke for which, and whose logs these are.

From the bytes alone, by plain loops; for the checks. What it comes to is in `seals` and `verdicts`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from fedsync.records.ids import LogClass, PayloadId, Reach, RecordId, Scope
from fedsync.sim.plainread import Said, Value

Fields: TypeAlias = dict[str, Value]
VOICES: Final = ("signature", "approval")


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """A page whose chain to page 0 is held."""

    id: PayloadId
    body: PayloadId
    """Page 0 of its book."""
    scope: Scope
    number: int
    prev: PayloadId | None
    entries: tuple[Fields, ...]
    repair: bool


@dataclass
class Archive:
    """What one disk holds of books."""

    records: dict[RecordId, Said] = field(default_factory=dict)
    """Of all logs of authority."""
    pages: dict[PayloadId, Page] = field(default_factory=dict)
    after: dict[PayloadId, list[Page]] = field(default_factory=dict)
    """The pages that come right after each."""
    voices: dict[PayloadId, list[Said]] = field(default_factory=dict)
    """Signatures and approvals of each page."""

    def hear(self, records: Iterable[Said]) -> "Archive":
        """Take in records of logs of authority that are not local, and return this."""
        loose: dict[PayloadId, Fields] = {}
        for each in records:
            if each.of.log_class is not LogClass.AUTHORITY or each.of.reach is Reach.LOCAL:
                continue
            self.records[each.id] = each
            if not isinstance(each.value, dict):
                continue
            about = each.value.get("page")
            if each.kind in VOICES and isinstance(about, bytes):
                self.voices.setdefault(PayloadId(about), []).append(each)
            if each.kind == "page":
                loose[each.named] = each.value
        self._bind(loose)
        return self

    def _bind(self, loose: dict[PayloadId, Fields]) -> None:
        """Join pages to their books, from page 0 on: a page follows one of its own book, and its number is one more."""
        while loose:
            left = dict(loose)
            for id_, fields in loose.items():
                page = self._bound(id_, fields)
                if page is not None:
                    del left[id_]
                    self.pages[id_] = page
                    if page.prev is not None:
                        self.after.setdefault(page.prev, []).append(page)
            if len(left) == len(loose):
                return
            loose = left

    def _bound(self, id_: PayloadId, fields: Fields) -> Page | None:
        number, prev, body, scope = (fields.get(each) for each in ("number", "prev", "body", "scope"))
        entries = tuple(each if isinstance(each, dict) else {} for each in listed(fields.get("entries")))
        if prev is None:
            if number != 0 or body is not None or not isinstance(scope, bytes):
                return None
            return Page(id_, id_, Scope(scope), 0, None, entries, False)
        before = self.pages.get(PayloadId(prev)) if isinstance(prev, bytes) else None
        if before is None or before.body != body or number != before.number + 1:
            return None
        return Page(
            id_,
            before.body,
            before.scope,
            before.number + 1,
            before.id,
            entries,
            fields.get("by") == "repair",
        )

    def chain(self, page: Page) -> list[Page]:
        """Return the pages from page 0 up to this one."""
        found = [page]
        while (prev := found[-1].prev) is not None:
            found.append(self.pages[prev])
        return found[::-1]

    def given(self, said: Said) -> tuple[Page, Fields] | None:
        """Return the page and the entry that a delegate's log says it is written under; None when they are not there."""
        match said.of.capacity:
            case ("mandate", bytes() as id_, int() as index):
                page = self.pages.get(PayloadId(id_))
                if page is not None and 0 <= index < len(page.entries):
                    return page, page.entries[index]
        return None


def listed(value: Value) -> list[Value]:
    """Return a list as it is, and of anything else none."""
    return value if isinstance(value, list) else []
