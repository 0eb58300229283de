"""Makes the vectors of the record format after docs/record-format.md alone: nothing of fedsync is used here.

Bytes are hex. A value in JSON stands for itself, but {"bytes": hex} for bytes and {"int": "..."} for an integer
that JavaScript would round.
"""

import struct
import zlib
from hashlib import sha256
from typing import Any

from tests.vectors import edwards, naivecodec
from tests.vectors.naivecodec import write

ALICE = bytes(range(32))
"""The seed of the key that signs; for tests only."""
KEY = edwards.public(ALICE)
MAX_RUN_RECORDS, MAX_RUN_BYTES = 128, 48 * 1024

Case = dict[str, object]


def files() -> dict[str, list[Case]]:
    """Return the cases of each file."""
    return {
        "codec.json": codec(),
        "genesis.json": geneses(),
        "header.json": headers(),
        "places.json": mandatory_places(),
        "block.json": blocks(),
    }


# --- Codec ---------------------------------------------------------------------------------------------


def shown(value: Any) -> object:
    """Return `value` as JSON can hold it."""
    if type(value) is bytes:
        return {"bytes": value.hex()}
    if type(value) is int and abs(value) >= 2**53:
        return {"int": str(value)}
    if type(value) is list:
        return [shown(each) for each in value]
    if type(value) is dict:
        return {"map": [[key, shown(each)] for key, each in value.items()]}
    return value


def codec() -> list[Case]:
    """Return bytes with the value that they canonically say, or with none."""
    cases = []
    for name, data in _codec_bytes():
        try:
            cases.append(
                {"name": name, "bytes": data.hex(), "canonical": True, "value": shown(naivecodec.read(data))}
            )
        except naivecodec.Refused as error:
            cases.append({"name": name, "bytes": data.hex(), "canonical": False, "reason": str(error)})
    return cases


def _codec_bytes() -> list[tuple[str, bytes]]:
    corners = [0, 1, 127, 128, 255, 256, 2**16 - 1, 2**16, 2**31, 2**32 - 1, 2**32, 2**53, 2**63 - 1]
    corners += [-1, -32, -33, -128, -129, -(2**15), -(2**15) - 1, -(2**31), -(2**31) - 1, -(2**63)]
    nested: Any = 0
    for _ in range(8):
        nested = [nested]
    found = [
        ("nil", b"\xc0"), ("false", b"\xc2"), ("true", b"\xc3"), ("never used", b"\xc1"),
        ("nothing", b""), ("two values", b"\x01\x01"),
        *((f"integer {n}", write(n)) for n in corners),
        ("2^63", b"\xcf" + (2**63).to_bytes(8, "big")),
        *((f"{n} in {size} unsigned bytes", bytes([0xCC + at]) + n.to_bytes(size, "big"))
          for at, size in enumerate((1, 2, 4, 8)) for n in (1, 128, 256, 65536) if n < 1 << 8 * size),
        *((f"{n} in {size} signed bytes", bytes([0xD0 + at]) + n.to_bytes(size, "big", signed=True))
          for at, size in enumerate((1, 2, 4, 8)) for n in (1, -1, -33, -129, -32769) if -(1 << 8 * size - 1) <= n),
        ("float 32", bytes.fromhex("ca3f800000")), ("float 64", bytes.fromhex("cb3ff0000000000000")),
        ("extension", bytes.fromhex("d40500")), ("timestamp", bytes.fromhex("d6ff00000001")),
        ("extension of 12", b"\xc7\x0c\xff" + bytes(12)),
        *((f"text of {n}", write("a" * n)) for n in (0, 31, 32, 255, 256)),
        ("short text in 8 bits", b"\xd9\x01a"), ("short text in 16 bits", b"\xda\x00\x20" + b"a" * 32),
        *((f"bytes of {n}", write(b"a" * n)) for n in (0, 255, 256)),
        ("short bytes in 16 bits", b"\xc5\x00\x01a"), ("bytes that end early", b"\xc4\x02a"),
        ("line feed", b"\xa1\n"), ("tab", b"\xa1\t"), ("zero", b"\xa1\x00"), ("carriage return", b"\xa1\r"),
        ("escape", b"\xa1\x1b"), ("delete", b"\xa1\x7f"), ("tab in a key", b"\x81\xa1\t\x01"),
        ("composed", write("\u00e9")), ("not composed", write("e\u0301")), ("U+0085", write("\u0085")),
        ("right to left", write("\u202e")), ("beyond 16 bits", write("\U0001f33e")), ("noncharacter", write("\ufffe")),
        ("surrogate", b"\xa3\xed\xa0\x80"), ("overlong", b"\xa2\xc0\x80"), ("cut in a character", b"\xa1\xc3"),
        ("list", write([1, "a", b"a", None, True])), ("list of 15", write([0] * 15)), ("list of 16", write([0] * 16)),
        ("short list in 16 bits", b"\xdc\x00\x01\x01"), ("list that ends early", b"\x92\x01"),
        ("list in 32 bits", b"\xdd\x00\x00\x00\x01\x01"), ("list that claims all", b"\xdd\xff\xff\xff\xff"),
        ("list of 4096", b"\xdc\x10\x00" + bytes(4096)), ("list of 4097", b"\xdc\x10\x01" + bytes(4097)),
        ("map", write({"a": 1, "b": [], "": {}})), ("map out of order", b"\x82\xa1b\x01\xa1a\x01"),
        ("key twice", b"\x82\xa1a\x01\xa1a\x02"), ("short map in 16 bits", b"\xde\x00\x01\xa1a\x01"),
        ("longer key after shorter", write({"a": 1, "aa": 2, "b": 3})),
        ("keys by bytes, not by length", b"\x82\xa1b\x01\xa2aa\x01"),
        ("keys by UTF-8, not by UTF-16", write({"\uffee": 1, "\U00010000": 2})),
        ("a number as key", b"\x81\x01\x01"), ("bytes as key", b"\x81\xc4\x01a\x01"), ("nil as key", b"\x81\xc0\x01"),
        ("depth 8", write(nested)), ("depth 9", b"\x91" + write(nested)),
        ("maps of depth 9", b"\x81\xa1a" * 9 + b"\x01"), ("depth 60000", b"\x91" * 60),
    ]  # fmt: skip
    return [("unclosed lists" if name == "depth 60000" else name, data) for name, data in found]


