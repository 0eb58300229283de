"""What this node thinks of its peers: local, small, fading, and kept through restarts. Pure; clocks come in, and may jump.

A score is nobody else's business and decides nothing about what counts. It says whom to call last and whom to give up first.
It halves in a day, so that nobody is bad for ever, nor good. A clock that goes back changes nothing; one that leaps ahead
forgives a week at most.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgpack

from fedsync.gossip.deeds import Deed
from fedsync.gossip.events import Peer

HALF_LIFE_MS: Final = 86_400_000
LEAP_MS: Final = 7 * HALF_LIFE_MS
"""What passes at most between two looks at the clock, in ms: a server without a battery leaps by decades."""
WORST: Final = -10.0
BEST: Final = 1.0
"""Bounds of a score: what is worse or better than these is not more so."""
GAP_MS: Final = 10_000
"""Between two deeds of a kind that count both, where more of them are one."""
MOST_PEERS: Final = 1024
"""Peers of whom something is thought; above it, whoever is nearest to nothing is forgotten."""
KEPT_AS: Final = "scores"
"""Under this name the shell keeps them in its store."""
BAD_WORDS: Final = -0.1
"""Below this a bad deed is worth a word to people."""
_FORM: Final = 1


@dataclass(slots=True)
class _Standing:
    score: float
    at: int
    """When it was that, in ms since 1970."""
    worst: str = ""
    """The last bad deed, by name."""
    noted: dict[Deed, int] | None = None


class Scores:
    """What one node thinks of its peers."""

    def __init__(self) -> None:
        self._of: dict[Peer, _Standing] = {}
        self.changed = False
        """Whether there is something new to keep; whoever keeps it sets it back."""

    def note(self, peer: Peer, deed: Deed, now_ms: int) -> None:
        """Think better or worse of a peer."""
        found = self._of.get(peer)
        if found is None:
            self._make_room(now_ms)
            found = self._of[peer] = _Standing(0.0, now_ms)
        weight = deed.value
        if not weight.often:
            noted = found.noted = {} if found.noted is None else found.noted
            if 0 <= now_ms - noted.get(deed, now_ms - GAP_MS) < GAP_MS:
                return
            noted[deed] = now_ms
        score = _faded(found, now_ms) + weight.score
        found.score, found.at = min(BEST, max(WORST, score)), now_ms
        if weight.score < 0:
            found.worst = deed.name
        self.changed = True

    def of(self, peer: Peer, now_ms: int) -> float:
        """Return a peer's score now: 0 when nothing is known."""
        found = self._of.get(peer)
        return 0.0 if found is None else _faded(found, now_ms)

    def words(self, peer: Peer, now_ms: int) -> str:
        """Say for people what is thought of a peer."""
        score = self.of(peer, now_ms)
        found = self._of.get(peer)
        if score <= BAD_WORDS and found is not None and found.worst:
            return Deed[found.worst].value.words
        return "serves well" if score >= -BAD_WORDS else "has done little so far"

    def __len__(self) -> int:
        return len(self._of)

    def _make_room(self, now_ms: int) -> None:
        if len(self._of) >= MOST_PEERS:
            least = min(self._of, key=lambda peer: abs(self.of(peer, now_ms)))
            del self._of[least]

    # --- Keeping --------------------------------------------------------------------------------------

    def pack(self) -> bytes:
        """Return the bytes to be kept."""
        rows = [[peer, each.score, each.at, each.worst] for peer, each in self._of.items()]
        packed: bytes = msgpack.packb([_FORM, rows])
        return packed

    @classmethod
    def unpack(cls, data: bytes) -> "Scores":
        """Return what `pack` kept; nothing is thought of anybody when the bytes mean nothing here."""
        found = cls()
        try:
            form, rows = msgpack.unpackb(data)
            if form == _FORM:
                found._of = _rows(rows)
        except (ValueError, TypeError, msgpack.exceptions.UnpackException):
            pass
        return found


def _faded(found: _Standing, now_ms: int) -> float:
    passed = min(max(now_ms - found.at, 0), LEAP_MS)
    return found.score * float(0.5 ** (passed / HALF_LIFE_MS))


def _rows(rows: Iterable[Any]) -> dict[Peer, _Standing]:
    found: dict[Peer, _Standing] = {}
    for peer, score, at, worst in rows:
        sound = isinstance(peer, bytes) and isinstance(score, float) and isinstance(at, int)
        if not sound or not WORST <= score <= BEST or (worst and worst not in Deed.__members__):
            raise ValueError("no row of a score")
        found[Peer(peer)] = _Standing(score, at, worst)
    return dict(list(found.items())[:MOST_PEERS])
