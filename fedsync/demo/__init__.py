"""`fedsync demo`: a federation on this machine, so that people see what a node does before they found their own.

Real daemons, real links, real data; only the machines are missing. Touches one directory, which is removed
afterwards unless it is to be kept, and the processes that it starts, which are stopped whatever happens.
"""

from pathlib import Path
from typing import Any

from fedsync.demo.board import Speaker
from fedsync.demo.story import tell


def demonstrate(nodes: int, keep: Path | None, out: Speaker) -> dict[str, Any]:
    """Show a federation of so many nodes (2 to 21) and return what came of it.

    `converged` says whether all nodes ended the same. With `keep`, the homes stay there. Raises a Problem when
    it cannot begin, or a daemon ends before its time.
    """
    return tell(nodes, keep, out)
