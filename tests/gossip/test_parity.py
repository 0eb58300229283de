"""Files more than a bundle needs: any n of n + k are enough, to the byte."""

import random
from collections.abc import Callable, Iterable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip.bundles import parity
from fedsync.gossip.bundles.chunks import MAGIC, Chunk, cut, pack
from fedsync.gossip.bundles.field import combined, inverse, scaled, solved, times
from fedsync.gossip.bundles.making import MIN_PART_BYTES
from fedsync.gossip.bundles.parity import MAX_FILES, Mended, Unprotected, mend, protect, repaired, standings
from tests.gossip.bundles import files, full, wish

NAME = b"s" * 8


def given_as(file: bytes) -> Callable[[], Iterable[bytes]]:
    return lambda: [file[at : at + 1000] for at in range(0, len(file), 1000)]


def more(whole: list[bytes], extra: int, name: bytes = NAME) -> list[bytes]:
    found = [b""] * extra
    for number, data in protect([given_as(each) for each in whole], extra, name):
        found[number] += data
    return found


def mended(*left: bytes) -> dict[int, list[Chunk]]:
    found: dict[int, list[Chunk]] = {}
    for file, chunk in mend([given_as(each) for each in left]):
        found.setdefault(file, []).append(chunk)
    return found


def test_how_many_files_are_needed_is_counted_as_they_lie_there() -> None:
    whole = [MAGIC + pack(2, 0, bytes([number] * 90)) for number in range(1, 5)]
    extra = more(whole, 3)
    for own in range(5):
        for mending in range(1, 4):
            given_files = [given_as(each) for each in (*whole[:own], *extra[:mending])]
            (found,) = standings(given_files)
            assert found == (4, own, mending)
            assert found.lacks == max(0, 4 - own - mending)
            # As many as it says are enough, and one less is not.
            there = (*whole[:own], *extra[:mending], *extra[mending:], *whole[own:])
            enough = [*there[: own + mending + found.lacks]]
            assert len(mended(*enough)) == (4 - sum(each in whole for each in enough))
            if found.lacks:
                assert not mended(*enough[:-1])
    assert standings([given_as(each) for each in whole]) == []


def chunks(file: bytes) -> list[Chunk]:
    return [each for each in cut([file]) if isinstance(each, Chunk)]


def made(count: int, seed: int = 1) -> list[bytes]:
    """Return files of chunks of all lengths, some files longer than others."""
    dice = random.Random(seed)
    return [
        MAGIC
        + b"".join(
            pack(2, number, dice.randbytes(dice.randint(1, 300))) for number in range(dice.randint(1, 9))
        )
        for _ in range(count)
    ]


@given(st.integers(0, 255), st.integers(1, 255), st.integers(1, 255), st.binary(max_size=40))
def test_multiplying_is_a_field_as_a_school_child_would_check_it(a: int, b: int, c: int, data: bytes) -> None:
    assert times(a, b) == times(b, a)
    assert times(times(a, b), c) == times(a, times(b, c))
    assert times(a, b ^ c) == times(a, b) ^ times(a, c)
    assert times(b, inverse(b)) == 1
    assert times(a, 1) == a
    assert scaled(b, data) == bytes(times(b, each) for each in data)
    assert combined([1, b], [data, data], len(data)) == bytes(each ^ times(b, each) for each in data)


def test_a_matrix_times_its_inverse_changes_nothing() -> None:
    matrix = [[inverse(16 + row ^ column) for column in range(5)] for row in range(5)]
    back = solved(matrix)
    for row in range(5):
        for column in range(5):
            total = 0
            for at in range(5):
                total ^= times(matrix[row][at], back[at][column])
            assert total == int(row == column)


@pytest.mark.parametrize(("count", "extra"), [(1, 1), (1, 3), (4, 2), (3, 3), (6, 1)])
def test_any_n_of_all_files_are_enough(count: int, extra: int) -> None:
    whole = made(count)
    everything = [*whole, *more(whole, extra)]
    for left in combinations(range(count + extra), count):
        found = mended(*[everything[at] for at in left])
        lost = [at for at in range(count) if at not in left]
        assert found == {at: chunks(whole[at]) for at in lost}


