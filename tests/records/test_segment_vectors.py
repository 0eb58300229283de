"""Segments that a second implementation wrote from docs/record-format.md mean here what they mean there."""

import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from fedsync.records import segment, shortnames
from fedsync.records.block import Base, check
from fedsync.records.ids import LogId
from fedsync.records.wire import read_outer
from tests.records.blocks import tip
from tests.records.shelf import Shelf

HERE = Path(__file__).parents[1]
CASES: list[dict[str, Any]] = json.loads((HERE / "vectors" / "segment.json").read_text())
DOCUMENT = (HERE.parent / "docs" / "record-format.md").read_text()


def held(blocks: list[str]) -> tuple[Shelf, dict[LogId, Base]]:
    """Return what a reader of these blocks holds, and where each log of it stands."""
    shelf, bases = Shelf(), dict[LogId, Base]()
    for each in blocks:
        raw = bytes.fromhex(each)
        log = read_outer(raw)[0].log
        block = check(raw, bases.get(log))
        bases[log] = tip(block, bases.get(log))
        shelf.blocks.append(block)
    return shelf, bases


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_segment_of_the_vectors(case: dict[str, Any]) -> None:
    shelf, bases = held(case["held"])
    data = bytes.fromhex(case["segment"])
    if case["verdict"] != "ok":
        with pytest.raises(segment.BadSegment) as error:
            segment.unpack(data, shelf)
        assert error.value.code == case["verdict"]
        return
    raw = segment.unpack(data, shelf)
    assert read_outer(raw)[0].log.startswith(segment.whose(data))
    head, _, _, packed = read_outer(raw)
    assert zlib.decompress(packed).hex() == case["body"]
    block = check(raw, bases.get(head.log))
    assert [each.hex() for each in block.ids] == case["records"]
    # And what is written here for that reader comes to the same, and is no longer than what a naive writer makes, but for a byte.
    ours = segment.pack(raw, shelf)
    assert segment.unpack(ours, shelf) == raw
    assert len(ours) <= len(data) + 1


def test_every_code_has_its_vector_and_the_numbers_of_the_document_are_those_of_the_code() -> None:
    assert {case["verdict"] for case in CASES} == {"ok", "malformed", "form", "base", "unknown", "check"}
    text = DOCUMENT.split("## Segments")[1].split("\n## ")[0]
    assert f"the first {shortnames.SHORT_BYTES} bytes of its id" in text
    assert f"the bodies of the {segment.RECENT_ROWS} records before" in text
    assert f"the last {segment.MAX_CONTEXT_BYTES:,} bytes" in text
    assert f"{shortnames.MAX_NAMED} different places at most" in text
    assert f"{segment.MAX_CHAINS} at most" in text
    assert re.findall(
        r"(\d+) (?:the log in full|prev in full|words|one record|all signed|the last signed|places)", text
    )[:7] == ["1", "2", "4", "8", "16", "32", "64"]
