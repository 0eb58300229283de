"""The phases of a session and what is heard in each, as tables. Pure."""

from enum import StrEnum

from fedsync.gossip.messages import (
    Beat,
    BlockMessage,
    Bodies,
    Bye,
    Delta,
    Hello,
    Introduce,
    Leave,
    Locate,
    Message,
    NoBase,
    Plain,
    Prune,
    Range,
    Refused,
    Rest,
    Segment,
    Sets,
    Spans,
    These,
    Tip,
    Want,
    Which,
)


class Phase(StrEnum):
    """Where a session stands."""

    GREETING = "greeting"
    TALKING = "talking"
    OVER = "over"


HEARS: dict[Phase, frozenset[type[Message]]] = {
    Phase.GREETING: frozenset({Hello, Leave}),
    Phase.TALKING: frozenset({
        Sets, Spans, Range, Delta, Rest, Want, BlockMessage, Tip, Refused, Bye, NoBase, Locate, Bodies, Beat, Prune,
        Leave,
        Introduce, Segment, Plain, Which, These,
    }),
    Phase.OVER: frozenset(),
}  # fmt: skip
"""What is heard in each phase; anything else is dropped, since a carrier may repeat and reorder."""

ANSWERS = frozenset({
    Hello, Sets, Spans, Range, Delta, Rest, Want, BlockMessage, Segment, NoBase, Locate, Which, These,
})  # fmt: skip
"""What a question may be answered with. BEAT and BYE answer too, when they come after all that was asked."""
