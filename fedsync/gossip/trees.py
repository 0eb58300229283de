"""The sets of a node as they are stored, and what was worked out of them, kept up as they move. Pure.

One for all sessions of a node. With thousands of sets of which one moves at a time, what was worked out of the others
stays: the roots of all, and the trees of those that were compared last.
"""

from collections.abc import Collection, Iterable

from fedsync.gossip.holdings import Holdings, SetKey
from fedsync.gossip.limits import LEAF_ITEMS, MAX_TREES
from fedsync.gossip.trie import EMPTY, Tree, node_hash
from fedsync.records.ids import LogId


class Trees:
    """The sets as they are stored now. One for all sessions of a node.

    With thousands of sets of which one moves at a time, what was worked out of the others stays: roots of all, and the
    trees of those that were compared last.
    """

    def __init__(self, holdings: Holdings) -> None:
        self.holdings = holdings
        self._kept: dict[SetKey, Tree] = {}
        self._roots: dict[SetKey, bytes | None] = {}
        """Of all sets; None: not worked out."""
        self._moved: dict[SetKey, int] = {}
        """When each set was found to have moved, as counted by `moves`; the last at the end."""
        self._moves = 0
        self._at: tuple[bytes, int] = (b"", -1)

    def tree(self, key: SetKey) -> Tree:
        """Return the set as it is stored now."""
        self.renew()
        found = self._kept.pop(key, None) or Tree(self.holdings, key)
        self._kept[key] = found
        if len(self._kept) > MAX_TREES:
            del self._kept[next(iter(self._kept))]
        return found

    def root(self, key: SetKey) -> bytes:
        """Return a set's root."""
        self.renew()
        found = self._roots.get(key)
        if found is None:
            found = self._hash(key)
            if key in self._roots:
                self._roots[key] = found
        return found

    def _hash(self, key: SetKey) -> bytes:
        tree = self._kept.get(key)
        if tree is None and self.holdings.count(key) <= LEAF_ITEMS:
            # Most sets are those of a few people: one leaf.
            return node_hash(self.holdings.items(key, b"", None), 0)
        return (tree or Tree(self.holdings, key)).hash()

    def without(self, key: SetKey, logs: Collection[LogId]) -> bytes:
        """Return what a set's root would be if these logs were not held."""
        if self.holdings.count(key) <= LEAF_ITEMS:
            items = self.holdings.items(key, b"", None)
            return node_hash([each for each in items if each[1] not in logs], 0)
        return Tree(self.holdings, key, logs).hash()

    def roots(self, keys: Iterable[SetKey]) -> list[tuple[SetKey, bytes]]:
        """Return the roots of those of these sets that are not empty, ordered by set."""
        return [(key, root) for key in sorted(keys) if (root := self.root(key)) != EMPTY]

    def sets(self) -> list[SetKey]:
        """Return the sets of which some log is held."""
        self.renew()
        return list(self._roots)

    def __contains__(self, key: SetKey) -> bool:
        """Say whether some log of a set is held."""
        self.renew()
        return key in self._roots

    @property
    def moves(self) -> int:
        """How often some set was found to have moved."""
        now = self.holdings.journal()
        if now != self._at:
            self._take_in(now)
        return self._moves

    def moved(self, since: int) -> list[SetKey]:
        """Return the sets that were found to have moved after `moves` was `since`."""
        self.renew()
        found: list[SetKey] = []
        for key in reversed(self._moved):
            if self._moved[key] <= since:
                break
            found.append(key)
        return found

    def renew(self) -> tuple[bytes, int]:
        """Look at what has moved, if anything has; return the journal's id and counter up to which that was done."""
        now = self.holdings.journal()
        if now != self._at:
            self._take_in(now)
        return now

    def _take_in(self, now: tuple[bytes, int]) -> None:
        (journal, counter), self._at = self._at, now
        if journal == now[0] and counter <= now[1]:
            moved = self.holdings.moved(counter)
        else:
            # Another journal's counter says nothing of this one: whatever is held may have moved.
            moved = list(dict.fromkeys((*self._roots, *self.holdings.sets())))
        for key in moved:
            self._kept.pop(key, None)
            self._moved.pop(key, None)
            self._moves += 1
            self._moved[key] = self._moves
            self._roots[key] = None
