"""What a peer says that it follows, as a session tells it."""

from fedsync.gossip.aliases import Naming
from fedsync.gossip.following import Following, Row, pack_rows
from fedsync.gossip.messages import Bodies

SALT = b"saltsalt"


def tells(*rows: Row, salt: bytes = SALT) -> Bodies:
    """Return the page that tells these bodies, and no others."""
    (page,) = Naming(Following(pack_rows(rows)), salt).told.pages()
    return page
