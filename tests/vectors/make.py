"""Writes the vectors that lie beside it; `--check` only compares.

The vectors are frozen: if this would write other bytes than those that are there, the format has changed,
and every signature made under the old one is lost. Run it to add cases, not to make a test pass.
"""

import json
import sys
from pathlib import Path

from tests.vectors import recordcases, segmentcases, signatures

HERE = Path(__file__).parent


def files() -> dict[str, str]:
    """Return the text of each file."""
    made = {
        "ed25519.json": signatures.cases(),
        "segment.json": segmentcases.segments(),
        **recordcases.files(),
    }
    return {name: _lines(cases) for name, cases in made.items()}


def _lines(cases: list[dict[str, object]]) -> str:
    """Return JSON with one case a line, so that a change shows as the case that changed."""
    return "[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n"


def main() -> int:
    """Write the files, or with --check return 1 when one of them would change."""
    changed = [name for name, text in files().items() if not _holds(HERE / name, text)]
    if "--check" not in sys.argv:
        for name in changed:
            (HERE / name).write_text(files()[name])
    print("\n".join(f"{name} differs" for name in changed) or "unchanged")
    return 1 if changed and "--check" in sys.argv else 0


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
