"""The tables of goods on their way: manifests, their lines, what was moved, what sides say is missing. Touches nothing.

A manifest stands in the realm
of the body that wrote it, a word on what is missing in that of the body that said it; each follows from the set of
records that count in that realm alone. So do movements. Who reads joins them.
"""

from fedsync.crdt.view import Table

TRANSFERS = Table(
    "transfer",
    ("realm", "id"),
    ("log", "seq", "provider", "receiver", "carrier", "store", "to", "due"),
    rooted=True,
)
"""Manifests. A provider or receiver is 16 bytes, a body, or a name; a carrier is a key or a name."""
LINES = Table("transfer_line", ("realm", "transfer", "item", "lot"), ("quantity", "commitment"), rooted=True)
"""`lot` is empty where goods are of none."""
CANCELS = Table("transfer_cancel", ("realm", "transfer", "log", "seq"), ("id",), rooted=True)
"""Words of bodies that what they announced will not come."""
DISCREPANCIES = Table(
    "discrepancy",
    ("realm", "transfer", "item", "lot", "log", "seq"),
    ("id", "quantity", "reason"),
    rooted=True,
)

MOVES = Table(
    "transfer_move",
    ("realm", "transfer", "item", "lot", "log", "store", "what"),
    ("sum", "events"),
    rooted=True,
)
"""What each log moved under a transfer: "picked", "dropped" or "lost"; what is lost on the way is in no store."""
MOVES_OF = Table("transfer_move_of", ("log", "transfer"), ())
"""Which transfers a log names, so that it can be taken out."""

TRANSFER_TABLES = (TRANSFERS, LINES, CANCELS, DISCREPANCIES, MOVES, MOVES_OF)
