"""What our own book makes kin, kept up as books change; and who may have what stays within a region.

Reads the state of a store; writes nothing.
"""

from fedsync.crdt.books.booktables import page_row
from fedsync.crdt.books.kin import Circles, Circulation, circulation, has_region, kin
from fedsync.crdt.view import Draft, View
from fedsync.records.ids import Extent, PageId, Scope
from fedsync.store.peers import Followed


class Kindred:
    """As of the last `look`."""

    def __init__(self, followed: Followed) -> None:
        self._followed = followed
        self._circles = Circles()
        self._tags: dict[PageId, Scope] = {}
        """The founding tags of kin, by their own pages 0: such a tag never changes."""
        self.strict = False
        """Whether our book says what is followed, and not what peers announce: it joined something."""
        self.kin: dict[PageId, Extent] = {}
        """The bodies that are to be followed, and how much of each."""

    def look(self, view: View | Draft) -> None:
        """Work out anew what is kin."""
        own = next((each for each in self._followed.all() if each.source == "own"), None)
        self.strict, self.kin = False, {}
        if own is not None:
            self.strict = has_region(view, own.body, self._circles)
            self.kin = kin(view, own.body, self._circles)
        for body in self.kin.keys() - self._tags.keys():
            if (tag := self.tag(view, body)) is not None:
                self._tags[body] = tag

    def lacking(self) -> dict[PageId, Extent]:
        """Return the kin of which so much is not followed yet, under the tag of their own page 0 where that is held."""
        if not self.strict:
            return {}
        held = {
            each.body: each.extent
            for each in self._followed.all()
            if self._tags.get(each.body, each.scope) == each.scope
        }
        return {body: extent for body, extent in self.kin.items() if held.get(body, 0) < extent}

    def mistaken(self) -> list[Scope]:
        """Return the tags under which kin are followed by the word of peers, and which are not their own."""
        return [
            each.scope
            for each in self._followed.all()
            if each.source in ("kin", "announced") and self._tags.get(each.body, each.scope) != each.scope
        ]

    def tag(self, view: View | Draft, body: PageId) -> Scope | None:
        """Return the founding tag of a body by its own page 0, None while that is not held. Nobody else can be trusted with it."""
        page = page_row(view, body)
        return page.scope if page is not None else None

    def circulation(self, view: View) -> Circulation:
        """Return who may have what goes only as far as a region, of the bodies that are followed."""
        return circulation(view, [each.scope for each in self._followed.all()], self._circles)
