"""Who of a body's seats has consented to a new epoch, and why an epoch does not hold (rules 2 and 3). Pure; reads a view.

A body whose seats are bodies changes its epoch with the consent of k of the new epoch's seats: each says so in its own
book, by an entry that names the epoch without its consents. So the epoch is first proposed on a page that lists none;
nobody's tools sign that page. The page that lists them repeats the epoch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from fedsync.crdt.books.booktables import (
    ACTS,
    DISPLACED,
    Known,
    PageRow,
    Reader,
    known,
    page_row,
    status,
)
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.books.epoch import Epoch, epoch_on, judge_epoch, read_page
from fedsync.crdt.books.soundness import Sound, level_of, sound
from fedsync.records.ids import PageId
from fedsync.records.kinds.entries import CONSENT, Consent, EpochEntry, consent_digest
from fedsync.records.void import Void


class Given(NamedTuple):
    """Where a body's book consents."""

    page: PageId
    number: int
    status: str
    certified: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """An epoch that needs the consent of `needed` of the bodies that will sit under it."""

    body: PageId
    digest: bytes
    needed: int
    given: Mapping[PageId, Given]
    """Of each body that consents, the best page that says so."""
    silent: tuple[PageId, ...]
    listed: tuple[PageId, ...]
    """The pages that the epoch lists."""

    @property
    def certified(self) -> tuple[PageId, ...]:
        """The pages that count, sorted."""
        return tuple(sorted(each.page for each in self.given.values() if each.certified))

    @property
    def waits(self) -> tuple[PageId, ...]:
        """The bodies whose page is not certified yet."""
        return tuple(sorted(body for body, each in self.given.items() if not each.certified))


def asked(view: Reader, page: PageId) -> Asked | None:
    """Return who has consented to the epoch on a known page; None when it needs no consents."""
    here, held = known(view, page), page_row(view, page)
    if here is None or held is None or not here.number:
        return None
    epoch = epoch_on(held.payload, here.scope, here.level)
    if epoch is None or not epoch.members:
        return None
    digest = digest_of(here.body, epoch)
    given: dict[PageId, Given] = {}
    for member in sorted(epoch.members):
        found = _given(view, member, here.body, digest)
        if found is not None:
            given[member] = found
    silent = tuple(each for each in sorted(epoch.members) if each not in given)
    return Asked(here.body, digest, epoch.k, given, silent, epoch.consents)


def digest_of(body: PageId, epoch: Epoch) -> bytes:
    """Return what a consent to this epoch of `body` names."""
    return consent_digest(body, EpochEntry(epoch.name, "", 0, (), 1, consent_to=epoch.consent_to))


def _given(view: Reader, member: PageId, body: PageId, digest: bytes) -> Given | None:
    there = known(view, member)
    if there is None:
        return None
    best: Given | None = None
    for key, cells in view.scan(ACTS, (there.scope,)):
        if cells[0] != CONSENT:
            continue
        page = PageId(key[2])  # type: ignore[arg-type]
        entry, at = entry_at(view, page, int(key[3])), status(view, there.scope, page)
        if not isinstance(entry, Consent) or entry.body != body or entry.to != digest:
            continue
        if at is None or (at.status == DISPLACED and not at.certified):
            continue
        found = Given(page, at.number, at.status, at.certified)
        if best is None or (found.certified and not best.certified):
            best = found
    return best


# --- Whether an epoch holds


def fault(view: Reader, page: PageId) -> tuple[str, str] | None:
    """Return the code and sentence of why the epoch on a known page does not hold, or not yet; None when it does.

    A page without an epoch entry has none that could fail.
    """
    here, held = known(view, page), page_row(view, page)
    assert here is not None
    assert held is not None
    found = read_page(held.payload).epoch
    if found is None:
        return None
    try:
        epoch = judge_epoch(found[1], here.scope, here.level if here.number else None)
    except Void as void:
        return void.code, void.sentence
    answer, waits = sound(view, page)
    if answer is Sound.YES:
        return None
    return _unlevel(view, epoch) or _unconsented(view, here, held, epoch, answer, waits)


def is_proposal(view: Reader, page: PageId) -> bool:
    """Say whether the epoch on a known page lacks consents only: it is for the bodies to look at, and not to sign."""
    found = fault(view, page)
    return found is not None and found[0] == "consents-missing"


def _unlevel(view: Reader, epoch: Epoch) -> tuple[str, str] | None:
    for member in sorted(epoch.members):
        level = level_of(view, member)
        if level is False:
            return "no-body", f"a seat is for {member.hex()[:8]}, which is no body's first page"
        if level is not None and level >= epoch.level:
            return (
                "not-lower",
                f"a seat is for {member.hex()[:8]}, a body of level {level}, and this one is of level {epoch.level}: "
                "power goes upwards only, so bodies never sit in each other",
            )
    return None


def _unconsented(
    view: Reader, here: Known, held: PageRow, epoch: Epoch, answer: Sound, waits: set[PageId]
) -> tuple[str, str]:
    if answer is Sound.NO:
        return (
            "consents-missing",
            f"{epoch.k} of its bodies must consent by their own books, and it lists too few who do"
            if epoch.consents
            else f"{epoch.k} of its bodies must consent by their own books; so it is only a proposal",
        )
    missing = sorted(waits)[0].hex()[:8] if waits else "?"
    first = [each for each in sorted(waits) if each in epoch.members]
    if first:
        return (
            "epoch-not-settled",
            f"it waits for the first page of a body with a seat ({first[0].hex()[:8]})",
        )
    return "epoch-not-settled", f"it waits until a page with a consent is certified ({missing})"


# --- In words


class Words(NamedTuple):
    """Who has consented, who is missing, and what to type."""

    lines: tuple[str, ...]
    missing: tuple[str, ...]
    next: str | None


def why_consents(view: Reader, page: PageId, name: Callable[[PageId], str]) -> Words | None:
    """Return who has consented to the epoch on a page; None when it needs no consents."""
    found = asked(view, page)
    if found is None:
        return None
    said = sorted(
        f"{name(body)} (page {each.number})" for body, each in found.given.items() if each.certified
    )
    lines = [f"Consents: {found.needed} are needed; {', '.join(said) or 'nobody'} consented."]
    if found.waits:
        waiting = ", ".join(f"{name(body)} (page {found.given[body].page.hex()[:8]})" for body in found.waits)
        lines.append(f"Not certified yet: {waiting}.")
    here = known(view, page)
    at = status(view, here.scope, page) if here is not None else None
    if found.listed or at is None or at.certified:
        return Words(tuple(lines), (), None)
    if len(found.certified) >= found.needed:
        command = f'fedsync bodies epoch --body "{name(found.body)}" --from {page.hex()[:8]} --as NAME'
        lines.append("Enough have consented: the page that lists them may be drafted.")
        return Words(tuple(lines), (), command)
    missing = tuple(sorted(name(each) for each in (*found.silent, *found.waits)))
    return Words(tuple(lines), missing, f"fedsync bodies consent {page.hex()[:8]} --as NAME")
