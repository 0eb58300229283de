"""What a batch says of the network, beside what it folds: records that end a log, what is urgent, and nodes that are named or dropped.

The door of the node looks at each batch before it is committed: what is pinned is pinned in the transaction that sealed the
page which says so. Others ask after the commit.
"""

from fedsync.crdt.books.addresstables import ANNOUNCEMENTS
from fedsync.crdt.books.booktables import MANDATE_CUTS, NODES, POSTS, SETTLED, SOUND, STATUSES
from fedsync.crdt.books.urgent import urgent_records
from fedsync.crdt.logs.pins import logs_ended, pin_of
from fedsync.crdt.view import Draft, View
from fedsync.records.ids import LogClass, LogId, PageId
from fedsync.store.store import Store

_NETWORK = (NODES, POSTS, ANNOUNCEMENTS, STATUSES, SOUND)
"""What nodes are named, and where they answer. Any page may move the bodies around ours, too, and any epoch that is settled."""


class Notices:
    """What has changed since somebody asked. Touches the pins of the store, in the open transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._repinned: list[LogId] = []
        self._renamed = False
        self._hurried: list[LogId] = []

    def look(self, draft: Draft) -> None:
        """See what a batch has changed, at its end."""
        for table, key in draft.changes:
            if table is SETTLED:
                self.pin(draft, LogId(key[1]))  # type: ignore[arg-type]
            elif table is MANDATE_CUTS:
                for log in logs_ended(draft, (PageId(key[2]), int(key[3]))):  # type: ignore[arg-type]
                    self.pin(draft, log)
            elif table in _NETWORK:
                self._renamed = True
        for log, seq in urgent_records(draft):
            if self._store.logs.hurry(log, seq):
                self._hurried.append(log)

    def pin(self, view: View | Draft, log: LogId) -> None:
        """Pin a log that is held at the record that a book ends it at; only its chain is judged then."""
        logs = self._store.logs
        row = logs.row(log)
        if row is None or row.genesis.log_class is LogClass.AUTHORITY:
            return
        pin = pin_of(view, row.genesis)
        if logs.unpin(log) if pin is None else logs.pin(log, *pin):
            self._repinned.append(log)

    def unpin_stale(self, view: View) -> None:
        """Take back pins that no book says any more, after all was folded again."""
        for log in self._store.logs.all_pinned():
            self.pin(view, log)

    def forget(self) -> None:
        """Forget what was seen: the batch was rolled back."""
        self._repinned.clear()
        self._hurried.clear()

    def hurried(self) -> list[LogId]:
        """Return, once and after the commit, the logs of which more goes before all else than before."""
        found, self._hurried = self._hurried, []
        return list(dict.fromkeys(found))

    def repinned(self) -> list[LogId]:
        """Return, once and after the commit, the logs whose pins changed: peers are told where they stand now."""
        found, self._repinned = self._repinned, []
        return found

    def renamed(self) -> bool:
        """Say, once and after the commit, whether other nodes may be let in, or are called elsewhere, than before."""
        found, self._renamed = self._renamed, False
        return found
