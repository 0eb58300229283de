"""What records cost on a thin link and on a stick: bytes of segments, made and read back.

On a radio: single votes, signatures, approvals and stock movements, each signed, as one frame has to carry them, and batches
of 1 to 20 records; the receiver holds what they refer to. On a stick: so many stock records of so many logs, for a receiver of whom
nothing is known, with a signature where a block ends, and with one on each record.
"""

import argparse
import statistics
from collections.abc import Iterator, Sequence
from hashlib import sha256
from random import Random
from typing import Any, NamedTuple

from benchmarks.region import Writer
from fedsync.data import movements, resolutions, roll_calls, west_african_units
from fedsync.gossip.holdings import SetKey
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import Segment, encode
from fedsync.gossip.names import HeldNames, Places
from fedsync.gossip.thin.packets import PAIRED_BYTES, WHOLE_BYTES
from fedsync.gossip.thin.profile import RADIO
from fedsync.records.block import Base, Block
from fedsync.records.codec import Value, pack
from fedsync.records.ed25519 import sign
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import LogClass, LogId, Reach, RecordId, Scope, payload_id, signed_bytes
from fedsync.records.places import START
from fedsync.records.seal import Draft, seal
from fedsync.records.segment import pack as segment
from fedsync.records.segment import unpack
from fedsync.records.wire import read_rows, write

ROOM = (
    RADIO.room
    - PAIRED_BYTES
    - WHOLE_BYTES
    - (len(encode(Segment(True, True, bytes(RADIO.room)))) - RADIO.room)
)
"""Bytes of a segment in one frame of a radio: what the seal, the packet and the message leave of it."""
SIGNATURE = 64
HOUR = 3_600_000
REACH_SINGLE, REACH_BATCH, REACH_HEADS_MB, REACH_EACH_MB = 0.95, 45, 3.2, 9.5
SCOPE = Scope(sha256(b"valley").digest()[:16])


class Sent(NamedTuple):
    """A block on the air."""

    size: int
    records: int
    signatures: int


class Hand:
    """A log, and who writes it."""

    def __init__(self, name: str, log_class: LogClass) -> None:
        writer = Writer(name, SCOPE)
        self.private = writer.private
        incarnation = sha256(name.encode()).digest()[:16]
        self.genesis = Genesis(writer.key, SCOPE, SEAT, log_class, Reach.REGION, incarnation)
        self.base: Base | None = None

    def write(self, drafts: Sequence[Draft]) -> list[Block]:
        """Append records."""
        blocks = seal(self.private, self.genesis, self.base, drafts, drafts[0].time if drafts else 0)
        for block in blocks:
            place = block.place(self.base.place if self.base else START)
            self.base = Base(self.genesis, block.last, block.tip, place)
        return blocks


