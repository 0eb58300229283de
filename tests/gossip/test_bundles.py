"""A bundle: what one node holds goes in files to another, whatever happens to the files."""

import random
from collections.abc import Iterator

import pytest

from fedsync.gossip.bundles import chunks, making
from fedsync.gossip.bundles.chunks import FOREIGN_BYTES, MAGIC, MARK, MAX_BODY, Chunk, Damage, cut, pack
from fedsync.gossip.bundles.form import (
    NONE,
    BadChunk,
    Block,
    Content,
    End,
    Receipt,
    Receipts,
    Said,
    Tip,
    Tips,
    Title,
    Wanted,
    Wants,
    write,
)
from fedsync.gossip.bundles.form import read as form_read
from fedsync.gossip.bundles.making import MIN_PART_BYTES
from fedsync.gossip.bundles.reading import Bad, read
from fedsync.gossip.holdings import TIP
from fedsync.records.block import peek
from fedsync.records.ids import LogClass, LogId, Reach, Scope
from fedsync.records.wire import MAX_BLOCK_BYTES
from tests.gossip.bundles import (
    NODE,
    PRIVATE,
    READER,
    bring,
    contents,
    empty,
    files,
    full,
    keep,
    raws,
    same,
    wish,
)
from tests.sim.world import Author

SAID = Said(b"b" * 16, NODE)


def test_what_one_node_holds_goes_in_a_file_to_another() -> None:
    north, south = full(), empty()
    (file,) = files(north, wish())
    bring(south, raws(contents(file)))
    assert same(north, south)


def test_a_file_says_who_made_it_and_how_far_it_had_come_at_both_ends() -> None:
    north = full()
    (file,) = files(north, wish(readers=(READER,)))
    first, *_, last = contents(file)
    assert isinstance(first, Title)
    assert isinstance(last, End)
    assert (first.said.maker, first.readers) == (NODE, (READER,))
    assert (first.journal, first.counter) == north.journal()
    assert last.title == first
    assert last.last
    assert last.whole


def test_classes_come_in_their_order_and_what_is_urgent_before_all() -> None:
    north = full(40)
    author = Author(100, LogClass.AUTHORITY)
    keep(north, author, "recalled")
    log = north.log(author.log)
    assert log is not None
    north.hurry(author.log, 0)
    (file,) = files(north, wish())
    logs = [peek(raw).log for raw in raws(contents(file))]
    assert logs[0] == author.log
    classes = [held.set[2] for log_id in logs[1:] if (held := north.log(log_id)) is not None]
    assert classes == sorted(classes)


def test_what_the_reader_is_known_to_hold_is_left_out() -> None:
    north, south = full(), empty()
    bring(south, raws(contents(*files(north, wish()))))
    counter = north.journal()[1]
    author = Author(3, LogClass.TEXTS)
    author.at = north.base(author.log, north.log(author.log).heads[0])  # type: ignore[union-attr]
    keep(north, author, "new")
    (file,) = files(north, wish(since=(counter,) * 4))
    (raw,) = raws(contents(file))
    assert peek(raw).count == 1
    bring(south, [raw])
    assert same(north, south)


def test_who_asks_by_name_gets_what_it_lacks_of_that_log() -> None:
    north = full(4, writes=3)
    author = Author(2, LogClass.FACTS)
    head = north.log(author.log).heads[0]  # type: ignore[union-attr]
    base = north.id_at(author.log, head, 1)
    assert base is not None
    asked = Wanted(author.log, ((1, base[:8]),))  # type: ignore[arg-type]
    since = (north.journal()[1],) * 4
    found = raws(contents(*files(north, wish(since=since, asked=(asked,)))))
    assert {peek(raw).log for raw in found} == {author.log}
    assert peek(found[0]).first == 2
    whole = raws(contents(*files(north, wish(since=since, asked=(Wanted(author.log, ()),)))))
    assert peek(whole[0]).first == 0


