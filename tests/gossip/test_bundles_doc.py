"""docs/bundles.md says what the code does: kinds and bounds."""

import re
from pathlib import Path

from fedsync.bundling import turns
from fedsync.daemon import arriving
from fedsync.gossip.bundles import chunks, field, form, making, parity
from fedsync.store import ahead, carried

DOC = (Path(__file__).parents[2] / "docs" / "bundles.md").read_text()


def test_every_kind_is_in_the_document() -> None:
    rows = {name: int(number) for number, name in re.findall(r"^\| (\d+) \| ([A-Z]+) \|", DOC, re.MULTILINE)}
    assert rows == {
        **{kind.name: int(kind) for kind in form.Kind},
        "ABOUT": parity.ABOUT,
        "MENDING": parity.MENDING,
    }


def test_bounds_are_those_of_the_document() -> None:
    rows = re.findall(r"^\| ([A-Z_]{4,}) \| ([\d,]+) \|", DOC, re.MULTILINE)
    assert len(rows) >= 16
    for name, value in rows:
        (found,) = {
            getattr(room, name)
            for room in (chunks, form, making, parity, turns, arriving, ahead, carried)
            if hasattr(room, name)
        }
        assert found == int(value.replace(",", "")), name


def test_magic_and_mark_are_those_of_the_document() -> None:
    assert f"magic = {chunks.MAGIC.hex(' ')}\n" in DOC
    assert f"mark = {chunks.MARK.hex(' ')}\n" in DOC
    assert f"polynomial {field.POLYNOMIAL:#x}," in DOC
