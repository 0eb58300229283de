"""The tables that the state of minute books lies in, and their rows as values. Touches nothing but a view.

What a record says is kept as it came (`authority_record`, `page`, `voice`); what follows from all of them together
stands in the rooted tables, which depend on nothing but the set of records held.
"""

from typing import NamedTuple

from fedsync.crdt.view import Draft, Row, Table, View
from fedsync.records.ids import Key, LogId, PageId, RecordId, Scope

BOOKS = Table("book", ("scope",), ("body", "head", "number", "frozen"), rooted=True)
"""The books that the node follows: page 0, the last sealed page, and whether the book is split after it."""
STATUSES = Table("page_status", ("scope", "page"), ("number", "status", "certified"), rooted=True)
VERDICTS = Table("voice_status", ("scope", "record"), ("page", "status", "reason"), rooted=True)
"""Signatures and approvals in the body's own logs and those of delegates, under pages that are held."""
MANDATES = Table("mandate_status", ("scope", "page", "entry"), ("number", "status"), rooted=True)
"""The mandates that a book gives, by the entry that gives them."""
VOTE_VERDICTS = Table(
    "vote_status", ("scope", "record"), ("motion", "clause", "status", "reason"), rooted=True
)
"""Votes, by the book that gave the mandate or the seat."""
RESULTS = Table("result_status", ("scope", "page", "entry"), ("number", "status", "outcome"), rooted=True)

