"""What it has cost so far to read and answer one peer: one counter for all parts of a session. Pure."""


class Costs:
    """Whoever spends something on what the peer said adds it here; the engine charges the peer for it."""

    __slots__ = ("listed", "looked")

    def __init__(self) -> None:
        self.listed = 0
        """Bytes of listings that were said."""
        self.looked = 0
        """What it took to look up what segments, BODIES and LOCATEs name, in logs asked for."""
