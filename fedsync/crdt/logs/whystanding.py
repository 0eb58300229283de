"""Why a record of goods or promises counts, waits, or does not: by whose word its log counts, and up to where. Pure.

What a record says by itself is judged before (`levels` for facts): here it is only asked whether it counts as it stands.
"""

from dataclasses import dataclass

from fedsync.crdt.books.booktables import Reader, status
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.books.naming import Naming, short
from fedsync.crdt.logs.countingtables import COUNTED_LOGS, CountedLog, counted_log
from fedsync.crdt.logs.factchain import holds, id_at, on_settled_chain
from fedsync.crdt.logs.seats import Bound, Cut
from fedsync.crdt.logs.settling import settled
from fedsync.crdt.logs.standing import Ending, bound_of, endings_of, under_of
from fedsync.crdt.logs.terms import why_outside
from fedsync.crdt.reasons import reason
from fedsync.records.block import Record
from fedsync.records.ids import LogClass
from fedsync.records.kinds.entries import Recall

FACTS = LogClass.FACTS


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a fact counts, and why.

    `status`: "counts", "void", "pending", "cut", "suspended", "disputed", "displaced" or "inert".
    """

    status: str
    code: str
    sentence: str
    next: str | None = None
    """What to type about it."""
    more: tuple[str, ...] = ()
    """What a person should know besides."""


def why_standing(view: Reader, record: Record) -> Verdict:
    """Return whether a record counts by the standing of its log, and why not."""
    row = view.get(COUNTED_LOGS, (record.log,))
    log = counted_log(row) if row else None
    if log is None or log.bound == "pending":
        return _pending(view, record)
    bound = bound_of(view, record.genesis)
    if isinstance(bound, Cut) and bound.nothing:
        return _nothing(view, record)
    apart = _apart(view, record, log)
    if apart is not None:
        return apart
    if log.limit is not None and record.seq >= log.limit:
        return _cut(view, record, bound)
    outside = why_outside(view, record)
    if outside is not None:
        return Verdict("void", outside.code, f"It has no effect: {outside.sentence}.")
    if record.genesis.mandate is None:
        return Verdict("counts", "counts", "It counts: its author has a seat, or had one when it was kept.")
    said = Naming(view).mandate(record.genesis.mandate)
    return Verdict("counts", "counts", f"It counts: it is under {said}, or was when it was kept.")


def _pending(view: Reader, record: Record) -> Verdict:
    if record.genesis.mandate is None:
        return Verdict(
            "pending", "no_seat", "No page that is held and signed by enough gives its author a seat."
        )
    waits = under_of(view, record.genesis).waits or "mandate-not-held"
    step = f"fedsync why {short(record.genesis.mandate[0])}" if waits == "mandate-not-sealed" else None
    return Verdict("pending", waits, f"It waits: {reason(waits).sentence}.", step)


def _nothing(view: Reader, record: Record) -> Verdict:
    fault = under_of(view, record.genesis).fault or "no-mandate"
    if fault == "mandate-frozen":
        return Verdict("suspended", fault, f"It does not count for now: {reason(fault).sentence}.")
    return Verdict("void", fault, f"It has no effect: {reason(fault).sentence}.")


def _apart(view: Reader, record: Record, log: CountedLog) -> Verdict | None:
    """Return what a fork of the log, and the choice of a branch, say against a record."""
    said = settled(view, log.scope, record.log)
    if said is not None and log.chain is None and (log.limit is None or record.seq >= log.limit):
        return Verdict(
            "pending",
            "settled_missing",
            f"The book settled its log at record {short(said.id)}, which is not held here yet.",
        )
    if said is not None and log.chain is not None and not on_settled_chain(view, record, said):
        return Verdict(
            "displaced",
            "settled",
            f"Its log is forked, and the book settled that the branch up to record {short(said.id)} holds.",
        )
    if log.chain is None and log.fork is not None and record.seq >= log.fork:
        return Verdict(
            "disputed", "fork", f"Its log has two branches from record {log.fork} on; none counts there."
        )
    return None


def _cut(view: Reader, record: Record, bound: Bound) -> Verdict:
    every = (bound.tips, *bound.others) if isinstance(bound, Cut) else ((),)
    # A tip above it may keep it, and is waited for, unless another cut is against it anyway.
    above = [[tip for tip in tips if tip[0] >= record.seq] for tips in every]
    if all(above):
        missing = [tip for tips in above for tip in tips if not holds(view, record.log, *tip)]
        if missing:
            seq = max(missing)[0]
            return Verdict(
                "pending",
                "tip_missing",
                f"Its author's log counts up to record {seq}, which is not held here yet.",
            )
    if record.genesis.mandate is None:
        return Verdict(
            "cut", "dropped", "Its author lost the seat, and the page that says so keeps less of the log."
        )
    ends = [each for each in endings_of(view, record.genesis) if not _keeps(view, record, each)]
    by = max(ends, key=lambda each: (each.hard, each.by), default=None)
    assert by is not None, "it was cut by something"
    return _recalled(view, record, by)


def _keeps(view: Reader, record: Record, ending: Ending) -> bool:
    return any(
        seq >= record.seq
        and holds(view, record.log, seq, id_)
        and id_at(view, record.log, (seq, id_), record.seq) == record.id
        for seq, id_ in ending.tips
    )


def _recalled(view: Reader, record: Record, ending: Ending) -> Verdict:
    called = Naming(view)
    assert record.genesis.mandate is not None
    at = status(view, record.genesis.scope, ending.by[0])
    sealed = at is not None and at.status == "sealed"
    page = f"{called.page(ending.by[0])}, {'sealed' if sealed else 'not sealed yet'},"
    kept = max((seq for seq, _ in ending.tips), default=None)
    keeps = f"keeps its log up to record {kept}" if kept is not None else "keeps nothing of its log"
    said = (
        f"It was recorded after what {page} keeps: that {_word(view, ending)} "
        f"{called.mandate(record.genesis.mandate)}, and {keeps}."
    )
    if not ending.hard:
        more = ("Until that page is sealed it does not count.",)
        return Verdict("suspended", "recall-adopted", said, more=more)
    if record.genesis.log_class is not FACTS:
        more = ("Promises fall with a recall: whoever may promise for the community can promise it anew.",)
        return Verdict("cut", "recalled", said, more=more)
    return Verdict(
        "cut",
        "recalled",
        said,
        f"fedsync bodies settle {short(record.log)} --branch {short(record.id)} --as NAME",
        (
            "The goods may have moved all the same.",
            "If they did, a teller records it anew, or the book takes up the log as far as it is right.",
        ),
    )


def _word(view: Reader, ending: Ending) -> str:
    entry = entry_at(view, *ending.by)
    if isinstance(entry, Recall):
        return "closes" if entry.closing else "recalls"
    return "gives to somebody anew"
