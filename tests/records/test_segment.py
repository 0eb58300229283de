"""Segments: blocks for a receiver who holds what they refer to."""

import zlib
from collections.abc import Sequence
from random import Random

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsync.records import dictionary as dictionaries
from fedsync.records.block import Base, Block, check, merge
from fedsync.records.codec import Value
from fedsync.records.dictionary import DIGESTS, MAX_DICTIONARY_BYTES, NEWEST, NoDictionary, dictionary
from fedsync.records.ids import LogId, RecordId, payload_id
from fedsync.records.places import MAX_RUN_BYTES
from fedsync.records.seal import Draft, seal
from fedsync.records.segment import (
    MAX_NAMED,
    NOTHING,
    SHORT_BYTES,
    BadSegment,
    Names,
    unpack,
)
from fedsync.records.segment import pack as segment
from fedsync.records.wire import MAX_BODY_BYTES
from tests.records.blocks import ALICE, FACTS, PAGES, carve, cut, event, tip
from tests.records.shelf import Shelf
from tests.records.values import values

MOTION, PAGE = b"m" * 32, b"p" * 32


def vote(motion: bytes, option: str, time: int) -> Draft:
    return Draft("vote", {"motion": motion, "option": option}, 1_790_000_000_000 + time)


def logs(*batches: Sequence[Draft]) -> list[Block]:
    """Return a log that begins with its genesis, and then has one block or more for each of these batches."""
    found = seal(ALICE, PAGES, None, [])
    for batch in batches:
        found += seal(ALICE, PAGES, tip_of(found), batch)
    return found


def tip_of(blocks: Sequence[Block]) -> Base | None:
    base: Base | None = None
    for block in blocks:
        base = tip(block, base)
    return base


def code_of(data: bytes, names: Names = NOTHING) -> str:
    with pytest.raises(BadSegment) as error:
        unpack(data, names)
    return error.value.code


def test_a_block_comes_back_byte_for_byte_from_whoever_holds_what_it_refers_to() -> None:
    first, second, third = logs([vote(MOTION, "yes", 0)], [vote(PAGE, "no", 9)])
    held = Shelf(first, second)
    data = segment(third.raw, held)
    assert unpack(data, held) == third.raw
    assert len(data) < len(third.raw) // 2


def test_a_stranger_can_read_what_was_packed_for_a_stranger() -> None:
    for block in logs([vote(MOTION, "yes", 0)], [vote(PAGE, "no", at) for at in range(40)]):
        data = segment(block.raw)
        assert unpack(data) == block.raw
        assert len(data) < len(block.raw)


def test_a_single_vote_of_somebody_who_votes_for_the_first_time_says_45_bytes_beside_the_signature() -> None:
    motion = seal(ALICE, FACTS, None, [event(5)])[0]
    first, second = logs([vote(motion.ids[1], "abstain", 0)])
    held = Shelf(motion, first)
    data = segment(second.raw, held)
    assert unpack(data, held) == second.raw
    assert len(data) - 64 <= 45


def test_ids_of_records_payloads_and_logs_that_are_held_stand_as_places() -> None:
    other = seal(ALICE, FACTS, None, [event(5)])[0]
    value: Value = {"a": other.ids[1], "b": payload_id(other.payloads[1]), "c": [other.log, 1, other.ids[1]]}
    first, second = logs([Draft("odd", value, 5, (other.ids[0], other.ids[1]))])
    assert unpack(segment(second.raw, Shelf(first, other)), Shelf(first, other)) == second.raw
    assert len(segment(second.raw, Shelf(first, other))) + 4 * 20 < len(segment(second.raw, Shelf(first)))


def test_who_does_not_hold_the_record_before_is_told_which_is_missing_and_can_read_it_later() -> None:
    first, second, third = logs([vote(MOTION, "yes", 0)], [vote(PAGE, "no", 9)])
    data = segment(third.raw, Shelf(first, second))
    with pytest.raises(BadSegment) as error:
        unpack(data, Shelf(first))
    assert (error.value.code, error.value.log, error.value.seq) == ("base", first.log, 1)
    assert error.value.needs == first.log
    assert unpack(data, Shelf(first, second)) == third.raw


def test_who_does_not_know_the_log_or_a_record_that_is_named_is_told_so() -> None:
    other = seal(ALICE, FACTS, None, [event(5)])[0]
    first, second = logs([vote(other.ids[1], "yes", 0)])
    data = segment(second.raw, Shelf(first, other))
    assert code_of(data, Shelf(other)) == "unknown"
    assert code_of(data, Shelf(first)) == "unknown"


