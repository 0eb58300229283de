"""What fedsync reads and writes of Popolo: the parts that it has something to say about, by their names there. Pure.

Ids are texts of whoever wrote the file. Dates are texts as they stand: a year, a month, a day, or a moment. An empty
text stands for what is not said.
"""

from dataclasses import dataclass, field

KEY_SCHEME = "fedsync-key"
"""The scheme of an identifier that is somebody's public key, in hex."""
BODY_SCHEME = "fedsync-body"
"""The scheme of an identifier that is a body's id, in hex."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A name that some register gives: `scheme` says which."""

    scheme: str
    identifier: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody."""

    id: str
    name: str
    identifiers: tuple[Identifier, ...] = ()

    @property
    def key(self) -> str | None:
        """Their public key in hex, None when none is named."""
        return next((each.identifier for each in self.identifiers if each.scheme == KEY_SCHEME), None)


@dataclass(frozen=True, slots=True)
class Organization:
    """A body. `parent_id`: the one body that it has a seat in; of several the memberships tell."""

    id: str
    name: str
    classification: str = ""
    parent_id: str = ""
    founding_date: str = ""
    identifiers: tuple[Identifier, ...] = ()


@dataclass(frozen=True, slots=True)
class Post:
    """A seat, whoever holds it."""

    id: str
    label: str
    organization_id: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Membership:
    """Somebody in a body, for themselves or on behalf of another; `member_id` where a body is the member."""

    organization_id: str
    id: str = ""
    person_id: str = ""
    member_id: str = ""
    on_behalf_of_id: str = ""
    post_id: str = ""
    role: str = ""
    start_date: str = ""
    end_date: str = ""


@dataclass(frozen=True, slots=True)
class Motion:
    """What a body was asked. `requirement`: by which rule it is decided, in words and in a form for programs."""

    id: str
    organization_id: str
    text: str
    classification: str = ""
    date: str = ""
    requirement: str = ""
    result: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """How many were for an option."""

    option: str
    value: int


@dataclass(frozen=True, slots=True)
class Vote:
    """How one voter voted, in which role of a body."""

    voter_id: str
    option: str
    group_id: str = ""


@dataclass(frozen=True, slots=True)
class VoteEvent:
    """One vote on a motion, or on a part of it that `identifier` names."""

    id: str
    motion_id: str
    organization_id: str = ""
    identifier: str = ""
    start_date: str = ""
    result: str = ""
    counts: tuple[Count, ...] = ()
    votes: tuple[Vote, ...] = ()


@dataclass(frozen=True, slots=True)
class Popolo:
    """All of a file."""

    persons: tuple[Person, ...] = ()
    organizations: tuple[Organization, ...] = ()
    posts: tuple[Post, ...] = ()
    memberships: tuple[Membership, ...] = ()
    motions: tuple[Motion, ...] = ()
    vote_events: tuple[VoteEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file says, and notes on what of it is not read."""

    popolo: Popolo
    notes: tuple[str, ...] = field(default=())
