"""The vectors for other implementations: this one meets them, and a second one made them.

tests/vectors/*.json are written by scripts/make-vectors from docs/record-format.md, with a codec, curve and block
writer of their own. They are frozen; what changes one of them changes the format.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fedsync.records import codec, header, ids, places, wire
from fedsync.records.block import BadBlock, Base, check
from fedsync.records.codec import NotCanonical, pack, unpack
from fedsync.records.ed25519 import private_key, public_key, sign, verify
from fedsync.records.genesis import BadGenesis, Genesis
from fedsync.records.header import Header
from fedsync.records.ids import Key, RecordId, log_id, signed_bytes
from fedsync.records.kinds import (
    CLASS_OF,
    announcing,
    authority,
    goods,
    lending,
    motions,
    parties,
    plans,
    stock,
    transfers,
    units,
    work,
)
from fedsync.records.places import START, Place, walk
from fedsync.records.seal import Draft, seal
from tests.vectors import edwards, make, recordcases

VECTORS = Path(__file__).parent.parent / "vectors"


def cases(name: str) -> pytest.MarkDecorator:
    found = json.loads((VECTORS / name).read_text())
    return pytest.mark.parametrize("case", found, ids=lambda case: str(case["name"]))


def test_the_vectors_are_frozen() -> None:
    for name, text in make.files().items():
        assert (VECTORS / name).read_text() == text, f"{name}: see scripts/make-vectors"


def shown(value: Any) -> object:
    return recordcases.shown(value)


@cases("codec.json")
def test_codec(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["bytes"])
    if case["canonical"]:
        value = unpack(data)
        assert shown(value) == case["value"]
        assert type(value) is not bool or case["value"] in (True, False)
        assert pack(value) == data
    else:
        with pytest.raises(NotCanonical):
            unpack(data)


@cases("genesis.json")
def test_genesis(case: dict[str, Any]) -> None:
    payload = bytes.fromhex(case["payload"])
    if case["log"] is None:
        with pytest.raises(BadGenesis):
            Genesis.parse(payload)
    else:
        genesis = Genesis.parse(payload)
        assert genesis.payload == payload
        assert genesis.log.hex() == case["log"] == log_id(payload).hex()


@cases("header.json")
def test_header(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["header"])
    if case["record"] is None:
        with pytest.raises(NotCanonical):
            Header.parse(data)
        return
    parsed = Header.parse(data)
    assert parsed.pack() == data
    assert parsed.id.hex() == case["record"]
    verify(Key(bytes.fromhex(case["key"])), bytes.fromhex(case["signature"]), signed_bytes(parsed.id))
    assert sign(private_key(recordcases.ALICE), signed_bytes(parsed.id)).hex() == case["signature"]


@cases("places.json")
def test_places(case: dict[str, Any]) -> None:
    assert walk(START, [size for count, size in case["runs"] for _ in range(count)])[0] == case["places"]


GENESIS = Genesis.parse(pack(recordcases.genesis()))


@cases("block.json")
def test_block(case: dict[str, Any]) -> None:
    base = None
    if case["base"]:
        stands = case["base"]
        place = Place(stands["count"], stands["size"])
        signed = stands.get("signed", True)
        base = Base(GENESIS, stands["seq"], RecordId(bytes.fromhex(stands["id"])), place, signed)
    raw = bytes.fromhex(case["block"])
    if case["verdict"] != "ok":
        with pytest.raises(BadBlock) as refused:
            check(raw, base)
        assert refused.value.code == case["verdict"]
        return
    block = check(raw, base)
    assert [each.hex() for each in block.ids] == case["records"]
    for columns in block.columns():
        for number, at in enumerate(columns.rows):
            assert block.record(at).value == {key: column[number] for key, column in columns.cols.items()}


def test_what_is_sealed_has_the_ids_of_the_vectors() -> None:
    log = recordcases.Log()
    log.add("store", 7, pack({"name": "Granary", "scope": b"s" * 16}), [b"r" * 32])
    draft = Draft("store", {"scope": b"s" * 16, "name": "Granary"}, 7, (RecordId(b"r" * 32),))
    (block,) = seal(private_key(recordcases.ALICE), GENESIS, None, [draft])
    assert block.ids == log.ids
    assert block.sizes == log.sizes
    assert block.signatures == [(1, log.signature(1))]


def test_the_naive_curve_signs_as_the_library_does() -> None:
    private = private_key(recordcases.ALICE)
    assert public_key(private) == recordcases.KEY
    assert sign(private, b"words") == edwards.sign(recordcases.ALICE, b"words")


# --- docs/record-format.md says what the code does --------------------------------------------------------


DOCUMENT = (Path(__file__).parent.parent.parent / "docs" / "record-format.md").read_text()


def test_the_limits_of_the_document_are_those_of_the_code() -> None:
    stated = dict(re.findall(r"^\| `([A-Z_]+)` \| ([-0-9^ ]+?) \|", DOCUMENT, re.MULTILINE))
    known = {
        name: value
        for module in (codec, header, places, wire, authority, stock, goods, parties)
        for name, value in vars(module).items()
        if name.startswith(("MAX_", "INT_")) and type(value) is int
    }
    assert {name: eval(number.replace("^", "**"), {}) for name, number in stated.items()} == known


def test_the_tags_of_the_document_are_those_of_the_code() -> None:
    stated = set(re.findall(r'"(fedsync/1/[a-z]+\\0)"', DOCUMENT))
    known = {value for name, value in vars(ids).items() if name.endswith("_TAG")}
    assert {tag.encode().decode("unicode_escape").encode() for tag in stated} == known


def test_the_kinds_of_the_document_stand_in_their_class_and_are_read() -> None:
    stated = dict(re.findall(r"^    ([a-z_]+) +(authority|plans|facts|texts) +[\[{]", DOCUMENT, re.MULTILINE))
    books = {authority.PAGE, authority.SIGNATURE, authority.APPROVAL, authority.PERSON, authority.POST}
    read = {*books, announcing.ANNOUNCEMENT, motions.MOTION, motions.VOTE, motions.DISSENT, units.FACTOR}
    read |= {*stock.PARSERS, *plans.PARSERS, *transfers.PARSERS, lending.LOAN, lending.BOOKING}
    read |= {work.PLAN, work.SHIFT, work.SIGNUP, work.TALLY}
    assert stated == {kind: CLASS_OF[kind].name.lower() for kind in read}


def test_the_classes_reaches_and_codes_of_the_document_are_those_of_the_code() -> None:
    classes = re.search(r"class: (.*)", DOCUMENT)
    reaches = re.search(r"reach: (.*)", DOCUMENT)
    assert classes is not None
    assert reaches is not None
    assert classes[1].startswith(", ".join(f"{each.value} {each.name.lower()}" for each in ids.LogClass))
    assert reaches[1].startswith(", ".join(f"{each.value} {each.name.lower()}" for each in ids.Reach))
    source = "".join((Path(wire.__file__).parent / f"{name}.py").read_text() for name in ("wire", "block"))
    codes = set(re.findall(r'BadBlock\(\s*"([a-z]+)"', source)) | {"signature", "place"}
    table = set(re.findall(r"^\| `([a-z]+)` \| refused", DOCUMENT, re.MULTILINE))
    assert table == codes
    corpus = {case["verdict"] for case in json.loads((VECTORS / "block.json").read_text())}
    assert corpus - {"ok"} == codes - {"oversize"}


def test_the_script_only_compares_when_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["make-vectors", "--check"])
    before = {path: path.stat().st_mtime_ns for path in VECTORS.glob("*.json")}
    assert make.main() == 0
    assert {path: path.stat().st_mtime_ns for path in VECTORS.glob("*.json")} == before
