"""A peer that lies, or garbage that passes for a peer's: bounded in memory and in what it makes us send."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fedsync.gossip.priority import FIRST, LAST
from fedsync.gossip.thin.carrier import Carrier
from fedsync.gossip.thin.fountain import FEW_PIECES, LEAST_SYMBOL, STEPS_BURST, Decoder, Encoder
from fedsync.gossip.thin.inward import MAX_HELD, MAX_SPOILT, WINDOW, Inward, Spoilt
from fedsync.gossip.thin.outward import AIR_BYTES, QUEUE_BYTES, RESERVE_BYTES, Outward
from fedsync.gossip.thin.packets import (
    FLOOR,
    LANES,
    MAX_ENTRIES,
    MAX_PARCEL,
    SEQS,
    BadPacket,
    Entry,
    Opening,
    Packet,
    Piece,
    Report,
    Symbol,
    Whole,
    join,
    part,
    read,
    write,
)
from fedsync.gossip.thin.profile import Profile

LINK = Profile(frame=300, bits=100_000, round_trip=0.1)
THEIRS = b"evil"

names = st.tuples(st.integers(0, LANES - 1), st.integers(0, SEQS - 1))
wholes = st.builds(
    lambda name, several, data: Whole(name[0], name[1], several, data),
    names,
    st.booleans(),
    st.binary(min_size=1, max_size=40),
)
entries = st.builds(lambda name, needs: Entry(name[0], name[1], needs), names, st.integers(0, FLOOR))
reports = st.builds(
    lambda heard, age, count, rows: Report(heard, age, count, tuple(rows)),
    st.integers(0, 0xFFFF),
    st.integers(0, 255),
    st.integers(0, 0xFFFF),
    st.lists(entries, max_size=5),
)


@st.composite
def symbols(draw: st.DrawFn) -> Symbol:
    data = draw(st.binary(min_size=2, max_size=300))
    size = draw(st.integers(1, len(data)))
    if len(data) > FEW_PIECES * size:
        size = max(size, LEAST_SYMBOL)
    encoder = Encoder(data, size)
    number = draw(st.integers(0, encoder.count - 1 if encoder.count <= 8 else 500))
    symbol = encoder.symbol(number)
    if encoder.count <= 8 and number == encoder.count - 1:
        symbol = symbol[: len(data) - number * size]
    return Symbol(*draw(names), len(data), size, number, symbol)


pieces = st.lists(wholes | reports | symbols(), max_size=4)
who = st.binary(min_size=2, max_size=2) | st.builds(
    Opening, st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4), st.booleans()
)


@given(who, st.integers(0, 0xFFFF), pieces, st.booleans(), st.booleans())
def test_a_packet_comes_back_as_it_was_written(
    who: Opening | bytes, serial: int, pieces: Sequence[Piece], asks: bool, over: bool
) -> None:
    packet = Packet(who, serial, tuple(pieces), asks, over)
    assert read(write(packet)) == packet


@given(st.binary(max_size=80))
def test_bytes_are_a_packet_or_are_refused(data: bytes) -> None:
    try:
        read(data)
    except BadPacket:
        return
    with pytest.raises(BadPacket):
        read(data[:4])


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=9))
def test_frames_that_were_joined_come_apart_again(frames: list[bytes]) -> None:
    assert part(join(frames)) == frames
    with pytest.raises(BadPacket):
        part(join(frames) + b"\x01")


def test_an_empty_frame_is_none() -> None:
    with pytest.raises(BadPacket):
        part(b"\0")
    with pytest.raises(BadPacket):
        read(write(Packet(b"xx", 0, (Whole(0, 0, False, b""),))))


@settings(max_examples=50, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 10**9))
def test_whatever_comes_is_taken_or_passed_over_within_its_bounds(seed: int) -> None:
    dice = Random(seed)
    carrier, other = Carrier(LINK, Random(1), 0.0), Carrier(LINK, Random(2), 0.0)
    now, seen = 0.0, [b"\0"]
    for step in range(150):
        now += 0.02
        if step % 5 == 0:
            carrier.send(dice.randbytes(dice.randrange(1, 3000)), dice.randrange(FIRST, LAST + 1))
            other.send(dice.randbytes(dice.randrange(1, 3000)), dice.randrange(FIRST, LAST + 1))
        for packet in carrier.poll(now)[0]:
            other.hear(packet, now)
        seen += other.poll(now)[0]
        for packet in seen[-4:]:
            mutant = bytearray(packet)
            for _ in range(dice.randrange(3)):
                mutant[dice.randrange(len(mutant))] = dice.randrange(256)
            carrier.hear(bytes(mutant[: dice.randrange(1, 2 * len(mutant))]), now)
    assert carrier.queued <= QUEUE_BYTES + RESERVE_BYTES + 70_000


def test_parcels_without_end_are_kept_up_to_a_bound() -> None:
    inward = Inward()
    for lane in range(LANES):
        for seq in range(WINDOW + 20):
            inward.take(Symbol(lane, seq, MAX_PARCEL, 100, 5, bytes(100)))
    assert inward.held <= MAX_HELD + LANES * MAX_PARCEL
    assert len(inward.report(10_000, True)) <= MAX_ENTRIES


def test_a_parcel_that_contradicts_itself_is_begun_anew_and_three_end_it() -> None:
    inward, dice = Inward(), Random(3)

    def lie() -> None:
        for number in range(MAX_SPOILT * 40):
            inward.take(Symbol(2, 0, 200, 10, number, dice.randbytes(10)))
            assert inward.held <= 200

    with pytest.raises(Spoilt):
        lie()


def test_polluted_symbols_do_not_keep_the_true_ones_from_coming_through() -> None:
    inward, data = Inward(), join([b"x" * 195])
    inward.take(Whole(0, 0, False, b"hello"))
    encoder = Encoder(data, 10)
    inward.take(Symbol(2, 0, len(data), 10, 4, b"pollution!"))
    found: list[bytes] = []
    for number in range(2000, 2200):
        found += inward.take(Symbol(2, 0, len(data), 10, number, encoder.symbol(number)))
        if found:
            break
    assert found == [b"x" * 195]


def test_whoever_changes_the_size_of_a_parcel_gains_nothing() -> None:
    inward = Inward()
    inward.take(Symbol(2, 0, 200, 10, 1, bytes(10)))
    inward.take(Symbol(2, 0, 2000, 10, 2, bytes(10)))
    assert inward.held == 0


@given(st.lists(entries, max_size=40), st.integers(0, 20))
def test_forged_wants_move_nothing_that_was_not_sent_and_cost_the_whole_again_at_most(
    rows: list[Entry], sent: int
) -> None:
    outward = Outward()
    for at in range(sent):
        outward.put(bytes([at]) * 900, 3 if at else FIRST)
    picked = 0
    while (found := outward.pick(250, True, 0.0, 0.0, 1.0, False)) is not None:
        found[0].take(found[1], 0.0)
        picked += 1
        assert picked <= 5 * sent
    outward.report(rows)
    again = 0
    while (found := outward.pick(250, True, 0.0, 0.0, 1.0, False)) is not None:
        found[0].take(found[1], 0.0)
        again += 1
        assert again <= picked


def test_whoever_confirms_what_was_never_sent_takes_nothing_away() -> None:
    outward = Outward()
    for at in range(3):
        outward.put(bytes([at]) * 900, 3)
        found = outward.pick(1000, True, 0.0, 0.0, 1.0, False)
        assert found is not None
        found[0].take(found[1], 0.0)
    before = outward.waiting()
    outward.report([Entry(lane, seq, FLOOR) for lane in range(LANES) for seq in (4, 64, 5000, SEQS - 1)])
    assert outward.waiting() == before
    outward.report([Entry(3, 2, FLOOR)])
    assert outward.waiting() == {FIRST: 900}


def test_a_report_has_no_more_entries_than_may_be_read() -> None:
    inward = Inward()
    inward.take(Whole(FIRST, 0, False, b"hello"))
    for lane in range(2, LANES):
        for seq in range(WINDOW):
            inward.take(Symbol(lane, seq, 20, 10, 1, bytes(10)))
    assert len(inward.report(4096, True)) == MAX_ENTRIES


def test_whoever_says_for_ever_that_nothing_came_gets_no_more_than_the_link_takes() -> None:
    carrier, now, sent = Carrier(LINK, Random(1), 0.0), 0.0, 0
    carrier.send(b"hello", FIRST)
    life = read(carrier.poll(now)[0][0]).who
    assert isinstance(life, Opening)
    serial = 0
    while now < 10:
        while carrier.room and carrier.send(bytes(4000), 3):
            pass
        now += 0.01
        packets, _ = carrier.poll(now)
        sent += sum(LINK.airtime(len(each)) > 0 and len(each) for each in packets)
        if packets:
            latest = read(packets[-1]).serial
            wants = tuple(Entry(lane, seq, 0xFFFE) for lane in (0, 3) for seq in range(32))
            lie = Report(latest, 0, serial, wants)
            serial += 1
            carrier.hear(write(Packet(Opening(THEIRS, life.life), serial, (lie,), asks=True)), now)
    assert sent * 8 <= LINK.bits * 10.1
    assert carrier.queued <= QUEUE_BYTES + RESERVE_BYTES


def test_what_is_on_its_way_at_once_is_less_than_the_other_side_keeps() -> None:
    assert AIR_BYTES + RESERVE_BYTES + MAX_PARCEL <= MAX_HELD
    outward = Outward()
    outward.put(b"hello", FIRST)
    while outward.put(bytes(6000), 3):
        pass
    outward.pick(1000, True, 0.0, 0.1, 1.0, False)
    picked = set()
    while (found := outward.pick(1000, True, 0.0, 0.1, 1.0, False)) is not None:
        found[0].take(found[1], 0.0)
        picked.add(found[0])
    assert sum(each.size for each in picked) <= AIR_BYTES + MAX_PARCEL


def test_an_old_report_does_not_bring_back_what_a_later_one_has_told() -> None:
    carrier = Carrier(LINK, Random(1), 0.0)
    carrier.send(b"hello", FIRST)
    life = read(carrier.poll(0.0)[0][0]).who
    assert isinstance(life, Opening)
    who = Opening(THEIRS, life.life)
    new = Packet(who, 2, (Report(0, 0, 1, (Entry(FIRST, 1, FLOOR),)),))
    old = Packet(who, 1, (Report(0, 0, 0, (Entry(FIRST, 0, 1),)),))
    carrier.hear(write(new), 0.1)
    assert carrier.idle
    carrier.hear(write(old), 0.2)
    assert carrier.idle


def test_symbols_that_are_smaller_than_their_equations_are_refused() -> None:
    # Else an object of 2 KB would take half a megabyte, and one packet hundreds of symbols that are dear to take.
    tiny = Packet(b"ab", 1, (Symbol(2, 0, 2048, 1, 5000, b"x"),), False, False)
    with pytest.raises(BadPacket):
        read(write(tiny))


def test_a_peer_can_make_us_sum_up_only_so_many_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    add = Decoder.add

    def counted(self: Decoder, number: int, symbol: bytes) -> bytes | None:
        taken.append(self.count)
        return add(self, number, symbol)

    monkeypatch.setattr(Decoder, "add", counted)
    mine, size, dice = Carrier(LINK, Random(1), 0.0), 2000 * LEAST_SYMBOL, Random(2)
    theirs = Carrier(LINK, Random(3), 0.0)
    theirs.send(b"hello", FIRST)
    mine.send(b"hello", FIRST)
    now = 0.0
    while mine.heard_at is None or theirs.heard_at is None or not (mine.idle and theirs.idle):
        for packet in theirs.poll(now)[0]:
            mine.hear(packet, now)
        for packet in mine.poll(now)[0]:
            theirs.hear(packet, now)
        now += 0.1
    who = theirs._pairing.head()
    for serial in range(500):
        flood = [
            Symbol(2, 0, size, LEAST_SYMBOL, 3000 + serial * 10 + at, dice.randbytes(LEAST_SYMBOL))
            for at in range(6)
        ]
        mine.hear(write(Packet(who, 1000 + serial, tuple(flood), False, False)), now)
    assert taken
    assert sum(taken) <= STEPS_BURST
