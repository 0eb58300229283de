"""What is urgent in files is found without reading them on, and files are read in turns that end."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from random import Random

import pytest

from fedsync.bundling import Came, Course, Taking, batches, chunks, head, lines
from fedsync.bundling.turns import HEAD_BYTES, TURN_BYTES
from fedsync.crdt.books.booktables import SEALED, status
from fedsync.errors import Problem
from fedsync.gossip.bundles.chunks import MAGIC, MAX_BODY, Chunk, Piece, pack
from fedsync.gossip.bundles.form import Block, Said, Title, read
from fedsync.records.block import peek
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.ids import Key, PageId
from fedsync.wrapping import Opener, wrapped
from tests.bundling.nodes import At, roots, two
from tests.nodes import Scribe

PIECE = 10_000


def none_known(title: Title) -> bool:
    return False


def cut_up(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), PIECE):
        yield data[at : at + PIECE]


def counted(pieces: Iterable[bytes], read: list[int]) -> Iterator[bytes]:
    for piece in pieces:
        read.append(len(piece))
        yield piece


def in_turns(course: Course) -> Iterator[list[Piece]]:
    while (found := course.more()) is not None:
        yield found


def take(at: At, *parts: Iterable[Piece]) -> Came:
    taking = Taking(at.node, at.key)
    for part in parts:
        for batch in batches(part):
            taking.take(batch)
    taking.end()
    return taking.came


def recalled(scribe: Scribe) -> PageId:
    given = scribe.give("Cy", "Ama", "Ben")
    return scribe.recall(given, "Ama", "Ben")


def records(pieces: Iterable[Piece]) -> int:
    """Count naively what records stand in chunks of blocks."""
    said = [read(each) for each in pieces if isinstance(each, Chunk)]
    return sum(peek(each.raw).count for each in said if isinstance(each, Block))


def test_the_head_of_a_file_is_its_urgent_blocks_and_no_others() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", *range(1, 500))
        plain = north.file(south.key)
        assert head(cut_up(plain), None, none_known).pieces == []
        page = recalled(scribe)
        data = north.file(south.key)
        found = head(cut_up(data), None, none_known)
        assert found.title is not None
        assert found.title.said.maker == north.key
        take(south, found.pieces)
        held = status(south.node.state, scribe.scope, page)
        assert held is not None
        assert held.status == SEALED
        # Nothing but what is urgent came: the stock is behind it.
        assert 0 < records(found.pieces) < records(chunks([data])) - 499


def test_the_rest_of_a_file_is_not_read_for_its_head() -> None:
    with two() as (north, south, scribe):
        recalled(scribe)
        scribe.move("Ama", *range(1, 500))
        data = north.file(south.key)
        read_of: list[int] = []
        found = head(counted(cut_up(data + bytes(10 * HEAD_BYTES)), read_of), None, none_known)
        assert found.pieces
        assert sum(read_of) < len(data) + PIECE
    read_of = []
    assert head(counted(cut_up(MAGIC + bytes(10 * HEAD_BYTES)), read_of), None, none_known).pieces == []
    assert HEAD_BYTES <= sum(read_of) < HEAD_BYTES + PIECE


def test_no_more_than_a_megabyte_of_a_file_of_nothing_but_blocks_is_its_head() -> None:
    data = MAGIC + b"".join(pack(2, number, bytes(MAX_BODY)) for number in range(64))
    found = head(cut_up(data), None, none_known)
    assert 0 < sum(len(each.body) for each in found.pieces if isinstance(each, Chunk)) <= HEAD_BYTES + PIECE


def test_what_is_ours_or_has_come_has_no_head() -> None:
    with two() as (north, south, scribe):
        recalled(scribe)
        data = north.file(south.key)
        assert head(cut_up(data), None, lambda title: title.said.maker == north.key).pieces == []


@pytest.mark.parametrize("hidden", [False, True])
def test_a_file_that_is_read_in_turns_after_its_head_comes_to_the_same_as_at_once(hidden: bool) -> None:
    dice = Random(3)
    with two() as (north, south, scribe):
        recalled(scribe)
        for _ in range(40):
            scribe.move("Ama", *(dice.randrange(1, 10**9) for _ in range(500)))
        data = north.file(south.key, plain=True)
        assert len(data) > 2 * MAX_BODY
        ours = Opener(south.private)
        file = b"".join(wrapped([data], [south.key])) if hidden else data
        broken = bytearray(file)
        broken[len(file) // 2] ^= 1
        begins = head(cut_up(bytes(broken)), ours, none_known)
        early = take(south, begins.pieces)
        course = Course(cut_up(bytes(broken)), ours, none_known)
        came = take(south, *in_turns(course))
        assert course.ended
        assert early.records == records(begins.pieces) > 0
        assert came.damaged == 1
        mended = take(south, chunks([data]))
        assert early.records + came.records + mended.records == records(chunks([data]))
        assert roots(north) == roots(south)


def test_a_turn_ends_though_nothing_is_found_in_it() -> None:
    read_of: list[int] = []
    course = Course(counted(cut_up(MAGIC + bytes(10 * TURN_BYTES)), read_of), None, none_known)
    assert course.more() == []
    assert TURN_BYTES <= sum(read_of) < TURN_BYTES + PIECE
    turns = list(in_turns(course))
    assert 9 <= len(turns) <= 11
    assert turns[:-1] == [[]] * (len(turns) - 1)
    assert len(turns[-1]) == 1


def test_another_programs_file_is_not_read_to_its_end() -> None:
    read_of: list[int] = []
    course = Course(counted(cut_up(bytes(10 * HEAD_BYTES)), read_of), None, none_known)
    (said,) = [each for turn in in_turns(course) for each in turn]
    assert not isinstance(said, Chunk)
    assert said.why == "foreign"
    assert sum(read_of) <= HEAD_BYTES + 2 * PIECE


def test_what_was_read_before_a_file_could_not_be_read_on_is_given_first() -> None:
    wrong = Problem("unreadable", "gone", "")

    def pieces() -> Iterator[bytes]:
        yield MAGIC + pack(77, 0, b"one")
        raise wrong

    course = Course(pieces(), None, none_known)
    assert course.more() == [Chunk(77, 0, b"one")]
    for _ in range(2):
        with pytest.raises(Problem):
            course.more()
    assert not course.ended


def test_files_of_one_maker_are_read_as_they_were_made_and_the_shortest_line_first() -> None:
    def title(maker: str, bundle: str, made: int, part: int = 0) -> Title:
        key: Key = public_key(private_key(sha256(maker.encode()).digest()))
        said = Said(sha256(bundle.encode()).digest()[:16], key)
        return Title(said, part, b"j" * 8, made, made, (0, 0, 0, 0), (), 0, True)

    files = [
        ("huge", None, 1 << 32),
        ("second b", title("oak", "late", 9, 1), 50),
        ("second a", title("oak", "late", 9), 50),
        ("first", title("oak", "early", 5), 10),
        ("other", title("mill", "x", 1), 100),
        ("unknown", None, 20),
    ]
    expected = [["unknown"], ["other"], ["first", "second a", "second b"], ["huge"]]
    for seed in range(20):
        Random(seed).shuffle(files)
        assert lines(files) == expected
    assert lines([]) == []
