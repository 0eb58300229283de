"""Witnessing by hand how far another body's book has come. Of a split book that decides which branch holds (rule 7)."""

from fedsync.acts.books.minutes import find_page
from fedsync.crdt.books.booktables import Book, book, children, status
from fedsync.errors import refused, usage
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import PageId
from fedsync.records.kinds.entries import WITNESS
from fedsync.store.peers import FollowedBody


def witness(
    reading: Reading, body: FollowedBody, there: FollowedBody, asked: str | None
) -> tuple[dict[str, Value], str]:
    """Return the entry, and what it says in words. Without `asked` it is the last sealed page. Raises a Problem."""
    title = reading.name_of(there.scope)
    if there.body == body.body:
        raise usage("A body does not witness itself.", "Name another body.")
    at = book(reading.view, there.scope)
    if at is None:
        raise refused("not_held", f"The book of {title} has not come yet.", "Wait for it: fedsync status")
    page = find_page(reading, asked) if asked is not None else at.head
    rivals = _rivals(reading, there, at)
    if at.frozen and asked is None:
        raise refused(
            "split",
            f"The book of {title} is split; both are certified: {' and '.join(each.hex()[:8] for each in rivals)}.",
            "Say which of them holds: --page PAGE. See who approved both: fedsync why PAGE",
        )
    found = status(reading.view, there.scope, page)
    if found is None or not found.certified:
        raise refused(
            "not_certified",
            f"That is no page that {title} has certified.",
            f'See: fedsync book list --body "{title}"',
        )
    return (
        {"kind": WITNESS, "body": there.body, "page": page},
        f"The book of {title} has come to page {found.number} ({page.hex()[:8]}).",
    )


def _rivals(reading: Reading, there: FollowedBody, at: Book) -> list[PageId]:
    found = []
    for page in children(reading.view, at.head):
        row = status(reading.view, there.scope, page)
        if row is not None and row.certified:
            found.append(page)
    return found