# --- Genesis, header -------------------------------------------------------------------------------------


def digest(tag: str, data: bytes) -> bytes:
    """Return the hash of `data` for one purpose."""
    return sha256(b"fedsync/1/" + tag.encode() + b"\0" + data).digest()


def genesis(**changes: Any) -> dict[str, Any]:
    """Return a genesis payload's fields, those of a seat's log of facts unless changed."""
    fields = {
        "capacity": ["seat"], "class": 2, "incarnation": b"i" * 16, "key": KEY, "reach": 1, "scope": b"s" * 16,
    }  # fmt: skip
    return {**fields, **changes}


def geneses() -> list[Case]:
    """Return genesis payloads, with the id of the log that they begin, or none."""
    good: list[tuple[str, dict[str, Any]]] = [
        ("a seat's facts", {}), ("a seat's pages", {"class": 0}), ("a repair key", {"class": 0, "capacity": ["repair"]}),
        ("a person", {"class": 0, "capacity": ["person"]}), ("a node", {"class": 3, "capacity": ["node"], "reach": 2}),
        ("a mandate", {"capacity": ["mandate", b"p" * 32, 3], "reach": 0}),
        ("a capacity of a later version", {"capacity": ["cook", 7, b"x", "y"]}),
    ]  # fmt: skip
    bad: list[tuple[str, dict[str, Any]]] = [
        ("class 4", {"class": 4}), ("class true", {"class": True}), ("reach 3", {"reach": 3}), ("reach -1", {"reach": -1}),
        ("a key of 31 bytes", {"key": bytes(31)}), ("a key of text", {"key": "k" * 32}), ("a scope of 32 bytes", {"scope": bytes(32)}),
        ("no incarnation", {"incarnation": b""}), ("no capacity", {"capacity": []}), ("a capacity of text", {"capacity": "seat"}),
        ("a capacity of a number", {"capacity": [1]}), ("a capacity that holds nil", {"capacity": ["seat", None]}),
        ("a capacity that holds true", {"capacity": ["seat", True]}), ("a field more", {"zone": 1}),
    ]  # fmt: skip
    cases: list[Case] = []
    for name, changes in good:
        payload = write(genesis(**changes))
        cases.append({"name": name, "payload": payload.hex(), "log": digest("log", payload).hex()})
    for name, changes in bad:
        cases.append({"name": name, "payload": write(genesis(**changes)).hex(), "log": None})
    lacking = genesis()
    del lacking["scope"]
    cases.append({"name": "a field less", "payload": write(lacking).hex(), "log": None})
    cases.append({"name": "a list", "payload": write(list(genesis().values())).hex(), "log": None})
    cases.append(
        {"name": "not canonical", "payload": (b"\xde\x00\x06" + write(genesis())[1:]).hex(), "log": None}
    )
    return cases