def test_of_branches_the_one_that_it_follows_is_found() -> None:
    root = logs([vote(MOTION, "yes", 0)])
    ours, theirs = (
        seal(ALICE, PAGES, tip_of(root), [vote(MOTION, "no", 1)])[0],
        seal(ALICE, PAGES, tip_of(root), [vote(PAGE, "no", 2)])[0],
    )
    for branch in (ours, theirs):
        after = seal(ALICE, PAGES, tip(branch, tip_of(root)), [vote(PAGE, "yes", 3)])[0]
        held = Shelf(*root, ours, theirs)
        assert unpack(segment(after.raw, held), held) == after.raw
        # Who has the other branch alone notices, and takes nothing wrong.
        lone = Shelf(*root, theirs if branch is ours else ours)
        assert code_of(segment(after.raw, held), lone) == "check"


def test_another_log_or_record_of_the_same_name_is_noticed() -> None:
    first, second = logs([vote(MOTION, "yes", 0)])

    class Mistaken(Shelf):
        def log(self, short: bytes) -> LogId | None:
            return LogId(b"x" * 32)

        def held(self, log: LogId, seq: int) -> Sequence[RecordId]:
            return [RecordId(b"y" * 32)]

    data = segment(second.raw, Shelf(first))
    assert code_of(data, Mistaken(first)) in ("check", "base")


def test_signatures_within_a_block_keep_their_places() -> None:
    blocks = logs(*[[vote(MOTION, "yes", at)] for at in range(12)])
    whole = merge(blocks, [0, 3, 7])
    every = merge(blocks, range(13))
    for block in (whole, every):
        assert unpack(segment(block.raw), NOTHING) == block.raw


@settings(max_examples=60, deadline=None)
@given(st.lists(values(), min_size=1, max_size=12), st.integers(0, 2**32))
def test_whatever_records_say_comes_back(said: list[Value], seed: int) -> None:
    random = Random(seed)
    times = [random.randrange(-(2**52), 2**52) for _ in said]
    drafts = [Draft(random.choice(["a", "b"]), each, time) for each, time in zip(said, times, strict=True)]
    blocks = logs([vote(MOTION, "yes", 0)], drafts)
    held = Shelf(*blocks[:2])
    for block in blocks[2:]:
        assert unpack(segment(block.raw, held), held) == block.raw
        assert unpack(segment(block.raw)) == block.raw
        held.blocks.append(block)


def test_a_block_written_in_another_way_comes_back_as_it_was() -> None:
    first, second = logs([vote(MOTION, "yes", at) for at in range(3)])
    # Columns that our own writer would write otherwise, and a head in a longer form than it could have.
    plain = carve(second.raw, lambda columns: columns.__setitem__(0, [1, 1, 1]))
    assert check(plain, tip(first)).ids == second.ids
    assert unpack(segment(plain, Shelf(first)), Shelf(first)) == plain
    again = unpack(
        segment(second.raw.replace(b"\x98\x01", b"\xdc\x00\x08\x01", 1), Shelf(first)), Shelf(first)
    )
    assert check(again, tip(first)).ids == second.ids


def test_what_another_program_compressed_comes_back_with_the_same_records_and_signatures() -> None:
    first, second = logs([vote(MOTION, "yes", at) for at in range(30)])
    other = cut(
        second.raw, lambda fields: fields.__setitem__(7, zlib.compress(zlib.decompress(fields[7]), 1))
    )
    data = segment(other, Shelf(first))
    assert len(data) < len(other) - 64
    again = check(unpack(data, Shelf(first)), tip(first))
    assert (again.ids, again.signatures) == (second.ids, second.signatures)


def test_a_block_whose_body_does_not_inflate_is_sent_as_it_is() -> None:
    block = logs([vote(MOTION, "yes", 0)])[1]
    broken = cut(block.raw, lambda fields: fields.__setitem__(7, b"junk"))
    assert segment(broken) == b"\0" + broken
    assert unpack(segment(broken)) == broken


# --- What a stranger may send ---------------------------------------------------------------------------


def test_a_dictionary_that_this_version_does_not_have_is_no_fault_of_the_sender() -> None:
    data = segment(logs([vote(MOTION, "yes", 0)])[1].raw)
    assert code_of(bytes((NEWEST + 1,)) + data[1:]) == "form"
    with pytest.raises(NoDictionary):
        dictionary(NEWEST + 1)


def test_a_segment_made_with_another_dictionary_of_that_number_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    block = logs([vote(MOTION, "yes", 0)])[1]
    data = segment(block.raw)
    monkeypatch.setattr(
        "fedsync.records.segment.dictionary", lambda number: bytes(reversed(dictionary(number)))
    )
    assert code_of(data) in ("check", "malformed")


