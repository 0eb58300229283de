"""What records say, family by family, and the one class of log that each kind belongs in. Pure.

A record in a log of another class is void, so that what is urgent stays a contiguous, signed range of its own.
A kind that is not in this table is kept, relayed and inert.
"""

from collections.abc import Mapping
from types import MappingProxyType

from fedsync.records.ids import LogClass

_KINDS: dict[LogClass, tuple[str, ...]] = {
    LogClass.AUTHORITY: (
        *("page", "signature", "approval", "person", "post", "motion", "vote", "dissent"),
        "announcement",
    ),
    LogClass.PLANS: (
        *("intent", "rights_grant", "commitment", "release", "agreement", "transfer", "booking"),
        *("plan", "shift", "signup"),
    ),
    LogClass.FACTS: (
        *("resource_specification", "unit_factor", "batch_lot_record", "store", "economic_event", "count"),
        *("discrepancy", "loan", "work_tally"),
    ),
    LogClass.TEXTS: (
        *("support", "objection", "consultation", "response", "receipt", "report_back"),
        "notice",
    ),
}

CLASS_OF: Mapping[str, LogClass] = MappingProxyType(
    {kind: log_class for log_class, kinds in _KINDS.items() for kind in kinds}
)
"""The class of each kind that this version has a name for."""


def class_of(kind: str) -> LogClass | None:
    """Return the class of log that records of `kind` belong in; None when the kind is not known."""
    return CLASS_OF.get(kind)
