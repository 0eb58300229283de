"""Copied and restored data directories: which of them may go on with the logs that this store has written.

Touches `meta`. Two writers of one log fork it, and a fork costs a community its teller's seat; that is how
people lose identities elsewhere. So a directory that finds itself in another place, or behind what a peer
remembers of it, writes to none of its old logs: it pulls its own records from peers first, and then the operator
says whether the old machine is gone. A machine rolled back by its host cannot be told from a crash; only a
peer's memory tells.

| state | how it comes | how it ends |
|---|---|---|
| SAME | made here, or settled | |
| COPIED | the fingerprint of machine and inode differs at open | a sync with a peer, then the operator's word |
| RESTORED | a peer remembers a higher counter of this journal | the same |
"""

from dataclasses import dataclass
from enum import Enum

from fedsync.store.errors import NotSettled
from fedsync.store.journal import Journal
from fedsync.store.meta import Meta
from fedsync.store.peers import Peers

INCARNATION_BYTES = 16


class Place(Enum):
    """How this directory stands to the one that its logs were written in."""

    SAME = "same"
    COPIED = "copied"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class MayWrite:
    """Whether own logs may be written, and if not, why and what to do."""

    ok: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.ok


class Directory:
    """The standing of this data directory. Writes belong in the open transaction."""

    def __init__(self, meta: Meta, journal: Journal, peers: Peers) -> None:
        self._meta, self._journal, self._peers = meta, journal, peers

    @property
    def place(self) -> Place:
        """How this directory stands."""
        return Place(self._meta.text("place") or "same")

    @property
    def incarnation(self) -> bytes:
        """The random number that the logs begun in this directory carry."""
        return self._meta.data("incarnation")

    @property
    def has_pulled(self) -> bool:
        """Whether a sync with a peer was completed since the directory stopped being SAME."""
        return self._meta.number("pulled") == 1

    def may_write_own_logs(self) -> MayWrite:
        """Say whether own logs may be written to, with a sentence for the operator if not."""
        match self.place:
            case Place.SAME:
                return MayWrite(True)
            case Place.COPIED:
                why = "this data directory was copied or moved from another place"
            case Place.RESTORED:
                why = "a peer remembers more of this node than this data directory does: it was restored"
        if not self.has_pulled:
            return MayWrite(False, f"{why}; let it sync with a peer first, to get back its own records")
        return MayWrite(
            False, f"{why}; say whether the old machine is gone (--old-machine-is-gone) or still runs"
        )

    # --- What happens to it ---------------------------------------------------------------------------

    def arrive(self, fingerprint: bytes, fresh_journal: bytes) -> Place:
        """Compare where the file is with where it was; another place begins a new journal."""
        if self._meta.data("fingerprint") != fingerprint:
            self._meta.set("fingerprint", fingerprint)
            self._unsettle(Place.COPIED, fresh_journal)
        return self.place

    def note_rollback(self, fresh_journal: bytes) -> None:
        """A peer remembers a higher counter of this journal than it has: records of ours are missing here."""
        if self.place is Place.SAME:
            self._unsettle(Place.RESTORED, fresh_journal)
        else:
            self._journal.renew(fresh_journal)
            self._meta.set("pulled", None)

    def note_synced(self) -> None:
        """A sync with a peer was completed: what peers hold of our logs is here again."""
        if self.place is not Place.SAME:
            self._meta.set("pulled", 1)

    def settle_old_machine_gone(self, *, no_peers: bool = False) -> None:
        """Go on with the old logs from what is held now. Raises NotSettled before a sync with a peer.

        `no_peers` is the operator's word that there is nobody to pull from.
        """
        self._demand_pulled(no_peers)
        self._settle()

    def settle_new_incarnation(self, incarnation: bytes, *, no_peers: bool = False) -> None:
        """Leave the old logs to the old machine; new logs begin under `incarnation`. Raises as the other."""
        if len(incarnation) != INCARNATION_BYTES:
            raise ValueError(f"an incarnation has {INCARNATION_BYTES} bytes")
        if incarnation == self.incarnation:
            raise ValueError("that is the old incarnation")
        self._demand_pulled(no_peers)
        self._meta.set("incarnation", incarnation)
        self._settle()

    def _demand_pulled(self, no_peers: bool) -> None:
        if self.place is Place.SAME or self.has_pulled:
            return
        if no_peers:
            known = [peer.name for peer in self._peers.all()]
            if not known:
                return
            # A peer that is only out of reach may hold what is missing here; writing on would fork the logs.
            raise NotSettled(
                f"peers are known: sync with one, or remove those that are gone ({', '.join(known)})"
            )
        raise NotSettled("no peer was reached since this data directory was copied or restored: sync first")

    def _unsettle(self, place: Place, fresh_journal: bytes) -> None:
        self._journal.renew(fresh_journal)
        self._meta.set("place", place.value)
        self._meta.set("pulled", None)

    def _settle(self) -> None:
        self._meta.set("place", Place.SAME.value)
        self._meta.set("pulled", None)


def begin_directory(meta: Meta, fingerprint: bytes, incarnation: bytes) -> None:
    """Write the standing of a store that is being made."""
    if len(incarnation) != INCARNATION_BYTES:
        raise ValueError(f"an incarnation has {INCARNATION_BYTES} bytes")
    meta.set("fingerprint", fingerprint)
    meta.set("incarnation", incarnation)
    meta.set("place", Place.SAME.value)
