"""What was prepared for the next page and says nothing any more, since the book has gone on meanwhile."""

from collections.abc import Sequence

from fedsync.crdt.books.decisions import decisions
from fedsync.crdt.books.delegates import given
from fedsync.crdt.books.handover import OVER
from fedsync.crdt.books.votes import Senders
from fedsync.errors import refused
from fedsync.reading import Reading, now_ms
from fedsync.records.codec import Value
from fedsync.records.ids import Scope
from fedsync.records.kinds.entries import Confirm, Decision, Entry, EntryId, Recall, Repeal
from fedsync.records.kinds.entryform import parse_entry

ENDED = ("superseded", "repealed", "expired")


def check(reading: Reading, scope: Scope, entries: Sequence[dict[str, Value]]) -> None:
    """Raise a Problem (exit 7) when an entry would be without effect on the body's next page: those who sign it
    would believe that it had one.
    """
    said: set[object] = set()
    for number, value in enumerate(entries, 1):
        entry = parse_entry(value)
        told = _without_effect(reading, scope, entry)
        for each in _once(entry):
            told = told or ("an entry before it says that already" if each in said else None)
            said.add(each)
        if told is not None:
            raise refused(
                "entry_without_effect",
                f"Entry {number} would have no effect: {told}. Nothing was drafted.",
                f"Take it off the list: fedsync book draft --drop {number}",
            )


def _without_effect(reading: Reading, scope: Scope, entry: Entry) -> str | None:
    match entry:
        case Confirm():
            if Senders(reading.view).word(scope, (entry.motion, entry.clause)) is not None:
                return "the book has had its word on this, and the first one stands"
        case Recall():
            if any(each.id == entry.mandate and each.status in OVER for each in given(reading.view, scope)):
                return "that mandate is over already"
        case Repeal() | Decision():
            ended = {each.id for each in decisions(reading.view, scope, now_ms()) if each.status in ENDED}
            if any(each in ended for each in _ends(entry)):
                return "the decision that it ends is not in force any more"
        case _:
            pass
    return None


def _ends(entry: Repeal | Decision) -> tuple[EntryId, ...]:
    return entry.supersedes if isinstance(entry, Decision) else (entry.decision,)


def _once(entry: Entry) -> tuple[object, ...]:
    """Return what one page can say once only: a word on a question, the end of a mandate or of a decision."""
    match entry:
        case Confirm():
            return (("word", entry.motion, entry.clause),)
        case Recall():
            return (("mandate", entry.mandate),)
        case Repeal() | Decision():
            return tuple(("decision", each) for each in _ends(entry))
        case _:
            return ()
