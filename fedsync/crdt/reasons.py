"""Why something counts or does not: each reason's code, the rule that it follows, and a sentence. Pure data.

The rules are those of the design's page on authority, numbered there and in docs.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Reason(NamedTuple):
    """A numbered rule and what it says of the case, in plain words."""

    rule: int
    sentence: str


REASONS: Mapping[str, Reason] = MappingProxyType(
    {
        # Voices
        "counts": Reason(4, "it speaks for a seat or sealer of the body, and counts"),
        "moved": Reason(8, "the same teller later signed a rival page of this slot"),
        "no-seat": Reason(4, "its log is neither a seat nor a sealer in the epoch in force"),
        "no-repair-key": Reason(
            6, "a repair page is signed by repair keys of the epoch in force, and by nobody else"
        ),
        "no-epoch": Reason(2, "the book has no sound epoch, so nobody can speak for the body"),
        "wrong-slot": Reason(5, "it says that the page follows another page than it does"),
        "round-fell": Reason(5, "the same log had already spoken in a higher round here"),
        "signed-two": Reason(5, "the same log had already signed a rival page in this round"),
        "approved-two": Reason(5, "the same log had already approved a rival page in this round"),
        "signed-after-approving": Reason(5, "the same log had already approved a rival page in this round"),
        "too-many": Reason(5, "its log has spoken too often about the pages of this slot"),
        "locked": Reason(
            5, "the log approved a rival page and names no later round whose quorum would free it"
        ),
        "lock-not-shown": Reason(5, "the quorum of the round that it names is not held yet"),
        "page-not-held": Reason(1, "the page that it names, or one before that, is not held yet"),
        "log-not-held": Reason(1, "this node does not hold it yet"),
        "seen-from-outside": Reason(
            6, "its page is seen from outside here: who sealed it is looked at, not who signed it for a body"
        ),
        "epoch-not-settled": Reason(
            3, "the epoch in force waits for consents, or for the first pages of its bodies"
        ),
        "consents-missing": Reason(3, "too few of its bodies consent to it by their own books"),
        "not-lower": Reason(2, "a body has a seat that is not of a lower level"),
        "no-body": Reason(2, "a seat is for what is no body's first page"),
        # Delegates
        "mandate-not-held": Reason(9, "the page that gives its mandate is not held yet"),
        "mandate-not-certified": Reason(4, "the page that gives its mandate is not certified yet"),
        "mandate-not-sealed": Reason(9, "the page that gives its mandate is only a draft"),
        "mandate-provisional": Reason(9, "the page that gives its mandate is adopted, and not sealed yet"),
        "mandate-frozen": Reason(9, "the book of its giver is split at the page that gives its mandate"),
        "mandate-displaced": Reason(9, "a rival of the page that gives its mandate was sealed"),
        "no-mandate": Reason(4, "its log names no mandate that its body gave"),
        "not-the-holder": Reason(4, "its author is neither the holder of the mandate nor the alternate"),
        "other-seat": Reason(4, "its mandate is not for a seat of this body"),
        "outside-may": Reason(14, "its mandate does not allow all kinds of entries on the page"),
        "term-over": Reason(14, "by its own time it was written after the term of its mandate"),
        "beyond-limit": Reason(14, "its log had done as much of this before as its mandate allows"),
        "uninstructed": Reason(14, "its mandate has no instruction on this question"),
        "outside-instructions": Reason(14, "its mandate does not allow this choice"),
        "recalled": Reason(10, "its giver recalled, closed or replaced the mandate, and did not keep this"),
        "recall-adopted": Reason(
            10, "a recall, closing or replacement of its mandate is adopted, and not sealed yet"
        ),
        "tip-not-held": Reason(10, "the record that a recall keeps its log up to is not held yet"),
        "no-task": Reason(
            9, "its mandate is for a seat in a body, and goods are recorded under one for a task"
        ),
        "outside-kinds": Reason(14, "its mandate does not allow this kind of record"),
        "own-seat": Reason(4, "a body has no seat in itself, so nobody can speak for it there"),
        "seat-not-held": Reason(4, "the book of the body that it names has not come yet"),
        "no-seat-there": Reason(
            4, "its giver has no seat in that body, so whoever is sent says nothing there"
        ),
        "settled-log-not-held": Reason(5, "the log that it names is not held here yet"),
        "every-branch-counts": Reason(
            5, "of a log of pages and signatures every branch counts: there is nothing to choose"
        ),
        "not-its-log": Reason(
            5, "the log is another body's, and only the book of that body chooses its branch"
        ),
        "settled-before": Reason(5, "an entry before it has chosen the branch of this log, and that holds"),
        "branch-not-held": Reason(5, "the record that it names is not held here yet"),
        "not-the-giver": Reason(10, "only the book that gave a mandate ends it"),
        "no-such-mandate": Reason(10, "what it names is no mandate in this book before it"),
        "mandate-of-a-rival": Reason(10, "the mandate that it names stands on a rival of a page before it"),
        # Votes
        "no-vote": Reason(12, "no vote of this seat is held"),
        "no-word": Reason(12, "its book has not said yet which vote is its word"),
        "word-not-settled": Reason(11, "its book names a vote that is not held yet"),
        "word-not-witnessed": Reason(12, "no sealed page here has seen the page of its book that says so"),
        "page-not-sealed": Reason(12, "the page that it stands on is not sealed"),
        "vote-not-held": Reason(12, "a vote that it names is not held yet"),
        "no-vote-record": Reason(12, "what it names is no vote"),
        "other-question": Reason(12, "the vote is on another motion or clause"),
        "not-of-a-seat": Reason(12, "the vote is not for a seat of this body"),
        "second-vote": Reason(12, "a seat has one vote: another one counts"),
        "seat-not-named": Reason(4, "no page held here names its log as a seat"),
        "the-word": Reason(11, "its body's sealed book names it as the body's word, for good"),
        "not-the-word": Reason(11, "its body's sealed book names another vote, or none, as the body's word"),
        # Motions
        "motion-not-held": Reason(11, "the motion that it is about is not held yet"),
        "body-not-known": Reason(1, "the book of the body that it asks is not held yet"),
        "seat-elsewhere": Reason(4, "its author has a seat in another body, and no mandate for this one"),
        "seat-not-given": Reason(4, "only a draft names its author as a seat"),
        "amended-not-held": Reason(1, "the motion that it amends is not held yet"),
        "amends-no-motion": Reason(14, "what it amends is no motion"),
        "amends-another-body": Reason(14, "what it amends was put to another body"),
        # Records
        "malformed": Reason(14, "its payload does not match its kind exactly"),
        "wrong-class": Reason(14, "its kind does not belong in this class of log"),
        "not-a-node": Reason(14, "only a node says where it answers, in a log that others see"),
        "local-log": Reason(14, "it stands in a log that never leaves the community's own nodes"),
        # Decisions
        "superseded": Reason(13, "a later decision on a sealed page stands in its place"),
        "repealed": Reason(13, "a sealed page repealed it"),
        "expired": Reason(13, "its term is over, by the clock of this machine"),
        "decision-not-held": Reason(1, "the decision that it would end is not held"),
        "not-our-decision": Reason(13, "the decision that it would end is not one of this book"),
        "no-decision": Reason(13, "what it would end is no decision"),
        "ended-before": Reason(13, "an earlier entry ended that decision"),
        "decision-not-in-force": Reason(13, "the decision that it would end is not in force"),
        # Pages
        "chain-not-held": Reason(1, "a page before it is not held yet"),
        "number": Reason(1, "its number is not one more than that of the page before it"),
        "other-body": Reason(1, "it names another body than the page before it"),
        "not-followed": Reason(1, "this node does not follow the body"),
        "another-founding": Reason(1, "its founding tag is bound to another page 0"),
        "founded": Reason(6, "it is page 0; a founded body is shown as such when page 1 is sealed"),
        "sealed": Reason(7, "enough have signed and approved it, and it is the one that holds in its place"),
        "repaired": Reason(7, "the repair keys signed it, and it is the one that holds in its place"),
        "adopted": Reason(8, "enough seats stand by it; the seal is missing"),
        "short": Reason(6, "not enough seats have signed it"),
        "on-a-draft": Reason(8, "the page before it is itself only a draft"),
        "displaced": Reason(7, "a rival page was sealed in its place, or in the place of a page before it"),
        "frozen": Reason(
            7, "enough have signed and approved each of two rivals: the book stops here until it is repaired"
        ),
        # Epochs; what exactly is wrong stands beside the code where it is found
        "second-epoch": Reason(2, "a page changes the epoch once: the first entry holds"),
        "level-changed": Reason(2, "the level of a body is fixed on page 0"),
        "k-no-majority": Reason(2, "two groups that are large enough to sign may share nobody"),
        "w-no-majority": Reason(2, "two groups that are large enough to seal may share nobody"),
        "threshold-no-majority": Reason(2, "two groups of repair keys that are large enough may share none"),
        "k-out-of-reach": Reason(2, "more signatures are asked for than there are seats"),
        "w-out-of-reach": Reason(2, "more approvals are asked for than there are sealers"),
        "threshold-out-of-reach": Reason(2, "more repair keys are asked for than there are"),
        "named-twice": Reason(2, "a seat, sealer or repair key is named twice"),
        "not-a-seat": Reason(2, "a seat or sealer names a log that can't speak for this body"),
        "no-lower-level": Reason(2, "no body is of a lower level than 0: none can have a seat here"),
        "epoch-unsound": Reason(
            3, "a body with a seat is not of a lower level, or fewer than k of them agreed to it"
        ),
        # Mandates
        "mandate-none": Reason(9, "its page is not adopted, so it gives nothing yet"),
        "mandate-is-provisional": Reason(9, "its page is adopted, and not sealed yet"),
        "mandate-in-force": Reason(9, "its page is sealed, and nothing has ended it"),
        "mandate-suspended": Reason(
            10, "a page that ends it is adopted or frozen: it rests until that is settled"
        ),
        "mandate-is-frozen": Reason(9, "the book is split at its page"),
        "mandate-void": Reason(9, "a rival of its page was sealed"),
        "mandate-ended": Reason(9, "a sealed page closed or replaced it, or left the body that it is for"),
        "mandate-recalled": Reason(10, "a sealed page of its giver recalled it"),
        # Results
        "binds": Reason(13, "its seat voted for the outcome within instructions, or its book ratified that"),
        "result-final": Reason(12, "its page is sealed, and nothing that may still come changes the outcome"),
        "result-counts": Reason(12, "it was counted in the room, and its page is sealed"),
        "result-open": Reason(12, "its page is sealed, and some seats may still come to say something else"),
        "result-unsealed": Reason(12, "its page is not sealed yet"),
        "result-pending": Reason(12, "its page, or the epoch that counts its seats, is not known yet"),
        # Words of bodies
        "word-holds": Reason(11, "it is the first on this question in the sealed book, and stands for good"),
        "word-skipped": Reason(11, "an earlier one holds, or the vote that it names can't be confirmed"),
        "word-waits": Reason(11, "the vote that it names, or what that vote waits for, is not held yet"),
        "word-not-sealed": Reason(11, "only a sealed page says a body's word"),
        # Entries that are worth what their page is
        "entry-pending": Reason(1, "its page, or one before it, is not held yet"),
        "entry-drafted": Reason(6, "its page is only a draft"),
        "entry-provisional": Reason(8, "its page is adopted, and not sealed yet"),
        "entry-in-force": Reason(7, "its page is sealed"),
        "entry-displaced": Reason(7, "a rival of its page was sealed"),
        "entry-frozen": Reason(7, "the book is split at its page"),
        # Bodies
        "body-followed": Reason(7, "its book is held, and goes on from its last sealed page"),
        "body-founding": Reason(6, "its first page after page 0 is not sealed yet"),
        "body-frozen": Reason(
            7, "enough have signed and approved each of two rival pages: its book is split"
        ),
        "body-not-held": Reason(1, "its page 0 has not come yet"),
        # What says nothing that counts or not
        "begins-a-log": Reason(4, "it names the key, the body and the capacity that its log is written in"),
        "claims-a-name": Reason(4, "it is a claim, shown as such; no rule hangs on what people are called"),
        "announces": Reason(4, "its node says where it answers; books alone say whether it may connect"),
        "names-a-post": Reason(4, "it says which node serves a body, until a later one says otherwise"),
        "puts-a-motion": Reason(11, "it asks a question; votes, words and results name it"),
        "dissents": Reason(14, "it is kept and shown beside what it is against; nobody can take it away"),
        "unknown-kind": Reason(14, "this version does not know the kind: it is kept, and has no effect"),
        "kept": Reason(14, "it is kept and passed on"),
    }
)

MANDATE_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "pending": "mandate-not-held",
        "none": "mandate-none",
        "provisional": "mandate-is-provisional",
        "in force": "mandate-in-force",
        "suspended": "mandate-suspended",
        "frozen": "mandate-is-frozen",
        "void": "mandate-void",
        "ended": "mandate-ended",
        "recalled": "mandate-recalled",
    }
)
"""A mandate's status -> the code of its reason."""

ENTRY_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "pending": "entry-pending",
        "drafted": "entry-drafted",
        "provisional": "entry-provisional",
        "in_force": "entry-in-force",
        "displaced": "entry-displaced",
        "frozen": "entry-frozen",
        "superseded": "superseded",
        "repealed": "repealed",
        "expired": "expired",
    }
)
"""The status of a decision, or of any entry that is worth what its page is -> the code of its reason."""


def reason(code: str) -> Reason:
    """Return the reason of a code. What a later version finds is told by its code, so that nobody is left without one."""
    return REASONS.get(code, Reason(14, code))
