"""Whether a record that tells of goods counts, and why. Reads a view, changes nothing."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from fedsync.crdt.goods.corrections import MAX_LINE, Lines
from fedsync.crdt.goods.levels import Reader
from fedsync.crdt.logs.contents import CONTENTS
from fedsync.crdt.logs.whystanding import Verdict as Verdict
from fedsync.crdt.logs.whystanding import why_standing
from fedsync.crdt.realms import realm_of
from fedsync.records.block import Record
from fedsync.records.codec import NotCanonical, Value
from fedsync.records.header import VERSION
from fedsync.records.ids import Scope
from fedsync.records.kinds import class_of, stock, transfers
from fedsync.records.kinds.refs import FactRef
from fedsync.records.kinds.units import FACTOR, parse_factor
from fedsync.records.void import Void

KINDS: Mapping[str, Callable[[Value, Scope, int], object]] = MappingProxyType(
    {**stock.PARSERS, **transfers.PARSERS, FACTOR: lambda value, scope, time: parse_factor(value)}
)
"""The kinds of records that `why_fact` answers for, each with what tells whether it is as it should be."""


def why_fact(view: Reader, record: Record) -> Verdict:
    """Return whether a record that tells of goods counts, and why not."""
    log_class = class_of(record.kind)
    if record.kind not in KINDS or log_class is None or record.version != VERSION:
        return Verdict("inert", "unknown", "This version does not know this kind of record; it keeps it.")
    inert = CONTENTS[log_class].why_inert(record.genesis)
    if inert is not None:
        return Verdict("void", "log", f"It has no effect: {inert}.")
    try:
        KINDS[record.kind](record.value, record.genesis.scope, record.time)
    except Void as void:
        return Verdict("void", void.code, f"It has no effect: {void.sentence}.")
    except NotCanonical as error:
        return Verdict("void", "payload", f"It has no effect: its payload can't be read ({error}).")
    found = why_standing(view, record)
    if found.status != "counts":
        return found
    ref = FactRef(record.log, record.seq, record.id)
    by, contested = Lines(view, realm_of(record.genesis)).standing(ref)
    if by is not None:
        return Verdict(
            "replaced", "corrected", f"A correction stands in its place: record {by.id.hex()[:8]}."
        )
    if contested:
        return Verdict(
            "replaced",
            "line_too_long",
            f"It corrects a correction of a correction, more than {MAX_LINE} of them: correct the first movement.",
        )
    return found
