"""The 19 actions of ValueFlows 1.0, and what each does to a resource. Pure.

The table is that of the vocabulary's file for release 1.0.0 (https://www.valueflo.ws/concepts/actions/, "Behaviors by
action"), in snake case, row by row and column by column. Left out are the columns of what has no place in a record here:
stages and states of a resource, inputs and outputs of a process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Effect(Enum):
    """What an action does to a quantity of the resource that its event names."""

    NONE = "none"
    INCREMENT = "increment"
    DECREMENT = "decrement"
    DECREMENT_INCREMENT = "decrement_increment"
    """Less at the first resource (`store`), more at the second (`to`)."""
    INCREMENT_TO = "increment_to"
    """More at the second resource; nothing at the first."""


class Change(Enum):
    """What an action does to where a thing lies, or to who answers for it."""

    NONE = "none"
    NEW = "new"
    """Said of a thing that the event makes."""
    UPDATE = "update"
    """Of the first resource."""
    UPDATE_TO = "update_to"
    """Of the second resource."""
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Action:
    """What an action does: to what one has by right (accounting), to what lies there (on hand), to where a thing is, to
    what it is packed in, and to who answers for it (accountable).
    """

    accounting: Effect
    onhand: Effect
    location: Change = Change.NONE
    contained: Change = Change.NONE
    accountable: Change = Change.NONE

    @property
    def two_stores(self) -> bool:
        """Say whether the action has a first and a second resource."""
        return bool({self.accounting, self.onhand} & {Effect.DECREMENT_INCREMENT, Effect.INCREMENT_TO})

    def ends(self, quantity: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return what a quantity does to the first and to the second resource: on hand, and accounting."""
        first, second = zip(_SIGNS[self.onhand], _SIGNS[self.accounting], strict=True)
        return (first[0] * quantity, first[1] * quantity), (second[0] * quantity, second[1] * quantity)


_SIGNS = {
    Effect.NONE: (0, 0),
    Effect.INCREMENT: (1, 0),
    Effect.DECREMENT: (-1, 0),
    Effect.DECREMENT_INCREMENT: (-1, 1),
    Effect.INCREMENT_TO: (0, 1),
}
"""For the first and the second resource."""

_NONE, _MORE, _LESS = Effect.NONE, Effect.INCREMENT, Effect.DECREMENT
_HANDED, _COPIED = Effect.DECREMENT_INCREMENT, Effect.INCREMENT_TO
_SAME, _NEW, _HERE, _THERE, _OUT = Change.NONE, Change.NEW, Change.UPDATE, Change.UPDATE_TO, Change.REMOVE

ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        #                             accounting on hand  location contained accountable
        "accept": Action(_NONE, _LESS, _HERE, _SAME, _SAME),
        "cite": Action(_NONE, _NONE, _SAME, _SAME, _SAME),
        "combine": Action(_NONE, _LESS, _SAME, _HERE, _SAME),
        "consume": Action(_LESS, _LESS, _SAME, _SAME, _SAME),
        "copy": Action(_COPIED, _COPIED, _NEW, _SAME, _NEW),
        "deliver_service": Action(_NONE, _NONE, _SAME, _SAME, _SAME),
        "dropoff": Action(_NONE, _MORE, _HERE, _SAME, _SAME),
        "lower": Action(_LESS, _LESS, _SAME, _SAME, _NEW),
        "modify": Action(_NONE, _MORE, _HERE, _SAME, _SAME),
        "move": Action(_HANDED, _HANDED, _THERE, _SAME, _SAME),
        "pickup": Action(_NONE, _LESS, _HERE, _SAME, _SAME),
        "produce": Action(_MORE, _MORE, _NEW, _SAME, _NEW),
        "raise": Action(_MORE, _MORE, _SAME, _SAME, _NEW),
        "separate": Action(_NONE, _MORE, _SAME, _OUT, _SAME),
        "transfer": Action(_HANDED, _HANDED, _THERE, _SAME, _THERE),
        "transfer_all_rights": Action(_HANDED, _NONE, _SAME, _SAME, _THERE),
        "transfer_custody": Action(_NONE, _HANDED, _THERE, _SAME, _SAME),
        "use": Action(_NONE, _NONE, _SAME, _SAME, _SAME),
        "work": Action(_NONE, _NONE, _SAME, _SAME, _SAME),
    }
)
"""The 19 actions."""

TWO_STORES = frozenset(name for name, action in ACTIONS.items() if action.two_stores)
"""Those that take from one store for another, or make something in another."""

SIGNS: Mapping[str, int] = MappingProxyType(
    {name: action.ends(1)[0][0] for name, action in ACTIONS.items() if not action.two_stores}
)
"""+1, -1 or 0 on hand, for each action that is told of one store."""
APART: Mapping[str, int] = MappingProxyType(
    {
        name: action.ends(1)[0][1] - action.ends(1)[0][0]
        for name, action in ACTIONS.items()
        if not action.two_stores
    }
)
"""For the same actions: what they do to what one has by right beyond what they do to what lies there."""
IDLE = frozenset(
    name for name, action in ACTIONS.items() if action.onhand is _NONE and action.accounting is _NONE
)
"""Actions that change no stock: an event that tells of one need not name a store."""
