"""The table of where nodes answer by their own word. Touches nothing."""

from fedsync.crdt.view import Table

ANNOUNCEMENTS = Table(
    "announcement",
    ("scope", "key", "log"),
    ("seq", "record", "time", "addresses", "relay", "reach"),
    rooted=True,
)
"""The newest announcement of each log of a node, with its addresses in a row; none: taken back. Whether the node is
named by a book is asked when it is read: a book may name it later, or drop it."""

ADDRESS_TABLES = (ANNOUNCEMENTS,)
