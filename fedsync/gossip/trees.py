"""The trees of all sets of a node, kept up as they change, and the one root over those that it shares with a peer. Pure.

One for all sessions of a node. Most links share the same sets, and most questions come when nothing has changed; when
something has, only the sets that it changed are looked at again.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias
from weakref import WeakValueDictionary

from fedsync.gossip.holdings import Holdings, SetKey
from fedsync.gossip.peer_memory import digest
from fedsync.gossip.trie import EMPTY, Tree, group_hash, top
from fedsync.records.ids import LogId, Scope

Follows: TypeAlias = tuple[tuple[Scope, bytes], ...]


class Whole:
    """The root over some sets, kept up."""

    def __init__(self, trees: "Trees", keys: Sequence[SetKey]) -> None:
        """`keys` ordered."""
        self.keys = keys
        self._trees = trees
        self._groups: dict[int, list[SetKey]] = {}
        for key in keys:
            self._groups.setdefault(key[0][0], []).append(key)
        self._hashes: dict[int, bytes] = {}
        """By the first byte of a scope; what is missing has changed. Empty where all sets are."""

    def stale(self, key: SetKey) -> None:
        """Note that a set has changed."""
        self._hashes.pop(key[0][0], None)

    def forget(self) -> None:
        """Note that all may have changed."""
        self._hashes.clear()

    def root(self, follows: bytes, without: Mapping[SetKey, Sequence[LogId]]) -> bytes:
        """Return the root, some logs left out."""
        self._trees.renew()
        hashes, tree = self._hashes, self._trees.fresh
        changed: dict[int, bytes] = {}
        for group in {key[0][0]: None for key in without}:
            if keys := self._groups.get(group):
                changed[group] = self._hash([(each, self._without(each, without)) for each in keys])
        for group, those in self._groups.items():
            if group not in hashes:
                hashes[group] = self._hash([(key, tree(key).hash()) for key in those])
        return top([each for group in self._groups if (each := changed.get(group, hashes[group]))], follows)

    def _hash(self, roots: Iterable[tuple[SetKey, bytes]]) -> bytes:
        there = [each for each in roots if each[1] != EMPTY]
        return group_hash(there) if there else b""

    def _without(self, key: SetKey, without: Mapping[SetKey, Sequence[LogId]]) -> bytes:
        logs = without.get(key)
        return Tree(self._trees.holdings, key, logs).hash() if logs else self._trees.fresh(key).hash()


class Trees:
    """The trees of all sets, each kept until it changes."""

    def __init__(self, holdings: Holdings) -> None:
        self.holdings = holdings
        self._kept: dict[SetKey, Tree] = {}
        # Sessions keep them: two peers that follow the same share one, and who is gone costs nothing.
        self._wholes: WeakValueDictionary[tuple[SetKey, ...], Whole] = WeakValueDictionary()
        self._at: tuple[bytes, int] = (b"", -1)
        self._bodies: Follows = ()
        self._scopes: frozenset[Scope] = frozenset()
        self._follows = digest(())
        self._sets: dict[SetKey, None] = {}
        self._choice = 0

    def tree(self, key: SetKey) -> Tree:
        """Return the set as it is stored now."""
        self.renew()
        return self.fresh(key)

    def fresh(self, key: SetKey) -> Tree:
        """Return the set as it was when `renew` was last called."""
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = Tree(self.holdings, key)
        return found

    def roots(self, keys: Iterable[SetKey]) -> list[tuple[SetKey, bytes]]:
        """Return the roots of those of these sets that are not empty, ordered by set."""
        return [(key, root) for key in sorted(keys) if (root := self.tree(key).hash()) != EMPTY]

    def whole(self, keys: Iterable[SetKey]) -> Whole:
        """Return the root over these sets, to be asked for again whenever `choice` says something else."""
        self.renew()
        ordered = tuple(sorted(keys))
        found = self._wholes.get(ordered)
        if found is None:
            found = self._wholes[ordered] = Whole(self, ordered)
        return found

    @property
    def bodies(self) -> Follows:
        """The bodies that are followed."""
        self.renew()
        return self._bodies

    @property
    def scopes(self) -> frozenset[Scope]:
        """The scopes of the bodies that are followed."""
        self.renew()
        return self._scopes

    @property
    def follows(self) -> bytes:
        """A digest of the bodies that are followed."""
        self.renew()
        return self._follows

    @property
    def sets(self) -> Iterable[SetKey]:
        """The sets that are not empty."""
        self.renew()
        return self._sets.keys()

    @property
    def choice(self) -> int:
        """A number that changes when other bodies are followed, or a set begins: what is shared may be more, or less."""
        self.renew()
        return self._choice

    def renew(self) -> tuple[bytes, int]:
        """Look at what has changed, if anything has; return the journal's id and counter up to which that was done."""
        now = self.holdings.journal()
        if now != self._at:
            self._moved(now)
        return now

    def _moved(self, now: tuple[bytes, int]) -> None:
        holdings = self.holdings
        if now[0] == self._at[0] and now[1] >= self._at[1]:
            for key in holdings.moved(self._at[1]):
                self._kept.pop(key, None)
                for whole in self._wholes.values():
                    whole.stale(key)
                if key not in self._sets:
                    self._sets[key] = None
                    self._choice += 1
        else:
            self._kept.clear()
            for whole in self._wholes.values():
                whole.forget()
            self._sets = dict.fromkeys(holdings.sets())
            self._choice += 1
        self._at = now
        bodies = tuple(holdings.bodies())
        if bodies != self._bodies:
            self._bodies, self._follows = bodies, digest(bodies)
            self._scopes = frozenset([scope for scope, _ in bodies])
            self._choice += 1
