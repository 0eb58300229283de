"""docs/protocol.md says what the code does: tags, arities and limits."""

import re
from pathlib import Path

from fedsync.gossip import limits
from fedsync.gossip.messages import _READERS, Tag

DOC = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
ROWS = re.findall(r"^\| (\d+) \| ([A-Z]+) \| (.*?) ?\| .*\|$", DOC, re.MULTILINE)


def test_every_tag_is_in_the_document_and_no_other() -> None:
    assert {name: int(number) for number, name, _ in ROWS} == {tag.name: int(tag) for tag in Tag}


def test_messages_have_as_many_fields_as_the_document_says() -> None:
    for number, name, fields in ROWS:
        if name == Tag.PART.name:
            assert int(number) not in _READERS
            continue
        # Commas within brackets and parentheses do not part fields.
        flat = re.sub(r"\([^()]*\)", "", fields)
        while "[" in flat:
            flat = re.sub(r"\[[^\[\]]*\]", "x", flat)
        arity, _ = _READERS[int(number)]
        assert arity - 1 == (len(flat.split(",")) if flat else 0), name


def test_limits_are_those_of_the_document() -> None:
    rows = re.findall(r"^\| ([A-Z_]+) \| ([\d,]+) \|", DOC, re.MULTILINE)
    assert len(rows) >= 15
    for name, value in rows:
        assert getattr(limits, name) == int(value.replace(",", "")), name


def test_numbers_in_the_text_are_those_of_the_code() -> None:
    assert f"form 1 up to {limits.SMALL_SET} items" in DOC
    assert f"each lesser class goes on with one in {limits.LOW_SHARE} of the bytes" in DOC
    assert f"within {limits.CREDIT_S:.0f} s goes to the back" in DOC
    assert f"not called for {limits.BACK_OFF_S:.0f} s" in DOC
    assert f"{limits.GRAFT_S} s at least and {limits.GRAFT_MAX_S:.0f} s at most" in DOC
    assert f"after {limits.COMPARE_S:.0f} s at first" in DOC
    assert f"beyond {limits.MAX_BRANCHES} one more is taken each hour" in DOC
    assert (
        f"more than {limits.LISTED_SETS} sets sends SPANS in its place: some {limits.SPAN_SETS} sets to a span"
        in DOC
    )
    assert f"S(log)[:{limits.SHORT_BYTES}]" in DOC
