"""Blocks as segments in sessions over thin carriers: short, understood alone or in time, and whole when they are not."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from fedsync.gossip import segments
from fedsync.gossip.inhand import MAX_IN_HAND, InHand
from fedsync.gossip.limits import (
    LATE_S,
    LATE_TRIES,
    LATE_TRIES_BURST,
    LATE_TRIES_PER_S,
    MAX_LATE,
    MAX_PLAIN,
    PLAIN_S,
)
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import BlockMessage, Hello, Message, Plain, Segment, decode, encode
from fedsync.gossip.names import READ, HeldNames, Places
from fedsync.gossip.nature import STREAM, THIN, Nature
from fedsync.gossip.priority import FIRST, LAST
from fedsync.gossip.segments import Ahead, Segments, Unread
from fedsync.gossip.thin.packets import Packet, Whole, write
from fedsync.gossip.thin.profile import RADIO, SEAL_BYTES
from fedsync.records.codec import Value
from fedsync.records.dictionary import NEWEST
from fedsync.records.ids import LogClass, RecordId
from fedsync.records.seal import Draft, seal
from fedsync.records.segment import SHORT_BYTES, BadSegment, Names, unpack
from tests.records.blocks import tip
from tests.sim.world import Author, Link, Node, World, equal


class Two:
    """Two nodes over a thin carrier, and all that was said."""

    def __init__(self, nature: Nature = THIN, delay: float = 0.5, seed: int = 0) -> None:
        self.world = World(seed)
        self.one, self.two = self.world.node("one"), self.world.node("two")
        self.link: Link = self.world.link(self.one, self.two, delay)
        self.link.nature = nature
        self.said: list[tuple[str, Message]] = []
        self.changes: list[Callable[[Message], list[Message]]] = []
        """What becomes of what `one` says."""
        self.world.tamper = {"one": self._pass, "two": self._pass}

    def _pass(self, node: Node, other: Node, frame: bytes) -> list[bytes]:
        messages = [decode(frame)]
        self.said.append((node.name, messages[0]))
        for change in self.changes if node is self.one else ():
            messages = [found for each in messages for found in change(each)]
        return [encode(each) for each in messages]

    def meet(self, seconds: float = 600.0) -> None:
        """Begin a session, and go on until both hold the same."""
        self.world.connect(self.link)
        assert self.world.run(seconds, lambda: equal([self.one, self.two]))
        self.world.run(30.0)

    def blocks(self) -> list[Message]:
        return [each for _, each in self.said if isinstance(each, BlockMessage | Segment)]

    def plain(self) -> int:
        return sum(isinstance(each, Plain) for _, each in self.said)


HOUR = 3600.0


def authors(count: int, log_class: LogClass = LogClass.AUTHORITY) -> list[Author]:
    return [Author(number, log_class) for number in range(1, count + 1)]


def test_over_a_thin_carrier_blocks_are_segments_and_a_single_word_takes_less_than_half() -> None:
    sizes: dict[str, list[int]] = {}
    for name, nature in (("thin", THIN), ("stream", STREAM)):
        two = Two(nature)
        (author,) = authors(1)
        two.one.write(author.write("hello"))
        two.meet()
        before = len(two.said)
        for word in ("yes", "no", "yes"):
            two.one.write(author.write(word))
            two.world.run(5.0)
        assert equal([two.one, two.two])
        sizes[name] = [
            len(encode(each)) for _, each in two.said[before:] if isinstance(each, Segment | BlockMessage)
        ]
        kind = Segment if nature is THIN else BlockMessage
        assert {type(each) for each in two.blocks()} == {kind}
        assert not two.plain()
    assert len(sizes["thin"]) == len(sizes["stream"]) == 3
    assert max(sizes["thin"]) < min(sizes["stream"]) // 2
    assert max(sizes["thin"]) <= 120


def test_a_first_meeting_with_much_on_both_sides_comes_to_the_same_without_a_word_in_full() -> None:
    for seed in range(4):
        two = Two(seed=seed)
        random = two.world.random
        for node, some in ((two.one, authors(6)), (two.two, authors(9, LogClass.FACTS)[6:])):
            for author in some:
                for _ in range(random.randrange(1, 6)):
                    node.write(author.write(*[f"word {random.randrange(9)}"] * random.randrange(1, 9)))
        two.world.duplication = 0.2
        two.meet()
        assert {type(each) for each in two.blocks()} == {Segment}
        assert not two.plain()
        assert not two.link.closes


def test_branches_of_a_log_come_to_the_same() -> None:
    two = Two()
    (author,) = authors(1)
    two.one.write(author.write("hello"))
    two.meet()
    root = author.at
    for node, words in ((two.one, ("left", "more")), (two.two, ("right", "more", "most"))):
        author.at = root
        for word in words:
            node.write(author.write(word))
    assert two.world.run(600.0, lambda: equal([two.one, two.two]))
    ours, theirs = [node.memory.log(author.log) for node in (two.one, two.two)]
    assert ours is not None
    assert theirs is not None
    assert len(ours.heads) == 2
    assert set(ours.heads) == set(theirs.heads)


def met() -> tuple[Two, Author, Author]:
    """Return two nodes that hold the same, and two authors of whom both hold something."""
    two, (author, chair) = Two(), authors(2)
    two.one.write(author.write("hello"))
    two.one.write(chair.write("hello"))
    two.meet()
    return two, author, chair


def quoted(two: Two, author: Author, chair: Author) -> None:
    """Let `one` write a motion, and then a vote on it in another log."""
    (motion,) = chair.write("a motion")
    vote = Draft("vote", {"motion": motion.tip, "option": "yes"}, 1_795_000_123_456)
    two.one.write([motion])
    two.one.write(seal(author.private, author.genesis, author.at, [vote]))


def test_a_segment_that_comes_before_what_it_names_waits_for_it() -> None:
    two, author, chair = met()
    kept: list[Message] = []

    def later(message: Message) -> list[Message]:
        """Keep the first segment back until the second has gone."""
        if isinstance(message, Segment):
            kept.append(message)
            return kept[::-1] if len(kept) == 2 else [] if len(kept) == 1 else [message]
        return [message]

    two.changes = [later]
    quoted(two, author, chair)
    two.world.run(5.0)
    assert len(kept) == 2
    assert equal([two.one, two.two])
    assert not two.plain()


def spoilt(message: Message) -> list[Message]:
    """What a segment means at a receiver for whom its names stand for something else: its check fails."""
    if not isinstance(message, Segment):
        return [message]
    data = bytearray(message.data)
    whole, prev, one = data[1] & 1, data[1] & 2, data[1] & 8
    data[2 + (32 if whole else SHORT_BYTES) + 1 + (32 if prev else 0) + (0 if one else 1)] ^= 1
    return [message._replace(data=bytes(data))]


def test_a_segment_that_means_something_else_here_is_asked_for_in_full_and_is_nobodys_fault() -> None:
    two = Two()
    (author,) = authors(1)
    two.one.write(author.write("hello"))
    two.meet()
    two.changes = [spoilt]
    for word in ("yes", "no"):
        two.one.write(author.write(word))
        assert two.world.run(900.0, lambda: equal([two.one, two.two]))
    assert two.plain() >= 1
    assert isinstance(two.blocks()[-1], BlockMessage)
    assert not two.link.closes


def test_what_was_asked_for_and_cannot_be_read_is_asked_for_in_full() -> None:
    two = Two()
    two.changes = [spoilt]
    (author,) = authors(1)
    for word in ("hello", "more", "most"):
        two.one.write(author.write(word))
    two.meet()
    assert two.plain() >= 1
    assert {type(each) for each in two.blocks()} == {Segment, BlockMessage}
    assert not two.link.closes


def lost(two: Two) -> None:
    """Lose the next segment of `one`, as no carrier should."""
    gone: list[Message] = []

    def lose(message: Message) -> list[Message]:
        if isinstance(message, Segment) and not gone:
            gone.append(message)
            return []
        return [message]

    two.changes = [lose]


def test_what_is_missing_before_a_segment_is_asked_for_at_once() -> None:
    two, author, _ = met()
    lost(two)
    for word in ("first", "second", "third"):
        two.one.write(author.write(word))
    assert two.world.run(5.0, lambda: equal([two.one, two.two]))
    assert not two.plain()


def test_what_is_named_and_never_came_is_not_waited_for_for_ever() -> None:
    two, author, chair = met()
    lost(two)
    quoted(two, author, chair)
    two.world.run(60.0)
    assert not equal([two.one, two.two])
    assert two.world.run(2 * LATE_S, lambda: equal([two.one, two.two]))
    assert not two.link.closes


def test_who_has_no_dictionary_gets_blocks_in_full() -> None:
    two = Two()
    two.changes = [lambda message: [message._replace(words=0)] if isinstance(message, Hello) else [message]]
    (author,) = authors(1)
    two.two.write(author.write("hello", "you"))
    two.meet()
    assert {type(each) for each in two.blocks()} == {BlockMessage}


def test_who_has_only_an_older_dictionary_gets_what_is_made_with_it() -> None:
    two = Two()
    two.changes = [
        lambda message: [message._replace(words=NEWEST + 5)] if isinstance(message, Hello) else [message]
    ]
    (author,) = authors(1)
    two.two.write(author.write("hello", "you"))
    two.meet()
    assert {each.data[0] for each in two.blocks() if isinstance(each, Segment)} <= {0, NEWEST}


def test_bytes_that_nothing_could_make_a_segment_of_are_strikes_and_three_end_the_session() -> None:
    two = Two()
    two.one.write(authors(1)[0].write("hello"))
    two.meet()
    for _ in range(3):
        two.world.at(
            two.world.now, lambda: two.world._send(two.link, two.one, encode(Segment(True, True, b"\1\xff")))
        )
        two.world.run(2.0)
    assert "strikes" in two.link.closes


def test_a_bounded_number_of_segments_waits_and_of_logs_is_sent_in_full() -> None:
    author = authors(1)[0]
    here, there = Memory(b"h" * 8), Memory(b"t" * 8)
    blocks = [block for word in ("a", "b", "c") for block in author.write(word)]
    for block in blocks:
        here.take(block.raw)
    there.take(blocks[0].raw)
    sender = Segments(here, Places(), lambda _: True, thin=True)
    sender.words, sender.level = NEWEST, True
    heard = Segments(there, Places(), lambda _: True, thin=True)
    (early,) = author.write("d")
    frame = sender.shorten(encode(BlockMessage(True, True, early.raw)), LAST)
    message = decode(frame)
    assert isinstance(message, Segment)
    assert [heard.hear(message) for _ in range(MAX_LATE)] == [Ahead(author.log, blocks[-1].last)] * MAX_LATE
    assert heard.hear(message) == Unread(author.log, blocks[-1].last, True, True)
    assert heard.wake_at() == LATE_S
    assert (heard.late, heard.late_bytes) == (MAX_LATE, MAX_LATE * len(message.data))
    assert not list(heard.overdue())
    heard.now = LATE_S
    assert len(list(heard.overdue())) == MAX_LATE
    assert heard.wake_at() is None
    with pytest.raises(BadSegment):
        heard.hear(Segment(True, True, b"\1"))
    for number in range(MAX_PLAIN + 1):
        sender.plain(Plain(number.to_bytes(SHORT_BYTES, "big")))
    assert decode(sender.shorten(encode(BlockMessage(True, True, early.raw)), LAST)) == BlockMessage(
        True, True, early.raw
    )


def test_nothing_is_named_to_a_peer_that_is_not_known_to_hold_it() -> None:
    author = authors(1)[0]
    here, nobody = Memory(b"h" * 8), Memory(b"n" * 8)
    blocks = [block for word in ("a", "b") for block in author.write(word)]
    for block in blocks:
        here.take(block.raw)
    sender = Segments(here, Places(), lambda _: True, thin=True)
    sender.words = NEWEST
    stranger = Segments(nobody, Places(), lambda _: True, thin=True)
    pushed = decode(sender.shorten(encode(BlockMessage(True, True, blocks[1].raw)), LAST))
    assert isinstance(pushed, Segment)
    assert stranger.hear(pushed) == BlockMessage(True, True, blocks[1].raw)
    # Asked for from there on: then it is held there.
    asked = decode(sender.shorten(encode(BlockMessage(True, False, blocks[1].raw)), LAST))
    assert isinstance(asked, Segment)
    assert len(asked.data) < len(pushed.data)
    assert stranger.hear(asked) is None or isinstance(stranger.hear(asked), Unread)


def test_what_another_wrote_is_named_to_nobody_who_is_not_known_to_hold_it() -> None:
    author, other = authors(2)
    here, there, places = Memory(b"h" * 8), Memory(b"t" * 8), Places()
    held, motion = author.write("a") + other.write("b"), other.write("motion")
    for block in (*held, *motion):
        here.take(block.raw)
        places.note(block.raw)
    for block in held:
        there.take(block.raw)
    said: Value = {"motion": motion[0].ids[0], "about": motion[0].tip}
    (vote,) = seal(author.private, author.genesis, author.at, [Draft("vote", said, 5)])
    sender = Segments(here, places, lambda _: True, thin=True)
    sender.words = NEWEST
    # It is known to hold all of the other's log but the motion.
    sender.came(held[-1].raw)
    message = BlockMessage(True, False, vote.raw)
    heard = Segments(there, Places(), lambda _: True, thin=True)
    narrow = decode(sender.shorten(encode(message), LAST))
    assert isinstance(narrow, Segment)
    assert heard.hear(narrow) == message
    sender.level = True
    wide = decode(sender.shorten(encode(message), LAST))
    assert isinstance(wide, Segment)
    assert len(wide.data) < len(narrow.data)
    assert heard.hear(wide) is None


def test_what_waits_has_a_bound_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    (author,) = authors(1)
    blocks = [block for word in "abc" for block in author.write(word)]
    here = Memory(b"h" * 8)
    for block in blocks:
        here.take(block.raw)
    sender = Segments(here, Places(), lambda _: True, thin=True)
    sender.words, sender.level = NEWEST, True
    message = decode(sender.shorten(encode(BlockMessage(True, False, blocks[-1].raw)), LAST))
    assert isinstance(message, Segment)
    heard = Segments(Memory(b"n" * 8), Places(), lambda _: True, thin=True)
    monkeypatch.setattr(segments, "LATE_BYTES", 2 * len(message.data))
    assert [type(heard.hear(message)) for _ in range(3)] == [type(None), type(None), Unread]


def test_of_a_bounded_number_of_logs_it_is_remembered_what_the_peer_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(segments, "MAX_GIVEN", 2)
    sender = Segments(Memory(b"h" * 8), Places(), lambda _: True, thin=True)
    written = [each.write("a")[0] for each in authors(3)]
    for block in written:
        sender.came(block.raw)
    assert [sender._knows(block.log, block.last) for block in written] == [False, True, True]


def test_what_is_urgent_names_nothing_that_it_may_overtake() -> None:
    author, other = authors(2)
    here = Memory(b"h" * 8)
    blocks = author.write("a") + other.write("motion")
    places = Places()
    for block in blocks:
        here.take(block.raw)
        places.note(block.raw)
    (vote,) = seal(
        author.private, author.genesis, author.at, [Draft("vote", {"motion": blocks[1].ids[1]}, 5)]
    )
    sender = Segments(here, places, lambda _: True, thin=True)
    sender.words, sender.level = NEWEST, True
    frame = encode(BlockMessage(True, True, vote.raw))
    usual, urgent = decode(sender.shorten(frame, LAST)), decode(sender.shorten(frame, FIRST))
    assert isinstance(usual, Segment)
    assert isinstance(urgent, Segment)
    # Who holds the author's log alone reads the urgent one at once, and waits for the motion to read the other.
    there = Memory(b"t" * 8)
    there.take(blocks[0].raw)
    heard = Segments(there, Places(), lambda _: True, thin=True)
    assert heard.hear(urgent) == BlockMessage(True, True, vote.raw)
    assert heard.hear(usual) is None
    there.take(blocks[1].raw)
    assert list(heard.stored(blocks[1].log, blocks[1].raw)) == [BlockMessage(True, True, vote.raw)]


def test_after_an_hour_a_log_that_could_not_be_read_goes_as_segments_again() -> None:
    (author,) = authors(1)
    here = Memory(b"h" * 8)
    blocks = author.write("a") + author.write("b")
    here.take(blocks[0].raw)
    sender = Segments(here, Places(), lambda _: True, thin=True)
    sender.words, sender.level = NEWEST, True
    frame = encode(BlockMessage(True, True, blocks[1].raw))
    heard = Segments(Memory(b"t" * 8), Places(), lambda _: True, thin=True)
    complaint = heard.complain(Unread(author.log, 1, True, True))
    assert complaint is not None
    assert heard.complain(Unread(author.log, 2, True, True)) is None
    sender.plain(complaint)
    assert sender.shorten(frame, LAST) == frame
    sender.now = heard.now = PLAIN_S
    assert isinstance(decode(sender.shorten(frame, LAST)), Segment)
    assert heard.complain(Unread(author.log, 2, True, True)) is not None


def test_what_waits_is_looked_at_again_a_bounded_number_of_times() -> None:
    author, other = authors(2)
    here, there = Memory(b"h" * 8), Memory(b"t" * 8)
    blocks = [block for word in ("a", "b", "c") for block in author.write(word)]
    for block in blocks:
        here.take(block.raw)
    there.take(blocks[0].raw)
    sender = Segments(here, Places(), lambda _: True, thin=True)
    sender.words, sender.level = NEWEST, True
    (early,) = author.write("d")
    message = decode(sender.shorten(encode(BlockMessage(True, True, early.raw)), LAST))
    heard = Segments(there, Places(), lambda _: True, thin=True)
    assert isinstance(message, Segment)
    assert heard.hear(message) == Ahead(author.log, blocks[-1].last)
    (noise,) = other.write("noise")
    assert not list(heard.stored(other.log, noise.raw)), "it waits for another log"
    found = [each for _ in range(LATE_TRIES + 3) for each in heard.stored(author.log, blocks[-1].raw)]
    assert found == [Unread(author.log, blocks[-1].last, True, True)]
    assert heard.wake_at() is None


def test_what_waits_is_looked_at_again_so_often_and_no_more_however_much_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (author,) = authors(1)
    here, there = Memory(b"h" * 8), Memory(b"t" * 8)
    blocks = [block for word in ("a", "b", "c") for block in author.write(word)]
    for block in blocks:
        here.take(block.raw)
    there.take(blocks[0].raw)
    sender = Segments(here, Places(), lambda _: True, thin=True)
    sender.words, sender.level = NEWEST, True
    (early,) = author.write("d")
    message = decode(sender.shorten(encode(BlockMessage(True, True, early.raw)), LAST))
    assert isinstance(message, Segment)
    reads = 0

    def counted(data: bytes, names: Names) -> bytes:
        nonlocal reads
        reads += 1
        return unpack(data, names)

    monkeypatch.setattr(segments, "unpack", counted)
    heard, told = Segments(there, Places(), lambda _: True, thin=True), 0
    for _ in range(8):
        for _ in range(MAX_LATE):
            heard.hear(message)
        reads = 0
        for _ in range(LATE_TRIES):
            told += len(list(heard.stored(author.log, blocks[-1].raw)))
            heard.now += 0.25
        assert reads <= LATE_TRIES_BURST + LATE_TRIES_PER_S * 0.25 * LATE_TRIES
        assert heard.wake_at() is None, "nothing is forgotten: what is not read is asked for in full"
    assert told == 8 * MAX_LATE
    # Whoever tells no lies is read as ever, soon.
    heard.now += 60.0
    heard.hear(message)
    for block in blocks[1:]:
        there.take(block.raw)
    assert [type(each) for each in heard.stored(author.log, blocks[-1].raw)] == [BlockMessage]


def test_to_look_up_what_a_segment_names_is_paid_for() -> None:
    author, other = authors(2)
    here = Memory(b"h" * 8)
    blocks = author.write("a") + other.write("motion")
    places = Places()
    for block in blocks:
        here.take(block.raw)
        places.note(block.raw)
    (vote,) = seal(
        author.private, author.genesis, author.at, [Draft("vote", {"motion": blocks[1].ids[1]}, 5)]
    )
    sender = Segments(here, places, lambda _: True, thin=True)
    sender.words, sender.level = NEWEST, True
    message = decode(sender.shorten(encode(BlockMessage(True, True, vote.raw)), LAST))
    assert isinstance(message, Segment)
    heard = Segments(here, Places(), lambda _: True, thin=True)
    heard.hear(message)
    spent = heard.costs.looked
    assert spent >= 2 * READ
    heard.hear(message)
    assert heard.costs.looked - spent < READ, "what was read lately costs no reading"


def test_a_signed_vote_is_one_packet_of_a_radio_to_whoever_holds_its_motion() -> None:
    two = Two()
    author, chair = authors(2)
    two.one.write(author.write("hello"))
    two.one.write(chair.write("a motion"))
    two.meet()
    held = two.one.memory.log(chair.log)
    assert held is not None
    before = len(two.said)
    vote = Draft("vote", {"motion": held.heads[0][1], "option": "abstain"}, 1_795_000_123_456)
    two.one.write(seal(author.private, author.genesis, author.at, [vote]))
    assert two.world.run(10.0, lambda: equal([two.one, two.two]))
    (segment,) = [each for _, each in two.said[before:] if isinstance(each, Segment)]
    packet = write(Packet(b"us", 9, (Whole(2, 7, False, encode(segment)),)))
    assert len(packet) + SEAL_BYTES <= RADIO.frame - 40, "with room for a longer word"


@pytest.mark.parametrize("seed", range(5))
def test_three_nodes_that_quote_each_other_over_rough_thin_links_come_to_the_same(seed: int) -> None:
    world = World(seed)
    random, world.duplication = world.random, 0.1
    nodes = [world.node(name) for name in ("one", "two", "three")]
    links = [world.link(one, other, 0.4) for one, other in pairwise(nodes)]
    hands = [Author(number, random.choice([LogClass.AUTHORITY, LogClass.FACTS])) for number in range(1, 10)]
    words: list[bytes] = [b"i" * 32]

    def meet(link: Link) -> None:
        # Carriers bring what comes with HELLO in its order, and what comes later in the order of its lane.
        world.reorder = 0.0
        world.connect(link)
        world.run(2.0)
        world.reorder = 0.3

    for link in links:
        link.nature = THIN
        meet(link)
    for _ in range(40):
        at = random.randrange(len(hands))
        author, node = hands[at], nodes[at % 3]
        value: Value = {
            "about": random.choice(words),
            "and": [random.choice(words)],
            "says": random.choice("abc"),
        }
        refs = (RecordId(random.choice(words)),)
        blocks = seal(
            author.private, author.genesis, author.at, [Draft("word", value, random.randrange(10**12), refs)]
        )
        author.at = tip(blocks[-1], author.at)
        node.write(blocks)
        words += [blocks[-1].tip, blocks[-1].record(blocks[-1].count - 1).payload_id, author.log]
        world.run(random.choice([0.0, 0.3, 2.0, 20.0]))
        if random.random() < 0.1:
            link = random.choice(links)
            world.cut(link)
            meet(link)
    assert world.run(6 * HOUR, lambda: equal(nodes))
    assert not {close for link in links for close in link.closes} - {"silent"}


def test_blocks_that_come_at_once_are_read_before_any_of_them_is_held() -> None:
    for log_class in (LogClass.AUTHORITY, LogClass.FACTS):
        (author,) = authors(1, log_class)
        here, there = Memory(b"h" * 8), Memory(b"t" * 8)
        sender = Segments(here, Places(), lambda _: True, thin=True)
        heard = Segments(there, Places(), lambda _: True, thin=True)
        sender.words = NEWEST
        blocks = [block for at in range(30) for block in author.write(*["word"] * (1 + at % 3))]
        for block in blocks:
            here.take(block.raw)
        for block in blocks:
            frame = sender.shorten(encode(BlockMessage(False, False, block.raw)), LAST)
            message = decode(frame)
            assert isinstance(message, Segment)
            assert heard.hear(message) == BlockMessage(False, False, block.raw)
        assert there.log(author.log) is None


def test_a_bounded_number_of_logs_is_in_hand_and_a_branch_takes_the_place_of_another() -> None:
    hand = InHand(HeldNames(Memory(b"t" * 8), Places(), lambda _: True))
    hand.came(b"no block")
    for author in authors(MAX_IN_HAND + 1):
        (first,) = author.write("a")
        root = author.at
        for word in ("left", "right"):
            author.at = root
            (branch,) = author.write(word)
            hand.came(first.raw)
            hand.came(branch.raw)
            assert hand.held(author.log, branch.last) == [branch.tip]
            assert len(hand.recent(author.log, branch.last, branch.tip, 3)) == 3
            assert hand.log(author.log[:SHORT_BYTES]) == author.log
    assert hand.log(Author(1, LogClass.AUTHORITY).log[:SHORT_BYTES]) is None
