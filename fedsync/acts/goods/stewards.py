"""In which log somebody records goods and promises for a body: by a seat of its own, else under a mandate for a task.

And what a body must know of such logs before it ends a mandate: where they stand here, and how much was recorded.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from fedsync.acts.author import Author, now_ms
from fedsync.acts.books.voices import held_mandates
from fedsync.crdt.books import handover
from fedsync.crdt.books.delegates import Given, given
from fedsync.crdt.books.mandates import ENDED, IN_FORCE, RECALLED, SUSPENDED
from fedsync.crdt.logs.countingtables import COUNTED_LOGS, TERM_USES, CountedLog, counted_log
from fedsync.crdt.logs.factchain import along
from fedsync.crdt.logs.seats import All, fact_bound
from fedsync.crdt.logs.terms import terms_in
from fedsync.doors import Door
from fedsync.errors import Problem, refused
from fedsync.reading import Reading
from fedsync.records.block import SILENT, Block
from fedsync.records.genesis import GENESIS, Genesis
from fedsync.records.ids import Key, LogClass, LogId, Reach, Scope
from fedsync.records.kinds.entries import Tip
from fedsync.records.seal import Draft

WORDS = {
    "economic_event": "movements of goods",
    "count": "counts",
    "unit_factor": "local units",
    "discrepancy": "what was missing on arrival",
    "loan": "loans",
    "work_tally": "hours",
    "intent": "needs and offers",
    "rights_grant": "handing rights on",
    "commitment": "promises",
    "release": "taking promises back",
    "agreement": "agreements",
    "transfer": "transfers",
    "booking": "bookings",
    "plan": "plans of work",
    "shift": "shifts",
    "signup": "signing up for shifts",
}
"""What people call the kinds of records that a mandate may allow."""


def goods_log(
    author: Author,
    reading: Reading,
    log_class: LogClass,
    kinds: Iterable[str],
    scope: Scope | None = None,
    reach: Reach | None = None,
) -> Genesis:
    """Return the log in which `author` can record these kinds, one for each record, for a body: our own by default.

    What is local stays on our own nodes, so it is only said of our own stores.
    Raises a Problem (exit 7) when nothing that they record would count.
    """
    scope = scope or reading.own().scope
    if reach is Reach.LOCAL and scope != reading.own().scope:
        raise refused(
            "local",
            f"What never leaves our own nodes would never reach {reading.name_of(scope)}.",
            "Leave out --local.",
        )
    many = Counter(kinds)
    own = author.genesis(reading, log_class, scope, reach=reach)
    if isinstance(fact_bound(reading.view, own), All):
        return own
    held = [
        each
        for each in held_mandates(reading, author.key)
        if each.scope == scope and each.mandate.task is not None
    ]
    if not held:
        raise _nobody(author, reading, scope, many)
    # The newest first, and one that is sealed before one that is not yet.
    held.sort(key=lambda each: (each.status == IN_FORCE, each.number, each.id), reverse=True)
    problems = []
    for each in held:
        found = author.genesis(reading, log_class, scope, ("mandate", *each.id), reach)
        problem = _outside(author, reading, each, many, found.log)
        if problem is None:
            return found
        problems.append(problem)
    # Of several mandates, whichever at least allows the kind says best what is wrong.
    raise min(problems, key=lambda each: each.code == "outside_mandate")


def write_goods(
    author: Author,
    reading: Reading,
    door: Door,
    log_class: LogClass,
    drafts: Sequence[Draft],
    once: bytes | None = None,
    reach: Reach | None = None,
    scope: Scope | None = None,
) -> list[Block]:
    """Write records of goods or promises to the log in which the author can, all or none. Call within `writing`.

    Raises a Problem (exit 7) when they would not count.
    """
    genesis = goods_log(author, reading, log_class, [each.kind for each in drafts], scope, reach)
    return author.write_as(door, reading, genesis, drafts, once)


def _outside(
    author: Author, reading: Reading, mandate: Given, many: Mapping[str, int], log: LogId
) -> Problem | None:
    """Return why records would be outside the terms of a mandate."""
    terms, task = terms_in(mandate.mandate), mandate.mandate.task
    see = f"See what it allows: fedsync mandates show {short(mandate)}"
    for kind in many:
        if not terms.allows(kind):
            said = (
                f"{author.name}'s mandate for {task} does not allow {in_words(kind)}, so it would not count."
            )
            return refused("outside_mandate", said, see)
    if terms.until is not None and now_ms() > terms.until:
        said = (
            f"The term of {author.name}'s mandate for {task} is over: what is recorded now would not count."
        )
        return refused("term_over", said, "The assembly can give a new one: fedsync mandates give --help")
    for kind, number in many.items():
        if kind not in terms.limits:
            continue
        row = reading.view.get(TERM_USES, (log, kind))
        left = terms.limits[kind] - (int(row[0]) if row is not None else 0)  # type: ignore[arg-type]
        if number > left:
            said = (
                f"{author.name}'s mandate for {task} allows {terms.limits[kind]} records of {in_words(kind)} "
                f"in all, and {left if left > 0 else 'none'} {'is' if left == 1 else 'are'} left."
            )
            return refused("limit", said, see)
    return None


def _nobody(author: Author, reading: Reading, scope: Scope, many: Mapping[str, int]) -> Problem:
    may = ",".join(sorted(kind for kind in many if kind in WORDS)) or "economic_event,count"
    body = reading.name_of(scope)
    for each in given(reading.view, scope):
        holders = (each.mandate.holder, each.mandate.alternate)
        if author.key in holders and each.mandate.task is not None and each.status in _WAS:
            return refused(
                "no_mandate",
                f"{author.name}'s mandate for {each.mandate.task} {_WAS[each.status]}, so nothing that they record "
                "would count.",
                f"See: fedsync mandates show {short(each)}. A teller can record it.",
            )
    return refused(
        "no_seat",
        f"{author.name} is no teller of {body} now and holds no mandate for a task, so nothing that they record would "
        "count.",
        f'A teller can record it, or make them a steward: fedsync mandates give "{author.name}" --task STORE --may {may}',
    )


class Recorded(NamedTuple):
    """A log of goods or promises under a mandate: what was recorded in it, and how much of that counts."""

    log: LogId
    key: Key
    log_class: LogClass
    kinds: Mapping[str, int]
    counts: int

    @property
    def records(self) -> int:
        """How many records there are, but for the one that begins the log."""
        return sum(self.kinds.values())


def recorded(reading: Reading, mandate: Given) -> list[Recorded]:
    """Return what was recorded of goods and promises under a mandate, log by log. What is local is not among it."""
    found = []
    for log, genesis in logs_of_goods(reading, mandate):
        if genesis.log_class is LogClass.TEXTS:
            continue
        kinds: Counter[str] = Counter()
        for block in reading.view.blocks(log):
            kinds.update(each for each in block.kinds if each != GENESIS)
        row = reading.view.get(COUNTED_LOGS, (log,))
        counts = _counts(reading, log, counted_log(row)) if row is not None else 0
        found.append(Recorded(log, genesis.key, genesis.log_class, kinds, counts))
    return found


def _counts(reading: Reading, log: LogId, counted: CountedLog) -> int:
    found = 0
    for block, stop in along(reading.view, log, counted, 0):
        stop = min(stop, counted.read)
        kinds = block.kinds[: max(0, stop - block.first)]
        found += sum(1 for each in kinds if each not in (SILENT, GENESIS))
    return found


def logs_of_goods(reading: Reading, mandate: Given) -> list[tuple[LogId, Genesis]]:
    """Return the logs of plans, facts and texts that are written under a mandate and may leave this community's nodes."""
    found = []
    for key in (mandate.mandate.holder, mandate.mandate.alternate):
        for log in reading.store.logs.named(mandate.scope, key) if key is not None else ():
            row = reading.store.logs.row(log)
            if row is None or row.genesis.mandate != mandate.id:
                continue
            if row.genesis.log_class is not LogClass.AUTHORITY and row.genesis.reach is not Reach.LOCAL:
                found.append((log, row.genesis))
    return found


def reachable(reading: Reading, mandates: Iterable[Given], facts_alone: bool = False) -> tuple[Tip, ...]:
    """Return where all branches of all logs under some mandates stand here: what is kept when they end now.

    `facts_alone`: of logs of facts only. A recall voids promises, not facts.
    """
    mandates = list(mandates)
    tips = [] if facts_alone else list(handover.reachable(reading.view, mandates))
    for mandate in mandates:
        for log, genesis in logs_of_goods(reading, mandate):
            if genesis.log_class is LogClass.FACTS or not facts_alone:
                tips += [Tip(log, head.seq, head.id) for head in reading.store.logs.heads(log)]
    return tuple(sorted(tips, key=lambda tip: (tip.log, tip.seq, tip.id)))


_WAS = {ENDED: "is over", RECALLED: "was recalled", SUSPENDED: "is being ended"}


def in_words(kind: str) -> str:
    """Return what people call a kind of record."""
    return WORDS.get(kind, kind)


def short(mandate: Given) -> str:
    """Return a mandate's id as people type it."""
    return f"{mandate.id[0].hex()[:8]}:{mandate.id[1]}"
