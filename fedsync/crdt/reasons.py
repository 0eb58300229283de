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
        "epoch-not-settled": Reason(
            3, "the epoch in force waits for consents, or for the first pages of its bodies"
        ),
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
        "own-seat": Reason(4, "a body has no seat in itself, so nobody can speak for it there"),
        "seat-not-held": Reason(4, "the book of the body that it names has not come yet"),
        "no-seat-there": Reason(
            4, "its giver has no seat in that body, so whoever is sent says nothing there"
        ),
        "not-the-giver": Reason(10, "only the book that gave a mandate ends it"),
        "no-such-mandate": Reason(10, "what it names is no mandate in this book before it"),
        "mandate-of-a-rival": Reason(10, "the mandate that it names stands on a rival of a page before it"),
        # Votes
        "seat-not-named": Reason(4, "no page held here names its log as a seat"),
        "the-word": Reason(11, "its body's sealed book names it as the body's word, for good"),
        "not-the-word": Reason(11, "its body's sealed book names another vote, or none, as the body's word"),
        # Records
        "malformed": Reason(14, "its payload does not match its kind exactly"),
        "wrong-class": Reason(14, "its kind does not belong in this class of log"),
        "local-log": Reason(14, "it stands in a log that never leaves the community's own nodes"),
        # Pages
        "chain-not-held": Reason(1, "a page before it is not held yet"),
        "number": Reason(1, "its number is not one more than that of the page before it"),
        "other-body": Reason(1, "it names another body than the page before it"),
        "not-followed": Reason(1, "this node does not follow the body"),
        "another-founding": Reason(1, "its founding tag is bound to another page 0"),
        "founded": Reason(6, "it is page 0; a founded body is shown as such when page 1 is sealed"),
        "sealed": Reason(7, "it is certified, and on the canonical branch"),
        "repaired": Reason(7, "the repair keys signed it, and it is on the canonical branch"),
        "adopted": Reason(8, "enough seats stand by it; the seal is missing"),
        "short": Reason(6, "not enough seats have signed it"),
        "on-a-draft": Reason(8, "the page before it is itself only a draft"),
        "displaced": Reason(7, "a rival page was sealed in its place, or in the place of a page before it"),
        "frozen": Reason(7, "rival pages are certified after one page: only a repair page can settle it"),
    }
)


def reason(code: str) -> Reason:
    """Return the reason of a code; entries of pages carry their own sentence and have none here."""
    return REASONS.get(code, Reason(2, code))
