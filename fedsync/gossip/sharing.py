"""What two sides may both hold, and one root over it, kept up as sets move. Pure.

A set (scope, reach, class) is shared when the smaller of the two extents covers it; and one that goes only as far as a
region, when each side lets the other have it. What is local never is. Whoever follows the same as another shares the
same, so sessions with such peers work it out once.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial

from fedsync.gossip.aliases import Naming
from fedsync.gossip.following import Following, common, followed
from fedsync.gossip.holdings import SetKey
from fedsync.gossip.trees import Trees
from fedsync.gossip.trie import EMPTY, group_hash, part, top
from fedsync.records.ids import LogClass, LogId, Reach, Scope

_NAMINGS = 4
"""Of the salts that were used last, what is called how: a telling comes in many pages, and both sides tell under the same."""
MOST_KEPT = 64
"""Pairs of followings that are kept in mind: about those of the peers that are connected at once."""

MOST_SAID = 1024
"""Sets of which it is kept in mind whether two sides share them, some 100 KB."""


def shared(mine: Following, theirs: Following, key: SetKey) -> bool:
    """Say whether both sides may hold a set. What was not heard of the other side is taken to be all that we follow."""
    scope, reach, log_class = key
    here = mine.get(scope)
    # Most of those who meet follow the same.
    there = here if theirs is mine else theirs.get(scope)
    if reach is Reach.LOCAL or here is None or not here.extent.covers(reach, log_class):
        return False
    if reach is Reach.REGION and not here.near:
        return False
    if there is None:
        return not theirs.knows(scope)
    return there.extent.covers(reach, log_class) and (reach is not Reach.REGION or there.near)


class Shared:
    """The sets that two sides may both hold and of which something is held here, ordered."""

    def __init__(self, trees: Trees, both: Following) -> None:
        """`both`: what both follow, each body as far as both do."""
        self._trees, self.both = trees, both
        self._moves = -1
        self._keys: list[SetKey] = []
        self._parts: list[bytes] = []
        """What each adds to the root."""
        self._groups: dict[int, bytes | None] = {}
        """The hash of each group, by the first byte of its scopes; None: some set of it has moved."""
        self._roots: dict[bytes, bytes] = {}
        self._said: dict[SetKey, bool] = {}
        """Of the sets that were asked for last, whether they are shared: that never changes here."""

    def __contains__(self, key: SetKey) -> bool:
        said = self._said.get(key)
        if said is None:
            if len(self._said) >= MOST_SAID:
                self._said.clear()
            said = self._said[key] = shared(self.both, self.both, key)
        return said

    def told(self, both: Following, scopes: Iterable[Scope]) -> "Shared":
        """Return what is shared when both follow this, and something else than before only of these bodies.

        It costs as much as there are of them: whoever says it again and again costs no more than it says.
        """
        self._look()
        found = Shared(self._trees, both)
        found._moves, found._groups = self._moves, dict(self._groups)
        keys, parts = found._keys, found._parts = list(self._keys), list(self._parts)
        for scope in scopes:
            low = bisect_left(keys, (scope,))
            high = bisect_left(keys, (scope, Reach.WORLD, len(LogClass)), low)
            sets = [(scope, reach, each) for reach in (Reach.REGION, Reach.WORLD) for each in LogClass]
            now = [key for key in sets if key in self._trees and key in found]
            if now != keys[low:high]:
                keys[low:high] = now
                parts[low:high] = [found._part(key) for key in now]
                found._groups[scope[0]] = None
        return found

    def sets(self) -> list[SetKey]:
        """Return the sets."""
        self._look()
        return self._keys

    def among(self, first: bytes, end: bytes) -> list[SetKey]:
        """Return the sets of the scopes from `first` to below `end`; empty: from the beginning, to the end."""
        low, high = self._bounds(first, end)
        return self._keys[low:high]

    def of(self, scope: Scope) -> list[SetKey]:
        """Return the sets of one body."""
        self._look()
        low = bisect_left(self._keys, (scope,))
        return self._keys[low : bisect_left(self._keys, (scope, Reach.WORLD, len(LogClass)), low)]

    def adds(self, before: "Shared", scopes: Iterable[Scope]) -> bool:
        """Say whether there are sets of these bodies that were not shared before."""
        return any(key not in before for scope in scopes for key in self.of(scope))

    def parts(self, first: bytes, end: bytes) -> list[bytes]:
        """Return what these sets add to the root."""
        low, high = self._bounds(first, end)
        return self._parts[low:high]

    def root(self, follows: bytes, without: Mapping[SetKey, Iterable[LogId]]) -> bytes:
        """Return the 16 bytes over the roots of all, some logs left out."""
        self._look()
        found = self._roots.get(follows) if not without else None
        if found is not None:
            return found
        for group, hash_ in self._groups.items():
            if hash_ is None:
                self._groups[group] = _group(self._parts_of(group))
        groups = self._groups
        if without:
            groups, apart = dict(groups), defaultdict[int, dict[SetKey, Iterable[LogId]]](dict)
            for key, logs in without.items():
                apart[key[0][0]][key] = logs
            for group in apart.keys() & groups.keys():
                groups[group] = _group(self._parts_of(group, apart[group]))
        found = top([each for _, each in sorted(groups.items()) if each], follows)
        if not without:
            if len(self._roots) >= MOST_KEPT:
                # Each side's word is part of the root, and a peer may say the same again and again under other salts.
                self._roots.clear()
            self._roots[follows] = found
        return found

    def _parts_of(self, group: int, without: Mapping[SetKey, Iterable[LogId]] | None = None) -> list[bytes]:
        low = bisect_left(self._keys, (Scope(bytes((group,))),))
        high = bisect_left(self._keys, (Scope(bytes((group + 1,))),)) if group < 255 else len(self._keys)
        parts = self._parts[low:high]
        for key, logs in (without or {}).items():
            at = bisect_left(self._keys, key, low, high)
            if at < high and self._keys[at] == key:
                root = self._trees.without(key, frozenset(logs))
                parts[at - low] = part(key, root) if root != EMPTY else b""
        return parts

    def _bounds(self, first: bytes, end: bytes) -> tuple[int, int]:
        self._look()
        low = bisect_left(self._keys, (Scope(first),))
        return low, bisect_left(self._keys, (Scope(end),)) if end else len(self._keys)

    def _look(self) -> None:
        """Take in what has moved."""
        now = self._trees.moves
        if now == self._moves:
            return
        if self._moves < 0:
            self._keys = sorted(key for key in self._trees.sets() if key in self)
            self._parts = [self._part(key) for key in self._keys]
            self._groups = dict.fromkeys(key[0][0] for key in self._keys)
        else:
            for key in self._trees.moved(self._moves):
                at = bisect_left(self._keys, key)
                if self._keys[at : at + 1] == [key]:
                    self._parts[at] = self._part(key)
                elif key in self:
                    self._keys.insert(at, key)
                    self._parts.insert(at, self._part(key))
                else:
                    continue
                self._groups[key[0][0]] = None
        self._moves = now
        self._roots.clear()

    def _part(self, key: SetKey) -> bytes:
        root = self._trees.root(key)
        return part(key, root) if root != EMPTY else b""


def _group(parts: list[bytes]) -> bytes:
    """Return the hash over the sets of a group, nothing when all are empty."""
    return group_hash(parts) if any(parts) else b""


class Sharing:
    """What a node shares with each of its peers. One for all sessions of a node."""

    def __init__(self, trees: Trees, curious: bool = True) -> None:
        self.trees = trees
        self._mine: dict[Collection[Scope] | None, Following] = {}
        self._at = -1
        self._between: dict[bytes, Shared] = {}
        self._namings: dict[bytes, Naming] = {}
        self.curious = curious
        """Whether the node may have a use for bodies that it does not follow: then it asks its peers which theirs are."""

    def mine(self, near: frozenset[Scope] | None) -> Following:
        """Return what this node follows, as it tells a peer that is let have all of the bodies `near`; None: of every one."""
        holdings = self.trees.holdings
        now = holdings.followed_at()
        if now != self._at:
            self._at = now
            self._mine.clear()
        found = self._mine.get(near)
        if found is None:
            if len(self._mine) >= MOST_KEPT:
                del self._mine[next(iter(self._mine))]
            found = self._mine[near] = followed(holdings.bodies(), near)
        return found

    def naming(self, following: Following, salt: bytes) -> Naming:
        """Return what a node follows by its aliases under a salt."""
        found = self._namings.pop(salt, None)
        if found is None or found.following is not following:
            found = Naming(following, salt)
        self._namings[salt] = found
        if len(self._namings) > _NAMINGS:
            del self._namings[next(iter(self._namings))]
        return found

    def between(self, both: Following, made: Callable[[], Shared] | None = None) -> Shared:
        """Return what is shared by who follows this. `made`: a shorter way to work it out."""
        found = self._between.pop(both.data, None) or (made or partial(Shared, self.trees, both))()
        self._between[both.data] = found
        if len(self._between) > MOST_KEPT:
            del self._between[next(iter(self._between))]
        return found

    def common(self, mine: Following, theirs: Following) -> Following:
        """Return what both follow, each body as far as both do: the same object while that is the same."""
        both = common(mine, theirs)
        found = self._between.get(both.data)
        return found.both if found is not None else both