def test_the_dictionaries_that_ship_never_change() -> None:
    assert set(DIGESTS) == set(range(1, NEWEST + 1))
    for number in DIGESTS:
        assert 0 < len(dictionary(number)) <= MAX_DICTIONARY_BYTES


def test_a_dictionary_that_was_changed_on_disk_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(dictionaries.DIGESTS, 1, "0" * 64)
    dictionary.cache_clear()
    with pytest.raises(NoDictionary):
        dictionary(1)
    assert (dictionaries.usable(), dictionaries.damaged()) == (0, [1])
    # Blocks go as they are then, and what comes with words from it is asked for in full.
    block = logs([vote(MOTION, "yes", 0)])[1]
    assert segment(block.raw) == b"\0" + block.raw
    assert code_of(b"\1" + bytes(200)) == "form"
    monkeypatch.undo()
    dictionary.cache_clear()
    assert dictionary(1)
    assert (dictionaries.usable(), dictionaries.damaged()) == (NEWEST, [])


def deflated(body: bytes) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, dictionary(NEWEST))
    return deflater.compress(body) + deflater.flush()


def naming(log: LogId, places: Sequence[msgpack.ExtType]) -> bytes:
    """Return a segment of one signed record at seq 2 with these places in its columns."""
    one, all_signed, named = 8, 16, 64
    head = bytes((NEWEST, one | all_signed | named)) + log[:SHORT_BYTES] + b"\2" + bytes(3 + 64)
    return head + deflated(bytes(msgpack.packb([1, 1, 1, None, list(places), None])))


def test_what_inflates_to_more_than_a_body_may_have_stops_there() -> None:
    data = segment(logs([vote(MOTION, "yes", 0)])[1].raw)
    head = data[: 2 + 32 + 1 + 32 + 3 + 64]
    bomb = deflated(bytes(40_000_000))
    assert len(head + bomb) < 60 * 1024
    assert code_of(head + bomb) == "malformed"
    assert code_of(head + deflated(bytes(MAX_BODY_BYTES + 1))) == "malformed"


def test_places_that_grow_to_more_than_a_body_may_have_stop_there() -> None:
    first, second = logs([vote(MOTION, "yes", 0)])
    places = [msgpack.ExtType(1, b"\1")] * 4000
    assert code_of(naming(first.log, places), Shelf(first, second)) == "malformed"


def test_a_segment_names_a_bounded_number_of_places() -> None:
    first, second = logs([vote(MOTION, "yes", 0)])
    asked = []

    class Willing(Shelf):
        def at(self, log: LogId, seq: int) -> tuple[bytes, bytes] | None:
            asked.append(seq)
            return bytes(32), bytes(32)

    places = [
        msgpack.ExtType(1, first.log[:SHORT_BYTES] + bytes((at % 128 | 128, 1 + at // 128)))
        for at in range(2000)
    ]
    assert code_of(naming(first.log, places), Willing(first, second)) == "malformed"
    assert len(asked) == MAX_NAMED


def test_any_change_and_any_cut_of_a_segment_is_refused_or_changes_nothing() -> None:
    other = seal(ALICE, FACTS, None, [event(5)])[0]
    first, second, third = logs([vote(MOTION, "yes", 0)], [vote(other.ids[1], "no", at) for at in range(3)])
    held = Shelf(other, first, second)
    data = segment(third.raw, held)
    random = Random(5)
    codes = set()
    for at in range(len(data)):
        flipped = bytes((data[at] ^ 1 << random.randrange(8),))
        for changed in (data[:at], data[:at] + flipped + data[at + 1 :]):
            codes.add(outcome(changed, held, third.raw))
    assert codes - {"same"} == {"malformed", "form", "base", "unknown", "check"}
    for _ in range(2000):
        assert outcome(bytes((NEWEST,)) + random.randbytes(random.randrange(200)), held, third.raw) != "same"


def outcome(data: bytes, names: Names, raw: bytes) -> str:
    """Return the code with which a segment is refused, or "same". A block that begins with 0 is no segment's fault."""
    try:
        found = unpack(data, names)
    except BadSegment as error:
        return error.code
    return "same" if data[:1] != b"\0" and found == raw else "malformed" if data[:1] == b"\0" else "another"


def test_the_longest_block_that_there_is_fits_a_segment() -> None:
    random = Random(3)
    drafts = [Draft("noise", random.randbytes(MAX_RUN_BYTES // 20), at) for at in range(18)]
    for block in logs(drafts):
        assert unpack(segment(block.raw)) == block.raw
        assert len(segment(block.raw)) <= len(block.raw) + 1