class Air:
    """Two stations that hold the same: what one writes the other reads, and then holds, too."""

    def __init__(self) -> None:
        self.held, self.places = Memory(b"j" * 8), Places()
        self.names = HeldNames(self.held, self.places, _everything, lambda log, seq: True)

    def hold(self, blocks: Sequence[Block]) -> None:
        """Let both hold blocks."""
        for block in blocks:
            self.held.take(block.raw)
            self.places.note(block.raw)

    def send(self, block: Block) -> Sent:
        """Return what a block is on the air; both hold it then."""
        data = segment(block.raw, self.names)
        assert unpack(data, self.names) == block.raw
        self.hold([block])
        return Sent(len(data), block.count, len(block.signatures))


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the figures, and what is to be reached."""
    singles = {kind: _single(sizes) for kind, sizes in _singles(arguments.singles * 5).items()}
    some = [size for each in singles.values() for size in each.pop("sizes")]
    fit = sum(size <= ROOM for size in some) / len(some)
    batches = {kind: _batch(each) for kind, each in _batches(arguments.singles).items()}
    return {
        "frame": RADIO.frame,
        "room_for_a_segment": ROOM,
        "singles": singles,
        "in_one_frame": round(fit, 4),
        "reach_in_one_frame": REACH_SINGLE,
        "batches_content_bytes_a_record": batches,
        "reach_batches": REACH_BATCH,
        "stick": _stick(arguments.records, arguments.logs),
        "reach_stick_mb": [REACH_HEADS_MB, REACH_EACH_MB],
    }


def _single(sent: list[Sent]) -> dict[str, Any]:
    sizes = [each.size for each in sent]
    ordered = sorted(sizes)
    return {
        "median": statistics.median(ordered),
        "p95": ordered[len(ordered) * 95 // 100],
        "most": ordered[-1],
        "in_one_frame": round(sum(each <= ROOM for each in ordered) / len(ordered), 4),
        "sizes": sizes,
    }


def _singles(number: int) -> dict[str, list[Sent]]:
    """Return by kind the bytes of so many records, each sent alone. Motions and pages were sent before."""
    return {
        "vote": _votes(number, 1),
        "signature": _voices("signature", number),
        "approval": _voices("approval", number),
        "stock": _stock(number, 1),
        "stock of many forms": _forms(number, 1),
    }


def _batches(number: int) -> dict[str, dict[int, float]]:
    kinds = {"vote": _votes, "stock": _stock, "stock of many forms": _forms}
    found: dict[str, dict[int, float]] = {kind: {} for kind in kinds}
    for size in (1, 2, 3, 5, 10, 20):
        for kind, send in kinds.items():
            sent = send(number, size)
            # Votes are signed one by one, and a batch of movements at its end: content is all but that.
            content = sum(each.size - SIGNATURE * each.signatures for each in sent)
            found[kind][size] = content / sum(each.records for each in sent)
    return found


def _batch(each: dict[int, float]) -> dict[int, float]:
    return {size: round(content, 1) for size, content in each.items()}


def _votes(number: int, size: int) -> list[Sent]:
    """Real roll calls: each delegation votes, on `size` motions at a time, which others put before."""
    air, random = Air(), Random(1)
    chair = Hand("chair", LogClass.AUTHORITY)
    titles = [each.title for each in resolutions()]
    sizes: list[Sent] = []
    hands: dict[str, Hand] = {}
    calls = roll_calls()
    at = 0
    while len(sizes) < number:
        part = [calls[(at + each) % len(calls)] for each in range(size)]
        at += size
        time = 1_795_000_000_000 + at * HOUR
        motions: list[RecordId] = []
        for each in part:
            text = f"{titles[each.roll_call % len(titles)]} {each.number}"
            value: Value = {"body": sha256(b"body").digest(), "text": text, "title": titles[at % len(titles)]}
            blocks = chair.write([Draft("motion", value, time + random.randrange(1000))])
            air.hold(blocks)
            motions.append(blocks[-1].tip)
        for code in random.sample(sorted(part[0].votes), 12):
            if code not in hands:
                hands[code] = Hand(code, LogClass.AUTHORITY)
                air.hold(hands[code].write([]))
            drafts = [
                Draft(
                    "vote",
                    {"motion": motion, "option": each.votes.get(code, "abstain")},
                    time + random.randrange(HOUR),
                )
                for motion, each in zip(motions, part, strict=True)
            ]
            sizes += [air.send(block) for block in hands[code].write(drafts)]
    return sizes[:number]


def _voices(kind: str, number: int) -> list[Sent]:
    """Signatures or approvals of pages, each of which follows the one before; drafts were sent before."""
    air, random = Air(), Random(2)
    clerk = Hand("clerk", LogClass.AUTHORITY)
    hands = [Hand(f"seat {each}", LogClass.AUTHORITY) for each in range(7)]
    for hand in hands:
        air.hold(hand.write([]))
    body = prev = sha256(b"page 0").digest()
    sizes: list[Sent] = []
    for at, each in enumerate(resolutions() * 10, 1):
        time = 1_795_000_000_000 + at * 24 * HOUR
        entry: Value = {"kind": "decision", "title": each.title, "text": each.number}
        value: Value = {"body": body, "number": at, "prev": prev, "entries": [entry]}
        air.hold(clerk.write([Draft("page", value, time)]))
        page = payload_id(pack(value))
        for hand in random.sample(hands, 4):
            voice: Value = {"page": page, "round": random.choice([0, 0, 0, 1]), "slot": prev}
            (block,) = hand.write([Draft(kind, voice, time + random.randrange(HOUR))])
            sizes.append(air.send(block))
        prev = page
        if len(sizes) >= number:
            break
    return sizes[:number]


def _stock(number: int, size: int) -> list[Sent]:
    """Italian movements, with the hour at which people write them down; their stores and goods were named before."""
    air = Air()
    sizes: list[Sent] = []
    for log in _stock_logs(21, number * size // 21 + 2, 1, size):
        for at, block in enumerate(log):
            if at == 0:
                air.hold([block])
            else:
                sizes.append(air.send(block))
    return sizes[:number]


def _forms(number: int, size: int) -> list[Sent]:
    """Movements and counts of goods in local units, by lot, with a word on them, from store to store, corrected."""
    air, random = Air(), Random(5)
    units = west_african_units()
    hands = [Hand(f"keeper {each}", LogClass.FACTS) for each in range(5)]
    stores: list[Value] = [{"name": f"Store {each}", "scope": SCOPE} for each in range(6)]
    goods: list[Value] = [{"name": each, "unit": "g"} for each in sorted({each.item for each in units})]
    lots: list[Value] = [
        {
            "code": f"L{random.randrange(10**6)}",
            "resource_conforms_to": payload_id(pack(random.choice(goods))),
        }
        for _ in goods
    ]
    named = [Draft("store", each, 5) for each in stores] + [
        Draft("resource_specification", each, 5) for each in goods
    ]
    named += [Draft("batch_lot_record", each, 5) for each in lots]
    for hand, part in zip(hands, (named[at::5] for at in range(5)), strict=True):
        air.hold(hand.write(part))
    before: list[Value] = []
    sizes: list[Sent] = []
    hand, drafts = hands[0], list[Draft]()
    for at in range(number * size):
        hand = hand if drafts else random.choice(hands)
        time = 1_795_000_000_000 + at * HOUR + random.randrange(HOUR)
        unit = random.choice(units)
        value: dict[str, Value] = {
            "has_point_in_time": time - random.randrange(24) * HOUR,
            "quantity": random.randrange(1, 500) * 250,
            "resource_conforms_to": payload_id(pack(random.choice(goods))),
            "store": payload_id(pack(random.choice(stores))),
        }
        form = random.choice(["plain", "stated", "lot", "note", "moved", "lost", "corrected", "count"])
        match form:
            case "stated":
                value["stated"] = {"quantity": str(random.randrange(1, 40)), "unit": unit.name}
            case "lot":
                value["lot"] = payload_id(pack(random.choice(lots)))
            case "note":
                value["note"] = random.choice(resolutions()).title[:60]
            case "moved":
                value["to"] = payload_id(pack(stores[0]))
            case "lost":
                value["reason"] = random.choice(["spoiled", "pests", "damaged"])
            case "corrected" if before:
                value["corrects"] = random.choice(before)
            case _:
                pass
        action = {"moved": "move", "lost": "lower"}.get(form) or random.choice(
            ["raise", "consume", "produce"]
        )
        if form != "count":
            value["action"] = action
        drafts.append(Draft("count" if form == "count" else "economic_event", value, time))
        if len(drafts) == size:
            blocks = hand.write(drafts)
            before.append([blocks[-1].log, blocks[-1].last, blocks[-1].tip])
            sizes += [air.send(block) for block in blocks]
            drafts = []
    return sizes


def _stock_logs(logs: int, records: int, seed: int, size: int) -> Iterator[list[Block]]:
    """Yield logs with so many movements each, in blocks of so many, after a first block with what they name."""
    random = Random(seed)
    regions: dict[str, list[tuple[int, str, str, int]]] = {}
    for each in movements():
        noon = (
            1_795_000_000_000 // (24 * HOUR) * 24 * HOUR
            + (each.day.toordinal() - 737_800) * 24 * HOUR
            + 12 * HOUR
        )
        action = "consume" if each.action == "consume" else "raise" if each.delta >= 0 else "lower"
        regions.setdefault(each.region, []).append((noon, action, each.product or "doses", abs(each.delta)))
    names = sorted(regions)
    for number in range(logs):
        hand = Hand(f"teller {number}", LogClass.FACTS)
        rows = regions[names[number % len(names)]]
        start = random.randrange(len(rows))
        taken = [rows[(start + at) % len(rows)] for at in range(records)]
        store: Value = {"name": f"{names[number % len(names)]} {number}", "scope": SCOPE}
        specs: dict[str, Value] = {item: {"name": item, "unit": "{dose}"} for _, _, item, _ in rows}
        first = [Draft("store", store, taken[0][0])]
        first += [Draft("resource_specification", spec, taken[0][0]) for spec in specs.values()]
        blocks = hand.write(first)
        drafts: list[Draft] = []
        for when, action, item, quantity in taken:
            value: Value = {
                "action": action,
                "has_point_in_time": when,
                "quantity": quantity,
                "resource_conforms_to": payload_id(pack(specs[item])),
                "store": payload_id(pack(store)),
            }
            drafts.append(Draft("economic_event", value, when + random.randrange(2 * HOUR)))
        for at in range(0, len(drafts), size):
            blocks += hand.write(drafts[at : at + size])
        yield blocks


def _stick(records: int, logs: int) -> dict[str, Any]:
    """Return the bytes of blocks and segments, with signatures at the ends of blocks and on each record."""
    raw = heads = each_raw = each = count = 0
    for number, blocks in enumerate(_stock_logs(logs, -(-records // logs) - 2, 3, 128)):
        hand = Hand(f"teller {number}", LogClass.FACTS)
        for block in blocks:
            count += block.count
            raw += len(block.raw)
            heads += len(segment(block.raw))
            signed = [(at, sign(hand.private, signed_bytes(id_))) for at, id_ in enumerate(block.ids)]
            whole = write(LogId(block.log), block.first, block.prev, read_rows(block.body), signed)
            each_raw += len(whole)
            each += len(segment(whole))
    return {
        "records": count,
        "logs": logs,
        "blocks_mb": round(raw / 1e6, 3),
        "segments_mb": round(heads / 1e6, 3),
        "blocks_signed_each_mb": round(each_raw / 1e6, 3),
        "segments_signed_each_mb": round(each / 1e6, 3),
    }


def _everything(key: SetKey) -> bool:
    return True