def test_a_bundle_on_sticks_is_mended_to_the_byte() -> None:
    whole = files(full(40, writes=6), wish(part_bytes=MIN_PART_BYTES, plain=True)) * 1
    whole += files(full(40, writes=6, seed=2), wish(part_bytes=MIN_PART_BYTES, plain=True))
    extra = more(whole, 1)
    found = mended(*whole[1:], *extra)
    assert found == {0: chunks(whole[0])}


def test_damage_here_and_there_in_every_file_is_mended_where_no_more_than_k_of_a_row_are_lost() -> None:
    whole = made(4, seed=3)
    extra = more(whole, 2)
    broken = [bytearray(each) for each in whole]
    for at, file in enumerate(broken[:2]):
        file[len(MAGIC) + 20 + at] ^= 1
    found = mended(*map(bytes, broken), *extra)
    assert found == {at: [chunks(whole[at])[0]] for at in range(2)}


def test_a_damaged_and_a_missing_file_come_whole_chunk_by_chunk() -> None:
    whole = made(4, seed=9)
    extra = more(whole, 2)
    broken = bytearray(whole[1])
    broken[len(MAGIC) + 20] ^= 1
    left = [bytes(broken), whole[2], whole[3], *extra]
    found = [list(each) for each in repaired([given_as(file) for file in left])]
    assert found == [chunks(whole[0]), chunks(whole[1])]


def test_of_fewer_than_n_files_nothing_is_made_up() -> None:
    whole = made(4, seed=4)
    assert mended(*whole[:2], *more(whole, 1)) == {} or all(
        chunk in chunks(whole[file])
        for file, found in mended(*whole[:2], *more(whole, 1)).items()
        for chunk in found
    )


def test_files_of_other_bundles_do_no_harm() -> None:
    one, other = made(3, seed=5), made(3, seed=6)
    found = mended(*one[1:], *other, *more(one, 1), *more(other, 1, b"t" * 8))
    assert found == {0: chunks(one[0])}


def test_a_mending_file_that_somebody_made_up_gives_no_chunk_that_is_longer_than_it() -> None:
    whole = made(3, seed=7)
    dice = random.Random(8)
    (extra,) = more(whole, 1)
    for _ in range(200):
        forged = MAGIC + b"".join(
            pack(each.kind, each.number, _changed(each.body, dice)) for each in chunks(extra)
        )
        for each in mend([given_as(file) for file in (*whole[1:], forged)]):
            assert isinstance(each, Mended)
            assert len(each.chunk.body) < len(forged)


def _changed(body: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(body))
    return body[:at] + bytes((dice.randrange(256),)) + body[at + 1 :]


def test_only_sound_files_and_no_more_than_the_field_has_are_protected() -> None:
    (file,) = made(1)
    for whole, extra in (([file] * 250, MAX_FILES - 249), ([], 1), ([file], 0), ([file[:-1]], 1)):
        with pytest.raises(Unprotected):
            more(whole, extra)


def test_what_takes_too_long_to_solve_is_not_mended_and_rows_that_lost_the_same_are_solved_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = made(5, seed=11)
    extra = more(whole, 3)
    # Two files are lost in all rows, and of one row a third.
    broken = bytearray(whole[4])
    broken[len(MAGIC) + 20] ^= 1
    monkeypatch.setattr(parity, "MAX_STEPS", 3**3 + 2**3 + 1)
    assert mended(*whole[2:4], bytes(broken), *extra) == {
        0: chunks(whole[0]),
        1: chunks(whole[1]),
        4: chunks(whole[4])[:1],
    }
    monkeypatch.setattr(parity, "MAX_STEPS", 3**3)
    assert set(mended(*whole[2:4], bytes(broken), *extra)) <= {0, 1, 4}
    monkeypatch.setattr(parity, "MAX_STEPS", 0)
    assert mended(*whole[2:], *extra) == {}


def test_of_more_sets_in_one_place_than_the_bound_nothing_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "MAX_SETS", 1)
    one, other = made(3, seed=5), made(3, seed=6)
    found = mended(*one[1:], *other[1:], *more(one, 1), *more(other, 1, b"t" * 8))
    assert found == {0: chunks(one[0])}
