"""What stays at home stays at home, byte by byte; and a great many small logs pass like a few large ones."""

from contextlib import suppress

import trio

from fedsync import keyring
from fedsync.doors import take_own
from fedsync.gossip.limits import BEAT_S
from fedsync.gossip.listing import wanted
from fedsync.gossip.messages import NOT_SERVED, BlockMessage, Bodies, Locate, NoBase, Sets, Want, decode
from fedsync.node import open_node
from fedsync.reading import Reading
from fedsync.records.block import Block, peek
from fedsync.records.ed25519 import public_key
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import LogClass, Reach
from fedsync.records.seal import Draft, seal
from tests.daemon.hostile import Guest
from tests.daemon.village import NOON, Node, Village, told, until

SECRET = "Household 7 took two loaves"


def written(
    node: Node, teller: str, log_class: LogClass, reach: Reach, incarnation: bytes, *words: str
) -> list[Block]:
    """Return records of a teller's in a log of their own."""
    private = keyring.load_person(node.home, teller, None)
    with Reading.open(node.home) as reading:
        scope = reading.own().scope
        genesis = Genesis(public_key(private), scope, SEAT, log_class, reach, incarnation)
        base = reading.store.logs.tip(genesis.log)
    return seal(private, genesis, base, [Draft("note", {"text": word}, NOON) for word in words], NOON)


async def test_a_local_log_is_on_no_link_however_it_is_asked_for(village: Village) -> None:
    oak = await trio.to_thread.run_sync(village.node, "Oakfield")
    (before,) = written(oak, "Ann", LogClass.FACTS, Reach.LOCAL, bytes(16), SECRET)
    oak.call("take", blocks=[before.raw.hex()])
    one = Guest(oak, "Mill Lane")
    frames: list[bytes] = []
    async with one.talk() as talk:
        short = talk.salt.log(before.log)
        talk.say(
            Bodies(((one.scope, one.body),)),
            Sets((((one.scope, Reach.LOCAL, LogClass.FACTS), bytes(8)),)),
            Want(wanted(talk.salt, short, None)),
            Locate(short, b""),
            Want(wanted(talk.salt, b"nobody", None)),
        )
        # Once the last question is answered, the node knows what its guest follows.
        with trio.fail_after(20):
            while not any(
                isinstance(said, NoBase) and said.short == b"nobody" for said in map(decode, frames)
            ):
                frames += await talk.link.receive()
        # And live: what is written meanwhile, local and not.
        (live,) = written(oak, "Ann", LogClass.FACTS, Reach.LOCAL, bytes(16), SECRET)
        oak.call("take", blocks=[live.raw.hex()])
        (open_,) = written(oak, "Ann", LogClass.FACTS, Reach.WORLD, b"w" * 16, "for all")
        oak.call("take", blocks=[open_.raw.hex()])
        with trio.fail_after(20):
            while not any(names(open_, frame) for frame in frames):
                frames += await talk.link.receive()
        with trio.move_on_after(0.3):
            while True:
                frames += await talk.link.receive()
        # Whoever knows its name and asks is told what is said of a log that nobody has.
        answers = [message for message in map(decode, frames) if isinstance(message, NoBase)]
        assert {(each.short, each.why) for each in answers} == {(short, NOT_SERVED), (b"nobody", NOT_SERVED)}
        frames = [frame for frame in frames if not isinstance(decode(frame), NoBase)]
        named: list[bytes] = [
            before.log,
            short,
            SECRET.encode(),
            before.tip,
            live.tip,
            talk.salt.record(live.tip),
        ]
        assert frames
        for frame in frames:
            assert not any(each in frame for each in named)
            assert not names(before, frame)
    assert (
        BEAT_S > 20
    )  # All that was heard came unasked or for what was asked, not from a comparison to come.


def names(block: Block, frame: bytes) -> bool:
    """Return whether a frame brings a block of this block's log, or tells of it."""
    if frame.find(block.log) >= 0:
        return True
    with suppress(Exception):
        message = decode(frame)
        return isinstance(message, BlockMessage) and peek(message.raw).log == block.log
    return False


def test_thousands_of_small_logs_pass_in_one_go(village: Village) -> None:
    tellers = tuple(f"Teller {number}" for number in range(150))
    oak = village.node("Oakfield", start=False, tellers=tellers)
    with Reading.open(oak.home) as reading:
        scope = reading.own().scope
    blocks = []
    for teller in tellers:
        private = keyring.load_person(oak.home, teller, None)
        for log_class in (LogClass.PLANS, LogClass.FACTS, LogClass.TEXTS):
            for number in range(6):
                genesis = Genesis(
                    public_key(private), scope, SEAT, log_class, Reach.WORLD, bytes([number]) * 16
                )
                blocks += seal(private, genesis, None, [Draft("note", {"text": "x"}, NOON)], NOON)
    with oak.home.lock():
        node = open_node(oak.home)
        take_own(node, [block.raw for block in blocks])
        node.store.close()
    oak.start()
    mill = village.node("Mill Lane")
    village.introduce(oak, mill)
    until(lambda: oak.records() == mill.records(), 30, lambda: told(oak, mill))
    for node_ in (oak, mill):
        assert "more than it reads" not in node_.said()