def header(fields: list[Any]) -> bytes:
    """Return the bytes of a header."""
    return write(fields)


def headers() -> list[Case]:
    """Return headers with the ids and signatures that follow from them, and bytes that are none."""
    log = digest("log", write(genesis()))
    payload = write({"name": "Granary", "scope": b"s" * 16})
    base: list[Any] = [
        1, log, 1, b"p" * 32, "store", 1_700_000_000_000, digest("payload", payload), len(payload), [],
    ]  # fmt: skip
    good: dict[str, dict[int, Any]] = {
        "a store": {}, "with references": {8: [b"r" * 32, b"q" * 32]}, "with 8 references": {8: [b"r" * 32] * 8},
        "a genesis": {2: 0, 3: bytes(32), 4: "genesis", 6: digest("payload", write(genesis())), 7: len(write(genesis()))},
        "before 1970": {5: -1}, "the last time": {5: 2**53 - 1}, "the first time": {5: 1 - 2**53},
        "a later version": {0: 65535}, "an unknown kind": {4: "\u00e4tsch"}, "a long kind": {4: "k" * 64},
        "a far seq": {2: 2**53 - 1}, "an empty payload": {6: digest("payload", b""), 7: 0},
    }  # fmt: skip
    bad: dict[str, dict[int, Any]] = {
        "version 0": {0: 0}, "version true": {0: True}, "version 65536": {0: 65536}, "a log of 31 bytes": {1: bytes(31)},
        "seq -1": {2: -1}, "seq 2^53": {2: 2**53}, "seq true": {2: True}, "no previous": {3: b""}, "no kind": {4: ""},
        "a kind of 65 bytes": {4: "k" * 65}, "a kind of bytes": {4: b"store"}, "a kind with a tab": {4: "a\tb"},
        "time 2^53": {5: 2**53}, "time -2^53": {5: -(2**53)}, "time nil": {5: None}, "a hash of text": {6: "h" * 32},
        "length -1": {7: -1}, "length false": {7: False}, "9 references": {8: [b"r" * 32] * 9},
        "a short reference": {8: [b"r" * 31]}, "references nil": {8: None},
    }  # fmt: skip
    cases: list[Case] = []
    for name, changes in good.items():
        data = write([changes.get(at, each) for at, each in enumerate(base)])
        record = digest("record", data)
        signed = b"fedsync/1/sign\0" + record
        signature = edwards.sign(ALICE, signed).hex()
        cases.append(
            {
                "name": name,
                "header": data.hex(),
                "record": record.hex(),
                "key": KEY.hex(),
                "signature": signature,
            }
        )
    for name, changes in bad.items():
        cases.append(
            {
                "name": name,
                "header": _forced([changes.get(at, each) for at, each in enumerate(base)]).hex(),
                "record": None,
            }
        )
    cases.append({"name": "8 fields", "header": write(base[:8]).hex(), "record": None})
    cases.append({"name": "10 fields", "header": write([*base, None]).hex(), "record": None})
    cases.append({"name": "a map", "header": write({"version": 1}).hex(), "record": None})
    longer = write(base)
    cases.append(
        {"name": "not canonical", "header": (longer[:1] + b"\xcc\x01" + longer[2:]).hex(), "record": None}
    )
    return cases


def _forced(fields: list[Any]) -> bytes:
    """Return the bytes of a list whose texts may hold what no text may hold."""
    return b"\x99" + b"".join(b"\xa3a\tb" if each == "a\tb" else write(each) for each in fields)


# --- Mandatory places ------------------------------------------------------------------------------------


