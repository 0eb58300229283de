"""The fountain code: any symbols give the data back, and nothing else does."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip.thin.fountain import MAX_NUMBER, MAX_PIECES, Decoder, Encoder, Polluted, equation, pieces


@given(st.binary(min_size=1, max_size=600), st.integers(1, 40), st.integers(0, 10**6), st.floats(0, 0.9))
def test_whatever_is_lost_and_in_whatever_order_the_rest_comes_the_data_comes_back(
    data: bytes, size: int, seed: int, loss: float
) -> None:
    dice, encoder, decoder = Random(seed), Encoder(data, size), Decoder(len(data), size)
    numbers = [number for number in range(20 * encoder.count + 60) if dice.random() >= loss]
    dice.shuffle(numbers)
    numbers += list(range(30_000, 30_000 + encoder.count + 40))
    found = None
    for taken, number in enumerate(numbers):
        found = decoder.add(number, encoder.symbol(number))
        if found is not None:
            assert taken + 1 >= encoder.count
            break
    assert found == data


@given(st.integers(1, 12), st.lists(st.integers(0, 60), max_size=30), st.integers(0, 10**6))
def test_as_many_are_needed_as_a_naive_solver_says(count: int, numbers: list[int], seed: int) -> None:
    data = Random(seed).randbytes(count)
    encoder, decoder = Encoder(data, 1), Decoder(count, 1)
    sums = {0}  # The twin: all sums of the equations so far, one by one.
    for number in numbers:
        found = decoder.add(number, encoder.symbol(number))
        sums |= {each ^ equation(number, count) for each in sums}
        assert decoder.needed == count - (len(sums).bit_length() - 1)
        assert found == (data if len(sums) == 2**count else None)


def test_a_symbol_is_the_sum_of_the_pieces_of_its_equation() -> None:
    data = Random(1).randbytes(70)
    encoder = Encoder(data, 10)
    for number in [0, 3, 6, 7, 8, 9, 500, MAX_NUMBER]:
        total = bytes(10)
        for at in range(7):
            if equation(number, 7) >> at & 1:
                total = bytes(a ^ b for a, b in zip(total, data[10 * at : 10 * at + 10], strict=True))
        assert encoder.symbol(number) == total
        assert equation(number, 7)


def test_few_symbols_beyond_the_least_are_needed() -> None:
    beyond, dice = 0, Random(7)
    for _ in range(50):
        data = dice.randbytes(64 * 8)
        encoder, decoder = Encoder(data, 8), Decoder(len(data), 8)
        taken = 0
        while decoder.needed:
            decoder.add(at := dice.randrange(64, MAX_NUMBER), encoder.symbol(at))
            taken += 1
        beyond += taken - 64
    assert beyond / 50 < 3


def test_the_first_symbols_alone_are_enough_when_none_is_lost() -> None:
    data = bytes(range(256)) * 4
    encoder, decoder = Encoder(data, 100), Decoder(len(data), 100)
    assert [decoder.add(at, encoder.symbol(at)) for at in range(11)] == [None] * 10 + [data]


def test_a_symbol_of_other_data_is_noticed_when_it_contradicts() -> None:
    data, other = bytes(80), bytes([1]) * 80
    decoder = Decoder(80, 10)
    for at in range(7):
        decoder.add(at, Encoder(data, 10).symbol(at))
    at = next(at for at in range(8, 99) if not equation(at, 8) >> 7)
    with pytest.raises(Polluted):
        decoder.add(at, Encoder(other, 10).symbol(1))


def test_what_is_no_symbol_and_what_has_too_many_pieces_is_refused() -> None:
    decoder = Decoder(80, 10)
    for number, symbol in [(0, bytes(9)), (0, bytes(11)), (-1, bytes(10)), (MAX_NUMBER + 1, bytes(10))]:
        with pytest.raises(ValueError):
            decoder.add(number, symbol)
    assert decoder.needed == 8
    for size, symbol_bytes in [(0, 10), (-1, 10), (10, 0), (MAX_PIECES + 1, 1)]:
        with pytest.raises(ValueError):
            pieces(size, symbol_bytes)
    with pytest.raises(ValueError):
        Encoder(b"x", 1).symbol(MAX_NUMBER + 1)