@pytest.mark.parametrize("size", [MIN_PART_BYTES, 3 * MIN_PART_BYTES])
def test_no_file_is_larger_than_the_medium_and_each_is_read_alone(size: int) -> None:
    north, south = full(8), empty()
    for number in range(8):
        author = Author(1000 + number, LogClass.TEXTS)
        dice = random.Random(number)
        for _ in range(2):
            keep(north, author, *[dice.randbytes(700).hex() for _ in range(30)])
    parts = files(north, wish(part_bytes=size))
    assert len(parts) > 1
    assert max(map(len, parts)) <= size
    for number, part in enumerate(parts):
        first, *_, last = contents(part)
        assert isinstance(first, Title)
        assert first.part == number
        assert isinstance(last, End)
        assert last.last == (part is parts[-1])
    bring(south, raws(contents(*parts[::-1])))
    assert same(north, south)


def test_a_bundle_that_is_cut_at_a_size_says_that_something_is_left_out() -> None:
    north = full(100)
    (whole,) = files(north, wish())
    (file,) = files(north, wish(total_bytes=len(whole) // 2))
    assert len(file) <= len(whole) // 2
    *found, end = contents(file)
    assert isinstance(end, End)
    assert not end.whole
    assert raws(found)


def test_every_tip_is_told() -> None:
    north = full(30)
    (file,) = files(north, wish())
    rows = [row for each in contents(file) if isinstance(each, Tips) for row in each.rows]
    told = {(row.log, row.kind, row.seq, row.name) for row in rows}
    logs = [(log, north.log(log)) for log in north.logs()]
    assert told == {(log, TIP, *_named(held.heads[0])) for log, held in logs if held is not None}


def _named(head: tuple[int, bytes]) -> tuple[int, bytes]:
    return head[0], head[1][:8]


def test_wishes_and_receipts_come_as_they_were_written() -> None:
    wants = tuple(Wanted(Author(number).log, ()) for number in range(2000))
    receipts = (Receipt(READER, b"journal2", (1, 2, 3, 4), (b"b" * 16,)),)
    found = contents(*files(full(1), wish(wants=wants, receipts=receipts)))
    assert tuple(row for each in found if isinstance(each, Wants) for row in each.rows) == wants
    assert [each.rows for each in found if isinstance(each, Receipts)] == [receipts]


# --- Damage -----------------------------------------------------------------------------------------------


def test_wishes_leave_room_for_records_where_a_bundle_has_a_size_and_each_has_its_turn() -> None:
    rows = tuple(Wanted(LogId(number.to_bytes(32, "big")), ()) for number in range(4000))
    asked: set[LogId] = set()
    dice = random.Random(1)
    for number in (dice.getrandbits(127) for _ in range(60)):
        found = contents(*files(full(), wish(wants=rows, total_bytes=80_000), number))
        some = [row.log for each in found if isinstance(each, Wants) for row in each.rows]
        assert 0 < len(some) * 33 <= 80_000 // making.WANTS_SHARE
        assert raws(found) == raws(contents(*files(full(), wish(), number)))
        asked.update(some)
    assert len(asked) > len(rows) * 0.8
    (file,) = files(full(), wish(wants=rows, total_bytes=200_000, since=(NONE,) * 4))
    assert sum(len(each.rows) for each in contents(file) if isinstance(each, Wants)) == len(rows)


def test_a_file_that_is_cut_short_anywhere_gives_all_that_came_before() -> None:
    (file,) = files(full(), wish())
    whole = raws(contents(file))
    dice = random.Random(1)
    for cut_at in [*range(8, 300), *[dice.randrange(len(file)) for _ in range(300)]]:
        found = list(read([file[:cut_at]]))
        came = raws(found)
        assert came == whole[: len(came)]
        assert not any(isinstance(each, End) for each in found)


def test_a_damaged_byte_costs_one_chunk_and_it_is_named() -> None:
    (file,) = files(full(), wish())
    sound = [each for each in cut([file]) if isinstance(each, Chunk)]
    dice = random.Random(2)
    for _ in range(400):
        at = dice.randrange(len(MAGIC), len(file))
        broken = file[:at] + bytes((file[at] ^ (1 << dice.randrange(8)),)) + file[at + 1 :]
        found = list(cut([broken]))
        left = [each for each in found if isinstance(each, Chunk)]
        assert len(left) == len(sound) - 1
        assert set(left) < set(sound)
        (lost,) = [each for each in found if isinstance(each, Damage)]
        assert lost.why in ("damaged", "cut-short")
        assert lost.at <= at < lost.at + lost.size


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
def test_it_does_not_matter_how_a_file_is_cut_into_pieces(piece: int) -> None:
    (file,) = files(full(3), wish())
    broken = file[:200] + MARK + b"between" + file[200:]
    pieces = [broken[at : at + piece] for at in range(0, len(broken), piece)]
    assert list(cut(pieces)) == list(cut([broken]))


def test_a_file_without_its_beginning_is_read_all_the_same() -> None:
    (file,) = files(full(3), wish())
    assert raws(read([file[5:]])) == raws(contents(file))


@pytest.mark.parametrize(
    "other", [b"", b"PK\3\4" + bytes(100), bytes(1 << 22)], ids=["empty", "zip", "zeros"]
)
def test_a_file_of_another_program_is_told_as_such(other: bytes) -> None:
    assert list(read([other])) == [Bad(0, 0, "foreign")]


def test_a_file_that_is_nothing_but_marks_costs_no_more_than_it_has_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hashed, check = 0, chunks._check

    def counted(head: bytes, body: bytes) -> bytes:
        nonlocal hashed
        hashed += len(body)
        return check(head, body)

    monkeypatch.setattr(chunks, "_check", counted)
    monkeypatch.setattr(chunks, "VAIN_BYTES", 1_000_000)
    file = MAGIC + (MARK + b"\2\0\0\0\xff\xff" + bytes(6)) * 100_000
    found = list(cut([file]))
    assert [each.why for each in found if isinstance(each, Damage)] == ["damaged"]
    assert hashed <= 1_000_000 + MAX_BODY + len(file)


def test_of_another_programs_file_no_more_than_its_beginning_is_read() -> None:
    read_of_it = 0

    def endless() -> Iterator[bytes]:
        nonlocal read_of_it
        while True:
            read_of_it += 65_536
            assert read_of_it <= FOREIGN_BYTES + 2 * 65_536
            yield b"no bundle at all" * 4096

    assert list(cut(endless())) == [Damage(0, 0, "foreign")]


@pytest.mark.parametrize(
    "content",
    [
        Tips(
            SAID,
            5,
            5,
            (Tip((Scope(b"s" * 16), Reach.WORLD, LogClass.FACTS), TIP, LogId(b"l" * 32), 3, b"8 bytes."),),
        ),
        Block(bytes(MAX_BLOCK_BYTES + 1)),
    ],
)
def test_what_is_more_than_there_may_be_is_refused(content: Content) -> None:
    kind, body = write(content, PRIVATE.sign)
    with pytest.raises(BadChunk) as caught:
        form_read(Chunk(kind, 0, body))
    assert caught.value.code == "shape"


def test_a_chunk_that_its_maker_did_not_sign_is_bad() -> None:
    (file,) = files(full(3), wish())
    chunks = [each for each in cut([file]) if isinstance(each, Chunk)]
    forged = b"".join(
        pack(each.kind, each.number, each.body if each.kind in (2, 7) else each.body[:-1] + b"\0")
        for each in chunks
    )
    found = list(read([MAGIC + forged]))
    assert {each.why for each in found if isinstance(each, Bad)} <= {"signature", "shape"}
    assert not any(isinstance(each, Title | End | Tips) for each in found)
    assert raws(found) == raws(contents(file))


def test_a_chunk_of_a_kind_of_later_is_passed_over() -> None:
    (file,) = files(full(3), wish())
    assert contents(file + pack(200, 9, b"news")) == contents(file)


def test_bytes_that_fit_no_chunk_are_refused_when_written() -> None:
    with pytest.raises(ValueError):
        pack(1, 0, b"")
    assert issubclass(BadChunk, ValueError)