def places(sizes: list[int]) -> list[int]:
    """Return the mandatory places of a whole chain, genesis included, as the definition says it."""
    found = []
    start = 0
    while start < len(sizes):
        run = 1
        while (
            run < MAX_RUN_RECORDS
            and start + run < len(sizes)
            and sum(sizes[start : start + run + 1]) <= MAX_RUN_BYTES
        ):
            run += 1
        if run < MAX_RUN_RECORDS and start + run == len(sizes):
            break  # the next record may still fit
        found.append(start + run - 1)
        start += run
    return found


def mandatory_places() -> list[Case]:
    """Return chains as runs of [records, bytes of header and payload each], with their mandatory places."""
    chains = {
        "by count": [[400, 200]],
        "one short of the count": [[127, 200]],
        "the count to the record": [[128, 200]],
        "by size": [[1, 250], [9, 9_000]],
        "48 KiB to the byte, and nothing after": [[1, 48_152], [1, 1_000]],
        "48 KiB to the byte, and one after": [[1, 48_152], [1, 1_000], [1, 150]],
        "a byte beyond 48 KiB": [[1, 48_153], [1, 1_000]],
        "the largest records": [[1, 250], [5, 32 * 1024]],
        "size, then count": [[3, 20_000], [300, 160]],
        "count, then size": [[120, 160], [4, 16_000], [200, 300]],
        "size and count at one record": [[128, 384], [2, 384]],
    }
    return [
        {"name": name, "runs": runs, "places": places([size for count, size in runs for _ in range(count)])}
        for name, runs in chains.items()
    ]


# --- Blocks ----------------------------------------------------------------------------------------------


class Log:
    """A chain that grows: what a writer of blocks has to know."""

    def __init__(self) -> None:
        payload = write(genesis())
        self.log = digest("log", payload)
        self.ids: list[bytes] = []
        self.sizes: list[int] = []
        self.add("genesis", 0, payload)

    def add(
        self, kind: str, time: int, payload: bytes, refs: list[bytes] | None = None, version: int = 1
    ) -> None:
        """Put a record on the chain."""
        prev = self.ids[-1] if self.ids else bytes(32)
        length = len(payload)
        data = write(
            [
                version,
                self.log,
                len(self.ids),
                prev,
                kind,
                time,
                digest("payload", payload),
                length,
                refs or [],
            ]
        )
        self.ids.append(digest("record", data))
        self.sizes.append(len(data) + length)

    def block(self, first: int, body: list[Any], signed: list[int], count: int | None = None) -> bytes:
        """Return the block from seq `first` to the end with these columns, signed at these positions."""
        data = write_loose(body)
        count = len(self.ids) - first if count is None else count
        prev = self.ids[first - 1] if first else b""
        signatures = [[at, self.signature(first + at)] for at in signed]
        # Not compressed, so that every zlib writes the same bytes.
        return write([1, self.log, first, prev, count, signatures, len(data), zlib.compress(data, 0)])

    def signature(self, seq: int) -> bytes:
        """Return Alice's signature of the chain up to `seq`."""
        return edwards.sign(ALICE, b"fedsync/1/sign\0" + self.ids[seq])


def write_loose(value: Any) -> bytes:
    """Return msgpack of columns, whose keys need not be texts."""
    if type(value) is list:
        assert len(value) < 2**16
        head = bytes([0x90 + len(value)]) if len(value) < 16 else b"\xdc" + len(value).to_bytes(2, "big")
        return head + b"".join(map(write_loose, value))
    if type(value) is dict and any(type(key) is not str for key in value):
        return bytes([0x80 + len(value)]) + b"".join(
            write_loose(key) + write_loose(each) for key, each in value.items()
        )
    if type(value) is float:
        return b"\xcb" + struct.pack(">d", value)
    return write(value)


def blocks() -> list[Case]:
    """Return blocks with the ids of the records that are to be taken from them, or the code of their refusal."""
    return [*_a_log_of_stock(), *_long_runs()]


STORE = b"g" * 32
EVENT = ["action", "has_point_in_time", "quantity", "store"]
NOON = 1_700_000_000_000


def _stock() -> Log:
    log = Log()
    for quantity in (5, 7, 5, 7, 5, 7):
        log.add(
            "economic_event",
            NOON + quantity,
            write({"action": "raise", "has_point_in_time": NOON, "quantity": quantity, "store": STORE}),
        )
    log.add("note", NOON, write([1, True, None]), [b"r" * 32, b"q" * 32])
    log.add("note", NOON, b"\xff\xff", [b"q" * 32])
    log.add("note", NOON, write({}), version=2)
    return log


