"""What the tests of daemons share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.village import Village


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    """Give a place for nodes; whatever runs at the end is stopped, and none may have fallen over."""
    made = Village(tmp_path)
    try:
        yield made
    finally:
        made.end()
    for node in made.nodes:
        assert "Traceback" not in node.said(), node.said()
        assert "fedsync made a mistake" not in node.said(), node.said()
