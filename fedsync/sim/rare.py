"""What must be seen to happen sometimes: a run in which nothing rare happens tests less than it says."""

from collections import Counter
from typing import Final

RARE: Final = {
    "pushed": "a new record was pushed at once",
    "delta": "two nodes that remembered each other sent what was new since",
    "range": "sets were compared from the root down",
    "locate": "the place where two chains part was looked for",
    "no-base": "a block came whose forerunner was missing",
    "refused": "a record came too early: its body was not followed yet, or no page named its author",
    "pruned": "a copy came twice, and one way was cut off the tree",
    "lost": "a frame was lost",
    "burst": "a spell of bad loss began",
    "reordered": "a frame overtook another",
    "duplicated": "a frame came twice",
    "cut": "a link was cut",
    "silent": "a link went silent, and nobody was told",
    "noticed": "a session ended because nothing was heard",
    "stick": "somebody carried a stick",
    "stick-lost": "a stick was lost on the way",
    "stick-damaged": "a stick came damaged, or broken off",
    "anew": "one end of a thin link began a new life, and the other noticed",
    "overfull": "a session gave a thin link more than it takes, and ended",
    "window": "a link's window opened",
    "partition": "records were written on both sides of a partition",
    "crash": "a node crashed",
    "crash-in-commit": "a node crashed with records in its hands that were not on disk yet",
    "crash-untold": "a node crashed when a commit had reached the disk and nobody had been told",
    "forged": "a block came that was signed under a key of small order",
    "joined": "a community was founded during the storm, and joined",
    "left": "a node left for good",
    "restore": "a node was set back to a backup",
    "lost-for-good": "a backup lacked records that nobody else had",
    "outrun": "a peer told a node that it had held more before",
    "fork": "somebody wrote two different records at one place",
    "fork-apart": "somebody did so on both sides of a partition",
    "settle": "a community drafted a page that chooses the branch of a forked log",
    "pinned": "a node learnt at which record a forked log ends",
    "fork-met": "a node met the second branch of a log",
    "sealed": "a page was sealed",
    "region-sealed": "a page of a region was sealed",
    "world-sealed": "a page of the world above the regions was sealed",
    "syndicate-sealed": "a page of a syndicate was sealed",
    "allied": "a community sat in a syndicate, beside its region",
    "carried": "a node carried sealed pages into the body's own logs, for those who look from outside",
    "confirmed": "a community said which vote of its delegate's holds",
    "recall": "a delegate was recalled",
    "recall-apart": "a delegate was recalled on one side of a partition",
    "recalled-wrote": "a delegate who had been recalled wrote on",
    "dated-back": "somebody dated a vote back",
    "delegate-forked": "a delegate said two things at one place",
    "void": "a vote came to nothing: it was cut off, or against instructions, or not the community's word",
    "final": "a vote of a region came to a result that nothing can change",
    "kin": "a book made other bodies kin, so that a node keeps their records from then on",
    "outbound": "a node that nobody can call made a link by calling",
    "relayed": "a relay connected two nodes, of whom one could not be called",
    "relay-full": "a relay had carried as much between two as it does in a day",
    "moved": "a node moved to another address",
    "removed": "an operator removed a node",
    "introduced": "an operator took in a node that a peer introduced",
    "introduced-again": "a node that an operator had removed was introduced there",
    "turned-away": "a node that had been removed called, and was turned away",
    "over-share": "an author or a body had brought in as much as is taken in an hour, and more had to wait",
    "dismissed": "a body that flooded gave itself other tellers",
    "urgent": "something had to go before all else",
    "lied": "a node lied to its peer",
    "equivocated": "a node gave some of its peers one version of a log, and the others another",
    "struck": "a session ended over what deserved nothing",
}
"""Each with the sentence that people read."""


class Seen:
    """Counts of what happened."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def note(self, name: str) -> None:
        """Count one more of these."""
        assert name in RARE, name
        self.counts[name] += 1
