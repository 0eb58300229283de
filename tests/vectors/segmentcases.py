"""Makes the vectors of segments after docs/record-format.md alone: nothing of fedsync is used here but the dictionary's file.

A reader may compress a block's body in its own way, so the vectors say what the body is, and not the block.
"""

import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import fedsync
from tests.vectors import edwards
from tests.vectors.naivecodec import write
from tests.vectors.naivedeflate import deflate
from tests.vectors.recordcases import ALICE, Case, digest, genesis

DICTIONARY = (Path(fedsync.__file__).parent / "records" / "dictionaries" / "1.bin").read_bytes()
RECENT, KEPT, SHORT = 8, 8192, 3
WHOLE_LOG, WHOLE_PREV, WORDS, ONE, ALL, LAST, PLACES = 1, 2, 4, 8, 16, 32, 64
TIME = 1_795_000_000_000


class Chain:
    """A log whose payloads are maps."""

    def __init__(self, name: bytes) -> None:
        self.begins = genesis(incarnation=name * 16)
        self.log = digest("log", write(self.begins))
        self.records: list[tuple[str, int, list[bytes], dict[str, Any]]] = []
        self.ids: list[bytes] = []
        self.add("genesis", 0, self.begins)

    def add(self, kind: str, time: int, payload: dict[str, Any], refs: list[bytes] | None = None) -> None:
        """Put a record on the chain."""
        data, prev = write(payload), self.ids[-1] if self.ids else bytes(32)
        fields = [
            1,
            self.log,
            len(self.ids),
            prev,
            kind,
            time,
            digest("payload", data),
            len(data),
            refs or [],
        ]
        self.records.append((kind, time, refs or [], payload))
        self.ids.append(digest("record", write(fields)))

    def payload(self, seq: int) -> bytes:
        """Return the hash of a payload."""
        return digest("payload", write(self.records[seq][3]))

    def body(self, first: int, last: int) -> list[Any]:
        """Return the columns of records of one kind whose payloads have the same keys."""
        rows = self.records[first : last + 1]
        times = [rows[0][1], *(b[1] - a[1] for a, b in pairwise(rows))]
        table = list(dict.fromkeys(ref for row in rows for ref in row[2]))
        counts, index = (
            bytes(len(row[2]) for row in rows),
            bytes(table.index(ref) for row in rows for ref in row[2]),
        )
        columns = [_column([row[3][key] for row in rows]) for key in rows[0][3]]
        return [
            1,
            [[rows[0][0]], None],
            times if any(times[1:]) else times[:1],
            [b"".join(table), counts, index] if table else None,
            [[list(rows[0][3]), None, columns]],
            None,
        ]

    def block(self, first: int, last: int) -> bytes:
        """Return the block of these records, signed at its end and not compressed."""
        data = write(self.body(first, last))
        signed = [[last - first, self.signature(last)]]
        prev = self.ids[first - 1] if first else b""
        return write([1, self.log, first, prev, last - first + 1, signed, len(data), zlib.compress(data, 0)])

    def signature(self, seq: int) -> bytes:
        """Return Alice's signature of the chain up to `seq`."""
        return edwards.sign(ALICE, b"fedsync/1/sign\0" + self.ids[seq])

    def segment(
        self, first: int, last: int, flags: int, signed: list[int], written: bytes | None = None
    ) -> bytes:
        """Return a segment of these records; `written`: its body with places in it."""
        body, count = write(self.body(first, last)), last - first + 1
        before = DICTIONARY
        if flags & WORDS:
            alone = [write(self.body(seq, seq)) for seq in range(max(0, first - RECENT), first)]
            before += b"".join(alone)[-KEPT:]
        prev = self.ids[first - 1] if first else bytes(32)
        said = write([self.log, first, prev, count]) + b"".join(
            bytes([at]) + self.signature(first + at) for at in signed
        )
        parts = [bytes([1, flags]), self.log if flags & WHOLE_LOG else self.log[:SHORT], leb(first)]
        parts += [prev] if flags & WHOLE_PREV else []
        parts += [] if flags & ONE else [bytes([count])]
        if not flags & (ALL | LAST):
            parts.append(sum(1 << at for at in signed).to_bytes(-(-count // 8), "little"))
        parts.append(zlib.crc32(said + body).to_bytes(4, "big")[1:])
        parts += [self.signature(first + at) for at in signed]
        return b"".join([*parts, deflate(written or body, before)])


def _column(values: list[Any]) -> list[Any]:
    return [1, values[0]] if all(write(each) == write(values[0]) for each in values) else [0, values]


def leb(value: int) -> bytes:
    """Return a number, 7 bits in each byte, the lowest first."""
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + leb(value >> 7)


def ext(code: int, data: bytes) -> bytes:
    """Return a place as msgpack."""
    fixed = {1: 0xD4, 2: 0xD5, 4: 0xD6, 8: 0xD7, 16: 0xD8}
    head = bytes([fixed[len(data)]]) if len(data) in fixed else bytes([0xC7, len(data)])
    return head + bytes([code]) + data


def named(body: list[Any], places: dict[bytes, bytes]) -> bytes:
    """Return a body with places for ids."""
    if body[3] is not None:
        table = body[3][0]
        body = [
            *body[:3],
            [[table[at : at + 32] for at in range(0, len(table), 32)], *body[3][1:]],
            *body[4:],
        ]
    data = write(body)
    for id_, place in places.items():
        assert b"\xc4\x20" + id_ in data
        data = data.replace(b"\xc4\x20" + id_, place)
    return data


def segments() -> list[Case]:
    """Return segments with what a reader holds, and the ids and body that come of them or the code of their refusal."""
    votes, motions = Chain(b"v"), Chain(b"m")
    for number in range(3):
        motions.add(
            "motion", TIME + number, {"body": b"b" * 32, "text": "Dig a well", "title": f"Well {number}"}
        )
    for number in range(10):
        votes.add("vote", TIME + 1000 * number, {"motion": motions.ids[1 + number % 3], "option": "yes"})
    votes.add(
        "vote", TIME + 99_000, {"motion": motions.ids[2], "option": "no"}, [motions.ids[3], votes.ids[9]]
    )
    quoted = {
        "log": motions.log,
        "motion": motions.ids[3],
        "own": votes.log,
        "page": motions.payload(1),
        "said": votes.payload(4),
    }
    votes.add("quote", TIME, quoted)
    ours = [motions.block(0, 0), motions.block(1, 3), votes.block(0, 0), votes.block(1, 10)]
    more = [*ours, votes.block(11, 11)]
    short = motions.log[:SHORT]
    inside = {
        motions.ids[2]: ext(1, short + leb(2)),
        motions.ids[3]: ext(1, short + leb(3)),
        votes.ids[9]: ext(1, leb(2)),
    }
    everything = {
        motions.log: ext(3, short),
        motions.ids[3]: ext(1, short + leb(3)),
        votes.log: ext(3, b""),
        motions.payload(1): ext(2, short + leb(1)),
        votes.payload(4): ext(2, leb(8)),
    }
    good = ONE | ALL | PLACES
    vote = votes.segment(11, 11, good, [0], named(votes.body(11, 11), inside))
    cases: list[Case] = []

    def case(name: str, verdict: str, held: list[bytes], data: bytes, first: int = 0, last: int = 0) -> None:
        found: Case = {
            "name": name,
            "held": [each.hex() for each in held],
            "segment": data.hex(),
            "verdict": verdict,
        }
        if verdict == "ok":
            found["records"] = [each.hex() for each in votes.ids[first : last + 1]]
            found["body"] = write(votes.body(first, last)).hex()
        cases.append(found)

    whole = WHOLE_LOG | WHOLE_PREV
    case("a genesis, to a stranger", "ok", [], votes.segment(0, 0, WHOLE_LOG | ONE | ALL, [0]), 0, 0)
    case("ten records, to a stranger", "ok", ours[2:3], votes.segment(1, 10, whole | LAST, [9]), 1, 10)
    case("signed here and there", "ok", ours[2:3], votes.segment(1, 10, whole, [0, 3, 9]), 1, 10)
    case("each signed", "ok", ours[2:3], votes.segment(1, 10, ALL, list(range(10))), 1, 10)
    case(
        "with the words of the only record before",
        "ok",
        ours[2:3],
        votes.segment(1, 10, LAST | WORDS, [9]),
        1,
        10,
    )
    case(
        "with the words of eight records before",
        "ok",
        ours,
        votes.segment(11, 11, ONE | ALL | WORDS, [0]),
        11,
        11,
    )
    case("with places of records, in references and in a payload", "ok", ours, vote, 11, 11)
    case(
        "with places of logs and payloads",
        "ok",
        more,
        votes.segment(12, 12, good, [0], named(votes.body(12, 12), everything)),
        12,
        12,
    )
    case("a later dictionary", "form", ours, b"\x02" + vote[1:])
    case("the log is not held", "unknown", ours[:2], vote)
    case("what comes before is not held", "base", ours[:3], vote)
    case("a record that is named is not held", "unknown", ours[2:], vote)
    case("another signature", "check", ours, vote[:15] + bytes([vote[15] ^ 1]) + vote[16:])
    case("cut off", "malformed", ours, vote[:40])
    case("cut off in its body", "malformed", ours, vote[:-6])
    case("bytes after its end", "malformed", ours, vote + b"\0")
    case(
        "no record",
        "malformed",
        ours[2:3],
        votes.segment(1, 10, LAST, [9]).replace(b"\x01\x0a", b"\x01\x00", 1),
    )
    case(
        "a place above the block",
        "malformed",
        ours,
        votes.segment(11, 11, good, [0], named(votes.body(11, 11), {motions.ids[2]: ext(1, leb(12))})),
    )
    case(
        "a place of an unknown kind",
        "form",
        ours,
        votes.segment(11, 11, good, [0], named(votes.body(11, 11), {motions.ids[2]: ext(4, leb(1))})),
    )
    return cases
