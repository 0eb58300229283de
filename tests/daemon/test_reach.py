"""What stays at home stays at home, byte by byte; and a great many small logs pass like a few large ones."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import trio

from fedsync import keyring
from fedsync.doors import take_own
from fedsync.gossip.limits import BEAT_S
from fedsync.gossip.listing import wanted
from fedsync.gossip.messages import NOT_SERVED, BlockMessage, Locate, NoBase, Sets, Want, decode
from fedsync.node import open_node
from fedsync.reading import Reading
from fedsync.records.block import Block, peek
from fedsync.records.ed25519 import public_key
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import LogClass, Reach
from fedsync.records.seal import Draft, seal
from fedsync.records.wire import read_body, read_outer
from tests.daemon.hostile import Guest, Talk
from tests.daemon.village import AT_ONCE, NOON, Node, Village, told, until

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
            one.bodies,
            Sets((((one.scope, Reach.LOCAL, LogClass.FACTS), bytes(8)),)),
            Want(wanted(talk.salt, short, None)),
            Locate(short, b""),
            Want(wanted(talk.salt, b"nobody", None)),
        )
        # Once the last question is answered, the node knows what its guest follows.
        with trio.fail_after(AT_ONCE):
            while not any(
                isinstance(said, NoBase) and said.short == b"nobody" for said in map(decode, frames)
            ):
                frames += await talk.link.receive()
        # And live: what is written meanwhile, local and not.
        (live,) = written(oak, "Ann", LogClass.FACTS, Reach.LOCAL, bytes(16), SECRET)
        oak.call("take", blocks=[live.raw.hex()])
        (open_,) = written(oak, "Ann", LogClass.FACTS, Reach.WORLD, b"w" * 16, "for all")
        oak.call("take", blocks=[open_.raw.hex()])
        with trio.fail_after(AT_ONCE):
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
        BEAT_S > AT_ONCE
    )  # All that was heard came unasked or for what was asked, not from a comparison to come.


HOUSEHOLD, BREAD = "Household Seven", "Bread for the sick"
"""Names that stand in local records alone."""


async def test_what_a_command_keeps_local_is_in_no_byte_that_peers_get(village: Village) -> None:
    oak = await trio.to_thread.run_sync(village.node, "Oakfield")
    mill = await trio.to_thread.run_sync(village.node, "Mill Lane")
    await trio.to_thread.run_sync(village.introduce, oak, mill)
    await trio.to_thread.run_sync(keep_local, oak, 3)
    heard = await asked_for_all(oak, Guest(oak, "Hill Farm"))
    secret = forbidden(oak)
    assert len(secret) > 20
    for frame in heard:
        for part in (frame, *blocks_in([frame])):
            assert not any(each in part for each in secret)
    until(lambda: mill.json("stock", "list")["stock"])
    await trio.to_thread.run_sync(mill.stop)
    assert shown_to_a_peer(mill, secret) == set()
    ours = oak.json("stock", "list")["stock"]
    assert {each["item"] for each in ours} == {"Oats", BREAD}
    assert {each["item"] for each in mill.json("stock", "list")["stock"]} == {"Oats"}


async def asked_for_all(oak: Node, guest: Guest) -> list[bytes]:
    """Return all frames that a peer gets who asks for all that there is, local logs by their names, while more comes."""
    async with guest.talk() as talk:
        local = local_logs(oak)
        with Reading.open(oak.home) as reading:
            every = [block.log for _, block in reading.store.since(0) if block.first == 0]
        sets = tuple((guest.scope, reach, log_class) for reach in Reach for log_class in LogClass)
        talk.say(
            guest.bodies,
            Sets(tuple((each, bytes(8)) for each in sets)),
            *(Want(wanted(talk.salt, talk.salt.log(log), None)) for log in every),
            *(Locate(talk.salt.log(log), b"") for log in every),
        )
        open_logs = len(every) - len(local)
        frames = await hear(talk, lambda heard: len(blocks_in(heard)) >= open_logs)
        await trio.to_thread.run_sync(keep_local, oak, 2)
        incarnation = bytes(guest.name, "ascii").ljust(16)
        (last,) = written(oak, "Ben", LogClass.FACTS, Reach.REGION, incarnation, "for all")
        oak.call("take", blocks=[last.raw.hex()])
        frames += await hear(talk, lambda heard: any(names(last, frame) for frame in heard))
        shorts = {talk.salt.log(log) for log in local_logs(oak)}
        refused = {each.short for each in map(decode, frames) if isinstance(each, NoBase)}
        assert shorts & refused, "it was asked for, and not served"
        for frame in frames:
            message = decode(frame)
            assert isinstance(message, NoBase) or not any(short in frame for short in shorts)
            assert not isinstance(message, BlockMessage) or peek(message.raw).log not in local_logs(oak)
        return frames


def keep_local(node: Node, loaves: int) -> None:
    """Record what a household took, kept local, and something that everybody may see."""
    node.run("stock", "add", "Oats", loaves, "kg", "--store", "Granary", "--as", "Ann")
    here = ("--store", HOUSEHOLD, "--local", "--note", SECRET, "--as", "Ann")
    node.run("stock", "add", BREAD, loaves + 1, "pieces", *here)
    node.run("stock", "use", BREAD, 1, "pieces", *here)
    node.run("stock", "count", BREAD, loaves, "pieces", *here)
    offer = node.json("stock", "offer", "Oats", loaves, "kg", "--as", "Ann")["id"]
    node.run("stock", "promise", offer, 1, "kg", "--to", HOUSEHOLD, "--outside", "--local", "--as", "Ann")
    # What is about people stays here without being told to.
    node.run("stock", "lend", BREAD, "--to", HOUSEHOLD, "--as", "Ann")
    number, span = node.json("status")["records"], ("--from", "2087-01-01", "--until", "2087-01-02")
    chair, care = f"Chair {number}", f"Care {number}"
    node.run("stock", "keep", chair, "--as", "Ann")
    node.run("stock", "book", chair, *span, "--for", HOUSEHOLD, "--as", "Ann")
    node.run("rota", "plan", care, "--as", "Ann")
    node.run("rota", "shift", care, *span, "--places", 1, "--name", HOUSEHOLD, "--as", "Ann")
    node.run("rota", "hours", HOUSEHOLD, "--received", "45min", "--note", SECRET, "--as", "Ann")


def local_logs(node: Node) -> set[bytes]:
    """Return the logs of a node that are local."""
    with Reading.open(node.home) as reading:
        return {bytes(block.log) for _, block in reading.store.since(0) if block.genesis.reach is Reach.LOCAL}


def forbidden(node: Node) -> set[bytes]:
    """Return all that local records say, and all that names them.

    One name is open: where rights to promise went that are spent at home. So nobody else takes them for free.
    """
    found = {SECRET.encode(), HOUSEHOLD.encode(), BREAD.encode()}
    went: set[Any] = set()
    with Reading.open(node.home) as reading:
        for _, block in reading.store.since(0):
            if block.genesis.reach is Reach.LOCAL:
                found |= {bytes(block.log), *map(bytes, block.ids)}
                found |= {bytes(each.payload_id) for each in block.records()}
            else:
                said: list[Any] = [each.value for each in block.records() if each.kind == "rights_grant"]
                went |= {each["to"] for each in said}
    assert len(went) == 1
    return found - went


def blocks_in(frames: Iterable[bytes]) -> list[bytes]:
    """Return what the blocks in frames say, inflated."""
    found = []
    for frame in frames:
        message = decode(frame)
        if isinstance(message, BlockMessage):
            head, _, size, packed = read_outer(message.raw)
            body = read_body(packed, size, head.count)
            found.append(b"".join(body.payloads()) + packed)
    return found


def shown_to_a_peer(node: Node, secret: set[bytes]) -> set[bytes]:
    """Return which of these stand in any file of a node, or in what its blocks say."""
    found = set()
    for path in (each for each in node.home.path.rglob("*") if each.is_file()):
        data = path.read_bytes()
        found |= {each for each in secret if each in data}
    with Reading.open(node.home) as reading:
        for _, block in reading.store.since(0):
            said = b"".join(block.payloads)
            found |= {each for each in secret if each in said or each in block.ids}
    return found


async def hear(talk: Talk, enough: Callable[[list[bytes]], bool]) -> list[bytes]:
    """Return frames until there are enough, and what comes for a while after them."""
    frames: list[bytes] = []
    with trio.fail_after(AT_ONCE):
        while not enough(frames):
            frames += await talk.link.receive()
    with trio.move_on_after(0.3):
        while True:
            frames += await talk.link.receive()
    return frames


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
    until(lambda: oak.records() == mill.records(), why=lambda: told(oak, mill))
    for node_ in (oak, mill):
        assert "more than it reads" not in node_.said()
