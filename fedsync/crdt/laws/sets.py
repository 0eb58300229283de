"""Sets that merge: one that only grows, and one in which a removal takes away only what it has seen. Pure."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from fedsync.records.ids import RecordId

E = TypeVar("E", bound=Hashable)


@dataclass(frozen=True, slots=True)
class GrowSet(Generic[E]):
    """What was once added stays: facts about goods, and the names of stores."""

    elements: frozenset[E] = frozenset()

    def add(self, *elements: E) -> "GrowSet[E]":
        """Return the set with these in it as well."""
        return GrowSet(self.elements.union(elements))

    def __or__(self, other: "GrowSet[E]") -> "GrowSet[E]":
        """Return what is in either."""
        return GrowSet(self.elements | other.elements)

    def __contains__(self, element: object) -> bool:
        return element in self.elements

    def __iter__(self) -> Iterator[E]:
        return iter(self.elements)

    def __len__(self) -> int:
        return len(self.elements)


@dataclass(frozen=True, slots=True)
class AddWinsSet(Generic[E]):
    """A set in which adding wins over a removal that did not know of it.

    Each addition carries the id of its record; a removal names the additions that its author had seen. So who
    signs up for a shift while somebody else strikes the list stays signed up.
    """

    added: frozenset[tuple[E, RecordId]] = frozenset()
    removed: frozenset[tuple[E, RecordId]] = frozenset()
    """Additions that were taken back. Kept, since the addition may arrive after its removal."""

    def add(self, element: E, by: RecordId) -> "AddWinsSet[E]":
        """Return the set after the record `by` added `element`."""
        return AddWinsSet(self.added | {(element, by)}, self.removed)

    def remove(self, element: E, additions: Iterable[RecordId]) -> "AddWinsSet[E]":
        """Return the set after these additions of `element` were taken back."""
        return AddWinsSet(self.added, self.removed.union((element, each) for each in additions))

    def additions(self, element: E) -> frozenset[RecordId]:
        """Return the additions of `element` that stand: what a removal of it has to name."""
        return frozenset(by for each, by in self.added - self.removed if each == element)

    def __or__(self, other: "AddWinsSet[E]") -> "AddWinsSet[E]":
        """Return the set after all that happened to either."""
        return AddWinsSet(self.added | other.added, self.removed | other.removed)

    def __contains__(self, element: object) -> bool:
        return any(each == element for each, _ in self.added - self.removed)

    def __iter__(self) -> Iterator[E]:
        return iter({each for each, _ in self.added - self.removed})
