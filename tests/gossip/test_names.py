"""Short names for what both sides hold, over holdings, beside a naive list of blocks."""

from random import Random

from fedsync.gossip.holdings import SetKey
from fedsync.gossip.memory import Memory
from fedsync.gossip.names import NOTED_RECORDS, HeldNames, Places
from fedsync.records.block import Base, Block
from fedsync.records.ids import LogClass, LogId, Reach
from fedsync.records.seal import Draft, seal
from fedsync.records.segment import RECENT_ROWS, SHORT_BYTES, pack, unpack
from tests.records.blocks import ALICE, FACTS, PAGES, event, tip
from tests.records.shelf import Shelf


def everything(key: SetKey) -> bool:
    return True


def branches(random: Random) -> list[Block]:
    """Return two logs, one of which forks here and there, in blocks of some records each."""
    found: list[Block] = []
    for genesis in (PAGES, FACTS):
        blocks = seal(ALICE, genesis, None, [])
        tips: list[Base] = [tip(blocks[0])]
        for _ in range(random.randrange(2, 9)):
            base = random.choice(tips) if genesis is PAGES else tips[-1]
            drafts = [event(random.randrange(99)) for _ in range(random.randrange(1, 5))]
            drafts += [Draft("odd", [random.randbytes(32)], 5)] * random.randrange(2)
            for block in seal(ALICE, genesis, base, drafts):
                blocks.append(block)
                base = tip(block, base)
                tips.append(base)
        found += blocks
    return found


def test_names_over_holdings_are_those_of_a_naive_list_and_segments_come_back() -> None:
    for seed in range(25):
        random = Random(seed)
        blocks = branches(random)
        held, places, shelf = Memory(b"j" * 8), Places(), Shelf()
        names = HeldNames(held, places, everything)
        for block in blocks:
            data = pack(block.raw, names)
            assert unpack(data, names) == block.raw
            if block.first and not any(
                each.first == block.first and each.log == block.log for each in shelf.blocks
            ):
                assert unpack(data, shelf) == block.raw
            assert held.take(block.raw)[1] is not None
            places.note(block.raw)
            shelf.blocks.append(block)
        for block in blocks:
            assert names.log(block.log[:SHORT_BYTES]) == shelf.log(block.log[:SHORT_BYTES]) == block.log
            for record in block.records():
                assert set(names.held(block.log, record.seq)) == set(shelf.held(block.log, record.seq))
                assert names.at(block.log, record.seq) == shelf.at(block.log, record.seq)
                count = min(RECENT_ROWS, record.seq + 1)
                recent = names.recent(block.log, record.seq, record.id, count)
                assert recent == shelf.recent(block.log, record.seq, record.id, count)
                assert len(recent) == count
                place = names.place(record.payload_id)
                assert place is not None
                there = names.at(place.log, place.seq)
                assert there is None or there[1] == record.payload_id
        assert names.log(b"none") is None
        assert names.at(LogId(b"n" * 32), 1) is None


def test_what_the_other_side_may_not_hold_is_neither_named_nor_looked_up() -> None:
    facts, pages = seal(ALICE, FACTS, None, [event(5)])[0], seal(ALICE, PAGES, None, [event(5)])[0]
    held, places = Memory(b"j" * 8), Places()
    for block in (facts, pages):
        held.take(block.raw)
        places.note(block.raw)

    def authority(key: SetKey) -> bool:
        return key == (FACTS.scope, Reach.REGION, LogClass.AUTHORITY)

    names = HeldNames(held, places, authority)
    assert names.log(facts.log[:SHORT_BYTES]) is None
    assert not names.short(facts.log)
    assert names.place(facts.ids[1]) is None
    assert names.at(facts.log, 1) is None
    assert names.held(facts.log, 1) == ()
    assert names.log(pages.log[:SHORT_BYTES]) == pages.log
    assert names.at(pages.log, 1) == (pages.ids[1], pages.record(1).payload_id)


def test_what_the_other_side_is_not_known_to_hold_is_not_named_to_it() -> None:
    (block,) = seal(ALICE, PAGES, None, [event(at) for at in range(3)])[:1]
    held, places = Memory(b"j" * 8), Places()
    for each in seal(ALICE, PAGES, None, [event(at) for at in range(3)]):
        held.take(each.raw)
        places.note(each.raw)
    names = HeldNames(held, places, everything, lambda log, seq: seq <= 1)
    assert names.short(block.log)
    assert names.place(block.ids[1]) is not None
    assert names.place(block.ids[2]) is None
    assert names.held(block.log, 2) == ()


def test_places_forget_the_oldest_and_long_blocks_are_not_remembered() -> None:
    places = Places(most=4)
    long = seal(ALICE, PAGES, None, [event(at) for at in range(NOTED_RECORDS)])[0]
    places.note(long.raw)
    assert places.of(long.ids[1]) is None
    places.note(b"no block")
    first, *others = seal(ALICE, FACTS, None, []) + seal(ALICE, PAGES, None, [event(1)])
    places.note(first.raw)
    assert places.of(first.ids[0]) is not None
    for block in others:
        places.note(block.raw)
    assert places.of(first.ids[0]) is None
    assert places.of(block.ids[0]) is not None
