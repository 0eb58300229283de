"""Payloads that say nothing, or lies, well signed by somebody with a seat: kept, shown as void, and harmless."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fedsync.node import Verdict
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass
from fedsync.records.seal import Draft
from tests.nodes import NOON, Scribe, bring_all, follow, node

KINDS = (
    "page",
    "signature",
    "approval",
    "person",
    "store",
    "resource_specification",
    "economic_event",
    "count",
    "motion",
)

leaf = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=40) | st.sampled_from(
    ["", "raise", "consume", "epoch", "decision", "repair", "kg"]
) | st.sampled_from([bytes(16), bytes(32)])  # fmt: skip
NAMES = (
    "action at body by classification cuts entries genesis has_point_in_time k keys kind level lock name note number"
    " page prev quantity repair resource_conforms_to round scope sealers seats slot store text threshold title unit w"
).split()
anything: st.SearchStrategy[Any] = st.recursive(
    leaf,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)


def bent(value: Any, path: list[int], instead: Any) -> Any:
    """Return `value` with one part of it, that `path` leads to, replaced or left out."""
    if not path or not isinstance(value, dict | list) or not value:
        return instead
    keys = sorted(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[path[0] % len(keys)]
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[key] = bent(value[key], path[1:], instead)
    return changed


@given(
    wild=st.lists(st.tuples(st.sampled_from(KINDS), anything), max_size=4),
    nearly=st.lists(
        st.tuples(st.integers(0, 8), st.lists(st.integers(0, 9), min_size=1, max_size=4), anything),
        max_size=5,
    ),
    classes=st.lists(st.sampled_from(list(LogClass)), min_size=9, max_size=9),
)
@settings(max_examples=60)
def test_no_payload_brings_the_door_down_and_all_nodes_agree_on_it(
    wild: list[tuple[str, Value]], nearly: list[tuple[int, list[int], Value]], classes: list[LogClass]
) -> None:
    with node() as source, node() as at:
        oak = Scribe(source, "Oakfield", "Ann", "Ben")
        oak.move("Ann", 5)
        oak.seat("Cleo", "Ann", "Ben")
        good = [
            record for block in oak.blocks for record in block.records() if record.kind != "genesis"
        ]  # fmt: skip
        drafts = [Draft(kind, value, NOON) for kind, value in wild]
        for which, path, instead in nearly:
            like = good[which % len(good)]
            drafts.append(Draft(like.kind, bent(like.value, path, instead), NOON))
        for draft, log_class in zip(drafts, classes, strict=False):
            own = LogClass.FACTS if draft.kind in KINDS[4:8] else LogClass.AUTHORITY
            try:
                oak.write("Ben", own if log_class is LogClass.PLANS else log_class, draft)
            except ValueError:
                continue  # It cannot be written down at all.
        follow(at, oak)
        bring_all(at, oak.blocks[::-1])
        assert at.state_root() == source.state_root()
        root = source.state_root()
        source.rebuild()
        assert source.state_root() == root


def test_the_door_says_taken_even_of_what_means_nothing() -> None:
    with node() as source:
        oak = Scribe(source, "Oakfield", "Ann", "Ben")
        (block,) = oak.sealed("Ben", oak.genesis("Ben"), Draft("page", None, NOON))
        assert source.take_now([block.raw])[0].verdict is Verdict.TAKEN
