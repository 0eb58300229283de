"""What either side of a link refuses of the other, in words for people, within bounds."""

from fedsync.gossip.events import Noted, Peer
from fedsync.gossip.limits import MAX_REFUSALS
from fedsync.records.ids import LogId


class Refusals:
    """The logs refused on each link since it stands: MAX_REFUSALS a peer, which may refuse as often as it likes."""

    def __init__(self) -> None:
        self._words: dict[Peer, dict[LogId, str]] = {}

    def begin(self, peer: Peer) -> None:
        """Forget what was refused: another link to a peer stands."""
        self._words.pop(peer, None)

    def note(self, peer: Peer, noted: Noted) -> str | None:
        """Note the last word on a log; return what to write down of it, None when a word on that log was written down before.

        Else a peer could fill a disk.
        """
        whose = "we do not take" if noted.ours else "it does not take"
        word = noted.code.encode("unicode_escape").decode()
        kept = self._words.setdefault(peer, {})
        fresh = noted.log not in kept
        if fresh and len(kept) >= MAX_REFUSALS:
            return None
        kept[noted.log] = f"{whose} log {noted.log.hex()[:8]}: {word}"
        return f"{whose} a log: {word}" if fresh else None

    def let_in(self, log: LogId) -> None:
        """Note that a log has been let in, whoever refused it."""
        for kept in self._words.values():
            kept.pop(log, None)

    def of(self, peer: Peer) -> list[str]:
        """Return what is refused on the link to a peer, for people."""
        return sorted(self._words.get(peer, {}).values())