def _stock_body() -> list[Any]:
    return [
        [1] * 8 + [2],
        [["economic_event", "note"], bytes([0] * 6 + [1] * 3)],
        [NOON + 5, 2, -2, 2, -2, 2, -7, 0, 0],
        [b"r" * 32 + b"q" * 32, bytes([0] * 6 + [2, 1, 0]), bytes([0, 1, 1])],
        [
            [EVENT, bytes(range(6)), [[1, "raise"], [1, NOON], [2, [5, 7], bytes([0, 1] * 3)], [1, STORE]]],
            [None, bytes([6, 7]), [[0, [write([1, True, None]), b"\xff\xff"]]]],
            [[], bytes([8]), []],
        ],
        None,
    ]


def _a_log_of_stock() -> list[Case]:
    log = _stock()
    base = {"seq": 0, "id": log.ids[0].hex(), "count": 1, "size": log.sizes[0]}
    taken = [each.hex() for each in log.ids[1:]]
    cases: list[Case] = [
        {
            "name": "a genesis",
            "base": None,
            "block": Log().block(0, [1, [["genesis"], None], [0], None, [[None, None, [[0, [write(genesis())]]]]], None], [0]).hex(),
            "verdict": "ok",
            "records": [log.ids[0].hex()],
        },
        {
            "name": "a genesis by columns",
            "base": None,
            "block": Log().block(0, [1, [["genesis"], None], [0], None, [[list(genesis()), None, [[1, each] for each in genesis().values()]]], None], [0]).hex(),
            "verdict": "ok",
            "records": [log.ids[0].hex()],
        },
    ]  # fmt: skip

    def case(
        name: str,
        verdict: str,
        body: list[Any] | None = None,
        signed: list[int] | None = None,
        records: int = 9,
    ) -> None:
        data = log.block(1, body or _stock_body(), [8] if signed is None else signed)
        found = taken[:records] if verdict == "ok" else []
        cases.append({"name": name, "base": base, "block": data.hex(), "verdict": verdict, "records": found})

    def column(name: str, verdict: str, put: Any) -> None:
        body = _stock_body()
        body[4][0][2][2] = put
        case(name, verdict, body)

    def change(name: str, verdict: str, at: int, put: Any) -> None:
        body = _stock_body()
        body[at] = put
        case(name, verdict, body)

    case("three shapes, two kinds, two versions, references", "ok")
    case("signed twice", "ok", signed=[5, 8])
    case("signed everywhere", "ok", signed=list(range(9)))
    case("signed before its end only", "ok", signed=[5], records=6)
    case("not signed", "malformed", signed=[])
    column("quantities plainly", "ok", [0, [5, 7] * 3])
    column("quantities by differences", "ok", [3, [5, 2, -2, 2, -2, 2]])
    column("another dictionary", "ok", [2, [7, 5], bytes([1, 0] * 3)])
    column("another quantity", "signature", [2, [5, 8], bytes([0, 1] * 3)])
    column("true for a number", "signature", [0, [5, 7, 5, 7, 5, True]])
    column(
        "a map for the dictionary: walked it is right, asked it lies",
        "malformed",
        [2, {5: 0, 7: 0, 0: 999, 1: 888}, bytes([0, 1] * 3)],
    )
    column("a dictionary of one", "malformed", [2, [5], bytes(6)])
    column("an index beyond the dictionary", "malformed", [2, [5, 7], bytes([0, 1, 0, 1, 0, 2])])
    column("a float", "malformed", [0, [5, 7, 5, 7, 5, 7.0]])
    column("a number as key", "malformed", [0, [5, 7, 5, 7, 5, {1: 2}]])
    column("too few", "malformed", [0, [5, 7, 5, 7, 5]])
    column("an unknown form of column", "malformed", [4, [5, 7] * 3])
    plain = [
        write({"action": "raise", "has_point_in_time": NOON, "quantity": n, "store": STORE})
        for n in (5, 7) * 3
    ]
    plain += [write([1, True, None]), b"\xff\xff", write({})]
    change("whole payloads", "ok", 4, [[None, None, [[0, plain]]]])
    change("whole payloads, one of them another", "signature", 4, [[None, None, [[0, [*plain[:8], b""]]]]])
    rows = _stock_body()[4]
    change("shapes in another order", "ok", 4, [rows[2], rows[0], rows[1]])
    change("rows that descend", "malformed", 4, [[EVENT, bytes(range(5, -1, -1)), rows[0][2]], *rows[1:]])
    change("a row twice", "malformed", 4, [*rows[:2], [[], bytes([7]), []]])
    change("a row missing", "malformed", 4, rows[:2])
    change("keys out of order", "malformed", 4, [[EVENT[::-1], rows[0][1], rows[0][2][::-1]], *rows[1:]])
    change("another time", "signature", 2, [NOON + 5, 2, -2, 2, -2, 2, -7, 0, 1])
    change("a time beyond 2^53", "malformed", 2, [2**53, *[0] * 8])
    change("one version for all", "signature", 0, 1)
    change("version true", "malformed", 0, [True] * 9)
    change("another kind", "signature", 1, [["economic_event", "mote"], bytes([0] * 6 + [1] * 3)])
    change("a genesis within", "genesis", 1, [["economic_event", "genesis"], bytes([0] * 6 + [1] * 3)])
    change(
        "another reference",
        "signature",
        3,
        [b"q" * 32 + b"r" * 32, bytes([0] * 6 + [2, 1, 0]), bytes([0, 1, 1])],
    )
    change(
        "a table with a reference nobody uses",
        "ok",
        3,
        [b"r" * 32 + b"q" * 32 + b"x" * 32, bytes([0] * 6 + [2, 1, 0]), [0, 1, 1]],
    )
    change("hashes of erased payloads, for a later form", "form", 5, [])
    good = bytes.fromhex(str(cases[2]["block"]))
    cases.append(
        {"name": "cut short", "base": base, "block": good[:-1].hex(), "verdict": "malformed", "records": []}
    )
    cases.append(
        {
            "name": "a later form",
            "base": base,
            "block": (good[:1] + b"\x02" + good[2:]).hex(),
            "verdict": "form",
            "records": [],
        }
    )
    cases.append(
        {
            "name": "nothing held of the log",
            "base": None,
            "block": good.hex(),
            "verdict": "base",
            "records": [],
        }
    )
    other = {**base, "id": "00" * 32}
    cases.append(
        {
            "name": "another record before it",
            "base": other,
            "block": good.hex(),
            "verdict": "base",
            "records": [],
        }
    )
    return cases