FOLLOWED = Table("followed", ("scope",), ("body", "outside"))
"""The bodies that the node follows. Outside: less than all of it, so its book is judged without the books of those that
have seats in it (docs/books.md)."""
LOGS = Table("authority_log", ("log",), ("key", "scope", "capacity", "fit", "page", "entry"))
"""`page`, `entry`: the mandate that a delegate's log is under."""
RECORDS = Table("authority_record", ("id",), ("log", "seq", "branch", "kind", "page", "slot", "fault"))
BRANCHES = Table("authority_branch", ("log", "branch"), ("parent", "fork", "tip", "tip_seq"))
"""A fork of a log opens a branch; their numbers follow the order of arrival, so nothing rooted may use them."""
PAGES = Table("page", ("page",), ("number", "prev", "body", "scope", "repair", "carrier", "payload"))
CHILDREN = Table("page_child", ("prev", "page"), ("number",))
KNOWN = Table("page_known", ("page",), ("scope", "body", "number", "prev", "repair", "epoch", "level"))
"""Pages whose chain to a followed page 0 is held. `epoch`: the page whose epoch governs from the next page on."""
DECISIONS = Table("decision", ("page", "entry"), ("title",))
"""The decisions on known pages by name, so that anyone who opens the store finds them; `minutes` reads the pages."""
NAMES = Table("epoch_name", ("page",), ("name",))
"""What the epoch on a known page calls the body, for the same readers."""
VOICES = Table(
    "voice", ("slot", "log", "seq", "id"), ("approves", "page", "round", "lock", "before", "nth", "time")
)
"""`before`: the last record in the slot on the same chain; `nth`: how many there are up to this one."""
LAST_VOICE = Table("voice_last", ("log", "branch", "slot"), ("id",))
WAITING = Table("voice_waiting", ("page", "id"), ("slot",))
"""Voices whose page is not known yet."""
ACTS = Table("act", ("scope", "number", "page", "entry"), ("kind",))
"""Entries of known pages that end, give or settle something, in book order."""
SOUND = Table("epoch_sound", ("page",), ("sound",))
"""Epochs whose seats are bodies, once other pages have settled whether they hold (rules 2 and 3)."""
NEEDED = Table("page_needed", ("page", "what", "by"), ("needed",))
"""What has to be judged again when a page comes, or is certified."""
COUNTS = Table("slot_count", ("slot", "page", "round"), ("signed", "approved"))
"""Sealers that signed and approved a page in a round. In the row of round -1: seats that spoke, and that stand."""
SPOKEN = Table("seat_spoken", ("slot", "page", "body", "log"), ("stands",))
"""Delegates' logs that speak for a page, by the body that sent them."""
SPLITS = Table("split", ("witness", "slot"), ("number",))
"""Slots with several certified pages, by the body that may witness which of them holds."""
WITNESSES = Table("witness", ("scope", "body", "number", "page", "entry"), ("head",))
RESULTS_OPEN = Table("result_open", ("scope", "page", "entry"), ())
"""Results that are not final: in a long book, few of them."""
MANDATE_ACTS = Table("mandate_act", ("scope", "about", "number", "page", "entry"), ())
"""Entries that give or end mandates, in book order, by what they are about: a seat, a task, or one mandate."""
MANDATE_LOGS = Table("mandate_log", ("page", "entry", "log"), ("key",))
MANDATE_CUTS = Table("mandate_cut", ("page", "entry", "by_page", "by_entry"), ("hard",))
"""What ends a mandate, by the entry that says so; hard when it stands on a sealed page."""
MOTIONS = Table("motion", ("id",), ("body", "time", "key", "payload"))
DISSENTS = Table("dissent", ("about", "id"), ("time", "payload"))
"""Statements against a motion, page or vote. Nothing removes a row: not a recall, and not whoever is criticised."""
VOTES = Table("vote", ("log", "seq", "id"), ("motion", "clause", "option", "time"))
VOTES_ON = Table("vote_on", ("motion", "clause", "scope", "id"), ("log",))
"""Votes on a question, by the book that gave the mandate or the seat: a word asks for those of its own body alone."""
WORDS = Table("word", ("scope", "motion", "clause", "number", "page", "entry"), ("vote", "ratify"))
BALLOTS = Table("ballot", ("page", "entry", "seat"), ("named", "option", "possible"))
"""What a result that names votes makes of a seat: its votes, the option that counts, and all that may come to."""
BALLOT_SORTS = Table("ballot_sort", ("page", "entry", "option", "possible"), ("seats",))
"""How many rows of BALLOTS are alike. The one without an option and possible ones says that a vote is missing, or none."""
RESULT_WAITS = Table("result_wait", ("record", "scope", "page", "entry"), ())
"""Results and words that name a record which was not held when they were judged."""
RESULTS_ON = Table("result_on", ("motion", "clause", "scope", "page", "entry"), ("number",))
SETTLES = Table("settle", ("scope", "number", "page", "entry"), ("log", "seq", "id"))
"""Entries of known pages that choose the branch of a forked log, in book order."""
SETTLED = Table("settled", ("scope", "log"), ("seq", "id", "page", "entry"), rooted=True)
"""Of a log the last record that holds, by the first sealed page of its body that says so."""
NODE_ENTRIES = Table("node_entry", ("scope", "number", "page", "entry"), ("body", "key"))
"""Entries of known pages that name a body's node or take that back, in book order."""
NODES = Table("node", ("scope", "key"), ("standing", "number", "page"), rooted=True)
"""Nodes that a book names, or named once and has dropped, and the page since which that is so."""
SEATS = Table("seat", ("scope", "key"), ("standing", "number"))
CUTS = Table("seat_cut", ("scope", "key", "log", "seq", "id"), ("number",))
NAMED = Table("named", ("scope", "key", "log"), ("named",))
"""Keys that any page of a followed body names, with their log; repair keys with an empty one."""
POSTS = Table("post", ("scope", "role", "key", "record"), ("incarnation", "said_by", "time"))
"""What keys serve a body as, by its own people's word: its node, and the incarnation of that node's logs."""
PEOPLE = Table("person", ("scope", "key", "record"), ("name", "said_by", "time"))

