"""Another node beside this one, body by body, from what `fedsync status --json` said there."""

import json
from collections.abc import Sequence

from fedsync.cli.texts import read_text
from fedsync.comparing import DIFFERS, ELSEWHERE, SAME, UNSHARED, Compared, beside, roots
from fedsync.errors import usage
from fedsync.reading import Reading

_WORDS = {
    SAME: "the same",
    DIFFERS: "NOT the same. If both hold the same records (fedsync peers list), please report it",
    ELSEWHERE: "not compared: the other node follows more of it, or less",
    UNSHARED: "not compared: the other node does not follow it",
}


def beside_file(reading: Reading, file: str) -> list[Compared]:
    """Return how our bodies compare with what another node said. Raises a Problem (exit 2)."""
    try:
        said = json.loads(read_text(file))
    except (json.JSONDecodeError, RecursionError):
        raise usage(f"{file} is no JSON.", "At the other node, type: fedsync status --json > FILE") from None
    return beside(roots(reading), said)


def beside_lines(compared: Sequence[Compared]) -> list[str]:
    """Return a line for each body."""
    return [f"{each.name} ({each.body[:8]}): {_WORDS[each.how]}." for each in compared]