def _long_runs() -> list[Case]:
    log = Log()
    for n in range(128):
        log.add("count", NOON, write({"quantity": n}))
    base = {"seq": 0, "id": log.ids[0].hex(), "count": 1, "size": log.sizes[0]}
    body = [1, [["count"], None], [NOON], None, [[["quantity"], None, [[3, [0, *[1] * 127]]]]], None]
    cases: list[Case] = []

    def case(
        name: str, signed: list[int], taken: int, before: dict[str, object], verdict: str = "ok"
    ) -> None:
        found = [each.hex() for each in log.ids[1 : 1 + taken]]
        data = log.block(1, body, signed).hex()
        cases.append({"name": name, "base": before, "block": data, "verdict": verdict, "records": found})

    assert places(log.sizes) == [127]
    case("128 after the genesis: the 127th is the 128th of the log and signed", [126, 127], 128, base)
    case("nothing is taken beyond the unsigned 128th", [100, 127], 101, base)
    case("nothing is left when only what is beyond it is signed", [127], 0, base, "place")
    # By size: what stands after the last place leaves room for one record, two or none.
    room = {n: {**base, "count": 3, "size": MAX_RUN_BYTES - sum(log.sizes[1 : 1 + n])} for n in range(3)}
    case("room for one: the first is a place, and signed", [0, 120, 127], 128, room[1])
    case("room for one: the first is a place, and not signed", [1, 127], 0, room[1], "place")
    case("room for two: the second is a place, and signed", [1, 120, 127], 128, room[2])
    case("room for two: only the first is signed", [0, 127], 1, room[2])
    case("room for none: the record before was a place, and signed", [127], 128, room[0])
    case(
        "room for none: the record before was a place, and not signed",
        [127],
        0,
        {**room[0], "signed": False},
        "place",
    )
    return cases
