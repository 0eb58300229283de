"""What of ValueFlows 1.0 is written and read here, as plain values. Pure.

Names are those of the vocabulary (https://w3id.org/valueflows/ont/vf#). Where it has no word, as for a count of what lies
in a store or for a second name of an amount, there is one of fedsync's own: see `form`.
"""

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Measure:
    """An exact number of a unit, by UCUM code where it has one here, else by the word that the file has for it."""

    number: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Agent:
    """A community, a person or somebody else who gives or receives."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ResourceSpecification:
    """A kind of thing. `unit`: what its quantities count; empty when that is not said."""

    id: str
    name: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where things lie: a store."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class BatchLotRecord:
    """A lot. `expires` in ms; None: nothing is said of it."""

    id: str
    code: str
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class EconomicResource:
    """What lies of one thing at one place. Quantities are what the writer's books came to; a reader adds up again."""

    id: str
    conforms_to: str
    place: str = ""
    name: str = ""
    lot: str = ""
    accountable: str = ""
    """Whose books it stands in."""
    onhand: Measure | None = None
    accounting: Measure | None = None


@dataclass(frozen=True, slots=True)
class EconomicEvent:
    """A movement. `resource` is where it was, `to_resource` where it went. `at` in ms."""

    id: str
    action: str
    quantity: Measure
    at: int
    conforms_to: str = ""
    resource: str = ""
    to_resource: str = ""
    provider: str = ""
    receiver: str = ""
    fulfills: str = ""
    note: str = ""
    reason: str = ""
    stated: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """What somebody found of a resource."""

    id: str
    quantity: Measure
    resource: str
    at: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Intent:
    """A need (it has a receiver) or an offer (it has a provider). Times in ms; after `until` nothing is promised of it."""

    id: str
    action: str
    quantity: Measure
    conforms_to: str
    provider: str = ""
    receiver: str = ""
    due: int | None = None
    until: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Commitment:
    """A promise."""

    id: str
    action: str
    quantity: Measure
    conforms_to: str
    provider: str
    receiver: str
    satisfies: tuple[str, ...] = ()
    clause_of: str = ""
    due: int | None = None
    until: int | None = None
    finished: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What parties agreed on. Clauses that are words are no part of the vocabulary: they stand in the note, too."""

    id: str
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ValueFlows:
    """All of a file."""

    agents: tuple[Agent, ...] = ()
    specifications: tuple[ResourceSpecification, ...] = ()
    places: tuple[Place, ...] = ()
    lots: tuple[BatchLotRecord, ...] = ()
    resources: tuple[EconomicResource, ...] = ()
    events: tuple[EconomicEvent, ...] = ()
    counts: tuple[Count, ...] = ()
    intents: tuple[Intent, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    agreements: tuple[Agreement, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read, and what was not: in words, each kind of it once."""

    flows: ValueFlows
    notes: tuple[str, ...] = field(default=())
