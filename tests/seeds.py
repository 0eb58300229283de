"""Which seeds a story is played with: a few every day, as many as FEDSYNC_SEEDS says in a soak."""

import os


def seeds(usual: int) -> list[int]:
    """Return the seeds 0 to `usual` - 1, or those of FEDSYNC_SEEDS: a count, or FIRST-LAST."""
    said = os.environ.get("FEDSYNC_SEEDS", str(usual))
    first, dash, last = said.partition("-")
    return list(range(int(first), int(last) + 1)) if dash else list(range(int(said)))