TABLES = (
    *(
        BOOKS,
        STATUSES,
        VERDICTS,
        FOLLOWED,
        LOGS,
        RECORDS,
        BRANCHES,
        PAGES,
        CHILDREN,
        KNOWN,
        DECISIONS,
        NAMES,
        VOICES,
    ),
    *(LAST_VOICE, WAITING, SEATS, CUTS, NAMED, PEOPLE, POSTS),
    *(MANDATES, VOTE_VERDICTS, RESULTS, ACTS, SOUND, NEEDED, SPLITS, WITNESSES, MANDATE_ACTS, MANDATE_LOGS),
    *(RESULTS_OPEN, MANDATE_CUTS),
    *(MOTIONS, VOTES, VOTES_ON, WORDS, BALLOTS, BALLOT_SORTS, RESULT_WAITS, RESULTS_ON, COUNTS, SPOKEN),
    *(SETTLES, SETTLED, NODE_ENTRIES, NODES),
    DISSENTS,
)
"""All tables of this side of the fold, for the store that keeps them."""

Reader = View | Draft


def is_outside(view: Reader, scope: Scope) -> bool:
    """Say whether the body with this founding tag is looked at from outside."""
    row = view.get(FOLLOWED, (scope,))
    return row is not None and bool(row[1])


SEALED, ADOPTED, DRAFTED, DISPLACED, FROZEN = "sealed", "adopted", "drafted", "displaced", "frozen"


class Known(NamedTuple):
    """A page whose chain to page 0 is held."""

    scope: Scope
    body: PageId
    number: int
    prev: PageId | None
    repair: bool
    epoch: PageId | None
    level: int | None


class Status(NamedTuple):
    """What a known page has come to."""

    number: int
    status: str
    certified: bool


class LogRow(NamedTuple):
    """Whose log it is. `fit` says that it could speak for a body with its scope."""

    key: Key
    scope: Scope
    capacity: str
    fit: bool
    page: PageId | None = None
    entry: int | None = None


class RecordRow(NamedTuple):
    """A record of an authority log, and what it speaks of."""

    log: LogId
    seq: int
    branch: int
    kind: str
    page: PageId | None
    slot: PageId | None
    fault: str | None


class PageRow(NamedTuple):
    """A page as it came, known or not."""

    number: int
    prev: PageId | None
    body: PageId
    scope: Scope | None
    repair: bool
    carrier: RecordId
    payload: bytes


class Book(NamedTuple):
    """How far a followed book is sealed."""

    body: PageId
    head: PageId
    number: int
    frozen: bool


def known(view: Reader, page: PageId) -> Known | None:
    """Return what is known of `page`, None when its chain to page 0 is not held."""
    row = view.get(KNOWN, (page,))
    return Known(*row) if row else None  # type: ignore[arg-type]


def status(view: Reader, scope: Scope, page: PageId) -> Status | None:
    """Return the status of a known page."""
    row = view.get(STATUSES, (scope, page))
    return Status(row[0], row[1], bool(row[2])) if row else None  # type: ignore[arg-type]


def page_row(view: Reader, page: PageId) -> PageRow | None:
    """Return a page as it came."""
    row = view.get(PAGES, (page,))
    return PageRow(*row) if row else None  # type: ignore[arg-type]


def record_row(view: Reader, record: RecordId) -> RecordRow | None:
    """Return a record of an authority log."""
    row = view.get(RECORDS, (record,))
    return RecordRow(*row) if row else None  # type: ignore[arg-type]


def log_row(view: Reader, log: LogId) -> LogRow | None:
    """Return whose log it is."""
    row = view.get(LOGS, (log,))
    return LogRow(*row) if row else None  # type: ignore[arg-type]


def book(view: Reader, scope: Scope) -> Book | None:
    """Return the book with this founding tag, None when it is not followed or its page 0 not held."""
    row = view.get(BOOKS, (scope,))
    return Book(*row) if row else None  # type: ignore[arg-type]


def children(view: Reader, page: PageId) -> list[PageId]:
    """Return the pages after `page` whose chain is held, sorted."""
    return [key[1] for key, _ in view.scan(CHILDREN, (page,)) if view.get(KNOWN, (key[1],))]  # type: ignore[misc]


def row(value: NamedTuple) -> Row:
    """Return a value as a plain row: truths as numbers, enumerations as words."""
    return tuple(int(cell) if isinstance(cell, bool) else cell for cell in value)
