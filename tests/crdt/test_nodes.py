"""Which nodes a book names and which it dropped follows from its sealed and adopted pages, in whatever order they came."""

from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.books.booktables import NODES
from fedsync.crdt.books.nodes import dropped
from fedsync.records.block import Block
from fedsync.records.codec import pack
from fedsync.records.ids import Key, payload_id
from fedsync.records.seal import Draft
from tests.crdt.books import append, genesis, opening, tip
from tests.crdt.granary import NOON, interleaved
from tests.crdt.naive_root import rooted_rows
from tests.crdt.test_fold import BODY, BODY_ID, PAGE0, SCOPE, TELLERS, Node, epoch

KEYS = [Key(bytes([number]) * 32) for number in range(1, 5)]
BODIES = [bytes([number]) * 32 for number in (91, 92)]


def node_of(key: bytes) -> list[Any]:
    return [key, bytes(16)]


def join(body: bytes, key: bytes | None) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": "join", "body": body}
    return found | {"node": node_of(key)} if key else found


def leave(body: bytes) -> dict[str, Any]:
    return {"kind": "leave", "body": body}


def sealed_by(*keys: bytes) -> dict[str, Any]:
    """Return an epoch with these nodes as sealers, beside Ann and Ben, whose two approvals are enough for them all."""
    entry: Any = epoch(TELLERS)
    sealers = [*entry["seats"][:2], *(node_of(key) for key in keys)]
    return {**entry, "sealers": sealers, "w": 2 if len(sealers) < 4 else len(sealers) // 2 + 1}


def write(pages: Sequence[dict[str, Any]], voices: Sequence[int]) -> list[list[Block]]:
    """Return the tellers' logs: of each page so many of Ann and Ben sign (1: drafted, 2: adopted), 3: and approve."""
    logs = []
    for name in TELLERS[:2]:
        drafts = [Draft("page", each, NOON) for each in pages] if name == "Ann" else []
        for each, many in zip(pages[1:], voices, strict=True):
            voice = {"page": payload_id(pack(each)), "slot": each["prev"], "round": 1}
            if many > TELLERS.index(name):
                drafts.append(Draft("signature", voice, NOON))
            if many == 3:
                drafts.append(Draft("approval", voice, NOON))
        blocks = [opening(name, genesis(name, name, BODY))]
        for draft in drafts:
            blocks.append(append(name, tip(blocks[-1]), draft))
        logs.append(blocks)
    return logs


def chained(*entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    pages: list[dict[str, Any]] = [PAGE0]
    for number, each in enumerate(entries, 1):
        pages.append(
            {"body": BODY_ID, "number": number, "prev": payload_id(pack(pages[-1])), "entries": list(each)}
        )
    return pages


def naive(pages: Sequence[dict[str, Any]], voices: Sequence[int]) -> tuple[set[bytes], set[bytes]]:
    """Return who is named and who was once and is no more, from the pages that count, as plainly as can be."""
    ever: set[bytes] = set()
    sealers: set[bytes] = set()
    members: dict[bytes, set[bytes]] = {}
    adopted = False
    for each, many in zip(pages[1:], voices, strict=True):
        if many < 2:
            break
        adopted = adopted or many < 3
        for entry in each["entries"]:
            if entry["kind"] == "epoch":
                sealers = {seat[0] for seat in entry.get("sealers", []) if isinstance(seat, list)}
            elif entry["kind"] == "join":
                members[entry["body"]] = {entry["node"][0]} if "node" in entry else set()
            else:
                members[entry["body"]] = set()
        ever |= sealers.union(*members.values())
    now = sealers.union(*members.values())
    return now, ever - now


def shown(node: Node) -> tuple[set[bytes], set[bytes]]:
    rows: list[tuple[Any, Any]] = [(key[1], row[0]) for key, row in node.view.scan(NODES, (SCOPE,))]
    named = {key for key, standing in rows if standing == "named"}
    assert {bytes(key) for key in dropped(node.view)} == {key for key, _ in rows} - named
    return named, {key for key, standing in rows if standing == "dropped"}


ENTRY = st.one_of(
    st.builds(join, st.sampled_from(BODIES), st.sampled_from([*KEYS, None])),
    st.builds(leave, st.sampled_from(BODIES)),
)


@given(
    st.lists(st.lists(ENTRY, max_size=3), max_size=5),
    st.sampled_from([1, 2, 3]),
    st.randoms(use_true_random=False),
)
def test_what_is_named_and_dropped_is_as_the_twin_says_in_any_order(
    entries: list[list[dict[str, Any]]], last: int, random: Random
) -> None:
    pages = chained(*entries)
    voices = [3] * (len(entries) - 1) + [last] if entries else []
    finals = []
    for _ in range(2):
        node = Node()
        node.take((SCOPE, BODY_ID))
        for block in interleaved(write(pages, voices), random):
            node.take(block)
        assert shown(node) == naive(pages, voices)
        finals.append(rooted_rows(node.view))
    assert finals[0] == finals[1]


def test_an_epoch_names_its_sealers_anew() -> None:
    one, two, three, _ = KEYS
    # The sealers of page 1's epoch would have to approve page 2; two of three are still Ann and Ben.
    pages = chained([sealed_by(one)], [sealed_by(two)])
    node = Node()
    node.take((SCOPE, BODY_ID), *(block for log in write(pages, [3, 3]) for block in log))
    assert shown(node) == ({two}, {one})
    assert three not in dropped(node.view)


def test_an_adopted_page_drops_at_once_and_a_rival_that_is_sealed_takes_that_back() -> None:
    (one, *_), (body, _) = KEYS, BODIES
    trunk = chained([join(body, one)])
    on = payload_id(pack(trunk[-1]))
    drops: dict[str, Any] = {"body": BODY_ID, "number": 2, "prev": on, "entries": [leave(body)]}
    rival: dict[str, Any] = {**drops, "entries": [join(BODIES[1], None)]}
    node = Node()
    node.take((SCOPE, BODY_ID), *(block for log in write([*trunk, drops], [3, 2]) for block in log))
    assert shown(node) == (set(), {one})
    assert dropped(node.view)[one].page == bytes(payload_id(pack(drops)))
    other = Node()
    logs = write([*trunk, drops], [3, 2])
    for name, log in zip(TELLERS, logs, strict=False):
        id_ = payload_id(pack(rival))
        said = [Draft("page", rival, NOON)] if name == "Ann" else []
        voice: dict[str, Any] = {"page": id_, "slot": on, "round": 2}
        for draft in [*said, Draft("signature", voice, NOON), Draft("approval", voice, NOON)]:
            log.append(append(name, tip(log[-1]), draft))
    other.take((SCOPE, BODY_ID), *(block for log in logs for block in log))
    assert shown(other) == ({one}, set())


def test_a_node_that_another_followed_body_names_is_not_dropped() -> None:
    (one, *_), (body, _) = KEYS, BODIES
    node = Node()
    pages = chained([join(body, one)], [leave(body)])
    node.take((SCOPE, BODY_ID), *(block for log in write(pages, [3, 3]) for block in log))
    assert one in dropped(node.view)
    node.view.commit({(NODES, (b"another body's t", one)): ("named", 1, b"\5" * 32)})
    assert one not in dropped(node.view)
